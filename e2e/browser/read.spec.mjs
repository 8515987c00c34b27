// The page "Read text" on pages that the tests draw, with the real model.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, screenshot, test } from "./fixtures.mjs";
import { finishedJob, FIRST_READ_MS, linesOn, marked, missing, placeOf, textPage } from "./reading.mjs";
import { clip, Sender } from "./senders.mjs";

const SIZE = { width: 640, height: 400 };

// One worker loads the reader, and that may take long.
test.describe.configure({ mode: "default", timeout: 300_000 });

test.beforeEach(async ({ server }) => {
  const why = await missing(server);
  test.skip(why !== null, why ?? "");
});

test("a_chosen_file_is_read_and_its_address_can_be_shared", async ({ visit }) => {
  const page = await visit("/read");
  await expect(page.getByRole("heading", { name: "Drop pictures here" })).toBeVisible();
  await page.getByTestId("file-input").setInputFiles(await textPage("invoice.png"));
  await expect(linesOn(page)).toHaveCount(4, { timeout: FIRST_READ_MS });
  await expect(linesOn(page).first()).toContainText("Invoice 4711");
  await expect(page.getByTestId("job-state")).toHaveText("done");
  await expect(page.getByTestId("file-name")).toHaveText("invoice.png");
  await expect(page).toHaveURL(/\/read\?job=\w+/);
  await expect(page).toHaveTitle(/invoice\.png/);

  const other = await visit(page.url());
  await expect(linesOn(other)).toHaveCount(4);
  await expect(other.getByTestId("picture-shown")).toBeAttached();
});

test("a_text_and_its_outline_light_each_other @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await textPage("invoice.png")]);
  const { regions } = (await server.get(`/api/v1/jobs/${id}/files/0`)).json;
  const page = await visit(`/read?job=${id}`);
  await expect(linesOn(page)).toHaveCount(4);
  expect(await marked(page)).toBe(0);
  await linesOn(page).nth(1).hover();
  await expect.poll(() => marked(page)).toBeGreaterThan(100);

  const [[left, top], , [right, bottom]] = regions[2].polygon;
  const middle = await placeOf(page, SIZE, [(left + right) / 2, (top + bottom) / 2]);
  await page.mouse.move(...middle);
  await expect(page.getByTestId("caption")).toContainText("Total 18.40");
  await expect(linesOn(page).nth(2)).toHaveAttribute("data-hovered");
  await page.mouse.click(...middle);
  await expect(linesOn(page).nth(2)).toHaveAttribute("aria-selected", "true");
  await page.getByTestId("texts").focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByTestId("chosen")).toContainText("Paid in full");
  await page.keyboard.press("Home");
  await expect(page.getByTestId("chosen")).toContainText("Invoice 4711");
});

test("the_slider_acts_at_once_and_reads_nothing_again @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await textPage("invoice.png")]);
  const page = await visit(`/read?job=${id}`);
  await expect(linesOn(page)).toHaveCount(4);
  const asked = [];
  page.on("request", (request) => {
    if (/\/files\//.test(request.url())) asked.push(request.url());
  });
  await page.getByTestId("least").getByRole("slider").press("End");
  await expect(page.getByTestId("line-count")).toHaveText(/^\d of 4 lines$/);
  await expect(page).toHaveURL(/min=1\.00/);
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(page.getByTestId("line-count")).toHaveText("4 lines");
  await page.getByTestId("find-text").fill("oil");
  await expect(linesOn(page)).toHaveCount(1);
  expect(asked).toEqual([]);
});

