//! HEIC, with heifer.

use heifer::Options;
use sightwire_pages::answer::{Refusal, words};
use sightwire_pages::request::Request;

use crate::Rgba;

/// The main picture, upright.
pub(super) fn draw(file: &[u8], request: &Request) -> Result<Rgba, Refusal> {
    // As many as the pages that are decoded at once: one each.
    let options = Options { max_threads: 1, max_pixels: request.max_pixels.saturating_mul(4) };
    match heifer::decode_rgba8(file, &options) {
        Ok(image) => Ok(Rgba { size: (image.width, image.height), data: image.data }),
        Err(heifer::Error::Unsupported(what)) => Err(Refusal::Unsupported(words(what.as_bytes()))),
        Err(error) => Err(Refusal::Damaged(words(error.to_string().as_bytes()))),
    }
}
