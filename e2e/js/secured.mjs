// Servers whose connections are encrypted and that know nobody without a key, and ways to them and to others.

import assert from "node:assert/strict";
import { request as requestPlainly } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { after, before } from "node:test";
import { connect as connectTls } from "node:tls";

import { command, start, temporary } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */
/**
 * A server as its clients know it: `ca` is who is trusted, `key` the key that they send in one of three ways.
 * @typedef {{
 *   url: string, port: number, ca?: string, key?: string,
 *   query?: Record<string, string>, headers?: Record<string, string>, auth?: object,
 * }} At
 */

/**
 * The ways to send a key with Socket.IO.
 * @type {Record<string, (key: string) => Pick<At, "query" | "headers" | "auth">>}
 */
export const WAYS = {
  "in the CONNECT": (key) => ({ auth: { key } }),
  "in the address": (key) => ({ query: { key } }),
  "in a header": (key) => ({ headers: { Authorization: `Bearer ${key}` } }),
};

/**
 * Starts a server with an authority of its own that lets nobody in without a key; `key` is a streamer's, `admin` an administrator's.
 * @param {Ending} t
 * @param {Parameters<typeof start>[1]} [options]
 */
export async function startSecured(t, { args = [], env = {}, ...options } = {}) {
  const own = { USE_DUMMY_MODEL: "1", ...env, SIGHTWIRE_HOME: temporary(t, "secured") };
  const said = async (...words) => {
    const { stdout, stderr, code } = await command(words, { env: own });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const keyOf = async (role) => (await said("keys", "add", "--role", role)).match(/^key: (sw_\S+)$/m)[1];
  const [key, admin] = [await keyOf("streamer"), await keyOf("admin")];
  const secure = ["--tls", "self-signed", "--set", "access.mode=protected"];
  const server = await start(t, { ...options, args: [...secure, ...args], env: own });
  return { ...server, ca: await said("tls", "show", "--pem"), key, admin };
}

/**
 * One for all tests of a file, filled in before the first of them.
 * @param {Parameters<typeof start>[1]} [options]
 */
export function sharedSecured(options) {
  const server = /** @type {Awaited<ReturnType<typeof startSecured>>} */ ({});
  const ends = [];
  before(async () => {
    Object.assign(server, await startSecured({ after: (end) => ends.push(end) }, options));
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return server;
}

/**
 * One request; `from` is the address that it comes from.
 * @param {{ url: string, ca?: string }} at
 * @param {string} path
 * @param {{
 *   method?: string, headers?: Record<string, string>, body?: any, from?: string, signal?: AbortSignal,
 * }} [options]
 * @returns {Promise<Response>}
 */
export function fetchFrom({ url, ca }, path, { method = "GET", headers, body, from, signal } = {}) {
  const isSecure = url.startsWith("https:");
  return new Promise((done, fail) => {
    const options = { ca, method, headers, signal, localAddress: from };
    const asked = (isSecure ? request : requestPlainly)(url + path, /** @type {object} */ (options));
    asked.on("error", fail);
    asked.on("response", (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk)).on("error", fail);
      answer.on("end", () => {
        const headers = /** @type {Record<string, string>} */ (answer.headers);
        done(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers }));
      });
    });
    asked.end(body);
  });
}

/**
 * A bare connection.
 * @param {{ url: string, ca?: string }} at
 * @param {import("node:net").TcpNetConnectOpts | object} [options]
 * @returns {import("node:net").Socket}
 */
export function dial({ url, ca }, options = {}) {
  const { hostname: host, port, protocol } = new URL(url);
  const to = { host, port: Number(port), ca, ...options };
  return protocol === "https:" ? connectTls(to) : connect(to);
}
