// What the tests of the page "Read text" share: pages with known words, drawn by the browser, and jobs.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

import { ask } from "../js/api.mjs";
import { expect, launch } from "./fixtures.mjs";
import { once } from "./once.mjs";

/** @import { Server } from "../js/harness.mjs" */

/** The reader loads with the first picture, and reads at the lowest priority on a machine that does other things, too. */
export const FIRST_READ_MS = 180_000;

const LINES = ["Invoice 4711", "Lighthouse oil", "Total 18.40", "Paid in full"];

/** A PNG with these lines of print on white, with so many pixels of a dark table around, as a file for an input. */
export async function textPage(name, lines = LINES, { width = 640, height = 400, tilt = 0, table = 0 } = {}) {
  const key = createHash("sha256").update(JSON.stringify([lines, width, height, tilt, table]));
  const file = await once(`page-${key.digest("hex").slice(0, 16)}.png`, async (path) =>
    writeFile(path, await draw(lines, { width, height, tilt, table })),
  );
  return { name, mimeType: "image/png", buffer: await readFile(file) };
}

/** On a canvas: on a busy machine Chromium now and then cannot take a screenshot. */
async function draw(lines, sizes) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const png = await page.evaluate(
      ([lines, { width, height, tilt, table }]) => {
        const canvas = document.createElement("canvas");
        Object.assign(canvas, { width: width + 2 * table, height: height + 2 * table });
        const context = canvas.getContext("2d");
        context.fillStyle = table > 0 ? "#3b3129" : "#fff";
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.translate(canvas.width / 2, canvas.height / 2);
        context.rotate((tilt * Math.PI) / 180);
        context.translate(-width / 2, -height / 2);
        context.fillStyle = "#fff";
        if (table > 0) context.fillRect(0, 0, width, height);
        context.fillStyle = "#111";
        context.font = '34px "DejaVu Sans", Arial, sans-serif';
        for (const [index, line] of lines.entries()) context.fillText(line, 40, 72 + 76 * index);
        return canvas.toDataURL("image/png");
      },
      [lines, sizes],
    );
    return Buffer.from(png.slice(png.indexOf(",") + 1), "base64");
  } finally {
    await browser.close();
  }
}

/** Why text cannot be read on this server, or null. */
export async function missing(/** @type {Server} */ server) {
  const { json } = await server.get("/api/v1/models");
  const known = json.models.filter(({ task }) => task === "text-reading");
  if (known.some(({ available, needs }) => available && needs === null)) return null;
  return "no model that reads text is in the store; `sightwire models pull ppocr-v4` gets one";
}

/**
 * Sends files as one job, past the page; waits until it has ended.
 * @param {Server} server
 */
export async function finishedJob(server, files, query = "min_confidence=0") {
  const form = new FormData();
  for (const { name, mimeType, buffer } of files) {
    form.append("file", new Blob([buffer], { type: mimeType }), name);
  }
  const { status, text, json } = await ask(server, "POST", `/api/v1/jobs?${query}`, form);
  expect(status, text).toBe(201);
  const { id } = json;
  await expect
    .poll(async () => (await server.get(`/api/v1/jobs/${id}`)).json.state, { timeout: FIRST_READ_MS })
    .toBe("done");
  return id;
}

/** The words of all lines that the page lists. */
export function linesOn(page) {
  return page.getByTestId("texts").getByRole("option");
}

/**
 * Where a point of the original lies in the window, while all of the picture is shown.
 * @returns {Promise<[x: number, y: number]>}
 */
export async function placeOf(page, { width, height }, [x, y]) {
  const stage = await page.getByTestId("stage").boundingBox();
  const scale = Math.min((stage.width - 24) / width, (stage.height - 24) / height, 1);
  return [
    stage.x + (stage.width - width * scale) / 2 + x * scale,
    stage.y + (stage.height - height * scale) / 2 + y * scale,
  ];
}

/** How many pixels of the upper canvas are painted: the marks. */
export function marked(page) {
  return page.evaluate(() => {
    /** @type {HTMLCanvasElement} */
    const canvas = document.querySelector('[data-testid="stage"] canvas[data-high]');
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let painted = 0;
    for (let n = 3; n < data.length; n += 4) painted += data[n] > 0 ? 1 : 0;
    return painted;
  });
}
