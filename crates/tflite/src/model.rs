//! What of a TFLite file a translation needs. The numbers of fields are those of the format's schema, version 3.

use crate::error::ConvertError;
use crate::flatbuffer::Table;
use crate::half;
use crate::op;

/// Most elements of all tensors together, and of each.
pub const MAX_ELEMENTS: usize = 64 << 20;
/// Most sides of a tensor.
const MAX_RANK: usize = 8;
/// Most inputs or outputs of an operator.
const MAX_OPERANDS: usize = 64;
/// Most letters that are kept of a name.
const MAX_NAME: usize = 120;

/// The first graph of a file.
#[derive(Debug)]
pub struct Model<'a> {
    pub tensors: Vec<Tensor<'a>>,
    /// Each after those whose results it takes.
    pub operators: Vec<Operator<'a>>,
    inputs: Vec<usize>,
    /// Places of the outputs in the list of tensors.
    pub outputs: Vec<usize>,
}

/// A constant, or what an operator makes.
#[derive(Debug)]
pub struct Tensor<'a> {
    /// Cut where it is long.
    pub name: String,
    /// Rows, columns, channels in this order.
    pub shape: Vec<usize>,
    /// Type of its elements.
    pub kind: Kind,
    /// Empty for what is not constant.
    data: &'a [u8],
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    I32,
    I64,
    /// By its number in the schema.
    Other(u8),
}

/// An operator with its tensors.
#[derive(Debug)]
pub struct Operator<'a> {
    /// Number in the schema.
    pub code: i32,
    /// What it is called there, or the name that a file gives to its own.
    pub name: String,
    /// `None` for one that is left out.
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<usize>,
    /// None where all are as usual.
    pub options: Option<Table<'a>>,
}

impl<'a> Model<'a> {
    /// Reads the first graph.
    pub fn read(file: &'a [u8]) -> Result<Self, ConvertError> {
        let root = Table::root(file, *b"TFL3")?;
        let version = root.int(0, 0)?;
        if version != 3 {
            return Err(graph_error(format!("is of version {version} of the format, not 3")));
        }
        let codes = root.tables(1)?.map(|code| read_code(code?)).collect::<Result<Vec<_>, _>>()?;
        let buffers = root.tables(4)?.map(|buffer| buffer?.bytes(0)).collect::<Result<Vec<_>, _>>()?;
        let graph = root.tables(2)?.next().ok_or_else(|| graph_error("is missing"))??;

        let mut tensors = Vec::new();
        let mut elements = 0;
        for (index, table) in graph.tables(0)?.enumerate() {
            let tensor = read_tensor(table?, index, &buffers)?;
            elements += tensor.elements();
            if elements > MAX_ELEMENTS {
                let what = "tensors of more elements than that together".to_owned();
                return Err(ConvertError::TooLarge { what, most: MAX_ELEMENTS });
            }
            tensors.push(tensor);
        }
        let place = |index: i32| {
            let known = usize::try_from(index).ok().filter(|index| *index < tensors.len());
            known.ok_or_else(|| graph_error(format!("names a tensor {index}, which is not there")))
        };
        let operators = graph.tables(3)?.map(|table| read_operator(table?, &codes, &place));
        let operators = operators.collect::<Result<Vec<_>, _>>()?;
        let inputs = graph.ints(1)?.map(place).collect::<Result<_, _>>()?;
        let outputs = graph.ints(2)?.map(place).collect::<Result<_, _>>()?;
        Ok(Self { tensors, operators, inputs, outputs })
    }

    /// The tensor of this number, which the file names.
    pub fn tensor(&self, index: usize) -> Result<&Tensor<'a>, ConvertError> {
        self.tensors
            .get(index)
            .ok_or_else(|| graph_error(format!("names a tensor {index}, which is not there")))
    }

    /// The only input, which is pictures of f32.
    pub fn input(&self) -> Result<(usize, &Tensor<'a>), ConvertError> {
        let [index] = self.inputs[..] else {
            return Err(graph_error(format!("has {} inputs instead of one", self.inputs.len())));
        };
        let tensor = self.tensor(index)?;
        if tensor.kind != Kind::F32 || tensor.shape.len() != 4 || tensor.elements() == 0 {
            return Err(tensor.tensor_error(
                index,
                format!(
                    "is the input, but {} of {:?} instead of f32 of rows, columns and channels",
                    tensor.kind.name(),
                    tensor.shape
                ),
            ));
        }
        Ok((index, tensor))
    }
}

