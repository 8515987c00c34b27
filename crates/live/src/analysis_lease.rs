//! A share in an analysis: what keeps it running at the rate that is wanted, and what it finds at that rate.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightwire_hub::on_demand::Lease;
use sightwire_hub::thin::Thin;
use tokio::sync::watch;

use crate::analysis::{Analysed, Analysis};
use crate::demand::{Wanted, Wish};
use crate::origin::Origin;

/// An analysis that somebody needs, at a rate of their own.
#[derive(Debug)]
pub struct AnalysisLease {
    lease: Lease<Origin, Analysis>,
    wanted: Wanted,
}

impl AnalysisLease {
    /// From now on the analysis is as fast as this one wants it, too.
    pub fn new(lease: Lease<Origin, Analysis>, wanted: Wanted) -> Self {
        lease.demand.change_wishes(|wishes| wishes.push(wanted));
        Self { lease, wanted }
    }

    /// The analysis itself, without keeping it running.
    pub fn value(&self) -> &Arc<Analysis> {
        self.lease.value()
    }

    /// What is found from now on, as often as it is wanted.
    pub fn into_looks(self) -> Looks {
        Looks { newest: self.subscribe(), thin: Thin::default(), last: None, lease: self }
    }
}

impl Deref for AnalysisLease {
    type Target = Analysis;

    fn deref(&self) -> &Analysis {
        &self.lease
    }
}

impl Drop for AnalysisLease {
    fn drop(&mut self) {
        self.lease.demand.change_wishes(|wishes| {
            if let Some(index) = wishes.iter().position(|wanted| *wanted == self.wanted) {
                wishes.swap_remove(index);
            }
        });
    }
}

/// Pictures that the model looked at, as often as one of those who share the analysis wants them.
#[derive(Debug)]
pub struct Looks {
    lease: AnalysisLease,
    newest: watch::Receiver<Option<Arc<Analysed>>>,
    thin: Thin,
    /// Number of the last look that was taken, and when its picture was captured.
    last: Option<(u64, Instant)>,
}

impl Looks {
    /// Waits until there may be something to take. Cancel-safe. When the analysis has ended it waits for ever: who holds
    /// this hears of the end from the stream.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.newest.mark_changed();
    }

    /// What was found and not taken yet, and how many looks that were wanted were missed before it.
    pub fn take_look(&mut self) -> Option<(Arc<Analysed>, u64)> {
        if !self.newest.has_changed().is_ok_and(|changed| changed) {
            return None;
        }
        let wish = self.lease.wanted.wish;
        let is_wanted = |analysed: &Arc<Analysed>| match wish {
            Wish::Bodies => analysed.looked || analysed.body_is_new,
            Wish::Objects | Wish::ObjectsAndBodies => analysed.looked && analysed.asked,
        };
        let analysed = self.newest.borrow_and_update().clone().filter(is_wanted)?;
        let (own, all) = (self.lease.wanted.rate.between_looks(), self.lease.demand.pace().between_looks);
        let captured = analysed.stamp.captured;
        if own > all && !self.thin.takes_early(captured, own, all / 2) {
            return None;
        }
        let now = (analysed.look, captured);
        let missed = self.last.replace(now).map_or(0, |last| count_missed(last, now, own));
        Some((analysed, missed))
    }
}

/// Of the looks between two that were taken, how many were wanted, where they are wanted this far apart.
fn count_missed(last: (u64, Instant), now: (u64, Instant), own: Duration) -> u64 {
    let looks = now.0.saturating_sub(last.0).max(1);
    let apart = now.1.saturating_duration_since(last.1).as_secs_f64() / looks as f64;
    // One of this many looks is wanted here.
    let wanted = (own.as_secs_f64() / apart.max(1e-3) - 0.1).ceil().max(1.0) as u64;
    (looks / wanted).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn looks_that_nobody_wanted_here_are_not_missed() {
        let start = Instant::now();
        let of = |looks: u64, apart: u64, own: u64| {
            count_missed((10, start), (10 + looks, start + MS(looks * apart)), MS(own))
        };
        assert_eq!([of(1, 100, 100), of(3, 100, 100)], [0, 2], "all are wanted");
        assert_eq!([of(2, 200, 250), of(1, 200, 200), of(5, 200, 1000)], [0, 0, 0], "some are");
        assert_eq!(
            [of(4, 100, 200), of(2, 100, 200)],
            [1, 0],
            "where the analysis is slower than asked for, too"
        );
    }
}
