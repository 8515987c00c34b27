//! What stands in the store.

use sightwire_base::lines::is_deceptive;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Role;
use crate::Use;
use crate::key::{Key, KeyHash};
use crate::scope::{Scope, ScopeError};

/// The version of the file that is written.
pub const VERSION: u32 = 1;
/// Keys that are kept, at most.
pub const MAX_KEYS: usize = 10_000;
/// Users that are kept, at most.
pub const MAX_USERS: usize = 1000;
/// Keys of viewers' links that count at the same time, at most.
pub const MAX_LINKS: usize = 500;
/// Of those, of one stream.
const MAX_LINKS_OF_ONE: usize = 20;
/// Of those, by the one who gives them out.
const MAX_LINKS_OF_MAKER: usize = 100;
/// What the name of such a key begins with; the stream's follows.
const LINK: &str = "viewers of ";
/// A key that expires does so within this: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
/// Characters of a name, at most.
const MAX_NAME: usize = 64;

/// Everything in the store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Records {
    /// Version of the file's format.
    pub version: u32,
    /// In the order in which they were added.
    #[serde(default)]
    pub keys: Vec<KeyRecord>,
    /// In the order in which they were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserRecord>,
}

impl Default for Records {
    fn default() -> Self {
        Self { version: VERSION, keys: Vec::new(), users: Vec::new() }
    }
}

/// A key that counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct KeyRecord {
    /// What it is revoked by: 8 hexadecimal digits.
    pub id: String,
    /// What it is for, in its maker's words.
    pub name: String,
    /// How much its owner may do.
    pub role: Role,
    /// Patterns of streams; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
    /// Uses; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub created: SystemTime,
    /// From when on it counts no more.
    #[serde(default, with = "rfc3339::optional", skip_serializing_if = "Option::is_none")]
    pub expires: Option<SystemTime>,
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub sha256: String,
    /// Of the key of a viewers' link: who gave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_by: Option<String>,
}

/// Somebody who logs in with a password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserRecord {
    /// What they log in with; upper and lower case are the same.
    pub name: String,
    /// How much they may do.
    pub role: Role,
    /// Patterns of streams; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
    /// Uses; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// When they were added.
    #[serde(with = "rfc3339")]
    pub created: SystemTime,
    /// Argon2id, as a PHC string.
    pub password: String,
}

/// What somebody wants of a new user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What they log in with.
    pub name: String,
    /// How much they may do.
    pub role: Role,
    /// The streams and uses that the role is for.
    pub scope: Scope,
    /// What is kept of their password.
    pub password: String,
}

/// What somebody wants of a new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// In its maker's words; by default its id.
    pub name: Option<String>,
    /// How much its owner may do.
    pub role: Role,
    /// The streams and uses that the role is for.
    pub scope: Scope,
    /// From when on it counts no more.
    pub expires: Option<SystemTime>,
}

/// Why a record is none.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nobody could tell it from others, or it would spoil a line of the log.
    #[error("a name has 1 to {MAX_NAME} characters, and no control characters among them")]
    Name,
    /// It would never count.
    #[error("the key would have expired already")]
    Expired,
    /// As many as are looked at.
    #[error("there are {MAX_KEYS} keys already; revoke some with `sightwire keys revoke ID`")]
    TooMany,
    /// As many as somebody gives out.
    #[error(
        "{of} have been given out and count still; take one of those, or have an admin revoke some on the page of keys"
    )]
    TooManyLinks {
        /// How many, and of what.
        of: String,
    },
    /// Its key would be that of other streams.
    #[error(
        "no link is made to a stream with * in its name, or a space at its beginning or end; give it another name"
    )]
    NoLink,
    /// Nobody will remember it.
    #[error("a key lasts at most 100 years; leave its time out, and it lasts for ever")]
    TooLong,
    /// The system has no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The hash is none.
    #[error("the key {0} has no SHA-256 of 64 hexadecimal digits")]
    Hash(String),
    /// The scope is none.
    #[error("{of}: {error}")]
    Scope {
        /// The key or user whose scope it is.
        of: String,
        /// What is wrong with the scope.
        error: ScopeError,
    },
    /// Two keys have one id, or two users one name.
    #[error("{0} stands there twice")]
    Twice(String),
    /// There is one of that name.
    #[error("there is a user {0} already")]
    Taken(String),
    /// As many as are looked at.
    #[error("there are {MAX_USERS} users already; remove some with `sightwire users remove NAME`")]
    TooManyUsers,
    /// The hash is none.
    #[error("the user {0} has no Argon2 hash of a password")]
    Password(String),
}

