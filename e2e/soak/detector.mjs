// A small network that finds one box, which moves with the brightness of the picture; for stores without a detection model, since
// the soak fetches nothing.

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { network, node, tensor } from "../js/onnx.mjs";

export const MADE = "one-box";

const SIDE = 64;
/** Cells of a picture at the three strides of YOLOX. */
const CELLS = [8, 16, 32].reduce((sum, stride) => sum + (SIDE / stride) ** 2, 0);
/** Place, size, how sure it is that something is there, and which of one class. */
const COLUMNS = 6;
/** In a cell of stride 8, with its size as a logarithm. */
const CELL = 27;
const FOUND = [0, 0, Math.log(3), Math.log(3), 0.9, 0.95];
/** Cells that the box moves from a black picture to a white one. */
const MOVES = 4;

const MANIFEST = (hash) => `name = "${MADE}"
title = "One box that moves with the brightness"
task = "object-detection"
licence = "MIT"
origin = "made for the soak"

[detect]
format = "yolox"
width = ${SIDE}
height = ${SIDE}
colour = "bgr"
divide_by = 255.0
confidence = 0.25
iou = 0.5
labels = ["thing"]

[[files]]
role = "network"
name = "network.onnx"
sha256 = "${hash}"
source = "imported"
`;

/** Puts it into a store. */
export function addDetector(home) {
  const rows = new Float32Array(CELLS * COLUMNS);
  rows.set(FOUND, CELL * COLUMNS);
  const moves = new Float32Array(CELLS * COLUMNS);
  moves[CELL * COLUMNS] = MOVES;
  const shape = [1, CELLS, COLUMNS];
  const whole = network(
    [
      node("ReduceMean", ["picture"], "mean", ["keepdims", 0]),
      node("Mul", ["moves", "mean"], "moved"),
      node("Add", ["rows", "moved"], "boxes"),
    ],
    [tensor("rows", shape, rows), tensor("moves", shape, moves)],
    ["picture", [1, 3, SIDE, SIDE]],
    ["boxes", shape],
  );
  mkdirSync(join(home, "models", MADE), { recursive: true });
  writeFileSync(join(home, "models", MADE, "network.onnx"), whole);
  writeFileSync(
    join(home, "models", `${MADE}.toml`),
    MANIFEST(createHash("sha256").update(whole).digest("hex")),
  );
}
