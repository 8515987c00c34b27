// How it looks and for whom: light, dark, phone, screen readers. The pictures are for people.

import { layoutShift, looksRight, overflow, smallTargets, violations } from "./accessible.mjs";
import { expect, fullUnless, screenshot, test } from "./fixtures.mjs";

const PAGES = {
  start: "/",
  recognise: "/recognise",
  playing: "/recognise?source=sample&gesture=wave&steady=1",
};
const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};

for (const [name, path] of Object.entries(PAGES)) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`${name}_${screen}_is_accessible_and_fits${fullUnless(name !== "recognise" && screen === "phone")}`, async ({
      visit,
    }) => {
      const page = await visit(path, { ...options, reducedMotion: "reduce" });
      // The page proper comes after the frame around it.
      await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
      if (name === "playing") {
        await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
        // The first word of the sentence switches its buttons on: no moment in between is looked at.
        await expect(page.getByRole("button", { name: "Undo:" })).toBeEnabled({ timeout: 30_000 });
      } else {
        await expect(page.getByTestId("server-state")).toHaveText(/ready/);
      }
      await looksRight(page, `${name}-${screen}`);
    });
  }
}

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`the_api_on_a_${screen}_is_accessible_and_fits${fullUnless(screen === "phone")}`, async ({
    visit,
  }) => {
    const page = await visit("/api", options);
    const operation = page.locator("#post-api-v1-cameras");
    await operation.locator("summary").first().click();
    await expect(operation.getByText("curl -X POST")).toBeVisible();
    await operation.getByRole("link", { name: "NewCamera" }).click();
    await expect(page.locator("#type-NewCamera")).toBeInViewport();
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      await screenshot(page, `api-${screen}-${colorScheme}`);
      expect(await overflow(page), `${colorScheme}: pixels beyond the right edge`).toBeLessThanOrEqual(0);
      expect(await violations(page), colorScheme).toEqual([]);
    }
  });
}

test("on_a_phone_targets_are_large_enough_and_controls_are_in_a_drawer @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=left", SCREENS.phone);
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  await page.getByRole("button", { name: "Controls" }).click();
  const drawer = page.getByRole("dialog", { name: "Controls" });
  await expect(drawer).toBeVisible();
  await expect(drawer.getByTestId("gesture")).toBeVisible();
  await screenshot(page, "phone-drawer");
  expect(await smallTargets(page)).toEqual([]);
});

test("nothing_moves_while_results_come @full", async ({ visit }) => {
  const page = await visit("/recognise?source=sample&gesture=wave");
  await expect(page.getByTestId("label")).toHaveText("wave", { timeout: 30_000 });
  expect(await layoutShift(page)).toBeLessThan(0.01);
});
