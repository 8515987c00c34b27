// What the browser tests share: a browser with the flags a test asks for, a server for the file,
// and a page that fails its test when anything is written to the console as an error.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { chromium, expect, test as base } from "@playwright/test";

import { command, start, startCamera } from "../js/harness.mjs";
import { once } from "./once.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @typedef {import("@playwright/test").Browser} Browser */
/** @typedef {import("@playwright/test").BrowserContextOptions} Screen */
/** @typedef {import("@playwright/test").Page & { problems: string[] }} Page */

export { expect };

/** A program on PATH. */
export function found(program) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** Camera flags: a looped y4m file, a refusal, or no camera at all. */
export const camera = {
  plays: (file) => [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${file}`,
  ],
  denied: ["--deny-permission-prompts", "--use-fake-device-for-media-stream"],
  missing: ["--use-fake-ui-for-media-stream"],
};

/**
 * Starts Chromium with these flags, in this environment. Tests that run beside others have it without windows and menus, which computes
 * half as much, where that is installed; with `--full` they have all of it, too.
 */
export function launch(flags = [], env = process.env) {
  // Without windows it has no question about a camera that could be refused.
  const isAsked = flags.includes("--deny-permission-prompts");
  const canBeLight = isTogether() && !process.env.SIGHTWIRE_FULL && !isAsked;
  const light = canBeLight ? found("chromium-headless-shell") : undefined;
  const executablePath = process.env.SIGHTWIRE_CHROMIUM ?? light ?? found("chromium");
  // Chromium's sandbox does not work for root, which is what containers run as.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...asRoot, ...flags], env });
}

function isTogether() {
  try {
    return base.info().project.name === "together";
  } catch {
    return false; // no test: pictures for people
  }
}

/** The file of a generated clip as the fake camera wants it. */
export function clipFile(gesture) {
  return once(`${gesture}.y4m`, async (file) => {
    const ended = await command(["sample", gesture, "--y4m", file, "--seed", "1", "--frames", "100"]);
    if (ended.code !== 0) throw new Error(ended.stderr);
  });
}

/** The same as a video; the test is skipped where there is no ffmpeg to make it. */
export async function videoFile(gesture) {
  test.skip(found("ffmpeg") === undefined, "ffmpeg is not installed");
  const clip = await clipFile(gesture);
  const codec = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 4M -an".split(" ");
  return once(`${gesture}.webm`, async (file) => {
    await promisify(execFile)("ffmpeg", ["-loglevel", "error", "-i", clip, ...codec, file]);
  });
}

/** Messages that the browser writes by itself when a server is stopped on purpose. */
const EXPECTED = [
  /Failed to load resource/,
  /WebSocket connection to .* failed/,
  // A frame that was under way when the server went.
  /WebSocket is already in CLOSING or CLOSED state/,
  /net::ERR_/,
];

/**
 * A page in a context of its own; `problems` collects what went to the console as an error.
 * @param {Browser} browser
 * @param {{ url: string }} server
 * @param {string} [path]
 * @param {Screen} [options]
 */
export async function open(browser, server, path, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  const page = watched(await context.newPage());
  if (path !== undefined) await page.goto(path);
  return page;
}

function watched(/** @type {import("@playwright/test").Page} */ bare) {
  const page = Object.assign(bare, { problems: /** @type {string[]} */ ([]) });
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !EXPECTED.some((known) => known.test(text))) page.problems.push(text);
  });
  page.on("response", async (answer) => {
    // That a style has another type than its name says would be all that the console tells.
    if (!answer.url().includes("/assets/") || answer.status() < 400) return;
    const why = await answer.text().catch(String);
    page.problems.push(`${answer.status()} for ${answer.url()}: ${why}`);
  });
  return page;
}

const SCREEN = ["viewport", "hasTouch", "isMobile", "deviceScaleFactor"];

/**
 * Contexts that are kept for the next test, one for each kind of screen: in a new one all scripts are compiled anew, and
 * that is most of what many tests cost.
 */
class Kept {
  /** @type {Map<string, import("@playwright/test").BrowserContext>} */
  #contexts = new Map();
  #browser;

  constructor(/** @type {Browser} */ browser) {
    this.#browser = browser;
  }

  /** A page as in a new context. Undefined where it has to have one of its own. */
  async open(
    /** @type {{ url: string }} */ server,
    /** @type {Screen} */ { colorScheme, reducedMotion, ...screen },
  ) {
    if (Object.keys(screen).some((key) => !SCREEN.includes(key))) return undefined;
    const key = JSON.stringify(screen);
    if (!this.#contexts.has(key)) this.#contexts.set(key, await this.#browser.newContext(screen));
    const context = this.#contexts.get(key);
    // Pages of one test do not see each other either.
    if (context.pages().length > 0) return undefined;
    const page = watched(await context.newPage());
    const session = await context.newCDPSession(page);
    await session.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "local_storage" });
    await session.detach();
    if (colorScheme || reducedMotion) await page.emulateMedia({ colorScheme, reducedMotion });
    const goto = page.goto.bind(page);
    page.goto = (path, options) => goto(new URL(path, server.url).href, options);
    return page;
  }

  /** Ends what a test has opened. */
  async clear() {
    for (const context of this.#contexts.values()) {
      for (const page of context.pages()) await page.close();
    }
  }

  has(page) {
    return [...this.#contexts.values()].includes(page.context());
  }
}

/**
 * What each test may ask for, and what all tests of a worker share.
 * @typedef {{
 *   visit: (path?: string, options?: Screen & { browser?: Browser, at?: { url: string } }) => Promise<Page>,
 *   serverWith: (options?: Parameters<typeof start>[1]) => Promise<Server>,
 *   cameraWith: (...args: string[]) => ReturnType<typeof startCamera>,
 *   browserWith: (flags?: string[]) => Promise<Browser>,
 * }} Own
 * @typedef {{ server: Server, plain: Browser, kept: Kept }} Shared
 * @typedef {import("@playwright/test").PlaywrightTestArgs & import("@playwright/test").PlaywrightTestOptions} EachTest
 * @typedef {import("@playwright/test").PlaywrightWorkerArgs & import("@playwright/test").PlaywrightWorkerOptions} Worker
 */

/**
 * Tests of a file that has more to ask for.
 * @template {object} More
 * @typedef {import("@playwright/test").TestType<EachTest & Own & More, Worker & Shared>} TestWith
 */

/** @type {import("@playwright/test").Fixtures<Own, Shared, EachTest, Worker>} */
const fixtures = {
  // A server for all tests of a worker: starting one loads the model.
  server: [
    async ({}, use) => {
      let stop = () => {};
      const server = await start({ after: (end) => (stop = end) });
      await use(server);
      await stop();
    },
    { scope: "worker" },
  ],
  // A plain browser for all tests that need no flags of their own.
  plain: [
    async ({}, use) => {
      const browser = await launch();
      await use(browser);
      await browser.close();
    },
    { scope: "worker" },
  ],
  kept: [async ({ plain }, use) => use(new Kept(plain)), { scope: "worker" }],
  // Opens pages and closes them, before the servers and cameras of the test; none may have written an error.
  visit: async ({ server, plain, kept, serverWith, cameraWith, browserWith }, use) => {
    // What is set up before it ends after it.
    void [serverWith, cameraWith, browserWith];
    const pages = [];
    await use(async (path, { browser = plain, at = server, ...options } = {}) => {
      const known = browser === plain && (await kept.open(at, options));
      const page = known || (await open(browser, at, undefined, options));
      pages.push(page);
      // As a person would where the browser stood still: the server gives up on who does not read.
      const again = page.getByRole("button", { name: "Try again" });
      const lost = page
        .getByTestId("error-panel")
        .filter({ hasText: "The generated clip could not be loaded" });
      await page.addLocatorHandler(lost, () => again.click(), { times: 1, noWaitAfter: true });
      if (path !== undefined) await page.goto(path);
      return page;
    });
    await kept.clear();
    for (const page of pages) if (!kept.has(page)) await page.context().close();
    for (const page of pages) expect(page.problems).toEqual([]);
  },
  // A server with settings of its own, for one test.
  serverWith: async ({}, use) => {
    const stops = [];
    await use((options) => start({ after: (end) => stops.push(end) }, options));
    for (const stop of stops) await stop();
  },
  // A simulated camera, for one test; its arguments are those of `sightwire camera`.
  cameraWith: async ({}, use) => {
    const stops = [];
    await use((...args) => startCamera({ after: (end) => stops.push(end) }, args));
    for (const stop of stops) await stop();
  },
  // A browser with flags of its own, for one test.
  browserWith: async ({}, use) => {
    const browsers = [];
    await use(async (flags) => {
      const browser = await launch(flags);
      browsers.push(browser);
      return browser;
    });
    for (const browser of browsers) await browser.close();
  },
};

export const test = base.extend(fixtures);

/** For tests that are alike: some of them stand for the others in every run, the title of the rest leaves it to `--full`. */
export function fullUnless(always) {
  return always ? "" : " @full";
}

/** Watches the large label; how often each text stood there. */
async function watchLabel(page, ms) {
  return page.evaluate(async (duration) => {
    const counts = {};
    const label = document.querySelector('[data-testid="label"]');
    for (const end = performance.now() + duration; performance.now() < end;) {
      counts[label.textContent] = (counts[label.textContent] ?? 0) + 1;
      await new Promise((done) => setTimeout(done, 50));
    }
    return counts;
  }, ms);
}

/** The text that stood longest, dashes and `none` aside. */
function longest(counts) {
  const known = Object.entries(counts).filter(([text]) => text !== "–" && text !== "none");
  return known.sort((a, b) => b[1] - a[1])[0]?.[0] ?? "none";
}

/**
 * Waits until this text stands longest in the large label for so long. Frames that a busy machine drops are another gesture
 * for a moment.
 */
export async function stands(page, text, ms) {
  await expect(async () => {
    const counts = await watchLabel(page, ms);
    expect(longest(counts), JSON.stringify(counts)).toBe(text);
  }).toPass({ timeout: 20_000 });
}

/** How many predictions are recorded, as the page says it once a second. */
export async function recorded(page) {
  const text = await page.getByTestId("recording-text").textContent();
  return Number(/([\d,]+) predictions?/.exec(text)?.[1].replaceAll(",", "") ?? 0);
}

/** A picture for people, kept beside the test results. Where Chromium is too busy to take it there is none. */
export async function screenshot(page, name) {
  const options = { path: `test-results/screens/${name}.png`, animations: "disabled", timeout: 15_000 };
  await page.screenshot(options).catch((error) => console.warn(`no picture ${name}: ${error.message}`));
}
