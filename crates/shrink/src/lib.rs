//! Smaller copies of pictures, for display.
#![forbid(unsafe_code)]

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use sightwire_frame::image::Image;

/// A copy whose longer side has at most `max_side` pixels, never larger than the picture.
///
/// Lanczos over all pixels that a result covers, so that thin strokes stay visible and nothing flickers. Proportions
/// are kept as far as whole pixels allow; no side becomes 0.
pub fn shrink_image(image: &Image, max_side: u32) -> Image {
    let (width, height) = (image.width(), image.height());
    let longer = width.max(height);
    let max_side = max_side.max(1);
    if longer <= max_side {
        return image.clone();
    }
    let side = |side: u32| {
        let scaled = (u64::from(side) * u64::from(max_side) + u64::from(longer) / 2) / u64::from(longer);
        (scaled as u32).max(1)
    };
    let mut out = Image::new(side(width), side(height));
    // Neither fails for three bytes a pixel. Typed, so that not all kinds of pixels are compiled, which takes a minute.
    let source = TypedImageRef::<U8x3>::from_buffer(width, height, image.data());
    let target = TypedImage::<U8x3>::from_buffer(out.width(), out.height(), out.data_mut());
    if let (Ok(source), Ok(mut target)) = (source, target) {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        let _ = Resizer::new().resize_typed(&source, &mut target, &options);
    }
    out
}
