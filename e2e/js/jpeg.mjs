// Takes a JPEG apart, to see that it is one and which.

import assert from "node:assert/strict";

import { decode } from "jpeg-js";

/** The luminance table of the standard's annex K, in zigzag order; every usual encoder scales it. */
const STANDARD = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58,
  51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103,
  62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

function scaled(quality) {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - quality * 2;
  return STANDARD.map((value) => Math.min(255, Math.max(1, Math.floor((value * percent + 50) / 100))));
}

const QUALITIES = new Map(
  Array.from({ length: 100 }, (_, i) => [Buffer.from(scaled(i + 1)).toString("latin1"), i + 1]),
);

/**
 * Width, height and quality of a baseline JPEG. Fails when the bytes are anything but one whole
 * picture, from its first marker to its last and nothing after.
 */
export function inspect(jpeg) {
  assert.ok(jpeg.length > 100, `a picture of ${jpeg.length} bytes`);
  assert.equal(jpeg.readUInt16BE(0), 0xffd8, "begins with SOI");
  const found = { width: 0, height: 0, quality: undefined };
  let at = 2;
  for (;;) {
    assert.equal(jpeg[at], 0xff, `a marker at ${at} of ${jpeg.length}`);
    while (jpeg[at + 1] === 0xff) at += 1; // fill bytes
    const marker = jpeg[at + 1];
    if (marker === 0xd9) break;
    const length = jpeg.readUInt16BE(at + 2);
    const segment = jpeg.subarray(at + 4, at + 2 + length);
    if (marker === 0xdb && segment[0] === 0) {
      found.quality = QUALITIES.get(segment.subarray(1, 65).toString("latin1"));
    }
    if (marker >= 0xc0 && marker <= 0xc2) {
      [found.height, found.width] = [segment.readUInt16BE(1), segment.readUInt16BE(3)];
    }
    at += 2 + length;
    if (marker === 0xda) at = entropyEnd(jpeg, at);
  }
  assert.equal(at + 2, jpeg.length, "ends with EOI");
  assert.ok(found.width > 0 && found.height > 0, "has a frame header");
  return found;
}

/** Where the entropy-coded data ends: at the first marker that is no restart. */
function entropyEnd(jpeg, from) {
  for (let at = jpeg.indexOf(0xff, from); at >= 0; at = jpeg.indexOf(0xff, at + 2)) {
    const next = jpeg[at + 1];
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  throw new assert.AssertionError({ message: "a picture without an end" });
}

/** A decoded picture: red, green and blue of each pixel, from the top left, as `draw` of drawn-hand.mjs gives them. */
export function pixels(jpeg) {
  const { width, height, data } = decode(jpeg, { useTArray: true, formatAsRGBA: false });
  return { width, height, rgb: data };
}
