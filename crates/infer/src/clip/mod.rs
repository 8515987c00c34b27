//! Clip classification: a window of a sender's last N frames in, a label out.
//!
//! - [`scheduler`]: whose frames are analysed
//! - [`service`]: the threads that do it, and what clients see of it
//! - [`meant`]: which motions are meant
//! - [`model`]: the networks: a backbone over each frame once, a head over each window

pub mod meant;
pub mod model;
pub mod scheduler;
pub mod service;
