// The camera prototype's pages as they were: the viewer in its modes, each user's camera, and the administrator's page.

import { start, until } from "../js/harness.mjs";
import { camera, serving } from "../js/simulator.mjs";
import { expect, fullUnless, test as base } from "./fixtures.mjs";
import { isThere, moves, soon } from "./old-pages/look.mjs";
import { button, complaint, has, isShown, picture, startWatching, state } from "./old-pages/pages.mjs";
import { pagesOf } from "./old-pages/serve.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Server } from "../js/harness.mjs" */
/** @import { Camera } from "../js/simulator.mjs" */
/** @import { EachTest, Own, Page, Shared, Worker } from "./fixtures.mjs" */
/** @import { Site } from "./old-pages/serve.mjs" */

/** Settings for pages of that origin, whose users are anywhere. */
const settings = (origin, /** @type {Parameters<typeof serving>[0]} */ { set, ...more } = {}) =>
  serving({ set: { "server.cors_origins": origin, "cameras.changing": "anyone", ...set }, ...more });

/**
 * @type {Fixtures<{
 *   simulated: (options?: Parameters<typeof camera>[1]) => Promise<Camera>,
 *   built: (name: string, options?: { at?: Server }) => Promise<Page>,
 *   view: (mode: string, url: string, options?: any) => Promise<Page>,
 * }, { site: Site, yard: Camera, server: Server }, EachTest & Own, Worker & Shared>}
 */
const fixtures = {
  // The pages, at an origin of their own.
  site: pagesOf("parking"),
  // A camera that is nobody's.
  yard: [
    async ({}, use) => {
      let stop = () => {};
      const yard = await camera({ after: (end) => (stop = end) });
      await use(yard);
      await stop();
    },
    { scope: "worker" },
  ],
  // A server that knows no camera, for all tests of a worker.
  server: [
    async ({ site }, use) => {
      let stop = () => {};
      const server = await start({ after: (end) => (stop = end) }, settings(site.origin));
      await use(server);
      await stop();
    },
    { scope: "worker" },
  ],
  // Another camera, for one test.
  simulated: async ({}, use) => {
    const ends = [];
    await use((options) => camera({ after: (end) => ends.push(end) }, options));
    for (const end of ends) await end();
  },
  // Opens a page that was built for a server; the worker's if it is not said.
  built: async ({ site, server, visit }, use) => {
    await use((name, { at = server } = {}) => {
      site.api = at.url;
      return visit(`${site.origin}/${name}`);
    });
  },
  // Opens the viewer and starts it.
  view: async ({ built }, use) => {
    await use(async (mode, url, { at, ...options } = {}) => {
      const opened = await built("viewer.html", { at });
      await startWatching(opened, mode, url, options);
      return opened;
    });
  },
};

const test = base.extend(fixtures);

/** Whether no picture has it from now on. What is on the screen at first may still be an older one. */
async function hasNo(page, what) {
  await expect(state(page)).toHaveText("Live");
  const [, ...next] = await moves(picture(page), 12);
  for (const seen of next) expect(seen[what]).toBe(0);
}

const WITH_BOXES = ["detect", "socket"];

for (const mode of ["detect", "tracking", "socket", "raw", "older-raw"]) {
  const corner = mode === "tracking" || mode === "older-raw";
  test(`the_viewer_shows_a_camera_as_${mode}${fullUnless(!corner)}`, async ({
    server,
    serverWith,
    simulated,
    site,
    view,
  }) => {
    const board = await simulated();
    // Without an address of its own the raw mode shows the default camera.
    const raw = mode.endsWith("raw");
    const cameras = [{ id: "board", url: board.url, default: true }];
    const at = raw ? await serverWith(settings(site.origin, { cameras })) : server;
    const opened = await view(mode, board.url, { at });
    await isShown(opened);
    await expect(state(opened)).toHaveText("Live");
    if (WITH_BOXES.includes(mode)) await has(opened, "plates");
    await board.isRead(1);
    // A second viewer costs the camera nothing.
    const other = await view(mode, board.url, { at });
    await isShown(other);
    await board.isRead(1);
    await button(other, "Stop");
    await opened.close();
    await board.isRead(0);
  });
}

for (const mode of WITH_BOXES) {
  test(`labels_and_confidence_act_at_once_as_${mode}${fullUnless(mode === "socket")}`, async ({
    view,
    yard,
  }) => {
    const opened = await view(mode, yard.url);
    await isThere(picture(opened));
    await has(opened, "plates");
    await opened.getByLabel("Labels").uncheck();
    await hasNo(opened, "plates");
    await has(opened, "boxes");
    await opened.getByLabel("Confidence").fill("1");
    await hasNo(opened, "boxes");
    await opened.getByLabel("Confidence").fill("0");
    await opened.getByLabel("Labels").check();
    await has(opened, "plates");
    await expect(complaint(opened)).toHaveText("");
  });
}

