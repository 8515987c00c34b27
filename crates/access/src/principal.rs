//! Who asks, and whether that one may.

use std::fmt;
use std::sync::Arc;

use crate::Role;
use crate::Use;
use crate::action::Action;
use crate::credential::Credential;
use crate::process::ProcessFlaw;
use crate::scope::Scope;
use crate::token::Flaw;

/// Who asks for something.
#[derive(Clone, Debug)]
pub struct Principal {
    who: Who,
    role: Option<Role>,
    scope: Scope,
    rules: Arc<Rules>,
    /// `None` for those who need none.
    credential: Option<Arc<Credential>>,
}

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// By nothing, or by something that does not count, and why not.
    Unknown(Option<Unknown>),
    /// By nothing, where that is enough.
    Anyone,
    /// By nothing, on the machine that runs the server.
    Here,
    /// By the network that it comes from, for the path that it asks for.
    Legacy {
        /// The networks as text, for log lines and messages.
        networks: Arc<str>,
    },
    /// By an API key.
    Key {
        /// What it is revoked by.
        id: Arc<str>,
        /// What its maker called it.
        name: Arc<str>,
    },
    /// By a name and a password, or by a name that a proxy says.
    User {
        /// The name.
        name: Arc<str>,
    },
    /// By a name that a proxy says, and that is not in the store.
    Proxied {
        /// The name, in small letters.
        name: Arc<str>,
    },
    /// By a token of an issuer that is trusted.
    Token {
        /// Whose it is, as the issuer calls them; short, and without control characters.
        subject: Arc<str>,
    },
    /// By the secret of the cluster, as another of its processes.
    Process {
        /// The process's name in the cluster.
        name: Arc<str>,
    },
}

/// Why a key does not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unknown {
    /// It does not look like one.
    #[error(
        "this is not a key of Sightwire, or not all of one (sw_, 8 characters, _ and 43 characters); `sightwire keys add` makes one"
    )]
    NotAKey,
    /// It is not in the store.
    #[error(
        "this key is not known: it was revoked, or is another server's; `sightwire keys list` shows those that are"
    )]
    NotKnown,
    /// Its time is over.
    #[error("this key has expired; `sightwire keys add` makes another")]
    Expired,
    /// It may have been revoked at another process of the cluster.
    #[error(
        "keys and users could not be confirmed for {}, since this process's Redis does not answer, or not as it should (cluster.rights_max_age_s)",
        format_duration(*seconds)
    )]
    Unconfirmed {
        /// For how many seconds they were not confirmed.
        seconds: u64,
    },
    /// It is a token that does not count.
    #[error(transparent)]
    Token(#[from] Flaw),
    /// A proxy that is believed says something else than a user's name.
    #[error(
        "the proxy in front of this server does not say clearly who asks: access.proxy_header has to come once, with a name of 1 to 64 characters; correct the configuration of the proxy"
    )]
    ProxiedName,
    /// The configuration lets in those in the store alone.
    #[error(
        "the proxy in front of this server names a user who is not known here; an admin adds one with `sightwire users add` (access.proxy_role = \"none\")"
    )]
    NoUser,
    /// A proxy may have added it to what any page asks for.
    #[error(
        "a token in the header Authorization counts for this server's own pages, for those of server.cors_origins, and for programs: list the origin of this page there"
    )]
    TokenOfPage,
    /// It says that it is another process's, and is not.
    #[error(transparent)]
    Process(#[from] ProcessFlaw),
}

fn format_duration(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// What the configuration says about single actions, whatever somebody's role is. By [`Action::name`], with the key of the
/// configuration that says so.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Actions that everybody may do, each with the key that says so.
    pub everyone: Vec<(&'static str, &'static str)>,
    /// Actions that nobody may do, each with the key that says so.
    pub nobody: Vec<(&'static str, &'static str)>,
}

impl Rules {
    fn key_of(list: &[(&'static str, &'static str)], action: &Action) -> Option<&'static str> {
        list.iter().find(|(name, _)| *name == action.name).map(|(_, key)| *key)
    }
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nothing was sent to know somebody by.
    #[error("a key is needed to {0}: send it as `Authorization: Bearer KEY`, or as `?key=KEY`")]
    NoKey(&'static str),
    /// What was sent does not count.
    #[error(transparent)]
    Unknown(Unknown),
    /// The configuration forbids it to all.
    #[error("nobody may {words} while this server runs ({key} = \"nobody\")")]
    Nobody {
        /// The action as it follows "may".
        words: &'static str,
        /// The key of the configuration that forbids it.
        key: &'static str,
    },
    /// The role is too low.
    #[error("{who} is {}; to {words} takes {}", role.with_article(), needed.with_article())]
    Role {
        /// The caller, as the message names it.
        who: Box<str>,
        /// Its role.
        role: Role,
        /// The least role that may.
        needed: Role,
        /// The action as it follows "to".
        words: &'static str,
    },
    /// The use is outside the scope.
    #[error("{who} is for {uses}, not for {wanted}")]
    Use {
        /// The caller, as the message names it.
        who: Box<str>,
        /// What it is for.
        uses: Box<str>,
        /// What was asked for.
        wanted: Use,
    },
    /// The stream is outside the scope.
    #[error("{who} covers {streams}, not {stream:?}")]
    Stream {
        /// The caller, as the message names it.
        who: Box<str>,
        /// The streams that it covers, in words.
        streams: Box<str>,
        /// What was asked for.
        stream: Box<str>,
    },
    /// It belongs to all streams, and the scope is one of some, or of some uses where it belongs to all of them.
    #[error("{who} covers {scope}; to {words} takes one for all streams{}", if *of_all_uses { " and uses" } else { "" })]
    Whole {
        /// The caller, as the message names it.
        who: Box<str>,
        /// The scope that it has, in words.
        scope: Box<str>,
        /// It belongs to all uses.
        of_all_uses: bool,
        /// The action as it follows "to".
        words: &'static str,
    },
}

