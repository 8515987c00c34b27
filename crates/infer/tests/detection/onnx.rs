//! ONNX files made here, so that a network's output is known.

use sightwire_tflite::onnx;
pub use sightwire_tflite::onnx::Attribute;

/// A graph with the input `images` and the output `output`, both f32.
pub struct Graph {
    graph: onnx::Graph,
    output: Vec<usize>,
}

impl Graph {
    pub fn new(input: &[usize], output: &[usize]) -> Self {
        let mut graph = onnx::Graph::default();
        graph.add_input("images", input);
        Self { graph, output: output.to_vec() }
    }

    #[must_use]
    pub fn node(mut self, op: &str, inputs: &[&str], output: &str, attributes: &[Attribute<'_>]) -> Self {
        self.graph.add_node(op, inputs, output, attributes);
        self
    }

    #[must_use]
    pub fn floats(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
        self.graph.add_floats(name, shape, values);
        self
    }

    #[must_use]
    pub fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.add_ints(name, values);
        self
    }

    pub fn file(mut self) -> Vec<u8> {
        self.graph.add_output("output", &self.output);
        self.graph.into_file()
    }
}
