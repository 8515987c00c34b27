// Clocks of a server that a test sets, where there is a C compiler, as Rust needs one to link.

import { execFileSync } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { temporary } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */

/**
 * `env` is what a program has to be started with so that it goes by these clocks.
 * @param {Ending} t
 */
export function clocks(t) {
  const folder = temporary(t, "clock");
  const [library, times] = ["clock.so", "times"].map((name) => join(folder, name));
  execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, join(import.meta.dirname, "clock.c")]);
  const file = openSync(times, "w+");
  const set = (index, seconds) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeSync(file, bytes, 0, 8, index * 8);
  };
  set(0, 0);
  set(1, 0);
  return {
    env: { LD_PRELOAD: library, SIGHTWIRE_TEST_CLOCK: times },
    /** The time of day is that far ahead. */
    timeOfDay: (seconds) => set(0, seconds),
    /** So long has passed, although it has not. */
    passed: (seconds) => set(1, seconds),
  };
}
