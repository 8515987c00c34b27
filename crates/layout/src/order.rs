//! The order in which a person reads the lines of a page: blocks from the top, columns from the left, lines from the
//! top, and what stands in one line from the left.
//!
//! A recursive X-Y cut (Nagy and Seth 1984) over the lines' bounds, after the page was turned so that most lines are level.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

/// Blocks are parted where there is this much room between them, in heights of a line,
const BLOCK_GAP: f32 = 1.2;
/// columns where there is this much,
const COLUMN_GAP: f32 = 0.5;
/// where each has so many lines,
const COLUMN_LINES: usize = 3;
/// and most of them are so long: shorter ones are cells of a table, which is read row by row.
const COLUMN_WIDTH: f32 = 6.0;
/// Columns stand beside each other for at least this share of the shorter one.
const BESIDE: f32 = 0.5;
/// Lines that are longer than this share of a block may go across its columns: headings, and two lines that were found as one.
const ACROSS: f32 = 0.6;
/// Lines stand in one row if they share this much of the lower one's height.
const SAME_ROW: f32 = 0.5;
/// Cuts within cuts at most; what is deeper is read row by row.
const DEPTH: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Bounds {
    index: usize,
    low: [f32; 2],
    high: [f32; 2],
}

impl Bounds {
    fn height(&self) -> f32 {
        self.high[1] - self.low[1]
    }
}

/// The lines' numbers in reading order. Outlines are clockwise from the text's top left.
pub fn reading_order(outlines: &[[[f32; 2]; 4]]) -> Vec<usize> {
    let (sin, cos) = slope(outlines).sin_cos();
    let mut lines: Vec<Bounds> = outlines
        .iter()
        .enumerate()
        .map(|(index, outline)| {
            let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
            for [x, y] in outline {
                let turned = [x * cos + y * sin, y * cos - x * sin];
                for axis in 0..2 {
                    low[axis] = low[axis].min(turned[axis]);
                    high[axis] = high[axis].max(turned[axis]);
                }
            }
            Bounds { index, low, high }
        })
        .collect();
    let height = median(lines.iter().map(Bounds::height).collect());
    let mut order = Vec::with_capacity(lines.len());
    cut(&mut lines, height, 0, &mut order);
    order
}

