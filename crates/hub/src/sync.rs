//! What the slot and what runs on demand share, wait on and spawn with: the only place that names it, so that
//! `crates/interleavings` can compile them with a scheduler's own and run them in every order.

// Whose order differs from run to run.
pub use std::collections::HashMap;
pub use std::sync::atomic::{AtomicU64, AtomicUsize};

pub use parking_lot::Mutex;
pub use tokio::runtime::Handle;
pub use tokio::sync::watch;
pub use tokio::time::sleep;
pub use tokio_util::sync::CancellationToken;
pub use tokio_util::task::TaskTracker;
