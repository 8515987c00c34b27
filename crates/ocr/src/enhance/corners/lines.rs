//! Straight edges.
//!
//! P. Hough's transform with what D. Ballard made of it ("Generalizing the Hough Transform to Detect Arbitrary Shapes",
//! 1981): an edge votes only for lines that run as it does. What counts is how far a line goes without a gap, not how
//! often it occurs: the lines of a checkered cloth are long, and page sides are longer than its squares.

use std::f32::consts::TAU;

use super::copy::Slopes;

/// Edges that are flatter than this, levels per pixel, are none.
const FLATTEST: f32 = 2.0;
/// The share of a picture that may be edges.
const MOST_EDGES: f32 = 0.22;
/// Slopes from this on count alike: that of the steepest hundredths, within these, levels per pixel.
const STEEPEST_SHARE: f32 = 0.03;
const STEEP: [f32; 2] = [5.0, 14.0];
const ANGLES: usize = 256;
/// Angles on either side of its own that an edge votes for.
const SPREAD: usize = 3;
/// Pixels between lines of one angle.
const APART_PX: f32 = 2.0;
/// Lines that are looked at, and those that are kept.
const MOST_PEAKS: usize = 260;
const MOST_LINES: usize = 72;
/// Lines are the same if the cosine between them is at least this, and they are as near to each other as this.
const SAME: f32 = 0.99;
const SAME_PX: f32 = 2.0;
/// What the edges of a line come to at least.
const WEAKEST: f32 = 6.0;
/// Lines that end this near to the picture's border are taken for cut off there, and count less by this much.
const BORDER_PX: f32 = 4.0;
const CUT: f32 = 0.65;
/// Gaps in a line that count as none, pixels.
const GAP_PX: usize = 5;
/// Pixels around a line in which its edges are looked for.
const REACH: i16 = 3;

/// A straight edge: where `normal · place` is `rho`. The normal points to what is lighter.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) normal: [f32; 2],
    pub(super) rho: f32,
    /// Where it enters the picture, pixels along it.
    from: f32,
    /// Sums of how much of an edge there is at each pixel from there on, 0 to 1 each.
    sums: Vec<f32>,
    /// The same, whichever side is lighter.
    either: Vec<f32>,
    /// The longest stretch without a gap.
    run: (f32, f32),
    /// What the edges of that stretch come to, less if it comes from beyond the picture.
    pub(super) strength: f32,
}

impl Line {
    /// The direction in which it runs.
    fn way(&self) -> [f32; 2] {
        [-self.normal[1], self.normal[0]]
    }

    fn point_along(&self, along: f32) -> [f32; 2] {
        let way = self.way();
        [0, 1].map(|axis| self.normal[axis] * self.rho + way[axis] * along)
    }

    /// Where a place is along it.
    pub(super) fn position_along(&self, [x, y]: [f32; 2]) -> f32 {
        let way = self.way();
        way[0] * x + way[1] * y
    }

    /// The middle of its longest stretch.
    pub(super) fn middle(&self) -> [f32; 2] {
        self.point_along(f32::midpoint(self.run.0, self.run.1))
    }

    /// How far a place is on its lighter side, pixels.
    pub(super) fn distance_beyond(&self, [x, y]: [f32; 2]) -> f32 {
        self.normal[0] * x + self.normal[1] * y - self.rho
    }

    /// How much of an edge there is between two places along it, and how much of that stretch is in the picture.
    pub(super) fn support(&self, from: f32, to: f32) -> (f32, f32) {
        let (from, to) = self.stretch(from, to);
        (0.5 * (self.sums[to] - self.sums[from] + self.either[to] - self.either[from]), (to - from) as f32)
    }

    /// As [`Line::support`], whichever side is lighter.
    pub(super) fn goes_on(&self, from: f32, to: f32) -> (f32, f32) {
        let (from, to) = self.stretch(from, to);
        (self.either[to] - self.either[from], (to - from) as f32)
    }

    fn stretch(&self, from: f32, to: f32) -> (usize, usize) {
        let last = self.sums.len() - 1;
        let index = |along: f32| ((along - self.from).max(0.0) as usize).min(last);
        (index(from.min(to)), index(from.max(to)))
    }

