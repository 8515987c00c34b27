// A camera in nothing but an <img>, as the prototype's pages had it, in the system's Chromium.

import { createServer } from "node:http";

import { portOf, start } from "../js/harness.mjs";
import { camera, serving } from "../js/simulator.mjs";
import { expect, fullUnless, screenshot, test as base } from "./fixtures.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Server } from "../js/harness.mjs" */
/** @import { Camera } from "../js/simulator.mjs" */
/** @import { EachTest, Own, Shared, Worker } from "./fixtures.mjs" */

/** @type {Fixtures<{ simulated: () => Promise<Camera> }, { streams: Server }, EachTest & Own, Worker & Shared>} */
const fixtures = {
  // A simulated camera that ends with the test.
  simulated: async ({}, use) => {
    const ends = [];
    await use((options) => camera({ after: (end) => ends.push(end) }, options));
    for (const end of ends) await end();
  },
  // A server that may read it, for all tests of this file.
  streams: [
    async ({}, use) => {
      let stop = () => {};
      // Nobody is let go for reading nothing: only for being gone.
      const set = { "cameras.stalled_after_s": 1, "cameras.viewer_deadline_s": 60 };
      const settings = serving({ set });
      const server = await start({ after: (end) => (stop = end) }, settings);
      await use(server);
      await stop();
    },
    { scope: "worker" },
  ],
};

const test = base.extend(fixtures);

/** What is to become true of pictures does within some of them. */
const soon = (check) => expect.poll(check, { intervals: [50], timeout: 20_000 });

const ENDPOINTS = {
  proxy: (url) => `/stream/proxy?esp32_url=${encodeURIComponent(url)}`,
  detect: (url) => `/stream/detect?camera_url=${encodeURIComponent(url)}`,
  tracking: (url) => `/stream/tracking?camera_url=${encodeURIComponent(url)}`,
};

/** Puts an image with that address on the page, as the only thing there. */
async function show(page, src) {
  await page.evaluate((address) => {
    const image = document.createElement("img");
    image.id = "camera";
    document.body.replaceChildren(image);
    image.src = address;
  }, src);
}

/** The mean brightness of what the image shows now, and a number that is another for another picture. */
function look(page) {
  return page.evaluate(() => {
    const image = document.querySelector("img");
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width === 0) return { width, height, mean: 0, print: 0 };
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    let [sum, print] = [0, 0];
    for (const value of context.getImageData(0, 0, width, height).data) {
      sum += value;
      print = (print * 31 + value) % 1_000_003;
    }
    return { width, height, mean: sum / (width * height * 4), print };
  });
}

for (const [name, path] of Object.entries(ENDPOINTS)) {
  test(`an_image_shows_${name}_and_moves${fullUnless(name === "tracking")}`, async ({
    visit,
    streams,
    simulated,
  }) => {
    const yard = await simulated();
    const page = await visit("/livez", { at: streams });
    await show(page, path(yard.url));
    const prints = new Set();
    await soon(async () => {
      const { width, height, print } = await look(page);
      if (width === 320 && height === 240) prints.add(print);
      return prints.size;
    }).toBeGreaterThan(5);
    await screenshot(page, `mjpeg-${name}`);
  });
}

test("an_image_shows_the_banner_while_the_camera_stalls_and_then_moves_again @full", async ({
  visit,
  streams,
  simulated,
}) => {
  const yard = await simulated();
  const page = await visit("/livez", { at: streams });
  await show(page, ENDPOINTS.proxy(yard.url));
  await soon(async () => (await look(page)).width).toBe(320);
  const { mean } = await look(page);
  await yard.fails("stall");
  // The last picture, dimmed.
  await soon(async () => (await look(page)).mean / mean).toBeLessThan(0.9);
  await screenshot(page, "mjpeg-banner");
  await yard.fails();
  await soon(async () => (await look(page)).mean / mean).toBeGreaterThan(0.95);
  const prints = new Set();
  await soon(async () => {
    prints.add((await look(page)).print);
    return prints.size;
  }).toBeGreaterThan(5);
});

test("closing_the_tab_and_taking_the_image_away_close_the_camera", async ({ visit, streams, simulated }) => {
  const yard = await simulated();
  const page = await visit("/livez", { at: streams });
  await show(page, ENDPOINTS.detect(yard.url));
  await soon(async () => (await look(page)).width).toBeGreaterThan(0);
  await yard.isRead(1);
  await page.evaluate(() => (document.querySelector("img").src = ""));
  await yard.isRead(0);
  await show(page, ENDPOINTS.proxy(yard.url));
  await yard.isRead(1);
  await page.close();
  await yard.isRead(0);
});

test("a_page_of_another_origin_shows_it_too @full", async ({ visit, streams, simulated }) => {
  const yard = await simulated();
  const address = streams.url + ENDPOINTS.proxy(yard.url);
  const elsewhere = createServer((_, reply) => {
    reply.setHeader("Content-Type", "text/html");
    reply.end(`<!doctype html><title>old page</title><img id="camera" src="${address}">`);
  });
  const port = await portOf(elsewhere);
  try {
    const page = await visit(`http://127.0.0.1:${port}/`);
    const width = () => page.evaluate(() => document.querySelector("img").naturalWidth);
    await soon(width).toBe(320);
  } finally {
    elsewhere.closeAllConnections();
    elsewhere.close();
  }
});
