// What Socket.IO 5 asks of a server, without encryption and without keys; socketio-tls.test.mjs has the same with both.

import assert from "node:assert/strict";
import { test } from "node:test";

import { opened } from "./engineio.mjs";
import { shared } from "./shared.mjs";
import { PINGING, socketioCases } from "./socketio-cases.mjs";

const server = shared(PINGING);

socketioCases(server);

const elsewhere = { todo: "it is ignored; the connection ends after 10 s, as without any packet" };
test("an_event_for_an_unknown_namespace_before_it_closes_the_connection", elsewhere, async (t) => {
  const client = await opened(t, server);
  client.send('42/random,["frame"]');
  const since = performance.now();
  await client.over();
  assert.ok(performance.now() - since < 8_000, "it ends for its own sake");
});
