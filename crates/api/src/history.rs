//! What a server remembers of how it went.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answer to `GET /api/v1/history`: how numbers went, at equal distances. It begins with the process, and goes with it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct History {
    /// For how much time it is kept, in seconds: an hour with a value every 10 s, or a day with one a minute, which is their mean.
    pub kept_s: u32,
    /// By name, the oldest value first and the newest one last; null where there is nothing to tell, such as frames that viewers
    /// lost where nobody watches. All are of the same length. Of the server: `streams` and `viewers` (all that there are, cameras
    /// that are read included), `in` and `out` (frames per second), `bytes_in` and `bytes_out` (per second), `lost` (percent of the
    /// frames for viewers), `cpu` (percent of one core), `memory` (bytes), `connections`, `analyses`. Of a stream: `in`, `out`,
    /// `bytes_in`, `bytes_out`, `viewers`, `lost`, `delay` (ms from arrival to delivery, p50).
    pub series: BTreeMap<String, Vec<Option<f64>>>,
    /// Seconds from one value to the next.
    pub step_s: u32,
    /// When the newest values were taken, seconds since 1970 (UTC); 0 where there are none.
    pub time: f64,
}
