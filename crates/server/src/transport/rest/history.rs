//! `/api/v1/history`: how numbers went, of the server or of one stream.

use axum::Json;
use axum::extract::{Query, State};
use sightwire_access::action::SeeServer;
use sightwire_api::access::Use;
use sightwire_api::history::History;
use sightwire_api::stream::StreamKind;
use sightwire_http::may::May;
use sightwire_http::query::{self, ParamError, Params};
use sightwire_http::refusal::Refusal;
use sightwire_telemetry::history::Span;

use super::Api;
use super::streams::kind_of;

pub async fn history(
    may: May<SeeServer>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Json<History>, Refusal> {
    let span = match query::text(&params, "span").unwrap_or("hour") {
        "hour" => Span::Hour,
        "day" => Span::Day,
        other => return Err(ParamError::new("span", "hour or day".into(), other).into()),
    };
    let history = &api.telemetry.history;
    let Some(id) = query::text(&params, "stream") else {
        let scope = may.principal().scope();
        let sees_all = scope.covers_all() && [Use::Cameras, Use::Relay].iter().all(|of| scope.has(*of));
        return Ok(Json(if sees_all { history.server(span) } else { history.process(span) }));
    };
    // What was sent and is over can be told of, too.
    let kind = kind_of(&api.streams, id).or_else(|| history.kind(id)).unwrap_or(StreamKind::Relay);
    may.sees(id, kind)?;
    Ok(Json(history.stream(id, span)))
}