/// The direction in which most lines are read, radians: the quarter of the circle in which they lie together, and the median
/// of how far they are off it.
fn slope(outlines: &[[[f32; 2]; 4]]) -> f32 {
    let edges = || outlines.iter().map(|[from, to, ..]| [to[0] - from[0], to[1] - from[1]]);
    let [x, y] = edges().fold([0.0, 0.0], |[x, y], edge| [x + edge[0], y + edge[1]]);
    let quarter = (y.atan2(x) / FRAC_PI_2).round() * FRAC_PI_2;
    let off = |[x, y]: [f32; 2]| {
        let (sin, cos) = quarter.sin_cos();
        (y * cos - x * sin).atan2(x * cos + y * sin)
    };
    let off = median(edges().map(off).collect());
    quarter + if off.abs() <= FRAC_PI_4 { off } else { 0.0 }
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn cut(lines: &mut [Bounds], height: f32, depth: usize, order: &mut Vec<usize>) {
    if lines.len() > 1 && depth < DEPTH {
        // Columns go before blocks: paragraphs of two columns may end at the same height.
        if let Some(at) = column(lines, height) {
            let (first, second) = lines.split_at_mut(at);
            cut(first, height, depth + 1, order);
            return cut(second, height, depth + 1, order);
        }
        if let Some(parts) = columns_with_headings(lines, height) {
            for mut part in parts {
                cut(&mut part, height, depth + 1, order);
            }
            return;
        }
        if let Some(at) = gap(lines, 1, height * BLOCK_GAP, |above, _| !above.is_empty()) {
            let (first, second) = lines.split_at_mut(at);
            cut(first, height, depth + 1, order);
            return cut(second, height, depth + 1, order);
        }
    }
    rows(lines, order);
}

/// Sorts lines from the left and finds the widest gutter between two columns.
fn column(lines: &mut [Bounds], height: f32) -> Option<usize> {
    gap(lines, 0, height * COLUMN_GAP, |left, right| are_columns(left, right, height))
}

fn are_columns(left: &[Bounds], right: &[Bounds], height: f32) -> bool {
    let is_column = |lines: &[Bounds]| {
        lines.len() >= COLUMN_LINES
            && median(lines.iter().map(|line| line.high[0] - line.low[0]).collect()) >= height * COLUMN_WIDTH
    };
    let reach = |lines: &[Bounds]| {
        let low = lines.iter().map(|line| line.low[1]).fold(f32::MAX, f32::min);
        let high = lines.iter().map(|line| line.high[1]).fold(f32::MIN, f32::max);
        (low, high)
    };
    let ((top, bottom), (other_top, other_bottom)) = (reach(left), reach(right));
    let beside = bottom.min(other_bottom) - top.max(other_top);
    let shorter = (bottom - top).min(other_bottom - other_top);
    is_column(left) && is_column(right) && beside >= shorter * BESIDE
}

/// Columns with lines across them: these lines, and what stands between them.
fn columns_with_headings(lines: &[Bounds], height: f32) -> Option<Vec<Vec<Bounds>>> {
    let left = lines.iter().map(|line| line.low[0]).fold(f32::MAX, f32::min);
    let right = lines.iter().map(|line| line.high[0]).fold(f32::MIN, f32::max);
    let is_long = |line: &Bounds| line.high[0] - line.low[0] > (right - left) * ACROSS;
    let mut short: Vec<Bounds> = lines.iter().filter(|line| !is_long(line)).copied().collect();
    let at = column(&mut short, height)?;
    let edge = short[..at].iter().map(|line| line.high[0]).fold(f32::MIN, f32::max);
    let start = short[at..].iter().map(|line| line.low[0]).fold(f32::MAX, f32::min);
    // A long line of one column alone belongs to it.
    let is_across = |line: &Bounds| is_long(line) && line.low[0] < edge && line.high[0] > start;
    let middle = |line: &Bounds| line.low[1] + line.high[1];
    let (mut across, within): (Vec<Bounds>, Vec<Bounds>) = lines.iter().partition(|line| is_across(line));
    if across.is_empty() {
        return None;
    }
    across.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.index.cmp(&b.index)));
    let mut parts: Vec<Vec<Bounds>> = vec![Vec::new(); across.len() * 2 + 1];
    for line in within {
        let above = across.iter().take_while(|other| middle(other) < middle(&line)).count();
        parts[above * 2].push(line);
    }
    for (index, line) in across.into_iter().enumerate() {
        parts[index * 2 + 1].push(line);
    }
    Some(parts)
}

/// Sorts lines along an axis and finds the widest gap that no line crosses, where what lies on both sides is allowed.
fn gap(
    lines: &mut [Bounds],
    axis: usize,
    least: f32,
    allowed: impl Fn(&[Bounds], &[Bounds]) -> bool,
) -> Option<usize> {
    lines.sort_by(|a, b| a.low[axis].total_cmp(&b.low[axis]).then(a.index.cmp(&b.index)));
    let mut end = f32::MIN;
    let mut best: Option<(f32, usize)> = None;
    for (index, line) in lines.iter().enumerate() {
        let room = line.low[axis] - end;
        let wider = room >= least && best.is_none_or(|(widest, _)| room > widest);
        if wider && allowed(&lines[..index], &lines[index..]) {
            best = Some((room, index));
        }
        end = end.max(line.high[axis]);
    }
    best.map(|(_, index)| index)
}

