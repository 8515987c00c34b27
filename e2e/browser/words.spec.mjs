// What the page makes of the results: a sentence, a list of the likeliest labels, a CSV file.

import { readFile } from "node:fs/promises";

import { looksRight, overflow, SCREENS, smallTargets, violations } from "./accessible.mjs";
import { expect, recorded, screenshot, test } from "./fixtures.mjs";

// Each of them keeps a core busy.
test.describe.configure({ mode: "default" });

const sentence = (page) => page.getByTestId("sentence");
const rows = (page) => page.getByTestId("bars").getByRole("listitem");
const recording = (page) => page.getByTestId("recording");

/** Plays this gesture and waits until it is read. */
async function play(page, gesture) {
  await page.getByTestId("gesture").selectOption(gesture);
  await expect(page.getByTestId("label")).toHaveText(gesture, { timeout: 30_000 });
}

// “still” and “wave” are what a busy machine, which drops frames, takes for nothing else.

test("a_gesture_that_is_held_becomes_one_word", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(sentence(page)).toContainText("Hold a sign");
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.waitForTimeout(4_000);
  await expect(sentence(page)).toHaveText("wave");
});

test("stillness_parts_two_words_and_is_one_only_on_request @alone @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await play(page, "still");
  await page.waitForTimeout(1_500);
  await expect(sentence(page)).toHaveText("wave");
  await play(page, "wave");
  await expect(sentence(page)).toHaveText("wave wave");
  await page.getByTestId("rest").check();
  await expect(page).toHaveURL(/rest=on$/);
  await play(page, "still");
  await expect(sentence(page)).toHaveText("wave wave still");
  await expect(page.getByTestId("word-count")).toHaveText("3 words");
});

test("words_are_taken_back_cleared_brought_back_and_copied", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=still&rest=on", {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await expect(sentence(page)).toHaveText("still", { timeout: 30_000 });
  await play(page, "wave");
  await expect(sentence(page)).toHaveText("still wave");
  await page.getByRole("button", { name: /^Copy: the sentence/ }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("still wave");

  const undo = page.getByRole("button", { name: /^Undo/ });
  await undo.click();
  await expect(sentence(page)).toHaveText("still");
  // What is still shown was taken back: it does not come again by itself.
  await page.waitForTimeout(1_500);
  await expect(sentence(page)).toHaveText("still");
  await page.getByRole("button", { name: /^Clear/ }).click();
  await expect(sentence(page)).toContainText("Hold a sign");
  await expect(undo).toHaveAccessibleName("Undo: restores the cleared words");
  await undo.click();
  await expect(sentence(page)).toHaveText("still");
});

test("the_sentence_has_keys @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave", {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.keyboard.press("w");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("wave");
  await page.keyboard.press("x");
  await expect(sentence(page)).toContainText("Hold a sign");
  await page.keyboard.press("u");
  await expect(sentence(page)).toHaveText("wave");
  await page.keyboard.press("u");
  await expect(sentence(page)).toContainText("Hold a sign");
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const what of ["Copy the sentence", "Start or stop recording", "Models"]) {
    await expect(dialog).toContainText(what);
  }
});

test("each_new_word_is_announced_politely_with_its_number @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=still&rest=on");
  const announcement = page.getByTestId("sentence-announcement");
  await expect(announcement).toHaveText("Word 1: still", { timeout: 30_000 });
  await expect(announcement).toHaveAttribute("aria-live", "polite");
  await play(page, "wave");
  await expect(announcement).toHaveText("Word 2: wave");
  await page.keyboard.press("x");
  await expect(announcement).toHaveText("The sentence is empty.");
});

test("the_sentence_outlives_a_look_at_the_start_page @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.keyboard.press("1");
  await expect(page).toHaveURL(/\/$/);
  await page.keyboard.press("2");
  await expect(sentence(page)).toHaveText("wave");
});

