// A golden file: what the server said once, in sections, and how that differs from what it says now.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../golden");
const UPDATES = process.env.UPDATE_GOLDEN === "1";
const HOW = "cd e2e && UPDATE_GOLDEN=1 node --test js/golden.test.mjs";
/** Lines that are shown around a difference, and of all differences at most. */
const CONTEXT = 2;
const MAX_SHOWN = 120;
/** Of lines longer than this only what differs is shown, with so many characters around it. */
const LONG = 160;
const AROUND = 60;

/** What is recorded under one title. Scenarios that run side by side have sections of their own. */
export class Section {
  lines = [];

  constructor(title, replaced) {
    this.title = title;
    this.replaced = replaced;
  }

  write(...texts) {
    for (const text of texts.flat()) {
      // Not all come back at once.
      const alike = this.replaced(text).replace(/come back in \d s/g, "come back in <n> s");
      this.lines.push(...alike.split("\n"));
    }
  }
}

/** One golden file. */
export class Book {
  #sections = [];
  #replacements = [];

  constructor(name) {
    this.name = `${name}.txt`;
  }

  /** From now on this stands for that: ports, folders. Of several, the one that was named first goes first. */
  replace(what, by) {
    this.#replacements.push([what, by]);
  }

  /** The text with what differs from run to run replaced. */
  replaced = (text) => this.#replacements.reduce((all, [what, by]) => all.replaceAll(what, by), text);

  /** Sections stand in the file in the order in which they were begun. */
  section(title) {
    const section = new Section(title, this.replaced);
    this.#sections.push(section);
    return section;
  }

  #text() {
    const head = `What the server says, byte for byte; see CONTRIBUTING.md. If it is meant to differ:\n${HOW}\n`;
    const sections = this.#sections.map(({ title, lines }) => `\n=== ${title}\n${lines.join("\n")}\n`);
    return head + sections.join("");
  }

  /** Fails where the file says something else, or writes it. */
  settle() {
    const [path, now] = [join(FOLDER, this.name), this.#text()];
    if (UPDATES) return writeFileSync(path, now);
    assert.ok(existsSync(path), `e2e/golden/${this.name} is not there; ${HOW}`);
    const differences = differing(readFileSync(path, "utf8").split("\n"), now.split("\n"));
    if (differences.length === 0) return undefined;
    const shown = differences.slice(0, MAX_SHOWN);
    if (differences.length > shown.length)
      shown.push(`… and ${differences.length - shown.length} more lines`);
    const what = `e2e/golden/${this.name} (-) is not what the server says (+). If that is meant: ${HOW}`;
    throw new assert.AssertionError({ message: `${what}\n${shown.join("\n")}` });
  }
}

/** The differences of two lists of lines, each with what is around it and the section that it is in. */
export function differing(before, now) {
  const steps = edits(before, now);
  const near = new Set();
  steps.forEach(([sign], i) => {
    if (sign === " ") return;
    for (let at = i - CONTEXT; at <= i + CONTEXT; at += 1) near.add(at);
  });
  const shown = [];
  let [title, last] = ["", -1];
  narrow(steps);
  steps.forEach(([sign, line], i) => {
    if (line.startsWith("=== ")) title = line;
    if (!near.has(i)) return;
    if (i !== last + 1) shown.push(`@@ ${title.slice(4)}`);
    last = i;
    shown.push(`${sign} ${line}`);
  });
  return shown;
}

/** Of a long line in the place of another one, what differs and a little around it. */
function narrow(steps) {
  for (let i = 0; i + 1 < steps.length; i += 1) {
    const [[sign, before], [next, now]] = [steps[i], steps[i + 1]];
    if (sign !== "-" || next !== "+" || Math.max(before.length, now.length) < LONG) continue;
    let begin = 0;
    while (begin < before.length && before[begin] === now[begin]) begin += 1;
    let end = 0;
    const most = Math.min(before.length, now.length) - begin;
    while (end < most && before.at(-1 - end) === now.at(-1 - end)) end += 1;
    const part = (line) => {
      const [from, to] = [Math.max(0, begin - AROUND), Math.min(line.length, line.length - end + AROUND)];
      return `${from > 0 ? "…" : ""}${line.slice(from, to)}${to < line.length ? "…" : ""}`;
    };
    steps[i] = ["-", part(before)];
    steps[i + 1] = ["+", part(now)];
  }
}

/** [sign, line] for each line of either: "-" only before, "+" only now, " " in both. */
function edits(before, now) {
  let begin = 0;
  while (begin < before.length && begin < now.length && before[begin] === now[begin]) begin += 1;
  let end = 0;
  const most = Math.min(before.length, now.length) - begin;
  while (end < most && before.at(-1 - end) === now.at(-1 - end)) end += 1;
  const [a, b] = [before.slice(begin, before.length - end), now.slice(begin, now.length - end)];
  // The longest common part of what follows line i of one and line j of the other.
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const [skipA, skipB] = [common[(i + 1) * width + j], common[i * width + j + 1]];
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(skipA, skipB);
    }
  }
  const steps = before.slice(0, begin).map((line) => [" ", line]);
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push([" ", a[i]]);
      [i, j] = [i + 1, j + 1];
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      steps.push(["-", a[i]]);
      i += 1;
    } else {
      steps.push(["+", b[j]]);
      j += 1;
    }
  }
  return [...steps, ...before.slice(before.length - end).map((line) => [" ", line])];
}
