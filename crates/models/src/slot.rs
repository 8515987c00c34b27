//! Where a model stands: not needed yet, on its way, at work, or not to be had. For all tasks alike.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::Instant;

use crate::sync::{AtomicU32, spawn_blocking, watch};

/// A model that could not be had is tried again when it is asked for after this time; each further time after twice as long.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// After this time at most.
const TRY_AGAIN_AT_MOST: Duration = Duration::from_secs(300);

/// How far a model is.
#[derive(Clone, Debug)]
pub enum State<M> {
    /// Nobody has asked for it yet.
    Idle,
    /// Its files are being read, or it is not known yet whether they are here.
    Loading,
    /// Something takes a while: files are fetched or imported.
    Fetching {
        /// What, for people; may be empty.
        text: Arc<str>,
        /// 0–1, where it is known.
        done: Option<f32>,
    },
    /// It is loaded and can be used.
    Ready(M),
    /// It cannot be had.
    Failed(Failure),
}

/// Why a model cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// Why, and what to do.
    pub reason: Arc<str>,
    /// When it failed.
    pub since: Instant,
    /// Time after that at which it is tried again, if it is asked for.
    pub again_after: Duration,
}

/// A place for one model. Clones are the same place.
#[derive(Clone, Debug)]
pub struct ModelSlot<M> {
    state: watch::Sender<State<M>>,
    /// Failures in a row.
    failures: Arc<AtomicU32>,
}

impl<M> Default for ModelSlot<M> {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::Idle), failures: Arc::default() }
    }
}

impl<M: Clone> ModelSlot<M> {
    /// How far it is.
    pub fn state(&self) -> State<M> {
        self.state.borrow().clone()
    }

    /// Whether it is [`State::Ready`] now; it is not loaded for that.
    pub fn is_ready(&self) -> bool {
        matches!(&*self.state.borrow(), State::Ready(_))
    }

    /// [`State::Ready`] or [`State::Failed`], as soon as it is one of them; unless `while_fetching`, also
    /// [`State::Fetching`], as soon as it is known that something has to be fetched.
    pub async fn wait_settled(&self, while_fetching: bool) -> State<M> {
        let settled = |state: &State<M>| match state {
            State::Ready(_) | State::Failed(_) => true,
            State::Fetching { .. } => !while_fetching,
            State::Idle | State::Loading => false,
        };
        // It does not end before `self` does.
        self.state.subscribe().wait_for(settled).await.map_or_else(|_| self.state(), |state| state.clone())
    }

    /// Whether the model is to be loaded now, by the caller: nobody has asked before, or it failed a while ago.
    pub fn begin_loading(&self) -> bool {
        self.state.send_if_modified(|state| {
            let begin = match state {
                State::Idle => true,
                State::Failed(failure) => failure.since.elapsed() > failure.again_after,
                State::Loading | State::Fetching { .. } | State::Ready(_) => false,
            };
            if begin {
                *state = State::Loading;
            }
            begin
        })
    }

    /// Loads the model if that is to be done now, on a thread where it may block, for longer than any one who asks may stay.
    /// `load` calls [`ModelSlot::set_ready`] as soon as the model works.
    pub fn spawn_load(&self, load: impl FnOnce(&Self) -> anyhow::Result<()> + Send + 'static) -> bool
    where
        M: Send + Sync + 'static,
    {
        let begin = self.begin_loading();
        if begin {
            let slot = self.clone();
            spawn_blocking(move || {
                let done = catch_unwind(AssertUnwindSafe(|| load(&slot)));
                let done = done.unwrap_or_else(|_| {
                    Err(anyhow!("the server failed while it was loaded; the log says more"))
                });
                if let Err(error) = done
                    && !slot.is_ready()
                {
                    slot.set_failed(&error);
                }
            });
        }
        begin
    }

    /// Something takes a while.
    pub fn set_fetching(&self, text: &str, done: Option<f32>) {
        self.state.send_replace(State::Fetching { text: text.into(), done });
    }

    /// Its files are here.
    pub fn set_loading(&self) {
        self.state.send_replace(State::Loading);
    }

    /// It works; what was here before.
    pub fn set_ready(&self, model: M) -> State<M> {
        self.failures.store(0, Ordering::Relaxed);
        self.state.send_replace(State::Ready(model))
    }

    /// Puts another in the place of the model at work, if it still is `this` one.
    pub fn replace(&self, this: impl FnOnce(&M) -> bool, model: M) -> bool {
        self.state.send_if_modified(|state| {
            let same = matches!(state, State::Ready(now) if this(now));
            if same {
                *state = State::Ready(model);
            }
            same
        })
    }

    /// It cannot be had.
    pub fn set_failed(&self, error: &anyhow::Error) {
        let again_after = retry_delay(self.failures.fetch_add(1, Ordering::Relaxed) + 1);
        let reason = format!("{error:#}").into();
        self.state.send_replace(State::Failed(Failure { reason, since: Instant::now(), again_after }));
    }
}

fn retry_delay(failures: u32) -> Duration {
    (TRY_AGAIN * 2u32.saturating_pow(failures.saturating_sub(1).min(8))).min(TRY_AGAIN_AT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_model_is_brought_once_and_tried_again_later_and_later() {
        let slot = ModelSlot::<u32>::default();
        let fail = |_: &ModelSlot<u32>| Err(anyhow!("no such file"));
        for wait in [0, 30, 60, 120, 240, 300, 300] {
            if wait > 0 {
                tokio::time::sleep(Duration::from_secs(wait)).await;
                assert!(!slot.spawn_load(fail), "not before {wait} s are over");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(slot.spawn_load(fail), "after {wait} s");
            assert!(!slot.spawn_load(fail), "nobody else brings it meanwhile");
            let State::Failed(failure) = slot.wait_settled(true).await else { panic!("it has failed") };
            assert_eq!(&*failure.reason, "no such file");
        }
        tokio::time::sleep(TRY_AGAIN_AT_MOST * 2).await;
        assert!(slot.spawn_load(|slot| {
            slot.set_fetching("", Some(0.5));
            assert!(matches!(slot.state(), State::Fetching { .. }));
            slot.set_loading();
            assert!(matches!(slot.state(), State::Loading));
            slot.set_ready(7);
            Ok(())
        }));
        assert!(matches!(slot.wait_settled(true).await, State::Ready(7)));
        assert!(!slot.spawn_load(fail) && slot.is_ready());
    }

    #[tokio::test]
    async fn a_loader_that_panics_has_failed_and_one_that_is_slow_is_not_waited_for() {
        let slot = ModelSlot::<u32>::default();
        assert!(slot.spawn_load(|_| panic!("a broken file")));
        let State::Failed(failure) = slot.wait_settled(true).await else { panic!("it has failed") };
        assert!(failure.reason.contains("failed while it was loaded"), "{failure}");

        let slot = ModelSlot::<u32>::default();
        assert!(slot.begin_loading());
        slot.set_fetching("getting it", Some(0.25));
        assert!(matches!(slot.wait_settled(false).await, State::Fetching { done: Some(0.25), .. }));
    }

    #[test]
    fn only_the_one_that_is_meant_is_replaced() {
        let slot = ModelSlot::<u32>::default();
        assert!(!slot.replace(|_| true, 1), "nothing is at work");
        slot.set_ready(1);
        assert!(!slot.replace(|now| *now == 2, 3));
        assert!(slot.replace(|now| *now == 1, 2));
        assert!(matches!(slot.set_ready(5), State::Ready(2)));
    }
}
