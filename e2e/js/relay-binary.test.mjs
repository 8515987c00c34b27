// The relay as new clients know it: pictures as binary messages, states, figures, what is in the
// pictures, cameras beside what is sent, and the other ways to a stream.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { addModel, jpeg, SIZE } from "../drawn-hand.mjs";
import { emptyStore } from "./hand-store.mjs";
import { sleep, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import {
  BINARY,
  connect,
  often,
  packed,
  picturesOf,
  streamPath,
  streamer,
  unpacked,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Heard } from "./relay.mjs" */
/** @import { Camera } from "./simulator.mjs" */
/** @import { Of, StreamState } from "./types.ts" */

const binary = { protocols: [BINARY] };

const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** Better than what the server itself encodes. */
const QUALITY = 90;
/** A generated car park in which cars move. */
const pictures = [];
let /** @type {Camera} */ yard, /** @type {Server} */ server;
before(async () => {
  yard = await camera(file, { fps: 30, quality: QUALITY });
  const set = {
    "relay.stalled_after_s": 0.5,
    "relay.max_fps": 1000,
    "cameras.stalled_after_s": 1,
    "cameras.max_analyses": 100,
  };
  server = await start(file, serving({ set, cameras: [{ id: "yard", url: yard.url }] }));
  const watching = await watch(file, server, "/stream?camera=yard");
  for (const { jpeg } of await watching.next(30)) pictures.push(jpeg);
  watching.socket.destroy();
});

/** The left and the right one of somebody who shows a hand, in a picture of that size. @type {[[number, number], [number, number]]} */
const SHOULDERS = [
  [380, 300],
  [180, 310],
];
const SOMEBODY = jpeg([{ shape: "victory", side: "left", x: 430, y: 200, palm: 50, shoulders: SHOULDERS }]);
/** Landmarks as the prototype's viewer knows them, and the pairs between which it draws lines. */
const JOINTS = [
  [0, "nose", "green"],
  [2, "left_eye", "cyan"],
  [5, "right_eye", "cyan"],
  [11, "left_shoulder", "red"],
  [12, "right_shoulder", "red"],
  [13, "left_elbow", "green"],
  [14, "right_elbow", "green"],
  [15, "left_wrist", "green"],
  [16, "right_wrist", "green"],
];
const LINES = [
  [0, 2],
  [0, 5],
  [2, 11],
  [5, 12],
  [11, 12],
  [11, 13],
  [13, 15],
  [12, 14],
  [14, 16],
];
/** A store with the model that finds these shoulders. */
function withPose(t) {
  const home = emptyStore(t);
  addModel(home, "pose");
  return { SIGHTWIRE_HOME: home };
}

const asUrl = (jpeg) => `data:image/jpeg;base64,${jpeg.toString("base64")}`;
const isPicture = (/** @type {Heard} */ { bytes }) => bytes !== undefined;
/** @param {StreamState} state */
const isState =
  (state) =>
  (/** @type {Heard} */ { json }) =>
    json?.type === "stream_state" && json.state === state;

/** Sends the scene, over and over; forwards and backwards, so that nothing jumps. */
function sends(t, sender, fps = 20) {
  const period = 2 * pictures.length - 2;
  const at = (i) => pictures[Math.min(i % period, period - (i % period))];
  return often(t, fps, (i) => (sender.socket.protocol ? sender.jpeg(at(i)) : sender.frame(asUrl(at(i)))));
}

describe("the_subprotocol", { concurrency: true }, () => {
  test("is_taken_from_among_those_that_are_offered", async (t) => {
    const watching = await viewer(t, server, "", { protocols: ["later.v7", BINARY] });
    assert.equal(watching.socket.protocol, BINARY);
    const sender = await streamer(t, server, "offers", { protocols: ["later.v7", BINARY] });
    assert.equal(sender.socket.protocol, BINARY);
  });

  test("the_handshake_is_the_same", async (t) => {
    const sender = await connect(t, server, streamPath("same"), binary);
    sender.say({ analysis_mode: "enhanced" });
    const expected = { type: "connected", patient_id: "same", analysis_mode: "enhanced", warning: null };
    assert.deepEqual(await sender.next(() => true), expected);
    const { greeting } = await viewer(t, server, "", binary);
    assert.deepEqual(Object.keys(greeting).sort(), ["active_streams", "timestamp", "type"]);
    assert.ok(greeting.active_streams.includes("same"));
  });
});

describe("pictures", { concurrency: true }, () => {
  for (const [name, options] of Object.entries({ text: {}, binary })) {
    test(`of_a_${name}_sender_reach_text_and_binary_viewers_byte_for_byte`, async (t) => {
      const stream = `bytes of ${name}`;
      const [texts, binaries] = [
        await viewerOf(t, server, stream),
        await viewerOf(t, server, stream, binary),
      ];
      const sender = await streamer(t, server, stream, options);
      for (const jpeg of pictures.slice(0, 10)) {
        if (name === "binary") sender.jpeg(jpeg);
        else sender.frame(asUrl(jpeg));
        const [url, message] = await Promise.all([texts.nextFrame(), binaries.next(isPicture)]);
        assert.equal(url, asUrl(jpeg));
        const got = unpacked(message);
        assert.equal(got.name, stream);
        assert.ok(got.jpeg.equals(jpeg));
        assert.ok(Math.abs(got.takenMs - Date.now()) < 30_000, `taken at ${got.takenMs}`);
      }
      const numbers = picturesOf(binaries).map(({ sequence }) => sequence);
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => numbers[0] + i),
      );
      const times = picturesOf(binaries).map(({ takenMs }) => takenMs);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.deepEqual(binaries.all("live_frame"), [], "each picture comes once");
    });
  }

  test("may_come_as_texts_and_bytes_from_one_sender", async (t) => {
    const sender = await streamer(t, server, "mixed", binary);
    const watching = await viewerOf(t, server, "mixed", binary);
    for (let i = 0; i < 6; i += 1) {
      if (i % 2) sender.jpeg(pictures[i]);
      else sender.frame(asUrl(pictures[i]));
      const message = await watching.next(isPicture);
      assert.ok(unpacked(message).jpeg.equals(pictures[i]));
    }
  });

  test("a_sender_may_say_name_number_and_time_which_are_the_servers_matter", async (t) => {
    const sender = await streamer(t, server, "facts", binary);
    const watching = await viewerOf(t, server, "facts", binary);
    sender.jpeg(pictures[0], { name: "somebody else", sequence: 1n << 60n, micros: 17n });
    const got = unpacked(await watching.next(isPicture));
    assert.equal(got.name, "facts");
    assert.ok(got.jpeg.equals(pictures[0]));
    assert.ok(got.sequence < 10 && Math.abs(got.takenMs - Date.now()) < 30_000);
  });

  test("bad_binary_messages_count_as_bad_frames", async (t) => {
    const BAD = [
      Buffer.alloc(0),
      Buffer.from([1]),
      Buffer.alloc(19, 1),
      packed(Buffer.alloc(0)),
      packed(Buffer.from("no picture at all")),
      packed(pictures[0], { kind: 2 }),
      packed(pictures[0]).subarray(0, 20),
      // The name would be longer than all of it.
      Buffer.from([1, 255, ...Buffer.alloc(18), 0xff, 0xd8, 0xff]),
      pictures[0],
    ];
    const sender = await streamer(t, server, "bad bytes", binary);
    const watching = await viewerOf(t, server, "bad bytes", binary);
    for (const bad of BAD) sender.say(bad);
    sender.jpeg(pictures[0]);
    const got = unpacked(await watching.next(isPicture));
    assert.ok(got.jpeg.equals(pictures[0]));
    for (const bad of [...BAD, BAD[0]]) sender.say(bad);
    assert.equal((await sender.over()).code, 4400);
    assert.equal(picturesOf(watching).length, 1);
  });

  test("base64_that_is_none_goes_to_nobody_who_would_have_to_decode_it", async (t) => {
    const sender = await streamer(t, server, "no base64");
    const watching = await viewerOf(t, server, "no base64", binary);
    for (const url of [
      "data:image/jpeg;base64,!!!!",
      "data:image/jpeg;base64,",
      "data:image",
      asUrl(pictures[3]),
    ]) {
      sender.frame(url);
      await sleep(30);
    }
    const got = unpacked(await watching.next(isPicture));
    assert.ok(got.jpeg.equals(pictures[3]), `${got.jpeg.length} bytes`);
    assert.equal(sender.closed, undefined);
  });
});

