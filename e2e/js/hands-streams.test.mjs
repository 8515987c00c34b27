// Hands in streams: what viewers of cameras and of sent streams are told and shown of a drawn hand, and of none.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { Performance, SIZE, addModel, draw, joints } from "../drawn-hand.mjs";
import { listen } from "./events.mjs";
import { emptyStore, store } from "./hand-store.mjs";
import { portOf, start, until } from "./harness.mjs";
import { pixels } from "./jpeg.mjs";
import { often, streamer, viewer } from "./relay.mjs";
import { serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Hand } from "../drawn-hand.mjs" */
/** @import { Server } from "./harness.mjs" */
/** @import { Ending, HandSight } from "./types.ts" */

const FPS = 15;
/** @type {Hand} */
const SHOWN = { shape: "victory", side: "left", x: 230, y: 280, palm: 70 };
/** Somebody who shows it, with both shoulders. @type {Hand} */
const PERSON = {
  ...SHOWN,
  x: 430,
  y: 200,
  palm: 50,
  shoulders: [
    [380, 300],
    [180, 310],
  ],
};
/** What is played again and again: the hand that is held, somebody who holds it, and a wall with nobody before it. */
const PICTURES = {
  person: new Performance(FPS).hold(PERSON, 1_000).jpegs(),
  shown: new Performance(FPS).hold(SHOWN, 1_000).jpegs(),
  empty: new Performance(FPS).empty(1_000).jpegs(),
};
/** How far a joint may be from where it was drawn, in pixels. */
const NEAR = 0.05 * SHOWN.palm;

/** Ends what the file shares. */
const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** A camera that gives these pictures round and round; its address. @param {Ending} t */
async function playing(t, jpegs, fps = FPS) {
  const camera = createServer((_, answer) => {
    answer.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
    let next = 0;
    const timer = setInterval(() => {
      const jpeg = jpegs[next++ % jpegs.length];
      answer.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      answer.write(jpeg);
      answer.write("\r\n");
    }, 1_000 / fps);
    answer.on("close", () => clearInterval(timer));
  });
  const port = await portOf(camera);
  t.after(() => {
    camera.closeAllConnections();
    camera.close();
  });
  return `http://127.0.0.1:${port}/stream`;
}

let cameras, /** @type {Server} */ server;
before(async () => {
  const ids = Object.keys(PICTURES);
  cameras = await Promise.all(ids.map(async (id) => ({ id, url: await playing(file, PICTURES[id]) })));
  const home = store(file, "hands");
  addModel(home, "pose");
  server = await serverOf(file, home);
});

/** A server that has such a store, and is asked to find hands or not. @param {Ending} t */
function serverOf(t, home, hands = true) {
  const set = { "detector.hands": hands, "cameras.lower_quality": false, "relay.lower_quality": false };
  return start(
    t,
    serving({ set, cameras, env: { SIGHTWIRE_HOME: home, SIGHTWIRE_RECOGNIZER_ARMING: "true" } }),
  );
}

/** Sends pictures until the test ends; the stream's name. @param {Ending} t */
async function sent(t, at, name, jpegs, mode) {
  const urls = jpegs.map((jpeg) => `data:image/jpeg;base64,${jpeg.toString("base64")}`);
  const sender = await streamer(t, at, name, { hello: { analysis_mode: mode } });
  often(t, FPS, (count) => sender.frame(urls[count % urls.length]));
  return name;
}

/** The next that is told of a stream for which that is so. */
async function overlay(client, name, is = (/** @type {any} */ data) => data !== undefined) {
  const isIt = ({ json }) => json?.type === "overlay_data" && json.patient_id === name && is(json.data);
  const { data, frame_num } = await client.next(isIt);
  assert.ok(Number.isInteger(frame_num) && frame_num > 0);
  return data;
}

/** One hand of that shape, its joints where they were drawn. @param {HandSight} sight */
function seesIt({ width, height, hands }) {
  assert.deepEqual([width, height, hands.length], [SIZE.width, SIZE.height, 1]);
  const [{ points, presence, shape, side }] = hands;
  assert.deepEqual([shape, side, points.length], [SHOWN.shape, SHOWN.side, 21]);
  assert.ok(presence > 0.99, `presence ${presence}`);
  areNear(points);
}

function areNear(points) {
  joints(SHOWN).forEach(([x, y], joint) => {
    const away = Math.hypot(points[joint][0] - x, points[joint][1] - y);
    assert.ok(away < NEAR, `joint ${joint} is ${away} pixels away`);
  });
}

/** Looks at which the shape had been held. */
const held = (heard) => heard.detections().filter(({ hands }) => isHeld(hands));
const isHeld = (/** @type {HandSight} */ sight) => sight?.hands[0]?.shape === SHOWN.shape;

