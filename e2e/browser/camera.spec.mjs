// The main job in a real browser: what happens before the camera is what the page shows.

import { until } from "../js/harness.mjs";
import { camera, expect, longest, screenshot, test, watchLabel, withClip } from "./fixtures.mjs";

/** Opens the page, starts the camera, waits until it is live. */
async function live(visit, browser, path = "/recognise?mirror=off") {
  const page = await visit(path, { browser });
  await page.getByTestId("start").click();
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  return page;
}

for (const gesture of ["left", "right", "up", "wave"]) {
  test(`${gesture}_before_the_camera_is_shown`, async ({ visit, browserWith }) => {
    await withClip(gesture, async (file) => {
      const page = await live(visit, await browserWith(camera.plays(file)));
      await expect(page.getByTestId("label")).toHaveText(gesture, { timeout: 15_000 });
      const counts = await watchLabel(page, 5_000);
      expect(longest(counts), JSON.stringify(counts)).toBe(gesture);
      await screenshot(page, `camera-${gesture}`);
    });
  });
}

test("in_a_mirror_left_and_right_change_places", async ({ visit, browserWith }) => {
  await withClip("left", async (file) => {
    const page = await live(visit, await browserWith(camera.plays(file)), "/recognise");
    const mirrored = await watchLabel(page, 5_000);
    expect(longest(mirrored), JSON.stringify(mirrored)).toBe("right");
    await page.keyboard.press("m");
    await page.waitForTimeout(1_500);
    const plain = await watchLabel(page, 5_000);
    expect(longest(plain), JSON.stringify(plain)).toBe("left");
  });
});

test("the_page_sends_25_frames_a_second_and_measures_the_way", async ({ visit, browserWith }) => {
  await withClip("wave", async (file) => {
    const page = await live(visit, await browserWith(camera.plays(file)));
    await page.waitForTimeout(4_000);
    const number = async (id) => Number((await page.getByTestId(id).textContent()).replace(",", "."));
    const fps = await number("fps");
    expect(fps).toBeGreaterThan(18);
    expect(fps).toBeLessThan(27);
    expect(await number("rtt-p50")).toBeGreaterThan(0);
    expect(await number("rtt-p95")).toBeGreaterThanOrEqual(await number("rtt-p50"));
    expect(await number("seen-p50")).toBeGreaterThan(0);
    expect(await number("score")).toBeGreaterThan(0);
  });
});

test("a_refused_camera_is_explained_and_the_clip_offered", async ({ visit, browserWith }) => {
  const page = await visit("/recognise", { browser: await browserWith(camera.denied) });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "camera-denied");
  await expect(panel).toContainText("The camera is not allowed here");
  await expect(panel).toContainText("allow the camera");
  await screenshot(page, "camera-denied");
  await panel.getByRole("button", { name: "Try it without a camera" }).click();
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 15_000 });
});

test("a_machine_without_a_camera_is_told_so", async ({ visit, browserWith }) => {
  const page = await visit("/recognise", { browser: await browserWith(camera.missing) });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "camera-missing");
  await expect(panel).toContainText("No camera was found");
});

test("no_place_is_taken_before_the_camera_runs", async ({ visit, server }) => {
  await visit("/recognise");
  expect((await server.recognizer()).clients).toBe(0);
});

test("stopping_and_closing_give_the_place_back", async ({ visit, browserWith, server }) => {
  await withClip("still", async (file) => {
    const browser = await browserWith(camera.plays(file));
    const free = async () => (await server.recognizer()).clients === 0;
    const page = await live(visit, browser);
    expect(await free()).toBe(false);
    await page.getByTestId("stop").click();
    await until(free, 2_000, "the place given back after Stop");
    await page.getByTestId("start").click();
    await expect(page.getByTestId("connection-state")).toHaveText(/live/);
    await page.close();
    await until(free, 2_000, "the place given back after closing the page");
  });
});
