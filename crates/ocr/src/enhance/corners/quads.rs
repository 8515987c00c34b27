//! Which four edges can be the sides of a page.

use std::f32::consts::PI;

use super::judge::Features;
use super::lines::Line;

/// Pairs of opposite sides that are tried with each other, of each of this many directions: the stripes of a cloth may not
/// crowd out the rest.
const MOST_PAIRS: usize = 60;
const DIRECTIONS: usize = 8;
/// Quadrilaterals that are looked at closely.
const MOST_QUADS: usize = 150;
/// Opposite sides lean towards each other by less than this (its cosine).
const OPPOSITE: f32 = 0.62;
/// The sine of the least angle at a corner.
const LEAST_ANGLE: f32 = 0.5;
/// The shortest side, in longer sides of the picture, and the smallest page, in its areas.
const SHORTEST: f32 = 0.08;
const SMALLEST: f32 = 0.06;
/// How far beyond the picture a corner may be, in the picture's sides.
const FURTHEST: f32 = 0.16;
/// How much of a side has to be in the picture, and how much of that an edge.
const LEAST_SEEN: f32 = 0.4;
const LEAST_EDGE: f32 = 0.2;
/// Beyond a corner, a side is looked at for this share of its length, from this many pixels on.
const BEYOND: f32 = 0.15;
const BEYOND_PX: f32 = 4.0;
/// A side is moved outwards by at most this share of its neighbours' length, and this share of what is there has to be an edge.
const MOST_GROWTH: f32 = 0.5;
const LEAST_GROWN: f32 = 0.6;
/// A pair counts less if the page is lighter than the table at one of its sides only.
const MIXED: f32 = 0.6;

/// Four sides, clockwise, and where they meet: corner n is where side n begins.
#[derive(Clone)]
pub(super) struct Quad {
    sides: [usize; 4],
    pub(super) corners: [[f32; 2]; 4],
    /// Whether the page is lighter than what is around it, at each side.
    pub(super) lighter: [bool; 4],
    pub(super) features: Features,
}

/// Two opposite sides, and whether the light side of each is within.
struct Pair {
    sides: [usize; 2],
    lighter: [bool; 2],
    strength: f32,
}

/// The quadrilaterals whose sides are edges most, in a picture of that size.
pub(super) fn find_quads(lines: &[Line], [width, height]: [f32; 2]) -> Vec<Quad> {
    let pairs = find_pairs(lines, width.max(height) * SHORTEST);
    let mut found: Vec<(f32, Quad)> = Vec::new();
    let best_first = |found: &mut Vec<(f32, Quad)>| {
        found.sort_by(|one, two| two.0.total_cmp(&one.0));
        found.truncate(MOST_QUADS);
    };
    let mut least = f32::MIN;
    for (index, one) in pairs.iter().enumerate() {
        for other in &pairs[index + 1..] {
            let Some(quad) = build_quad(lines, [width, height], one, other) else { continue };
            let score = quad.features.score();
            if score <= least {
                continue;
            }
            found.push((score, quad));
            if found.len() >= 4 * MOST_QUADS {
                best_first(&mut found);
                least = found.last().map_or(least, |last| last.0);
            }
        }
    }
    best_first(&mut found);
    found.into_iter().map(|(_, quad)| quad).collect()
}

