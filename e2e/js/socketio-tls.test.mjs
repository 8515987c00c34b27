// What Engine.IO 4 and Socket.IO 5 ask of a server, once more over TLS and of one that knows nobody without a key, which clients
// send in each of the ways that there are: the official client, and frame by frame.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { Client, TRANSPORTS } from "./client.mjs";
import { BRISK, CALM, engineioCases } from "./engineio-cases.mjs";
import { Polling, connectPacket, opened, probed } from "./engineio.mjs";
import { until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { WAYS, sharedSecured } from "./secured.mjs";
import { socketioCases } from "./socketio-cases.mjs";

/** @import { At } from "./secured.mjs" */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
/** Those in which all cases are tried in every run. */
const ALWAYS = ["in the CONNECT"];
/** At once: most of them wait for something. */
const CONCURRENCY = 6;

const calm = sharedSecured(CALM);
const brisk = sharedSecured(BRISK);

/** As clients know a server who send its key so. */
function known(server, way) {
  const at = /** @type {At} */ ({});
  before(() => void Object.assign(at, server, WAYS[way](server.key)));
  return at;
}

/** A client of the official library that does so. */
function official(t, /** @type {At} */ { url, ca, auth, query, headers }, transports) {
  const client = new Client(url, { transports, ca, auth, query, extraHeaders: headers });
  t.after(() => client.close());
  return client;
}

for (const way of Object.keys(WAYS)) {
  describe(`with_a_key_${way}`.replaceAll(" ", "_"), { concurrency: CONCURRENCY }, () => {
    const at = known(calm, way);

    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      test(`the_official_client_is_answered_frame_by_frame (${name})`, async (t) => {
        const client = official(t, at, transports);
        await client.ready();
        const { engine } = client.socket.io;
        if (transports.length > 1) {
          await until(() => engine.transport.name === "websocket", "the upgrade");
        }
        for (let count = 1; count <= 20; count += 1) {
          client.send(png());
          await client.answered(count);
        }
        assert.equal(engine.transport.name, transports.at(-1));
        assert.deepEqual(client.statuses, [{ message: "ready" }]);
        assert.deepEqual(client.predictions, Array(20).fill({ label: "hello", score: 0.9 }));
        assert.deepEqual([client.errors, client.disconnects], [[], []]);
      });
    }

    if (!ALWAYS.includes(way) && !IS_FULL) return;
    engineioCases({ calm: at, brisk: known(brisk, way) });
    socketioCases(known(brisk, way));
  });
}

describe("without_a_key_that_counts", { concurrency: CONCURRENCY }, () => {
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    test(`the_official_client_is_told_so_and_gets_nothing (${name})`, async (t) => {
      for (const [given, said] of /** @type {[object, RegExp][]} */ ([
        [{}, /key is needed to have signs recognised/],
        [WAYS["in the CONNECT"]("sw_00000000_wrong"), /not a key/],
      ])) {
        const client = official(t, { ...calm, ...given }, transports);
        const why = await new Promise((refused) => client.socket.on("connect_error", refused));
        assert.match(why.message, said);
        assert.deepEqual([client.statuses, client.predictions], [[], []]);
      }
    });
  }

  for (const way of ["in the address", "in a header"]) {
    test(`a_wrong_one_${way}_opens_a_session_and_no_namespace`.replaceAll(" ", "_"), async (t) => {
      const at = { ...calm, ...WAYS[way]("sw_00000000_wrong") };
      for (const session of [await opened(t, at), await Polling.open(at)]) {
        await session.send("40");
        assert.match(await session.take(), /^44\{"message":".*not a key/);
      }
    });
  }

  test("frame_by_frame_the_namespace_is_refused_over_both_transports_and_after_an_upgrade", async (t) => {
    const refused = /^44\{"message":".*key is needed/;
    const socket = await opened(t, calm);
    socket.send("40");
    assert.match(await socket.take(), refused);
    const polling = await Polling.open(calm);
    await polling.send("40");
    assert.match(await polling.take(), refused);
    const session = await Polling.open(calm);
    const upgraded = await probed(t, calm, session);
    upgraded.send("5", "40");
    assert.match(await upgraded.take(), refused);
    // The connection is still good for somebody who has one.
    upgraded.send(connectPacket({ auth: { key: calm.key } }));
    assert.match(await upgraded.take(), /^40\{"sid":/);
  });
});
