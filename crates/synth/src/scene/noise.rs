//! Irregularity of surfaces: values on a lattice, and what lies smoothly between them.

use crate::random::Random;

/// One pattern without end.
pub(super) struct Noise {
    salt: u32,
}

impl Noise {
    pub(super) fn new(random: &mut Random) -> Self {
        Self { salt: random.bits() as u32 }
    }

    /// Smooth between lattice points, 0 to 1.
    pub(super) fn smooth(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (x.floor(), y.floor());
        let smooth = |part: f32| part * part * (3.0 - 2.0 * part);
        let (right, down) = (smooth(x - column), smooth(y - row));
        let (column, row) = (column as i32, row as i32);
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        let upper = mix(self.lattice(column, row), self.lattice(column + 1, row), right);
        let lower = mix(self.lattice(column, row + 1), self.lattice(column + 1, row + 1), right);
        mix(upper, lower, down)
    }

    /// The value at a point of the lattice, 0 to 1.
    pub(super) fn lattice(&self, column: i32, row: i32) -> f32 {
        let mut hash =
            (column as u32).wrapping_mul(0x9e37_79b1) ^ (row as u32).wrapping_mul(0x85eb_ca6b) ^ self.salt;
        hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
        hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
        (hash ^ (hash >> 15)) as f32 / u32::MAX as f32
    }
}
