// What axe finds wrong with a page, in words.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { expect, screenshot } from "./fixtures.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function violations(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map(({ id, help, nodes }) => ({
    id,
    help,
    where: nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
  }));
}

/** By how many pixels the page is wider than the window. */
export function overflow(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}

/** How far what is on the page moves by itself in 3 s, as Chromium counts it. */
export function layoutShift(page) {
  return page.evaluate(async () => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) sum += /** @type {any} */ (entry).value;
    });
    observer.observe({ type: "layout-shift" });
    await new Promise((done) => setTimeout(done, 3_000));
    observer.disconnect();
    return sum;
  });
}

/** Buttons and links that are too low for a thumb. */
export function smallTargets(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("button, a:not([href='#main']), select")]
      .map((element) => ({ box: element.getBoundingClientRect(), text: element.outerHTML.slice(0, 80) }))
      .filter(({ box }) => box.width > 0 && box.height > 0 && box.height < 44)
      .map(({ box, text }) => `${text}: ${Math.round(box.width)}×${Math.round(box.height)}`),
  );
}

/** A page in light and in dark: nothing that axe finds, nothing beyond the edge, and targets for thumbs on a phone. */
export async function looksRight(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
    await screenshot(page, `${name}-${colorScheme}`);
    expect(await overflow(page), `${colorScheme}: pixels beyond the right edge`).toBeLessThanOrEqual(0);
    expect(await violations(page), colorScheme).toEqual([]);
    if (name.endsWith("phone")) expect(await smallTargets(page), colorScheme).toEqual([]);
  }
}

export const SCREENS = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};

/** A phone on its side. */
export const SIDEWAYS = { ...SCREENS.phone, viewport: { width: 844, height: 390 } };

/** What of the page is on the screen as it was opened: nobody has scrolled. */
export async function isInView(element, ratio = 1) {
  await expect(element).toBeInViewport({ ratio });
  expect(await element.page().evaluate(() => scrollY)).toBe(0);
}
