// A store of the tests' own: the library and the trials of the real one, a detector that always finds the same, and a page
// that is drawn here. So what is recorded depends neither on what else lies in the real store nor on the CPU.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

import { HOME, removeFolder } from "../harness.mjs";
import { network, node, tensor } from "../onnx.mjs";
import { SIGNATURE, chunk } from "../pictures.mjs";

/** Keys that make every machine run networks alike. */
export const ALIKE = { "engine.provider": "cpu", "engine.precision": "f32", "engine.threads": 1 };
/** The model that reads text. */
const READER = "ppocr-v4";
/** The detector that is made here: 32x32 pixels in, two boxes out whatever is in them. */
export const DETECTOR = "golden";

/** Flags for keys of the configuration. */
export const flags = (set) => Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

/** A folder that is gone with the test. */
export function folder(t, name) {
  const made = mkdtempSync(join(tmpdir(), `sightwire-golden-${name}-`));
  t.after(() => removeFolder(made));
  return made;
}

/** The store; without `runtime`, one that lacks the library. Nothing is ever fetched into it. */
export function store(t, { runtime = true } = {}) {
  const home = folder(t, "home");
  const models = join(home, "models");
  mkdirSync(join(models, DETECTOR), { recursive: true });
  for (const part of [`models/${READER}`, ...(runtime ? ["runtime"] : [])]) {
    const real = join(HOME, part);
    if (!existsSync(real)) throw new Error(`SIGHTWIRE_HOME has no ${part}; \`cargo xtask setup\` gets it`);
    symlinkSync(real, join(home, part));
  }
  if (runtime && existsSync(join(HOME, "trials"))) {
    cpSync(join(HOME, "trials"), join(home, "trials"), { recursive: true });
  }
  const seeing = sees([
    // Centre, sides, and how sure it is of each class.
    [16, 16, 8, 12, 0.9, 0.05],
    [6, 22, 4, 4, 0.1, 0.6],
  ]);
  writeFileSync(join(models, DETECTOR, "network.onnx"), seeing);
  writeFileSync(
    join(models, `${DETECTOR}.toml`),
    manifest(createHash("sha256").update(seeing).digest("hex")),
  );
  return home;
}

const manifest = (sha256) => `name = "${DETECTOR}"
title = "Always finds the same"
task = "object-detection"
licence = "MIT"
origin = "made by a test"

[detect]
format = "yolov8"
width = 32
height = 32
colour = "rgb"
divide_by = 255.0
boxes = 2
confidence = 0.25
iou = 0.5
labels = ["car", "person"]

[[files]]
role = "network"
name = "network.onnx"
sha256 = "${sha256}"
source = "imported"
`;

/** A network that gives these columns for any picture. */
function sees(columns) {
  const shape = [1, columns[0].length, columns.length];
  const rows = columns[0].flatMap((_, row) => columns.map((column) => column[row]));
  return network(
    [
      node("ReduceMean", ["images"], "mean", ["keepdims", 0]),
      node("Mul", ["mean", "zero"], "nothing"),
      node("Add", ["boxes", "nothing"], "output"),
    ],
    [tensor("zero", [1], [0]), tensor("boxes", shape, rows)],
    ["images", [1, 3, 32, 32]],
    ["output", shape],
  );
}

/** Letters of five by seven dots, a row of dots after the other. */
const LETTERS = {
  E: "11111 10000 10000 11110 10000 10000 11111",
  H: "10001 10001 10001 11111 10001 10001 10001",
  L: "10000 10000 10000 10000 10000 10000 11111",
  O: "01110 10001 10001 10001 10001 10001 01110",
  T: "11111 00100 00100 00100 00100 00100 00100",
  X: "10001 10001 01010 00100 01010 10001 10001",
  2: "01110 10001 00001 00110 01000 10000 11111",
  4: "00010 00110 01010 10010 11111 00010 00010",
  7: "11111 00001 00010 00100 01000 01000 01000",
};
const DOT_PX = 4;
const PAGE = { width: 256, height: 128, paper: 235, ink: 20, margin: 16, line: 44, letter: 24 };

/** A grey PNG with these lines in capitals, which are easy to read. */
export function page(lines = ["HELLO", "TEXT 247"]) {
  const { width, height, paper, ink, margin, line, letter } = PAGE;
  const rows = Array.from({ length: height }, () => Buffer.alloc(width + 1, paper).fill(0, 0, 1));
  lines.forEach((text, row) => {
    [...text].forEach((character, column) => {
      const dots = LETTERS[character]?.split(" ") ?? [];
      const [left, top] = [1 + margin + column * letter, margin + row * line];
      for (let y = 0; y < dots.length * DOT_PX; y += 1) {
        for (let x = 0; x < 5 * DOT_PX; x += 1) {
          if (dots[Math.floor(y / DOT_PX)][Math.floor(x / DOT_PX)] === "1") rows[top + y][left + x] = ink;
        }
      }
    });
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8); // 8 bits, grey
  // Not made smaller: then its length is the same with every zlib.
  const data = deflateSync(Buffer.concat(rows), { level: 0 });
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
