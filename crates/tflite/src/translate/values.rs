//! In which forms a tensor is there. A form that is asked for and missing is made of the other one, once.

use std::collections::BTreeSet;

use crate::error::{ConvertError, Fault};
use crate::model::{Kind, Model, Tensor};
use crate::onnx::{Attribute, Graph};
use crate::op::Activation;

/// The order of a tensor's sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As the file has it.
    File,
    /// Of a picture, channels before rows and columns.
    Planes,
}

/// From the file's order of sides to planes.
pub const TO_PLANES: [usize; 4] = [0, 3, 1, 2];
const TO_FILE: [i64; 4] = [0, 2, 3, 1];

/// The graph so far, and which tensors are there.
pub struct Values<'m, 'a> {
    pub model: &'m Model<'a>,
    pub graph: Graph,
    made: Vec<Made>,
    /// Names of the constants in the graph.
    constants: BTreeSet<String>,
}

#[derive(Clone, Copy, Default)]
struct Made {
    file: bool,
    planes: bool,
    /// The constant whose values these are.
    same_as: Option<usize>,
}

impl<'m, 'a> Values<'m, 'a> {
    /// The input is there.
    pub fn new(model: &'m Model<'a>) -> Result<Self, ConvertError> {
        let (index, input) = model.input()?;
        let mut made = vec![Made::default(); model.tensors.len()];
        made[index].planes = true;
        let mut graph = Graph::default();
        graph.add_input("input", &permute_shape(&input.shape, &TO_PLANES));
        graph.add_node("Identity", &["input"], &layout_name(index, Layout::Planes), &[]);
        Ok(Self { model, graph, made, constants: BTreeSet::new() })
    }

