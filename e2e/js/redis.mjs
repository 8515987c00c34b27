// A real Redis on a free port of this machine, which keeps nothing and can be stopped, killed and filled.

import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { freePort, sleep, temporary, until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */
/** @typedef {Awaited<ReturnType<typeof startRedis>>} Redis */
/** @typedef {{ file: string, env: NodeJS.ProcessEnv }} Program */

const UNPACKED = join(import.meta.dirname, "../../.sightwire/redis/usr");
/** Scripts of older ones have no flags. */
const LEAST_VERSION = 7;
/** Somebody else may take a port between its choice and the start. */
const TRIES = 5;
/** A Redis that is stopped does not answer. */
const CLI_MS = 10_000;

/** The first that is new enough (xtask/src/setup/unpacked.rs looks in the same places, in this order). */
function program(/** @type {string} */ name) {
  const named = name === "redis-server" ? process.env.SIGHTWIRE_REDIS_SERVER : undefined;
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), "/usr/bin"];
  const installed = [named, ...folders.map((folder) => join(folder, name))].filter(
    (file) => file !== undefined,
  );
  /** @type {Program[]} */
  const all = installed.map((file) => ({ file, env: process.env }));
  if (existsSync(UNPACKED)) {
    const lib = join(UNPACKED, "lib");
    const libraries = readdirSync(lib).map((folder) => join(lib, folder));
    const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) };
    all.push({ file: join(UNPACKED, "bin", name), env });
  }
  const found = all.find(({ file, env }) => existsSync(file) && versionOf(file, env) >= LEAST_VERSION);
  assert.ok(
    found,
    `no ${name} of version ${LEAST_VERSION} or newer: \`cargo xtask setup\` brings it where there is apt-get; or install it`,
  );
  return found;
}

function versionOf(file, env) {
  const { stdout } = spawnSync(file, ["--version"], { env, encoding: "utf8" });
  return Number(/\d+/.exec(stdout ?? "")?.[0] ?? 0);
}

/**
 * Starts Redis, which ends with the test; `args` are more of its own.
 * @param {Ending} t
 * @param {{ maxmemory?: string, password?: string, args?: string[] }} [options]
 */
export async function startRedis(t, { maxmemory, password, args = [] } = {}) {
  const server = program("redis-server");
  const client = program("redis-cli");
  const folder = temporary(t, "redis");
  const settings = [
    ...["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"],
    ...["--enable-debug-command", "local"],
    ...(maxmemory === undefined ? [] : ["--maxmemory", maxmemory]),
    ...(password === undefined ? [] : ["--requirepass", password]),
    ...args,
  ];

  /** @type {ReturnType<typeof launch>} */
  let run;
  t.after(() => run?.kill());
  /** Once it listens, or has ended; whether it listens. */
  const tryOn = async (port) => {
    run = launch(server, ["--port", `${port}`, ...settings]);
    await until(() => run.isReady() || run.hasEnded(), `Redis to start: ${run.log()}`);
    return run.isReady();
  };
  const isTaken = () => /Address already in use/.test(run.log());
  let port = await freePort();
  for (let left = TRIES; !(await tryOn(port)); port = await freePort()) {
    left -= 1;
    assert.ok(left > 0 && isTaken(), `Redis did not start: ${run.log()}`);
  }

  return {
    port,
    url: `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    /**
     * What it answers to a command, as text; fails where that is an error.
     * @param {string[]} command
     */
    async cli(...command) {
      const env = { ...client.env, ...(password === undefined ? {} : { REDISCLI_AUTH: password }) };
      const asked = ["-h", "127.0.0.1", "-p", `${port}`, "-e", ...command];
      const { stdout } = await promisify(execFile)(client.file, asked, { env, timeout: CLI_MS });
      return stdout.replace(/\n$/, "");
    },
    /** It stands still: its connections stay open, and nothing is answered on them. */
    stop: () => run.signal("SIGSTOP"),
    /** It goes on after that. */
    cont: () => run.signal("SIGCONT"),
    /** It is gone, with all that was in it. */
    kill: () => run.kill(),
    /** It is there again after that, at the same place, with nothing in it. */
    async again() {
      assert.ok(run.hasEnded(), "Redis runs already");
      for (let left = TRIES; !(await tryOn(port)); await sleep(200)) {
        left -= 1;
        assert.ok(left > 0 && isTaken(), `Redis did not start again: ${run.log()}`);
      }
    },
  };
}

/** @param {Program} program */
function launch({ file, env }, args) {
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let ended = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (log += text));
  const end = new Promise((done) => {
    child.on("error", (error) => {
      log += error.message;
      done();
    });
    child.on("close", done);
  }).then(() => (ended = true));
  return {
    log: () => log,
    isReady: () => /Ready to accept connections/.test(log),
    hasEnded: () => ended,
    signal: (/** @type {NodeJS.Signals} */ signal) => assert.ok(child.kill(signal), "Redis runs"),
    async kill() {
      child.kill("SIGKILL");
      await end;
    },
  };
}
