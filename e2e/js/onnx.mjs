// Small networks made by hand: the few fields of ONNX that they need; onnx.proto3 in the ONNX repository numbers them.

function varint(value) {
  const bytes = [];
  for (; value >= 128; value >>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};

const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
/** Kind of an attribute. */
const GRAPH = 5;
const OPSET = 13;
const IR = 8;

/** Values that never change. */
export function tensor(name, shape, values) {
  const sides = shape.map((side) => number(1, side));
  return bytes(
    5,
    ...sides,
    number(2, FLOAT),
    bytes(8, name),
    bytes(9, Buffer.from(Float32Array.from(values).buffer)),
  );
}

/** An input or output; a side that has a name may have any length. */
function port(field, name, shape) {
  const sides = shape.map((side) => bytes(1, typeof side === "string" ? bytes(2, side) : number(1, side)));
  return bytes(field, bytes(1, name), bytes(2, bytes(1, number(1, FLOAT), bytes(2, ...sides))));
}

/** An operator; `attribute` is the name of one and its integer. */
export function node(kind, inputs, output, attribute) {
  const named = inputs.map((input) => bytes(1, input));
  const integer = attribute ? [bytes(5, bytes(1, attribute[0]), number(3, attribute[1]), number(20, 2))] : [];
  return bytes(1, ...named, bytes(2, output), bytes(4, kind), ...integer);
}

/**
 * Does nothing `times` times, which is the name of a number of 64 bits; then gives `value` as it was.
 * @param {string} times
 * @param {string} value
 * @param {string} output
 */
export function loop(times, value, output) {
  const kept = (kind, from, to) => bytes(1, bytes(1, from), bytes(2, to), bytes(4, kind));
  // One number each; how many there are of what is kept nobody needs to know.
  const one = (field, name, type) =>
    bytes(field, bytes(1, name), bytes(2, bytes(1, number(1, type), bytes(2))));
  const any = (field, name) => bytes(field, bytes(1, name), bytes(2, bytes(1, number(1, FLOAT))));
  const body = Buffer.concat([
    kept("Identity", "go", "goes"),
    kept("Identity", "was", "stays"),
    bytes(2, "body"),
    one(11, "count", INT64),
    one(11, "go", BOOL),
    any(11, "was"),
    one(12, "goes", BOOL),
    any(12, "stays"),
  ]);
  const graph = bytes(5, bytes(1, "body"), bytes(6, body), number(20, GRAPH));
  const inputs = [times, "", value].map((name) => bytes(1, name));
  return bytes(1, ...inputs, bytes(2, output), bytes(4, "Loop"), graph);
}

/** A model of one input and one output, each with its name and its shape. */
export function network(nodes, tensors, input, output) {
  const graph = bytes(7, ...nodes, bytes(2, "graph"), ...tensors, port(11, ...input), port(12, ...output));
  return Buffer.concat([number(1, IR), graph, bytes(8, number(2, OPSET))]);
}