test("a_batch_says_what_became_of_each_file", async ({ visit }) => {
  const page = await visit("/read");
  await page
    .getByTestId("file-input")
    .setInputFiles([
      await textPage("one.png"),
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a picture at all") },
      { name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) },
      await textPage("two.png", ["Second page"]),
    ]);
  await expect(page.getByTestId("job-state")).toHaveText("2 failed", { timeout: FIRST_READ_MS });
  await expect(page.getByTestId("job-facts")).toContainText("2 read");
  await page.getByTestId("which-files").getByText("Failed").click();
  await expect(page.getByTestId("file-count")).toHaveText("2 of 4");
  await page.getByTestId("file-1").click();
  await expect(page.getByTestId("file-error")).toContainText("“notes.txt” could not be read");
  await screenshot(page, "read-failed");
  await page.getByTestId("which-files").getByText("All").click();
  await page.getByTestId("find-file").fill("two");
  await page.getByTestId("file-3").click();
  await expect(linesOn(page).first()).toContainText("Second page");
  await expect(page).toHaveURL(/file=4/);
  await page.getByTestId("find-file").fill("");
  await page.getByTestId("grid").getByRole("button", { name: "Lines" }).click();
  await expect(page).toHaveURL(/sort=regions/);
  await expect(page.getByTestId("grid").getByRole("row").nth(1)).toContainText("one.png");

  for (const [format, wanted] of Object.entries({
    text: /Second page/,
    csv: /Second page/,
    json: /"file"/,
  })) {
    const link = page.getByTestId("job").getByTestId(`save-${format}`);
    const answer = await page.request.get(new URL(await link.getAttribute("href"), page.url()).href);
    expect(await answer.text(), format).toMatch(wanted);
  }
  const annotated = page.getByTestId("save-annotated");
  const picture = await page.request.get(new URL(await annotated.getAttribute("href"), page.url()).href);
  expect(picture.headers()["content-type"]).toBe("image/png");
});

test("other_settings_read_the_picture_again_and_stay_with_the_browser @full", async ({ visit, server }) => {
  const tilted = await textPage("tilted.png", undefined, { tilt: 6 });
  const id = await finishedJob(server, [tilted]);
  const page = await visit(`/read?job=${id}`);
  await expect(linesOn(page)).not.toHaveCount(0);
  await page.getByTestId("side-choice").getByText("Settings").click();
  const read = page.waitForResponse((answer) => /\/files\/0\/read\?.*deskew=1/.test(answer.url()));
  await page.getByTestId("deskew").check({ force: true });
  expect((await read).status()).toBe(200);
  await expect(page).toHaveURL(/deskew=1/);
  await page.getByTestId("compare").check({ force: true });
  const divider = page.getByTestId("divider");
  await expect(divider).toHaveAttribute("aria-valuenow", "50");
  await divider.press("ArrowRight");
  await expect(divider).toHaveAttribute("aria-valuenow", "52");
  await screenshot(page, "read-compared");
  await page.evaluate(() => location.assign("/read"));
  await expect(page.getByTestId("deskew")).toBeChecked();
  await expect(page).toHaveURL(/deskew=1/);
});

test("how_a_picture_was_read_is_known_after_a_reload @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await textPage("page.png")]);
  const page = await visit(`/read?job=${id}`);
  await expect(linesOn(page)).not.toHaveCount(0);
  await page.getByTestId("side-choice").getByText("Settings").click();
  // A reload before it has been read again would leave the text as it was.
  const again = page.waitForResponse((response) => /\/files\/\d+\/read/.test(response.url()));
  await page.getByTestId("contrast").check({ force: true });
  await expect(page).toHaveURL(/contrast=1/);
  await (await again).finished();
  await expect(page.getByTestId("differs")).toBeHidden();
  await page.reload();
  await expect(linesOn(page)).not.toHaveCount(0);
  await expect(page.getByTestId("differs")).toBeHidden();
  // Without the setting in its address the page does not ask for what was read.
  await page.goto(page.url().replace("contrast=1", "contrast=0"));
  await expect(page.getByTestId("differs")).toBeVisible();
});

