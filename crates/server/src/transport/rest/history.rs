//! `/api/v1/history`: how numbers went, of the server or of one stream.

use axum::Json;
use axum::extract::{Query, State};
use sightwire_access::action::SeeServer;
use sightwire_admission::may::May;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_api::access::Use;
use sightwire_api::history::History;
use sightwire_api::stream::StreamKind;
use sightwire_telemetry::history::Span;

use super::Api;
use super::streams::kind_of;

pub async fn get_history(
    may: May<SeeServer>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Json<History>, Refusal> {
    let span = match query::read_text(&params, "span").unwrap_or("hour") {
        "hour" => Span::Hour,
        "day" => Span::Day,
        other => return Err(ParamError::new("span", "hour or day".into(), other).into()),
    };
    let history = &api.observer.history;
    let Some(id) = query::read_text(&params, "stream") else {
        let scope = may.principal().scope();
        let sees_all = scope.covers_all() && [Use::Cameras, Use::Relay].iter().all(|of| scope.has_use(*of));
        return Ok(Json(if sees_all { history.server_series(span) } else { history.process_series(span) }));
    };
    // What was sent and is over can be told of, too.
    let kind = kind_of(&api.streams, id).or_else(|| history.stream_kind(id)).unwrap_or(StreamKind::Relay);
    may.check_watch_stream(id, kind)?;
    Ok(Json(history.stream_series(id, span)))
}
