// Real servers that act as one, over a real Redis.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";

import ts from "typescript";
import WebSocket from "ws";

import { freePort, start, temporary, until } from "./harness.mjs";
import { link } from "./network.mjs";
import { startRedis } from "./redis.mjs";
import {
  BINARY,
  LIVE_ALREADY,
  connect,
  jpeg,
  often,
  picturesOf,
  relaying,
  streamPath,
  streamer,
  viewerOf,
} from "./relay.mjs";

/** @import { Redis } from "./redis.mjs" */
/** @import { Client } from "./relay.mjs" */
/** @import { Ending } from "./types.ts" */
/** @typedef {Awaited<ReturnType<typeof startProcess>>} Process */
/** @typedef {{ redis: Redis, servers: Process[] }} Cluster */
/** @typedef {{ name?: string, port?: number, set?: object, env?: Record<string, string>, files?: Record<string, string>, scheme?: string, joins?: boolean }} ProcessOptions */
/** @typedef {{ count?: number, redis?: Redis, set?: object, env?: Record<string, string>, files?: Record<string, string>, each?: ProcessOptions[] }} Options */

const binary = { protocols: [BINARY] };
export const SECRET = "known to all of these and to nobody else";
/** How long a heartbeat counts, */
export const TTL_MS = 5_000;
/** and how long it is from one to the next. */
export const BEAT_MS = TTL_MS / 3;
/** What the log says once a server is one of them. */
export const JOINED = /it is one of the processes now/;
/** Somebody else may take a port between its choice and the start. */
const TRIES = 5;

/**
 * Starts servers that act as one, called `a`, `b` and so on; they end with the test. What only some of them are started with
 * is in `each`.
 * @param {Ending} t
 * @param {Options} [options]
 * @returns {Promise<Cluster>}
 */
export async function startCluster(t, { count = 2, redis, set, env, files, each = [] } = {}) {
  const at = redis ?? (await startRedis(t));
  const begun = Array.from({ length: count }, (_, number) => {
    const own = each[number] ?? {};
    const name = String.fromCharCode("a".charCodeAt(0) + number);
    const both = { set: { ...set, ...own.set }, env: { ...env, ...own.env } };
    return startProcess(t, at, { name, files, ...own, ...both });
  });
  return { redis: at, servers: await Promise.all(begun) };
}

/**
 * One more server, which is waited for until it is one of them, unless it does not join them yet or at all.
 * @param {Ending} t
 * @param {{ url: string }} redis
 * @param {ProcessOptions} [options]
 */
export async function startProcess(
  t,
  redis,
  { name = "", port, set, env, files, scheme = "http", joins = true } = {},
) {
  const settings = relaying({ "relay.max_fps": 1000, "detector.model": "motion", ...set }, { files });
  /** @type {import("./harness.mjs").Server} */
  let server;
  const signal = (/** @type {NodeJS.Signals} */ which) => process.kill(server.pid, which);
  // One that stands still would not end.
  t.after(() => server && isThere(server.pid) && signal("SIGCONT"));
  const begin = async (/** @type {number} */ at) =>
    start(t, {
      ...settings,
      env: {
        ...settings.env,
        SIGHTWIRE_CLUSTER_REDIS_URL: redis.url,
        SIGHTWIRE_CLUSTER_ADVERTISE_URL: `${scheme}://127.0.0.1:${at}`,
        SIGHTWIRE_CLUSTER_NAME: name,
        SIGHTWIRE_CLUSTER_SECRET: SECRET,
        ...env,
      },
      listen: `127.0.0.1:${at}`,
    });
  for (let left = TRIES; server === undefined; left -= 1) {
    server = await begin(port ?? (await freePort())).catch((error) => {
      if (left === 1 || !/in use/.test(error.message)) throw error;
      return undefined;
    });
  }
  const isOne = () => JOINED.test(server.logs());
  if (joins) await until(isOne, `${name} is one of the processes`);
  return Object.assign(server, {
    name,
    /** It stands still: its connections stay open, and nothing is answered on them. */
    stand: () => signal("SIGSTOP"),
    /** It goes on after that. */
    go: () => signal("SIGCONT"),
    /** It is gone without a word. */
    async kill() {
      signal("SIGKILL");
      await server.ended;
    },
    /** Names of what is live, as it knows it. */
    active: async () => (await server.get("/streams/active")).json.active_streams.toSorted(),
    /** Waits until it knows that streams are live: those of other processes it knows a moment later. */
    async knows(/** @type {string[]} */ ...names) {
      await until(async () => {
        const { active_streams: active } = (await server.get("/streams/active")).json;
        return names.every((name) => active.includes(name));
      }, `${name} knows ${names}`);
    },
  });
}

/** Waits for the next heartbeat of a server: what it counts for is as long as it can be. */
export async function heartbeat(/** @type {Redis} */ redis, /** @type {{ name: string }} */ { name }) {
  const counts = () => redis.cli("ZSCORE", "{sightwire}:until", name);
  const before = await counts();
  await until(async () => (await counts()) !== before, `a heartbeat of ${name}`);
}

