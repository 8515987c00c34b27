// Hands before the camera, as somebody new sees them: joints, shapes, the ring of a palm that arms, and the motion that follows.
// The hand is drawn, and a small network of our own finds its joints: see drawn-hand.mjs.

import { cpSync, existsSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { addModel, MODEL, Performance } from "../drawn-hand.mjs";
import { HOME, removeFolder } from "../js/harness.mjs";
import { looksRight, SCREENS } from "./accessible.mjs";
import { camera, expect, screenshot, test } from "./fixtures.mjs";
import { once } from "./once.mjs";

/** @import { Page } from "./fixtures.mjs" */

/** A store with the library, without the models that are fetched. With what was measured before, or the server would measure. */
async function withStore(run) {
  const home = mkdtempSync(join(tmpdir(), "sightwire-hands-"));
  try {
    mkdirSync(join(home, "models"));
    symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
    const trials = join(HOME, "trials");
    if (existsSync(trials)) cpSync(trials, join(home, "trials"), { recursive: true });
    return await run(home);
  } finally {
    removeFolder(home);
  }
}

/** The same with the models that find drawn hands and shoulders, and the settings that put them to use. */
function withHands(run) {
  return withStore((home) => {
    addModel(home);
    addModel(home, "pose");
    return run({
      SIGHTWIRE_HOME: home,
      SIGHTWIRE_RECOGNIZER_MODEL: MODEL,
      SIGHTWIRE_RECOGNIZER_ARMING: "true",
    });
  });
}

/** An open palm that comes, is held, goes to the left of the picture, rests and leaves, again and again. */
function strokes() {
  return once("palm-left.y4m", async (file) => {
    const palm = { shape: "open_palm", x: 430, y: 260, palm: 60 };
    const times = { held: 1_500, took: 300, rested: 900 };
    new Performance().stroke(palm, [-3, 0], undefined, times).empty(900).writeY4m(file);
  });
}

/** An open palm of somebody whose shoulders are seen, which stays for a while and is away for a moment. */
function palms() {
  return once("palm.y4m", async (file) => {
    /** @type {[[number, number], [number, number]]} */
    const shoulders = [
      [500, 380],
      [300, 370],
    ];
    const palm = { shape: "open_palm", x: 220, y: 265, palm: 50, shoulders };
    new Performance().hold(palm, 4_000).empty(700).writeY4m(file);
  });
}

/**
 * Notes from now on what the guide and the large label say, in turn.
 * @param {Page} page
 */
function watch(page) {
  return page.evaluate(() => {
    globalThis.told = [];
    const look = () => {
      const guide = document.querySelector('[data-testid="hand-guide"]')?.getAttribute("data-state");
      const label = document.querySelector('[data-testid="label"]')?.textContent;
      const last = Object.fromEntries(globalThis.told);
      if (guide && last.guide !== guide) globalThis.told.push(["guide", guide]);
      if (label && last.label !== label) globalThis.told.push(["label", label]);
    };
    new MutationObserver(look).observe(document.body, {
      attributes: true,
      attributeFilter: ["data-state"],
      characterData: true,
      childList: true,
      subtree: true,
    });
  });
}

/**
 * Whether these were noted in this order, others between them.
 * @param {string[][]} noted
 * @param {string[]} wanted
 */
function inOrder(noted, wanted) {
  let next = 0;
  for (const [, text] of noted) if (text === wanted[next]) next += 1;
  return next === wanted.length;
}

test(
  "from_the_start_page_to_a_shape_in_ten_seconds_and_a_motion_after_it",
  { tag: "@alone" },
  async ({ visit, serverWith, browserWith }) => {
    const clip = await strokes();
    await withHands(async (env) => {
      const server = await serverWith({ env });
      const browser = await browserWith(camera.plays(clip));
      const page = await visit("/", { browser, at: server });
      await expect(page.getByTestId("server-state")).toHaveText(/ready/);
      const began = performance.now();
      await page.getByRole("link", { name: "Use my camera" }).click();
      await expect(page).toHaveURL(/\/recognise$/);
      // The click was for the camera: it is on.
      await watch(page);
      await expect(page.getByTestId("label")).toHaveText("open palm", { timeout: 10_000 });
      await expect(page.getByTestId("hands")).toHaveAttribute("data-hands", "1");
      expect(performance.now() - began).toBeLessThan(10_000);

      // The page is a mirror: what goes to the left in the file goes to the right of whoever looks at it. A busy machine may
      // drop what is short, and the camera plays on.
      await expect(page.getByTestId("label")).toHaveText("right", { timeout: 30_000 });
      const wanted = ["seen", "arming", "armed", "right"];
      const noted = () => page.evaluate(() => globalThis.told);
      await expect
        .poll(async () => inOrder(await noted(), wanted) || (await noted()).join(" "), { timeout: 30_000 })
        .toBe(true);
      expect((await noted()).map(([, text]) => text)).not.toContain("left");

      await expect(page.getByTestId("hand-guide")).toHaveAttribute("data-state", "none");
      await expect(page.getByTestId("hands")).toHaveAttribute("data-hands", "0");
      await page.getByTestId("stop").click();
      await expect(page.getByTestId("start")).toBeVisible();
    });
  },
);

/** Where the sections of the page stand within three seconds: each time that one moves is one more. */
function placesOfSections(page) {
  return page.evaluate(async () => {
    const places = new Set();
    const end = performance.now() + 3_000;
    while (performance.now() < end) {
      const sections = [...document.querySelectorAll("main section")];
      places.add(sections.map((section) => Math.round(section.getBoundingClientRect().top)).join(" "));
      await new Promise(requestAnimationFrame);
    }
    return [...places];
  });
}

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`the_guide_is_seen_with_the_picture_and_moves_nothing_on_a_${screen}`, async ({
    visit,
    serverWith,
    browserWith,
  }) => {
    const clip = await palms();
    await withHands(async (env) => {
      const server = await serverWith({ env });
      const browser = await browserWith(camera.plays(clip));
      const page = await visit("/recognise", { browser, at: server, ...options });
      const guide = page.getByTestId("hand-guide");
      // It stands there before anything is started, or it would push the page away when it has something to say.
      await expect(guide).toHaveAttribute("data-state", "off");
      await expect(guide).toBeInViewport({ ratio: 1 });
      await page.getByTestId("start").click();
      await expect(guide).toHaveAttribute("data-state", /seen|arm/);
      const before = await guide.boundingBox();
      await expect(page.getByTestId("label")).toHaveText("open palm", { timeout: 20_000 });
      await expect(page.getByTestId("hands")).toHaveAttribute("data-shoulders", "true");
      await expect(guide).toBeInViewport({ ratio: 1 });
      const places = await placesOfSections(page);
      expect(places[0]).toMatch(/^-?\d+( -?\d+){3,}$/);
      expect(places).toHaveLength(1);
      expect(await guide.boundingBox()).toEqual(before);
      await screenshot(page, `hands-${screen}`);
    });
  });
}

