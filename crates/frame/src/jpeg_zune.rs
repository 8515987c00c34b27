//! JPEG in pure Rust, for builds without cmake: `zune-jpeg` and `jpeg-encoder`.
//!
//! Decoding differs from OpenCV's bytes. Measured on the pictures of `tests/vectors`, which have hard edges in colour:
//! by up to 8 levels at quality 85 and 11 at quality 15 with 4:2:0, in 26 % of the values (colour is scaled up by
//! another rule); by up to 3 levels in 13 % at 4:2:2 and in 2 % at 4:4:4; by 1 level in grey. The resize to 224x224
//! leaves these figures as they are. `cargo test -p sightwire-frame --no-default-features -- --nocapture` prints them.
//!
//! A picture cut off is an error, but damage in the middle of the data is not noticed.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, SamplingFactor};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use crate::codec::CodecError;
use crate::decode::Scale;
use crate::header::Header;
use crate::image::Image;
use crate::{buffer, cmyk};

pub(crate) const NAME: &str = "zune-jpeg";

/// Passes over a progressive picture; see `jpeg_turbo.rs`.
const MAX_SCANS: usize = 100;

/// Decodes JPEG to BGR.
pub(crate) struct JpegDecoder {
    inks: Vec<u8>,
}

impl JpegDecoder {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as libjpeg-turbo's")]
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(Self { inks: Vec::new() })
    }

    /// [`Self::decode`]: this library does not decode what lacks its end.
    pub(crate) fn decode_cut_off(
        &mut self,
        bytes: &[u8],
        header: &Header,
        out: &mut Image,
    ) -> Result<(), CodecError> {
        self.decode(bytes, header, Scale::Whole, out)
    }

    /// `header` has been checked against the caller's limits.
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        header: &Header,
        scale: Scale,
        out: &mut Image,
    ) -> Result<(), CodecError> {
        // Only the other library decodes to fewer pixels.
        debug_assert!(scale == Scale::Whole);
        let (width, height) = (header.width as usize, header.height as usize);
        let options = DecoderOptions::default()
            // Else a picture cut off after a tenth decodes "successfully".
            .set_strict_mode(true)
            .set_max_width(width)
            .set_max_height(height)
            .jpeg_set_max_scans(MAX_SCANS)
            .jpeg_set_out_colorspace(ColorSpace::BGR);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(CodecError::from_library)?;
        let size = decoder.info().map(|info| (usize::from(info.width), usize::from(info.height)));
        if size != Some((width, height)) {
            return Err(CodecError::Size);
        }
        out.reshape(header.width, header.height);
        // Adobe's segment may name four inks in a picture that has three components; the count is what holds.
        let four = decoder.info().is_some_and(|info| info.components == 4);
        let stored = decoder.input_colorspace();
        let mut decode = |colours: ColorSpace, pixels: &mut [u8]| {
            decoder.set_options(options.jpeg_set_out_colorspace(colours));
            decoder.decode_into(pixels).map_err(CodecError::from_library)
        };
        match stored {
            // It converts only YCbCr to BGR, the others to RGB.
            Some(ColorSpace::Luma | ColorSpace::RGB) => {
                decode(ColorSpace::RGB, out.data_mut())?;
                out.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            }
            Some(inks @ (ColorSpace::CMYK | ColorSpace::YCCK)) if four => {
                buffer::fit_length(&mut self.inks, width * height * 4);
                decode(inks, &mut self.inks)?;
                if inks == ColorSpace::YCCK {
                    cmyk::from_ycck(&mut self.inks);
                }
                cmyk::to_bgr(&self.inks, out.data_mut());
                buffer::release_large(&mut self.inks);
            }
            _ => decode(ColorSpace::BGR, out.data_mut())?,
        }
        Ok(())
    }
}

/// Encodes BGR to JPEG, colour at half resolution (4:2:0).
pub(crate) struct JpegEncoder;

impl JpegEncoder {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as libjpeg-turbo's")]
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(Self)
    }

    /// `image` is not empty and `quality` is 1 to 100.
    #[expect(clippy::unused_self, reason = "the same signature as libjpeg-turbo's")]
    pub(crate) fn encode(&mut self, image: &Image, quality: u8, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let side = |pixels: u32| u16::try_from(pixels).map_err(|_| CodecError::Side(pixels));
        let (width, height) = (side(image.width())?, side(image.height())?);
        out.clear();
        let mut encoder = jpeg_encoder::Encoder::new(out, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.encode(image.data(), width, height, ColorType::Bgr).map_err(CodecError::from_library)
    }
}
