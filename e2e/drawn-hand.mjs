// Draws the hands that the model `drawn-hands` finds, and shoulders, as pictures, JPEGs and camera files, and has them perform. What they
// look like is in fixtures/drawn-hands, which a test of `sightwire-infer` writes.

import { cpSync, openSync, closeSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { encode } from "jpeg-js";

/**
 * A hand in a picture: the place half way between its wrist and its middle finger's knuckle, and the length between these,
 * in pixels; clockwise turn in degrees. A thumb that is up or down is so without a turn. The left and the right shoulder of
 * whoever it belongs to, where they are to be seen.
 * @typedef {{
 *   shape: string, x: number, y: number, palm: number, turn?: number, side?: "left" | "right", shoulders?: [Place, Place]
 * }} Hand
 * @typedef {[number, number]} Place
 * @typedef {{ width: number, height: number }} Size
 */

const FIXTURES = fileURLToPath(new URL("fixtures/drawn-hands", import.meta.url));
/**
 * @type {{
 *   radius: number, line: number, grey: number, colours: number[][], bones: Place[], shapes: Record<string, Place[]>,
 *   shoulder: number, shoulders: number[][]
 * }}
 */
const DRAWING = JSON.parse(readFileSync(join(FIXTURES, "drawing.json"), "utf8"));

/** The name of the model. */
export const MODEL = "drawn-hands";
/** The shapes that can be drawn, which are all that the server knows. */
export const SHAPES = Object.keys(DRAWING.shapes);
/** The size of pictures where nothing else is said. */
export const SIZE = { width: 640, height: 480 };
/** Pictures a second that a camera gives. */
export const FPS = 30;

/** Copies a model into a store: that of hands, or `pose`, which finds the shoulders beside them. */
export function addModel(home, model = MODEL) {
  for (const name of [`${model}.toml`, model]) {
    cpSync(join(FIXTURES, name), join(home, "models", name), { recursive: true });
  }
}

/**
 * Where the joints of a hand are, in pixels.
 * @param {Hand} hand
 * @returns {Place[]}
 */
export function joints({ shape, x, y, palm, turn = 0, side = "right" }) {
  const mirror = side === "left" ? -1 : 1;
  const out = { thumb_up: 90, thumb_down: -90 }[shape] ?? 0;
  const angle = ((turn + mirror * out) * Math.PI) / 180;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return DRAWING.shapes[shape].map(([across, down]) => {
    const [dx, dy] = [mirror * across * palm, (down + 0.5) * palm];
    return [x + dx * cos - dy * sin, y + dx * sin + dy * cos];
  });
}

/**
 * Everything that is at most so far from a line, with soft edges.
 * @param {Uint8Array} rgb
 * @param {Size} size
 * @param {Place[]} line
 */
function paint(rgb, { width, height }, [from, to], reach, colour) {
  const bounds = (axis, side) => [
    Math.max(0, Math.floor(Math.min(from[axis], to[axis]) - reach - 1)),
    Math.min(side, Math.ceil(Math.max(from[axis], to[axis]) + reach + 1)),
  ];
  const way = [to[0] - from[0], to[1] - from[1]];
  const length = Math.max(way[0] ** 2 + way[1] ** 2, 1e-6);
  const [[left, right], [top, bottom]] = [bounds(0, width), bounds(1, height)];
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1) {
      const at = [column + 0.5 - from[0], row + 0.5 - from[1]];
      const along = Math.min(1, Math.max(0, (at[0] * way[0] + at[1] * way[1]) / length));
      const distance = Math.hypot(at[0] - along * way[0], at[1] - along * way[1]);
      const covered = Math.min(1, Math.max(0, reach + 0.5 - distance));
      const first = 3 * (row * width + column);
      for (let i = 0; i < 3; i += 1) {
        rgb[first + i] = Math.round(rgb[first + i] * (1 - covered) + colour[i] * covered);
      }
    }
  }
}

/** @type {Map<string, Uint8Array>} */
const walls = new Map();

/** A grey wall that the light falls on from the side. */
function wall({ width, height }) {
  const key = `${width} ${height}`;
  const known = walls.get(key);
  if (known) return known.slice();
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i += 1) {
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    rgb.fill(110 + 40 * x + 15 * y, 3 * i, 3 * i + 3);
  }
  walls.set(key, rgb);
  return rgb.slice();
}

/**
 * A picture: red, green and blue of each pixel.
 * @param {Hand[]} hands
 * @param {Size} [size]
 */
export function draw(hands, size = SIZE) {
  const rgb = wall(size);
  /** @type {(place: Place, reach: number, halves: number[]) => void} */
  const disc = (place, reach, halves) =>
    paint(
      rgb,
      size,
      [place, place],
      reach,
      halves.map((half) => half * 127.5),
    );
  for (const { palm, shoulders = [] } of hands) {
    shoulders.forEach((place, i) => disc(place, DRAWING.shoulder * palm, DRAWING.shoulders[i]));
  }
  for (const hand of hands) {
    const places = joints(hand);
    for (const [from, to] of DRAWING.bones) {
      const line = [places[from], places[to]];
      paint(rgb, size, line, DRAWING.line * hand.palm, Array(3).fill(DRAWING.grey));
    }
    places.forEach((place, joint) => disc(place, DRAWING.radius * hand.palm, DRAWING.colours[joint]));
  }
  return rgb;
}

