//! Whether what stands on both sides of a gutter is text in columns, or rows of a table or a list.

use super::bounds::{Bounds, median};
use super::rows::{CELL, LEVEL, group_rows};

/// Pieces of a row that are closer than this many heights are one.
const WORD_GAP: f32 = 1.0;
/// Text in columns has at least this many long rows a side.
pub(crate) const PROSE_ROWS: usize = 3;
/// Of the rows of text in columns, at least this share is long.
const PROSE_SHARE: f32 = 1.0 / 3.0;
/// Of the rows of a table, at least this share stands at one height with one of the other side.
const PARTNERED: f32 = 0.8;
/// On one side of a table, half of the rows fill less than this share of the longest one. (Lines of text may stand side by
/// side, too, but fill more.)
const FILL: f32 = 0.75;
/// Of the amounts on the right of a table, three in four end below each other, within this many heights of a line.
const FLUSH: f32 = 0.15;
/// Of the amounts on the right of a table, one in four begins at least this many heights from where the others do: amounts
/// of money do, lines of text do not.
const RAGGED: f32 = 0.3;
/// An amount is no longer than this many heights.
const AMOUNT: f32 = 12.0;

/// What stands on one side of a gutter.
struct Text {
    rows: usize,
    /// Rows that are at least as long as [`CELL`].
    long: usize,
    /// The heights at which rows stand, px, from the top.
    middles: Vec<f32>,
    /// The length of the longest rows, px.
    longest: f32,
    /// How much of that the others fill, their median.
    fill: f32,
    /// How far rows begin and end from where most do, px: three in four are no further.
    begins: f32,
    ends: f32,
    top: f32,
    bottom: f32,
}

impl Text {
    fn from_lines(lines: &[Bounds], height: f32) -> Self {
        let rows = group_rows(lines);
        let length = |row: &Vec<Bounds>| {
            let pieces = row.chunk_by(|a, b| b.left - a.right < WORD_GAP * height);
            pieces.map(|piece| piece[piece.len() - 1].right - piece[0].left).fold(0.0, f32::max)
        };
        let lengths: Vec<f32> = rows.iter().map(length).collect();
        let mut sorted = lengths.clone();
        sorted.sort_by(f32::total_cmp);
        // Two lines may have been found as one.
        let longest = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0.0).max(1.0);
        let edges = |edge: fn(&[Bounds]) -> f32| -> Vec<(f32, f32)> {
            rows.iter().map(|row| (row[0].middle(), edge(row))).collect()
        };
        let mut middles: Vec<f32> = rows.iter().map(|row| row[0].middle()).collect();
        middles.sort_by(f32::total_cmp);
        Self {
            rows: rows.len(),
            long: lengths.iter().filter(|length| **length >= CELL * height).count(),
            middles,
            longest,
            fill: median(lengths.iter().map(|length| length / longest).collect()),
            begins: off_line(&edges(|row| row[0].left)),
            ends: off_line(&edges(|row| row[row.len() - 1].right)),
            top: lines.iter().map(|line| line.top).fold(f32::MAX, f32::min),
            bottom: lines.iter().map(|line| line.bottom).fold(f32::MIN, f32::max),
        }
    }

    fn is_prose(&self) -> bool {
        self.long >= PROSE_ROWS && self.long as f32 >= self.rows as f32 * PROSE_SHARE
    }

    /// Too little to tell, but not cells.
    fn may_be_prose(&self) -> bool {
        self.rows > 0 && self.rows < PROSE_ROWS && self.long * 2 >= self.rows
    }

    /// The share of its rows that have one of the other side's at their height.
    fn partnered_share(&self, other: &Self, height: f32) -> f32 {
        let has_partner = |middle: &&f32| {
            let from = other.middles.partition_point(|other| *other < *middle - LEVEL * height);
            other.middles.get(from).is_some_and(|other| *other <= *middle + LEVEL * height)
        };
        self.middles.iter().filter(has_partner).count() as f32 / self.rows.max(1) as f32
    }
}

/// How far places are from a straight line that most are near to: three in four are no further. Each is (how far down, how far
/// to the right), and they are given from the top.
fn off_line(places: &[(f32, f32)]) -> f32 {
    let half = places.len() / 2;
    let pairs = places.iter().zip(&places[half..]).filter(|(upper, lower)| lower.0 > upper.0);
    let lean = median(pairs.map(|(upper, lower)| (lower.1 - upper.1) / (lower.0 - upper.0)).collect());
    let level: Vec<f32> = places.iter().map(|(down, right)| right - lean * down).collect();
    let most = median(level.clone());
    let mut off: Vec<f32> = level.into_iter().map(|right| (right - most).abs()).collect();
    off.sort_by(f32::total_cmp);
    off.get(off.len() * 3 / 4).copied().unwrap_or(0.0)
}

/// What stands on both sides of a gutter, between two lines across.
pub(crate) struct Pair {
    left: Text,
    right: Text,
    /// Height of a line.
    height: f32,
}

impl Pair {
    /// Of lines that are given from the top.
    pub(crate) fn from_sides(left: &[Bounds], right: &[Bounds], height: f32) -> Self {
        Self { left: Text::from_lines(left, height), right: Text::from_lines(right, height), height }
    }

    /// Whether both are text without doubt.
    pub(crate) fn is_prose(&self) -> bool {
        self.left.is_prose() && self.right.is_prose() && !self.is_table()
    }

    /// Whether both are columns. If there is no doubt that the page has some, what stands beside text is one, whatever it is.
    pub(crate) fn are_columns(&self, sure: bool) -> bool {
        let sides = [&self.left, &self.right];
        if self.is_table() || sides.iter().any(|side| side.rows == 0) {
            return false;
        }
        let one = sides.iter().any(|side| side.is_prose());
        let both = sides.iter().all(|side| side.is_prose() || side.may_be_prose());
        (both && (one || sure)) || (one && sure && !self.is_list())
    }

    /// How much stands beside each other, px.
    pub(crate) fn shared_length(&self) -> f32 {
        (self.left.bottom.min(self.right.bottom) - self.left.top.max(self.right.top)).max(0.0)
    }

    /// How many long rows stand beside each other, if they are evenly spread.
    pub(crate) fn rows_beside(&self) -> f32 {
        let rows = |side: &Text| self.shared_length() / (side.bottom - side.top).max(1.0) * side.long as f32;
        rows(&self.left).min(rows(&self.right))
    }

    /// Whether nearly every row of both has a partner, and they are as different in length as cells are.
    fn is_table(&self) -> bool {
        let (left, right) = (&self.left, &self.right);
        let partnered =
            left.partnered_share(right, self.height).min(right.partnered_share(left, self.height));
        let are_amounts = right.longest <= AMOUNT * self.height
            && right.ends <= FLUSH * self.height
            && right.begins >= RAGGED * self.height;
        (left.fill.min(right.fill) < FILL || are_amounts)
            && left.rows.min(right.rows) >= PROSE_ROWS
            && partnered >= PARTNERED
    }

    /// Whether one side is of short rows that each have a partner: terms and what they mean, names and prices.
    fn is_list(&self) -> bool {
        let names = |side: &Text, other: &Text| {
            side.long < PROSE_ROWS && side.partnered_share(other, self.height) >= PARTNERED
        };
        names(&self.left, &self.right) || names(&self.right, &self.left)
    }
}
