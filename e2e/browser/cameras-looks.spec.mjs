// How the camera pages look and for whom: light, dark, phone, screen readers. The pictures are for people.

import { layoutShift, looksRight, SCREENS, smallTargets } from "./accessible.mjs";
import { add, moves, SETTINGS } from "./cameras.mjs";
import { expect, screenshot, test } from "./fixtures.mjs";

/** A server whose cameras are well, ill and gone. */
async function park(serverWith, cameraWith) {
  const server = await serverWith({ args: SETTINGS });
  const [good, frozen, html] = await Promise.all([
    cameraWith("--fps", "10", "--max-clients", "8"),
    cameraWith("--fps", "10", "--fault", "freeze", "--seed", "3", "--size", "800x450"),
    cameraWith("--fault", "html"),
  ]);
  await add(server, "Front door", good.stream, { default: true });
  await add(server, "Pond behind the house", frozen.stream);
  await add(server, "Cellar", html.stream);
  return server;
}

/** Each page, and how to tell that it is all there. */
const PAGES = {
  empty: { path: "/cameras", bare: true },
  grid: {
    path: "/cameras",
    async ready(page) {
      await expect(page.getByTestId("state-front-door")).toHaveText("live");
      await expect(page.getByTestId("state-pond-behind-the-house")).toHaveText(/frozen/, { timeout: 20_000 });
    },
  },
  dialog: {
    path: "/cameras",
    async ready(page) {
      await page.getByRole("button", { name: "Edit Front door" }).click();
      await page.getByTestId("test-camera").click();
      await expect(page.getByTestId("test-result")).toHaveAttribute("data-state", "done");
      await page.getByTestId("remove-camera").click();
    },
  },
  camera: {
    path: "/cameras/front-door?view=tracking",
    async ready(page) {
      await expect(page.getByTestId("camera-state")).toHaveText("live");
      await expect(page.getByTestId("class-motion")).toBeVisible({ timeout: 30_000 });
    },
  },
};

for (const [name, { path, bare, ready }] of Object.entries(PAGES)) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`${name}_${screen}_is_accessible_and_fits @full`, async ({ visit, serverWith, cameraWith }) => {
      const at = bare ? await serverWith({ args: SETTINGS }) : await park(serverWith, cameraWith);
      const page = await visit(path, { at, ...options, reducedMotion: "reduce" });
      await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
      if (bare) await expect(page.getByRole("heading", { name: "No cameras yet" })).toBeVisible();
      await ready?.(page);
      await looksRight(page, `cameras-${name}-${screen}`);
    });
  }
}

test("on_a_phone_the_controls_of_a_camera_are_in_a_drawer @full", async ({
  visit,
  serverWith,
  cameraWith,
}) => {
  const at = await park(serverWith, cameraWith);
  const page = await visit("/cameras/front-door", { at, ...SCREENS.phone });
  await expect(page.getByTestId("camera-state")).toHaveText("live");
  const [picture, numbers] = await Promise.all(
    [page.getByTestId("stage"), page.getByRole("region", { name: "Numbers" })].map((one) =>
      one.boundingBox(),
    ),
  );
  expect(picture.y).toBeLessThan(numbers.y);
  await page.getByRole("button", { name: "Controls" }).click();
  const drawer = page.getByRole("dialog", { name: "Controls" });
  await expect(drawer.getByTestId("confidence")).toBeVisible();
  await drawer.getByText("Tracks", { exact: true }).click();
  await expect(page).toHaveURL(/view=tracking/);
  await screenshot(page, "cameras-phone-drawer");
  expect(await smallTargets(page)).toEqual([]);
});

test("nothing_moves_while_pictures_and_numbers_come @full", async ({ visit, serverWith, cameraWith }) => {
  const at = await park(serverWith, cameraWith);
  for (const [path, canvas] of [
    ["/cameras", '[data-testid="tile-front-door"] canvas'],
    ["/cameras/front-door", '[data-testid="picture"]'],
  ]) {
    const page = await visit(path, { at });
    await moves(page.locator(canvas));
    await page.waitForTimeout(1_500);
    expect(await layoutShift(page), path).toBeLessThan(0.01);
  }
});

test("a_change_of_state_is_announced_once @full", async ({ visit, serverWith, cameraWith }) => {
  const server = await serverWith({ args: SETTINGS });
  const camera = await cameraWith("--fps", "10");
  await add(server, "Yard", camera.stream);
  const page = await visit("/cameras", { at: server });
  await expect(page.getByTestId("state-yard")).toHaveText("live");
  await camera.fault("stall");
  const told = page.getByRole("status").filter({ hasText: "Yard: stalled" });
  await expect(told).toHaveText("Yard: stalled", { timeout: 30_000 });
  // The seconds go on; the announcement does not.
  await page.waitForTimeout(2_500);
  await expect(told).toHaveText("Yard: stalled");
});
