// What a person sees in a picture of a page. An image of another origin gives its pixels to no script, so what is looked
// at is what is on the screen.

import { expect } from "../fixtures.mjs";

/**
 * What is to become true of pictures does within some of them. Each look at one is a screenshot, which takes seconds where
 * the machine is busy.
 */
export const soon = (check) => expect.poll(check, { intervals: [50], timeout: 60_000 });

/** Runs in the browser. Boxes have the colour of the first class of objects, which is the only one of `motion`. */
async function measure(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let print = 0;
  const levels = [0, 0, 0];
  const marked = new Uint8Array(width * height);
  let boxes = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    print = (print * 31 + red * 7 + green * 3 + blue) % 1_000_003;
    [red, green, blue].forEach((level, n) => (levels[n] += level));
    // JPEG makes thin lines paler than the plates of labels.
    if (red - blue > 100 && green - blue > 60 && red - green > 25) boxes += 1;
    marked[at / 4] = Math.abs(red - 230) < 40 && Math.abs(green - 159) < 40 && blue < 60 ? 1 : 0;
  }
  // A square of 5 pixels is within a plate.
  let plates = 0;
  for (let y = 0; y + 5 <= height; y += 1) {
    for (let x = 0; x + 5 <= width; x += 1) {
      let all = 1;
      for (let n = 0; n < 25 && all; n += 1) all &= marked[(y + Math.trunc(n / 5)) * width + x + (n % 5)];
      plates += all;
    }
  }
  const [red, green, blue] = levels.map((level) => level / (width * height));
  return { width, height, print, boxes, plates, red, green, blue };
}

/** The size of the picture that an `<img>` has; zeros where it has none. */
function size(picture) {
  return picture.evaluate(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]);
}

/**
 * What the picture looks like now: `print` is another number for another picture, `boxes` counts pixels in the colour of
 * boxes, `plates` those within labels; and the mean of each colour.
 */
export async function look(picture) {
  const png = await picture.screenshot();
  return picture.page().evaluate(measure, png.toString("base64"));
}

/**
 * Waits until the picture has that size.
 * @param {import("@playwright/test").Locator} picture
 * @param {number[]} [size]
 */
export async function isThere(picture, [width, height] = [320, 240]) {
  await soon(() => size(picture)).toEqual([width, height]);
}

/** Waits until that many different pictures were seen; what they looked like. */
export async function moves(picture, count = 4) {
  const seen = new Map();
  await soon(async () => {
    const now = await look(picture);
    seen.set(now.print, now);
    return seen.size;
  }).toBeGreaterThanOrEqual(count);
  return [...seen.values()];
}
