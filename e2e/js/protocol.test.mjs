// The old contract over every transport: one `status`, then one `prediction` for every valid frame.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { clip } from "./clips.mjs";
import { Client, connect, TRANSPORTS } from "./client.mjs";
import { sleep, until } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();
let frames;
before(async () => {
  frames = await clip("left", { frames: 50 });
});

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  describe(name, { concurrency: true }, () => {
    test("status_comes_once_and_says_ready", async (t) => {
      const client = await connect(t, server, { transports });
      await client.play(frames.slice(0, 5));
      await client.answered();
      assert.deepEqual(client.statuses, [{ message: "ready" }]);
    });

    test("a_reply_for_every_valid_frame_and_none_besides", async (t) => {
      const client = await connect(t, server, { transports });
      await client.play(frames);
      await client.answered(frames.length);
      await sleep(300);
      assert.equal(client.predictions.length, frames.length);
      assert.deepEqual(client.errors, []);
      assert.deepEqual(client.disconnects, []);
    });

    test("a_reply_has_a_label_and_a_score_and_nothing_else", async (t) => {
      const client = await connect(t, server, { transports });
      await client.play(frames);
      await client.answered();
      for (const reply of client.predictions) {
        assert.deepEqual(Object.keys(reply).sort(), ["label", "score"]);
        assert.equal(typeof reply.label, "string");
        assert.ok(reply.score >= 0 && reply.score <= 1, `score ${reply.score}`);
      }
      const names = new Set(client.events.map(([event]) => event));
      assert.deepEqual([...names].sort(), ["prediction", "status"]);
    });

    test("before_the_first_result_the_answer_is_none_with_score_0", async (t) => {
      const client = await connect(t, server, { transports });
      client.send(frames[0]);
      await client.answered();
      assert.deepEqual(client.predictions, [{ label: "none", score: 0 }]);
    });
  });
}

test("a_session_goes_over_from_polling_to_websocket_without_losing_a_reply", async (t) => {
  const client = new Client(server.url, { transports: ["polling", "websocket"] });
  t.after(() => client.close());
  const { engine } = client.socket.io;
  const names = [];
  engine.once("open", () => names.push(engine.transport.name));
  engine.once("upgrade", (transport) => names.push(transport.name));
  await until(() => client.socket.connected, "connected");
  await client.play(frames);
  await client.answered(frames.length);
  assert.deepEqual(names, ["polling", "websocket"]);
  assert.equal(client.predictions.length, frames.length);
});

test("a_score_below_the_threshold_reads_none", async (t) => {
  const client = await connect(t, server);
  for (const gesture of ["wave", "push", "left", "still"]) await client.play(await clip(gesture));
  await client.answered();
  for (const { label, score } of client.predictions) {
    assert.equal(label === "none", score < 0.5, `${label} ${score}`);
  }
});

test("clients_on_different_transports_do_not_hear_each_other", async (t) => {
  const clients = await Promise.all(
    Object.values(TRANSPORTS).map((transports) => connect(t, server, { transports })),
  );
  await Promise.all(clients.map((client, i) => client.play(frames.slice(0, 10 + 5 * i))));
  await Promise.all(clients.map((client) => client.answered()));
  await sleep(200);
  assert.deepEqual(
    clients.map((client) => client.predictions.length),
    [10, 15, 20],
  );
});

test("a_client_that_reconnects_is_served_as_a_new_one", async (t) => {
  const client = await connect(t, server, { reconnection: true, reconnectionDelay: 50 });
  client.send(frames[0]);
  await client.answered();
  client.socket.io.engine.close(); // the network's fault: the client comes back by itself
  await until(() => client.statuses.length === 2, "a second status");
  client.send(frames[0]);
  await client.answered(2);
  assert.deepEqual(client.predictions[1], { label: "none", score: 0 });
});
