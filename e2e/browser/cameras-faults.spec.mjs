// Each illness of a camera, as a person sees it: in words, in all cameras and in one, and over when it is over.

import { add, looksOld, moves, SETTINGS } from "./cameras.mjs";
import { expect, fullUnless, screenshot, test } from "./fixtures.mjs";

/** What stands on the tile while a fault lasts: the state, and what is said of it. */
const FAULTS = {
  stall: { state: /^stalled \d+ s$/, note: /This frame is \d+ s old\. .*sends no picture/, old: true },
  freeze: { state: /^frozen \d+ s$/, note: /The same frame for \d+ s\. .*Switch it off and on/, old: true },
  "slow-drip": { state: /^stalled \d+ s$/, note: /This frame is \d+ s old/, old: true },
  reset: {
    state: /^stalled \d+ s$/,
    note: /This frame is \d+ s old\. The connection to .* broke/,
    old: true,
  },
  slow: { state: "slow", note: /\d\.\d fps instead of the usual \d+\.\d/, old: false },
  "half-frame@2": { state: "damaged frames", note: /\d+ % of its frames arrive damaged/, old: false },
};

// What the server makes of them is tested in js/stream-faults; the page shows one as it shows the others.

for (const [fault, expected] of Object.entries(FAULTS)) {
  const name = fault.replace(/@.*/, "");
  test(`${name}_is_seen_and_so_is_its_end${fullUnless(fault === "stall")}`, async ({
    visit,
    serverWith,
    cameraWith,
  }) => {
    // Who asks for nothing while it stands still does not close the camera: in its illness it could not be opened again.
    const server = await serverWith({ args: [...SETTINGS, "--set", "cameras.linger_s=20"] });
    const camera = await cameraWith("--fps", "15");
    await add(server, "Yard", camera.stream);
    const page = await visit("/cameras", { at: server });
    const state = page.getByTestId("state-yard");
    const picture = page.getByTestId("tile-yard").locator("canvas");
    await expect(state).toHaveText("live");
    // So long the server takes to know what is usual.
    await page.waitForTimeout(fault === "slow" ? 6_000 : 1_500);
    await camera.fault(fault);
    await expect(state).toHaveText(expected.state, { timeout: 20_000 });
    await expect(page.getByTestId("note-yard")).toHaveText(expected.note);
    if (expected.old) await looksOld(picture);
    else await moves(picture);
    await screenshot(page, `fault-${name}`);

    // The page of the camera says the same.
    await page.getByRole("link", { name: "Open Yard" }).click();
    await expect(page.getByTestId("camera-state")).toHaveText(expected.state, { timeout: 20_000 });
    await expect(page.getByTestId("camera-note")).toHaveText(expected.note);
    await screenshot(page, `fault-${name}-one`);

    await camera.fault("");
    await expect(page.getByTestId("camera-state")).toHaveText("live", { timeout: 40_000 });
    await moves(page.getByTestId("picture"));
  });
}

/** What is said of a camera that never gives a picture. */
const REFUSALS = {
  dead: /accepts connections but did not answer/,
  html: /answers with a web page instead of pictures/,
  busy: /busy/,
};

for (const [fault, why] of Object.entries(REFUSALS)) {
  test(`a_camera_that_is_${fault}_from_the_beginning_says_why @full`, async ({
    visit,
    serverWith,
    cameraWith,
  }) => {
    const server = await serverWith({ args: SETTINGS });
    const camera = await cameraWith("--fault", fault);
    await add(server, "Yard", camera.stream);
    const page = await visit("/cameras", { at: server });
    await expect(page.getByTestId("state-yard")).toHaveText("error", { timeout: 20_000 });
    await expect(page.getByTestId("note-yard")).toHaveText(why);
    await page.getByRole("link", { name: "Open Yard" }).click();
    await expect(page.getByTestId("camera-state")).toHaveText("error", { timeout: 20_000 });
    await expect(page.getByTestId("camera-note")).toHaveText(why);
    await screenshot(page, `fault-${fault}-one`);
    await camera.fault("");
    await expect(page.getByTestId("camera-state")).toHaveText("live", { timeout: 40_000 });
  });
}

/** Habits of boards that do no harm, and where they are counted. */
const HABITS = {
  "garbage@2": /Bytes ignored\s*[1-9].*They arrived between frames/,
  "wrong-length": /Wrong lengths\s*[1-9].*announces wrong lengths/,
  "huge-length": /Wrong lengths\s*[1-9]/,
  "negative-length": /Wrong lengths\s*[1-9]/,
  "no-length": /Damaged frames\s*0/,
  thumbnail: /Damaged frames\s*0/,
  "stray-eoi": /Damaged frames\s*0/,
  "fill-bytes": /Damaged frames\s*0/,
};

test(
  "habits_that_do_no_harm_are_counted_and_the_picture_stays_live",
  { tag: "@full" },
  async ({ visit, serverWith, cameraWith }) => {
    const server = await serverWith({ args: SETTINGS });
    const camera = await cameraWith("--fps", "15");
    await add(server, "Yard", camera.stream);
    for (const [fault, counted] of Object.entries(HABITS)) {
      await camera.fault(fault);
      const page = await visit("/cameras/yard?view=plain", { at: server });
      await expect(page.getByTestId("camera-state"), fault).toHaveText("live");
      await moves(page.getByTestId("picture"));
      await expect(page.getByTestId("counters"), fault).toHaveText(counted);
      await page.close();
      // Counters begin anew with the next opening.
      await expect.poll(async () => (await camera.status()).stream_clients, { message: fault }).toBe(0);
    }
  },
);
