// What Socket.IO 5 asks of a server: every case of the protocol's own suite, and those that its text asks for with MUST.
// What the suite repeats of Engine.IO is in engineio-cases.mjs; deadlines are in crates/server/tests/servers/sessions.rs. The
// suite wants a server that sends each message back; here a `frame` is what is sent and its `prediction` is what comes back.
//
// Without counterpart:
// - another namespace than the main one, with a payload or without: there is none. That one is refused, and that the main
//   one goes on meanwhile, is tested instead.
// - the `auth` event with the CONNECT's payload: nothing sends it back. That `extras` in it is heard is tested instead.
// - events and acknowledgements with attachments from the server: nothing that it sends is binary.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  FRAME,
  PING,
  PONG,
  PREDICTION,
  Polling,
  STATUS,
  connectPacket,
  dummy,
  enter,
  isServed,
  opened,
} from "./engineio.mjs";
import { sleep, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { BYTES } from "./rawclient.mjs";

/** @import { At } from "./secured.mjs" */

const INTERVAL_MS = 500;

/** What the server is started with. */
export const PINGING = dummy({ "socketio.ping_interval_s": INTERVAL_MS / 1000 });

const image = png().toString("base64");
const REFUSED = '44/random,{"message":"Invalid namespace"}';

/** Tests that a server does so. */
export function socketioCases(/** @type {At} */ server) {
  connects(server);
  disconnects(server);
  messages(server);
  packetsThatAreNone(server);
}

/** A WebSocket in the main namespace. */
async function entered(t, /** @type {At} */ server, /** @type {object} */ payload = undefined) {
  const client = await opened(t, server);
  client.handshake = await enter(client, payload);
  return client;
}

/** A payload of a packet, as JSON. */
const json = (packet, prefix) => {
  assert.ok(packet.startsWith(prefix), packet);
  return JSON.parse(packet.slice(prefix.length));
};

function connects(/** @type {At} */ server) {
  describe("connect", () => {
    test("to_the_main_namespace_is_answered_with_an_id_and_then_with_the_status", async (t) => {
      const client = await opened(t, server);
      client.send(connectPacket(server));
      const handshake = json(await client.take(), "40");
      assert.deepEqual(Object.keys(handshake), ["sid"]);
      assert.ok(typeof handshake.sid === "string" && handshake.sid !== "");
      assert.equal(await client.take(), STATUS);
    });

    test("by_polling_is_answered_likewise", async () => {
      const session = await Polling.open(server);
      const handshake = await enter(session);
      assert.deepEqual(Object.keys(handshake), ["sid"]);
      await isServed(session);
    });

    test("with_a_payload_that_says_nothing_to_the_server_is_the_same", async (t) => {
      const client = await entered(t, server, { token: "123" });
      assert.deepEqual(Object.keys(client.handshake), ["sid"]);
      client.send(`42["frame",{"id":7,"image":"${image}"}]`);
      assert.equal(await client.take(), PREDICTION);
    });

    test("with_a_payload_that_asks_for_extras_brings_them", async (t) => {
      const client = await entered(t, server, { extras: true });
      assert.deepEqual(Object.keys(client.handshake), ["sid"]);
      client.send(`42["frame",{"id":7,"image":"${image}"}]`);
      await until(() => client.packets.some((packet) => packet.includes('"id":7')), "the frame's id");
    });

    for (const connect of ["40/random", "40/random,", '40/random,{"token":"abc"}']) {
      test(`to_an_unknown_namespace_is_refused (${connect})`, async (t) => {
        const client = await opened(t, server);
        client.send(connect);
        assert.equal(await client.take(), REFUSED);
        // The connection is still good for one that is there.
        await enter(client);
        await isServed(client);
      });
    }

    test("to_an_unknown_namespace_is_refused_and_the_main_one_goes_on", async (t) => {
      const client = await entered(t, server);
      client.send("40/random,", FRAME);
      assert.equal(await client.take(), REFUSED);
      assert.equal(await client.take(), PREDICTION);
      await isServed(client);
    });

    const events = {
      "an event": FRAME,
      "an acknowledgement": '431["x"]',
      "a goodbye": "41",
      "no packet": "4abc",
    };
    for (const [what, packet] of Object.entries(events)) {
      test(`${what}_before_it_closes_the_connection`.replaceAll(" ", "_"), async (t) => {
        const client = await opened(t, server);
        client.send(packet);
        await client.over();
        assert.ok(!client.packets.includes(PREDICTION));
      });
    }

    test("an_event_by_polling_before_it_closes_the_session", async () => {
      const session = await Polling.open(server);
      await session.post(FRAME);
      await until(() => session.isOver(), "the end");
    });
  });
}

function disconnects(/** @type {At} */ server) {
  describe("disconnect", () => {
    test("from_the_main_namespace_leaves_the_connection_for_a_while", async (t) => {
      const client = await entered(t, server);
      // The first ping comes at once; the next shows that the connection is still alive.
      await sleep(INTERVAL_MS / 2);
      client.pongs = false;
      client.send("41");
      assert.equal(await client.take(), PING);
      client.send(PONG);
      client.pongs = true;
      await enter(client);
      await isServed(client);
    });
  });
}

function messages(/** @type {At} */ server) {
  describe("messages", () => {
    test("with_more_arguments_than_wanted_are_taken", async (t) => {
      const client = await entered(t, server);
      client.send(`42["frame",{"image":"${image}"},1,"2",{"3":[true]}]`);
      assert.equal(await client.take(), PREDICTION);
    });

    test("of_another_name_are_left_without_an_answer", async (t) => {
      const client = await entered(t, server);
      client.send('42["message",1,"2",{"3":[true]}]', '42456["message-with-ack",1]', '431["x"]');
      await isServed(client);
    });

    const PLACEHOLDERS = '{"image":{"_placeholder":true,"num":1},"other":{"_placeholder":true,"num":0}}';

    test("with_binary_attachments_are_put_together_by_their_numbers", async (t) => {
      const client = await entered(t, server);
      client.send(`452-["frame",${PLACEHOLDERS}]`);
      client.frame(BYTES, Buffer.from([1, 2, 3]));
      client.frame(BYTES, png());
      assert.equal(await client.take(), PREDICTION);
      await isServed(client);
    });

    test("with_binary_attachments_are_put_together_by_polling", async () => {
      const session = await Polling.open(server);
      await enter(session);
      await session.send(`452-["frame",${PLACEHOLDERS}]`, "bAQID", `b${png().toString("base64")}`);
      assert.equal(await session.take(), PREDICTION);
    });

    // The prototypes' library acknowledged every event that asked for it, with nothing in it.

    test("that_ask_for_it_are_acknowledged", async (t) => {
      const client = await entered(t, server);
      client.send(FRAME.replace("42[", "42456["));
      const packets = [await client.take(), await client.take()];
      assert.deepEqual(packets.sort(), [PREDICTION, "43456[]"]);
    });

    test("with_binary_attachments_that_ask_for_it_are_acknowledged", async (t) => {
      const client = await entered(t, server);
      client.send(`452-789["frame",${PLACEHOLDERS}]`);
      client.frame(BYTES, Buffer.from([1, 2, 3]));
      client.frame(BYTES, png());
      const packets = [await client.take(), await client.take()];
      assert.deepEqual(packets.sort(), [PREDICTION, "43789[]"]);
    });

    test("that_ask_to_be_acknowledged_are_answered_all_the_same", async (t) => {
      const client = await entered(t, server);
      client.send(FRAME.replace("42[", "42456["));
      assert.equal(await client.take(), PREDICTION);
    });
  });
}

function packetsThatAreNone(/** @type {At} */ server) {
  describe("a_packet_that_is_none_closes_the_connection", () => {
    const invalid = {
      "an unknown type": ["4abc"],
      "a type above the last": ['47["frame"]'],
      "nothing at all": ["4"],
      "an event without a payload": ["42"],
      "an event that is an object": ["42{}"],
      "an event that is an empty list": ["42[]"],
      "an event that is null": ["42null"],
      "an event that is a text": ['42"frame"'],
      "an event without a name": ['42[{"image":"x"}]'],
      "an event that is no JSON": ["42[frame]"],
      "an acknowledgement's number that is none": ['42abc["frame"]'],
      "an acknowledgement's number below 0": ['42-1["frame"]'],
      "attachments without their number": ['45["frame"]'],
      "attachments without a number before the dash": ['45-["frame"]'],
      "attachments without the dash": ['451["frame"]'],
      "a text where an attachment is due": ['451-["frame",{"_placeholder":true,"num":0}]', FRAME],
    };
    for (const [what, packets] of Object.entries(invalid)) {
      test(what.replaceAll(" ", "_"), async (t) => {
        const client = await entered(t, server);
        client.send(...packets);
        await client.over();
        assert.ok(!client.packets.includes(PREDICTION));
      });
    }

    test("an_attachment_that_nothing_asked_for", async (t) => {
      const client = await entered(t, server);
      client.frame(BYTES, png());
      await client.over();
    });

    test("by_polling_likewise", async () => {
      for (const packet of ["4abc", "42{}", "42[]", '42abc["frame"]', "bAQID"]) {
        const session = await Polling.open(server);
        await enter(session);
        await session.post(packet);
        await until(() => session.isOver(), `the end after ${packet}`);
      }
    });
  });
}
