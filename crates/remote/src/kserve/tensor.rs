//! Tensors as they go over the wire, and what is asked of them before anybody believes them.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::kserve::messages::{Contents, InferRequest, InferResponse, TensorMessage};

/// Tensors in one message, at most.
pub const MAX_TENSORS: usize = 16;
/// Sizes of one tensor, at most.
const MAX_RANK: usize = 8;
/// Bytes of a name, at most.
const MAX_NAME: usize = 256;

/// What a value of a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datatype {
    /// A byte that is 0 or 1.
    Bool,
    /// 8 bits without sign.
    Uint8,
    /// 16 bits without sign.
    Uint16,
    /// 32 bits without sign.
    Uint32,
    /// 64 bits without sign.
    Uint64,
    /// 8 bits with sign.
    Int8,
    /// 16 bits with sign.
    Int16,
    /// 32 bits with sign.
    Int32,
    /// 64 bits with sign.
    Int64,
    /// IEEE half.
    Fp16,
    /// IEEE single.
    Fp32,
    /// IEEE double.
    Fp64,
    /// The upper half of a single.
    Bf16,
    /// Any number of bytes; raw, their number in 32 bits goes before each.
    Bytes,
}

const DATATYPES: [(Datatype, &str, usize); 14] = [
    (Datatype::Bool, "BOOL", 1),
    (Datatype::Uint8, "UINT8", 1),
    (Datatype::Uint16, "UINT16", 2),
    (Datatype::Uint32, "UINT32", 4),
    (Datatype::Uint64, "UINT64", 8),
    (Datatype::Int8, "INT8", 1),
    (Datatype::Int16, "INT16", 2),
    (Datatype::Int32, "INT32", 4),
    (Datatype::Int64, "INT64", 8),
    (Datatype::Fp16, "FP16", 2),
    (Datatype::Fp32, "FP32", 4),
    (Datatype::Fp64, "FP64", 8),
    (Datatype::Bf16, "BF16", 2),
    (Datatype::Bytes, "BYTES", 0),
];

impl Datatype {
    /// That of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        DATATYPES.iter().find(|(_, its, _)| *its == name).map(|(datatype, ..)| *datatype)
    }

    /// As messages have it.
    pub fn name(self) -> &'static str {
        DATATYPES.iter().find(|(datatype, ..)| *datatype == self).map_or("", |(_, name, _)| name)
    }

    /// Bytes of a value; `None` of [`Datatype::Bytes`].
    pub fn size(self) -> Option<usize> {
        let size = DATATYPES.iter().find(|(datatype, ..)| *datatype == self).map_or(0, |(.., size)| *size);
        (size > 0).then_some(size)
    }
}

/// A tensor whose shape, datatype and values agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    datatype: Datatype,
    shape: Vec<usize>,
    raw: Bytes,
}

/// What is wrong with a message's tensors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// More than anybody needs.
    #[error("{0} tensors; at most {MAX_TENSORS} are taken")]
    TooMany(usize),
    /// It is longer than names are.
    #[error("the name of a tensor has {0} bytes; at most {MAX_NAME} are taken")]
    Name(usize),
    /// Two have one name.
    #[error("two tensors are called {0}")]
    Twice(String),
    /// None of the protocol's.
    #[error("{name} has the unknown datatype {datatype:?}")]
    Datatype {
        /// Name of the tensor.
        name: String,
        /// As it came, at most 16 characters.
        datatype: String,
    },
    /// Negative, of too many sizes, or larger than memory.
    #[error("{0} has a shape that no tensor has")]
    Shape(String),
    /// The values are fewer or more than the shape says.
    #[error("{name} has {found} bytes where its shape says {expected}")]
    Length {
        /// Name of the tensor.
        name: String,
        /// Bytes that are there.
        found: usize,
        /// By shape and datatype.
        expected: usize,
    },
    /// Elements of BYTES that end elsewhere than the tensor, or are fewer or more than the shape says.
    #[error("the elements of {0} do not fill it")]
    Elements(String),
    /// Raw values beside others, or not one for each tensor.
    #[error("{raw} raw values for {tensors} tensors; each has to have one, and no other values")]
    Raw {
        /// Raw values.
        raw: usize,
        /// Tensors.
        tensors: usize,
    },
    /// Values that its datatype does not hold, such as 300 of UINT8.
    #[error("{name} has values that {datatype} does not hold")]
    Range {
        /// Name of the tensor.
        name: String,
        /// What the values should be.
        datatype: &'static str,
    },
    /// It has none of what is asked for.
    #[error("there is no tensor {0}")]
    Missing(String),
    /// It is of another datatype than is needed.
    #[error("{name} is {found}, and {needed} is needed")]
    Other {
        /// Name of the tensor.
        name: String,
        /// The datatype that it has.
        found: &'static str,
        /// The datatype that is needed.
        needed: &'static str,
    },
    /// It is a tensor, and not the one that is needed.
    #[error("{name} {why}")]
    Unfit {
        /// Name of the tensor.
        name: &'static str,
        /// As a clause that follows the name.
        why: &'static str,
    },
    /// No number: an infinity or a NaN.
    #[error("{0} has values that are no finite numbers")]
    NotFinite(String),
}

