//! Why a request about text is not served: a status, a sentence, and perhaps when to come back.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};

use super::form::BodyError;
use crate::transport::query::ParamError;
use crate::transport::{error, sentence};

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
        Self { status, detail: sentence(detail).into(), retry_after_s: None }
    }

    /// With `Retry-After`.
    pub fn later(status: StatusCode, seconds: u64, detail: &str) -> Self {
        Self { retry_after_s: Some(seconds), ..Self::new(status, detail) }
    }

    /// 429.
    pub fn busy() -> Self {
        let detail = "Too many pictures wait to be read. Please try again.";
        Self::later(StatusCode::TOO_MANY_REQUESTS, 1, detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let response = error(self.status, &self.detail);
        match self.retry_after_s {
            Some(seconds) => ([(RETRY_AFTER, seconds.to_string())], response).into_response(),
            None => response,
        }
    }
}

impl From<ParamError> for Refusal {
    fn from(wrong: ParamError) -> Self {
        // Begins with the parameter's name, which stays as it is.
        Self { detail: wrong.to_string().into(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "") }
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
