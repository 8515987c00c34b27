//! Generated pictures, for tests, demos and load without a camera and without anybody's pictures.
//!
//! - [`sample`]: gesture clips
//! - [`scene`]: a car park and a street, seen by a camera, whose objects are known
//! - [`page`]: pages of text
//! - [`random`]: random numbers that only a seed decides
#![forbid(unsafe_code)]

pub mod page;
pub mod random;
pub mod sample;
pub mod scene;