for (const mode of ["detect", "tracking", "socket", "raw"]) {
  test(`sliders_may_be_dragged_through_all_they_have_as_${mode}${fullUnless(mode === "detect")}`, async ({
    serverWith,
    simulated,
    site,
    view,
  }) => {
    // With the limits that a server has by itself.
    const board = await simulated();
    const set = { "cameras.max_upstreams": 5, "cameras.max_analyses": 10, "cameras.max_views": 32 };
    const cameras = [{ id: "board", url: board.url, default: true }];
    const at = await serverWith(settings(site.origin, { set, cameras }));
    const opened = await view(mode, board.url, { at });
    await isShown(opened);
    for (const [label, steps] of Object.entries({
      "Pictures a second": 29,
      "Every Nth frame": 9,
      Confidence: 20,
    })) {
      const slider = opened.getByLabel(label);
      await slider.focus();
      await slider.press("Home");
      for (let step = 0; step < steps; step += 1) await slider.press("ArrowRight");
      await expect(slider).toHaveValue(await slider.getAttribute("max"));
      await isShown(opened);
    }
    await board.isRead(1);
    // One picture a second, each looked at.
    await opened.getByLabel("Pictures a second").press("Home");
    await opened.getByLabel("Every Nth frame").press("Home");
    await isThere(picture(opened));
    await moves(picture(opened), 3);
    await expect(complaint(opened)).toHaveText("");
  });
}

test("the_socket_tells_its_figures_after_every_fifty_pictures @full", async ({ view, yard }) => {
  const opened = await view("socket", yard.url, { fps: 30, skip: 1 });
  const figures = async () => {
    const text = await opened.locator("#stats").textContent();
    const form =
      /^after (\d+): processed (\d+), sent (\d+), read (\d+), ([\d.]+) a second, [\d.]+ ms, \d+ waiting$/;
    return form.exec(text)?.slice(1).map(Number);
  };
  for (const count of [50, 100]) {
    await soon(async () => (await figures())?.[0] ?? 0).toBe(count);
    const [, processed, sent, read, fps] = await figures();
    expect(sent).toBe(count);
    expect(processed).toBeGreaterThan(0);
    expect(read).toBeGreaterThan(0);
    expect(fps).toBeGreaterThan(0);
    expect(fps).toBeLessThan(31);
  }
});

test("a_socket_without_a_camera_says_so_and_goes_on_once_its_user_has_one", async ({ built, view, yard }) => {
  const opened = await view("socket", "", { user: "carol" });
  await expect(complaint(opened)).not.toHaveText("");
  await expect(state(opened)).not.toHaveText("Live");
  const own = await built("settings.html?user=carol");
  await own.getByLabel("Address").fill(yard.url);
  await button(own, "Save");
  await expect(own.locator("#said")).toHaveText("ESP32 configuration saved");
  // Without anybody doing anything.
  await isShown(opened);
  await expect(state(opened)).toHaveText("Live");
});

for (const mode of ["socket", "raw"]) {
  test(`the_viewer_comes_back_by_itself_after_a_restart_as_${mode}${fullUnless(mode === "socket")}`, async ({
    serverWith,
    site,
    view,
    yard,
  }) => {
    const cameras = [{ id: "yard", url: yard.url, default: true }];
    const options = settings(site.origin, { cameras });
    const at = await serverWith(options);
    const opened = await view(mode, yard.url, { at });
    await isShown(opened);
    await at.stop();
    await expect(state(opened)).toHaveText(/^(Reconnecting|Connecting)$/);
    await serverWith({ ...options, listen: `127.0.0.1:${at.port}` });
    await expect(state(opened)).toHaveText("Live");
    await isShown(opened);
  });
}

test("a_user_saves_watches_and_deletes_a_camera", async ({ built, simulated, yard }) => {
  const small = await simulated({ size: "160x120" });
  const alice = await built("settings.html?user=alice");
  const nothing = "No configuration found. Please set up your ESP32-CAM.";
  await expect(alice.locator("#said")).toHaveText(nothing);
  await button(alice, "Save");
  await expect(complaint(alice)).toHaveText("esp32_url is required");
  // As people write it.
  await alice.getByLabel("Address").fill(`${small.host}/`);
  await alice.getByLabel("Label").fill("Entrée 1");
  await button(alice, "Save");
  await expect(alice.locator("#said")).toHaveText("ESP32 configuration saved");
  await expect(alice.locator("#saved-url")).toHaveText(small.url);
  await expect(alice.locator("#saved-label")).toHaveText("Entrée 1");
  await expect(alice.locator("#saved-since")).toHaveText(/^20\d\d-/);
  await expect(complaint(alice)).toHaveText("");
  // Another user has another one.
  const bob = await built("settings.html?user=bob");
  await expect(bob.locator("#said")).toHaveText(nothing);
  await bob.getByLabel("Address").fill(yard.url);
  await bob.getByLabel("Label").fill("Yard");
  await button(bob, "Save");
  await expect(bob.locator("#saved-url")).toHaveText(yard.url);
  await button(alice, "Watch");
  await isShown(alice, [160, 120]);
  await button(bob, "Watch with boxes");
  await isShown(bob);
  await has(bob, "plates");
  // It is there for the next visit, and may be changed.
  await alice.reload();
  await expect(alice.locator("#saved-url")).toHaveText(small.url);
  await alice.getByLabel("Address").fill(yard.url);
  await alice.getByLabel("Label").fill("Yard too");
  await button(alice, "Save");
  await expect(alice.locator("#saved-url")).toHaveText(yard.url);
  await expect(alice.locator("#saved-label")).toHaveText("Yard too");
  await button(alice, "Watch");
  await isShown(alice);
  await button(alice, "Delete");
  await expect(alice.locator("#said")).toHaveText("ESP32 configuration deleted");
  await expect(alice.locator("#saved-url")).toHaveText("");
  await alice.reload();
  await expect(alice.locator("#said")).toHaveText(nothing);
  // Bob's is still there.
  await bob.reload();
  await expect(bob.locator("#saved-url")).toHaveText(yard.url);
  await button(bob, "Delete");
  await expect(bob.locator("#said")).toHaveText("ESP32 configuration deleted");
});

