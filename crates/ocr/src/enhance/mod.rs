//! What can be done to a picture before its text is read: made level, evened out, freed of noise.
//!
//! - [`skew`], [`rotate_image`]: how far the lines of a page lean, and turning it
//! - [`Affine`]: where a point goes when a picture is turned
//! - [`corners`], [`straighten`]: where a page lies in a photograph, and the page as if seen from straight above
//! - [`Homography`]: where a point goes when a page is straightened
//! - [`even_contrast`]: contrast that is alike all over the page
//! - [`denoise_image`]: less noise, the same edges
//!
//! Each gives the same bytes for the same picture on every machine, and takes memory in proportion to the picture.

mod affine;
mod contrast;
mod corners;
mod homography;
mod noise;
mod skew;
mod straighten;
mod turn;

pub use affine::Affine;
pub use contrast::even_contrast;
pub use corners::{Corners, find_corners};
pub use homography::Homography;
pub use noise::denoise_image;
pub use skew::measure_skew;
pub use straighten::straighten_page;
pub use turn::rotate_image;

use sightwire_frame::Image;

/// The lightness of a pixel (BT.601), as OpenCV computes it.
fn pixel_lightness(pixel: &[u8]) -> u8 {
    let [blue, green, red] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((blue * 3735 + green * 19_235 + red * 9798 + (1 << 14)) >> 15) as u8
}

/// The lightness of all pixels, row by row.
fn lightness_of(image: &Image) -> Vec<u8> {
    image.data().chunks_exact(3).map(pixel_lightness).collect()
}
