//! How storage is asked: with our own client of HTTP. What it refuses is an error that says with which code.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use sightwire_http_client::trust::{self, Trust, TrustError};
use url::Url;

use crate::error::Refusal;

/// How long it may take until there is a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take until something comes over a connection.
const SILENT: Duration = Duration::from_secs(20);
/// Bytes of a refusal that are looked at.
const MAX_REFUSAL: usize = 16 << 10;
/// A page of a list has a thousand keys of 1,024 bytes at most, of which each may be written as six.
const MAX_LIST: usize = 16 << 20;

/// No client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Certificates cannot be checked.
    #[error(transparent)]
    Trust(#[from] &'static TrustError),
    /// The client of HTTP cannot be made.
    #[error("cannot ask over HTTP: {0}")]
    Client(#[from] reqwest::Error),
}

/// Follows no redirects: what is signed is for one server. Over https through the environment's proxy, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    client: reqwest::Client,
}

impl Client {
    pub(crate) fn new(is_secure: bool) -> Result<Self, ClientError> {
        let builder = if is_secure {
            sightwire_http_client::client_builder(Trust::System.tls()?)
        } else {
            sightwire_http_client::direct_builder(trust::trust_nobody())
        };
        let builder = builder.redirect(Policy::none()).connect_timeout(CONNECT).read_timeout(SILENT);
        Ok(Self { client: builder.build()? })
    }
}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, _) = request.into_parts();
        let url: Url =
            parts.uri.to_string().parse().map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let is_list = url.query_pairs().any(|(name, _)| name == "list-type");
        // Objects are only read: there never is a body.
        let mut request = Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        let answer = self.client.execute(request).await.map_err(to_http_error)?;
        if !answer.status().is_success() {
            return Err(refused_error(answer).await);
        }
        let (parts, body) = http::Response::from(answer).into_parts();
        let body = if is_list {
            let too_long = |error| HttpError::new_boxed(HttpErrorKind::Decode, error);
            HttpResponseBody::new(Limited::new(body, MAX_LIST).map_err(too_long))
        } else {
            HttpResponseBody::new(body.map_err(to_http_error))
        };
        Ok(HttpResponse::from_parts(parts, body))
    }
}

fn to_http_error(error: reqwest::Error) -> HttpError {
    // What was never sent, and what broke off, is sent again; objects are only read.
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error.without_url())
}

/// An answer that is none: passing ones are sent again.
async fn refused_error(mut answer: Response) -> HttpError {
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = MAX_REFUSAL - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MAX_REFUSAL {
            break;
        }
    }
    let refusal = Refusal::new(status, &String::from_utf8_lossy(&body));
    let kind = if refusal.is_passing() { HttpErrorKind::Interrupted } else { HttpErrorKind::Unknown };
    HttpError::new(kind, refusal)
}