fn check_name(name: &str) -> Result<String, RecordError> {
    let name = name.trim();
    let length = name.chars().take(MAX_NAME + 1).count();
    let is_name = (1..=MAX_NAME).contains(&length) && !name.contains(is_deceptive);
    if is_name { Ok(name.to_owned()) } else { Err(RecordError::Name) }
}

fn scope_of(of: &str, streams: &[String], uses: &[Use]) -> Result<Scope, RecordError> {
    let scope = Scope::new(streams.iter().map(String::as_str), uses.iter().copied());
    scope.map_err(|error| RecordError::Scope { of: of.to_owned(), error })
}

impl UserRecord {
    /// What they may see or do something of.
    pub fn scope(&self) -> Result<Scope, RecordError> {
        scope_of(&self.name, &self.streams, &self.uses)
    }

    /// Whether they log in with that name.
    pub fn has_name(&self, name: &str) -> bool {
        fold_name(name).is_some_and(|name| fold_name(&self.name) == Some(name))
    }
}

/// What is the same in all spellings of a user's name; `None` for what is not a name.
pub fn fold_name(name: &str) -> Option<Box<str>> {
    check_name(name).ok().map(|name| name.to_lowercase().into())
}

impl KeyRecord {
    /// A new key, and what is kept of it.
    pub fn generate(wanted: &NewKey, now: SystemTime) -> Result<(Key, Self), RecordError> {
        let key = Key::generate()?;
        let name = check_name(wanted.name.as_deref().unwrap_or(key.id()))?;
        if wanted.expires.is_some_and(|at| at <= now) {
            return Err(RecordError::Expired);
        }
        if wanted.expires.is_some_and(|at| at.duration_since(now).is_ok_and(|time| time > LONGEST)) {
            return Err(RecordError::TooLong);
        }
        let record = Self {
            id: key.id().to_owned(),
            name,
            role: wanted.role,
            streams: wanted.scope.patterns().map(str::to_owned).collect(),
            uses: wanted.scope.uses().collect(),
            created: now,
            expires: wanted.expires,
            sha256: key.hash().to_hex(),
            link_by: None,
        };
        Ok((key, record))
    }

    /// What its owner may see or do something of.
    pub fn scope(&self) -> Result<Scope, RecordError> {
        scope_of(&self.id, &self.streams, &self.uses)
    }

    /// What is kept of the key.
    pub fn hash(&self) -> Result<KeyHash, RecordError> {
        KeyHash::from_hex(&self.sha256).ok_or_else(|| RecordError::Hash(self.id.clone()))
    }

    /// Whether it counts no more.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Records {
    /// Adds a key, which is given back in the clear this once.
    pub fn add_key(&mut self, wanted: &NewKey, now: SystemTime) -> Result<(Key, KeyRecord), RecordError> {
        self.add_by(wanted, None, now)
    }

    fn add_by(
        &mut self,
        wanted: &NewKey,
        link_by: Option<&str>,
        now: SystemTime,
    ) -> Result<(Key, KeyRecord), RecordError> {
        if self.keys.len() >= MAX_KEYS {
            return Err(RecordError::TooMany);
        }
        loop {
            let (key, record) = KeyRecord::generate(wanted, now)?;
            let record = KeyRecord { link_by: link_by.map(str::to_owned), ..record };
            if self.find_key(&record.id).is_none() {
                self.keys.push(record.clone());
                return Ok((key, record));
            }
        }
    }

