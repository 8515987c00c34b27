// What people do at the prototypes' pages, and what they see there.

import { expect } from "../fixtures.mjs";
import { isThere, look, moves, soon } from "./look.mjs";

/** @import { Page } from "../fixtures.mjs" */

/** A line in which each of the pages says how it goes. */
export const state = (/** @type {Page} */ page) => page.locator("#state");
export const button = (/** @type {Page} */ page, /** @type {string} */ name) =>
  page.getByRole("button", { name, exact: true }).click();

/**
 * At the relay's page that sends: finds the patient as a nurse does, and starts.
 * @param {Page} page
 * @param {number} number
 * @param {{ mode?: string, colour?: string }} [options]
 */
export async function startSending(page, number, { mode = "normal", colour = "red" } = {}) {
  await page.getByLabel("Patient").fill(`Patient ${number}`);
  await button(page, "Search");
  await button(page, `Patient ${number}`);
  await page.getByLabel("Analysis").selectOption(mode);
  await page.getByLabel("Colour").fill(colour);
  await button(page, "Start");
}

export const isStreaming = (/** @type {Page} */ page, number) =>
  expect(state(page)).toHaveText(`Streaming P-${number}`);

/** A patient's part of the relay's dashboard, */
export const tile = (/** @type {Page} */ page, number) => page.locator(`#stream-P-${number}`);
/** and the picture in it. */
export const pictureOf = (/** @type {Page} */ page, number) => tile(page, number).locator("img");

/**
 * At the viewer of cameras: says what is to be shown, and starts.
 * @param {Page} page
 * @param {string} mode
 * @param {string} url
 * @param {{ user?: string } & Record<string, any>} [options] Sliders by their ids.
 */
export async function startWatching(page, mode, url, { user = "guest", ...sliders } = {}) {
  await page.getByLabel("Camera", { exact: true }).fill(url);
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Mode").selectOption(mode);
  for (const [id, value] of Object.entries(sliders)) await page.locator(`#${id}`).fill(String(value));
  await button(page, "Start");
}

/** The picture of such a page. */
export const picture = (/** @type {Page} */ page) => page.locator("#picture");
export const complaint = (/** @type {Page} */ page) => page.getByRole("alert");

/** Waits until the page shows the camera, and that it moves. */
export async function isShown(/** @type {Page} */ page, /** @type {number[]} */ size = undefined) {
  await isThere(picture(page), size);
  await moves(picture(page));
  await expect(complaint(page)).toHaveText("");
}

/** Waits until the picture has that on it, boxes or the plates of labels. */
export async function has(/** @type {Page} */ page, /** @type {"boxes" | "plates"} */ what) {
  await soon(async () => (await look(picture(page)))[what]).toBeGreaterThan(10);
}

/**
 * At the page of signs: says how, and connects.
 * @param {Page} page
 * @param {{ transports?: string, credentials?: boolean, type?: string, camera?: boolean }} [options]
 */
export async function startSigning(
  page,
  { transports = "", credentials = false, type, camera = false } = {},
) {
  await page.getByLabel("Transports").selectOption(transports);
  if (type) await page.getByLabel("Pictures").selectOption(type);
  await page.getByLabel("With credentials").setChecked(credentials);
  await page.getByLabel("Camera").setChecked(camera);
  await button(page, "Connect");
}

/** A number that it shows. */
export const numberOf = async (/** @type {Page} */ page, /** @type {string} */ id) =>
  Number(await page.locator(`#${id}`).textContent());

/** It sends for a while and stops; every frame has its answer. */
export async function isAnswered(/** @type {Page} */ page) {
  await soon(() => numberOf(page, "answered")).toBeGreaterThan(25);
  await button(page, "Pause");
  const sent = await numberOf(page, "sent");
  await soon(() => numberOf(page, "answered")).toBe(sent);
  await expect(complaint(page)).toHaveText("");
}