impl Tensor {
    /// Of these bytes, one a value; the product of the shape is their number.
    pub fn of_u8(name: &str, shape: &[usize], values: Bytes) -> Result<Self, TensorError> {
        Self::new(name, Datatype::Uint8, shape.to_vec(), values)
    }

    /// Of these numbers; the product of the shape is their number.
    pub fn of_f32(name: &str, shape: &[usize], values: &[f32]) -> Result<Self, TensorError> {
        let mut raw = BytesMut::with_capacity(values.len() * 4);
        for value in values {
            raw.put_f32_le(*value);
        }
        Self::new(name, Datatype::Fp32, shape.to_vec(), raw.freeze())
    }

    /// Of these numbers, in one row.
    pub fn of_i32(name: &str, values: &[i32]) -> Self {
        let mut raw = BytesMut::with_capacity(values.len() * 4);
        for value in values {
            raw.put_i32_le(*value);
        }
        let shape = vec![values.len()];
        Self { name: name.to_owned(), datatype: Datatype::Int32, shape, raw: raw.freeze() }
    }

    /// Of these texts or files, in one row; none is longer than 4 GiB.
    pub fn of_elements<E: AsRef<[u8]>>(name: &str, elements: &[E]) -> Self {
        let all = elements.iter().map(|element| element.as_ref().len() + 4).sum();
        let mut raw = BytesMut::with_capacity(all);
        for element in elements.iter().map(AsRef::as_ref) {
            let bytes = u32::try_from(element.len()).unwrap_or(u32::MAX);
            raw.put_u32_le(bytes);
            raw.put_slice(&element[..bytes as usize]);
        }
        let shape = vec![elements.len()];
        Self { name: name.to_owned(), datatype: Datatype::Bytes, shape, raw: raw.freeze() }
    }

    /// Of raw values, little-endian, row by row; an error where they do not fill the shape.
    pub fn new(name: &str, datatype: Datatype, shape: Vec<usize>, raw: Bytes) -> Result<Self, TensorError> {
        let name = check_name(name)?;
        if shape.len() > MAX_RANK {
            return Err(TensorError::Shape(name));
        }
        let product = shape.iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
        let Some(values) = product else { return Err(TensorError::Shape(name)) };
        match datatype.size().map(|size| values.checked_mul(size)) {
            Some(None) => return Err(TensorError::Shape(name)),
            Some(Some(expected)) if expected != raw.len() => {
                return Err(TensorError::Length { name, found: raw.len(), expected });
            }
            Some(Some(_)) => {}
            None => {
                let counted = Elements(&raw).try_fold(0_usize, |count, element| element.map(|_| count + 1));
                if counted != Some(values) {
                    return Err(TensorError::Elements(name));
                }
            }
        }
        Ok(Self { name, datatype, shape, raw })
    }

    /// What its values are.
    pub fn datatype(&self) -> Datatype {
        self.datatype
    }

