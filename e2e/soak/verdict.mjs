// What was promised, what was found, and whether one keeps to the other.

/** @import { Log } from "./logs.mjs" */
/** @import { Plan } from "./options.mjs" */
/** @import { Outcomes } from "./rounds.mjs" */
/** @import { Samples } from "./samples.mjs" */
/** @import { Counts } from "./world.mjs" */
/** @typedef {{ signs: any, relay: any, cameras: any }} Measured What was measured in a window. */
/** @typedef {{ what: string, bound: string, found: string, holds: boolean }} Row */
/**
 * @typedef {object} Run
 * @property {Plan} plan
 * @property {Samples} samples
 * @property {Measured[]} windows
 * @property {Log} log
 * @property {Outcomes} outcomes
 * @property {Counts} counts
 * @property {Record<string, number>} metrics
 * @property {{ code: number | null, signal: string | null }} ended
 */

const MOST_GROWTH_MB = 10;
/** Of the p99 of the last window to that of the first, in an hour. */
const MOST_DELAY = 1.1;
/** A window of a few minutes has a tail of a few frames. */
const MOST_DELAY_SHORT = 2;
const SHORT_MINUTES = 30;
const LINES_PER_MINUTE = 20;
/** What the server lets through before it counts a minute's. */
const BURST_LINES = 40;
/** Predictions have a limit of their own, five a second. */
const PREDICTIONS_PER_MINUTE = 300;
/** Of all who come: on a machine that others load, somebody waits too long now and then. */
const MOST_FAILED = 0.005;
/** Of each kind, which may have come a few times only; and of those that guard who may see what, none. */
const MOST_OF_A_KIND = 0.05;
const NEVER_FAIL = ["key revoked in use", "user removed in use"];
/** A viewer that is slow for a moment misses a picture. */
const LEAST_DELIVERED = 0.98;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0 ? NaN : (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/** @param {Run} run */
export function verdict(run) {
  const rows = [
    ...memory(run),
    ...counts(run),
    ...delivered(run),
    ...delays(run),
    ...lines(run),
    ...rest(run),
  ];
  return { rows, holds: rows.every((row) => row.holds) };
}

/** Quiet moments in which all of the steady load was there, and nobody else: only these can be compared. */
const steady = (/** @type {Samples} */ { quiets }) => quiets.filter(({ isSteady }) => isSteady);

/**
 * The minutes after the first window and those at the end, half a window each; and the quiet moments of the same windows.
 * @param {Run} run
 * @returns {Row[]}
 */
function memory({ plan, samples }) {
  const { windowS, windows } = plan;
  const end = windows * windowS;
  const between = (from, to) => samples.all.filter(({ s }) => s >= from && s < to).map(({ rssMb }) => rssMb);
  const [first, last] = [between(windowS, windowS * 1.5), between(end - windowS / 2, end)].map(median);
  const quiet = (window) =>
    median(
      steady(samples)
        .filter((one) => one.window === window)
        .map(({ rssMb }) => rssMb),
    );
  const row = (what, from, to) => ({
    what,
    bound: `+${MOST_GROWTH_MB} MB`,
    found: `${signed(to - from)} MB (${from.toFixed(1)} → ${to.toFixed(1)})`,
    holds: to - from <= MOST_GROWTH_MB,
  });
  return [
    row("RSS, half a window after the first and at the end", first, last),
    row("RSS in quiet moments, second window and last", quiet(1), quiet(windows - 1)),
  ];
}

/**
 * @param {Run} run
 * @returns {Row[]}
 */
function counts({ plan, samples }) {
  const { quiets } = samples;
  const of = (/** @type {"threads" | "descriptors"} */ what, window) =>
    steady(samples)
      .filter((one) => one.window === window)
      .map((one) => one[what]);
  const row = (/** @type {"threads" | "descriptors"} */ what) => {
    const before = Math.max(...of(what, 0));
    const after = Math.max(...of(what, plan.windows - 1));
    return {
      what: `${what} in quiet moments: most of the first window, most of the last`,
      bound: "none more",
      found: `${signed(after - before)} (${before} → ${after})`,
      holds: after <= before,
    };
  };
  const stayed = quiets.filter(({ left }) => left !== "");
  const usable = steady(samples).length;
  const left = {
    what: "quiet moments in which somebody was still there",
    bound: "0",
    found: `${stayed.length} of ${quiets.length}${stayed.length ? ` (${stayed[0].left})` : ""}`,
    holds: stayed.length === 0,
  };
  const looked = {
    what: "quiet moments with all of the steady load",
    bound: "most",
    found: `${usable} of ${quiets.length}`,
    holds: usable > quiets.length / 2,
  };
  return [row("threads"), row("descriptors"), left, looked];
}

/** What the steady clients get. */
const DELIVERED = {
  "replies with signs": (window) => window.signs.delay_ms.reply_from_due.count,
  "pictures of the relay": (window) => window.relay.age_ms.count,
  "pictures of cameras": (window) => window.cameras.age_ms.count,
  "drawn pictures": (window) => window.cameras.drawn,
  detections: (window) => window.cameras.detection_ms.count,
};

/**
 * What does not come is not late either.
 * @param {Run} run
 */
function delivered({ windows }) {
  return Object.entries(DELIVERED).map(([what, of]) => {
    const counts = windows.map(of);
    const [first, last] = [counts[0], counts.at(-1)];
    return {
      what: `${what}, last window to first`,
      bound: `at least ${LEAST_DELIVERED} ×`,
      found: `${(last / first).toFixed(3)} × (${counts.join(", ")})`,
      holds: last >= LEAST_DELIVERED * first && last > 0,
    };
  });
}

/** What is delayed, and what of it is the generator's own. */
const DELAYS = {
  "signs: frame due → reply": (window) => [
    window.signs.delay_ms.reply_from_due,
    window.signs.delay_ms.lateness,
  ],
  "relay: sender → viewer": (window) => [window.relay.age_ms, undefined],
  "cameras: camera → viewer": (window) => [window.cameras.age_ms, window.cameras.loop_ms],
  "detections: arrival → event": (window) => [window.cameras.detection_ms, undefined],
};

/**
 * @param {Run} run
 * @returns {Row[]}
 */
function delays({ plan, windows }) {
  const most = plan.minutes < SHORT_MINUTES ? MOST_DELAY_SHORT : MOST_DELAY;
  return Object.entries(DELAYS).map(([what, of]) => {
    const p99s = windows.map((window) => of(window)[0].p99);
    const [first, last] = [p99s[0], p99s.at(-1)];
    const own = windows.map((window) => of(window)[1]?.p99).filter((p99) => p99 !== undefined);
    const floor = own.length ? `; the generator's own ${own.map((ms) => ms.toFixed(1)).join(", ")}` : "";
    return {
      what: `p99 of ${what}, last window to first`,
      bound: `${most} ×`,
      found: `${(last / first).toFixed(2)} × (${p99s.map((ms) => ms.toFixed(1)).join(", ")} ms${floor})`,
      holds: last / first <= most,
    };
  });
}

/**
 * Of each cause the lines of the minutes after the first window.
 * @param {Run} run
 */
export function linesByCause({ plan, log }) {
  const [from, to] = [Math.ceil(plan.windowS / 60), Math.floor(plan.minutes)];
  const all = [...log.causes].map(([cause, minutes]) => {
    const later = [...minutes].filter(([minute]) => minute >= from && minute < to).map(([, count]) => count);
    const sum = later.reduce((total, count) => total + count, 0);
    return { cause, sum, mean: sum / Math.max(1, to - from), most: Math.max(0, ...later) };
  });
  return all.sort((a, b) => b.mean - a.mean);
}

/**
 * @param {Run} run
 * @returns {Row[]}
 */
function lines(run) {
  const all = linesByCause(run);
  const isPrediction = ({ cause }) => cause.includes("PREDICTION");
  const [predictions, others] = [all.filter(isPrediction), all.filter((one) => !isPrediction(one))];
  const minutes = Math.max(1, Math.floor(run.plan.minutes) - Math.ceil(run.plan.windowS / 60));
  const row = (what, list, most) => {
    const worst = Math.max(0, ...list.map(({ most }) => most));
    const { cause, sum, mean } = list[0] ?? { cause: "nothing", sum: 0, mean: 0 };
    return {
      what,
      bound: `${most}, and ${BURST_LINES} more at once`,
      found: `${mean.toFixed(1)} on average, ${worst} in the loudest minute (${cause})`,
      holds: sum <= most * minutes + BURST_LINES && worst <= most + BURST_LINES,
    };
  };
  return [
    row("log lines a minute of the loudest cause", others, LINES_PER_MINUTE),
    row("log lines a minute with predictions", predictions, PREDICTIONS_PER_MINUTE),
  ];
}

/**
 * @param {Run} run
 * @returns {Row[]}
 */
function rest({ plan, outcomes, counts, metrics, ended, windows }) {
  const [done, refused, failed] = [outcomes.sum("done"), outcomes.sum("refused"), outcomes.sum("failed")];
  const often = [...outcomes.all].filter(([name, { done, refused, failed }]) => {
    const most = NEVER_FAIL.includes(name) ? 0 : Math.max(1, MOST_OF_A_KIND * (done + refused + failed));
    return failed > most;
  });
  const never = [...outcomes.all].filter(([, one]) => one.done === 0).map(([name]) => name);
  const lost = windows
    .map(({ signs, relay, cameras }) => [
      ...signs.problems,
      ...relay.faults.filter((fault) => !/lost, |lower quality|% of what/.test(fault)),
      ...(cameras.lost ? [`${cameras.lost} viewers of cameras sent away`] : []),
    ])
    .flat();
  const rows = [
    {
      what: "those who came and did not get what they came for",
      bound: `${MOST_FAILED * 100} %`,
      found: `${failed} of ${done + refused + failed}, and ${refused} refused as they should be`,
      holds: failed <= MOST_FAILED * (done + refused + failed) && refused <= 0.05 * done,
    },
    {
      what: "kinds of coming and fault that failed more than once in a while",
      bound: `one, or ${MOST_OF_A_KIND * 100} %; of ${NEVER_FAIL.join(" and ")} none`,
      found: often.map(([name, { failed }]) => `${name}: ${failed}`).join(", ") || "none",
      holds: often.length === 0,
    },
    {
      what: "kinds of coming and fault that never went well",
      bound: "none",
      found: never.join(", ") || "none",
      holds: never.length === 0,
    },
    {
      what: "what was wrong at steady clients, and replies that they lost",
      bound: "nothing",
      found: lost.join(", ") || "nothing",
      holds: lost.length === 0,
    },
    {
      what: "log lines dropped, which are not counted above",
      bound: "0",
      found: String(metrics.sightwire_log_lines_dropped_total),
      holds: metrics.sightwire_log_lines_dropped_total === 0,
    },
    {
      what: "panics",
      bound: "0",
      found: String(metrics.sightwire_panics_total),
      holds: metrics.sightwire_panics_total === 0,
    },
    {
      what: "exit after SIGTERM",
      bound: "code 0",
      found: ended.signal ?? `code ${ended.code}`,
      holds: ended.code === 0,
    },
  ];
  for (const [what, least] of Object.entries(plan.week ?? {})) {
    rows.push({
      what: `${what} in all`,
      bound: `at least ${least}`,
      found: String(counts[what]),
      holds: counts[what] >= least,
    });
  }
  return rows;
}

const signed = (number) =>
  `${number >= 0 ? "+" : "−"}${Math.abs(number).toFixed(Number.isInteger(number) ? 0 : 1)}`;
