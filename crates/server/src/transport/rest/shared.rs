//! `/api/v1/cluster/jobs`: batches that workers read, the same from every server.

use std::sync::Arc;

use crate::config::Config;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRef, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use sightwire_access::action::{Act as _, Read, ReadFolders, ReadOthers};
use sightwire_admission::caller::Caller;
use sightwire_admission::may::May;
use sightwire_admission::object::{self, Object};
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_api::read::FileState;
use sightwire_api::shared as api;
use sightwire_base::memory::{Memory, Work};
use sightwire_jobs::about::About;
use sightwire_jobs::folder::{Job, JobError};
use sightwire_jobs::how::How;
use sightwire_jobs::service::{BeginError, FileOf, Progress, Service, State as JobState};
use sightwire_jobs::worker::Shown;
use sightwire_listen::body::Taking;
use sightwire_listen::form::{Form, TimedBody, is_form};
use sightwire_reading::TextReader;
use sightwire_reading::jobs::export::{Came, Writer, filter_confident};
use sightwire_reading::output::Document;

use super::jobs::{export_response, no_batch, no_place, receive_files, refused_upload, without_picture};
use super::read::{default_ask, load_model, parse_request, parse_shape};
use super::{Api, run_blocking};

/// Rows of one answer.
const MAX_ROWS: usize = 1000;
const USUAL_ROWS: usize = 500;
/// Batches of one answer.
const MAX_JOBS: usize = 100;
/// Workers that are heard of what keeps them from a batch.
const MAX_NOTES: usize = 5;

/// Said where something of a job's folder cannot be read or written.
const FAILED: &str = "The batch could not be looked at.";

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Shared {
    /// `None` where this server reads nothing in common with others.
    service: Option<Arc<Service>>,
    reader: Arc<TextReader>,
    config: Arc<Config>,
}

impl FromRef<Api> for Shared {
    fn from_ref(api: &Api) -> Self {
        Self { service: api.shared.clone(), reader: api.reader.clone(), config: api.config.clone() }
    }
}

impl Shared {
    fn service(&self) -> Result<&Arc<Service>, Refusal> {
        self.service.as_ref().ok_or_else(|| {
            let detail = "This server reads nothing in common with workers: cluster.redis_url and cluster.folders are not set.";
            Refusal::new(StatusCode::NOT_FOUND, detail)
        })
    }

    /// With the model that was asked for, as it is here.
    async fn parse_how(&self, params: &Params) -> Result<How, Refusal> {
        let asked = parse_request(params, &default_ask(&self.reader))?;
        let ready = load_model(&self.reader, &asked.model).await?;
        let precision = self.config.engine.options.precision;
        Ok(How::new(&asked, ready.model.digest(), self.reader.limits.deadline, precision))
    }
}

