//! Text: measured, cut to a width, drawn.

use std::fmt;

use super::Colour;
use super::colour::blend_pixel;
use super::glyphs::{Face, Glyphs};
use sightwire_frame::Image;

/// What letters look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    /// Size of the em in pixels, at most [`Letters::MOST_PX`].
    pub px: u16,
    /// Weight of the font.
    pub face: Face,
    /// Colour of the strokes; their edges are blended with what is below.
    pub colour: Colour,
}

impl Letters {
    /// Larger letters are drawn in this size.
    pub const MOST_PX: u16 = 200;

    fn size(self) -> u16 {
        self.px.clamp(1, Self::MOST_PX)
    }
}

/// Draws text, one letter for each character from left to right: Latin, Greek, Cyrillic and what else needs no shaping.
/// Characters that the font lacks become `�`.
///
/// Letters once drawn are kept (at most 1 MiB of them), so make one typesetter and reuse it.
pub struct Typesetter {
    glyphs: Glyphs,
}

/// What ends a text that does not fit.
pub(super) const ELLIPSIS: &str = "…";

/// The part of a text that fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Bytes of the text; an ellipsis follows unless these are all.
    pub bytes: usize,
    /// Width in pixels, with the ellipsis.
    pub width: f32,
}

impl Default for Typesetter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Typesetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typesetter").finish_non_exhaustive()
    }
}

impl Typesetter {
    /// A typesetter that knows no letter yet.
    pub fn new() -> Self {
        Self { glyphs: Glyphs::new() }
    }

    /// Whether the font has a picture for the character, or it needs none.
    pub(super) fn has_glyph(&self, face: Face, character: char) -> bool {
        self.glyphs.has_glyph(face, character)
    }

    /// Width of the text in pixels.
    pub fn width(&self, letters: Letters, text: &str) -> f32 {
        self.pens(letters, text).last().map_or(0.0, |(_, end)| end)
    }

