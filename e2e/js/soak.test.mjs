// The judge of `cargo xtask soak`, with runs that are made up: what grows is found, and what does not is not.

import assert from "node:assert/strict";
import { test } from "node:test";

import { perRound } from "../soak/comings.mjs";
import { cause } from "../soak/logs.mjs";
import { plan } from "../soak/options.mjs";
import { Outcomes } from "../soak/rounds.mjs";
import { verdict } from "../soak/verdict.mjs";

/** @import { Run } from "../soak/verdict.mjs" */

/**
 * An hour in which nothing happens; `change` is made to what is seen at that share of it.
 * @param {(seen: { rssMb: number, threads: number, descriptors: number, left: string }, share: number) => void} [change]
 */
function hour(change = () => {}) {
  const asked = plan(["--minutes", "60", "--seed", "1"]);
  const length = asked.windows * asked.windowS;
  const look = (s) => {
    const window = Math.min(asked.windows - 1, Math.floor(s / asked.windowS));
    const seen = { s, window, isQuiet: false, rssMb: 500, threads: 40, descriptors: 30, left: "" };
    change(seen, s / length);
    return { ...seen, threadNames: {}, files: {}, sessions: 4, isSteady: true };
  };
  const every = (seconds) => Array.from({ length: length / seconds }, (_, i) => look((i + 0.9) * seconds));
  const delay = { count: 1_000, p50: 1, p99: 10, max: 20 };
  const outcomes = new Outcomes();
  outcomes.count("page", "done");
  const windows = Array.from({ length: asked.windows }, () => ({
    signs: { delay_ms: { reply_from_due: { ...delay }, lateness: { ...delay } }, problems: [] },
    relay: { age_ms: { ...delay }, faults: [] },
    cameras: { age_ms: { ...delay }, detection_ms: { ...delay }, loop_ms: { ...delay }, drawn: 900, lost: 0 },
  }));
  const causes = new Map([["INFO a line", new Map(Array.from({ length: 60 }, (_, minute) => [minute, 20]))]]);
  const run = {
    plan: asked,
    samples: { all: every(10), quiets: every(asked.roundS) },
    windows,
    log: { causes, lines: 1_200, errors: [] },
    outcomes,
    counts: { connects: 0, streams: 0, batches: 0 },
    metrics: { sightwire_panics_total: 0, sightwire_log_lines_dropped_total: 0 },
    ended: { code: 0, signal: null },
  };
  return /** @type {Run} */ (/** @type {unknown} */ (run));
}

const broken = (/** @type {Run} */ run) =>
  verdict(run)
    .rows.filter((row) => !row.holds)
    .map(({ what }) => what);

test("an_hour_in_which_nothing_grows_breaks_no_bound", () => {
  assert.deepEqual(broken(hour()), []);
  const noisy = hour((seen, share) => {
    seen.rssMb += 5 * Math.sin(share * 1_000);
    seen.threads += Math.round(Math.sin(share * 777));
  });
  assert.deepEqual(broken(noisy), []);
});

test("what_grows_breaks_the_bound_of_what_it_is_and_no_other", () => {
  for (const [change, what] of /** @type {[Parameters<typeof hour>[0], RegExp][]} */ ([
    [(seen, share) => (seen.rssMb += 30 * share), /^RSS/],
    [(seen, share) => (seen.threads += Math.floor(6 * share)), /^threads/],
    [(seen, share) => (seen.descriptors += Math.floor(6 * share)), /^descriptors/],
    [(seen, share) => (seen.left = share > 0.9 ? "1 streams" : ""), /somebody was still there/],
  ])) {
    const found = broken(hour(change));
    assert.ok(found.length > 0 && found.every((bound) => what.test(bound)), `${what}: ${found}`);
  }
});

