//! Those who are known by something that is not in the store, for as long as they were seen lately: bounded in number. One that
//! gives way to another is checked again the next time, but keeps what is served, and still ends when that has to end.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Weak};

use crate::credential::Credential;
use crate::principal::Principal;

/// How many of those who gave way are remembered before it is looked which of them are still served.
const LOOKED_AT: usize = 1024;

/// Principals by what they are known by, each with what decides how long they count.
#[derive(Debug)]
pub(crate) struct Recent<K, T> {
    by_key: HashMap<K, Entry<T>>,
    /// Keys in the order in which they were used.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    max: usize,
    /// Those who gave way while something was served because of them. Each holds a connection, a session or a request, so there
    /// are not many more than of these.
    outlived: Vec<(T, Weak<Credential>)>,
    look_at: usize,
}

#[derive(Debug)]
struct Entry<T> {
    principal: Arc<Principal>,
    about: T,
    used: u64,
}

impl<K: Clone + Eq + Hash, T> Recent<K, T> {
    /// At most `max`.
    pub(crate) fn new(max: usize) -> Self {
        let (by_key, by_use) = (HashMap::new(), BTreeMap::new());
        Self { by_key, by_use, uses: 0, max, outlived: Vec::new(), look_at: LOOKED_AT }
    }

    /// The one who is known by that, from now on the last that was used.
    pub(crate) fn get(&mut self, key: &K) -> Option<(&Arc<Principal>, &T)> {
        let entry = self.by_key.get_mut(key)?;
        let key = self.by_use.remove(&entry.used)?;
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, key);
        Some((&entry.principal, &entry.about))
    }

    /// Adds one, in place of the one that was not used for longest if there are too many; one that was known by the same stays
    /// served until it has to end.
    pub(crate) fn insert(&mut self, key: K, principal: Arc<Principal>, about: T) {
        self.put_out(&key);
        self.uses += 1;
        self.by_use.insert(self.uses, key.clone());
        self.by_key.insert(key, Entry { principal, about, used: self.uses });
        while self.by_key.len() > self.max
            && let Some(oldest) = self.by_use.values().next().cloned()
        {
            self.put_out(&oldest);
        }
    }

    fn put_out(&mut self, key: &K) {
        let Some(Entry { principal, about, used }) = self.by_key.remove(key) else { return };
        self.by_use.remove(&used);
        let Some(credential) = principal.credential().map(Arc::downgrade) else { return };
        drop(principal);
        if credential.strong_count() > 0 {
            self.outlived.push((about, credential));
        }
        if self.outlived.len() > self.look_at {
            self.forget_outlived();
        }
    }

    /// Of those who gave way, the ones who are not served any more.
    fn forget_outlived(&mut self) {
        self.outlived.retain(|(_, credential)| credential.strong_count() > 0);
        self.look_at = LOOKED_AT.max(2 * self.outlived.len());
    }

    /// Forgets those of whom that holds. What they are known by is to be revoked, which ends what is served because of it.
    #[must_use]
    pub(crate) fn take_if(&mut self, mut is_over: impl FnMut(&T) -> bool) -> Vec<Arc<Credential>> {
        self.forget_outlived();
        let served = self.outlived.extract_if(.., |(about, _)| is_over(about));
        let mut taken: Vec<Arc<Credential>> =
            served.filter_map(|(_, credential)| credential.upgrade()).collect();
        for (_, entry) in self.by_key.extract_if(|_, entry| is_over(&entry.about)) {
            self.by_use.remove(&entry.used);
            taken.extend(entry.principal.credential().cloned());
        }
        taken
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.by_key.len(), self.by_use.len());
        self.by_key.len()
    }

    #[cfg(test)]
    pub(crate) fn outlived_count(&self) -> usize {
        self.outlived.len()
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::principal::Who;
    use crate::{Role, Scope};

    fn somebody() -> Arc<Principal> {
        let credential = Some(Arc::default());
        Arc::new(Principal::new(Who::Anyone, Role::Viewer, Scope::ALL, Arc::default(), credential))
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_gives_way_and_there_are_never_more() {
        let mut recent = Recent::new(3);
        for key in ["a", "b", "c"] {
            recent.insert(key, somebody(), ());
        }
        assert!(recent.get(&"a").is_some());
        recent.insert("d", somebody(), ());
        assert_eq!(["a", "b", "c", "d"].map(|key| recent.get(&key).is_some()), [true, false, true, true]);
        for key in 0..100 {
            recent.insert(Box::leak(key.to_string().into_boxed_str()), somebody(), ());
            assert!(recent.len() <= 3 && recent.outlived_count() == 0);
        }
    }

    #[test]
    fn who_gives_way_stays_served_until_it_has_to_end() {
        let mut recent = Recent::new(1);
        let [open, of_session] = [(); 2].map(|()| CancellationToken::new());
        let first = somebody();
        let _hold = first.credential().unwrap().hold(open.clone());
        recent.insert("first", first, 1);
        let second = somebody();
        let session = second.credential().unwrap().new_child();
        let _session = session.hold(of_session.clone());
        recent.insert("second", second, 2);
        recent.insert("third", somebody(), 3);
        assert!(!open.is_cancelled() && !of_session.is_cancelled() && recent.outlived_count() == 2);
        let end = |taken: Vec<Arc<Credential>>| taken.iter().map(|one| one.revoke()).sum::<usize>();
        assert_eq!(end(recent.take_if(|about| *about == 1)), 1);
        assert!(open.is_cancelled() && !of_session.is_cancelled());
        assert_eq!(end(recent.take_if(|about| *about == 2)), 1);
        assert!(of_session.is_cancelled() && recent.outlived_count() == 0 && recent.len() == 1);
    }

    #[test]
    fn who_is_not_served_any_more_is_forgotten() {
        let mut recent = Recent::new(1);
        for key in 0..10 * LOOKED_AT {
            let principal = somebody();
            let request = principal.clone();
            recent.insert(key, principal, ());
            recent.insert(usize::MAX, somebody(), ());
            drop(request);
            assert!(recent.outlived_count() <= LOOKED_AT + 1);
        }
    }
}
