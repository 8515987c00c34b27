//! Still pictures of all formats and kinds: the pixels that are known, and whatever people send.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a helper cannot do fails its test")]

mod bad;
mod files;
mod kinds;

use sightwire_frame::Image;
use sightwire_frame::still::{StillDecoder, StillError, StillHeader, StillLimits, probe_still};

fn decode_page(bytes: &[u8], page: u32) -> Result<Image, StillError> {
    let mut image = Image::default();
    StillDecoder::new()?.decode(bytes, page, &StillLimits::default(), &mut image)?;
    Ok(image)
}

/// The first page; what `probe` says of it holds.
fn decode(bytes: &[u8]) -> Image {
    let image = decode_page(bytes, 0).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(header(bytes).pages[0], (image.width(), image.height()));
    image
}

fn header(bytes: &[u8]) -> StillHeader {
    probe_still(bytes, &StillLimits::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn error(bytes: &[u8]) -> String {
    match probe_still(bytes, &StillLimits::default()) {
        Ok(_) => decode_page(bytes, 0).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}