test("pictures_are_let_go_after_the_kept_number_and_texts_stay @full", async ({ visit, server }) => {
  const pages = await Promise.all([1, 2, 3].map((n) => textPage(`${n}.png`, [`Page number ${n}`])));
  const id = await finishedJob(server, pages, "min_confidence=0&keep=1");
  // Which file was done last is the machine's affair.
  const { files } = (await server.get(`/api/v1/jobs/${id}/files`)).json;
  const [kept] = files.filter(({ picture }) => picture);
  const [gone] = files.filter(({ picture }) => !picture);
  const page = await visit(`/read?job=${id}&file=${gone.index + 1}`);
  await expect(linesOn(page).first()).toContainText(`Page number ${gone.index + 1}`);
  await expect(page.getByTestId("let-go")).toBeVisible();
  await page.getByTestId(`file-${kept.index}`).click();
  await expect(page.getByTestId("file-name")).toHaveText(kept.name);
  await expect(linesOn(page).first()).toContainText(`Page number ${kept.index + 1}`);
  await expect(page.getByTestId("let-go")).toHaveCount(0);
  await page.getByTestId("file-0").click();
  await page.keyboard.press("n");
  await expect(page.getByTestId("file-name")).toHaveText("2.png");
});

test("a_running_batch_can_be_cancelled", async ({ visit }) => {
  const page = await visit("/read");
  // The bench of one file may come late: that a batch ended is told without it.
  let letBench = () => {};
  const mayCome = new Promise((resolve) => (letBench = () => resolve(undefined)));
  await page.route(/\/assets\/Workbench-[^/]+\.js$/, async (route) => {
    await mayCome;
    await route.continue();
  });
  const one = await textPage("page.png");
  // Seconds of work, however late the click comes.
  const many = Array.from({ length: 300 }, (_, n) => ({ ...one, name: `page-${n}.png` }));
  await page.getByTestId("file-input").setInputFiles(many);
  await page.getByTestId("cancel").click({ timeout: FIRST_READ_MS });
  await expect(page.getByTestId("job-state")).toHaveText("cancelled");
  await expect(page.getByTestId("announcer")).toHaveText(/^Cancelled: \d+ read/);
  letBench();
  await page.getByTestId("remove").click();
  await page.getByTestId("remove-now").click();
  await expect(page.getByRole("heading", { name: "Drop pictures here" })).toBeVisible();
});

for (const how of ["pasted", "dropped"]) {
  test(`a_${how}_picture_is_read @full`, async ({ visit }) => {
    const page = await visit("/read");
    await expect(page.getByTestId("choose-files")).toBeVisible();
    const { buffer } = await textPage("invoice.png");
    await page.evaluate(
      ([base64, kind]) => {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "image.png", { type: "image/png" }));
        const event =
          kind === "pasted"
            ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
            : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      },
      [buffer.toString("base64"), how],
    );
    await expect(linesOn(page).first()).toContainText("Invoice 4711", { timeout: FIRST_READ_MS });
    const name = how === "pasted" ? /^pasted-.*\.png$/ : "image.png";
    await expect(page.getByTestId("file-name")).toHaveText(name);
  });
}

test("the_newest_picture_of_a_stream_is_read @full", async ({ visit, server }) => {
  const sender = await new Sender(server, "Desk", await clip(server)).connected();
  const page = await visit("/read");
  await expect(page.getByTestId("choose-stream")).toBeVisible();
  await page.keyboard.press("l");
  await page.getByTestId("stream-Desk").click();
  await expect(page.getByTestId("job-state")).toHaveText("done", { timeout: FIRST_READ_MS });
  await expect(page.getByTestId("file-name")).toHaveText(/^Desk-.*\.jpg$/);
  sender.socket.close();
});

