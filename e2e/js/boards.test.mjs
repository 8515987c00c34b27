// What the pages of the camera prototype ask for beside its four streams, as they ask for it.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";

import WebSocket from "ws";

import { sleep, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { streamer } from "./relay.mjs";
import { shared } from "./shared.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

const server = shared(serving());

/** A page's socket; its texts in order. */
async function page(t, path, { of = server, headers } = {}) {
  const texts = [];
  const socket = new WebSocket(of.url.replace(/^http/, "ws") + path, { headers });
  const heard = { texts, socket, closed: undefined };
  t.after(() => socket.terminate());
  socket.on("message", (payload, isBinary) => {
    assert.equal(isBinary, false, "the page reads text");
    texts.push(payload.toString());
  });
  socket.on("close", (code, reason) => (heard.closed = { code, reason: reason.toString() }));
  await new Promise((opened, failed) => socket.once("open", opened).once("error", failed));
  heard.next = (count) => until(() => texts.length >= count || heard.closed, `${count} messages`);
  return heard;
}

/** As the page writes it. */
function query(at, { fps = 10, conf = 0.25, labels = true, skip = 2, ...rest } = {}) {
  const params = new URLSearchParams({
    user_id: "nobody",
    ...(at ? { camera_url: at.url } : {}),
    conf,
    show_labels: labels,
    fps,
    skip_frames: skip,
    ...rest,
  });
  return `?${params}`;
}

const picture = (base64) => inspect(Buffer.from(base64, "base64"));
const looks = (base64) => {
  const { width, height, quality } = picture(base64);
  return [width, height, quality];
};
/** A picture, not a banner: one comes first where the camera's pictures are late, or its model is being loaded. */
const isOwn = (base64) => picture(base64).quality !== 80;
const get = async (path, headers = {}, of = server) => (await fetch(of.url + path, { headers })).json();
const post = (path, body, headers, of = server) =>
  fetch(of.url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("pictures_over_a_websocket", { concurrency: true }, () => {
  test("detect: frames_as_json_and_figures_after_every_fifty", async (t) => {
    const yard = await camera(t);
    const { texts, next } = await page(t, `/ws/stream/detect${query(yard, { fps: 30 })}`);
    await next(102);
    const messages = texts.slice(0, 102).map((text) => JSON.parse(text));
    const kinds = messages.map(({ type }) => type);
    assert.deepEqual(
      kinds.flatMap((kind, i) => (kind === "stats" ? [i] : [])),
      [50, 101],
    );
    const frames = messages.filter(({ type }) => type === "frame");
    for (const frame of frames) {
      assert.deepEqual(Object.keys(frame), ["type", "data"]);
      assert.equal(frame.data.slice(0, 4), "/9j/", "no data: before it");
    }
    const own = frames.map(({ data }) => data).filter(isOwn);
    assert.deepEqual(looks(own[0]), [320, 240, 85]);
    const stats = messages[101];
    assert.deepEqual(Object.keys(stats), [
      "type",
      "processed",
      "sent",
      "read",
      "fps",
      "process_time_ms",
      "buffer_size",
    ]);
    assert.equal(stats.sent, 100);
    const count = own.length;
    assert.ok(
      count > 90 && stats.processed >= count && stats.read >= count,
      JSON.stringify({ count, ...stats }),
    );
    assert.ok(stats.fps > 5 && stats.fps < 40 && stats.process_time_ms > 0, JSON.stringify(stats));
  });

  test("detect: as_many_a_second_as_asked_for", async (t) => {
    const yard = await camera(t);
    const slow = await page(t, `/ws/stream/detect${query(yard, { fps: 4 })}`);
    await slow.next(1);
    const [before, from] = [slow.texts.length, performance.now()];
    await slow.next(before + 12);
    const rate = (slow.texts.length - before) / ((performance.now() - from) / 1000);
    assert.ok(rate < 5, `${rate} a second`);
  });

  for (const path of ["/ws/stream/raw", "/ws/ws/stream/raw"]) {
    test(`raw: base64_alone_of_the_users_camera (${path})`, async (t) => {
      const yard = await camera(t, { size: "160x120" });
      const of = await start(t, serving({ cameras: [{ id: "theirs", url: yard.url, user: "ann" }] }));
      const { texts } = await page(t, `${path}${query(undefined, { user_id: "ann", fps: 30 })}`, {
        of,
      });
      const own = () => texts.filter(isOwn);
      await until(() => own().length >= 5, "pictures");
      assert.deepEqual(looks(own()[4]), [160, 120, 60], "as the camera sends it");
    });
  }

  test("raw: as_many_a_second_as_asked_for", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ cameras: [{ id: "one", url: yard.url }] }));
    const slow = await page(t, `/ws/stream/raw${query(undefined, { fps: 4 })}`, { of });
    await slow.next(1);
    const [before, from] = [slow.texts.length, performance.now()];
    await slow.next(before + 12);
    const rate = (slow.texts.length - before) / ((performance.now() - from) / 1000);
    assert.ok(rate < 5, `${rate} a second of 20`);
    const [{ delivered, missed }] = (await get("/api/v1/viewers", {}, of)).viewers;
    assert.ok(delivered <= slow.texts.length + 1, `${delivered} counted of ${slow.texts.length} sent`);
    assert.equal(missed, 0, "what it did not ask for it does not miss");
  });

  test("who_sends_a_stream_called_detect_or_raw_is_no_viewer", async (t) => {
    for (const name of ["detect", "raw"]) {
      const sender = await streamer(t, server, name);
      const { active_streams } = await get("/streams/active");
      assert.ok(active_streams.includes(name), `${name} among ${active_streams}`);
      sender.socket.terminate();
    }
  });

  test("a_reason_is_told_in_words_and_the_socket_closed", async (t) => {
    const yard = await camera(t);
    const dead = { url: "http://127.0.0.1:9" };
    const empty = await start(t, serving());
    for (const [path, says] of [
      [`/ws/stream/detect${query({ url: "http://192.0.2.7" })}`, /192\.0\.2\.7/],
      [`/ws/stream/detect${query(dead)}`, /127\.0\.0\.1:9/],
      [`/ws/stream/detect${query(yard, { conf: 2 })}`, /^conf must be/],
      [`/ws/stream/raw${query(undefined, { fps: 99 })}`, /No camera is configured|fps must be/],
      [`/ws/viewer/detection?camera_id=nobody&user_id=x`, /no camera or stream/],
    ]) {
      const told = await page(t, path, { of: empty });
      await until(() => told.closed, "the end");
      const { type, message } = JSON.parse(told.texts[0]);
      assert.equal(type, "error");
      assert.match(message, says);
      assert.equal(told.closed.code, 1013);
    }
  });

  test("pages_from_elsewhere_see_nothing", async (t) => {
    const of = await start(t, serving());
    const asked = page(t, `/ws/stream/detect${query({ url: "http://127.0.0.1:9" })}`, {
      of,
      headers: { Origin: "https://evil.example" },
    });
    await assert.rejects(asked, /403/);
  });

  test("viewer_detection: who_else_watches_and_then_frames_with_their_camera", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ cameras: [{ id: "yard", url: yard.url }] }));
    const first = await page(t, "/ws/viewer/detection?camera_id=yard&user_id=ann", { of });
    await first.next(2);
    const second = await page(t, "/ws/viewer/detection?camera_id=yard&user_id=bob", { of });
    const messages = () => second.texts.map((text) => JSON.parse(text));
    const picturesOf = () => messages().filter(({ data }) => data && isOwn(data));
    await until(() => picturesOf().length > 0, "a picture");
    const [[info], [frame]] = [messages(), picturesOf()];
    assert.deepEqual(info, {
      type: "info",
      message: "Connected to camera yard. Viewers: 2",
      camera_id: "yard",
      viewer_count: 2,
    });
    assert.deepEqual(Object.keys(frame), ["type", "data", "metadata"]);
    assert.equal(picture(frame.data).quality, 85);
    assert.equal(frame.metadata.camera_id, "yard");
  });

  test("who_leaves_leaves_nothing_behind_also_while_no_picture_comes", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ set: { "cameras.stalled_after_s": 30 } }));
    const used = async () => {
      const { upstreams, named, viewers, analyses, views } = (await of.get("/api/v1/status")).json.cameras;
      return upstreams + named + viewers + analyses + views;
    };
    const watching = await page(t, `/ws/stream/detect${query(yard)}`, { of });
    await watching.next(2);
    await yard.fails("stall");
    await sleep(300);
    watching.socket.terminate();
    const waiting = await page(t, `/ws/stream/detect${query(yard)}`, { of });
    await until(async () => (await used()) > 0, "a camera that is opened");
    waiting.socket.terminate();
    await until(async () => (await used()) === 0, "nothing left");
  });
});

