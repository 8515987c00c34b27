//! From a map of where text is to the outlines of its lines: the second half of DB (Liao et al. 2020, "Real-time Scene
//! Text Detection with Differentiable Binarization"), as `PaddleOCR` and `RapidOCR` do it.
//!
//! Pixels above a threshold that touch each other are a line's core; the smallest rectangle around it, turned as need
//! be, is moved outwards by `area × unclip / perimeter`. Coordinates are pixels of the map. A pixel's
//! centre is at + 0.5, and thickening moves a core by as much to the right and down: the two are left out together.

use sightwire_layout::arrange_lines;

use super::ReadOptions;
use super::options::MAX_CANDIDATES;

/// Cores whose rectangle is narrower are noise, px.
const MIN_SIDE: f64 = 3.0;
/// And outlines that are narrower, px.
const MIN_OUTLINE: f64 = 5.0;
/// Outlines of a picture at most.
const MAX_OUTLINES: usize = MAX_CANDIDATES as usize;

/// Two outlines of one line have ends that are no further apart than this, in parts of the lower one's height.
const JOIN_GAP: f64 = 0.35;
/// Two outlines of one line with the gutter of two columns between them overlap by at least this, in parts of the lower
/// one's height, as words of a heading would.
const JOIN_OVERLAP: f64 = 0.2;
/// The middles of two outlines of one line are off each other's line by no more than this, in parts of the lower one's
/// height.
const JOIN_OFF: f64 = 0.3;
/// Of two outlines of one line, the lower one has at least this share of the higher one's height.
const JOIN_HEIGHT: f64 = 0.6;
/// The sine of the angle between two outlines of one line is no larger than this (8 degrees), if the shorter one is
/// [`ELONGATED`].
const JOIN_TURN: f64 = 0.14;
/// What is this many times as long as high has a direction.
const ELONGATED: f64 = 1.5;
/// Outlines up to this height, px of the map, are too high by [`LOW_SURPLUS`]: the network draws no core thinner than some 6
/// px.
const LOW: f64 = 18.5;
/// Low outlines are too high by this share (measured on print of 10 to 13 px).
const LOW_SURPLUS: f64 = 0.25;
/// Outlines of at least this height, px of the map, are not too high.
const HIGH: f64 = 22.0;
/// What is too high is too long, too, by this share of it.
const SURPLUS_LENGTH: f64 = 0.5;
/// With more outlines none are joined: each is compared with each.
const MOST_JOINED: usize = 2000;

type Point = [f64; 2];

/// Probabilities that pixels are text, row by row.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

/// A rectangle at any angle, in pixels of the map.
#[derive(Clone, Copy, Debug)]
struct Turned {
    centre: Point,
    /// Unit vector along `length`.
    along: Point,
    length: f64,
    breadth: f64,
}

/// The outlines of lines, each clockwise from its top left, and how many are left out because there are too many.
pub(super) fn find_outlines(map: &Map, options: &ReadOptions) -> (Vec<[Point; 4]>, usize) {
    let mut found: Vec<Turned> = Vec::new();
    let mut left_out = 0;
    for core in find_cores(map, options.threshold) {
        let Some(rectangle) = smallest_rectangle(&core) else { continue };
        if rectangle.length.min(rectangle.breadth) < MIN_SIDE
            || map.mean_within(&rectangle.corners()) < f64::from(options.box_threshold)
        {
            continue;
        }
        let outline = rectangle.grow_by(f64::from(options.unclip));
        if outline.length.min(outline.breadth) >= MIN_OUTLINE {
            found.push(outline);
        }
        if found.len() == 2 * MAX_OUTLINES {
            left_out += keep_largest(&mut found, MAX_OUTLINES);
        }
    }
    left_out += keep_largest(&mut found, MAX_OUTLINES);
    if left_out > 0 {
        tracing::warn!("a picture has more than {MAX_OUTLINES} lines; the smallest are left out");
    }
    join_neighbours(&mut found);
    (found.iter().map(Turned::corners).collect(), left_out)
}

