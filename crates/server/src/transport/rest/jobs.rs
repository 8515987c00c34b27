//! `/api/v1/jobs`: batches of pictures to be read.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use sightwire_access::action::{Act as _, Read, ReadOthers};
use sightwire_api::read::{self as api, FileState, JobFiles, Jobs};
use sightwire_base::memory::{Memory, Work};
use sightwire_jobs::folder::is_full;
use sightwire_listen::body::Taking;
use sightwire_listen::form::{Form, TimedBody, content_length, is_form};
use sightwire_reading::display::{DisplayError, DisplayOptions, Key, Pixels};
use sightwire_reading::jobs::events::Listener;
use sightwire_reading::jobs::export::{self, Export};
use sightwire_reading::jobs::job::Job;
use sightwire_reading::jobs::upload::{Upload, UploadError};
use sightwire_reading::jobs::{Arriving, NoPlace};
use sightwire_reading::models::Ready;
use sightwire_reading::options::{DISPLAY_SIDES, MAX_KEEP};
use sightwire_reading::output::Format;
use sightwire_reading::picture::Picture;
use sightwire_reading::work::{PermitSource, ReadRequest};
use sightwire_reading::{Patience, TextReader};

use super::read::{self, default_ask, parse_corners, parse_request, parse_shape};
use sightwire_admission::caller::Caller;
use sightwire_admission::may::May;
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;

/// What a form may have around its files, in bytes for each of them.
const FORM_OVERHEAD: u64 = 1024;
/// Rows of one answer.
const MAX_ROWS: usize = 1000;
const USUAL_ROWS: usize = 500;
/// How a submission is named where nobody says otherwise, or in no letters that a header takes.
const SUBMISSION: &str = "submission";
/// Characters of the prefix of a submission's name at most.
const MAX_PREFIX: usize = 64;
/// Most who may listen to one batch at once.
const MAX_LISTENERS: usize = 64;

pub async fn list_jobs(may: May<Read>, State(reader): State<Arc<TextReader>>) -> Json<Jobs> {
    let (all, caller) = (reader.jobs.all_jobs().await, &*may);
    Json(Jobs { jobs: all.iter().filter(|job| is_for(caller, job)).map(|job| job.summary()).collect() })
}

pub async fn add_job(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    State(memory): State<Arc<Memory>>,
    Query(mut params): Query<Params>,
    request: Request,
) -> Response {
    if let Some(taking) = request.extensions().get::<Taking>() {
        taking.mark_stored();
    }
    let limits = &reader.limits;
    let most = limits.max_job_bytes + FORM_OVERHEAD * limits.max_job_files as u64;
    let refused = if !is_form(&request) {
        let detail = "Send the pictures, or a zip of them, as fields `file` of a form (multipart/form-data).";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    } else if content_length(&request).is_some_and(|bytes| bytes > most) {
        refused_upload(&UploadError::TooLarge(limits.max_job_bytes))
    } else if let Err(full) = memory.admit_work(Work::Batch) {
        full.into()
    } else {
        // What can be known before anything is sent is said then.
        match job_terms(&reader, &params).await {
            Ok(_) => match reader.jobs.reserve_place().await {
                Ok(Ok(arriving)) => {
                    let owner = may.owner();
                    return receive_job(&reader, &mut params, request, (arriving, owner))
                        .await
                        .into_response();
                }
                Ok(Err(full)) => no_place(&full),
                Err(reason) => refused_upload(&reason),
            },
            Err(refused) => refused,
        }
    };
    TimedBody::new(request.into_body()).drain().await;
    refused.into_response()
}

/// How a batch is to be read, how many of its pictures are kept, and the model.
async fn job_terms(
    reader: &Arc<TextReader>,
    params: &Params,
) -> Result<(ReadRequest, usize, Ready), Refusal> {
    let asked = parse_request(params, &default_ask(reader)).and_then(|asked| {
        let most = reader.limits.keep_pictures;
        let keep = query::read_number(params, "keep", most, &(0..=MAX_KEEP))?.min(most);
        Ok((asked, keep))
    });
    let (asked, keep) = asked?;
    let ready = read::load_model(reader, &asked.model).await?;
    Ok((asked, keep, ready))
}

