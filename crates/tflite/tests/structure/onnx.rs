//! Reads the few fields of an ONNX file that the tests look at.

use std::collections::BTreeMap;

/// What an ONNX file says.
#[derive(Debug, Default)]
pub struct Onnx {
    pub opset: u64,
    pub nodes: Vec<Node>,
    /// Constants of f32: shape and values.
    pub floats: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
    /// Constant lists of whole numbers.
    pub ints: BTreeMap<String, Vec<i64>>,
    pub input: (String, Vec<u64>),
    pub output: (String, Vec<u64>),
}

#[derive(Debug, Default)]
pub struct Node {
    pub op: String,
    pub inputs: Vec<String>,
    pub output: String,
    /// Numbers, one or several.
    pub ints: BTreeMap<String, Vec<i64>>,
    pub text: BTreeMap<String, String>,
}

enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Onnx {
    pub fn read(file: &[u8]) -> Self {
        let mut onnx = Self::default();
        for (field, content) in fields(file) {
            match (field, content) {
                (7, Content::Bytes(graph)) => onnx.graph(graph),
                (8, Content::Bytes(set)) => onnx.opset = numbers(set, 2)[0],
                _ => {}
            }
        }
        onnx
    }

    /// How many nodes of this kind there are.
    pub fn count(&self, op: &str) -> usize {
        self.nodes.iter().filter(|node| node.op == op).count()
    }

    /// The only node of this kind.
    pub fn only(&self, op: &str) -> &Node {
        let nodes: Vec<_> = self.nodes.iter().filter(|node| node.op == op).collect();
        assert_eq!(nodes.len(), 1, "{op}: {:#?}", self.nodes);
        nodes[0]
    }

    fn graph(&mut self, graph: &[u8]) {
        for (field, content) in fields(graph) {
            let Content::Bytes(bytes) = content else { continue };
            match field {
                1 => self.nodes.push(node(bytes)),
                5 => self.constant(bytes),
                11 => self.input = value(bytes),
                12 => self.output = value(bytes),
                _ => {}
            }
        }
    }

    fn constant(&mut self, tensor: &[u8]) {
        let (name, raw) = (text(part(tensor, 8)), part(tensor, 9));
        let shape = numbers(tensor, 1);
        match numbers(tensor, 2)[0] {
            1 => {
                let values: Vec<f32> =
                    raw.chunks(4).map(|part| f32::from_le_bytes(part.try_into().unwrap())).collect();
                assert_eq!(values.len() as u64, shape.iter().product(), "{name}");
                assert!(self.floats.insert(name, (shape, values)).is_none(), "a name is there once");
            }
            7 => {
                let values = raw.chunks(8).map(|part| i64::from_le_bytes(part.try_into().unwrap()));
                assert!(self.ints.insert(name, values.collect()).is_none(), "a name is there once");
            }
            other => panic!("a constant of kind {other}"),
        }
    }
}

fn node(bytes: &[u8]) -> Node {
    let mut node = Node::default();
    for (field, content) in fields(bytes) {
        let Content::Bytes(bytes) = content else { continue };
        match field {
            1 => node.inputs.push(text(bytes)),
            2 => node.output = text(bytes),
            4 => node.op = text(bytes),
            5 => {
                let name = text(part(bytes, 1));
                match numbers(bytes, 20)[0] {
                    2 => drop(node.ints.insert(name, signed(&numbers(bytes, 3)))),
                    3 => drop(node.text.insert(name, text(part(bytes, 4)))),
                    7 => drop(node.ints.insert(name, signed(&numbers(bytes, 8)))),
                    other => panic!("an attribute of kind {other}"),
                }
            }
            _ => {}
        }
    }
    node
}

fn value(bytes: &[u8]) -> (String, Vec<u64>) {
    let sides = part(part(part(bytes, 2), 1), 2);
    let sides = fields(sides).into_iter().map(|(_, side)| match side {
        Content::Bytes(side) => numbers(side, 1)[0],
        Content::Number(_) => panic!("a side is a message"),
    });
    (text(part(bytes, 1)), sides.collect())
}

fn signed(values: &[u64]) -> Vec<i64> {
    values.iter().map(|value| value.cast_signed()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All numbers of a field.
fn numbers(bytes: &[u8], wanted: u64) -> Vec<u64> {
    let numbers = fields(bytes).into_iter().filter_map(|(field, content)| match content {
        Content::Number(value) if field == wanted => Some(value),
        _ => None,
    });
    numbers.collect()
}

/// The bytes of a field; none where it is absent.
fn part(bytes: &[u8], wanted: u64) -> &[u8] {
    let part = fields(bytes).into_iter().find_map(|(field, content)| match content {
        Content::Bytes(bytes) if field == wanted => Some(bytes),
        _ => None,
    });
    part.unwrap_or_default()
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Content<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let content = match key & 7 {
            0 => Content::Number(varint(&mut bytes)),
            2 => {
                let len = varint(&mut bytes) as usize;
                let (part, rest) = bytes.split_at(len);
                bytes = rest;
                Content::Bytes(part)
            }
            other => panic!("a field of kind {other}"),
        };
        fields.push((key >> 3, content));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 127) << shift;
        shift += 7;
        if first & 128 == 0 {
            return value;
        }
    }
}
