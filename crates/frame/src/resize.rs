//! Bilinear resize, bit for bit as OpenCV's `resize(…, INTER_LINEAR)` on 8-bit pictures with three channels.
//!
//! Without antialiasing, as the models were trained: each result is a blend of four neighbours, however far apart the
//! samples are. OpenCV works in fixed point with weights of 11 bits (modules/imgproc/src/resize.cpp, `HResizeLinear`
//! and `VResizeLinear` with `uchar`):
//!
//! ```text
//! scale = 1 / (dst / src)                              f64
//! f = (d + 0.5) * scale - 0.5   s = floor(f)   w = f - s       f32
//! columns: s < 0 -> s = 0, w = 0;   s >= src - 1 -> s = src - 1, w = 0
//! rows:    w stays, s and s + 1 are clamped into the picture
//! a0 = rint((1 - w) * 2048)     a1 = rint(w * 2048)            (columns; b0, b1 for rows)
//! H(row) = p[s] * a0 + p[s + 1] * a1                           i32
//! out = (((b0 * (H0 >> 4)) >> 16) + ((b1 * (H1 >> 4)) >> 16) + 2) >> 2
//! ```
//!
//! Halving exactly is the same formula: OpenCV's special case rounds alike. `H >> 4` is at most 32,640 and so kept in
//! 16 bits, which makes the vertical pass two multiplications of 16-bit lanes.

use crate::image::Image;

/// The longest side that is resized from or to, in pixels. Far above any picture; it keeps the arithmetic in range.
const MAX_SIDE: u32 = 1 << 24;

/// Why a picture could not be resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResizeError {
    /// A side of the source or the result is 0, or longer than 2^24 pixels.
    #[error(
        "cannot resize {from_width}x{from_height} to {to_width}x{to_height}: each side needs 1 to 2^24 pixels"
    )]
    Size {
        /// Width of the source in pixels.
        from_width: u32,
        /// Height of the source in pixels.
        from_height: u32,
        /// Width asked for in pixels.
        to_width: u32,
        /// Height asked for in pixels.
        to_height: u32,
    },
}

/// Resizes pictures. Keep one per thread: it keeps the tables of the last pair of sizes and its work rows.
#[derive(Default)]
pub struct Resizer {
    sizes: [u32; 4],
    columns: Columns,
    rows: Vec<Row>,
    upper: WorkRow,
    lower: WorkRow,
    gathered: Gathered,
    blend: Blend,
}

/// Where the columns of the result come from.
#[derive(Default)]
struct Columns {
    /// Byte offset in a source row of the left pixel of each pair; the right one follows it.
    offsets: Vec<u32>,
    /// Weights of the left and right pixels, repeated for each channel.
    left: Vec<i16>,
    right: Vec<i16>,
}

/// Where one row of the result comes from.
#[derive(Clone, Copy)]
struct Row {
    above: usize,
    below: usize,
    weights: [i16; 2],
}

/// A source row after the horizontal pass (`H >> 4`), and which row it is.
#[derive(Default)]
struct WorkRow {
    source: Option<usize>,
    values: Vec<i16>,
}

/// The pixels of a source row that the result needs, side by side, so that the arithmetic runs over plain arrays.
#[derive(Default)]
struct Gathered {
    left: Vec<u8>,
    right: Vec<u8>,
    /// The last source row, or one that was made, with room behind it.
    tail: Vec<u8>,
}

/// A row's two weights, repeated for each value. As arrays because the compiler then multiplies 16-bit lanes; a weight
/// in a variable it widens to 32 bits first, which is five times slower.
#[derive(Default)]
struct Blend {
    upper: Vec<i16>,
    lower: Vec<i16>,
}

/// Bytes read at each offset: two pixels, and two more bytes to fill a register.
const PAIR: usize = 8;

impl Resizer {
    /// A resizer without tables; the first picture makes them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Resizes `src` to `width` × `height` pixels, squeezing it where the proportions differ. `out` is replaced and
    /// its memory reused.
    pub fn resize(
        &mut self,
        src: &Image,
        width: u32,
        height: u32,
        out: &mut Image,
    ) -> Result<(), ResizeError> {
        let (from_width, from_height) = (src.width(), src.height());
        check_sizes([from_width, from_height, width, height])?;
        out.reshape(width, height);
        if (from_width, from_height) == (width, height) {
            out.data_mut().copy_from_slice(src.data());
            return Ok(());
        }
        self.blend_rows((from_width, from_height), Rows::There(src.data()), out);
        Ok(())
    }

    /// The same of a picture that is nowhere as a whole: `row` appends the pixels of one of its rows, from 0. None is asked for
    /// before one above it, and not all need be.
    pub fn resize_rows(
        &mut self,
        (from_width, from_height): (u32, u32),
        row: &mut dyn FnMut(usize, &mut Vec<u8>),
        (width, height): (u32, u32),
        out: &mut Image,
    ) -> Result<(), ResizeError> {
        check_sizes([from_width, from_height, width, height])?;
        out.reshape(width, height);
        self.blend_rows((from_width, from_height), Rows::Made(row), out);
        Ok(())
    }

    fn blend_rows(&mut self, (from_width, from_height): (u32, u32), mut src: Rows<'_>, out: &mut Image) {
        let (width, height) = (out.width(), out.height());
        self.prepare_columns([from_width, from_height, width, height]);
        self.upper.source = None;
        self.lower.source = None;
        let row_bytes = from_width as usize * 3;
        let targets = out.data_mut().chunks_exact_mut(width as usize * 3);
        for (row, target) in self.rows.iter().zip(targets) {
            // Going down, the row below of one result is often the row above of the next.
            if self.upper.source != Some(row.above) && self.lower.source == Some(row.above) {
                std::mem::swap(&mut self.upper, &mut self.lower);
            }
            self.upper.fill_row(row.above, (&mut src, row_bytes), &self.columns, &mut self.gathered);
            self.lower.fill_row(row.below, (&mut src, row_bytes), &self.columns, &mut self.gathered);
            self.blend.blend_pair(&self.upper, &self.lower, row.weights, target);
        }
    }