    /// For each character of the text that has a picture, where it ends in bytes and where the pen is behind it.
    pub(super) fn pens<'a>(
        &'a self,
        letters: Letters,
        text: &'a str,
    ) -> impl Iterator<Item = (usize, f32)> + 'a {
        let (mut before, mut pen) = (None, 0.0);
        text.char_indices().filter_map(move |(start, character)| {
            let letter = self.glyphs.letter(letters.face, letters.size(), before, character)?;
            before = Some(letter.glyph);
            pen += letter.kern + letter.advance;
            Some((start + character.len_utf8(), pen))
        })
    }

    /// As much of the text as `width` pixels hold, with room for an ellipsis if that is not all. Looks no further into
    /// the text than that.
    pub(super) fn fit(&self, letters: Letters, text: &str, width: f32) -> Fit {
        let ellipsis = self.width(letters, ELLIPSIS);
        let mut cut = Fit { bytes: 0, width: ellipsis };
        let mut whole = 0.0;
        for (bytes, pen) in self.pens(letters, text) {
            if pen > width {
                return cut;
            }
            if pen + ellipsis <= width {
                cut = Fit { bytes, width: pen + ellipsis };
            }
            whole = pen;
        }
        Fit { bytes: text.len(), width: whole }
    }

    /// Draws the text with its pen starting at x on the base line y; where the pen ends. Takes as long as the text is,
    /// up to the picture's right edge.
    pub fn draw(
        &mut self,
        image: &mut Image,
        letters: Letters,
        text: &str,
        (x, baseline): (f32, f32),
    ) -> f32 {
        let mut pen = x;
        if !(x.is_finite() && baseline.is_finite()) {
            return pen;
        }
        let size = letters.size();
        // Nothing of a letter is further from its pen than this.
        let margin = 3.0 * f32::from(size);
        let baseline = baseline.round().clamp(-1e6, 1e6) as i32;
        let mut before = None;
        for character in text.chars() {
            if pen > image.width() as f32 + margin {
                break;
            }
            let Some(letter) = self.glyphs.letter(letters.face, size, before, character) else {
                continue;
            };
            before = Some(letter.glyph);
            pen += letter.kern;
            if pen > -margin {
                self.put_glyph(image, letters, letter.glyph, (pen, baseline));
            }
            pen += letter.advance;
        }
        pen
    }

    fn put_glyph(&mut self, image: &mut Image, letters: Letters, glyph: ab_glyph::GlyphId, at: (f32, i32)) {
        let Some((whole, bitmap, cover)) = self.glyphs.bitmap(letters.face, letters.size(), glyph, at.0)
        else {
            return;
        };
        let (left, top) = (whole + bitmap.left, at.1 + bitmap.top);
        let (width, height) = (image.width() as usize, image.height() as usize);
        // Columns and rows of the letter that lie in the picture.
        let inside = |start: i32, length: usize, size: usize| {
            let first = (-i64::from(start)).clamp(0, length as i64) as usize;
            let end = (size as i64 - i64::from(start)).clamp(first as i64, length as i64) as usize;
            (first, end)
        };
        let (first, end) = inside(left, bitmap.width, width);
        let (first_row, end_row) = inside(top, bitmap.height, height);
        if first == end {
            return;
        }
        let colour = letters.colour.bgr();
        for row in first_row..end_row {
            let start = ((i64::from(top) + row as i64) as usize * width
                + (i64::from(left) + first as i64) as usize)
                * 3;
            let pixels = &mut image.data_mut()[start..start + (end - first) * 3];
            let cover = &cover[row * bitmap.width + first..row * bitmap.width + end];
            for (pixel, cover) in pixels.chunks_exact_mut(3).zip(cover) {
                let cover = u32::from(*cover);
                if cover > 0 {
                    blend_pixel(pixel, colour, cover + (cover >> 7));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INK: Letters = Letters { px: 16, face: Face::Bold, colour: Colour::WHITE };

    /// Columns with ink: the first and the one after the last.
    fn extent(image: &Image) -> Option<(usize, usize)> {
        let width = image.width() as usize;
        let columns = || {
            image.data().chunks_exact(3).enumerate().filter(|(_, p)| **p != [0; 3]).map(|(i, _)| i % width)
        };
        Some((columns().min()?, columns().max()? + 1))
    }

    #[test]
    fn text_is_as_wide_as_it_was_measured() {
        let mut typesetter = Typesetter::new();
        for text in ["car 87 %", "Straßenbahn", "Ωμέγα", "Привет", "車"] {
            let mut image = Image::new(200, 40);
            let end = typesetter.draw(&mut image, INK, text, (20.0, 25.0));
            let width = typesetter.width(INK, text);
            assert!((end - 20.0 - width).abs() < 0.01, "{text}");
            let (first, last) = extent(&image).unwrap();
            assert!(first >= 19 && last as f32 <= 20.0 + width + 1.5, "{text}: {first}..{last}, {width}");
            assert!((last - first) as f32 > width - 4.0, "{text}: {first}..{last}, {width}");
        }
    }

    #[test]
    fn what_does_not_fit_leaves_room_for_the_ellipsis() {
        let typesetter = Typesetter::new();
        let text = "bicycle";
        let width = typesetter.width(INK, text);
        assert_eq!(typesetter.fit(INK, text, width), Fit { bytes: 7, width });
        let cut = typesetter.fit(INK, text, width - 0.5);
        assert!(cut.bytes < 7 && cut.width < width, "{cut:?}");
        let shown = format!("{}{ELLIPSIS}", &text[..cut.bytes]);
        assert!((typesetter.width(INK, &shown) - cut.width).abs() < 1.0, "{cut:?}");
        assert_eq!(typesetter.fit(INK, text, 1.0).bytes, 0);
    }

    #[test]
    fn characters_without_a_picture_take_no_room() {
        let typesetter = Typesetter::new();
        assert!(
            (typesetter.width(INK, "c\u{200d}a\u{202e}r\u{feff}") - typesetter.width(INK, "car")).abs()
                < 1e-3
        );
    }

    proptest! {
        #[test]
        fn any_text_anywhere_in_any_size_is_safe(
            text in any::<String>(), x in prop_oneof![-300.0f32..300.0, any::<f32>()],
            y in prop_oneof![-50.0f32..90.0, any::<f32>()], px in prop_oneof![0u16..40, any::<u16>()],
            width in prop_oneof![0.0f32..300.0, any::<f32>()],
        ) {
            let mut typesetter = Typesetter::new();
            let letters = Letters { px, ..INK };
            typesetter.draw(&mut Image::new(90, 40), letters, &text, (x, y));
            let fit = typesetter.fit(letters, &text, width);
            prop_assert!(text.is_char_boundary(fit.bytes));
            prop_assert!(fit.bytes == 0 || fit.width <= width || text.chars().all(|c| typesetter.width(letters, c.encode_utf8(&mut [0; 4])) == 0.0));
        }
    }
}
