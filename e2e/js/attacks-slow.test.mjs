// Who writes or reads as slowly as it can, through the kernel and over TLS: each is ended within the time that is documented for it,
// and nobody else notices. crates/server/tests/servers/arriving.rs and slow.rs have more cases, over pipes in memory.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Drip } from "./drip.mjs";
import { FRAME as FRAME_OF_SIGNS, Polling, dummy, enter, target } from "./engineio.mjs";
import { start, until } from "./harness.mjs";
import { honest, shown } from "./honest.mjs";
import { hasSocket, inode } from "./procfs.mjs";
import { TEXT, framed } from "./rawclient.mjs";
import { BINARY, jpeg, often, streamer, viewerOf } from "./relay.mjs";
import { WAYS, fetchFrom, startSecured } from "./secured.mjs";
import { camera, serving } from "./simulator.mjs";

/** @import { At } from "./secured.mjs" */
/** @typedef {{ withinS: number, only?: object, begin: (t: any, server: At) => Promise<Drip> }} Case */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
const fullOnly = { skip: !IS_FULL && "only with --full" };
const RECEIVE_S = 1.5;
const VIEWER_S = 1;
const RELAY_S = 0.4;
const PING_S = 2;
/** Of whatever has no deadline of its own: a head, and an answer that is not read. */
const [HEAD_S, WRITE_S] = [30, 3];
/** How much longer it may take on a busy machine, and until the buffers on the way are full: with events that takes long. */
const [SPARE_S, EVENTS_S] = [25, 150];
/** A bound that only failure reaches. */
const LATE_MS = 15_000;
const FRAME = jpeg(150_000);

