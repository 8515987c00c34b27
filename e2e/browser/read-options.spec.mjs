// The page "Read text": what a server allows, submissions, and files that come once more.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "./fixtures.mjs";
import { finishedJob, FIRST_READ_MS, linesOn, missing, textPage } from "./reading.mjs";

// One worker loads the reader, and that may take long.
test.describe.configure({ mode: "default", timeout: 300_000 });

test.beforeEach(async ({ server }) => {
  const why = await missing(server);
  test.skip(why !== null, why ?? "");
});

test("settings_end_at_what_the_server_allows", async ({ visit, serverWith }) => {
  const args = ["--set", "reader.keep_pictures=7", "--set", "reader.display_size=1500"];
  const page = await visit("/read", { at: await serverWith({ args }) });
  // As another server allowed it.
  await page.evaluate(() => localStorage.setItem("sightwire.read", '{"side":4096,"keep":20}'));
  await page.reload();
  const keep = page.getByTestId("keep");
  await expect(keep).toHaveValue("7");
  await expect(keep.getByRole("option")).toHaveText(["5: small, < 8 GB", "7"]);
  await expect(page.getByTestId("keep-limit")).toHaveText(
    "This server keeps at most 7 (reader.keep_pictures).",
  );
  await expect(page.getByTestId("side").getByRole("radio")).toHaveCount(2);
  await expect(page.getByTestId("side-limit")).toContainText("at most 1500 px");
  const sent = page.waitForRequest((request) => /\/jobs\?.*keep=7/.test(request.url()));
  const shown = page.waitForRequest((request) => /\/picture\?side=1500/.test(request.url()));
  await page.getByTestId("file-input").setInputFiles(await textPage("invoice.png"));
  await Promise.all([sent, shown]);
});

test("fewer_and_higher_lines_are_read_as_the_address_says @full", async ({ visit, server }) => {
  const page = await visit("/read?max_candidates=2&min_detection_size=8");
  await expect(page.getByTestId("maxCandidates").getByRole("slider")).toHaveAttribute("aria-valuetext", "2");
  await page.getByTestId("file-input").setInputFiles(await textPage("invoice.png"));
  await expect(linesOn(page)).toHaveCount(2, { timeout: FIRST_READ_MS });
  await expect(page).toHaveURL(/max_candidates=2&min_detection_size=8/);
  const id = new URL(page.url()).searchParams.get("job");
  const { options } = (await server.get(`/api/v1/jobs/${id}`)).json;
  expect(options).toMatchObject({ max_candidates: 2, min_detection_size: 8 });
});

test("a_submission_has_a_prefix_and_confidences @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await textPage("one.png"), await textPage("two.png", ["Two"])]);
  const page = await visit(`/read?job=${id}`);
  await expect(linesOn(page)).toHaveCount(4);
  await expect(page.getByTestId("mean-confidence")).toHaveText(/^mean \d\d\.\d\d %$/);
  await page.getByTestId("submission").click();
  await page.getByTestId("submission-prefix").fill("run-3");
  await page.getByTestId("submission-confidence").check({ force: true });
  const saved = page.waitForEvent("download");
  await page.getByTestId("save-submission-csv").click();
  expect((await saved).suggestedFilename()).toMatch(/^run-3_\d{8}T\d{6}Z\.csv$/);
  const json = await page.getByTestId("save-submission-json").getAttribute("href");
  const answer = await page.request.get(new URL(json, page.url()).href);
  expect(Object.keys((await answer.json()).images)).toEqual(["one.png", "two.png"]);
});

test("files_that_were_read_already_are_left_out", async ({ visit }) => {
  const page = await visit("/read");
  const folder = await mkdtemp(join(tmpdir(), "sightwire-read-"));
  const [one, two] = [join(folder, "one.png"), join(folder, "two.png")];
  try {
    await writeFile(one, (await textPage("one.png")).buffer);
    await writeFile(two, (await textPage("two.png", ["Two"])).buffer);
    const input = page.getByTestId("file-input");
    await input.setInputFiles(one);
    await expect(page.getByTestId("job-state")).toHaveText("done", { timeout: FIRST_READ_MS });
    await input.setInputFiles([one, two]);
    await expect(page.getByTestId("read-before")).toContainText("1 file was read already and left out");
    await expect(page.getByTestId("file-name")).toHaveText("two.png");
    await expect(page.getByTestId("job-state")).toHaveText("done");
    await expect(page.getByTestId("job-facts")).toContainText("1 read");
    const before = page.url();
    await input.setInputFiles([one, two]);
    await expect(page.getByTestId("read-before")).toContainText("2 files were read already and left out");
    expect(page.url()).toBe(before);
    await page.getByRole("button", { name: "Read them all the same" }).click();
    await expect(page.getByTestId("job-facts")).toContainText("2 read");
    await expect(page.getByTestId("read-before")).toHaveCount(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
