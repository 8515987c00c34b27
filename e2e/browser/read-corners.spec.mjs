// The page in a photograph on "Read text": its corners are found, moved and set by hand.

import { SCREENS, looksRight } from "./accessible.mjs";
import { expect, test } from "./fixtures.mjs";
import { finishedJob, FIRST_READ_MS, linesOn, missing, textPage } from "./reading.mjs";

// One worker loads the reader, and that may take long.
test.describe.configure({ mode: "default", timeout: 300_000 });

test.beforeEach(async ({ server }) => {
  const why = await missing(server);
  test.skip(why !== null, why ?? "");
});

const WIDTH = 640;
const TABLE = 160;
const HOW = "min_confidence=0&perspective=1";
const photograph = (name = "on a table.png") => textPage(name, undefined, { tilt: 12, table: TABLE });

/** The middle of a handle, and how large it is to the finger. */
async function handle(page, n) {
  const { x, y, width, height } = await page.getByTestId(`corner-${n}`).boundingBox();
  return { at: [x + width / 2, y + height / 2], size: Math.min(width, height) };
}

/** Takes a corner by its handle, and lets it go so many pixels further. */
async function drag(page, n, [dx, dy]) {
  const [x, y] = (await handle(page, n)).at;
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx, y + dy, { steps: 4 });
  await page.mouse.up();
}

/** The corners that the next reading is asked for with. */
async function askedFor(page, act) {
  const asked = page.waitForResponse((answer) => /\/files\/0\/read\?.*corners=/.test(answer.url()));
  await act();
  const answer = await asked;
  expect(answer.status()).toBe(200);
  return new URL(answer.url()).searchParams.get("corners").split(",").map(Number);
}

test("the_corners_of_a_page_are_found_and_moved", async ({ visit, server }) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const found = (await server.get(`/api/v1/jobs/${id}/files/0`)).json.pages[0].corners.flat();
  const page = await visit(`/read?job=${id}&perspective=1`);
  const line = page.getByTestId("corners-line");
  await expect(line).toContainText("The page was found.");
  await expect(linesOn(page)).toHaveCount(4);
  const before = await handle(page, 2);
  expect(before.size).toBeGreaterThanOrEqual(24);
  const scale = ((await handle(page, 1)).at[0] - (await handle(page, 0)).at[0]) / (found[2] - found[0]);

  const moved = await askedFor(page, () => drag(page, 2, [-12, -9]));
  const off = [moved[4] - found[4] + 12 / scale, moved[5] - found[5] + 9 / scale];
  expect(Math.hypot(...off)).toBeLessThan(2);
  for (const n of [0, 1, 2, 3, 6, 7]) expect(moved[n]).toBeCloseTo(found[n], 0);
  await expect(line).toHaveText("Corners set by hand.");

  const byKeys = await askedFor(page, async () => {
    await page.getByTestId("corner-0").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Shift+ArrowUp");
  });
  expect(byKeys[0]).toBeCloseTo(moved[0] - 1, 0);
  expect(byKeys[1]).toBeCloseTo(moved[1] - 10, 0);

  await page.reload();
  await expect(line).toHaveText("Corners set by hand.");
  await page.getByTestId("find-corners").click();
  await expect(line).toContainText("The page was found.");
  const again = (await handle(page, 2)).at;
  expect(Math.hypot(again[0] - before.at[0], again[1] - before.at[1])).toBeLessThan(2);
});

test("corners_that_make_no_page_go_back @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const page = await visit(`/read?job=${id}&perspective=1`);
  const line = page.getByTestId("corners-line");
  await expect(line).toContainText("The page was found.");
  const [before, opposite] = [(await handle(page, 2)).at, (await handle(page, 0)).at];
  const back = async () => {
    await expect(line).toHaveText("No page has such corners: the last ones stay.");
    expect((await handle(page, 2)).at).toEqual(before);
  };
  // Beyond the corner across: nobody is asked.
  await drag(page, 2, [opposite[0] - before[0], opposite[1] - before[1] - 20]);
  await back();
  const detail = "corners 1,2,3,4,5,6,7,8 are not those of a page in a picture of 1x1 pixels";
  await page.route("**/files/0/read?**", (route) => route.fulfill({ status: 422, json: { detail } }));
  await drag(page, 2, [-12, -9]);
  await back();
  await expect(page.getByTestId("read-failure")).toHaveCount(0);
  await expect(linesOn(page)).toHaveCount(4);
});

