// The page of all cameras, with simulated ones: their pictures and states, adding, testing, changing, removing.

import { until } from "../js/harness.mjs";
import { add, hide, look, looksOld, moves, SETTINGS, used } from "./cameras.mjs";
import { expect, screenshot, test } from "./fixtures.mjs";

const tile = (page, id) => page.getByTestId(`tile-${id}`);
const state = (page, id) => page.getByTestId(`state-${id}`);
const field = (page, name) => page.getByRole("dialog").getByRole("textbox", { name });

test("without_cameras_one_click_starts_a_simulated_one", async ({ visit, serverWith }) => {
  // Where no address of a camera is allowed, it runs all the same: the server draws it.
  const server = await serverWith({ args: [...SETTINGS, "--set", "cameras.allow="] });
  const page = await visit("/cameras", { at: server });
  await expect(page.getByRole("heading", { name: "No cameras yet" })).toBeVisible();
  await page.getByRole("button", { name: "Try a simulated camera" }).click();
  await expect(page).toHaveURL(/\/cameras\/simulated-street$/);
  await expect(page.getByTestId("camera-state")).toHaveText("live");
  await moves(page.getByTestId("picture"));
  await expect(page.getByTestId("class-motion")).toContainText(/motion\s*\d/, { timeout: 30_000 });
  // Another one is not made.
  await page.goto("/");
  await page.getByTestId("now-simulated-street").click();
  await expect(page).toHaveURL(/\/cameras\/simulated-street$/);
  expect((await server.get("/api/v1/cameras")).json.cameras).toHaveLength(1);
  // By hand, as any other.
  await page.goto("/cameras");
  await page.getByRole("button", { name: "Add a camera" }).click();
  await field(page, "Name").fill("Car park");
  await field(page, "Address").fill("simulated:car-park");
  await page.getByTestId("save-camera").click();
  await expect(state(page, "car-park")).toHaveText("live", { timeout: 20_000 });
});

test("a_camera_is_tested_added_watched_renamed_and_removed", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith("--fps", "10");
  const page = await visit("/cameras", { at: server });
  await page.getByTestId("add-first").click();
  await page.getByTestId("save-camera").click();
  await expect(page.getByRole("dialog")).toContainText("Enter a name");
  await field(page, "Name").fill("Front door");
  // People leave the beginning away.
  await field(page, "Address").fill(camera.stream.replace("http://", ""));
  await page.getByTestId("test-camera").click();
  const result = page.getByTestId("test-result");
  await expect(result).toHaveAttribute("data-state", "done");
  await expect(result).toContainText("It works: 640 × 480");
  await expect.poll(async () => (await look(result.locator("canvas"))).drawn).toBe(true);
  expect((await server.get("/api/v1/cameras")).json.cameras).toEqual([]);

  await page.getByTestId("save-camera").click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(state(page, "front-door")).toHaveText("live");
  await moves(tile(page, "front-door").locator("canvas"));
  await expect(tile(page, "front-door")).toContainText(/Frames in\s*\d+\.\d\s*fps/);
  await expect(page.getByTestId("summary")).toHaveText(
    "1 camera · 1 live · 1 of 5 camera connections in use",
  );
  await screenshot(page, "cameras-one");

  await page.getByRole("button", { name: "Edit Front door" }).click();
  await field(page, "Name").fill("Back door");
  await page.getByTestId("save-camera").click();
  await expect(tile(page, "front-door").getByRole("heading")).toHaveText("Back door");

  await page.getByRole("button", { name: "Edit Back door" }).click();
  await page.getByTestId("remove-camera").click();
  await page.getByTestId("really-remove").click();
  await expect(page.getByRole("heading", { name: "No cameras yet" })).toBeVisible();
  await until(async () => (await used(server)).upstreams === 0, "the removed camera closed");
});

test("a_test_that_fails_says_why_and_what_to_do @full", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith("--fault", "html");
  const page = await visit("/cameras", { at: server });
  await page.getByTestId("add-first").click();
  await field(page, "Address").fill(camera.stream);
  await page.getByTestId("test-camera").click();
  const result = page.getByTestId("test-result");
  await expect(result).toHaveAttribute("data-state", "failed");
  await expect(result).toContainText("answers with a web page instead of pictures");
  await field(page, "Address").fill("http://127.0.0.1:9/stream");
  await expect(result).toHaveAttribute("data-state", "idle");
  await page.getByTestId("test-camera").click();
  await expect(result).toContainText("cannot be reached");
  await screenshot(page, "cameras-test-failed");
});

test("an_address_that_is_not_allowed_is_refused_at_its_field", async ({ visit, serverWith }) => {
  const server = await serverWith({ args: [...SETTINGS, "--set", "cameras.allow="] });
  const page = await visit("/cameras", { at: server });
  await page.getByTestId("add-first").click();
  await field(page, "Name").fill("Front door");
  await field(page, "Address").fill("http://127.0.0.1:9/stream");
  await page.getByTestId("save-camera").click();
  await expect(field(page, "Address")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("dialog")).toContainText("allow it with cameras.allow");
});

test("a_hidden_password_stays_when_other_things_change @full", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith("--user", "eve:s3cret");
  const url = camera.stream.replace("http://", "http://eve:s3cret@");
  await add(server, "Safe", url);
  const page = await visit("/cameras", { at: server });
  await expect(state(page, "safe")).toHaveText("live");
  await page.getByRole("button", { name: "Edit Safe" }).click();
  await expect(field(page, "Address")).toHaveValue(/\/\/\*\*\*:\*\*\*@/);
  await expect(page.getByRole("dialog")).toContainText("Leave ***:*** unchanged");
  await page.getByTestId("test-camera").click();
  await expect(page.getByTestId("test-result")).toHaveAttribute("data-state", "done");
  await field(page, "Name").fill("Safer");
  await page.getByTestId("save-camera").click();
  await expect(tile(page, "safe").getByRole("heading")).toHaveText("Safer");
  await moves(tile(page, "safe").locator("canvas"));
  expect(await page.content()).not.toContain("s3cret");
});

