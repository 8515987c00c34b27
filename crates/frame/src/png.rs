//! PNG, through the `png` crate.

use std::io::Cursor;

use png::{ColorType, Transformations};

use crate::header::Header;
use crate::image::Image;

/// Decodes PNG to BGR; keeps a buffer for pictures that need a conversion.
#[derive(Default)]
pub(crate) struct PngDecoder {
    samples: Vec<u8>,
}

impl PngDecoder {
    /// `header` has been checked against the caller's limits. The error is a sentence fragment.
    pub(crate) fn decode(&mut self, bytes: &[u8], header: &Header, out: &mut Image) -> Result<(), String> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::normalize_to_color8());
        // Texts and profiles do not matter here and can be compressed bombs.
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
        if reader.info().size() != (header.width, header.height) {
            return Err("the size differs from the header's".to_owned());
        }
        out.reshape(header.width, header.height);
        let (colour, _) = reader.output_color_type();
        let mut into = |buffer: &mut [u8]| -> Result<(), String> {
            reader.next_frame(buffer).map_err(|error| error.to_string())?;
            // Reads on to the end chunk, so that a cut-off file is noticed.
            reader.finish().map_err(|error| error.to_string())
        };
        if colour == ColorType::Rgb {
            into(out.data_mut())?;
            out.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            return Ok(());
        }
        let channels = colour.samples();
        self.samples.resize(header.width as usize * header.height as usize * channels, 0);
        into(&mut self.samples)?;
        for (sample, pixel) in self.samples.chunks_exact(channels).zip(out.data_mut().chunks_exact_mut(3)) {
            match *sample {
                [grey] | [grey, _] => pixel.fill(grey),
                [red, green, blue, ..] => pixel.copy_from_slice(&[blue, green, red]),
                [] => {}
            }
        }
        Ok(())
    }
}
