// The start page, the keys and the addresses.

import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { HOME, removeFolder, sleep } from "../js/harness.mjs";
import { overflow } from "./accessible.mjs";
import { add, moves, SETTINGS, used } from "./cameras.mjs";
import { expect, screenshot, test } from "./fixtures.mjs";
import { pasted, PROGRAMS } from "./pasted.mjs";
import { senders } from "./senders.mjs";

const MOTION = ["--set", "detector.model=motion"];

test("the_start_page_says_what_runs", async ({ visit, server }) => {
  const page = await visit("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Ready");
  await expect(page.getByTestId("server-state")).toHaveText(/ready/);
  const { engine } = (await server.get("/api/v1/status")).json;
  const facts = page.getByRole("region", { name: "System" });
  await expect(facts).toContainText("gestures, 8 classes");
  await expect(facts).toContainText(engine.jpeg);
  await expect(facts).toContainText(engine.runtime_version);
});

test("what_runs_is_seen_on_the_start_page_and_what_was_recognised_last", async ({ visit, serverWith }) => {
  const server = await serverWith({ args: ["--set", "cameras.file=cameras.json", ...MOTION] });
  await add(server, "Street", "simulated:street");
  const page = await visit("/recognise?source=sample&gesture=wave", { at: server });
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  await page.goto("/");
  await expect(page.getByTestId("now-street")).toHaveAccessibleName(/live Street$/);
  await moves(page.getByTestId("now-street").locator("canvas"));
  await expect(page.getByTestId("last-sign")).toContainText(/^\w+\d+ %\d+ s ago$/);
  // The camera is read for this page, and for nobody when it is gone.
  expect((await used(server)).upstreams).toBe(1);
  await page.goto("/health");
  await expect.poll(async () => (await used(server)).upstreams, { timeout: 30_000 }).toBe(0);
});

test("what_needs_attention_is_said_and_leads_there", async ({ visit, serverWith }) => {
  const server = await serverWith({
    args: ["--set", "cameras.file=cameras.json", "--set", "cameras.allow=127.0.0.0/8", ...MOTION],
  });
  await add(server, "Gate", "http://127.0.0.1:9/stream");
  const page = await visit("/", { at: server });
  const item = page.getByTestId("attention").getByRole("link", { name: /^Gate: / });
  await item.click();
  await expect(page).toHaveURL(/\/cameras\/gate$/);
});

test("a_picture_keeps_its_place_under_a_pointer_and_trouble_comes_first_after_that", async ({
  visit,
  serverWith,
}) => {
  const { send, stop } = senders();
  const at = await serverWith({ args: SETTINGS });
  const last = await send(at, "b");
  await send(at, "a");
  const page = await visit("/", { at });
  const names = page.getByTestId(/^now-/);
  const order = () => names.evaluateAll((tiles) => tiles.map((tile) => tile.dataset.testid));
  await expect.poll(order).toEqual(["now-a", "now-b"]);
  await page.getByTestId("now-a").hover();
  last.mood = "hold";
  await expect(page.getByTestId("now-b")).toHaveAccessibleName(/(stalled|frozen).* b$/, { timeout: 15_000 });
  // Longer than an order is held without a pointer.
  await sleep(6000);
  expect(await order()).toEqual(["now-a", "now-b"]);
  await page.mouse.move(0, 0);
  await expect.poll(order, { timeout: 15_000 }).toEqual(["now-b", "now-a"]);
  await stop();
});

test("the_form_for_a_camera_is_one_step_away_and_not_shown_again", async ({ visit, serverWith }) => {
  const page = await visit("/", { at: await serverWith({ args: SETTINGS }) });
  await page.getByRole("link", { name: "Add a camera" }).click();
  const form = page.getByRole("dialog", { name: "Add a camera" });
  await expect(form).toBeVisible();
  await expect(page).toHaveURL(/\/cameras$/);
  await page.keyboard.press("Escape");
  await expect(form).toBeHidden();
  await page.getByRole("link", { name: "Health", exact: true }).click();
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cameras");
  await expect(form).toBeHidden();
});

