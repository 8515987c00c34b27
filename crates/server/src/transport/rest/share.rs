//! Links with which others watch a stream.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sightwire_access::action::SendStream;
use sightwire_access::guard::Mode;
use sightwire_admission::may::MayStream;
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_api::stream::ViewersLink;
use sightwire_listen::tls::Secured;

use super::{Api, keys, link};

/// From a minute to a week.
const LASTS_S: RangeInclusive<f64> = 60.0..=604_800.0;
const USUAL_S: f64 = 86_400.0;

/// A link to the wall with this stream alone. Who may send it may show it to others.
pub async fn share_stream(
    may: MayStream<SendStream>,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    secured: Option<Extension<Secured>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let lasts = query::read_number(&params, "lasts_s", USUAL_S, &LASTS_S)?;
    let stream = utf8_percent_encode(&id, NON_ALPHANUMERIC);
    let wall = format!("/wall?streams={stream}");
    let (base, others_reach_it) = link::base_url(&api.reach, &headers, secured.is_some());
    let origin = others_reach_it.then_some(base);
    let guard = api.access.clone();
    if guard.mode() == Mode::Open {
        let answer = ViewersLink { expires: None, key: None, origin, path: wall };
        return Ok((StatusCode::CREATED, Json(answer)).into_response());
    }
    let now = SystemTime::now();
    let expires = now + Duration::from_secs_f64(lasts);
    let (named, by) = (id.clone(), may.owner());
    let (key, record) =
        keys::change_store(guard, move |records| Ok(records.add_link(&named, &by, expires, now)?)).await?;
    may.deed().set_description(format!("made a link to the stream {id:?}, with the key {}", record.id));
    let next = utf8_percent_encode(&wall, NON_ALPHANUMERIC);
    let path = format!("/login?next={next}#key={}", key.reveal());
    let answer =
        ViewersLink { expires: record.expires.map(keys::format_time), key: Some(record.id), origin, path };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