test("worker_detection_draws_boxes_into_the_camera_of_that_id", async (t) => {
  const yard = await camera(t);
  const of = await start(t, serving({ cameras: [{ id: "yard", url: yard.url }] }));
  const viewer = await watch(t, of, "/stream/worker-detection?camera_id=yard&fps=10");
  await viewer.next(3, (jpeg) => inspect(jpeg).quality === 85);
  const unknown = await of.get("/stream/worker-detection?camera_id=nobody");
  assert.equal(unknown.status, 404);
});

describe("a_users_camera", () => {
  const PATH = "/api/user/esp32-config";
  const of = (user) => ({ headers: { "X-User-ID": user } });

  test("is_saved_shown_watched_changed_and_removed", async (t) => {
    const [yard, gate] = [await camera(t), await camera(t, { size: "160x120" })];
    const mine = await start(t, serving());
    const saying = (user) => get(PATH, of(user).headers, mine);
    assert.deepEqual(await saying("ann"), {
      success: true,
      config: null,
      message: "No configuration found. Please set up your ESP32-CAM.",
    });
    const saved = await post(
      PATH,
      { esp32_url: `${yard.host}/`, label: "Back yard" },
      of("ann").headers,
      mine,
    );
    assert.equal(saved.status, 200);
    assert.deepEqual(await saved.json(), {
      success: true,
      message: "ESP32 configuration saved",
      esp32_url: yard.url,
      label: "Back yard",
    });
    const { config } = await saying("ann");
    assert.deepEqual(Object.keys(config), ["esp32_url", "label", "created_at", "updated_at"]);
    assert.deepEqual([config.esp32_url, config.label], [yard.url, "Back yard"]);
    assert.ok(Math.abs(Date.parse(config.created_at) - Date.now()) < 60_000, config.created_at);
    assert.equal((await saying("bob")).config, null, "it is hers alone");

    const viewer = await watch(t, mine, "/stream", of("ann"));
    const [{ jpeg }] = await viewer.next(1);
    assert.equal(inspect(jpeg).width, 320);
    // Another address takes its place, for those who watch too.
    await post(PATH, { esp32_url: gate.url }, of("ann").headers, mine);
    await until(() => viewer.closed || viewer.ended, "the end of the old camera");
    const small = await watch(t, mine, "/stream", of("ann"));
    assert.equal(inspect((await small.next(1))[0].jpeg).width, 160);
    assert.equal((await saying("ann")).config.label, "Back yard", "what is not given stays");

    const removed = await fetch(mine.url + PATH, { method: "DELETE", ...of("ann") });
    assert.deepEqual(await removed.json(), { success: true, message: "ESP32 configuration deleted" });
    assert.equal((await saying("ann")).config, null);
  });

  test("keeps_its_address_when_it_is_sent_back_as_shown", async (t) => {
    const yard = await camera(t);
    const url = `${yard.url}/capture`;
    const mine = await start(t, serving());
    await post("/api/v1/cameras", { id: "mine", url, mode: "capture", user: "ann" }, {}, mine);
    const { config } = await get(PATH, of("ann").headers, mine);
    assert.equal(config.esp32_url, url);
    await post(PATH, { esp32_url: url, label: "Gate" }, of("ann").headers, mine);
    const { name, url: after, mode } = await get("/api/v1/cameras/mine", {}, mine);
    assert.deepEqual([name, after, mode], ["Gate", url, "capture"]);
  });

  test("takes_no_place_of_a_configured_one", async (t) => {
    const yard = await camera(t);
    const silent = createServer(() => {});
    await new Promise((done) => silent.listen(0, "127.0.0.1", done));
    t.after(() => silent.close());
    const mine = await start(
      t,
      serving({
        cameras: [{ id: "yard", url: yard.url }],
        set: { "cameras.max_upstreams": 1, "cameras.max_named": 2, "cameras.changing": "anyone" },
      }),
    );
    for (const user of ["ann", "bob"]) {
      const esp32_url = `http://127.0.0.1:${silent.address().port}/${user}`;
      assert.equal((await post(PATH, { esp32_url }, of(user).headers, mine)).status, 200);
      await page(t, `/ws/stream/raw${query(undefined, { user_id: user })}`, { of: mine });
    }
    const places = async () => (await get("/api/v1/status", {}, mine)).cameras;
    await until(async () => (await places()).named === 2, "two that say nothing");
    await (await watch(t, mine, "/stream?camera=yard")).next(1);
    const { upstreams, named } = await places();
    assert.deepEqual([upstreams, named], [1, 2]);
  });

  test("needs_a_user_and_an_address_that_is_allowed", async () => {
    const body = async (response) => [response.status, (await response.json()).detail];
    assert.deepEqual(await body(await post(PATH, { esp32_url: "127.0.0.1" })), [
      422,
      "The header X-User-ID is required.",
    ]);
    assert.deepEqual(await body(await post(PATH, { label: "x" }, of("eve").headers)), [
      400,
      "esp32_url is required",
    ]);
    const [status, detail] = await body(await post(PATH, { esp32_url: "192.0.2.7" }, of("eve").headers));
    assert.equal(status, 422);
    assert.match(detail, /192\.0\.2\.7/);
    assert.deepEqual(await get(PATH), { detail: "The header X-User-ID is required." });
    assert.equal((await get(PATH, of("eve").headers)).config, null, "nothing was saved");
  });

  test("is_changed_by_who_may_change_cameras_also_from_a_listed_page", async (t) => {
    const strict = await start(
      t,
      serving({ set: { "cameras.changing": "nobody", "server.cors_origins": "https://app.example" } }),
    );
    const save = (at, origin) =>
      post(
        PATH,
        { esp32_url: "127.0.0.1:9" },
        { ...of("ann").headers, ...(origin ? { Origin: origin } : {}) },
        at,
      );
    assert.equal((await save(strict)).status, 403);
    const listed = await start(t, serving({ set: { "server.cors_origins": "https://app.example" } }));
    assert.equal((await save(listed, "https://evil.example")).status, 403);
    const saved = await save(listed, "https://app.example");
    assert.equal(saved.status, 200);
    assert.equal(saved.headers.get("access-control-allow-origin"), "https://app.example");
  });
});

