//! Pictures whose text is wanted, for all who have some read: what may be chosen, the model, and why there is none.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_frame::still::StillError;
use sightwire_reading::Patience;
use sightwire_reading::models::{NotReady, Ready};
use sightwire_reading::output::Document;
use sightwire_reading::picture::{Picture, PictureError};
use sightwire_reading::remote;
use sightwire_reading::work::{self, PermitSource, ReadRequest, WorkError};
use sightwire_reading::{
    Corners, Failures, MAX_CANDIDATES, MIN_DETECTION_SIZES, NoCorners, ReadOptions, TextReader,
};
use tokio::sync::OwnedSemaphorePermit;

/// Seconds after which a model that is being fetched or loaded is to be asked for again.
const WHILE_FETCHING: u64 = 5;
/// Seconds after which a file that is drawn by a program that is not there is to be sent again.
const WHILE_UNDRAWN: u64 = 5;

/// The names that [`parse_request`] knows.
pub const OPTIONS: [&str; 14] = [
    "model",
    "threshold",
    "box_threshold",
    "unclip",
    "max_side",
    "max_candidates",
    "min_detection_size",
    "min_confidence",
    "angle",
    "deskew",
    "contrast",
    "denoise",
    "perspective",
    "corners",
];

/// Where nobody says otherwise.
pub fn default_ask(reader: &TextReader) -> ReadRequest {
    ReadRequest { model: reader.limits.model.clone(), options: ReadOptions::default() }
}

/// What a caller has chosen.
pub fn parse_request(params: &Params, default: &ReadRequest) -> Result<ReadRequest, ParamError> {
    let (usual, share) = (default.options, 0.0..=1.0);
    Ok(ReadRequest {
        model: query::read_text(params, "model").map_or_else(|| default.model.clone(), str::to_owned),
        options: ReadOptions {
            threshold: query::read_real(params, "threshold", usual.threshold, &share)?,
            box_threshold: query::read_real(params, "box_threshold", usual.box_threshold, &share)?,
            unclip: query::read_real(params, "unclip", usual.unclip, &(0.5..=5.0))?,
            max_side: query::read_number(params, "max_side", usual.max_side, &(64..=8192))?,
            max_candidates: query::read_number(
                params,
                "max_candidates",
                usual.max_candidates,
                &(1..=MAX_CANDIDATES),
            )?,
            min_detection_size: query::read_real(
                params,
                "min_detection_size",
                usual.min_detection_size,
                &MIN_DETECTION_SIZES,
            )?,
            min_confidence: query::read_real(params, "min_confidence", usual.min_confidence, &share)?,
            angle: query::read_flag(params, "angle", usual.angle)?,
            deskew: query::read_flag(params, "deskew", usual.deskew)?,
            contrast: query::read_flag(params, "contrast", usual.contrast)?,
            denoise: query::read_flag(params, "denoise", usual.denoise)?,
            perspective: query::read_flag(params, "perspective", usual.perspective)?,
            corners: parse_corners(params, usual.corners)?,
        },
    })
}

/// Of the page in a photograph, if they are given; empty, there are none, whatever is usual.
pub fn parse_corners(params: &Params, usual: Option<Corners>) -> Result<Option<Corners>, ParamError> {
    if params.get("corners").is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let Some(text) = query::read_text(params, "corners") else { return Ok(usual) };
    let corners = text.parse().map_err(|why: NoCorners| ParamError::new("corners", why.to_string(), text))?;
    Ok(Some(corners))
}

/// The model of that name, as soon as it is loaded.
pub async fn load_model(reader: &Arc<TextReader>, name: &str) -> Result<Ready, Refusal> {
    let waited = tokio::time::timeout(reader.limits.deadline, reader.models.get(name)).await;
    let why = match waited {
        Ok(Ok(ready)) => return Ok(ready),
        Ok(Err(why)) => why,
        Err(_) => NotReady::Loading { name: name.to_owned() },
    };
    let detail = why.to_string();
    let after = match why {
        NotReady::Unknown(_) | NotReady::WrongTask(_) | NotReady::Unlisted => {
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &format!("model: {why}.")));
        }
        NotReady::Fetching { .. } | NotReady::Loading { .. } => WHILE_FETCHING,
        NotReady::Failed { after, .. } => {
            Failures::add_one(&reader.failures.model);
            after.as_secs_f64().ceil() as u64
        }
    };
    Err(Refusal::retry_later(StatusCode::SERVICE_UNAVAILABLE, after, &detail))
}

/// The server failed before a picture could be looked at.
pub fn failed_refusal() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The picture could not be read.")
}

