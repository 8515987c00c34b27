// The pages of the relay's application as they were, with the old backend's own paths answered by somebody else.

import { addModel, jpeg, SIZE as DRAWN } from "../drawn-hand.mjs";
import { emptyStore } from "../js/hand-store.mjs";
import { start, until } from "../js/harness.mjs";
import { often, streamer } from "../js/relay.mjs";
import { expect, fullUnless, test as base } from "./fixtures.mjs";
import { serveBase } from "./old-pages/backend.mjs";
import { isThere, look, moves, soon } from "./old-pages/look.mjs";
import { isStreaming, pictureOf as picture, startSending, state, tile } from "./old-pages/pages.mjs";
import { pagesOf, serve } from "./old-pages/serve.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Server } from "../js/harness.mjs" */
/** @import { EachTest, Own, Page, Shared, Worker } from "./fixtures.mjs" */
/** @import { Site } from "./old-pages/serve.mjs" */

const SIZE = [480, 360];
const LIVE_ALREADY =
  "This patient already has an active stream. Please stop the other stream before starting a new one.";

/** Settings for pages of that origin, with pings that come soon. */
const settings = (origin) => ({
  args: Object.entries({
    "server.cors_origins": origin,
    // They send no key, and come through a proxy.
    "access.mode": "open",
    "detector.model": "motion",
    "relay.ping_interval_s": 1,
  }).flatMap(([key, value]) => ["--set", `${key}=${value}`]),
  env: { USE_DUMMY_MODEL: "1" },
});

/** @type {Fixtures<{ dashboard: () => Promise<Page>, sender: (number: number, options?: any) => Promise<Page> }, { site: Site, server: Server }, EachTest & Own, Worker & Shared>} */
const fixtures = {
  // The application's pages, at an origin of their own.
  site: pagesOf("haven"),
  // The server that they are for, for all tests of a worker. No two of these use the same patient.
  server: [
    async ({ site }, use) => {
      const ends = [];
      const file = { after: (end) => ends.push(end) };
      // The model that finds bodies, and nobody asks for it.
      const home = emptyStore(file);
      addModel(home, "pose");
      const { args, env } = settings(site.origin);
      const server = await start(file, { args, env: { ...env, SIGHTWIRE_HOME: home } });
      const url = await serveBase(site.origin, server);
      site.api = url.url;
      await use(server);
      await url.stop();
      for (const end of ends.reverse()) await end();
    },
    { scope: "worker" },
  ],
  dashboard: async ({ site, visit }, use) => use(() => visit(`${site.origin}/dashboard.html`)),
  // Opens the page that sends, and starts it.
  sender: async ({ site, visit }, use) => {
    await use(async (number, options) => {
      const page = await visit(`${site.origin}/stream.html`);
      await startSending(page, number, options);
      return page;
    });
  },
};

const test = base.extend(fixtures);

test("the_dashboard_shows_each_stream_and_its_end", async ({ dashboard, sender }) => {
  const page = await dashboard();
  await expect(state(page)).toHaveText(/^Connected since 20\d\d$/);
  await expect(page.locator("#patients")).toHaveText("9");
  await expect(page.locator("#alerts")).toHaveText("Bed 3 is empty");
  const one = await sender(1, { colour: "red" });
  const two = await sender(2, { colour: "blue", mode: "enhanced" });
  await isStreaming(one, 1);
  await isStreaming(two, 2);
  for (const [number, colour, other] of [
    [1, "red", "blue"],
    [2, "blue", "red"],
  ]) {
    await isThere(picture(page, number), SIZE);
    // Each is the patient's own.
    for (const seen of await moves(picture(page, number))) {
      expect(seen[colour]).toBeGreaterThan(seen[other] + 100);
    }
    await expect(tile(page, number).getByRole("heading")).toHaveText(`Patient ${number}`);
    await expect(tile(page, number).locator(".state")).toHaveText("Live");
  }
  await expect(page.locator("#live")).toHaveText("P-1, P-2");
  await expect(tile(page, 2).locator(".mode")).toHaveText("enhanced");
  await one.getByRole("button", { name: "Stop" }).click();
  await expect(tile(page, 1).locator(".state")).toHaveText(/^Ended in 20\d\d$/);
  await expect(page.locator("#live")).toHaveText("P-2");
  await moves(picture(page, 2));
  // A page that is simply closed ends its stream, too.
  await two.close();
  await expect(tile(page, 2).locator(".state")).toHaveText(/^Ended in 20\d\d$/);
  await expect(page.locator("#live")).toHaveText("");
});

test("a_dashboard_that_is_opened_later_lists_what_is_live_and_counts_overlays", async ({
  dashboard,
  sender,
}) => {
  const one = await sender(3);
  await isStreaming(one, 3);
  const page = await dashboard();
  await expect(page.locator("#live")).toHaveText("P-3");
  await expect(tile(page, 3).locator(".mode")).toHaveText("normal");
  await isThere(picture(page, 3), SIZE);
  const overlays = async () => Number(await tile(page, 3).locator(".overlays").textContent());
  await soon(overlays).toBeGreaterThan(5);
  await expect(tile(page, 3).locator(".metrics")).toHaveText(/^frame \d+: \d+ points, (none|\d+) metrics$/);
});

/** Of each colour that the dashboard draws with, how many pixels of its canvas have it, and where their middle is. */
function drawnOn(page, number) {
  return tile(page, number)
    .locator("canvas")
    .evaluate((/** @type {HTMLCanvasElement} */ canvas) => {
      const { width, height } = canvas;
      if (width === 0 || height === 0) return {};
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      const found = {};
      for (let at = 0; at < data.length; at += 4) {
        const colour = [...data.slice(at, at + 4)].join();
        if (data[at + 3] !== 255) continue;
        const sum = (found[colour] ??= { count: 0, x: 0, y: 0 });
        sum.count += 1;
        sum.x += (at / 4) % width;
        sum.y += Math.floor(at / 4 / width);
      }
      return Object.fromEntries(
        Object.entries(found).map(([colour, { count, x, y }]) => [
          colour,
          { count, x: x / count, y: y / count },
        ]),
      );
    });
}

