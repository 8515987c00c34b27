// Hands: what clients are told of shapes and motions, by a small model that finds the joints of hands that are drawn here.

import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { FPS, MODEL, Performance, SHAPES, addModel, joints } from "../drawn-hand.mjs";
import { ask } from "./api.mjs";
import { connect } from "./client.mjs";
import { store } from "./hand-store.mjs";
import { command, start, until } from "./harness.mjs";

/** @import { SignModel, SignResult } from "./types.ts" */
/** @import { Hand, Place } from "../drawn-hand.mjs" */

const STROKES = ["left", "right", "up", "down", "push", "pull", "wave"];
/** Ways of three palms, and hands that stay in the picture on them. @type {Record<string, [Hand, Place]>} */
const WAYS = {
  left: [hand("open_palm", 430, 260), [-3, 0]],
  right: [hand("open_palm", 220, 260), [3, 0]],
  up: [hand("open_palm", 330, 395), [0, -3]],
  down: [hand("open_palm", 330, 165), [0, 3]],
};

/**
 * A hand of 60 pixels.
 * @param {string} shape
 * @returns {Hand}
 */
function hand(shape, x = 320, y = 265) {
  return { shape, x, y, palm: 60 };
}

/** A server with that model, for which motions have to be meant. */
function serverOf(t, env = {}) {
  const settings = {
    SIGHTWIRE_HOME: store(t),
    SIGHTWIRE_RECOGNIZER_MODEL: MODEL,
    SIGHTWIRE_RECOGNIZER_ARMING: "true",
  };
  return start(t, { env: { ...settings, ...env } });
}

/** Without repetitions. */
function changes(labels) {
  return labels.filter((label, i) => label !== labels[i - 1]);
}

/** Has a client send a performance in its own time; what it was answered, without repetitions. */
async function perform(client, performance) {
  const [frames, first] = [performance.jpegs(), client.predictions.length];
  await client.play(frames, FPS);
  await client.answered();
  return changes(client.predictions.slice(first).map(({ label }) => label));
}

