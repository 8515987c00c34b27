// README.md and what goes on from there, as `cargo xtask test readme` reads it: here only that nothing in it goes untested
// without a word.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { blocksOf, commandsOf, DOCUMENTS, isShell, missingLine, portsOf } from "../readme/blocks.mjs";

const FENCE = "```";
const block = (comment, ...lines) => [comment, FENCE, ...lines, FENCE].filter(Boolean).join("\n");

const textOf = (name) => readFile(path.resolve(import.meta.dirname, "../..", name), "utf8");
const commandsIn = (text) =>
  blocksOf(text)
    .filter(isShell)
    .flatMap(commandsOf)
    .map((command) => command.text);

test("readme_begins_with_the_demo_and_the_test_of_everything", async () => {
  const commands = commandsIn(await textOf("README.md"));
  assert.deepEqual(commands.slice(0, 2), ["cargo xtask demo", "cargo xtask test"]);
});

test("every_block_is_run_saved_or_compared", async () => {
  let found = 0;
  for (const name of DOCUMENTS) {
    const text = await textOf(name);
    const blocks = blocksOf(text);
    found += blocks.length;
    for (const each of blocks) {
      const known = isShell(each) || each.file || each.outputOf || each.language === "html";
      assert.ok(known, `${name}, line ${each.line}: nothing says what becomes of this block`);
    }
    const commands = commandsIn(text);
    for (const { file } of blocks.filter((each) => each.file)) {
      assert.ok(
        commands.some((command) => command.split(" ").includes(file)),
        `${name}: no command runs ${file}`,
      );
    }
    for (const { outputOf } of blocks.filter((each) => each.outputOf)) {
      assert.ok(
        commands.includes(outputOf),
        `${name} shows what ${outputOf} prints, and does not say to run it`,
      );
    }
  }
  assert.ok(found > 20, `${found} blocks in ${DOCUMENTS.join(", ")}`);
});

test("commands_come_without_their_comments", () => {
  const [read] = blocksOf(
    block("", "curl 127.0.0.1:8000/a#b   # why", "", "# only a comment", "one \\", "  two"),
  );
  assert.deepEqual(
    commandsOf(read).map(({ text, comment }) => [text.replace(/\s+/g, " "), comment]),
    [
      ["curl 127.0.0.1:8000/a#b", "why"],
      ["one two", ""],
    ],
  );
  assert.deepEqual(portsOf("serve --port 8001, 127.0.0.1:8000 and 127.0.0.1:8000/x"), [8000, 8001]);
});

test("a_comment_that_says_nothing_about_its_block_is_refused", () => {
  const [read] = blocksOf(block("<!-- test: `b` shows: ^\\d$ -->", "a", "b"));
  assert.deepEqual(read.shows, [{ command: "b", pattern: /^\d$/m }]);
  assert.throws(
    () => blocksOf(block("<!-- test: `c` shows: 1 -->", "a", "b")),
    /line 1: the block has no such command/,
  );
  assert.throws(() => blocksOf(block("<!-- test: be quick -->", "a")), /not understood/);
  assert.throws(() => blocksOf("<!-- test: what runs is stopped -->\ntext"), /no block follows/);
});

test("a_shown_output_has_to_be_what_is_printed_but_for_its_numbers", () => {
  const printed = "title\n\nleft   left  0.91\nup     up    0.92\nwave   wave  0.93\n\nall right\n";
  assert.equal(missingLine(["left left 0.5", "…", "wave wave 7"], printed), null);
  assert.equal(missingLine(["left left 0.5", "wave wave 7"], printed), "wave wave 0");
  assert.equal(missingLine(["left up 0.5"], printed), "left up 0");
});