describe("states", { concurrency: true }, () => {
  const KEYS = ["type", "patient_id", "kind", "state", "reason", "since_s", "analysis_mode", "timestamp"];

  test("are_told_at_the_beginning_and_when_they_change", async (t) => {
    const sender = await streamer(t, server, "states", { hello: { analysis_mode: "enhanced" } });
    const watching = await viewerOf(t, server, "states", binary);
    const starting = await watching.next("stream_state");
    assert.deepEqual(Object.keys(starting).sort(), KEYS.toSorted());
    const { patient_id, kind, state, analysis_mode } = starting;
    const told = { patient_id, kind, state, analysis_mode };
    const expected = { patient_id: "states", kind: "relay", state: "starting", analysis_mode: "enhanced" };
    assert.deepEqual(told, expected);
    const stop = sends(t, sender);
    /** @type {Of<"stream_state">} */
    const running = await watching.next(isState("running"));
    assert.equal(running.reason, null);
    await watching.next(isPicture);
    stop();
    /** @type {Of<"stream_state">} */
    const stalled = await watching.next(isState("stalled"));
    assert.match(stalled.reason, /\w{3,} \w+/);
    assert.ok(stalled.since_s >= 0.4 && stalled.since_s < 30, `since ${stalled.since_s} s`);
    assert.ok(Math.abs(stalled.timestamp - Date.now() / 1000) < 30);
    sender.frame(asUrl(pictures[0]));
    await watching.next(isState("running"));
    sender.close();
    const ended = await watching.next("stream_ended");
    assert.deepEqual(Object.keys(ended).sort(), ["patient_id", "reason", "timestamp", "type"]);
    assert.match(ended.reason, /\w{3,} \w+/);
  });
});

