//! Errors of the pages, which happen in browsers where nobody who runs the server would see them.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use sightwire_access::action::SeeServer;
use sightwire_api::status::PageError;
use sightwire_listen::client::ClientAddress;
use sightwire_measure::lines;

use super::Api;
use sightwire_http::may::May;
use sightwire_http::object::Object;
use sightwire_http::refusal::Refusal;

/// Counts it, and has it said in the log, which leaves out what comes too often.
pub(super) async fn add(
    may: May<SeeServer>,
    State(api): State<Api>,
    Extension(client): Extension<ClientAddress>,
    error: Result<Object<PageError>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let Object(PageError { message, page, place }) =
        error.map_err(|wrong| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &wrong.body_text()))?;
    api.telemetry.life.page_failed();
    tracing::warn!(
        from = %client,
        page = %lines::short(&page),
        place = %lines::short(&place),
        "the page failed in the browser of {}: {}",
        may.principal().who(),
        lines::sentence(&message)
    );
    Ok(StatusCode::NO_CONTENT)
}
