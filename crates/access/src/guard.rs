//! Whose request it is.

use std::fmt;
use std::future::pending;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sightwire_base::address::counted_address;
use sightwire_base::lines::LogThrottle;
use sightwire_base::shares::Shares;
use sightwire_base::{clock, lines};
use tokio::sync::Semaphore;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::Role;
use crate::action::{Act as _, SeeMetrics, SeeViewers};
use crate::attempts::{Attempts, TooMany};
use crate::key::Key;
use crate::keyring::{EVERY, Keyring};
use crate::legacy::Legacy;
use crate::link::{self, LinkToken, Links, Unused};
use crate::principal::{Principal, Rules, Unknown, Who};
use crate::process::{KnownProcess, ProcessFlaw, Processes, Signed};
use crate::proxy::{Named, ProxyLogin};
use crate::scope::Scope;
use crate::session::{Session, Sessions, Token};
use crate::store::StoreError;
use crate::token::fetch::Fetch;
use crate::token::{Settings, Tokens};

/// Passwords that are compared at once: each takes 19 MiB and a core.
const MAX_COMPARING: usize = 2;
/// Those, and those who wait for their turn.
const MAX_WAITING: usize = 16;
/// Tokens that were not seen before, of one address: how many are verified a second, and how many seconds' worth at once.
const NEW_TOKENS_PER_S: u32 = 200;
const NEW_TOKENS_BURST_S: u32 = 5;
/// One who finds no place among them comes again after this.
const BUSY: Duration = Duration::from_secs(2);

