// systemd as far as a server sees it that was started by a unit of `Type=notify` with `WatchdogSec=`. Node has no sockets of that
// kind, so a program of C has it, as in clock.mjs.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { temporary, terminate, until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */

const STOP_MS = 5_000;

/**
 * `env` is what a program has to be started with so that it tells how it is; within so long, again and again.
 * @param {Ending} t
 * @param {string} [at] the folder of the socket
 */
export async function systemd(t, watchdogMs = 300, at) {
  const folder = temporary(t, "systemd");
  const [program, socket] = [join(folder, "systemd"), join(at ?? folder, "notify")];
  execFileSync("cc", ["-O2", "-o", program, join(import.meta.dirname, "systemd.c")]);
  const child = spawn(program, [socket], { stdio: ["ignore", "pipe", "inherit"] });
  const end = new Promise((done) => child.on("error", done).on("close", done));
  t.after(() => terminate(child, end, STOP_MS));
  let said = "";
  let fedAt = -Infinity;
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
    if (text.includes("WATCHDOG=1")) fedAt = performance.now();
  });
  await until(() => existsSync(socket), "a socket");
  return {
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdogMs * 1000) },
    /** How often the watchdog was fed. */
    fed: () => said.split("\n").filter((line) => line === "WATCHDOG=1").length,
    /** How long ago it was fed last. */
    hungryMs: () => performance.now() - fedAt,
  };
}
