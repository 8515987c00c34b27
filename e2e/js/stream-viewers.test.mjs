// Viewers that are slow, or stop reading: what they lose, what they get, and that nobody else notices.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { sleep, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { shared } from "./shared.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

const DEADLINE_S = 2;
const server = shared(serving({ set: { "cameras.viewer_deadline_s": DEADLINE_S } }));

/** The stream of a camera with all who watch it. */
async function stream(at) {
  const { streams } = (await server.get("/api/v1/streams")).json;
  const found = streams.find((one) => one.url.includes(at.host));
  return found && (await server.get(`/api/v1/streams/${found.id}`)).json;
}

/** What the server knows of a viewer; undefined when it has been let go. */
async function known(at, viewer) {
  const peer = `127.0.0.1:${viewer.socket.localPort}`;
  return (await stream(at))?.viewer_list.find((one) => one.peer === peer);
}

const detect = (at) => `/stream/detect?camera_url=${encodeURIComponent(at.url)}`;
const proxy = (at) => `/stream/proxy?esp32_url=${encodeURIComponent(at.url)}`;

/** The longest time between two pictures, ms. */
function longestGap(pictures) {
  const gaps = pictures.slice(1).map(({ at }, i) => at - pictures[i].at);
  return Math.max(...gaps);
}

