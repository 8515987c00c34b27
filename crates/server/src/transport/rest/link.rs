//! Links that log a device in, once; and how connections to it are encrypted.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use sightwire_access::action::{ManageAccess, SeeServer};
use sightwire_access::link::{LASTS, Unused};
use sightwire_api::access as api;
use sightwire_listen::base::Base;
use sightwire_listen::tls::Secured;
use sightwire_tls::Source;

use super::{Api, keys};
use crate::reach::{AUTHORITY, Reach, login_url};
use sightwire_admission::may::May;
use sightwire_admission::object::Object;
use sightwire_admission::origin::{is_secure, is_this_machine};
use sightwire_admission::refusal::Refusal;

pub(super) async fn make_link(
    may: May<ManageAccess>,
    State(api): State<Api>,
    secured: Option<Extension<Secured>>,
    below: Option<Extension<Base>>,
    headers: HeaderMap,
    wanted: Result<Object<api::NewKey>, JsonRejection>,
) -> Result<Response, Refusal> {
    let guard = api.access.clone();
    let (_, record) = keys::make_key(&may, guard.clone(), wanted).await?;
    let token = guard.link_to(&record.id, Unused::Revokes).map_err(|error| {
        let detail = format!("The system gives no random bytes: {error}.");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, &detail)
    })?;
    let (base, others_reach_it) = base_url(&api.reach, &headers, secured.is_some());
    // A user who came to this machine through its proxy is not known to others by that name.
    let path = below.as_ref().filter(|_| others_reach_it).map_or("", |Extension(below)| below.path());
    let url = login_url(&format!("{base}{path}"), token.reveal());
    let answer = api::LoginLink {
        about: keys::to_api_key(&record),
        expires_in_s: LASTS.as_secs(),
        svg: qr_svg(&url),
        url,
        others_reach_it,
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Where other devices find this server, and whether they do: as the caller has found it, if not from this machine.
pub(super) fn base_url(reach: &Reach, headers: &HeaderMap, secured: bool) -> (String, bool) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let asked = format!("{}://{host}", if secured || is_secure(headers) { "https" } else { "http" });
    if !is_this_machine(host) {
        return (asked, true);
    }
    reach.url_for_others().map_or((asked, false), |url| (url, true))
}

/// Of a text of a few dozen letters.
fn qr_svg(text: &str) -> String {
    // Longer ones than any link do not fit; the link itself stands beside it.
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build()).unwrap_or_default()
}

/// How connections are encrypted.
pub(super) async fn tls_status(_: May<SeeServer>, State(api): State<Api>) -> Json<api::Tls> {
    let Some(certificates) = &api.reach.certificates else {
        return Json(api::Tls { authority: None, expires: None, mode: api::TlsMode::Off, names: Vec::new() });
    };
    let facts = certificates.facts();
    let mode = match certificates.options().source {
        Source::SelfSigned(_) => api::TlsMode::SelfSigned,
        Source::Files { .. } => api::TlsMode::Files,
    };
    let authority = facts.authority.map(|authority| api::Authority {
        download: AUTHORITY.to_owned(),
        expires: keys::format_time(authority.validity.not_after),
        fingerprint: authority.fingerprint,
    });
    let addresses = facts.names.addresses.iter().map(ToString::to_string);
    let names = facts.names.dns.iter().cloned().chain(addresses).collect();
    Json(api::Tls { authority, expires: Some(keys::format_time(facts.validity.not_after)), mode, names })
}
