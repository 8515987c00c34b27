//! The best gutter of a part of the page, and into what it parts that.
//!
//! A gutter need not run from the top to the bottom: what lies across it (a heading, a caption, a wide table) parts the page into
//! bands, and each band is two columns, or stays whole. So a line across ends the columns above it and no more than that.

use std::collections::HashSet;

use super::bounds::{Bounds, from_the_top};
use super::rows::{self, CELL, group_rows};
use super::tables::table_reaches;
use super::text::{PROSE_ROWS, Pair};

/// A gutter is looked for at this distance, in heights of a line.
const STEP: f32 = 0.25;
/// A line may reach this far into it, in heights.
const TOUCH: f32 = 0.25;
/// A line with another one beside it may reach beyond the gutter by this share of its length.
const POKE: f32 = 0.25;
/// Outlines of lines beside each other overlap by this much at most, in heights.
const OVERLAP: f32 = 1.0;
/// With this many long rows beside each other there is no doubt that there are columns.
const SURE_ROWS: f32 = 6.0;
/// What lies across is parted by a line that has nothing beside it and at least this share of the whole width.
const WIDE: f32 = 0.5;
/// Above a figure's labels there is this much room, in heights.
const LABEL_ROOM: f32 = 1.2;
/// Lines of one text have at most this much room between them, or overlap by it, in heights.
const PITCH: f32 = 0.6;
/// The lines above and below one are looked for among this many before and after it from the top.
const NEXT: usize = 6;
/// Of the lines that stand beside one, those are looked for that are among this many before and after it from the top.
const NEIGHBOURS: usize = 24;
/// Gutters are looked for at this many places at most.
const PLACES: usize = 512;

/// On which side of a gutter a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Across,
    /// Two lines that were found as one; they are read with the left one.
    Both,
}

/// What lies between two lines that go across.
#[derive(Default)]
struct Band {
    left: Vec<Bounds>,
    right: Vec<Bounds>,
    /// What goes across below it.
    below: Vec<Bounds>,
    /// Whether any of that is text with more text beside it: columns that are parted elsewhere.
    parted_elsewhere: bool,
}

/// Lines of a part of the page, and what is asked of them again for each gutter.
struct Sheet<'a> {
    lines: &'a [Bounds],
    /// From where to where each belongs together with others.
    reaches: Vec<(f32, f32)>,
    /// Heads and feet.
    apart: Vec<bool>,
    /// The numbers in `lines` of those that stand beside each.
    neighbours: Vec<Vec<usize>>,
    height: f32,
}

/// The parts of these lines, which are given from the top, in reading order, each from the top; `None` where there are no columns. `height` is that
/// of a line.
pub(crate) fn split_columns(lines: &[Bounds], height: f32) -> Option<Vec<Vec<Bounds>>> {
    if lines.len() < 2 * PROSE_ROWS {
        return None;
    }
    let sheet = Sheet::new(lines, height);
    let mut best: Option<(f32, f32, Vec<Band>, Vec<bool>)> = None;
    for x in sheet.gutter_places() {
        let sides = sheet.line_sides(x);
        let bands = sheet.find_bands(&sides);
        let Some((worth, columns)) = sheet.rate_bands(&bands) else { continue };
        let clearance = sheet.clearance(x, &sides);
        // One that many lines reach into is beside the right one.
        let worth = worth - sheet.poke_length(x, &sides);
        let better = best.as_ref().is_none_or(|(most, widest, ..)| {
            let more = worth - most;
            if more.abs() < 0.01 * height { clearance > *widest } else { more > 0.0 }
        });
        if worth > 0.0 && better {
            best = Some((worth, clearance, bands, columns));
        }
    }
    let (_, _, bands, columns) = best?;
    let mut parts = Vec::new();
    let mut whole = Vec::new();
    for (band, is_columns) in bands.into_iter().zip(columns) {
        if is_columns {
            parts.extend(finish_part(&mut whole));
            parts.push(band.left);
            parts.push(band.right);
        } else {
            whole.extend(band.left.into_iter().chain(band.right));
        }
        whole.extend(band.below);
    }
    parts.extend(finish_part(&mut whole));
    Some(parts)
}

/// Takes the lines that were gathered, and gives their parts from the top. Lines with nothing beside them that are as wide
/// as half of all part the rest: each piece between them that may have columns of its own becomes a part, and what lies
/// between two such parts becomes one, too.
fn finish_part(lines: &mut Vec<Bounds>) -> Vec<Vec<Bounds>> {
    let mut lines = std::mem::take(lines);
    lines.sort_by(from_the_top);
    let left = lines.iter().map(|line| line.left).fold(f32::MAX, f32::min);
    let right = lines.iter().map(|line| line.right).fold(f32::MIN, f32::max);
    let is_wide = |row: &[Bounds]| row.len() == 1 && row[0].width() >= WIDE * (right - left);
    let rows = group_rows(&lines);
    let mut parts: Vec<(bool, Vec<Bounds>)> = Vec::new();
    for rows in rows.chunk_by(|a, b| is_wide(a) == is_wide(b)) {
        let may_have_columns = rows.concat().len() >= 2 * PROSE_ROWS && !is_wide(&rows[0]);
        match parts.last_mut() {
            Some((before, part)) if !*before && !may_have_columns => part.extend(rows.concat()),
            _ => parts.push((may_have_columns, rows.concat())),
        }
    }
    parts
        .into_iter()
        .map(|(_, mut part)| {
            part.sort_by(from_the_top);
            part
        })
        .collect()
}

