//! What a view of a camera draws: boxes with labels, the trails of tracks, and the joints of hands.

use super::Colour;
use super::area::Area;
use super::plate::{Plate, write_caption};
use super::scale::Scale;
use super::stroke::{Node, Stroker};
use super::text::Typesetter;
use super::wrap::Line;
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;

/// Where a track was: x and y in pixels, and its age from 0 (now) to 1 (so old that it is not seen).
pub type TrailPoint = (f32, f32, f32);

/// An object to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Its box, in pixels of the picture. The part within the picture is drawn.
    pub rect: Rect,
    /// What it is: "car". Without a label, a confidence and an id there is no plate.
    pub label: &'a str,
    /// Which colour of the palette: the number of its class or its track.
    pub colour: usize,
    /// 0 to 1, shown as "87 %".
    pub confidence: Option<f32>,
    /// Number of its track, shown as "#12".
    pub id: Option<u64>,
    /// Where it was, along the way.
    pub trail: &'a [TrailPoint],
}

/// Something with joints to be drawn, such as a hand.
#[derive(Clone, Copy, Debug)]
pub struct Skeleton<'a> {
    /// Its joints, x and y in pixels of the picture.
    pub points: &'a [[f32; 2]],
    /// Pairs of them between which there is a line. Pairs of points that are not there are left out.
    pub bones: &'a [(usize, usize)],
    /// What stands beside it; nothing if this is empty.
    pub label: &'a str,
    /// Which colour of the palette.
    pub colour: usize,
}

impl<'a> Skeleton<'a> {
    /// Its label beside the box around all joints, which is larger by `margin` on every side.
    fn mark(&self, margin: f32) -> Mark<'a> {
        let over = |axis: usize, most: fn(f32, f32) -> f32| {
            self.points.iter().map(|point| point[axis]).fold(f32::NAN, most)
        };
        let rect = Rect {
            left: over(0, f32::min) - margin,
            top: over(1, f32::min) - margin,
            right: over(0, f32::max) + margin,
            bottom: over(1, f32::max) + margin,
        };
        Mark { rect, label: self.label, colour: self.colour, confidence: None, id: None, trail: &[] }
    }
}

/// Draws what a view shows. Keeps its letters and its memory (less than 2 MiB) between pictures: one for each view.
#[derive(Debug, Default)]
pub struct Annotator {
    pub(super) typesetter: Typesetter,
    pub(super) lines: Vec<Line>,
    pub(super) stroker: Stroker,
    nodes: Vec<Node>,
    captions: String,
    plates: Vec<Plate>,
}

/// How dark the seam between a box's line and the picture is, which sets the line off from a picture of its own colour.
const SEAM: f32 = 0.45;

