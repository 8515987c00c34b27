//! Tokens that others issue (JWT, RFC 7519): who has one is known by what it says, for as long as it says.
//!
//! - [`keys`]: what they are verified with; [`fetch`]: where an issuer publishes that
//! - [`claims`]: what has to stand in them
//! - `verifier`: the cryptography

pub mod claims;
pub mod fetch;
pub mod keys;
mod verifier;

use sightwire_base::lines::is_deceptive;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode};
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sightwire_base::lines::LogThrottle;
use tokio::sync::Notify;

use crate::credential::Credential;
use crate::principal::{Principal, Rules, Who};
use crate::recent::Recent;
use claims::{Bearer, Expected};
use keys::{KeySet, VerifyingKey};

/// Tokens that need not be verified again, at most.
pub const MAX_RECENT: usize = 10_000;
/// Bytes of a token, at most.
pub const MAX_BYTES: usize = 16 << 10;

/// What tokens are accepted.
#[derive(Clone, Debug)]
pub struct Settings {
    source: Source,
    expected: Expected,
}

/// Where the keys are that tokens are verified with.
#[derive(Clone, Debug)]
pub enum Source {
    /// A key that stands in the configuration.
    Key(VerifyingKey),
    /// At an address; see [`published_at`].
    Published(Box<str>),
}

/// Why no tokens can be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Anyone who listens on the way could make tokens.
    #[error("it must begin with https://, or be on this machine (http://127.0.0.1, for example)")]
    Insecure,
    /// A part of it is missing, or should not be there.
    #[error(
        "it is not an address such as https://login.example.org/keys.json, without a name, a password and spaces"
    )]
    Address,
    /// Others have decided how tokens are verified in this process.
    #[error("another part of this program has its own way of verifying tokens")]
    Verifier,
}

/// Checks the address of a set of keys (JWKS), without asking for it.
pub fn published_at(address: &str) -> Result<Source, SettingsError> {
    let (scheme, rest) = address.split_once("://").ok_or(SettingsError::Address)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_odd = |c: char| c.is_whitespace() || is_deceptive(c) || matches!(c, '"' | '\\' | '<' | '>');
    if authority.is_empty() || authority.contains('@') || address.contains(is_odd) {
        return Err(SettingsError::Address);
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            port.parse::<u16>().map_err(|_| SettingsError::Address)?;
            host
        }
        _ => authority,
    };
    let is_here =
        host == "localhost" || host == "[::1]" || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback());
    match scheme {
        _ if host.is_empty() => Err(SettingsError::Address),
        "https" => Ok(Source::Published(address.into())),
        "http" if is_here => Ok(Source::Published(address.into())),
        _ => Err(SettingsError::Insecure),
    }
}

