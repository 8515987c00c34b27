// The real server for one test file or one test: started on a free port, stopped at the end.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { ask } from "./api.mjs";

/** @import { Ending } from "./types.ts" */
/** @typedef {Awaited<ReturnType<typeof start>>} Server */

const here = dirname(fileURLToPath(import.meta.url));

const builds = ["debug", "demo", "release"].map((profile) => join(here, `../../target/${profile}/sightwire`));
const newest = builds.filter(existsSync).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
/** The server's binary: the one that is named, or the newest of the builds. */
export const BIN = resolve(process.env.SIGHTWIRE_BIN ?? newest ?? builds[0]);
/** Its store, with ONNX Runtime in it. */
export const HOME = resolve(process.env.SIGHTWIRE_HOME ?? join(here, "../../.sightwire/home"));

/** Removes the folder of a server that may be writing to it still. */
export function removeFolder(folder) {
  for (let left = 20; ; left -= 1) {
    try {
      // Its own retries only wait: they do not remove what has come meanwhile.
      return rmSync(folder, { recursive: true, force: true, maxRetries: 1, retryDelay: 100 });
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/**
 * A folder that is gone with the test; `name` is in its own.
 * @param {Ending} t
 */
export function temporary(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `sightwire-${name}-`));
  t.after(() => removeFolder(folder));
  return folder;
}

const START_MS = 60_000;
const STOP_MS = 20_000;

/**
 * What a program is started with; `files` are written into its folder first: { ".env": "MAX_CLIENTS=2" }.
 * @typedef {{ args?: string[], env?: Record<string, string>, files?: Record<string, string | Uint8Array> }} Options
 */

/**
 * Runs the binary in an empty folder and with a bare environment, so that nothing of the
 * developer's own settings leaks into a test.
 * @param {Options} options
 */
export function launch({ args, env = {}, files = {} }) {
  if (!existsSync(BIN)) throw new Error(`${BIN} is not there; \`cargo build\` makes it`);
  const cwd = mkdtempSync(join(tmpdir(), "sightwire-e2e-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  // Tests share a store, and one server has its batches.
  const own = args[0] === "serve" ? { SIGHTWIRE_READER_FOLDER: join(cwd, "jobs") } : {};
  const child = spawn(BIN, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, SIGHTWIRE_HOME: HOME, ...own, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const run = { child, cwd, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (run.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (run.stderr += text));
  run.ended = new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => {
      rmSync(cwd, { recursive: true, force: true });
      done({ code, signal, stdout: run.stdout, stderr: run.stderr });
    });
  });
  // A server that cannot be started is reported by whoever waits for it.
  run.ended.catch(() => {});
  return run;
}

/**
 * Asks a program to end, and makes it after `ms`; what its end gives.
 * @template T
 * @param {import("node:child_process").ChildProcess} child
 * @param {Promise<T>} end
 * @param {number} ms
 * @param {NodeJS.Signals} [signal]
 */
export async function terminate(child, end, ms, signal = "SIGTERM") {
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const ended = await end;
  clearTimeout(timer);
  return ended;
}

/**
 * Runs a command of the binary to its end.
 * @param {string[]} args
 * @param {Options} [options]
 */
export async function command(args, options = {}) {
  return launch({ args, ...options }).ended;
}

/**
 * Starts `sightwire serve` and waits until it listens.
 * `t` is the test that ends the server with itself, whatever happens. `listen` is an address or a
 * list of them; `urls` then has one for each.
 * @param {Ending} t
 * @param {Options & { listen?: string | string[] }} [options]
 */
export async function start(t, { args = [], env, files, listen = "127.0.0.1:0" } = {}) {
  const addresses = [listen].flat().flatMap((address) => ["--listen", address]);
  // The clips are of this model's motions, and a hand in one of a second has no time to rest; hands.test.mjs has the rest.
  const usual = { SIGHTWIRE_RECOGNIZER_MODEL: "gestures", SIGHTWIRE_RECOGNIZER_ARMING: "false" };
  const settings = { ...usual, ...env };
  const run = launch({ args: ["serve", ...addresses, ...args], env: settings, files });
  const server = {
    pid: run.child.pid,
    /** Its working folder, with the files that it was started with. */
    cwd: run.cwd,
    url: "",
    /** @type {string[]} */
    urls: [],
    port: 0,
    logs: () => run.stdout + run.stderr,
    ended: run.ended,
    /** Nobody takes the lines of its log any more, until it is asked to end. */
    unheard: () => run.child.stderr.pause(),
    /** Asks the server to end; its exit code and how long it took. */
    async stop(/** @type {NodeJS.Signals} */ signal = "SIGTERM") {
      const asked = performance.now();
      run.child.stderr.resume();
      const ended = await terminate(run.child, run.ended, STOP_MS, signal);
      return { ...ended, ms: performance.now() - asked };
    },
    /**
     * Asks for what is at a path.
     * @template {string} Path
     * @param {Path} path
     * @param {Record<string, string>} [headers]
     */
    get(path, headers) {
      return ask(this, "GET", path, undefined, headers);
    },
    /** The recogniser's part of /api/v1/status. */
    async recognizer() {
      return (await this.get("/api/v1/status")).json.recognizer;
    },
  };
  t.after(() => server.stop());

  server.urls = await listening(run, "the server", [listen].flat().length || 1);
  server.url = server.urls[0];
  server.port = Number(new URL(server.url).port);
  return server;
}

/** Waits for the lines that say where a program listens; its addresses. */
export async function listening(run, what, count = 1) {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const urls = Array.from(run.stdout.matchAll(/listening on (https?:\/\/\S+)/g), (found) => found[1]);
    if (urls.length >= count) return urls;
    if (run.child.exitCode !== null || run.child.signalCode !== null || performance.now() > deadline) {
      const { exitCode } = run.child;
      throw new Error(`${what} did not start (exit code ${exitCode}):\n${run.stdout}${run.stderr}`);
    }
    await sleep(10);
  }
}

/**
 * Starts `sightwire camera`, the simulated camera, and waits until it listens. What is wrong with it
 * can be changed while it runs: `fault("stall")`, `fault("")`.
 * @param {Ending} t
 * @param {string[]} [args]
 */
export async function startCamera(t, args = []) {
  const run = launch({ args: ["camera", "--listen", "127.0.0.1:0", ...args] });
  t.after(async () => {
    run.child.kill("SIGTERM");
    await run.ended;
  });
  await until(() => /listening on/.test(run.stdout) || run.child.exitCode !== null, "the camera");
  const url = run.stdout.match(/listening on (http:\/\/\S+)/)?.[1];
  if (url === undefined) throw new Error(`the camera did not start:\n${run.stderr}`);
  return {
    url,
    stream: `${url}/stream`,
    async fault(list) {
      const response = await fetch(`${url}/control?var=fault&val=${encodeURIComponent(list)}`);
      if (!response.ok) throw new Error(await response.text());
    },
    async status() {
      return (await fetch(`${url}/status`)).json();
    },
  };
}

/**
 * Has a server of this process listen; its port.
 * @param {import("node:net").Server} server
 */
export async function portOf(server, host = "127.0.0.1", port = 0) {
  await new Promise((done, fail) => server.once("error", fail).listen(port, host, () => done(undefined)));
  return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
}

/** One that nobody listens on at the moment. */
export async function freePort() {
  const server = createServer();
  const port = await portOf(server);
  await new Promise((done) => server.close(done));
  return port;
}

/** How long is waited for what has to come, and never less: it may share its core with five other programs. */
const WAIT_MS = 30_000;

/**
 * Waits until `check()` is true; the time it took in ms. Fails with `what` after `ms`. What has come while this process stood
 * still counts: there is one last look after the limit.
 */
export async function until(check, what, ms = WAIT_MS) {
  const started = performance.now();
  let took = 0;
  for (;;) {
    if (await check()) return performance.now() - started;
    // The time was up before this look.
    if (took > ms) throw new Error(`not within ${ms} ms: ${what}`);
    took = performance.now() - started;
    // Who waits for long need not ask so often: asking costs those that are waited for.
    await sleep(Math.min(3 + took / 20, 25));
  }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
