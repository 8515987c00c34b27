//! PNG, through the `png` crate.

use std::io::Cursor;

use png::{ColorType, Transformations};

use crate::buffer;
use crate::codec::CodecError;
use crate::ground::Ground;
use crate::header::Header;
use crate::image::Image;

/// What becomes of the transparency of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// Colours as they are stored, as OpenCV gives them.
    Dropped,
    /// The picture as it looks on its [`Ground`].
    Shown,
}

/// Decodes PNG to BGR; keeps a buffer for pictures that need a conversion.
#[derive(Default)]
pub(crate) struct PngDecoder {
    samples: Vec<u8>,
}

impl PngDecoder {
    /// `header` has been checked against the caller's limits.
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        header: &Header,
        alpha: Alpha,
        out: &mut Image,
    ) -> Result<(), CodecError> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::normalize_to_color8());
        // Texts and profiles do not matter here and can be compressed bombs.
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let mut reader = decoder.read_info().map_err(CodecError::from_library)?;
        if reader.info().size() != (header.width, header.height) {
            return Err(CodecError::Size);
        }
        let info = reader.info();
        // png 0.18.1 panics where this does not hold (image-rs/image-png issue 694).
        let whole = |palette: &[u8]| palette.len().is_multiple_of(3) && palette.len() <= 256 * 3;
        if info.color_type == ColorType::Indexed && !info.palette.as_deref().is_some_and(whole) {
            return Err(CodecError::Palette);
        }
        out.reshape(header.width, header.height);
        let (colour, _) = reader.output_color_type();
        // To the end chunk, so that a cut-off file is noticed.
        let finish = |reader: &mut png::Reader<_>| reader.finish().map_err(CodecError::from_library);
        if colour == ColorType::Rgb {
            reader.next_frame(out.data_mut()).map_err(CodecError::from_library)?;
            finish(&mut reader)?;
            out.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            return Ok(());
        }
        if colour == ColorType::Grayscale && !reader.info().interlaced {
            for target in out.data_mut().chunks_exact_mut(header.width as usize * 3) {
                let row = reader.next_row().map_err(CodecError::from_library)?.ok_or(CodecError::Size)?;
                row.data().iter().zip(target.chunks_exact_mut(3)).for_each(|(&grey, pixel)| pixel.fill(grey));
            }
            return finish(&mut reader);
        }
        let channels = colour.samples();
        buffer::fit_length(&mut self.samples, header.width as usize * header.height as usize * channels);
        reader.next_frame(&mut self.samples).map_err(CodecError::from_library)?;
        finish(&mut reader)?;
        let ground = match alpha {
            Alpha::Shown if matches!(channels, 2 | 4) => {
                Ground::from_samples(&self.samples, header.width, channels)
            }
            _ => Ground::WHITE,
        };
        for (sample, pixel) in self.samples.chunks_exact(channels).zip(out.data_mut().chunks_exact_mut(3)) {
            match (sample, alpha) {
                (&[grey, opacity], Alpha::Shown) => pixel.fill(ground.blend_colour(grey, opacity)),
                (&[red, green, blue, opacity], Alpha::Shown) => {
                    pixel.copy_from_slice(
                        &[blue, green, red].map(|colour| ground.blend_colour(colour, opacity)),
                    );
                }
                (&([grey] | [grey, _]), _) => pixel.fill(grey),
                (&[red, green, blue, ..], _) => pixel.copy_from_slice(&[blue, green, red]),
                (&[], _) => {}
            }
        }
        buffer::release_large(&mut self.samples);
        Ok(())
    }
}