impl Settings {
    /// Has tokens verified in this process, too.
    pub fn new(source: Source, expected: Expected) -> Result<Self, SettingsError> {
        if verifier::install_ring() { Ok(Self { source, expected }) } else { Err(SettingsError::Verifier) }
    }
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// It is not a token.
    #[error(
        "this is neither a key of Sightwire (one begins with sw_) nor a token that can be read: a token (JWT) has three parts with dots between; send all of it"
    )]
    Broken,
    /// Verifying takes time, and nobody brings so many new ones.
    #[error("too many tokens that were not seen before come from this address; try again in a second")]
    TooMany,
    /// Nobody needs so much.
    #[error("the token is longer than {MAX_BYTES} bytes; have its issuer leave out claims")]
    TooLong,
    /// Its header says that nobody signed it, or that it was signed in a way that its key is not for.
    #[error(
        "the token is signed in a way that its key is not for; have its issuer sign it with HS256, RS256, ES256 or EdDSA, as the key that access.jwt_… names is for"
    )]
    Algorithm,
    /// It is not to be accepted by those who do not know something.
    #[error(
        "the header of the token demands what this server does not know (crit); have its issuer leave that out"
    )]
    Critical,
    /// It was changed, or another has signed it.
    #[error(
        "the signature of the token is wrong: it was changed on the way, or signed with another key than access.jwt_… names; get another from its issuer"
    )]
    Signature,
    /// It may be new, or gone.
    #[error(
        "the key that the token names (kid) is not among those that its issuer publishes; they are fetched again: try again in 30 s, or get another token"
    )]
    UnknownKey,
    /// Its issuer has several.
    #[error("the token does not name its key (kid), and its issuer publishes several; have it name one")]
    NoKeyNamed,
    /// The issuer was not reached yet.
    #[error(
        "the keys of tokens were not fetched from their issuer yet; try again in 30 s (the log of the server says why, if it takes longer)"
    )]
    NoKeys,
    /// A time is not a number, or beyond all clocks.
    #[error("a time in the token (exp, nbf) is no number of seconds since 1970; have its issuer write one")]
    Claims,
    /// It would count for ever.
    #[error("the token never expires; have its issuer set a time for that (exp)")]
    NoExpiry,
    /// Its time is over.
    #[error("the token has expired; get another from its issuer")]
    Expired,
    /// Its time has not come.
    #[error("the token does not count yet (nbf); wait, or correct the clock of its issuer or of this server")]
    NotYet,
    /// Another has issued it.
    #[error("the token is of another issuer (iss) than access.jwt_issuer names; get one from that")]
    Issuer,
    /// It is for another server.
    #[error("the token is for others (aud): access.jwt_audience is not among them; get one for this server")]
    Audience,
    /// Nobody could tell whose it is.
    #[error("the token does not say whose it is (sub); have its issuer write that into it")]
    NoSubject,
    /// It says nothing of what its owner may do.
    #[error(
        "the token has no role: the claim that access.jwt_role_claim names has to be one of viewer, streamer, operator and admin, or a list with one of them"
    )]
    NoRole,
    /// It is not clear of what its owner may see something.
    #[error(
        "the token limits its owner in a way that is not understood: the claims streams and uses are lists of texts, which are left out for all; uses are cameras, reading, relay and signs"
    )]
    Scope,
}

/// Tells whose a token is.
#[derive(Debug)]
pub struct Tokens {
    settings: Settings,
    rules: Arc<Rules>,
    /// `None` until they were fetched.
    keys: RwLock<Option<Arc<KeySet>>>,
    /// Those that were verified lately, by their SHA-256. Comes before `keys`, which are looked at once more before one is added.
    recent: Mutex<Recent<[u8; 32], About>>,
    is_wanted: AtomicBool,
    wants: Notify,
    failures: LogThrottle,
}

/// What decides for how long a token counts.
#[derive(Debug)]
struct About {
    ends: SystemTime,
    fingerprint: [u8; 32],
}

