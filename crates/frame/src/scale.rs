//! Smaller copies of pictures, for display.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::image::Image;

/// A copy whose longer side has at most `max_side` pixels, never larger than the picture.
///
/// Lanczos over all pixels that a result covers, so that thin strokes stay visible and nothing flickers. Proportions
/// are kept as far as whole pixels allow; no side becomes 0.
pub fn shrink(image: &Image, max_side: u32) -> Image {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, colour: [u8; 3]) -> Image {
        Image::from_bgr(width, height, colour.repeat((width * height) as usize)).unwrap()
    }

    #[test]
    fn the_longer_side_decides_and_nothing_grows() {
        for ((width, height), max_side, expected) in [
            ((4000, 3000), 1000, (1000, 750)),
            ((3000, 4000), 1000, (750, 1000)),
            ((100, 50), 1000, (100, 50)),
            ((100, 50), 100, (100, 50)),
            ((30_000, 1), 300, (300, 1)),
            ((1, 30_000), 0, (1, 1)),
            ((0, 0), 10, (0, 0)),
        ] {
            let small = shrink(&flat(width, height, [10, 20, 30]), max_side);
            assert_eq!((small.width(), small.height()), expected, "{width}x{height} to {max_side}");
            assert!(small.data().chunks_exact(3).all(|pixel| pixel == [10, 20, 30]));
        }
    }

    #[test]
    fn a_thin_line_stays_and_a_fine_pattern_becomes_grey() {
        let mut line = flat(800, 800, [255; 3]);
        line.data_mut()[400 * 800 * 3..401 * 800 * 3].fill(0);
        let darkest = shrink(&line, 100).data().iter().copied().min();
        assert!(darkest < Some(240), "{darkest:?}");
        let mut stripes = flat(800, 800, [255; 3]);
        stripes.data_mut().chunks_exact_mut(2400).step_by(2).for_each(|row| row.fill(0));
        let grey = shrink(&stripes, 100);
        let inner = &grey.data()[10 * 300..90 * 300];
        assert!(inner.iter().all(|level| (120..=135).contains(level)));
    }
}