/// The strongest pairs of edges that can be opposite sides, `least` pixels apart.
fn find_pairs(lines: &[Line], least: f32) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (first, one) in lines.iter().enumerate() {
        for (second, two) in lines.iter().enumerate().skip(first + 1) {
            let (far, near) = (one.distance_beyond(two.middle()), two.distance_beyond(one.middle()));
            if far.abs().min(near.abs()) < least {
                continue;
            }
            let lighter = [far > 0.0, near > 0.0];
            let alike = lighter[0] == lighter[1];
            let cos = one.normal[0] * two.normal[0] + one.normal[1] * two.normal[1];
            if (if alike { -cos } else { cos }) < OPPOSITE {
                continue;
            }
            let strength = (one.strength + two.strength) * if alike { 1.0 } else { MIXED };
            pairs.push(Pair { sides: [first, second], lighter, strength });
        }
    }
    pairs.sort_by(|one, two| two.strength.total_cmp(&one.strength));
    let mut counts = [0; DIRECTIONS];
    pairs.retain(|pair| {
        let [x, y] = lines[pair.sides[0]].normal;
        let direction = (y.atan2(x).rem_euclid(PI) / PI * DIRECTIONS as f32) as usize;
        let count = &mut counts[direction % DIRECTIONS];
        *count += 1;
        *count <= MOST_PAIRS
    });
    pairs
}

/// Two pairs as the sides of a page, if they can be.
fn build_quad(lines: &[Line], [width, height]: [f32; 2], one: &Pair, other: &Pair) -> Option<Quad> {
    let mut sides = [one.sides[0], other.sides[0], one.sides[1], other.sides[1]];
    let mut lighter = [one.lighter[0], other.lighter[0], one.lighter[1], other.lighter[1]];
    let mut corners = [[0.0; 2]; 4];
    for index in 0..4 {
        let [x, y] = intersect_lines(&lines[sides[(index + 3) % 4]], &lines[sides[index]])?;
        let far = [width, height].map(|side| FURTHEST * side);
        if x < -far[0] || y < -far[1] || x > width + far[0] || y > height + far[1] {
            return None;
        }
        corners[index] = [x, y];
    }
    let turns: [f32; 4] = std::array::from_fn(|index| {
        let [before, here, after] = [corners[(index + 3) % 4], corners[index], corners[(index + 1) % 4]];
        (here[0] - before[0]) * (after[1] - here[1]) - (here[1] - before[1]) * (after[0] - here[0])
    });
    if turns.iter().any(|turn| (*turn > 0.0) != (turns[0] > 0.0)) {
        return None;
    }
    if turns[0] < 0.0 {
        sides.swap(1, 3);
        lighter.swap(1, 3);
        corners = [corners[1], corners[0], corners[3], corners[2]];
    }
    // Both sides of a pair look to where the other one is; here they have to look inside.
    let middle = quad_middle(&corners);
    if sides
        .iter()
        .zip(lighter)
        .any(|(side, lighter)| (lines[*side].distance_beyond(middle) > 0.0) != lighter)
    {
        return None;
    }
    let area = quad_area(&corners) / (width * height);
    if area < SMALLEST {
        return None;
    }
    let features = edge_features(sides.map(|side| &lines[side]), &corners, lighter, area, width.max(height))?;
    Some(Quad { sides, corners, lighter, features })
}

