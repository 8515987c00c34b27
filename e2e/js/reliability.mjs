// What docs/reliability.md says in its tables.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./prometheus.mjs";

/** @typedef {{ what: string, line: string, metric: string, alert: string }} Seen How a fault is seen. */

/** First cells and others of the table in a part of the page. */
const rows = (/** @type {string} */ part) =>
  part
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.replace(/^\| (.*) \|$/, "$1").split(/ ?\| /));

/** @returns {Seen[]} */
const seenIn = (/** @type {string} */ part) =>
  rows(part).map(([what, line, metric, alert]) => ({ what, line, metric, alert }));

/** What is promised, what was done on purpose, with their tests, how each of that is seen, and how whatever else goes wrong is. */
export function reliability() {
  const page = readFileSync(join(ROOT, "docs/reliability.md"), "utf8");
  const [, promised, done, seen, others] = page.split(/^#{2,3} .*$/m);
  return {
    promised: rows(promised).map(([what, test]) => ({ what, test })),
    done: rows(done).map(([what]) => what),
    tests: rows(done).map(([what, , , test]) => ({ what, test })),
    seen: seenIn(seen),
    others: seenIn(others),
  };
}

export const alertsOf = (/** @type {Seen} */ { alert }) =>
  Array.from(alert.matchAll(/\bSightwire\w+/g), ([name]) => name);

/** What the log says where it is seen; "…" stands for any text. */
export function linesOf(/** @type {Seen} */ { line }) {
  const texts = Array.from(line.matchAll(/`([^`]+)`/g), ([, text]) => text);
  const escaped = (/** @type {string} */ text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return texts.map((text) => new RegExp(text.split("…").map(escaped).join(".*")));
}
