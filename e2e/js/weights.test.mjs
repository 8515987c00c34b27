// Pages are there at once because they are small.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start } from "./harness.mjs";
import { weights } from "./weights.mjs";

test("the_pages_scripts_stay_within_their_budget", async (t) => {
  const { entry, pages, all } = await weights(await start(t, { args: ["--set", "recognizer.dummy=true"] }));
  assert.equal(pages.length, 8, JSON.stringify(pages));
  assert.ok(entry.first <= 125, `KiB before the start page shows: ${JSON.stringify(entry)}`);
  for (const { page, own, first } of pages) {
    assert.ok(entry.own + own <= 120, `KiB of ${page} and the entry: ${own} and ${entry.own}`);
    assert.ok(first <= 170, `KiB before ${page} shows: ${first}`);
  }
  assert.ok(all <= 400, `KiB of all pages: ${all}`);
});
