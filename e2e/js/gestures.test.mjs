// The main job: what was in the clip is what comes back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, GESTURES } from "./clips.mjs";
import { connect } from "./client.mjs";
import { verdict } from "./gestures.mjs";
import { sleep } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();

/** Plays a clip as often as it takes until something was seen in it: a busy machine may need longer than one lasts. */
async function played(client, frames) {
  for (let round = 0; round < 5 && verdict(client.predictions).label === "none"; round += 1) {
    await client.play(frames);
    await client.answered();
  }
}

for (const gesture of GESTURES) {
  test(`${gesture}_is_recognised`, async (t) => {
    const client = await connect(t, server);
    await played(client, await clip(gesture));
    const { label, score } = verdict(client.predictions);
    t.diagnostic(`${label} ${score.toFixed(2)}`);
    assert.equal(label, gesture);
  });
}

test("frames_are_judged_in_the_order_in_which_they_were_sent", async (t) => {
  // The same pictures backwards are the opposite gesture.
  const frames = await clip("left");
  const [forwards, backwards] = await Promise.all([connect(t, server), connect(t, server)]);
  await Promise.all([played(forwards, frames), played(backwards, frames.toReversed())]);
  assert.equal(verdict(forwards.predictions).label, "left");
  assert.equal(verdict(backwards.predictions).label, "right");
});

test("clients_at_the_same_time_get_their_own_answers", async (t) => {
  const clients = await Promise.all(GESTURES.slice(0, 4).map(() => connect(t, server)));
  await Promise.all(clients.map(async (client, i) => played(client, await clip(GESTURES[i]))));
  assert.deepEqual(
    clients.map((client) => verdict(client.predictions).label),
    GESTURES.slice(0, 4),
  );
});

test("nothing_but_still_is_seen_in_a_picture_that_stands_still", async (t) => {
  const client = await connect(t, server);
  const [frame] = await clip("still");
  await played(client, Array(25).fill(frame));
  await sleep(100);
  const labels = new Set(client.predictions.map(({ label }) => label));
  labels.delete("none");
  assert.deepEqual([...labels], ["still"]);
});
