//! What came, went out and was lost since the server began; what runs comes and goes, and these only grow.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sightwire_base::histogram::Histogram;
use sightwire_hub::delivery::Deliveries;

use crate::origin::PerOrigin;

/// Over all streams since the server began.
#[derive(Debug, Default)]
pub struct Totals {
    /// What viewers got. Banners count as bytes of cameras.
    pub delivered: PerOrigin<Arc<Deliveries>>,
    /// From the last byte of a picture to when its objects were known.
    pub inferred_age: Histogram,
    /// What senders have sent.
    pub sent: Received,
}

/// What came of all senders.
#[derive(Debug, Default)]
pub struct Received {
    /// Pictures that were passed on; those over the rate are `dropped`.
    pub pictures: AtomicU64,
    /// Their bytes, as they came.
    pub bytes: AtomicU64,
    /// Messages that should have been pictures.
    pub bad: AtomicU64,
    /// Pictures over the limit of a stream's rate.
    pub dropped: AtomicU64,
}

/// The share of pictures that viewers were too slow for, in percent with one decimal.
pub fn lost_percent(delivered: f64, missed: f64) -> f64 {
    let offered = delivered + missed;
    if offered > 0.0 { (1000.0 * missed / offered).round() / 10.0 } else { 0.0 }
}
