//! How much memory it takes to decode a picture, from its headers.

use super::{StillFormat, tiff};
use crate::header::{self, PNG_SIGNATURE, Segments};

/// Of the result: blue, green, red.
const RESULT: u64 = 3;
/// The library decodes to pictures of its own first: samples with transparency, and of an animation the canvas and a frame.
const WEBP: u64 = 15;
/// Of a sample of a TIFF: 16 bits.
const SAMPLE: u64 = 2;
/// Of a picture beside a copy of it. Measured.
const SHOWN: u64 = 7;
/// What the process that draws takes, of each pixel. Measured.
const DRAWING: u64 = 13;

/// Bytes that decoding each page of a file takes at most at one time, its pixels included, where the file has been probed and its
/// pages are of these `sizes`. Of pages that another process draws: without that. The time is linear in the bytes of the headers.
pub fn decoding_bytes(format: StillFormat, bytes: &[u8], sizes: &[(u32, u32)]) -> Vec<u64> {
    let of_each =
        |bytes_per_pixel: u64| sizes.iter().map(|size| count_pixels(*size) * bytes_per_pixel).collect();
    match format {
        StillFormat::Jpeg => sizes
            .iter()
            .map(|size| count_pixels(*size) * RESULT + jpeg_bytes(bytes, count_pixels(*size)))
            .collect(),
        StillFormat::Png => of_each(RESULT + png_bytes(bytes)),
        StillFormat::Bmp | StillFormat::Pdf | StillFormat::Avif | StillFormat::Heic => of_each(RESULT),
        // An index for each pixel.
        StillFormat::Gif => of_each(RESULT + 1),
        StillFormat::Tiff => {
            let pages = tiff::pages(bytes, u32::MAX).unwrap_or_default();
            let samples = |index: usize, size| {
                pages.get(index).map_or(count_pixels(size) * 4, tiff::Page::most_samples)
            };
            let sizes = sizes.iter().enumerate();
            sizes.map(|(index, size)| count_pixels(*size) * RESULT + samples(index, *size) * SAMPLE).collect()
        }
        StillFormat::WebP => of_each(WEBP),
    }
}

/// Bytes that another process takes to draw a page of this many pixels; 0 for what is decoded here.
pub fn drawing_bytes(format: StillFormat, size: (u32, u32)) -> u64 {
    if format.is_drawn() { count_pixels(size) * DRAWING } else { 0 }
}

/// Bytes that a picture of this size takes at most while it is turned upright, and looked at or shown.
pub fn shown_bytes(size: (u32, u32)) -> u64 {
    count_pixels(size) * SHOWN
}

fn count_pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// What a JPEG takes besides its result: all coefficients, where they do not come block by block, and four colours.
fn jpeg_bytes(bytes: &[u8], pixels: u64) -> u64 {
    let (mut progressive, mut components, mut coefficients) = (false, 0, 0);
    for segment in Segments::new(bytes).map_while(Result::ok) {
        match (segment.marker, segment.body) {
            // The frame header: each component has a byte that says how densely it is sampled, across and down.
            (0xc0..=0xc3 | 0xc9..=0xcb, [_, _, _, _, _, count, parts @ ..]) => {
                progressive = matches!(segment.marker, 0xc2 | 0xca);
                components = *count;
                let densities =
                    parts.chunks_exact(3).map(|part| u64::from(part[1] >> 4) * u64::from(part[1] & 15));
                let most = densities.clone().max().unwrap_or_default().max(1);
                // Two bytes for each sample.
                coefficients = (pixels * 2 * densities.sum::<u64>()).div_ceil(most);
            }
            // The first scan: the library keeps all coefficients if it lacks a component.
            (0xda, [count, ..]) => {
                let kept = if progressive || *count < components { coefficients } else { 0 };
                return kept + ink_bytes(components, pixels);
            }
            _ => {}
        }
    }
    // What follows them is odd, and perhaps not to the library.
    coefficients + ink_bytes(components, pixels)
}

