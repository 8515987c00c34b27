//! What stands in braces in a path.

use axum::extract::{self, FromRequestParts};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

/// These parts of the path, decoded. What is not text is refused as everything else is, with JSON.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found = extract::Path::from_request_parts(parts, state).await;
        found
            .map(|extract::Path(found)| Self(found))
            .map_err(|wrong| Refusal::new(wrong.status(), &wrong.body_text()))
    }
}
