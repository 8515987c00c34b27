// What the pages cost a browser: JavaScript, CPU of the renderer while nothing moves and with a full Wall, frames a second, and
// the time from a click or key to the next paint. `node bench/pages.mjs --dist DIR [--before DIR] [--pairs N] [--wall]` (the Wall alone), with
// SIGHTWIRE_BIN and SIGHTWIRE_HOME; prints Markdown.

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

import { expect } from "@playwright/test";

import { add } from "../browser/cameras.mjs";
import { launch } from "../browser/fixtures.mjs";
import { ARGS } from "../browser/scenes.mjs";
import { senders } from "../browser/senders.mjs";
import { ask } from "../js/api.mjs";
import { sleep, start } from "../js/harness.mjs";
import { weights } from "../js/weights.mjs";
import { serve } from "./dists.mjs";

/** @typedef {import("@playwright/test").Page} Page */
/** @typedef {{ cpu: number, gpu: number, fps: number, shown: number }} Cost CPU in percent of a core; pictures shown a second */

const { values: asked } = parseArgs({
  options: {
    dist: { type: "string" },
    before: { type: "string" },
    pairs: { type: "string", default: "7" },
    wall: { type: "boolean" },
  },
});
const SECONDS = 10;
const SCREEN = { width: 1440, height: 900 };
const PATHS = {
  Start: "/",
  Recognise: "/recognise?source=sample&gesture=wave",
  Cameras: "/cameras",
  "One camera": "/cameras/main-road",
  Broadcast: "/broadcast",
  Wall: "/wall",
  "Read text": "/read?sample",
  Health: "/health",
  Access: "/access",
};
/** With nothing running, and nothing asked of the page. */
const CALM = { ...PATHS, Recognise: "/recognise", "Read text": "/read" };

const stops = [];
const after = (/** @type {() => unknown} */ end) => stops.unshift(end);
const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);
const median = (/** @type {number[]} */ all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const percentile = (/** @type {number[]} */ all, share) =>
  all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))];
const table = (/** @type {string[]} */ head, /** @type {string[][]} */ rows) =>
  [head, head.map((_, at) => (at === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");

/** Runs with a page in a browser of its own: what it costs is not another's. */
async function alone(url, path, run) {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: SCREEN, baseURL: url });
    await page.addInitScript(countShown);
    await page.goto(path);
    return await run(page, browser);
  } finally {
    await browser.close();
  }
}

/** Counts what is put on canvases, whichever way. */
function countShown() {
  let count = 0;
  Object.defineProperty(window, "shownPictures", { get: () => count });
  const counting = (/** @type {any} */ of, /** @type {string} */ name) => {
    const put = of.prototype[name];
    of.prototype[name] = function (...args) {
      count += 1;
      return put.apply(this, args);
    };
  };
  counting(ImageBitmapRenderingContext, "transferFromImageBitmap");
  counting(CanvasRenderingContext2D, "drawImage");
}

/** Tells how many seconds of CPU the browser's processes have used. */
async function clock(/** @type {import("@playwright/test").Browser} */ browser) {
  const session = await browser.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const of = (type) =>
      processInfo.filter((one) => one.type === type).reduce((sum, { cpuTime }) => sum + cpuTime, 0);
    return { cpu: of("renderer"), gpu: of("GPU") };
  };
}

/** Percent of a core that the browser's processes use for some seconds, while nobody asks for frames of the display. */
async function used(/** @type {import("@playwright/test").Browser} */ browser) {
  const clockNow = await clock(browser);
  const [begun, before] = [performance.now(), await clockNow()];
  await sleep(SECONDS * 1000);
  const after = await clockNow();
  const seconds = (performance.now() - begun) / 1000;
  return {
    cpu: (100 * (after.cpu - before.cpu)) / seconds,
    gpu: (100 * (after.gpu - before.gpu)) / seconds,
  };
}