describe("what_is_in_the_pictures", { concurrency: true }, () => {
  /** Whoever asks for overlays of a stream in that mode, once objects have been seen in it. */
  async function asking(t, mode) {
    const stream = `objects ${mode}`;
    const sender = await streamer(t, server, stream, { hello: { analysis_mode: mode } });
    sends(t, sender, 20);
    const watching = await viewer(t, server, `?streams=${encodeURIComponent(stream)}&overlays=1`);
    const without = await viewerOf(t, server, stream);
    await watching.next(
      ({ json }) => json?.type === "overlay_data" && json.data.metrics?.detections.length > 0,
    );
    return { overlays: () => watching.all("overlay_data"), without };
  }

  test("comes_as_overlay_data_to_those_who_ask_and_oftener_in_mode_enhanced", async (t) => {
    const [normal, enhanced] = await Promise.all([asking(t, "normal"), asking(t, "enhanced")]);
    const [begun, before] = [performance.now(), [normal, enhanced].map(({ overlays }) => overlays().length)];
    await until(() => enhanced.overlays().length >= before[1] + 20, "twenty in mode enhanced");
    const seconds = (performance.now() - begun) / 1000;
    const more = [normal, enhanced].map(({ overlays }, i) => overlays().length - before[i]);
    t.diagnostic(`${more} in ${seconds.toFixed(1)} s`);
    assert.ok(more[0] <= 5 * 1.3 * seconds + 1, `normal: ${more[0]} in ${seconds} s`);
    assert.ok(more[1] > more[0], `${more}`);
    assert.deepEqual([...normal.without.all("overlay_data"), ...enhanced.without.all("overlay_data")], []);
    let previous = -1;
    for (const overlay of normal.overlays()) {
      assert.deepEqual(Object.keys(overlay).sort(), ["data", "frame_num", "patient_id", "type"]);
      assert.equal(overlay.patient_id, "objects normal");
      assert.ok(overlay.frame_num > previous, `${overlay.frame_num} after ${previous}`);
      previous = overlay.frame_num;
      const { metrics, ...rest } = overlay.data;
      assert.deepEqual(rest, { landmarks: [], connections: [], head_pose_axes: null });
      const { model, width, height, delay_ms, detections } = metrics;
      assert.deepEqual({ model, width, height }, { model: "motion", width: 320, height: 240 });
      assert.ok(delay_ms > 0 && delay_ms < 30_000, `${delay_ms} ms`);
      for (const { label, confidence, box, track } of detections) {
        assert.equal(typeof label, "string");
        assert.ok(confidence > 0 && confidence <= 1);
        const [x1, y1, x2, y2] = box;
        assert.ok(x1 >= 0 && x1 < x2 && x2 <= 320 && y1 >= 0 && y1 < y2 && y2 <= 240, `${box}`);
        assert.ok(track === null || Number.isInteger(track));
      }
    }
  });

  /** Whoever asks for overlays, clients of both protocols that do not, and pictures that somebody is in. */
  async function told(t, other) {
    const sender = await streamer(t, other, "configured");
    often(t, 20, () => sender.frame(asUrl(SOMEBODY)));
    const asks = await viewer(t, other, "?overlays=1", binary);
    const silent = await viewer(t, other, "", binary);
    const old = await viewer(t, other);
    await sleep(1_200);
    await until(() => picturesOf(silent).length > 5 && old.all("live_frame").length > 5, "pictures");
    return [asks, silent, old].map((client) => () => client.all("overlay_data"));
  }

  test("relay_overlays_none", async (t) => {
    const other = await start(t, serving({ set: { "relay.overlays": "none" }, env: withPose(t) }));
    for (const overlays of await told(t, other)) assert.deepEqual(overlays(), []);
  });

  test("relay_overlays_asked", async (t) => {
    const other = await start(t, serving({ set: { "relay.overlays": "asked" }, env: withPose(t) }));
    const [asked, ...others] = await told(t, other);
    await until(() => asked().length > 0, "overlays for whoever asks");
    for (const overlays of others) assert.deepEqual(overlays(), []);
  });

  test("overlays_that_nobody_asked_for_take_no_place_of_an_analysis_that_somebody_wants", async (t) => {
    const { url } = await camera(t);
    const set = { "cameras.max_analyses": 1 };
    const other = await start(t, serving({ set, cameras: [{ id: "gate", url }], env: withPose(t) }));
    const send = async (/** @type {string} */ name) => {
      const sender = await streamer(t, other, name);
      often(t, 20, () => sender.frame(asUrl(SOMEBODY)));
      return viewer(t, other, `?streams=${name}`);
    };
    const first = await send("first");
    await until(() => first.all("overlay_data").length > 0, "the only place for overlays");
    const second = await send("second");
    await until(() => second.all("live_frame").length > 20, "pictures of the second stream");
    assert.deepEqual(second.all("overlay_data"), [], "there is no second place");
    // Who asks has a place beside, and one alone.
    const view = await watch(t, other, "/stream/detect?camera=gate");
    await view.next(2);
    const refused = await other.get("/stream/detect?camera_url=http%3A%2F%2F127.0.0.1%3A9%2Fstream");
    assert.equal(refused.status, 503, "one that somebody asks for has its own");
    const before = first.all("overlay_data").length;
    await until(() => first.all("overlay_data").length > before, "the first is told on");
  });

  test("by_default_old_viewers_are_told_where_bodies_are_without_asking", async (t) => {
    const other = await start(t, serving({ env: withPose(t) }));
    const [asked, silent, old] = await told(t, other);
    const seen = (/** @type {() => any[]} */ overlays) =>
      overlays().find(({ data }) => data.landmarks.length > 0);
    await until(() => seen(asked) && seen(old), "overlays for both");
    assert.deepEqual(silent(), [], "who knows sightwire.v1 asks for what it wants");
    const shown = seen(old).data;
    assert.equal(seen(asked).data.metrics.model, "motion", "who asks is told of objects, too");
    const ids = shown.landmarks.map(({ id, type, color }) => [id, type, color]);
    assert.deepEqual(ids, JOINTS);
    assert.deepEqual(shown.connections, LINES);
    /** @type {(id: number) => [number, number]} */
    const at = (id) => {
      const { x, y } = shown.landmarks.find((landmark) => landmark.id === id);
      return [x * SIZE.width, y * SIZE.height];
    };
    /** @type {(found: [number, number], wanted: [number, number]) => void} */
    const isNear = ([x, y], [wantedX, wantedY]) =>
      assert.ok(Math.hypot(x - wantedX, y - wantedY) < 12, `${x}, ${y} and not ${wantedX}, ${wantedY}`);
    isNear(at(11), SHOULDERS[0]);
    isNear(at(12), SHOULDERS[1]);
    const { origin, x_axis: x, y_axis: y, z_axis: z } = shown.head_pose_axes;
    assert.deepEqual([x.color, y.color, z.color], ["red", "green", "blue"]);
    isNear([origin.x, origin.y], at(0));
    isNear([x.x, x.y], SHOULDERS[1]);
    isNear([z.x, z.y], SHOULDERS[0]);
    isNear([y.x, y.y], [origin.x, origin.y - (50 * SIZE.height) / 360]);
    const { json } = await other.get("/api/v1/status");
    assert.deepEqual(json.detector.pose, { note: null, state: "ready" });
  });

  test("without_the_model_pose_nothing_is_analysed_for_who_does_not_ask", async (t) => {
    const other = await start(t, serving({ env: { SIGHTWIRE_HOME: emptyStore(t) } }));
    const sender = await streamer(t, other, "configured");
    sends(t, sender);
    const old = await viewer(t, other);
    await until(() => old.all("live_frame").length > 25, "pictures");
    assert.deepEqual(old.all("overlay_data"), []);
    const { json } = await other.get("/api/v1/status");
    assert.deepEqual([json.detector.pose, json.detector.state], [null, "idle"]);
  });
});

