//! Errors of the pages, which happen in browsers where nobody who runs the server would see them.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use sightwire_access::action::SeeServer;
use sightwire_api::status::PageError;
use sightwire_base::lines;
use sightwire_listen::client::ClientAddress;

use super::Api;
use sightwire_admission::may::May;
use sightwire_admission::object::Object;
use sightwire_admission::refusal::Refusal;

/// Counts it, and has it said in the log, which leaves out what comes too often.
pub(super) async fn add_page_error(
    may: May<SeeServer>,
    State(api): State<Api>,
    Extension(client): Extension<ClientAddress>,
    error: Result<Object<PageError>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let Object(PageError { message, page, place }) =
        error.map_err(|wrong| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &wrong.body_text()))?;
    api.observer.count_page_error();
    tracing::warn!(
        from = %client,
        page = %lines::short_line(&page),
        place = %lines::short_line(&place),
        "the page failed in the browser of {}: {}",
        may.principal().who(),
        lines::short_sentence(&message)
    );
    Ok(StatusCode::NO_CONTENT)
}
