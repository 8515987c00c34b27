// Keys, by which those who send and watch have names.

import { ask } from "../js/api.mjs";
import { expect } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { NewKey } from "../js/types.ts" */

/** A server started with this keeps its keys in a store of its own, which is gone with it. */
export const OWN_STORE = { SIGHTWIRE_HOME: "store" };

/** Options of a WebSocket that comes with a key, or without. */
export function known(/** @type {string | undefined} */ key) {
  return key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } };
}

/**
 * Makes a key of this name, as somebody on the server's machine.
 * @param {Server} server
 * @param {string} name
 * @param {NewKey["role"]} role
 */
export async function makeKey(server, name, role) {
  const { status, json, text } = await ask(server, "POST", "/api/v1/keys", { name, role });
  expect(status, text).toBe(201);
  return json.key;
}
