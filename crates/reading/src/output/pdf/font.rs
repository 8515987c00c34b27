//! A font without shapes: it says which characters stand in a PDF and how wide each is, and shows nothing.
//!
//! Each character that occurs has a number of its own, by which the file tells it (PDF 1.7, 9.7 and 9.10.3). Readers want
//! a font's file even of what they do not draw, so there is one with empty glyphs (OpenType 1.9).

use std::collections::HashMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, Str};
use unicode_width::UnicodeWidthChar as _;

use super::deflate_bytes;

const NAME: Name<'_> = Name(b"Sightwire-Unseen");
const SYSTEM: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// Parts of an em above and below the baseline, in thousandths: together a line's height.
pub(super) const ASCENT: i16 = 800;
pub(super) const DESCENT: i16 = -200;
const EM: u16 = 1000;

/// Where the parts of the font stand in the file.
pub(super) const FONT: Ref = Ref::new(3);
const CID_FONT: Ref = Ref::new(4);
const DESCRIPTOR: Ref = Ref::new(5);
const GLYPHS: Ref = Ref::new(6);
const MEANING: Ref = Ref::new(7);
/// The first that is free.
pub(super) const FREE: i32 = 8;

/// The characters of a file.
#[derive(Default)]
pub(super) struct Unseen {
    numbers: HashMap<char, u16>,
    characters: Vec<char>,
}

impl Unseen {
    /// A text as the file writes it, and how wide it is in thousandths of its height.
    pub(super) fn encode_text(&mut self, text: &str) -> (Vec<u8>, f32) {
        let (mut bytes, mut width) = (Vec::with_capacity(2 * text.len()), 0);
        for character in text.chars() {
            bytes.extend(self.glyph_number(character).to_be_bytes());
            width += u32::from(char_advance(character));
        }
        (bytes, width as f32)
    }

    /// From 1; 0 is what has no meaning, as is whatever comes after the last number.
    fn glyph_number(&mut self, character: char) -> u16 {
        if let Some(number) = self.numbers.get(&character) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.characters.len() + 1) else { return 0 };
        self.characters.push(character);
        self.numbers.insert(character, number);
        number
    }

    /// Adds it to the file, once all of it is known.
    pub(super) fn add_to(&self, pdf: &mut Pdf) {
        let advances: Vec<u16> =
            std::iter::once(EM).chain(self.characters.iter().copied().map(char_advance)).collect();
        let mut font = pdf.type0_font(FONT);
        font.base_font(NAME).encoding_predefined(Name(b"Identity-H"));
        font.descendant_font(CID_FONT).to_unicode(MEANING);
        font.finish();
        let mut cid = pdf.cid_font(CID_FONT);
        cid.subtype(CidFontType::Type2).base_font(NAME).system_info(SYSTEM).font_descriptor(DESCRIPTOR);
        cid.default_width(EM.into()).cid_to_gid_map_predefined(Name(b"Identity"));
        cid.widths().consecutive(0, advances.iter().copied().map(f32::from));
        cid.finish();
        let mut descriptor = pdf.font_descriptor(DESCRIPTOR);
        descriptor.name(NAME).flags(FontFlags::SYMBOLIC).italic_angle(0.0).stem_v(80.0);
        descriptor.bbox(Rect::new(0.0, DESCENT.into(), EM.into(), ASCENT.into()));
        descriptor.ascent(ASCENT.into()).descent(DESCENT.into()).cap_height(ASCENT.into());
        descriptor.font_file2(GLYPHS);
        descriptor.finish();
        let file = empty_glyphs(&advances);
        let packed = deflate_bytes(&file);
        let mut stream = pdf.stream(GLYPHS, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), file.len() as i32);
        stream.finish();
        let mut meaning = UnicodeCmap::new(Name(b"Adobe-Identity-UCS"), SYSTEM);
        for (index, character) in self.characters.iter().enumerate() {
            meaning.pair(index as u16 + 1, *character);
        }
        pdf.cmap(MEANING, &deflate_bytes(meaning.finish().as_slice())).filter(Filter::FlateDecode);
    }
}

/// About how wide a character is beside others of its line, thousandths of an em: letters within a word are found by it.
fn char_advance(character: char) -> u16 {
    match character {
        _ if character.width() == Some(2) => EM,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 250,
        'f' | 'r' | 't' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 320,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 850,
        _ if character.is_uppercase() => 660,
        _ => 530,
    }
}

/// A TrueType file whose glyphs have these widths, and nothing to be seen.
fn empty_glyphs(advances: &[u16]) -> Vec<u8> {
    let count = advances.len() as u16;
    let shorts = |values: &[i16]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    let one = [0, 1, 0, 0];
    let box_ = shorts(&[0, DESCENT, EM as i16, ASCENT]);
    let head = [
        &one[..],
        &one,
        &[0; 4],
        &0x5f0f_3cf5_u32.to_be_bytes(),
        &shorts(&[0, EM as i16]),
        &[0; 16],
        &box_,
        &shorts(&[0, 8, 2, 0, 0]),
    ];
    let hhea = [
        &one[..],
        &shorts(&[ASCENT, DESCENT, 0, EM as i16, 0, 0, EM as i16, 1, 0, 0, 0, 0, 0, 0, 0]),
        &count.to_be_bytes(),
    ];
    let maxp = [&one[..], &count.to_be_bytes(), &shorts(&[0, 0, 0, 0, 2]), &[0; 16]];
    let hmtx = advances.iter().flat_map(|advance| [advance.to_be_bytes(), [0; 2]].concat()).collect();
    let tables: [(&[u8; 4], Vec<u8>); 6] = [
        (b"glyf", vec![0; 4]),
        (b"head", head.concat()),
        (b"hhea", hhea.concat()),
        (b"hmtx", hmtx),
        (b"loca", vec![0; 2 * (advances.len() + 1)]),
        (b"maxp", maxp.concat()),
    ];
    // Six tables: the largest power of two in it is 4.
    let mut file = [&one[..], &shorts(&[6, 64, 2, 32])].concat();
    let mut place = file.len() + 16 * tables.len();
    for (tag, table) in &tables {
        file.extend_from_slice(*tag);
        let numbers = [table_checksum(table), place as u32, table.len() as u32];
        file.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
        place += table.len().next_multiple_of(4);
    }
    for (_, table) in &tables {
        file.extend_from_slice(table);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    file
}

fn table_checksum(table: &[u8]) -> u32 {
    table.chunks(4).fold(0, |sum, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_has_one_number_and_a_width() {
        let mut font = Unseen::default();
        assert_eq!(font.encode_text("aba"), (vec![0, 1, 0, 2, 0, 1], 3.0 * 530.0));
        assert_eq!(font.encode_text("𠮷b"), (vec![0, 3, 0, 2], 1530.0));
        let file = empty_glyphs(&[1000, 530, 530, 1000]);
        assert_eq!((file.len() % 4, &file[12..16]), (0, &b"glyf"[..]));
        // Of `maxp`, the last table: 4 glyphs.
        assert_eq!(file[file.len() - 32..][4..6], [0, 4]);
    }
}
