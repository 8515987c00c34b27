//! GIF, through the `gif` crate. `CompuServe`, "Graphics Interchange Format, version 89a".

use gif::{ColorOutput, DecodeOptions, DecodingError};

use super::{StillError, StillFormat};
use crate::codec::CodecError;
use crate::image::Image;

/// Size of the screen, or of the first picture where that reaches beyond it, which some writers leave at 0.
pub(super) fn read_size(bytes: &[u8]) -> Result<(u32, u32), StillError> {
    let frame = first_frame(bytes).ok_or_else(|| damaged_gif("it ends before its first picture"))?;
    let screen = [read_u16(bytes, 6), read_u16(bytes, 8)].map(Option::unwrap_or_default);
    let [left, top, width, height] = frame;
    if width == 0 || height == 0 {
        return Err(damaged_gif("its first picture has no pixels"));
    }
    Ok((screen[0].max(left + width), screen[1].max(top + height)))
}

/// Left, top, width and height of the first image descriptor.
fn first_frame(bytes: &[u8]) -> Option<[u32; 4]> {
    let flags = *bytes.get(10)?;
    let mut at = 13 + palette_bytes(flags);
    loop {
        match bytes.get(at)? {
            b',' => {
                let part = |index: usize| read_u16(bytes, at + 1 + index * 2);
                return Some([part(0)?, part(1)?, part(2)?, part(3)?]);
            }
            // An extension: its label, then blocks, each with its length before it, up to an empty one.
            b'!' => {
                at += 2;
                while *bytes.get(at)? != 0 {
                    at += 1 + usize::from(bytes[at]);
                }
                at += 1;
            }
            _ => return None,
        }
    }
}

/// Bytes of the palette that the flags of a screen or picture announce.
fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

fn damaged_gif(reason: impl Into<CodecError>) -> StillError {
    StillError::damaged(StillFormat::Gif, reason)
}

fn decoding_error(error: DecodingError) -> StillError {
    match error {
        DecodingError::Io(_) | DecodingError::UnexpectedEof => damaged_gif("it ends before its last row"),
        error => damaged_gif(CodecError::from_library(error)),
    }
}

/// Decodes the first picture onto a white screen of the given size, which is within the limits.
pub(super) fn decode_gif(
    bytes: &[u8],
    (width, height): (u32, u32),
    out: &mut Image,
) -> Result<(), StillError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let mut decoder = options.read_info(bytes).map_err(decoding_error)?;
    let frame =
        decoder.next_frame_info().map_err(decoding_error)?.ok_or_else(|| damaged_gif("it has no picture"))?;
    let [left, top, columns, rows] = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    let transparent = frame.transparent;
    if columns == 0 || left + columns > width as usize || top + rows > height as usize {
        return Err(damaged_gif("its first picture has another size than it said"));
    }
    let mut indices = vec![0; columns * rows];
    decoder.read_into_buffer(&mut indices).map_err(decoding_error)?;
    let palette = decoder.palette().map_err(decoding_error)?;
    out.reshape(width, height);
    out.data_mut().fill(255);
    let lines = out.data_mut().chunks_exact_mut(width as usize * 3).skip(top);
    for (indices, line) in indices.chunks_exact(columns).zip(lines) {
        for (&index, pixel) in indices.iter().zip(line[left * 3..].chunks_exact_mut(3)) {
            let at = usize::from(index) * 3;
            if let (Some(&[red, green, blue]), false) =
                (palette.get(at..at + 3).and_then(<[u8]>::first_chunk), transparent == Some(index))
            {
                pixel.copy_from_slice(&[blue, green, red]);
            }
        }
    }
    Ok(())
}