impl Tensor<'_> {
    /// Product of the sides; at most [`MAX_ELEMENTS`].
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its elements are in the file.
    pub fn is_constant(&self) -> bool {
        !self.data.is_empty()
    }

    pub fn tensor_error(&self, index: usize, reason: impl Into<String>) -> ConvertError {
        ConvertError::Tensor { index, name: self.name.clone(), reason: reason.into() }
    }

    /// The elements of a constant of f32 or f16.
    pub fn floats(&self, index: usize) -> Result<Vec<f32>, ConvertError> {
        match self.kind {
            Kind::F32 => Ok(self.parts(index)?.iter().map(|part| f32::from_le_bytes(*part)).collect()),
            Kind::F16 => {
                let parts = self.parts(index)?.iter();
                Ok(parts.map(|part| half::to_f32(u16::from_le_bytes(*part))).collect())
            }
            kind => Err(self.tensor_error(index, format!("is of {}, not of f32 or f16", kind.name()))),
        }
    }

    /// The elements of a constant of whole numbers.
    pub fn ints(&self, index: usize) -> Result<Vec<i64>, ConvertError> {
        match self.kind {
            Kind::I32 => {
                Ok(self.parts(index)?.iter().map(|part| i64::from(i32::from_le_bytes(*part))).collect())
            }
            Kind::I64 => Ok(self.parts(index)?.iter().map(|part| i64::from_le_bytes(*part)).collect()),
            kind => Err(self.tensor_error(index, format!("is of {}, not of whole numbers", kind.name()))),
        }
    }

    fn parts<const N: usize>(&self, index: usize) -> Result<&[[u8; N]], ConvertError> {
        if !self.is_constant() {
            return Err(self.tensor_error(index, "is not constant, as it has to be where it is used"));
        }
        let (parts, rest) = self.data.as_chunks();
        if rest.is_empty() && parts.len() == self.elements() {
            return Ok(parts);
        }
        let reason = format!(
            "has {} bytes of values, but is {} of {:?}",
            self.data.len(),
            self.kind.name(),
            self.shape
        );
        Err(self.tensor_error(index, reason))
    }
}

impl Kind {
    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            4 => Self::I64,
            other => Self::Other(other),
        }
    }

    /// For messages.
    pub fn name(self) -> String {
        match self {
            Self::F32 => "f32".into(),
            Self::F16 => "f16".into(),
            Self::I32 => "i32".into(),
            Self::I64 => "i64".into(),
            Self::Other(3) => "u8".into(),
            Self::Other(9) => "i8".into(),
            Self::Other(number) => format!("type {number}"),
        }
    }
}

/// The number and the name of a kind of operators. Numbers above 127 stand only in the field that is newer.
fn read_code(code: Table<'_>) -> Result<(i32, String), ConvertError> {
    let number = code.int(3, 0)?.max(i32::from(code.byte(0)?));
    let own = code.bytes(1)?;
    Ok((number, if own.is_empty() { op::op_name(number) } else { lossy_text(own) }))
}

fn read_tensor<'a>(table: Table<'a>, index: usize, buffers: &[&'a [u8]]) -> Result<Tensor<'a>, ConvertError> {
    let buffer = table.index(2)?;
    let data = buffers.get(buffer).copied();
    let mut tensor = Tensor {
        name: lossy_text(table.bytes(3)?),
        shape: Vec::new(),
        kind: Kind::from_number(table.byte(1)?),
        data: data.unwrap_or_default(),
    };
    if data.is_none() && buffer > 0 {
        return Err(
            tensor.tensor_error(index, format!("has its values in a buffer {buffer}, which is not there"))
        );
    }
    let sides = table.ints(0)?;
    if sides.len() > MAX_RANK {
        return Err(
            tensor.tensor_error(index, format!("has {} sides; at most {MAX_RANK} are read", sides.len()))
        );
    }
    let mut elements = 1_usize;
    for side in sides {
        let size = usize::try_from(side).ok();
        let size = size.ok_or_else(|| tensor.tensor_error(index, format!("has a side of {side}")))?;
        tensor.shape.push(size);
        // Without sides of nothing, so that the others stay bounded beside one.
        elements = elements.saturating_mul(size.max(1));
    }
    if elements > MAX_ELEMENTS {
        let reason = format!("is {:?}, more than {MAX_ELEMENTS} elements", tensor.shape);
        return Err(tensor.tensor_error(index, reason));
    }
    Ok(tensor)
}

fn read_operator<'a>(
    table: Table<'a>,
    codes: &[(i32, String)],
    place: &impl Fn(i32) -> Result<usize, ConvertError>,
) -> Result<Operator<'a>, ConvertError> {
    let kind = table.index(0)?;
    let Some((code, name)) = codes.get(kind) else {
        return Err(graph_error(format!("has an operator of kind {kind}, which is not there")));
    };
    let (inputs, outputs) = (table.ints(1)?, table.ints(2)?);
    if inputs.len().max(outputs.len()) > MAX_OPERANDS {
        let what = format!("an operator {name} of {} tensors", inputs.len().max(outputs.len()));
        return Err(ConvertError::TooLarge { what, most: MAX_OPERANDS });
    }
    let inputs = inputs.map(|index| if index == -1 { Ok(None) } else { place(index).map(Some) });
    Ok(Operator {
        code: *code,
        name: name.clone(),
        inputs: inputs.collect::<Result<_, _>>()?,
        outputs: outputs.map(place).collect::<Result<_, _>>()?,
        options: table.table(4)?,
    })
}

fn graph_error(reason: impl Into<String>) -> ConvertError {
    ConvertError::Graph(reason.into())
}

fn lossy_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_NAME)]).into_owned()
}