/**
 * What a page costs for some seconds. Frames are counted after that: whoever asks for each of them makes them dearer.
 * @returns {Promise<Cost>}
 */
async function cost(/** @type {Page} */ page, /** @type {import("@playwright/test").Browser} */ browser) {
  const put = () => page.evaluate(() => [/** @type {any} */ (window).shownPictures, performance.now()]);
  const [countBefore, fromMs] = await put();
  const { cpu, gpu } = await used(browser);
  const [count, toMs] = await put();
  const fps = await page.evaluate(async (seconds) => {
    let frames = 0;
    const from = performance.now();
    for (let now = from; now < from + seconds * 1000; frames += 1)
      now = await new Promise(requestAnimationFrame);
    return (1000 * frames) / (performance.now() - from);
  }, SECONDS / 2);
  return { cpu, gpu, fps, shown: (1000 * (count - countBefore)) / (toMs - fromMs) };
}

/** Milliseconds to the next paint, of keys and of clicks on what can be switched to and fro. */
async function interactions(/** @type {Page} */ page) {
  await page.evaluate(() => {
    const slowest = new Map();
    Object.assign(window, { slowest });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { interactionId, duration } = /** @type {PerformanceEventTiming} */ (entry);
        if (interactionId) slowest.set(interactionId, Math.max(duration, slowest.get(interactionId) ?? 0));
      }
    }).observe(/** @type {PerformanceObserverInit} */ ({ type: "event", durationThreshold: 16 }));
  });
  let made = 0;
  for (let n = 0; n < 12; n += 1, made += 1) {
    await page.keyboard.press("Tab");
    await sleep(100);
  }
  const switches = page.locator("main").locator(".mantine-SegmentedControl-label, [role=switch], summary");
  const count = Math.min(6, await switches.count());
  for (let round = 0; round < 2; round += 1) {
    for (let at = 0; at < count; at += 1) {
      const done = await switches
        .nth(at)
        .click({ timeout: 2000, force: true })
        .then(() => 1)
        .catch(() => 0);
      made += done;
      await sleep(100);
    }
  }
  await sleep(500);
  const slow = await page.evaluate(() => [.../** @type {any} */ (window).slowest.values()]);
  // What takes less than 16 ms is not told of.
  return [...slow, ...Array(Math.max(0, made - slow.length)).fill(16)];
}

async function withLoops(run) {
  const loops = [0, 1].map(() => spawn("sh", ["-c", "while :; do :; done"]));
  try {
    return await run();
  } finally {
    for (const one of loops) one.kill("SIGKILL");
  }
}

async function streams(server, rates) {
  const { send, stop } = senders();
  for (const [n, fps] of rates.entries()) {
    const gesture = ["left", "right", "wave", "up"][n % 4];
    await send(server, `Ward ${n + 1}`, { gesture, fps });
  }
  return stop;
}

async function weightTable(server) {
  say("weights");
  const { entry, pages, all } = await weights(server);
  const kib = (/** @type {number} */ number) => number.toFixed(1);
  const rows = pages.map(({ page, own, first }) => [page, kib(own), kib(entry.own + own), kib(first)]);
  rows.unshift(["Start (the entry)", kib(entry.own), kib(entry.own), kib(entry.first)]);
  const head = ["page", "its own file, KiB", "with the entry", "with all that both import"];
  return `${table(head, rows)}\n\nAll scripts together: ${kib(all)} KiB, compressed with Brotli.`;
}

async function calmTable(server) {
  const rows = [];
  for (const [name, path] of Object.entries(CALM)) {
    say(`nothing moves: ${name}`);
    const cpu = await alone(server.url, path, async (_page, browser) => {
      await sleep(4000);
      return (await used(browser)).cpu;
    });
    rows.push([name, `${cpu.toFixed(1)} %`]);
  }
  return table(["nothing moves", "renderer, of a core"], rows);
}

