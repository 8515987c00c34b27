//! Whose request it is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sightwire_measure::clock;
use tokio::sync::Semaphore;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::Role;
use crate::action::{Act as _, SeeMetrics, SeeViewers};
use crate::attempts::{Attempts, TooMany};
use crate::key::Key;
use crate::keyring::{EVERY, Keyring};
use crate::legacy::Legacy;
use crate::link::{self, LinkToken, Links};
use crate::principal::{Principal, Rules, Unknown, Who};
use crate::scope::Scope;
use crate::session::{Session, Sessions, Token};

/// Passwords that are compared at once: each takes 19 MiB and a core.
const MAX_COMPARING: usize = 2;
/// Those, and those who wait for their turn.
const MAX_WAITING: usize = 16;
/// One who finds no place among them comes again after this.
const BUSY: Duration = Duration::from_secs(2);

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
    /// The token of somebody who has logged in.
    pub session: Option<&'a str>,
    /// The address that it comes from, and the path that it asks for.
    pub place: Option<(IpAddr, &'a str)>,
    /// It comes from this machine for this machine, and through no proxy.
    pub is_here: bool,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [key, bearer, session] = [self.key, self.bearer, self.session].map(|secret| secret.map(|_| "…"));
        f.debug_struct("Presented")
            .field("key", &key)
            .field("bearer", &bearer)
            .field("session", &session)
            .field("place", &self.place)
            .field("is_here", &self.is_here)
            .finish()
    }
}

