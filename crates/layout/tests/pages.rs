//! Pages as they are printed: what lies across columns, what stands in them, and rows that are none.

use proptest::prelude::*;
use sightwire_layout::arrange_lines;

type Outline = [[f32; 2]; 4];

/// Height of a line, and from one to the next.
const HEIGHT: f32 = 20.0;
const PITCH: f32 = 26.0;
/// Two columns of 400 with a gutter of 30.
const LEFT: f32 = 50.0;
const RIGHT: f32 = 480.0;
const COLUMN: f32 = 400.0;
const PAGE: f32 = RIGHT + COLUMN - LEFT;

/// Lines in the order in which a person reads them.
#[derive(Clone, Default)]
struct Sheet(Vec<Outline>);

impl Sheet {
    fn line(&mut self, x: f32, y: f32, width: f32) -> &mut Self {
        self.0.push([[x, y], [x + width, y], [x + width, y + HEIGHT], [x, y + HEIGHT]]);
        self
    }

    /// This many lines of a paragraph after the other: the first is indented, the last is short.
    fn text(&mut self, x: f32, y: f32, width: f32, rows: u8) -> &mut Self {
        for row in 0..rows {
            let (indent, end) = match row % 7 {
                0 => (HEIGHT, 0.0),
                6 => (0.0, width * 0.4),
                _ => (0.0, 0.0),
            };
            self.line(x + indent, y + f32::from(row) * PITCH, width - indent - end);
        }
        self
    }

    /// Left and right, one after the other.
    fn columns(&mut self, y: f32, rows: u8) -> &mut Self {
        self.text(LEFT, y, COLUMN, rows).text(RIGHT, y + 4.0, COLUMN, rows)
    }

    fn row(&mut self, y: f32, cells: &[(f32, f32)]) -> &mut Self {
        for (x, width) in cells {
            self.line(*x, y, *width);
        }
        self
    }

    /// In the order in which they are read, as numbers of lines, whatever the order in which they are given.
    #[track_caller]
    fn is_read_as_written(&self) {
        for degrees in [0.0_f32, 4.0, -90.0, 180.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turned: Vec<Outline> =
                self.0.iter().map(|line| line.map(|[x, y]| [x * cos - y * sin, x * sin + y * cos])).collect();
            assert_eq!(read(&turned), (0..self.0.len()).collect::<Vec<_>>(), "{degrees} degrees");
        }
    }
}

/// The numbers of these lines in reading order. They are given in another one.
fn read(lines: &[Outline]) -> Vec<usize> {
    let count = lines.len();
    let step = (count / 2 + 1..=count + 1).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    let given: Vec<usize> = (0..count).map(|index| index * step % count).collect();
    let outlines: Vec<Outline> = given.iter().map(|index| lines[*index]).collect();
    arrange_lines(&outlines).into_iter().map(|place| given[place.line]).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn down(rows: u8) -> f32 {
    f32::from(rows) * PITCH
}

#[test]
fn text_across_the_page_above_columns_leaves_them_columns() {
    let mut page = Sheet::default();
    page.line(250.0, 40.0, 400.0)
        .text(LEFT, 100.0, PAGE, 5)
        .columns(100.0 + down(6), 20)
        .is_read_as_written();
}

#[test]
fn a_heading_across_ends_the_columns_above_it_and_begins_new_ones() {
    let mut page = Sheet::default();
    page.columns(40.0, 10)
        .line(LEFT, 60.0 + down(10), 600.0)
        .columns(60.0 + down(12), 10)
        .is_read_as_written();
}

#[test]
fn a_caption_that_reaches_into_the_gutter_or_beyond_belongs_to_its_column() {
    for beyond in [10.0, 30.0, 60.0] {
        let mut page = Sheet::default();
        page.text(LEFT, 40.0, COLUMN, 5).line(LEFT + 40.0, 60.0 + down(9), COLUMN - 40.0 + beyond);
        page.text(LEFT, 60.0 + down(11), COLUMN, 8);
        // Beside it the other column is indented by a picture.
        let beside = RIGHT + beyond + 20.0;
        page.text(RIGHT, 40.0, COLUMN, 5).text(beside, 40.0 + down(5), COLUMN - beyond - 20.0, 8);
        page.text(RIGHT, 40.0 + down(13), COLUMN, 7).is_read_as_written();
    }
}

#[test]
fn names_under_a_title_are_read_in_rows() {
    let mut page = Sheet::default();
    page.line(250.0, 0.0, 400.0);
    for row in 0..3_u8 {
        page.row(40.0 + down(row), &[(150.0, 90.0), (600.0, 100.0)]);
    }
    page.text(LEFT, 60.0 + down(3), PAGE, 3).columns(80.0 + down(6), 12).is_read_as_written();
}

#[test]
fn a_figure_with_its_labels_and_its_caption_across_parts_columns() {
    let mut page = Sheet::default();
    page.columns(40.0, 6);
    let y = 80.0 + down(6);
    page.row(y, &[(120.0, 30.0), (700.0, 40.0)])
        .row(y + 110.0, &[(300.0, 25.0)])
        .row(y + 180.0, &[(150.0, 30.0)]);
    page.text(LEFT, y + 240.0, PAGE, 2).columns(y + 330.0, 9).is_read_as_written();
}

#[test]
fn a_table_across_is_read_in_rows_and_the_columns_below_it_one_after_the_other() {
    let mut page = Sheet::default();
    page.line(300.0, 40.0, 350.0);
    for row in 0..6_u8 {
        let y = 80.0 + down(row);
        page.row(y, &[(60.0, 90.0), (230.0, 60.0), (410.0, 50.0), (560.0, 80.0), (760.0, 70.0)]);
    }
    page.columns(130.0 + down(6), 15).is_read_as_written();
}

#[test]
fn a_table_in_a_column_stays_there() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, COLUMN, 6);
    for row in 0..5_u8 {
        let y = 60.0 + down(6 + row);
        page.row(y, &[(60.0, 80.0), (180.0, 60.0), (280.0, 50.0), (380.0, 60.0)]);
    }
    page.text(LEFT, 80.0 + down(11), COLUMN, 8).text(RIGHT, 42.0, COLUMN, 20).is_read_as_written();
}