impl Annotator {
    /// An annotator that has drawn nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws trails, then boxes, then labels. The first mark lies on top, and its label gets the best place.
    pub fn draw_marks(&mut self, image: &mut Image, marks: &[Mark<'_>]) {
        self.draw_scene(image, marks, &[]);
    }

    /// As [`Self::draw_marks`], with skeletons over the boxes. Labels lie on top of everything, and beside skeletons where there is a
    /// place for them.
    pub fn draw_scene(&mut self, image: &mut Image, marks: &[Mark<'_>], skeletons: &[Skeleton<'_>]) {
        if image.is_empty() {
            return;
        }
        let scale = Scale::from_size(image.width(), image.height());
        for mark in marks.iter().rev() {
            self.draw_trail(image, scale, mark);
        }
        for mark in marks.iter().rev() {
            if let Some(shown) = shown_area(image, mark) {
                let (line, seam) = (i64::from(scale.line_px), i64::from(scale.line_px.div_ceil(3)));
                if let Some(inner) = shown.inset(line) {
                    for side in inner.sides(seam) {
                        side.blend(image, Colour::BLACK, SEAM);
                    }
                }
                for side in shown.sides(line) {
                    side.fill(image, Colour::from_index(mark.colour));
                }
            }
        }
        for skeleton in skeletons {
            self.draw_skeleton(image, scale, skeleton);
        }
        self.draw_labels(image, scale, marks, skeletons);
    }

    fn draw_skeleton(&mut self, image: &mut Image, scale: Scale, skeleton: &Skeleton<'_>) {
        let (points, width) = (skeleton.points, f32::from(scale.line_px));
        let node = |[x, y]: [f32; 2], width: f32| Node { x, y, width, opacity: 1.0 };
        // A place that is not a number leaves a gap.
        let gap = node([f32::NAN; 2], width);
        self.nodes.clear();
        for (from, to) in skeleton.bones {
            if let (Some(from), Some(to)) = (points.get(*from), points.get(*to)) {
                self.nodes.extend([node(*from, width), node(*to, width), gap]);
            }
        }
        let dot = |width: f32| move |point: &[f32; 2]| [node(*point, width), node(*point, width), gap];
        self.nodes.extend(points.iter().flat_map(dot(3.0 * width)));
        let wider = |node: &Node| Node { width: node.width + width.max(1.5), opacity: SEAM, ..*node };
        self.stroker.stroke(image, self.nodes.iter().map(wider), Colour::BLACK);
        self.stroker.stroke(image, self.nodes.iter().copied(), Colour::from_index(skeleton.colour));
        // Of the colour alone a joint would be a thick place of a line, and on some skin hardly seen.
        self.stroker.stroke(image, points.iter().flat_map(dot(1.5 * width)), Colour::WHITE);
    }

    fn draw_trail(&mut self, image: &mut Image, scale: Scale, mark: &Mark<'_>) {
        let line = f32::from(scale.line_px);
        self.nodes.clear();
        for &(x, y, age) in mark.trail {
            let fresh = 1.0 - age.clamp(0.0, 1.0);
            let node = Node { x, y, width: line * (0.6 + fresh), opacity: fresh * 0.95 };
            // What stands still jitters by less than its line: a knot that is dear to draw.
            let is_near = |last: &Node| (last.x - x).hypot(last.y - y) < line.max(1.5);
            if !self.nodes.last().is_some_and(is_near) {
                self.nodes.push(node);
            }
        }
        // First a dark seam, which sets the trail off from a picture of its own colour.
        let wider =
            |node: &Node| Node { width: node.width + line.max(1.5), opacity: node.opacity * SEAM, ..*node };
        self.stroker.stroke(image, self.nodes.iter().map(wider), Colour::BLACK);
        self.stroker.stroke(image, self.nodes.iter().copied(), Colour::from_index(mark.colour));
    }

    fn draw_labels(
        &mut self,
        image: &mut Image,
        scale: Scale,
        marks: &[Mark<'_>],
        skeletons: &[Skeleton<'_>],
    ) {
        self.captions.clear();
        self.plates.clear();
        let picture = whole_area(image);
        let margin = 2.0 * f32::from(scale.line_px);
        let of_skeletons: Vec<Mark<'_>> = skeletons.iter().map(|skeleton| skeleton.mark(margin)).collect();
        let covered: Vec<Area> = of_skeletons.iter().filter_map(|mark| shown_area(image, mark)).collect();
        for mark in of_skeletons.iter().chain(marks) {
            let Some(shown) = shown_area(image, mark) else {
                continue;
            };
            let text = write_caption(mark, &mut self.captions);
            if text.is_empty() {
                continue;
            }
            let plate = Plate::place(
                &self.typesetter,
                (scale.text_px, Colour::from_index(mark.colour)),
                (text, &self.captions),
                &shown,
                (&picture, &self.plates, &covered),
            );
            self.plates.push(plate);
        }
        for plate in self.plates.iter().rev() {
            plate.draw(image, &mut self.typesetter, scale.text_px, &self.captions);
        }
    }
}

pub(super) fn whole_area(image: &Image) -> Area {
    Area { left: 0, top: 0, right: i64::from(image.width()), bottom: i64::from(image.height()) }
}

/// The part of a mark's box that the picture shows.
fn shown_area(image: &Image, mark: &Mark<'_>) -> Option<Area> {
    // `clamp_to` alone would keep an edge that is not a number, and `Area::from_rect` refuses it.
    Area::from_rect(&mark.rect.clamp_to(image.width(), image.height()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::PALETTE;

    const GREY: u8 = 128;

    fn picture(width: u32, height: u32) -> Image {
        Image::from_bgr(width, height, vec![GREY; (width * height * 3) as usize]).unwrap()
    }

    fn mark(left: f32, top: f32, right: f32, bottom: f32) -> Mark<'static> {
        let rect = Rect { left, top, right, bottom };
        Mark { rect, label: "", colour: 0, confidence: None, id: None, trail: &[] }
    }

    fn changed(image: &Image) -> Vec<(i64, i64)> {
        let width = image.width() as usize;
        let pixels = image.data().chunks_exact(3).enumerate();
        let changed = pixels.filter(|(_, pixel)| **pixel != [GREY; 3]);
        changed.map(|(i, _)| ((i % width) as i64, (i / width) as i64)).collect()
    }

    fn holds(area: &Area, (x, y): (i64, i64)) -> bool {
        area.left <= x && x < area.right && area.top <= y && y < area.bottom
    }

    /// The pixels of an area, row by row.
    fn pixels<'a>(image: &'a Image, area: &Area) -> impl Iterator<Item = &'a [u8]> {
        let (columns, rows) = area.clip_ranges(image);
        let stride = image.width() as usize * 3;
        rows.flat_map(move |row| {
            image.data()[row * stride + columns.start * 3..row * stride + columns.end * 3].chunks_exact(3)
        })
    }

    #[test]
    fn a_box_without_words_changes_its_edge_only() {
        let mut image = picture(640, 480);
        let mut annotator = Annotator::new();
        annotator.draw_marks(&mut image, &[mark(100.0, 100.0, 200.0, 180.0)]);
        let (outer, inner) = (
            Area { left: 100, top: 100, right: 200, bottom: 180 },
            Area { left: 103, top: 103, right: 197, bottom: 177 },
        );
        let changed = changed(&image);
        assert_eq!(changed.len() as i64, 100 * 80 - 94 * 74);
        assert!(changed.iter().all(|at| holds(&outer, *at) && !holds(&inner, *at)));
        assert!(annotator.plates.is_empty());
    }

    #[test]
    fn a_label_stands_above_its_box_and_below_the_edge_at_the_top() {
        let mut image = picture(640, 480);
        let mut annotator = Annotator::new();
        let marks = [
            Mark { label: "car", ..mark(300.0, 100.0, 400.0, 180.0) },
            Mark { label: "bus", ..mark(50.0, -20.0, 150.0, 180.0) },
            Mark { label: "train", ..mark(630.0, 300.0, 700.0, 400.0) },
        ];
        annotator.draw_marks(&mut image, &marks);
        let areas: Vec<_> = annotator.plates.iter().map(|plate| plate.area).collect();
        assert_eq!((areas[0].left, areas[0].bottom), (300, 100));
        assert_eq!((areas[1].left, areas[1].top), (50, 0));
        assert_eq!(areas[2].right, 640);
    }

    #[test]
    fn labels_of_boxes_in_one_place_do_not_cover_each_other() {
        let mut annotator = Annotator::new();
        let one = Mark { label: "person", ..mark(300.0, 100.0, 420.0, 300.0) };
        let marks = [one, Mark { label: "bicycle", ..one }, Mark { label: "dog", ..one }];
        annotator.draw_marks(&mut picture(640, 480), &marks);
        for (i, plate) in annotator.plates.iter().enumerate() {
            assert!(annotator.plates[..i].iter().all(|other| !other.area.overlaps(&plate.area)), "{i}");
        }
    }

    #[test]
    fn the_first_mark_lies_on_top() {
        let mut image = picture(640, 480);
        let one = mark(100.0, 100.0, 200.0, 180.0);
        Annotator::new().draw_marks(&mut image, &[Mark { colour: 3, ..one }, Mark { colour: 5, ..one }]);
        assert_eq!(image.data()[(100 * 640 + 150) * 3..][..3], PALETTE[3].bgr());
    }

    #[test]
    fn a_label_is_black_or_white_on_its_colour() {
        for (colour, plate_colour) in PALETTE.into_iter().enumerate() {
            let mut image = picture(640, 480);
            let mut annotator = Annotator::new();
            annotator
                .draw_marks(&mut image, &[Mark { label: "HHH", colour, ..mark(100.0, 100.0, 300.0, 180.0) }]);
            let plate = annotator.plates[0].clone();
            let count =
                |wanted: Colour| pixels(&image, &plate.area).filter(|pixel| **pixel == wanted.bgr()).count();
            assert!(count(plate_colour) > 100, "{colour}: the plate");
            assert!(count(plate_colour.ink()) > 40, "{colour}: the letters");
        }
    }

    const HAND: [[f32; 2]; 3] = [[300.0, 300.0], [340.0, 200.0], [380.0, 250.0]];

    fn hand(label: &'static str) -> Skeleton<'static> {
        Skeleton { points: &HAND, bones: &[(0, 1), (0, 2), (1, 7)], label, colour: 1 }
    }

    #[test]
    fn joints_are_light_dots_on_lines_of_their_colour() {
        let mut image = picture(640, 480);
        Annotator::new().draw_scene(&mut image, &[], &[hand("")]);
        let at = |x: usize, y: usize| image.data()[(y * 640 + x) * 3..][..3].to_vec();
        for [x, y] in HAND {
            assert_eq!(at(x as usize, y as usize), Colour::WHITE.bgr(), "{x} {y}");
        }
        let off = at(320, 250).into_iter().zip(PALETTE[1].bgr()).map(|(one, other)| one.abs_diff(other));
        assert!(off.max() < Some(40), "half way between two of them");
        assert_eq!(at(360, 225), [GREY; 3], "these two are not joined");
        let right = changed(&image).iter().map(|(x, _)| *x).max().unwrap();
        assert!((381..=386).contains(&right), "{right}");
    }

    #[test]
    fn a_shape_is_named_beside_its_hand_and_no_label_covers_the_hand() {
        let mut annotator = Annotator::new();
        let around = Mark { label: "person", ..mark(310.0, 215.0, 420.0, 460.0) };
        annotator.draw_scene(&mut picture(640, 480), &[around], &[hand("open palm")]);
        let [shape, person] = &annotator.plates[..] else { panic!("two labels") };
        assert_eq!(&annotator.captions[shape.text.clone()], "open palm");
        assert_eq!((shape.area.left, shape.area.bottom), (296, 196), "above it");
        assert_eq!(person.area.top, 460, "above its box there is the hand");
    }

    #[test]
    fn a_trail_fades_with_age() {
        let mut image = picture(640, 480);
        let trail: Vec<_> =
            (0..40u8).map(|i| (600.0 - f32::from(i) * 14.0, 240.0, f32::from(i) / 39.0)).collect();
        let far = Mark { trail: &trail, ..mark(f32::NAN, 0.0, 0.0, 0.0) };
        Annotator::new().draw_marks(&mut image, &[far]);
        let off = |x: usize| image.data()[(240 * 640 + x) * 3].abs_diff(GREY);
        let levels: Vec<_> = (60..600).step_by(60).map(off).collect();
        assert!(levels.is_sorted() && levels[0] < 20 && levels[8] > 80, "{levels:?}");
    }

    #[test]
    fn a_trail_that_stands_still_is_one_point() {
        let trail: Vec<_> = (0..1000u16).map(|i| (50.0 + f32::from(i % 3) * 0.3, 50.0, 0.2)).collect();
        let mut annotator = Annotator::new();
        annotator.draw_marks(&mut picture(640, 480), &[Mark { trail: &trail, ..mark(0.0, 0.0, 0.0, 0.0) }]);
        assert_eq!(annotator.nodes.len(), 1);
    }

    fn coordinate() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -50.0f32..250.0, 1 => any::<f32>(), 1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::MIN)]]
    }

    proptest! {
        #[test]
        fn any_marks_on_any_picture_are_safe_and_labels_stay_inside(
            marks in proptest::collection::vec(
                ((coordinate(), coordinate(), coordinate(), coordinate()), any::<String>(), any::<usize>(),
                 proptest::option::of(any::<f32>()), proptest::option::of(any::<u64>()),
                 proptest::collection::vec((coordinate(), coordinate(), any::<f32>()), 0..6)), 0..6),
            size in (0u32..220, 0u32..160),
        ) {
            let marks: Vec<_> = marks.iter().map(|((left, top, right, bottom), label, colour, confidence, id, trail)| Mark {
                rect: Rect { left: *left, top: *top, right: *right, bottom: *bottom },
                label, colour: *colour, confidence: *confidence, id: *id, trail,
            }).collect();
            let mut image = Image::new(size.0, size.1);
            let mut annotator = Annotator::new();
            annotator.draw_marks(&mut image, &marks);
            let picture = whole_area(&image);
            for plate in &annotator.plates {
                let area = plate.area;
                prop_assert!(area.left >= 0 && area.top >= 0, "{area:?}");
                prop_assert!(area.right <= picture.right && area.bottom <= picture.bottom, "{area:?} in {picture:?}");
                prop_assert!(annotator.captions.get(plate.text.clone()).is_some());
            }
        }

        #[test]
        fn nothing_outside_of_boxes_and_plates_changes(
            boxes in proptest::collection::vec((coordinate(), coordinate(), coordinate(), coordinate()), 1..4),
            label in "[a-z]{0,9}",
        ) {
            let mut image = picture(200, 120);
            let marks: Vec<_> = boxes.iter().map(|b| Mark { label: &label, ..mark(b.0, b.1, b.2, b.3) }).collect();
            let mut annotator = Annotator::new();
            annotator.draw_marks(&mut image, &marks);
            let mut allowed: Vec<_> = marks.iter().filter_map(|mark| Area::from_rect(&mark.rect)).collect();
            allowed.extend(annotator.plates.iter().map(|plate| plate.area));
            for at in changed(&image) {
                prop_assert!(allowed.iter().any(|area| holds(area, at)), "{at:?}");
            }
        }
    }
}
