//! Who has logged in: a random token in a cookie, of which the server keeps a hash, in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64_simd::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::credential::Credential;
use crate::principal::{Principal, Who};

/// One that is not used for this long is over.
pub const IDLE: Duration = Duration::from_secs(7 * 86_400);
/// However much it is used, somebody has to log in again after this time.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Sessions at once; one more ends one of the user who has most.
pub const MAX_SESSIONS: usize = 1000;
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// All who have logged in.
#[derive(Debug, Default)]
pub struct Sessions {
    by_hash: Mutex<HashMap<[u8; 32], Entry>>,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    begun: Instant,
    used: Instant,
}

/// Somebody who has logged in.
#[derive(Debug)]
pub struct Session {
    principal: Arc<Principal>,
    credential: Arc<Credential>,
    csrf: String,
}

/// What the cookie holds.
#[derive(Debug)]
pub struct Token(String);

impl Token {
    /// The token in the clear, for the cookie alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Session {
    /// The one who logged in.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// What a request that changes something has to bring beside the cookie, which a browser adds by itself.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether it has brought that.
    pub fn is_meant(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(bytes))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Sessions {
    /// Somebody who is known has logged in. The session ends with what that one is known by.
    pub fn begin_session(
        &self,
        known: &Principal,
        now: Instant,
    ) -> Result<(Token, Arc<Session>), getrandom::Error> {
        let (token, csrf) = (Token(random_token()?), random_token()?);
        let credential = known.credential().map_or_else(Arc::default, Credential::new_child);
        let principal = Arc::new(known.clone().with_credential(credential.clone()));
        let session = Arc::new(Session { principal, credential, csrf });
        let mut all = self.by_hash.lock();
        let over = Self::remove_expired(&mut all, now);
        all.insert(hash(token.reveal()), Entry { session: session.clone(), begun: now, used: now });
        let surplus = if all.len() > MAX_SESSIONS { Self::remove_surplus(&mut all) } else { None };
        drop(all);
        for entry in over.iter().chain(&surplus) {
            entry.session.credential.revoke();
        }
        Ok((token, session))
    }

    /// Whose token that is.
    pub fn find_session(&self, token: &str, now: Instant) -> Option<Arc<Session>> {
        let mut all = self.by_hash.lock();
        let entry = all.get_mut(&hash(token)).filter(|entry| !entry.is_over(now))?;
        entry.used = now;
        Some(entry.session.clone())
    }

    /// Somebody logs out: whatever the session opened ends. Whether there was one.
    pub fn end_session(&self, token: &str) -> bool {
        let ended = self.by_hash.lock().remove(&hash(token));
        ended.as_ref().map(|entry| entry.session.credential.revoke()).is_some()
    }

    /// Ends those whose time is over, or whose key or user counts no more.
    pub fn expire_sessions(&self, now: Instant) {
        let over = Self::remove_expired(&mut self.by_hash.lock(), now);
        for entry in over {
            entry.session.credential.revoke();
        }
    }

    /// Of the user who has most of them, the one that was not used for longest: nobody logs others out by logging in.
    fn remove_surplus(all: &mut HashMap<[u8; 32], Entry>) -> Option<Entry> {
        let mut counts: HashMap<Who, usize> = HashMap::new();
        for entry in all.values() {
            *counts.entry(entry.session.principal.who().clone()).or_default() += 1;
        }
        let (most, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let of_most = all.iter().filter(|(_, entry)| *entry.session.principal.who() == most);
        let hash = of_most.min_by_key(|(_, entry)| entry.used).map(|(hash, _)| *hash)?;
        all.remove(&hash)
    }

    fn remove_expired(all: &mut HashMap<[u8; 32], Entry>, now: Instant) -> Vec<Entry> {
        all.extract_if(|_, entry| entry.is_over(now)).map(|(_, entry)| entry).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_hash.lock().len()
    }
}

impl Entry {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) >= IDLE
            || now.saturating_duration_since(self.begun) >= LONGEST
            || self.session.credential.is_revoked()
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::Role;
    use crate::scope::Scope;

    fn known(credential: &Arc<Credential>) -> Principal {
        let who = Who::Key { id: "0123abcd".into(), name: "phone".into() };
        Principal::new(who, Role::Viewer, Scope::ALL, Arc::default(), Some(credential.clone()))
    }

    #[test]
    fn a_session_lasts_until_it_is_left_or_unused_or_old() {
        let (sessions, key, now) = (Sessions::default(), Arc::default(), Instant::now());
        let (token, session) = sessions.begin_session(&known(&key), now).unwrap();
        let (other, _) = sessions.begin_session(&known(&key), now).unwrap();
        assert!(
            session.is_meant(session.csrf()) && !session.is_meant("") && !session.is_meant(token.reveal())
        );
        let day = Duration::from_secs(86_400);
        for days in 1..30 {
            assert!(sessions.find_session(token.reveal(), now + day * days).is_some(), "day {days}");
        }
        assert!(sessions.find_session(other.reveal(), now + day * 7).is_none(), "unused");
        assert!(sessions.find_session(token.reveal(), now + day * 30).is_none(), "old");
        let (token, session) = sessions.begin_session(&known(&key), now).unwrap();
        let end = CancellationToken::new();
        let _hold = session.principal().credential().unwrap().hold(end.clone());
        assert!(
            sessions.end_session(token.reveal())
                && end.is_cancelled()
                && !sessions.end_session(token.reveal())
        );
        assert!(sessions.find_session(token.reveal(), now).is_none());
    }

    #[test]
    fn a_session_ends_with_its_key_and_with_all_that_it_opened() {
        let (sessions, key, now) = (Sessions::default(), Arc::<Credential>::default(), Instant::now());
        let (token, session) = sessions.begin_session(&known(&key), now).unwrap();
        let end = CancellationToken::new();
        let _hold = session.principal().credential().unwrap().hold(end.clone());
        assert_eq!(key.revoke(), 1);
        assert!(end.is_cancelled() && sessions.find_session(token.reveal(), now).is_none());
        sessions.expire_sessions(now);
        assert_eq!(sessions.count(), 0);
        let (late, _) = sessions.begin_session(&known(&key), now).unwrap();
        assert!(sessions.find_session(late.reveal(), now).is_none(), "its key was revoked meanwhile");
    }

    #[test]
    fn one_too_many_ends_the_one_that_was_not_used_for_longest() {
        let (sessions, key, now) = (Sessions::default(), Arc::default(), Instant::now());
        let begin = |at| sessions.begin_session(&known(&key), now + Duration::from_secs(at)).unwrap().0;
        let first = begin(0);
        let second = begin(1);
        let at = now + Duration::from_secs(2);
        assert!(sessions.find_session(first.reveal(), at).is_some());
        for i in 0..MAX_SESSIONS as u64 - 1 {
            begin(3 + i);
        }
        assert_eq!(sessions.count(), MAX_SESSIONS);
        assert!(
            sessions.find_session(first.reveal(), at).is_some()
                && sessions.find_session(second.reveal(), at).is_none()
        );
        let anna = known(&Arc::default());
        let who = Who::User { name: "Anna".into() };
        let anna = Principal::new(who, Role::Viewer, anna.scope().clone(), Arc::default(), None);
        let (token, _) = sessions.begin_session(&anna, now).unwrap();
        for i in 0..10 {
            begin(10_000 + i);
        }
        assert!(sessions.find_session(token.reveal(), now).is_some(), "the others have more");
    }
}
