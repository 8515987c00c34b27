//! Lines as upright boxes, on a page that was made level: turned so that most lines lie, and straightened as far as it was seen
//! from aside.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

/// A line has a direction of its own if it is at least this many times as long as high.
const TURNED: f32 = 3.0;
/// Lines stand beside each other if they share this much of the lower one's height.
const BESIDE: f32 = 0.5;
/// How a page was seen is learned from at least this many long lines, and from at least this many edges of them.
const LINES: usize = 12;
/// With this many it is learned only if what they say together explains all but this share of how far each is from level.
const FEW_LINES: usize = 6;
const AGREED: f32 = 0.5;
/// A line says how a page was seen if it is at least this many heights long.
const LONG: f32 = 5.0;
/// Edges of two lines are one below the other if they are off that by no more than this, in heights.
const BELOW: f32 = 0.5;
/// Between two lines whose edges are compared there is at most this much room, in heights.
const ROOM: f32 = 1.5;
/// Others that are looked at for each line.
const PAIRS: usize = 64;
/// An edge agrees with a lean if its own differs by no more than this, radians.
const AGREES: f32 = 0.02;
/// A lean counts if at least this many times as many edges agree with it as with none at all.
const CLEARLY: f32 = 1.25;
/// And only if at least this share of all edges agree with it.
const MANY: f32 = 0.4;
/// No page is seen this much from aside: radians by which its edges lean.
const MOST: f32 = 0.35;

/// A line's box on the level page, px.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Its number among the lines that were given.
    pub(crate) line: usize,
    pub(crate) left: f32,
    pub(crate) right: f32,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

impl Bounds {
    fn from_outline(line: usize, outline: &[[f32; 2]; 4]) -> Self {
        let [mut left, mut top] = [f32::MAX; 2];
        let [mut right, mut bottom] = [f32::MIN; 2];
        for [x, y] in outline {
            (left, right) = (left.min(*x), right.max(*x));
            (top, bottom) = (top.min(*y), bottom.max(*y));
        }
        Self { line, left, right, top, bottom }
    }

    pub(crate) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(crate) fn middle(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }

    /// Whether both stand in one row.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        let shared = self.bottom.min(other.bottom) - self.top.max(other.top);
        shared >= BESIDE * self.height().min(other.height())
    }
}

/// The numbers of the lines that stand as most of the page does, and of those that are turned to the right or to the left of that:
/// notes in a margin, names of an axis. Of short ones nobody knows; they stand as the page does.
pub(crate) fn group_by_direction(outlines: &[[[f32; 2]; 4]]) -> [Vec<usize>; 3] {
    let [x, y] = sum_directions(outlines);
    let mut groups = [const { Vec::new() }; 3];
    for (line, [a, b, _, d]) in outlines.iter().enumerate() {
        let side = |to: &[f32; 2]| [to[0] - a[0], to[1] - a[1]];
        let (across, down) = (side(b), side(d));
        let (along, off) = (across[0] * x + across[1] * y, across[1] * x - across[0] * y);
        let is_long = across[0].hypot(across[1]) >= TURNED * down[0].hypot(down[1]);
        let group = if is_long && off.abs() > along.abs() { if off > 0.0 { 1 } else { 2 } } else { 0 };
        groups[group].push(line);
    }
    groups
}

/// The lines' boxes from the top, those at one height from the left. Outlines are clockwise from the text's top left.
pub(crate) fn level_lines(outlines: &[[[f32; 2]; 4]]) -> Vec<Bounds> {
    let (sin, cos) = measure_slope(outlines).sin_cos();
    let mut outlines: Vec<_> =
        outlines.iter().map(|outline| outline.map(|[x, y]| [x * cos + y * sin, y * cos - x * sin])).collect();
    straighten_outlines(&mut outlines);
    let mut lines: Vec<Bounds> =
        outlines.iter().enumerate().map(|(line, outline)| Bounds::from_outline(line, outline)).collect();
    lines.sort_by(from_the_top);
    lines
}

pub(crate) fn from_the_top(a: &Bounds, b: &Bounds) -> std::cmp::Ordering {
    a.middle().total_cmp(&b.middle()).then(a.left.total_cmp(&b.left)).then(a.line.cmp(&b.line))
}

/// The direction in which most lines are read, radians: the quarter of the circle in which they lie together, and the median
/// of how far they are off it.
fn measure_slope(outlines: &[[[f32; 2]; 4]]) -> f32 {
    let [x, y] = sum_directions(outlines);
    let quarter = (y.atan2(x) / FRAC_PI_2).round() * FRAC_PI_2;
    let off = |[x, y]: [f32; 2]| {
        let (sin, cos) = quarter.sin_cos();
        (y * cos - x * sin).atan2(x * cos + y * sin)
    };
    let off = median(line_edges(outlines).map(off).collect());
    quarter + if off.abs() <= FRAC_PI_4 { off } else { 0.0 }
}

