// The wall: all streams at a glance, and none of them ever looks live when it is not.

import { isInView, looksRight, overflow, SCREENS, SIDEWAYS } from "./accessible.mjs";
import { add, hide, look, looksOld, moves, SETTINGS } from "./cameras.mjs";
import { expect, screenshot, test as base } from "./fixtures.mjs";
import { senders } from "./senders.mjs";

/** @import { Own, TestWith } from "./fixtures.mjs" */

/** @type {TestWith<{ send: ReturnType<typeof senders>["send"], wallServer: Own["serverWith"] }>} */
const test = base.extend({
  // Senders that end with the test.
  send: async ({}, use) => {
    const { send, stop } = senders();
    await use(send);
    await stop();
  },
  // A server that calls a stream stalled soon, and fetches no model.
  wallServer: async ({ serverWith }, use) => {
    await use((more = {}) => serverWith({ args: SETTINGS, ...more }));
  },
});

const tile = (page, id) => page.getByTestId(`tile-${id}`);
const state = (page, id) => page.getByTestId(`state-${id}`);
const picture = (page, id) => tile(page, id).locator("canvas").first();

/** Waits until a tile is live, looks it, and moves. */
async function isLive(page, id, timeout = 10_000) {
  await expect(state(page, id)).toHaveText("live", { timeout });
  await expect.poll(async () => (await look(picture(page, id))).filter).toBe("none");
  await moves(picture(page, id), timeout);
}

test("a_stream_appears_when_it_begins_and_goes_when_it_ends", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  await expect(page.getByRole("heading", { name: "No streams yet" })).toBeVisible();
  const one = await send(at, "P-1");
  await isLive(page, "P-1");
  await expect(page.getByTestId("summary")).toHaveText("1 stream · 1 live");
  await one.stop();
  await expect(state(page, "P-1")).toHaveText("ended");
  await expect(tile(page, "P-1")).not.toHaveAttribute("data-live");
  await looksOld(picture(page, "P-1"));
  await page.getByRole("button", { name: "Remove P-1 from the wall" }).click();
  await expect(tile(page, "P-1")).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "No streams yet" })).toBeVisible();
});

test("several_streams_begin_and_end_without_touching_each_other @full", async ({
  visit,
  wallServer,
  send,
}) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  const a = await send(at, "A", { gesture: "left" });
  await isLive(page, "A");
  const b = await send(at, "B", { gesture: "right", binary: false, mode: "enhanced" });
  await isLive(page, "B");
  await isLive(page, "A");
  await expect(tile(page, "B")).toContainText("enhanced");
  await a.stop();
  await expect(state(page, "A")).toHaveText("ended");
  await isLive(page, "B");
  await b.stop();
  await expect(state(page, "B")).toHaveText("ended");
  await expect(page.getByTestId("summary")).toHaveText("2 streams · 2 ended");
});

test("a_stream_that_is_stopped_and_started_at_once_is_live_again", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  for (let round = 0; round < 3; round += 1) {
    const sender = await send(at, "P-1", { gesture: round % 2 ? "right" : "left" });
    await isLive(page, "P-1");
    await sender.stop();
  }
  await expect(state(page, "P-1")).toHaveText("ended");
  await expect(page.getByTestId("summary")).toHaveText("1 stream · 1 ended");
});

test("a_sender_that_vanishes_is_ended_and_one_that_is_silent_is_stalled", async ({
  visit,
  wallServer,
  send,
}) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  const gone = await send(at, "gone");
  const silent = await send(at, "silent");
  await isLive(page, "gone");
  await isLive(page, "silent");
  gone.vanish();
  await expect(state(page, "gone")).toHaveText("ended");
  silent.mood = "hold";
  await expect(state(page, "silent")).toHaveText(/^stalled \d+ s$/);
  await looksOld(picture(page, "silent"));
  await expect(page.getByTestId("note-silent")).toContainText(/This frame is \d+ s old/);
  silent.mood = "play";
  await isLive(page, "silent");
});