/// Of four colours a copy, from which the result is made.
fn ink_bytes(components: u8, pixels: u64) -> u64 {
    if components == 4 { pixels * 4 } else { 0 }
}

/// What each pixel of a PNG takes besides its result.
fn png_bytes(bytes: &[u8]) -> u64 {
    let body = bytes.get(PNG_SIGNATURE.len() + 8..).unwrap_or_default();
    let [_, _, _, _, _, _, _, _, _, colour, _, _, interlaced, ..] = *body else { return 4 };
    let transparent =
        header::png_chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT").any(|(kind, _)| kind == b"tRNS");
    match colour {
        0 | 4 if colour == 4 || transparent => 2,
        0 => u64::from(interlaced),
        2 | 3 if !transparent => 0,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::PNG_SIGNATURE;

    /// The headers of a JPEG of three components, the first of which is sampled so densely; its first scan has `scanned` of them.
    fn jpeg_header(frame: u8, density: u8, scanned: u8) -> Vec<u8> {
        let frame = [0xff, frame, 0, 17, 8, 0, 10, 0, 10, 3, 1, density, 0, 2, 0x11, 1, 3, 0x11, 1];
        [&[0xff, 0xd8][..], &frame, &[0xff, 0xda, 0, 3, scanned]].concat()
    }

    fn png_header(colour: u8, interlaced: u8, transparent: bool) -> Vec<u8> {
        let chunk =
            |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat();
        let header = [0, 0, 0, 10, 0, 0, 0, 10, 8, colour, 0, 0, interlaced];
        let transparency = if transparent { chunk(b"tRNS", &[0; 2]) } else { Vec::new() };
        [&PNG_SIGNATURE[..], &chunk(b"IHDR", &header), &transparency, &chunk(b"IDAT", &[])].concat()
    }

    #[test]
    fn a_jpeg_that_comes_block_by_block_takes_its_pixels_and_another_its_coefficients_too() {
        let bytes = |file: &[u8]| decoding_bytes(StillFormat::Jpeg, file, &[(1000, 1000)])[0] / 10_000;
        assert_eq!(bytes(&jpeg_header(0xc0, 0x22, 3)), 300);
        assert_eq!(bytes(&jpeg_header(0xc2, 0x22, 3)), 600, "progressive, colour at half of both sides");
        assert_eq!(bytes(&jpeg_header(0xc2, 0x11, 1)), 900, "progressive, colour as dense as light");
        assert_eq!(bytes(&jpeg_header(0xc1, 0x21, 1)), 700, "one component after the other");
        assert_eq!(bytes(&[0xff, 0xd8]), 300);
        // The library passes over a comment that says that it has no length.
        let progressive = jpeg_header(0xc2, 0x11, 3);
        let (header, scan) = progressive.split_at(progressive.len() - 5);
        assert_eq!(bytes(&[header, &[0xff, 0xfe, 0, 0], scan].concat()), 900);
    }

    #[test]
    fn a_png_that_comes_row_by_row_takes_its_pixels_and_a_transparent_one_its_samples_too() {
        let bytes = |file: &[u8]| decoding_bytes(StillFormat::Png, file, &[(1000, 1000)])[0] / 1_000_000;
        for (colour, interlaced, transparent, expected) in [
            (0, 0, false, 3),
            (0, 1, false, 4),
            (0, 0, true, 5),
            (2, 0, false, 3),
            (2, 1, false, 3),
            (2, 0, true, 7),
            (3, 0, false, 3),
            (3, 0, true, 7),
            (4, 0, false, 5),
            (6, 0, false, 7),
        ] {
            assert_eq!(
                bytes(&png_header(colour, interlaced, transparent)),
                expected,
                "{colour} {interlaced}"
            );
        }
        assert_eq!(bytes(&PNG_SIGNATURE), 7, "nothing is known");
    }
}
