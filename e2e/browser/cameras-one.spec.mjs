// The page of one camera: settings that act at once and cost no second analysis, what is found, who watches.

import { readFile } from "node:fs/promises";

import { until } from "../js/harness.mjs";
import { isInView, overflow, SIDEWAYS } from "./accessible.mjs";
import { add, hide, looksOld, moves, SETTINGS, used } from "./cameras.mjs";
import { expect, fullUnless, screenshot, test } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */

const stream = async (/** @type {Server} */ server, id = "yard") =>
  (await server.get(`/api/v1/streams/${id}`)).json;
const viewer = async (/** @type {Server} */ server) =>
  (await stream(server)).viewer_list.filter(({ kind }) => kind === "mjpeg").map(({ endpoint }) => endpoint);

/** A server with one camera, and its page. */
async function open(visit, serverWith, cameraWith, search = "", options = {}) {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith("--fps", "10");
  await add(server, "Yard", camera.stream);
  const page = await visit(`/cameras/yard${search}`, { at: server, ...options });
  await expect(page.getByTestId("camera-state")).toHaveText("live", { timeout: 20_000 });
  return { server, camera, page };
}

test("objects_are_found_listed_counted_and_drawn", async ({ visit, serverWith, cameraWith }) => {
  const { page, server } = await open(visit, serverWith, cameraWith);
  await moves(page.getByTestId("picture"));
  // The built-in motion model needs no download; cars move in the simulated car park.
  await expect(page.getByTestId("detector")).toContainText("Detected by motion");
  await expect(page.getByTestId("class-motion")).toContainText(/motion\s*\d/, { timeout: 30_000 });
  await expect
    .poll(async () => Number(await page.getByTestId("object-count").textContent()), { timeout: 20_000 })
    .toBeGreaterThan(0);
  // Ten; a busy machine gets fewer.
  for (const rate of ["fps-in", "fps-here"])
    await expect(page.getByTestId(rate)).toHaveText(/^[1-9]\d*\.\d$/);
  await expect(page.getByTestId("delay-p50")).toHaveText(/^\d+(\.\d)?$/);
  // The picture and the list of what is in it go to one person.
  await expect(page.getByTestId("viewer-list").getByRole("row")).toHaveCount(2);
  await expect(page.getByTestId("viewers")).toHaveText("1");
  await expect(page.getByTestId("viewer-list")).toContainText("/stream/detect");
  await expect.poll(async () => (await used(server)).analyses).toBe(1);
  await screenshot(page, "camera-objects");
});

