//! `POST /api/v1/detect`: what is in one picture.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use sightwire_access::action::Detect;
use sightwire_api::detect::{StillDetection, StillDetections};
use sightwire_base::clock;
use sightwire_base::memory::Work;
use sightwire_listen::form::is_form;
use sightwire_live::directory::stills::Picture;
use sightwire_live::shown::is_among;

use super::Api;
use super::picture::{self, MAX_FORM_OVERHEAD, NotSent, Parts, Wanted};
use sightwire_admission::may::May;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_streaming::pick;

/// A picture is analysed, or the caller is told that it was not, within this.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn detect_objects(
    _: May<Detect>,
    State(Api { streams, reader, memory, .. }): State<Api>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Json<StillDetections>, Refusal> {
    let confidence = f32::from(pick::read_confidence(&streams, &params)?) / 100.0;
    let max_bytes = streams.options().pictures.max_bytes;
    // Before anything of the body is read.
    memory.admit_work(Work::Picture)?;
    let place = streams.stills.try_acquire_place().ok_or_else(busy_refusal)?;
    let picture =
        tokio::time::timeout(DEADLINE, receive_bytes(request, max_bytes)).await.map_err(|_| {
            let detail = format!("The picture did not arrive within {} s.", DEADLINE.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, &detail)
        })??;
    let begun = clock::now();
    let decoding = &reader.display.decoding;
    let room = |bytes| decoding.acquire_bytes(bytes, 0);
    let seen = tokio::time::timeout(
        DEADLINE,
        streams.find_in_picture(place, Picture::File(picture), confidence, room),
    )
    .await
    .map_err(|_| {
        let detail = format!("The picture was not analysed within {} s.", DEADLINE.as_secs());
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, &detail)
    })??;
    let classes = pick::read_classes(&streams, &params)?;
    let detections = seen
        .found
        .detections
        .iter()
        .map(|detection| (seen.model.label(detection.class), detection))
        .filter(|(label, _)| is_among(label, &classes))
        .map(|(label, detection)| {
            let px = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
            let rect = &detection.rect;
            StillDetection {
                bounds: [px(rect.left), px(rect.top), px(rect.right), px(rect.bottom)],
                confidence: (f64::from(detection.confidence) * 1e4).round() / 1e4,
                label: label.to_owned(),
            }
        })
        .collect();
    let ms = (clock::since(begun).as_secs_f64() * 1e4).round() / 10.0;
    Ok(Json(StillDetections {
        detections,
        height: seen.size.1,
        model: seen.model.name().to_owned(),
        ms,
        notes: query::unknown_notes(&params, &["conf", "classes"]),
        width: seen.size.0,
    }))
}

fn busy_refusal() -> Refusal {
    let detail = "Too many pictures are being analysed. Please try again.";
    Refusal::retry_later(StatusCode::TOO_MANY_REQUESTS, 1, detail)
}

async fn receive_bytes(request: Request, max_bytes: usize) -> Result<Bytes, Refusal> {
    let wanted = Wanted { max_bytes, memory: None, form: Parts::File(MAX_FORM_OVERHEAD) };
    let is_form = is_form(&request);
    let sent = picture::receive_picture(request, wanted).await.map_err(|why| match why {
        NotSent::TooLarge | NotSent::Busy => {
            let detail = format!("The picture is larger than {} MiB.", max_bytes >> 20);
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &detail)
        }
        NotSent::Body(wrong) if !is_form => wrong.into(),
        NotSent::Body(_) | NotSent::Nothing | NotSent::Several => {
            let detail = "Send a JPEG or PNG as the body, or as the field `file` of a form.";
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    })?;
    Ok(sent.bytes)
}
