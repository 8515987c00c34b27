//! `POST /api/v1/detect`: what is in one picture.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use sightwire_access::action::Detect;
use sightwire_api::detect::{StillDetection, StillDetections};
use sightwire_listen::form::is_form;
use sightwire_live::stills::Picture;
use sightwire_live::view::is_among;
use sightwire_measure::clock;
use sightwire_measure::memory::Work;

use super::Api;
use super::picture::{self, MAX_FORM_OVERHEAD, NotSent, Parts, Wanted};
use sightwire_http::may::May;
use sightwire_http::query::{self, Params};
use sightwire_http::refusal::Refusal;
use sightwire_streaming::pick;

/// A picture is analysed, or the caller is told that it was not, within this.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn detect(
    _: May<Detect>,
    State(Api { streams, reader, memory, .. }): State<Api>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Json<StillDetections>, Refusal> {
    let confidence = f32::from(pick::confidence(&streams, &params)?) / 100.0;
    let max_bytes = streams.options().pictures.max_bytes;
    // Before anything of the body is read.
    memory.admit(Work::Picture)?;
    let place = streams.stills.place().ok_or_else(busy)?;
    let picture = tokio::time::timeout(DEADLINE, picture(request, max_bytes)).await.map_err(|_| {
        let detail = format!("The picture did not arrive within {} s.", DEADLINE.as_secs());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, &detail)
    })??;
    let begun = clock::now();
    let decoding = &reader.display.decoding;
    let room = async |bytes| decoding.acquire_bytes(bytes, 0).await;
    let seen = tokio::time::timeout(DEADLINE, streams.look(place, Picture::File(picture), confidence, room))
        .await
        .map_err(|_| {
            let detail = format!("The picture was not analysed within {} s.", DEADLINE.as_secs());
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, &detail)
        })??;
    let classes = pick::classes(&streams, &params)?;
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
        notes: query::notes(&params, &["conf", "classes"]),
        width: seen.size.0,
    }))
}

fn busy() -> Refusal {
    let detail = "Too many pictures are being analysed. Please try again.";
    Refusal::later(StatusCode::TOO_MANY_REQUESTS, 1, detail)
}

async fn picture(request: Request, max_bytes: usize) -> Result<Bytes, Refusal> {
    let wanted = Wanted { max_bytes, memory: None, form: Parts::File(MAX_FORM_OVERHEAD) };
    let is_form = is_form(&request);
    let sent = picture::receive(request, wanted).await.map_err(|why| match why {
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
