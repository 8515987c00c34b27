// The main job: what was in the clip is what comes back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, FPS, GESTURES } from "./clips.mjs";
import { connect } from "./client.mjs";
import { verdict } from "./gestures.mjs";
import { sleep, until } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();

/** How many frames of all clients there are that wait to be looked at now, and how many were passed over so far. */
async function counted() {
  const { text } = await server.get("/metrics");
  const value = (name) =>
    Number(text.match(new RegExp(`^sightwire_recognizer_frames_${name} (\\d+)`, "m"))[1]);
  return { waiting: value("pending"), passedOver: value("skipped_total") + value("excess_total") };
}

/**
 * What is seen in each client's clip, played at the same time; again, eleven times at most and each third time more slowly, if
 * something of it was not looked at, as happens on a busy machine.
 */
async function seen(...plays) {
  for (let round = 1; ; round += 1) {
    const [{ passedOver }, before] = [await counted(), plays.map(([client]) => client.predictions.length)];
    await Promise.all(
      plays.map(([client, clip]) =>
        client.play(clip, FPS / Math.ceil(round / 3)).then(() => client.answered()),
      ),
    );
    await until(async () => (await counted()).waiting === 0, "all frames to be looked at");
    const whole = (await counted()).passedOver === passedOver;
    if (whole || round === 12)
      return plays.map(([client], i) => verdict(client.predictions.slice(before[i])));
  }
}

for (const gesture of GESTURES) {
  test(`${gesture}_is_recognised`, async (t) => {
    const client = await connect(t, server);
    const [{ label, score }] = await seen([client, await clip(gesture)]);
    t.diagnostic(`${label} ${score.toFixed(2)}`);
    assert.equal(label, gesture);
  });
}

test("frames_are_judged_in_the_order_in_which_they_were_sent", async (t) => {
  // The same pictures backwards are the opposite gesture.
  const frames = await clip("left");
  const [forwards, backwards] = await Promise.all([connect(t, server), connect(t, server)]);
  const verdicts = await seen([forwards, frames], [backwards, frames.toReversed()]);
  assert.deepEqual(
    verdicts.map(({ label }) => label),
    ["left", "right"],
  );
});

test("clients_at_the_same_time_get_their_own_answers", async (t) => {
  const clients = await Promise.all(GESTURES.slice(0, 4).map(() => connect(t, server)));
  const clips = await Promise.all(GESTURES.slice(0, 4).map((gesture) => clip(gesture)));
  const verdicts = await seen(...clients.map((client, i) => [client, clips[i]]));
  assert.deepEqual(
    verdicts.map(({ label }) => label),
    GESTURES.slice(0, 4),
  );
});

test("nothing_but_still_is_seen_in_a_picture_that_stands_still", async (t) => {
  const client = await connect(t, server);
  const [frame] = await clip("still");
  await seen([client, Array(25).fill(frame)]);
  await sleep(100);
  const labels = new Set(client.predictions.map(({ label }) => label));
  labels.delete("none");
  assert.deepEqual([...labels], ["still"]);
});
