//! Drawing onto an [`Image`](sightwire_frame::Image): what a view of a camera needs, and the shapes that it is made of.
//!
//! - [`Annotator`]: boxes with labels and trails, joints, banners, the picture before there is any
//! - [`dim`]: a picture that is not live looks not live
//! - [`draw_regions`]: outlines of texts and what they say
//! - [`Scale`]: line widths and letter sizes that follow the picture's size
//! - [`Colour`], [`PALETTE`]: colours, their contrast, and one for each class or track
//! - [`fill_rect`], [`blend_rect`], [`outline_rect`]: rectangles
//! - [`Stroker`]: smooth lines that may fade and taper
//! - [`Typesetter`]: text of any [`Letters`]
//!
//! Any coordinate is safe, also one that is huge or not a number: what lies outside the picture is not drawn, and costs
//! next to nothing.
#![forbid(unsafe_code)]

mod annotate;
mod area;
mod colour;
mod dim;
mod glyphs;
mod notice;
mod plate;
mod region;
mod scale;
mod stroke;
mod symbol;
mod text;
mod wrap;

pub use annotate::{Annotator, Mark, Skeleton, TrailPoint};
pub use area::{blend_rect, fill_rect, outline_rect};
pub use colour::{Colour, PALETTE};
pub use dim::dim_image;
pub use glyphs::Face;
pub use notice::{Edge, Tone};
pub use region::{TextRegion, draw_regions};
pub use scale::Scale;
pub use stroke::{Node, Stroker};
pub use text::{Letters, Typesetter};
