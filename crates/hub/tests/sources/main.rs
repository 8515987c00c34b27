//! What sources promise, against small cameras that misbehave in every way we know of. No test needs a network: all
//! addresses are in 127.0.0.0/8.
//!
//! Short timeouts are only set where a timeout is what the camera provokes; elsewhere they are so long that a slow
//! machine does not matter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a helper cannot do fails its test"
)]

mod camera;
mod capture;
mod folder;
mod mjpeg;
mod odd;
mod reconnect;
mod rules;
mod tls;
