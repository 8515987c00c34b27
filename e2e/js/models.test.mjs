// Another model takes the place of the present one while clients are at work.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { ask } from "./api.mjs";
import { clip, GESTURES } from "./clips.mjs";
import { Client, connect } from "./client.mjs";
import { emptyStore } from "./hand-store.mjs";
import { sleep, start, until } from "./harness.mjs";

const MODELS = resolve(dirname(fileURLToPath(import.meta.url)), "../../models");

/** The built-in networks under other words: whoever still speaks the old ones has not switched. */
const WORDS = GESTURES.map((gesture) => `other-${gesture}`);

/** A store with the library and what was measured of the networks, a model called `other` and one called `broken`. */
function store(t) {
  const home = emptyStore(t);
  mkdirSync(join(home, "models/other"));
  const text = readFileSync(join(MODELS, "gestures.toml"), "utf8");
  const other = text
    .replace('name = "gestures"', 'name = "other"')
    .replace(/labels = .*/, `labels = ${JSON.stringify(WORDS)}`)
    .replaceAll('"builtin"', '"imported"');
  for (const file of ["gestures_backbone.onnx", "gestures_head.onnx"]) {
    copyFileSync(join(MODELS, file), join(home, "models/other", file));
  }
  writeFileSync(join(home, "models/other.toml"), other);
  writeFileSync(join(home, "models/broken.toml"), other.replace('name = "other"', 'name = "broken"'));
  return home;
}

const activate = (/** @type {{ url: string }} */ server, name, headers = {}) =>
  ask(server, "POST", `/api/v1/models/${name}/activate`, undefined, headers);

/** Plays a clip round and round until it is told to stop, or the test ends. */
function stream(t, client, frames) {
  const state = { going: true };
  t.after(() => (state.going = false));
  state.done = (async () => {
    for (let i = 0; state.going; i += 1) {
      client.send(frames[i % frames.length], { id: i });
      await sleep(40);
    }
  })();
  return state;
}

test("a_switch_drops_no_client_and_no_frame", async (t) => {
  const server = await start(t, { env: { SIGHTWIRE_HOME: store(t) } });
  const frames = await clip("left");
  const old = await connect(t, server);
  const extra = await connect(t, server, { auth: { extras: true } });
  const streams = [old, extra].map((client) => stream(t, client, frames));
  await until(() => old.predictions.some(({ label }) => label === "left"), "a word of the first model");

  const { status, json } = await activate(server, "other");
  assert.deepEqual([status, json.model], [200, "other"], JSON.stringify(json));
  const said = (client) => client.predictions.some(({ label }) => label === "other-left");
  await until(() => said(old) && said(extra), "a word of the second model");
  for (const stream of streams) stream.going = false;
  await Promise.all(streams.map((stream) => stream.done));

  for (const client of [old, extra]) {
    await client.answered();
    assert.deepEqual(client.disconnects, []);
    assert.equal(client.predictions.length, client.sent);
    // The first model answers until the second has its first window; then never again.
    const first = client.predictions.findIndex(({ label }) => label.startsWith("other-"));
    const later = client.predictions.slice(first).map(({ label }) => label);
    assert.ok(
      later.every((label) => label.startsWith("other-") || label === "none"),
      later.join(" "),
    );
    const known = client.predictions.findIndex(({ score }) => score > 0);
    assert.ok(
      client.predictions.slice(known).every(({ score }) => score > 0),
      "there is a result at every moment, during the switch too",
    );
  }
  /** @type {import("./types.ts").SignModel[]} */
  const told = extra.events.filter(([name]) => name === "model").map(([, facts]) => facts);
  assert.deepEqual(
    told.map(({ name }) => name),
    ["gestures", "other"],
  );
  assert.deepEqual(told[1].labels, WORDS);
  const afterwards = extra.events.slice(
    extra.events.findIndex(([name, it]) => name === "model" && it.name === "other"),
  );
  for (const kind of ["result", "prediction"]) {
    const labels = afterwards.filter(([name]) => name === kind).map(([, { label }]) => label);
    const foreign = labels.filter((label) => label !== "none" && !WORDS.includes(label));
    assert.ok(labels.length > 0 && foreign.length === 0, `${kind}: ${labels.join(" ")}`);
  }
  assert.deepEqual([...new Set(old.events.map(([name]) => name))].sort(), ["prediction", "status"]);

  assert.equal((await server.get("/healthz")).json.model, "other");
  assert.equal((await server.get("/labels")).json[0], "other-still");
  const metrics = (await server.get("/metrics")).text;
  assert.match(metrics, /sightwire_recognizer_model_switches_total 1\n/);
  const counted = Number(metrics.match(/sightwire_recognizer_frames_total (\d+)/)[1]);
  // A frame of each that the first model took in the moment of the switch is not counted.
  const lost = old.sent + extra.sent - counted;
  assert.ok(lost >= 0 && lost <= 2, `the counters go on where the first model's ended: ${lost} less`);
});

