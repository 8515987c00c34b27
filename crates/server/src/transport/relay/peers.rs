//! What other processes of the cluster ask.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::ActAsProcess;
use sightwire_api::cluster::ChallengeAnswer;

use super::Dependencies;
use crate::transport::may::May;
use crate::transport::parts::Path;
use crate::transport::refusal::Refusal;

/// Asks the sender of a stream whether it is still there; one that does not answer is sent away.
pub async fn challenge(
    may: May<ActAsProcess>,
    State(deps): State<Dependencies>,
    Path(name): Path<String>,
) -> Result<Json<ChallengeAnswer>, Refusal> {
    if !may.is_process() {
        let detail = "only another process of this cluster may ask for this";
        return Err(Refusal::new(StatusCode::FORBIDDEN, detail));
    }
    let live = deps.relay.is_there(&name).await;
    may.deed().is(format!("asked whether the sender of {name:?} is there"));
    Ok(Json(ChallengeAnswer { live }))
}
