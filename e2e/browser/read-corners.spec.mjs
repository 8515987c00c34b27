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