test("moved_corners_stay_when_the_server_is_busy_and_when_a_setting_changes @full", async ({
  visit,
  server,
}) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const page = await visit(`/read?job=${id}&perspective=1`);
  const line = page.getByTestId("corners-line");
  await expect(line).toContainText("The page was found.");
  const before = (await handle(page, 2)).at;
  await page.route("**/files/0/read?**", (route) =>
    route.fulfill({ status: 429, json: { detail: "the reader is busy" } }),
  );
  await drag(page, 2, [-12, -9]);
  await expect(page.getByTestId("read-failure")).toBeVisible();
  await expect(line).toHaveText("Corners set by hand.");
  const after = (await handle(page, 2)).at;
  expect(after[0]).toBeCloseTo(before[0] - 12, 0);
  await page.unroute("**/files/0/read?**");
  const again = await askedFor(page, () => page.getByTestId("differs").getByRole("button").click());

  // Before the answer comes, the picture is to be read another way: with the corners as they were moved last.
  await page.getByTestId("side-choice").getByText("Settings").click();
  const answers = [];
  await page.route("**/files/0/read?**", async (route) => {
    answers.push(new URL(route.request().url()).searchParams);
    if (answers.length === 1) await expect.poll(() => answers.length).toBe(2);
    await route.continue();
  });
  await drag(page, 2, [-8, 0]);
  await page.getByTestId("contrast").click();
  const read = await page.waitForResponse((answer) => /\/read\?.*contrast=1/.test(answer.url()));
  expect(read.status()).toBe(200);
  expect(answers).toHaveLength(2);
  expect(answers[1].get("contrast")).toBe("1");
  expect(answers[1].get("corners")).toBe(answers[0].get("corners"));
  expect(Number(answers[1].get("corners").split(",")[4])).toBeLessThan(again[4]);
  await expect(line).toHaveText("Corners set by hand.");
});

test("a_key_and_a_drag_move_a_corner_once @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const page = await visit(`/read?job=${id}&perspective=1`);
  await expect(page.getByTestId("corners-line")).toContainText("The page was found.");
  const asked = [];
  page.on("request", (request) => {
    if (/\/files\/0\/read\?/.test(request.url())) asked.push(request.url());
  });
  await askedFor(page, async () => {
    await page.getByTestId("corner-2").focus();
    await page.keyboard.press("Shift+ArrowLeft");
    await drag(page, 2, [0, -9]);
  });
  // Longer than keys take to settle.
  await page.waitForTimeout(1000);
  expect(asked).toHaveLength(1);
});

test("corners_of_a_batch_are_dropped_when_they_are_found_again @full", async ({ visit, server }) => {
  const given = "corners=20,20,300,20,300,300,20,300";
  const id = await finishedJob(server, [await photograph()], `min_confidence=0&${given}`);
  const page = await visit(`/read?job=${id}&perspective=1`);
  const line = page.getByTestId("corners-line");
  await expect(line).toHaveText("Corners set by hand.");
  await expect(page.getByTestId("differs")).toHaveCount(0);
  await page.getByTestId("find-corners").click();
  await expect(line).toContainText("The page was found.");
  const { options } = (await server.get(`/api/v1/jobs/${id}/files/0`)).json;
  expect([options.perspective, options.corners]).toEqual([true, undefined]);
});

test("where_no_page_is_found_corners_are_set_by_hand @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await textPage("all of it.png")], HOW);
  const page = await visit(`/read?job=${id}&perspective=1`);
  const line = page.getByTestId("corners-line");
  await expect(line).toHaveText("No page was found: the picture is read as it is.");
  await expect(page.getByTestId("corners")).toHaveCount(0);
  await page.getByTestId("set-corners").click();
  await expect(line).toHaveText("Drag each corner onto one of the page.");
  const [x, , right] = await askedFor(page, () => drag(page, 0, [6, 0]));
  expect(x).toBeGreaterThan(24);
  expect(right).toBe(WIDTH - 24);
  await expect(line).toHaveText("Corners set by hand.");
  await page.getByTestId("find-corners").click();
  await expect(line).toContainText("No page was found");
});

test("a_finger_moves_a_corner_and_the_page_stays @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const page = await visit(`/read?job=${id}&perspective=1`, SCREENS.phone);
  await expect(page.getByTestId("corners-line")).toContainText("The page was found.");
  const { at, size } = await handle(page, 3);
  expect(size).toBeGreaterThanOrEqual(44);
  const session = await page.context().newCDPSession(page);
  const touch = (type, points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await askedFor(page, async () => {
    await touch("touchStart", [{ x: at[0], y: at[1] }]);
    for (const step of [4, 8, 12]) await touch("touchMove", [{ x: at[0] + step, y: at[1] - step }]);
    await touch("touchEnd", []);
  });
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test("the_page_is_compared_before_and_after @full", async ({ visit, server }) => {
  const id = await finishedJob(server, [await photograph()], HOW);
  const page = await visit();
  const picture = page.waitForResponse((answer) => /\/files\/0\/picture\?.*perspective=1/.test(answer.url()));
  await page.goto(`/read?job=${id}&perspective=1&compare`);
  expect((await picture).status()).toBe(200);
  await expect(page.getByTestId("divider")).toBeVisible();
  // What could be moved is not all in sight.
  await expect(page.getByTestId("corners")).toBeVisible();
  await expect(page.getByTestId("corner-0")).toHaveCount(0);
});

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`corners_${screen}_are_accessible_and_fit @full`, async ({ visit, server }) => {
    const id = await finishedJob(server, [await photograph()], HOW);
    const page = await visit(`/read?job=${id}&perspective=1`, { ...options, reducedMotion: "reduce" });
    await expect(page.getByTestId("corner-0")).toBeVisible({ timeout: FIRST_READ_MS });
    await expect(page.getByTestId("picture-shown")).toBeAttached();
    await looksRight(page, `read-corners-${screen}`);
  });
}