/// 413, 415 or 422, or 503 where it may be as good as any. Counts the failure, as each of these does: once for a picture.
pub fn unusable_refusal(reader: &TextReader, wrong: &PictureError) -> Refusal {
    let status = match wrong {
        PictureError::NotYet(why) => return undrawn_refusal(reader, why),
        PictureError::TooLarge(_) | PictureError::TooMuch(_) => StatusCode::PAYLOAD_TOO_LARGE,
        PictureError::Empty | PictureError::Unknown(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        PictureError::Broken(why) if why.is_late() => return late_refusal(reader, why),
        PictureError::Broken(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Failures::add_one(&reader.failures.picture);
    Refusal::new(status, &wrong.to_string())
}

/// The program is not there that draws it. Counts the failure.
pub fn undrawn_refusal(reader: &TextReader, why: &StillError) -> Refusal {
    Failures::add_one(&reader.failures.drawing);
    Refusal::retry_later(StatusCode::SERVICE_UNAVAILABLE, WHILE_UNDRAWN, &why.to_string())
}

/// Why there is no text. Counts the failure, unless the reader is busy or it was given up.
pub fn unread_refusal(reader: &TextReader, why: &WorkError) -> Refusal {
    let detail = why.to_string();
    match why {
        WorkError::Busy => busy_refusal(),
        WorkError::Stopped => Refusal::retry_later(StatusCode::SERVICE_UNAVAILABLE, 1, &detail),
        WorkError::Late(_) | WorkError::TooMuchWork(_) => late_refusal(reader, why),
        WorkError::Broken(why) if why.waits_for_drawing() => undrawn_refusal(reader, why),
        WorkError::Broken(why) if why.is_late() => late_refusal(reader, why),
        WorkError::TooMuch(_) => {
            Failures::add_one(&reader.failures.picture);
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &detail)
        }
        WorkError::Broken(_) | WorkError::Unsuited(_) => {
            Failures::add_one(&reader.failures.picture);
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &detail)
        }
        // The sender's business, as what is not a picture is.
        WorkError::ResultsTooLarge(_) => {
            Failures::add_one(&reader.failures.picture);
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &detail)
        }
        WorkError::Failed(_) => {
            Failures::add_one(&reader.failures.model);
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &detail)
        }
        WorkError::Disk(_) => {
            Failures::add_one(&reader.failures.disk);
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &detail)
        }
    }
}

/// The refusal (504) of a file that was not drawn or read in time. Counts the failure.
fn late_refusal(reader: &TextReader, why: &dyn std::error::Error) -> Refusal {
    Failures::add_one(&reader.failures.late);
    let detail = format!("The picture was given up: {why}. Send a smaller one, or try again later.");
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, &detail)
}

/// The refusal (429) of a picture that finds no place.
pub fn busy_refusal() -> Refusal {
    let detail = "Too many pictures wait to be read. Please try again.";
    Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, 1, detail)
}

/// What the header of a file says; what is held meanwhile is held until nobody looks any more.
pub async fn probe_picture(
    reader: &TextReader,
    bytes: Bytes,
    patience: Patience,
    memory: Option<OwnedSemaphorePermit>,
    held: impl Send + 'static,
) -> Result<Picture, Refusal> {
    let (limits, decoding) = (reader.limits.clone(), reader.display.reading.clone());
    let probed = tokio::task::spawn_blocking(move || {
        let probed =
            Picture::probe(bytes, &limits, &decoding, patience).map(|picture| picture.with_memory(memory));
        drop(held);
        probed
    });
    match probed.await {
        Ok(Ok(picture)) => Ok(picture),
        Ok(Err(wrong)) => Err(unusable_refusal(reader, &wrong)),
        Err(_) => Err(failed_refusal()),
    }
}

/// The text of a picture of another server, read here and by nobody else, with a model of this version unless that is `None`. The
/// inner error is one of this picture, wherever it is read.
pub async fn for_other(
    reader: &Arc<TextReader>,
    params: &Params,
    bytes: Bytes,
    version: Option<String>,
) -> Result<Result<Document, String>, Refusal> {
    let ask = parse_request(params, &default_ask(reader))?;
    let ready = load_model(reader, &ask.model).await?;
    // Also of what nobody waits for any more there are no more than places and memory.
    let patience = Patience::with_limit(reader.limits.deadline);
    let turn =
        PermitSource::Single(Arc::new(reader.permits.try_single().ok_or_else(busy_refusal)?), patience);
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let memory = reader.memory.clone().try_acquire_many_owned(size).map_err(|_| busy_refusal())?;
    if let Some(version) = version {
        let model = ready.model.clone();
        let here = tokio::task::spawn_blocking(move || remote::model_version(&model)).await;
        if here.is_ok_and(|here| here != version) {
            let detail = format!("The model {} here is another version of it.", ask.model);
            return Err(Refusal::new(StatusCode::NOT_FOUND, &detail));
        }
    }
    let picture = match probe_picture(reader, bytes, patience, Some(memory), turn.clone()).await {
        Ok(picture) => picture,
        Err(refused) if refused.status().is_client_error() => return Ok(Err(refused.detail().to_owned())),
        Err(refused) => return Err(refused),
    };
    let read = work::read_document(&ready, None, &picture, ask.options, &turn, &reader.limits, None);
    match read.await {
        Ok((document, _)) => Ok(Ok(document)),
        Err(WorkError::Broken(why)) if !why.waits_for_drawing() => Ok(Err(why.to_string())),
        Err(why @ (WorkError::Unsuited(_) | WorkError::TooMuch(_))) => Ok(Err(why.to_string())),
        Err(why) => Err(unread_refusal(reader, &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_server_is_asked_for_is_what_was_asked_for_here() {
        let corners = "10,20.5,300,15,310,400,-5,390".parse().ok();
        let unusual = ReadOptions {
            threshold: 0.123_456_79,
            box_threshold: 1.0,
            unclip: 2.2,
            max_side: 960,
            max_candidates: 7,
            min_detection_size: 3.3,
            min_confidence: 0.0,
            angle: false,
            perspective: true,
            corners,
            deskew: true,
            contrast: true,
            denoise: true,
        };
        for options in [ReadOptions::default(), unusual] {
            let request = ReadRequest { model: "receipts".into(), options };
            let parameters = request.query_parameters();
            let names: Vec<_> = parameters.iter().map(|(name, _)| *name).collect();
            assert!(OPTIONS.iter().all(|name| names.contains(name)), "{names:?}");
            let params = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let usual = ReadRequest { model: "usual".into(), options: ReadOptions { corners, ..unusual } };
            assert_eq!(parse_request(&params, &usual).unwrap(), request);
        }
    }
}