/// The quadrilateral with a side moved outwards, if both neighbours of a side are edges on beyond it, as far as another edge
/// that lies across: it was the end of a dark band or of a shadow, and that is the page's.
pub(super) fn grow_quad(lines: &[Line], quad: &Quad, [width, height]: [f32; 2]) -> Option<Quad> {
    let mut best: Option<(f32, Quad)> = None;
    for side in 0..4 {
        let (before, after) = (&lines[quad.sides[(side + 3) % 4]], &lines[quad.sides[(side + 1) % 4]]);
        let (from, to) = (quad.corners[side], quad.corners[(side + 1) % 4]);
        for (index, line) in lines.iter().enumerate().filter(|(index, _)| !quad.sides.contains(index)) {
            let (Some(new_from), Some(new_to)) =
                (intersect_lines(before, line), intersect_lines(line, after))
            else {
                continue;
            };
            let goes_on = |neighbour: &Line, inner: [f32; 2], outer: [f32; 2], opposite: [f32; 2]| {
                let [inner, outer, opposite] =
                    [inner, outer, opposite].map(|place| neighbour.position_along(place));
                let further = (outer - inner) / (inner - opposite);
                let (edge, within) = neighbour.goes_on(inner, outer);
                (0.0..MOST_GROWTH).contains(&further) && within > BEYOND_PX && edge >= LEAST_GROWN * within
            };
            let (left, right) = (quad.corners[(side + 3) % 4], quad.corners[(side + 2) % 4]);
            if !goes_on(before, from, new_from, left) || !goes_on(after, to, new_to, right) {
                continue;
            }
            let (edge, within) = line.goes_on(line.position_along(new_from), line.position_along(new_to));
            let share = edge / within.max(1.0);
            if share < LEAST_GROWN || best.as_ref().is_some_and(|best| best.0 >= share) {
                continue;
            }
            let mut corners = quad.corners;
            (corners[side], corners[(side + 1) % 4]) = (new_from, new_to);
            let (mut sides, mut lighter) = (quad.sides, quad.lighter);
            (sides[side], lighter[side]) = (index, line.distance_beyond(quad_middle(&corners)) > 0.0);
            let area = quad_area(&corners) / (width * height);
            let features =
                edge_features(sides.map(|side| &lines[side]), &corners, lighter, area, width.max(height));
            if let Some(features) = features {
                best = Some((share, Quad { sides, corners, lighter, features }));
            }
        }
    }
    best.map(|(_, quad)| quad)
}

/// Where two lines meet, unless that is at a flat angle.
fn intersect_lines(one: &Line, two: &Line) -> Option<[f32; 2]> {
    let ([a, b], [c, d]) = (one.normal, two.normal);
    let area = a * d - b * c;
    (area.abs() >= LEAST_ANGLE)
        .then(|| [(one.rho * d - two.rho * b) / area, (a * two.rho - c * one.rho) / area])
}

/// What the edges along the sides of a quadrilateral say; none if they say that it is not a page.
fn edge_features(
    sides: [&Line; 4],
    corners: &[[f32; 2]; 4],
    lighter: [bool; 4],
    area: f32,
    longer: f32,
) -> Option<Features> {
    let (mut edges, mut seen, mut least, mut beyond) = (0.0, 0.0, 1.0_f32, [[0.0; 2]; 4]);
    for (index, line) in sides.into_iter().enumerate() {
        let (from, to) = (line.position_along(corners[index]), line.position_along(corners[(index + 1) % 4]));
        let length = (to - from).abs();
        let (edge, within) = line.support(from, to);
        if length < SHORTEST * longer || within < LEAST_SEEN * length || edge < LEAST_EDGE * within {
            return None;
        }
        least = least.min(edge / within);
        edges += edge;
        seen += within;
        let (ahead, gap) = ((to - from) * BEYOND, (to - from).signum() * BEYOND_PX);
        let ends = [line.goes_on(from - gap - ahead, from - gap), line.goes_on(to + gap, to + gap + ahead)];
        beyond[index] = ends.map(|(edge, within)| edge / within.max(8.0));
    }
    let across = (0..4).map(|side| beyond[(side + 3) % 4][1].min(beyond[(side + 1) % 4][0]));
    let alike = lighter.iter().all(|side| *side == lighter[0]);
    Some(Features {
        edges: edges / seen,
        weakest_edge: least,
        side: area.sqrt(),
        mixed: if alike { 0.0 } else { 1.0 },
        dark: if alike && !lighter[0] { 1.0 } else { 0.0 },
        beyond: beyond.as_flattened().iter().sum::<f32>() / 8.0,
        across: across.fold(0.0, f32::max),
        ..Features::default()
    })
}

pub(super) fn quad_middle(corners: &[[f32; 2]; 4]) -> [f32; 2] {
    [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum::<f32>() / 4.0)
}

fn quad_area(corners: &[[f32; 2]; 4]) -> f32 {
    let cross = |one: [f32; 2], two: [f32; 2]| one[0] * two[1] - one[1] * two[0];
    (0..4).map(|index| cross(corners[index], corners[(index + 1) % 4])).sum::<f32>() / 2.0
}
