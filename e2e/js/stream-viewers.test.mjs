// Viewers that are slow, or stop reading: what they lose, what they get, and that nobody else notices.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { until } from "./harness.mjs";
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
  return (await stream(at))?.viewer_list?.find((one) => one.peer === peer);
}

const detect = (at) => `/stream/detect?camera_url=${encodeURIComponent(at.url)}`;
const proxy = (at) => `/stream/proxy?esp32_url=${encodeURIComponent(at.url)}`;

/** The longest time between two pictures, ms. */
function longestGap(pictures) {
  const gaps = pictures.slice(1).map(({ at }, i) => at - pictures[i].at);
  return Math.max(...gaps);
}

describe("viewers", { concurrency: true }, () => {
  test("who_stops_reading_drawn_pictures_is_gone_too_and_its_analysis_ends", async (t) => {
    const yard = await camera(t, { size: "640x480" });
    const stuck = await watch(t, server, detect(yard));
    await stuck.next(3);
    stuck.pause();
    await until(async () => !(await known(yard, stuck)), "it was let go");
    await yard.isRead(0);
    assert.equal(await stream(yard), undefined);
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
    await until(both, "both at the lower quality");
    const from = performance.now();
    await Promise.all(good.map((viewer) => viewer.next(40)));
    for (const viewer of good) {
      const pictures = viewer.pictures.filter(({ at }) => at > from);
      assert.ok(longestGap(pictures) < 5_000, `${longestGap(pictures)} ms`);
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
    await until(share, "a picture that both got");
    // Views count in the server's limits; this is one.
    assert.ok((await server.get("/api/v1/status")).json.cameras.views <= 4);
  });
});