/// What is shown of a line that is cut out along `outline`, in pixels of a picture each of which is `scale` of the map:
/// letters are read best with some room around them, but small print does not fill it.
pub(super) fn shown_outline(outline: [[f32; 2]; 4], scale: f64, unclip: f32) -> [[f32; 2]; 4] {
    let [a, b, c, d] = outline.map(|corner| corner.map(f64::from));
    let side = |from: Point, to: Point| [to[0] - from[0], to[1] - from[1]];
    let (across, down) = (side(a, b), side(a, d));
    let (width, height) = (across[0].hypot(across[1]), down[0].hypot(down[1]));
    if width < 1.0 || height < 1.0 {
        return outline;
    }
    // As high as it would be with the usual `unclip`.
    let usual = f64::from((1.0 + ReadOptions::default().unclip) / (1.0 + unclip));
    let high = width.min(height) * scale * usual;
    let surplus = LOW_SURPLUS * ((HIGH - high) / (HIGH - LOW)).clamp(0.0, 1.0);
    let inwards = width.min(height) * surplus / 2.0;
    let (by_width, by_height) = if width < height {
        (inwards, inwards * SURPLUS_LENGTH)
    } else {
        (inwards * SURPLUS_LENGTH, inwards)
    };
    let (u, v) = (across.map(|part| part / width * by_width), down.map(|part| part / height * by_height));
    let moved = |corner: Point, right: f64, lower: f64| {
        [0, 1].map(|axis: usize| (corner[axis] + right * u[axis] + lower * v[axis]) as f32)
    };
    [moved(a, 1.0, 1.0), moved(b, -1.0, 1.0), moved(c, -1.0, -1.0), moved(d, 1.0, -1.0)]
}

/// Leaves only this many, in their order, and gives the number of the others.
fn keep_largest(outlines: &mut Vec<Turned>, most: usize) -> usize {
    let surplus = outlines.len().saturating_sub(most);
    if surplus == 0 {
        return 0;
    }
    let area = |outline: &Turned| outline.length * outline.breadth;
    let mut areas: Vec<f64> = outlines.iter().map(area).collect();
    let (_, least, _) = areas.select_nth_unstable_by(surplus, f64::total_cmp);
    let least = *least;
    // Of those that are as large as the least, the first.
    let mut equal = most - outlines.iter().filter(|outline| area(outline) > least).count();
    outlines.retain(|outline| {
        let size = area(outline);
        let is_equal = size.total_cmp(&least).is_eq() && equal > 0;
        equal -= usize::from(is_equal);
        size > least || is_equal
    });
    surplus
}

/// Words that stand so near in one row that they belong together become one outline.
fn join_neighbours(outlines: &mut Vec<Turned>) {
    if outlines.len() > MOST_JOINED {
        return;
    }
    let mut parts = assign_columns(outlines);
    let mut index = 0;
    while index < outlines.len() {
        let joined = (index + 1..outlines.len()).find_map(|other| {
            let gap = if parts[index] == parts[other] { JOIN_GAP } else { -JOIN_OVERLAP };
            outlines[index].join_with(&outlines[other], gap).map(|joined| (other, joined))
        });
        match joined {
            // Looked at again: there may be a third.
            Some((other, joined)) => {
                outlines[index] = joined;
                outlines.swap_remove(other);
                parts.swap_remove(other);
            }
            None => index += 1,
        }
    }
}

/// In which column, or what lies across columns, each outline is, by a number.
fn assign_columns(outlines: &[Turned]) -> Vec<u32> {
    let upright = outlines
        .iter()
        .filter(|outline| {
            let along = outline.upright().along;
            along[0].abs() < along[1].abs()
        })
        .count();
    let quarter = usize::from(upright * 2 > outlines.len());
    let corners: Vec<[[f32; 2]; 4]> = outlines
        .iter()
        .map(|outline| {
            let mut corners = outline.corners().map(|corner| corner.map(|part| part as f32));
            corners.rotate_left(quarter);
            corners
        })
        .collect();
    let mut parts = vec![0; outlines.len()];
    for place in arrange_lines(&corners) {
        parts[place.line] = place.part;
    }
    parts
}

