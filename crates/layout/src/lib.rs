//! How the lines of a page belong together: columns, rows, blocks, and the order in which they are read. Pure: no
//! picture, no network.
//!
//! - [`arrange_lines`]: all of it
//! - [`Directions`]: which lines stand on their head
//! - `bounds`: lines as upright boxes, after the page was turned so that most of them are level
//! - `rows`: what stands side by side, running heads and feet
//! - `tables`: cells, and from where to where their table goes
//! - `text`: what is text in columns, and what only looks like it
//! - `columns`: the best gutter of a part of the page, and into what it parts that
#![forbid(unsafe_code)]

mod bounds;
mod columns;
mod direction;
mod order;
mod rows;
mod tables;
mod text;

pub use direction::{Directions, counts_before, telling_letters};
pub use order::{LinePosition, arrange_lines};