impl Denied {
    /// Whether another key, or any, could change it without somebody's leave: nobody is known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::NoKey(_) | Self::Unknown(_))
    }
}

impl Principal {
    /// One with a role.
    pub fn new(
        who: Who,
        role: Role,
        scope: Scope,
        rules: Arc<Rules>,
        credential: Option<Arc<Credential>>,
    ) -> Self {
        Self { who, role: Some(role), scope, rules, credential }
    }

    /// The same, known by something else that ends with what it was known by.
    #[must_use]
    pub fn with_credential(self, credential: Arc<Credential>) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// One who is not known, and may nothing but what everybody may.
    pub fn new_unknown(why: Option<Unknown>, rules: Arc<Rules>) -> Self {
        Self { who: Who::Unknown(why), role: None, scope: Scope::ALL, rules, credential: None }
    }

    /// By what it is known.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Whether it is another process of this cluster.
    #[inline]
    pub fn is_process(&self) -> bool {
        matches!(self.who, Who::Process { .. })
    }

    /// How much it may do; `None` where it is not known.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The streams and uses that it covers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What it is known by; `None` where it need not be.
    pub fn credential(&self) -> Option<&Arc<Credential>> {
        self.credential.as_ref()
    }

    /// Whether it may do something that belongs to no single stream, or, before a stream is looked for, whether it may at all.
    pub fn check_action(&self, action: &Action) -> Result<(), Denied> {
        let Some(needed) = action.role else { return Ok(()) };
        let words = action.words;
        if let Some(key) = Rules::key_of(&self.rules.nobody, action) {
            return Err(Denied::Nobody { words, key });
        }
        if Rules::key_of(&self.rules.everyone, action).is_some() {
            return Ok(());
        }
        let Some(role) = self.role else {
            return Err(match &self.who {
                Who::Unknown(Some(why)) => Denied::Unknown(why.clone()),
                _ => Denied::NoKey(words),
            });
        };
        if role < needed {
            return Err(Denied::Role { who: self.in_words(), role, needed, words });
        }
        if let Some(of) = action.of {
            self.check_use(of)?;
        }
        let of_all_uses = action.of.is_none();
        let is_limited =
            self.scope.patterns().next().is_some() || of_all_uses && self.scope.uses().next().is_some();
        if action.whole && is_limited {
            let scope = format!("{}, {}", self.scope.streams_in_words(), self.scope.uses_in_words());
            return Err(Denied::Whole { who: self.in_words(), scope: scope.into(), of_all_uses, words });
        }
        Ok(())
    }

    /// Whether it may do that with that stream, which belongs to `of` where that is known.
    pub fn check_stream_action(&self, action: &Action, stream: &str, of: Option<Use>) -> Result<(), Denied> {
        self.check_action(action)?;
        if Rules::key_of(&self.rules.everyone, action).is_some() {
            return Ok(());
        }
        if !self.scope.covers_stream(stream) {
            return Err(Denied::Stream {
                who: self.in_words(),
                streams: self.scope.streams_in_words().into(),
                stream: stream.chars().take(80).collect::<String>().into(),
            });
        }
        of.map_or(Ok(()), |of| self.check_use(of))
    }

    fn check_use(&self, wanted: Use) -> Result<(), Denied> {
        if self.scope.has_use(wanted) {
            return Ok(());
        }
        let uses = self.scope.uses_in_words().into();
        Err(Denied::Use { who: self.in_words(), uses, wanted })
    }

    fn in_words(&self) -> Box<str> {
        self.who.to_string().into()
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(_) => f.write_str("somebody unknown"),
            Self::Anyone => f.write_str("whoever reaches this server"),
            Self::Here => f.write_str("whoever is on this machine"),
            Self::Key { name, .. } => write!(f, "the key {name}"),
            Self::Legacy { networks } => write!(f, "a client of {networks} without a key"),
            Self::User { name } => write!(f, "the user {name}"),
            Self::Proxied { name } => write!(f, "the user {name} of the proxy"),
            Self::Token { subject } => write!(f, "the token of {subject}"),
            Self::Process { name } => write!(f, "the process {name}"),
        }
    }
}

