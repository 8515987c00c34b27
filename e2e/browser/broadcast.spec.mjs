// The Broadcast page: what is shared arrives at the server under its name, and ends with the page.

import { readFile } from "node:fs/promises";

import WebSocket from "ws";

import { until } from "../js/harness.mjs";
import { layoutShift, looksRight, SCREENS, smallTargets } from "./accessible.mjs";
import { look, moves, SETTINGS } from "./cameras.mjs";
import { camera, clipFile, expect, fullUnless, screenshot, test as base, videoFile } from "./fixtures.mjs";
import { known, makeKey, OWN_STORE } from "./keys.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { Page, TestWith } from "./fixtures.mjs" */

/** @type {TestWith<{ relay: Server, share: (name: string, more?: string, options?: object) => Promise<Page> }>} */
const test = base.extend({
  // A server that knows no model, and calls a stream stalled or frozen soon.
  relay: async ({ serverWith }, use) => use(await serverWith({ args: SETTINGS })),
  // Opens the page with the test picture and shares it, small and slow where nothing else is said.
  share: async ({ visit, relay }, use) => {
    await use(async (name, more = "&width=480&fps=10", options = {}) => {
      const page = await visit(`/broadcast?source=test&name=${encodeURIComponent(name)}${more}`, {
        at: relay,
        ...options,
      });
      await page.getByTestId("start").click();
      await isLive(page);
      return page;
    });
  },
});

const state = (page) => page.getByTestId("broadcast-state");
const preview = (page) => page.getByTestId("preview-picture");

async function isLive(page, timeout = 10_000) {
  await expect(state(page)).toHaveText("live", { timeout });
}

/** What the server says of a stream; undefined where it has none. */
async function stream(/** @type {Server} */ server, name) {
  const { json } = await server.get("/api/v1/streams");
  return json.streams.find(({ id }) => id === name);
}

/** Waits until pictures of a stream arrive; what the server says of it then. */
async function arrives(server, name) {
  let now = await stream(server, name);
  const before = now?.pictures ?? 0;
  const came = async () => (now = await stream(server, name))?.pictures > before + 3;
  await until(came, `pictures of ${name}`);
  return now;
}

async function isGone(server, name) {
  await until(async () => (await stream(server, name)) === undefined, `the end of ${name}`);
}

test("the_test_picture_reaches_the_server_and_comes_back", async ({ share, relay }) => {
  const page = await share("desk", "&mode=enhanced");
  const told = await arrives(relay, "desk");
  expect(told).toMatchObject({
    kind: "relay",
    state: "running",
    mode: "enhanced",
    protocol: "binary",
    width: 1280,
    height: 720,
    bad: 0,
  });
  await expect(page.getByTestId("preview-state")).toHaveText("live");
  await moves(preview(page));
  // Its colours come with a fade.
  await expect.poll(async () => (await look(preview(page))).filter).toBe("none");
  const number = async (id) => Number(await page.getByTestId(id).textContent());
  // Ten a second; a busy machine makes fewer, and after a pause some at once.
  await expect.poll(() => number("fps-out")).toBeGreaterThan(1);
  await expect.poll(() => number("fps-out")).toBeLessThan(30);
  await expect.poll(() => number("traffic")).toBeGreaterThan(0.01);
  await screenshot(page, "broadcast-live");
});

test("the_delay_to_viewers_is_measured @full", async ({ share }) => {
  const page = await share("desk");
  const delay = async () => Number(await page.getByTestId("delay").textContent());
  await expect.poll(delay).toBeGreaterThanOrEqual(0);
  expect(await delay()).toBeLessThan(2_000);
});

test("a_camera_reaches_the_server @full", async ({ visit, relay, browserWith }) => {
  const browser = await browserWith(camera.plays(await clipFile("wave")));
  const page = await visit("/broadcast?name=cam", { at: relay, browser });
  await expect(state(page)).toHaveText("not sharing");
  await page.getByTestId("start").click();
  await isLive(page);
  const told = await arrives(relay, "cam");
  expect(told).toMatchObject({ kind: "relay", state: "running", mode: "normal" });
  await moves(preview(page));
});

