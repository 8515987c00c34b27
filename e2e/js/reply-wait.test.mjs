// Whether a reply is of its own frame or of the one before: `recognizer.reply_wait_s`. Two clients send the same frames; one of
// them, with extras, is told of every result.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { clip } from "./clips.mjs";
import { connect } from "./client.mjs";
import { start, until } from "./harness.mjs";

let frames;
before(async () => {
  frames = await clip("left");
});

const waiting = (seconds) => ({ args: ["--set", `recognizer.reply_wait_s=${seconds}`] });

/** Replies to the old client, and the scores that its frames have, one frame after the other. */
async function played(t, server, { extra = {} } = {}) {
  const [old, told] = [await connect(t, server), await connect(t, server, { auth: { extras: true } })];
  const results = new Map();
  /** @param {import("./types.ts").SignResult} result */
  const note = ({ seen, score }) => results.set(seen, score);
  told.socket.on("result", note);
  for (const [id, frame] of frames.entries()) {
    told.send(frame, { id });
    if (id >= 9) await until(() => results.has(id), `the result of frame ${id}`);
    old.send(frame, extra);
    await old.answered();
    // The next frame comes when this one's result is known, as at 25 a second.
    if (id >= 9) await until(async () => (await predictions(server)) >= 2 * (id - 8), "both results");
  }
  return { replies: old.predictions.map(({ score }) => score), results };
}

async function predictions(server) {
  const { text } = await server.get("/metrics");
  return Number(text.match(/^sightwire_recognizer_predictions_total (\d+)/m)[1]);
}

test("a_reply_waits_for_the_result_of_its_own_frame", async (t) => {
  const server = await start(t, waiting(1));
  const { replies, results } = await played(t, server);
  // The first window's is not waited for before it is known to come.
  for (let id = 9; id < frames.length; id += 1) assert.equal(replies[id], results.get(id), `frame ${id}`);
});

test("without_the_wait_a_reply_is_of_the_frame_before", async (t) => {
  const server = await start(t, waiting(0));
  const { replies, results } = await played(t, server);
  assert.equal(replies[9], 0);
  for (let id = 10; id < frames.length; id += 1)
    assert.equal(replies[id], results.get(id - 1), `frame ${id}`);
});

test("an_acknowledgement_does_not_wait_and_comes_after_its_reply", async (t) => {
  const server = await start(t, waiting(1));
  const client = await connect(t, server);
  const order = [];
  client.socket.on("prediction", () => order.push("reply"));
  for (const frame of frames) {
    client.socket.emit("frame", { image: frame.toString("base64") }, () => order.push("ack"));
  }
  await until(() => order.length === 2 * frames.length, "all replies and acks");
  assert.deepEqual(order, Array(frames.length).fill(["reply", "ack"]).flat());
});

test("replies_that_wait_keep_their_order_and_none_is_lost", async (t) => {
  const server = await start(t, waiting(0.02));
  const client = await connect(t, server);
  const order = [];
  client.socket.on("prediction", () => order.push("reply"));
  for (const [index, frame] of [...frames, ...frames, ...frames].entries()) {
    // Some wait, some may not.
    if (index % 7 === 3)
      client.socket.emit("frame", { image: frame.toString("base64") }, () => order.push("ack"));
    else client.send(frame);
  }
  const acks = Math.ceil((3 * frames.length - 3) / 7);
  await until(() => order.length === 3 * frames.length + acks, "all");
  const before = order.map((_, at) => order.slice(0, at + 1).filter((what) => what === "reply").length);
  const expected = Array.from({ length: acks }, (_, n) => 7 * n + 4);
  assert.deepEqual(
    before.filter((_, at) => order[at] === "ack"),
    expected,
    "each ack is right after its own reply",
  );
});
