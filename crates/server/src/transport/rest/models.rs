//! The models, and which of them is at work.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sightwire_access::action::{Act as _, SeeServer, SwitchModel};
use sightwire_api::models::{Activated, ClipModel, ImportedModel, Model, ModelNeed, Models};
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_models::manifest::{Imported, Manifest, Task};
use sightwire_models::store::Need;
use sightwire_recognizer::load::ActivateError;

use super::{Api, run_blocking};
use sightwire_admission::may::May;
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

/// Pages ask for the list again and again.
static UNREADABLE: LogThrottle = LogThrottle::new();

pub(super) async fn list_models(may: May<SeeServer>, State(api): State<Api>) -> Json<Models> {
    let refusal = may.why_not(&SwitchModel::ACTION);
    // Reads a folder and small files, some of them for the first time.
    let listed = tokio::task::spawn_blocking(move || {
        let (manifests, errors) = api.config.store.manifests();
        let active = api.recognizer.model();
        let models = manifests
            .iter()
            .filter(|m| m.task != Task::Runtime)
            .map(|m| describe_model(&api, m, m.name == *active))
            .collect();
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        if let Some(first) = errors.first()
            && let Some(unsaid) = UNREADABLE.admit_line(clock::now())
        {
            let others = errors.len() - 1;
            tracing::warn!(unsaid, others, "a model cannot be listed: {}", lines::short_sentence(first));
        }
        Models { errors, may_activate: refusal.is_none(), models, why_not: refusal }
    });
    let failed = |_| Models { errors: vec!["listing failed".to_owned()], ..Models::default() };
    Json(listed.await.unwrap_or_else(failed))
}

fn describe_model(api: &Api, m: &Manifest, active: bool) -> Model {
    let store = &api.config.store;
    // Whole files are not read for a list.
    let cut = store.is_cut(m);
    let clip = m.clip.as_ref().map(|clip| ClipModel {
        height: clip.height,
        precision: clip.precision.name().to_owned(),
        split: clip.features.is_some(),
        threshold: clip.threshold.into(),
        width: clip.width,
        window: clip.window,
    });
    Model {
        active,
        available: store.has_files(m) && !cut,
        card: store.card(&m.name).map(Cow::into_owned),
        clip,
        imported: m.imported.as_ref().map(imported_model),
        labels: m.labels().map(<[String]>::to_vec).or_else(|| sightwire_recognizer::built_in_labels(m)),
        licence: m.licence.clone(),
        name: m.name.clone(),
        needs: store
            .needs(m)
            .map(|need| match need {
                Need::Pull => ModelNeed::Pull,
                Need::Import => ModelNeed::Import,
            })
            .or(cut.then_some(ModelNeed::Pull)),
        recognizer: sightwire_recognizer::can_run(m),
        size_bytes: m.files.iter().filter_map(|f| f.size_bytes).sum(),
        source: m.origin.clone(),
        task: m.task.name().to_owned(),
        title: m.title.clone(),
    }
}

fn imported_model(of: &Imported) -> ImportedModel {
    ImportedModel {
        asked_whole: of.asked_whole,
        bf16_difference: of.bf16_difference,
        bf16_ms: of.bf16_ms,
        clips: of.clips,
        difference: of.difference,
        f32_ms: of.f32_ms,
        from: of.from.clone(),
        keras: of.keras.clone(),
        notes: of.notes.clone(),
        sha256: of.sha256.clone(),
        version: of.version,
    }
}

pub(super) async fn activate_model(
    may: May<SwitchModel>,
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Activated>, Refusal> {
    let (recognizer, model) = (api.recognizer.clone(), name.clone());
    let took = run_blocking("The model could not be loaded.", move || {
        recognizer.activate_model(&model).map_err(|reason| not_activated(&reason))
    })
    .await?;
    may.deed().set_description(format!("switched to the model {name}"));
    // It answers already, and is measured meanwhile.
    api.tasks.spawn_blocking(move || api.recognizer.measure_model());
    Ok(Json(Activated { model: name, took_ms: took.as_millis() as u64 }))
}

fn not_activated(reason: &ActivateError) -> Refusal {
    let status = match reason {
        ActivateError::Busy(_) => return Refusal::retry_later(StatusCode::CONFLICT, 2, &reason.to_string()),
        ActivateError::Unknown(_) => StatusCode::NOT_FOUND,
        ActivateError::Dummy => StatusCode::CONFLICT,
        ActivateError::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Refusal::verbatim(status, &reason.to_string())
}