    /// Its sizes, the slowest first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values, little-endian, row by row.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Its numbers, all of them finite; an error where it has no FP32.
    pub fn f32s(&self) -> Result<Vec<f32>, TensorError> {
        self.check_datatype(Datatype::Fp32)?;
        let (values, _) = self.raw.as_chunks();
        let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(TensorError::NotFinite(self.name.clone()))
        }
    }

    /// Its whole numbers; an error where it has neither INT32 nor INT64.
    pub fn integers(&self) -> Result<Vec<i64>, TensorError> {
        if self.datatype == Datatype::Int64 {
            let (values, _) = self.raw.as_chunks();
            return Ok(values.iter().map(|value| i64::from_le_bytes(*value)).collect());
        }
        self.check_datatype(Datatype::Int32)?;
        let (values, _) = self.raw.as_chunks();
        Ok(values.iter().map(|value| i64::from(i32::from_le_bytes(*value))).collect())
    }

    /// Its texts or files, not copied; an error where it has no BYTES.
    pub fn elements(&self) -> Result<Vec<Bytes>, TensorError> {
        self.check_datatype(Datatype::Bytes)?;
        Ok(Elements(&self.raw).flatten().map(|element| self.raw.slice_ref(element)).collect())
    }

    /// As [`Tensor::elements`], of the only one; `None` where there are more or fewer, which are not told apart: there may be
    /// millions.
    pub fn only_element(&self) -> Result<Option<Bytes>, TensorError> {
        self.check_datatype(Datatype::Bytes)?;
        let is_one = self.shape.iter().product::<usize>() == 1;
        Ok(if is_one { self.elements()?.pop() } else { None })
    }

    /// An error where it is of another datatype.
    pub fn check_datatype(&self, needed: Datatype) -> Result<(), TensorError> {
        if self.datatype == needed {
            return Ok(());
        }
        let (found, needed) = (self.datatype.name(), needed.name());
        Err(TensorError::Other { name: self.name.clone(), found, needed })
    }

    fn to_message(&self) -> TensorMessage {
        TensorMessage {
            name: self.name.clone(),
            datatype: self.datatype.name().to_owned(),
            shape: self.shape.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect(),
            ..TensorMessage::default()
        }
    }
}

impl InferRequest {
    /// Asks a model about these, raw.
    pub fn from_inputs(model: &str, inputs: &[Tensor]) -> Self {
        Self {
            model_name: model.to_owned(),
            inputs: inputs.iter().map(Tensor::to_message).collect(),
            raw_input_contents: inputs.iter().map(|input| input.raw.clone()).collect(),
            ..Self::default()
        }
    }

    /// Its inputs, if they are what they say.
    pub fn tensors(&self) -> Result<Vec<Tensor>, TensorError> {
        check_tensors(&self.inputs, &self.raw_input_contents)
    }
}

impl InferResponse {
    /// Answers these, raw: some clients do not read other values.
    pub fn from_outputs(request: &InferRequest, outputs: &[Tensor]) -> Self {
        Self {
            model_name: request.model_name.clone(),
            model_version: request.model_version.clone(),
            id: request.id.clone(),
            outputs: outputs.iter().map(Tensor::to_message).collect(),
            raw_output_contents: outputs.iter().map(|output| output.raw.clone()).collect(),
            ..Self::default()
        }
    }

    /// Its outputs, if they are what they say.
    pub fn tensors(&self) -> Result<Vec<Tensor>, TensorError> {
        check_tensors(&self.outputs, &self.raw_output_contents)
    }
}

/// The tensor of that name.
pub fn find_tensor<'a>(tensors: &'a [Tensor], name: &str) -> Result<&'a Tensor, TensorError> {
    let found = tensors.iter().find(|tensor| tensor.name == name);
    found.ok_or_else(|| TensorError::Missing(name.to_owned()))
}

/// Those that a request wants, in its order; all where it names none.
pub(crate) fn choose_outputs(
    request: &InferRequest,
    outputs: Vec<Tensor>,
) -> Result<Vec<Tensor>, TensorError> {
    if request.outputs.is_empty() {
        return Ok(outputs);
    }
    if request.outputs.len() > MAX_TENSORS {
        return Err(TensorError::TooMany(request.outputs.len()));
    }
    request.outputs.iter().map(|wanted| find_tensor(&outputs, &check_name(&wanted.name)?).cloned()).collect()
}

