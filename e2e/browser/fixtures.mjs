// What the browser tests share: a browser with the flags a test asks for, a server for the file,
// and a page that fails its test when anything is written to the console as an error.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { chromium, expect, test as base } from "@playwright/test";

import { command, start, startCamera } from "../js/harness.mjs";

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

/** Starts Chromium with these flags. */
export function launch(flags = []) {
  const executablePath = process.env.SIGHTWIRE_CHROMIUM ?? found("chromium");
  // Chromium's sandbox does not work for root, which is what containers run as.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...asRoot, ...flags] });
}

/** A generated clip as the fake camera wants it; `run` gets the file's path. */
export async function withClip(gesture, run) {
  const folder = await mkdtemp(join(tmpdir(), "sightwire-camera-"));
  try {
    const file = join(folder, `${gesture}.y4m`);
    const ended = await command(["sample", gesture, "--y4m", file, "--seed", "1", "--frames", "100"]);
    if (ended.code !== 0) throw new Error(ended.stderr);
    return await run(file, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Messages that the browser writes by itself when a server is stopped on purpose. */
const EXPECTED = [
  /Failed to load resource/,
  /WebSocket connection to .* failed/,
  // A frame that was under way when the server went.
  /WebSocket is already in CLOSING or CLOSED state/,
  /net::ERR_/,
];

/** A page in a context of its own; `problems` collects what went to the console as an error. */
export async function open(browser, server, path, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !EXPECTED.some((known) => known.test(text))) page.problems.push(text);
  });
  if (path !== undefined) await page.goto(path);
  return page;
}

export const test = base.extend({
  // A server for all tests of a worker: starting one loads the model.
  server: [
    async ({}, use) => {
      let stop;
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
  // Opens pages and closes them; none may have written an error.
  visit: async ({ server, plain }, use) => {
    const pages = [];
    await use(async (path, { browser = plain, at = server, ...options } = {}) => {
      const page = await open(browser, at, path, options);
      pages.push(page);
      return page;
    });
    for (const page of pages) {
      expect(page.problems).toEqual([]);
      await page.context().close();
    }
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
});

/** Watches the large label; how often each text stood there. */
export async function watchLabel(page, ms) {
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
export function longest(counts) {
  const known = Object.entries(counts).filter(([text]) => text !== "–" && text !== "none");
  return known.sort((a, b) => b[1] - a[1])[0]?.[0] ?? "none";
}

/** A picture for people, kept beside the test results. */
export function screenshot(page, name) {
  return page.screenshot({ path: `test-results/screens/${name}.png`, animations: "disabled" });
}