test("on_a_phone_on_its_side_the_picture_is_on_the_screen", async ({ visit, serverWith, cameraWith }) => {
  const { page } = await open(visit, serverWith, cameraWith, "", SIDEWAYS);
  const picture = page.getByTestId("picture");
  await moves(picture);
  await isInView(picture, 0.9);
  await screenshot(page, "camera-sideways");
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

test("settings_act_at_once_stand_in_the_address_and_share_one_analysis @full", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const { page, server } = await open(visit, serverWith, cameraWith, "?view=tracking");
  await expect.poll(() => viewer(server)).toEqual(["/stream/tracking"]);
  let most = 0;
  let watch = true;
  const watching = (async () => {
    while (watch) {
      most = Math.max(most, (await used(server)).analyses);
      await new Promise((done) => setTimeout(done, 50));
    }
  })();
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await expect(page).toHaveURL(/\?view=tracking&conf=0\.35$/);
  const views = async () => (await stream(server)).analyses.flatMap((one) => one.views);
  await expect.poll(async () => (await views()).map((one) => one.confidence.toFixed(2))).toEqual(["0.35"]);
  await page.getByTestId("labels").uncheck();
  await expect.poll(async () => (await views()).map((one) => one.labels)).toEqual([false]);
  await page.getByTestId("trails").uncheck();
  await expect.poll(async () => (await views()).map((one) => one.trails)).toEqual([false]);
  await expect(page).toHaveURL(/labels=off&trails=off$/);
  await moves(page.getByTestId("picture"));
  await expect(page.getByTestId("class-motion")).toBeVisible({ timeout: 30_000 });
  await page.getByTestId("class-motion").click();
  await expect(page).toHaveURL(/classes=motion$/);
  await expect.poll(async () => (await views()).map((one) => one.classes)).toEqual([["motion"]]);
  watch = false;
  await watching;
  expect(most, "analyses at once, while only views changed").toBe(1);

  await page.getByTestId("reset-all").click();
  await expect(page).toHaveURL(/\/cameras\/yard\?view=tracking$/);
  // A shared address opens as it was.
  await page.goto("/cameras/yard?view=tracking&conf=0.60&fps=5&skip=3&labels=off");
  await expect(page.getByTestId("labels")).not.toBeChecked();
  await expect
    .poll(async () => (await stream(server)).analyses.map((one) => [one.fps, one.skip_frames]))
    .toEqual([[5, 3]]);
});

test("a_change_of_settings_never_blanks_the_picture @full", async ({ visit, serverWith, cameraWith }) => {
  const { page } = await open(visit, serverWith, cameraWith);
  const blank = page.evaluate(async () => {
    /** @type {HTMLCanvasElement} */
    const canvas = document.querySelector('[data-testid="picture"]');
    const state = document.querySelector('[data-testid="camera-state"]');
    const seen = new Set();
    for (const end = performance.now() + 5_000; performance.now() < end;) {
      const [r, g, b, a] = canvas.getContext("2d").getImageData(320, 240, 1, 1).data;
      if (a === 0 || r + g + b === 0 || canvas.hidden) seen.add("blank");
      seen.add(state.textContent);
      await new Promise((done) => requestAnimationFrame(done));
    }
    return [...seen];
  });
  for (const key of ["+", "v", "b", "-", "v", "v", "0"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(500);
  }
  expect(await blank).toEqual(["live"]);
});

test("the_plain_picture_costs_no_analysis @full", async ({ visit, serverWith, cameraWith }) => {
  const { page, server } = await open(visit, serverWith, cameraWith, "?view=plain");
  await moves(page.getByTestId("picture"));
  expect(await viewer(server)).toEqual(["/stream"]);
  expect((await used(server)).analyses).toBe(0);
  await expect(page.getByText("Detection is off in this view.")).toBeVisible();
  await page.getByText("Objects", { exact: true }).click();
  await expect.poll(async () => (await used(server)).analyses).toBe(1);
  await page.getByText("Video", { exact: true }).click();
  await expect.poll(async () => (await used(server)).analyses).toBe(0);
});

test("two_pages_cost_one_reader_and_one_analysis @full", async ({ visit, serverWith, cameraWith }) => {
  const { server, camera } = await open(visit, serverWith, cameraWith);
  const other = await visit("/cameras/yard?conf=0.60", { at: server });
  await expect(other.getByTestId("camera-state")).toHaveText("live");
  await expect(other.getByTestId("viewers")).toHaveText("2");
  const now = await used(server);
  expect([now.upstreams, now.analyses]).toEqual([1, 1]);
  expect((await camera.status()).stream_clients).toBe(1);
});

for (const [how, end] of Object.entries({
  closing_the_tab: (page) => page.close(),
  leaving_the_page: (page) => page.getByRole("link", { name: "Recognise", exact: true }).click(),
  loading_another_address: (page) => page.goto("about:blank"),
})) {
  test(`${how}_ends_all_work${fullUnless(how === "leaving_the_page")}`, async ({
    visit,
    serverWith,
    cameraWith,
  }) => {
    const { page, server, camera } = await open(visit, serverWith, cameraWith, "?view=tracking");
    await expect.poll(async () => (await used(server)).viewers).toBe(1);
    await end(page);
    await until(async () => (await used(server)).viewers === 0, "the viewers gone");
    await until(async () => (await used(server)).upstreams === 0, "the camera closed after its linger");
    const now = await used(server);
    expect([now.analyses, now.views]).toEqual([0, 0]);
    // The camera hears of it over the network.
    await until(async () => (await camera.status()).stream_clients === 0, "the camera alone");
  });
}

test("a_hidden_page_frees_everything_and_comes_back_with_new_pictures", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const { page, server } = await open(visit, serverWith, cameraWith);
  await hide(page, true);
  await until(async () => (await used(server)).viewers === 0, "the viewers gone");
  await until(async () => (await used(server)).upstreams === 0, "the camera closed");
  await expect(page.getByTestId("picture")).toBeHidden();
  await hide(page, false);
  await expect(page.getByTestId("camera-state")).toHaveText("live");
  await moves(page.getByTestId("picture"));
});

test("the_picture_on_the_screen_is_saved_as_a_file @full", async ({ visit, serverWith, cameraWith }) => {
  const { page } = await open(visit, serverWith, cameraWith);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("save").click()]);
  expect(download.suggestedFilename()).toMatch(/^yard-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.jpg$/);
  const jpeg = await readFile(await download.path());
  expect([jpeg[0], jpeg[1], jpeg.at(-2), jpeg.at(-1)]).toEqual([0xff, 0xd8, 0xff, 0xd9]);
});

