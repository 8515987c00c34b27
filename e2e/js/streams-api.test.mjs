// Single pictures of a camera, and what is in them as it happens: as Server-Sent Events and over a
// WebSocket, compared with what the simulated scene says is there.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ask } from "./api.mjs";
import { listen } from "./events.mjs";
import { sleep, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { png } from "./pictures.mjs";
import { camera, serving, USUAL } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Camera } from "./simulator.mjs" */

const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

let /** @type {Camera} */ yard, /** @type {Camera} */ scene, /** @type {Server} */ server;
before(async () => {
  [yard, scene] = await Promise.all([camera(file), camera(file, { size: "640x480", fps: 15 })]);
  const cameras = [
    { id: "yard", url: yard.url, default: true },
    { id: "scene", url: scene.url },
    { id: "dead", url: "http://127.0.0.1:1" },
  ];
  server = await start(file, serving({ cameras }));
});

/** @type {(id: string) => `/api/v1/streams/${string}`} */
const of = (id) => `/api/v1/streams/${id}`;

describe("a_snapshot", () => {
  const take = async (id, query = "") => {
    const response = await fetch(`${server.url}${of(id)}/snapshot.jpg${query}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const detail = () => /** @type {import("./types.ts").Error} */ (JSON.parse(bytes.toString())).detail;
    return { status: response.status, headers: response.headers, bytes, detail };
  };

  test("opens_the_camera_waits_for_its_picture_and_closes_it", async (t) => {
    const lone = await camera(t);
    const { json } = await add(t, "lone", lone);
    assert.equal(json.stream, null);
    const { status, headers, bytes } = await take("lone");
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "image/jpeg");
    assert.match(headers.get("cache-control"), /no-store/);
    assert.deepEqual(inspect(bytes), { width: 320, height: 240, quality: USUAL.quality });
    await lone.isRead(0);
    assert.equal((await server.get(of("lone"))).status, 404, "nobody watches it");
  });

  test("is_the_newest_picture_of_a_camera_that_is_watched_and_opens_nothing", async (t) => {
    const viewer = await watch(t, server, "/stream");
    await viewer.next(2);
    // A viewer for whom this process has no time misses some.
    const isIt = async () => {
      const { status, bytes, headers } = await take("yard");
      assert.equal(status, 200);
      assert.ok(Number(headers.get("x-sightwire-age-ms")) < 30_000);
      await sleep(100);
      return viewer.pictures.some(({ jpeg }) => jpeg.equals(bytes));
    };
    await until(isIt, "the same bytes in the stream");
    assert.equal((await yard.status()).stream_clients, 1);
  });

  test("with_boxes_when_asked_for", async () => {
    const { status, bytes } = await take("yard", "?detect=true");
    assert.equal(status, 200);
    const { width, height, quality } = inspect(bytes);
    assert.deepEqual([width, height], [320, 240]);
    assert.notEqual(quality, USUAL.quality, "drawn upon, so encoded anew");
  });

  test("at_once_or_not_at_all_with_wait_s_0", async (t) => {
    const begun = performance.now();
    const { status } = await take("dead", "?wait_s=0");
    assert.ok([204, 502].includes(status), `${status}`);
    assert.ok(performance.now() - begun < 9_000, "not the 10 s of who says nothing");
    await (await watch(t, server, "/stream")).next(1);
    assert.equal((await take("yard", "?wait_s=0")).status, 200);
  });

  test("is_refused_in_words", async () => {
    /** @type {[id: string, query: string, status: number, says: RegExp][]} */
    const CASES = [
      ["nobody", "", 404, /nobody/],
      ["dead", "", 502, /cannot be reached/],
      ["dead", "?detect=true", 502, /cannot be reached/],
      ["yard", "?detect=perhaps", 422, /detect must be/],
      ["yard", "?detect=true&conf=7", 422, /conf must be/],
      ["yard", "?wait_s=-1", 422, /wait_s must be/],
      ["yard", "?wait_s=1000", 422, /wait_s must be/],
    ];
    for (const [id, query, expected, says] of CASES) {
      const { status, detail } = await take(id, query);
      assert.equal(status, expected, `${id}${query}`);
      assert.match(detail(), says);
    }
  });

  test("503_when_there_is_no_place_for_another_camera", async (t) => {
    const cameras = [
      { id: "yard", url: yard.url },
      { id: "scene", url: scene.url },
    ];
    const full = await start(t, serving({ cameras, set: { "cameras.max_upstreams": 1 } }));
    await (await watch(t, full, "/stream?camera=yard")).next(1);
    const { status, headers, json } = await full.get(`${of("scene")}/snapshot.jpg`);
    assert.equal(status, 503);
    assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
    assert.deepEqual(json, { detail: "Too many active streams. Please try again." });
  });
});

/** Adds a camera, which is gone with the test. */
async function add(t, id, { url }) {
  t.after(() => ask(server, "DELETE", `/api/v1/cameras/${id}`));
  return ask(server, "POST", "/api/v1/cameras", { id, url });
}

const iou = (a, b) => {
  const side = (i) => Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]));
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  const both = side(0) * side(1);
  return both / (area(a) + area(b) - both);
};

/** Seconds between the camera's clock and ours, as its pictures tell: their time against their arrival. */
async function clockOf(t, at) {
  const stop = new AbortController();
  const response = await fetch(`${at.url}/stream`, { signal: stop.signal });
  let [text, least] = ["", Infinity];
  let seen = 0;
  for await (const bytes of response.body) {
    const now = Date.now() / 1000;
    text += Buffer.from(bytes).toString("latin1");
    const found = text.lastIndexOf("X-Timestamp: ");
    if (found < 0 || text.indexOf("\r\n", found) < 0) continue;
    least = Math.min(least, now - Number(text.slice(found + 13, text.indexOf("\r\n", found))));
    text = "";
    seen += 1;
    if (seen === 20) break;
  }
  stop.abort();
  return least;
}

describe("detections", { concurrency: true }, () => {
  test("have_boxes_around_what_moves_and_are_the_same_for_all_who_listen", async (t) => {
    // From its first second on, so that every run sees the same.
    const fresh = await camera(t, { size: "640x480", fps: 15 });
    await add(t, "fresh", fresh);
    const path = `${of("fresh")}/detections?fps=15&skip_frames=1`;
    const [heard, other] = ["sse", "websocket"].map((as) => listen(t, server, path, { as }));
    // The first seconds are for getting to know the background.
    const since = Date.now() + 3_000;
    const clock = await clockOf(t, fresh);
    const later = () => heard.detections().filter((data) => Date.parse(data.captured) > since);
    await until(() => later().length >= 60, "sixty events");
    let [events, hits, boxes, right] = [0, 0, 0, 0];
    for (const data of later().slice(0, 60)) {
      const at = Date.parse(data.captured) / 1000 - clock;
      const truth = (await fresh.objects(at.toFixed(3))).filter(
        ({ moving, box }) => moving && (box[2] - box[0]) * (box[3] - box[1]) > 400,
      );
      if (truth.length === 0) continue;
      events += 1;
      const best = data.detections.map(({ box }) => Math.max(...truth.map((one) => iou(box, one.box))));
      boxes += best.length;
      right += best.filter((value) => value >= 0.3).length;
      if (best.some((value) => value >= 0.5)) hits += 1;
    }
    t.diagnostic(
      `${events} with something moving, in ${hits} of them a box on it; ${right} of ${boxes} boxes`,
    );
    assert.ok(events >= 20, `something moved in ${events} of 60`);
    assert.ok(hits >= 0.6 * events, `${hits} of ${events}`);

    const bySequence = new Map(other.detections().map((data) => [data.sequence, data.detections]));
    const both = heard.detections().filter(({ sequence }) => bySequence.has(sequence));
    assert.ok(both.length >= 30, `${both.length} events came to both`);
    for (const { sequence, detections } of both) assert.deepEqual(detections, bySequence.get(sequence));
    assert.equal((await fresh.status()).stream_clients, 1);
  });

  for (const as of ["sse", "websocket"]) {
    describe(`as ${as}`, { concurrency: true }, () => {
      test("have_the_promised_fields", async (t) => {
        const heard = listen(t, server, `${of("scene")}/detections?fps=15&skip_frames=1`, { as });
        const full = () => heard.detections().find(({ detections }) => detections.length > 0);
        await until(full, "something found");
        assert.equal(heard.status, as === "sse" ? 200 : 101);
        if (as === "sse") assert.match(heard.type, /^text\/event-stream/);
        const { detections, ...event } = full();
        assert.deepEqual(
          { ...event, sequence: 0, captured: "", delay_ms: 0 },
          {
            stream: "scene",
            sequence: 0,
            captured: "",
            width: 640,
            height: 480,
            model: "motion",
            delay_ms: 0,
          },
        );
        assert.match(event.captured, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.ok(Math.abs(Date.now() - Date.parse(event.captured)) < 60_000);
        assert.ok(event.delay_ms >= 0 && event.delay_ms < 5_000, `${event.delay_ms} ms`);
        for (const one of detections) {
          assert.deepEqual(Object.keys(one).sort(), ["box", "class", "confidence", "label", "track"]);
          const [left, top, right, bottom] = one.box;
          assert.ok(left >= 0 && top >= 0 && left < right && top < bottom && right <= 640 && bottom <= 480);
          assert.ok(one.confidence > 0 && one.confidence <= 1);
          assert.equal(typeof one.label, "string");
          assert.ok(one.track === null || Number.isInteger(one.track));
        }
        const sequences = heard.detections().map(({ sequence }) => sequence);
        assert.ok(
          sequences.every((value, i) => i === 0 || value > sequences[i - 1]),
          "in order",
        );
      });

      test("come_as_often_as_asked_for_and_count_as_a_viewer", async (t) => {
        const heard = listen(t, server, `${of("yard")}/detections?fps=8&skip_frames=2`, { as });
        await until(() => heard.detections().length > 0, "an event");
        const before = heard.detections().length;
        await until(() => heard.detections().length >= before + 12, "twelve more");
        // By the pictures' own times, whenever they came here.
        const times = heard.detections().map(({ captured }) => Date.parse(captured));
        const rate = (1000 * (times.length - 1)) / (times.at(-1) - times[0]);
        assert.ok(rate < 4 * 1.25, `${rate.toFixed(1)} a second`);
        const { viewer_list } = (await server.get(of("yard"))).json;
        const kinds = viewer_list.map(({ kind, endpoint }) => [kind, endpoint.includes("detections")]);
        assert.ok(
          kinds.some(([kind, is]) => kind === (as === "sse" ? "events" : "websocket") && is),
          JSON.stringify(kinds),
        );
      });

      test("only_of_the_classes_and_the_confidence_asked_for", async (t) => {
        const none = listen(t, server, `${of("scene")}/detections?classes=unicorn&fps=15&skip_frames=1`, {
          as,
        });
        const sure = listen(t, server, `${of("scene")}/detections?conf=0.9&fps=15&skip_frames=1`, { as });
        await until(() => none.detections().length > 20 && sure.detections().length > 20, "events");
        assert.ok(none.detections().every(({ detections }) => detections.length === 0));
        const all = sure.detections().flatMap(({ detections }) => detections);
        assert.ok(all.every(({ confidence }) => confidence >= 0.9));
      });

      test("tell_when_the_camera_stalls_and_when_it_is_back", async (t) => {
        const lone = await camera(t);
        await add(t, `lone-${as}`, lone);
        const heard = listen(t, server, `${of(`lone-${as}`)}/detections`, { as });
        await until(() => heard.detections().length > 2, "events");
        await lone.fails("stall");
        const last = () => heard.states().at(-1);
        await until(() => last()?.state === "stalled", "stalled");
        assert.match(last().reason, /sends no picture/);
        await lone.fails();
        await until(() => last()?.state === "running", "running");
        assert.equal(last().reason, null);
        const before = heard.detections().length;
        await until(() => heard.detections().length > before, "more events");
        assert.equal(heard.closed, false);
      });

      test("end_with_their_listener", async (t) => {
        const lone = await camera(t);
        await add(t, `gone-${as}`, lone);
        for (const leave of ["close", "kill"]) {
          const heard = listen(t, server, `${of(`gone-${as}`)}/detections`, { as });
          await until(() => heard.detections().length > 0, "an event");
          heard[leave]();
          await lone.isRead(0);
        }
      });
    });
  }
});

test("detections_are_refused_in_words", async () => {
  /** @type {[id: string, query: string, status: number, says: RegExp][]} */
  const CASES = [
    ["nobody", "", 404, /nobody/],
    ["yard", "fps=0", 422, /fps must be/],
    ["yard", "skip_frames=11", 422, /skip_frames must be/],
    ["yard", "conf=2", 422, /conf must be/],
  ];
  for (const [id, query, expected, says] of CASES) {
    const { status, json } = await server.get(`${of(id)}/detections?${query}`);
    assert.equal(status, expected, query);
    assert.match(json.detail, says, query);
  }
});

test("a_websocket_that_asks_in_vain_gets_the_same_status", async (t) => {
  const heard = listen(t, server, `${of("nobody")}/detections`, { as: "websocket" });
  await until(() => heard.status, "an answer");
  assert.equal(heard.status, 404);
});

describe("what_is_in_a_single_picture", () => {
  const MIRROR = process.env.SIGHTWIRE_MODEL_MIRROR;
  const hasModel = MIRROR !== undefined && existsSync(join(MIRROR, "yolox_nano.onnx"));
  const detect = (
    /** @type {string | Buffer | FormData} */ body,
    { at = server, query = "", type = "image/jpeg" } = {},
  ) =>
    // A form has a type of its own.
    ask(at, "POST", `/api/v1/detect?${query}`, body, type ? { "Content-Type": type } : {});
  const form = (name, bytes) => {
    const filled = new FormData();
    filled.set(name, new Blob([bytes], { type: "image/jpeg" }), "picture.jpg");
    return filled;
  };
  const picture = async () => Buffer.from(await (await fetch(`${yard.url}/capture`)).arrayBuffer());

  test("503_without_a_model_and_says_how_to_get_one", async () => {
    const { status, json } = await detect(await picture());
    assert.equal(status, 503);
    assert.match(json.detail, /models pull/);
    assert.doesNotMatch(json.detail, /\. ?\./, "no empty sentence");
  });

  test("413_for_a_picture_that_is_too_large", async () => {
    const { status, json } = await detect(Buffer.alloc(64 << 20, 1));
    assert.equal(status, 413);
    assert.match(json.detail, /larger than/);
  });

  test("422_for_nothing", async () => {
    for (const { status, json } of [
      await detect(""),
      await detect(form("picture", await picture()), { type: null }),
    ]) {
      assert.equal(status, 422);
      assert.match(json.detail, /JPEG or PNG/);
    }
  });

  test(
    "with_yolox",
    { skip: hasModel ? false : "no SIGHTWIRE_MODEL_MIRROR with yolox_nano.onnx" },
    async (t) => {
      const env = { SIGHTWIRE_MODEL_MIRROR: MIRROR };
      const at = await start(t, serving({ env, set: { "detector.model": "auto" } }));
      const jpeg = await picture();
      for (const answer of [
        await detect(jpeg, { at }),
        await detect(form("file", jpeg), { at, type: null }),
        await detect(png(320, 240), { at, type: "image/png" }),
      ]) {
        assert.equal(answer.status, 200, JSON.stringify(answer.json));
        const { width, height, model, ms, detections } = answer.json;
        assert.deepEqual([width, height, model], [320, 240, "yolox-nano"]);
        assert.ok(ms > 0);
        for (const { label, confidence, box } of detections) {
          assert.equal(typeof label, "string");
          assert.ok(confidence >= 0.25 && confidence <= 1);
          assert.equal(box.length, 4);
        }
      }
      const garbage = await detect("no picture", { at });
      assert.equal(garbage.status, 422);
      assert.match(garbage.json.detail, /cannot be used/);
      const half = await detect(jpeg.subarray(0, jpeg.length >> 1), { at });
      assert.equal(half.status, 422);
      assert.equal((await detect(jpeg, { at, query: "conf=2" })).status, 422);
      const unlikely = await detect(jpeg, { at, query: "classes=giraffe" });
      assert.deepEqual(unlikely.json.detections, []);
      // A crowd is told to wait, in time and in words, and nobody gets anything else.
      const crowd = await Promise.all(Array.from({ length: 60 }, () => detect(jpeg, { at })));
      const statuses = new Set(crowd.map(({ status }) => status));
      t.diagnostic([...statuses].join(", "));
      assert.ok([...statuses].every((status) => status === 200 || status === 429));
      assert.ok(statuses.has(200));
    },
  );
});