/// A stretch of text pixels in a row, and the core that it belongs to.
#[derive(Clone, Copy)]
struct Run {
    y: usize,
    from: usize,
    to: usize,
}

/// The outermost pixels of each core in each row. Pixels touch each other in eight directions; each core is thickened by
/// a pixel to the right and downwards, which joins what is broken by a hair.
fn find_cores(map: &Map, threshold: f32) -> Vec<Vec<Point>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    let (mut above, mut mask) = (0..0, vec![false; map.width]);
    let mut last = vec![false; map.width];
    for y in 0..map.height {
        let row = &map.values[y * map.width..(y + 1) * map.width];
        let mut left = false;
        for ((value, mask), last) in row.iter().zip(&mut mask).zip(&mut last) {
            let text = *value > threshold;
            // Itself or the left one, in this row or the one above.
            let thick = text || left;
            left = text;
            *mask = thick || *last;
            *last = thick;
        }
        let begin = runs.len();
        let mut candidates = above.clone();
        let mut x = 0;
        while x < map.width {
            let Some(ahead) = mask[x..].iter().position(|text| *text) else { break };
            let from = x + ahead;
            let to = mask[from..].iter().position(|text| !text).map_or(map.width, |length| from + length);
            let own = runs.len();
            runs.push(Run { y, from, to });
            parents.push(own);
            // Runs of the row above that end before this one begins touch none of this row's later ones either.
            while candidates.start < candidates.end && runs[candidates.start].to < from {
                candidates.start += 1;
            }
            for other in candidates.clone() {
                if runs[other].from > to {
                    break;
                }
                join_sets(&mut parents, own, other);
            }
            x = to;
        }
        above = begin..runs.len();
    }
    let mut cores: Vec<Vec<Point>> = Vec::new();
    let mut places = vec![usize::MAX; runs.len()];
    for (index, run) in runs.iter().enumerate() {
        let root = find_root(&mut parents, index);
        if places[root] == usize::MAX {
            places[root] = cores.len();
            cores.push(Vec::new());
        }
        let (y, core) = (run.y as f64, &mut cores[places[root]]);
        core.push([run.from as f64, y]);
        core.push([(run.to - 1) as f64, y]);
    }
    cores
}

fn find_root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

fn join_sets(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find_root(parents, one), find_root(parents, other));
    // The earlier one stays, so that cores come in the order of their first pixel.
    parents[one.max(other)] = one.min(other);
}

/// Twice the area of a triangle; positive where it turns to the right on a picture.
fn cross_product(a: Point, b: Point, c: Point) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// The convex hull of points, by Andrew's monotone chain; without collinear points.
fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let chain = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while chain.len() >= 2
                && cross_product(chain[chain.len() - 2], chain[chain.len() - 1], point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut sorted.iter().copied());
    hull.extend(chain(&mut sorted.iter().rev().copied()));
    hull
}

/// The rectangle of least area around points: one of its sides lies on a side of their hull (Freeman and Shapira 1975).
fn smallest_rectangle(points: &[Point]) -> Option<Turned> {
    let hull = convex_hull(points);
    let mut best: Option<(f64, Turned)> = None;
    for (index, from) in hull.iter().enumerate() {
        let to = hull[(index + 1) % hull.len()];
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = dx.hypot(dy);
        if length == 0.0 {
            continue;
        }
        let along = [dx / length, dy / length];
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for [x, y] in &hull {
            let (u, v) = (x * along[0] + y * along[1], y * along[0] - x * along[1]);
            low = [low[0].min(u), low[1].min(v)];
            high = [high[0].max(u), high[1].max(v)];
        }
        let (length, breadth) = (high[0] - low[0], high[1] - low[1]);
        let area = length * breadth;
        if best.as_ref().is_none_or(|(least, _)| area < *least) {
            let (u, v) = (f64::midpoint(low[0], high[0]), f64::midpoint(low[1], high[1]));
            let centre = [u * along[0] - v * along[1], u * along[1] + v * along[0]];
            best = Some((area, Turned { centre, along, length, breadth }));
        }
    }
    best.map(|(_, rectangle)| rectangle)
}

