//! How the lines of a page belong together: columns, rows, blocks, and the order in which they are read. Pure geometry: what
//! a line says is not known here.
//!
//! - [`arrange`]: all of it
//! - `bounds`: lines as upright boxes, after the page was turned so that most of them are level
//! - `rows`: what stands side by side, and which rows are those of a table
//! - `text`: what is text in columns, and what only looks like it
//! - `columns`: the best gutter of a part of the page, and into what it parts that
#![forbid(unsafe_code)]

mod bounds;
mod columns;
mod order;
mod rows;
mod text;

pub use order::{Place, arrange};
