//! The few fields of an ONNX file that a translation needs; onnx.proto3 in the ONNX repository numbers them.

/// Opset 13: the oldest in which the operators used here have the forms used here.
const OPSET: u64 = 13;
/// The version of the file's form that goes with it.
const IR_VERSION: u64 = 8;

const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// A graph as it grows.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<u8>,
    constants: Vec<u8>,
    sides: Vec<u8>,
}

/// An attribute of a node.
#[derive(Clone, Copy, Debug)]
pub enum Attribute<'a> {
    /// Its name, and a whole number.
    Int(&'a str, i64),
    /// Its name, and whole numbers.
    Ints(&'a str, &'a [i64]),
    /// Its name, and text.
    Text(&'a str, &'a str),
}

impl Graph {
    /// An operator with one result. An input without a name is left out.
    pub fn add_node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: &[Attribute<'_>]) {
        let mut node = Vec::new();
        for input in inputs {
            put_bytes(&mut node, 1, input.as_bytes());
        }
        put_bytes(&mut node, 2, output.as_bytes());
        put_bytes(&mut node, 3, output.as_bytes());
        put_bytes(&mut node, 4, op.as_bytes());
        for attribute in attributes {
            let mut field = Vec::new();
            match *attribute {
                Attribute::Int(name, value) => {
                    put_bytes(&mut field, 1, name.as_bytes());
                    put_number(&mut field, 3, value.cast_unsigned());
                    put_number(&mut field, 20, 2);
                }
                Attribute::Text(name, value) => {
                    put_bytes(&mut field, 1, name.as_bytes());
                    put_bytes(&mut field, 4, value.as_bytes());
                    put_number(&mut field, 20, 3);
                }
                Attribute::Ints(name, values) => {
                    put_bytes(&mut field, 1, name.as_bytes());
                    for value in values {
                        put_number(&mut field, 8, value.cast_unsigned());
                    }
                    put_number(&mut field, 20, 7);
                }
            }
            put_bytes(&mut node, 5, &field);
        }
        put_bytes(&mut self.nodes, 1, &node);
    }

    /// A constant of f32.
    pub fn add_floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.add_constant(name, FLOAT, shape, values.len() * 4);
        self.constants.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// A constant list of whole numbers.
    pub fn add_ints(&mut self, name: &str, values: &[i64]) {
        self.add_constant(name, INT64, &[values.len()], values.len() * 8);
        self.constants.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// All of a constant but its values, which come last: this many bytes.
    fn add_constant(&mut self, name: &str, kind: u64, shape: &[usize], size: usize) {
        let mut tensor = Vec::new();
        for side in shape {
            put_number(&mut tensor, 1, *side as u64);
        }
        put_number(&mut tensor, 2, kind);
        put_bytes(&mut tensor, 8, name.as_bytes());
        put_head(&mut tensor, 9, size);
        put_head(&mut self.constants, 5, tensor.len() + size);
        self.constants.extend(tensor);
    }

    /// The input, of f32.
    pub fn add_input(&mut self, name: &str, shape: &[usize]) {
        put_bytes(&mut self.sides, 11, &encode_value(name, shape));
    }

    /// The output, of f32.
    pub fn add_output(&mut self, name: &str, shape: &[usize]) {
        put_bytes(&mut self.sides, 12, &encode_value(name, shape));
    }

    /// The file.
    pub fn into_file(self) -> Vec<u8> {
        let (mut opset, mut name) = (Vec::new(), Vec::new());
        put_number(&mut opset, 2, OPSET);
        put_bytes(&mut name, 2, b"tflite");
        let parts = [self.nodes, name, self.constants, self.sides];
        let size: usize = parts.iter().map(Vec::len).sum();

        let mut model = Vec::with_capacity(size + 64);
        put_number(&mut model, 1, IR_VERSION);
        put_bytes(&mut model, 2, b"sightwire");
        put_bytes(&mut model, 8, &opset);
        put_head(&mut model, 7, size);
        for part in &parts {
            model.extend_from_slice(part);
        }
        model
    }
}

/// An input or output: its name and its shape.
fn encode_value(name: &str, shape: &[usize]) -> Vec<u8> {
    let mut sides = Vec::new();
    for side in shape {
        let mut dimension = Vec::new();
        put_number(&mut dimension, 1, *side as u64);
        put_bytes(&mut sides, 1, &dimension);
    }
    let mut tensor = Vec::new();
    put_number(&mut tensor, 1, FLOAT);
    put_bytes(&mut tensor, 2, &sides);
    let mut kind = Vec::new();
    put_bytes(&mut kind, 1, &tensor);
    let mut value = Vec::new();
    put_bytes(&mut value, 1, name.as_bytes());
    put_bytes(&mut value, 2, &kind);
    value
}

/// A field that is a number.
fn put_number(to: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(to, field << 3);
    put_varint(to, value);
}

/// A field that is text, or fields of its own.
fn put_bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_head(to, field, value.len());
    to.extend_from_slice(value);
}

/// What stands before the bytes of such a field.
fn put_head(to: &mut Vec<u8>, field: u64, size: usize) {
    put_varint(to, field << 3 | 2);
    put_varint(to, size as u64);
}

/// Seven bits a byte, the lowest first.
fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        to.push(value as u8 | 128);
        value >>= 7;
    }
    to.push(value as u8);
}
