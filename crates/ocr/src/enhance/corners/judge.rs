//! How much a quadrilateral looks like a page.

use super::copy::{Ink, Small};
use super::quads::Quad;

/// Pixels from a side to where paper and table are looked at.
const ASIDE_PX: f32 = 4.5;
/// Places along a side, but for its ends.
const SAMPLES: u8 = 32;
const END: f32 = 0.06;
/// Places across and down a page, and one more.
const GRID: u8 = 16;
/// Lines across and down a page on which its writing is counted, and places on each.
const LINES: u8 = 24;
const STEPS: u8 = 120;
/// How often writing begins anew on a page, at least, and by how much it is longer than wide.
const LEAST_ROWS: f32 = 5.0;
const ROWS: f32 = 2.5;
/// Levels by which paper and table differ.
const CONTRAST: u8 = 9;
/// Tints differ by less than this where they are the same: parts of all three channels.
const SAME_TINT: f32 = 0.03;
/// Of a band, this share has one colour, within this many levels.
const BAND_ALIKE: f32 = 0.7;
const BAND: f32 = 30.0;
/// What counts as a deviation of 1, levels.
const DEVIATION: f32 = 20.0;

/// What speaks for and against a page: 0 to 1 if nothing else is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Features {
    /// How much of the sides is an edge, on average and where it is least.
    pub(super) edges: f32,
    pub(super) weakest_edge: f32,
    /// The root of its share of the picture.
    pub(super) side: f32,
    /// Lighter than the table at some sides, darker at others; darker at all.
    pub(super) mixed: f32,
    pub(super) dark: f32,
    /// How much of an edge goes on beyond the corners.
    pub(super) beyond: f32,
    /// The same where both neighbours of a side do: it is a line across the page, not its end.
    pub(super) across: f32,
    /// How much of the sides has other colours within than without, on average and where it is least.
    pub(super) contrast: f32,
    pub(super) weakest_contrast: f32,
    /// How uneven the paper is along the sides.
    pub(super) uneven: f32,
    /// How much its tint differs from side to side.
    pub(super) tint: f32,
    /// How much of it has the tint of its paper.
    pub(super) alike: f32,
}

impl Features {
    /// Log odds. The weights are a logistic regression's on photographs of `tools/evaluate_text/photographs.py`.
    pub(super) fn score(&self) -> f32 {
        let weighted = [
            (10.9, self.edges),
            (4.9, self.weakest_edge),
            (11.7, self.side),
            (-1.2, self.mixed),
            (-5.4, self.dark),
            (-1.7, self.beyond),
            (-2.0, self.across),
            (8.4, self.contrast),
            (4.7, self.weakest_contrast),
            (-3.7, self.uneven),
            (-0.3, self.tint),
            (3.9, self.alike),
        ];
        weighted.into_iter().map(|(weight, feature)| weight * feature).sum::<f32>() - 31.4
    }
}

/// What is seen along one side.
struct Side {
    contrast: f32,
    paper: [f32; 3],
    uneven: f32,
}

/// Adds what colours say to the features of a quadrilateral.
pub(super) fn add_colour_features(quad: &mut Quad, small: &Small) {
    let corners = quad.corners;
    let mut papers = Vec::new();
    let sides: [Side; 4] = std::array::from_fn(|index| measure_side(&corners, index, small, &mut papers));
    let paper = median_colour(&papers);
    // Shadows change how light paper is, not its tint.
    let tint = |paper: [f32; 3]| {
        let sum = paper.iter().sum::<f32>().max(30.0);
        paper.map(|level| level / sum)
    };
    let apart = |side: &Side| max_difference(tint(side.paper), tint(paper));
    let features = &mut quad.features;
    features.contrast = sides.iter().map(|side| side.contrast).sum::<f32>() / 4.0;
    features.weakest_contrast = sides.iter().map(|side| side.contrast).fold(1.0, f32::min);
    features.uneven = (sides.iter().map(|side| side.uneven).sum::<f32>() / (4.0 * DEVIATION)).min(1.0);
    features.alike = share_where(&corners, |place| {
        max_difference(tint(small.colour_at(place).map(f32::from)), tint(paper)) < SAME_TINT
    });
    features.tint = (sides.iter().map(apart).fold(0.0, f32::max) * 10.0).min(1.0);
}

/// Whether there are lines of writing on a page: straightening any other is of no use, and may be wrong. One line, as on a
/// sign, is not enough.
pub(super) fn is_written(corners: &[[f32; 2]; 4], ink: &Ink) -> bool {
    let side = |from: usize, to: usize| {
        let [from, to] = [corners[from], corners[to]];
        (to[0] - from[0]).hypot(to[1] - from[1])
    };
    let (width, height) = (side(0, 1) + side(3, 2), side(0, 3) + side(1, 2));
    let longer = width.max(height) / width.min(height).max(1.0);
    count_rows(corners, ink) as f32 >= (longer * ROWS).max(LEAST_ROWS)
}

