//! What other processes of the cluster ask, and what is asked of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::{ActAsProcess, Drain};
use sightwire_api::cluster::ChallengeAnswer;

use super::Dependencies;
use sightwire_admission::may::May;
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

/// Asks the sender of a stream whether it is still there; one that does not answer is sent away.
pub async fn challenge_sender(
    may: May<ActAsProcess>,
    State(deps): State<Dependencies>,
    Path(name): Path<String>,
) -> Result<Json<ChallengeAnswer>, Refusal> {
    require_process(&may)?;
    let live = deps.relay.challenge_local_sender(&name).await;
    may.deed().set_description(format!("asked whether the sender of {name:?} is there"));
    Ok(Json(ChallengeAnswer { live }))
}

/// Closes a camera, which both know by its mark, whatever has its name here.
pub async fn end_camera(
    may: May<ActAsProcess>,
    State(deps): State<Dependencies>,
    Path((name, mark)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    require_process(&may)?;
    if deps.streams.end_camera_here(&mark) {
        may.deed().set_description(format!("closed the camera {name:?}"));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn require_process(may: &May<ActAsProcess>) -> Result<(), Refusal> {
    let detail = "only another process of this cluster may ask for this";
    if may.is_process() { Ok(()) } else { Err(Refusal::new(StatusCode::FORBIDDEN, detail)) }
}

/// Has a process, this one or another, give its cameras to the others and take none any more, until it is started again.
pub async fn drain_process(
    may: May<Drain>,
    State(deps): State<Dependencies>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    let cluster = deps.streams.cluster();
    let asked = match &cluster {
        Some(cluster) => cluster.ask_to_drain(&name).await,
        None => Ok(false),
    };
    match asked {
        Ok(true) => {
            may.deed().set_description(format!("had the process {name:?} give its cameras to the others"));
            Ok(StatusCode::NO_CONTENT)
        }
        Ok(false) => Err(Refusal::new(StatusCode::NOT_FOUND, &format!("there is no process {name:?}"))),
        Err(why) => {
            let detail = format!("the process {name:?} could not be asked: {why}");
            Err(Refusal::new(StatusCode::BAD_GATEWAY, &detail))
        }
    }
}