impl<'a> Sheet<'a> {
    fn new(lines: &'a [Bounds], height: f32) -> Self {
        let rows = group_rows(lines);
        let (head, foot) = rows::head_and_foot(&rows, height);
        let feet = rows.len() - usize::from(foot);
        let apart: HashSet<usize> =
            rows[..head].iter().chain(&rows[feet.max(head)..]).flatten().map(|line| line.line).collect();
        let neighbours = (0..lines.len()).map(|index| {
            let near = index.saturating_sub(NEIGHBOURS)..(index + NEIGHBOURS + 1).min(lines.len());
            near.filter(|other| *other != index && lines[*other].is_beside(&lines[index])).collect()
        });
        let mut places = vec![0; lines.iter().map(|line| line.line + 1).max().unwrap_or(0)];
        for (place, line) in lines.iter().enumerate() {
            places[line.line] = place;
        }
        let placed: Vec<Vec<usize>> =
            rows.iter().map(|row| row.iter().map(|line| places[line.line]).collect()).collect();
        let tables = table_reaches(lines, &placed, height);
        let reaches = lines.iter().zip(tables).map(|(line, table)| table.unwrap_or((line.left, line.right)));
        Self {
            lines,
            reaches: reaches.collect(),
            apart: lines.iter().map(|line| apart.contains(&line.line)).collect(),
            neighbours: neighbours.collect(),
            height,
        }
    }

    /// Where a gutter may be: beside the ends of lines.
    fn gutter_places(&self) -> Vec<f32> {
        let left = self.lines.iter().map(|line| line.left).fold(f32::MAX, f32::min);
        let right = self.lines.iter().map(|line| line.right).fold(f32::MIN, f32::max);
        let step = (self.height * STEP).max((right - left) / PLACES as f32).max(f32::MIN_POSITIVE);
        let places = ((right - left) / step) as usize;
        (1..places.max(1)).map(|place| left + place as f32 * step).collect()
    }

    /// By how much a line goes beyond a gutter, from the side on which more of it stands; below 0 where it does not reach it.
    fn distance_beyond(&self, index: usize, x: f32) -> f32 {
        let (left, right) = self.reaches[index];
        (right - x).min(x - left)
    }

    fn line_sides(&self, x: f32) -> Vec<Side> {
        let touch = TOUCH * self.height;
        let side = |index: usize| {
            let (left, right) = self.reaches[index];
            let crosses = self.distance_beyond(index, x) > touch;
            if self.apart[index] || crosses && !self.belongs_to_one_side(index, x) {
                Side::Across
            } else if f32::midpoint(left, right) < x {
                Side::Left
            } else {
                Side::Right
            }
        };
        let mut sides: Vec<Side> = (0..self.lines.len()).map(side).collect();
        for index in 0..sides.len() {
            if sides[index] == Side::Across && self.is_two_lines(index, &sides) {
                sides[index] = Side::Both;
            }
        }
        // What stands beside a line across goes across with it.
        let goes_across =
            |index: usize| self.neighbours[index].iter().any(|other| sides[*other] == Side::Across);
        let beside: Vec<bool> = (0..sides.len()).map(goes_across).collect();
        for (side, _) in sides.iter_mut().zip(beside).filter(|(_, beside)| *beside) {
            *side = Side::Across;
        }
        sides
    }

    /// Whether a line is a cell in a table's row.
    fn is_cell(&self, index: usize) -> bool {
        self.reaches[index] != (self.lines[index].left, self.lines[index].right)
    }

    /// Whether a line that reaches beyond a gutter does so a little only, with another one beside it there.
    fn belongs_to_one_side(&self, index: usize, x: f32) -> bool {
        let line = &self.lines[index];
        if self.is_cell(index) || self.distance_beyond(index, x) > POKE * line.width() {
            return false;
        }
        let is_left = f32::midpoint(line.left, line.right) < x;
        let overlap = OVERLAP * self.height;
        self.neighbours[index].iter().map(|other| &self.lines[*other]).any(|other| {
            if is_left { other.left >= line.right - overlap } else { other.right <= line.left + overlap }
        })
    }

