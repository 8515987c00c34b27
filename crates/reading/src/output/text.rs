//! The words alone.

use sightwire_ocr::Region;

use super::{Document, Layout, Page};

/// What tells pages apart, as text files of scans have it.
const FORM_FEED: &str = "\u{c}";
/// Lines of one row that stand further apart than this many of their heights are cells of a table.
const CELL_GAP: f32 = 1.0;

pub(super) fn write_text(document: &Document, layout: Layout) -> String {
    let page = |page: &Page| match layout {
        Layout::Lines => page.regions.iter().map(|region| &*region.text).collect::<Vec<_>>().join("\n"),
        Layout::Rows => write_rows(&page.regions),
        Layout::Blocks => {
            let blocks = page.regions.chunk_by(|a, b| a.block == b.block);
            blocks.map(write_rows).collect::<Vec<_>>().join("\n\n")
        }
    };
    document.pages.iter().map(page).collect::<Vec<_>>().join(FORM_FEED)
}

fn write_rows(regions: &[Region]) -> String {
    regions.chunk_by(|a, b| a.row == b.row).map(write_row).collect::<Vec<_>>().join("\n")
}

/// Lines that stand side by side.
fn write_row(regions: &[Region]) -> String {
    let mut text = regions.first().map(|first| first.text.clone()).unwrap_or_default();
    for pair in regions.windows(2) {
        text.push(if are_cells(&pair[0], &pair[1]) { '\t' } else { ' ' });
        text.push_str(&pair[1].text);
    }
    text
}

fn are_cells(left: &Region, right: &Region) -> bool {
    let middle = |a: [f32; 2], b: [f32; 2]| [f32::midpoint(a[0], b[0]), f32::midpoint(a[1], b[1])];
    let distance = |a: [f32; 2], b: [f32; 2]| (b[0] - a[0]).hypot(b[1] - a[1]);
    let [_, end_above, end_below, _] = left.polygon;
    let [begin_above, _, _, begin_below] = right.polygon;
    let height = distance(end_above, end_below).min(distance(begin_above, begin_below));
    distance(middle(end_above, end_below), middle(begin_above, begin_below)) >= CELL_GAP * height
}