    fn prepare_columns(&mut self, sizes: [u32; 4]) {
        if self.sizes == sizes {
            return;
        }
        let [from_width, from_height, width, height] = sizes;
        self.sizes = sizes;
        self.columns.set_sizes(from_width, width);
        self.rows.clear();
        self.rows.extend(source_positions(from_height, height).map(|(s, w)| {
            let last = i64::from(from_height) - 1;
            let clamp = |s: i64| s.clamp(0, last) as usize;
            Row { above: clamp(s), below: clamp(s + 1), weights: blend_weights(w) }
        }));
        let values = width as usize * 3;
        for row in [&mut self.upper.values, &mut self.lower.values] {
            row.resize(values, 0);
        }
        for weights in [&mut self.blend.upper, &mut self.blend.lower] {
            weights.resize(values, 0);
        }
        for pixels in [&mut self.gathered.left, &mut self.gathered.right] {
            // Each pixel is written as four bytes, of which the next pixel overwrites one.
            pixels.resize(values + 1, 0);
        }
    }
}

fn check_sizes(sides @ [from_width, from_height, to_width, to_height]: [u32; 4]) -> Result<(), ResizeError> {
    if sides.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        return Err(ResizeError::Size { from_width, from_height, to_width, to_height });
    }
    Ok(())
}

/// Where the rows of a picture come from.
enum Rows<'a> {
    There(&'a [u8]),
    Made(&'a mut dyn FnMut(usize, &mut Vec<u8>)),
}

impl Columns {
    fn set_sizes(&mut self, from: u32, to: u32) {
        self.offsets.clear();
        self.left.clear();
        self.right.clear();
        let last = i64::from(from) - 1;
        for (s, w) in source_positions(from, to) {
            // Beyond the edges the weight of the right pixel is 0, whatever stands there.
            let (s, w) = if (0..last).contains(&s) { (s, w) } else { (s.clamp(0, last), 0.0) };
            let [a0, a1] = blend_weights(w);
            self.offsets.push(s as u32 * 3);
            self.left.extend([a0; 3]);
            self.right.extend([a1; 3]);
        }
    }
}

/// For each place in the result: the source place before it and the fraction beyond that.
fn source_positions(from: u32, to: u32) -> impl Iterator<Item = (i64, f32)> {
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    (0..to).map(move |d| {
        let f = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
        let s = f.floor();
        (s as i64, f - s)
    })
}

/// The weights of the two neighbours in 1/2048.
fn blend_weights(w: f32) -> [i16; 2] {
    [1.0 - w, w].map(|w| (w * 2048.0).round_ties_even() as i16)
}

impl WorkRow {
    /// The horizontal pass over row `source` of `src`.
    fn fill_row(
        &mut self,
        source: usize,
        (src, row_bytes): (&mut Rows<'_>, usize),
        columns: &Columns,
        gathered: &mut Gathered,
    ) {
        if self.source == Some(source) {
            return;
        }
        self.source = Some(source);
        gathered.gather_columns(source, (src, row_bytes), &columns.offsets);
        let pixels = gathered.left.iter().zip(&gathered.right);
        let weights = columns.left.iter().zip(&columns.right);
        for ((out, (&p0, &p1)), (&a0, &a1)) in self.values.iter_mut().zip(pixels).zip(weights) {
            let sum = i32::from(p0) * i32::from(a0) + i32::from(p1) * i32::from(a1);
            *out = (sum >> 4) as i16;
        }
    }
}

impl Gathered {
    fn gather_columns(&mut self, row: usize, (src, row_bytes): (&mut Rows<'_>, usize), offsets: &[u32]) {
        let bytes = match src {
            Rows::There(pixels) if pixels.len() >= (row + 1) * row_bytes + PAIR => &pixels[row * row_bytes..],
            src => {
                self.tail.clear();
                match src {
                    Rows::There(pixels) => {
                        self.tail.extend_from_slice(&pixels[row * row_bytes..][..row_bytes]);
                    }
                    Rows::Made(make) => make(row, &mut self.tail),
                }
                self.tail.resize(row_bytes + PAIR, 0);
                &self.tail
            }
        };
        for (x, &offset) in offsets.iter().enumerate() {
            let offset = offset as usize;
            let Some(Ok(pair)) = bytes.get(offset..offset + PAIR).map(<[u8; PAIR]>::try_from) else {
                return;
            };
            let pair = u64::from_le_bytes(pair);
            let at = x * 3..x * 3 + 4;
            self.left[at.clone()].copy_from_slice(&(pair as u32).to_le_bytes());
            self.right[at].copy_from_slice(&((pair >> 24) as u32).to_le_bytes());
        }
    }
}

impl Blend {
    /// The vertical pass: blends two rows with the given weights.
    fn blend_pair(&mut self, upper: &WorkRow, lower: &WorkRow, weights: [i16; 2], out: &mut [u8]) {
        self.upper.fill(weights[0]);
        self.lower.fill(weights[1]);
        let high = |b: i16, h: i16| ((i32::from(b) * i32::from(h)) >> 16) as i16;
        let upper = upper.values.iter().zip(&self.upper);
        let lower = lower.values.iter().zip(&self.lower);
        for (((&h0, &b0), (&h1, &b1)), out) in upper.zip(lower).zip(out) {
            *out = ((high(b0, h0) + high(b1, h1) + 2) >> 2) as u8;
        }
    }
}
