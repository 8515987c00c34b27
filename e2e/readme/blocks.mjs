// What documents tell their reader to do, in its order: the fenced blocks, and what comments beside them say to the test.
//
// A comment stands in lines of its own right before its block:
//   <!-- test: what runs is stopped -->         servers get their Ctrl-C before the block, as the text says there
//   <!-- test: saved as wave.mjs -->            the block is a file, which a later command runs
//   <!-- test: `node wave.mjs` shows: REGEX --> what that command of the block has to print
//   <!-- test: output of `COMMAND` -->          the block shows what that command prints; numbers may differ
//   <!-- test: `COMMAND` is skipped: WHY -->    that command of the block is not run

/** The documents that are followed, in the order in which a reader comes to them. */
export const DOCUMENTS = ["README.md", "docs/tour.md"];

/** Words after ``` of blocks that are typed into a shell. */
const SHELL = ["", "sh", "bash"];

/**
 * The blocks of a Markdown text: `{ line, language, lines, stop, file, outputOf, shows, skips }`. Throws where a comment
 * cannot be understood or names a command that its block does not have.
 */
export function blocksOf(markdown) {
  const blocks = [];
  const lines = markdown.split("\n");
  let notes = [];
  for (let at = 0; at < lines.length; at++) {
    const note = /^<!-- test: (.+) -->$/.exec(lines[at]);
    if (note) {
      notes.push({ text: note[1], line: at + 1 });
      continue;
    }
    const fence = /^```\s*(\w*)/.exec(lines[at]);
    if (!fence) {
      if (notes.length > 0) throw new Error(`line ${notes[0].line}: no block follows this comment`);
      continue;
    }
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block has no end`);
    blocks.push(block(at + 1, fence[1], lines.slice(at + 1, end), notes));
    notes = [];
    at = end;
  }
  return blocks;
}

function block(line, language, lines, notes) {
  const read = { line, language, lines, stop: false, file: null, outputOf: null, shows: [], skips: [] };
  const commands = SHELL.includes(language) ? commandsOf(read).map(({ text }) => text) : [];
  for (const note of notes) {
    const fail = (why) => {
      throw new Error(`line ${note.line}: ${why}: ${note.text}`);
    };
    const [, command, verb, rest] = /^`(.+?)` (shows|is skipped): (.+)$/.exec(note.text) ?? [];
    const saved = /^saved as (\S+)$/.exec(note.text);
    const output = /^output of `(.+)`$/.exec(note.text);
    if (command) {
      if (!commands.includes(command)) fail("the block has no such command");
      if (verb === "shows") read.shows.push({ command, pattern: new RegExp(rest, "m") });
      else read.skips.push({ command, why: rest });
    } else if (saved) read.file = saved[1];
    else if (output) read.outputOf = output[1];
    else if (note.text === "what runs is stopped") read.stop = true;
    else fail("not understood");
  }
  return read;
}

/** Whether a block is typed into a shell. */
export function isShell({ language, file, outputOf }) {
  return SHELL.includes(language) && !file && !outputOf;
}

/** The commands of a block: `{ text, comment }`, the text without the comment. */
export function commandsOf({ lines }) {
  const commands = [];
  for (const line of lines.join("\n").replaceAll("\\\n", " ").split("\n")) {
    const [, text, comment] = /^(.*?)(?:(?:^|\s+)#\s*(.*))?$/.exec(line.trim());
    if (text) commands.push({ text, comment: comment ?? "" });
  }
  return commands;
}

/** The addresses that a block of HTML takes pictures from. */
export function sourcesOf({ lines }) {
  return [...lines.join("\n").matchAll(/src="([^"]+)"/g)].map((match) => match[1]);
}

/** The ports that the commands of a text use. */
export function portsOf(markdown) {
  const found = [...markdown.matchAll(/127\.0\.0\.1:(\d+)|--port (\d+)/g)];
  return [...new Set(found.map(([, one, other]) => Number(one ?? other)))].sort((a, b) => a - b);
}

/**
 * The first line of a shown output that an output does not have, or null: numbers and space may differ, a line with
 * only `…` stands for any number of lines.
 */
export function missingLine(shown, output) {
  const plain = (line) =>
    line
      .trim()
      .replace(/\d+(\.\d+)?/g, "0")
      .replace(/\s+/g, " ");
  const wanted = shown.map(plain).filter((line) => line !== "");
  const there = output
    .split("\n")
    .map(plain)
    .filter((line) => line !== "");
  let from = 0;
  let gap = true;
  for (const line of wanted) {
    if (line === "…") {
      gap = true;
      continue;
    }
    const at = there.indexOf(line, from);
    if (at < 0 || (!gap && at !== from)) return line;
    from = at + 1;
    gap = false;
  }
  return null;
}