test("a_camera_of_the_settings_file_is_read_only_and_says_where_it_stands @full", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const camera = await cameraWith();
  const table = `[[camera]]\nid = "gate"\nname = "Gate"\nurl = "${camera.stream}"\ndefault = true\n`;
  const server = await serverWith({ args: SETTINGS, files: { "sightwire.toml": table } });
  const page = await visit("/cameras", { at: server });
  await expect(state(page, "gate")).toHaveText("live");
  await expect(tile(page, "gate")).toContainText("default");
  await page.getByRole("button", { name: "Edit Gate" }).click();
  await expect(page.getByRole("dialog")).toContainText("This camera is defined in sightwire.toml");
  await expect(field(page, "Name")).toHaveAttribute("readonly", "");
  await expect(page.getByTestId("save-camera")).toBeHidden();
  await expect(page.getByTestId("remove-camera")).toBeHidden();
  await page.getByTestId("test-camera").click();
  await expect(page.getByTestId("test-result")).toHaveAttribute("data-state", "done");
});

test(
  "sixteen_cameras_never_keep_the_page_from_its_server",
  { tag: "@full" },
  async ({ visit, serverWith, cameraWith }) => {
    const server = await serverWith({ args: [...SETTINGS, "--set", "cameras.max_upstreams=16"] });
    const good = await cameraWith("--fps", "10", "--max-clients", "16");
    const dead = await cameraWith("--fault", "dead", "--max-clients", "16");
    for (let n = 0; n < 16; n += 1) await add(server, `Camera ${n}`, (n % 2 ? dead : good).stream);
    const page = await visit("/cameras", { at: server, viewport: { width: 1900, height: 2400 } });
    for (let n = 0; n < 16; n += 2) await expect(state(page, `camera-${n}`)).toHaveText("live");
    // The eight that never answer say so, and hold nothing up.
    for (let n = 1; n < 16; n += 2)
      await expect(state(page, `camera-${n}`)).toHaveText(/error/, { timeout: 30_000 });
    await expect(page.getByTestId("note-camera-1")).toContainText("did not answer");
    for (let n = 0; n < 16; n += 2) await moves(tile(page, `camera-${n}`).locator("canvas"));
    const slowest = await page.evaluate(async () => {
      const times = [];
      for (let n = 0; n < 10; n += 1) {
        const started = performance.now();
        await (await fetch("/api/v1/status")).json();
        times.push(performance.now() - started);
      }
      return Math.max(...times);
    });
    expect(slowest, "ms that the page waited for an answer").toBeLessThan(1_000);
    await screenshot(page, "cameras-sixteen");
  },
);

test("more_cameras_than_places_say_that_they_wait @full", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: [...SETTINGS, "--set", "cameras.max_upstreams=2"] });
  const camera = await cameraWith("--max-clients", "8");
  for (const name of ["A", "B", "C"]) await add(server, name, `${camera.stream}?${name}`);
  const page = await visit("/cameras", { at: server });
  await expect(page.getByText("waiting", { exact: true })).toHaveCount(1);
  await expect(page.getByText("live", { exact: true })).toHaveCount(2);
  await expect(page.getByText("It connects as soon as another camera disconnects.")).toBeVisible();
  // They do not take the places from one another.
  await page.waitForTimeout(3_000);
  expect((await camera.status()).streams_total).toBe(2);
});

test("hiding_leaving_or_closing_the_page_closes_the_cameras @full", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith();
  await add(server, "Yard", camera.stream);
  const page = await visit("/cameras", { at: server });
  await expect(state(page, "yard")).toHaveText("live");
  expect((await camera.status()).stream_clients).toBe(1);
  await hide(page, true);
  await until(async () => (await used(server)).upstreams === 0, "closed while the page is hidden");
  await expect(tile(page, "yard").locator("canvas")).toBeHidden();
  await hide(page, false);
  await expect(state(page, "yard")).toHaveText("live");
  await page.getByRole("link", { name: "Recognise", exact: true }).click();
  await until(async () => (await used(server)).upstreams === 0, "closed after leaving the page");
  await until(async () => (await camera.status()).stream_clients === 0, "the camera alone");
  await page.goBack();
  await expect(state(page, "yard")).toHaveText("live");
  await page.close();
  await until(async () => (await used(server)).upstreams === 0, "closed after closing the page");
});

test("the_start_page_shows_cameras_and_leads_to_them @full", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith();
  await add(server, "Yard", camera.stream);
  const page = await visit("/", { at: server });
  await expect(page.getByTestId("now-yard")).toHaveAccessibleName(/live Yard$/);
  await page.getByRole("link", { name: "Watch cameras" }).click();
  await expect(state(page, "yard")).toHaveText("live");
  await page.keyboard.press("1");
  await expect(page.getByTestId("now-yard")).toBeVisible();
  await page.keyboard.press("3");
  await page.keyboard.press("a");
  await expect(page.getByRole("dialog", { name: "Add a camera" })).toBeVisible();
});

test("a_silent_server_is_noticed_and_the_pictures_look_old @full", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith();
  await add(server, "Yard", camera.stream);
  const page = await visit("/cameras", { at: server });
  await expect(state(page, "yard")).toHaveText("live");
  await server.stop();
  await expect(page.getByTestId("silent")).toContainText("The server is not responding");
  await expect(state(page, "yard")).toHaveText("no response");
  await looksOld(tile(page, "yard").locator("canvas"));
});
