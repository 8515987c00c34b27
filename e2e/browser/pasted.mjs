// Snippets of the pages, run as the programs that they are pasted into.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { until } from "../js/harness.mjs";
import { test } from "./fixtures.mjs";

/** Where a snippet is kept, and what runs it. */
export const PROGRAMS = /** @type {const} */ ([
  ["JavaScript", "try.mjs", process.execPath],
  ["Python", "try.py", resolve("../.sightwire/venv/bin/python")],
]);

/** Runs code as a program of its own until its output matches. */
export async function pasted(program, file, code, expected) {
  test.skip(!existsSync(program), `${program} is not there`);
  // Below this package, because that is where `import` finds socket.io-client.
  mkdirSync("test-results/snippets", { recursive: true });
  const path = resolve("test-results/snippets", file);
  writeFileSync(path, code);
  const child = spawn(program, [path], {
    env: { ...process.env, FORCE_COLOR: "0", PYTHONUNBUFFERED: "1" },
  });
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  try {
    await until(() => expected.test(output), `output of ${file} like ${expected}`).catch((error) => {
      throw new Error(`${error.message}\n${output}`);
    });
  } finally {
    child.kill("SIGKILL");
  }
}
