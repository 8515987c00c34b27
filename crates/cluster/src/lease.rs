//! A process's right to a stream, as its owner has it: claimed in [`claim`](crate::cluster::claim), kept and told to others by [`Cluster`].

use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::cluster::Cluster;
use crate::entry::{About, Token};

/// The right to a stream, for as long as this is kept and nobody else gets it.
#[derive(Debug)]
pub struct ClusterLease {
    pub(crate) held: Arc<HeldStream>,
    pub(crate) cluster: Weak<Cluster>,
}

/// A stream that this process has.
pub(crate) struct HeldStream {
    pub(crate) stream: Arc<str>,
    pub(crate) about: About,
    /// Comes after the locks of [`Cluster`]. Whoever is told of the loss is told after it is released.
    state: Mutex<State>,
}

struct State {
    /// None while nobody could be asked.
    token: Token,
    lost: bool,
    when_lost: Option<Box<dyn FnOnce() + Send>>,
}

impl HeldStream {
    pub(crate) fn new(stream: Arc<str>, about: About, token: Token) -> Self {
        Self { stream, about, state: Mutex::new(State { token, lost: false, when_lost: None }) }
    }

    pub(crate) fn token(&self) -> Token {
        self.state.lock().token
    }

    pub(crate) fn set_token(&self, token: Token) {
        self.state.lock().token = token;
    }

    pub(crate) fn mark_lost(&self) {
        let mut state = self.state.lock();
        state.lost = true;
        let told = state.when_lost.take();
        drop(state);
        if let Some(tell) = told {
            tell();
        }
    }
}

impl fmt::Debug for HeldStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token();
        f.debug_struct("Held").field("stream", &self.stream).field("token", &token).finish_non_exhaustive()
    }
}

impl ClusterLease {
    /// Called once when another process has got the stream; at once if it has already.
    pub fn when_lost(&self, tell: impl FnOnce() + Send + 'static) {
        let mut state = self.held.state.lock();
        if state.lost {
            drop(state);
            tell();
        } else {
            state.when_lost = Some(Box::new(tell));
        }
    }

    /// Whether this process has slept so long that another may have the stream by now, and has not been told yet.
    pub fn may_be_lost(&self) -> bool {
        self.cluster.upgrade().is_some_and(|cluster| cluster.has_slept())
    }

    /// Of the lease; [`Token::NONE`] while nobody could be asked for one.
    pub fn token(&self) -> Token {
        self.held.token()
    }
}

impl Drop for ClusterLease {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.upgrade() {
            cluster.let_go(&self.held);
        }
    }
}
