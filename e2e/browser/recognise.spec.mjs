// The Recognise page without a camera: generated clips, video files, links, trouble with the server.

import { Client } from "../js/client.mjs";
import { until } from "../js/harness.mjs";
import { isInView, overflow, SIDEWAYS } from "./accessible.mjs";
import { expect, fullUnless, screenshot, stands, test, videoFile } from "./fixtures.mjs";

// “still” is what a busy machine, which drops frames, takes for nothing else.

for (const gesture of ["still", "left", "down"]) {
  test(`a_link_to_the_clip_${gesture}_plays_and_recognises_it${fullUnless(gesture === "still")}`, async ({
    visit,
  }) => {
    const page = await visit(`/recognise?source=sample&gesture=${gesture}`);
    await expect(page.getByTestId("label")).toHaveText(gesture, { timeout: 30_000 });
    await stands(page, gesture, 2_000);
  });
}

test("on_a_phone_on_its_side_the_result_stands_beside_the_picture", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=still", SIDEWAYS);
  const label = page.getByTestId("label");
  await expect(label).toHaveText("still", { timeout: 30_000 });
  await isInView(label);
  await isInView(page.getByRole("region", { name: "Video" }), 0.5);
  await screenshot(page, "recognise-sideways");
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

test("a_chosen_gesture_acts_at_once_and_stands_in_the_address @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=still");
  await expect(page.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
  await page.getByTestId("gesture").selectOption("up");
  await expect(page).toHaveURL(/gesture=up/);
  await expect(page.getByTestId("label")).toHaveText("up", { timeout: 30_000 });
  await page.reload();
  await expect(page.getByTestId("label")).toHaveText("up", { timeout: 30_000 });
});

test("the_threshold_acts_at_once_and_can_be_reset @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=left&threshold=1.00");
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  await expect(page.getByTestId("label")).toHaveText("none", { timeout: 30_000 });
  await page.getByRole("button", { name: "Reset to 50 %" }).click();
  await expect(page).not.toHaveURL(/threshold/);
  await expect(page.getByTestId("label")).toHaveText("left", { timeout: 30_000 });
});

test("a_changed_label_is_announced_politely @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=left");
  const announcement = page.getByTestId("announcement");
  await expect(announcement).toHaveText("left", { timeout: 30_000 });
  await expect(announcement).toHaveAttribute("aria-live", "polite");
});

test("a_video_file_is_recognised @full", async ({ visit }) => {
  const page = await visit("/recognise?source=file");
  await page.getByTestId("file-input").setInputFiles(await videoFile("up"));
  await expect(page.getByTestId("label")).toHaveText("up", { timeout: 30_000 });
  await stands(page, "up", 2_000);
});

test("a_file_that_is_no_video_is_explained @full", async ({ visit }) => {
  const page = await visit("/recognise?source=file");
  await page
    .getByTestId("file-input")
    .setInputFiles({ name: "notes.mp4", mimeType: "video/mp4", buffer: Buffer.from("not a video") });
  await expect(page.getByTestId("error-panel")).toHaveAttribute("data-problem", "file-unsupported");
});

test("a_full_server_is_said_so_and_tried_again @full", async ({ visit, serverWith }) => {
  const full = await serverWith({ env: { MAX_CLIENTS: "1" } });
  const other = await new Client(full.url).ready();
  const page = await visit("/recognise?source=sample&gesture=left", { at: full });
  const panel = page.getByTestId("error-panel");
  await expect(panel).toHaveAttribute("data-problem", "full");
  await expect(panel).toContainText("The server is full");
  await screenshot(page, "server-full");
  other.close();
  await until(async () => (await full.recognizer()).clients === 0, "a free place");
  await panel.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByTestId("label")).toHaveText("left", { timeout: 30_000 });
});

test("the_page_comes_back_by_itself_after_a_restart", async ({ visit, serverWith }) => {
  const first = await serverWith();
  const page = await visit("/recognise?source=sample&gesture=still", { at: first });
  await expect(page.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
  await first.stop();
  await expect(page.getByTestId("connection-state")).toHaveText(/reconnecting|disconnected/);
  await expect(page.getByTestId("label")).toHaveText("–");
  await serverWith({ listen: `127.0.0.1:${first.port}` });
  await expect(page.getByTestId("label")).toHaveText("still", { timeout: 40_000 });
});

test("the_dummy_model_is_named_as_what_it_is @full", async ({ visit, serverWith }) => {
  const dummy = await serverWith({ env: { USE_DUMMY_MODEL: "1" } });
  const page = await visit("/recognise?source=sample&gesture=left", { at: dummy });
  await expect(page.getByTestId("label")).toHaveText("hello", { timeout: 30_000 });
  await expect(page.getByTestId("server-state")).toHaveText(/dummy/);
});

test("a_hidden_page_gives_its_place_back_and_returns", async ({ visit, server }) => {
  const page = await visit("/recognise?source=sample&gesture=still");
  await expect(page.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await until(async () => (await server.recognizer()).clients === 0, "the place given back");
  await hide(false);
  await expect(page.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
});
