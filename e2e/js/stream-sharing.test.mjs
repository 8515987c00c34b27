// One connection to each camera and one inference for what is the same, however many watch; and
// nothing of it left when the last of them has gone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { sleep, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { shared } from "./shared.mjs";
import { camera, serving } from "./simulator.mjs";
import { refused, watch } from "./viewer.mjs";

const LINGER_S = 0.5;
// A camera for which this machine has no time is not stalled.
/** @import { Camera } from "./simulator.mjs" */

const set = { "cameras.stalled_after_s": 30, "cameras.frozen_after_s": 30 };
const server = shared(serving({ set: { ...set, "cameras.linger_s": LINGER_S } }));
/** Where a camera stays open until its next viewer comes, also to a busy machine. */
const lingering = shared(serving({ set: { ...set, "cameras.linger_s": 5 } }));

/** What the server says of the stream of a camera. */
async function stream(at, of = server) {
  const { streams } = (await of.get("/api/v1/streams")).json;
  return streams.find((one) => one.url.includes(at.host));
}

const detect = (at, options = "") => `/stream/detect?camera_url=${encodeURIComponent(at.url)}${options}`;
const tracking = (at, options = "") => `/stream/tracking?camera_url=${encodeURIComponent(at.url)}${options}`;
const proxy = (at) => `/stream/proxy?esp32_url=${encodeURIComponent(at.url)}`;

/** A picture with boxes, or where they would be: of the quality that only views have. */
const isDrawn = (jpeg) => inspect(jpeg).quality === 85;

test("a_camera_is_read_once_however_many_viewers_and_analyses_it_has", async (t) => {
  const yard = await camera(t);
  const paths = [
    ...Array(8).fill(proxy(yard)),
    detect(yard),
    detect(yard, "&conf=0.6&fps=15"),
    tracking(yard),
    tracking(yard, "&skip_frames=4"),
  ];
  // All at once: none may be quicker than the others' connection.
  const viewers = await Promise.all(paths.map((path) => watch(t, server, path)));
  await Promise.all(viewers.map((viewer) => viewer.next(2)));
  const { stream_clients, streams_total, captures_total } = await yard.status();
  assert.deepEqual(
    { stream_clients, streams_total, captures_total },
    {
      stream_clients: 1,
      streams_total: 1,
      captures_total: 0,
    },
  );
  const { connects, viewers: count } = await stream(yard);
  assert.deepEqual({ connects, count }, { connects: 1, count: paths.length });
});