    /// Whether a line goes across in the middle of both columns, without more room than there is between their lines: two that
    /// were found as one. The columns do not end there.
    fn is_two_lines(&self, index: usize, sides: &[Side]) -> bool {
        let line = &self.lines[index];
        if self.apart[index] || self.is_cell(index) || !self.neighbours[index].is_empty() {
            return false;
        }
        let near = index.saturating_sub(NEXT)..(index + NEXT + 1).min(sides.len());
        let has = |is_above: bool, side: Side| {
            near.clone().filter(|other| sides[*other] == side && (*other < index) == is_above).any(|other| {
                let other = &self.lines[other];
                let (above, below) = if is_above { (other, line) } else { (line, other) };
                other.width() >= CELL * self.height && (below.top - above.bottom).abs() <= PITCH * self.height
            })
        };
        [true, false].iter().all(|is_above| has(*is_above, Side::Left) && has(*is_above, Side::Right))
    }

    /// By how much lines reach into the gutter and beyond that do not go across, px, all together.
    fn poke_length(&self, x: f32, sides: &[Side]) -> f32 {
        let pokes = sides.iter().enumerate().filter(|(_, side)| matches!(side, Side::Left | Side::Right));
        pokes.map(|(index, _)| (self.distance_beyond(index, x) - TOUCH * self.height).max(0.0)).sum()
    }

    fn find_bands(&self, sides: &[Side]) -> Vec<Band> {
        let mut bands: Vec<Band> = Vec::new();
        for (index, (line, side)) in self.lines.iter().zip(sides).enumerate() {
            let ends = |band: &Band| *side != Side::Across && !band.below.is_empty();
            if bands.last().is_none_or(ends) {
                bands.push(Band::default());
            }
            let Some(band) = bands.last_mut() else { continue };
            match side {
                Side::Left | Side::Both => band.left.push(*line),
                Side::Right => band.right.push(*line),
                Side::Across => {
                    band.below.push(*line);
                    let is_text = !self.apart[index] && !self.is_cell(index);
                    band.parted_elsewhere |= is_text && !self.neighbours[index].is_empty();
                }
            }
        }
        for band in &mut bands {
            if !band.below.is_empty() {
                self.labels_go_across(band);
            }
        }
        bands
    }

    /// Short lines between the columns and what lies across below them, with room above each, are a figure's labels; it lies
    /// across with its caption.
    fn labels_go_across(&self, band: &mut Band) {
        let bottom = |lines: &[Bounds]| lines.iter().map(|line| line.bottom).fold(f32::MIN, f32::max);
        let mut labels = Vec::new();
        loop {
            let sides = [&band.left, &band.right];
            let Some(last) =
                sides.iter().filter_map(|side| side.last()).max_by(|a, b| a.top.total_cmp(&b.top))
            else {
                break;
            };
            let above = |line: &Bounds| line.middle() < last.middle() && !line.is_beside(last);
            let first = sides.map(|side| side.partition_point(above));
            let row = sides.iter().zip(&first).flat_map(|(side, first)| &side[*first..]);
            let end = bottom(&band.left[..first[0]]).max(bottom(&band.right[..first[1]]));
            let room = row.clone().map(|line| line.top).fold(f32::MAX, f32::min) - end;
            if room < LABEL_ROOM * self.height || row.clone().any(|line| line.width() >= CELL * self.height) {
                break;
            }
            let mut row: Vec<Bounds> = row.copied().collect();
            row.append(&mut labels);
            labels = row;
            band.left.truncate(first[0]);
            band.right.truncate(first[1]);
        }
        labels.append(&mut band.below);
        band.below = labels;
    }

    /// How much text stands beside each other, px, less a line's height wherever something goes across, and which bands are columns; `None` where none is.
    fn rate_bands(&self, bands: &[Band]) -> Option<(f32, Vec<bool>)> {
        let pairs: Vec<Pair> =
            bands.iter().map(|band| Pair::from_sides(&band.left, &band.right, self.height)).collect();
        let rows = || pairs.iter().filter(|pair| pair.is_prose()).map(Pair::rows_beside);
        if rows().all(|rows| rows < PROSE_ROWS as f32) {
            return None;
        }
        let sure = rows().sum::<f32>() >= SURE_ROWS;
        let columns: Vec<bool> = pairs
            .iter()
            .enumerate()
            .map(|(index, pair)| {
                // Between columns that are parted elsewhere some lines happen to leave room here.
                let above = index.checked_sub(1).is_some_and(|above| bands[above].parted_elsewhere);
                let elsewhere = above || bands[index].parted_elsewhere;
                pair.are_columns(sure) && (!elsewhere || pair.rows_beside() >= SURE_ROWS)
            })
            .collect();
        let first = columns.iter().position(|columns| *columns)?;
        let last = columns.iter().rposition(|columns| *columns)?;
        let beside = pairs.iter().zip(&columns).filter(|(_, columns)| **columns);
        let beside: f32 = beside.map(|(pair, _)| pair.shared_length()).sum();
        Some((beside - self.height * (last - first) as f32, columns))
    }

    fn clearance(&self, x: f32, sides: &[Side]) -> f32 {
        let lines = self.lines.iter().zip(sides);
        lines
            .filter_map(|(line, side)| match side {
                Side::Left => Some(x - line.right),
                Side::Right => Some(line.left - x),
                Side::Across | Side::Both => None,
            })
            .fold(f32::MAX, f32::min)
    }
}