test("it_leads_to_the_clip_in_one_step @full", async ({ visit }) => {
  const page = await visit("/");
  await page.getByRole("link", { name: "Try it without a camera" }).click();
  await expect(page).toHaveURL(/\/recognise\?source=sample&gesture=wave/);
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  await page.goBack();
  await expect(page).toHaveURL(/\/$/);
});

test("question_mark_lists_the_keys_and_the_keys_work", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=left");
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(dialog).toContainText("Start or stop");
  await screenshot(page, "shortcuts");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.keyboard.press("s");
  await expect(page.getByTestId("start")).toBeVisible();
  await page.keyboard.press("s");
  await expect(page.getByTestId("stop")).toBeVisible();
  await page.keyboard.press("n");
  await expect(page).not.toHaveURL(/gesture=left/);
  await page.keyboard.press("1");
  await expect(page).toHaveURL(/\/$/);
});

test("the_skip_link_stays_on_its_page", async ({ visit }) => {
  const page = await visit("/health");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Health");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await expect(page).toHaveURL(/\/health$/);
});

test("everything_can_be_reached_with_the_tab_key @full", async ({ visit }) => {
  const page = await visit("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  const names = new Set();
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press("Tab");
    names.add(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ""));
  }
  for (const name of ["Recognise", "Use my camera", "Try it without a camera"]) expect(names).toContain(name);
});

test("an_unknown_address_says_so_and_leads_back", async ({ visit }) => {
  const page = await visit("/no/such/page");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Page not found");
  await page.getByRole("link", { name: "Go to the start page" }).click();
  await expect(page).toHaveURL(/\/$/);
});

test("a_stopped_server_is_noticed @full", async ({ visit, serverWith }) => {
  const server = await serverWith({ env: { USE_DUMMY_MODEL: "1" } });
  const page = await visit("/", { at: server });
  await expect(page.getByTestId("server-state")).toHaveText(/dummy/);
  await server.stop();
  await expect(page.getByTestId("server-state")).toHaveText(/no response/, { timeout: 30_000 });
  await screenshot(page, "server-stopped");
});

test("a_server_without_its_library_says_the_command_and_gets_it_at_a_click", async ({
  visit,
  serverWith,
}) => {
  const home = mkdtempSync(join(tmpdir(), "sightwire-bare-"));
  try {
    const env = { SIGHTWIRE_HOME: home, PIP_INDEX_URL: "http://127.0.0.1:9/simple", PIP_RETRIES: "0" };
    const server = await serverWith({ env });
    const page = await visit("/recognise", { at: server });
    const command = `SIGHTWIRE_HOME=${home} sightwire models pull runtime`;
    await expect(page.getByTestId("command")).toHaveText(command);
    await page.goto(server.url);
    await expect(page.getByTestId("server-state")).toHaveText(/model failed/);
    await expect(page.getByTestId("command")).toHaveText(command);
    await screenshot(page, "without-library");
    // The long state has no room on a phone, and does not widen its page.
    const size = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflow(page)).toBe(0);
    await page.setViewportSize(size);
    // As if it had been fetched: what is there already is not fetched again.
    symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
    await page.getByRole("button", { name: "Download now" }).click();
    await expect(page.getByTestId("server-state")).toHaveText(/ready/, { timeout: 60_000 });
    await expect(page.getByTestId("command")).toHaveCount(0);
  } finally {
    // The server, which ends after this, may be writing to it.
    removeFolder(home);
  }
});

for (const [language, file, program] of PROGRAMS) {
  test(`the_${language}_snippet_works_when_pasted @full`, async ({ visit }) => {
    const page = await visit("/");
    const code = await page.getByLabel(`${language} snippet`, { exact: true }).textContent();
    await pasted(program, file, code, /wave.* 0\.\d+/);
  });
}