describe("analyses", { concurrency: true }, () => {
  describe("one_inference", { concurrency: true }, () => {
    /** Watches these for long enough that rates are known; the camera's analyses. */
    async function analyses(t, at, paths) {
      const viewers = await Promise.all(paths.map((path) => watch(t, server, path)));
      await Promise.all(viewers.map((viewer) => viewer.next(30, isDrawn)));
      return (await stream(at)).analyses;
    }

    /** @type {Record<string, [paths: (at: Camera) => string[], views: number]>} */
    const SAME = {
      two_viewers_of_the_same: [(at) => [detect(at), detect(at)], 1],
      two_confidences: [(at) => [detect(at, "&conf=0.2"), detect(at, "&conf=0.7")], 2],
      labels_trails_and_classes: [
        (at) => [
          tracking(at, "&show_labels=0"),
          tracking(at, "&show_trails=0"),
          tracking(at, "&classes=car"),
        ],
        3,
      ],
      detection_and_tracking_at_the_same_rate: [(at) => [detect(at, "&skip_frames=1"), tracking(at)], 2],
    };
    for (const [name, [paths, views]] of Object.entries(SAME)) {
      test(`for ${name}`, async (t) => {
        const yard = await camera(t);
        const found = await analyses(t, yard, paths(yard));
        assert.equal(found.length, 1);
        assert.equal(found[0].views.length, views);
        const viewers = found[0].views.reduce((sum, view) => sum + view.viewers, 0);
        assert.equal(viewers, paths(yard).length);
        // The model has looked as often as one viewer alone asks for.
        const { fps, skip_frames, analysed_per_s } = found[0];
        assert.ok(analysed_per_s <= (fps / skip_frames) * 1.2 + 0.5, `${analysed_per_s} a second`);
      });
    }
  });

  test("however_many_rates_its_viewers_ask_for_a_camera_has_one_analysis_as_fast_as_the_fastest", async (t) => {
    const yard = await camera(t);
    const alone = await start(t, serving({ set: { ...set, "cameras.max_analyses": 1 } }));
    // As visitors do who move the old page's sliders: pictures a second, and every so-many-th analysed.
    const rates = [...[1, 2, 3, 4, 5, 6, 7].map((fps) => [fps, 1]), [8, 2], [15, 2]];
    const viewers = await Promise.all(
      rates.map(([fps, skip]) => watch(t, alone, detect(yard, `&fps=${fps}&skip_frames=${skip}`))),
    );
    const from = performance.now();
    await viewers.at(-1).next(60, isDrawn);
    const seconds = (performance.now() - from) / 1000;
    const analyses = async () => (await stream(yard, alone)).analyses;
    const found = await analyses();
    assert.equal(found.length, 1);
    const [{ fps, skip_frames, analysed_per_s, views }] = found;
    assert.deepEqual([fps, skip_frames], [15, 2]);
    assert.ok(analysed_per_s <= 7.5 * 1.2 + 0.5, `${analysed_per_s} looks a second`);
    assert.deepEqual(
      views.map((view) => view.fps).sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 15],
    );
    // The others got no more than they asked for.
    for (const [index, [asked]] of rates.slice(0, -1).entries()) {
      const taken = viewers[index].pictures.filter((picture) => picture.at >= from).length;
      assert.ok(taken <= asked * seconds * 1.15 + 2, `${taken} in ${seconds.toFixed(1)} s for fps=${asked}`);
    }
    // The fastest gone, it is as fast as the next.
    viewers.at(-1).reset();
    await until(async () => (await analyses())[0].fps === 8, "the rate of those who stay");
  });

  test("one_address_cannot_take_all_analyses", async (t) => {
    const yards = await Promise.all(Array.from({ length: 4 }, () => camera(t)));
    const few = await start(t, serving({ set: { ...set, "cameras.max_analyses": 4 } }));
    const greedy = await Promise.all(yards.slice(0, 3).map((yard) => watch(t, few, detect(yard))));
    assert.equal((await refused(t, few, detect(yards[3]))).status, 503);
    // It may watch what is analysed already, and whoever comes from elsewhere finds a place.
    await (await watch(t, few, detect(yards[0], "&fps=3"))).next(1);
    await (await watch(t, few, detect(yards[3]), { from: "127.0.0.2" })).next(1);
    await Promise.all(greedy.map((viewer) => viewer.next(2)));
  });

  test("one_address_cannot_take_all_views", async (t) => {
    const yard = await camera(t);
    const few = await start(t, serving({ set: { ...set, "cameras.max_views": 4, "access.mode": "open" } }));
    const conf = (value) => detect(yard, `&conf=${value}`);
    const greedy = await Promise.all([0.1, 0.2, 0.3].map((value) => watch(t, few, conf(value))));
    assert.equal((await refused(t, few, conf(0.4))).status, 503);
    await (await watch(t, few, conf(0.1))).next(1);
    await (await watch(t, few, conf(0.4), { from: "127.0.0.2" })).next(1);
    // Through a proxy all have one address, of which no share can be told.
    greedy[0].reset();
    const through = { headers: { "X-Forwarded-For": "192.0.2.1" } };
    await (await watch(t, few, conf(0.2), through)).next(1);
    await Promise.all(greedy.slice(1).map((viewer) => viewer.next(2)));
  });

  test("who_wants_more_does_not_wait_for_the_turn_of_who_wants_less", async (t) => {
    const yard = await camera(t);
    const slow = await watch(t, server, detect(yard, "&fps=1&skip_frames=10"));
    await slow.next(2, isDrawn);
    const from = performance.now();
    const quick = await watch(t, server, detect(yard, "&fps=10&skip_frames=1"));
    // The first looks once in ten seconds; a busy machine does not reach ten a second, but two in three seconds.
    const looks = async () => (await stream(yard)).analyses[0].analysed_per_s;
    await until(async () => (await looks()) > 0.5, "looks at the new rate", 8_000);
    assert.ok(performance.now() - from < 9_000, "not after the ten seconds of the first");
    await quick.next(5, isDrawn);
  });

  describe("fps_and_skip_frames_are_honoured", { concurrency: true }, () => {
    const ASKED = [
      { path: (at) => detect(at, "&fps=4&skip_frames=1"), fps: 4, skip: 1 },
      { path: (at) => tracking(at, "&fps=10&skip_frames=5"), fps: 10, skip: 5 },
      { path: (at) => detect(at, "&fps=8"), fps: 8, skip: 2 },
      { path: (at) => tracking(at, "&fps=8"), fps: 8, skip: 1 },
    ];
    for (const { path, fps, skip } of ASKED) {
      test(`${fps} pictures a second, every ${skip}. analysed: ${path({ url: "" }).split("?")[0]}`, async (t) => {
        const yard = await camera(t);
        const viewer = await watch(t, server, path(yard));
        await viewer.next(1, isDrawn);
        const from = performance.now();
        // The server's rates are of the last 3 s.
        const pictures = await viewer.next(fps * 4, isDrawn);
        const seconds = (pictures.at(-1).at - from) / 1000;
        assert.ok(
          pictures.length / seconds <= fps * 1.15 + 0.5,
          `${pictures.length} in ${seconds.toFixed(2)} s`,
        );
        let words;
        // A busy machine may be slower for a while; but not by halves, and never quicker.
        const isAsAsked = async () => {
          const [{ frames_per_s, analysed_per_s }] = (await stream(yard)).analyses;
          words = `${frames_per_s} pictures, ${analysed_per_s} analysed a second`;
          assert.ok(frames_per_s <= fps * 1.15 + 0.5, words);
          const every = frames_per_s / analysed_per_s;
          return frames_per_s >= fps * 0.5 && every > skip * 0.75 && every < skip * 1.35;
        };
        await until(isAsAsked, "the rates that were asked for").finally(() => t.diagnostic(words));
      });
    }
  });
});