    /// Adds the key of a link with which others watch that stream and no other; `by` gives it out. Those that have expired make
    /// room.
    pub fn add_link(
        &mut self,
        stream: &str,
        by: &str,
        expires: SystemTime,
        now: SystemTime,
    ) -> Result<(Key, KeyRecord), RecordError> {
        self.keys.retain(|key| !(key.link_by.is_some() && key.has_expired(now)));
        let count = |is_of: &dyn Fn(&KeyRecord) -> bool| {
            self.keys.iter().filter(|key| key.link_by.is_some() && is_of(key)).count()
        };
        let of = if count(&|key| key.streams == [stream]) >= MAX_LINKS_OF_ONE {
            Some(format!("{MAX_LINKS_OF_ONE} links to {stream:?}"))
        } else if count(&|key| key.link_by.as_deref() == Some(by)) >= MAX_LINKS_OF_MAKER {
            Some(format!("{MAX_LINKS_OF_MAKER} links by {by}"))
        } else {
            (count(&|_| true) >= MAX_LINKS).then(|| format!("{MAX_LINKS} links"))
        };
        if let Some(of) = of {
            return Err(RecordError::TooManyLinks { of });
        }
        // Patterns are trimmed, and in them a star stands for any text.
        if stream.trim() != stream || stream.contains('*') {
            return Err(RecordError::NoLink);
        }
        let shown = stream.chars().filter(|c| !is_deceptive(*c)).take(MAX_NAME - LINK.len());
        let name = LINK.chars().chain(shown).collect();
        let scope = scope_of(stream, &[stream.to_owned()], &[Use::Relay])?;
        let wanted = NewKey { name: Some(name), role: Role::Viewer, scope, expires: Some(expires) };
        self.add_by(&wanted, Some(by), now)
    }

