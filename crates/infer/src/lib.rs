//! Runs models: pixels and bytes in, labels and scores out. Knows nothing of networks or clients'
//! protocols, and runs on its own threads, never on an async runtime.
//!
//! - [`clip`]: clip classification: a window of frames in, a label out; whose frames are analysed when there are more than
//!   the machine can take (`scheduler`)
//! - [`detect`]: object detection: boxes in a picture
//! - [`landmarks`]: hands: their joints, shapes and motions
//! - [`sender`]: what clients send frame by frame, and what they get for it
//! - `allowance`: how often one of them may have a frame analysed
//! - [`jobs`]: threads, as tasks have them, for work without a network
#![forbid(unsafe_code)]

mod allowance;
pub mod clip;
pub mod detect;
pub mod jobs;
pub mod landmarks;
pub mod sender;