/// Tells whose request it is.
#[derive(Debug)]
pub struct Guard {
    mode: Mode,
    keyring: Arc<Keyring>,
    sessions: Sessions,
    links: Links,
    attempts: Attempts,
    /// Passwords that are being compared, and those who wait for that.
    comparing: Arc<Semaphore>,
    waiting: Semaphore,
    legacy: Vec<(Legacy, Arc<Principal>)>,
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
            legacy: Vec::new(),
            sessions: Sessions::default(),
            links: Links::default(),
            attempts: Attempts::default(),
            comparing: Arc::new(Semaphore::new(MAX_COMPARING)),
            waiting: Semaphore::new(MAX_WAITING),
            // Whoever sits at the machine can change the store anyway.
            here: free(Who::Here, Role::Admin, rules.clone()),
            anyone: free(Who::Anyone, Role::Streamer, Arc::new(of_anyone)),
            nobody: Arc::new(Principal::unknown(None, rules.clone())),
            rules,
        }
    }

    /// These need no key either.
    #[must_use]
    pub fn with_legacy(mut self, legacy: Vec<Legacy>) -> Self {
        let known = |legacy: Legacy| {
            let who = Who::Legacy { networks: legacy.networks().into() };
            let principal =
                Principal::new(who, legacy.role(), legacy.scope().clone(), self.rules.clone(), None);
            (legacy, Arc::new(principal))
        };
        self.legacy = legacy.into_iter().map(known).collect();
        self
    }

    /// Who needs no key.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Who is known.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Whose request it is. A key that does not count is never as good as none: its owner hears of it. A session that is over
    /// is: a browser sends it along whether anybody wants it or not.
    pub fn identify(&self, presented: &Presented<'_>, now: SystemTime) -> Identified {
        let session = presented.session.filter(|_| presented.key.is_none() && presented.bearer.is_none());
        if let Some(session) = session.and_then(|token| self.sessions.find(token, clock::now())) {
            return Identified { principal: session.principal().clone(), session: Some(session) };
        }
        Identified { principal: self.without_session(presented, now), session: None }
    }

    fn without_session(&self, presented: &Presented<'_>, now: SystemTime) -> Arc<Principal> {
        let free = match self.mode {
            Mode::Auto | Mode::Open if presented.is_here => Some(&self.here),
            Mode::Open => Some(&self.anyone),
            Mode::Auto | Mode::Protected => presented.place.and_then(|(from, path)| {
                let holds = |(legacy, _): &&(Legacy, _)| legacy.holds(from, path);
                self.legacy.iter().find(holds).map(|(_, principal)| principal)
            }),
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

/// Whose request it is.
#[derive(Debug)]
pub struct Identified {
    /// Who that is.
    pub principal: Arc<Principal>,
    /// The one that it came with, if it is known by that.
    pub session: Option<Arc<Session>>,
}

/// What somebody logs in with.
pub enum Login<'a> {
    /// As a user.
    Password {
        /// Of the user.
        name: &'a str,
        /// Theirs.
        password: &'a str,
    },
    /// With a key.
    Key(&'a str),
    /// With what a link has in it.
    Link(&'a str),
}

/// Why somebody is not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// It was tried too often.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// No such user, or another password; which of them is not said.
    #[error("the name or the password is wrong")]
    Wrong,
    /// The key does not count.
    #[error(transparent)]
    Key(Unknown),
    /// It was used, or nobody used it in time.
    #[error(
        "this link works once, for {} minutes, and counts no more; an admin makes another on the page Access",
        link::LASTS.as_secs() / 60
    )]
    Link,
    /// The system has no random bytes.
    #[error("nobody can log in: the system gives no random bytes ({0})")]
    Random(#[from] getrandom::Error),
}

impl Guard {
    /// Somebody logs in, from that address.
    pub async fn log_in(&self, login: Login<'_>, from: IpAddr) -> Result<(Token, Arc<Session>), LoginError> {
        let principal = match login {
            // Nobody guesses a key, so it is not counted how often somebody tries.
            Login::Key(key) => self.keyring.find(key.trim(), SystemTime::now()).map_err(LoginError::Key)?,
            Login::Link(token) => {
                let key = self.links.take(token, clock::now()).ok_or(LoginError::Link)?;
                self.keyring.of_id(&key, SystemTime::now()).map_err(LoginError::Key)?
            }
            Login::Password { name, password } => {
                self.attempts.count(from, name)?;
                self.user(name, password).await?.ok_or(LoginError::Wrong)?
            }
        };
        Ok(self.sessions.begin(&principal, clock::now())?)
    }

    /// What logs somebody in, once, with the key of that id.
    pub fn link_to(&self, key: &str) -> Result<LinkToken, getrandom::Error> {
        self.links.make(key, clock::now())
    }

    /// Somebody who is known by a key goes on with a cookie.
    pub fn begin_session(&self, principal: &Principal) -> Result<(Token, Arc<Session>), LoginError> {
        Ok(self.sessions.begin(principal, clock::now())?)
    }

    async fn user(&self, name: &str, password: &str) -> Result<Option<Arc<Principal>>, LoginError> {
        let busy = TooMany { after: BUSY };
        let _waiting = self.waiting.try_acquire().map_err(|_| busy)?;
        let permit = self.comparing.clone().acquire_owned().await.map_err(|_| busy)?;
        let (keyring, name, password) = (self.keyring.clone(), name.to_owned(), password.to_owned());
        let compared = tokio::task::spawn_blocking(move || {
            let user = keyring.user(&name, &password);
            drop(permit); // not before, though the one who asked may have gone
            user
        });
        Ok(compared.await.ok().flatten())
    }

    /// Looks again and again until `stop` which keys, users and sessions count no more.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let expiring = async {
            let mut tick = interval(EVERY);
            loop {
                tick.tick().await;
                self.sessions.expire(clock::now());
            }
        };
        tokio::select! {
            () = self.keyring.clone().run(stop) => {}
            () = expiring => {}
        }
    }

    /// Who has logged in.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{NewKey, NewUser};
    use crate::store::{Store, StoreError};

    #[tokio::test]
    async fn somebody_logs_in_with_a_key_or_a_password_and_is_known_by_the_session() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let wanted = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires: None };
        let now = SystemTime::now();
        let key = store.update(|records| Ok::<_, StoreError>(records.add(&wanted, now)?.0)).unwrap();
        let anna = NewUser {
            name: "Anna".into(),
            role: Role::Operator,
            scope: Scope::ALL,
            password: crate::password::hash("correct horse").unwrap(),
        };
        store.update(|records| records.add_user(anna, now).map(|_| ()).map_err(StoreError::from)).unwrap();
        let keyring = Arc::new(Keyring::open(store, Arc::default()).unwrap());
        let guard = Guard::new(Mode::Protected, keyring, Arc::default());
        let from = IpAddr::from([127, 0, 0, 1]);
        let role = |token: &str| {
            let presented = Presented { session: Some(token), ..Presented::default() };
            guard.identify(&presented, now).principal.role()
        };
        let (token, _) = guard.log_in(Login::Key(key.reveal()), from).await.unwrap();
        assert_eq!(role(token.reveal()), Some(Role::Viewer));
        let right = Login::Password { name: "anna", password: "correct horse" };
        let (token, session) = guard.log_in(right, from).await.unwrap();
        assert_eq!(role(token.reveal()), Some(Role::Operator));
        assert_eq!(role(session.csrf()), None);
        let wrong = guard.log_in(Login::Password { name: "anna", password: "wrong horse" }, from).await;
        let nobody = guard.log_in(Login::Password { name: "otto", password: "correct horse" }, from).await;
        assert_eq!(wrong.unwrap_err().to_string(), nobody.unwrap_err().to_string());
        assert!(matches!(guard.log_in(Login::Key("sw_x"), from).await, Err(LoginError::Key(_))));
        let mut tries = 0;
        let wrong = || guard.log_in(Login::Password { name: "x", password: "wrong" }, from);
        while !matches!(wrong().await, Err(LoginError::TooMany(_))) {
            tries += 1;
        }
        // Three were before, and on a slow machine one more is given meanwhile.
        assert!((7..20).contains(&tries), "{tries}");
        assert!(guard.log_in(Login::Key(key.reveal()), from).await.is_ok(), "a key is not guessed");
        guard.sessions().end(token.reveal());
        assert_eq!(role(token.reveal()), None);
        let link = guard.link_to(key.id()).unwrap();
        let (token, _) = guard.log_in(Login::Link(link.reveal()), from).await.unwrap();
        assert_eq!(role(token.reveal()), Some(Role::Viewer));
        let again = guard.log_in(Login::Link(link.reveal()), from).await;
        assert!(matches!(again, Err(LoginError::Link)));
        let link = guard.link_to(key.id()).unwrap();
        guard.keyring().store().update(|records| Ok::<_, StoreError>(records.revoke(key.id()))).unwrap();
        guard.keyring().take_up().unwrap();
        assert_eq!(role(token.reveal()), None, "the key was revoked");
        assert!(matches!(guard.log_in(Login::Link(link.reveal()), from).await, Err(LoginError::Key(_))));
    }

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
            guard.identify(&Presented { key, is_here, ..Presented::default() }, now).principal.role()
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
        let who = guard.identify(&empty, now).principal.who().clone();
        assert_eq!(who, Who::Unknown(Some(Unknown::NotAKey)));
        let secret = Some("sw_secret");
        let secret = Presented { key: secret, bearer: secret, session: secret, place: None, is_here: true };
        assert!(!format!("{secret:?}").contains("secret"));
    }
}
