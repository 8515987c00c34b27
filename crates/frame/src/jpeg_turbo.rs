//! JPEG through libjpeg-turbo: the same bytes as OpenCV, which uses it too.

use turbojpeg::{Colorspace, Compressor, Decompressor, PixelFormat, ScalingFactor, Subsamp};

use crate::codec::CodecError;
use crate::decode::Scale;
use crate::header::{Header, JPEG_END};
use crate::image::Image;
use crate::{buffer, cmyk};

pub(crate) const NAME: &str = "libjpeg-turbo";

/// Passes over a progressive picture. Real ones have about ten; hundreds of empty ones are an attack on CPU time.
const MAX_SCANS: u32 = 100;

/// What the library warns of though no pixel is missing: it has read all blocks, and says what stood between them. Boards put bytes
/// before each restart marker; other programs decode these without a word.
const HARMLESS: [&str; 3] =
    ["extraneous bytes before marker", "Unknown Adobe color transform code", "unknown JFIF revision number"];

/// The library has come to the end of the bytes: perhaps they lack nothing but the last marker.
const NO_END: &str = "Premature end of JPEG file";

/// Decodes JPEG to BGR.
pub(crate) struct JpegDecoder {
    handle: Decompressor,
    inks: Vec<u8>,
}

impl JpegDecoder {
    pub(crate) fn new() -> Result<Self, CodecError> {
        let mut handle = Decompressor::new().map_err(CodecError::from_library)?;
        handle.set_scan_limit(MAX_SCANS).map_err(CodecError::from_library)?;
        Ok(Self { handle, inks: Vec::new() })
    }

    /// `header` has been checked against the caller's limits.
    ///
    /// The library's warnings are errors here, but for the [harmless](HARMLESS) ones: they mean that pixels are missing or made up.
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        header: &Header,
        scale: Scale,
        out: &mut Image,
    ) -> Result<(), CodecError> {
        let mut decoded = self.decode_once(bytes, header, scale, &HARMLESS, out);
        if decoded.as_ref().is_err_and(|error| error.to_string().contains(NO_END))
            && !bytes.ends_with(&JPEG_END)
        {
            // With it there is nothing to warn of, unless pixels are missing.
            *self = Self::new()?;
            decoded = self.decode_once(&[bytes, &JPEG_END].concat(), header, scale, &HARMLESS, out);
        }
        if decoded.is_err() {
            // The library stays within a header that it could not read, and takes the next picture for its rest.
            *self = Self::new()?;
        }
        decoded
    }

    /// The same of a picture that lacks its end: what is missing of it is grey.
    pub(crate) fn decode_cut_off(
        &mut self,
        bytes: &[u8],
        header: &Header,
        out: &mut Image,
    ) -> Result<(), CodecError> {
        let harmless = [&HARMLESS[..], &[NO_END]].concat();
        let decoded = self.decode_once(bytes, header, Scale::Whole, &harmless, out);
        *self = Self::new()?;
        decoded
    }

    fn decode_once(
        &mut self,
        bytes: &[u8],
        header: &Header,
        scale: Scale,
        harmless: &[&str],
        out: &mut Image,
    ) -> Result<(), CodecError> {
        let found = self.handle.read_header(bytes).map_err(CodecError::from_library)?;
        if (found.width, found.height) != (header.width as usize, header.height as usize) {
            return Err(CodecError::Size);
        }
        let factor = ScalingFactor::new(1, scale.divisor() as usize);
        self.handle.set_scaling_factor(factor).map_err(CodecError::from_library)?;
        out.reshape(scale.side(header.width), scale.side(header.height));
        let (width, height) = (out.width() as usize, out.height() as usize);
        let four_colours = matches!(found.colorspace, Colorspace::CMYK | Colorspace::YCCK);
        let (pixels, format) = if four_colours {
            buffer::fit_length(&mut self.inks, width * height * 4);
            (self.inks.as_mut_slice(), PixelFormat::CMYK)
        } else {
            (out.data_mut(), PixelFormat::BGR)
        };
        let pitch = width * format.size();
        let target = turbojpeg::Image { pixels, width, pitch, height, format };
        match self.handle.decompress(bytes, target) {
            Err(turbojpeg::Error::TurboJpegError(said))
                if harmless.iter().any(|harmless| said.contains(harmless)) => {}
            decompressed => decompressed.map_err(CodecError::from_library)?,
        }
        if four_colours {
            cmyk::to_bgr(&self.inks, out.data_mut());
            buffer::release_large(&mut self.inks);
        }
        Ok(())
    }
}

/// Encodes BGR to JPEG, colour at half resolution (4:2:0).
pub(crate) struct JpegEncoder {
    handle: Compressor,
    buffer: Vec<u8>,
}

impl JpegEncoder {
    pub(crate) fn new() -> Result<Self, CodecError> {
        let mut handle = Compressor::new().map_err(CodecError::from_library)?;
        handle.set_subsamp(Subsamp::Sub2x2).map_err(CodecError::from_library)?;
        Ok(Self { handle, buffer: Vec::new() })
    }

    /// `image` is not empty and `quality` is 1 to 100.
    pub(crate) fn encode(&mut self, image: &Image, quality: u8, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let most = turbojpeg::compressed_buf_len(width, height, Subsamp::Sub2x2);
        let most = most.map_err(CodecError::from_library)?;
        buffer::fit_length(&mut self.buffer, most);
        self.handle.set_quality(quality.into()).map_err(CodecError::from_library)?;
        let format = PixelFormat::BGR;
        let source = turbojpeg::Image { pixels: image.data(), width, pitch: width * 3, height, format };
        let len = self.handle.compress_to_slice(source, &mut self.buffer);
        let len = len.map_err(CodecError::from_library)?;
        out.clear();
        out.extend_from_slice(&self.buffer[..len]);
        Ok(())
    }
}
