//! Generated pictures, for tests, demos and load without a camera and without anybody's pictures.
//!
//! - [`sample`]: gesture clips
//! - [`scene`]: a car park and a street, seen by a camera, whose objects are known
//! - [`page`]: pages of text
//! - [`hand`]: hands before a camera: shapes, strokes and hands that mean nothing, with each joint known
//! - [`random`]: random numbers that only a seed decides
#![forbid(unsafe_code)]

pub mod hand;
pub mod page;
pub mod random;
pub mod sample;
pub mod scene;
