// Lines of the server's log, by what they say and by the minute.

import { closeSync, openSync, readSync } from "node:fs";

const PIECE_BYTES = 1 << 20;
const MOST_LETTERS = 70;
/** Sums of lines that were left out are of another kind than those lines. */
const SUM = /^in \d+ s, \d+ more lines like this one: (.*)$/s;

/** What a line says, without what differs from one to the next. */
export function cause({ level, fields: { message = "" } }) {
  const sum = message.match(SUM);
  if (sum) return `${level} sum of more: ${bare(sum[1])}`;
  return `${level} ${bare(message)}`;
}

function bare(message) {
  return message
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/\w+:\/\/\S+/g, "URL")
    .replaceAll(/\b(client|label)=\S+/g, "$1=…")
    .replaceAll(/\b(?=[\w-]*\d)[\w-]+\b/g, "…")
    .split(": ")[0]
    .slice(0, MOST_LETTERS);
}

/** Follows a log that is written as JSON, an object a line. */
export class Log {
  /**
   * By cause: how many lines in each minute.
   * @type {Map<string, Map<number, number>>}
   */
  causes = new Map();
  lines = 0;
  /** Lines of errors, a few of them. */
  errors = [];
  #file;
  #rest = "";
  #begun;
  #piece = Buffer.alloc(PIECE_BYTES);

  /**
   * @param {string} path
   * @param {number} begun minutes are counted from here, in milliseconds since 1970; lines before are not
   */
  constructor(path, begun = Date.now()) {
    this.#begun = begun;
    this.#file = openSync(path, "r");
  }

  /** Takes what was written since the last time. */
  read() {
    for (let bytes = 1; bytes > 0;) {
      bytes = readSync(this.#file, this.#piece, 0, PIECE_BYTES, null);
      const lines = (this.#rest + this.#piece.toString("utf8", 0, bytes)).split("\n");
      this.#rest = lines.pop();
      for (const line of lines) if (line.startsWith("{")) this.#count(JSON.parse(line));
    }
  }

  #count(line) {
    this.lines += 1;
    const at = Date.parse(line.timestamp);
    if (at < this.#begun) return;
    const minute = Math.floor((at - this.#begun) / 60_000);
    const name = cause(line);
    const minutes = this.causes.get(name) ?? new Map();
    this.causes.set(name, minutes);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    if (line.level === "ERROR" && this.errors.length < 20) this.errors.push(line.fields.message);
  }

  close() {
    this.read();
    closeSync(this.#file);
  }
}
