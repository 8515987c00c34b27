//! A hand's points: what the landmark network's values mean (`MediaPipe`, `hand_landmark_lite`).

use crate::region::Region;
use crate::{Points, joint};

/// Side of the network's input, pixels.
pub const INPUT: u32 = 224;
/// Values that the network gives: 21 points in pixels of its input, presence, handedness, 21 points in metres.
pub const VALUES: usize = 63 + 1 + 1 + 63;
/// The network's depth is in pixels of the input times this.
const DEPTH: f32 = 0.4;

/// What the network says of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmarks {
    /// In pixels of the picture; the third number is the depth relative to the wrist, towards the camera negative.
    pub points: Points,
    /// That this is a hand, 0–1: of true ones at least 0.95, of false ones 0.53–0.88.
    pub presence: f32,
    /// That it is a right hand, 0–1, in a picture that is not mirrored.
    pub right: f32,
}

impl Landmarks {
    /// From the network's values; `None` if they are not numbers, or not as many as are needed.
    pub fn decode(values: &[f32], region: &Region) -> Option<Self> {
        let values = values.get(..VALUES).filter(|values| values.iter().all(|value| value.is_finite()))?;
        let input = INPUT as f32;
        let points = std::array::from_fn(|point| {
            let [x, y] = [values[3 * point], values[3 * point + 1]].map(|value| value / input - 0.5);
            let [x, y] = region.to_picture([x, y]);
            [x, y, values[3 * point + 2] / input / DEPTH * region.side]
        });
        let (presence, right) = (values[63].clamp(0.0, 1.0), values[64].clamp(0.0, 1.0));
        Some(Self { points, presence, right })
    }
}

/// Length of a palm, from the wrist to the middle finger's knuckle, in pixels.
pub fn palm_length(points: &Points) -> f32 {
    let (wrist, knuckle) = (points[joint::WRIST], points[joint::MIDDLE_KNUCKLE]);
    (knuckle[0] - wrist[0]).hypot(knuckle[1] - wrist[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_those_of_the_region() {
        let mut values = vec![112.0; VALUES];
        values[3..6].copy_from_slice(&[224.0, 112.0, 22.4]);
        values[63..65].copy_from_slice(&[0.98, 0.3]);
        let region = Region { x: 50.0, y: 60.0, side: 100.0, turn: std::f32::consts::FRAC_PI_2 };
        let found = Landmarks::decode(&values, &region).unwrap();
        assert_eq!(found.points[0][..2], [50.0, 60.0]);
        let [x, y, z] = found.points[1];
        // Its right edge is below.
        assert!(
            (x - 50.0).abs() < 1e-4 && (y - 110.0).abs() < 1e-4 && (z - 25.0).abs() < 1e-4,
            "{x} {y} {z}"
        );
        assert_eq!((found.presence, found.right), (0.98, 0.3));
    }

    #[test]
    fn what_is_no_number_is_no_hand() {
        let region = Region { x: 50.0, y: 60.0, side: 100.0, turn: 0.0 };
        assert_eq!(Landmarks::decode(&[1.0; VALUES - 1], &region), None);
        let mut values = vec![1.0; VALUES];
        values[100] = f32::NAN;
        assert_eq!(Landmarks::decode(&values, &region), None);
    }
}