test("the_sample_page_is_read_from_the_start_page_and_seen_near @full", async ({ visit }) => {
  const page = await visit("/");
  await page.getByRole("link", { name: "Try a sample page" }).click();
  await expect(linesOn(page).filter({ hasText: "LIGHTHOUSE" })).toHaveCount(1, { timeout: FIRST_READ_MS });
  await linesOn(page).filter({ hasText: "LIGHTHOUSE" }).click();
  const scale = async () => Number.parseFloat(await page.getByTestId("scale").textContent());
  const before = await scale();
  await page.keyboard.press("z");
  await expect.poll(scale).toBeGreaterThan(before);
  await page.keyboard.press("0");
  await expect.poll(scale).toBe(before);
  await page.keyboard.press("9");
  await expect(page.getByTestId("scale")).toHaveText("100 %");
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(list).toContainText("Zoom to the selected line");
});

test("a_job_that_is_gone_is_said_so @full", async ({ visit }) => {
  const page = await visit("/read?job=none");
  await expect(page.getByTestId("gone")).toContainText("This batch no longer exists");
  await expect(page.getByTestId("choose-files")).toBeVisible();
});

test("the_curl_and_JavaScript_snippets_work_when_pasted @full", async ({ visit }) => {
  const page = await visit("/read");
  const folder = await mkdtemp(join(tmpdir(), "sightwire-read-"));
  const run = promisify(execFile);
  try {
    await writeFile(join(folder, "page.jpg"), (await textPage("page.png")).buffer);
    const curl = await page.getByLabel("curl snippet", { exact: true }).textContent();
    const shell = await run("bash", ["-c", curl], { cwd: folder });
    expect(shell.stdout).toContain("Invoice 4711\nLighthouse oil");
    const code = await page.getByLabel("JavaScript snippet", { exact: true }).textContent();
    await writeFile(join(folder, "read.mjs"), code);
    const node = await run(process.execPath, ["read.mjs"], { cwd: folder });
    expect(node.stdout).toContain("Lighthouse oil");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a_server_that_went_away_is_said_so_and_texts_stay @full", async ({ visit, serverWith }) => {
  const own = await serverWith();
  const id = await finishedJob(own, [await textPage("invoice.png")]);
  const page = await visit(`/read?job=${id}`, { at: own });
  await expect(linesOn(page)).toHaveCount(4);
  await own.stop();
  await page.getByTestId("file-input").setInputFiles(await textPage("late.png"));
  await expect(page.getByTestId("upload-trouble")).toContainText("was not sent");
  await expect(page.getByTestId("server-state")).toHaveText("no response");
  await expect(linesOn(page)).toHaveCount(4);
});

test("what_cannot_be_drawn_yet_is_told_calmly_and_goes_away_by_itself", async ({ visit }) => {
  const page = await visit("/read");
  await expect(page.getByTestId("reader")).toBeVisible();
  await expect(page.getByTestId("undrawn")).toHaveCount(0);
  const file = `/opt/${"aNameWithoutSpaces".repeat(4)}/sightwire-draw`;
  const why = `the program sightwire-draw is missing: there is no ${file}`;
  await page.route("**/api/v1/status", async (route) => {
    const answer = await route.fetch();
    const { reader, ...status } = await answer.json();
    const json = { ...status, reader: { ...reader, drawing: { available: false, why } } };
    await route.fulfill({ response: answer, json });
  });
  const notice = page.getByTestId("undrawn");
  await expect(notice).toContainText("PDF, AVIF and HEIC pages cannot be read yet");
  await expect(notice).toContainText("All other pictures are read");
  await expect(notice).toHaveAttribute("role", "status");
  // Where it lies on the server is no matter of whoever has a picture read.
  await expect(notice).not.toContainText("/opt");
  await notice.getByRole("link", { name: "Health" }).click();
  await expect(notice).toContainText("The program sightwire-draw is missing: ");
  await page.setViewportSize({ width: 390, height: 844 });
  const isWithin = (/** @type {Element} */ { scrollWidth, clientWidth }) => scrollWidth <= clientWidth;
  expect(await notice.evaluate(isWithin)).toBe(true);
  await page.goBack();
  await page.unrouteAll({ behavior: "wait" });
  await expect(notice).toHaveCount(0);
});
