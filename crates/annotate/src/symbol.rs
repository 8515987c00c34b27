//! A camera, drawn of lines.

use super::Colour;
use super::stroke::{Node, Stroker};
use sightwire_frame::Image;

/// Height of the camera for a width of 1.
pub(super) const HEIGHT: f32 = 0.6;

/// A video camera seen from its side, `size` pixels wide around its centre.
pub(super) fn draw_camera(
    stroker: &mut Stroker,
    image: &mut Image,
    (x, y): (f32, f32),
    (size, line): (f32, f32),
    colour: Colour,
) {
    let node = |(right, down): (f32, f32)| Node {
        x: x + right * size,
        y: y + down * size,
        width: line,
        opacity: 1.0,
    };
    let body = [(-0.5, -0.3), (0.2, -0.3), (0.2, 0.3), (-0.5, 0.3), (-0.5, -0.3)];
    let lens = [(0.2, -0.08), (0.5, -0.25), (0.5, 0.25), (0.2, 0.08)];
    stroker.stroke(image, body.map(node), colour);
    stroker.stroke(image, lens.map(node), colour);
}
