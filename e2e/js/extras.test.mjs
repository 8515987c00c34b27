// The extension: only clients that ask for it at connect get more than the old contract.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { clip, GESTURES } from "./clips.mjs";
import { connect } from "./client.mjs";
import { sleep, until } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();
let frames;
before(async () => {
  frames = await clip("left");
});

const WITH_EXTRAS = { auth: { extras: true } };

test("the_model_is_described_after_status", async (t) => {
  const client = await connect(t, server, WITH_EXTRAS);
  await until(() => client.events.length >= 2, "model after status");
  const [[first], [second, model]] = client.events;
  assert.deepEqual([first, second], ["status", "model"]);
  assert.deepEqual(model, {
    name: "gestures",
    labels: GESTURES,
    window: 10,
    threshold: 0.5,
    arming: false,
    width: 224,
    height: 224,
  });
});

test("a_reply_carries_the_id_of_its_own_frame", async (t) => {
  const client = await connect(t, server, WITH_EXTRAS);
  for (const [id, frame] of frames.entries()) client.send(frame, { id: 1_000 + id });
  await client.answered();
  assert.deepEqual(
    client.predictions.map(({ id }) => id),
    frames.map((_, id) => 1_000 + id),
  );
});

test("a_reply_says_which_frame_its_result_has_seen", async (t) => {
  const client = await connect(t, server, WITH_EXTRAS);
  for (const [id, frame] of frames.entries()) {
    client.send(frame, { id });
    await sleep(40);
  }
  await client.answered();
  // A busy machine may have needed longer than the clip lasts.
  const isSeen = async () => {
    if (client.predictions.some(({ seen }) => seen !== null)) return true;
    client.send(frames.at(-1), { id: client.predictions.length });
    await client.answered();
    return false;
  };
  await until(isSeen, "a reply that has seen a result");
  assert.deepEqual([client.predictions[0].seen, client.predictions[0].scores], [null, null]);
  let newest = -1;
  for (const { id, seen, scores } of client.predictions) {
    if (seen === null) continue;
    assert.ok(seen >= newest && seen <= id, `reply ${id} has seen ${seen} after ${newest}`);
    newest = seen;
    assert.equal(scores.length, GESTURES.length);
    const sum = scores.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 1) < 1e-3, `the scores sum to ${sum}`);
  }
  assert.ok(newest >= 9, "at least one result was seen");
});

test("a_result_is_pushed_as_soon_as_it_is_known", async (t) => {
  const client = await connect(t, server, WITH_EXTRAS);
  /** @type {import("./types.ts").SignResult[]} */
  const results = [];
  client.socket.on("result", (result) => results.push(result));
  for (let id = 0; id < 10; id += 1) client.send(frames[id], { id });
  await until(() => results.length > 0, "a result");
  const [result] = results;
  assert.deepEqual(Object.keys(result).sort(), ["age_ms", "label", "score", "scores", "seen"]);
  assert.equal(result.seen, 9);
  assert.ok(result.age_ms >= 0 && result.age_ms < 5_000);
});

test("an_id_that_is_no_number_is_ignored", async (t) => {
  const client = await connect(t, server, WITH_EXTRAS);
  for (const id of ["seven", -1, 1.5, null, [1]]) client.send(frames[0], { id: /** @type {any} */ (id) });
  client.send(frames[0], { id: 7 });
  await client.answered(6);
  assert.equal(client.predictions.at(-1).id, 7);
});

test("a_client_that_did_not_ask_gets_none_of_it", async (t) => {
  const client = await connect(t, server, { auth: { extras: false, token: "x" } });
  for (const [id, frame] of frames.entries()) client.send(frame, { id });
  await client.answered();
  await sleep(300);
  assert.deepEqual([...new Set(client.events.map(([name]) => name))].sort(), ["prediction", "status"]);
  for (const reply of client.predictions) assert.deepEqual(Object.keys(reply).sort(), ["label", "score"]);
});
