//! What a token says of its owner, and whether that counts here and now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sightwire_base::lines;

use super::Flaw;
use crate::key::KeyHash;
use crate::scope::Scope;
use crate::{Role, Use};

/// What has to stand in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Who has issued it (`iss`).
    pub issuer: String,
    /// For whom it was issued (`aud`, which may name others, too).
    pub audience: String,
    /// By how much the clocks of issuer and server may differ.
    pub leeway: Duration,
    /// The claim that has the role: its name, or the way to it with dots between (`realm_access.roles`).
    pub role_claim: String,
}

/// The owner of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// For people, and told from all others.
    pub subject: String,
    pub role: Role,
    pub scope: Scope,
    /// From then on it counts for nothing that it has opened.
    pub ends: SystemTime,
}

impl Expected {
    /// Whom those claims are of; their signature has been verified.
    pub(super) fn read_bearer(&self, claims: &Map<String, Value>, now: SystemTime) -> Result<Bearer, Flaw> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Flaw::Issuer);
        }
        let is_for_us = match claims.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == self.audience.as_str()),
            _ => false,
        };
        if !is_for_us {
            return Err(Flaw::Audience);
        }
        let expires = read_time(claims, "exp")?.ok_or(Flaw::NoExpiry)?;
        let last = expires.checked_add(self.leeway).ok_or(Flaw::Claims)?;
        if now >= last {
            return Err(Flaw::Expired);
        }
        let earliest = read_time(claims, "nbf")?.and_then(|from| from.checked_sub(self.leeway));
        if earliest.is_some_and(|earliest| now < earliest) {
            return Err(Flaw::NotYet);
        }
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.trim().is_empty());
        Ok(Bearer {
            subject: shorten_subject(subject.ok_or(Flaw::NoSubject)?),
            role: self.highest_role(claims).ok_or(Flaw::NoRole)?,
            scope: read_scope(claims)?,
            // What it has opened ends when it expires. Within the leeway it opens something again: then the clocks differ.
            ends: if now < expires { expires } else { last },
        })
    }

    /// The highest that is a role here.
    fn highest_role(&self, claims: &Map<String, Value>) -> Option<Role> {
        // Some issuers take only claims that are addresses, which have dots in them.
        let claim = claims.get(&self.role_claim).or_else(|| {
            let mut path = self.role_claim.split('.');
            let first = claims.get(path.next()?)?;
            path.try_fold(first, |value, name| value.get(name))
        });
        let roles = match claim? {
            Value::Array(several) => several,
            one => std::slice::from_ref(one),
        };
        roles.iter().filter_map(|role| role.as_str()?.parse().ok()).max()
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519, section 2).
fn read_time(claims: &Map<String, Value>, name: &str) -> Result<Option<SystemTime>, Flaw> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let seconds = match (claim.as_u64(), claim.as_f64()) {
        (Some(whole), _) => Duration::from_secs(whole),
        (None, Some(fraction)) => Duration::try_from_secs_f64(fraction).map_err(|_| Flaw::Claims)?,
        (None, None) => return Err(Flaw::Claims),
    };
    UNIX_EPOCH.checked_add(seconds).map(Some).ok_or(Flaw::Claims)
}

/// Everything, unless `streams` or `uses` name some. An empty list is not taken for everything.
fn read_scope(claims: &Map<String, Value>) -> Result<Scope, Flaw> {
    let list = |name: &str| {
        let Some(claim) = claims.get(name) else { return Ok(Vec::new()) };
        let items = claim.as_array().filter(|items| !items.is_empty()).ok_or(Flaw::Scope)?;
        items.iter().map(|item| item.as_str().ok_or(Flaw::Scope)).collect::<Result<Vec<&str>, Flaw>>()
    };
    let uses = list("uses")?.into_iter().map(|name| name.parse().map_err(|_| Flaw::Scope));
    let uses = uses.collect::<Result<Vec<Use>, Flaw>>()?;
    Scope::new(list("streams")?, uses).map_err(|_| Flaw::Scope)
}

/// On one line and not too long. What that changes gets a mark of its own, so that two subjects are never taken for one.
fn shorten_subject(subject: &str) -> String {
    let short = lines::short_line(subject).to_string();
    if short == subject {
        return short;
    }
    let hash = KeyHash::from_hash(Sha256::digest(subject).into()).to_hex();
    format!("{short} #{}", hash.get(..16).unwrap_or_default())
}