test("steadiness_and_threshold_act_at_once_stand_in_the_address_and_reset @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave&threshold=1.00&steady=25");
  await expect(page.getByTestId("label")).toHaveText("none", { timeout: 30_000 });
  await page.waitForTimeout(2_000);
  await expect(sentence(page)).toContainText("25 equal predictions in a row");
  const threshold = page.getByRole("slider", { name: "Threshold" });
  await expect(threshold).toHaveAttribute("aria-valuetext", "100 %");
  await page.keyboard.press("0");
  await expect(threshold).toHaveAttribute("aria-valuetext", "50 %");
  await expect(page).toHaveURL(/gesture=wave&steady=25$/);
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.keyboard.press("<");
  await expect(page).toHaveURL(/steady=24$/);
  await page.getByRole("button", { name: "Reset to 8" }).click();
  await expect(page).toHaveURL(/gesture=wave$/);
  await page.keyboard.press("+");
  await expect(page).toHaveURL(/threshold=0.55$/);
});

test("the_likeliest_labels_are_listed_first_and_as_many_as_are_asked_for @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=down&top=3");
  await expect(page.getByTestId("label")).toHaveText("down", { timeout: 30_000 });
  await expect(rows(page)).toHaveCount(3);
  await expect(rows(page).first()).toContainText("down");
  await expect(page.getByRole("heading", { name: "Top 3 of 8 labels" })).toBeVisible();
  await page.keyboard.press("k");
  await expect(page).toHaveURL(/top=5$/);
  await expect(rows(page)).toHaveCount(5);
  await expect(rows(page).first()).toContainText("down");
  await page.getByTestId("top").getByText("All").click();
  await expect(page).toHaveURL(/gesture=down$/);
  await expect(rows(page)).toHaveCount(8);
  await expect(rows(page).first()).toContainText("still");
});

test("the_list_changes_its_order_at_most_twice_a_second_and_nothing_else_moves @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave&top=5");
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  const seen = await page.evaluate(async () => {
    let shift = 0;
    const shifts = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shift += /** @type {any} */ (entry).value;
    });
    shifts.observe({ type: "layout-shift" });
    const names = () =>
      [...document.querySelectorAll('[data-testid="bars"] li')].map((li) => li.getAttribute("data-label"));
    const widths = new Set();
    let orders = 0;
    let before = names().join();
    const begun = performance.now();
    for (const end = begun + 5_000; performance.now() < end;) {
      const now = names().join();
      if (now !== before) orders += 1;
      before = now;
      /** @type {HTMLElement} */
      const bar = document.querySelector('[data-testid="bars"] [data-part]');
      widths.add(bar.style.transform);
      await new Promise((done) => requestAnimationFrame(done));
    }
    shifts.disconnect();
    return { shift, orders, values: widths.size, seconds: (performance.now() - begun) / 1000 };
  });
  expect(seen.orders).toBeLessThanOrEqual(2 * seen.seconds + 1);
  expect(seen.shift).toBeLessThan(0.01);
  // The bars themselves follow the results.
  expect(seen.values).toBeGreaterThan(5);
});

/** Fields of a CSV file as RFC 4180 has it; throws where it is none. */
function parseCsv(text) {
  const lines = [];
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y;
  let line = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const found = field.exec(text);
    if (found === null) throw new Error(`not a field: ${text.slice(at, at + 40)}`);
    line.push(found[1].startsWith('"') ? found[1].slice(1, -1).replaceAll('""', '"') : found[1]);
    if (found[2] === ",") continue;
    lines.push(line);
    line = [];
  }
  const [head, ...rest] = lines;
  return rest.map((values) => {
    if (values.length !== head.length) throw new Error(`${values.length} fields, not ${head.length}`);
    return Object.fromEntries(head.map((name, n) => [name, values[n]]));
  });
}

async function download(page) {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download CSV" }).click(),
  ]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

