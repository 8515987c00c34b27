//! Why an object is not read: for its own sake, or because the storage is away for now.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sightwire_http_client::cause::{self, Cause};

use crate::address::AddressError;

/// Characters of a code, at most.
const MAX_CODE: usize = 64;
/// Codes of credentials that are not taken. Others may be taken later, so no object fails for it.
const CREDENTIALS: [&str; 9] = [
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// Why there is no object, after the address that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// No object, or no bucket.
    #[error("there is no such object")]
    Missing,
    /// No bucket.
    #[error("there is no such bucket at this storage")]
    NoBucket,
    /// Of the credentials, which are taken for whose they are.
    #[error(
        "access is denied: let whoever AWS_ACCESS_KEY_ID names read it (s3:GetObject, and s3:ListBucket for its bucket)"
    )]
    Denied,
    /// More bytes than are taken.
    #[error("it has more than {} MB, which is the most that is read", .0 >> 20)]
    Large(usize),
    /// It took too long while it came.
    #[error("not all of it has come within {} s", .0.as_secs())]
    Late(Duration),
    /// The storage answers, and this does not come.
    #[error("the storage answers, and this does not come: {0}")]
    Broken(Trouble),
    /// An answer that asking again does not change.
    #[error("{0}")]
    Refused(Trouble),
    /// Where nobody allowed to read.
    #[error("it lies in none of the buckets that are read for others (cluster.buckets)")]
    Outside,
    /// What was asked for.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A key that stands in a list.
    #[error("its list has a key that cannot be asked for ({0}): name folders beside that one")]
    Keys(String),
    /// The credentials of the environment are not taken.
    #[error(
        "the storage does not take the credentials of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the clock is wrong ({0})"
    )]
    Credentials(String),
    /// Nobody answers, or only that it cannot.
    #[error("the storage at {endpoint} is away: {why}")]
    Away {
        /// Where it was asked.
        endpoint: Arc<str>,
        /// Why it counts as away, in words.
        why: String,
    },
}

impl ObjectError {
    /// Whether it may be otherwise later, without any change of the object.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Credentials(_) | Self::Away { .. })
    }

    /// What is wrong with what was asked for; `None` where it may be the storage.
    pub(crate) fn from_trouble(trouble: &Trouble) -> Option<Self> {
        let Trouble::Refused { status, code } = trouble else { return None };
        match (*status, &**code) {
            (_, code) if CREDENTIALS.contains(&code) => Some(Self::Credentials(code.to_owned())),
            (404, "NoSuchBucket") => Some(Self::NoBucket),
            (404, _) => Some(Self::Missing),
            (401 | 403, _) => Some(Self::Denied),
            _ if trouble.is_passing() => None,
            _ => Some(Self::Refused(trouble.clone())),
        }
    }
}

/// What came instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The connection or the answer broke, in words.
    #[error("{0}")]
    Broken(String),
    /// An answer with a status of an error.
    #[error("it answers {status}{}{}", format_code(.code), status_advice(*.status))]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// Of S3; empty where it says none.
        code: String,
    },
}

impl Trouble {
    pub(crate) fn from_error(error: &(dyn Error + 'static)) -> Self {
        match cause::find_error::<Refusal>(error) {
            Some(Refusal(trouble)) => trouble.clone(),
            None => Self::Broken(Cause::from_error(error).in_words()),
        }
    }

    fn is_passing(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..),
        }
    }
}

/// An answer that is none, on its way through the layers between.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Refusal(Trouble);

impl Refusal {
    /// Of a status and the document that came with it.
    pub(crate) fn new(status: u16, document: &str) -> Self {
        let code = document.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let code = code.map(|(code, _)| code).filter(|code| code.chars().all(|c| c.is_ascii_alphanumeric()));
        let code = code.filter(|code| code.len() <= MAX_CODE).unwrap_or_default().to_owned();
        Self(Trouble::Refused { status, code })
    }

    pub(crate) fn is_passing(&self) -> bool {
        self.0.is_passing()
    }
}

fn format_code(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({code})") }
}

fn status_advice(status: u16) -> &'static str {
    match status {
        301 | 307 | 308 => {
            ": the bucket is in another region, or the storage elsewhere; see cluster.s3_region and cluster.s3_endpoint"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, document: &str) -> Option<ObjectError> {
        ObjectError::from_trouble(&Refusal::new(status, document).0)
    }

    #[test]
    fn what_is_wrong_with_an_object_is_told_from_what_is_wrong_with_the_storage() {
        assert_eq!(of(404, "<Error><Code>NoSuchKey</Code></Error>"), Some(ObjectError::Missing));
        assert_eq!(of(404, "<Error><Code>NoSuchBucket</Code></Error>"), Some(ObjectError::NoBucket));
        assert_eq!(of(403, "<Error><Code>AccessDenied</Code></Error>"), Some(ObjectError::Denied));
        assert_eq!(of(403, ""), Some(ObjectError::Denied));
        for passing in [408, 429, 500, 503, 599] {
            assert_eq!(of(passing, "<Code>SlowDown</Code>"), None, "{passing}");
        }
        let elsewhere = of(301, "<Code>PermanentRedirect</Code>").unwrap();
        assert!(elsewhere.to_string().contains("301 (PermanentRedirect)"), "{elsewhere}");
        assert!(elsewhere.to_string().contains("cluster.s3_region") && !elsewhere.is_passing());
    }

    #[test]
    fn credentials_that_are_not_taken_fail_no_object() {
        for (status, code) in
            [(403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (400, "ExpiredToken")]
        {
            let error = of(status, &format!("<?xml?><Error><Code>{code}</Code><x/></Error>")).unwrap();
            assert_eq!(error, ObjectError::Credentials(code.into()));
            assert!(error.is_passing() && error.to_string().contains("AWS_ACCESS_KEY_ID"));
        }
    }

    #[test]
    fn what_a_storage_says_is_believed_within_bounds() {
        let long = format!("<Code>{}</Code>", "A".repeat(1000));
        for document in ["<Code>", "<Code>a b\n</Code>", &long, "</Code><Code>"] {
            assert_eq!(Refusal::new(418, document).0, Trouble::Refused { status: 418, code: String::new() });
        }
    }
}