describe("viewers", { concurrency: true }, () => {
  test("who_stops_reading_is_gone_after_the_deadline_and_holds_up_nobody", async (t) => {
    const yard = await camera(t, { size: "640x480" });
    const [good, stuck] = await Promise.all([watch(t, server, proxy(yard)), watch(t, server, proxy(yard))]);
    await Promise.all([good.next(5), stuck.next(5)]);
    const before = good.pictures.length;
    // Only that its departure can be seen, which does not show on a socket that is not read.
    const { localPort } = stuck.socket;
    stuck.pause();
    const gone = async () =>
      !(await stream(yard)).viewer_list.some((one) => one.peer === `127.0.0.1:${localPort}`);
    const ms = await until(gone, 20_000, "it was let go");
    t.diagnostic(`${Math.round(ms)} ms, of which the system's buffers took a part`);
    assert.ok(ms >= DEADLINE_S * 1000 * 0.9, `${Math.round(ms)} ms`);
    const pictures = good.pictures.slice(before);
    const rate = (1000 * pictures.length) / ms;
    t.diagnostic(`the other got ${rate.toFixed(1)} a second, never later than ${longestGap(pictures)} ms`);
    assert.ok(rate > 10, `${rate} pictures a second`);
    assert.ok(longestGap(pictures) < 1_000, `${longestGap(pictures)} ms`);
    assert.equal((await stream(yard)).viewers, 1);
  });

  test("who_stops_reading_drawn_pictures_is_gone_too_and_its_analysis_ends", async (t) => {
    const yard = await camera(t, { size: "640x480" });
    const stuck = await watch(t, server, detect(yard));
    await stuck.next(3);
    stuck.pause();
    await until(async () => !(await known(yard, stuck)), 25_000, "it was let go");
    await yard.isRead(0, 5_000);
    assert.equal(await stream(yard), undefined);
  });

  test("who_pauses_for_less_than_the_deadline_stays", async (t) => {
    const yard = await camera(t);
    const viewer = await watch(t, server, proxy(yard));
    for (let round = 0; round < 3; round += 1) {
      await viewer.next(3);
      viewer.pause();
      await sleep(DEADLINE_S * 1000 * 0.5);
      viewer.resume();
    }
    await viewer.next(20);
    assert.ok(await known(yard, viewer));
  });

  test("a_slow_viewer_gets_quality_70_and_the_original_back_when_it_reads_fast_again", async (t) => {
    const yard = await camera(t, { size: "640x480", fps: 20, quality: 90 });
    const [good, slow] = await Promise.all([watch(t, server, proxy(yard)), watch(t, server, proxy(yard))]);
    const original = (jpeg) => inspect(jpeg).quality === 90;
    await Promise.all([good.next(3, 15_000, original), slow.next(3, 15_000, original)]);
    const { quality, lost_percent } = await known(yard, slow);
    assert.deepEqual({ quality, lost_percent }, { quality: "original", lost_percent: 0 });

    const perSecond = (20 * slow.pictures.at(-1).jpeg.length) / 3;
    const hurry = slow.throttle(perSecond);
    await until(async () => (await known(yard, slow)).quality === 70, 30_000, "a lower quality");
    const lost = await known(yard, slow);
    assert.ok(lost.lost_percent > 20, `${lost.lost_percent} %`);
    assert.ok(lost.missed > 5, `${lost.missed} missed`);
    const [small] = await slow.next(1, 15_000, (jpeg) => inspect(jpeg).quality === 70);
    assert.deepEqual(
      [inspect(small.jpeg).width, inspect(small.jpeg).height],
      [640, 480],
      "smaller in bytes, not in pixels",
    );

    const viewers = (await stream(yard)).viewer_list;
    assert.equal(viewers.length, 2);
    const other = await known(yard, good);
    assert.deepEqual({ quality: other.quality, missed: other.missed }, { quality: "original", missed: 0 });

    hurry();
    const ms = await until(async () => (await known(yard, slow)).quality === "original", 60_000, "as before");
    t.diagnostic(`the original was back ${(ms / 1000).toFixed(1)} s after it read fast again`);
    await slow.next(3, 15_000, original);
    // It has been the same connection all the time, and the camera knows of one reader.
    assert.equal((await yard.status()).streams_total, 1);
    assert.equal(
      good.pictures.every(({ jpeg }) => original(jpeg)),
      true,
      "the other saw none of it",
    );
  });

  test("a_slow_viewer_of_drawn_pictures_gets_70_instead_of_85", async (t) => {
    const yard = await camera(t, { size: "640x480", fps: 20 });
    const viewer = await watch(t, server, `${detect(yard)}&fps=15`);
    const [{ jpeg }] = await viewer.next(1, 20_000, (picture) => inspect(picture).quality === 85);
    viewer.throttle((15 * jpeg.length) / 4);
    await viewer.next(1, 40_000, (picture) => inspect(picture).quality === 70);
    assert.equal((await known(yard, viewer)).quality, 70);
  });

  test("two_slow_viewers_share_one_encoding_and_delay_no_other", async (t) => {
    const yard = await camera(t, { size: "640x480", fps: 20, quality: 90 });
    const viewers = await Promise.all(Array.from({ length: 4 }, () => watch(t, server, proxy(yard))));
    await Promise.all(viewers.map((viewer) => viewer.next(3)));
    const [first, second, ...good] = viewers;
    const size = first.pictures.at(-1).jpeg.length;
    first.throttle((20 * size) / 4);
    second.throttle((20 * size) / 5);
    const both = async () =>
      (await stream(yard)).viewer_list.filter((viewer) => viewer.quality === 70).length === 2;
    await until(both, 30_000, "both at the lower quality");
    const from = performance.now();
    await Promise.all(good.map((viewer) => viewer.next(40)));
    for (const viewer of good) {
      const pictures = viewer.pictures.filter(({ at }) => at > from);
      assert.ok(longestGap(pictures) < 1_000, `${longestGap(pictures)} ms`);
    }
    // What they get in the same moment is the same, byte for byte.
    const of = (viewer) =>
      new Set(
        viewer.pictures
          .filter(({ jpeg }) => inspect(jpeg).quality === 70)
          .map(({ jpeg }) => jpeg.toString("latin1")),
      );
    const share = () => {
      const [left, right] = [of(first), of(second)];
      return [...left].some((picture) => right.has(picture));
    };
    await until(share, 30_000, "a picture that both got");
    // Views count in the server's limits; this is one.
    assert.ok((await server.get("/api/v1/status")).json.cameras.views <= 4);
  });
});
