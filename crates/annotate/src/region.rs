//! Texts that were found in a picture: their outlines and what they say.

use super::area::Area;
use super::stroke::{Node, Stroker};
use super::text::{ELLIPSIS, Letters, Typesetter};
use super::{Colour, Face, Scale};
use sightwire_frame::Image;

/// A text in a picture.
#[derive(Clone, Copy, Debug)]
pub struct TextRegion<'a> {
    /// Its corners in pixels, one after the other around it.
    pub polygon: [[f32; 2]; 4],
    /// What the text says, as it was read.
    pub text: &'a str,
    /// How sure the reader is, 0 to 1; decides the colour.
    pub confidence: f32,
}

/// Smaller letters cannot be read.
const LEAST_TEXT_PX: f32 = 10.0;
/// Longer texts do not fit into any picture.
const MOST_CHARACTERS: usize = 200;

/// Draws the outlines of texts, coloured by confidence (green from 0.9, orange from 0.7, red below), and what they say
/// beside them where nothing else is. Characters that the font lacks, Chinese among them, are left out of the labels.
pub fn draw_regions(image: &mut Image, regions: &[TextRegion<'_>]) {
    if image.is_empty() {
        return;
    }
    let scale = Scale::from_size(image.width(), image.height());
    let mut stroker = Stroker::new();
    let width = f32::from(scale.line_px).max(2.0);
    for region in regions {
        // The first corner closes the outline.
        let corners = region.polygon.iter().chain(&region.polygon[..1]);
        let nodes = corners.map(|&[x, y]| Node { x, y, width, opacity: 1.0 });
        stroker.stroke(image, nodes, confidence_colour(region.confidence));
    }
    let boxes: Vec<_> = regions.iter().filter_map(|region| region_bounds(region, width)).collect();
    let mut typesetter = Typesetter::new();
    let mut plates = Vec::new();
    for region in regions {
        let label = Label::new(region, scale, &typesetter);
        let plate =
            label.as_ref().and_then(|label| label.place(image, region, &typesetter, (&boxes, &plates)));
        if let (Some(label), Some(plate)) = (label, plate) {
            label.draw(image, &plate, &mut typesetter);
            plates.push(plate);
        }
    }
}

fn confidence_colour(confidence: f32) -> Colour {
    // Of the palette that is told apart with colour blindness too. What is not a number is unsure.
    match confidence {
        0.9.. => Colour::rgb(0, 158, 115),
        0.7.. => Colour::rgb(230, 159, 0),
        _ => Colour::rgb(213, 94, 0),
    }
}

/// The upright box around an outline of that width.
fn region_bounds(region: &TextRegion<'_>, width: f32) -> Option<Area> {
    let edge = |axis: usize, pick: fn(f32, f32) -> f32| {
        region.polygon.iter().map(|corner| corner[axis]).reduce(pick).filter(|edge| edge.is_finite())
    };
    let half = width / 2.0;
    let [left, top] = [edge(0, f32::min)? - half, edge(1, f32::min)? - half];
    let [right, bottom] = [edge(0, f32::max)? + half, edge(1, f32::max)? + half];
    let [left, top] = [left, top].map(|edge| edge.clamp(-1e9, 1e9).floor() as i64);
    let [right, bottom] = [right, bottom].map(|edge| edge.clamp(-1e9, 1e9).ceil() as i64);
    Some(Area { left, top, right, bottom })
}

/// What a text says, in letters of its size.
struct Label {
    text: String,
    letters: Letters,
    ground: Colour,
}

impl Label {
    fn new(region: &TextRegion<'_>, scale: Scale, typesetter: &Typesetter) -> Option<Self> {
        let drawn = region.text.trim().chars().take(MOST_CHARACTERS);
        let text: String = drawn.filter(|&character| typesetter.has_glyph(Face::Bold, character)).collect();
        if text.chars().all(char::is_whitespace) {
            return None;
        }
        let [top_left, _, _, bottom_left] = region.polygon;
        let height = (bottom_left[0] - top_left[0]).hypot(bottom_left[1] - top_left[1]);
        // Smaller than the text itself, of which it is a copy.
        let px = (height * 0.6).clamp(LEAST_TEXT_PX, f32::from(scale.text_px)) as u16;
        let ground = confidence_colour(region.confidence);
        Some(Self { text, letters: Letters { px, face: Face::Bold, colour: ground.ink() }, ground })
    }

    fn pad(&self) -> f32 {
        (f32::from(self.letters.px) * 0.3).round()
    }

    /// Above the text, below it or to its right: the first place in the picture where neither a text nor a label is.
    fn place(
        &self,
        image: &Image,
        region: &TextRegion<'_>,
        typesetter: &Typesetter,
        (boxes, plates): (&[Area], &[Area]),
    ) -> Option<Area> {
        let around = region_bounds(region, 2.0)?;
        let width = (typesetter.width(self.letters, &self.text) + 2.0 * self.pad()).ceil() as i64;
        let height = (f32::from(self.letters.px) * 1.36).round() as i64;
        let (picture_width, picture_height) = (i64::from(image.width()), i64::from(image.height()));
        let is_free = |area: &Area| {
            area.top >= 0
                && area.bottom <= picture_height
                && area.width() > height
                && !boxes.iter().chain(plates).any(|other| other.overlaps(area))
        };
        let left = around.left.clamp(0, picture_width);
        let places = [(left, around.top - height), (left, around.bottom), (around.right, around.top)];
        places.into_iter().find_map(|(left, top)| {
            let area = Area { left, top, right: (left + width).min(picture_width), bottom: top + height };
            is_free(&area).then_some(area)
        })
    }

    fn draw(&self, image: &mut Image, plate: &Area, typesetter: &mut Typesetter) {
        plate.fill(image, self.ground);
        let fit = typesetter.fit(self.letters, &self.text, plate.width() as f32 - 2.0 * self.pad());
        let at = (plate.left as f32 + self.pad(), plate.top as f32 + f32::from(self.letters.px));
        let end = typesetter.draw(image, self.letters, &self.text[..fit.bytes], at);
        if fit.bytes < self.text.len() {
            typesetter.draw(image, self.letters, ELLIPSIS, (end, at.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(width: u32, height: u32) -> Image {
        Image::from_bgr(width, height, vec![255; (width * height * 3) as usize]).unwrap()
    }

    fn upright([left, top, right, bottom]: [f32; 4]) -> [[f32; 2]; 4] {
        [[left, top], [right, top], [right, bottom], [left, bottom]]
    }

    fn count(image: &Image, colour: Colour) -> usize {
        image.data().chunks_exact(3).filter(|&pixel| pixel == colour.bgr()).count()
    }

    #[test]
    fn outlines_have_the_colour_of_their_confidence() {
        for (confidence, expected) in
            [(1.0, 0.95), (0.9, 0.95), (0.89, 0.8), (0.7, 0.8), (0.69, 0.1), (0.0, 0.1), (f32::NAN, 0.1)]
        {
            let mut image = paper(200, 100);
            draw_regions(
                &mut image,
                &[TextRegion { polygon: upright([20.0, 40.0, 180.0, 70.0]), text: "", confidence }],
            );
            let (one, two) = (count(&image, confidence_colour(expected)), count(&image, Colour::WHITE));
            assert!(one > 300 && one + two > 200 * 100 - 1200, "{confidence}: {one} {two}");
        }
    }

    #[test]
    fn a_label_stands_where_there_is_room_and_covers_no_text() {
        let region =
            TextRegion { polygon: upright([20.0, 40.0, 180.0, 70.0]), text: "Label", confidence: 1.0 };
        let mut alone = paper(200, 100);
        draw_regions(&mut alone, &[region]);
        let above =
            |image: &Image| image.data()[..35 * 200 * 3].chunks_exact(3).filter(|p| *p != [255; 3]).count();
        assert!(above(&alone) > 200);
        // Texts all around leave no room.
        let other = |rect| TextRegion { polygon: upright(rect), text: "", confidence: 1.0 };
        let others =
            [[0.0, 25.0, 200.0, 38.0], [0.0, 72.0, 200.0, 90.0], [182.0, 40.0, 200.0, 70.0]].map(other);
        let mut crowded = paper(200, 100);
        draw_regions(&mut crowded, &[&[region][..], &others].concat());
        let mut outlines = paper(200, 100);
        draw_regions(&mut outlines, &[&[TextRegion { text: "", ..region }][..], &others].concat());
        assert_eq!(crowded, outlines);
    }

    #[test]
    fn characters_that_the_font_lacks_are_left_out() {
        let drawn = |text| {
            let mut image = paper(200, 100);
            draw_regions(
                &mut image,
                &[TextRegion { polygon: upright([20.0, 40.0, 180.0, 70.0]), text, confidence: 1.0 }],
            );
            image
        };
        assert_eq!(drawn("文字"), drawn(""));
        assert_eq!(drawn("文A字7"), drawn("A7"));
        assert_ne!(drawn("A7"), drawn(""));
    }

    #[test]
    fn no_corners_panic() {
        let values = [f32::NAN, f32::INFINITY, -1e30, 1e30, -5.0, 0.0, 50.0, 1e9];
        for seed in 0..300_usize {
            let value = |at: usize| values[(seed * 7 + at * at * 3 + seed / 8) % values.len()];
            let polygon = [0, 2, 4, 6].map(|at| [value(at), value(at + 1)]);
            let region = TextRegion { polygon, text: "Some words that are long", confidence: value(9) };
            for (width, height) in [(1, 1), (3, 90), (120, 60)] {
                draw_regions(&mut paper(width, height), &[region; 3]);
            }
        }
        draw_regions(&mut Image::default(), &[]);
    }
}