impl Who {
    /// As in the audit log: names are quoted, so that none reads like a deed, and a key has its id, since several may have one
    /// name.
    pub fn quoted_name(&self) -> String {
        match self {
            Self::Key { id, name } => format!("the key {id} ({name:?})"),
            Self::User { name } => format!("the user {name:?}"),
            Self::Proxied { name } => format!("the user {name:?} of the proxy"),
            Self::Token { subject } => format!("the token of {subject:?}"),
            Self::Process { name } => format!("the process {name:?}"),
            Self::Unknown(_) | Self::Anyone | Self::Here | Self::Legacy { .. } => self.to_string(),
        }
    }

    /// The name alone, of those who are told apart by more than where they are.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Key { name, .. }
            | Self::User { name }
            | Self::Proxied { name }
            | Self::Process { name } => Some(name),
            Self::Token { subject } => Some(subject),
            Self::Unknown(_) | Self::Anyone | Self::Here | Self::Legacy { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{self, Act as _};

    fn key(role: Role, streams: &[&str], uses: &[Use]) -> Principal {
        let who = Who::Key { id: "0123abcd".into(), name: "gate-phone".into() };
        let scope = Scope::new(streams.iter().copied(), uses.iter().copied()).unwrap();
        Principal::new(who, role, scope, Arc::default(), None)
    }

    #[test]
    fn a_role_may_what_those_before_it_may_and_no_more() {
        for role in Role::ALL {
            let principal = key(role, &[], &[]);
            for action in action::ALL {
                let may = principal.check_action(action).is_ok();
                assert_eq!(may, action.role.is_none_or(|needed| role >= needed), "{role} {}", action.name);
            }
        }
        let denied = key(Role::Viewer, &[], &[]).check_action(&action::EndStreams::ACTION).unwrap_err();
        assert_eq!(
            denied.to_string(),
            "the key gate-phone is a viewer; to end streams and viewers takes an operator"
        );
    }

    #[test]
    fn somebody_unknown_may_nothing_and_is_told_why() {
        for why in
            [None, Some(Unknown::NotKnown), Some(Unknown::Expired), Some(ProcessFlaw::NoCluster.into())]
        {
            let nobody = Principal::new_unknown(why, Arc::default());
            for action in action::ALL.iter().filter(|action| action.role.is_some()) {
                let denied = nobody.check_action(action).unwrap_err();
                assert!(denied.is_unknown(), "{denied}");
                assert!(nobody.check_stream_action(action, "gate", None).is_err());
            }
            assert!(nobody.check_action(&action::Anything::ACTION).is_ok());
        }
        let denied = Principal::new_unknown(Some(Unknown::Expired), Arc::default())
            .check_action(&action::WatchStream::ACTION);
        assert!(denied.unwrap_err().to_string().contains("expired"));
    }

    #[test]
    fn a_scope_bounds_streams_and_uses_whatever_the_role() {
        let watch = action::WatchStream::ACTION;
        let admin = key(Role::Admin, &["gate-*"], &[Use::Cameras]);
        assert_eq!(admin.check_stream_action(&watch, "gate-1", Some(Use::Cameras)), Ok(()));
        let denied = admin.check_stream_action(&watch, "yard", Some(Use::Cameras)).unwrap_err();
        assert_eq!(denied.to_string(), "the key gate-phone covers gate-*, not \"yard\"");
        let denied = admin.check_stream_action(&watch, "gate-1", Some(Use::Relay)).unwrap_err();
        assert_eq!(denied.to_string(), "the key gate-phone is for cameras, not for relay");
        assert!(matches!(admin.check_action(&action::Read::ACTION), Err(Denied::Use { .. })));
        assert!(matches!(admin.check_action(&action::SeeMetrics::ACTION), Err(Denied::Whole { .. })));
        assert!(!admin.check_action(&action::SeeMetrics::ACTION).unwrap_err().is_unknown());
    }

    #[test]
    fn the_configuration_gives_and_takes_single_actions() {
        let rules = Rules {
            everyone: vec![("end-streams", "server.managing")],
            nobody: vec![("switch-model", "recognizer.switching")],
        };
        let rules = Arc::new(rules);
        let nobody = Principal::new_unknown(None, rules.clone());
        assert_eq!(nobody.check_stream_action(&action::EndStreams::ACTION, "gate", None), Ok(()));
        assert!(nobody.check_action(&action::ChangeCameras::ACTION).is_err());
        let admin = Principal::new(Who::Here, Role::Admin, Scope::ALL, rules, None);
        let denied = admin.check_action(&action::SwitchModel::ACTION).unwrap_err().to_string();
        assert_eq!(
            denied,
            "nobody may switch the model while this server runs (recognizer.switching = \"nobody\")"
        );
    }
}
