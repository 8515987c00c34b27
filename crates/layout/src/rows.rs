//! What stands side by side, and which rows are a running head or a foot.

use super::bounds::{Bounds, median};

/// A cell of a table is shorter than this many heights of a line.
pub(crate) const CELL: f32 = 6.0;
/// Cells of a row stand at one height, with their neighbours, within this many heights.
pub(crate) const LEVEL: f32 = 0.25;
/// Below a running head, and above a foot, there is at least this much room, in heights.
const HEAD_ROOM: f32 = 1.8;
/// Below a running head, and above a foot, there is at least this many times the room that is usual between rows.
const HEAD_SHARE: f32 = 1.8;
/// A running head has at most this many rows, a foot one.
const HEAD_ROWS: usize = 2;

/// The rows of these lines, which are given from the top; each from the left.
pub(crate) fn group_rows(lines: &[Bounds]) -> Vec<Vec<Bounds>> {
    let mut rows = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|line| first.is_beside(line)).count().max(1);
        let mut row = rest[..same].to_vec();
        row.sort_by(|a, b| a.left.total_cmp(&b.left).then(a.line.cmp(&b.line)));
        rows.push(row);
        rest = &rest[same..];
    }
    rows
}

/// How many of the first rows are a running head, and whether the last one is a foot.
pub(crate) fn head_and_foot(rows: &[Vec<Bounds>], height: f32) -> (usize, bool) {
    let top = |row: &[Bounds]| row.iter().map(|line| line.top).fold(f32::MAX, f32::min);
    let bottom = |row: &[Bounds]| row.iter().map(|line| line.bottom).fold(f32::MIN, f32::max);
    let rooms: Vec<f32> = rows.windows(2).map(|pair| top(&pair[1]) - bottom(&pair[0])).collect();
    let usual = median(rooms.clone());
    let is_wide = |room: f32| room >= HEAD_ROOM * height && room >= HEAD_SHARE * usual;
    let head = (1..=HEAD_ROWS).rev().find(|count| rooms.get(count - 1).is_some_and(|room| is_wide(*room)));
    (head.unwrap_or(0), rooms.last().is_some_and(|room| is_wide(*room)))
}