test("a_screen_is_shared @full", async ({ visit, relay, browserWith }) => {
  const browser = await browserWith(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]);
  const page = await visit("/broadcast?source=screen&name=screen", { at: relay, browser });
  await page.getByTestId("start").click();
  await isLive(page);
  expect(await arrives(relay, "screen")).toMatchObject({ width: 1280, height: 720 });
  await moves(preview(page));
});

/** A screen on which nothing changes, as a browser gives it: one picture, and no more. */
function giveStillScreen() {
  navigator.mediaDevices.getDisplayMedia = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const context = canvas.getContext("2d");
    context.fillStyle = "teal";
    context.fillRect(0, 0, 640, 360);
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    /** @type {CanvasCaptureMediaStreamTrack} */ (track).requestFrame();
    track.getSettings = () => ({ displaySurface: "monitor" });
    globalThis.screenTrack = track;
    return Promise.resolve(stream);
  };
}

test("a_screen_on_which_nothing_changes_stays_live @full", async ({ visit, relay }) => {
  const page = await visit(undefined, { at: relay });
  await page.addInitScript(giveStillScreen);
  await page.goto("/broadcast?source=screen&name=still");
  await page.getByTestId("start").click();
  await isLive(page);
  await arrives(relay, "still");
  // The server calls a stream stalled after 2 s and frozen after 3 s.
  await page.waitForTimeout(5_000);
  expect((await stream(relay, "still")).state).toBe("running");
  await isLive(page);
  await expect(page.getByTestId("preview-state")).toHaveText("live");
});

test("a_screen_that_is_no_longer_shared_ends_the_stream_without_an_error @full", async ({ visit, relay }) => {
  const page = await visit(undefined, { at: relay });
  await page.addInitScript(giveStillScreen);
  await page.goto("/broadcast?source=screen&name=still");
  await page.getByTestId("start").click();
  await isLive(page);
  await page.evaluate(() => globalThis.screenTrack.dispatchEvent(new Event("ended")));
  await expect(state(page)).toHaveText("not sharing");
  await expect(page.getByRole("heading", { name: "The screen is no longer shared" })).toBeVisible();
  await isGone(relay, "still");
});

test("stopping_ends_the_stream_and_clears_the_page @full", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  await moves(preview(page));
  await page.getByTestId("stop").click();
  await expect(state(page)).toHaveText("not sharing");
  await isGone(relay, "desk");
  await expect(preview(page)).toBeHidden();
  await expect(page.getByTestId("fps-out")).toHaveText("–");
  await expect(page.getByTestId("stage").locator("canvas, video")).toHaveCount(0);
});

test("the_same_stream_starts_again_at_once_after_a_stop @full", async ({ share, relay }) => {
  const page = await share("desk");
  for (let round = 0; round < 5; round += 1) {
    await page.getByTestId("stop").click();
    await page.getByTestId("start").click();
    await isLive(page);
  }
  expect((await arrives(relay, "desk")).state).toBe("running");
  await moves(preview(page));
});

test("a_taken_name_is_explained_and_another_one_works @full", async ({ share, visit, relay }) => {
  const first = await share("desk");
  const page = await visit("/broadcast?source=test&name=desk", { at: relay });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "name-taken");
  await expect(panel).toContainText("This name is already in use");
  await expect(state(page)).toHaveText("name taken");
  await screenshot(page, "broadcast-taken");
  await panel.getByRole("button", { name: "Change the name" }).click();
  await expect(page.getByTestId("name")).toBeFocused();
  await page.keyboard.type("table");
  await page.keyboard.press("Enter");
  await isLive(page);
  await arrives(relay, "table");
  // The first one has noticed nothing.
  await isLive(first);
  await arrives(relay, "desk");
});