async function wall(url) {
  return alone(url, "/wall", async (page, browser) => {
    await expect(page.getByTestId("summary")).toContainText("9 live", { timeout: 30_000 });
    await sleep(3000);
    return cost(page, browser);
  });
}

async function wallPairs(server, dist, before) {
  const stop = await streams(server, [25, ...Array(8).fill(15)]);
  const [now, then] = await Promise.all([serve(dist, server.url), before && serve(before, server.url)]);
  const pairs = [];
  for (let n = 0; n < Number(asked.pairs); n += 1) {
    const order = n % 2 === 0 ? [now, then] : [then, now];
    /** @type {Map<unknown, Cost>} */
    const costs = new Map();
    for (const one of order) {
      if (one) costs.set(one, await wall(one.url));
    }
    const [own, other] = [costs.get(now), then ? costs.get(then) : undefined];
    pairs.push({ own, other });
    say(`wall ${n + 1}: ${JSON.stringify(pairs.at(-1))}`);
  }
  now.stop();
  if (then) then.stop();
  await stop();
  const percent = (/** @type {number} */ number) => `${number.toFixed(1)} %`;
  const cells = (/** @type {Cost} */ { cpu, gpu, fps, shown }) => [
    percent(cpu),
    percent(gpu),
    fps.toFixed(1),
    shown.toFixed(0),
  ];
  const rows = pairs.map(({ own, other }) => [
    ...cells(own),
    ...(other ? [...cells(other), (own.cpu / other.cpu).toFixed(2)] : []),
  ]);
  const middleOf = (/** @type {Cost[]} */ all) =>
    cells({
      cpu: median(all.map(({ cpu }) => cpu)),
      gpu: median(all.map(({ gpu }) => gpu)),
      fps: median(all.map(({ fps }) => fps)),
      shown: median(all.map(({ shown }) => shown)),
    });
  const head = ["renderer", "GPU process (in software)", "frames/s", "pictures/s"];
  const middle = middleOf(pairs.map(({ own }) => own));
  if (before) {
    head.push("before: renderer", "GPU process", "frames/s", "pictures/s", "renderer, ratio");
    middle.push(...middleOf(pairs.map(({ other }) => other)));
    middle.push(median(pairs.map(({ own, other }) => own.cpu / other.cpu)).toFixed(2));
  }
  return table(
    ["Wall, 9 streams (25 and 8 × 15 fps)", ...head],
    [...rows.map((row, n) => [`run ${n + 1}`, ...row]), ["median", ...middle]],
  );
}

async function interactionTable(server) {
  const stop = await streams(server, Array(16).fill(10));
  const measure = (name, path) =>
    alone(server.url, path, async (page) => {
      await sleep(4000);
      say(`interactions: ${name}`);
      return interactions(page);
    });
  const rows = [];
  for (const [name, path] of Object.entries(PATHS)) {
    const quiet = await measure(name, path);
    const busy = await withLoops(() => measure(name, path));
    const ms = (/** @type {number[]} */ all) => [percentile(all, 0.75), Math.max(...all)].map(String);
    rows.push([name, String(quiet.length), ...ms(quiet), ...ms(busy)]);
  }
  await stop();
  const head = ["16 streams of 10 fps", "keys and clicks", "p75 ms", "max"];
  return table([...head, "beside two busy loops: p75 ms", "max"], rows);
}

try {
  const server = await start({ after }, { args: ARGS });
  const parts = [];
  if (!asked.wall) {
    parts.push(await weightTable(server), await calmTable(server));
    await add(server, "Main road", "simulated:street");
    parts.push(await interactionTable(server));
    // The Wall has streams alone.
    await ask(server, "DELETE", "/api/v1/cameras/main-road");
  }
  parts.push(await wallPairs(server, asked.dist, asked.before));
  console.log(parts.join("\n\n"));
} finally {
  for (const stop of stops) await stop();
}
