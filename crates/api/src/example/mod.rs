//! One value of each message, as the documents show it: since it is of the type, it is never wrong.
//!
//! - [`server`]: what runs; [`access`]: keys and users; [`streams`]: cameras and streams; [`reading`]: text; [`shared`]: as workers
//!   read it
//! - [`events`]: what is said over Socket.IO and WebSockets

mod access;
mod events;
mod reading;
mod server;
mod shared;
mod streams;

use serde::Serialize;

/// A type that can show itself.
pub(crate) trait Example: Serialize {
    /// A likely value.
    fn example() -> Self;
}

/// A JPEG of which only the beginning is shown.
const BASE64: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD";
/// The same as a data URL.
const DATA_URL: &str = "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD";
/// The server's clock.
const NOW: f64 = 1_795_356_000.123;