/// Where lines go together, the long ones most.
fn sum_directions(outlines: &[[[f32; 2]; 4]]) -> [f32; 2] {
    line_edges(outlines).fold([0.0, 0.0], |[x, y], edge| [x + edge[0], y + edge[1]])
}

/// From where each line begins to where it ends.
fn line_edges(outlines: &[[[f32; 2]; 4]]) -> impl Iterator<Item = [f32; 2]> {
    outlines.iter().map(|[from, to, ..]| [to[0] - from[0], to[1] - from[1]])
}

/// Takes away what a page has that was seen from aside: lines that lean more the lower they stand, and edges of columns that
/// lean more the further right they are. Both as they are seen most, a straight line through medians.
fn straighten_outlines(outlines: &mut [[[f32; 2]; 4]]) {
    let mut lines: Vec<Bounds> =
        outlines.iter().enumerate().map(|(line, outline)| Bounds::from_outline(line, outline)).collect();
    let height = median(lines.iter().map(Bounds::height).collect());
    lines.retain(|line| line.width() >= LONG * height);
    if lines.len() < FEW_LINES {
        return;
    }
    let middle = [
        median(lines.iter().map(|line| f32::midpoint(line.left, line.right)).collect()),
        median(lines.iter().map(Bounds::middle).collect()),
    ];
    let slopes = lines.iter().map(|line| {
        let [from, to, ..] = outlines[line.line];
        [line.middle() - middle[1], (to[1] - from[1]) / (to[0] - from[0]).max(height)]
    });
    let slopes: Vec<[f32; 2]> = slopes.collect();
    let across = Lean::through_medians(slopes.clone());
    // A few lines must agree on it: each is a little off.
    let off =
        |lean: &dyn Fn(f32) -> f32| slopes.iter().map(|[y, slope]| (slope - lean(*y)).abs()).sum::<f32>();
    if lines.len() < LINES && off(&|y| across.value_at(y)) > AGREED * off(&|_| 0.0) {
        return;
    }
    for outline in &mut *outlines {
        *outline = outline.map(|[x, y]| [x, y - across.value_at(y - middle[1]) * (x - middle[0])]);
    }
    lines = lines.iter().map(|line| Bounds::from_outline(line.line, &outlines[line.line])).collect();
    lines.sort_by(from_the_top);
    let mut edges = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let below = lines[index + 1..]
            .iter()
            .take(PAIRS)
            .take_while(|other| other.top - line.bottom <= ROOM * height);
        for other in below.filter(|other| !other.is_beside(line)) {
            for [x, below] in [[line.left, other.left], [line.right, other.right]] {
                if (below - x).abs() <= BELOW * height {
                    edges.push([x - middle[0], (below - x) / (other.middle() - line.middle())]);
                }
            }
        }
    }
    if edges.len() >= LINES {
        let down = Lean::through_medians(edges.clone());
        // Edges of ragged and centred text lie anywhere. Those of a page seen from aside agree, and not on a page that is level.
        let fits = |lean: &dyn Fn(f32) -> f32| {
            edges.iter().filter(|[x, leans]| (leans - lean(*x)).abs() <= AGREES).count() as f32
        };
        let agree = fits(&|x| down.value_at(x));
        if agree < CLEARLY * fits(&|_| 0.0) || agree < MANY * edges.len() as f32 {
            return;
        }
        for outline in outlines {
            *outline = outline.map(|[x, y]| [x - down.value_at(x - middle[0]) * (y - middle[1]), y]);
        }
    }
}

/// How much something leans, depending on where it is: a straight line.
struct Lean {
    at_middle: f32,
    by: f32,
}

impl Lean {
    /// Through the medians of the two halves of these places with what was seen there.
    fn through_medians(mut seen: Vec<[f32; 2]>) -> Self {
        seen.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let halves = seen.split_at(seen.len() / 2);
        let [first, second] = [halves.0, halves.1]
            .map(|half| [0, 1].map(|axis| median(half.iter().map(|seen| seen[axis]).collect())));
        let by = (second[1] - first[1]) / (second[0] - first[0]).max(1.0);
        Self { at_middle: first[1] - by * first[0], by }
    }

    fn value_at(&self, place: f32) -> f32 {
        (self.at_middle + self.by * place).clamp(-MOST, MOST)
    }
}

/// 0 of nothing; of an even number the upper one.
pub(crate) fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
