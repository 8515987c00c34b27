//! Object detection: a picture in, boxes with classes out.
//!
//! - [`model`]: [`DetectModel`]: a network's files, and [`Detector`]: what one thread runs it with
//! - [`service`]: [`DetectService`]: the threads that do it
//! - [`choose`](mod@choose): whether it is to be a network, or motion, which needs none
//! - `decode`, `suppress`: from a network's values to boxes, and of boxes of one thing the surest

pub mod choose;
mod decode;
pub mod model;
pub mod service;
mod suppress;

pub use choose::{AUTO, Chosen, DEFAULT_MODEL, MOTION, choose_model};
pub use model::{DetectError, DetectModel, DetectModelError, Detector, DetectorOptions};
pub use service::{Busy, DetectService, Found, ServiceOptions, ServiceStats};
