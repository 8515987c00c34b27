//! How a job is read: what stands in its folder for all who read it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightwire_api::read::ReadOptions;
use sightwire_models::manifest::Precision;
use sightwire_reading::output::{exact_options, options_of};
use sightwire_reading::work::ReadRequest;

/// With which model, with which options, within which time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct How {
    model: String,
    /// Differs where the model's files do.
    pub digest: String,
    options: ReadOptions,
    deadline_s: f64,
    /// `None` leaves it to the first worker.
    pub precision: Option<Precision>,
}

impl How {
    /// `deadline` is that of one picture.
    pub fn new(ask: &ReadRequest, digest: String, deadline: Duration, precision: Option<Precision>) -> Self {
        let (model, options) = (ask.model.clone(), exact_options(ask.options));
        Self { model, digest, options, deadline_s: deadline.as_secs_f64(), precision }
    }

    /// The model and its options.
    pub fn to_request(&self) -> ReadRequest {
        ReadRequest { model: self.model.clone(), options: options_of(&self.options) }
    }

    /// Time that reading one picture may take.
    pub fn deadline(&self) -> Duration {
        Duration::try_from_secs_f64(self.deadline_s).unwrap_or(Duration::from_secs(60))
    }
}
