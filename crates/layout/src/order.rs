//! The order in which a person reads the lines of a page: parts of it from the top, columns from the left, rows from the top,
//! and what stands in one row from the left.
//!
//! This is a recursive X-Y cut (Nagy and Seth 1984). [`columns`] finds the columns into which a part is cut; a part without
//! columns is read row by row.

use super::bounds::{Bounds, group_by_direction, level_lines, median};
use super::columns;
use super::rows::group_rows;

/// Blocks are parted where there is this much room between them, in heights of a line.
const BLOCK_GAP: f32 = 1.2;
/// Cuts within cuts at most; what is deeper is read row by row.
const DEPTH: usize = 32;

/// A line's place in its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePosition {
    /// The line's number among those that were given.
    pub line: usize,
    /// The number of its part: a column, or what lies across columns. From 0 in reading order.
    pub part: u32,
    /// The number of its block: lines that stand together, in one part. From 0 in reading order.
    pub block: u32,
    /// The number of its row: what stands side by side in one block. From 0 in reading order, over all blocks.
    pub row: u32,
}

/// The lines in the order in which a person reads them. Outlines are in pixels, clockwise from the top left of the text; the page
/// may lie in any direction.
pub fn arrange_lines(outlines: &[[[f32; 2]; 4]]) -> Vec<LinePosition> {
    let mut order =
        Order { height: 0.0, places: Vec::with_capacity(outlines.len()), part: 0, block: 0, row: 0 };
    for lines in group_by_direction(outlines) {
        let some: Vec<_> = lines.iter().map(|line| outlines[*line]).collect();
        let mut some = level_lines(&some);
        for line in &mut some {
            line.line = lines[line.line];
        }
        order.height = median(some.iter().map(Bounds::height).collect());
        order.append_part(&some, 0);
    }
    order.places
}

struct Order {
    /// Height of a line.
    height: f32,
    places: Vec<LinePosition>,
    part: u32,
    block: u32,
    row: u32,
}

impl Order {
    /// Appends these lines, which are given from the top.
    fn append_part(&mut self, lines: &[Bounds], depth: usize) {
        let parts = if depth < DEPTH { columns::split_columns(lines, self.height) } else { None };
        match parts {
            Some(parts) => {
                for part in parts {
                    self.append_part(&part, depth + 1);
                }
            }
            None => self.append_rows(lines),
        }
    }

    /// Row by row, each from the left; a block ends where there is room below it.
    fn append_rows(&mut self, lines: &[Bounds]) {
        let mut bottom = f32::MAX;
        for row in group_rows(lines) {
            let top = row.iter().map(|line| line.top).fold(f32::MAX, f32::min);
            if top - bottom >= BLOCK_GAP * self.height {
                self.block += 1;
            }
            bottom = row.iter().map(|line| line.bottom).fold(f32::MIN, f32::max);
            let (part, block, number) = (self.part, self.block, self.row);
            self.places.extend(row.iter().map(|line| LinePosition {
                line: line.line,
                part,
                block,
                row: number,
            }));
            self.row += 1;
        }
        self.part += 1;
        self.block += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading_order(outlines: &[[[f32; 2]; 4]]) -> Vec<usize> {
        arrange_lines(outlines).into_iter().map(|place| place.line).collect()
    }

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
            let expected: Vec<usize> = if pitch < 30.0 {
                // It is read with the left one.
                let below = ([17, 18, 20, 22], [19, 21, 23]);
                std::iter::once(0).chain(left).chain(below.0).chain(right).chain(below.1).collect()
            } else {
                // It might be a heading.
                std::iter::once(0).chain(left).chain(right).chain([17, 18, 20, 22, 19, 21, 23]).collect()
            };
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
    fn names_and_long_amounts_that_end_below_each_other_stay_in_their_rows() {
        let names = [230.0, 190.0, 240.0, 220.0, 210.0, 235.0, 200.0, 225.0];
        let amounts = [200.0, 150.0, 165.0, 200.0, 180.0, 145.0, 205.0, 160.0];
        for lean in [0.0, -0.1] {
            let mut page = Vec::new();
            for (row, (name, amount)) in names.into_iter().zip(amounts).enumerate() {
                let y = row as f32 * 30.0;
                page.push(line(20.0, y, name));
                page.push(line(800.0 + lean * y - amount, y, amount));
            }
            assert_eq!(reading_order(&page), (0..16).collect::<Vec<_>>(), "{lean}");
            // Text in columns begins below each other.
            for row in 0..8 {
                page[2 * row + 1] = line(500.0, row as f32 * 30.0, amounts[row] + 60.0);
            }
            let columns: Vec<usize> = (0..16).step_by(2).chain((1..16).step_by(2)).collect();
            assert_eq!(reading_order(&page), columns, "{lean}");
            // Beside a caption it does not, but is longer.
            for row in 0..8 {
                let left = if row % 3 == 0 { 340.0 } else { 310.0 };
                page[2 * row + 1] = line(left, row as f32 * 30.0, 640.0 - left);
            }
            assert_eq!(reading_order(&page), columns, "{lean}");
        }
    }

    #[test]
    fn words_of_a_line_are_read_from_the_left() {
        let page = [line(300.0, 4.0, 90.0), line(0.0, 0.0, 90.0), line(150.0, 8.0, 90.0)];
        assert_eq!(reading_order(&page), [1, 2, 0]);
        assert!(reading_order(&[]).is_empty());
    }
}