test("the_better_model_is_offered_and_a_download_that_fails_leaves_the_present_one_at_work", async ({
  visit,
  serverWith,
}) => {
  await withStore(async (home) => {
    // Nobody listens there: every source is out of reach.
    const env = {
      SIGHTWIRE_HOME: home,
      SIGHTWIRE_RECOGNIZER_MODEL: "auto",
      HTTPS_PROXY: "http://127.0.0.1:9",
      https_proxy: "http://127.0.0.1:9",
    };
    const server = await serverWith({ env });
    const page = await visit("/recognise?source=sample&gesture=still", { at: server });
    await expect(page.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
    await expect(page.getByTestId("hand-guide")).toHaveCount(0);
    const notice = page.getByTestId("better-model");
    await expect(notice).toContainText("A better model can be downloaded");
    await expect(notice.getByTestId("command")).toHaveText(/sightwire models pull hands$/);
    await screenshot(page, "better-model-offered");
    // Put aside it is a line, also after the page was loaded anew.
    await notice.getByRole("button", { name: "Not now" }).click();
    await expect(notice).toHaveCount(0);
    await page.reload();
    await expect(page.getByTestId("better-model-away")).toBeVisible();
    await expect(notice).toHaveCount(0);
    await screenshot(page, "better-model-away");
    await page.getByTestId("better-model-away").click();
    await notice.getByRole("button", { name: "Download now" }).click();
    await expect(notice).toContainText("could not be downloaded", {
      timeout: 60_000,
    });
    await expect(notice).toContainText("The present model goes on.");
    await screenshot(page, "better-model-failed");
    await expect(page.getByTestId("label")).toHaveText("still");
    await expect(page.getByTestId("connection-state")).toHaveText(/live/);
    const { model, state, better } = await server.recognizer();
    expect([model, state]).toEqual(["gestures", "ready"]);
    expect(better.error).not.toBeNull();
    // It can be tried again.
    await expect(notice.getByRole("button", { name: "Download now" })).toBeEnabled();
  });
});

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`the_offer_looks_right_on_a_${screen}`, async ({ visit, serverWith }) => {
    await withStore(async (home) => {
      const env = { SIGHTWIRE_HOME: home, SIGHTWIRE_RECOGNIZER_MODEL: "auto" };
      const server = await serverWith({ env });
      const page = await visit("/recognise", { at: server, ...options });
      await expect(page.getByTestId("better-model")).toBeVisible();
      await expect(page.getByRole("button", { name: "Download now" })).toBeVisible();
      await looksRight(page, `better-model-${screen}`);
    });
  });
}