/// Whether what a quadrilateral grew by has one colour: a band of the page, and not squares of a cloth.
pub(super) fn is_band(inner: &[[f32; 2]; 4], outer: &[[f32; 2]; 4], small: &Small) -> bool {
    (0..4).all(|side| {
        let between =
            |corner: usize| [0, 1].map(|axis| f32::midpoint(inner[corner][axis], outer[corner][axis]));
        let (from, to) = (between(side), between((side + 1) % 4));
        let moved = |corner: usize| {
            let (inner, outer) = (inner[corner], outer[corner]);
            (outer[0] - inner[0]).hypot(outer[1] - inner[1]) > 0.5
        };
        if !moved(side) || !moved((side + 1) % 4) {
            return true;
        }
        let colours: Vec<[u8; 3]> = (0..SAMPLES)
            .map(|sample| (f32::from(sample) + 0.5) / f32::from(SAMPLES))
            .map(|part| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * part))
            .filter(|place| small.contains(*place))
            .map(|place| small.colour_at(place))
            .collect();
        let band = median_colour(&colours);
        let alike =
            colours.iter().filter(|colour| max_difference(colour.map(f32::from), band) < BAND).count();
        alike as f32 >= BAND_ALIKE * colours.len() as f32
    })
}

/// How often writing begins anew on the way across a page, and on the way down: along the line on which it does most
/// often, and in the direction in which it does less.
fn count_rows(corners: &[[f32; 2]; 4], ink: &Ink) -> usize {
    let begins = |is_across: bool, line: u8| {
        let aside = f32::from(line) / f32::from(LINES);
        let mut before = false;
        let starts = (1..STEPS).filter(|step| {
            let along = f32::from(*step) / f32::from(STEPS);
            let (right, down) = if is_across { (along, aside) } else { (aside, along) };
            let is_ink = ink.has_ink(point_within(corners, right, down));
            let starts = is_ink && !before;
            before = is_ink;
            starts
        });
        starts.count()
    };
    let most = |is_across: bool| (1..LINES).map(|line| begins(is_across, line)).max().unwrap_or(0);
    most(true).min(most(false))
}

/// A place within a quadrilateral, by shares of its sides.
fn point_within(corners: &[[f32; 2]; 4], right: f32, down: f32) -> [f32; 2] {
    [0, 1].map(|axis| {
        let [a, b, c, d] = corners.map(|corner| corner[axis]);
        (a * (1.0 - right) + b * right) * (1.0 - down) + (d * (1.0 - right) + c * right) * down
    })
}

/// The share of a quadrilateral's places of which something is true.
fn share_where(corners: &[[f32; 2]; 4], holds: impl Fn([f32; 2]) -> bool) -> f32 {
    let places = (1..GRID).flat_map(|row| (1..GRID).map(move |column| (column, row)));
    let such = places.filter(|(column, row)| {
        let [right, down] = [*column, *row].map(|place| f32::from(place) / f32::from(GRID));
        holds(point_within(corners, right, down))
    });
    such.count() as f32 / f32::from(GRID - 1).powi(2)
}

/// Looks at both sides of a side; colours of the paper are added to `papers`.
fn measure_side(corners: &[[f32; 2]; 4], index: usize, small: &Small, papers: &mut Vec<[u8; 3]>) -> Side {
    let (from, to) = (corners[index], corners[(index + 1) % 4]);
    let across = [to[0] - from[0], to[1] - from[1]];
    let length = across[0].hypot(across[1]).max(1.0);
    // Clockwise: inside is to the right.
    let inward = [-across[1] / length * ASIDE_PX, across[0] / length * ASIDE_PX];
    let begin = papers.len();
    let mut differing = 0;
    for sample in 0..SAMPLES {
        let part = END + (1.0 - 2.0 * END) * (f32::from(sample) + 0.5) / f32::from(SAMPLES);
        let [x, y] = [0, 1].map(|axis| from[axis] + across[axis] * part);
        if !small.contains([x, y]) {
            continue;
        }
        let inside = small.colour_at([x + inward[0], y + inward[1]]);
        let outside = small.colour_at([x - inward[0], y - inward[1]]);
        differing +=
            usize::from((0..3).any(|channel| inside[channel].abs_diff(outside[channel]) >= CONTRAST));
        papers.push(inside);
    }
    let found = &papers[begin..];
    let paper = median_colour(found);
    let apart = found.iter().map(|colour| max_difference(colour.map(f32::from), paper) as u8);
    Side { contrast: differing as f32 / found.len().max(1) as f32, paper, uneven: median(apart) }
}

/// By how much two colours differ in the channel in which they differ most.
fn max_difference(one: [f32; 3], two: [f32; 3]) -> f32 {
    one.into_iter().zip(two).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max)
}

fn median_colour(colours: &[[u8; 3]]) -> [f32; 3] {
    [0, 1, 2].map(|channel| median(colours.iter().map(|colour| colour[channel])))
}

fn median(levels: impl Iterator<Item = u8>) -> f32 {
    let mut levels: Vec<u8> = levels.collect();
    if levels.is_empty() {
        return 0.0;
    }
    let middle = levels.len() / 2;
    f32::from(*levels.select_nth_unstable(middle).1)
}