test("closing_the_tab_ends_the_stream @full", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  await page.close();
  await isGone(relay, "desk");
});

test("leaving_the_page_ends_the_stream_and_coming_back_starts_nothing", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await isGone(relay, "desk");
  await page.goBack();
  await expect(state(page)).toHaveText("not sharing");
  await page.getByTestId("start").click();
  await isLive(page);
  await arrives(relay, "desk");
});

test("a_reload_in_mid_stream_leaves_nothing_behind @full", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  await page.reload();
  await page.getByTestId("start").click();
  await isLive(page);
  expect((await arrives(relay, "desk")).viewers).toBeLessThanOrEqual(1);
});

test("a_video_file_is_shared @full", async ({ visit, relay }) => {
  const file = await videoFile("up");
  const page = await visit("/broadcast?source=file&name=film", { at: relay });
  await page.getByTestId("file-input").setInputFiles(file);
  await isLive(page);
  expect(await arrives(relay, "film")).toMatchObject({ width: 640, height: 480 });
  await moves(preview(page));
});

test("a_video_file_that_is_dropped_on_the_page_is_shared @full", async ({ visit, relay }) => {
  const file = await videoFile("up");
  const page = await visit("/broadcast?name=film", { at: relay });
  const base64 = (await readFile(file)).toString("base64");
  const data = await page.evaluateHandle((text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "up.webm", { type: "video/webm" }));
    return transfer;
  }, base64);
  const heading = page.getByRole("heading", { name: "Watch from your own program" });
  await heading.dispatchEvent("dragenter", { dataTransfer: data });
  await expect(page.getByText("Drop a video file to share it")).toBeVisible();
  await heading.dispatchEvent("drop", { dataTransfer: data });
  await expect(page.getByText("Drop a video file to share it")).toBeHidden();
  await isLive(page);
  await arrives(relay, "film");
});

test("a_file_that_is_no_video_is_explained @full", async ({ visit, relay }) => {
  const page = await visit("/broadcast?source=file", { at: relay });
  await page
    .getByTestId("file-input")
    .setInputFiles({ name: "notes.mp4", mimeType: "video/mp4", buffer: Buffer.from("not a video") });
  await expect(page.getByTestId("error-panel")).toHaveAttribute("data-problem", "file-unsupported");
  await page.getByRole("button", { name: "Try it without a camera" }).click();
  await isLive(page);
});

test("a_refused_camera_is_explained_and_takes_no_place @full", async ({ visit, relay, browserWith }) => {
  const page = await visit("/broadcast?name=cam", { at: relay, browser: await browserWith(camera.denied) });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "camera-denied");
  expect(await stream(relay, "cam")).toBeUndefined();
});

test("settings_act_at_once_and_stand_in_the_address @full", async ({ share, relay }) => {
  const page = await share("desk", "");
  await arrives(relay, "desk");
  await page.keyboard.press("[");
  await page.keyboard.press("m");
  await expect(page).toHaveURL(/width=1120/);
  await expect(page).toHaveURL(/mode=enhanced/);
  const has = async (width, mode) => {
    const told = await stream(relay, "desk");
    return told?.width === width && told.mode === mode;
  };
  await until(() => has(1120, "enhanced"), "the new width and mode");
  const slider = page.getByTestId("fps").getByRole("slider");
  await slider.focus();
  await slider.press("Home");
  await expect(page).toHaveURL(/fps=1(&|$)/);
  await expect.poll(async () => Number(await page.getByTestId("fps-out").textContent())).toBeLessThan(2);
  await page.getByTestId("reset-all").click();
  await expect(page).not.toHaveURL(/fps|width/);
  await until(() => has(1280, "enhanced"), "the usual width");
});