pub async fn list_jobs(
    may: May<Read>,
    State(shared): State<Shared>,
) -> Result<Json<api::SharedJobs>, Refusal> {
    let service = shared.service()?.clone();
    let workers = service.list_workers().await;
    let (workers, trouble) = match workers {
        Ok(workers) => (workers, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let (owner, sees_all) = seen_by(&may);
    let shown: Vec<Shown> = workers.iter().map(|(_, shown)| shown.clone()).collect();
    let jobs = run_blocking(FAILED, move || -> Result<_, Refusal> {
        let all = service.all_jobs().map_err(|error| job_refusal(&error))?;
        let mine = all.into_iter().filter(|(_, about)| sees_all || about.owner.as_deref() == Some(&owner));
        let told =
            mine.take(MAX_JOBS).filter_map(|(job, about)| job_status(&service, &job, &about, &shown).ok());
        Ok(told.collect())
    });
    let jobs = jobs.await?;
    let worker = |(worker, shown): (sightwire_cluster::queue::Worker, Shown)| api::ReadWorker {
        jobs: shown.at.into_iter().map(|(job, _)| job).collect(),
        name: worker.name.to_string(),
        note: Some(shown.note).filter(|note| !note.is_empty()),
        version: shown.version,
    };
    Ok(Json(api::SharedJobs { jobs, trouble, workers: workers.into_iter().map(worker).collect() }))
}

pub async fn add_folders(
    may: May<ReadFolders>,
    State(shared): State<Shared>,
    Query(params): Query<Params>,
    new: Result<Object<api::NewShared>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Object(api::NewShared { paths }) = new.map_err(|wrong| {
        object::body_refusal(&wrong, "Send an object with `paths`, a list of folders and files.")
    })?;
    let service = shared.service()?.clone();
    let how = shared.parse_how(&params).await?;
    let (owner, named) = (may.owner(), paths.join(" "));
    let job = run_blocking(FAILED, move || {
        service.begin_folders(&owner, &paths, &how).map_err(|error| not_begun(&error))
    });
    let job = job.await?;
    may.deed().set_description(format!("has workers read {named:?}"));
    created_response(&shared, job).await
}

pub async fn add_files(
    may: May<Read>,
    State(shared): State<Shared>,
    State(memory): State<Arc<Memory>>,
    Query(mut params): Query<Params>,
    request: Request,
) -> Response {
    if let Some(taking) = request.extensions().get::<Taking>() {
        taking.mark_stored();
    }
    let refused = if !is_form(&request) {
        let detail = "Send the pictures, or a zip of them, as fields `file` of a form (multipart/form-data).";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    } else if let Err(full) = memory.admit_work(Work::Batch) {
        full.into()
    } else {
        match shared.parse_how(&params).await.and_then(|_| shared.service().cloned()) {
            Ok(service) => {
                let owner = may.owner();
                return receive_job(&shared, service, &mut params, request, owner).await.into_response();
            }
            Err(refused) => refused,
        }
    };
    TimedBody::new(request.into_body()).drain().await;
    refused.into_response()
}

/// What is sent goes to this server's disk first, within the same bounds as its own batches, and then to where workers find it.
async fn receive_job(
    shared: &Shared,
    service: Arc<Service>,
    params: &mut Params,
    request: Request,
    owner: Arc<str>,
) -> Result<Response, Refusal> {
    let mut arriving = match shared.reader.jobs.reserve_place().await {
        Ok(Ok(arriving)) => arriving,
        Ok(Err(full)) => return Err(no_place(&full)),
        Err(reason) => return Err(refused_upload(&reason)),
    };
    let mut form = Form::new(request)?;
    if let Err(refused) = receive_files(&mut arriving.upload, params, &mut form).await {
        form.drain().await;
        return Err(refused);
    }
    // Options may have come with the form.
    let how = shared.parse_how(params).await?;
    let received = arriving.upload.finish().await.map_err(|reason| refused_upload(&reason))?;
    let most = shared.reader.limits.max_image_bytes;
    let job = run_blocking(FAILED, move || {
        let all = received.files.iter().enumerate().map(|(index, file)| {
            let bytes = received.load_file(index, most).map_err(|error| error.to_string());
            (file.name.to_string(), bytes)
        });
        service.begin_files(&owner, &how, all).map_err(|error| not_begun(&error))
    });
    created_response(shared, job.await?).await
}

async fn created_response(shared: &Shared, (job, about): (Job, About)) -> Result<Response, Refusal> {
    let location = [(LOCATION, format!("/api/v1/cluster/jobs/{}", job.id))];
    let told = describe_job(shared, job, about).await?;
    Ok((StatusCode::CREATED, location, Json(told)).into_response())
}

pub async fn get_job(
    may: May<Read>,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<api::SharedJob>, Refusal> {
    let (job, about) = find_job(&may, &shared, id).await?;
    Ok(Json(describe_job(&shared, job, about).await?))
}

pub async fn change_job(
    may: May<Read>,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    change: Result<Object<api::SharedChange>, JsonRejection>,
) -> Result<Json<api::SharedJob>, Refusal> {
    let Object(api::SharedChange { stopped }) = change
        .map_err(|wrong| object::body_refusal(&wrong, "Send an object with `stopped`, true or false."))?;
    let (job, about) = find_job(&may, &shared, id).await?;
    let (service, this, what) = (shared.service()?.clone(), job.clone(), about.clone());
    run_blocking(FAILED, move || {
        if service.has_waiting_command(&this, &what) {
            let detail = "A command waits for this batch: end that, which stops it.";
            return Err(Refusal::new(StatusCode::CONFLICT, detail));
        }
        let changed = if stopped { service.stop_job(&this) } else { service.go_on(&this) };
        changed.map_err(|error| job_refusal(&error))
    })
    .await?;
    Ok(Json(describe_job(&shared, job, about).await?))
}

pub async fn remove_job(
    may: May<Read>,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let (job, about) = find_job(&may, &shared, id).await?;
    let service = shared.service()?.clone();
    run_blocking(FAILED, move || {
        if service.has_waiting_command(&job, &about) {
            let detail = "A command waits for this batch, and takes it away at its end: end that first.";
            return Err(Refusal::new(StatusCode::CONFLICT, detail));
        }
        service.remove_job(&job).map_err(|error| job_refusal(&error))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn list_files(
    may: May<Read>,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Json<api::SharedFiles>, Refusal> {
    let offset = query::read_number(&params, "offset", 0, &(0..=u64::from(u32::MAX)))?;
    let limit = query::read_number(&params, "limit", USUAL_ROWS, &(1..=MAX_ROWS))?;
    let (job, _) = find_job(&may, &shared, id).await?;
    let service = shared.service()?.clone();
    let rows = run_blocking(FAILED, move || -> Result<_, Refusal> {
        let total = service.job_progress(&job).map_err(|error| job_refusal(&error))?.files;
        let files = service.list_files(&job, offset, limit).map_err(|error| job_refusal(&error))?;
        Ok(api::SharedFiles { files: files.iter().map(file_row).collect(), total })
    });
    Ok(Json(rows.await?))
}

pub async fn get_result(
    may: May<Read>,
    State(shared): State<Shared>,
    Path((id, index)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let (shape, least) =
        (parse_shape(&params)?, query::read_real(&params, "min_confidence", 0.0, &(0.0..=1.0))?);
    without_picture(shape.format, &params)?;
    let (job, _) = find_job(&may, &shared, id).await?;
    let none = || Refusal::new(StatusCode::NOT_FOUND, "There is no such file in the batch.");
    let index: u32 = index.parse().map_err(|_| none())?;
    let service = shared.service()?.clone();
    let found = run_blocking(FAILED, move || {
        service.list_files(&job, u64::from(index), 1).map_err(|error| job_refusal(&error))
    });
    let file = found.await?.into_iter().next().ok_or_else(none)?;
    match file.record.map(|record| record.outcome) {
        Some(Ok(document)) => Ok(shape.response(&filter_confident(document, least), Vec::new())),
        Some(Err(reason)) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &reason)),
        None => Err(Refusal::retry_later(StatusCode::CONFLICT, 1, "This file has not been read yet.")),
    }
}

pub async fn export_job(
    may: May<Read>,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let (shape, least) =
        (parse_shape(&params)?, query::read_real(&params, "min_confidence", 0.0, &(0.0..=1.0))?);
    without_picture(shape.format, &params)?;
    let (job, _) = find_job(&may, &shared, id).await?;
    let name = format!("sightwire-{}", job.id);
    let mut export = Export {
        service: shared.service()?.clone(),
        job,
        next: 0,
        least,
        writer: Writer::new(shape.format, shape.style),
        has_ended: false,
    };
    Ok(export_response(shape.format, &name, move || export.next_piece()))
}

/// All that was read, file by file.
struct Export {
    service: Arc<Service>,
    job: Job,
    next: u32,
    least: f32,
    writer: Writer,
    has_ended: bool,
}

impl Export {
    /// The next piece; blocks. `None` after the last.
    fn next_piece(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        while !self.has_ended && !self.writer.is_full() {
            let chunk = self.service.list_chunk(&self.job, self.next).map_err(std::io::Error::other)?;
            let Some(files) = chunk else {
                self.writer.end()?;
                self.has_ended = true;
                break;
            };
            self.next += 1;
            for FileOf { index, entry, record } in files {
                let outcome = record
                    .map(|record| record.outcome.map(|document| filter_confident(document, self.least)));
                let came = match &outcome {
                    Some(Ok(document)) => Came::Read(document),
                    Some(Err(reason)) => Came::Failed(Some(reason)),
                    None => Came::Nothing,
                };
                self.writer.add_file(usize::try_from(index).unwrap_or(usize::MAX), &entry.name, came)?;
            }
        }
        let piece = self.writer.take_written();
        Ok((!piece.is_empty() || !self.has_ended).then_some(piece))
    }
}

fn file_row(file: &FileOf) -> api::SharedFile {
    let outcome = file.record.as_ref().map(|record| &record.outcome);
    let document = outcome.and_then(|outcome| outcome.as_ref().ok());
    api::SharedFile {
        confidence: document.and_then(Document::mean_confidence),
        error: outcome.and_then(|outcome| outcome.as_ref().err().cloned()),
        index: file.index,
        name: file.entry.name.clone(),
        regions: document.map(|document| document.regions().count() as u64),
        state: match outcome {
            None => FileState::Waiting,
            Some(Ok(_)) => FileState::Done,
            Some(Err(_)) => FileState::Failed,
        },
    }
}

async fn describe_job(shared: &Shared, job: Job, about: About) -> Result<api::SharedJob, Refusal> {
    let service = shared.service()?.clone();
    let workers = service.list_workers().await.unwrap_or_default();
    let shown: Vec<Shown> = workers.into_iter().map(|(_, shown)| shown).collect();
    run_blocking(FAILED, move || {
        job_status(&service, &job, &about, &shown).map_err(|error| job_refusal(&error))
    })
    .await
}

fn job_status(
    service: &Service,
    job: &Job,
    about: &About,
    workers: &[Shown],
) -> Result<api::SharedJob, JobError> {
    let Progress { state, files, all_found, ended, failed } = service.job_progress(job)?;
    let id = job.id.as_str();
    let at = workers.iter().flat_map(|shown| &shown.at).filter(|(of, _)| of == id);
    let refused = workers.iter().flat_map(|shown| &shown.refused).filter(|(of, _)| of == id);
    let mut notes: Vec<String> = job.note()?.into_iter().collect();
    if state == JobState::Running && workers.is_empty() {
        notes.push("no worker is there: start some (`sightwire worker`)".to_owned());
    }
    notes.extend(refused.map(|(_, why)| format!("a worker does not read it: {why}")).take(MAX_NOTES));
    Ok(api::SharedJob {
        all_found,
        command: about.owner.is_none(),
        created: about.created,
        done: ended - failed.min(ended),
        failed,
        files,
        id: id.to_owned(),
        name: about.name.clone(),
        notes,
        reading: at.map(|(_, files)| *files as u64).sum::<u64>().min(files - ended.min(files)),
        state: match state {
            JobState::Running => api::SharedState::Running,
            JobState::Done => api::SharedState::Done,
            JobState::Stopped => api::SharedState::Stopped,
        },
    })
}

/// A batch belongs to who began it; those of commands to nobody. To others there is none.
fn seen_by(caller: &Caller) -> (Arc<str>, bool) {
    (caller.owner(), caller.check_action(&ReadOthers::ACTION, false).is_ok())
}

async fn find_job(caller: &Caller, shared: &Shared, id: String) -> Result<(Job, About), Refusal> {
    let service = shared.service()?.clone();
    let (owner, sees_all) = seen_by(caller);
    run_blocking(FAILED, move || {
        let found = service.get(&id).map_err(|error| job_refusal(&error))?;
        found
            .filter(|(_, about)| sees_all || about.owner.as_deref() == Some(&owner))
            .ok_or_else(|| no_batch(&id))
    })
    .await
}

fn job_refusal(error: &JobError) -> Refusal {
    if error.is_missing() {
        return Refusal::new(StatusCode::NOT_FOUND, "The batch was taken away meanwhile.");
    }
    Refusal::verbatim(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

fn not_begun(why: &BeginError) -> Refusal {
    let status = match why {
        BeginError::Job(JobError::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
        BeginError::Job(error) if error.is_full() => StatusCode::INSUFFICIENT_STORAGE,
        BeginError::Job(_) => StatusCode::INTERNAL_SERVER_ERROR,
        BeginError::Sources | BeginError::Relative(_) | BeginError::Outside { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    Refusal::verbatim(status, &why.to_string())
}
