// The main job in a real browser: what happens before the camera is what the page shows.

import { until } from "../js/harness.mjs";
import { camera, clipFile, expect, screenshot, stands, test } from "./fixtures.mjs";

/** Opens the page, starts the camera, waits until it is live. */
async function live(visit, browser, path = "/recognise?mirror=off") {
  const page = await visit(path, { browser });
  await page.getByTestId("start").click();
  await expect(page.getByTestId("connection-state")).toHaveText(/live/, { timeout: 20_000 });
  return page;
}

test("in_a_mirror_left_and_right_change_places", { tag: "@alone" }, async ({ visit, browserWith }) => {
  const browser = await browserWith(camera.plays(await clipFile("left")));
  const page = await live(visit, browser, "/recognise");
  await expect(page.getByTestId("label")).toHaveText("right", { timeout: 30_000 });
  await stands(page, "right", 3_000);
  await page.keyboard.press("m");
  await expect(page.getByTestId("label")).toHaveText("left", { timeout: 30_000 });
  await stands(page, "left", 3_000);
});

test(
  "the_camera_is_recognised_25_times_a_second_and_the_way_is_measured",
  { tag: "@alone" },
  async ({ visit, browserWith }) => {
    const page = await live(visit, await browserWith(camera.plays(await clipFile("wave"))));
    await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
    await stands(page, "wave", 4_000);
    const number = async (id) => Number((await page.getByTestId(id).textContent()).replace(",", "."));
    // Rates are those of the last 3 s, delays those of the last 10 s.
    await expect(async () => {
      const fps = await number("fps");
      expect(fps).toBeGreaterThan(18);
      expect(fps).toBeLessThan(27);
      expect(await number("rtt-p50")).toBeGreaterThan(0);
      expect(await number("rtt-p95")).toBeGreaterThanOrEqual(await number("rtt-p50"));
      expect(await number("seen-p50")).toBeGreaterThan(0);
      expect(await number("score")).toBeGreaterThan(0);
    }).toPass({ timeout: 20_000 });
    await screenshot(page, "camera-wave");
  },
);

for (const gesture of ["right", "up"]) {
  test(
    `${gesture}_before_the_camera_is_shown`,
    { tag: ["@alone", "@full"] },
    async ({ visit, browserWith }) => {
      const page = await live(visit, await browserWith(camera.plays(await clipFile(gesture))));
      await expect(page.getByTestId("label")).toHaveText(gesture, { timeout: 30_000 });
      await stands(page, gesture, 5_000);
      await screenshot(page, `camera-${gesture}`);
    },
  );
}

test("a_refused_camera_is_explained_and_the_clip_offered", async ({ visit, browserWith }) => {
  const page = await visit("/recognise", { browser: await browserWith(camera.denied) });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "camera-denied");
  await expect(panel).toContainText("Camera access was denied");
  await expect(panel).toContainText("allow the camera");
  await screenshot(page, "camera-denied");
  await panel.getByRole("button", { name: "Try it without a camera" }).click();
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
});

test("a_machine_without_a_camera_is_told_so @full", async ({ visit, browserWith }) => {
  const page = await visit("/recognise", { browser: await browserWith(camera.missing) });
  await page.getByTestId("start").click();
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "camera-missing");
  await expect(panel).toContainText("No camera was found");
});

test("no_place_is_taken_before_the_camera_runs @full", async ({ visit, server }) => {
  await visit("/recognise");
  expect((await server.recognizer()).clients).toBe(0);
});

test("stopping_and_closing_give_the_place_back @full", async ({ visit, browserWith, server }) => {
  const browser = await browserWith(camera.plays(await clipFile("still")));
  const free = async () => (await server.recognizer()).clients === 0;
  const page = await live(visit, browser);
  expect(await free()).toBe(false);
  await page.getByTestId("stop").click();
  await until(free, "the place given back after Stop");
  await page.getByTestId("start").click();
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  await page.close();
  await until(free, "the place given back after closing the page");
});
