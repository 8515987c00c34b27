// What the pages' JavaScript weighs, as a browser gets it: compressed with Brotli.

import { get } from "node:http";
import { brotliDecompressSync } from "node:zlib";

/** @returns {Promise<{ bytes: number, text: string }>} */
function fetched(/** @type {URL} */ url) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": "br" } }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      if (answer.statusCode !== 200) reject(new Error(`${url}: ${answer.statusCode}`));
      const isCompressed = answer.headers["content-encoding"] === "br";
      resolve({ bytes: body.length, text: String(isCompressed ? brotliDecompressSync(body) : body) });
    }).on("error", reject);
  });
}

/** Files that a script imports before it runs, and those that it may import later. */
const AT_ONCE = /(?:from|\bimport)\s*["`]\.\/([\w.-]+\.js)["`]/g;
const LATER = /\bimport\(["`]\.\/([\w.-]+\.js)["`]\)/g;
const named = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);

/**
 * KiB of the entry, of each page, and of all scripts together. `own` is a file alone, `first` all that has to be there before
 * the page runs: the entry and what both import.
 * @param {{ url: string }} server
 */
export async function weights({ url }) {
  const { text: index } = await fetched(new URL("/", url));
  const [, entry] = /src="\.?\/?assets\/([\w.-]+\.js)"/.exec(index);
  const files = new Map();
  const wanted = [entry];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (files.has(name)) continue;
    const { bytes, text } = await fetched(new URL(`/assets/${name}`, url));
    const at = { kib: bytes / 1024, atOnce: named(text, AT_ONCE) };
    files.set(name, at);
    wanted.push(...at.atOnce, ...named(text, LATER));
  }
  const closure = (name, seen = new Set()) => {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const next of files.get(name).atOnce) closure(next, seen);
    return seen;
  };
  const sum = (names) => [...names].reduce((total, name) => total + files.get(name).kib, 0);
  const pages = [...files.keys()].flatMap((name) => {
    const [, page] = /^(\w+)Page-/.exec(name) ?? [];
    if (page === undefined) return [];
    return { page, own: files.get(name).kib, first: sum(new Set([...closure(entry), ...closure(name)])) };
  });
  return { entry: { own: files.get(entry).kib, first: sum(closure(entry)) }, pages, all: sum(files.keys()) };
}
