//! Logging in and out, and who one is.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sightwire_access::action::Anything;
use sightwire_access::guard::Login;
use sightwire_access::principal::Who;
use sightwire_access::{Guard, Principal};
use sightwire_api::access as api;
use sightwire_api::stream::StreamKind;
use sightwire_base::clock;
use sightwire_base::lines::AUDIT;
use sightwire_listen::tls::Secured;
use sightwire_live::Streams;

use super::streams::kind_of;
use sightwire_admission::audit::{self, Seldom};
use sightwire_admission::caller::Caller;
use sightwire_admission::cookie::Cookies;
use sightwire_admission::may::May;
use sightwire_admission::object::Object;
use sightwire_admission::query::Params;
use sightwire_admission::refusal::Refusal;
use sightwire_listen::client::ClientAddress;

/// Who was not logged in.
static FAILED: LazyLock<Seldom> = LazyLock::new(Seldom::default);

pub(super) async fn log_in(
    may: May<Anything>,
    State(guard): State<Arc<Guard>>,
    Extension(client): Extension<ClientAddress>,
    secured: Option<Extension<Secured>>,
    headers: HeaderMap,
    login: Result<Object<api::Login>, JsonRejection>,
) -> Result<Response, Refusal> {
    own_page(&may)?;
    if may.is_proxied() {
        let detail = format!(
            "the proxy in front of this server says who asks ({}), and that goes before a login; log in as another there, or send a key",
            may.principal().who()
        );
        return Err(Refusal::new(StatusCode::CONFLICT, &detail));
    }
    let wrong = || {
        let detail = "Send JSON: a name and a password, a key, or what a link has in it.";
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    };
    // The usual message shows what was sent.
    let Object(login) = login.map_err(|_| wrong())?;
    let login = match &login {
        api::Login { key: Some(key), link: None, name: None, password: None } => Login::Key(key),
        api::Login { key: None, link: Some(link), name: None, password: None } => Login::Link(link),
        api::Login { key: None, link: None, name: Some(name), password: Some(password) } => {
            Login::Password { name, password }
        }
        _ => return Err(wrong()),
    };
    let (token, session) = match guard.log_in(login, client.ip()).await {
        Ok(begun) => begun,
        Err(why) => {
            if let Some(unsaid) = FAILED.admit_line(audit::format_address(client.ip()), clock::now()) {
                tracing::warn!(target: AUDIT, from = %client, unsaid, "AUDIT somebody was not logged in: {why}");
            }
            return Err(why.into());
        }
    };
    tracing::info!(target: AUDIT, from = %client, "AUDIT {} logged in", session.principal().who().quoted_name());
    let answer = session_info(session.principal(), Some(session.csrf().to_owned()));
    let headers = [
        (SET_COOKIE, Cookies::from_headers(&headers, secured.is_some()).set_cookie(token.reveal())),
        (CACHE_CONTROL, "no-store".into()),
    ];
    Ok((headers, Json(answer)).into_response())
}

pub(super) async fn log_out(
    may: May<Anything>,
    State(guard): State<Arc<Guard>>,
    Extension(client): Extension<ClientAddress>,
    secured: Option<Extension<Secured>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    own_page(&may)?;
    let cookies = Cookies::from_headers(&headers, secured.is_some());
    // The connection that this comes over is one of those that end with the session, and should bring the answer first.
    may.let_go();
    if let Some(token) = cookies.token() {
        guard.sessions().end_session(token);
        tracing::info!(target: AUDIT, from = %client, "AUDIT {} logged out", may.principal().who().quoted_name());
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookies.forget_cookie())]).into_response())
}

pub(super) async fn get_session(
    may: May<Anything>,
    State(streams): State<Arc<Streams>>,
    Query(params): Query<Params>,
) -> Response {
    let csrf = may.session().map(|session| session.csrf().to_owned());
    let sees = params.get("stream").map(|stream| {
        let kind = kind_of(&streams, stream).unwrap_or(StreamKind::Relay);
        may.check_watch_stream(stream, kind).is_ok()
    });
    let answer = api::Session { sees, ..session_info(may.principal(), csrf) };
    ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn session_info(principal: &Principal, csrf: Option<String>) -> api::Session {
    let name = match principal.who() {
        Who::Unknown(_) => None,
        Who::Anyone => Some("anyone".to_owned()),
        Who::Here => Some("this machine".to_owned()),
        Who::Legacy { networks } => Some(networks.to_string()),
        who => who.name().map(str::to_owned),
    };
    let scope = principal.scope();
    api::Session {
        csrf,
        name,
        role: principal.role(),
        sees: None,
        streams: scope.patterns().map(str::to_owned).collect(),
        uses: scope.uses().collect(),
    }
}

/// Another's page must not log its visitors in as somebody, or out.
fn own_page(caller: &Caller) -> Result<(), Refusal> {
    if caller.is_from_no_other_page() {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, "pages from elsewhere may not log anybody in or out"))
}
