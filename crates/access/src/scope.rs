//! Of what somebody may see or do something: which streams, and which of the server's uses.

use std::collections::BTreeSet;

use sightwire_api::access::Use;

/// Patterns of one scope, at most.
pub const MAX_PATTERNS: usize = 64;
/// Bytes of one pattern, at most.
pub const MAX_PATTERN: usize = 200;

/// Why something is not a scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It can match nothing.
    #[error("a pattern of streams is empty; `*` matches all streams, `gate-*` those that begin with gate-")]
    Empty,
    /// A pattern that nobody means.
    #[error("a pattern of streams is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// More patterns than are looked at for each request.
    #[error("there are more than {MAX_PATTERNS} patterns of streams")]
    TooMany,
}

/// Which streams, and which uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// `None`: all.
    streams: Option<Box<[Box<str>]>>,
    /// `None`: all.
    uses: Option<BTreeSet<Use>>,
}

impl Scope {
    /// All streams, for all uses.
    pub const ALL: Self = Self { streams: None, uses: None };

    /// Streams whose id matches one of these patterns, in which `*` stands for any text; all, where none is given. And these
    /// uses; all, where none is given.
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
        uses: impl IntoIterator<Item = Use>,
    ) -> Result<Self, ScopeError> {
        let mut streams: Vec<Box<str>> = patterns.into_iter().map(|pattern| pattern.trim().into()).collect();
        if streams.iter().any(|pattern| pattern.is_empty()) {
            return Err(ScopeError::Empty);
        }
        if streams.iter().any(|pattern| pattern.len() > MAX_PATTERN) {
            return Err(ScopeError::TooLong);
        }
        if streams.len() > MAX_PATTERNS {
            return Err(ScopeError::TooMany);
        }
        streams.sort();
        streams.dedup();
        let all = streams.is_empty() || streams.iter().any(|pattern| pattern.bytes().all(|b| b == b'*'));
        let uses: BTreeSet<Use> = uses.into_iter().collect();
        Ok(Self {
            streams: (!all).then(|| streams.into()),
            uses: (!uses.is_empty() && uses.len() < Use::ALL.len()).then_some(uses),
        })
    }

    /// Whether a stream of that id is within it.
    pub fn covers_stream(&self, stream: &str) -> bool {
        let Some(patterns) = &self.streams else { return true };
        patterns.iter().any(|pattern| matches_pattern(pattern, stream))
    }

    /// Whether every stream is.
    pub fn covers_all(&self) -> bool {
        self.streams.is_none()
    }

    /// Whether that use is within it.
    pub fn has_use(&self, wanted: Use) -> bool {
        self.uses.as_ref().is_none_or(|uses| uses.contains(&wanted))
    }

    /// As they were given; none for all.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().flatten().map(|pattern| &**pattern)
    }

    /// The uses; none for all.
    pub fn uses(&self) -> impl Iterator<Item = Use> {
        self.uses.iter().flatten().copied()
    }

    /// The streams, for people: `gate-*, yard`; `all streams`.
    pub fn streams_in_words(&self) -> String {
        let patterns: Vec<&str> = self.patterns().collect();
        if patterns.is_empty() { "all streams".into() } else { patterns.join(", ") }
    }

    /// The uses, for people: `cameras, relay`; `all uses`.
    pub fn uses_in_words(&self) -> String {
        let uses: Vec<&str> = self.uses().map(Use::name).collect();
        if uses.is_empty() { "all uses".into() } else { uses.join(", ") }
    }
}

/// Whether `text` is the pattern with each `*` replaced by some text, which may be empty. Takes no more steps than the
/// product of both lengths.
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    // Before the first star it has to begin so; without any star it has to be just that.
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The first place that fits leaves most for what follows.
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(patterns: &[&str]) -> Scope {
        Scope::new(patterns.iter().copied(), []).unwrap()
    }

    #[test]
    fn patterns_cover_what_they_say_and_nothing_else() {
        for (pattern, inside, outside) in [
            ("gate-*", &["gate-", "gate-1", "gate-north*"][..], &["gate", "xgate-1", "Gate-1"][..]),
            ("yard", &["yard"], &["yard2", "", "backyard"]),
            ("*-cam", &["-cam", "a-cam"], &["a-cam2"]),
            ("a*b*c", &["abc", "a1b2c", "abbc"], &["ac", "acb", "ab"]),
            ("a*a", &["aa", "aba"], &["a"]),
        ] {
            let scope = scope(&[pattern]);
            assert!(!scope.covers_all());
            assert!(inside.iter().all(|id| scope.covers_stream(id)), "{pattern}");
            assert!(!outside.iter().any(|id| scope.covers_stream(id)), "{pattern}");
        }
        assert!(scope(&["x", "yard"]).covers_stream("yard"));
        for all in [&[][..], &["*"], &["gate", "**"]] {
            assert!(scope(all).covers_all() && scope(all).covers_stream("anything"), "{all:?}");
        }
    }

    #[test]
    fn uses_are_all_unless_some_are_named() {
        let relay = Scope::new([], [Use::Relay]).unwrap();
        assert!(relay.has_use(Use::Relay) && !relay.has_use(Use::Cameras));
        assert!(Use::ALL.iter().all(|one| Scope::ALL.has_use(*one)));
        assert_eq!(Scope::new(["*"], Use::ALL).unwrap(), Scope::ALL);
        assert_eq!(relay.uses_in_words(), "relay");
    }

    #[test]
    fn what_is_no_scope_is_said() {
        assert_eq!(Scope::new([" "], []), Err(ScopeError::Empty));
        assert_eq!(Scope::new([&*"x".repeat(MAX_PATTERN + 1)], []), Err(ScopeError::TooLong));
        assert_eq!(Scope::new(vec!["x"; MAX_PATTERNS + 1], []), Err(ScopeError::TooMany));
    }

    proptest! {
        #[test]
        fn a_star_stands_for_any_text(parts in prop::collection::vec("[ab]{0,3}", 1..5), fill in "[abc*]{0,4}") {
            prop_assert!(matches_pattern(&parts.join("*"), &parts.join(&fill)));
        }

        #[test]
        fn as_a_slow_matcher_says(pattern in "[ab*]{0,6}", text in "[ab]{0,6}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern, text) {
                    ([], text) => text.is_empty(),
                    ([b'*', rest @ ..], text) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
                    ([p, rest @ ..], [t, others @ ..]) => p == t && slow(rest, others),
                    (_, []) => false,
                }
            }
            prop_assert_eq!(matches_pattern(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