#[test]
fn marks_of_a_list_are_no_cells_of_the_table_beside_it() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, COLUMN, 6);
    for row in 0..5_u8 {
        page.row(60.0 + down(6 + row), &[(60.0, 80.0), (180.0, 60.0), (300.0, 50.0)]);
    }
    page.text(LEFT, 80.0 + down(11), COLUMN, 8).text(RIGHT, 40.0, COLUMN, 6);
    for row in 0..5_u8 {
        page.row(60.0 + down(6 + row), &[(RIGHT, 14.0), (RIGHT + 35.0, COLUMN - 35.0)]);
    }
    page.text(RIGHT, 80.0 + down(11), COLUMN, 8).is_read_as_written();
}

#[test]
fn a_table_of_two_wide_columns_is_no_two_columns_of_text() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, PAGE, 4);
    for (row, (name, meaning)) in
        (0_u8..).zip([(130.0, 150.0), (200.0, 90.0), (140.0, 260.0), (90.0, 130.0), (150.0, 120.0)])
    {
        page.row(60.0 + down(4 + row), &[(LEFT, name), (400.0, meaning)]);
    }
    page.text(LEFT, 80.0 + down(9), PAGE, 4).is_read_as_written();
}

#[test]
fn a_table_of_long_cells_under_its_title_is_read_in_rows() {
    let mut page = Sheet::default();
    page.line(380.0, 0.0, 140.0);
    let cells = [
        [185.0, 50.0, 45.0, 148.0, 130.0],
        [190.0, 135.0, 100.0, 133.0, 75.0],
        [110.0, 50.0, 100.0, 132.0, 65.0],
        [118.0, 50.0, 100.0, 147.0, 65.0],
        [85.0, 135.0, 100.0, 147.0, 65.0],
    ];
    let mut y = 28.0;
    for (row, widths) in cells.into_iter().enumerate() {
        let [a, b, c, d, e] = widths;
        // Amounts end below each other.
        page.row(y, &[(0.0, a), (218.0, b), (404.0, c), (550.0, d), (920.0 - e, e)]);
        // A cell of two lines.
        if row == 1 {
            page.line(0.0, y + PITCH, 66.0);
            y += PITCH;
        }
        y += 1.4 * PITCH;
    }
    page.is_read_as_written();
}

