// Takes out of JSON what differs from run to run, and nothing else: keys, their order, spaces, types and all other values
// stay as they came.

import { createHash } from "node:crypto";

/** A string that is longer than this is shown by its beginning, its length and its hash. */
const LONG = 400;
const SHOWN = 60;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SPACE = /[ \t\r\n]*/y;

/** What stands for a number without a fraction, one with a fraction, and a time in seconds since 1970. */
export const INT = { is: (raw) => /^-?\d+$/.test(raw), as: "<int>" };
export const FLOAT = { is: (raw) => /^-?\d+(\.\d+([eE]-?\d+)?|[eE]-?\d+)$/.test(raw), as: "<float>" };
export const TIME = { is: (raw) => /^1\d{9}(\.\d+)?$/.test(raw), as: "<time>" };
/** What stands for a string that looks like that. */
export const text = (like, as) => ({
  is: (raw) => raw[0] === '"' && like.test(raw.slice(1, -1)),
  as: `"${as}"`,
});
export const PEER = text(/^127\.0\.0\.1:\d+$/, "127.0.0.1:<port>");

/** Several keys with one rule: { "a b": INT } is { a: INT, b: INT }. */
export function rules(table) {
  const pairs = Object.entries(table).flatMap(([keys, rule]) => keys.split(" ").map((key) => [key, rule]));
  return Object.fromEntries(pairs);
}

/**
 * JSON as it came, with values masked. A rule stands under a key, or under the end of a path with dots between its keys;
 * values in a list have the path of the list. A value that is not what the rule says, null too, stays.
 */
export function masked(json, table = {}) {
  const rules = Object.entries(table).map(([keys, rule]) => [keys.split("."), rule]);
  const ruleFor = (path) => {
    const fits = rules.filter(([keys]) => keys.every((key, i) => key === path.at(i - keys.length)));
    return fits.sort((a, b) => b[0].length - a[0].length)[0]?.[1];
  };
  let at = 0;
  let out = "";
  const take = (pattern) => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(json) ?? [];
    if (found === undefined) throw new SyntaxError(`no JSON at ${at}: ${json.slice(at, at + 40)}`);
    at += found.length;
    return found;
  };
  const pass = (character) => {
    out += take(SPACE);
    if (json[at] !== character) return false;
    [at, out] = [at + 1, out + character];
    return true;
  };
  const scalar = (path) => {
    const raw =
      json[at] === '"' ? take(STRING) : /[-\d]/.test(json[at]) ? take(NUMBER) : take(/true|false|null/y);
    const rule = raw === "null" ? undefined : ruleFor(path);
    out += rule?.is(raw) ? rule.as : shortened(raw);
  };
  const list = (end, item) => {
    if (pass(end)) return;
    do item();
    while (pass(","));
    if (!pass(end)) throw new SyntaxError(`${end} at ${at}: ${json.slice(at, at + 40)}`);
  };
  const value = (path) => {
    out += take(SPACE);
    if (pass("[")) return list("]", () => value(path));
    if (!pass("{")) return scalar(path);
    return list("}", () => {
      out += take(SPACE);
      const key = take(STRING);
      out += key;
      if (!pass(":")) throw new SyntaxError(`: at ${at}`);
      value([...path, JSON.parse(key)]);
    });
  };
  value([]);
  out += take(SPACE);
  if (at !== json.length) throw new SyntaxError(`more than one value: ${json.slice(at, at + 40)}`);
  return out;
}

/** A long string by its beginning, its length and its hash; any other as it is. */
export function shortened(raw) {
  if (raw.length <= LONG) return raw;
  return `${raw.slice(0, SHOWN)}… <${raw.length} characters, sha256 ${hash(raw)}>`;
}

export const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
