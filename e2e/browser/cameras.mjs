// What the tests of the camera pages share.

import { ask } from "../js/api.mjs";
import { expect } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { CameraChange } from "../js/types.ts" */

/** Settings with which states come fast, no model is fetched, and no stream ends because its sender is silent. */
export const SETTINGS = Object.entries({
  "cameras.allow": "127.0.0.0/8",
  "cameras.file": "cameras.json",
  "cameras.linger_s": 1,
  "cameras.stalled_after_s": 2,
  "cameras.frozen_after_s": 3,
  "detector.model": "motion",
  "recognizer.dummy": true,
  "relay.end_after_s": 60,
}).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

/**
 * Tells the server of a camera; as it keeps it.
 * @param {Server} server
 * @param {string} name
 * @param {string} url
 * @param {CameraChange} [more]
 */
export async function add(server, name, url, more = {}) {
  const { status, json, text } = await ask(server, "POST", "/api/v1/cameras", { name, url, ...more });
  expect(status, text).toBe(201);
  return json;
}

/** The server's numbers of cameras, viewers, analyses. */
export async function used(/** @type {Server} */ server) {
  return (await server.get("/api/v1/status")).json.cameras;
}

/** How colourful a canvas is: 0 for nothing or grey, and whether anything was drawn. */
export function look(canvas) {
  return canvas.evaluate((element) => {
    const { width, height } = element;
    // What a canvas shows may be a picture that it was given, and none that was drawn on it.
    const copy = new OffscreenCanvas(Math.max(1, width), Math.max(1, height)).getContext("2d");
    copy.drawImage(element, 0, 0);
    const { data } = copy.getImageData(0, 0, Math.max(1, width), Math.max(1, height));
    let drawn = 0;
    let sum = 0;
    for (let at = 0; at < data.length; at += 4 * 97) {
      if (data[at + 3] > 0) drawn += 1;
      sum += data[at] + data[at + 1] + data[at + 2];
    }
    return { width, height, drawn: drawn > 0, sum, filter: getComputedStyle(element).filter };
  });
}

/** Hides a page, or shows it again. Headless ones are never hidden by themselves. */
export function hide(page, hidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

/** Waits until a picture is grey: it fades. */
export async function looksOld(canvas) {
  await expect.poll(async () => (await look(canvas)).filter).toContain("saturate(0)");
}

/** Waits until a canvas shows other pictures than before: it is alive. */
export async function moves(canvas, timeout = 10_000) {
  const { sum } = await look(canvas);
  await expect.poll(async () => (await look(canvas)).sum, { timeout }).not.toBe(sum);
}
