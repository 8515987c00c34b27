//! Pictures, of live video and stills, and what can be done to their pixels. Nothing here knows of async, models or
//! networks.
//!
//! - [`image`]: the picture itself, [`Image`]: BGR, 8 bit, rows without padding
//! - [`header`]: format and size of a JPEG or PNG from its first bytes, and the limits on them
//! - [`data_url`]: base64 and `data:` URLs
//! - [`boxes`]: upright boxes
//! - [`codec`]: what the libraries of the formats say when they give a picture up
//! - [`decode`]: JPEG or PNG to [`Image`], as OpenCV's `imdecode` does
//! - [`encode`]: [`Image`] to JPEG
//! - [`letterbox`]: a picture fitted into the input of a detector
//! - [`resize`]: bilinear, bit for bit as OpenCV's `INTER_LINEAR`
//! - [`sent`]: frames as old clients send them, in whatever format and base64
//! - [`still`]: pictures as people have them: JPEG, PNG, WebP, TIFF, BMP, GIF
//! - [`turned`]: a turned square of a picture as the input of a network
#![forbid(unsafe_code)]

pub mod boxes;
pub mod codec;
pub mod data_url;
pub mod decode;
pub mod encode;
pub mod header;
pub mod image;
pub mod letterbox;
pub mod resize;
pub mod sent;
pub mod still;
pub mod turned;

mod buffer;
mod cmyk;
mod exif;
mod found;
mod ground;
#[cfg(feature = "turbo")]
mod jpeg_turbo;
#[cfg(not(feature = "turbo"))]
mod jpeg_zune;
mod png;

/// The JPEG library behind [`Decoder`] and [`Encoder`].
#[cfg(feature = "turbo")]
use jpeg_turbo as jpeg;
#[cfg(not(feature = "turbo"))]
use jpeg_zune as jpeg;

pub use decode::{DecodeError, Decoder, Scale};
pub use encode::{EncodeError, Encoder};
pub use image::{Image, ImageError};
pub use resize::{ResizeError, Resizer};

/// The JPEG library that this build uses: `libjpeg-turbo` (feature `turbo`) or `zune-jpeg`.
///
/// With `libjpeg-turbo` decoding gives the same bytes as OpenCV. `zune-jpeg` needs nothing but Rust and differs by a
/// few levels (the figure stands in `jpeg_zune.rs`).
pub const JPEG_BACKEND: &str = jpeg::NAME;