for (const mode of ["normal", "enhanced"]) {
  test(`a_viewer_of_a_sent_stream_in_mode_${mode}_is_told_the_joints_of_its_hand`, async (t) => {
    const client = await viewer(t, server, "?overlays=1");
    const [name, wall] = await Promise.all([
      sent(t, server, `hand-${mode}`, PICTURES.shown, mode),
      sent(t, server, `wall-${mode}`, PICTURES.empty, mode),
    ]);
    const { landmarks, connections, metrics } = await overlay(client, name, ({ metrics }) =>
      isHeld(metrics.hands),
    );
    seesIt(metrics.hands);
    // The same in shares of the frame, as those know it who draw landmarks of anything.
    assert.equal(landmarks.length, 21);
    areNear(landmarks.map(({ x, y }) => [x * SIZE.width, y * SIZE.height]));
    const joined = new Set(connections.flat());
    assert.equal(joined.size, 21, "every joint is joined to another one");
    assert.deepEqual(
      landmarks.map(({ id }) => id),
      [...Array(21).keys()].map((joint) => 100 + joint),
    );
    assert.ok([...joined].every((joint) => landmarks.some(({ id }) => id === joint)));

    // The first may be told before the model of hands has been loaded.
    const none = await overlay(client, wall, ({ metrics }) => metrics.hands !== undefined);
    assert.deepEqual([none.landmarks, none.connections, none.metrics.hands.hands], [[], [], []]);
  });
}

test("joints_of_a_body_are_the_first_of_the_landmarks_and_shoulders_are_drawn_in_views", async (t) => {
  const client = await viewer(t, server, "?overlays=1");
  const name = await sent(t, server, "somebody", PICTURES.person, "enhanced");
  const { landmarks, connections, metrics } = await overlay(
    client,
    name,
    ({ landmarks }) => landmarks.length > 23,
  );
  assert.equal(landmarks.length, 9 + 21);
  assert.deepEqual(connections.slice(4, 5), [[11, 12]]);
  const shoulders = landmarks.slice(3, 5).map(({ id, type, color }) => [id, type, color]);
  assert.deepEqual(shoulders, [
    [11, "left_shoulder", "red"],
    [12, "right_shoulder", "red"],
  ]);
  const { left, right } = metrics.hands.shoulders;
  const told = landmarks.slice(3, 5).map(({ x, y }) => [x * SIZE.width, y * SIZE.height]);
  for (const places of [told, [left, right]]) {
    places.forEach(([x, y], i) => {
      const [drawnX, drawnY] = PERSON.shoulders[i];
      const away = Math.hypot(x - drawnX, y - drawnY);
      assert.ok(away < 0.25 * PERSON.palm, `${away} pixels away`);
    });
  }
  const view = await watch(
    t,
    server,
    `/stream/detect?camera=person&classes=nothing&fps=${FPS}&skip_frames=1`,
  );
  const original = draw([PERSON]);
  // The line between both is over the wall.
  const between = (x, y) => x === 280 && y > 280 && y < 330;
  const isDrawn = async () => change((await view.next(1))[0].jpeg, original, between) > 60;
  await until(isDrawn, "the line between both");
});

for (const as of ["sse", "websocket"]) {
  test(`detections_of_a_camera_name_its_hand_over_${as}`, async (t) => {
    const [shown, empty] = ["shown", "empty"].map((id) =>
      listen(t, server, `/api/v1/streams/${id}/detections?fps=${FPS}&skip_frames=1`, { as }),
    );
    await until(() => held(shown).length > 0, "the shape");
    const seen = held(shown);
    seen.forEach(({ hands }) => seesIt(hands));
    const ids = seen.map(({ hands }) => hands.hands[0].id);
    assert.equal(new Set(ids).size, 1, "the same hand from picture to picture");
    // The first may be told before the model of hands has been loaded.
    const looks = () => empty.detections().filter(({ hands }) => hands !== undefined);
    await until(() => looks().length >= 5, "looks");
    assert.ok(looks().every(({ hands }) => hands.hands.length === 0));
  });
}

test("detections_of_a_camera_tell_a_motion_that_was_meant", async (t) => {
  const [fps, palm] = [30, { shape: "open_palm", x: 430, y: 260, palm: 60 }];
  const stroke = new Performance(fps).empty(300).stroke(palm, [-3, 0]).empty(1_500);
  const url = await playing(t, stroke.jpegs(), fps);
  // A camera of an address is there while somebody watches it.
  const view = await watch(t, server, `/stream/detect?camera_url=${encodeURIComponent(url)}`);
  await view.next(1);
  const { streams } = (await server.get("/api/v1/streams")).json;
  const { id } = streams.find((one) => one.url?.includes(new URL(url).host));
  const heard = listen(
    t,
    server,
    `/api/v1/streams/${encodeURIComponent(id)}/detections?fps=${fps}&skip_frames=1`,
  );
  const hands = () => heard.detections().flatMap(({ hands }) => hands ?? []);
  await until(() => hands().some(({ motion }) => motion === "left"), "the motion");
  const armed = hands().findIndex(({ hands: [hand] }) => hand?.armed_ms > 0);
  assert.ok(armed >= 0 && armed < hands().findIndex(({ motion }) => motion === "left"), "what armed it");
});

