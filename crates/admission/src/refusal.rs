//! Why a request is not served: a status, a sentence, and perhaps when to come back.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use sightwire_access::guard::LoginError;
use sightwire_access::password::PasswordError;
use sightwire_access::record::RecordError;
use sightwire_access::store::StoreError;
use sightwire_base::lines;
use sightwire_base::memory::OutOfMemory;
use sightwire_listen::client::ClientAddress;
use sightwire_listen::form::BodyError;
use sightwire_live::directory::stills::StillError;
use sightwire_live::registry::RegistryError;
use sightwire_live::{NotEnded, WatchError};

use crate::query::ParamError;
use crate::{error_response, to_sentence};

/// An answer without what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    detail: Box<str>,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// `detail` is made a sentence.
    pub fn new(status: StatusCode, detail: &str) -> Self {
        Self::verbatim(status, &to_sentence(detail))
    }

    /// `detail` stays as it is: it begins with a name.
    pub fn verbatim(status: StatusCode, detail: &str) -> Self {
        Self { status, detail: detail.into(), retry_after_s: None }
    }

    /// What kind it is.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Why it was refused, for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Says that a picture was not read, and why.
    pub fn log_unread_picture(&self, name: Option<&str>, client: Option<&ClientAddress>) {
        let (code, file) = (self.status.as_u16(), name.map(|name| lines::short_line(name).to_string()));
        let peer = client.map(ToString::to_string);
        tracing::warn!(code, file, peer, "a picture was not read: {}", lines::short_sentence(&self.detail));
    }

    /// Nobody knows who asks.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// As [`Self::new`], with `Retry-After: seconds`.
    pub fn retry_later(status: StatusCode, seconds: u64, detail: &str) -> Self {
        Self { retry_after_s: Some(seconds), ..Self::new(status, detail) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let response = error_response(self.status, &self.detail);
        match self.retry_after_s {
            Some(seconds) => ([(RETRY_AFTER, seconds.to_string())], response).into_response(),
            None if self.status == StatusCode::UNAUTHORIZED => {
                ([(WWW_AUTHENTICATE, "Bearer")], response).into_response()
            }
            None => response,
        }
    }
}

impl From<OutOfMemory> for Refusal {
    fn from(full: OutOfMemory) -> Self {
        Self::retry_later(StatusCode::SERVICE_UNAVAILABLE, 2, &full.to_string())
    }
}

impl From<BodyError> for Refusal {
    fn from(wrong: BodyError) -> Self {
        let status = match wrong {
            BodyError::Stalled | BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken | BodyError::Options => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, &wrong.to_string())
    }
}

impl From<NotEnded> for Refusal {
    fn from(why: NotEnded) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, &why.to_string())
    }
}

impl From<ParamError> for Refusal {
    fn from(wrong: ParamError) -> Self {
        Self::verbatim(StatusCode::UNPROCESSABLE_ENTITY, &wrong.to_string())
    }
}

impl From<WatchError> for Refusal {
    fn from(reason: WatchError) -> Self {
        let status = match reason {
            WatchError::NoCamera => StatusCode::BAD_REQUEST,
            WatchError::Unknown(_) => StatusCode::NOT_FOUND,
            WatchError::Taken(_) => StatusCode::CONFLICT,
            WatchError::Address(_) => StatusCode::UNPROCESSABLE_ENTITY,
            WatchError::Unreachable(_) => StatusCode::BAD_GATEWAY,
            WatchError::Memory(full) => return full.into(),
            WatchError::TooMany => {
                return Self::retry_later(StatusCode::SERVICE_UNAVAILABLE, 2, &reason.to_string());
            }
        };
        Self::new(status, &reason.to_string())
    }
}

impl From<RegistryError> for Refusal {
    fn from(reason: RegistryError) -> Self {
        let status = match reason {
            RegistryError::Unknown(_) => StatusCode::NOT_FOUND,
            RegistryError::Configured(_) => StatusCode::FORBIDDEN,
            RegistryError::Taken(_) => StatusCode::CONFLICT,
            RegistryError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            RegistryError::Write { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &reason.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        let status = match &why {
            StoreError::Record(RecordError::Taken(_) | RecordError::TooManyLinks { .. }) => {
                StatusCode::CONFLICT
            }
            StoreError::Record(RecordError::Random(_)) => StatusCode::SERVICE_UNAVAILABLE,
            StoreError::Record(_) => StatusCode::UNPROCESSABLE_ENTITY,
            StoreError::Read { .. } | StoreError::Write { .. } | StoreError::Broken { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, &why.to_string())
    }
}

impl From<PasswordError> for Refusal {
    fn from(why: PasswordError) -> Self {
        let status = match why {
            PasswordError::TooShort | PasswordError::TooLong => StatusCode::UNPROCESSABLE_ENTITY,
            PasswordError::Hash(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &why.to_string())
    }
}

impl From<LoginError> for Refusal {
    fn from(why: LoginError) -> Self {
        match why {
            LoginError::TooMany(wait) => Self::retry_later(
                StatusCode::TOO_MANY_REQUESTS,
                wait.after.as_secs().max(1),
                &wait.to_string(),
            ),
            LoginError::Wrong | LoginError::Link | LoginError::Key(_) => Self::unauthorized(&why.to_string()),
            LoginError::Random(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
        }
    }
}

impl From<StillError> for Refusal {
    fn from(reason: StillError) -> Self {
        let status = match &reason {
            StillError::Busy => {
                let detail = "Too many pictures are being analysed. Please try again.";
                return Self::retry_later(StatusCode::TOO_MANY_REQUESTS, 1, detail);
            }
            StillError::NoModel(note) => {
                let note = note.as_ref().map(|note| format!("{} ", to_sentence(note))).unwrap_or_default();
                let pull = "Get one with `sightwire models pull yolox-nano`.";
                let detail = format!("{} {note}{pull}", to_sentence(&reason.to_string()));
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, &detail);
            }
            StillError::Picture(_) | StillError::Pixels(_) => StatusCode::UNPROCESSABLE_ENTITY,
            StillError::Lost(_) | StillError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &reason.to_string())
    }
}