/**
 * The number that a server's metrics have; `series` is a name, with its labels if it has some.
 * @param {import("./harness.mjs").Server} server
 * @param {string} series
 */
export async function metric(server, series) {
  const lines = (await server.get("/metrics")).text.split("\n");
  const line = lines.find((one) => one.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no ${series} in ${lines.length} lines`);
  return Number(line.slice(series.length));
}

function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * A cluster for all tests of a file: filled in before the first, stopped after the last.
 * @param {Options} [options]
 */
export function sharedCluster(options) {
  const cluster = /** @type {Cluster} */ ({});
  const ends = [];
  before(async () => {
    Object.assign(cluster, await startCluster({ after: (end) => ends.push(end) }, options));
  });
  after(async () => {
    for (const end of ends) await end();
  });
  return cluster;
}

/** A picture that nobody can take for another stream's or another number's, and a JPEG as far as the relay looks. */
export const picture = (name, number, bytes = 1_000) => jpeg(bytes, `|${name}|${number}`);

export const asUrl = (/** @type {Buffer} */ jpeg) => `data:image/jpeg;base64,${jpeg.toString("base64")}`;

/** Name and number of such a picture, or of its data URL. */
export function marked(/** @type {Buffer | string} */ what) {
  const jpeg = typeof what === "string" ? Buffer.from(what.replace(/^.*,/, ""), "base64") : what;
  const [, name, number] = jpeg.subarray(4).toString("latin1").split("|");
  return { name, number: Number(number) };
}

/**
 * Sends such pictures until the test ends or the function that it returns is called; `mark` is the name in them.
 * @param {Ending} t
 * @param {Client} sender
 * @param {string} mark
 */
export function sends(t, sender, mark, fps = 20, bytes = undefined) {
  return often(t, fps, (number) => {
    if (sender.closed) return;
    const jpeg = picture(mark, number, bytes);
    if (sender.socket.protocol) sender.jpeg(jpeg);
    else sender.frame(asUrl(jpeg));
  });
}

/**
 * A stream that is sent to one process and watched at both.
 * @param {Ending} t
 * @param {Process} from
 * @param {Process} to
 */
export async function flowing(t, from, to, name) {
  const sender = await streamer(t, from, name, binary);
  await to.knows(name);
  const stop = sends(t, sender, name);
  const [here, there] = [await viewerOf(t, from, name, binary), await viewerOf(t, to, name, binary)];
  await until(() => [here, there].every((one) => picturesOf(one).length > 0), `pictures of ${name}`);
  return { sender, here, there, stop };
}

/**
 * Tries to begin a stream that is live: it is refused, in words. Whoever `says` nothing is refused only where it is known at once.
 * @param {Ending} t
 * @param {{ url: string }} at
 * @param {string} name
 * @param {import("./relay.mjs").SocketOptions & { says?: boolean }} [options]
 */
export async function isRefused(t, at, name, { says = false, ...options } = {}) {
  const second = await connect(t, at, streamPath(name), options);
  if (says) second.say({ analysis_mode: "normal" });
  const { code } = await second.over();
  const said = second.messages.map(({ json }) => json);
  assert.deepEqual([code, said], [4090, [{ type: "error", message: LIVE_ALREADY }]]);
}

/** The longest time in which no picture of a stream came, from `since` until now. */
export function longestGap(/** @type {Client} */ watching, name, since) {
  const times = picturesOf(watching, name).map(({ at }) => at);
  const all = [since, ...times.filter((at) => at > since), performance.now()];
  return Math.max(...all.slice(1).map((at, i) => at - all[i]));
}

/** Stands before a server and counts what goes through it: the server's `advertise_url` is its address. `t` ends it. */
export const countingProxy = (/** @type {Ending} */ t) => link(t);

/**
 * The relay's part of the JavaScript client in this tree, over the `ws` package: not every Node that runs this has WebSockets
 * of its own, or passes over types.
 * @param {Ending} t
 * @returns {Promise<typeof import("../../clients/js/src/relay/index.ts")>}
 */
export async function clientsJs(t) {
  const [from, to] = [join(import.meta.dirname, "../../clients/js/src"), temporary(t, "client")];
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  writeFileSync(join(to, "package.json"), '{"type":"module"}');
  for (const file of readdirSync(from, { recursive: true, encoding: "utf8" })) {
    if (!/\.ts$/.test(file) || /\.test\.ts$/.test(file)) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(from, file), "utf8"), { compilerOptions });
    const script = join(to, file.replace(/ts$/, "js"));
    mkdirSync(dirname(script), { recursive: true });
    writeFileSync(script, outputText);
  }
  globalThis.WebSocket ??= /** @type {any} */ (BrowserSocket);
  return import(pathToFileURL(join(to, "relay/index.js")).href);
}

/** What the `ws` package lacks of a browser's: listeners that a signal takes away, and no need to hear of errors. */
class BrowserSocket extends /** @type {any} */ (WebSocket) {
  constructor(...args) {
    super(...args);
    this.on("error", () => {});
  }

  addEventListener(type, listener, options) {
    super.addEventListener(type, listener, options);
    options?.signal?.addEventListener("abort", () => this.removeEventListener(type, listener));
  }
}