/// What is looked at in the header of a token.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl Tokens {
    /// `rules` hold for all of them.
    pub fn new(settings: Settings, rules: Arc<Rules>) -> Self {
        let keys = match &settings.source {
            Source::Key(key) => Some(Arc::new(KeySet::from_key(key.clone()))),
            Source::Published(_) => None,
        };
        Self {
            settings,
            rules,
            keys: RwLock::new(keys),
            recent: Mutex::new(Recent::new(MAX_RECENT)),
            is_wanted: AtomicBool::new(false),
            wants: Notify::new(),
            failures: LogThrottle::new(),
        }
    }

    /// Whether the text is meant as a token.
    pub fn looks_like_one(text: &str) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let mut parts = text.split('.');
        let first = [parts.next(), parts.next()].map(|part| part.is_some_and(|part| !part.is_empty()));
        // One that nobody has signed has nothing in the third.
        first == [true; 2]
            && parts.next().is_some()
            && parts.next().is_none()
            && text.bytes().all(|byte| byte == b'.' || is_letter(byte))
    }

    /// The principal that has this token. One that was not seen before is verified if `may_verify` says so.
    pub fn find_principal(
        &self,
        text: &str,
        now: SystemTime,
        may_verify: impl FnOnce() -> bool,
    ) -> Result<Arc<Principal>, Flaw> {
        if text.len() > MAX_BYTES {
            return Err(Flaw::TooLong);
        }
        let hash: [u8; 32] = Sha256::digest(text).into();
        if let Some(principal) = valid_principal(&mut self.recent.lock(), &hash, now) {
            return Ok(principal);
        }
        if !may_verify() {
            return Err(Flaw::TooMany);
        }
        let verified = self.verify_token(text, now);
        if let Err(Flaw::UnknownKey | Flaw::NoKeys) = verified {
            self.request_keys();
        }
        let (Bearer { subject, role, scope, ends }, fingerprint) = verified?;
        let (who, credential) = (Who::Token { subject: subject.into() }, Arc::<Credential>::default());
        let principal = Arc::new(Principal::new(who, role, scope, self.rules.clone(), Some(credential)));
        let mut recent = self.recent.lock();
        // Another request may have brought it meanwhile.
        if let Some(principal) = valid_principal(&mut recent, &hash, now) {
            return Ok(principal);
        }
        // The code that takes keys away does so first, and looks after that for what was verified with them.
        if !self.keys.read().as_ref().is_some_and(|keys| keys.has_fingerprint(&fingerprint)) {
            return Err(Flaw::UnknownKey);
        }
        recent.insert(hash, principal.clone(), About { ends, fingerprint });
        Ok(principal)
    }

    /// What it says, and what it was verified with.
    fn verify_token(&self, text: &str, now: SystemTime) -> Result<(Bearer, [u8; 32]), Flaw> {
        let head = text.split('.').next().unwrap_or_default();
        let head = URL_SAFE_NO_PAD.decode_to_vec(head).map_err(|_| Flaw::Broken)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| Flaw::Broken)?;
        if head.crit.is_some() {
            return Err(Flaw::Critical);
        }
        let keys = self.keys.read().clone().ok_or(Flaw::NoKeys)?;
        let key = keys.find_key(head.kid.as_deref(), &head.alg)?;
        // The claims are looked at below: here the time would be the system's, and no error would say which of them it is.
        let mut signed = Validation::new(key.algorithm);
        (signed.validate_exp, signed.validate_nbf, signed.validate_aud) = (false, false, false);
        signed.required_spec_claims.clear();
        let token =
            decode::<Map<String, Value>>(text, &key.key, &signed).map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => Flaw::Signature,
                ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Flaw::Algorithm,
                _ => Flaw::Broken,
            })?;
        Ok((self.settings.expected.read_bearer(&token.claims, now)?, key.fingerprint))
    }

    /// Ends what is served because of tokens that have expired.
    pub fn expire_tokens(&self, now: SystemTime) {
        let expired = self.recent.lock().take_if(|about| about.ends <= now);
        let ended: usize = expired.iter().map(|credential| credential.revoke()).sum();
        if ended > 0 {
            tracing::info!(ended, "tokens have expired");
        }
    }

    /// These count from now on, and what is served because of others ends.
    fn replace_keys(&self, set: KeySet) {
        let set = Arc::new(set);
        let before = self.keys.write().replace(set.clone());
        let gone = self.recent.lock().take_if(|about| !set.has_fingerprint(&about.fingerprint));
        let ended: usize = gone.iter().map(|credential| credential.revoke()).sum();
        if set.len() == 0 {
            tracing::warn!(ended, "the issuer of tokens publishes no key that they can be verified with");
        } else if before.is_none_or(|before| !set.has_same_keys(&before)) {
            tracing::info!(ended, keys = set.len(), "the keys of tokens are new");
        }
    }
}

/// The principal of a token that was verified before and still counts.
fn valid_principal(
    recent: &mut Recent<[u8; 32], About>,
    hash: &[u8; 32],
    now: SystemTime,
) -> Option<Arc<Principal>> {
    let (principal, about) = recent.get(hash)?;
    (now < about.ends).then(|| principal.clone())
}

#[cfg(test)]
pub(crate) mod tests;
