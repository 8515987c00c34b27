// What the pages of the camera prototype ask for beside its four streams, as they ask for it.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";

import WebSocket from "ws";

import { ask } from "./api.mjs";
import { portOf, sleep, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { streamer } from "./relay.mjs";
import { shared } from "./shared.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { BoardChange, BoardText } from "./types.ts" */

const server = shared(serving());

/** A page's socket; its texts in order. */
async function page(t, path, { of = server, headers = {} } = {}) {
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
function query(at, { fps = 10, conf = 0.25, labels = true, skip = 2, user_id = "nobody" } = {}) {
  const params = new URLSearchParams({
    user_id,
    ...(at ? { camera_url: at.url } : {}),
    conf: `${conf}`,
    show_labels: `${labels}`,
    fps: `${fps}`,
    skip_frames: `${skip}`,
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
/** What a page hears, each text parsed. */
const parsed = (/** @type {string[]} */ texts) =>
  texts.map((text) => /** @type {BoardText} */ (JSON.parse(text)));

describe("pictures_over_a_websocket", { concurrency: true }, () => {
  test("detect: frames_as_json_and_figures_after_every_fifty", async (t) => {
    const yard = await camera(t);
    const { texts, next } = await page(t, `/ws/stream/detect${query(yard, { fps: 30 })}`);
    await next(102);
    const messages = parsed(texts.slice(0, 102));
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
    const [{ delivered, missed }] = (await of.get("/api/v1/viewers")).json.viewers;
    assert.ok(delivered <= slow.texts.length + 1, `${delivered} counted of ${slow.texts.length} sent`);
    assert.equal(missed, 0, "what it did not ask for it does not miss");
  });

  test("who_sends_a_stream_called_detect_or_raw_is_no_viewer", async (t) => {
    for (const name of ["detect", "raw"]) {
      const sender = await streamer(t, server, name);
      const { active_streams } = (await server.get("/streams/active")).json;
      assert.ok(active_streams.includes(name), `${name} among ${active_streams}`);
      sender.socket.terminate();
    }
  });

  test("a_reason_is_told_in_words_and_the_socket_closed", async (t) => {
    const yard = await camera(t);
    const dead = { url: "http://127.0.0.1:9" };
    const empty = await start(t, serving());
    for (const [path, says] of Object.entries({
      [`/ws/stream/detect${query({ url: "http://192.0.2.7" })}`]: /192\.0\.2\.7/,
      [`/ws/stream/detect${query(dead)}`]: /127\.0\.0\.1:9/,
      [`/ws/stream/detect${query(yard, { conf: 2 })}`]: /^conf must be/,
      [`/ws/stream/raw${query(undefined, { fps: 99 })}`]: /No camera is configured|fps must be/,
      [`/ws/viewer/detection?camera_id=nobody&user_id=x`]: /no camera or stream/,
    })) {
      const told = await page(t, path, { of: empty });
      await until(() => told.closed, "the end");
      const [{ type, message }] = parsed(told.texts);
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
    const messages = () => parsed(second.texts);
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
  const get = async (/** @type {Server} */ at, user = "") =>
    (await at.get(PATH, user ? of(user).headers : {})).json;
  const save = (/** @type {Server} */ at, user, /** @type {BoardChange} */ body, headers = {}) =>
    ask(at, "POST", PATH, body, { ...(user && of(user).headers), ...headers });

  test("is_saved_shown_watched_changed_and_removed", async (t) => {
    const [yard, gate] = [await camera(t), await camera(t, { size: "160x120" })];
    const mine = await start(t, serving());
    const saying = (user) => get(mine, user);
    assert.deepEqual(await saying("ann"), {
      success: true,
      config: null,
      message: "No configuration found. Please set up your ESP32-CAM.",
    });
    const saved = await save(mine, "ann", { esp32_url: `${yard.host}/`, label: "Back yard" });
    assert.equal(saved.status, 200);
    assert.deepEqual(saved.json, {
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
    await save(mine, "ann", { esp32_url: gate.url });
    await until(() => viewer.over, "the end of the old camera");
    const small = await watch(t, mine, "/stream", of("ann"));
    assert.equal(inspect((await small.next(1))[0].jpeg).width, 160);
    assert.equal((await saying("ann")).config.label, "Back yard", "what is not given stays");

    const removed = await ask(mine, "DELETE", PATH, undefined, of("ann").headers);
    assert.deepEqual(removed.json, { success: true, message: "ESP32 configuration deleted" });
    assert.equal((await saying("ann")).config, null);
  });

  test("keeps_its_address_when_it_is_sent_back_as_shown", async (t) => {
    const yard = await camera(t);
    const url = `${yard.url}/capture`;
    const mine = await start(t, serving());
    await ask(mine, "POST", "/api/v1/cameras", { id: "mine", url, mode: "capture", user: "ann" });
    const { config } = await get(mine, "ann");
    assert.equal(config.esp32_url, url);
    await save(mine, "ann", { esp32_url: url, label: "Gate" });
    const { name, url: after, mode } = (await mine.get("/api/v1/cameras/mine")).json;
    assert.deepEqual([name, after, mode], ["Gate", url, "capture"]);
  });

  test("takes_no_place_of_a_configured_one", async (t) => {
    const yard = await camera(t);
    const silent = createServer(() => {});
    const port = await portOf(silent);
    t.after(() => silent.close());
    const mine = await start(
      t,
      serving({
        cameras: [{ id: "yard", url: yard.url }],
        set: { "cameras.max_upstreams": 1, "cameras.max_named": 2, "cameras.changing": "anyone" },
      }),
    );
    for (const user of ["ann", "bob"]) {
      const esp32_url = `http://127.0.0.1:${port}/${user}`;
      assert.equal((await save(mine, user, { esp32_url })).status, 200);
      await page(t, `/ws/stream/raw${query(undefined, { user_id: user })}`, { of: mine });
    }
    const places = async () => (await mine.get("/api/v1/status")).json.cameras;
    await until(async () => (await places()).named === 2, "two that say nothing");
    await (await watch(t, mine, "/stream?camera=yard")).next(1);
    const { upstreams, named } = await places();
    assert.deepEqual([upstreams, named], [1, 2]);
  });

  test("needs_a_user_and_an_address_that_is_allowed", async () => {
    const said = async (user, body) => {
      const { status, json } = await save(server, user, body);
      return [status, json.detail];
    };
    assert.deepEqual(await said(undefined, { esp32_url: "127.0.0.1" }), [
      422,
      "The header X-User-ID is required.",
    ]);
    assert.deepEqual(await said("eve", { label: "x" }), [400, "esp32_url is required"]);
    const { status, json } = await save(server, "eve", { esp32_url: "192.0.2.7" });
    assert.equal(status, 422);
    assert.match(json.detail, /192\.0\.2\.7/);
    assert.deepEqual(await get(server), { detail: "The header X-User-ID is required." });
    assert.equal((await get(server, "eve")).config, null, "nothing was saved");
  });

  test("is_changed_by_who_may_change_cameras_also_from_a_listed_page", async (t) => {
    const strict = await start(
      t,
      serving({ set: { "cameras.changing": "nobody", "server.cors_origins": "https://app.example" } }),
    );
    const saved = (at, headers = {}) => save(at, "ann", { esp32_url: "127.0.0.1:9" }, headers);
    assert.equal((await saved(strict)).status, 403);
    const listed = await start(t, serving({ set: { "server.cors_origins": "https://app.example" } }));
    assert.equal((await saved(listed, { Origin: "https://evil.example" })).status, 403);
    const { status, headers } = await saved(listed, { Origin: "https://app.example" });
    assert.equal(status, 200);
    assert.equal(headers.get("access-control-allow-origin"), "https://app.example");
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
    const snapshot = async () => (await of.get("/api/esp32/snapshot")).json;
    const status = async (query = "") => (await of.get(`/api/esp32/status?${query}`)).json;
    const tried = async (query = "") => (await of.get(`/api/esp32/test?${query}`)).json;
    const { success, imageData } = await snapshot();
    assert.equal(success, true);
    const [head, base64] = imageData.split(",");
    assert.equal(head, "data:image/jpeg;base64");
    assert.equal(picture(base64).width, 320);
    const own = await status();
    assert.equal(own.success, true);
    assert.equal(own.captures_total, (await yard.status()).captures_total);
    const test = await tried();
    assert.deepEqual([test.connected, test.error], [true, null]);
    assert.ok((await yard.status()).streams_total <= 2, "they share a connection");
    const unknown = await status(`esp32_url=${encodeURIComponent(`${yard.url}/x`)}`);
    assert.equal(unknown.success, false);
    assert.match(unknown.error, /cameras that are known/);
    // It stays open for as long as somebody waits for a picture, however short its linger is.
    const quiet = await camera(t);
    await quiet.fails("stall");
    const silent = await tried(`esp32_url=${encodeURIComponent(quiet.url)}`);
    assert.equal(silent.connected, false);
    assert.doesNotMatch(silent.error, /closed/);
    // Of one that cannot be reached the reason is told at once.
    const dead = await tried(`esp32_url=${encodeURIComponent("http://127.0.0.1:9")}`);
    assert.equal(dead.connected, false);
    assert.match(dead.error, /cannot be reached/);
    assert.ok(dead.wait_ms < 10_000, `${dead.wait_ms} ms`);
    await yard.stop();
    // What it sent last may be on its way.
    await until(async () => !(await tried()).connected, "that it has gone");
    const answers = [await snapshot(), await status(), await tried()];
    for (const answer of answers) {
      assert.equal("success" in answer ? answer.success : answer.connected, false, JSON.stringify(answer));
      assert.match(answer.error, new RegExp(yard.host.replaceAll(".", "\\.")));
    }
  });
});