    /// The key of that id.
    pub fn find_key(&self, id: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Takes a key away; `None` if there is none of that id.
    pub fn revoke_key(&mut self, id: &str) -> Option<KeyRecord> {
        let at = self.keys.iter().position(|key| key.id == id)?;
        Some(self.keys.remove(at))
    }

    /// Adds a user; an error if the name is taken, or not a name.
    pub fn add_user(&mut self, wanted: NewUser, now: SystemTime) -> Result<&UserRecord, RecordError> {
        let name = check_name(&wanted.name)?;
        if self.find_user(&name).is_some() {
            return Err(RecordError::Taken(name));
        }
        if self.users.len() >= MAX_USERS {
            return Err(RecordError::TooManyUsers);
        }
        Ok(self.users.push_mut(UserRecord {
            name,
            role: wanted.role,
            streams: wanted.scope.patterns().map(str::to_owned).collect(),
            uses: wanted.scope.uses().collect(),
            created: now,
            password: wanted.password,
        }))
    }

    /// The user of that name.
    pub fn find_user(&self, name: &str) -> Option<&UserRecord> {
        self.users.iter().find(|user| user.has_name(name))
    }

    /// Takes a user away; `None` if there is none of that name.
    pub fn remove_user(&mut self, name: &str) -> Option<UserRecord> {
        let at = self.users.iter().position(|user| user.has_name(name))?;
        Some(self.users.remove(at))
    }

    /// Whether somebody may manage access.
    pub fn has_admin(&self, now: SystemTime) -> bool {
        self.keys.iter().any(|key| key.role == Role::Admin && !key.has_expired(now))
            || self.users.iter().any(|user| user.role == Role::Admin)
    }
}

/// Times as text, to the second.
mod rfc3339 {
    use std::time::SystemTime;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_seconds(*time))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(de::Error::custom)
    }

    pub(super) mod optional {
        use super::{Deserializer, Serializer, SystemTime};

        #[allow(clippy::ref_option, reason = "serde hands it over so")]
        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<SystemTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'a, D: Deserializer<'a>>(
            deserializer: D,
        ) -> Result<Option<SystemTime>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn wanted(name: Option<&str>) -> NewKey {
        let scope = Scope::new(["gate-*"], [Use::Cameras]).unwrap();
        NewKey { name: name.map(str::to_owned), role: Role::Viewer, scope, expires: None }
    }

    #[test]
    fn a_key_is_kept_as_its_hash_and_read_again() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut records = Records::default();
        let expires = Some(now + Duration::from_secs(3600));
        let (key, record) =
            records.add_key(&NewKey { expires, ..wanted(Some(" gate phone ")) }, now).unwrap();
        let text = serde_json::to_string(&records).unwrap();
        assert!(!text.contains(key.reveal()) && text.contains("gate phone\""), "{text}");
        assert!(text.contains("\"created\":\"2027-01-15T08:00:00Z\""), "{text}");
        let read: Records = serde_json::from_str(&text).unwrap();
        assert_eq!(read, records);
        assert!(record.hash().unwrap().is_same(&key.hash()));
        assert_eq!(record.scope().unwrap(), wanted(None).scope);
        assert!(!record.has_expired(now) && record.has_expired(now + Duration::from_secs(3600)));
        assert!(!records.has_admin(now));
        assert_eq!(records.revoke_key(&record.id).unwrap(), record);
        assert!(records.revoke_key(&record.id).is_none());
    }

    #[test]
    fn a_user_has_a_name_of_their_own() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut records = Records::default();
        let wanted = |name: &str| NewUser {
            name: name.into(),
            role: Role::Admin,
            scope: Scope::ALL,
            password: "$argon2id$…".into(),
        };
        assert_eq!(records.add_user(wanted(" Änne "), now).unwrap().name, "Änne");
        assert!(records.has_admin(now));
        assert!(matches!(records.add_user(wanted("änne"), now), Err(RecordError::Taken(_))));
        assert!(matches!(records.add_user(wanted(" "), now), Err(RecordError::Name)));
        let text = serde_json::to_string(&records).unwrap();
        assert_eq!(serde_json::from_str::<Records>(&text).unwrap(), records);
        assert_eq!(records.remove_user("ÄNNE").unwrap().name, "Änne");
        assert!(records.remove_user("Änne").is_none() && !records.has_admin(now));
    }

    #[test]
    fn a_key_that_nobody_could_use_or_name_is_refused() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut records = Records::default();
        let (_, record) = records.add_key(&wanted(None), now).unwrap();
        assert_eq!(record.name, record.id);
        for name in ["", "  ", "a\nb", "gpj.\u{202e}exe", &"x".repeat(MAX_NAME + 1)] {
            assert!(matches!(records.add_key(&wanted(Some(name)), now), Err(RecordError::Name)), "{name:?}");
        }
        let far = NewKey { expires: Some(now + LONGEST * 2), ..wanted(None) };
        assert!(matches!(records.add_key(&far, now), Err(RecordError::TooLong)));
        let late = NewKey { expires: Some(now), ..wanted(None) };
        assert!(matches!(records.add_key(&late, now), Err(RecordError::Expired)));
        let broken = KeyRecord { sha256: "00".into(), streams: vec![String::new()], ..record };
        assert!(broken.hash().is_err() && broken.scope().is_err());
    }

    #[test]
    fn a_link_is_for_one_stream_ends_by_itself_and_there_are_so_many() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hour = now + Duration::from_secs(3600);
        let mut records = Records::default();
        let (_, record) = records.add_link("Ward 3, bed 1", "desk", hour, now).unwrap();
        assert_eq!((record.name.as_str(), record.role), ("viewers of Ward 3, bed 1", Role::Viewer));
        assert_eq!(records.find_key(&record.id), Some(&record));
        let scope = record.scope().unwrap();
        assert!(
            scope.covers_stream("Ward 3, bed 1")
                && !scope.covers_stream("Ward 3, bed 2")
                && !scope.has_use(Use::Signs)
        );
        for wrong in ["gate-*", " gate", "gate "] {
            let made = records.add_link(wrong, "desk", hour, now);
            assert!(matches!(made, Err(RecordError::NoLink)), "{wrong:?}");
        }
        assert!(records.add_link(&"x".repeat(300), "desk", hour, now).is_err(), "no pattern is so long");
        assert!(records.add_link(&"é".repeat(90), "desk", hour, now).is_ok());
        for _ in 1..MAX_LINKS_OF_ONE {
            records.add_link("Ward 3, bed 1", "desk", hour, now).unwrap();
        }
        let too_many = |made: Result<_, RecordError>| made.map(|_| ()).unwrap_err().to_string();
        let error = too_many(records.add_link("Ward 3, bed 1", "hall", hour, now));
        assert!(error.starts_with("20 links to \"Ward 3, bed 1\""), "{error}");
        for n in records.keys.len()..MAX_LINKS_OF_MAKER {
            records.add_link(&n.to_string(), "desk", hour, now).unwrap();
        }
        let error = too_many(records.add_link("one more", "desk", hour, now));
        assert!(error.starts_with("100 links by desk"), "{error}");
        for n in records.keys.len()..MAX_LINKS {
            records.add_link(&n.to_string(), &(n / 50).to_string(), hour, now).unwrap();
        }
        assert!(too_many(records.add_link("one more", "hall", hour, now)).starts_with("500 links"));
        let own = NewKey { expires: Some(hour), ..wanted(Some("viewers of lobby")) };
        records.add_key(&own, now).unwrap();
        let later = hour + Duration::from_secs(3600);
        records.add_link("Ward 3, bed 1", "desk", later, hour).unwrap();
        assert_eq!(records.keys.len(), 2, "what has expired makes room, but for keys of others");
    }
}
