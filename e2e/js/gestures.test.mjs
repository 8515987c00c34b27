// The main job: what was in the clip is what comes back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, GESTURES } from "./clips.mjs";
import { connect } from "./client.mjs";
import { verdict } from "./gestures.mjs";
import { sleep } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();

/** What is seen in a clip. It is played until that is `expected`, five times at most: a busy machine may see too few of it. */
async function seen(client, frames, expected) {
  for (let round = 1; ; round += 1) {
    const before = client.predictions.length;
    await client.play(frames);
    await client.answered();
    const found = verdict(client.predictions.slice(before));
    if (found.label === expected || round === 5) return found;
  }
}

for (const gesture of GESTURES) {
  test(`${gesture}_is_recognised`, async (t) => {
    const client = await connect(t, server);
    const { label, score } = await seen(client, await clip(gesture), gesture);
    t.diagnostic(`${label} ${score.toFixed(2)}`);
    assert.equal(label, gesture);
  });
}

test("frames_are_judged_in_the_order_in_which_they_were_sent", async (t) => {
  // The same pictures backwards are the opposite gesture.
  const frames = await clip("left");
  const [forwards, backwards] = await Promise.all([connect(t, server), connect(t, server)]);
  const verdicts = await Promise.all([
    seen(forwards, frames, "left"),
    seen(backwards, frames.toReversed(), "right"),
  ]);
  assert.deepEqual(
    verdicts.map(({ label }) => label),
    ["left", "right"],
  );
});

test("clients_at_the_same_time_get_their_own_answers", async (t) => {
  const clients = await Promise.all(GESTURES.slice(0, 4).map(() => connect(t, server)));
  const verdicts = await Promise.all(
    clients.map(async (client, i) => seen(client, await clip(GESTURES[i]), GESTURES[i])),
  );
  assert.deepEqual(
    verdicts.map(({ label }) => label),
    GESTURES.slice(0, 4),
  );
});

test("nothing_but_still_is_seen_in_a_picture_that_stands_still", async (t) => {
  const client = await connect(t, server);
  const [frame] = await clip("still");
  await seen(client, Array(25).fill(frame), "still");
  await sleep(100);
  const labels = new Set(client.predictions.map(({ label }) => label));
  labels.delete("none");
  assert.deepEqual([...labels], ["still"]);
});
