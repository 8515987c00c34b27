//! How the lines of a page belong together: the order in which they are read. Pure geometry: what a line says is not
//! known here.
#![forbid(unsafe_code)]

mod order;

pub use order::reading_order;