/// Row by row from the top, each from the left.
fn rows(lines: &mut [Bounds], order: &mut Vec<usize>) {
    lines.sort_by(|a, b| {
        let middle = |line: &Bounds| line.low[1] + line.high[1];
        middle(a).total_cmp(&middle(b)).then(a.index.cmp(&b.index))
    });
    let mut rest = &mut *lines;
    while let Some(first) = rest.first().copied() {
        let same = rest
            .iter()
            .take_while(|line| {
                let shared = first.high[1].min(line.high[1]) - first.low[1].max(line.low[1]);
                shared >= SAME_ROW * first.height().min(line.height())
            })
            .count()
            .max(1);
        let (row, next) = rest.split_at_mut(same);
        row.sort_by(|a, b| a.low[0].total_cmp(&b.low[0]).then(a.index.cmp(&b.index)));
        order.extend(row.iter().map(|line| line.index));
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: f32, y: f32, width: f32) -> [[f32; 2]; 4] {
        [[x, y], [x + width, y], [x + width, y + 20.0], [x, y + 20.0]]
    }

    fn turned(outline: [[f32; 2]; 4], degrees: f32) -> [[f32; 2]; 4] {
        let (sin, cos) = degrees.to_radians().sin_cos();
        outline.map(|[x, y]| [x * cos - y * sin, x * sin + y * cos])
    }

    #[test]
    fn two_columns_under_a_title_are_read_one_after_the_other_however_the_page_lies() {
        let mut page = vec![line(100.0, 0.0, 500.0)];
        // Left and right by turns, so that the order of detection is not the answer.
        for row in 0..6_u8 {
            let y = 60.0 + f32::from(row) * 26.0;
            page.push(line(400.0, y, 280.0));
            page.push(line(20.0, y + 2.0, 300.0));
        }
        let expected = [0, 2, 4, 6, 8, 10, 12, 1, 3, 5, 7, 9, 11];
        assert_eq!(reading_order(&page), expected);
        for degrees in [-20.0, 7.0, 30.0, 90.0, 180.0, 187.0, -95.0] {
            let page: Vec<_> = page.iter().map(|line| turned(*line, degrees)).collect();
            assert_eq!(reading_order(&page), expected, "{degrees} degrees");
        }
    }

    #[test]
    fn a_key_and_its_value_stand_in_one_row() {
        let page =
            [line(200.0, 3.0, 50.0), line(0.0, 0.0, 80.0), line(200.0, 27.0, 50.0), line(0.0, 30.0, 80.0)];
        assert_eq!(reading_order(&page), [1, 0, 3, 2]);
    }

    #[test]
    fn a_narrow_gutter_loose_lines_and_one_line_across_leave_columns_as_they_are() {
        for pitch in [26.0, 44.0, 80.0] {
            let mut page = vec![line(20.0, 0.0, 620.0)];
            for row in 0..8_u8 {
                let y = 40.0 + f32::from(row) * pitch;
                page.push(line(332.0, y, 300.0));
                page.push(line(20.0, y, 300.0));
            }
            // A line of both columns that was found as one.
            page.push(line(20.0, 40.0 + 8.0 * pitch, 612.0));
            for row in 9..12_u8 {
                let y = 40.0 + f32::from(row) * pitch;
                page.push(line(20.0, y, 300.0));
                page.push(line(332.0, y, 300.0));
            }
            let left = (0..8).map(|row| 2 + row * 2);
            let right = (0..8).map(|row| 1 + row * 2);
            let below = [17, 18, 20, 22, 19, 21, 23];
            let expected: Vec<usize> = std::iter::once(0).chain(left).chain(right).chain(below).collect();
            assert_eq!(reading_order(&page), expected, "{pitch} px a line");
        }
    }

    #[test]
    fn a_table_is_read_row_by_row() {
        let mut page = Vec::new();
        for row in 0..5_u8 {
            for column in [200.0, 0.0, 100.0] {
                page.push(line(column, f32::from(row) * 30.0, 60.0));
            }
        }
        let expected: Vec<usize> = (0..5).flat_map(|row| [1, 2, 0].map(|cell| row * 3 + cell)).collect();
        assert_eq!(reading_order(&page), expected);
    }

    #[test]
    fn words_of_a_line_are_read_from_the_left() {
        let page = [line(300.0, 4.0, 90.0), line(0.0, 0.0, 90.0), line(150.0, 8.0, 90.0)];
        assert_eq!(reading_order(&page), [1, 2, 0]);
        assert!(reading_order(&[]).is_empty());
    }
}
