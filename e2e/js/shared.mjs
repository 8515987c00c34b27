// One server for all tests of a file.

import { after, before } from "node:test";

import { start } from "./harness.mjs";

/** Filled in before the first test of the file, stopped after the last. */
export function shared(options) {
  const server = {};
  let stop;
  before(async () => Object.assign(server, await start({ after: (end) => (stop = end) }, options)));
  after(() => stop?.());
  return server;
}
