//! What stands side by side, and which rows are those of a table.

use super::bounds::{Bounds, median};

/// A cell of a table is shorter than this many heights of a line.
pub(crate) const CELL: f32 = 6.0;
/// A row of a table has at least this many cells that have one below or above them in another row.
const CELLS: usize = 3;
/// The middles of two rows of a table with cells below each other are at most this many heights of a line apart.
const NEXT_ROW: f32 = 4.0;
/// Cells of a row stand at one height, with their neighbours, within this many heights.
pub(crate) const LEVEL: f32 = 0.25;
/// Cells of a column begin, end or have their middle this close to below each other, in heights.
const ALIGNED: f32 = 0.5;
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

/// What must stay together from left to right, though there is room within: the reach of each of `lines`, which is its own, or
/// that of the row of a table to which it belongs.
pub(crate) fn row_reaches(lines: &[Bounds], rows: &[Vec<Bounds>], height: f32) -> Vec<(f32, f32)> {
    let last = lines.iter().map(|line| line.line).max().map_or(0, |last| last + 1);
    let mut known: Vec<Option<(f32, f32)>> = vec![None; last];
    let mut grow = |cells: &[&Bounds]| {
        let (left, right) = (cells[0].left, cells[cells.len() - 1].right);
        for cell in cells {
            let (from, to) = known[cell.line].get_or_insert((left, right));
            (*from, *to) = (from.min(left), to.max(right));
        }
    };
    for (index, row) in rows.iter().enumerate() {
        for next in rows[index + 1..].iter().take(2) {
            if next[0].middle() - row[0].middle() > NEXT_ROW * height {
                break;
            }
            let together = |a: &Bounds, b: &Bounds| {
                is_cell(a, height) && is_cell(b, height) && (a.middle() - b.middle()).abs() <= LEVEL * height
            };
            let mut end = 0;
            for run in row.chunk_by(together) {
                end += run.len();
                let run = without_mark(run, row.get(end));
                let partner = |cell: &&Bounds| {
                    next.iter().find(|other| is_cell(other, height) && are_aligned(cell, other, height))
                };
                let (cells, partners): (Vec<&Bounds>, Vec<&Bounds>) =
                    run.iter().filter_map(|cell| Some((cell, partner(&cell)?))).unzip();
                if cells.len() >= CELLS {
                    grow(&cells);
                    grow(&partners);
                }
            }
        }
    }
    lines.iter().map(|line| known[line.line].unwrap_or((line.left, line.right))).collect()
}

/// Cells without the last one where that is the mark of the text after it, to which it is nearer than to the cell before it.
fn without_mark<'a>(run: &'a [Bounds], next: Option<&Bounds>) -> &'a [Bounds] {
    match (run, next) {
        ([rest @ .., before, mark], Some(next)) if next.left - mark.right < mark.left - before.right => {
            &run[..=rest.len()]
        }
        _ => run,
    }
}

fn is_cell(line: &Bounds, height: f32) -> bool {
    line.width() < CELL * height
}

/// Whether two lines of different rows begin, end or have their middle below each other.
fn are_aligned(a: &Bounds, b: &Bounds, height: f32) -> bool {
    let middle = |line: &Bounds| f32::midpoint(line.left, line.right);
    [a.left - b.left, a.right - b.right, middle(a) - middle(b)]
        .iter()
        .any(|off| off.abs() <= ALIGNED * height)
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