    /// Follows a line through the picture.
    fn new(slopes: &Slopes, steep: f32, normal: [f32; 2], rho: f32) -> Option<Self> {
        let mut line = Self {
            normal,
            rho,
            from: 0.0,
            sums: Vec::new(),
            either: Vec::new(),
            run: (0.0, 0.0),
            strength: 0.0,
        };
        let (from, to) = line.clip_to(slopes.width as f32, slopes.height as f32)?;
        line.from = from;
        let count = (to - from) as usize + 1;
        line.sums.reserve(count + 1);
        line.sums.push(0.0);
        line.either.reserve(count + 1);
        line.either.push(0.0);
        let mut other = 0.0;
        let (mut sum, mut best) = (0.0, (0, 0, 0.0_f32));
        let (mut start, mut start_sum, mut last_edge) = (0, 0.0, None);
        for index in 0..count {
            let [x, y] = line.point_along(from + index as f32);
            let edges = [-1.0, 0.0, 1.0]
                .map(|off: f32| slopes.slope_along([x + normal[0] * off, y + normal[1] * off], normal));
            let [share, either] =
                [edges.into_iter().fold(0.0, f32::max), edges.into_iter().map(f32::abs).fold(0.0, f32::max)]
                    .map(|edge| if edge < FLATTEST { 0.0 } else { (edge / steep).min(1.0) });
            other += either;
            line.either.push(other);
            if share > 0.0 {
                if last_edge.is_none_or(|last| index - last > GAP_PX) {
                    (start, start_sum) = (index, sum);
                }
                last_edge = Some(index);
            }
            sum += share;
            line.sums.push(sum);
            if share > 0.0 && sum - start_sum > best.2 {
                best = (start, index, sum - start_sum);
            }
        }
        line.run = (from + best.0 as f32, from + best.1 as f32);
        // What comes from beyond the picture is rather of the table.
        let inside = |along: f32| along - from > BORDER_PX && to - along > BORDER_PX;
        let fair = |along: f32| if inside(along) { 1.0 } else { CUT };
        line.strength = best.2 * fair(line.run.0) * fair(line.run.1);
        Some(line)
    }

    /// Where it enters and leaves the picture.
    fn clip_to(&self, width: f32, height: f32) -> Option<(f32, f32)> {
        let (way, start) = (self.way(), self.point_along(0.0));
        let (mut low, mut high) = (f32::MIN, f32::MAX);
        for (axis, side) in [width, height].into_iter().enumerate() {
            if way[axis].abs() < 1e-6 {
                if !(0.0..side).contains(&start[axis]) {
                    return None;
                }
                continue;
            }
            let (one, two) = (-start[axis] / way[axis], (side - start[axis]) / way[axis]);
            low = low.max(one.min(two));
            high = high.min(one.max(two));
        }
        (high - low >= 8.0).then_some((low, high))
    }

    /// The line through the edges of its longest stretch (least squares).
    fn fit_edges(&self, slopes: &Slopes, steep: f32) -> Option<Self> {
        let (mut weights, mut sums) = (0.0_f64, [0.0_f64; 4]);
        let middle = f32::midpoint(self.run.0, self.run.1);
        let count = (self.run.1 - self.run.0) as usize;
        for index in 0..=count {
            let along = self.run.0 + index as f32;
            let [x, y] = self.point_along(along);
            let best = (-REACH..=REACH)
                .map(|off| {
                    let off = f32::from(off);
                    let place = [x + self.normal[0] * off, y + self.normal[1] * off];
                    (slopes.slope_along(place, self.normal), off)
                })
                .fold((0.0, 0.0), |best, next| if next.0 > best.0 { next } else { best });
            if best.0 < FLATTEST {
                continue;
            }
            let weight = f64::from((best.0 / steep).min(1.0));
            let (along, off) = (f64::from(along - middle), f64::from(best.1));
            weights += weight;
            for (sum, value) in sums.iter_mut().zip([along, off, along * along, along * off]) {
                *sum += weight * value;
            }
        }
        let [along, off, square, both] = sums.map(|sum| sum / weights.max(1e-9));
        let spread = square - along * along;
        if spread < 4.0 {
            return None;
        }
        let tilt = (both - along * off) / spread;
        let shift = off - tilt * along;
        let turn = (1.0 + tilt * tilt).sqrt();
        let way = self.way();
        let normal =
            [0, 1].map(|axis| ((f64::from(self.normal[axis]) - tilt * f64::from(way[axis])) / turn) as f32);
        let [x, y] = self.point_along(middle);
        let through = [x + self.normal[0] * shift as f32, y + self.normal[1] * shift as f32];
        Self::new(slopes, steep, normal, normal[0] * through[0] + normal[1] * through[1])
    }

