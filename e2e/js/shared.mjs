// One server for all tests of a file.

import { after, before } from "node:test";

import { start } from "./harness.mjs";

/**
 * Filled in before the first test of the file, stopped after the last.
 * @param {Parameters<typeof start>[1]} [options]
 */
export function shared(options) {
  const server = /** @type {import("./harness.mjs").Server} */ ({});
  let stop;
  before(async () => Object.assign(server, await start({ after: (end) => (stop = end) }, options)));
  after(() => stop?.());
  return server;
}