impl Turned {
    /// The same with its direction along the longer side.
    fn upright(self) -> Self {
        if self.length >= self.breadth {
            return self;
        }
        let along = [-self.along[1], self.along[0]];
        Self { along, length: self.breadth, breadth: self.length, ..self }
    }

    /// Both as one, if they belong together: with a gap between them of at most this many of the lower one's heights.
    fn join_with(&self, other: &Self, most: f64) -> Option<Self> {
        let (one, other) = (self.upright(), other.upright());
        let (long, short) = if one.length >= other.length { (one, other) } else { (other, one) };
        let [cos, sin] = long.along;
        let (dx, dy) = (short.centre[0] - long.centre[0], short.centre[1] - long.centre[1]);
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        // Far apart, as nearly all of them are.
        if u.abs() > f64::midpoint(long.length, short.length) + long.breadth || v.abs() > long.breadth {
            return None;
        }
        let is_elongated = |outline: &Self| outline.length >= outline.breadth * ELONGATED;
        let turn = (short.along[0] * sin - short.along[1] * cos).abs();
        // Upright ones are lines of their own, unless both are: single characters stand in rows.
        let is_level = cos.abs() >= sin.abs();
        if (is_elongated(&short) && turn > JOIN_TURN)
            || !(is_level || (is_elongated(&long) && is_elongated(&short)))
        {
            return None;
        }
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for [x, y] in short.corners() {
            let (x, y) = (x - long.centre[0], y - long.centre[1]);
            let point = [x * cos + y * sin, y * cos - x * sin];
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let height = high[1] - low[1];
        let (lower, higher) = (height.min(long.breadth), height.max(long.breadth));
        let gap = u.abs() - (long.length + high[0] - low[0]) / 2.0;
        if lower < higher * JOIN_HEIGHT || gap > lower * most || v.abs() > lower * JOIN_OFF {
            return None;
        }
        let half = [long.length / 2.0, long.breadth / 2.0];
        let (from, to) =
            ([low[0].min(-half[0]), low[1].min(-half[1])], [high[0].max(half[0]), high[1].max(half[1])]);
        let (u, v) = (f64::midpoint(from[0], to[0]), f64::midpoint(from[1], to[1]));
        let centre = [long.centre[0] + u * cos - v * sin, long.centre[1] + u * sin + v * cos];
        Some(Self { centre, along: long.along, length: to[0] - from[0], breadth: to[1] - from[1] })
    }

    /// Moved outwards on all sides.
    fn grow_by(self, unclip: f64) -> Self {
        let (area, perimeter) = (self.length * self.breadth, 2.0 * (self.length + self.breadth));
        let distance = area * unclip / perimeter;
        Self { length: self.length + 2.0 * distance, breadth: self.breadth + 2.0 * distance, ..self }
    }

    /// Clockwise from the top left: of the two left ones the upper, then of the two right ones the upper.
    fn corners(&self) -> [Point; 4] {
        let (half_length, half_breadth) = (self.length / 2.0, self.breadth / 2.0);
        let at = |u: f64, v: f64| {
            [
                self.centre[0] + u * self.along[0] - v * self.along[1],
                self.centre[1] + u * self.along[1] + v * self.along[0],
            ]
        };
        let mut corners = [
            at(-half_length, -half_breadth),
            at(half_length, -half_breadth),
            at(half_length, half_breadth),
            at(-half_length, half_breadth),
        ];
        corners.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let [a, b, c, d] = corners;
        let (top_left, bottom_left) = if b[1] > a[1] { (a, b) } else { (b, a) };
        let (top_right, bottom_right) = if d[1] > c[1] { (c, d) } else { (d, c) };
        [top_left, top_right, bottom_right, bottom_left]
    }
}

impl Map {
    /// The mean of the values whose pixels lie in a convex quadrilateral.
    fn mean_within(&self, corners: &[Point; 4]) -> f64 {
        let low = corners.iter().map(|corner| corner[1]).fold(f64::MAX, f64::min);
        let high = corners.iter().map(|corner| corner[1]).fold(f64::MIN, f64::max);
        let (mut sum, mut count) = (0.0, 0_usize);
        let rows =
            low.floor().max(0.0) as usize..=(high.ceil().min(self.height as f64 - 1.0)).max(0.0) as usize;
        for y in rows {
            let (mut from, mut to) = (f64::MAX, f64::MIN);
            for (index, a) in corners.iter().enumerate() {
                let b = corners[(index + 1) % corners.len()];
                let (above, below) = if a[1] <= b[1] { (*a, b) } else { (b, *a) };
                // Within half a pixel of the row, so that a thin outline has pixels, too.
                let row = (y as f64).clamp(above[1], below[1]);
                if (row - y as f64).abs() > 0.5 {
                    continue;
                }
                let share = if below[1] > above[1] { (row - above[1]) / (below[1] - above[1]) } else { 0.0 };
                let x = above[0] + share * (below[0] - above[0]);
                (from, to) = (from.min(x), to.max(x));
                if below[1] <= above[1] {
                    (from, to) = (from.min(below[0]), to.max(below[0]));
                }
            }
            if from > to {
                continue;
            }
            let from = from.round().max(0.0) as usize;
            let to = to.round().min(self.width as f64 - 1.0);
            if to < from as f64 {
                continue;
            }
            let row = &self.values[y * self.width..(y + 1) * self.width];
            let within = &row[from..=to as usize];
            sum += within.iter().map(|value| f64::from(*value)).sum::<f64>();
            count += within.len();
        }
        if count == 0 { 0.0 } else { sum / count as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(width: usize, height: usize, text: impl Fn(f64, f64) -> bool) -> Map {
        let value = |index: usize| f32::from(u8::from(text((index % width) as f64, (index / width) as f64)));
        Map { width, height, values: (0..width * height).map(value).collect() }
    }

    fn options(unclip: f32) -> ReadOptions {
        ReadOptions { unclip, ..ReadOptions::default() }
    }

    #[test]
    fn a_level_line_gets_an_outline_that_is_moved_outwards() {
        let map = map(200, 100, |x, y| (20.0..120.0).contains(&x) && (40.0..60.0).contains(&y));
        let found = find_outlines(&map, &options(1.6)).0;
        // Pixels 20 to 120 and 40 to 60 after thickening: 100 by 20, moved by 2000 * 1.6 / 240.
        let distance = 2000.0 * 1.6 / 240.0;
        let expected = [
            [20.0 - distance, 40.0 - distance],
            [120.0 + distance, 40.0 - distance],
            [120.0 + distance, 60.0 + distance],
            [20.0 - distance, 60.0 + distance],
        ];
        assert_eq!(found.len(), 1);
        for (found, expected) in found[0].iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn only_small_print_is_shown_smaller_than_it_is_cut_out() {
        let outline = |width: f32, height: f32| [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
        assert_eq!(shown_outline(outline(200.0, 24.0), 1.0, 1.6), outline(200.0, 24.0));
        let smaller = [[1.0, 2.0], [199.0, 2.0], [199.0, 14.0], [1.0, 14.0]];
        assert_eq!(shown_outline(outline(200.0, 16.0), 1.0, 1.6), smaller);
        // The same line in a picture that was made half as large.
        assert_eq!(
            shown_outline(outline(400.0, 32.0), 0.5, 1.6),
            smaller.map(|corner| corner.map(|at| at * 2.0))
        );
        // Of one that stands upright the width counts.
        let standing = smaller.map(|[x, y]| [y, x]);
        let found = shown_outline(outline(16.0, 200.0), 1.0, 1.6);
        assert!(found.iter().all(|corner| standing.contains(corner)), "{found:?}");
        // It is as thick with another `unclip`, though its outline is not.
        assert_eq!(
            shown_outline(outline(200.0, 24.0), 1.0, 2.9),
            [[1.5, 3.0], [198.5, 3.0], [198.5, 21.0], [1.5, 21.0]]
        );
        assert_eq!(shown_outline(outline(0.0, 0.0), 1.0, 1.6), outline(0.0, 0.0));
    }

    #[test]
    fn of_more_outlines_than_are_looked_at_the_largest_stay() {
        let outline = |length: f64| Turned { centre: [length, 0.0], along: [1.0, 0.0], length, breadth: 2.0 };
        let left = |most| {
            let mut outlines: Vec<Turned> = [3.0, 9.0, 5.0, 1.0, 5.0, 5.0, 7.0].map(outline).into();
            let left_out = keep_largest(&mut outlines, most);
            (outlines.iter().map(|outline| outline.length as u32).collect::<Vec<u32>>(), left_out)
        };
        assert_eq!(left(7), (vec![3, 9, 5, 1, 5, 5, 7], 0));
        assert_eq!(left(6), (vec![3, 9, 5, 5, 5, 7], 1));
        assert_eq!(left(4), (vec![9, 5, 5, 7], 3));
        assert_eq!(left(2), (vec![9, 7], 5));
        assert_eq!(left(1), (vec![9], 6));
    }

    #[test]
    fn a_turned_line_gets_a_turned_outline() {
        let (sin, cos) = 20_f64.to_radians().sin_cos();
        let map = map(400, 300, |x, y| {
            let (dx, dy) = (x - 200.0, y - 150.0);
            (dx * cos + dy * sin).abs() < 120.0 && (dy * cos - dx * sin).abs() < 15.0
        });
        let found = find_outlines(&map, &options(0.0)).0;
        assert_eq!(found.len(), 1);
        let [top_left, top_right, ..] = found[0];
        let angle = (top_right[1] - top_left[1]).atan2(top_right[0] - top_left[0]).to_degrees();
        assert!((angle - 20.0).abs() < 1.0, "{angle}");
        let length = (top_right[0] - top_left[0]).hypot(top_right[1] - top_left[1]);
        assert!((length - 240.0).abs() < 4.0, "{length}");
    }

    #[test]
    fn lines_that_touch_in_a_corner_are_one_and_others_are_several() {
        let two = map(60, 60, |x, y| (x < 20.0 && y < 20.0) || (x > 30.0 && y > 30.0));
        assert_eq!(find_outlines(&two, &options(1.0)).0.len(), 2);
        let touching = map(60, 60, |x, y| (x < 20.0 && y < 20.0) || (x >= 20.0 && y >= 20.0));
        assert_eq!(find_cores(&touching, 0.3).len(), 1);
        // A comb: its teeth meet in the last row only.
        let comb = map(61, 40, |x, y| (x as usize).is_multiple_of(4) || y >= 39.0);
        assert_eq!(find_cores(&comb, 0.3).len(), 1);
    }

    #[test]
    fn words_near_each_other_in_a_row_are_one_line_and_rows_and_columns_stay_apart() {
        let words = |gap: f64, drop: f64| {
            let map = map(300, 120, |x, y| {
                ((20.0..100.0).contains(&x) && (40.0..60.0).contains(&y))
                    || ((100.0 + gap..200.0).contains(&x) && (40.0 + drop..60.0 + drop).contains(&y))
            });
            find_outlines(&map, &options(1.6)).0.len()
        };
        // Each outline grows by about 13 px on every side.
        assert_eq!(words(30.0, 0.0), 1);
        assert_eq!(words(30.0, 4.0), 1);
        assert_eq!(words(60.0, 0.0), 2);
        assert_eq!(words(30.0, 25.0), 2);
        // Single characters below each other.
        let column = map(100, 200, |x, y| (40.0..60.0).contains(&x) && y as usize % 40 < 20);
        assert_eq!(find_outlines(&column, &options(1.0)).0.len(), 5);
    }

    #[test]
    fn noise_and_weak_text_are_no_lines() {
        let dots = map(100, 100, |x, y| (x as usize).is_multiple_of(10) && (y as usize).is_multiple_of(10));
        assert!(find_outlines(&dots, &options(1.6)).0.is_empty());
        let mut weak = map(100, 100, |x, y| (20.0..80.0).contains(&x) && (40.0..60.0).contains(&y));
        weak.values.iter_mut().for_each(|value| *value *= 0.4);
        assert!(find_outlines(&weak, &options(1.6)).0.is_empty());
    }
}
