//! What differs from the background because something is gone that was taken for background, such as a car that drives
//! off, and its shadow: the outline is in the background and not in the picture. With something that has come it is
//! the other way round.

use super::background::Background;
use super::blobs::Blob;
use super::copy::Copy;

/// How long it has looked the same, s: behind something that moves there is no outline either.
const REST_S: f32 = 0.7;
/// The outline in the picture is weaker than this share of that in the background.
const OUTLINE: f32 = 0.6;

/// Whether a part shows what is behind something that is gone. `places` tells which places belong to parts.
pub(super) fn is_ghost(copy: &Copy, background: &Background, places: &[u8], part: &Blob) -> bool {
    let width = copy.width;
    let (mut resting, mut changed, mut now, mut then) = (0, 0, 0.0, 0.0);
    for y in part.top.max(1)..part.bottom.min(copy.height - 1) {
        for x in part.left.max(1)..part.right.min(width - 1) {
            let index = y * width + x;
            if places[index] == 0 {
                continue;
            }
            if background.contrast[index] > 0.0 {
                changed += 1;
                resting += usize::from(background.rest_s[index] >= REST_S);
            }
            let around = [index - 1, index + 1, index - width, index + width];
            if around.iter().any(|at| places[*at] == 0) {
                now += brightness_slope(&copy.grey, around);
                then += brightness_slope(&background.mean, around);
            }
        }
    }
    resting * 2 > changed && now < OUTLINE * then
}

/// Takes it for background, where it has looked the same for that long.
pub(super) fn accept_ghost(copy: &Copy, background: &mut Background, places: &[u8], part: &Blob) {
    for y in part.top..part.bottom {
        for x in part.left..part.right {
            let index = y * copy.width + x;
            if places[index] == 1 && background.rest_s[index] >= REST_S {
                background.accept_place(copy, index);
            }
        }
    }
}

/// Of the brightness between the places left, right, above and below.
fn brightness_slope(grey: &[f32], [left, right, above, below]: [usize; 4]) -> f32 {
    (grey[right] - grey[left]).abs() + (grey[below] - grey[above]).abs()
}
