// How many clients are let in, what the others are told, and how fast a place is free again.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { clip } from "./clips.mjs";
import { Client, connect, TRANSPORTS } from "./client.mjs";
import { sleep, start, until } from "./harness.mjs";
import { png } from "./pictures.mjs";

/** "At once", as far as a busy machine can tell: long before the ping timeout. The server itself needs a few milliseconds. */
const AT_ONCE_MS = 10_000;

const REFUSAL = { message: "Server at capacity, please try again later" };

/** Connects and is refused. */
async function refused(t, server, options) {
  const client = new Client(server.url, options);
  t.after(() => client.close());
  await until(() => client.disconnects.length > 0, "a refusal");
  return client;
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`one_client_too_many_is_told_so_and_disconnected (${name})`, async (t) => {
    const server = await start(t, { env: { MAX_CLIENTS: "2", USE_DUMMY_MODEL: "1" } });
    const first = await connect(t, server, { transports });
    await connect(t, server, { transports });
    const third = await refused(t, server, { transports });
    assert.deepEqual(third.errors, [REFUSAL]);
    assert.deepEqual(third.statuses, []);
    assert.deepEqual(third.disconnects, ["io server disconnect"]);
    // Those who are in notice nothing.
    first.send(png());
    await first.answered(1);
    assert.equal((await server.recognizer()).clients, 2);
  });
}

describe("a_place_is_free_again", () => {
  const full = { env: { MAX_CLIENTS: "1", USE_DUMMY_MODEL: "1" } };

  /** @type {Record<string, [transports: string[], leave: (client: Client) => void]>} */
  const leaving = {
    at_once_when_a_client_disconnects: [["websocket"], (client) => client.close()],
    at_once_when_a_polling_client_disconnects: [["polling"], (client) => client.close()],
    at_once_when_the_connection_is_closed: [["websocket"], (client) => client.tcp.end()],
    at_once_when_the_connection_is_reset: [["websocket"], (client) => client.tcp.resetAndDestroy()],
  };
  for (const [name, [transports, leave]] of Object.entries(leaving)) {
    test(name, async (t) => {
      const server = await start(t, full);
      const first = await connect(t, server, { transports });
      await refused(t, server);
      leave(first);
      const ms = await until(async () => (await server.recognizer()).clients === 0, "no client left");
      t.diagnostic(`${Math.round(ms)} ms`);
      assert.ok(ms < AT_ONCE_MS, `${Math.round(ms)} ms`);
      const second = await connect(t, server);
      second.send(png());
      await second.answered(1);
    });
  }

  test("when_a_client_stops_reading", async (t) => {
    const server = await start(t, full);
    const client = await connect(t, server);
    const { tcp } = client;
    const { ws } = /** @type {any} */ (client.socket.io.engine.transport);
    tcp.pause();
    // Small pictures, enough of them that the replies fill every buffer on the way.
    const image = png(8, 8).toString("base64");
    const message = `42["frame",{"image":"${image}"}]`;
    let sending = true;
    const flood = (async () => {
      while (sending && !tcp.destroyed) {
        for (let i = 0; i < 500 && tcp.writableLength < 4 << 20; i += 1) {
          ws.send(message);
        }
        await sleep(5);
      }
    })();
    // From when the server cannot write any more, which shows in its reading no more either.
    await until(() => tcp.writableLength >= 4 << 20 || tcp.destroyed, "a full pipe");
    const ms = await until(async () => (await server.recognizer()).clients === 0, "the place freed");
    sending = false;
    await flood;
    t.diagnostic(`${Math.round(ms)} ms`);
    await connect(t, server);
  });
});

test("a_leaver_in_mid_prediction_leaves_nothing_behind", async (t) => {
  const server = await start(t);
  const frames = await clip("wave", { frames: 25 });
  for (let round = 0; round < 10; round += 1) {
    const client = await connect(t, server);
    for (const frame of frames) client.send(frame);
    client.tcp.resetAndDestroy();
  }
  await until(async () => (await server.recognizer()).clients === 0, "no client left");
  const predictions = async () => (await server.recognizer()).predictions_total;
  // One that was begun is finished.
  const isSettled = async () => {
    const before = await predictions();
    await sleep(500);
    return (await predictions()) === before;
  };
  await until(isSettled, "no prediction for nobody");
});