test("another_name_moves_the_stream @full", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  await page.getByTestId("name").fill("Büro & Tür 1/2");
  await page.keyboard.press("Enter");
  await isGone(relay, "desk");
  await arrives(relay, "Büro & Tür 1/2");
  await isLive(page);
  await moves(preview(page));
  await page.getByTestId("name").fill("a".repeat(129));
  await expect(page.getByText("A name can have at most 128 bytes")).toBeVisible();
});

test("the_page_comes_back_by_itself_after_a_restart_and_says_so", async ({ share, relay, serverWith }) => {
  const page = await share("desk");
  await relay.stop();
  await expect(state(page)).toHaveText("reconnecting");
  const panel = page.getByTestId("error-panel");
  await expect(panel).toContainText("Not sharing");
  await expect(panel).toContainText(/Retrying/);
  await screenshot(page, "broadcast-reconnecting");
  const again = await serverWith({ args: SETTINGS, listen: `127.0.0.1:${relay.port}` });
  await isLive(page, 40_000);
  await arrives(again, "desk");
  await moves(preview(page));
});

test("a_stream_that_an_administrator_ends_stays_ended_until_it_is_started", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  const answer = await fetch(`${relay.url}/api/v1/streams/desk`, { method: "DELETE" });
  expect(answer.status).toBe(204);
  await expect(state(page)).toHaveText("ended");
  await expect(page.getByTestId("error-panel")).toContainText("An administrator ended this stream");
  await page.waitForTimeout(2_500);
  expect(await stream(relay, "desk")).toBeUndefined();
  await page.getByRole("button", { name: "Start again" }).click();
  await isLive(page);
  await arrives(relay, "desk");
});

test("a_full_server_is_said_so_and_asked_again @full", async ({ visit, serverWith }) => {
  const at = await serverWith({ args: [...SETTINGS, "--set", "relay.max_streams=1"] });
  const first = await visit("/broadcast?source=test&start=1&name=first", { at });
  await isLive(first);
  const page = await visit("/broadcast?source=test&start=1&name=second", { at });
  await expect(page.getByTestId("error-panel")).toContainText("its maximum number of streams");
  await first.getByTestId("stop").click();
  await isGone(at, "first");
  // It asks again by itself, too, and may have been in before the click.
  await Promise.any([page.getByRole("button", { name: "Try now" }).click(), isLive(page)]);
  await isLive(page);
});

test("viewers_are_counted_without_the_page_itself @full", async ({ share, relay }) => {
  const page = await share("desk");
  const viewers = page.getByTestId("viewers");
  await expect(viewers).toHaveText("0");
  const other = new WebSocket(`${relay.url.replace("http", "ws")}/ws/view?streams=desk`);
  await expect(viewers).toHaveText("1");
  await page.keyboard.press("v");
  await expect(page).toHaveURL(/preview=off/);
  await expect(viewers).toHaveText("1");
  other.close();
  await expect(viewers).toHaveText("0");
});

test("who_watches_is_shown_by_name_and_whoever_has_none_is_counted", async ({ visit, serverWith }) => {
  const at = await serverWith({ args: SETTINGS, env: OWN_STORE });
  const keys = await Promise.all(["Anna", "gate phone"].map((name) => makeKey(at, name, "viewer")));
  const page = await visit("/broadcast?source=test&start=1&name=desk&width=480&fps=10&preview=off", { at });
  await isLive(page);
  const watch = (key) =>
    new WebSocket(`${at.url.replace("http", "ws")}/ws/view?streams=desk`, [], known(key));
  const watching = page.getByTestId("watching");
  const nameless = watch();
  await expect(page.getByTestId("viewers")).toHaveText("1");
  await page.waitForResponse(async (answer) => {
    return answer.url().endsWith("/api/v1/viewers") && (await answer.json()).viewers.length === 1;
  });
  await expect(watching).toBeEmpty();
  const anna = watch(keys[0]);
  await expect(watching).toHaveText("Watching: Anna and 1 other.");
  const phone = watch(keys[1]);
  await expect(watching).toHaveText("Watching: Anna, gate phone and 1 other.");
  nameless.close();
  await expect(watching).toHaveText("Watching: Anna and gate phone.");
  anna.close();
  await expect(watching).toHaveText("Watching: gate phone.");
  phone.close();
  await expect(watching).toBeEmpty();
});