/** A machine that is busy may send or look at too few frames: what comes of a performance is to be so once in three times. */
async function once(act, is) {
  for (let left = 2; ; left -= 1) {
    const found = await act();
    try {
      return is(found);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

test("an_old_client_gets_the_shape_that_is_held_and_the_stroke_that_follows", async (t) => {
  const server = await serverOf(t);
  const client = await connect(t, server);
  const stroke = () =>
    new Performance()
      .empty(300)
      .stroke(...WAYS.left)
      .empty(700);
  await once(
    () => perform(client, stroke()),
    (labels) => {
      assert.deepEqual(labels.slice(0, 3), ["none", "open_palm", "left"]);
      assert.equal(labels.at(-1), "none");
      assert.deepEqual(
        labels.filter((label) => STROKES.includes(label)),
        ["left"],
      );
    },
  );
  // It was told nothing that it does not know, and one answer for each frame.
  assert.deepEqual([...new Set(client.events.map(([name]) => name))].sort(), ["prediction", "status"]);
  assert.ok(client.predictions.every((it) => Object.keys(it).sort().join() === "label,score"));
  assert.equal(client.predictions.length, client.sent);
  assert.ok(client.predictions.every(({ label, score }) => (label === "none" ? score === 0 : score > 0.5)));

  const { model, state, task, labels, window } = await server.recognizer();
  assert.deepEqual([model, state, task, window], [MODEL, "ready", "landmarks", 1]);
  assert.deepEqual(labels, [...SHAPES, ...STROKES]);
  assert.deepEqual(Object.values((await server.get("/labels")).json), labels);
});

test("a_client_with_extras_gets_the_joints_and_sees_the_ring_fill", async (t) => {
  const server = await serverOf(t);
  const client = await connect(t, server, { auth: { extras: true } });
  /** @type {SignResult[]} */
  let results = [];
  client.socket.on("result", (result) => results.push(result));
  const performance = new Performance().stroke(...WAYS.right);
  const frames = performance.jpegs();
  const play = async () => {
    results = [];
    await client.play(frames, FPS);
    await client.answered();
    return results;
  };
  const seen = await once(play, (results) => {
    const first = results.findIndex(({ sight }) => sight.hands[0]?.arming > 0);
    const last = results.findIndex(({ sight }) => sight.hands[0]?.arming === 1);
    assert.ok(first > 0 && last > first, "the ring begins and is full");
    const rings = results.slice(first, last + 1).map(({ sight }) => sight.hands[0].arming);
    assert.deepEqual(
      [...rings].sort((a, b) => a - b),
      rings,
      "it fills",
    );
    assert.ok(rings.length >= 8, `${rings.length} pictures`);
    assert.ok(results[last].sight.hands[0].armed_ms > 2_800);
    assert.ok(results.some(({ label }) => label === "right"));
    results.forEach(({ label, sight }) => assert.equal(sight.motion, label === "right" ? label : null));
    return results[last];
  });
  const { width, height, hands, hints } = seen.sight;
  assert.deepEqual([width, height, hints, hands.length], [640, 480, [], 1]);
  const [{ points, side, presence, id }] = hands;
  assert.deepEqual([points.length, side], [21, "right"]);
  assert.ok(presence > 0.99 && id >= 1);
  const [palm] = WAYS.right;
  joints(palm).forEach(([x, y], joint) => {
    const away = Math.hypot(points[joint][0] - x, points[joint][1] - y);
    assert.ok(away < 0.05 * palm.palm, `joint ${joint} is ${away} pixels away`);
  });
  /** @type {SignModel} */
  const model = client.events.find(([name]) => name === "model")[1];
  assert.deepEqual([model.name, model.window, model.labels], [MODEL, 1, [...SHAPES, ...STROKES]]);
  assert.ok(seen.scores.length === model.labels.length && seen.age_ms < 5_000);
});

test("shoulders_are_told_beside_a_hand_where_there_is_a_model_for_them", async (t) => {
  const [home, without] = [store(t), store(t)];
  addModel(home, "pose");
  /** @type {[Place, Place]} */
  const shoulders = [
    [490, 370],
    [290, 360],
  ];
  const hand = { shape: "fist", x: 220, y: 260, palm: 50, shoulders };
  const frames = new Performance(15).hold(hand, 1_000).jpegs();
  const watched = async (home) => {
    const server = await serverOf(t, { SIGHTWIRE_HOME: home });
    const client = await connect(t, server, { auth: { extras: true } });
    await client.play(frames, 15);
    await client.answered();
    const results = client.events.filter(([name]) => name === "result").map(([, result]) => result);
    assert.ok(results.length >= 5 && results.every(({ sight }) => sight.hands.length === 1));
    return { server, sights: results.map(({ sight }) => sight.shoulders) };
  };
  const { server, sights } = await watched(home);
  for (const found of sights) {
    [found.left, found.right].forEach(([x, y], i) => {
      const away = Math.hypot(x - shoulders[i][0], y - shoulders[i][1]);
      assert.ok(away < 0.25 * hand.palm, `${away} pixels away`);
    });
  }
  const { models } = (await server.get("/api/v1/models")).json;
  const runs = Object.fromEntries(models.map(({ name, recognizer }) => [name, recognizer]));
  assert.deepEqual([runs[MODEL], runs.hands, runs.gestures, runs.pose], [true, true, true, false]);
  // 409: another one is on its way still.
  const activated = () => ask(server, "POST", "/api/v1/models/pose/activate");
  await until(async () => (await activated()).status !== 409, "nothing else is being switched");
  const refused = await activated();
  assert.equal(refused.status, 422);
  assert.match(refused.json.detail, /pose is for joints of a body, not for hands/);

  assert.ok((await watched(without)).sights.every((found) => found === null));
  writeFileSync(join(home, "models/pose/pose.tflite"), "no network");
  const broken = await watched(home);
  assert.ok(broken.sights.every((found) => found === null));
  const said = broken.server.logs().match(/shoulders are not looked for: .*pose\.tflite/g);
  assert.equal(said.length, 1);
  assert.match((await broken.server.recognizer()).warning, /shoulders are not looked for: .*pose\.tflite/);
});

test("models_of_joints_can_be_checked", async (t) => {
  const home = store(t);
  addModel(home, "pose");
  const check = (name) => command(["models", "check", name], { env: { SIGHTWIRE_HOME: home } });
  const hands = await check(MODEL);
  assert.equal(hands.code, 0, hands.stderr);
  assert.match(hands.stdout, /2 files are the right ones/);
  assert.match(
    hands.stdout,
    /drawn-hands: runs on ONNX Runtime .*palm .*hand .*pose .* ms to look for palms/,
  );
  const pose = await check("pose");
  assert.deepEqual([pose.code, pose.stdout], [0, "pose: 1 file is the right one\n"]);
  writeFileSync(join(home, "models/pose/pose.tflite"), "no network");
  const damaged = await check("pose");
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /pose\.tflite is not the file/);
});

test("every_direction_is_told_and_a_motion_that_is_not_meant_is_not", async (t) => {
  const server = await serverOf(t);
  const client = await connect(t, server);
  const strokes = async (performance) =>
    (await perform(client, performance)).filter((label) => STROKES.includes(label));
  const quick = { held: 600, took: 300, rested: 400 };
  for (const name of ["right", "up", "down"]) {
    const [palm, way] = WAYS[name];
    await once(
      () => strokes(new Performance().stroke(palm, way, undefined, quick).empty(900)),
      (found) => assert.deepEqual(found, [name]),
    );
  }
  // The same without a hold, and with a fist.
  const [palm, way] = WAYS.left;
  const hasty = { ...quick, held: 200, rested: 200 };
  assert.deepEqual(await strokes(new Performance().stroke(palm, way, undefined, hasty).empty(500)), []);
  const fist = { ...palm, shape: "fist" };
  assert.deepEqual(await strokes(new Performance().stroke(fist, way, undefined, quick).empty(500)), []);
});

test("every_shape_is_told_while_it_is_held", async (t) => {
  const server = await serverOf(t);
  const client = await connect(t, server, { auth: { extras: true } });
  const performance = new Performance();
  SHAPES.forEach((shape, i) => {
    const side = i % 2 === 0 ? "left" : "right";
    performance.hold({ ...hand(shape), side, turn: 10 - 5 * (i % 5), palm: 70 }, 700).empty(500);
  });
  await once(
    () => perform(client, performance),
    (labels) =>
      assert.deepEqual(
        labels.filter((label) => label !== "none"),
        SHAPES,
      ),
  );
  const shapes = client.events
    .filter(([name]) => name === "result")
    .flatMap(([, { sight }]) => sight.hands.map(({ shape }) => shape));
  assert.ok(SHAPES.every((shape) => shapes.includes(shape)));
});

test("without_arming_a_moment_of_rest_is_enough", async (t) => {
  const server = await serverOf(t, { SIGHTWIRE_RECOGNIZER_ARMING: "false" });
  const client = await connect(t, server);
  const [palm, way] = WAYS.left;
  const quick = { held: 400, took: 300, rested: 500 };
  const performance = () => new Performance().stroke({ ...palm, shape: "fist" }, way, undefined, quick);
  await once(
    () => perform(client, performance().empty(1_200)),
    (labels) => assert.ok(labels.includes("left"), labels.join(" ")),
  );
});

test("clients_do_not_see_each_others_hands", async (t) => {
  const server = await serverOf(t);
  const shapes = ["victory", "fist", undefined];
  const clients = await Promise.all(shapes.map(() => connect(t, server)));
  const play = async (shape, i) => {
    const [performance, client] = [new Performance(15), clients[i]];
    if (shape) performance.empty(300).hold(hand(shape, 250 + 100 * i), 1_500);
    else performance.empty(1_800);
    const first = client.predictions.length;
    await client.play(performance.jpegs(), 15);
    await client.answered();
    return client.predictions.slice(first).map(({ label }) => label);
  };
  await once(
    () => Promise.all(shapes.map(play)),
    (labels) => {
      for (const [i, shape] of shapes.entries()) assert.ok(!shape || labels[i].includes(shape), shape);
    },
  );
  for (const [i, shape] of shapes.entries()) {
    const others = clients[i].predictions.filter(({ label }) => label !== "none" && label !== shape);
    assert.deepEqual(others, [], "of others nothing was ever seen");
  }
});

test("a_frame_that_is_no_picture_does_not_end_the_hand", async (t) => {
  const server = await serverOf(t);
  const client = await connect(t, server, { auth: { extras: true } });
  const frames = new Performance(15).hold(hand("fist"), 1_000).jpegs();
  const half = frames[0].subarray(0, frames[0].length / 2);
  await client.play([...frames, half, ...frames], 15);
  await until(() => client.events.filter(([name]) => name === "result").length >= 20, "results");
  const results = client.events.filter(([name]) => name === "result").map(([, result]) => result);
  const ids = new Set(results.flatMap(({ sight }) => sight.hands.map(({ id }) => id)));
  assert.equal(ids.size, 1, "the same hand before and after");
  assert.deepEqual(client.disconnects, []);
});

/** A server that takes the best model there is. */
function automatic(t, home) {
  const env = { SIGHTWIRE_HOME: home, SIGHTWIRE_RECOGNIZER_MODEL: "auto" };
  return start(t, { env });
}

test("without_the_model_of_hands_the_weaker_one_is_at_work_and_the_better_one_offered", async (t) => {
  const server = await automatic(t, store(t));
  await connect(t, server);
  const { model, better } = await server.recognizer();
  assert.equal(model, "gestures");
  assert.deepEqual([better.name, better.command], ["hands", "sightwire models pull hands"]);
  assert.deepEqual([better.error, better.here, better.progress], [null, false, null]);
  assert.ok(better.size_bytes > 1_000_000 && better.title.length > 5);
  const refused = await ask(server, "POST", "/api/v1/models/wlasl20/fetch");
  assert.equal(refused.status, 409);
  assert.match(refused.json.detail, /not offered/);
});

test("the_model_of_hands_is_taken_where_it_is", async (t) => {
  const server = await automatic(t, store(t, "hands"));
  const client = await connect(t, server);
  const { model, better, task } = await server.recognizer();
  assert.deepEqual([model, better, task], ["hands", null, "landmarks"]);
  const labels = await perform(client, new Performance().hold(hand("ok"), 1_000));
  assert.deepEqual(labels, ["none", "ok"]);
});

test("a_model_of_hands_that_is_broken_leaves_the_other_one_at_work_and_is_told", async (t) => {
  const home = store(t, "hands");
  writeFileSync(join(home, "models/hands/hand.tflite"), "no network");
  const server = await automatic(t, home);
  await connect(t, server);
  const { model, better, warning, state } = await server.recognizer();
  assert.deepEqual([model, better.name, better.here, state], ["gestures", "hands", true, "ready"]);
  assert.match(better.error, /hand\.tflite/);
  assert.match(warning, /hands/);
  assert.match(warning, /hand\.tflite/);
  const activated = await ask(server, "POST", "/api/v1/models/hands/activate");
  assert.equal(activated.status, 422);
  assert.match(activated.json.detail, /hand\.tflite/);
  const listed = await command(["models", "list"], { env: { SIGHTWIRE_HOME: home } });
  assert.match(listed.stdout, /^hands +landmarks +damaged /m);
});

test("a_damaged_model_of_hands_is_replaced_when_somebody_asks", async (t) => {
  const home = store(t, "hands");
  const models = join(home, "models");
  const manifest = join(models, "hands.toml");
  // As one that comes from elsewhere, of which the mirror has a copy.
  const source = 'source = { https = { url = "https://127.0.0.1:9/file" } }';
  writeFileSync(manifest, readFileSync(manifest, "utf8").replaceAll('source = "imported"', source));
  const mirror = join(home, "mirror");
  cpSync(join(models, "hands"), mirror, { recursive: true });
  writeFileSync(join(models, "hands/hand.tflite"), "no network");
  const env = {
    SIGHTWIRE_HOME: home,
    SIGHTWIRE_RECOGNIZER_MODEL: "auto",
    SIGHTWIRE_MODEL_MIRROR: mirror,
  };
  const server = await start(t, { env });
  await connect(t, server);
  const { model, better } = await server.recognizer();
  assert.equal(model, "gestures");
  assert.match(better.error, /hand\.tflite.*sightwire models pull hands/);
  assert.equal((await ask(server, "POST", "/api/v1/models/hands/fetch")).status, 202);
  const atWork = async () => (await server.recognizer()).model === "hands";
  await until(atWork, "hands at work");
  const { better: offered, warning } = await server.recognizer();
  assert.equal(offered, null);
  assert.doesNotMatch(warning ?? "", /cannot be used/);
});

test("a_model_of_hands_that_came_while_the_server_ran_is_put_to_work_when_somebody_asks", async (t) => {
  const home = store(t);
  const server = await automatic(t, home);
  await connect(t, server);
  cpSync(join(store(t, "hands"), "models"), join(home, "models"), { recursive: true });
  const { model, better } = await server.recognizer();
  assert.deepEqual([model, better.here, better.error], ["gestures", true, null]);
  assert.equal((await ask(server, "POST", "/api/v1/models/hands/fetch")).status, 202);
  const atWork = async () => (await server.recognizer()).model === "hands";
  await until(atWork, "hands at work");
  // Whoever goes back to the weaker one is not asked again.
  // Also where hands are just started anew in the fastest way.
  const back = await ask(server, "POST", "/api/v1/models/gestures/activate");
  assert.equal(back.status, 200, JSON.stringify(back.json));
  assert.equal((await server.recognizer()).better, null);
});

test("a_switch_to_hands_and_back_drops_no_client", async (t) => {
  const server = await start(t, {
    env: { SIGHTWIRE_HOME: store(t), SIGHTWIRE_RECOGNIZER_MODEL: "gestures" },
  });
  const client = await connect(t, server, { auth: { extras: true } });
  const frames = new Performance(15).hold(hand("victory"), 1_000).jpegs();
  for (const name of [MODEL, "gestures", MODEL]) {
    const activated = await ask(server, "POST", `/api/v1/models/${name}/activate`);
    assert.equal(activated.status, 200, JSON.stringify(activated.json));
    const first = client.predictions.length;
    await client.play([...frames, ...frames], 15);
    await client.answered();
    // What the other one said is answered until there is something new.
    const labels = client.predictions.slice(first).map(({ label }) => label);
    assert.equal(labels.at(-1) === "victory", name === MODEL, labels.join(" "));
  }
  assert.deepEqual(client.disconnects, []);
  const told = client.events.filter(([name]) => name === "model").map(([, { name }]) => name);
  assert.deepEqual(told, ["gestures", MODEL, "gestures", MODEL]);
});
