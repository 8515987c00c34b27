//! Protocols of clients that stay connected while pictures come and go. Each module translates between the wire and a pipeline
//! and holds no other logic; none imports another.
//!
//! - [`socketio`]: the sign recogniser's clients
//! - [`mjpeg`]: cameras, for browsers and everything else that reads `multipart/x-mixed-replace`
//! - [`relay`]: streams that clients send, and their viewers
//! - [`boards`]: cameras as text over a WebSocket, for the pages of the camera prototype
//!
//! What they share: [`pick`] finds the camera that is meant, [`paths`] tells apart what one path means to several, [`arrival`] is
//! who comes to watch; [`options`]: what can be chosen of them.
//!
//! A crate of its own because what is done for each picture and viewer is compiled here, down to the sockets: it is optimised
//! where the rest of the server need not be.
#![forbid(unsafe_code)]

pub mod arrival;
pub mod boards;
pub mod mjpeg;
pub mod options;
pub mod paths;
pub mod pick;
pub mod relay;
pub mod socketio;
