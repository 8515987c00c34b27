//! `POST /api/v1/detect`: what is in one picture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest as _, Multipart, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use sightwire_frame::Image;
use sightwire_frame::header::{self, Header};
use sightwire_live::Cameras;
use sightwire_live::detector::{FindError, Model, find};
use sightwire_live::view::is_among;
use sightwire_reading::decoding::DecodeMemory;

use super::form::is_form;
use crate::transport::error;
use crate::transport::pick;
use crate::transport::query::Params;
use crate::transport::sentence;

/// A picture is analysed, or the caller is told that it was not, within this.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a form may have beside the picture, in bytes,
const MAX_FORM_OVERHEAD: usize = 64 << 10;
/// and what each of its parts is counted as, at least.
const FIELD_OVERHEAD: usize = 1;

/// What the handler needs.
#[derive(Clone, Debug)]
pub struct Means {
    /// Finds objects.
    pub cameras: Arc<Cameras>,
    /// For the picture's pixels.
    pub decoding: Arc<DecodeMemory>,
}

pub async fn detect(
    State(Means { cameras, decoding }): State<Means>,
    Query(params): Query<Params>,
    request: Request,
) -> Response {
    let confidence = match pick::confidence(&cameras, &params) {
        Ok(confidence) => f32::from(confidence) / 100.0,
        Err(wrong) => return wrong.response(),
    };
    let limits = cameras.options().pictures;
    // Before anything of the body is read: streams have the first claim on threads and memory.
    let Ok(_place) = cameras.stills.clone().try_acquire_owned() else { return busy() };
    let picture = match tokio::time::timeout(DEADLINE, picture(request, limits.max_bytes)).await {
        Ok(Ok(picture)) => picture,
        Ok(Err(refused)) => return refused,
        Err(_) => {
            let detail = format!("The picture did not arrive within {} s.", DEADLINE.as_secs());
            return error(StatusCode::REQUEST_TIMEOUT, &detail);
        }
    };
    let begun = Instant::now();
    let work = async {
        let Model::Network(service) = cameras.detector.model().await else {
            let note = cameras.detector.report()["note"]
                .as_str()
                .map(|note| format!("{} ", sentence(note)))
                .unwrap_or_default();
            let detail = format!(
                "There is no detection model for single pictures; motion needs a video. {note}Get one with `sightwire models pull yolox-nano`."
            );
            return Err(error(StatusCode::SERVICE_UNAVAILABLE, &detail));
        };
        // What has no header, or is too large, is told so by the decoder.
        let header = header::probe(&picture).ok().filter(|header| limits.check_size(header).is_ok());
        let room = match header {
            Some(Header { format, width, height }) => {
                Some(decoding.take(format.into(), (width, height)).await)
            }
            None => None,
        };
        let decoded = cameras.pixels.run(move |tools| {
            let mut image = Image::new(0, 0);
            tools.decoder.decode(&picture, &limits, &mut image).map(|()| image).map_err(|e| e.to_string())
        });
        let image = match decoded.await {
            Ok(Ok(image)) => Arc::new(image),
            Ok(Err(reason)) => {
                return Err(error(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    &format!("The picture cannot be used: {reason}."),
                ));
            }
            Err(lost) => return Err(error(StatusCode::INTERNAL_SERVER_ERROR, &format!("{lost}."))),
        };
        let found = find(&service, image.clone(), confidence).await;
        Ok((service, image, found, room))
    };
    let (service, image, found, _room) = match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok(done)) => done,
        Ok(Err(refused)) => return refused,
        Err(_) => {
            let detail = format!("The picture was not analysed within {} s.", DEADLINE.as_secs());
            return error(StatusCode::GATEWAY_TIMEOUT, &detail);
        }
    };
    let found = match found {
        Ok(found) => found,
        Err(FindError::Busy) => return busy(),
        Err(FindError::Failed(reason)) => {
            return error(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("The picture was not analysed: {reason}."),
            );
        }
    };
    let classes = match pick::classes(&cameras, &params) {
        Ok(classes) => classes,
        Err(wrong) => return wrong.response(),
    };
    let model = Model::Network(service);
    let detections: Vec<Value> = found
        .detections
        .iter()
        .map(|detection| (model.label(detection.class), detection))
        .filter(|(label, _)| is_among(label, &classes))
        .map(|(label, detection)| {
            let px = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
            let rect = &detection.rect;
            json!({
                "label": label,
                "confidence": (f64::from(detection.confidence) * 1e4).round() / 1e4,
                "box": [px(rect.left), px(rect.top), px(rect.right), px(rect.bottom)],
            })
        })
        .collect();
    let ms = (begun.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    Json(json!({
        "width": image.width(),
        "height": image.height(),
        "model": model.name(),
        "ms": ms,
        "detections": detections,
    }))
    .into_response()
}

fn busy() -> Response {
    let response =
        error(StatusCode::TOO_MANY_REQUESTS, "Too many pictures are being analysed. Please try again.");
    ([(RETRY_AFTER, "1")], response).into_response()
}

/// The body, or the field `file` of a form.
async fn picture(request: Request, max_bytes: usize) -> Result<Bytes, Response> {
    let too_large = || {
        let detail = format!("The picture is larger than {} MiB.", max_bytes >> 20);
        error(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    };
    let empty = || {
        error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Send a JPEG or PNG as the body, or as the field `file` of a form.",
        )
    };
    let bytes = if is_form(&request) {
        // The form around the picture counts, too: a form without end is refused like a picture too large.
        let mut read = 0;
        let mut form = Multipart::from_request(request, &()).await.map_err(IntoResponse::into_response)?;
        loop {
            let Ok(Some(mut field)) = form.next_field().await else { return Err(empty()) };
            let wanted = field.name() == Some("file");
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|_| empty())? {
                read += chunk.len() + FIELD_OVERHEAD;
                if read > max_bytes + MAX_FORM_OVERHEAD {
                    return Err(too_large());
                }
                if wanted {
                    bytes.extend_from_slice(&chunk);
                }
            }
            if wanted {
                break bytes.into();
            }
            read += FIELD_OVERHEAD;
        }
    } else {
        to_bytes(request.into_body(), max_bytes).await.map_err(|_| too_large())?
    };
    if bytes.is_empty() { Err(empty()) } else { Ok(bytes) }
}
