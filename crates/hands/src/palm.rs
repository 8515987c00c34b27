//! Palms: what the palm detector's values mean (`MediaPipe`, `palm_detection_full`).
//!
//! The network looks at a square of 192 × 192 pixels, in which the picture lies in the middle and the rest is black. It has
//! an opinion at 2,016 places ([`Anchors`]): a box, seven points, and how sure it is.

use sightwire_frame::boxes::Rect;

use crate::sigmoid;

/// Side of the network's input, pixels.
pub const INPUT: u32 = 192;
/// Places of which the network says something.
pub const PLACES: usize = 24 * 24 * 2 + 12 * 12 * 6;
/// Values of a place: a box, seven points, and the score.
pub const VALUES: usize = 19;
/// Points of a palm.
const POINTS: usize = 7;
/// Below this a place has no palm.
const THRESHOLD: f32 = 0.5;
/// Boxes that overlap by more than this are of one palm.
const OVERLAP: f32 = 0.3;
/// More palms are not looked at: those who wave paper hands at the camera cost no more than this.
const MOST: usize = 16;

/// A palm in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palm {
    /// Around the palm, without the fingers, in pixels of the picture.
    pub rect: Rect,
    /// Wrist, the knuckles of index, middle, ring and little finger, and the thumb's first two joints, in pixels.
    pub points: [[f32; 2]; POINTS],
    /// How sure the network is, 0.5–1. True palms have 0.65–0.90, collars and faces up to 0.92.
    pub score: f32,
}

/// A square of the picture that the network looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looked {
    /// Its left edge, pixels of the picture; negative where the picture is higher than wide.
    pub left: f32,
    /// Its upper edge, pixels, as `left`.
    pub top: f32,
    /// Length of its side, pixels.
    pub side: f32,
}

impl Looked {
    /// The smallest square around a picture, with the picture in its middle.
    pub fn from_size(width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        let side = width.max(height);
        Self { left: (width - side) / 2.0, top: (height - side) / 2.0, side }
    }
}

/// The middles of the places, 0–1 of the input, in the order of the network's output.
#[derive(Clone, Debug)]
pub struct Anchors(Vec<[f32; 2]>);

impl Default for Anchors {
    fn default() -> Self {
        let mut places = Vec::with_capacity(PLACES);
        for (cells, each) in [(24_u16, 2), (12, 6)] {
            let middle = |index: u16| (f32::from(index) + 0.5) / f32::from(cells);
            for row in 0..cells {
                for column in 0..cells {
                    places.extend(std::iter::repeat_n([middle(column), middle(row)], each));
                }
            }
        }
        Self(places)
    }
}

impl Anchors {
    /// The middle of each place.
    pub fn places(&self) -> &[[f32; 2]] {
        &self.0
    }

    /// The palms of a picture, the surest first. `values` are 19 for each place: box and points in pixels of the input
    /// relative to the place, and the score before the sigmoid. Values that are missing or not numbers are not a palm.
    pub fn decode_palms(&self, values: &[f32], looked: Looked) -> Vec<Palm> {
        let mut found: Vec<Palm> = self
            .0
            .iter()
            .zip(values.chunks_exact(VALUES))
            .filter_map(|(place, values)| decode_palm(*place, values, looked))
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        merge_palms(&found)
    }
}

fn decode_palm(place: [f32; 2], values: &[f32], looked: Looked) -> Option<Palm> {
    let (&score, values) = values.split_last()?;
    let score = sigmoid(score.clamp(-100.0, 100.0));
    // A score that is not a number is not above the threshold, either.
    if !(score >= THRESHOLD && values.iter().all(|value| value.is_finite())) {
        return None;
    }
    let input = INPUT as f32;
    let x = |value: f32| looked.left + (value / input + place[0]) * looked.side;
    let y = |value: f32| looked.top + (value / input + place[1]) * looked.side;
    let (half_width, half_height) = (values[2] / 2.0, values[3] / 2.0);
    let rect = Rect {
        left: x(values[0] - half_width),
        top: y(values[1] - half_height),
        right: x(values[0] + half_width),
        bottom: y(values[1] + half_height),
    };
    let points = std::array::from_fn(|index| [x(values[4 + 2 * index]), y(values[5 + 2 * index])]);
    (rect.area() > 0.0).then_some(Palm { rect, points, score })
}

/// Makes one palm of those that overlap with the surest one, each counting by its score ("weighted" non-maximum suppression:
/// `MediaPipe`, `non_max_suppression_calculator`). `found` begins with the surest.
fn merge_palms(found: &[Palm]) -> Vec<Palm> {
    let mut left: Vec<Palm> = found.to_vec();
    let mut merged = Vec::new();
    while let Some(best) = left.first().copied().filter(|_| merged.len() < MOST) {
        let (same, rest): (Vec<Palm>, Vec<Palm>) =
            left.iter().copied().partition(|palm| palm.rect.iou(&best.rect) > OVERLAP);
        merged.push(if same.is_empty() { best } else { average_palms(&same, best.score) });
        // A box without an area overlaps with nothing, not even itself.
        left = if same.is_empty() { rest[1..].to_vec() } else { rest };
    }
    merged
}