fn check_tensors(messages: &[TensorMessage], raw: &[Bytes]) -> Result<Vec<Tensor>, TensorError> {
    if messages.len() > MAX_TENSORS {
        return Err(TensorError::TooMany(messages.len()));
    }
    let is_raw = !raw.is_empty();
    // MLServer sends empty contents along.
    let has_values = |message: &TensorMessage| {
        message.contents.as_ref().is_some_and(|contents| *contents != Contents::default())
    };
    let both = messages.iter().any(has_values);
    if is_raw && (raw.len() != messages.len() || both) {
        return Err(TensorError::Raw { raw: raw.len(), tensors: messages.len() });
    }
    let mut tensors: Vec<Tensor> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let name = check_name(&message.name)?;
        if tensors.iter().any(|other| other.name == name) {
            return Err(TensorError::Twice(name));
        }
        let Some(datatype) = Datatype::from_name(&message.datatype) else {
            let datatype = message.datatype.chars().take(16).collect();
            return Err(TensorError::Datatype { name, datatype });
        };
        let sizes = message.shape.iter().map(|size| usize::try_from(*size).ok());
        let shape: Option<Vec<usize>> = sizes.take(MAX_RANK + 1).collect();
        let shape = shape.ok_or_else(|| TensorError::Shape(name.clone()))?;
        let raw = match (raw.get(index), &message.contents) {
            (Some(raw), _) => raw.clone(),
            (None, Some(contents)) => {
                let raw = contents.raw(datatype);
                raw.ok_or_else(|| TensorError::Range { name: name.clone(), datatype: datatype.name() })?
            }
            (None, None) => Bytes::new(),
        };
        tensors.push(Tensor::new(&message.name, datatype, shape, raw)?);
    }
    Ok(tensors)
}

fn check_name(name: &str) -> Result<String, TensorError> {
    if name.len() > MAX_NAME { Err(TensorError::Name(name.len())) } else { Ok(name.to_owned()) }
}

impl Contents {
    /// As they would be raw; nothing of types that only are raw, and `None` of values that the datatype does not hold.
    fn raw(&self, datatype: Datatype) -> Option<Bytes> {
        let mut raw = BytesMut::new();
        match datatype {
            Datatype::Bool => self.bools.iter().for_each(|value| raw.put_u8(u8::from(*value))),
            Datatype::Int8 => put_each(&self.ints, |value| raw.put_i8(value))?,
            Datatype::Int16 => put_each(&self.ints, |value| raw.put_i16_le(value))?,
            Datatype::Int32 => self.ints.iter().for_each(|value| raw.put_i32_le(*value)),
            Datatype::Int64 => self.longs.iter().for_each(|value| raw.put_i64_le(*value)),
            Datatype::Uint8 => put_each(&self.uints, |value| raw.put_u8(value))?,
            Datatype::Uint16 => put_each(&self.uints, |value| raw.put_u16_le(value))?,
            Datatype::Uint32 => self.uints.iter().for_each(|value| raw.put_u32_le(*value)),
            Datatype::Uint64 => self.ulongs.iter().for_each(|value| raw.put_u64_le(*value)),
            Datatype::Fp32 => self.floats.iter().for_each(|value| raw.put_f32_le(*value)),
            Datatype::Fp64 => self.doubles.iter().for_each(|value| raw.put_f64_le(*value)),
            Datatype::Fp16 | Datatype::Bf16 => {}
            Datatype::Bytes => return Some(Tensor::of_elements("", &self.bytes).raw),
        }
        Some(raw.freeze())
    }
}

/// Puts down each value as a smaller one; `None` where one is too large for that.
fn put_each<W: Copy, N: TryFrom<W>>(values: &[W], mut put: impl FnMut(N)) -> Option<()> {
    values.iter().try_for_each(|value| N::try_from(*value).ok().map(&mut put))
}

/// Elements of raw BYTES; `None` for one that goes beyond the end, and then no more.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let element = self.0.split_first_chunk().and_then(|(bytes, rest)| {
            let bytes = u32::from_le_bytes(*bytes) as usize;
            rest.split_at_checked(bytes)
        });
        self.0 = element.map_or(&[], |(_, rest)| rest);
        Some(element.map(|(element, _)| element))
    }
}