#[test]
fn labels_and_values_two_pairs_a_row_stay_in_their_rows() {
    let mut page = Sheet::default();
    page.line(300.0, 0.0, 260.0);
    let labels = [110.0, 150.0, 140.0, 90.0, 160.0, 135.0];
    for (row, label) in (0_u8..).zip(labels) {
        let value = labels[usize::from(row + 2) % 6];
        let y = 60.0 + 1.6 * down(row);
        page.row(y, &[(0.0, label), (190.0, value + 40.0), (440.0, label - 20.0), (620.0, value + 60.0)]);
    }
    page.is_read_as_written();
}

#[test]
fn what_was_done_and_when_is_a_table_though_its_cells_are_long() {
    let mut page = Sheet::default();
    page.line(160.0, 0.0, 140.0);
    let mut y = 50.0;
    for work in [130.0, 300.0, 290.0, 120.0, 240.0, 270.0] {
        page.row(y, &[(0.0, work), (420.0, 135.0)]);
        if work > 280.0 {
            page.line(0.0, y + PITCH, 60.0);
            y += PITCH;
        }
        y += PITCH;
    }
    // Totals, further to the right.
    page.row(y + PITCH, &[(480.0, 70.0), (760.0, 90.0)])
        .row(y + 2.4 * PITCH, &[(480.0, 95.0), (770.0, 80.0)]);
    page.text(0.0, y + 5.0 * PITCH, PAGE, 3).is_read_as_written();
}

#[test]
fn a_note_on_its_side_is_read_after_the_page() {
    for (x, direction) in [(-60.0_f32, -1.0_f32), (PAGE + 90.0, 1.0)] {
        let mut page = Sheet::default();
        page.text(LEFT, 40.0, PAGE, 9);
        let (top, bottom) = (150.0, 400.0);
        // Clockwise from the top left of the text: it is read upwards, or downwards.
        page.0.push(if direction < 0.0 {
            [[x, bottom], [x, top], [x + HEIGHT, top], [x + HEIGHT, bottom]]
        } else {
            [[x + HEIGHT, top], [x + HEIGHT, bottom], [x, bottom], [x, top]]
        });
        page.is_read_as_written();
    }
}

#[test]
fn a_short_receipt_seen_from_aside_is_read_in_rows() {
    let mut page = Sheet::default();
    for (row, name) in (0_u8..).zip([180.0, 260.0, 150.0, 220.0, 130.0, 240.0, 170.0]) {
        page.row(down(row), &[(0.0, 12.0), (40.0, name), (520.0, 60.0)]);
    }
    for across in [-0.0006_f32, 0.0006] {
        let seen: Vec<Outline> = page
            .0
            .iter()
            .map(|line| {
                line.map(|[x, y]| {
                    let depth = 1.0 + across * x;
                    [x / depth, y / depth + 0.15 * x]
                })
            })
            .collect();
        assert_eq!(read(&seen), (0..seen.len()).collect::<Vec<_>>(), "{across}");
    }
}

#[test]
fn lists_in_columns_keep_their_marks() {
    let mut page = Sheet::default();
    for x in [LEFT, RIGHT] {
        page.text(x, 40.0, COLUMN, 4);
        for row in 4..16_u8 {
            if row % 3 == 1 {
                page.line(x, 40.0 + down(row), 12.0);
            }
            page.line(x + 35.0, 40.0 + down(row), if row % 3 == 0 { 150.0 } else { COLUMN - 35.0 });
        }
    }
    page.is_read_as_written();
}

#[test]
fn short_lines_beside_text_are_a_column_of_their_own() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, COLUMN, 24).text(RIGHT, 40.0, COLUMN, 9);
    for row in 10..16_u8 {
        page.line(RIGHT + 20.0, 45.0 + down(row), 60.0 + f32::from(row % 3) * 30.0);
    }
    page.text(RIGHT, 52.0 + down(16), COLUMN, 7).is_read_as_written();
}

#[test]
fn three_columns_above_two() {
    let mut page = Sheet::default();
    for column in 0..3_u8 {
        page.text(LEFT + f32::from(column) * 285.0, 100.0, 260.0, 9);
    }
    page.columns(160.0 + down(9), 9).is_read_as_written();
}

#[test]
fn a_heading_that_does_not_reach_the_last_gutter_stands_below_all_columns() {
    let mut page = Sheet::default();
    for x in [LEFT, LEFT + 285.0, LEFT + 590.0] {
        page.text(x, 100.0, 240.0, 12);
    }
    page.line(LEFT, 116.0 + down(12), 500.0).columns(160.0 + down(12), 16).is_read_as_written();
}

