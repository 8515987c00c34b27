//! A performance as a clip that can be played again and again, by the name of what it shows.

use super::{Act, Label, Performance, Shape, Stage, Stroke};
use sightwire_frame::Image;

/// Shows one shape or stroke.
pub struct Clip {
    stage: Stage,
    from: f32,
    to: f32,
}

/// How a picture is exposed, seconds.
const EXPOSURE_S: f32 = 1.0 / 60.0;
/// Before what is shown, and after it, seconds.
const LEAD_S: f32 = 0.4;
const TAIL_S: f32 = 0.5;

/// What there are clips of: shapes, then strokes.
pub fn clip_names() -> impl Iterator<Item = String> {
    let shapes = Shape::ALL.into_iter().filter(|shape| *shape != Shape::None);
    let shapes = shapes.map(|shape| shape.name().to_owned());
    shapes.chain(Stroke::ALL.into_iter().map(|stroke| stroke.name().to_owned()))
}

impl Clip {
    /// Of what has this name, width and height; other seeds give other hands, rooms and speeds. `None` if there is none of
    /// that name.
    pub fn new(name: &str, seed: u64, size: [u32; 2]) -> Option<Self> {
        let shape = Shape::ALL.into_iter().find(|shape| shape.name() == name && *shape != Shape::None);
        let stroke = Stroke::ALL.into_iter().find(|stroke| stroke.name() == name);
        let act = shape.map(Act::Held).or(stroke.map(Act::Stroke))?;
        let performance = Performance::new(act, seed);
        let truth = performance.truth();
        let begins = truth.first().map_or(0.0, |first| first.from);
        // A stroke is over before its hand goes back.
        let ends = truth.iter().filter(|one| !matches!(one.label, Label::Return | Label::Leave));
        let ends = ends.map(|one| one.to).fold(begins, f32::max);
        let (from, to) = ((begins - LEAD_S).max(0.0), (ends + TAIL_S).min(performance.duration()));
        let stage = Stage::new(&performance, size, seed);
        Some(Self { stage, from, to })
    }

    /// Pictures at this many a second.
    pub fn frame_count(&self, fps: u32) -> u32 {
        ((self.to - self.from) * fps as f32) as u32
    }

    /// A picture, into one whose memory is reused.
    pub fn picture_into(&self, index: u32, fps: u32, image: &mut Image) {
        self.stage.picture_into(self.from + index as f32 / fps as f32, EXPOSURE_S, image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_short_clip_of_each_name_and_of_no_other() {
        assert_eq!(clip_names().count(), 15);
        for name in clip_names() {
            let clip = Clip::new(&name, 3, [64, 48]).unwrap();
            assert!((25..150).contains(&clip.frame_count(25)), "{name}: {}", clip.frame_count(25));
        }
        for name in ["none", "still", ""] {
            assert!(Clip::new(name, 3, [64, 48]).is_none(), "{name}");
        }
    }
}
