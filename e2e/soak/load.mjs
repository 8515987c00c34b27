// The steady load, which stays all the time and is measured: signs and relay by `sightwire-bench`, cameras by a process beside it.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { dirname, join } from "node:path";

import { BIN, terminate } from "../js/harness.mjs";

/** @import { Ending } from "../js/types.ts" */

/** How much of it there is: half of two cores stay idle. */
export const STEADY = { clients: 3, streams: 2, viewers: 4, cameraViewers: 5 };
const SIGN = ["--clients", String(STEADY.clients), "--fps", "25", "--frame-kb", "30", "--no-prime"];
const SIGN_TIMES = ["--warmup", "3", "--drain", "2", "--settle", "0"];
const RELAY = [
  "--streams",
  String(STEADY.streams),
  "--viewers",
  String(STEADY.viewers),
  "--one",
  "--fps",
  "15",
];
/** Of a window that is not measured: they are there until all have left at its end, and gone before the next one. */
const MARGIN_S = 6;

const BENCH = process.env.SIGHTWIRE_BENCH ?? join(dirname(BIN), "sightwire-bench");

/**
 * Loads the server for so long; what was measured.
 * @param {Ending} t
 * @param {{ url: string }} server
 * @param {number} seconds
 * @param {string} folder
 */
export async function bench(t, server, seconds, folder) {
  if (!existsSync(BENCH)) throw new Error(`${BENCH} is not there; \`cargo build --workspace\` makes it`);
  const measured = [
    "--seconds",
    String(Math.max(1, Math.floor(seconds - MARGIN_S))),
    "--url",
    server.url,
    "--json",
  ];
  const [signs, relay] = await Promise.all([
    report(t, ["sign", ...SIGN, ...SIGN_TIMES, ...measured], join(folder, "bench-sign.log")),
    report(
      t,
      ["relay", ...RELAY, "--frame-kb", "40", "--lossy", ...measured],
      join(folder, "bench-relay.log"),
    ),
  ]);
  return { signs, relay: relay[0] };
}

/** What a generator prints, whatever its exit code: what it found wrong stands in its report. */
async function report(t, args, log) {
  const child = spawn(BENCH, args, { stdio: ["ignore", "pipe", openSync(log, "a")] });
  const closed = once(child, "close");
  t.after(() => terminate(child, closed, 5_000));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more) => (text += more));
  const [code] = await closed;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`sightwire-bench ${args[0]} ended with ${code} and no report; its log is ${log}`);
  }
}

/**
 * The process with the steady camera and viewers of cameras; it ends with `t`.
 * @param {Ending} t
 */
export async function steadyCameras(t) {
  const child = fork(new URL("steady-cameras.mjs", import.meta.url));
  const exited = once(child, "exit");
  t.after(() => terminate(child, exited, 5_000));
  const ended = exited.then(() => Promise.reject(new Error("the process with the steady cameras has ended")));
  ended.catch(() => {});
  const told = async () => /** @type {any} */ ((await Promise.race([once(child, "message"), ended]))[0]);
  const { camera } = await told();
  return {
    camera,
    watch: (url, key) => child.send({ watch: { url, key } }),
    /** What was measured since the last time. */
    async take() {
      child.send({ ask: true });
      return told();
    },
  };
}
