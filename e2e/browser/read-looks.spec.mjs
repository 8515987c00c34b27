// How the page "Read text" looks and for whom: light, dark, phone, screen readers, ten thousand files.
// The pictures are for people.

import { looksRight, SCREENS } from "./accessible.mjs";
import { expect, test } from "./fixtures.mjs";
import { finishedJob, linesOn, missing, textPage } from "./reading.mjs";

// One worker loads the reader, and that may take long.
test.describe.configure({ mode: "default", timeout: 300_000 });

let job;

/** One job for all of these, with files that are well and one that is not. */
async function batch(server) {
  job ??= await finishedJob(server, [
    await textPage("invoice.png"),
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a picture at all") },
    await textPage("crooked scan of a letter with a long name.png", undefined, { tilt: 5 }),
    await textPage("label.png", ["Fragile", "This side up"], { width: 400, height: 240 }),
  ]);
  return job;
}

const PAGES = {
  empty: { path: () => "/read" },
  batch: {
    path: async (server) => `/read?job=${await batch(server)}`,
    ready: async (page) => {
      await expect(linesOn(page)).toHaveCount(4);
      await linesOn(page).nth(1).click();
      await expect(page.getByTestId("picture-shown")).toBeAttached();
    },
  },
  settings: {
    path: async (server) => `/read?job=${await batch(server)}&file=3&deskew=1&contrast=1&compare`,
    ready: async (page, screen) => {
      await expect(linesOn(page)).not.toHaveCount(0);
      await expect(page.getByTestId("divider")).toBeVisible();
      if (screen === "phone") await page.getByRole("button", { name: "Settings" }).click();
      else await page.getByTestId("side-choice").getByText("Settings").click();
      await expect(page.getByTestId("settings")).toBeVisible();
    },
  },
};

for (const [name, { path, ready }] of Object.entries(PAGES)) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`${name}_${screen}_is_accessible_and_fits @full`, async ({ visit, server }) => {
      const why = await missing(server);
      test.skip(why !== null && name !== "empty", why ?? "");
      const page = await visit(await path(server), { ...options, reducedMotion: "reduce" });
      await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
      await ready?.(page, screen);
      await looksRight(page, `read-${name}-${screen}`);
    });
  }
}

test("on_a_phone_the_picture_comes_first @full", async ({ visit, server }) => {
  const why = await missing(server);
  test.skip(why !== null, why ?? "");
  const page = await visit(`/read?job=${await batch(server)}`, SCREENS.phone);
  await expect(linesOn(page)).toHaveCount(4);
  const tops = await Promise.all(
    ["viewer", "texts", "job", "files"].map(async (id) => (await page.getByTestId(id).boundingBox()).y),
  );
  expect(tops).toEqual(tops.toSorted((a, b) => a - b));
  expect(tops[0]).toBeLessThan(200);
});

test("ten_thousand_files_are_a_few_dozen_rows @full", async ({ visit }) => {
  const count = 10_000;
  const summary = {
    ...{
      id: "many",
      state: "done",
      created: 0,
      options: {},
      files: count,
      done: count,
      failed: 0,
      waiting: 0,
    },
    ...{
      regions: count,
      characters: count,
      mean_confidence: 0.9,
      ms: 1,
      files_per_s: 9,
      left_s: null,
      keep: 10,
    },
  };
  const row = (index) => ({
    ...{
      index,
      name: `scan-${index}.png`,
      bytes: 1,
      state: "done",
      error: null,
      pages: 1,
      width: 9,
      height: 9,
    },
    ...{ regions: index % 50, confidence: 0.9, ms: 1, picture: false },
  });
  const page = await visit();
  await page.route("**/api/v1/jobs/many**", (route) => {
    const url = new URL(route.request().url());
    if (!url.pathname.endsWith("/files")) return route.fulfill({ json: summary });
    const offset = Number(url.searchParams.get("offset"));
    return route.fulfill({
      json: { total: count, files: Array.from({ length: 500 }, (_, n) => row(offset + n)) },
    });
  });
  await page.route("**/api/v1/jobs/many/files/*", (route) =>
    route.fulfill({ status: 404, json: { detail: "There is no text in this test." } }),
  );
  await page.goto("/read?job=many");
  await expect(page.getByTestId("file-count")).toHaveText("10,000");
  const grid = page.getByTestId("grid");
  await grid.focus();
  await page.keyboard.press("End");
  await expect(page.getByTestId("file-9999")).toBeVisible();
  expect(await grid.getByRole("row").count()).toBeLessThan(60);
  await page.getByTestId("find-file").fill("scan-777");
  await expect(page.getByTestId("file-count")).toHaveText("11 of 10,000");
  await page.getByTestId("find-file").fill("");
  await grid.getByRole("button", { name: "Lines" }).click();
  await expect(grid.getByRole("row").nth(1)).toContainText("scan-49.png");
});
