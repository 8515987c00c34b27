//! What the slot of a model waits on and spawns with: the only place that names it, so that `crates/interleavings` can compile
//! it with a scheduler's own and run it in every order.

pub use std::sync::atomic::AtomicU32;

pub use tokio::sync::watch;
pub use tokio::task::spawn_blocking;
