//! `s3://bucket/key`.

use std::fmt;
use std::str::FromStr;

/// An address begins so.
pub const SCHEME: &str = "s3://";
/// Bytes of a bucket's name, and of a key, at most: as S3 has it.
const MAX_BUCKET: usize = 63;
const MAX_KEY: usize = 1024;

/// An object, or all that lie below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Of letters, digits, `.`, `_` and `-`.
    pub bucket: String,
    /// As it was written, without a slash before it; empty is the whole bucket.
    pub key: String,
}

/// A text is not an address in S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not an address of anything in S3.
    #[error("{0:?} is no address in S3: write it as s3://bucket or s3://bucket/folder")]
    Form(String),
    /// Its bucket has a name that no bucket has.
    #[error("{0:?} names no bucket: its name has 3 to {MAX_BUCKET} letters, digits, `.`, `_` and `-`")]
    Bucket(String),
    /// It has a bucket, and no key of an object.
    #[error("{0:?} names no object: after the bucket comes its key")]
    NoKey(String),
    /// Of what is below.
    #[error(
        "{0:?} cannot be asked for: parts of a key that are empty, `.` or `..`, control characters, and more than {MAX_KEY} bytes are not read"
    )]
    Key(String),
}

impl Address {
    /// Whether a text is meant as one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Whether another is this, or lies below it as in a folder.
    pub fn contains_address(&self, other: &Self) -> bool {
        let folder = self.key.trim_end_matches('/');
        let is_below =
            |key: &str| key.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.bucket == other.bucket && (folder.is_empty() || is_below(&other.key))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| AddressError::Form(text.to_owned()))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let begins = bucket.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !(3..=MAX_BUCKET).contains(&bucket.len()) || !begins || !bucket.chars().all(is_fine) {
            return Err(AddressError::Bucket(text.to_owned()));
        }
        let parts = key.trim_end_matches('/').split('/');
        let is_odd =
            |part: &str| matches!(part, "" | "." | "..") || part.chars().any(|c| c.is_ascii_control());
        let slashes = key.len() - key.trim_end_matches('/').len();
        if !key.is_empty() && (key.len() > MAX_KEY || slashes > 1 || parts.clone().any(is_odd)) {
            return Err(AddressError::Key(text.to_owned()));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.bucket)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, "/{}", self.key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_a_bucket_and_a_key() {
        for (text, bucket, key) in [
            ("s3://scans", "scans", ""),
            ("s3://scans/2026", "scans", "2026"),
            ("s3://scans/2026/", "scans", "2026/"),
            ("s3://scans/a b/é 50%#?.png", "scans", "a b/é 50%#?.png"),
        ] {
            let address = of(text);
            assert_eq!((&*address.bucket, &*address.key), (bucket, key));
            assert_eq!(address.to_string(), text);
        }
        assert_eq!(of("s3://scans/").to_string(), "s3://scans");
    }

    #[test]
    fn what_is_none_is_told() {
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert!(matches!(error("scans/2026"), AddressError::Form(_)));
        for text in [
            "s3://",
            "s3:///a.png",
            "s3://ab",
            "s3://a b c/d",
            "s3://-abc",
            "s3://user@host/a",
            "s3://abc:9000/a",
        ] {
            assert!(matches!(error(text), AddressError::Bucket(_)), "{text}");
        }
        for text in [
            "s3://abc//a",
            "s3://abc/a//b",
            "s3://abc/a/../b",
            "s3://abc/./a",
            "s3://abc/..",
            "s3://abc/a//",
            "s3://abc/a\nb",
        ] {
            assert!(matches!(error(text), AddressError::Key(_)), "{text}");
        }
        let long = format!("s3://abc/{}", "a".repeat(1025));
        assert!(matches!(error(&long), AddressError::Key(_)));
    }

    #[test]
    fn only_what_lies_below_is_below() {
        for root in ["s3://scans/2026", "s3://scans/2026/"] {
            for inside in ["s3://scans/2026", "s3://scans/2026/", "s3://scans/2026/a/b.png"] {
                assert!(of(root).contains_address(&of(inside)), "{root} {inside}");
            }
            for outside in
                ["s3://scans", "s3://scans/2026-old/a.png", "s3://other/2026/a.png", "s3://scans/2025/2026/a"]
            {
                assert!(!of(root).contains_address(&of(outside)), "{root} {outside}");
            }
        }
        assert!(
            of("s3://scans").contains_address(&of("s3://scans/a.png"))
                && !of("s3://scans").contains_address(&of("s3://scans-2/a.png"))
        );
    }
}