/// Who needs no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those on this machine.
    #[default]
    Auto,
    /// Nobody needs a key.
    Open,
    /// Everybody needs a key.
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
    /// Whom a proxy has let in, as it says; whether it is believed is decided by the address.
    pub proxied: Option<Named<'a>>,
    /// It says that another process makes it.
    pub process: Option<Signed<'a>>,
    /// The other end of its connection.
    pub peer: Option<IpAddr>,
    /// The address of its client, if that can be told, and the path that it asks for.
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
            .field("proxied", &self.proxied)
            .field("process", &self.process)
            .field("peer", &self.peer)
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
    /// Says seldom that their keys cannot be revoked.
    unrevoked: LogThrottle,
    attempts: Attempts,
    /// Passwords that are being compared, and those who wait for that.
    comparing: Arc<Semaphore>,
    waiting: Semaphore,
    legacy: Vec<(Legacy, Arc<Principal>)>,
    tokens: Option<Tokens>,
    new_tokens: Option<Shares<IpAddr>>,
    proxy: Option<ProxyLogin>,
    processes: Option<Arc<dyn Processes>>,
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
        // Open is open: anybody may look.
        of_anyone.everyone.extend([SeeMetrics::ACTION, SeeViewers::ACTION].map(|a| (a.name, "access.mode")));
        Self {
            mode,
            keyring,
            legacy: Vec::new(),
            tokens: None,
            new_tokens: Shares::new(NEW_TOKENS_PER_S, NEW_TOKENS_BURST_S),
            proxy: None,
            processes: None,
            sessions: Sessions::default(),
            links: Links::default(),
            unrevoked: LogThrottle::new(),
            attempts: Attempts::default(),
            comparing: Arc::new(Semaphore::new(MAX_COMPARING)),
            waiting: Semaphore::new(MAX_WAITING),
            // A user at the machine can change the store anyway.
            here: free(Who::Here, Role::Admin, rules.clone()),
            anyone: free(Who::Anyone, Role::Streamer, Arc::new(of_anyone)),
            nobody: Arc::new(Principal::new_unknown(None, rules.clone())),
            rules,
        }
    }

    /// These need no key either.
    #[must_use]
    pub fn with_legacy(mut self, legacy: Vec<Legacy>) -> Self {
        let known = |legacy: Legacy| {
            let who = Who::Legacy { networks: legacy.networks().to_string().into() };
            let principal =
                Principal::new(who, legacy.role(), legacy.scope().clone(), self.rules.clone(), None);
            (legacy, Arc::new(principal))
        };
        self.legacy = legacy.into_iter().map(known).collect();
        self
    }

    /// Tokens of others count, too.
    #[must_use]
    pub fn with_tokens(mut self, settings: Option<Settings>) -> Self {
        self.tokens = settings.map(|settings| Tokens::new(settings, self.rules.clone()));
        self
    }

    /// So does what proxies say.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Option<ProxyLogin>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Other processes of a cluster are known, too.
    #[must_use]
    pub fn with_processes(mut self, processes: Arc<dyn Processes>) -> Self {
        self.processes = Some(processes);
        self
    }

    /// Which proxies are believed, if any are.
    pub fn proxy(&self) -> Option<&ProxyLogin> {
        self.proxy.as_ref()
    }

    /// Whether what comes from there comes from a proxy that is believed.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.is_from(peer))
    }

    /// Who needs no key.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The keys and users that are known.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Whose request it is. A key or token that does not count is never as good as none: its owner hears of it, and so does
    /// anyone whom a proxy does not name clearly. A session that is over is as good as none: a browser sends it along whether anybody
    /// wants it or not.
    ///
    /// A key goes before all else, and what a proxy says before a session: the user who comes through it next, in the same browser, is
    /// not to go on with the session of another. What says that it is another process's is that process's or nobody's.
    pub fn identify(&self, presented: &Presented<'_>, now: SystemTime) -> Identified {
        if let Some(request) = &presented.process {
            return self.identify_process(request);
        }
        let proxied = match self.identify_proxied(presented) {
            Some(Ok(principal)) => Some(principal),
            Some(Err(why)) => return Identified::new(self.unknown_principal(why)),
            None => None,
        };
        let has_key = presented.key.is_some() || presented.bearer.is_some();
        let session = presented.session.filter(|_| !has_key && proxied.is_none());
        if let Some(session) = session.and_then(|token| self.sessions.find_session(token, clock::now())) {
            return match self.check_session_confirmed(&session) {
                Ok(()) => {
                    let principal = session.principal().clone();
                    Identified { session: Some(session), ..Identified::new(principal) }
                }
                Err(why) => Identified::new(
                    self.identify_keyless(presented).map_or_else(|| self.unknown_principal(why), Arc::clone),
                ),
            };
        }
        let free = proxied.as_ref().or_else(|| self.identify_keyless(presented));
        let is_ours = |token: &&str| free.is_none() || self.is_meant_as_key(token);
        match (presented.key.or(presented.bearer.filter(is_ours)), free) {
            (Some(key), _) => {
                let from = presented.place.map(|(from, _)| from).or(presented.peer);
                let known = Identified::new(
                    self.find_principal(key, now, from).unwrap_or_else(|why| self.unknown_principal(why)),
                );
                // A bearer token may have been added by the proxy, which does so for every page that a browser shows.
                Identified { is_proxied: proxied.is_some() && presented.key.is_none(), ..known }
            }
            (None, Some(free)) => {
                Identified { is_proxied: proxied.is_some(), ..Identified::new(free.clone()) }
            }
            (None, None) => Identified::new(self.nobody.clone()),
        }
    }

    fn identify_process(&self, request: &Signed<'_>) -> Identified {
        let known = match &self.processes {
            Some(processes) => processes.identify_process(request),
            None => Err(ProcessFlaw::NoCluster),
        };
        match known {
            Ok(KnownProcess { name, answer }) => {
                let (who, rules) = (Who::Process { name }, self.rules.clone());
                let principal = Arc::new(Principal::new(who, Role::Admin, Scope::ALL, rules, None));
                Identified { answer: Some(answer), ..Identified::new(principal) }
            }
            Err(why) => Identified::new(self.unknown_principal(why.into())),
        }
    }

    /// Whether what somebody has logged in with still counts, as far as that has to be confirmed.
    fn check_session_confirmed(&self, session: &Session) -> Result<(), Unknown> {
        match session.principal().who() {
            Who::Key { .. } | Who::User { .. } => self.keyring.check_confirmed(),
            _ => Ok(()),
        }
    }

    /// Whom a proxy that is believed has let in.
    fn identify_proxied(&self, presented: &Presented<'_>) -> Option<Result<Arc<Principal>, Unknown>> {
        let proxy = self.proxy.as_ref().filter(|_| self.is_from_proxy(presented))?;
        Some(match presented.proxied? {
            Named::One(name) => self.keyring.find_named(name, proxy.role()),
            Named::Unclear => Err(Unknown::ProxiedName),
        })
    }

    fn is_from_proxy(&self, presented: &Presented<'_>) -> bool {
        presented.peer.is_some_and(|peer| self.is_proxy(peer))
    }

    /// Who it is without a key.
    fn identify_keyless(&self, presented: &Presented<'_>) -> Option<&Arc<Principal>> {
        // A proxy on this machine brings strangers, too.
        let is_here = presented.is_here && !self.is_from_proxy(presented);
        match self.mode {
            Mode::Auto | Mode::Open if is_here => Some(&self.here),
            Mode::Open => Some(&self.anyone),
            Mode::Auto | Mode::Protected => presented.place.and_then(|(from, path)| {
                let holds = |(legacy, _): &&(Legacy, _)| legacy.applies_to(from, path);
                self.legacy.iter().find(holds).map(|(_, principal)| principal)
            }),
        }
    }

    /// Whether a text may not be meant for anybody else.
    fn is_meant_as_key(&self, text: &str) -> bool {
        Key::looks_like_one(text) || (self.tokens.is_some() && Tokens::looks_like_one(text))
    }

    /// The principal that has this key or token. From one address only this many tokens are looked at that were not seen before.
    pub fn find_principal(
        &self,
        text: &str,
        now: SystemTime,
        from: Option<IpAddr>,
    ) -> Result<Arc<Principal>, Unknown> {
        let may_verify = || {
            let shares = self.new_tokens.as_ref().zip(from);
            shares.is_none_or(|(shares, from)| shares.take_one(&counted_address(from)).is_ok())
        };
        match &self.tokens {
            Some(tokens) if !Key::looks_like_one(text) => Ok(tokens.find_principal(text, now, may_verify)?),
            _ => self.keyring.find_principal(text, now),
        }
    }

    /// Somebody who is not known, for that reason.
    pub fn unknown_principal(&self, why: Unknown) -> Arc<Principal> {
        Arc::new(Principal::new_unknown(Some(why), self.rules.clone()))
    }
}

