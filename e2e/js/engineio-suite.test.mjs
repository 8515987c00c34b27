// What Engine.IO 4 asks of a server, without encryption and without keys; socketio-tls.test.mjs has the same with both.

import assert from "node:assert/strict";
import { createServer, connect as dial } from "node:net";
import { describe, test } from "node:test";

import { Client } from "./client.mjs";
import { BRISK, CALM, engineioCases } from "./engineio-cases.mjs";
import { Polling, enter, isServed, probed, socket } from "./engineio.mjs";
import { portOf, sleep, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { shared } from "./shared.mjs";

const calm = shared(CALM);
const brisk = shared(BRISK);

engineioCases({ calm, brisk });

// The protocol's text does not say what becomes of an upgrade that fails. The reference server closes the WebSocket and
// keeps the session, and clients count on it: they go on polling.
describe("an_upgrade_that_fails", () => {
  const lost = { todo: "the session ends with the WebSocket" };

  for (const [when, begin] of Object.entries({
    before: (t, session) => socket(t, calm, { sid: session.opening.sid }),
    after: (t, session) => probed(t, calm, session),
  })) {
    test(`a_websocket_that_is_lost_${when}_its_probe_leaves_the_session_polling`, lost, async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      const client = await begin(t, session);
      client.destroy();
      await sleep(300);
      await isServed(session);
    });
  }

  const silent = {
    todo: "each poll gets a noop at once and nothing else, and after 10 s the session ends",
  };
  test("a_websocket_that_says_nothing_does_not_hold_up_the_polls", silent, async (t) => {
    const session = await Polling.open(calm);
    await enter(session);
    await socket(t, calm, { sid: session.opening.sid });
    await isServed(session);
  });

  test("a_client_behind_a_proxy_that_cuts_websockets_is_served_by_polling", lost, async (t) => {
    const proxy = await cutting(t, calm);
    const client = new Client(proxy.url, { transports: ["polling", "websocket"] });
    t.after(() => client.close());
    await until(() => client.statuses.length === 1 || client.disconnects.length > 0, "status");
    await until(() => proxy.cut > 0, "the upgrade");
    await sleep(300);
    client.send(png());
    await until(() => client.predictions.length === 1 || client.disconnects.length > 0, "a reply");
    assert.deepEqual([client.predictions.length, client.disconnects], [1, []]);
  });
});

/** A proxy that passes the handshake of a WebSocket on and ends the connection with the answer. */
async function cutting(t, server) {
  const proxy = { cut: 0 };
  const listener = createServer((below) => {
    const above = dial({ host: "127.0.0.1", port: server.port });
    let isWebSocket = false;
    below.on("data", (bytes) => {
      isWebSocket ||= bytes.includes("transport=websocket");
      above.write(bytes);
    });
    above.on("data", (bytes) => {
      below.write(bytes);
      if (!isWebSocket) return;
      proxy.cut += 1;
      below.destroySoon();
      above.destroy();
    });
    for (const end of [below, above]) end.on("error", () => {});
    below.on("close", () => above.destroy());
    above.on("close", () => below.destroySoon());
  });
  proxy.url = `http://127.0.0.1:${await portOf(listener)}`;
  t.after(() => listener.close());
  return proxy;
}
