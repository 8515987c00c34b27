// A real HAProxy on a free port of this machine.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";

import { freePort, temporary, terminate, until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */

const UNPACKED = join(import.meta.dirname, "../../.sightwire/haproxy/usr");
/** Somebody else may take a port between its choice and HAProxy's start. */
const TRIES = 5;
const STOP_MS = 5_000;

/** The machine's own, or what setup has unpacked with its libraries (xtask/src/setup/unpacked.rs looks in the same places). */
function program() {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), "/usr/sbin"];
  const installed = folders.map((folder) => join(folder, "haproxy")).find((file) => existsSync(file));
  if (installed) return { file: installed, env: process.env };
  const file = join(UNPACKED, "sbin/haproxy");
  assert.ok(
    existsSync(file),
    "HAProxy is not there: `cargo xtask setup` brings it where there is apt-get; or install it",
  );
  const lib = join(UNPACKED, "lib");
  const libraries = readdirSync(lib).map((folder) => join(lib, folder));
  return { file, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) } };
}

/**
 * Starts HAProxy and waits until it listens; it ends with the test. `config(port)` is all of its configuration.
 * @param {Ending} t
 * @param {(port: number) => string} config
 */
export async function startHaproxy(t, config) {
  for (let left = TRIES; ; left -= 1) {
    const port = await freePort();
    const run = launch(t, config(port));
    await until(async () => run.hasEnded() || (await answers(port)), `HAProxy to start: ${run.log()}`);
    if (!run.hasEnded()) return { url: `http://127.0.0.1:${port}`, port, log: run.log };
    assert.ok(left > 1 && /Address already in use/.test(run.log()), `HAProxy did not start: ${run.log()}`);
  }
}

/** In a folder of its own, as a child in the foreground. */
function launch(t, config) {
  const { file, env } = program();
  const folder = temporary(t, "haproxy");
  writeFileSync(join(folder, "haproxy.cfg"), config);
  const child = spawn(file, ["-db", "-f", "haproxy.cfg"], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  let ended = false;
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const end = new Promise((done) => {
    child.on("error", (error) => {
      log += error.message;
      done();
    });
    child.on("close", done);
  }).then(() => (ended = true));
  t.after(() => terminate(child, end, STOP_MS));
  return { log: () => log, hasEnded: () => ended };
}

/** It says nothing when it listens. */
function answers(port) {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", port });
    const is = (/** @type {boolean} */ there) => {
      socket.destroy();
      done(there);
    };
    socket.on("connect", () => is(true)).on("error", () => is(false));
  });
}