test("a_camera_that_hangs_is_frozen_and_one_that_is_gone_says_so @full", async ({
  visit,
  wallServer,
  cameraWith,
}) => {
  const at = await wallServer();
  const hangs = await cameraWith("--fps", "10", "--max-clients", "8");
  await add(at, "Pond", hangs.stream);
  await add(at, "Cellar", "http://127.0.0.1:9/stream");
  const page = await visit("/wall?streams=pond,cellar", { at });
  await isLive(page, "pond", 20_000);
  await expect(state(page, "cellar")).toHaveText("error");
  await expect(page.getByTestId("note-cellar")).toHaveText("Cannot be reached: Connection refused.");
  await expect(page.getByTestId("summary")).toHaveText("2 cameras · 1 error · 1 live");
  await hangs.fault("freeze");
  await expect(state(page, "pond")).toHaveText(/^frozen \d+ s$/, { timeout: 20_000 });
  await expect(page.getByTestId("note-pond")).toContainText(/The same frame for \d+ s/);
  await looksOld(picture(page, "pond"));
  await hangs.fault("");
  await isLive(page, "pond", 20_000);
});

test("a_page_that_broadcasts_may_be_closed_in_mid_stream @full", async ({ visit, wallServer, plain }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  const context = await plain.newContext({ baseURL: at.url });
  const sender = await context.newPage();
  await sender.goto("/wall");
  // What a page of an old client does: a canvas, as data URLs, over the old protocol.
  await sender.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const on = canvas.getContext("2d");
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/stream/tab`);
    socket.onopen = () => socket.send('{"monitoring_conditions":["any"]}');
    let n = 0;
    setInterval(() => {
      on.fillStyle = `hsl(${(n += 17)} 90% 50%)`;
      on.fillRect(0, 0, 320, 240);
      const frame = canvas.toDataURL("image/jpeg", 0.8);
      if (socket.readyState === 1) socket.send(JSON.stringify({ type: "frame", frame }));
    }, 66);
  });
  await isLive(page, "tab");
  await expect(tile(page, "tab")).toContainText("enhanced");
  await context.close();
  await expect(state(page, "tab")).toHaveText("ended");
});

test("a_wall_that_is_loaded_again_or_returned_to_shows_what_is_live @full", async ({
  visit,
  wallServer,
  send,
}) => {
  const at = await wallServer();
  const page = await visit("/wall?one=P-1&overlays=on", { at });
  await send(at, "P-1");
  const two = await send(at, "P-2", { gesture: "up" });
  await isLive(page, "P-1");
  await page.reload();
  await isLive(page, "P-1");
  await isLive(page, "P-2");
  await expect(page.getByTestId("overlays")).toBeChecked();
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Cameras", level: 1 })).toBeVisible();
  await two.stop();
  await page.goBack();
  await isLive(page, "P-1");
  await expect(tile(page, "P-2")).toHaveCount(0);
  await expect(page).toHaveURL(/one=P-1&?/);
});

test("what_is_no_picture_changes_nothing_and_never_looks_live @full", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  const one = await send(at, "P-1", { binary: false });
  const other = await send(at, "P-2", { gesture: "right" });
  await isLive(page, "P-1");
  for (const text of ["", "{", '{"type":"frame"}', '{"type":"frame","frame":""}', "[1]", '{"type":"what"}']) {
    one.sendText(text);
    one.sendJpeg(one.frames[0]);
  }
  await isLive(page, "P-1");
  expect(one.closed).toBeUndefined();
  // Begins as a JPEG does, and is none: the server cannot know, the page must.
  other.mood = "junk";
  await expect(tile(page, "P-2")).not.toHaveAttribute("data-live");
  await looksOld(picture(page, "P-2"));
  other.mood = "play";
  await isLive(page, "P-2");
  await isLive(page, "P-1");
});

test("the_wall_comes_back_by_itself_when_the_server_does", async ({ visit, wallServer, send }) => {
  test.setTimeout(120_000);
  const at = await wallServer();
  const page = await visit("/wall", { at });
  await send(at, "P-1");
  await send(at, "P-2");
  await isLive(page, "P-1");
  await at.stop();
  await expect(state(page, "P-1")).toHaveText(/^(stalled|ended)/);
  await expect(page.getByTestId("connection")).toContainText(/Trying again in \d+ s/);
  await looksOld(picture(page, "P-1"));
  const again = await wallServer({ listen: `127.0.0.1:${at.port}` });
  await send(again, "P-1");
  // It asks again by itself, too, and may have been in before the click.
  await Promise.any([page.getByTestId("retry").click(), isLive(page, "P-1", 40_000)]);
  await isLive(page, "P-1", 40_000);
  await expect(page.getByTestId("connection")).toHaveCount(0);
  await expect(state(page, "P-2")).toHaveText("ended");
});

test("a_server_that_hangs_leaves_nothing_looking_live @full", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  await send(at, "P-1");
  await isLive(page, "P-1");
  // The connection stays open, and nobody says that anything ended.
  process.kill(at.pid, "SIGSTOP");
  try {
    await expect(state(page, "P-1")).toHaveText(/^stalled \d+ s$/);
    await looksOld(picture(page, "P-1"));
    await expect(page.getByTestId("note-P-1")).toContainText(/This frame is \d+ s old/);
  } finally {
    process.kill(at.pid, "SIGCONT");
  }
  await isLive(page, "P-1", 20_000);
});

test("a_page_that_wakes_shows_the_newest_picture_not_an_old_one @full", async ({
  visit,
  wallServer,
  send,
}) => {
  test.setTimeout(90_000);
  const at = await wallServer();
  const page = await visit("/wall", { at });
  await send(at, "P-1");
  await isLive(page, "P-1");
  await hide(page, true);
  // Nothing old is left to be seen when the page comes back.
  await expect(picture(page, "P-1")).toHaveAttribute("data-empty");
  await hide(page, false);
  await expect(picture(page, "P-1")).not.toHaveAttribute("data-empty");
  await isLive(page, "P-1");
  // Hidden for long it holds no connection.
  const viewers = async () => (await at.get("/api/v1/streams/P-1")).json.viewers;
  expect(await viewers()).toBe(1);
  await hide(page, true);
  await expect.poll(viewers, { timeout: 20_000 }).toBe(0);
  await hide(page, false);
  await isLive(page, "P-1");
  await page.goto("/cameras");
  await expect.poll(viewers).toBe(0);
});

test("a_stream_is_enlarged_and_everything_works_with_keys", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  await send(at, "A");
  await send(at, "B", { gesture: "right" });
  await send(at, "C", { gesture: "up" });
  const page = await visit("/wall", { at });
  await isLive(page, "B");
  await isLive(page, "C");
  const box = async (id) => (await picture(page, id).boundingBox()).width;
  const before = await box("B");
  await tile(page, "A").getByRole("button").first().focus();
  await page.keyboard.press("ArrowRight");
  await expect(tile(page, "B").getByRole("button").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/one=B/);
  await expect.poll(() => box("B")).toBeGreaterThan(before * 1.5);
  await expect(tile(page, "B").getByRole("button").first()).toBeFocused();
  await isLive(page, "B");
  await isLive(page, "A");
  await page.keyboard.press("ArrowRight");
  await expect(tile(page, "A").getByRole("button").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/one=/);
  await expect.poll(() => box("B")).toBeCloseTo(before, 0);
  await tile(page, "C").getByRole("button").first().click();
  await expect(page).toHaveURL(/one=C/);
  await page.keyboard.press("o");
  await expect(page.getByTestId("overlays")).toBeChecked();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("Overlays on or off");
});

test("overlays_are_drawn_over_the_picture_and_go_when_they_are_switched_off", async ({
  visit,
  wallServer,
  cameraWith,
}) => {
  const at = await wallServer();
  const park = await cameraWith("--fps", "10", "--max-clients", "8");
  await add(at, "Front door", park.stream);
  const page = await visit("/wall?streams=front-door&overlays=on", { at });
  await isLive(page, "front-door", 20_000);
  const marks = tile(page, "front-door").locator("canvas").nth(1);
  await expect.poll(async () => (await look(marks)).drawn, { timeout: 30_000 }).toBe(true);
  await page.getByTestId("overlays").uncheck({ force: true });
  await expect.poll(async () => (await look(marks)).drawn).toBe(false);
  await isLive(page, "front-door");
});

test("cameras_are_on_the_wall_and_can_be_taken_off @full", async ({
  visit,
  wallServer,
  cameraWith,
  send,
}) => {
  const at = await wallServer();
  const park = await cameraWith("--fps", "10", "--max-clients", "8");
  await add(at, "Front door", park.stream);
  await add(at, "Street", "simulated:street");
  await send(at, "P-1");
  const page = await visit("/wall", { at });
  await isLive(page, "P-1");
  await isLive(page, "front-door", 20_000);
  await isLive(page, "street", 20_000);
  await expect(tile(page, "front-door")).toContainText("Front door");
  await page.getByTestId("choose").click();
  await page.getByTestId("choose-cameras").uncheck({ force: true });
  await page.getByRole("switch", { name: "Front door" }).uncheck({ force: true });
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/streams=\*,street/);
  await expect(tile(page, "front-door")).toHaveCount(0);
  await isLive(page, "street");
  await page.keyboard.press("a");
  await page.getByTestId("choose-cameras").check({ force: true });
  await isLive(page, "front-door", 20_000);
  await isLive(page, "P-1");
});

/** The boxes of all tiles, in their order. */
const boxes = (page) =>
  page.locator("[data-testid^=tile-]").evaluateAll((tiles) =>
    tiles.map((tile) => {
      const { x, y, width, height } = tile.getBoundingClientRect();
      return { id: tile.dataset.testid.slice("tile-".length), x, y, width, height };
    }),
  );

/** Those that stand beside each other. */
function rowsOf(/** @type {Awaited<ReturnType<typeof boxes>>} */ all) {
  const tops = [...new Set(all.map(({ y }) => Math.round(y)))];
  return tops.map((top) => all.filter(({ y }) => Math.round(y) === top));
}

test("the_wall_fills_any_window_and_never_scrolls_sideways", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  for (const id of ["A", "B", "C", "D", "E"]) await send(at, id, { fps: 5 });
  const page = await visit("/wall?screen=on", { at });
  await expect(page.locator("[data-testid^=tile-]")).toHaveCount(5);
  for (const [width, height] of [
    [390, 844],
    [844, 390],
    [768, 1024],
    [1440, 900],
    [2560, 1440],
    [3840, 1080],
  ]) {
    await page.setViewportSize({ width, height });
    // In a control room all of the window is pictures, but for the lines between them. A last row that is not full stands
    // in the middle, where wider tiles would only have bars beside their pictures.
    await expect(async () => {
      const rows = rowsOf(await boxes(page));
      const about = `${width} × ${height}`;
      const high = rows.reduce((sum, [first]) => sum + first.height, 0);
      expect(high / height, about).toBeGreaterThan(0.97);
      for (const [n, row] of rows.entries()) {
        const [left, right] = [row[0].x, row.at(-1).x + row.at(-1).width];
        const wide = row.reduce((sum, box) => sum + box.width, 0);
        expect(wide / (right - left), about).toBeGreaterThan(0.97);
        expect(Math.abs(left - (width - right)), about).toBeLessThanOrEqual(2);
        if (n < rows.length - 1 || rows.length === 1)
          expect((right - left) / width, about).toBeGreaterThan(0.97);
      }
      for (const { x, y, width: w, height: h } of rows.flat()) {
        expect(x >= 0 && y >= 0 && x + w <= width + 1 && y + h <= height + 1).toBe(true);
      }
    }).toPass({ timeout: 5_000 });
  }
  // No words on what is live, and a way out.
  await expect(page.getByTestId("state-A")).toHaveCount(0);
  await expect(page.getByTestId("sign-A")).toHaveCount(0);
  await page.mouse.move(200, 200);
  await page.getByTestId("leave-screen").click();
  await expect(page).not.toHaveURL(/screen/);
  await isLive(page, "A");
});

test("on_a_phone_on_its_side_a_picture_is_on_the_screen", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  for (const id of ["A", "B"]) await send(at, id, { fps: 5 });
  const page = await visit("/wall", { at, ...SIDEWAYS });
  await isLive(page, "A");
  await isInView(picture(page, "A"));
  await isInView(picture(page, "B"));
  await screenshot(page, "wall-sideways");
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

test("beside_a_large_picture_each_other_one_can_be_scrolled_to", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const ids = Array.from({ length: 12 }, (_, n) => `P-${n + 1}`);
  for (const id of ids) await send(at, id, { fps: 2 });
  for (const [width, height] of [
    [390, 844],
    [640, 360],
  ]) {
    const page = await visit("/wall?one=P-1", { at, viewport: { width, height } });
    await expect(page.getByTestId("tile-P-12")).toBeAttached();
    await expect(page.getByTestId("tile-P-1")).toHaveCSS("position", "sticky");
    for (const id of ids.slice(1)) {
      // As the keys do, and as little as is needed.
      const isSeen = await page.getByTestId(`tile-${id}`).evaluate((tile) => {
        tile.scrollIntoView({ block: "nearest" });
        const { left, top, width, height } = tile.getBoundingClientRect();
        return tile.contains(document.elementFromPoint(left + width / 2, top + height / 4));
      });
      expect(isSeen, `${id} at ${width} × ${height}`).toBe(true);
    }
    expect(await overflow(page)).toBe(0);
    await page.close();
  }
});

test("streams_are_found_among_many_and_escape_leaves_the_dialog_open", async ({ visit, wallServer }) => {
  const at = await wallServer();
  for (let n = 1; n <= 10; n += 1) await add(at, `Door ${n}`, `http://127.0.0.1:9/${n}`);
  const page = await visit("/wall?cameras=off", { at });
  await page.getByRole("button", { name: "Choose streams" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Streams on the wall" });
  const find = dialog.getByRole("searchbox");
  await find.fill("door 10");
  await expect(dialog.getByTestId("choose-door-2")).toHaveCount(0);
  await expect(dialog.getByTestId("choose-door-10")).toBeVisible();
  await find.press("Escape");
  await expect(dialog.getByTestId("choose-door-2")).toBeVisible();
  await find.press("Escape");
  await expect(dialog).toBeHidden();
});

test("order_and_groups_are_kept_in_this_browser", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  for (const id of ["A", "B", "C"]) await send(at, id, { fps: 5 });
  const page = await visit("/wall", { at });
  const order = async () => (await boxes(page)).map(({ id }) => id);
  await expect.poll(order).toEqual(["A", "B", "C"]);
  await tile(page, "C").getByRole("button").first().focus();
  await page.keyboard.press("Shift+ArrowLeft");
  await expect.poll(order).toEqual(["A", "C", "B"]);
  await tile(page, "B").getByRole("button").first().dragTo(tile(page, "A").getByRole("button").first());
  await expect.poll(order).toEqual(["B", "A", "C"]);
  await page.goto("/wall?streams=A,B");
  await expect.poll(order).toEqual(["B", "A"]);
  await page.getByTestId("choose").click();
  await page.getByTestId("group-name").fill("Doors");
  await page.getByTestId("group-add").click();
  await page.keyboard.press("Escape");
  await page.goto("/wall");
  await expect.poll(order).toEqual(["B", "A", "C"]);
  await page.getByTestId("group").selectOption("Doors");
  await expect.poll(order).toEqual(["B", "A"]);
});

test("single_streams_can_be_chosen_whatever_their_names_are @full", async ({ visit, wallServer, send }) => {
  const at = await wallServer();
  const name = "Ward 3, bed 1 & café";
  await send(at, name);
  await send(at, "other", { gesture: "right" });
  const page = await visit("/wall", { at });
  await isLive(page, name);
  await page.getByTestId("choose").click();
  await page.getByTestId("choose-all").uncheck({ force: true });
  await expect(page.getByTestId(`choose-${name}`)).toBeChecked();
  await page.getByTestId("choose-other").uncheck({ force: true });
  await page.keyboard.press("Escape");
  await expect(tile(page, "other")).toHaveCount(0);
  await isLive(page, name);
  await page.reload();
  await isLive(page, name);
  await expect(page.getByTestId("summary")).toHaveText("1 stream · 1 live");
});

test("the_snippet_of_broadcast_sends_and_that_of_watching_hears_it @full", async ({ visit, wallServer }) => {
  const at = await wallServer();
  const page = await visit("/wall", { at });
  const other = await visit("/broadcast", { at });
  const send = other.getByRole("region", { name: "Send from your own program" });
  const code = await send.getByLabel("JavaScript snippet", { exact: true }).textContent();
  // Not awaited: it plays for as long as its page is there.
  await other.evaluate(`(async () => { ${code} })()`);
  await isLive(page, "try");
  await other.close();
  await expect(state(page, "try")).toHaveText("ended");
});

test("sixteen_streams_play_without_rendering_the_page_for_each_picture @full", async ({
  visit,
  wallServer,
  send,
}) => {
  test.setTimeout(120_000);
  const at = await wallServer();
  for (let n = 0; n < 16; n += 1) await send(at, `S-${n}`, { fps: 10, gesture: n % 2 ? "left" : "up" });
  const page = await visit("/wall", { at });
  for (let n = 0; n < 16; n += 1) await expect(state(page, `S-${n}`)).toHaveText("live");
  await isLive(page, "S-0");
  await isLive(page, "S-11");
  // Pictures go onto canvases; only words change in the document, a few times a second. The frame rate is for reading: it
  // depends on the machine.
  const seen = await page.evaluate(async () => {
    let changes = 0;
    const watch = new MutationObserver((records) => (changes += records.length));
    watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    let frames = 0;
    const seconds = 4;
    for (const end = performance.now() + seconds * 1000; performance.now() < end; frames += 1) {
      await new Promise((done) => requestAnimationFrame(done));
    }
    watch.disconnect();
    return { fps: frames / seconds, changes: changes / seconds };
  });
  console.log(`16 streams: ${seen.fps.toFixed(1)} frames and ${seen.changes.toFixed(0)} changes a second`);
  // A tile has some seven words and charts, renewed twice a second; renewed for each picture it would be 70 changes.
  expect(seen.changes / 16).toBeLessThan(40);
});

/** Each look of the page, and how to tell that it is all there. */
const LOOKS = {
  empty: { path: "/wall" },
  wall: { path: "/wall", filled: true },
  enlarged: { path: "/wall?one=Ward%203&overlays=on", filled: true },
};

for (const [name, { path, filled }] of Object.entries(LOOKS)) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`wall_${name}_${screen}_is_accessible_and_fits @full`, async ({ visit, wallServer, send }) => {
      const at = await wallServer();
      const streams = [];
      if (filled) {
        for (const [n, id] of ["Ward 3", "Lobby", "Gate", "Yard"].entries()) {
          const gesture = ["left", "up", "right", "wave"][n];
          streams.push(await send(at, id, { gesture, mode: n === 0 ? "enhanced" : "normal" }));
        }
      }
      const waited = filled ? `${path}${path.includes("?") ? "&" : "?"}streams=*,Later` : path;
      const page = await visit(waited, { at, ...options, reducedMotion: "reduce" });
      await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
      if (filled) {
        await expect(state(page, "Ward 3")).toHaveText("live");
        await expect(state(page, "Gate")).toHaveText("live");
        await expect(state(page, "Yard")).toHaveText("live");
        streams[2].mood = "hold";
        await streams[3].stop();
        await expect(state(page, "Gate")).toHaveText(/stalled/);
        await expect(state(page, "Yard")).toHaveText("ended");
        await expect(state(page, "Later")).toHaveText("waiting");
      } else {
        await expect(page.getByRole("heading", { name: "No streams yet" })).toBeVisible();
      }
      await looksRight(page, `wall-${name}-${screen}`);
    });
  }
}