test("a_link_may_start_the_test_picture_once_and_nothing_else @full", async ({ visit, relay }) => {
  const page = await visit("/broadcast?source=test&start=1&name=desk", { at: relay });
  await isLive(page);
  await expect(page).not.toHaveURL(/start/);
  const other = await visit("/broadcast?start=1&name=cam", { at: relay });
  await expect(state(other)).toHaveText("not sharing");
  await other.waitForTimeout(500);
  await expect(state(other)).toHaveText("not sharing");
});

test("the_address_on_the_page_plays_the_stream @full", async ({ share, relay }) => {
  const page = await share("desk");
  await arrives(relay, "desk");
  const address = await page.getByTestId("command").textContent();
  const stop = new AbortController();
  const response = await fetch(address, { signal: stop.signal });
  expect(response.headers.get("content-type")).toContain("multipart/x-mixed-replace");
  const { value } = await response.body.getReader().read();
  expect(Buffer.from(value).toString("latin1")).toContain("--frame");
  stop.abort();
});

test("the_wall_opens_in_a_tab_of_its_own_and_the_stream_goes_on @full", async ({ share, relay }) => {
  const page = await share("desk");
  const [wall] = await Promise.all([page.waitForEvent("popup"), page.getByTestId("to-wall").click()]);
  await expect(wall).toHaveURL(/\/wall\?one=desk/);
  await arrives(relay, "desk");
  await wall.close();
  await isLive(page);
});

test("a_change_of_state_is_announced @full", async ({ share }) => {
  const page = await share("desk");
  await expect(page.getByTestId("announcement")).toHaveText("live");
});

const PAGES = {
  idle: { path: "/broadcast", async ready() {} },
  live: {
    path: "/broadcast?source=test&start=1&name=front-desk",
    async ready(page) {
      await isLive(page);
      await expect(preview(page)).toBeVisible();
      await expect(page.getByTestId("viewers")).toHaveText("0");
    },
  },
  refused: {
    path: "/broadcast?source=test&start=1&name=%7F",
    async ready(page) {
      await expect(page.getByTestId("error-panel")).toBeVisible();
    },
  },
};

for (const [name, { path, ready }] of Object.entries(PAGES)) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`${name}_${screen}_is_accessible_and_fits${fullUnless(name === "live" && screen === "phone")}`, async ({
      visit,
      relay,
    }) => {
      const page = await visit(path, { at: relay, ...options, reducedMotion: "reduce" });
      await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
      await ready(page);
      await looksRight(page, `broadcast-${name}-${screen}`);
    });
  }
}

test("on_a_phone_the_picture_comes_first_and_the_controls_are_in_a_drawer @full", async ({
  visit,
  relay,
}) => {
  const page = await visit("/broadcast?source=test&start=1&name=desk", { at: relay, ...SCREENS.phone });
  await isLive(page);
  const [picture, name] = await Promise.all(
    [page.getByTestId("stage"), page.getByTestId("name")].map((one) => one.boundingBox()),
  );
  expect(picture.y).toBeLessThan(name.y);
  await page.getByRole("button", { name: "Controls" }).click();
  const drawer = page.getByRole("dialog", { name: "Controls" });
  await expect(drawer.getByTestId("quality")).toBeVisible();
  await drawer.getByText("Video file", { exact: true }).click();
  await expect(page).toHaveURL(/source=file/);
  await screenshot(page, "broadcast-phone-drawer");
  expect(await smallTargets(page)).toEqual([]);
});

test("nothing_moves_while_it_is_shared @full", async ({ share }) => {
  const page = await share("desk");
  await moves(preview(page));
  await page.waitForTimeout(1_500);
  expect(await layoutShift(page)).toBeLessThan(0.01);
});
