// The plain HTTP side of the same port.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { clip, GESTURES } from "./clips.mjs";
import { connect } from "./client.mjs";
import { start, until } from "./harness.mjs";
import { shared } from "./shared.mjs";

const server = shared();

test("healthz_names_the_model", async () => {
  const { status, json } = await server.get("/healthz");
  assert.equal(status, 200);
  assert.deepEqual(json, { status: "ok", model: "gestures" });
});

test("labels_are_an_object_of_indexes_in_order", async () => {
  const { status, text, json } = await server.get("/labels");
  assert.equal(status, 200);
  assert.deepEqual(json, Object.fromEntries(GESTURES.map((label, i) => [String(i), label])));
  const order = GESTURES.map((label) => text.indexOf(`"${label}"`));
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test("labels_are_known_before_the_model_is", async (t) => {
  // Where nothing was fetched there is a manifest and no weights.
  const home = await mkdtemp(join(tmpdir(), "sightwire-empty-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const bare = await start(t, {
    args: ["--set", "recognizer.model=wlasl20"],
    env: { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "" },
  });
  const { status, text } = await bare.get("/labels");
  assert.equal(status, 200, text);
  assert.match(text, /^\{"0":"book","1":"chair",.*"19":"wall"\}$/);
  assert.equal((await bare.get("/readyz")).status, 503, "there is no model");
});

test("old_answers_have_their_fields_in_the_old_order", async () => {
  assert.equal((await server.get("/healthz")).text, '{"status":"ok","model":"gestures"}');
  assert.equal(
    (await server.get("/streams/active")).text,
    '{"active_streams":[],"stream_details":{},"count":0}',
  );
});

test("a_slash_at_the_end_of_an_old_path_leads_to_it", async () => {
  for (const path of [
    "/labels",
    "/healthz",
    "/streams/active",
    "/stream",
    "/stream/proxy",
    "/stream/detect",
    "/stream/tracking",
    "/stream/worker-detection",
    "/health",
    "/debug/streams",
    "/api/user/esp32-config",
  ]) {
    const { status, headers } = await fetch(`${server.url}${path}/?a=1&b=%2F`, { redirect: "manual" });
    assert.deepEqual([status, headers.get("location")], [307, `${path}?a=1&b=%2F`], path);
  }
  assert.equal((await server.get("/labels/")).json["0"], GESTURES[0]);
});

test("a_seed_that_is_none_is_named", async () => {
  for (const seed of ["-1", "x", "1e3"]) {
    const { status, json } = await server.get(`/api/v1/samples/wave?seed=${seed}`);
    assert.equal(status, 422);
    assert.match(json.detail, new RegExp(`^seed must be a number from 0 .* not "${seed}"`));
  }
});

test("livez_and_readyz_answer_200_with_the_model_loaded", async () => {
  assert.equal((await server.get("/livez")).status, 200);
  const { status, json } = await server.get("/readyz");
  assert.equal(status, 200);
  assert.equal(json.ready, true);
});

test("metrics_are_in_the_prometheus_text_format_and_count_frames", async (t) => {
  const sum = async () => {
    const { status, headers, text } = await server.get("/metrics");
    assert.equal(status, 200);
    assert.match(headers.get("content-type"), /^(text\/plain|application\/openmetrics-text)/);
    for (const line of text.trimEnd().split("\n")) {
      assert.match(line, /^(# (HELP|TYPE|UNIT) \S+ .*|# EOF|[a-zA-Z_:][\w:]*(\{.*\})? \S+)$/, line);
    }
    const total = text.match(/^[a-z_]*frames[a-z_]*total(\{[^}]*\})? (\d+)/m);
    assert.ok(total, "a counter of frames");
    return Number(total[2]);
  };
  const before = await sum();
  const client = await connect(t, server);
  await client.play(await clip("left"));
  await client.answered();
  assert.ok((await sum()) >= before + 25);
});

test("the_status_says_what_runs", async (t) => {
  const client = await connect(t, server);
  await client.play(await clip("wave"));
  await client.answered();
  await until(async () => (await server.recognizer()).predictions_total > 0, "a prediction");
  const { status, json } = await server.get("/api/v1/status");
  assert.equal(status, 200);
  assert.match(json.version, /^\d+\.\d+\.\d+/);
  assert.ok(["openvino", "cpu", "cuda"].includes(json.engine.provider));
  assert.ok(["libjpeg-turbo", "zune-jpeg"].includes(json.engine.jpeg));
  assert.deepEqual(json.recognizer.labels, GESTURES);
  assert.equal(json.recognizer.window, 10);
  assert.equal(json.recognizer.threshold, 0.5);
  assert.equal(json.recognizer.clients, 1);
  assert.equal(json.recognizer.max_clients, 50);
  assert.equal(json.recognizer.state, "ready");
  assert.ok(json.recognizer.frames_total >= 25);
  assert.ok(json.recognizer.delay_ms.p50 <= json.recognizer.delay_ms.p95);
  assert.ok(json.process.memory_bytes > 1_000_000);
  assert.ok(json.process.threads > 1);
});

test("the_models_have_cards", async () => {
  const { status, json } = await server.get("/api/v1/models");
  assert.equal(status, 200);
  const gestures = json.models.find((model) => model.name === "gestures");
  assert.equal(gestures.active, true);
  assert.equal(gestures.available, true);
  assert.deepEqual(gestures.labels, GESTURES);
  assert.ok(gestures.card.length > 100);
});

test("samples_are_clips_of_jpeg_data_urls", async () => {
  const { json } = await server.get("/api/v1/samples");
  assert.equal(json.fps, 25);
  assert.deepEqual([...json.gestures].sort(), [...GESTURES].sort());
  const sample = await server.get("/api/v1/samples/left?seed=3");
  assert.equal(sample.json.gesture, "left");
  assert.ok(sample.json.frames.length >= 20);
  assert.match(sample.json.frames[0], /^data:image\/jpeg;base64,\/9j\//);
});

test("an_unknown_sample_is_answered_in_json", async () => {
  const { status, json } = await server.get("/api/v1/samples/somersault");
  assert.equal(status, 404);
  assert.equal(typeof json.detail, "string");
});

test("the_page_and_its_routes_are_served", async () => {
  for (const path of ["/", "/recognise", "/some/later/page"]) {
    const { status, headers, text } = await server.get(path, { Accept: "text/html" });
    assert.equal(status, 200, path);
    assert.match(headers.get("content-type"), /^text\/html/);
    assert.match(text, /<div id="root">/);
  }
});

test("an_unknown_api_path_is_404_in_json", async () => {
  const { status, json } = await server.get("/api/v1/nothing");
  assert.equal(status, 404);
  assert.equal(typeof json.detail, "string");
});

test("assets_are_cached_by_their_hash", async () => {
  const { text } = await server.get("/", { Accept: "text/html" });
  const asset = text.match(/(?:src|href)="\.?(\/assets\/[^"]+\.js)"/)?.[1];
  assert.ok(asset, "the page names a script");
  const first = await fetch(server.url + asset);
  assert.equal(first.status, 200);
  assert.match(first.headers.get("content-type"), /javascript/);
  const etag = first.headers.get("etag");
  if (etag) {
    const again = await fetch(server.url + asset, { headers: { "If-None-Match": etag } });
    assert.equal(again.status, 304);
  } else {
    assert.match(first.headers.get("cache-control") ?? "", /immutable/);
  }
});