    /// The sides of a tensor that has elements.
    pub fn shape(&self, index: usize) -> Result<&'m [usize], ConvertError> {
        let tensor = self.tensor(index)?;
        if tensor.elements() == 0 {
            return Err(tensor.tensor_error(index, format!("is {:?}, without elements", tensor.shape)));
        }
        Ok(&tensor.shape)
    }

    /// Pictures, rows, columns, channels.
    pub fn picture(&self, index: usize) -> Result<[usize; 4], ConvertError> {
        let shape = self.shape(index)?;
        let picture = <[usize; 4]>::try_from(shape);
        picture.map_err(|_| {
            self.tensor_error(index, format!("is {shape:?}, not pictures of rows, columns, channels"))
        })
    }

    /// A tensor's name in the graph, in this form.
    pub fn tensor_name(&mut self, index: usize, layout: Layout) -> Result<String, ConvertError> {
        let (name, made) = (layout_name(index, layout), self.made[index]);
        let shape = self.shape(index)?;
        match layout {
            Layout::File if made.file => {}
            Layout::Planes if made.planes => {}
            Layout::File if made.planes => {
                self.transpose_tensor(
                    &layout_name(index, Layout::Planes),
                    &name,
                    &TO_FILE,
                    shape,
                    is_same(shape),
                );
                self.made[index].file = true;
            }
            Layout::Planes if made.file => {
                let order = TO_PLANES.map(|side| side as i64);
                self.transpose_tensor(
                    &layout_name(index, Layout::File),
                    &name,
                    &order,
                    &permute_shape(shape, &TO_PLANES),
                    is_same(shape),
                );
                self.made[index].planes = true;
            }
            Layout::File => return self.constant(index, "", shape, &[]),
            Layout::Planes => return self.constant(index, "_planes", shape, &TO_PLANES),
        }
        Ok(name)
    }

    /// A name under which the values lie in the file's order, whatever the sides.
    pub fn in_order(&mut self, index: usize) -> Result<String, ConvertError> {
        let has_planes = self.made[index].planes && !self.made[index].file;
        let layout = if has_planes && is_same(self.shape(index)?) { Layout::Planes } else { Layout::File };
        self.tensor_name(index, layout)
    }

    /// The form that is there.
    pub fn layout(&self, index: usize) -> Layout {
        if self.made[index].planes { Layout::Planes } else { Layout::File }
    }

    /// The name of a constant: its values as if it had this shape, with the sides in another order.
    pub fn constant(
        &mut self,
        index: usize,
        form: &str,
        shape: &[usize],
        order: &[usize],
    ) -> Result<String, ConvertError> {
        let source = self.made[index].same_as.unwrap_or(index);
        let tensor = self.tensor(source)?;
        if !tensor.is_constant() && self.made[index].same_as.is_none() {
            let reason = if self.is_made(index) {
                "is not constant, as it has to be where it is used"
            } else {
                "is used before anything makes it"
            };
            return Err(tensor.tensor_error(index, reason));
        }
        let name = format!("c{source}{form}");
        if !self.constants.contains(&name) {
            let values = tensor.floats(source)?;
            if order.is_empty() {
                self.graph.add_floats(&name, shape, &values);
            } else {
                self.graph.add_floats(
                    &name,
                    &permute_shape(shape, order),
                    &permute_values(&values, shape, order),
                );
            }
            self.constants.insert(name.clone());
        }
        Ok(name)
    }

    /// Whether its values are in the file.
    pub fn is_constant(&self, index: usize) -> Result<bool, ConvertError> {
        Ok(self.made[index].same_as.is_some() || self.tensor(index)?.is_constant())
    }

    /// A list of whole numbers as a constant.
    pub fn add_list(&mut self, name: String, values: &[i64]) -> String {
        self.graph.add_ints(&name, values);
        name
    }

    /// The whole numbers of a constant.
    pub fn ints(&self, index: usize) -> Result<Vec<i64>, ConvertError> {
        self.tensor(index)?.ints(index)
    }

    /// A constant of 16 bits stands for one of 32.
    pub fn dequantize(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        let tensor = self.tensor(from)?;
        if tensor.kind != Kind::F16 || !tensor.is_constant() {
            let what = if tensor.is_constant() { "constant" } else { "result" };
            return Err(format!(
                "is of a {what} of {}; only constants of f16 are converted",
                tensor.kind.name()
            )
            .into());
        }
        self.expect_shape(to, &tensor.shape)?;
        self.begin_tensor(to)?;
        self.made[to].same_as = Some(from);
        Ok(())
    }

    /// An operator that makes a tensor, and what is done with each value of its result.
    pub fn make_tensor(
        &mut self,
        to: usize,
        layout: Layout,
        op: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
        activation: Activation,
    ) -> Result<(), Fault> {
        self.begin_tensor(to)?;
        let name = layout_name(to, layout);
        let before = if activation == Activation::None { name.clone() } else { format!("{name}_before") };
        self.graph.add_node(op, inputs, &before, attributes);
        self.activate(&before, &name, activation);
        match layout {
            Layout::File => self.made[to].file = true,
            Layout::Planes => self.made[to].planes = true,
        }
        Ok(())
    }

    /// Nothing where there is no activation.
    pub fn activate(&mut self, from: &str, to: &str, activation: Activation) {
        match activation {
            Activation::None => {}
            Activation::Relu => self.graph.add_node("Relu", &[from], to, &[]),
            Activation::Relu6 => {
                for (name, value) in [("zero", 0.0), ("six", 6.0)] {
                    if self.constants.insert(name.to_owned()) {
                        self.graph.add_floats(name, &[], &[value]);
                    }
                }
                self.graph.add_node("Clip", &[from, "zero", "six"], to, &[]);
            }
        }
    }

    /// That a result has the shape that follows from the inputs.
    pub fn expect_shape(&self, to: usize, shape: &[usize]) -> Result<(), ConvertError> {
        let found = self.shape(to)?;
        if found == shape {
            return Ok(());
        }
        Err(self.tensor_error(to, format!("is {found:?} in the file, but {shape:?} by what makes it")))
    }

    pub fn tensor_error(&self, index: usize, reason: String) -> ConvertError {
        self.model.tensor(index).map_or_else(|error| error, |tensor| tensor.tensor_error(index, reason))
    }

    fn tensor(&self, index: usize) -> Result<&'m Tensor<'a>, ConvertError> {
        self.model.tensor(index)
    }

    fn is_made(&self, index: usize) -> bool {
        let made = self.made[index];
        made.file || made.planes || made.same_as.is_some()
    }

    /// Before a tensor is made: that nothing has made it yet.
    fn begin_tensor(&self, to: usize) -> Result<(), ConvertError> {
        let tensor = self.tensor(to)?;
        if self.is_made(to) || tensor.is_constant() {
            return Err(tensor.tensor_error(to, "is made twice"));
        }
        if tensor.kind != Kind::F32 {
            return Err(tensor.tensor_error(to, format!("is a result of {}, not of f32", tensor.kind.name())));
        }
        Ok(())
    }

    /// From one order of sides to the other; only another view where the values lie alike.
    fn transpose_tensor(&mut self, from: &str, to: &str, order: &[i64], shape: &[usize], is_same: bool) {
        if is_same {
            let shape: Vec<i64> = shape.iter().map(|side| *side as i64).collect();
            let shape = self.add_list(format!("{to}_shape"), &shape);
            self.graph.add_node("Reshape", &[from, &shape], to, &[]);
        } else {
            self.graph.add_node("Transpose", &[from], to, &[Attribute::Ints("perm", order)]);
        }
    }
}