/** What a request says first. */
function head(server, method, path, fields = {}) {
  const { host } = new URL(server.url);
  const lines = Object.entries({ Host: host, ...server.headers, ...fields });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

/** A WebSocket that is open. */
async function webSocket(t, server, path) {
  const drip = new Drip(t, server).write(head(server, "GET", path, UPGRADE));
  return drip.hears("HTTP/1.1 101 ");
}

/** 1008, as it is in a goodbye. */
const POLICY = "\u0003\u00f0";

/** The head of a text of 5,000 bytes that is masked with zeros. */
const LONG_TEXT = Buffer.from([0x81, 0xfe, 5_000 >> 8, 5_000 & 0xff, 0, 0, 0, 0]);

/** The beginning of a message of which more comes a byte at a time. */
const trickles = (drip) => drip.write(LONG_TEXT).trickle("x".repeat(5_000), 200);

/** What comes byte by byte; each is told why, or ended. @type {Record<string, Case & { hears?: string }>} */
const WRITERS = {
  a_head: {
    withinS: HEAD_S,
    only: fullOnly,
    begin: async (t, server) => new Drip(t, server).trickle(head(server, "GET", "/livez"), 900),
  },
  a_body: {
    withinS: RECEIVE_S,
    hears: "HTTP/1.1 408 ",
    async begin(t, server) {
      const fields = { "Content-Type": "image/jpeg", "Content-Length": "5000" };
      const drip = new Drip(t, server).write(head(server, "POST", "/api/v1/detect", fields));
      return drip.trickle("x".repeat(5_000), 200);
    },
  },
  a_payload_of_a_client_that_polls: {
    withinS: RECEIVE_S,
    hears: "HTTP/1.1 408 ",
    async begin(t, server) {
      const { parameters } = await Polling.open(server);
      const fields = { "Content-Length": "5000" };
      const drip = new Drip(t, server).write(head(server, "POST", target(parameters), fields));
      return drip.trickle("4".repeat(5_000), 200);
    },
  },
  a_message_of_Socket_IO: {
    withinS: RECEIVE_S,
    hears: POLICY,
    async begin(t, server) {
      const drip = await webSocket(t, server, target({ EIO: 4, transport: "websocket" }));
      await drip.write(framed(TEXT, "40")).hears('42["status"');
      return trickles(drip);
    },
  },
  a_message_of_a_sender: {
    withinS: RECEIVE_S,
    hears: POLICY,
    begin: async (t, server) => trickles(await webSocket(t, server, "/ws/stream/slow")),
  },
};

/** What is read a byte a second. @type {Record<string, Case>} */
const READERS = {
  pictures_as_mjpeg: {
    withinS: VIEWER_S,
    async begin(t, server) {
      const drip = new Drip(t, server).write(head(server, "GET", "/stream?camera=ward"));
      return drip.hears("image/jpeg");
    },
  },
  pictures_over_a_websocket: {
    withinS: 7 * RELAY_S,
    only: fullOnly,
    begin: async (t, server) => (await webSocket(t, server, "/ws/view?streams=ward")).hears("live_frame"),
  },
  a_large_answer: {
    withinS: WRITE_S,
    async begin(t, server) {
      const drip = await new Drip(t, server).opened();
      return drip.slowly().write(head(server, "GET", "/api/v1/openapi.json"));
    },
  },
  events: {
    withinS: EVENTS_S,
    only: fullOnly,
    async begin(t, server) {
      const path = "/api/v1/streams/street/detections?fps=30&skip_frames=1";
      return new Drip(t, server).write(head(server, "GET", path)).hears("event: detections");
    },
  },
  events_over_a_websocket: {
    withinS: EVENTS_S,
    only: fullOnly,
    async begin(t, server) {
      const path = "/api/v1/streams/street/detections?fps=30&skip_frames=1";
      return (await webSocket(t, server, path)).hears('"event":"detections"');
    },
  },
};

/** The number of the server's end of it. */
async function accepted(server, drip) {
  await drip.opened();
  let number = 0;
  await until(() => (number = inode(server, drip.port)) !== 0 || drip.endedAt, "the server's end of it");
  return number;
}

/** Waits until the server has let go of it; in seconds. */
async function ended(server, number, withinS) {
  const begun = performance.now();
  await until(() => !hasSocket(server, number), "the end of the connection", (withinS + SPARE_S) * 1000);
  return (performance.now() - begun) / 1000;
}

const SET = {
  "server.receive_timeout_s": RECEIVE_S,
  "cameras.viewer_deadline_s": VIEWER_S,
  "relay.viewer_deadline_s": RELAY_S,
  "relay.viewer_deadline_min_s": RELAY_S,
  "relay.viewer_deadline_max_s": 4 * RELAY_S,
};

const SERVERS = { over_TLS: startSecured, ...(IS_FULL && { over_TCP: start }) };

for (const [how, begin] of Object.entries(SERVERS)) {
  describe(how, () => {
    const ends = [];
    const owner = { after: (end) => ends.push(end) };
    const at = /** @type {At & { pid: number }} */ ({});
    const seen = [];
    let isOver = false;
    let /** @type {Promise<void>} */ noticing;
    let /** @type {Awaited<ReturnType<typeof viewerOf>>} */ watching;
    before(async () => {
      const street = IS_FULL && (await camera(owner, { args: ["--source", "street"], fps: 30 }));
      const cameras = street ? [{ id: "street", url: street.url }] : [];
      const server = await begin(owner, serving({ set: SET, cameras }));
      const headers = "key" in server && { Authorization: `Bearer ${server.key}` };
      Object.assign(at, server, { headers });
      const options = { ca: at.ca, headers: at.headers, protocols: [BINARY] };
      const sender = await streamer(owner, at, "ward", options);
      often(owner, 8, (sequence) => sender.jpeg(FRAME, { sequence }));
      watching = await viewerOf(owner, at, "ward", options);
      const clients = await honest(owner, at, { count: 5 });
      noticing = (async () => {
        while (!isOver) seen.push(await clients.notice(1_000));
      })();
    });
    after(async () => {
      // Also where the test that waits for it was left out.
      isOver = true;
      await noticing;
      for (const end of ends.reverse()) await end();
    });

    describe("is_given_up", { concurrency: true }, () => {
      for (const [what, { withinS, only = {}, hears, begin }] of Object.entries(WRITERS)) {
        test(`${what}_that_comes_a_byte_at_a_time`, only, async (t) => {
          const begun = performance.now();
          const drip = await begin(t, at);
          const number = await accepted(at, drip);
          if (hears) await drip.hears(hears);
          const heard = (performance.now() - begun) / 1000;
          await ended(at, number, withinS);
          const seconds = (performance.now() - begun) / 1000;
          t.diagnostic(`told after ${heard.toFixed(1)} s, ended after ${seconds.toFixed(1)} s`);
          assert.ok(seconds >= withinS * 0.9 && seconds <= withinS + SPARE_S, `${seconds} s`);
        });
      }
      for (const [what, { withinS, only = {}, begin }] of Object.entries(READERS)) {
        test(`${what}_read_a_byte_a_second`, only, async (t) => {
          const drip = (await begin(t, at)).slowly();
          const seconds = await ended(at, await accepted(at, drip), withinS);
          t.diagnostic(`after ${seconds.toFixed(1)} s`);
          assert.ok(seconds >= VIEWER_S * 0.5, `${seconds} s`);
        });
      }
    });

    test("nobody_else_noticed", async (t) => {
      isOver = true;
      await noticing;
      const worst = Math.max(...seen.map(({ p99 }) => p99));
      t.diagnostic(`${seen.length} s, ${shown(seen.at(-1))}, the worst p99 ${Math.round(worst)} ms`);
      assert.equal(
        seen.reduce((sum, { lost }) => sum + lost, 0),
        0,
      );
      assert.ok(worst < LATE_MS, `${worst} ms`);
      assert.equal(watching.closed, undefined);
      const times = watching.messages.filter(({ bytes }) => bytes).map(({ at }) => at);
      const gaps = times.slice(1).map((at, index) => at - times[index]);
      t.diagnostic(`${times.length} pictures, ${Math.round(Math.max(...gaps))} ms apart at most`);
      assert.ok(times.length > 2 * seen.length && Math.max(...gaps) < LATE_MS, "pictures go on");
    });
  });
}

test("a_client_that_polls_and_reads_a_byte_a_second_is_gone_after_the_ping_timeout", fullOnly, async (t) => {
  const set = { "socketio.ping_interval_s": 1, "socketio.ping_timeout_s": PING_S };
  const server = await startSecured(t, dummy(set));
  const at = { ...server, ...WAYS["in a header"](server.key) };
  const clients = async () => {
    const options = { headers: { Authorization: `Bearer ${server.admin}` } };
    return (await (await fetchFrom(server, "/api/v1/status", options)).json()).recognizer.clients;
  };
  const session = await Polling.open(at);
  await enter(session);
  assert.equal(await clients(), 1);
  const drip = await new Drip(t, at).opened();
  drip.slowly();
  for (let count = 0; count < 10; count += 1) await session.send(...Array(10).fill(FRAME_OF_SIGNS));
  drip.write(head(at, "GET", target(session.parameters)));
  const ms = await until(async () => (await clients()) === 0, "it is gone");
  t.diagnostic(`after ${Math.round(ms)} ms`);
  assert.ok(ms < (1 + PING_S + SPARE_S) * 1000, `${ms} ms`);
});
