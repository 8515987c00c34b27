//! What somebody looks like: skin, hair, clothes.

use super::brush::Paint;
use super::geometry::Mix;
use crate::random::Random;

/// Blue, green, red of the lightest and the darkest skin.
const SKIN: [[f32; 3]; 2] = [[172.0, 192.0, 236.0], [50.0, 68.0, 108.0]];

/// Colours of one person, blue, green, red.
pub(super) struct Look {
    pub(super) skin: [f32; 3],
    /// The palm's side is lighter.
    pub(super) palm: [f32; 3],
    pub(super) hair: [f32; 3],
    pub(super) shirt: [f32; 3],
    pub(super) trousers: [f32; 3],
    pub(super) cup: [f32; 3],
    /// How much of the forearm the sleeve covers.
    pub(super) sleeve: f32,
    pub(super) seed: u32,
}

impl Look {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0x100c);
        let darkness = random.range(0.0, 1.0);
        let light = random.range(0.85, 1.08);
        let skin = SKIN[0].mix(&SKIN[1], darkness).map(|channel| channel * light);
        let palm = skin.mix(&SKIN[0].map(|channel| channel * light), 0.12 + 0.25 * darkness);
        let mut cloth = || -> [f32; 3] {
            let level = random.range(20.0, 200.0);
            std::array::from_fn(|_| level * random.range(0.6, 1.25))
        };
        let (shirt, trousers, cup) = (cloth(), cloth(), cloth());
        let grey = random.range(15.0, 90.0);
        let hair = [grey * 0.7, grey * 0.85, grey];
        Self {
            skin,
            palm,
            hair,
            shirt,
            trousers,
            cup,
            sleeve: random.range(0.1, 0.95),
            seed: random.bits() as u32,
        }
    }

    /// A solid part of the body.
    pub(super) fn flesh_paint(&self, colour: [f32; 3]) -> Paint {
        Paint { colour, round: 1.0, blotches: 0.09, seed: self.seed, opacity: 1.0 }
    }

    pub(super) fn cloth_paint(&self, colour: [f32; 3]) -> Paint {
        Paint { colour, round: 0.8, blotches: 0.16, seed: self.seed ^ 0x5eed, opacity: 1.0 }
    }
}
