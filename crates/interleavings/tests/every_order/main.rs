//! What is true of the slot and of what starts and stops, in whatever order threads and tasks take their steps.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod model;
mod orders;
mod slot;
mod street;
