//! How large a picture is on paper, as its file says: JFIF, PNG (`pHYs`), TIFF and BMP.

use super::{StillError, StillFormat, tiff};
use crate::exif;
use crate::header::{self, Format, Segments};

/// What is less or more is what programs write that know nothing of paper: cameras 72, others 1.
const BELIEVED: std::ops::RangeInclusive<f32> = 75.0..=4800.0;
const INCH_CM: f32 = 2.54;
const INCH_M: f32 = 0.0254;

/// Pixels per inch at which the pages of a PDF are drawn, unless they would be too large.
pub const PDF_DENSITY: f32 = 200.0;

/// Pixels per inch of an upright page, across and down.
pub type Density = [f32; 2];

/// The density of a page, from 0, of a file that has been probed; `None` where the file gives none that can be believed.
pub fn read_density(bytes: &[u8], page: u32) -> Option<Density> {
    let format = StillFormat::from_bytes(bytes)?;
    let found = match format {
        StillFormat::Jpeg => upright_density(Format::Jpeg, bytes, jfif_density(bytes)?),
        StillFormat::Png => upright_density(Format::Png, bytes, png_density(bytes)?),
        StillFormat::Tiff => of_tiff(bytes, page).ok()??,
        StillFormat::Bmp => bmp_density(bytes)?,
        StillFormat::Pdf => [PDF_DENSITY; 2],
        StillFormat::WebP | StillFormat::Gif | StillFormat::Avif | StillFormat::Heic => return None,
    };
    found.iter().all(|value| BELIEVED.contains(value)).then_some(found)
}

fn upright_density(format: Format, bytes: &[u8], [across, down]: Density) -> Density {
    if exif::read_orientation(format, bytes).swaps_sides() { [down, across] } else { [across, down] }
}

/// The first segment of a JFIF file (JFIF 1.02, page 5).
fn jfif_density(bytes: &[u8]) -> Option<Density> {
    let first = Segments::new(bytes).next()?.ok()?;
    let [_, _, unit, x1, x0, y1, y0, ..] = first.body.strip_prefix(b"JFIF\0")? else { return None };
    let inch = match (first.marker, unit) {
        (0xe0, 1) => 1.0,
        (0xe0, 2) => INCH_CM,
        _ => return None,
    };
    Some([[*x1, *x0], [*y1, *y0]].map(|value| f32::from(u16::from_be_bytes(value)) * inch))
}

/// The chunk `pHYs` (PNG, third edition, 11.3.4.3), which comes before the pixels.
fn png_density(bytes: &[u8]) -> Option<Density> {
    let mut chunks = header::png_chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT");
    let (_, body) = chunks.find(|(kind, _)| *kind == b"pHYs")?;
    let [x3, x2, x1, x0, y3, y2, y1, y0, 1] = *body else { return None };
    let per_m = [[x3, x2, x1, x0], [y3, y2, y1, y0]];
    Some(per_m.map(|value| u32::from_be_bytes(value) as f32 * INCH_M))
}

fn of_tiff(bytes: &[u8], page: u32) -> Result<Option<Density>, StillError> {
    let pages = tiff::pages(bytes, u32::MAX)?;
    let Some(page) = pages.get(page as usize) else { return Ok(None) };
    let inch = match page.resolution_unit {
        2 => 1.0,
        3 => INCH_CM,
        _ => return Ok(None),
    };
    let [Some(across), Some(down)] = page.resolution else { return Ok(None) };
    let (across, down) = if page.orientation.swaps_sides() { (down, across) } else { (across, down) };
    Ok(Some([across * inch, down * inch]))
}

/// The fields of a Windows header of at least 40 bytes, which count pixels in a metre.
fn bmp_density(bytes: &[u8]) -> Option<Density> {
    let number = |at: usize| bytes.get(at..)?.first_chunk().map(|value| u32::from_le_bytes(*value));
    if number(14)? < 40 {
        return None;
    }
    Some([number(38)? as f32 * INCH_M, number(42)? as f32 * INCH_M])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(found: Option<Density>, expected: Density) -> bool {
        found.is_some_and(|found| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.1))
    }

    fn jpeg(unit: u8, density: u16) -> Vec<u8> {
        let [high, low] = density.to_be_bytes();
        let jfif = [0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 2, unit, high, low, 0, 200, 0, 0];
        [&[0xff, 0xd8][..], &jfif, &[0xff, 0xd9]].concat()
    }

    #[test]
    fn a_jpeg_says_it_in_inches_or_centimetres_and_72_is_no_answer() {
        assert!(is(read_density(&jpeg(1, 300), 0), [300.0, 200.0]));
        assert!(is(read_density(&jpeg(2, 118), 0), [299.72, 508.0]));
        assert_eq!(read_density(&jpeg(0, 300), 0), None, "a ratio only");
        assert_eq!(read_density(&jpeg(1, 72), 0), None);
        assert_eq!(read_density(&[0xff, 0xd8, 0xff, 0xd9], 0), None);
    }

    #[test]
    fn a_png_says_it_before_its_pixels() {
        let chunk = |kind: &[u8; 4], body: &[u8]| {
            [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat()
        };
        let physical = [&11_811_u32.to_be_bytes()[..], &5_906_u32.to_be_bytes(), &[1]].concat();
        let file = |chunks: &[Vec<u8>]| [&header::PNG_SIGNATURE[..], &chunks.concat()].concat();
        let (header, ours, pixels) =
            (chunk(b"IHDR", &[0; 13]), chunk(b"pHYs", &physical), chunk(b"IDAT", &[]));
        let png = file(&[header.clone(), ours.clone(), pixels.clone()]);
        assert!(is(read_density(&png, 0), [300.0, 150.0]));
        assert_eq!(read_density(&file(&[header, pixels, ours]), 0), None);
        assert_eq!(read_density(&png[..45], 0), None, "cut off");
    }

    #[test]
    fn each_page_of_a_tiff_has_its_own() {
        // One directory of five entries: width, height, both resolutions, and a unit of centimetres.
        let entry = |tag: u16, kind: u16, value: u32| {
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
        };
        let (places, first) = (8 + 2 + 5 * 12 + 4, 8_u32);
        let entries = [
            entry(256, 4, 8),
            entry(257, 4, 8),
            entry(282, 5, places),
            entry(283, 5, places + 8),
            entry(296, 3, 3),
        ];
        let rationals = [1180_u32, 10, 590, 10].map(u32::to_le_bytes).concat();
        let head = [&b"II*\0"[..], &first.to_le_bytes(), &5_u16.to_le_bytes()].concat();
        let tiff = [head, entries.concat(), vec![0; 4], rationals].concat();
        assert!(is(read_density(&tiff, 0), [299.72, 149.86]));
        assert_eq!(read_density(&tiff, 1), None);
        assert_eq!(read_density(&tiff[..tiff.len() - 9], 0), None, "cut off");
    }

    #[test]
    fn a_bmp_counts_in_metres() {
        let mut bmp = vec![0; 54];
        bmp[..2].copy_from_slice(b"BM");
        bmp[14] = 40;
        bmp[38..42].copy_from_slice(&11_811_u32.to_le_bytes());
        bmp[42..46].copy_from_slice(&7_874_u32.to_le_bytes());
        assert!(bmp_density(&bmp).is_some_and(|found| is(Some(found), [300.0, 200.0])));
    }
}
