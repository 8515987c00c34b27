//! Whose request it is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::action::{Act as _, SeeMetrics, SeeViewers};
use crate::key::Key;
use crate::keyring::Keyring;
use crate::principal::{Principal, Rules, Who};
use crate::role::Role;
use crate::scope::Scope;

/// Who needs no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whoever is on this machine.
    #[default]
    Auto,
    /// Everybody.
    Open,
    /// Nobody.
    Protected,
}

impl Mode {
    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Open => "open",
            Self::Protected => "protected",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No mode is called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be auto, open or protected")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        let all = [Self::Auto, Self::Open, Self::Protected];
        all.into_iter().find(|mode| mode.name() == name).ok_or(UnknownMode)
    }
}

/// What a request has to be known by.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    /// What is meant as a key.
    pub key: Option<&'a str>,
    /// A bearer token, which may be a key or be meant for somebody else.
    pub bearer: Option<&'a str>,
    /// It comes from this machine for this machine, and through no proxy.
    pub is_here: bool,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [key, bearer] = [self.key, self.bearer].map(|secret| secret.map(|_| "…"));
        f.debug_struct("Presented")
            .field("key", &key)
            .field("bearer", &bearer)
            .field("is_here", &self.is_here)
            .finish()
    }
}

/// Tells whose request it is.
#[derive(Debug)]
pub struct Guard {
    mode: Mode,
    keyring: Arc<Keyring>,
    rules: Arc<Rules>,
    here: Arc<Principal>,
    anyone: Arc<Principal>,
    nobody: Arc<Principal>,
}

impl Guard {
    /// Lets those in whom the keyring knows, and those who need no key.
    pub fn new(mode: Mode, keyring: Arc<Keyring>, rules: Arc<Rules>) -> Self {
        let free = |who, role, rules| Arc::new(Principal::new(who, role, Scope::ALL, rules, None));
        let mut of_anyone = Rules::clone(&rules);
        // Open is open: to look at, whoever looks.
        of_anyone.everyone.extend([SeeMetrics::ACTION, SeeViewers::ACTION].map(|a| (a.name, "access.mode")));
        Self {
            mode,
            keyring,
            // Whoever sits at the machine can change the store anyway.
            here: free(Who::Here, Role::Admin, rules.clone()),
            anyone: free(Who::Anyone, Role::Streamer, Arc::new(of_anyone)),
            nobody: Arc::new(Principal::unknown(None, rules.clone())),
            rules,
        }
    }

    /// Who needs no key.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Who is known.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Whose request it is. A key that does not count is never as good as none: its owner hears of it.
    pub fn identify(&self, presented: &Presented<'_>, now: SystemTime) -> Arc<Principal> {
        let free = match self.mode {
            Mode::Auto | Mode::Open if presented.is_here => Some(&self.here),
            Mode::Open => Some(&self.anyone),
            Mode::Auto | Mode::Protected => None,
        };
        let is_ours = |token: &&str| free.is_none() || Key::looks_like_one(token);
        match (presented.key.or(presented.bearer.filter(is_ours)), free) {
            (Some(key), _) => self.keyring.find(key, now).unwrap_or_else(|why| {
                let rules = self.rules.clone();
                Arc::new(Principal::unknown(Some(why), rules))
            }),
            (None, Some(free)) => free.clone(),
            (None, None) => self.nobody.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Unknown;
    use crate::record::NewKey;
    use crate::store::{Store, StoreError};

    #[test]
    fn who_needs_no_key_is_what_the_mode_says_and_a_bad_key_is_never_as_good_as_none() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let wanted = NewKey { name: None, role: Role::Operator, scope: Scope::ALL, expires: None };
        let now = SystemTime::now();
        let key = store.update(|records| Ok::<_, StoreError>(records.add(&wanted, now)?.0)).unwrap();
        let keyring = Arc::new(Keyring::open(store, Arc::default()).unwrap());
        let role = |mode, key, is_here| {
            let guard = Guard::new(mode, keyring.clone(), Arc::default());
            guard.identify(&Presented { key, is_here, ..Presented::default() }, now).role()
        };
        for (mode, here, beyond) in [
            (Mode::Auto, Some(Role::Admin), None),
            (Mode::Open, Some(Role::Admin), Some(Role::Streamer)),
            (Mode::Protected, None, None),
        ] {
            assert_eq!(role(mode, None, true), here, "{mode}");
            assert_eq!(role(mode, None, false), beyond, "{mode}");
            for is_here in [true, false] {
                assert_eq!(role(mode, Some(key.reveal()), is_here), Some(Role::Operator), "{mode}");
                assert_eq!(role(mode, Some("sw_wrong"), is_here), None, "{mode}");
            }
        }
        let guard = Guard::new(Mode::Open, keyring, Arc::default());
        let empty = Presented { key: Some(""), is_here: true, ..Presented::default() };
        let who = guard.identify(&empty, now).who().clone();
        assert_eq!(who, Who::Unknown(Some(Unknown::NotAKey)));
        let secret = Presented { key: Some("sw_secret"), bearer: Some("sw_secret"), is_here: true };
        assert!(!format!("{secret:?}").contains("secret"));
    }
}
