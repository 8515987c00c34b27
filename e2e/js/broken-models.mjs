// Models that go wrong once they are at work, for the faults that nobody has in a model.

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { emptyStore } from "./hand-store.mjs";
import { sleep } from "./harness.mjs";
import { loop, network, node, tensor } from "./onnx.mjs";
import { png } from "./pictures.mjs";

/** @import { Ending } from "./types.ts" */

/** A model that looks up a row by how bright the pictures are, and has none for the brightest. */
export const FAILING = network(
  [
    node("ReduceMean", ["clip"], "mean", ["keepdims", 0]),
    node("Mul", ["mean", "ten"], "brightness"),
    node("Cast", ["brightness"], "row", ["to", 7]),
    node("Gather", ["rows", "row"], "probabilities"),
  ],
  [tensor("ten", [1], [10]), tensor("rows", [9, 2], Array(18).fill(0.5))],
  ["clip", ["n", 10, 32, 32, 3]],
  ["probabilities", ["n", 2]],
);

/** A model that goes round and round where the pictures are as bright as they can be. */
export const HANGING = network(
  [
    node("ReduceMean", ["clip"], "mean", ["keepdims", 0]),
    node("Sub", ["mean", "most"], "above"),
    node("Relu", ["above"], "beyond"),
    node("Mul", ["beyond", "many"], "times"),
    node("Cast", ["times"], "rounds", ["to", 7]),
    loop("rounds", "row", "probabilities"),
  ],
  [tensor("most", [], [0.95]), tensor("many", [], [1e17]), tensor("row", [1, 2], [0.5, 0.5])],
  ["clip", ["n", 10, 32, 32, 3]],
  ["probabilities", [1, 2]],
);

/**
 * A store with such a model, as environment of a server.
 * @param {Ending} t
 */
export function withModel(t, whole) {
  const home = emptyStore(t);
  mkdirSync(join(home, "models/failing"));
  writeFileSync(join(home, "models/failing/whole.onnx"), whole);
  const manifest = `name = "failing"
title = "Fails on what is white"
task = "clip-classification"
licence = "MIT"
origin = "made by a test"

[clip]
window = 10
width = 32
height = 32
colour = "bgr"
divide_by = 255.0
batch_symbol = "n"
threshold = 0.5
labels = ["dark", "bright"]

[[files]]
role = "whole"
name = "whole.onnx"
sha256 = "${createHash("sha256").update(whole).digest("hex")}"
source = "imported"
`;
  writeFileSync(join(home, "models/failing.toml"), manifest);
  return {
    SIGHTWIRE_HOME: home,
    SIGHTWIRE_RECOGNIZER_MODEL: "failing",
    SIGHTWIRE_ENGINE_PROVIDER: "cpu",
    USE_DUMMY_MODEL: "0",
  };
}

/** As many white pictures as any of them goes wrong at. */
export async function showWhite(client) {
  for (let frame = 0; frame < 40; frame += 1) {
    client.send(png(64, 48, 255));
    await sleep(20);
  }
}
