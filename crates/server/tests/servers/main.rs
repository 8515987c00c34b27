//! Whole servers in this process, reached through pipes in memory, with the runtime's clock paused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod house;
mod mjpeg;
mod support;

mod arriving;
mod cameras;
mod cluster;
mod cluster_cameras;
mod cluster_lists;
mod cluster_rights;
mod limits;
mod lives;
mod memory;
mod quality;
mod senders;
mod sessions;
mod slow;
