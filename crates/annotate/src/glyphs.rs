//! The font and pictures of its letters.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, point};

/// A weight of the font, `DejaVu Sans Condensed`: <https://dejavu-fonts.github.io>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// For the text of a placeholder, under its title.
    Regular,
    /// For labels, banners and titles.
    Bold,
}

/// Positions between two pixels that a letter is drawn for: without them the gaps of small text are uneven.
const SHIFTS: u8 = 4;
/// All letters of a view take a tenth of it.
const MOST_PIXELS: usize = 1 << 20;
const MOST_BITMAPS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    glyph: GlyphId,
    face: Face,
    size: u16,
    shift: u8,
}

/// Where a letter's picture lies: `left` and `top` from the pen on the base line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bitmap {
    pub left: i32,
    pub top: i32,
    pub width: usize,
    pub height: usize,
    start: usize,
}

/// Letters as pictures, made when they are first drawn, and all forgotten when there are too many.
pub(super) struct Glyphs {
    /// `None` if the font file cannot be read, which the tests rule out: then no text is drawn.
    faces: [Option<FontRef<'static>>; 2],
    bitmaps: HashMap<Key, Bitmap>,
    pixels: Vec<u8>,
}

/// A letter's number in the font and its width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub glyph: GlyphId,
    /// Pixels to the next letter.
    pub advance: f32,
    /// Pixels that it moves towards the letter before.
    pub kern: f32,
}

impl Glyphs {
    pub fn new() -> Self {
        let files = [dejavu::sans_condensed::regular(), dejavu::sans_condensed::bold()];
        let faces = files.map(|file| FontRef::try_from_slice(file).ok());
        Self { faces, bitmaps: HashMap::new(), pixels: Vec::new() }
    }

    fn font(&self, face: Face) -> Option<&FontRef<'static>> {
        self.faces[face as usize].as_ref()
    }

    /// Whether the font has a letter for the character, or it needs none.
    pub fn has_glyph(&self, face: Face, character: char) -> bool {
        character.is_whitespace() || self.font(face).is_some_and(|font| font.glyph_id(character).0 != 0)
    }

    /// The letter for a character, or the replacement letter for one that the font lacks. `None` for characters that
    /// have no picture (joiners, marks of direction).
    pub fn letter(&self, face: Face, size: u16, before: Option<GlyphId>, character: char) -> Option<Letter> {
        if is_invisible(character) {
            return None;
        }
        let font = self.font(face)?;
        // A line end or a bell in a name is a gap.
        let character = if character.is_control() { ' ' } else { character };
        let mut glyph = font.glyph_id(character);
        if glyph.0 == 0 {
            glyph = font.glyph_id(char::REPLACEMENT_CHARACTER);
        }
        let per_unit = f32::from(size) / font.units_per_em()?;
        let kern = before.map_or(0.0, |before| font.kern_unscaled(before, glyph));
        Some(Letter { glyph, advance: font.h_advance_unscaled(glyph) * per_unit, kern: kern * per_unit })
    }

    /// The picture of a letter whose pen stands at x: the whole pixel of the pen, where its picture lies, and how much
    /// of each pixel it covers, of 255. `None` for a letter without ink.
    pub fn bitmap(&mut self, face: Face, size: u16, glyph: GlyphId, x: f32) -> Option<(i32, Bitmap, &[u8])> {
        let steps = (x * f32::from(SHIFTS)).round() as i32;
        let (whole, shift) = (steps.div_euclid(i32::from(SHIFTS)), steps.rem_euclid(i32::from(SHIFTS)) as u8);
        let key = Key { glyph, face, size, shift };
        let bitmap = match self.bitmaps.get(&key) {
            Some(bitmap) => *bitmap,
            None => self.render(key)?,
        };
        let pixels = self.pixels.get(bitmap.start..bitmap.start + bitmap.width * bitmap.height)?;
        (!pixels.is_empty()).then_some((whole, bitmap, pixels))
    }

    fn render(&mut self, key: Key) -> Option<Bitmap> {
        let font = self.font(key.face)?;
        // `PxScale` is the height from the deepest to the highest letter, not the em.
        let scale = PxScale::from(f32::from(key.size) * font.height_unscaled() / font.units_per_em()?);
        let position = point(f32::from(key.shift) / f32::from(SHIFTS), 0.0);
        let outlined = font.outline_glyph(key.glyph.with_scale_and_position(scale, position));
        let mut bitmap = Bitmap { left: 0, top: 0, width: 0, height: 0, start: 0 };
        let mut drawn = Vec::new();
        if let Some(outlined) = outlined {
            let bounds = outlined.px_bounds();
            bitmap.left = bounds.min.x as i32;
            bitmap.top = bounds.min.y as i32;
            (bitmap.width, bitmap.height) = (bounds.width() as usize, bounds.height() as usize);
            drawn.resize(bitmap.width * bitmap.height, 0);
            outlined.draw(|x, y, cover| {
                if let Some(pixel) = drawn.get_mut(y as usize * bitmap.width + x as usize) {
                    *pixel = (cover.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
                }
            });
        }
        if self.pixels.len() + drawn.len() > MOST_PIXELS || self.bitmaps.len() >= MOST_BITMAPS {
            self.pixels.clear();
            self.bitmaps.clear();
        }
        bitmap.start = self.pixels.len();
        self.pixels.extend_from_slice(&drawn);
        self.bitmaps.insert(key, bitmap);
        Some(bitmap)
    }
}

/// Characters that steer others and have no picture: joiners, directions, variation selectors, tags.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_read_and_have_the_letters_of_europe() {
        let glyphs = Glyphs::new();
        for face in [Face::Regular, Face::Bold] {
            let missing = glyphs.letter(face, 16, None, '\u{fffd}').unwrap().glyph;
            assert_ne!(missing.0, 0);
            for character in "Straße ÄÖÜäöü éçñøł Ωμέγα Привет, Київ — 87 % #12 … ⚠ ℹ ✖".chars()
            {
                let letter = glyphs.letter(face, 16, None, character).unwrap();
                assert!(letter.glyph.0 != 0 && letter.glyph != missing, "{face:?} lacks {character}");
                assert!(letter.advance > 0.0, "{face:?} {character}");
            }
            assert_eq!(glyphs.letter(face, 16, None, '車').unwrap().glyph, missing);
        }
    }

    #[test]
    fn the_memory_for_letters_is_bounded() {
        let mut glyphs = Glyphs::new();
        for size in 10..200 {
            for glyph in 36..62 {
                assert!(glyphs.bitmap(Face::Bold, size, GlyphId(glyph), 0.3).is_some());
                assert!(glyphs.pixels.len() <= MOST_PIXELS && glyphs.bitmaps.len() <= MOST_BITMAPS);
            }
        }
    }

    #[test]
    fn a_letter_is_made_once() {
        let mut glyphs = Glyphs::new();
        let glyph = glyphs.letter(Face::Bold, 20, None, 'g').unwrap().glyph;
        for _ in 0..3 {
            for x in [0.0, 10.01, -7.0] {
                assert!(glyphs.bitmap(Face::Bold, 20, glyph, x).is_some());
            }
        }
        assert_eq!(glyphs.bitmaps.len(), 1);
    }
}
