//! The slot of a stream, what runs on demand, and the slot of a model: the sources of `hub` and `models` themselves, compiled
//! with locks, channels and tasks of a scheduler ([`sync`]) that runs them in one order after the other. `tests` says what must
//! be true in each.
#![forbid(unsafe_code)]
// Their own tests run where they belong.
#![cfg(not(test))]

// They are formatted where they belong.
#[rustfmt::skip]
#[path = "../../hub/src/delivery.rs"]
pub mod delivery;
#[rustfmt::skip]
#[path = "../../hub/src/on_demand.rs"]
pub mod on_demand;
#[rustfmt::skip]
#[path = "../../models/src/slot.rs"]
pub mod slot;
#[rustfmt::skip]
#[path = "../../hub/src/stream.rs"]
pub mod stream;
pub mod sync;

// What these know of the hub beside one another: without threads.
pub use sightwire_hub::{frozen, picture, source, thin};
