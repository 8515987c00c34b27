// What is asked for, and the times that follow from it.

import { parseArgs } from "node:util";

/** @typedef {ReturnType<typeof plan>} Plan */

export const USAGE = `node soak/run.mjs [--minutes N] [--week] [--seed N]
  --minutes N   how long (default 60; with --week 30), from 3 to 1440
  --week        a week's comings and goings: 100,000 connects, 10,000 streams, 1,000 batches in half an hour
  --seed N      the same order of events again`;

const MINUTE_S = 60;
/** The first of these is what the others are compared with. */
const WINDOW_MINUTES = 10;
const LEAST_WINDOWS = 3;
/** Within a window everything that can happen does so in each round, so that windows are alike. */
const ROUND_S = 100;
const LEAST_ROUNDS = 3;
/** At a round's end all who came leave, and only the steady load stays. */
const QUIET_S = 18;

/** What `--week` makes in half an hour. */
const WEEK = { connects: 100_000, streams: 10_000, batches: 1_000, minutes: 30 };

/** @param {string[]} args */
export function plan(args) {
  const options = /** @type {const} */ ({
    minutes: { type: "string" },
    week: { type: "boolean", default: false },
    seed: { type: "string" },
  });
  const { values } = parseArgs({ args, options });
  const minutes = number("--minutes", values.minutes ?? (values.week ? WEEK.minutes : 60), 3, 1440);
  const seed = Math.floor(number("--seed", values.seed ?? Date.now() % 1_000_000, 0, 2 ** 32 - 1));
  const windows = Math.max(LEAST_WINDOWS, Math.floor(minutes / WINDOW_MINUTES));
  const windowS = (minutes * MINUTE_S) / windows;
  const rounds = Math.max(LEAST_ROUNDS, Math.round(windowS / ROUND_S));
  const share = minutes / WEEK.minutes;
  const counts = { connects: WEEK.connects, streams: WEEK.streams, batches: WEEK.batches };
  return {
    minutes,
    seed,
    windows,
    windowS,
    /** Of a window. */
    rounds,
    roundS: windowS / rounds,
    quietS: QUIET_S,
    /** What has to have been at the end; less of it in a shorter time. */
    week: values.week
      ? Object.fromEntries(Object.entries(counts).map(([what, count]) => [what, Math.round(count * share)]))
      : undefined,
  };
}

function number(name, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${name} ${text} is not from ${least} to ${most}`);
  return value;
}