describe("cameras", { concurrency: true }, () => {
  test("can_be_watched_beside_what_is_sent", async (t) => {
    const sender = await streamer(t, server, "beside");
    sends(t, sender, 10);
    const watching = await viewer(t, server, "?streams=beside,yard", binary);
    const old = await viewer(t, server, "?streams=beside,yard");
    assert.deepEqual(watching.greeting.active_streams, ["beside"], "streams that are sent");
    for (const name of ["beside", "yard"]) {
      await until(() => picturesOf(watching, name).length > 5, name);
      await until(() => old.all("live_frame", name).length > 5, name);
    }
    const states = watching.all("stream_state", "yard");
    assert.equal(states.at(-1).kind, "camera");
    assert.equal(states.at(-1).state, "running");
    assert.equal(states.at(-1).analysis_mode, null);
    const { width, height, quality } = inspect(picturesOf(watching, "yard")[0].jpeg);
    assert.deepEqual([width, height, quality], [320, 240, QUALITY], "its own picture");
    const [, base64] = old.all("live_frame", "yard")[0].data.frame.split(",");
    inspect(Buffer.from(base64, "base64"));
    const { stream_details } = (await server.get("/streams/active")).json;
    assert.equal(stream_details.yard, undefined);
  });

  test("are_not_among_all_streams_and_are_opened_once_for_all_and_closed_after_the_last", async (t) => {
    const lone = await camera(t);
    const other = await start(t, serving({ cameras: [{ id: "lone", url: lone.url }] }));
    const all = await viewer(t, other, "", binary);
    const star = await viewer(t, other, "?streams=*", binary);
    await sleep(400);
    assert.equal((await lone.status()).stream_clients, 0);
    const watching = await Promise.all([1, 2, 3].map(() => viewer(t, other, "?streams=*,lone", binary)));
    for (const one of watching) await until(() => picturesOf(one, "lone").length > 2, "pictures");
    assert.equal((await lone.status()).stream_clients, 1);
    for (const one of watching) one.close();
    await lone.isRead(0);
    assert.deepEqual([picturesOf(all), picturesOf(star)], [[], []]);
  });

  test("stall_and_come_back_visibly", async (t) => {
    const ill = await camera(t);
    const set = { "cameras.stalled_after_s": 0.7 };
    const other = await start(t, serving({ set, cameras: [{ id: "ill", url: ill.url }] }));
    const watching = await viewer(t, other, "?streams=ill", binary);
    await watching.next(isState("running"));
    await ill.fails("stall");
    /** @type {Of<"stream_state">} */
    const { reason } = await watching.next(isState("stalled"));
    assert.match(reason, /\w{3,} \w+/);
    await ill.fails();
    await watching.next(isState("running"));
    await watching.next(isPicture);
  });

  test("their_names_cannot_be_sent", async (t) => {
    const sender = await connect(t, server, streamPath("yard"));
    sender.say({ analysis_mode: "normal" });
    assert.equal((await sender.next(() => true)).type, "error");
    assert.equal((await sender.over()).code, 1008);
  });

  test("nobody_by_that_name_sends_nothing_until_it_begins", async (t) => {
    const watching = await viewer(t, server, "?streams=later", binary);
    await sleep(200);
    assert.equal(watching.messages.length, 1);
    const sender = await streamer(t, server, "later");
    sender.frame(asUrl(pictures[0]));
    await watching.next(isPicture);
  });
});

