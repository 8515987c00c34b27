//! The models, and which of them is at work.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sightwire_listen::Peer;
use sightwire_measure::clock;
use sightwire_measure::lines::{self, Seldom};
use sightwire_models::manifest::{Manifest, Task};
use sightwire_recognizer::load::ActivateError;

use super::{Api, blocking, changes};
use crate::transport::refusal::Refusal;

/// Pages ask for the list again and again.
static UNREADABLE: Seldom = Seldom::new();

pub(super) async fn list(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Json<Value> {
    let refusal = changes::MODEL.why_not(&api.config, peer, &headers);
    // Reads a folder and small files, some of them for the first time.
    let listed = tokio::task::spawn_blocking(move || {
        let (manifests, errors) = api.config.store.manifests();
        let active = api.recognizer.model();
        let models: Vec<Value> = manifests
            .iter()
            .filter(|m| m.task != Task::Runtime)
            .map(|m| described(&api, m, m.name == *active))
            .collect();
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        if let Some(first) = errors.first()
            && let Some(unsaid) = UNREADABLE.is_due(clock::now())
        {
            let others = errors.len() - 1;
            tracing::warn!(unsaid, others, "a model cannot be listed: {}", lines::sentence(first));
        }
        json!({ "models": models, "errors": errors, "may_activate": refusal.is_none(), "why_not": refusal })
    });
    Json(listed.await.unwrap_or_else(|_| json!({ "models": [], "errors": ["listing failed"] })))
}

fn described(api: &Api, m: &Manifest, active: bool) -> Value {
    let store = &api.config.store;
    let clip = m.clip.as_ref().map(|c| {
        json!({
            "window": c.window,
            "width": c.width,
            "height": c.height,
            "threshold": c.threshold,
            "precision": c.precision,
            "split": c.features.is_some(),
        })
    });
    json!({
        "name": m.name,
        "task": m.task.name(),
        "title": m.title,
        "licence": m.licence,
        "source": m.origin,
        "active": active,
        "available": store.has(m),
        "needs": store.needs(m),
        "card": store.card(&m.name),
        "labels": m.labels(),
        "size_bytes": m.files.iter().filter_map(|f| f.size_bytes).sum::<u64>(),
        "clip": clip,
        "imported": m.imported,
    })
}

pub(super) async fn activate(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let (recognizer, model) = (api.recognizer.clone(), name.clone());
    let took = blocking("The model could not be loaded.", move || recognizer.activate(&model)).await?;
    // It answers already, and is measured meanwhile.
    api.tasks.spawn_blocking(move || api.recognizer.measure());
    Ok(Json(json!({ "model": name, "took_ms": took.as_millis() as u64 })))
}

impl From<ActivateError> for Refusal {
    fn from(reason: ActivateError) -> Self {
        let status = match reason {
            ActivateError::Busy(_) => return Self::later(StatusCode::CONFLICT, 2, &reason.to_string()),
            ActivateError::Unknown(_) => StatusCode::NOT_FOUND,
            ActivateError::Dummy => StatusCode::CONFLICT,
            ActivateError::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::verbatim(status, &reason.to_string())
    }
}
