//! Streams of live pictures: sources that write them, subscribers that read them. Knows nothing of models.
//!
//! - [`multipart`]: parses MJPEG: finds the JPEG pictures in the bytes that a camera sends
//! - [`source`]: cameras and folders: which addresses may be reached (`allow`), how they are asked (`web`, `mjpeg`,
//!   `capture`), and how they are reached again after they failed
//! - [`stream`]: a slot with the newest picture; its producer and its subscribers
//! - [`picture`]: one picture, its file and its pixels; [`forms`]: as which it is sent; [`delivery`]: what viewers got and what they missed
//! - [`on_demand`]: what runs while someone needs it
//! - [`reader`]: reads a source for a stream, and says what is wrong with it
//! - [`thin`]: fewer pictures than there are
//! - [`silence`]: tells when a source is too quiet
//! - [`frozen`]: tells when a source repeats itself or has become slow
//! - `sync`: what threads and tasks meet at
#![forbid(unsafe_code)]

pub mod delivery;
pub mod forms;
pub mod frozen;
pub mod multipart;
pub mod on_demand;
pub mod picture;
pub mod reader;
pub mod silence;
pub mod source;
pub mod stream;
mod sync;
pub mod thin;