/**
 * The same as a JPEG.
 * @param {Hand[]} hands
 * @param {Size} [size]
 */
export function jpeg(hands, size = SIZE, quality = 85) {
  const rgb = draw(hands, size);
  // The encoder takes four values of a pixel, and leaves the last one.
  const data = new Uint8Array((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data[to] = rgb[from];
    data[to + 1] = rgb[from + 1];
    data[to + 2] = rgb[from + 2];
  }
  return encode({ ...size, data }, quality).data;
}

/**
 * Hands picture by picture, as somebody before a camera shows them.
 */
export class Performance {
  /** What is in each picture. @type {Hand[][]} */
  pictures = [];
  #fps;

  constructor(fps = FPS) {
    this.#fps = fps;
  }

  #count(ms) {
    return Math.max(1, Math.round((ms * this.#fps) / 1000));
  }

  /** Nobody is there for so long. */
  empty(ms) {
    this.pictures.push(...Array(this.#count(ms)).fill([]));
    return this;
  }

  /**
   * A hand stays for so long; it trembles as hands do.
   * @param {Hand} hand
   */
  hold(hand, ms) {
    const little = 0.006 * hand.palm;
    for (let i = 0; i < this.#count(ms); i += 1) {
      const [x, y] = [hand.x + [0, little, 0, -little][i % 4], hand.y + [little, 0, -little, 0][i % 4]];
      this.pictures.push([{ ...hand, x, y }]);
    }
    return this;
  }

  /**
   * A hand goes so many of its palms in so long, and speeds up and slows down as arms do.
   * @param {Hand} hand
   * @param {Place} way
   */
  move(hand, [across, down], ms) {
    const count = this.#count(ms);
    for (let i = 1; i <= count; i += 1) {
      const t = i / count;
      const share = t ** 3 * (10 - 15 * t + 6 * t * t) * hand.palm;
      this.pictures.push([{ ...hand, x: hand.x + across * share, y: hand.y + down * share }]);
    }
    return this;
  }

  /**
   * A hand comes from below, where it was out of the picture.
   * @param {Hand} hand
   * @param {Size} [size]
   */
  enter(hand, size = SIZE) {
    const below = (size.height - hand.y) / hand.palm + 2.5;
    return this.move({ ...hand, y: hand.y + below * hand.palm }, [0, -below], 400);
  }

  /**
   * A hand goes down and out of the picture.
   * @param {Hand} hand
   * @param {Size} [size]
   */
  leave(hand, size = SIZE) {
    return this.move(hand, [0, (size.height - hand.y) / hand.palm + 2.5], 400).empty(100);
  }

  /**
   * What is meant for a machine: an open palm comes, is held, goes so many palms, rests there, and leaves.
   * @param {Hand} hand
   * @param {Place} way
   * @param {Size} [size]
   */
  stroke(hand, way, size = SIZE, { held = 700, took = 300, rested = 900 } = {}) {
    const there = { ...hand, x: hand.x + way[0] * hand.palm, y: hand.y + way[1] * hand.palm };
    return this.enter(hand, size)
      .hold(hand, held)
      .move(hand, way, took)
      .hold(there, rested)
      .leave(there, size);
  }

  /**
   * As JPEGs.
   * @param {Size} [size]
   */
  jpegs(size = SIZE, quality = 85) {
    /** @type {Map<string, Buffer>} */
    const made = new Map();
    return this.pictures.map((hands) => {
      const key = JSON.stringify(hands);
      const file = made.get(key) ?? jpeg(hands, size, quality);
      made.set(key, file);
      return file;
    });
  }

  /**
   * As a file that Chromium's fake camera plays round and round: YUV4MPEG2, colours at half the resolution.
   * @param {string} file
   * @param {Size} [size]
   */
  writeY4m(file, size = SIZE) {
    const out = openSync(file, "w");
    writeSync(out, `YUV4MPEG2 W${size.width} H${size.height} F${this.#fps}:1 Ip A1:1 C420jpeg\n`);
    for (const hands of this.pictures) {
      writeSync(out, "FRAME\n");
      writeSync(out, yuv(draw(hands, size), size));
    }
    closeSync(out);
  }
}

/** Planes of brightness, blue and red in the range of television, as cameras give them. */
function yuv(rgb, { width, height }) {
  const pixels = width * height;
  const planes = new Uint8Array(pixels * 1.5);
  const sums = new Float32Array(pixels / 2);
  for (let i = 0; i < pixels; i += 1) {
    const [r, g, b] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    planes[i] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
    const half = (Math.floor(i / width) >> 1) * (width / 2) + ((i % width) >> 1);
    sums[half] += (-0.148 * r - 0.291 * g + 0.439 * b) / 4;
    sums[pixels / 4 + half] += (0.439 * r - 0.368 * g - 0.071 * b) / 4;
  }
  sums.forEach((sum, i) => (planes[pixels + i] = Math.round(128 + sum)));
  return planes;
}