test("predictions_are_recorded_and_saved_as_csv", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  await expect(page.getByTestId("recording-text")).toContainText("up to 1 h.");
  const from = Date.now();
  await page.getByRole("button", { name: "Record" }).click();
  await expect(page.getByTestId("recording-state")).toHaveText(/recording 0:\d\d/);
  await expect.poll(() => recorded(page), { timeout: 30_000 }).toBeGreaterThan(20);
  await page.getByRole("button", { name: "Stop recording" }).click();
  const to = Date.now();
  await expect(page.getByTestId("recording-state")).toHaveCount(0);
  await screenshot(page, "recording-stopped");

  const { name, text } = await download(page);
  expect(name).toMatch(/^sightwire-predictions-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.csv$/);
  const labels = ["still", "left", "right", "up", "down", "push", "pull", "wave"];
  const scores = labels.map((label) => `score_${label}`);
  expect(text.slice(0, text.indexOf("\r\n"))).toBe(
    ["time", "label", "score", "delay_ms", "seen", "model", ...scores].join(),
  );
  const lines = parseCsv(text);
  // Results over a clip's restart are left out, so it is not 25 in each second.
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.length).toBeLessThan((25 * (to - from)) / 1000 + 30);
  /** @type {Record<string, string>} */
  let before = { time: "", seen: "-1" };
  for (const line of lines) {
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(line.time)).toBeGreaterThanOrEqual(from);
    expect(Date.parse(line.time)).toBeLessThanOrEqual(to);
    expect(line.time >= before.time).toBe(true);
    expect(Number(line.seen)).toBeGreaterThan(Number(before.seen));
    expect(Number(line.delay_ms)).toBeGreaterThan(0);
    expect(line.model).toBe("gestures");
    const all = scores.map((column) => Number(line[column]));
    expect(Math.abs(all.reduce((sum, score) => sum + score) - 1)).toBeLessThan(0.01);
    expect(Math.abs(Number(line.score) - Math.max(...all))).toBeLessThan(0.0002);
    if (line.label !== "none") expect(line.label).toBe(labels[all.indexOf(Math.max(...all))]);
    before = line;
  }
  expect(lines.filter((line) => line.label === "wave").length).toBeGreaterThan(lines.length / 2);
});

test("a_recording_goes_on_after_a_stop_and_is_thrown_away_only_on_purpose @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  const count = () => recorded(page);
  await page.keyboard.press("e");
  await expect.poll(count).toBeGreaterThan(10);
  await page.keyboard.press("e");
  await expect(recording(page).getByRole("button", { name: "Continue" })).toBeVisible();
  const first = await count();
  await page.keyboard.press("1");
  await expect(page).toHaveURL(/\/$/);
  await page.goBack();
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  expect(await count()).toBe(first);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect.poll(count).toBeGreaterThan(first);
  await page.keyboard.press("e");
  await recording(page).getByRole("button", { name: "Discard" }).click();
  expect(await count()).toBeGreaterThan(first);
  await recording(page).getByRole("button", { name: "Really discard?" }).click();
  await expect(page.getByTestId("recording-text")).toContainText("up to 1 h.");
});

test("closing_the_page_asks_while_a_recording_is_not_saved @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  await page.getByRole("button", { name: "Record" }).click();
  await page.waitForTimeout(1_500);
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);

  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  await page.getByRole("button", { name: "Record" }).click();
  await page.waitForTimeout(1_500);
  await page.keyboard.press("e");
  await download(page);
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
});

test("on_a_phone_all_of_it_is_in_reach @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave", {
    ...SCREENS.phone,
    reducedMotion: "reduce",
  });
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.getByRole("button", { name: "Controls" }).click();
  const drawer = page.getByRole("dialog", { name: "Controls" });
  await drawer.getByRole("button", { name: "Record" }).click();
  await drawer.getByTestId("top").getByText("3", { exact: true }).click();
  await expect(rows(page)).toHaveCount(3);
  expect(await smallTargets(page)).toEqual([]);
  expect(await violations(page)).toEqual([]);
  await screenshot(page, "phone-drawer-recording");
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page.getByTestId("recording-state")).toBeVisible();
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  await screenshot(page, "phone-recording");
});

test("a_sentence_and_a_recording_are_accessible @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave&top=3", {
    ...SCREENS.desktop,
    reducedMotion: "reduce",
  });
  await expect(sentence(page)).toHaveText("wave", { timeout: 30_000 });
  await page.keyboard.press("e");
  await expect(page.getByTestId("recording-text")).toContainText(/\d predictions/);
  await looksRight(page, "words-recording");
  await page.keyboard.press("e");
  await expect(page.getByRole("button", { name: "Download CSV" })).toBeVisible();
  await looksRight(page, "words");
});