fn layout_name(index: usize, layout: Layout) -> String {
    match layout {
        Layout::File => format!("t{index}"),
        Layout::Planes => format!("t{index}_planes"),
    }
}

/// Whether a picture's values lie in the same order in both forms.
fn is_same(shape: &[usize]) -> bool {
    matches!(shape, [_, rows, columns, channels] if *channels == 1 || rows * columns == 1)
}

/// Sides in another order.
pub fn permute_shape(shape: &[usize], order: &[usize]) -> Vec<usize> {
    order.iter().map(|side| shape[*side]).collect()
}

/// Values with the sides in another order.
fn permute_values(values: &[f32], shape: &[usize], order: &[usize]) -> Vec<f32> {
    let mut strides = vec![1; shape.len()];
    for side in (1..shape.len()).rev() {
        strides[side - 1] = strides[side] * shape[side];
    }
    let (shape, strides) = (permute_shape(shape, order), permute_shape(&strides, order));
    let mut place = vec![0; shape.len()];
    let (mut result, mut from) = (Vec::with_capacity(values.len()), 0);
    for _ in 0..values.len() {
        result.push(values[from]);
        // As an odometer: the last side first.
        for side in (0..shape.len()).rev() {
            place[side] += 1;
            from += strides[side];
            if place[side] < shape[side] {
                break;
            }
            from -= strides[side] * shape[side];
            place[side] = 0;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_sides() {
        let values: Vec<f32> = (0..24_u8).map(f32::from).collect();
        let turned = permute_values(&values, &[1, 2, 3, 4], &TO_PLANES);
        let expected = (0..24).map(|i| (i / 6, i / 3 % 2, i % 3));
        let expected = expected.map(|(channel, row, column)| values[row * 12 + column * 4 + channel]);
        assert_eq!(turned, expected.collect::<Vec<_>>());
        assert_eq!(permute_values(&values, &[24], &[0]), values);
        assert_eq!(permute_values(&[7.0], &[], &[]), [7.0]);
    }

    #[test]
    fn only_where_it_does_not_matter_the_order_is_the_same() {
        assert!(is_same(&[1, 1, 1, 8]) && is_same(&[3, 5, 4, 1]) && !is_same(&[1, 2, 1, 8]));
    }
}