    /// Whether another line is the same edge.
    fn is_like(&self, normal: [f32; 2], rho: f32) -> bool {
        let turned = self.normal[0] * normal[0] + self.normal[1] * normal[1];
        let away = |along: f32| {
            let [x, y] = self.point_along(along);
            (normal[0] * x + normal[1] * y - rho).abs()
        };
        turned > SAME && away(self.run.0).max(away(self.run.1)) < SAME_PX
    }
}

/// The straight edges that go furthest, the longest first.
pub(super) fn find_lines(slopes: &Slopes) -> Vec<Line> {
    let steep = slope_quantile(slopes, STEEPEST_SHARE).clamp(STEEP[0], STEEP[1]);
    let mut found: Vec<Line> = Vec::new();
    for (normal, rho) in find_peaks(slopes, steep) {
        if found.iter().any(|line| line.is_like(normal, rho)) {
            continue;
        }
        let fitted = Line::new(slopes, steep, normal, rho).and_then(|line| line.fit_edges(slopes, steep));
        let is_new = |line: &Line| !found.iter().any(|other| other.is_like(line.normal, line.rho));
        found.extend(fitted.filter(|line| line.strength >= WEAKEST && is_new(line)));
    }
    found.sort_by(|one, two| two.strength.total_cmp(&one.strength));
    found.truncate(MOST_LINES);
    found
}

/// The lines that most edges vote for.
fn find_peaks(slopes: &Slopes, steep: f32) -> Vec<([f32; 2], f32)> {
    let flattest = slope_quantile(slopes, MOST_EDGES).clamp(FLATTEST, steep);
    let normals: Vec<[f32; 2]> = (0..ANGLES)
        .map(|index| {
            let (sin, cos) = (index as f32 * TAU / ANGLES as f32).sin_cos();
            [cos, sin]
        })
        .collect();
    let most = (slopes.width as f32).hypot(slopes.height as f32);
    let rows = (2.0 * most / APART_PX) as usize + 3;
    let mut votes = vec![0.0_f32; ANGLES * rows];
    for (index, slope) in slopes.all.iter().enumerate() {
        let steepness = slope[0] * slope[0] + slope[1] * slope[1];
        if steepness < flattest * flattest {
            continue;
        }
        let weight = steepness.sqrt().min(steep);
        let angle = slope[1].atan2(slope[0]).rem_euclid(TAU) * (ANGLES as f32 / TAU);
        let (x, y) = ((index % slopes.width) as f32 + 0.5, (index / slopes.width) as f32 + 0.5);
        for near in 0..=2 * SPREAD {
            let angle = (angle as usize + ANGLES + near - SPREAD) % ANGLES;
            let rho = normals[angle][0] * x + normals[angle][1] * y;
            votes[angle * rows + ((rho + most) / APART_PX) as usize] += weight;
        }
    }
    let mut peaks = Vec::new();
    for angle in 0..ANGLES {
        let beside = [(angle + ANGLES - 1) % ANGLES, angle, (angle + 1) % ANGLES];
        for row in 1..rows - 1 {
            let here = votes[angle * rows + row];
            if here < 10.0 * steep {
                continue;
            }
            let around =
                beside.iter().flat_map(|angle| &votes[angle * rows + row - 1..angle * rows + row + 2]);
            if around.fold(0.0_f32, |most, votes| most.max(*votes)) <= here {
                peaks.push((here, normals[angle], (row as f32 + 0.5) * APART_PX - most));
            }
        }
    }
    peaks.sort_by(|one, two| two.0.total_cmp(&one.0));
    peaks.truncate(MOST_PEAKS);
    peaks.into_iter().map(|(_, normal, rho)| (normal, rho)).collect()
}

/// The slope that a share of the pixels is as steep as.
fn slope_quantile(slopes: &Slopes, share: f32) -> f32 {
    const BINS: usize = 128;
    let mut counts = [0_usize; BINS];
    for slope in &slopes.all {
        let steepness = slope[0].hypot(slope[1]);
        counts[((steepness * 4.0) as usize).min(BINS - 1)] += 1;
    }
    let mut left = (slopes.all.len() as f32 * share) as usize;
    let mut bin = BINS - 1;
    while bin > 0 && counts[bin] <= left {
        left -= counts[bin];
        bin -= 1;
    }
    (bin + 1) as f32 / 4.0
}
