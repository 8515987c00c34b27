//! How much memory it takes to decode a picture, from its headers.

use super::StillFormat;
use crate::header::{self, PNG_SIGNATURE, Segments};

/// Of the result: blue, green, red.
const RESULT: u64 = 3;
/// The libraries for these decode to a picture of their own first. Measured as peaks of a process.
const TIFF: u64 = 7;
const WEBP: u64 = 14;
/// The process that draws takes most of it.
const DRAWN: u64 = 16;

/// Bytes that decoding a page takes at most at one time, its pixels included, for a page of `size` pixels of a file that has
/// been probed. The time is linear in the bytes of the headers.
pub fn decoding_bytes(format: StillFormat, bytes: &[u8], (width, height): (u32, u32)) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    let bytes_per_pixel = match format {
        StillFormat::Jpeg => return pixels * RESULT + jpeg(bytes, pixels),
        StillFormat::Png => RESULT + png(bytes),
        StillFormat::Bmp => RESULT,
        // An index for each pixel.
        StillFormat::Gif => RESULT + 1,
        StillFormat::Tiff => TIFF,
        StillFormat::WebP => WEBP,
        StillFormat::Pdf | StillFormat::Avif | StillFormat::Heic => DRAWN,
    };
    pixels * bytes_per_pixel
}

/// What a JPEG takes besides its result: all coefficients, where they do not come block by block, and four colours.
fn jpeg(bytes: &[u8], pixels: u64) -> u64 {
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
            (0xda, [count, ..]) if progressive || *count < components => {
                return coefficients + inks(components, pixels);
            }
            _ => {}
        }
    }
    inks(components, pixels)
}

/// Of four colours a copy, from which the result is made.
fn inks(components: u8, pixels: u64) -> u64 {
    if components == 4 { pixels * 4 } else { 0 }
}

/// What each pixel of a PNG takes besides its result.
fn png(bytes: &[u8]) -> u64 {
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
        let bytes = |file: &[u8]| decoding_bytes(StillFormat::Jpeg, file, (1000, 1000)) / 10_000;
        assert_eq!(bytes(&jpeg_header(0xc0, 0x22, 3)), 300);
        assert_eq!(bytes(&jpeg_header(0xc2, 0x22, 3)), 600, "progressive, colour at half of both sides");
        assert_eq!(bytes(&jpeg_header(0xc2, 0x11, 1)), 900, "progressive, colour as dense as light");
        assert_eq!(bytes(&jpeg_header(0xc1, 0x21, 1)), 700, "one component after the other");
        assert_eq!(bytes(&[0xff, 0xd8]), 300);
    }

    #[test]
    fn a_png_that_comes_row_by_row_takes_its_pixels_and_a_transparent_one_its_samples_too() {
        let bytes = |file: &[u8]| decoding_bytes(StillFormat::Png, file, (1000, 1000)) / 1_000_000;
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