test("the_snippets_hold_an_address_that_works @full", async ({ visit, serverWith, cameraWith }) => {
  const { page } = await open(visit, serverWith, cameraWith, "?view=tracking&conf=0.40");
  const url = await page.getByTestId("command").textContent();
  expect(url).toContain("/stream/tracking?camera=yard&conf=0.40");
  const response = await fetch(url);
  expect(response.headers.get("content-type")).toBe("multipart/x-mixed-replace; boundary=frame");
  await response.body.cancel();
  await expect(page.getByLabel("ffmpeg snippet", { exact: true })).toContainText(url);
  await expect(page.getByLabel("Python snippet for frames", { exact: true })).toContainText(url);
  // An <img> of a page of one's own, as the HTML snippet has it.
  const drawn = await page.evaluate(async (src) => {
    const image = new Image();
    image.src = src;
    await new Promise((done, fail) => Object.assign(image, { onload: done, onerror: fail }));
    const size = [image.naturalWidth, image.naturalHeight];
    image.src = "";
    return size;
  }, url);
  expect(drawn).toEqual([640, 480]);
});

test("every_action_has_a_key_and_they_are_listed @full", async ({ visit, serverWith, cameraWith }) => {
  const { page, server } = await open(visit, serverWith, cameraWith);
  await add(server, "Gate", "http://127.0.0.1:9/stream");
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const what of ["Video, objects, tracks", "Confidence up", "Save the frame", "Next camera"]) {
    await expect(dialog).toContainText(what);
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.keyboard.press("v");
  await expect(page).toHaveURL(/view=tracking/);
  await page.keyboard.press("e");
  await expect(page.getByRole("dialog", { name: "Yard" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Yard" })).toBeHidden();
  // The list of cameras is asked for every three seconds.
  await expect(async () => {
    await page.keyboard.press("n");
    await expect(page).toHaveURL(/\/cameras\/gate/, { timeout: 500 });
  }).toPass();
  await expect(page.getByTestId("camera-state")).toHaveText("error");
  await expect(page.getByTestId("camera-note")).toContainText("cannot be reached");
});

test("an_unknown_camera_says_so_and_leads_back @full", async ({ visit, serverWith }) => {
  const page = await visit("/cameras/nowhere", { at: await serverWith({ args: SETTINGS }) });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Camera not found");
  await page.getByRole("link", { name: "All cameras" }).click();
  await expect(page.getByRole("heading", { name: "No cameras yet" })).toBeVisible();
});

test("a_stopped_server_is_said_and_the_picture_looks_old", async ({ visit, serverWith, cameraWith }) => {
  const { page, server } = await open(visit, serverWith, cameraWith);
  await server.stop();
  await expect(page.getByTestId("camera-state")).toHaveText("no response", { timeout: 30_000 });
  await expect(page.getByTestId("camera-note")).toHaveText(/This frame is \d+ s old\. It was stopped/);
  await looksOld(page.getByTestId("picture"));
});