#[test]
fn a_running_head_and_a_foot_are_no_parts_of_columns() {
    let mut page = Sheet::default();
    page.row(0.0, &[(LEFT, 30.0), (400.0, 100.0), (800.0, 80.0)]).columns(80.0, 20);
    page.row(150.0 + down(20), &[(LEFT, 120.0), (700.0, 180.0)]).is_read_as_written();
}

#[test]
fn columns_may_all_stand_at_the_same_heights() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, COLUMN, 20).text(RIGHT, 40.0, COLUMN, 20).is_read_as_written();
}

#[test]
fn outlines_that_overlap_in_a_narrow_gutter_are_columns() {
    let mut page = Sheet::default();
    page.text(LEFT, 40.0, COLUMN, 12).text(LEFT + COLUMN - 4.0, 43.0, COLUMN, 12).is_read_as_written();
}

#[test]
fn terms_and_their_meanings_are_read_in_rows() {
    let mut page = Sheet::default();
    page.text(LEFT, 0.0, PAGE, 3);
    for row in 0..12_u8 {
        let y = 100.0 + down(row);
        if row % 2 == 0 {
            page.line(LEFT, y, 40.0 + f32::from(row) * 5.0);
        }
        page.line(250.0, y, if row % 2 == 0 { 580.0 } else { 300.0 });
    }
    page.is_read_as_written();
}

#[test]
fn a_receipt_is_read_in_rows() {
    let mut page = Sheet::default();
    page.line(150.0, 0.0, 200.0).line(120.0, 30.0, 260.0);
    for (row, name) in (0_u8..).zip([180.0, 260.0, 150.0, 220.0, 130.0, 240.0, 60.0, 90.0]) {
        page.row(100.0 + down(row), &[(20.0, name), (450.0, 60.0)]);
    }
    page.is_read_as_written();
}

#[test]
fn a_page_seen_from_aside_is_read_as_if_it_lay_flat() {
    let mut page = Sheet::default();
    page.line(250.0, 0.0, 450.0)
        .columns(60.0, 14)
        .text(LEFT, 80.0 + down(14), PAGE, 2)
        .columns(100.0 + down(16), 14);
    for [across, down] in [[0.0001_f32, 0.0], [0.0, 0.0002], [-0.0001, -0.0001], [0.00015, -0.00015]] {
        let seen: Vec<Outline> = page
            .0
            .iter()
            .map(|line| {
                line.map(|[x, y]| {
                    let depth = 1.0 + across * x + down * y;
                    [x / depth, y / depth]
                })
            })
            .collect();
        assert_eq!(read(&seen), (0..seen.len()).collect::<Vec<_>>(), "{across} {down}");
    }
}

#[test]
fn blocks_and_rows_have_numbers() {
    let mut page = Sheet::default();
    page.row(0.0, &[(0.0, 100.0), (200.0, 50.0)]).row(PITCH, &[(0.0, 90.0), (200.0, 50.0)]);
    page.row(PITCH + 60.0, &[(0.0, 100.0)]);
    let places: Vec<_> =
        arrange_lines(&page.0).iter().map(|place| (place.line, place.block, place.row)).collect();
    assert_eq!(places, [(0, 0, 0), (1, 0, 0), (2, 0, 1), (3, 0, 1), (4, 1, 2)]);
    assert!(arrange_lines(&[]).is_empty());
}

fn outline() -> impl Strategy<Value = Outline> {
    let coordinate =
        || prop_oneof![0.0_f32..2000.0, Just(0.0), Just(f32::MAX), Just(f32::MIN), Just(f32::NAN)];
    prop_oneof![
        4 => (0.0_f32..2000.0, 0.0_f32..2000.0, 0.0_f32..900.0, 0.0_f32..60.0)
            .prop_map(|(x, y, width, height)| [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]),
        1 => proptest::array::uniform4([coordinate(), coordinate()]),
    ]
}

proptest! {
    #[test]
    fn whatever_is_found_has_one_place_each(lines in proptest::collection::vec(outline(), 0..80)) {
        let places = arrange_lines(&lines);
        let mut found: Vec<usize> = places.iter().map(|place| place.line).collect();
        found.sort_unstable();
        prop_assert_eq!(found, (0..lines.len()).collect::<Vec<_>>());
        for pair in places.windows(2) {
            prop_assert!(pair[0].row <= pair[1].row && pair[0].block <= pair[1].block);
            prop_assert!(pair[0].row < pair[1].row || pair[0].block == pair[1].block);
        }
    }
}