for (const [why, url, set] of [
  ["its_address_is_not_allowed", "http://192.0.2.1", {}],
  ["nobody_may_change_cameras", undefined, { "cameras.changing": "nobody" }],
]) {
  test(`a_camera_is_not_saved_where_${why} @full`, async ({ built, serverWith, site, yard }) => {
    const at = await serverWith(settings(site.origin, { set }));
    const opened = await built("settings.html?user=dave", { at });
    await expect(opened.locator("#said")).toHaveText(/^No configuration found/);
    await opened.getByLabel("Address").fill(url ?? yard.url);
    await button(opened, "Save");
    await expect(complaint(opened)).not.toHaveText("");
    await opened.reload();
    await expect(opened.locator("#said")).toHaveText(/^No configuration found/);
  });
}

test("the_administrator_sees_how_everything_is", async ({ built, serverWith, simulated, site }) => {
  const board = await simulated({ user: "admin:secret" });
  const url = board.url.replace("//", "//admin:secret@");
  const cameras = [{ id: "board", url, default: true }];
  const at = await serverWith(settings(site.origin, { cameras }));
  const opened = await built("admin.html", { at });
  await button(opened, "Refresh");
  await expect(opened.locator("#health")).toHaveText(
    /^smartparking-api, ok, (models loaded|no models), (no )?firebase, \S+$/,
  );
  await expect(opened.locator("#active")).toHaveText("0");
  await expect(opened.locator("#board")).toHaveText("connected");
  await expect(opened.locator("#board-state")).toHaveText(/"stream_clients":\d/);
  await button(opened, "Take a snapshot");
  await isThere(opened.locator("#snapshot"));
  await expect(opened.locator("body")).not.toContainText("secret");
  // While somebody watches there is a stream.
  await opened.getByLabel("Camera").fill("board");
  await button(opened, "Watch the worker");
  await isShown(opened);
  await has(opened, "boxes");
  await button(opened, "Refresh");
  await expect(opened.locator("#active")).toHaveText("1");
  await expect(opened.locator("#streams li")).toHaveText(/^\S+: alive for \d+\.\d s$/);
  // A board that is gone is said to be, and why.
  await board.stop();
  await expect(async () => {
    await button(opened, "Refresh");
    await expect(opened.locator("#board")).toHaveText("not connected", { timeout: 1_000 });
  }).toPass();
  await expect(complaint(opened)).not.toHaveText("");
  await expect(opened.locator("body")).not.toContainText("secret");
});

test("the_administrator_watches_detections_and_who_else_does", async ({ built, serverWith, site, yard }) => {
  const cameras = [{ id: "gate", url: yard.url }];
  const at = await serverWith(settings(site.origin, { cameras }));
  const pictures = async (opened) => Number(await opened.locator("#pictures").textContent());
  for (const viewers of [1, 2]) {
    const opened = await built("admin.html", { at });
    await opened.getByLabel("Camera").fill("gate");
    await button(opened, "Watch detections");
    await expect(opened.locator("#info")).toHaveText(
      `1: Connected to camera gate. Viewers: ${viewers} (gate, ${viewers})`,
    );
    await isShown(opened);
    await has(opened, "boxes");
    await soon(() => pictures(opened)).toBeGreaterThan(10);
    await expect(complaint(opened)).toHaveText("");
  }
  await until(async () => (await yard.status()).stream_clients === 1, "one connection to the camera");
});

test("pages_of_an_origin_that_is_not_listed_see_and_change_nothing @full", async ({
  built,
  serverWith,
  view,
  yard,
}) => {
  const cameras = [{ id: "yard", url: yard.url, default: true }];
  const at = await serverWith(settings("http://parking.localhost:1", { cameras }));
  const opened = await view("socket", yard.url, { at });
  await expect(state(opened)).toHaveText("Reconnecting");
  const own = await built("settings.html?user=erin", { at });
  await expect.poll(() => own.problems.join()).toContain("blocked by CORS policy");
  await expect(own.locator("#said")).toHaveText("");
  await expect(opened.locator("#pictures")).toHaveText("0");
  // What the browser says of it, and what the page makes of it.
  own.problems = [];
});
