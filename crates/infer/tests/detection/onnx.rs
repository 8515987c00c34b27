//! ONNX files made here, so that a network's output is known: the few fields of the format that small graphs need
//! (onnx.proto3 in the ONNX repository numbers them).

/// A graph with the input `images` and the output `output`, both f32.
pub struct Graph {
    nodes: Vec<u8>,
    initializers: Vec<u8>,
    input: Vec<usize>,
    output: Vec<usize>,
}

/// An attribute of a node.
pub enum Attribute<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

impl Graph {
    pub fn new(input: &[usize], output: &[usize]) -> Self {
        let (nodes, initializers) = (Vec::new(), Vec::new());
        Self { nodes, initializers, input: input.to_vec(), output: output.to_vec() }
    }

    #[must_use]
    pub fn node(mut self, op: &str, inputs: &[&str], output: &str, attributes: &[Attribute<'_>]) -> Self {
        let mut node = Vec::new();
        for input in inputs {
            bytes(&mut node, 1, input.as_bytes());
        }
        bytes(&mut node, 2, output.as_bytes());
        bytes(&mut node, 4, op.as_bytes());
        for attribute in attributes {
            let mut field = Vec::new();
            match attribute {
                Attribute::Int(name, value) => {
                    bytes(&mut field, 1, name.as_bytes());
                    varint(&mut field, 3, *value as u64);
                    varint(&mut field, 20, 2);
                }
                Attribute::Ints(name, values) => {
                    bytes(&mut field, 1, name.as_bytes());
                    values.iter().for_each(|value| varint(&mut field, 8, *value as u64));
                    varint(&mut field, 20, 7);
                }
            }
            bytes(&mut node, 5, &field);
        }
        bytes(&mut self.nodes, 1, &node);
        self
    }

    #[must_use]
    pub fn floats(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
        self.tensor(name, FLOAT, shape, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    #[must_use]
    pub fn ints(self, name: &str, values: &[i64]) -> Self {
        let raw: Vec<_> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, INT64, &[values.len()], &raw)
    }

    fn tensor(mut self, name: &str, kind: u64, shape: &[usize], raw: &[u8]) -> Self {
        let mut tensor = Vec::new();
        for side in shape {
            varint(&mut tensor, 1, *side as u64);
        }
        varint(&mut tensor, 2, kind);
        bytes(&mut tensor, 8, name.as_bytes());
        bytes(&mut tensor, 9, raw);
        bytes(&mut self.initializers, 5, &tensor);
        self
    }

    pub fn file(self) -> Vec<u8> {
        let mut graph = self.nodes;
        bytes(&mut graph, 2, b"test");
        graph.extend(self.initializers);
        bytes(&mut graph, 11, &value("images", &self.input));
        bytes(&mut graph, 12, &value("output", &self.output));
        let mut opset = Vec::new();
        varint(&mut opset, 2, 13);
        let mut model = Vec::new();
        varint(&mut model, 1, 8);
        bytes(&mut model, 7, &graph);
        bytes(&mut model, 8, &opset);
        model
    }
}

fn value(name: &str, shape: &[usize]) -> Vec<u8> {
    let mut sides = Vec::new();
    for side in shape {
        let mut dimension = Vec::new();
        varint(&mut dimension, 1, *side as u64);
        bytes(&mut sides, 1, &dimension);
    }
    let mut tensor = Vec::new();
    varint(&mut tensor, 1, FLOAT);
    bytes(&mut tensor, 2, &sides);
    let mut kind = Vec::new();
    bytes(&mut kind, 1, &tensor);
    let mut value = Vec::new();
    bytes(&mut value, 1, name.as_bytes());
    bytes(&mut value, 2, &kind);
    value
}

fn varint(to: &mut Vec<u8>, field: u64, value: u64) {
    plain(to, field << 3);
    plain(to, value);
}

fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    plain(to, field << 3 | 2);
    plain(to, value.len() as u64);
    to.extend_from_slice(value);
}

fn plain(to: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        to.push(value as u8 | 128);
        value >>= 7;
    }
    to.push(value as u8);
}