/**
 * How far the colours of a drawn view are from those of the camera's picture, at most at any pixel that `is` wants.
 * @param {Buffer} jpeg
 * @param {Uint8Array} original
 * @param {(x: number, y: number) => boolean} [is]
 */
function change(jpeg, original, is = () => true) {
  const { width, height, rgb } = pixels(jpeg);
  assert.deepEqual({ width, height }, SIZE);
  let most = 0;
  for (let i = 0; i < width * height; i += 1) {
    if (!is(i % width, Math.floor(i / width))) continue;
    for (let channel = 0; channel < 3; channel += 1) {
      most = Math.max(most, Math.abs(rgb[3 * i + channel] - original[3 * i + channel]));
    }
  }
  return most;
}

/** What the camera's picture has, as drawn. */
const WITH_HAND = draw([SHOWN]);

/** Whether a place is beside the hand. */
function isFar(x, y) {
  return joints(SHOWN).every((place) => Math.hypot(x - place[0], y - place[1]) > SHOWN.palm);
}

/** Joints in whose middle such a picture shows another colour than the camera did. */
function coloured(jpeg) {
  const { width, rgb } = pixels(jpeg);
  const differs = ([x, y]) => {
    const at = 3 * (Math.floor(y) * width + Math.floor(x));
    return [0, 1, 2].some((channel) => Math.abs(rgb[at + channel] - WITH_HAND[at + channel]) > 60);
  };
  return joints(SHOWN).filter(differs).length;
}

describe("a_drawn_view", () => {
  for (const kind of ["detect", "tracking"]) {
    // What moves has no box here: `motion` knows no such class.
    const query = `classes=nothing&fps=${FPS}&show_stats=false`;

    for (const skip of [1, 3]) {
      test(`${kind}_shows_the_joints_in_every_picture_while_every_${skip}_is_looked_at`, async (t) => {
        const view = await watch(t, server, `/stream/${kind}?camera=shown&${query}&skip_frames=${skip}`);
        const heard = listen(t, server, `/api/v1/streams/shown/detections?fps=${FPS}&skip_frames=${skip}`);
        // The first may be of an analysis that was kept when its last viewer left.
        await until(() => held(heard).length > 1, "the hand");
        const pictures = (await view.next(6)).map(({ jpeg }) => jpeg);
        const joints = pictures.map(coloured);
        // A few lie on a colour that is nearly that of a dot.
        assert.ok(Math.min(...joints) >= 18, `${joints} of 21 joints`);
        assert.ok(change(pictures[0], WITH_HAND, isFar) < 20, "the rest is as it was");
      });
    }

    test(`${kind}_of_a_camera_without_a_hand_is_its_pictures`, async (t) => {
      const view = await watch(t, server, `/stream/${kind}?camera=empty&${query}&skip_frames=1`);
      const [, , { jpeg }] = await view.next(3);
      assert.ok(change(jpeg, draw([])) < 20);
    });
  }
});

/** Of the model of hands, as the status has it. @param {Server} at */
const reported = async (at) => (await at.get("/api/v1/status")).json.detector.hands;

test("the_status_says_that_hands_are_found_in_streams", async (t) => {
  const client = await viewer(t, server, "?overlays=1");
  await overlay(client, await sent(t, server, "status", PICTURES.shown, "enhanced"));
  assert.deepEqual(await reported(server), { note: null, state: "ready" });
});

describe("without_hands", () => {
  /** Viewers are told of everything else. */
  async function areNot(t, at) {
    const client = await viewer(t, at, "?overlays=1");
    const name = await sent(t, at, "hand", PICTURES.shown, "enhanced");
    const { landmarks, connections, metrics } = await overlay(client, name);
    assert.deepEqual([landmarks, connections, metrics.hands ?? null], [[], [], null]);
    assert.equal(metrics.model, "motion");
    const heard = listen(t, at, `/api/v1/streams/shown/detections?fps=${FPS}&skip_frames=1`);
    await until(() => heard.detections().length >= 5, "looks");
    assert.ok(heard.detections().every(({ hands }) => (hands ?? null) === null));
    const view = await watch(t, at, `/stream/detect?camera=shown&classes=nothing&fps=${FPS}&skip_frames=1`);
    const [, { jpeg }] = await view.next(2);
    assert.equal(coloured(jpeg), 0);
  }

  test("nobody_asked_for_them", async (t) => {
    const server = await serverOf(t, store(t, "hands"), false);
    await areNot(t, server);
    assert.equal(await reported(server), null);
  });

  test("a_model_that_is_not_there_is_told_and_the_streams_go_on", async (t) => {
    const lacking = await serverOf(t, emptyStore(t));
    await areNot(t, lacking);
    assert.match(lacking.logs(), /hands in streams: .*hands/);
    const { state, note } = await reported(lacking);
    assert.equal(state, "failed");
    assert.match(note, /hands/);
  });
});
