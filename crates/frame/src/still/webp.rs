//! WebP, through the `image-webp` crate. RFC 9649.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::{StillError, StillFormat, check_size};
use crate::codec::CodecError;
use crate::exif::{self, Orientation};
use crate::ground::Ground;
use crate::header::Limits;
use crate::image::Image;

/// What stands in the chunks of a file.
pub(super) struct WebpHeader {
    pub size: (u32, u32),
    pub orientation: Orientation,
}

/// Size and orientation. Each picture within the file is checked against the limits: the library takes memory for what
/// its own header says before it compares that with the file's.
pub(super) fn read_header(bytes: &[u8], limits: &Limits) -> Result<WebpHeader, StillError> {
    let mut size = None;
    let mut orientation = Orientation::Upright;
    for (kind, body) in (Chunks { rest: bytes.get(12..).unwrap_or_default() }) {
        match &kind {
            b"EXIF" => orientation = exif::of_tiff(body.strip_prefix(b"Exif\0\0").unwrap_or(body)),
            b"ANMF" => {
                // Place, size and duration of the frame stand before its own chunks.
                for (kind, body) in (Chunks { rest: body.get(16..).unwrap_or_default() }) {
                    check_picture(kind, body, limits)?;
                }
            }
            _ => {
                let found = check_picture(kind, body, limits)?;
                size = size.or(found);
            }
        }
    }
    let size = size.ok_or_else(|| damaged_webp("it ends within its header"))?;
    Ok(WebpHeader { size, orientation })
}

/// The size that a chunk gives, if it is one that gives a size.
fn check_picture(kind: [u8; 4], body: &[u8], limits: &Limits) -> Result<Option<(u32, u32)>, StillError> {
    let size = match &kind {
        b"VP8X" => canvas_size(body),
        b"VP8 " => lossy_size(body),
        b"VP8L" => lossless_size(body),
        _ => return Ok(None),
    };
    let size = size.ok_or_else(|| damaged_webp("the header of a picture within it is broken"))?;
    check_size(size, limits)?;
    Ok(Some(size))
}

fn canvas_size(body: &[u8]) -> Option<(u32, u32)> {
    let side =
        |at: usize| Some(u32::from_le_bytes([*body.get(at)?, *body.get(at + 1)?, *body.get(at + 2)?, 0]) + 1);
    Some((side(4)?, side(7)?))
}

/// RFC 6386, section 9.1.
fn lossy_size(body: &[u8]) -> Option<(u32, u32)> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = body.first_chunk()? else { return None };
    // The two bits above are a scale that nobody applies.
    let [width, height] = [[w0, w1], [h0, h1]].map(|side| u32::from(u16::from_le_bytes(side) & 0x3fff));
    (width > 0 && height > 0).then_some((width, height))
}

fn lossless_size(body: &[u8]) -> Option<(u32, u32)> {
    let &[0x2f, a, b, c, d] = body.first_chunk()? else { return None };
    let bits = u32::from_le_bytes([a, b, c, d]);
    Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}

/// The chunks of a RIFF file. The body of one that is cut off is as far as it goes.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, after) = self.rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let body = &after[..length.min(after.len())];
        // Chunks start at even places.
        self.rest = after.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some((*kind, body))
    }
}

fn damaged_webp(reason: impl Into<CodecError>) -> StillError {
    StillError::damaged(StillFormat::WebP, reason)
}

fn decoding_error(error: DecodingError) -> StillError {
    match error {
        DecodingError::UnsupportedFeature(what) => StillError::unsupported(StillFormat::WebP, what),
        DecodingError::IoError(_) => damaged_webp("it ends before its last row"),
        error => damaged_webp(CodecError::from_library(error)),
    }
}

/// Decodes the first picture. Its size has been checked against the limits.
pub(super) fn decode_webp(bytes: &[u8], size: (u32, u32), out: &mut Image) -> Result<(), StillError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(decoding_error)?;
    if decoder.dimensions() != size {
        return Err(damaged_webp(CodecError::Size));
    }
    out.reshape(size.0, size.1);
    if !decoder.has_alpha() {
        decoder.read_image(out.data_mut()).map_err(decoding_error)?;
        out.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
        return Ok(());
    }
    let mut samples = vec![0; size.0 as usize * size.1 as usize * 4];
    decoder.set_memory_limit(samples.len() + bytes.len());
    decoder.read_image(&mut samples).map_err(decoding_error)?;
    let ground = Ground::from_samples(&samples, size.0, 4);
    for (sample, pixel) in samples.chunks_exact(4).zip(out.data_mut().chunks_exact_mut(3)) {
        pixel.copy_from_slice(
            &[sample[2], sample[1], sample[0]].map(|colour| ground.blend_colour(colour, sample[3])),
        );
    }
    Ok(())
}
