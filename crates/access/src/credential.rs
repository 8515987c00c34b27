//! What somebody is known by, and what ends with it: connections are checked when they begin and never again, so whatever
//! revokes a credential ends them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A key, session or token that is known now, and all that is served because of it.
#[derive(Debug, Default)]
pub struct Credential {
    /// That of a parent comes before its child's. Tokens are cancelled after it is released, but for one that came too late.
    state: Mutex<State>,
    /// What it ends with, which is known as long as this is: the code that revokes that one may know it by a weak reference only.
    _parent: Option<Arc<Credential>>,
}

#[derive(Debug, Default)]
struct State {
    is_revoked: bool,
    next: u64,
    held: HashMap<u64, CancellationToken>,
    /// Those that end with it.
    children: Vec<Weak<Credential>>,
}

/// Something is served because of a credential, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Hold {
    credential: Arc<Credential>,
    number: u64,
}

impl Credential {
    /// `end` is cancelled when the credential is revoked, at once if it is already.
    pub fn hold(self: &Arc<Self>, end: CancellationToken) -> Hold {
        let mut state = self.state.lock();
        let number = state.next;
        if state.is_revoked {
            end.cancel();
        } else {
            state.next += 1;
            state.held.insert(number, end);
        }
        Hold { credential: self.clone(), number }
    }

    /// One that ends with this one, or before: somebody logs in with a key.
    pub fn new_child(self: &Arc<Self>) -> Arc<Self> {
        let child = Arc::new(Self { state: Mutex::default(), _parent: Some(self.clone()) });
        let mut state = self.state.lock();
        if state.is_revoked {
            child.revoke();
        } else {
            state.children.retain(|child| child.strong_count() > 0);
            state.children.push(Arc::downgrade(&child));
        }
        child
    }

    /// It counts for nothing any more; returns how much it ended.
    pub fn revoke(&self) -> usize {
        let (held, children) = {
            let mut state = self.state.lock();
            state.is_revoked = true;
            (std::mem::take(&mut state.held), std::mem::take(&mut state.children))
        };
        held.values().for_each(CancellationToken::cancel);
        held.len() + children.iter().filter_map(Weak::upgrade).map(|child| child.revoke()).sum::<usize>()
    }

    /// Whether it counts for nothing any more.
    pub fn is_revoked(&self) -> bool {
        self.state.lock().is_revoked
    }

    /// Things that are served because of it now.
    pub fn held_count(&self) -> usize {
        self.state.lock().held.len()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.credential.state.lock().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_ends_with_its_credential() {
        let credential = Arc::new(Credential::default());
        let [open, closed, late] = [(); 3].map(|()| CancellationToken::new());
        let _open = credential.hold(open.clone());
        drop(credential.hold(closed.clone()));
        assert_eq!(credential.held_count(), 1);
        assert_eq!(credential.revoke(), 1);
        assert!(open.is_cancelled() && !closed.is_cancelled(), "what has ended before is left alone");
        let _late = credential.hold(late.clone());
        assert!(late.is_cancelled(), "it came between the check and the revocation");
        assert_eq!(credential.held_count(), 0);
    }
}
