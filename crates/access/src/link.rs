//! Links that log in once: a device that has no keyboard to speak of is shown one as a picture. What it is logged in with is a key
//! of the store, which is listed and revoked like any other; the link is only the way to it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::{Duration, Instant};

use base64_simd::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

/// A link works for this long.
pub const LASTS: Duration = Duration::from_secs(600);
/// Links that wait to be used; one more makes the oldest useless.
const MAX_LINKS: usize = 256;
/// Nobody guesses so many within that time; and more would make the picture hard to read.
const TOKEN_BYTES: usize = 16;

/// Links that nobody has used.
#[derive(Debug, Default)]
pub struct Links {
    by_hash: Mutex<HashMap<[u8; 32], Link>>,
    /// Keys of those that made way for others, or that could not be revoked; there are no more than keys.
    over: Mutex<Vec<Box<str>>>,
}

/// What becomes of a link's key if nobody uses the link in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// It stays: it is there for other links, too.
    Keeps,
    /// It is revoked: it was made for that link.
    Revokes,
}

#[derive(Debug)]
struct Link {
    key: Box<str>,
    until: Instant,
    unused: Unused,
}

impl Link {
    /// The id of the key that goes with it.
    fn revoked_key(self) -> Option<Box<str>> {
        (self.unused == Unused::Revokes).then_some(self.key)
    }
}

/// What a link has in it.
pub struct LinkToken(String);

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken")
    }
}

impl LinkToken {
    /// For the user who is to log in.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Links {
    /// One that logs in with the key of that id.
    pub fn make_link(&self, key: &str, unused: Unused, now: Instant) -> Result<LinkToken, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        let token = LinkToken(URL_SAFE_NO_PAD.encode_to_string(bytes));
        let mut all = self.by_hash.lock();
        if all.len() >= MAX_LINKS
            && let Some(oldest) = all.iter().min_by_key(|(_, link)| link.until).map(|(hash, _)| *hash)
            && let Some(oldest) = all.remove(&oldest)
        {
            self.revoke_later(oldest.revoked_key());
        }
        all.insert(hash(token.reveal()), Link { key: key.into(), until: now + LASTS, unused });
        Ok(token)
    }

    /// The id of the key that this token leads to, once.
    pub fn take_key(&self, token: &str, now: Instant) -> Option<Box<str>> {
        match self.by_hash.lock().entry(hash(token)) {
            Entry::Occupied(link) if now < link.get().until => Some(link.remove().key),
            _ => None,
        }
    }

    /// Forgets those that nobody used in time; the ids of the keys that go with them.
    pub fn expire_links(&self, now: Instant) -> Vec<Box<str>> {
        let mut all = self.by_hash.lock();
        let over = all.extract_if(|_, link| link.until <= now);
        let over: Vec<_> = over.filter_map(|(_, link)| link.revoked_key()).collect();
        std::mem::take(&mut *self.over.lock()).into_iter().chain(over).collect()
    }

    /// They are among those that [`Self::expire_links`] gives the next time.
    pub fn revoke_later(&self, keys: impl IntoIterator<Item = Box<str>>) {
        self.over.lock().extend(keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_for_a_while() {
        let (links, now) = (Links::default(), Instant::now());
        let [first, second] = [(); 2].map(|()| links.make_link("0123abcd", Unused::Keeps, now).unwrap());
        assert_eq!(links.take_key(first.reveal(), now).as_deref(), Some("0123abcd"));
        assert_eq!(links.take_key(first.reveal(), now), None, "used");
        assert_eq!(links.take_key(second.reveal(), now + LASTS), None, "late");
        assert_eq!(links.take_key("", now), None);
        assert!(!format!("{second:?}").contains(second.reveal()));
    }

    #[test]
    fn links_that_nobody_uses_are_bounded() {
        let (links, now) = (Links::default(), Instant::now());
        let first = links.make_link("first", Unused::Revokes, now).unwrap();
        let later = now + Duration::from_secs(1);
        for _ in 0..MAX_LINKS {
            links.make_link("more", Unused::Keeps, later).unwrap();
        }
        assert_eq!(links.by_hash.lock().len(), MAX_LINKS);
        assert_eq!(links.take_key(first.reveal(), later), None, "the oldest");
        links.make_link("last", Unused::Keeps, later + LASTS).unwrap();
        assert_eq!(links.expire_links(later + LASTS), ["first".into()]);
        assert_eq!(links.by_hash.lock().len(), 1, "those whose time is over");
    }

    #[test]
    fn a_key_that_was_made_for_a_link_goes_with_it_if_nobody_used_it() {
        let (links, now) = (Links::default(), Instant::now());
        let [used, late] = ["used", "late"].map(|key| links.make_link(key, Unused::Revokes, now).unwrap());
        links.make_link("kept", Unused::Keeps, now).unwrap();
        assert!(links.take_key(used.reveal(), now).is_some() && links.expire_links(now).is_empty());
        assert_eq!(links.take_key(late.reveal(), now + LASTS), None);
        assert_eq!(links.expire_links(now + LASTS), ["late".into()]);
        assert!(links.by_hash.lock().is_empty());
    }
}