test("delays_lines_panics_and_a_wrong_end_break_theirs", () => {
  for (const [change, what] of /** @type {[(run: Run) => unknown, RegExp][]} */ ([
    [(run) => (run.windows.at(-1).relay.age_ms.p99 = 11.1), /^p99 of relay/],
    [(run) => (run.windows.at(-1).cameras.detection_ms.p99 = 11.1), /^p99 of detections/],
    [
      (run) => (run.windows.at(-1).cameras.detection_ms = { count: 0, p50: 0, p99: 0, max: 0 }),
      /^detections,/,
    ],
    [(run) => (run.windows.at(-1).cameras.drawn = 800), /^drawn pictures,/],
    [(run) => (run.windows.at(-1).relay.age_ms.count = 900), /^pictures of the relay,/],
    [(run) => run.windows[3].signs.problems.push("1 frames without a reply"), /^what was wrong at steady/],
    [(run) => (run.metrics.sightwire_log_lines_dropped_total = 1), /^log lines dropped/],
    [(run) => run.log.causes.set("WARN loud", new Map([[30, 61]])), /^log lines/],
    [(run) => run.log.causes.set("WARN often", new Map(minutes(22))), /^log lines/],
    [(run) => (run.metrics.sightwire_panics_total = 1), /^panics/],
    [(run) => (run.ended.code = 1), /^exit/],
    [(run) => run.outcomes.count("page", "failed", "why"), /did not get what they came for/],
    [(run) => run.outcomes.count("batch", "failed", "why"), /never went well|did not get/],
    [
      (run) => (often(run, "page", { done: 5_000, failed: 0 }), often(run, "batch", { done: 20, failed: 3 })),
      /more than once/,
    ],
    [
      (run) => (
        often(run, "page", { done: 5_000, failed: 0 }),
        often(run, "key revoked in use", { done: 20, failed: 1 })
      ),
      /more than once/,
    ],
  ])) {
    const run = hour();
    change(run);
    const found = broken(run);
    assert.ok(found.length > 0 && found.every((bound) => what.test(bound)), `${what}: ${found}`);
  }
});

function often(/** @type {Run} */ run, name, counts) {
  for (const what of /** @type {const} */ (["done", "failed"]))
    for (let i = 0; i < counts[what]; i += 1) run.outcomes.count(name, what, "why");
}

const minutes = (/** @type {number} */ lines) =>
  Array.from({ length: 60 }, (_, minute) => /** @type {[number, number]} */ ([minute, lines]));

test("lines_are_told_apart_by_what_they_say_and_not_by_whom_they_are_about", () => {
  const line = (message) => cause({ level: "INFO", fields: { message } });
  for (const [one, other] of [
    ["CONNECT client=Ab1 clients=3", "CONNECT client=Zz9 clients=17"],
    [
      'AUDIT the key 1a2b3c4d ("phone") added the camera "gate"',
      'AUDIT the key 99ffee00 ("tv") added the camera "yard"',
    ],
    ["a viewer got no picture of it: it is silent", "a viewer got no picture of it: http://10.0.0.1/ broke"],
    [
      "in 10 s, 60 more lines like this one: a viewer has come",
      "in 12 s, 3 more lines like this one: a viewer has come",
    ],
  ]) {
    assert.equal(line(one), line(other));
  }
  assert.notEqual(line("a viewer has come"), line("a viewer has gone"));
  assert.notEqual(line("a viewer has come"), line("in 10 s, 60 more lines like this one: a viewer has come"));
  assert.notEqual(line("a"), cause({ level: "WARN", fields: { message: "a" } }));
});

test("what_fails_once_in_a_while_breaks_nothing", () => {
  const run = hour();
  often(run, "batch", { done: 2_000, failed: 2 });
  assert.deepEqual(broken(run), []);
});

test("a_week_has_its_connects_streams_and_batches_in_half_an_hour", () => {
  const week = plan(["--week"]);
  assert.deepEqual([week.minutes, week.windows], [30, 3]);
  const rounds = week.windows * week.rounds;
  const counts = perRound(week, week.roundS - week.quietS);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  assert.ok(counts.send * rounds >= 10_000 && counts.batch * rounds >= 1_000, JSON.stringify(counts));
  // Of a batch and of a login there are several.
  assert.ok((all + 5 * counts.batch + 3 * counts.login) * rounds >= 100_000, `${all} a round`);
});
