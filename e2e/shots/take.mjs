// Takes the pictures of README and docs: `cargo xtask shots` calls it with the demo's build. What each page has is written
// down beside them, for the test that says when they are out of date.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { launch, open } from "../browser/fixtures.mjs";
import { ARGS, ON_PHONE, populate, SCENES, structure } from "../browser/scenes.mjs";
import { sleep, start } from "../js/harness.mjs";

const FOLDER = join(import.meta.dirname, "../../docs/img/shots");
const DESKTOP = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 };
const PHONE = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 1.5,
};
const MAX_BYTES = 150_000;
/** Charts begin to show something. */
const SETTLES_MS = 4000;

const run = promisify(execFile);
const ends = [];

/** A PNG as WebP, as well as it fits: Chromium writes it. */
async function toWebp(browser, png) {
  const page = await browser.newPage();
  const url = `data:image/png;base64,${png.toString("base64")}`;
  for (const quality of [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]) {
    const webp = await page.evaluate(async ([url, quality]) => {
      const image = await createImageBitmap(await (await fetch(url)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext("2d").drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/webp", quality });
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    }, /** @type {const} */ ([url, quality]));
    if (webp.length <= MAX_BYTES) {
      await page.close();
      return Buffer.from(webp);
    }
  }
  throw new Error("a picture does not become small enough");
}

async function take(browser, server, name, file, options) {
  const { path, ready } = SCENES[name];
  const page = await open(browser, server, path, options);
  await ready(page);
  await sleep(SETTLES_MS);
  const words = await structure(page);
  writeFileSync(join(FOLDER, `${file}.webp`), await toWebp(browser, await page.screenshot()));
  await page.context().close();
  console.log(`${file}.webp ${Math.round(statSync(join(FOLDER, `${file}.webp`)).size / 1000)} kB`);
  return words;
}

/** A few seconds of a page that recognises, as an animation. */
async function animate(browser, server) {
  const page = await open(browser, server, SCENES.recognise.path, {
    viewport: { width: 960, height: 600 },
    colorScheme: "dark",
  });
  await SCENES.recognise.ready(page);
  const frames = mkdtempSync(join(tmpdir(), "sightwire-shots-"));
  const count = 24;
  const everyMs = 160;
  for (let i = 0; i < count; i += 1) {
    const due = performance.now() + everyMs;
    await page.screenshot({ path: join(frames, `${String(i).padStart(3, "0")}.png`) });
    await sleep(Math.max(0, due - performance.now()));
  }
  await page.context().close();
  const out = join(FOLDER, "wave.webp");
  for (const quality of [60, 45, 30, 20, 10]) {
    const video = ["-loglevel", "error", "-y", "-framerate", "6", "-i", join(frames, "%03d.png")];
    const written = [
      "-vf",
      "scale=720:-2",
      "-c:v",
      "libwebp_anim",
      "-loop",
      "0",
      "-quality",
      `${quality}`,
      out,
    ];
    await run("ffmpeg", [...video, ...written]);
    if (statSync(out).size <= MAX_BYTES) break;
  }
  rmSync(frames, { recursive: true, force: true });
  console.log(`wave.webp ${Math.round(statSync(out).size / 1000)} kB`);
}

mkdirSync(FOLDER, { recursive: true });
const server = await start({ after: (end) => ends.push(end) }, { args: ARGS });
ends.push(await populate(server));
const browser = await launch();
ends.push(() => browser.close());
try {
  // Something was recognised before the start page is looked at.
  const before = await open(browser, server, SCENES.recognise.path);
  await SCENES.recognise.ready(before);
  await before.context().close();
  const structures = {};
  for (const name of Object.keys(SCENES)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      const options = { ...DESKTOP, colorScheme };
      structures[name] = await take(browser, server, name, `${name}-${colorScheme}`, options);
    }
  }
  for (const name of ON_PHONE) {
    await take(browser, server, name, `${name}-phone`, { ...PHONE, colorScheme: "light" });
  }
  await animate(browser, server);
  const text = `${JSON.stringify(structures, null, 2)}\n`;
  writeFileSync(join(import.meta.dirname, "structure.json"), text);
} finally {
  for (const end of ends.reverse()) await end();
}
