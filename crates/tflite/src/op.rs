//! The operators that are converted, and their options. The numbers are those of the format's schema, version 3.

use crate::error::Fault;
use crate::flatbuffer::Table;

/// Longest step or distance between the taps of a window.
const MAX_STEP: i32 = 4096;

/// An operator with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// Two tensors are added; the smaller one is repeated.
    Add(Activation),
    /// Tensors one after the other along a side, from the end where negative.
    Concat(i32, Activation),
    /// Weights are \[outputs, rows, columns, inputs\].
    Conv(Window, Activation),
    /// Each channel with weights of its own: \[1, rows, columns, outputs\].
    Depthwise(Window, Activation),
    /// 16 bits become 32.
    Dequantize,
    /// Weights are \[outputs, inputs\].
    FullyConnected(Activation),
    /// 1 / (1 + exp(-x)).
    Logistic,
    /// Largest value below a window of rows and columns.
    MaxPool([usize; 2], Window, Activation),
    /// Over some sides, which stay as sides of one, or go.
    Mean {
        /// Whether they stay, as sides of one.
        keep: bool,
    },
    /// Zeros on all sides.
    Pad,
    /// Negative values are multiplied with a slope.
    Prelu,
    /// An activation on its own.
    Activation(Activation),
    /// The same values in another shape.
    Reshape,
    /// Pictures in another size.
    Resize(Sampling),
}

/// What is done with each value of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// Negative ones become 0.
    Relu,
    /// The same, and those above 6 become 6.
    Relu6,
}

/// How a window moves over a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Steps, along rows and columns.
    pub stride: [usize; 2],
    /// Distance between the taps.
    pub dilation: [usize; 2],
    /// What happens at the edges.
    pub padding: Padding,
}

/// What happens at the edges of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// A window may stand out: there are as many of them as steps in the picture. Of an odd excess the larger part is below
    /// and to the right.
    Same,
    /// Windows lie within the picture.
    Valid,
}

/// Which place of a picture a place of the resized one shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Both pictures cover the same area.
    HalfPixel,
    /// The middles of the corner pixels fall together.
    AlignCorners,
    /// The middles of the first pixels fall together.
    TopLeft,
}

impl Window {
    /// A window that may stand out, with these steps.
    pub const fn same_padding(stride: usize) -> Self {
        Self { stride: [stride, stride], dilation: [1, 1], padding: Padding::Same }
    }

    /// A window that lies within, with these steps.
    pub const fn valid_padding(stride: usize) -> Self {
        Self { stride: [stride, stride], dilation: [1, 1], padding: Padding::Valid }
    }

    /// Along one of the two directions: how many windows of this many taps there are on this many pixels, and how far they stand
    /// out before and after. `None` if there is not even one.
    pub fn span(&self, direction: usize, pixels: usize, taps: usize) -> Option<(usize, [usize; 2])> {
        let (stride, dilation) = (self.stride[direction], self.dilation[direction]);
        let size = taps.checked_sub(1)?.checked_mul(dilation)? + 1;
        match self.padding {
            Padding::Valid => Some((pixels.checked_sub(size)?.checked_div(stride)? + 1, [0, 0])),
            Padding::Same => {
                // The last one begins at this multiple of the step.
                let last = pixels.checked_sub(1)?.checked_div(stride)?;
                let excess = (last * stride + size).saturating_sub(pixels);
                Some((last + 1, [excess / 2, excess.div_ceil(2)]))
            }
        }
    }
}

/// The operator of this number; what is wrong with its options as an error, `None` if it is not one of these.
pub(crate) fn read_op(code: i32, options: Option<Table<'_>>) -> Result<Option<Op>, Fault> {
    let options = Options(options);
    Ok(Some(match code {
        0 => Op::Add(options.activation(0)?),
        2 => Op::Concat(options.int(0, 0)?, options.activation(1)?),
        3 => Op::Conv(options.window(4)?, options.activation(3)?),
        4 => Op::Depthwise(options.window(5)?, options.activation(4)?),
        6 => Op::Dequantize,
        9 => {
            if options.byte(1)? != 0 {
                return Err(Fault::Reason("has its weights in another order".into()));
            }
            Op::FullyConnected(options.activation(0)?)
        }
        14 => Op::Logistic,
        17 => {
            let size = [options.step(4, 0, "window")?, options.step(3, 0, "window")?];
            let (stride, padding) = (options.strides()?, options.padding()?);
            Op::MaxPool(size, Window { stride, dilation: [1, 1], padding }, options.activation(5)?)
        }
        19 => Op::Activation(Activation::Relu),
        21 => Op::Activation(Activation::Relu6),
        22 => Op::Reshape,
        23 => Op::Resize(match (options.flag(2)?, options.flag(3)?) {
            (false, false) => Sampling::TopLeft,
            (false, true) => Sampling::HalfPixel,
            (true, false) => Sampling::AlignCorners,
            (true, true) => {
                return Err(Fault::Reason("has both align_corners and half_pixel_centers".into()));
            }
        }),
        34 => Op::Pad,
        40 => Op::Mean { keep: options.flag(0)? },
        54 => Op::Prelu,
        _ => return Ok(None),
    }))
}

/// Options, or none: then all have the values that are usual.
struct Options<'a>(Option<Table<'a>>);

impl Options<'_> {
    fn byte(&self, id: usize) -> Result<u8, Fault> {
        Ok(self.0.map_or(Ok(0), |table| table.byte(id))?)
    }

    fn flag(&self, id: usize) -> Result<bool, Fault> {
        Ok(self.byte(id)? != 0)
    }

    fn int(&self, id: usize, default: i32) -> Result<i32, Fault> {
        Ok(self.0.map_or(Ok(default), |table| table.int(id, default))?)
    }

    fn step(&self, id: usize, default: i32, what: &str) -> Result<usize, Fault> {
        match self.int(id, default)? {
            step @ 1..=MAX_STEP => Ok(step.cast_unsigned() as usize),
            step => Err(Fault::Reason(format!("has a {what} of {step}"))),
        }
    }

    fn activation(&self, id: usize) -> Result<Activation, Fault> {
        match self.byte(id)? {
            0 => Ok(Activation::None),
            1 => Ok(Activation::Relu),
            3 => Ok(Activation::Relu6),
            other => Err(Fault::Reason(format!("has the unsupported activation {other}"))),
        }
    }

    fn padding(&self) -> Result<Padding, Fault> {
        match self.byte(0)? {
            0 => Ok(Padding::Same),
            1 => Ok(Padding::Valid),
            other => Err(Fault::Reason(format!("has the unsupported padding {other}"))),
        }
    }

    /// Columns stand first in the file.
    fn strides(&self) -> Result<[usize; 2], Fault> {
        Ok([self.step(2, 0, "stride")?, self.step(1, 0, "stride")?])
    }

    fn window(&self, dilation: usize) -> Result<Window, Fault> {
        let (columns, rows) = (dilation, dilation + 1);
        Ok(Window {
            stride: self.strides()?,
            dilation: [self.step(rows, 1, "dilation")?, self.step(columns, 1, "dilation")?],
            padding: self.padding()?,
        })
    }
}

/// The schema's name of an operator, for messages.
pub(crate) fn op_name(code: i32) -> String {
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("number {code}"), |name| (*name).to_owned())
}

/// In the order of their numbers; the later ones are told by number.
const NAMES: [&str; 60] = [
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
];
