//! What a file is that is not a picture we read: its name, for the error message.

use std::fmt;

/// Bytes of a file that are looked at for its name.
const LOOKED_AT: usize = 1024;
/// Brands of a list that are looked at: encoders write fewer than ten.
const MOST_BRANDS: usize = 32;

/// The first bytes of something that is not a picture we read, and what they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    first: [u8; 4],
    len: usize,
    name: Option<&'static str>,
}

impl Found {
    /// Looks at the first bytes of a file.
    pub fn new(bytes: &[u8]) -> Self {
        let mut first = [0; 4];
        let len = bytes.len().min(first.len());
        first[..len].copy_from_slice(&bytes[..len]);
        Self { first, len, name: format_name(&bytes[..bytes.len().min(LOOKED_AT)]) }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == 0 {
            return f.write_str("it is empty");
        }
        if let Some(name) = self.name {
            return write!(f, "it looks like {name}");
        }
        f.write_str("it starts with")?;
        for byte in &self.first[..self.len] {
            write!(f, " {byte:02x}")?;
        }
        Ok(())
    }
}

/// The name of a format that people send by mistake.
fn format_name(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'G', b'I', b'F', b'8', ..] => Some("a GIF"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("a WebP"),
        [b'R', b'I', b'F', b'F', ..] => Some("a RIFF file (AVI or WAV)"),
        [b'B', b'M', ..] => Some("a BMP"),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Some("a TIFF"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(of_boxes(bytes)),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        [b'%', b'!', b'P', b'S', ..] | [0xc5, 0xd0, 0xd3, 0xc6, ..] => Some("a PostScript file"),
        [b'8', b'B', b'P', b'S', ..] => Some("a Photoshop file"),
        [0, 0, 1, 0, 1..=255, 0, ..] => Some("an icon (ICO)"),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some("a zip or an office document"),
        [0, 0, 0, 12, b'j', b'P', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => Some("a JPEG 2000"),
        [0, 0, 0, 12, b'J', b'X', ..] | [0xff, 0x0a, ..] => Some("a JPEG XL"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("a WebM or Matroska"),
        [b'<', b's' | b'?' | b'!', ..] if has_text(bytes, b"<svg") => Some("an SVG"),
        [b'<', b's' | b'?' | b'!', ..] => Some("an XML or HTML"),
        [b'd', b'a', b't', b'a', b':', ..] => Some("the text of a data URL"),
        [b'/', b'9', b'j', b'/', ..] | [b'i', b'V', b'B', b'O', b'R', ..] => Some("base64 text"),
        _ => None,
    }
}

fn has_text(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// A format whose files begin with a list of brands (ISO/IEC 14496-12, `ftyp`).
fn of_boxes(bytes: &[u8]) -> &'static str {
    match read_brands(bytes) {
        Some(Brands::Avif) => "an AVIF",
        Some(Brands::Heic) => "a HEIC",
        None => match bytes.get(8..11) {
            Some(b"crx") => "a raw picture of a camera (CR3)",
            Some(b"qt ") => "a QuickTime film (MOV)",
            Some(b"jxl") => "a JPEG XL",
            Some(b"jp2" | b"jpx") => "a JPEG 2000",
            _ => "an MP4",
        },
    }
}

/// A picture in boxes, by its brands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brands {
    /// AV1: `avif`, `avis`.
    Avif,
    /// HEVC, or whatever else HEIF allows: `heic`, `mif1`.
    Heic,
}

/// Which of the two a file is. The brand that stands first counts before the others; `mif1` says only that it is one.
pub(crate) fn read_brands(bytes: &[u8]) -> Option<Brands> {
    let [a, b, c, d, b'f', b't', b'y', b'p', ..] = bytes else { return None };
    let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    let of = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(Brands::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(Brands::Heic),
        _ => None,
    };
    let all = bytes.get(8..size.min(bytes.len()))?;
    let (major, others) = (all.get(..4)?, all.get(8..).unwrap_or_default());
    let is_any = matches!(major, b"mif1" | b"mif2" | b"msf1" | b"miaf");
    let others = others.chunks_exact(4).take(MOST_BRANDS);
    of(major).or_else(|| is_any.then(|| others.into_iter().find_map(of).unwrap_or(Brands::Heic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(brands: &[&[u8; 4]]) -> Vec<u8> {
        let size = 12 + 4 * brands.len() as u32;
        let mut bytes = [&size.to_be_bytes()[..], b"ftyp", brands[0], &[0; 4]].concat();
        brands[1..].iter().for_each(|brand| bytes.extend(*brand));
        bytes.extend(b"....mdat");
        bytes
    }

    #[test]
    fn formats_that_share_their_boxes_are_told_apart_by_their_brands() {
        let said = |brands: &[&[u8; 4]]| Found::new(&file(brands)).to_string();
        for (brands, name) in [
            (&[b"avif", b"mif1", b"miaf"][..], "an AVIF"),
            (&[b"mif1", b"miaf", b"avif"], "an AVIF"),
            (&[b"heic", b"mif1", b"heic"], "a HEIC"),
            (&[b"mif1", b"heic"], "a HEIC"),
            (&[b"mif1", b"jpeg"], "a HEIC"),
            (&[b"msf1", b"hevc"], "a HEIC"),
            (&[b"isom", b"avc1", b"mp41"], "an MP4"),
            (&[b"mp42", b"heic"], "an MP4"),
            (&[b"qt  "], "a QuickTime film (MOV)"),
            (&[b"crx ", b"isom"], "a raw picture of a camera (CR3)"),
        ] {
            assert_eq!(said(brands), format!("it looks like {name}"), "{brands:?}");
        }
        for cut in 0..20 {
            let _ = Found::new(&file(&[b"mif1", b"avif"])[..cut]).to_string();
        }
    }

    #[test]
    fn what_people_send_by_mistake_is_called_by_its_name() {
        for (bytes, name) in [
            (&b"%PDF-1.7"[..], "it looks like a PDF"),
            (b"8BPS\0\x01", "it looks like a Photoshop file"),
            (b"<?xml version='1.0'?><svg xmlns=''>", "it looks like an SVG"),
            (b"<!DOCTYPE html>", "it looks like an XML or HTML"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "it looks like a JPEG XL"),
            (b"\xff\x4f\xff\x51\0", "it looks like a JPEG 2000"),
            (b"", "it is empty"),
            (b"\x01\x02", "it starts with 01 02"),
            (b"hello", "it starts with 68 65 6c 6c"),
        ] {
            assert_eq!(Found::new(bytes).to_string(), name);
        }
    }
}
