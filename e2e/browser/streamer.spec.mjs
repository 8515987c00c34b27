// The streamer of clients/js in a real browser, from a page of another origin, against the real server.

import { until } from "../js/harness.mjs";
import { SETTINGS } from "./cameras.mjs";
import { serve } from "./client/bundle.mjs";
import { slowNetwork } from "./client/slow.mjs";
import { camera, clipFile, expect, test as base } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { Page, TestWith } from "./fixtures.mjs" */

/** @type {TestWith<{ relay: Server, app: Awaited<ReturnType<typeof serve>>, stream: (url?: string) => Promise<Page> }>} */
const test = base.extend({
  relay: async ({ serverWith }, use) => use(await serverWith({ args: SETTINGS })),
  /** Where the bundled pages are served. */
  app: async ({ relay }, use) => {
    const served = await serve(relay);
    await use(served);
    served.stop();
  },
  /** Opens a page that streams a canvas as `desk`: in noise there is nothing to save. */
  stream: async ({ app, visit, relay }, use) => {
    await use(async (url = relay.url) => {
      const opened = await visit(`${app.url}/streamer.html`);
      await opened.evaluate((address) => {
        const noise = Array.from({ length: 4 }, () => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
          const context = canvas.getContext("2d");
          const picture = context.createImageData(320, 240);
          for (let at = 0; at < picture.data.length; at += 4) {
            const value = (Math.random() * 256) | 0;
            picture.data.set([value, value, value, 255], at);
          }
          context.putImageData(picture, 0, 0);
          return canvas;
        });
        let n = 0;
        const streamer = globalThis.relay.createStreamer({ url: address, stream: "desk", fps: 10 });
        globalThis.streamer = streamer;
        streamer.start(() => noise[n++ % noise.length]);
      }, url);
      await until(async () => (await told(opened)).state === "live", "the stream");
      return opened;
    });
  },
});

const told = (opened) => opened.evaluate(() => globalThis.streamer.snapshot());

async function stream(/** @type {Server} */ server, name) {
  return (await server.get("/api/v1/streams")).json.streams.find(({ id }) => id === name);
}

test("the_snippet_of_the_readme_streams_the_camera @full", async ({ app, visit, relay, browserWith }) => {
  const browser = await browserWith(camera.plays(await clipFile("wave")));
  const opened = await visit(undefined, { browser });
  const said = [];
  opened.on("console", (message) => said.push(message.text()));
  await opened.goto(`${app.url}/streamer-snippet.html`);
  await until(async () => (await stream(relay, "desk"))?.pictures > 20, "20 pictures");
  expect(said.some((line) => line.startsWith("live"))).toBe(true);
  await opened.close();
  await until(async () => (await stream(relay, "desk")) === undefined, "the end of the stream");
});

test(
  "on_a_slow_network_pictures_are_left_out_and_none_is_old",
  { tag: ["@alone", "@full"] },
  async ({ stream: open, relay }) => {
    const network = await slowNetwork(relay);
    try {
      const opened = await open(network.url);
      await until(async () => (await told(opened)).fps > 7, "the full rate");
      const { bytesPerSecond, fps } = await told(opened);
      const bytes = bytesPerSecond / fps;
      network.bytesPerSecond = 3 * bytes;
      await opened.waitForTimeout(6_000);
      const first = await told(opened);
      const behind = [];
      for (let n = 0; n < 12; n += 1) {
        await opened.waitForTimeout(500);
        const [here, there] = await Promise.all([told(opened), stream(relay, "desk")]);
        behind.push(here.sent - there.pictures);
      }
      const last = await told(opened);
      expect(last.dropped).toBeGreaterThan(5);
      const rate = (last.sent - first.sent) / 6;
      expect(rate).toBeGreaterThan(1);
      expect(rate).toBeLessThan(5);
      // What has left and not arrived is what would be seen too late. Without pacing it would grow by seven a second.
      expect(Math.max(...behind), behind.join(" ")).toBeLessThanOrEqual(10);
      network.bytesPerSecond = Infinity;
      await until(async () => (await told(opened)).fps > 7, "the full rate again");
    } finally {
      network.stop();
    }
  },
);

test("stop_gives_the_camera_back @full", async ({ app, visit, relay, browserWith }) => {
  const browser = await browserWith(camera.plays(await clipFile("wave")));
  const opened = await visit(`${app.url}/streamer.html`, { browser });
  await opened.evaluate((url) => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const given = await open(constraints);
      globalThis.track = given.getVideoTracks()[0];
      return given;
    };
    globalThis.streamer = globalThis.relay.createStreamer({ url, stream: "desk" });
    globalThis.streamer.start("camera");
  }, relay.url);
  await until(async () => (await stream(relay, "desk"))?.pictures > 5, "pictures");
  await opened.evaluate(() => globalThis.streamer.stop());
  expect(await opened.evaluate(() => globalThis.track.readyState)).toBe("ended");
  expect((await told(opened)).state).toBe("idle");
  await until(async () => (await stream(relay, "desk")) === undefined, "the end of the stream");
});
