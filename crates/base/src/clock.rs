//! The time that deadlines, ages and rates are measured by: that of the async runtime, which tests pause and move on.
//! On a thread without a runtime it is the system's.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The runtime's time, which a test may have paused; outside of a runtime the system's.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How long ago that was; nothing if it is still to come.
pub fn since(moment: Instant) -> Duration {
    now().saturating_duration_since(moment)
}

/// By the system's clock: seconds since 1970 (UTC), with fractions.
pub fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_the_paused_runtime_is_a_minute_here() {
        let (begun, really) = (now(), Instant::now());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(since(begun).as_secs(), 60);
        assert!(really.elapsed() < Duration::from_secs(30));
    }
}