test("the_dashboard_draws_over_the_picture_where_somebodys_joints_are_and_nothing_where_nobody_is", async ({
  dashboard,
  server,
}) => {
  const ends = [];
  const sending = { after: (end) => ends.push(end) };
  /** @type {[number, number][]} */
  const [left, right] = [
    [400, 250],
    [240, 250],
  ];
  const hand = { shape: "victory", x: 60, y: 90, palm: 50 };
  const pictures = [jpeg([{ ...hand, shoulders: [left, right] }]), jpeg([])].map(
    (picture) => `data:image/jpeg;base64,${picture.toString("base64")}`,
  );
  try {
    const page = await dashboard();
    const sender = await streamer(sending, server, "P-8");
    let shown = 0;
    often(sending, 10, () => sender.frame(pictures[shown]));
    await isThere(picture(page, 8), [DRAWN.width, DRAWN.height]);
    const cyan = async () => (await drawnOn(page, 8))["0,255,255,255"]?.count ?? 0;
    await soon(cyan).toBeGreaterThan(100);
    const seen = await drawnOn(page, 8);
    // Between both eyes: 60 % of the way from shoulder to shoulder above these.
    const eyes = seen["0,255,255,255"];
    expect(Math.hypot(eyes.x - 320, eyes.y - (250 - 0.6 * 160))).toBeLessThan(10);
    for (const colour of ["0,255,0,255", "255,0,0,255", "0,0,255,255", "255,255,255,255"]) {
      expect(seen[colour]?.count ?? 0, colour).toBeGreaterThan(50);
    }
    // Nobody is there any more, and what was drawn goes.
    shown = 1;
    await soon(async () => Object.keys(await drawnOn(page, 8)).length).toBe(0);
  } finally {
    for (const end of ends.reverse()) await end();
  }
});

test("a_second_page_for_a_patient_is_told_why_it_may_not_and_the_first_goes_on", async ({
  dashboard,
  sender,
}) => {
  const page = await dashboard();
  const first = await sender(4, { colour: "red" });
  await isStreaming(first, 4);
  const second = await sender(4, { colour: "blue" });
  await expect(second.getByRole("alert")).toHaveText(LIVE_ALREADY);
  await expect(state(second)).toHaveText("Closed (4090)");
  await expect(second.locator("#sent")).toHaveText("0");
  for (const { red, blue } of await moves(picture(page, 4))) expect(red).toBeGreaterThan(blue + 100);
  await isStreaming(first, 4);
  // Once the first has stopped, the second may.
  await first.getByRole("button", { name: "Stop" }).click();
  await expect(tile(page, 4).locator(".state")).toHaveText(/^Ended/);
  await second.getByRole("button", { name: "Start" }).click();
  await isStreaming(second, 4);
  await soon(async () => (await look(picture(page, 4))).blue).toBeGreaterThan(150);
});

for (const [mode, answered] of [
  ["normal", "normal"],
  ["enhanced", "enhanced"],
  ["conditions", "enhanced"],
]) {
  test(`a_page_that_asks_for_${mode}_is_answered_${answered}${fullUnless(mode === "conditions")}`, async ({
    sender,
    server,
  }) => {
    const page = await sender(5, { mode });
    await isStreaming(page, 5);
    await expect(page.locator("#answered")).toHaveText(answered);
    await soon(async () => Number(await page.locator("#sent").textContent())).toBeGreaterThan(30);
    await expect(page.getByRole("alert")).toHaveText("");
    const { json } = await server.get("/streams/active");
    expect(json.stream_details["P-5"]).toEqual({ analysis_mode: answered });
    await page.getByRole("button", { name: "Stop" }).click();
    await until(async () => (await server.get("/streams/active")).json.count === 0, "the end of the stream");
  });
}

test("a_dashboard_answers_pings_and_stays", async ({ dashboard, sender }) => {
  const page = await dashboard();
  const pings = async () => Number(await page.locator("#pings").textContent());
  // Who gives no sign of life for three of them is closed.
  await soon(pings).toBeGreaterThanOrEqual(5);
  await expect(state(page)).toHaveText(/^Connected/);
  const one = await sender(6);
  await isStreaming(one, 6);
  await isThere(picture(page, 6), SIZE);
  await moves(picture(page, 6));
});

test("pages_of_an_origin_that_is_not_listed_may_neither_watch_nor_send @full", async ({
  serverWith,
  visit,
}) => {
  const stranger = await serve("haven");
  const server = await serverWith(settings("http://haven.localhost:1"));
  const url = await serveBase(stranger.origin, server);
  stranger.api = url.url;
  try {
    const page = await visit(`${stranger.origin}/dashboard.html`);
    await expect(page.locator("#patients")).toHaveText("9");
    await expect(state(page)).toHaveText("Disconnected");
    const sender = await visit(`${stranger.origin}/stream.html`);
    await sender.getByRole("button", { name: "Search" }).click();
    await sender.getByRole("button", { name: "Patient 7" }).click();
    await sender.getByRole("button", { name: "Start" }).click();
    await expect(state(sender)).toHaveText("Closed (1006)");
    expect((await server.get("/streams/active")).json.count).toBe(0);
    await expect(page.locator("article")).toHaveCount(0);
  } finally {
    await url.stop();
    await stranger.stop();
  }
});
