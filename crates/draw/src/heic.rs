//! HEIC, with heifer.

use heifer::Options;
use sightwire_documents::answer::{Refusal, sanitize_words};
use sightwire_documents::request::Request;

use crate::Rgba;

/// The main picture, upright.
pub(super) fn draw_heic(file: &[u8], request: &Request) -> Result<Rgba, Refusal> {
    // As many as the pages that are decoded at once: one each.
    let options = Options { max_threads: 1, max_pixels: request.max_pixels.saturating_mul(4) };
    match heifer::decode_rgba8(file, &options) {
        Ok(image) => Ok(Rgba { size: (image.width, image.height), data: image.data }),
        Err(heifer::Error::Unsupported(what)) => Err(Refusal::Unsupported(sanitize_words(what.as_bytes()))),
        Err(error) => Err(Refusal::Damaged(sanitize_words(error.to_string().as_bytes()))),
    }
}