fn average_palms(palms: &[Palm], score: f32) -> Palm {
    let total: f32 = palms.iter().map(|palm| palm.score).sum();
    let of =
        |value: &dyn Fn(&Palm) -> f32| palms.iter().map(|palm| palm.score * value(palm)).sum::<f32>() / total;
    let rect = Rect {
        left: of(&|palm| palm.rect.left),
        top: of(&|palm| palm.rect.top),
        right: of(&|palm| palm.rect.right),
        bottom: of(&|palm| palm.rect.bottom),
    };
    let points =
        std::array::from_fn(|index| [of(&|palm| palm.points[index][0]), of(&|palm| palm.points[index][1])]);
    Palm { rect, points, score }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a network that sees nothing, but for one place.
    fn values(place: usize, score: f32, of_place: [f32; 18]) -> Vec<f32> {
        let mut values = vec![-50.0; PLACES * VALUES];
        values[place * VALUES..][..18].copy_from_slice(&of_place);
        values[place * VALUES + 18] = score;
        values
    }

    #[test]
    fn places_are_those_of_mediapipe() {
        let anchors = Anchors::default();
        let places = anchors.places();
        assert_eq!(places.len(), PLACES);
        let close = |place: [f32; 2], x: f32, y: f32| (place[0] - x).abs() + (place[1] - y).abs() < 1e-6;
        assert!(close(places[0], 0.5 / 24.0, 0.5 / 24.0) && close(places[1], places[0][0], places[0][1]));
        assert!(close(places[2], 1.5 / 24.0, 0.5 / 24.0));
        assert!(
            close(places[1152], 0.5 / 12.0, 0.5 / 12.0)
                && close(places[1157], places[1152][0], places[1152][1])
        );
        assert!(close(places[PLACES - 1], 11.5 / 12.0, 11.5 / 12.0));
    }

    #[test]
    fn a_palm_stands_where_the_network_says_also_in_a_wide_picture() {
        let anchors = Anchors::default();
        // Upper layer, column 12 of 24, row 12: the middle of the input is (100, 100).
        let place = (12 * 24 + 12) * 2;
        let mut of_place = [0.0; 18];
        of_place[2..4].copy_from_slice(&[19.2, 9.6]);
        of_place[4..6].copy_from_slice(&[0.0, 19.2]);
        let looked = Looked::from_size(640, 480);
        assert_eq!(looked, Looked { left: 0.0, top: -80.0, side: 640.0 });
        let palms = anchors.decode_palms(&values(place, 2.0, of_place), looked);
        let [palm] = palms[..] else { panic!("{palms:?}") };
        let middle = 640.0 * 12.5 / 24.0;
        let (x, y) = palm.rect.centre();
        assert!((x - middle).abs() < 1e-2 && (y - (middle - 80.0)).abs() < 1e-2, "{palm:?}");
        assert!((palm.rect.width() - 64.0).abs() < 1e-2 && (palm.rect.height() - 32.0).abs() < 1e-2);
        assert!((palm.points[0][1] - (middle - 80.0 + 64.0)).abs() < 1e-2);
        assert!((palm.score - 0.880_797).abs() < 1e-5);
    }

    #[test]
    fn boxes_of_one_palm_become_their_mean_by_score() {
        let palm = |left: f32, score: f32| Palm {
            rect: Rect { left, top: 0.0, right: left + 10.0, bottom: 10.0 },
            points: [[left, 0.0]; POINTS],
            score,
        };
        let merged = merge_palms(&[palm(0.0, 0.9), palm(2.0, 0.6), palm(50.0, 0.55)]);
        assert_eq!(merged.len(), 2, "{merged:?}");
        assert!((merged[0].rect.left - 0.8).abs() < 1e-5 && (merged[0].points[6][0] - 0.8).abs() < 1e-5);
        assert!((merged[0].score - 0.9).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_number_is_no_palm() {
        let anchors = Anchors::default();
        for (score, x) in [(f32::NAN, 0.0), (5.0, f32::INFINITY), (5.0, f32::NAN)] {
            let mut of_place = [1.0; 18];
            of_place[5] = x;
            assert_eq!(anchors.decode_palms(&values(7, score, of_place), Looked::from_size(10, 10)), []);
        }
        assert_eq!(
            anchors.decode_palms(&[1.0; 30], Looked::from_size(10, 10)).len(),
            1,
            "values that are missing"
        );
        // Everywhere palms: they are bounded.
        assert!(anchors.decode_palms(&vec![1.0; PLACES * VALUES], Looked::from_size(640, 480)).len() <= MOST);
    }
}
