//! A body that is an object in JSON.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// A body with fields. [`Json`] would also take a list of their values, as no document says.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = JsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, JsonRejection> {
        let (parts, body) = request.into_parts();
        // What the headers say is looked at before anything of the body is taken.
        let without_body = Request::from_parts(parts.clone(), Body::from("null"));
        Json::<IgnoredAny>::from_request(without_body, state).await.map(drop)?;
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await?;
        if bytes.trim_ascii_start().starts_with(b"[") {
            Json::<Map<String, Value>>::from_bytes(b"[]").map(drop)?;
        }
        Json::from_bytes(&bytes).map(|Json(object)| Self(object))
    }
}

/// What is wrong with a body; `fields` is said of those that do not fit. The usual message shows the value, which may be or hold
/// a password.
pub fn body_refusal(wrong: &JsonRejection, fields: &str) -> Refusal {
    let detail = match wrong {
        JsonRejection::JsonDataError(_) => fields,
        JsonRejection::MissingJsonContentType(_) => "Send JSON, with Content-Type: application/json.",
        JsonRejection::BytesRejection(_) => "The body is larger than 2 MiB, or has not arrived whole.",
        _ => "This is no JSON.",
    };
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Asked {
        name: Option<String>,
    }

    async fn taken(kind: &str, body: &'static str) -> Result<Asked, JsonRejection> {
        let request = Request::builder().header("content-type", kind).body(Body::from(body)).unwrap();
        Object::from_request(request, &()).await.map(|Object(asked)| asked)
    }

    #[tokio::test]
    async fn a_list_is_no_object_though_its_values_would_fit() {
        let json = "application/json";
        assert_eq!(taken(json, r#" {"name":"a"}"#).await.unwrap(), Asked { name: Some("a".into()) });
        for wrong in [r#"["a"]"#, " [null]", "null", "7", r#""a""#] {
            let refused = taken(json, wrong).await;
            assert!(matches!(refused, Err(JsonRejection::JsonDataError(_))), "{wrong}: {refused:?}");
        }
        assert!(matches!(taken(json, "{").await, Err(JsonRejection::JsonSyntaxError(_))));
        assert!(matches!(taken("text/plain", "{}").await, Err(JsonRejection::MissingJsonContentType(_))));
    }
}
