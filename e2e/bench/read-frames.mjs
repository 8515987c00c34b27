// How smoothly the page "Read text" moves a 50-megapixel scan with 85 and 500 outlines, by Chromium's own tracing.
//
//   cd e2e && node bench/read-frames.mjs        (SIGHTWIRE_BIN: the binary; SIGHTWIRE_CHROMIUM: the browser)
//
// The server is the real one, for its page; the scan and its outlines are made here, so no model is needed. A line for each
// way of moving: frames each second and the gaps between them, those that came late, those that the compositor dropped, and how
// long the page's own drawing took in each.

import { launch, open } from "../browser/fixtures.mjs";
import { start } from "../js/harness.mjs";

const SCAN = { width: 8000, height: 6250 };
const SIDE = 4096;
const STEPS = 240;
/** A frame that comes later than this after the one before misses its turn at 60 a second. */
const LATE_MS = 25;
const CATEGORIES = [
  "cc",
  "benchmark",
  "toplevel",
  "devtools.timeline",
  "disabled-by-default-devtools.timeline",
];

/** Five columns of lines, some of them crooked, sure and unsure. */
function lines(count) {
  const rows = Math.ceil(count / 5);
  const pitch = (SCAN.height * 0.92) / rows;
  return Array.from({ length: count }, (_, n) => {
    const [column, row] = [Math.floor(n / rows), n % rows];
    const [x, y] = [column * 1580 + 90, 250 + row * pitch];
    const [width, height] = [800 + ((n * 37) % 600), Math.min(90, pitch * 0.7)];
    const drop = n % 7 === 3 ? width * 0.02 : 0;
    return {
      polygon: [
        [x, y],
        [x + width, y + drop],
        [x + width, y + drop + height],
        [x, y + height],
      ],
      text: `Line ${n + 1} of a long inventory`,
      confidence: n % 9 === 4 ? 0.62 : n % 5 === 2 ? 0.83 : 0.98,
      page: 1,
    };
  });
}

async function scan(browser) {
  const page = await browser.newPage();
  const url = await page.evaluate(
    ([width, height]) => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.fillStyle = "#faf8f0";
      context.fillRect(0, 0, width, height);
      context.fillStyle = "#223";
      context.font = "26px serif";
      for (let y = 60; y < height; y += 34) {
        context.fillText("The lamp is lit at dusk, the lenses are wiped. ".repeat(7), 60, y);
      }
      return canvas.toDataURL("image/jpeg", 0.9);
    },
    [SIDE, (SIDE * SCAN.height) / SCAN.width],
  );
  await page.close();
  return Buffer.from(url.split(",")[1], "base64");
}

async function answer(page, count, picture) {
  const job = {
    ...{
      id: "scan",
      state: "done",
      created: 0,
      options: {},
      files: 1,
      done: 1,
      failed: 0,
      waiting: 0,
      keep: 10,
    },
    ...{ regions: count, characters: 1, mean_confidence: 0.9, ms: 1, files_per_s: 1, left_s: null },
  };
  const file = {
    ...{ index: 0, name: "scan.jpg", bytes: 1, state: "done", error: null, pages: 1, ...SCAN },
    ...{ regions: count, confidence: 0.9, ms: 1, picture: true },
  };
  const reading = {
    ...{ file: "scan.jpg", format: "jpeg", model: "made", provider: null, precision: null, text: "" },
    ...{ pages: [{ page: 1, ...SCAN, skew: 0 }], regions: lines(count) },
    ms: { total: 1 },
  };
  const headers = {
    "x-sightwire-width": String(SCAN.width),
    "x-sightwire-height": String(SCAN.height),
  };
  await page.route("**/api/v1/jobs/scan**", (route) => route.fulfill({ json: job }));
  await page.route("**/api/v1/jobs/scan/files?**", (route) =>
    route.fulfill({ json: { total: 1, files: [file] } }),
  );
  await page.route("**/api/v1/jobs/scan/files/0", (route) => route.fulfill({ json: reading }));
  await page.route("**/files/0/picture**", (route) =>
    route.fulfill({ body: picture, contentType: "image/jpeg", headers }),
  );
}

