// Files that all workers of a run share: whoever needs one first makes it.

import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

import { sleep } from "../js/harness.mjs";

// Playwright empties this folder before each run.
const FOLDER = resolve("test-results/made");

/** The path of a file or folder; `make` writes it to the path that it is given. */
export async function once(name, make) {
  const file = join(FOLDER, name);
  const making = join(FOLDER, `making-${name}`);
  await mkdir(FOLDER, { recursive: true });
  while (!existsSync(file)) {
    try {
      await mkdir(making);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      await sleep(20);
      continue;
    }
    try {
      // Another worker may have been done just before.
      if (existsSync(file)) break;
      const own = join(making, name);
      await make(own);
      await rename(own, file);
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }
  return file;
}