test("newcomers_and_those_who_were_silent_get_the_new_model", async (t) => {
  const server = await start(t, { env: { SIGHTWIRE_HOME: store(t) } });
  const frames = await clip("left");
  const silent = await connect(t, server, { auth: { extras: true } });
  assert.equal((await activate(server, "other")).status, 200);
  const newcomer = await connect(t, server, { auth: { extras: true } });
  for (const client of [silent, newcomer]) {
    const streaming = stream(t, client, frames);
    await until(
      () => client.predictions.some(({ label }) => label === "other-left"),
      "a word of the new model",
    );
    streaming.going = false;
    await streaming.done;
    const models = client.events.filter(([name]) => name === "model");
    assert.equal(models.at(-1)[1].name, "other");
  }
});

test("a_model_that_cannot_be_used_changes_nothing", async (t) => {
  const server = await start(t, { env: { SIGHTWIRE_HOME: store(t) } });
  const unknown = await activate(server, "othre");
  assert.equal(unknown.status, 404);
  assert.match(unknown.json.detail, /did you mean "other"/);
  assert.equal((await activate(server, "..%2fother")).status, 404);
  const broken = await activate(server, "broken");
  assert.equal(broken.status, 422);
  assert.match(broken.json.detail, /gestures_backbone\.onnx of the model broken is not in the store/);
  const missing = await activate(server, "wlasl20");
  assert.equal(missing.status, 422);
  assert.match(missing.json.detail, /wlasl20/);
  const runtime = await activate(server, "runtime-openvino");
  assert.equal(runtime.status, 422);
  const again = await activate(server, "gestures");
  assert.equal(again.status, 200, "the one that is active already");

  const client = await connect(t, server);
  const streaming = stream(t, client, await clip("left"));
  await until(() => client.predictions.some(({ label }) => label === "left"), "a word");
  streaming.going = false;
  await streaming.done;
  const { model, state, switching } = await server.recognizer();
  assert.deepEqual([model, state, switching], ["gestures", "ready", null]);
});

test("only_this_machine_may_switch_unless_configured", async (t) => {
  const home = store(t);
  const server = await start(t, { env: { SIGHTWIRE_HOME: home, SIGHTWIRE_ACCESS_MODE: "open" } });
  for (const headers of [{ origin: "https://evil.example" }, { "x-forwarded-for": "192.0.2.7" }]) {
    const { status, json } = await activate(server, "other", headers);
    assert.equal(status, 403, JSON.stringify(headers));
    assert.ok(json.detail.length > 20);
  }
  const listed = (await server.get("/api/v1/models", { "x-forwarded-for": "192.0.2.7" })).json;
  assert.equal(listed.may_activate, false);
  assert.match(listed.why_not, /takes an operator/);
  assert.equal((await server.get("/api/v1/models")).json.may_activate, true);

  const fixed = await start(t, { env: { SIGHTWIRE_HOME: home, SIGHTWIRE_RECOGNIZER_SWITCHING: "nobody" } });
  assert.equal((await activate(fixed, "other")).status, 403);
});

test("two_switches_at_once_are_one_after_the_other_or_refused", async (t) => {
  const server = await start(t, { env: { SIGHTWIRE_HOME: store(t) } });
  const client = new Client(server.url);
  t.after(() => client.close());
  await client.ready();
  const answers = await Promise.all(
    ["other", "gestures", "other", "gestures"].map((name) => activate(server, name)),
  );
  assert.ok(
    answers.every(({ status }) => status === 200 || status === 409),
    JSON.stringify(answers),
  );
  assert.ok(answers.some(({ status }) => status === 200));
  const refused = answers.find(({ status }) => status === 409);
  if (refused) assert.match(refused.json.detail, /being loaded/);
  assert.deepEqual(client.disconnects, []);
});