/// Whose request it is.
#[derive(Debug)]
pub struct Identified {
    /// The one who makes the request.
    pub principal: Arc<Principal>,
    /// The one that it came with, if it is known by that.
    pub session: Option<Arc<Session>>,
    /// It is known by what a proxy says, or by what a proxy that says something may have added.
    pub is_proxied: bool,
    /// What the answer shows to another process, in [`crate::process::ANSWER`].
    pub answer: Option<String>,
}

impl Identified {
    fn new(principal: Arc<Principal>) -> Self {
        Self { principal, session: None, is_proxied: false, answer: None }
    }
}

/// What somebody logs in with.
pub enum Login<'a> {
    /// With a user's name and password.
    Password {
        /// The user's name, as it was typed.
        name: &'a str,
        /// The password in the clear.
        password: &'a str,
    },
    /// With a key or a token.
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
    /// The key does not count, or users do not for now.
    #[error(transparent)]
    Key(Unknown),
    /// It was used, or nobody used it in time.
    #[error(
        "this link works once, for {} minutes, and no longer works; an admin makes another on the page Access",
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
            Login::Key(key) => {
                self.find_principal(key.trim(), SystemTime::now(), Some(from)).map_err(LoginError::Key)?
            }
            Login::Link(token) => {
                let key = self.links.take_key(token, clock::now()).ok_or(LoginError::Link)?;
                self.keyring.of_id(&key, SystemTime::now()).map_err(LoginError::Key)?
            }
            Login::Password { name, password } => {
                self.keyring.check_confirmed().map_err(LoginError::Key)?;
                self.attempts.count_attempt(from, name)?;
                let user = self.find_user(name, password).await?.ok_or(LoginError::Wrong)?;
                self.attempts.record_success(from, name);
                user
            }
        };
        Ok(self.sessions.begin_session(&principal, clock::now())?)
    }

    /// What logs somebody in, once, with the key of that id.
    pub fn link_to(&self, key: &str, unused: Unused) -> Result<LinkToken, getrandom::Error> {
        self.links.make_link(key, unused, clock::now())
    }

    /// Nobody used their links in time. Reads and writes files.
    fn revoke_unused(&self, keys: &[Box<str>]) -> Result<(), StoreError> {
        let store = self.keyring.store();
        store.update(|records| {
            for record in keys.iter().filter_map(|id| records.revoke_key(id)) {
                tracing::info!("the key {} ({:?}) was for a link that nobody used", record.id, record.name);
            }
            Ok(())
        })
    }

    /// Somebody who is known by a key goes on with a cookie.
    pub fn begin_session(&self, principal: &Principal) -> Result<(Token, Arc<Session>), LoginError> {
        Ok(self.sessions.begin_session(principal, clock::now())?)
    }

    async fn find_user(&self, name: &str, password: &str) -> Result<Option<Arc<Principal>>, LoginError> {
        let busy = TooMany { after: BUSY };
        let _waiting = self.waiting.try_acquire().map_err(|_| busy)?;
        let permit = self.comparing.clone().acquire_owned().await.map_err(|_| busy)?;
        let (keyring, name, password) = (self.keyring.clone(), name.to_owned(), password.to_owned());
        let compared = tokio::task::spawn_blocking(move || {
            let user = keyring.find_user(&name, &password);
            drop(permit); // not before, though the one who asked may have gone
            user
        });
        Ok(compared.await.ok().flatten())
    }

    /// Looks again and again until `stop` which keys, tokens, users and sessions count no more. `fetch` gets the keys of tokens.
    pub async fn run(self: Arc<Self>, fetch: impl Fetch, stop: CancellationToken) {
        self.run_by(SystemTime::now, fetch, stop).await;
    }

    async fn run_by(
        self: Arc<Self>,
        now: impl Fn() -> SystemTime + Send,
        fetch: impl Fetch,
        stop: CancellationToken,
    ) {
        let expiring = async {
            let mut tick = interval(EVERY);
            loop {
                tick.tick().await;
                if let Some(tokens) = &self.tokens {
                    tokens.expire_tokens(now());
                }
                self.sessions.expire_sessions(clock::now());
            }
        };
        // Apart from the others: it may wait for the disk.
        let unused = async {
            let mut tick = interval(EVERY);
            loop {
                tick.tick().await;
                self.expire_links(clock::now()).await;
            }
        };
        let fetching = async {
            match &self.tokens {
                Some(tokens) => tokens.keep_keys(&fetch).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.keyring.clone().run(stop) => {}
            () = expiring => {}
            () = unused => {}
            () = fetching => {}
        }
        // No other server knows them.
        self.expire_links(clock::now() + link::LASTS).await;
    }

    async fn expire_links(self: &Arc<Self>, now: Instant) {
        let unused = self.links.expire_links(now);
        if unused.is_empty() {
            return;
        }
        let this = self.clone();
        let revoked = tokio::task::spawn_blocking(move || {
            this.revoke_unused(&unused).inspect_err(|_| this.links.revoke_later(unused))
        });
        if let Ok(Err(error)) = revoked.await
            && let Some(unsaid) = self.unrevoked.admit_line(clock::now())
        {
            let error = lines::short_sentence(&error.to_string()).to_string();
            tracing::error!(unsaid, "keys of links that nobody used stay for now: {error}");
        }
    }

    /// Who has logged in.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

#[cfg(test)]
mod tests;
