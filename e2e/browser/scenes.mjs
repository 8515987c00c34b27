// What the pictures in README and docs show: real pages of a server with generated streams. `shots/take.mjs` takes them,
// and shots.spec.mjs says when a page is no longer what its picture shows.

import { expect } from "@playwright/test";

import { add, moves } from "./cameras.mjs";
import { senders } from "./senders.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @typedef {import("@playwright/test").Page} Page */
/**
 * @typedef {{
 *   path: string,
 *   screen?: { width: number, height: number },
 *   ready: (page: Page) => Promise<void>,
 * }} Scene `ready` waits until all is there that is to be seen.
 */

/** What the server is started with. */
export const ARGS = Object.entries({
  "cameras.file": "cameras.json",
  "cameras.linger_s": 1,
  "detector.model": "motion",
  "recognizer.model": "gestures",
}).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

const SENT = { Reception: "wave", "Ward 3": "left", Workshop: "up" };

/**
 * Two cameras and three streams; a function that ends the streams.
 * @param {Server} server
 */
export async function populate(server) {
  await add(server, "Main road", "simulated:street");
  await add(server, "Car park", "simulated:car-park");
  const { send, stop } = senders();
  for (const [name, gesture] of Object.entries(SENT)) await send(server, name, { gesture, fps: 10 });
  return stop;
}

const live = (/** @type {Page} */ page, /** @type {string} */ id) =>
  expect(page.getByTestId(`state-${id}`)).toHaveText("live", { timeout: 30_000 });

/** @type {Record<string, Scene>} */
export const SCENES = {
  start: {
    path: "/",
    async ready(page) {
      for (const id of ["main-road", "car-park", ...Object.keys(SENT)]) {
        await expect(page.getByTestId(`now-${id}`)).toHaveAccessibleName(/live \S/);
        await moves(page.getByTestId(`now-${id}`).locator("canvas"), 20_000);
      }
    },
  },
  wall: {
    path: "/wall",
    async ready(page) {
      for (const id of ["main-road", "car-park", ...Object.keys(SENT)]) await live(page, id);
      await moves(page.getByTestId("tile-car-park").locator("canvas").first(), 20_000);
    },
  },
  recognise: {
    path: "/recognise?source=sample&gesture=wave",
    async ready(page) {
      await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
    },
  },
  camera: {
    path: "/cameras/main-road",
    async ready(page) {
      await expect(page.getByTestId("camera-state")).toHaveText("live");
      await expect(page.getByTestId("class-motion")).toContainText(/motion\s*[1-9]/, { timeout: 30_000 });
    },
  },
  broadcast: {
    path: "/broadcast?source=test&start=1&name=Front%20desk",
    async ready(page) {
      await expect(page.getByTestId("viewers")).toHaveText("0", { timeout: 30_000 });
      await expect(page.getByTestId("preview-state")).toHaveText("live", { timeout: 30_000 });
    },
  },
  health: {
    path: "/health",
    async ready(page) {
      await expect(page.getByTestId("summary")).toContainText(/\d streams/);
      await expect(page.getByRole("row", { name: /Reception/ }).first()).toContainText("live");
    },
  },
  read: {
    path: "/read?sample",
    async ready(page) {
      await expect(page.getByText("LIGHTHOUSE").first()).toBeVisible({ timeout: 90_000 });
    },
  },
};

/** What is shown on a phone as well. */
export const ON_PHONE = ["start", "wall"];

/** Roles of what stays the same while streams run: what a page has, and what it is called. */
const ROLES = ["banner", "button", "columnheader", "combobox", "group", "heading", "link", "navigation"];
ROLES.push("radio", "region", "slider", "spinbutton", "switch", "tab", "textbox");

/** What there is on a page, by its words: each once, without numbers. */
export async function structure(/** @type {Page} */ page) {
  const lines = (await page.locator("body").ariaSnapshot()).split("\n");
  const found = lines.flatMap((line) => {
    const [, role, name] = /^\s*- '?([a-z]+) "((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
    return ROLES.includes(role) ? [`${role} ${withoutNumbers(name)}`] : [];
  });
  return [...new Set(found)].filter((line) => !VARYING.test(line)).sort();
}

/** What depends on how busy the machine is, and for how long the server has run. */
const VARYING =
  /combobox Batch|Ended|Needs attention|needs attention|ith problems|more on Health|Read last|Recognised last|% 0 s ago|slow/;

function withoutNumbers(/** @type {string} */ text) {
  return text.replace(/\d+(?:[.,:]\d+)*/g, "0").replace(/\b0 (?:ms|s|min|h)\b/g, "0 s");
}