async fn receive_job(
    reader: &Arc<TextReader>,
    params: &mut Params,
    request: Request,
    (mut arriving, owner): (Arriving, Arc<str>),
) -> Result<Response, Refusal> {
    let mut form = Form::new(request)?;
    if let Err(refused) = receive_files(&mut arriving.upload, params, &mut form).await {
        form.drain().await;
        return Err(refused);
    }
    // Options may have come with the form.
    let (asked, keep, ready) = job_terms(reader, params).await?;
    let received = arriving.upload.finish().await.map_err(|reason| refused_upload(&reason))?;
    let begun = reader.jobs.begin_job(owner, received, asked, keep, ready).await;
    let job = begun.map_err(|reason| refused_upload(&reason))?.map_err(|full| no_place(&full))?;
    let location = [(LOCATION, format!("/api/v1/jobs/{}", job.id))];
    let mut notes = query::unknown_notes(params, &[&read::OPTIONS[..], &["keep"]].concat());
    if query::read_number(params, "keep", keep, &(0..=MAX_KEEP)).is_ok_and(|asked| asked > keep) {
        notes.push(format!("{keep} pictures are kept, no more (reader.keep_pictures)."));
    }
    let summary = api::Job { notes, ..job.summary() };
    Ok((StatusCode::CREATED, location, Json(summary)).into_response())
}

pub async fn receive_files(upload: &mut Upload, params: &mut Params, form: &mut Form) -> Result<(), Refusal> {
    let refused = |reason: UploadError| refused_upload(&reason);
    let mut number = 0;
    while let Some(mut part) = form.next().await? {
        if !part.is_file() {
            part.add_option(params).await?;
            continue;
        }
        number += 1;
        match part.name() {
            // A page whose user chose nothing sends this.
            Some("") => {
                part.skip_part()?;
                continue;
            }
            Some(name) => upload.begin_file(name, part.content_type()),
            None => upload.begin_file(&format!("file {number}"), part.content_type()),
        }
        .map_err(refused)?;
        while let Some(chunk) = part.next().await? {
            upload.write(&chunk).await.map_err(refused)?;
        }
        upload.end_file().await.map_err(refused)?;
    }
    Ok(())
}

pub async fn get_job(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path(id): Path<String>,
) -> Result<Json<api::Job>, Refusal> {
    Ok(Json(find_job(&may, &reader, &id).await?.summary()))
}

pub async fn end_job(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    reader.jobs.end_job(&find_job(&may, &reader, &id).await?).await;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn list_files(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Json<JobFiles>, Refusal> {
    let job = find_job(&may, &reader, &id).await?;
    let offset = query::read_number(&params, "offset", 0, &(0..=usize::MAX))?;
    let limit = query::read_number(&params, "limit", USUAL_ROWS, &(1..=MAX_ROWS))?;
    let rows = job.rows(offset, limit, &reader.jobs.pictures);
    Ok(Json(JobFiles { files: rows, total: job.counts().0 }))
}

pub async fn stream_events(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let job = find_job(&may, &reader, &id).await?;
    if job.listeners() >= MAX_LISTENERS {
        let detail = "Too many listen to this batch already.";
        return Err(Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, 5, detail));
    }
    let after = query::read_number(&params, "after", 0, &(0..=usize::MAX))?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.trim().parse().ok());
    let listener =
        Listener::new(job, reader.jobs.pictures.clone(), last.unwrap_or(after), reader.stop.clone());
    let body = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), listener))
    });
    // Proxies must not collect events.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), unbuffered];
    Ok((headers, Body::from_stream(body)).into_response())
}

pub async fn get_result(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path((id, index)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let (job, index) = find_file(&may, &reader, &id, &index).await?;
    let (shape, least) = parse_shape(&params)
        .and_then(|shape| Ok((shape, query::read_real(&params, "min_confidence", 0.0, &(0.0..=1.0))?)))?;
    let gone = || Refusal::new(StatusCode::NOT_FOUND, "There is no such file in the batch.");
    let (state, reason, result) = job.file_outcome(index).ok_or_else(gone)?;
    let Some(span) = result else {
        return Err(match state {
            FileState::Waiting | FileState::Reading | FileState::Done => {
                Refusal::retry_later(StatusCode::CONFLICT, 1, "This file has not been read yet.")
            }
            FileState::Failed => {
                Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, reason.as_deref().unwrap_or("it failed"))
            }
            FileState::Cancelled => {
                Refusal::new(StatusCode::CONFLICT, "The batch was cancelled before this file was read.")
            }
        });
    };
    let reading = job.clone();
    let document = tokio::task::spawn_blocking(move || export::read_result(&reading, span, least)).await;
    let Ok(Ok(document)) = document else {
        return Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The result cannot be read from reader.folder.",
        ));
    };
    if !matches!(shape.format, Format::Annotated | Format::Pdf) {
        return Ok(shape.response(&document, Vec::new()));
    }
    read::check_page(shape, document.pages.len())?;
    let bytes = reader.jobs.pictures.get(&job.id, index).ok_or_else(not_kept)?;
    if shape.format == Format::Pdf {
        return read::searchable_response(&reader, bytes, None, document, ()).await;
    }
    read::marked_response(&reader, Pixels::File(bytes), document, shape, ()).await
}

