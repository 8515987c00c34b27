// clients/js in a real browser, from a page of another origin, against the real server.

import { Client } from "../js/client.mjs";
import { until } from "../js/harness.mjs";
import { serve } from "./client/bundle.mjs";
import { slowNetwork } from "./client/slow.mjs";
import { camera, clipFile, expect, test as base } from "./fixtures.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Server } from "../js/harness.mjs" */
/** @import { EachTest, Own, Page, Shared, Worker } from "./fixtures.mjs" */

/** @type {Fixtures<{ recognise: (given?: string, options?: any) => Promise<Page> }, { app: { url: string } }, EachTest & Own, Worker & Shared>} */
const fixtures = {
  /** Where the bundled pages are served. */
  app: [
    async ({ server }, use) => {
      const served = await serve(server);
      await use(served);
      served.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  /** Opens the page with a recogniser `r` of these options, which may be an expression. */
  recognise: async ({ app, visit, server }, use) => {
    await use(async (options, { at = app, url = server.url, ...more } = {}) => {
      const opened = await visit(`${at.url}/page.html`, more);
      await opened.evaluate(
        ([text, address]) => {
          const given = new Function(`return (${text})`)();
          const r = globalThis.sightwire.createRecognizer({ url: address, ...given });
          Object.assign(globalThis, { r, snap: () => r.getSnapshot() });
          r.start();
        },
        [options, url],
      );
      return opened;
    });
  },
};

const test = base.extend(fixtures);

const state = (opened) => opened.evaluate(() => globalThis.snap().state);
const numbers = (opened) => opened.evaluate(() => globalThis.snap().numbers);
const becomes = (opened, wanted) =>
  until(async () => (await state(opened)) === wanted, `the state ${wanted}`);
const recognises = (opened, label) =>
  until(() => opened.evaluate((wanted) => globalThis.snap().prediction?.label === wanted, label), label);
const free = (/** @type {Server} */ server) =>
  until(async () => (await server.recognizer()).clients === 0, "the place given back");

/** Pictures without a camera: a canvas with something that changes. */
const CANVAS = `(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  let n = 0;
  globalThis.draw = () => {
    for (let y = 0; y < 480; y += 16)
      for (let x = 0; x < 640; x += 16) {
        context.fillStyle = "hsl(" + ((x * y + 31 * n) % 360) + " 80% " + ((x + y + n) % 100) + "%)";
        context.fillRect(x, y, 16, 16);
      }
    n += 1;
    return canvas;
  };
  return canvas;
})()`;
const SUPPLIER = `{ source: (${CANVAS}, globalThis.draw) }`;

test("the_snippet_of_the_readme_works_when_pasted", async ({ app, browserWith, visit }) => {
  const browser = await browserWith(camera.plays(await clipFile("wave")));
  const opened = await visit(undefined, { browser });
  const said = [];
  opened.on("console", (message) => said.push(message.text()));
  await opened.goto(`${app.url}/snippet.html`);
  await until(() => said.some((text) => /^wave 0\.\d+/.test(text)), "a recognised wave");
});

test("the_component_of_the_nextjs_page_works", async ({ app, browserWith, server, visit }) => {
  const browser = await browserWith(camera.plays(await clipFile("left")));
  const opened = await visit(`${app.url}/nextjs.html`, { browser });
  expect((await server.recognizer()).clients).toBe(0);
  await opened.getByRole("button", { name: "Start" }).click();
  // It sends what the person sees: a mirror.
  await expect(opened.getByText("right", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(opened.getByText(/^Live, \d+ frames\/s, delay \d+ ms$/)).toBeVisible();
  await opened.getByRole("button", { name: "Stop" }).click();
  await expect(opened.getByText(/^Not started/)).toBeVisible();
  await free(server);
});

test(
  "the_camera_is_recognised_25_times_a_second_from_a_worker",
  { tag: "@alone" },
  async ({ recognise, browserWith, server }) => {
    const browser = await browserWith(camera.plays(await clipFile("left")));
    const opened = await recognise("{}", { browser });
    await recognises(opened, "left");
    // Rates are those of the last 3 s.
    await opened.waitForTimeout(3_500);
    await expect(async () => {
      const measured = await numbers(opened);
      expect(measured.sentFps).toBeGreaterThan(18);
      expect(measured.sentFps).toBeLessThan(27);
      expect(measured.answeredFps).toBeGreaterThan(18);
      expect(measured.delayMs.p50).toBeGreaterThan(0);
      expect(measured.delayMs.p95).toBeGreaterThanOrEqual(measured.delayMs.p50);
      expect(measured.analysed).toBeGreaterThan(0.5);
    }).toPass({ timeout: 20_000 });
    expect(opened.workers()).toHaveLength(1);
    const model = await opened.evaluate(() => globalThis.snap().model);
    expect(model).toMatchObject({ name: "gestures", window: 10, threshold: 0.5 });
    await opened.evaluate(() => {
      globalThis.track = globalThis.r.stream.getVideoTracks()[0];
      globalThis.r.close();
    });
    expect(await state(opened)).toBe("closed");
    expect(await opened.evaluate(() => globalThis.track.readyState)).toBe("ended");
    await expect.poll(() => opened.workers()).toHaveLength(0);
    await free(server);
  },
);

for (const [flag, code, words] of [
  ["denied", "camera-denied", "Camera access was denied"],
  ["missing", "camera-missing", "No camera was found"],
]) {
  test(`a_camera_that_is_${flag}_is_explained_and_takes_no_place @full`, async ({
    recognise,
    browserWith,
    server,
  }) => {
    const opened = await recognise("{}", { browser: await browserWith(camera[flag]) });
    await becomes(opened, "error");
    const error = await opened.evaluate(() => {
      const { code: which, message, advice } = globalThis.snap().error;
      return { which, message, advice };
    });
    expect(error).toMatchObject({ which: code, message: words });
    expect(error.advice).not.toBe("");
    expect((await server.recognizer()).clients).toBe(0);
  });
}

test("pictures_from_a_canvas_a_stream_and_a_video_are_sent_and_stay_the_callers @full", async ({
  recognise,
}) => {
  const opened = await recognise(SUPPLIER);
  const sends = async (what) => {
    const { sent } = await numbers(opened);
    await until(async () => (await numbers(opened)).sent > sent + 20, `frames from ${what}`);
    expect(await state(opened)).toBe("live");
  };
  await becomes(opened, "live");
  await sends("a canvas");
  await opened.evaluate(() => {
    const canvas = globalThis.draw();
    globalThis.drawing = setInterval(globalThis.draw, 30);
    globalThis.stream = canvas.captureStream(30);
    globalThis.r.configure({ source: globalThis.stream });
  });
  await sends("a stream");
  await opened.evaluate(async () => {
    const video = Object.assign(document.createElement("video"), { muted: true });
    video.srcObject = globalThis.stream;
    document.body.append(video);
    await video.play();
    globalThis.video = video;
    globalThis.r.configure({ source: video });
  });
  await sends("a video");
  const left = await opened.evaluate(() => {
    globalThis.r.close();
    return [globalThis.stream.getTracks()[0].readyState, globalThis.video.srcObject === globalThis.stream];
  });
  expect(left).toEqual(["live", true]);
});

test("where_a_policy_forbids_workers_the_page_encodes_itself @full", async ({ server, recognise }) => {
  const policy = "default-src 'self'; connect-src *; script-src 'self' 'unsafe-eval'";
  const strict = await serve(server, { "content-security-policy": policy });
  try {
    const opened = await recognise(SUPPLIER, { at: strict });
    await until(async () => (await numbers(opened)).sent > 20, "frames without a worker");
    expect(opened.workers()).toHaveLength(0);
    // The browser itself writes down what it forbade.
    opened.problems = opened.problems.filter((text) => !/worker/i.test(text));
  } finally {
    strict.stop();
  }
});

test("a_full_server_is_said_so_and_entered_later", async ({ recognise, serverWith }) => {
  const full = await serverWith({ env: { MAX_CLIENTS: "1" } });
  const other = await new Client(full.url).ready();
  const opened = await recognise(SUPPLIER, { url: full.url });
  // In the page: by the time that this test is told it may be asking again.
  const found = await opened.waitForFunction(
    () => {
      const { state, error, retryAtMs } = globalThis.snap();
      const inMs = retryAtMs - performance.now();
      return state === "waiting" && inMs > 0 && { code: error.code, message: error.message, inMs };
    },
    undefined,
    { timeout: 15_000 },
  );
  const told = await found.jsonValue();
  expect(told).toMatchObject({ code: "server-full", message: "The server is full" });
  expect(told.inMs).toBeLessThan(6_001);
  other.close();
  await becomes(opened, "live");
});

test("it_comes_back_by_itself_after_a_restart_of_the_server", async ({ recognise, serverWith }) => {
  const first = await serverWith({ env: { USE_DUMMY_MODEL: "1" } });
  const opened = await recognise(SUPPLIER, { url: first.url });
  await recognises(opened, "hello");
  await first.stop();
  await becomes(opened, "reconnecting");
  expect(await opened.evaluate(() => globalThis.snap().prediction)).toBeNull();
  await serverWith({ env: { USE_DUMMY_MODEL: "1" }, listen: `127.0.0.1:${first.port}` });
  await recognises(opened, "hello");
});

test(
  "on_a_slow_network_it_sends_less_and_nothing_waits_and_later_more_again",
  { tag: ["@alone", "@full"] },
  async ({ recognise, server }) => {
    const network = await slowNetwork(server);
    try {
      const opened = await recognise(SUPPLIER, { url: network.url });
      await until(async () => (await numbers(opened)).sentFps > 20, "the full rate");
      network.bytesPerSecond = 60_000;
      await until(async () => (await numbers(opened)).targetFps < 20, "a lower rate");
      await opened.waitForTimeout(4_000);
      const slow = await numbers(opened);
      expect(slow.dropped).toBeGreaterThan(10);
      expect(slow.answeredFps).toBeGreaterThan(0.5);
      expect(slow.sentFps - slow.answeredFps).toBeLessThan(4);
      expect(slow.roundTripMs.p95).toBeLessThan(1_500);
      network.bytesPerSecond = Infinity;
      await until(async () => (await numbers(opened)).sentFps > 20, "the full rate again");
    } finally {
      network.stop();
    }
  },
);

test("a_hidden_page_gives_its_place_back_and_returns", async ({ recognise, server }) => {
  const opened = await recognise(SUPPLIER);
  await becomes(opened, "live");
  const hide = (hidden) =>
    opened.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await becomes(opened, "paused");
  await free(server);
  await hide(false);
  await becomes(opened, "live");
});

test(
  "the_hook_shows_and_recognises_the_camera_in_strict_mode",
  { tag: ["@alone", "@full"] },
  async ({ app, visit, browserWith, server }) => {
    const browser = await browserWith(camera.plays(await clipFile("up")));
    const opened = await visit(`${app.url}/page.html`, { browser });
    await opened.evaluate((url) => {
      globalThis.test = globalThis.mountHook({ url });
    }, server.url);
    await expect(opened.locator("strong")).toHaveText("up", { timeout: 30_000 });
    await expect(opened.locator("output")).toHaveText("live");
    expect((await server.recognizer()).clients).toBe(1);
    const shown = await opened.evaluate(() => {
      const video = document.querySelector("video");
      return video.videoWidth > 0 && !video.paused && /** @type {MediaStream} */ (video.srcObject).active;
    });
    expect(shown).toBe(true);

    // It hears of each result, and renders only for changes and the numbers.
    const counts = () =>
      opened.evaluate(() => ({ renders: globalThis.test.renders, predictions: globalThis.test.predictions }));
    const before = await counts();
    await opened.waitForTimeout(3_000);
    const after = await counts();
    expect(after.predictions - before.predictions).toBeGreaterThan(40);
    // Strict mode renders everything twice.
    expect(after.renders - before.renders).toBeLessThan(40);

    await opened.evaluate(() => {
      const shown = /** @type {MediaStream} */ (document.querySelector("video").srcObject);
      globalThis.track = shown.getVideoTracks()[0];
      globalThis.test.unmount();
    });
    expect(await opened.evaluate(() => globalThis.track.readyState)).toBe("ended");
    expect(opened.workers()).toHaveLength(0);
    await free(server);
  },
);

test("the_hook_says_what_is_wrong_and_starts_again @full", async ({ app, visit, browserWith, server }) => {
  const opened = await visit(`${app.url}/page.html`, { browser: await browserWith(camera.denied) });
  await opened.evaluate((url) => {
    globalThis.test = globalThis.mountHook({ url, autoStart: false });
  }, server.url);
  await expect(opened.locator("output")).toHaveText("idle");
  for (let tries = 0; tries < 2; tries += 1) {
    await opened.evaluate(() => globalThis.test.hook.start());
    await expect(opened.locator("em")).toHaveText("Camera access was denied");
    await opened.evaluate(() => globalThis.test.hook.stop());
    await expect(opened.locator("output")).toHaveText("idle");
  }
});
