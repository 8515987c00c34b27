// What clients of the relay do wrong, by malice or by accident: each has a defined answer, and
// nobody else notices.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { start, until } from "./harness.mjs";
import { BYTES, CLOSE, CONTINUATION, PING, PONG, RawClient, TEXT, rawStreamer } from "./rawclient.mjs";
import {
  BINARY,
  connect,
  jpeg,
  packed,
  picturesOf,
  refusal,
  relaying,
  streamPath,
  streamer,
  url,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { shared } from "./shared.mjs";

const binary = { protocols: [BINARY] };
const server = shared(relaying({ "relay.max_fps": 1000, "relay.max_frame_mb": 1 }));

const isActive = async (name, at = server) =>
  (await at.get("/streams/active")).json.active_streams.includes(name);

/** A viewer on a bare socket, once it has been greeted. */
async function rawViewer(t, at, name, options) {
  const watching = new RawClient(at, `/ws/view?streams=${encodeURIComponent(name)}`, options);
  t.after(() => watching.destroy());
  await watching.opened();
  await watching.next("viewer_connected");
  return watching;
}

const frameText = (name, number, bytes) => JSON.stringify({ type: "frame", frame: url(name, number, bytes) });

describe("a_sender_that_breaks_the_protocol", { concurrency: true }, () => {
  const good = () => frameText("x", 1);
  /** @type {Record<string, [code: number, does: (one: RawClient) => void]>} */
  const WRONG = {
    "does not mask": [1002, (one) => one.frame(TEXT, good(), { masked: false })],
    "uses an extension": [1002, (one) => one.frame(TEXT, good(), { rsv: 4 })],
    "uses an unknown kind of frame": [1002, (one) => one.frame(3, good())],
    "uses an unknown kind of control frame": [1002, (one) => one.frame(11, "")],
    "continues what has not begun": [1002, (one) => one.frame(CONTINUATION, good())],
    "begins anew in mid-message": [
      1002,
      (one) => {
        one.frame(TEXT, "{", { fin: false });
        one.frame(TEXT, good());
      },
    ],
    "fragments a ping": [1002, (one) => one.frame(PING, "a", { fin: false })],
    "sends a long ping": [1002, (one) => one.frame(PING, Buffer.alloc(126))],
    "says goodbye with half a code": [1002, (one) => one.frame(CLOSE, Buffer.from([3]))],
    "says goodbye with a code that is none": [1002, (one) => one.close(1005)],
    "sends text that is no UTF-8": [1007, (one) => one.frame(TEXT, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
    "sends a frame with half a letter in it": [
      1007,
      (one) =>
        one.frame(
          TEXT,
          Buffer.concat([
            Buffer.from('{"type":"frame","frame":"data:image/'),
            Buffer.from([0xc3]),
            Buffer.from('"}'),
          ]),
        ),
    ],
    "sends a text of 2 MB": [1009, (one) => one.text(frameText("x", 1, 1_500_000))],
    "sends a picture of 2 MB": [1009, (one) => one.frame(BYTES, packed(jpeg(2_000_000)))],
    "sends 2 MB in pieces": [
      1009,
      (one) => {
        one.frame(TEXT, frameText("x", 1, 100_000).slice(0, -2), { fin: false });
        for (let i = 0; i < 20; i += 1) one.frame(CONTINUATION, Buffer.alloc(100_000, "A"), { fin: false });
      },
    ],
    "announces a message of 2^62 bytes": [1009, (one) => one.frame(TEXT, "{", { length: 2 ** 62 })],
  };
  for (const [name, [code, does]] of Object.entries(WRONG)) {
    test(`${name}: is closed with ${code}`, async (t) => {
      const sender = await rawStreamer(t, server, name, { protocol: BINARY });
      const watching = await viewerOf(t, server, name, binary);
      sender.text(frameText(name, 1));
      await until(() => picturesOf(watching).length > 0, "a picture");
      does(sender);
      assert.equal((await sender.over()).code, code);
      const { reason } = await watching.next("stream_ended");
      t.diagnostic(reason);
      await until(async () => !(await isActive(name)), "it is gone");
      // The server does not wait for ever for somebody who cannot behave.
      await until(() => sender.gone, "the end of the connection");
    });
  }

  test("a_text_in_fragments_with_pings_between_them_is_a_good_one", async (t) => {
    const sender = await rawStreamer(t, server, "fragments");
    const watching = await viewerOf(t, server, "fragments");
    for (const pieces of [2, 7, 500]) {
      const text = frameText("ä-fragments", pieces, 10_000);
      const bytes = Buffer.from(text);
      const step = Math.ceil(bytes.length / pieces);
      for (let at = 0; at < bytes.length; at += step) {
        const fin = at + step >= bytes.length;
        sender.frame(at === 0 ? TEXT : CONTINUATION, bytes.subarray(at, at + step), { fin });
        if (!fin) sender.frame(PING, `${at}`);
      }
      assert.equal(await watching.nextFrame(), JSON.parse(text).frame);
    }
    assert.equal(sender.closed, undefined);
  });

  test("bytes_in_fragments_even_empty_ones_are_a_good_picture", async (t) => {
    const sender = await rawStreamer(t, server, "byte fragments", { protocol: BINARY });
    const watching = await viewerOf(t, server, "byte fragments", binary);
    const message = packed(jpeg(5_000));
    sender.frame(BYTES, "", { fin: false });
    for (let at = 0; at < message.length; at += 100) {
      sender.frame(CONTINUATION, message.subarray(at, at + 100), { fin: false });
    }
    sender.frame(CONTINUATION, "");
    await watching.next(({ bytes }) => bytes !== undefined);
    assert.ok(picturesOf(watching)[0].jpeg.equals(jpeg(5_000)));
  });

  test("pings_are_answered_with_what_they_hold", async (t) => {
    const sender = await rawStreamer(t, server, "ponged");
    const pongs = [];
    sender.onPong = (payload) => pongs.push(payload.toString());
    sender.frame(PING, "how are you?");
    await until(() => pongs.length > 0, "a pong");
    assert.deepEqual(pongs, ["how are you?"]);
  });

  test("a_picture_of_almost_1_mb_passes", async (t) => {
    const sender = await streamer(t, server, "big", binary);
    const watching = await viewerOf(t, server, "big", binary);
    sender.jpeg(jpeg(1_000_000));
    await watching.next(({ bytes }) => bytes !== undefined);
    const old = await viewerOf(t, server, "big");
    await old.nextFrame();
    sender.frame(`data:image/jpeg;base64,${jpeg(1_000_000).toString("base64")}`);
    await watching.next(({ bytes }) => bytes !== undefined);
    assert.ok(picturesOf(watching)[1].jpeg.equals(jpeg(1_000_000)));
  });

  test("json_nested_a_hundred_thousand_deep_is_one_bad_frame", async (t) => {
    const sender = await streamer(t, server, "deep");
    const watching = await viewerOf(t, server, "deep");
    for (const [open, close] of ["[]", ['{"a":', "}"]]) {
      const deep = open.repeat(1e5) + (open === "[" ? "" : "1") + close.repeat(1e5);
      sender.say(deep);
      sender.say(`{"type":"frame","frame":${deep}}`);
    }
    sender.frame(url("deep", 1));
    assert.equal(await watching.nextFrame(), url("deep", 1));
    const { streams } = (await server.get("/api/v1/streams")).json;
    // As an object without a type it would be none of the relay's business.
    assert.equal(streams.find(({ id }) => id === "deep").bad, 3);
    // Beside a good frame it is none of the relay's business.
    sender.say(`{"x":${"[".repeat(1e5)}${"]".repeat(1e5)},"type":"frame","frame":"${url("deep", 2)}"}`);
    assert.equal(await watching.nextFrame(), url("deep", 2));
  });
});

describe("viewers_that_talk_nonsense", { concurrency: true }, () => {
  /** @type {Record<string, (one: RawClient) => void>} */
  const BORNE = {
    "no JSON": (one) => one.text("hello?"),
    nothing: (one) => one.text(""),
    bytes: (one) => one.frame(BYTES, jpeg(1_000)),
    "a frame": (one) => one.text(frameText("fake", 1)),
    "deeply nested": (one) => one.text("[".repeat(10_000)),
    "a thousand pongs": (one) => {
      for (let i = 0; i < 1_000; i += 1) one.frame(PONG, "x");
    },
    "a thousand pings": (one) => {
      for (let i = 0; i < 1_000; i += 1) one.text({ type: "ping" });
    },
  };
  /** @type {Record<string, [code: number, does: (one: RawClient) => void]>} */
  const ENDED = {
    "a text of 1 MB": [1009, (one) => one.text("x".repeat(1 << 20))],
    "no UTF-8": [1007, (one) => one.frame(TEXT, Buffer.from([0xff]))],
    "no mask": [1002, (one) => one.frame(TEXT, "{}", { masked: false })],
    "no frames at all": [1002, (one) => one.raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  };
  for (const [name, does] of Object.entries(BORNE)) {
    test(`are_borne: ${name}`, async (t) => {
      const stream = `borne ${name}`;
      const sender = await streamer(t, server, stream);
      const watching = await rawViewer(t, server, stream);
      does(watching);
      sender.frame(url("borne", 1));
      assert.equal(await watching.nextFrame(), url("borne", 1));
      assert.equal(watching.closed, undefined);
    });
  }
  for (const [name, [code, does]] of Object.entries(ENDED)) {
    test(`are_closed_with_${code}: ${name}`, async (t) => {
      const stream = `closed ${name}`;
      const sender = await streamer(t, server, stream);
      const [watching, beside] = [await rawViewer(t, server, stream), await viewerOf(t, server, stream)];
      does(watching);
      assert.equal((await watching.over()).code, code);
      sender.frame(url("closed", 1));
      assert.equal(await beside.nextFrame(), url("closed", 1));
    });
  }
});

describe("names", { concurrency: true }, () => {
  const GOOD = {
    quotes: `O'Neil "Bed 3"`,
    backslashes: "a\\b\\u0041",
    unicode: "Zimmer 7 – Ähre 病房 🛏️",
    percent: "100%25 of %41",
    slashes: "ward/3/bed/1",
    "a query": "a?b=c&d#e",
    "a plus and spaces": " a + b ",
    markup: "<script>alert(1)</script>",
    "128 bytes": "ü".repeat(64),
    prototype: "__proto__",
  };
  for (const [what, name] of Object.entries(GOOD)) {
    test(`with ${what}`, async (t) => {
      const watching = await viewerOf(t, server, name, binary);
      const old = await viewerOf(t, server, name);
      const sender = await connect(t, server, streamPath(name));
      sender.say({ analysis_mode: "normal" });
      assert.equal((await sender.next("connected")).patient_id, name);
      assert.ok(await isActive(name));
      sender.frame(url("named", 1));
      assert.equal((await old.next("live_frame")).patient_id, name);
      sender.frame(`data:image/jpeg;base64,${jpeg(100).toString("base64")}`);
      await until(() => picturesOf(watching).at(-1)?.jpeg.equals(jpeg(100)), "the picture");
      assert.equal(picturesOf(watching).at(-1).name, name);
      const shot = await fetch(`${server.url}/api/v1/streams/${encodeURIComponent(name)}/snapshot.jpg`);
      assert.equal(shot.status, 200);
      sender.close();
      assert.equal((await old.next("stream_ended")).patient_id, name);
    });
  }

  const BAD = {
    "129 bytes": encodeURIComponent("ü".repeat(64) + "x"),
    "10,000 bytes": "x".repeat(10_000),
    "a line break": "a%0Ab",
    "a zero byte": "a%00b",
    "an escape": "%1B[2J",
    "a delete": "a%7F",
    "a C1 control character": "%C2%9B",
    "a star": "*",
  };
  for (const [what, path] of Object.entries(BAD)) {
    test(`${what} is refused`, async (t) => {
      const sender = await connect(t, server, `/ws/stream/${path}`);
      sender.say({ analysis_mode: "normal" });
      /** @type {import("./types.ts").RelayError} */
      const { type, message } = await sender.next(() => true);
      assert.equal(type, "error");
      assert.match(message, /name/);
      assert.equal((await sender.over()).code, 1008);
    });
  }

  test("what_is_no_utf8_or_no_name_is_refused_by_http", async (t) => {
    for (const path of ["/ws/stream/%FF%FE", "/ws/stream/", "/ws/stream", "/ws/stream/a/b"]) {
      const status = await refusal(t, server, path);
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
  });
});

describe("limits", { concurrency: true }, () => {
  test("one_stream_more_than_relay_max_streams_is_told_so_and_closed_with_1013", async (t) => {
    const small = await start(t, relaying({ "relay.max_streams": 2 }));
    const [first] = [await streamer(t, small, "1"), await streamer(t, small, "2")];
    const third = await connect(t, small, streamPath("3"));
    third.say({ analysis_mode: "normal" });
    /** @type {import("./types.ts").RelayError} */
    const { type, message } = await third.next(() => true);
    assert.equal(type, "error");
    assert.match(message, /max_streams/);
    assert.equal((await third.over()).code, 1013);
    first.close();
    await until(async () => (await small.get("/streams/active")).json.count === 1, "room");
    await streamer(t, small, "3");
  });

  test("one_viewer_more_than_relay_max_viewers_is_told_so_and_closed_with_1013", async (t) => {
    const small = await start(t, relaying({ "relay.max_viewers": 2 }));
    const [first] = [await viewer(t, small), await viewer(t, small)];
    const third = await connect(t, small, "/ws/view");
    /** @type {import("./types.ts").RelayError} */
    const { type, message } = await third.next(() => true);
    assert.equal(type, "error");
    assert.match(message, /max_viewers/);
    assert.equal((await third.over()).code, 1013);
    first.close();
    await first.over();
    await viewer(t, small);
  });
});

describe("pages_from_elsewhere", { concurrency: true }, () => {
  const PATHS = ["/ws/view", "/ws/stream/foreign"];
  const FOREIGN = ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://192.0.2.7:8000"];
  test("get_403_whoever_they_are", async (t) => {
    for (const path of PATHS) {
      for (const origin of FOREIGN) {
        assert.equal(await refusal(t, server, path, { origin }), 403, `${path} ${origin}`);
      }
    }
    assert.equal(await isActive("foreign"), false);
  });

  test("a_star_in_cors_origins_does_not_open_it_but_a_name_does", async (t) => {
    const star = await start(t, { ...relaying(), env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "*" } });
    const named = await start(t, {
      ...relaying(),
      env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "https://ward.example" },
    });
    for (const path of PATHS) {
      assert.equal(await refusal(t, star, path, { origin: "https://evil.example" }), 403);
      assert.equal(await refusal(t, named, path, { origin: "https://evil.example" }), 403);
      await connect(t, named, path, { origin: "https://ward.example" });
    }
  });

  test("the_servers_own_and_those_of_this_machine_are_let_in", async (t) => {
    for (const path of PATHS) {
      for (const origin of [server.url, "http://localhost:5173", "http://127.0.0.1:3000"]) {
        const one = await connect(t, server, path, { origin });
        one.vanish();
      }
    }
  });
});

test("what_is_no_websocket_handshake_gets_an_answer_of_http", async () => {
  for (const path of /** @type {const} */ (["/ws/view", "/ws/stream/x"])) {
    for (const headers of [{}, { "Sec-WebSocket-Version": "8" }, { "Sec-WebSocket-Version": "13" }]) {
      const { status, json } = await server.get(path, headers);
      assert.ok(status === 400 || status === 426, `${path}: ${status}`);
      assert.match(json.detail, /WebSocket/);
    }
  }
});

test("sigterm_in_mid_stream_tells_everybody_1001_and_ends_with_0_in_time", async (t) => {
  const other = await start(t, relaying());
  const sender = await streamer(t, other, "a");
  const watching = await viewer(t, other);
  sender.frame(url("a", 1));
  await watching.nextFrame();
  const { code, signal, ms } = await other.stop();
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  assert.ok(ms < 15_000, `${ms} ms`);
  assert.equal((await watching.over()).code, 1001);
  assert.equal((await sender.over()).code, 1001);
});