pub async fn get_picture(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path((id, index)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let (job, index) = find_file(&may, &reader, &id, &index).await?;
    let look = display_options(&params, reader.limits.display_side)?;
    let bytes = reader.jobs.pictures.get(&job.id, index).ok_or_else(not_kept)?;
    let key = Key { job: job.id.clone(), index, look };
    let copy = reader.display.get_copy(key, bytes).await.map_err(|why| match why {
        ref failed if let Some(why) = failed.not_yet() => read::undrawn_refusal(&reader, why),
        DisplayError::Busy => Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, 1, &why.to_string()),
        DisplayError::Page(_) | DisplayError::Corners(_) => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string())
        }
        DisplayError::Failed(_) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
    })?;
    let header = |name: &'static str, value: u32| (HeaderName::from_static(name), value.to_string());
    let (width, height) = copy.original;
    Ok((
        [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=3600")],
        [header("x-sightwire-width", width), header("x-sightwire-height", height)],
        copy.jpeg,
    )
        .into_response())
}

/// `largest` is the longer side of a copy at most, px.
fn display_options(params: &Params, largest: u32) -> Result<DisplayOptions, ParamError> {
    let page: usize = query::read_number(params, "page", 1, &(1..=1_000_000))?;
    Ok(DisplayOptions {
        page: page - 1,
        side: query::read_number(params, "side", largest, &DISPLAY_SIDES)?.min(largest),
        perspective: query::read_flag(params, "perspective", false)?,
        corners: parse_corners(params, None)?,
        deskew: query::read_flag(params, "deskew", false)?,
        contrast: query::read_flag(params, "contrast", false)?,
        denoise: query::read_flag(params, "denoise", false)?,
    })
}

pub async fn read_again(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    State(memory): State<Arc<Memory>>,
    Path((id, index)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let (job, index) = find_file(&may, &reader, &id, &index).await?;
    let (asked, shape) =
        parse_request(&params, &job.ask).and_then(|asked| Ok((asked, parse_shape(&params)?)))?;
    let bytes = reader.jobs.pictures.get(&job.id, index).ok_or_else(not_kept)?;
    memory.admit_work(Work::Picture)?;
    let ready = read::load_model(&reader, &asked.model).await?;
    let place = reader.permits.try_single().ok_or_else(read::busy_refusal)?;
    let (limits, decoding) = (reader.limits.clone(), reader.display.reading.clone());
    let patience = Patience::with_limit(limits.deadline);
    let probed =
        tokio::task::spawn_blocking(move || Picture::probe(bytes, &limits, &decoding, patience)).await;
    let Ok(probed) = probed else { return Err(read::failed_refusal()) };
    let picture = probed.map_err(|wrong| read::unusable_refusal(&reader, &wrong))?;
    let turn = PermitSource::Single(Arc::new(place), patience);
    let read = reader.jobs.read_picture(&job, index, &picture, &ready, asked.options, &turn);
    let document = read.await.map_err(|why| read::unread_refusal(&reader, &why))?;
    Ok(shape.response(&document, Vec::new()))
}

pub async fn export_job(
    may: May<Read>,
    State(reader): State<Arc<TextReader>>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    let job = find_job(&may, &reader, &id).await?;
    let shape = parse_shape(&params)?;
    let least = query::read_real(&params, "min_confidence", 0.0, &(0.0..=1.0))?;
    without_picture(shape.format, &params)?;
    let name = if shape.format.is_submission() {
        timestamped_name(query::read_text(&params, "prefix").unwrap_or(SUBMISSION), SystemTime::now())
    } else {
        format!("sightwire-{}", job.id)
    };
    let mut export = Export::new(job, shape.format, shape.style, least);
    Ok(export_response(shape.format, &name, move || export.next_piece()))
}

/// Most pictures are not kept any more, or lie elsewhere.
pub fn without_picture(format: Format, params: &Params) -> Result<(), ParamError> {
    if !matches!(format, Format::Annotated | Format::Pdf) {
        return Ok(());
    }
    let value = query::read_text(params, "format").unwrap_or_default();
    let known = "json, csv, text, hocr, submission-csv or submission-json";
    Err(ParamError::new("format", known.into(), value))
}

/// A file of that name, made piece by piece as it is taken; making one blocks.
pub fn export_response(
    format: Format,
    name: &str,
    piece: impl FnMut() -> io::Result<Option<Vec<u8>>> + Send + 'static,
) -> Response {
    let (kind, end) = match format {
        Format::Json => ("application/x-ndjson", "jsonl"),
        Format::Hocr => ("application/zip", "hocr.zip"),
        format => (format.content_type(), format.extension()),
    };
    let disposition = format!("attachment; filename=\"{name}.{end}\"");
    let body = stream::unfold(Some(piece), |piece| async move {
        let mut piece = piece?;
        // Reads files.
        let made = tokio::task::spawn_blocking(move || (piece(), piece)).await;
        match made {
            Ok((Ok(Some(made)), piece)) => Some((Ok(Bytes::from(made)), Some(piece))),
            Ok((Ok(None), _)) => None,
            Ok((Err(broken), _)) => Some((Err(broken), None)),
            Err(lost) => Some((Err(io::Error::other(lost)), None)),
        }
    });
    ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, &*disposition)], Body::from_stream(body)).into_response()
}