/** Ways to move, as the browser's own events, one for each frame: so each frame has something to draw. */
const WAYS = {
  hover: { type: "pointermove", prepare: async () => {}, after: async () => {} },
  wheel: { type: "wheel", prepare: async () => {}, after: async (page) => page.keyboard.press("0") },
  drag: {
    type: "pointermove",
    async prepare(page, x, y) {
      await page.mouse.move(x, y);
      await page.mouse.wheel(0, -600);
      await page.mouse.down();
    },
    async after(page) {
      await page.mouse.up();
      await page.keyboard.press("0");
    },
  },
};

function move(page, type, x, y) {
  return page.evaluate(
    async ([kind, left, top, steps]) => {
      const stage = document.querySelector('[data-testid="stage"]');
      for (let n = 0; n < steps; n += 1) {
        await new Promise(requestAnimationFrame);
        const place = { clientX: left + 260 * Math.sin(n / 11), clientY: top + 180 * Math.cos(n / 13) };
        const common = { bubbles: true, cancelable: true, pointerId: 1, pointerType: "mouse", ...place };
        stage.dispatchEvent(
          kind === "wheel"
            ? new WheelEvent(kind, { ...common, deltaY: n % 60 < 30 ? -50 : 50 })
            : new PointerEvent(kind, common),
        );
      }
    },
    [type, x, y, STEPS],
  );
}

/** What the trace says of the frames of the page's own process. */
function judge(trace) {
  const { traceEvents: events } = JSON.parse(trace.toString());
  const main = events.find(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const own = events.filter(({ pid }) => pid === main.pid);
  const callbacks = own.filter(({ name, ph }) => name === "FireAnimationFrame" && ph === "X");
  // The page's and the loop's own come in one frame.
  const starts = callbacks
    .map(({ ts }) => ts / 1000)
    .toSorted((a, b) => a - b)
    .filter((ms, n, all) => n === 0 || ms - all[n - 1] > 4);
  const gaps = starts.slice(1).map((ms, n) => ms - starts[n]);
  const perSecond = (1000 * gaps.length) / (starts.at(-1) - starts[0]);
  const dropped = own.filter(({ name, args }) => {
    const report = args?.chrome_frame_reporter ?? args?.frame_reporter;
    return name === "PipelineReporter" && /DROPPED/.test(report?.state) && report.affects_smoothness;
  }).length;
  const work = callbacks.map(({ dur }) => dur / 1000);
  return {
    frames: starts.length,
    perSecond: perSecond.toFixed(1),
    late: gaps.filter((ms) => ms > LATE_MS).length,
    dropped,
    gap: `${part(gaps, 0.5)} / ${part(gaps, 0.95)}`,
    work: `${part(work, 0.5)} / ${part(work, 0.95)}`,
  };
}

function part(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]?.toFixed(1) ?? "–";
}

const stops = [];
const server = await start(
  { after: (stop) => stops.push(stop) },
  { args: ["--set", "recognizer.dummy=true"] },
);
const browser = await launch();
try {
  const picture = await scan(browser);
  console.log(
    "| outlines | moving | frames | a second | gap p50 / p95 ms | late | dropped | drawing p50 / p95 ms |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const count of [85, 500]) {
    const page = await open(browser, server, undefined, { viewport: { width: 1440, height: 900 } });
    await page.addInitScript(
      (side) => localStorage.setItem("sightwire.read", JSON.stringify({ side })),
      SIDE,
    );
    await answer(page, count, picture);
    await page.goto("/read?job=scan");
    await page.getByTestId("picture-shown").waitFor({ state: "attached" });
    const { x, y, width, height } = await page.getByTestId("stage").boundingBox();
    for (const [way, { type, prepare, after }] of Object.entries(WAYS)) {
      const middle = [x + width / 2, y + height / 2];
      await prepare(page, ...middle);
      await page.waitForTimeout(500);
      await browser.startTracing(page, { categories: CATEGORIES });
      await move(page, type, ...middle);
      const seen = judge(await browser.stopTracing());
      await after(page);
      const { frames, perSecond, gap, late, dropped, work } = seen;
      console.log(
        `| ${count} | ${way} | ${frames} | ${perSecond} | ${gap} | ${late} | ${dropped} | ${work} |`,
      );
    }
    if (page.problems.length > 0) throw new Error(page.problems.join("\n"));
    await page.context().close();
  }
} finally {
  await browser.close();
  for (const stop of stops) await stop();
}
