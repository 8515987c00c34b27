// The pictures of README and docs show the pages as they are: a page that has other parts, or other words, than when its
// picture was taken wants a new one. Pixels are not compared.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { start } from "../js/harness.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { ARGS, ON_PHONE, populate, SCENES, structure } from "./scenes.mjs";

/** @import { Server } from "../js/harness.mjs" */

const FOLDER = join(import.meta.dirname, "../../docs/img/shots");
const TAKEN = JSON.parse(readFileSync(join(import.meta.dirname, "../shots/structure.json"), "utf8"));
const MAX_KB = 150;
const MAX_ALL_KB = 2000;

/** @type {import("@playwright/test").TestType<any, any>} */
const test = base.extend({
  // For all scenes of a worker.
  populated: [
    async ({}, use) => {
      const ends = [];
      const server = await start({ after: (end) => ends.push(end) }, { args: ARGS });
      const stop = await populate(server);
      await use(server);
      await stop();
      for (const end of ends.reverse()) await end();
    },
    { scope: "worker" },
  ],
});

for (const [name, { path, ready }] of Object.entries(SCENES)) {
  test(`the_picture_of_${name}_shows_what_its_page_has`, async ({ visit, populated }) => {
    const page = await visit(path, { at: populated, viewport: { width: 1280, height: 800 } });
    await ready(page);
    const told = "`cargo xtask shots` takes the pictures anew";
    await expect(async () => expect(await structure(page), told).toEqual(TAKEN[name])).toPass({
      timeout: 20_000,
    });
  });
}

test("pictures_are_there_and_small", () => {
  const files = readdirSync(FOLDER).sort();
  const wanted = Object.keys(SCENES).flatMap((name) => [`${name}-dark.webp`, `${name}-light.webp`]);
  const phones = ON_PHONE.map((name) => `${name}-phone.webp`);
  expect(files).toEqual([...wanted, ...phones, "wave.webp"].sort());
  const sizes = files.map((file) => statSync(join(FOLDER, file)).size / 1000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_KB);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_ALL_KB);
});