describe("departures", { concurrency: true }, () => {
  describe("the_last_viewer_gone", { concurrency: true }, () => {
    const LEAVING = { by_fin: (viewer) => viewer.fin(), by_rst: (viewer) => viewer.reset() };

    for (const [name, leave] of Object.entries(LEAVING)) {
      for (const [kind, path] of Object.entries({ original: proxy, drawn: detect })) {
        test(`${name} closes_the_camera_within_its_linger (${kind})`, async (t) => {
          const yard = await camera(t);
          const viewers = await Promise.all([watch(t, server, path(yard)), watch(t, server, path(yard))]);
          await Promise.all(viewers.map((viewer) => viewer.next(2)));
          leave(viewers[0]);
          await until(async () => (await stream(yard)).viewers === 1, "one has left");
          assert.equal((await yard.status()).stream_clients, 1);
          const left = performance.now();
          leave(viewers[1]);
          await yard.isRead(0);
          const ms = performance.now() - left;
          t.diagnostic(`${Math.round(ms)} ms`);
          // An analysis lingers by itself, and the camera then closes with it.
          assert.ok(ms >= LINGER_S * 1000 * 0.9, `it lingers: ${Math.round(ms)} ms`);
          assert.equal(await stream(yard), undefined, "no stream is left");
          // And nothing more is asked of the camera, which may just have been at its last picture.
          await sleep(200);
          const { pictures_total } = await yard.status();
          await sleep(300);
          assert.equal((await yard.status()).pictures_total, pictures_total);
        });
      }
    }

    test("who_comes_back_within_the_linger_finds_the_same_connection", async (t) => {
      const yard = await camera(t);
      for (let round = 0; round < 4; round += 1) {
        const viewer = await watch(t, lingering, round % 2 ? detect(yard) : proxy(yard));
        await viewer.next(1);
        viewer.reset();
      }
      const { stream_clients, streams_total } = await yard.status();
      assert.deepEqual({ stream_clients, streams_total }, { stream_clients: 1, streams_total: 1 });
    });

    test("many_who_come_and_go_at_random_leave_nothing_behind", async (t) => {
      const yard = await camera(t);
      const rounds = Array.from({ length: 40 }, async (_, i) => {
        const viewer = await watch(t, lingering, [proxy, detect, tracking][i % 3](yard));
        if (i % 4) await viewer.next(i % 5);
        if (i % 2) viewer.fin();
        else viewer.reset();
      });
      await Promise.all(rounds);
      await yard.isRead(0);
      await until(async () => (await stream(yard, lingering)) === undefined, "no stream");
      assert.equal((await yard.status()).streams_total, 1);
    });
  });

  describe("a_departed_viewer_is_noticed_while_the_camera_sends_nothing", { concurrency: true }, () => {
    for (const [name, leave] of Object.entries({ fin: (v) => v.fin(), rst: (v) => v.reset() })) {
      for (const [kind, path] of Object.entries({ original: proxy, drawn: detect })) {
        test(`by ${name} (${kind})`, async (t) => {
          const yard = await camera(t);
          const viewer = await watch(t, server, path(yard));
          await viewer.next(2);
          await yard.fails("stall");
          await until(async () => (await stream(yard)).last_picture_age_s > 0.2, "no picture any more");
          const left = performance.now();
          leave(viewer);
          await until(async () => ((await stream(yard))?.viewers ?? 0) === 0, "nobody watches");
          const ms = performance.now() - left;
          t.diagnostic(`${Math.round(ms)} ms`);
          // Sooner than the first banner, whose sending would have told it.
          assert.ok(ms < 25_000, `${Math.round(ms)} ms`);
          await yard.isRead(0);
        });
      }
    }
  });
});

test("when_all_have_gone_nothing_is_left_in_the_servers_counts", async () => {
  const counts = async () => {
    const { upstreams, viewers, analyses, views } = (await server.get("/api/v1/status")).json.cameras;
    return { upstreams, viewers, analyses, views };
  };
  const none = { upstreams: 0, viewers: 0, analyses: 0, views: 0 };
  const is = async () => JSON.stringify(await counts()) === JSON.stringify(none);
  await until(is, "nothing left").catch(() => {});
  assert.deepEqual(await counts(), none);
});