/// A name with the time, `submission_20260131T120000Z`, that any disk takes.
fn timestamped_name(prefix: &str, at: SystemTime) -> String {
    let is_harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let prefix: String = prefix.chars().filter(is_harmless).take(MAX_PREFIX).collect();
    let time = humantime::format_rfc3339_seconds(at).to_string().replace(['-', ':'], "");
    let prefix = match prefix.trim_start_matches('.') {
        "" => SUBMISSION,
        prefix => prefix,
    };
    format!("{prefix}_{time}")
}

/// A batch belongs to who sent it. To others there is none.
fn is_for(caller: &Caller, job: &Job) -> bool {
    job.owner == caller.owner() || caller.check_action(&ReadOthers::ACTION, false).is_ok()
}

async fn find_job(caller: &Caller, reader: &TextReader, id: &str) -> Result<Arc<Job>, Refusal> {
    reader.jobs.get(id).await.filter(|job| is_for(caller, job)).ok_or_else(|| no_batch(id))
}

/// For this caller there is none of that name.
pub fn no_batch(id: &str) -> Refusal {
    let id: String = id.chars().take(40).collect();
    Refusal::new(StatusCode::NOT_FOUND, &format!("There is no batch {id:?}, or its time was over."))
}

async fn find_file(
    caller: &Caller,
    reader: &TextReader,
    id: &str,
    index: &str,
) -> Result<(Arc<Job>, usize), Refusal> {
    let job = find_job(caller, reader, id).await?;
    let files = job.counts().0;
    let index = index.parse().ok().filter(|index| *index < files);
    let none = || Refusal::new(StatusCode::NOT_FOUND, &format!("The batch has files 0 to {}.", files - 1));
    Ok((job, index.ok_or_else(none)?))
}

fn not_kept() -> Refusal {
    let detail =
        "The picture is not kept any more; of a batch, only the last ones are (keep=, reader.keep_pictures).";
    Refusal::new(StatusCode::GONE, detail)
}

pub fn no_place(full: &NoPlace) -> Refusal {
    let status = match full {
        NoPlace::Uploads | NoPlace::Jobs(_) => StatusCode::TOO_MANY_REQUESTS,
        NoPlace::Elsewhere(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::retry_later(status, 5, &full.to_string())
}

pub fn refused_upload(reason: &UploadError) -> Refusal {
    let status = match reason {
        UploadError::TooMany(_) | UploadError::TooManyZips | UploadError::TooLarge(_) => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        UploadError::Empty => StatusCode::UNPROCESSABLE_ENTITY,
        UploadError::Disk(error) if is_full(error) => StatusCode::INSUFFICIENT_STORAGE,
        UploadError::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, &reason.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_submission_is_named_with_its_prefix_and_time() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_750_861);
        assert_eq!(timestamped_name("run-3", at), "run-3_20261127T034101Z");
        assert_eq!(timestamped_name("../a\"b/\r\nc", at), "abc_20261127T034101Z");
        assert_eq!(timestamped_name("基準", at), "submission_20261127T034101Z");
        assert_eq!(timestamped_name(&"x".repeat(1_000), at).len(), MAX_PREFIX + 17);
    }
}
