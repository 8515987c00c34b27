//! Shadows: darker than the background, by about the same share for all colours and for neighbours, so that what lies
//! in them still shows (the idea of Horprasert et al. 1999 and of Jacques et al. 2005). A flat dark thing before a flat
//! background looks no different, and is taken for one.

use std::ops::RangeInclusive;

use super::background::Background;
use super::copy::Copy;

/// What share of the light is left in a shadow.
const SHADOW: RangeInclusive<f32> = 0.4..=0.95;
/// The same while the light changes, and shadows and lit places with it.
const LIGHT: RangeInclusive<f32> = 0.3..=3.0;
/// A share in between, at the edge of a shadow.
const EDGE: RangeInclusive<f32> = 0.4..=1.1;
/// How far shares of neighbours, and of colours, may be from each other: as a share, and in grey levels.
const NEIGHBOURS: (f32, f32) = (0.04, 2.0);
const COLOURS: (f32, f32) = (0.1, 4.0);
/// A place among this many shadowed ones (of nine) makes shadow of its neighbourhood's edges.
const AMONG: u8 = 5;
/// How far the edge of a shadow reaches, in places.
const REACH: usize = 2;

/// Finds them. Keeps its planes.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    /// 1 where there is shadow.
    places: Vec<u8>,
    sure: Vec<usize>,
}

impl Shadows {
    /// Sets `contrast` to 0 in shadows. While the `light_changes`, what is proportionally lighter or darker is background
    /// from now on.
    pub(super) fn remove(&mut self, copy: &Copy, background: &mut Background, light_changes: bool) {
        let (width, height) = (copy.width, copy.height);
        self.places.clear();
        self.places.resize(width * height, 0);
        let mut any = false;
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let index = y * width + x;
                if background.contrast[index] > 0.0 && is_shadow(copy, background, index, light_changes) {
                    self.places[index] = 1;
                    any = true;
                }
            }
        }
        if !any {
            return;
        }
        self.sure.clear();
        for y in 1..height - 1 {
            for x in 1..width - 1 {
                let index = y * width + x;
                if self.places[index] == 1 {
                    let around: u8 = neighbour_places(index, width).map(|at| self.places[at]).sum();
                    if around >= AMONG {
                        self.sure.push(index);
                    }
                }
            }
        }
        let edge = if light_changes { LIGHT } else { EDGE };
        for index in &self.sure {
            let (x, y) = (index % width, index / width);
            for row in y.saturating_sub(REACH)..=(y + REACH).min(height - 1) {
                for at in row * width + x.saturating_sub(REACH)..=row * width + (x + REACH).min(width - 1) {
                    if edge.contains(&(copy.grey[at] / background.mean[at].max(1.0))) {
                        self.places[at] = 1;
                    }
                }
            }
        }
        for index in 0..self.places.len() {
            if self.places[index] == 1 && background.contrast[index] > 0.0 {
                if light_changes {
                    background.accept_place(copy, index);
                }
                background.contrast[index] = 0.0;
            }
        }
    }
}

fn is_shadow(copy: &Copy, background: &Background, index: usize, light_changes: bool) -> bool {
    let mean = background.mean[index].max(1.0);
    let share = copy.grey[index] / mean;
    let range = if light_changes { LIGHT } else { SHADOW };
    if !range.contains(&share) {
        return false;
    }
    let near = |value: f32, mean: f32| {
        (value / mean.max(1.0) - share).abs() <= COLOURS.0 + COLOURS.1 / mean.max(1.0)
    };
    // Another light may be of another colour.
    let (blue, red) = (background.blue[index], background.red[index]);
    if !(light_changes || near(copy.blue[index], blue) && near(copy.red[index], red)) {
        return false;
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for at in neighbour_places(index, copy.width) {
        let share = copy.grey[at] / background.mean[at].max(1.0);
        sum += share;
        squares += share * share;
    }
    let variance = (squares / 9.0 - (sum / 9.0) * (sum / 9.0)).max(0.0);
    variance.sqrt() <= NEIGHBOURS.0 + NEIGHBOURS.1 / mean
}

/// The place and the eight around it. It is not at the edge.
fn neighbour_places(index: usize, width: usize) -> impl Iterator<Item = usize> {
    [index - width, index, index + width].into_iter().flat_map(|middle| middle - 1..=middle + 1)
}
