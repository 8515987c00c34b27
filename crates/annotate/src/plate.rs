//! The plates that labels stand on: what they say and where they go.

use std::fmt::Write;
use std::ops::Range;

use super::annotate::Mark;
use super::area::Area;
use super::text::{ELLIPSIS, Letters, Typesetter};
use super::{Colour, Face};
use sightwire_frame::Image;

/// A label on its plate.
#[derive(Clone, Debug)]
pub(super) struct Plate {
    pub area: Area,
    /// Bytes of the captions.
    pub text: Range<usize>,
    /// Whether an ellipsis follows.
    pub cut: bool,
    pub colour: Colour,
}

/// Longer names do not fit into any picture.
const MOST_CHARACTERS: usize = 120;

/// Appends what the mark's plate says, "car #12 · 87 %"; what was appended.
pub(super) fn write_caption(mark: &Mark<'_>, captions: &mut String) -> Range<usize> {
    let start = captions.len();
    captions.extend(mark.label.trim().chars().take(MOST_CHARACTERS));
    // Writing to a string cannot fail.
    if let Some(id) = mark.id {
        let gap = if captions.len() > start { " " } else { "" };
        let _ = write!(captions, "{gap}#{id}");
    }
    if let Some(confidence) = mark.confidence.filter(|confidence| !confidence.is_nan()) {
        let percent = (confidence.clamp(0.0, 1.0) * 100.0).round();
        // Two numbers beside each other are told apart by the dot.
        let gap = match mark.id {
            Some(_) => " · ",
            None if captions.len() > start => " ",
            None => "",
        };
        let _ = write!(captions, "{gap}{percent}\u{a0}%");
    }
    start..captions.len()
}

impl Plate {
    /// Letters on plates of that size.
    pub fn letters(text_px: u16, colour: Colour) -> Letters {
        Letters { px: text_px, face: Face::Bold, colour: colour.ink() }
    }

    /// Room to the left and right of the letters.
    fn pad(text_px: u16) -> f32 {
        (f32::from(text_px) * 0.36).round()
    }

    /// A plate for the box, in the picture, and where no other plate is, and nothing that is not to be covered, if there is such
    /// a place.
    pub fn place(
        typesetter: &Typesetter,
        (text_px, colour): (u16, Colour),
        (text, captions): (Range<usize>, &str),
        shown: &Area,
        (picture, taken, covered): (&Area, &[Self], &[Area]),
    ) -> Self {
        let pad = Self::pad(text_px);
        let room = picture.width() as f32 - 2.0 * pad;
        let fit = typesetter.fit(Self::letters(text_px, colour), &captions[text.clone()], room);
        let width = ((fit.width + 2.0 * pad).ceil() as i64).clamp(1, picture.width());
        // Above the letters' line there is room for an accent, below for a descender.
        let height = ((f32::from(text_px) * 1.36).round() as i64).clamp(1, picture.height());
        let left = shown.left.clamp(picture.left, picture.right - width);
        let at = |top: i64| Area { left, top, right: left + width, bottom: top + height };
        let places = [shown.top - height, shown.top, shown.bottom, shown.bottom - height];
        let visible =
            places.into_iter().map(at).filter(|at| at.top >= picture.top && at.bottom <= picture.bottom);
        let is_free = |at: &Area| !taken.iter().any(|plate| plate.area.overlaps(at));
        let is_open = |at: &Area| is_free(at) && !covered.iter().any(|area| area.overlaps(at));
        let area = visible
            .clone()
            .find(is_open)
            .or_else(|| visible.clone().find(is_free))
            .or_else(|| visible.clone().next())
            .unwrap_or_else(|| at(shown.top.clamp(picture.top, picture.bottom - height)));
        Self { area, cut: fit.bytes < text.len(), text: text.start..text.start + fit.bytes, colour }
    }

    pub fn draw(&self, image: &mut Image, typesetter: &mut Typesetter, text_px: u16, captions: &str) {
        self.area.fill(image, self.colour);
        let letters = Self::letters(text_px, self.colour);
        let left = self.area.left as f32 + Self::pad(text_px);
        let baseline = self.area.top as f32 + f32::from(text_px);
        let end = typesetter.draw(image, letters, &captions[self.text.clone()], (left, baseline));
        if self.cut {
            typesetter.draw(image, letters, ELLIPSIS, (end, baseline));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightwire_frame::boxes::Rect;

    fn said(label: &str, confidence: Option<f32>, id: Option<u64>) -> String {
        let rect = Rect { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
        let mut captions = "before".to_owned();
        let range =
            write_caption(&Mark { rect, label, colour: 0, confidence, id, trail: &[] }, &mut captions);
        captions[range].to_owned()
    }

    #[test]
    fn a_plate_says_what_is_known() {
        assert_eq!(said("car", Some(0.874), None), "car 87\u{a0}%");
        assert_eq!(said("car", None, Some(12)), "car #12");
        assert_eq!(said("car", Some(1.0), Some(12)), "car #12 · 100\u{a0}%");
        assert_eq!(said("", Some(0.5), None), "50\u{a0}%");
        assert_eq!(said("", None, Some(3)), "#3");
        assert_eq!(said(" ", None, None), "");
        assert_eq!(said("car", Some(f32::NAN), None), "car");
        assert_eq!(said("car", Some(7.0), None), "car 100\u{a0}%");
    }
}
