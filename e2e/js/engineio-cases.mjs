// What Engine.IO 4 asks of a server: every case of the protocol's own suite, over this server's path, and those that its
// text asks for with MUST. The suite wants a server that sends each message back; here a `frame` is what is sent and its
// `prediction` is what comes back.
//
// Without counterpart: binary packets from the server (nothing that it sends is binary). The heartbeat is in
// crates/server/tests/servers/sessions.rs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";

import {
  CLOSE,
  EngineSocket,
  FRAME,
  NOOP,
  PING,
  PONG,
  PREDICTION,
  Polling,
  SEPARATOR,
  UPGRADE,
  ask,
  dummy,
  enter,
  isServed,
  opened,
  probed,
  refused,
  target,
} from "./engineio.mjs";
import { sleep, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { BYTES } from "./rawclient.mjs";
import { dial } from "./secured.mjs";

/** @import { At } from "./secured.mjs" */
/** @typedef {{ calm: At, brisk: At }} Servers One that pings seldom enough not to come between, and one that pings often. */

const INTERVAL_MS = 500;
const TIMEOUT_MS = 3_000;

/** What they are started with. */
export const CALM = dummy();
export const BRISK = dummy({
  "socketio.ping_interval_s": INTERVAL_MS / 1000,
  "socketio.ping_timeout_s": TIMEOUT_MS / 1000,
});

const UNKNOWN = {
  "without EIO": { transport: "TRANSPORT" },
  "with EIO=abc": { EIO: "abc", transport: "TRANSPORT" },
  "with EIO=3": { EIO: 3, transport: "TRANSPORT" },
  "without a transport": { EIO: 4 },
  "with transport=abc": { EIO: 4, transport: "abc" },
};

/** A frame whose picture is an attachment. */
const ATTACHED = '451-["frame",{"image":{"_placeholder":true,"num":0}}]';

/** Without what the server says by itself. */
const said = (packets) => packets.filter((packet) => packet !== PING);

/** Tests that these servers do so. */
export function engineioCases(/** @type {Servers} */ servers) {
  handshakesOverPolling(servers);
  handshakesOverWebSockets(servers);
  messagesOverPolling(servers);
  messagesOverWebSockets(servers);
  closes(servers);
  upgrades(servers);
}

function handshakesOverPolling(/** @type {Servers} */ { brisk, calm }) {
  describe("handshake_over_polling", () => {
    test("opens_a_session_and_says_what_it_can_do", async () => {
      const { status, type, text } = await ask(brisk, { EIO: 4, transport: "polling" });
      assert.equal(status, 200);
      assert.match(type, /^text\/plain/);
      assert.equal(text[0], "0");
      const { sid, ...rest } = JSON.parse(text.slice(1));
      assert.ok(typeof sid === "string" && sid !== "");
      assert.deepEqual(rest, {
        upgrades: ["websocket"],
        pingInterval: INTERVAL_MS,
        pingTimeout: TIMEOUT_MS,
        maxPayload: 10 << 20,
      });
    });

    for (const [what, parameters] of Object.entries(UNKNOWN)) {
      test(`${what}_is_400`.replaceAll(" ", "_"), async () => {
        const known =
          parameters.transport === "TRANSPORT" ? { ...parameters, transport: "polling" } : parameters;
        assert.equal((await ask(calm, known)).status, 400);
      });
    }

    for (const method of ["POST", "PUT"]) {
      test(`with_${method}_is_400`, async () => {
        assert.equal((await ask(calm, { EIO: 4, transport: "polling" }, { method })).status, 400);
      });
    }

    for (const sid of ["nonsense", "AAAAAAAAAAAAAAHs"]) {
      test(`an_unknown_session_is_400_to_polls_and_posts (${sid})`, async () => {
        const parameters = { EIO: 4, transport: "polling", sid };
        assert.equal((await ask(calm, parameters)).status, 400);
        assert.equal((await ask(calm, parameters, { method: "POST", body: FRAME })).status, 400);
      });
    }
  });
}

function handshakesOverWebSockets(/** @type {Servers} */ { brisk, calm }) {
  describe("handshake_over_a_websocket", () => {
    test("opens_a_session_and_says_what_it_can_do", async (t) => {
      const client = await opened(t, brisk);
      const { sid, ...rest } = client.opening;
      assert.ok(typeof sid === "string" && sid !== "");
      assert.deepEqual(rest, {
        upgrades: [],
        pingInterval: INTERVAL_MS,
        pingTimeout: TIMEOUT_MS,
        maxPayload: 10 << 20,
      });
    });

    for (const [what, parameters] of Object.entries(UNKNOWN)) {
      test(`${what}_is_refused`.replaceAll(" ", "_"), async (t) => {
        const known =
          parameters.transport === "TRANSPORT" ? { ...parameters, transport: "websocket" } : parameters;
        await refused(t, calm, known);
      });
    }

    for (const sid of ["nonsense", "AAAAAAAAAAAAAAHs"]) {
      test(`an_unknown_session_is_refused (${sid})`, async (t) => {
        await refused(t, calm, { EIO: 4, transport: "websocket", sid });
      });
    }
  });
}

function messagesOverPolling(/** @type {Servers} */ { calm }) {
  describe("messages_over_polling", () => {
    test("one_text_packet_gets_there_and_so_does_the_answer", async () => {
      const session = await Polling.open(calm);
      await enter(session);
      await session.send(FRAME);
      const { status, type, packets } = await session.poll();
      assert.equal(status, 200);
      assert.match(type, /^text\/plain/);
      assert.deepEqual(said(packets), [PREDICTION]);
    });

    test("several_packets_go_in_one_payload_and_come_in_one", async () => {
      const session = await Polling.open(calm);
      await enter(session);
      await session.send(FRAME, FRAME, FRAME);
      const { packets } = await session.poll();
      assert.deepEqual(said(packets), [PREDICTION, PREDICTION, PREDICTION]);
    });

    test("text_and_binary_packets_go_in_one_payload", async () => {
      const session = await Polling.open(calm);
      await enter(session);
      await session.send(FRAME, ATTACHED, `b${png().toString("base64")}`, FRAME);
      const { packets } = await session.poll();
      assert.deepEqual(said(packets), [PREDICTION, PREDICTION, PREDICTION]);
    });

    test("text_that_is_not_ascii_is_not_cut", async () => {
      const session = await Polling.open(calm);
      await enter(session);
      const frame = FRAME.replace('{"', '{"who":"Ægir 信号 🦉","');
      await session.send(frame, frame);
      assert.deepEqual(said((await session.poll()).packets), [PREDICTION, PREDICTION]);
    });

    const malformed = {
      "an unknown type": "abc",
      "an unknown type after a good packet": `${PONG}${SEPARATOR}abc`,
      "binary that is not base64": "b*",
      "a byte that is no UTF-8": Buffer.from([0x34, 0xff]),
      "nothing before a separator": `${SEPARATOR}${PONG}`,
    };
    for (const [what, body] of Object.entries(malformed)) {
      test(`${what}_is_400_and_closes_the_session`.replaceAll(" ", "_"), async () => {
        const session = await Polling.open(calm);
        assert.equal((await session.post(body)).status, 400);
        assert.equal((await session.poll()).status, 400);
      });
    }

    test("a_second_poll_beside_the_first_closes_the_session", async () => {
      const session = await Polling.open(calm);
      const { poll } = await session.waiting();
      const second = await session.poll();
      const first = await poll;
      assert.deepEqual([first.status, first.text], [200, CLOSE]);
      assert.equal(second.status, 400);
      assert.equal((await session.poll()).status, 400);
    });

    test("a_poll_that_its_client_gives_up_closes_the_session", async () => {
      const session = await Polling.open(calm);
      const controller = new AbortController();
      const { poll } = await session.waiting({ signal: controller.signal });
      controller.abort();
      await assert.rejects(poll);
      await sleep(300);
      assert.equal((await session.poll({ ms: 2_000 })).status, 400);
    });

    test("a_second_post_beside_the_first_is_400_and_closes_the_session", async (t) => {
      const session = await Polling.open(calm);
      const slow = dial(calm);
      t.after(() => slow.destroy());
      slow.on("error", () => {});
      await once(slow, calm.ca ? "secureConnect" : "connect");
      const fields = { Host: "127.0.0.1", "Content-Length": "100", ...calm.headers };
      const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      slow.write(`POST ${target(session.parameters, calm)} HTTP/1.1\r\n${head.join("")}\r\n${PONG}`);
      await sleep(300);
      assert.equal((await session.post(PONG)).status, 400);
      assert.equal((await session.poll()).status, 400);
    });
  });
}

function messagesOverWebSockets(/** @type {Servers} */ { calm }) {
  describe("messages_over_a_websocket", () => {
    test("a_text_packet_gets_there_and_so_does_the_answer", async (t) => {
      const client = await opened(t, calm);
      await enter(client);
      await isServed(client);
    });

    test("a_binary_packet_gets_there_as_it_is", async (t) => {
      const client = await opened(t, calm);
      await enter(client);
      client.send(ATTACHED);
      client.frame(BYTES, png());
      assert.equal(await client.take(), PREDICTION);
    });

    for (const packet of ["abc", "", "é"]) {
      test(`"${packet}"_is_no_packet_and_closes_the_session`, async (t) => {
        const client = await opened(t, calm);
        client.send(packet);
        await client.over();
      });
    }
  });
}

function closes(/** @type {Servers} */ { calm }) {
  describe("close", () => {
    test("who_polls_ends_its_session_and_the_poll_that_waits", async () => {
      const session = await Polling.open(calm);
      const { poll } = await session.waiting();
      await session.send(CLOSE);
      const { status, text } = await poll;
      assert.deepEqual([status, text], [200, NOOP]);
      assert.equal((await session.poll()).status, 400);
    });

    test("a_websocket_ends_its_session", async (t) => {
      const client = await opened(t, calm);
      client.send(CLOSE);
      await client.over();
    });
  });
}

function upgrades(/** @type {Servers} */ { calm }) {
  describe("upgrade", () => {
    test("from_polling_to_a_websocket", async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      const client = await probed(t, calm, session);
      // So that no poll is left waiting.
      const { status, text } = await session.poll();
      assert.deepEqual([status, text], [200, NOOP]);
      client.send(UPGRADE);
      await isServed(client);
    });

    test("a_poll_that_waits_is_answered_with_a_noop_at_once", async (t) => {
      const session = await Polling.open(calm);
      const { poll } = await session.waiting();
      const client = await probed(t, calm, session);
      const { status, text } = await poll;
      assert.deepEqual([status, text], [200, NOOP]);
      client.send(UPGRADE);
      await enter(client);
      await isServed(client);
    });

    test("what_was_asked_by_polling_is_answered_on_the_websocket", async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      await session.send(FRAME, FRAME);
      const client = await probed(t, calm, session);
      client.send(UPGRADE);
      for (let i = 0; i < 2; i += 1) assert.equal(await client.take(), PREDICTION);
    });

    test("polls_and_posts_of_the_session_are_400_afterwards_and_the_websocket_goes_on", async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      const client = await probed(t, calm, session);
      client.send(UPGRADE);
      await isServed(client);
      assert.equal((await session.poll()).status, 400);
      assert.equal((await session.post(FRAME)).status, 400);
      await isServed(client);
    });

    test("another_websocket_of_the_session_is_closed_afterwards_and_the_first_goes_on", async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      const client = await probed(t, calm, session);
      client.send(UPGRADE);
      await isServed(client);
      await refused(t, calm, { EIO: 4, transport: "websocket", sid: session.opening.sid });
      await isServed(client);
    });

    test("another_websocket_of_the_session_is_closed_meanwhile_and_the_first_goes_on", async (t) => {
      const session = await Polling.open(calm);
      await enter(session);
      const client = await probed(t, calm, session);
      const second = new EngineSocket(calm, { EIO: 4, transport: "websocket", sid: session.opening.sid });
      t.after(() => second.destroy());
      await sleep(300);
      client.send(UPGRADE);
      await isServed(client);
      await until(() => second.closed || second.head?.status === 400, "the end");
      await isServed(client);
    });
  });
}