describe("how_things_are", () => {
  test("health: json_for_programs_and_a_page_for_browsers", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ cameras: [{ id: "one", url: yard.url }] }));
    const { status, json: health } = await of.get("/health");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(health), [
      "status",
      "service",
      "models_loaded",
      "firebase_connected",
      "esp32_url",
    ]);
    assert.deepEqual(health, {
      status: "ok",
      service: "smartparking-api",
      models_loaded: false,
      firebase_connected: false,
      esp32_url: "http://***",
    });
    await (await watch(t, of, "/stream/detect", {})).next(2);
    assert.equal((await of.get("/health")).json.models_loaded, true, "once somebody needed it");
    const asked = await fetch(`${of.url}/health`, { headers: { Accept: "text/html,*/*;q=0.8" } });
    assert.match(asked.headers.get("content-type"), /^text\/html/);
    assert.equal((await server.get("/health")).json.esp32_url, null, "there is no camera");
  });

  test("debug_streams: what_is_open", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ cameras: [{ id: "one", url: yard.url }] }));
    assert.deepEqual((await of.get("/debug/streams")).json, { active_count: 0, streams: [] });
    await (await watch(t, of, "/stream")).next(1);
    const { active_count, streams } = (await of.get("/debug/streams")).json;
    assert.equal(active_count, 1);
    const [{ stream_id, is_alive, age_seconds }] = streams;
    assert.deepEqual([stream_id, is_alive], ["one", true]);
    assert.ok(age_seconds >= 0 && age_seconds < 60, `${age_seconds}`);
  });

  test("esp32: a_picture_the_boards_own_words_and_whether_it_answers", async (t) => {
    const yard = await camera(t);
    const of = await start(t, serving({ cameras: [{ id: "one", url: yard.url }] }));
    const ask = (path) => get(`/api/esp32/${path}`, {}, of);
    const { success, imageData } = await ask("snapshot");
    assert.equal(success, true);
    const [head, base64] = imageData.split(",");
    assert.equal(head, "data:image/jpeg;base64");
    assert.equal(picture(base64).width, 320);
    const status = await ask("status");
    assert.equal(status.success, true);
    assert.equal(status.captures_total, (await yard.status()).captures_total);
    const test = await ask("test");
    assert.deepEqual([test.connected, test.error], [true, null]);
    assert.ok((await yard.status()).streams_total <= 2, "they share a connection");
    const unknown = await ask(`status?esp32_url=${encodeURIComponent(`${yard.url}/x`)}`);
    assert.equal(unknown.success, false);
    assert.match(unknown.error, /cameras that are known/);
    // It stays open for as long as somebody waits for a picture, however short its linger is.
    const quiet = await camera(t);
    await quiet.fails("stall");
    const silent = await ask(`test?esp32_url=${encodeURIComponent(quiet.url)}`);
    assert.equal(silent.connected, false);
    assert.doesNotMatch(silent.error, /closed/);
    // Of one that cannot be reached the reason is told at once.
    const dead = await ask(`test?esp32_url=${encodeURIComponent("http://127.0.0.1:9")}`);
    assert.equal(dead.connected, false);
    assert.match(dead.error, /cannot be reached/);
    assert.ok(dead.wait_ms < 10_000, `${dead.wait_ms} ms`);
    await yard.stop();
    // What it sent last may be on its way.
    await until(async () => !(await ask("test")).connected, "that it has gone");
    for (const [path, key] of [
      ["snapshot", "success"],
      ["status", "success"],
      ["test", "connected"],
    ]) {
      const answer = await ask(path);
      assert.equal(answer[key], false, path);
      assert.match(answer.error, new RegExp(yard.host.replaceAll(".", "\\.")), path);
    }
  });
});
