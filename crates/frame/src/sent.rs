//! Frames as clients of the Python prototype send them: what its `base64.b64decode` and OpenCV's `imdecode` read there.
//!
//! JPEG and PNG in clean base64 take the fast path of [`data_url`] and [`header`]. What those refuse is looked at again: base64
//! with characters that do not belong to it or padding too much, WebP, BMP and TIFF, base64 sent as bytes.

use crate::data_url::{self, DataUrlError};
use crate::decode::{DecodeError, Decoder};
use crate::header::{self, HeaderError, Limits};
use crate::image::Image;
use crate::still::{self, StillDecoder, StillError, StillFormat, StillLimits};

/// Of a TIFF the first page counts; one with more than these is not a frame.
const MAX_PAGES: u32 = 16;

/// Why what was sent is not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentError {
    /// The text is not base64, or there is no picture in it.
    #[error(transparent)]
    Text(#[from] DataUrlError),
    /// The picture's header says why not.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The same, of a format that is not JPEG or PNG.
    #[error(transparent)]
    Still(#[from] StillError),
    /// The picture cannot be decoded.
    #[error(transparent)]
    Picture(#[from] DecodeError),
}

/// In which of the two accepted forms a picture was sent as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// The encoded file itself.
    Picture,
    /// A picture in base64, as text.
    Text,
}

/// Checks that there is a picture in the text, with a header within the limits.
pub fn probe_text(text: &str, limits: &Limits) -> Result<(), SentError> {
    let Err(error) = data_url::probe_data_url(text, limits) else { return Ok(()) };
    let unusual = matches!(
        error,
        DataUrlError::Character { .. }
            | DataUrlError::Length { .. }
            | DataUrlError::Header(HeaderError::UnknownFormat(_))
    );
    let mut bytes = Vec::new();
    if !unusual || !decode_like_python(text, &mut bytes) {
        return Err(error.into());
    }
    match probe_picture(&bytes, limits) {
        Err(SentError::Still(StillError::UnknownFormat(_))) => Err(error.into()),
        probed => probed,
    }
}

/// Checks that the bytes are a picture with a header within the limits, or text with one in it.
pub fn probe_bytes(bytes: &[u8], limits: &Limits) -> Result<Bytes, SentError> {
    match probe_picture(bytes, limits) {
        Ok(()) => Ok(Bytes::Picture),
        Err(error @ SentError::Still(StillError::UnknownFormat(_))) => match str::from_utf8(bytes) {
            Ok(text) if probe_text(text, limits).is_ok() => Ok(Bytes::Text),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn probe_picture(bytes: &[u8], limits: &Limits) -> Result<(), SentError> {
    let limit = |error| SentError::Still(StillError::Limit(error));
    match header::probe_header(bytes) {
        Ok(header) => {
            limits.check_bytes(bytes.len()).map_err(limit)?;
            limits.check_size(&header).map_err(limit)
        }
        Err(HeaderError::UnknownFormat(found)) => {
            match still::probe_still(bytes, &of_a_still(limits))?.format {
                StillFormat::WebP | StillFormat::Bmp | StillFormat::Tiff => Ok(()),
                // OpenCV reads it nowhere, or nearly so.
                _ => Err(StillError::UnknownFormat(found).into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn of_a_still(limits: &Limits) -> StillLimits {
    let Limits { max_bytes, max_pixels, max_side } = *limits;
    StillLimits { max_bytes, max_pixels, max_side, max_pages: MAX_PAGES }
}

/// The bytes of a text that was probed, into `out`, whose old content goes.
pub fn decode_text(text: &str, out: &mut Vec<u8>) -> Result<(), SentError> {
    match data_url::decode_into(text, out) {
        Err(DataUrlError::Character { .. } | DataUrlError::Length { .. })
            if decode_like_python(text, out) =>
        {
            Ok(())
        }
        decoded => Ok(decoded?),
    }
}

/// As Python's `base64.b64decode`: what is not a letter of base64 is left out, and what follows whole padding; but padding may be
/// missing. False if it cannot be base64 even so.
fn decode_like_python(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    let Ok(body) = data_url::base64_body(text) else { return false };
    let (mut letters, mut padding) = (Vec::with_capacity(body.len()), 0);
    for byte in body.bytes() {
        match byte {
            b'=' if letters.len() % 4 >= 2 && letters.len() % 4 + padding + 1 >= 4 => break,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                letters.push(byte);
                padding = 0;
            }
            _ => {}
        }
    }
    match base64_simd::forgiving_decode_to_vec(&letters) {
        Ok(decoded) => *out = decoded,
        Err(_) => return false,
    }
    !out.is_empty()
}

/// Decodes frames. Keep one per thread: it keeps its handles and buffers.
pub struct FrameDecoder {
    usual: Decoder,
    /// Made when it is first needed.
    still: Option<StillDecoder>,
}

impl FrameDecoder {
    /// A decoder for all that [`probe_bytes`] lets pass as a picture.
    pub fn new() -> Result<Self, DecodeError> {
        Ok(Self { usual: Decoder::new()?, still: None })
    }

    /// Decodes to upright BGR, as OpenCV's `imdecode` does (but what is transparent in a WebP, BMP or TIFF shows white or, behind
    /// light text in a WebP, black).
    pub fn decode(&mut self, bytes: &[u8], limits: &Limits, out: &mut Image) -> Result<(), SentError> {
        match self.usual.decode(bytes, limits, out) {
            Err(DecodeError::Header(HeaderError::UnknownFormat(_))) => {
                let still = match &mut self.still {
                    Some(still) => still,
                    None => self.still.insert(StillDecoder::new()?),
                };
                Ok(still.decode(bytes, 0, &of_a_still(limits), out)?)
            }
            decoded => Ok(decoded.map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Encoder;

    fn jpeg() -> Vec<u8> {
        let mut out = Vec::new();
        Encoder::new().unwrap().encode(&Image::new(64, 48), 80, &mut out).unwrap();
        out
    }

    /// 2 × 1 pixels of 24 bits: blue and red.
    fn bmp() -> Vec<u8> {
        let mut bmp = b"BM\x3e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
        bmp.extend([0; 24]);
        bmp.extend([255, 0, 0, 0, 0, 255, 0, 0]);
        bmp
    }

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode_text(text, &mut out).ok().map(|()| out)
    }

    #[test]
    fn base64_is_read_as_python_reads_it() {
        let (plain, jpeg) = (base64_simd::STANDARD.encode_to_string(jpeg()), jpeg());
        let trimmed = plain.trim_end_matches('=');
        for text in [
            plain.clone(),
            trimmed.to_owned(),
            format!("{trimmed}===="),
            format!("{}==", format_args!("{plain}=")),
            plain.replacen('A', "A!\u{fc}-_*", 3),
            format!("data:image/jpeg;base64,{trimmed}=\n="),
        ] {
            assert_eq!(decoded(&text).as_ref(), Some(&jpeg), "{text}");
            assert_eq!(probe_text(&text, &Limits::default()), Ok(()), "{text}");
        }
        // What follows whole padding does not count.
        assert_eq!(decoded("QUI=QUJD").as_deref(), Some(&b"AB"[..]));
        for wrong in ["", "=", "A", "QUJDR", "!!!!", "data:text/plain,abc"] {
            assert_eq!(decoded(wrong), None, "{wrong:?}");
            assert!(probe_text(wrong, &Limits::default()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_still_is_a_frame_too_and_text_as_bytes_is_text() {
        let (bmp, limits) = (bmp(), Limits::default());
        let text = base64_simd::STANDARD.encode_to_string(&bmp);
        assert_eq!(probe_text(&text, &limits), Ok(()));
        assert_eq!(probe_bytes(&bmp, &limits), Ok(Bytes::Picture));
        assert_eq!(probe_bytes(&jpeg(), &limits), Ok(Bytes::Picture));
        assert_eq!(probe_bytes(text.as_bytes(), &limits), Ok(Bytes::Text));
        let mut image = Image::default();
        let mut decoder = FrameDecoder::new().unwrap();
        decoder.decode(&bmp, &limits, &mut image).unwrap();
        assert_eq!((image.width(), image.height(), image.data()), (2, 1, &[255, 0, 0, 0, 0, 255][..]));
        decoder.decode(&jpeg(), &limits, &mut image).unwrap();
        assert_eq!((image.width(), image.height()), (64, 48));
    }

    #[test]
    fn what_is_no_frame_is_refused_before_anything_is_decoded() {
        let limits = Limits { max_side: 1, ..Limits::default() };
        assert!(matches!(probe_bytes(&bmp(), &limits), Err(SentError::Still(StillError::Limit(_)))));
        let few = Limits { max_bytes: 10, ..Limits::default() };
        assert!(probe_bytes(&bmp(), &few).is_err() && probe_bytes(&jpeg(), &few).is_err());
        let gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";
        for bytes in [&gif[..], b"", b"hello", b"aGVsbG8=", &[0xff, 0xd8, 0xff]] {
            assert!(probe_bytes(bytes, &Limits::default()).is_err(), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_passes_as_text_decodes(text in "[A-Za-z0-9+/=! ]{0,64}") {
            let _ = probe_bytes(text.as_bytes(), &Limits::default());
            if probe_text(&text, &Limits::default()).is_ok() {
                assert!(decoded(&text).is_some());
            }
        }
    }
}