describe("the_other_ways_to_a_stream_that_is_sent", { concurrency: true }, () => {
  for (const [name, options] of Object.entries({ text: {}, binary })) {
    test(`mjpeg_of_a_${name}_sender`, async (t) => {
      const stream = `mjpeg ${name}`;
      const sender = await streamer(t, server, stream, options);
      sends(t, sender);
      const watching = await watch(t, server, `/stream?camera=${encodeURIComponent(stream)}`);
      for (const { jpeg } of await watching.next(5)) {
        assert.ok(
          pictures.some((picture) => picture.equals(jpeg)),
          "as it was sent",
        );
      }
    });

    test(`a_snapshot_of_a_${name}_sender`, async (t) => {
      const stream = `shot ${name}`;
      const sender = await streamer(t, server, stream, options);
      if (name === "binary") sender.jpeg(pictures[5]);
      else sender.frame(asUrl(pictures[5]));
      const path = `/api/v1/streams/${encodeURIComponent(stream)}/snapshot.jpg`;
      const taken = await fetch(server.url + path);
      assert.equal(taken.status, 200);
      assert.ok(Buffer.from(await taken.arrayBuffer()).equals(pictures[5]));
    });
  }

  test("boxes_drawn_into_it", async (t) => {
    const sender = await streamer(t, server, "drawn");
    sends(t, sender);
    const watching = await watch(t, server, "/stream/detect?camera=drawn");
    await watching.next(3, (jpeg) => inspect(jpeg).quality === 85);
  });

  test("its_detections_as_events", async (t) => {
    const sender = await streamer(t, server, "events");
    sends(t, sender);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const answer = await fetch(`${server.url}/api/v1/streams/events/detections`, { signal: stop.signal });
    assert.equal(answer.status, 200);
    let text = "";
    for await (const chunk of answer.body) {
      text += Buffer.from(chunk).toString();
      if (/event: ?detections/.test(text)) break;
    }
    assert.match(text, /"stream":"events"/);
  });

  test("mjpeg_viewers_go_when_the_stream_ends", async (t) => {
    const sender = await streamer(t, server, "mjpeg end");
    sends(t, sender);
    const watching = await watch(t, server, "/stream?camera=mjpeg%20end");
    await watching.next(2);
    sender.close();
    await until(() => watching.over, "the end of the answer");
  });

  test("a_stream_that_is_not_sent_has_none", async () => {
    const answer = await server.get("/stream?camera=nobody-sends-this");
    assert.equal(answer.status, 404);
    assert.match(answer.json.detail, /\w{3,} \w+/);
  });
});
