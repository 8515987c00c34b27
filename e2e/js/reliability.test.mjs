// The page on reliability names the test that holds each promise: is it there?

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT } from "./prometheus.mjs";
import { reliability } from "./reliability.mjs";

const FILES = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
/** Suites of `cargo xtask test` that are named as they are. */
const SUITES = new Set(["fuzz", "soak"]);

/** Files of the repository that a name means: a path from its root, the end of one, or a folder. */
const filesOf = (/** @type {string} */ name) =>
  FILES.filter((path) => path === name || path.endsWith(`/${name}`) || path.startsWith(`${name}/`));

/**
 * What is wrong with a cell such as "`slow.rs` `a_viewer_…`, `e2e/packages` (`--full`)": files, and tests of the file before them.
 * @param {string} cell
 */
function wrongIn(cell) {
  const wrong = [];
  let texts = [];
  for (const [, name] of cell.matchAll(/`([^`]+)`/g)) {
    if (name.startsWith("-") || name.startsWith("cargo ") || SUITES.has(name)) continue;
    if (/[./]/.test(name)) {
      const files = filesOf(name);
      if (files.length === 0) wrong.push(`no file ${name}`);
      texts = files.map((path) => readFileSync(join(ROOT, path), "utf8"));
    } else {
      // Names of tests are shortened with "…", and words of a title stand between quotes in the file.
      const parts = name.split("…").filter(Boolean);
      const isIn = (text) => parts.every((part) => text.includes(part));
      if (!texts.some(isIn)) wrong.push(`no test ${name} in the file before it`);
    }
  }
  return wrong;
}

test("each_promise_and_each_fault_of_the_page_names_tests_that_are_there", () => {
  const { promised, tests } = reliability();
  assert.ok(promised.length > 10 && tests.length > 20);
  for (const { what, test } of promised) assert.ok(test.includes("`"), `${what}: no test`);
  const wrong = [...promised, ...tests].flatMap(({ what, test }) =>
    wrongIn(test).map((error) => `${what.slice(0, 60)}: ${error}`),
  );
  assert.deepEqual(wrong, []);
});

test("a_test_that_is_not_there_is_missed", () => {
  assert.deepEqual(wrongIn("`reliability.test.mjs` `a_test_that_is_not_there_…`, `e2e/js` (`--full`)"), []);
  assert.deepEqual(wrongIn("`no_such.rs`"), ["no file no_such.rs"]);
  assert.deepEqual(wrongIn("`reliability.mjs` `a_test_of_no_file`"), [
    "no test a_test_of_no_file in the file before it",
  ]);
});
