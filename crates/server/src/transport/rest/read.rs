//! `POST /api/v1/read`: the text of one picture.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sightwire_access::action::Read;
use sightwire_base::memory::{Memory, Work};
use sightwire_frame::Image;
use sightwire_listen::client::ClientAddress;
use sightwire_listen::form::{TimedBody, content_length};
use sightwire_reading::Patience;
use sightwire_reading::TextReader;
use sightwire_reading::decoding::Decoding;
use sightwire_reading::display::{DisplayError, Pixels};
use sightwire_reading::models::Ready;
use sightwire_reading::output::{Document, Format, Frame, Layout, Style};
use sightwire_reading::work::{self, Late, PermitSource, ReadRequest, WorkError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::reading::probe_picture;
pub use crate::reading::{
    OPTIONS, busy_refusal, default_ask, failed_refusal, load_model, parse_corners, parse_request,
    undrawn_refusal, unread_refusal, unusable_refusal,
};

use super::picture::{self, MAX_FORM_OVERHEAD, NotSent, Parts, Sent, Wanted};
use sightwire_admission::caller::Caller;
use sightwire_admission::may::May;
use sightwire_admission::query::{self, ParamError, Params};
use sightwire_admission::refusal::Refusal;

/// Texts of pictures are private, and reading takes time: pages from elsewhere may do neither here.
pub async fn guard_reading(request: Request, next: Next) -> Response {
    if request.extensions().get().is_none_or(Caller::is_foreign) {
        let detail = "Pages of this origin may not have text read. Add it to server.cors_origins.";
        return Refusal::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    next.run(request).await
}

pub async fn read_picture(
    _: May<Read>,
    State(reader): State<Arc<TextReader>>,
    State(memory): State<Arc<Memory>>,
    Query(params): Query<Params>,
    request: Request,
) -> Response {
    let client = request.extensions().get::<ClientAddress>().copied();
    let limit = reader.limits.max_image_bytes as u64 + MAX_FORM_OVERHEAD as u64;
    let refused = if content_length(&request).is_some_and(|bytes| bytes > limit) {
        too_large(&reader)
    } else if let Err(full) = memory.admit_work(Work::Picture) {
        full.into()
    } else if reader.permits.is_full() {
        reader.permits.refuse();
        busy_refusal()
    } else {
        match begin_reading(&reader, &params).await {
            Ok(_) => match reader.uploads.clone().try_acquire_owned() {
                Ok(place) => {
                    let answered = answer_request(&reader, params, request, place, client.as_ref()).await;
                    return answered.into_response();
                }
                Err(_) => busy_refusal(),
            },
            Err(refused) => refused,
        }
    };
    refused.log_unread_picture(None, client.as_ref());
    TimedBody::new(request.into_body()).drain().await;
    refused.into_response()
}

async fn begin_reading(
    reader: &Arc<TextReader>,
    params: &Params,
) -> Result<(ReadRequest, Shape, Ready), Refusal> {
    let ask = parse_request(params, &default_ask(reader))?;
    let shape = parse_shape(params)?;
    let ready = load_model(reader, &ask.model).await?;
    Ok((ask, shape, ready))
}

async fn answer_request(
    reader: &Arc<TextReader>,
    mut params: Params,
    request: Request,
    place: OwnedSemaphorePermit,
    client: Option<&ClientAddress>,
) -> Result<Response, Refusal> {
    let received = receive_upload(reader, &mut params, request).await;
    let sent = received.inspect_err(|refused| refused.log_unread_picture(None, client))?;
    drop(place);
    let name = sent.name.clone();
    let read = read_text(reader, &params, sent).await;
    read.inspect_err(|refused| refused.log_unread_picture(name.as_deref(), client))
}

async fn read_text(reader: &Arc<TextReader>, params: &Params, sent: Sent) -> Result<Response, Refusal> {
    // Options may have come with the form.
    let (ask, shape, ready) = begin_reading(reader, params).await?;
    let notes = query::unknown_notes(params, &[&OPTIONS[..], &SHAPE[..]].concat());
    let Sent { name, bytes, memory } = sent;
    // For all that is done with it.
    let patience = Patience::with_limit(reader.limits.deadline);
    let picture = probe_picture(reader, bytes, patience, memory, ()).await?;
    check_page(shape, picture.pages.len())?;
    let turn =
        PermitSource::Single(Arc::new(reader.permits.try_single().ok_or_else(busy_refusal)?), patience);
    let by = patience.ends_at().into();
    let keep = match shape.format {
        Format::Annotated => Some(shape.page),
        // Of several, no more than one is decoded at a time.
        Format::Pdf => Some(0),
        Format::Text
        | Format::Json
        | Format::Csv
        | Format::Hocr
        | Format::SubmissionCsv
        | Format::SubmissionJson => None,
    };
    let read = work::read_picture(&ready, name, &picture, ask.options, &turn, &reader.limits, keep);
    let begun = Instant::now();
    let (document, image) = read.await.map_err(|why| unread_refusal(reader, &why))?;
    let regions: usize = document.pages.iter().map(|page| page.regions.len()).sum();
    let file = document.file.as_deref();
    tracing::debug!(
        file,
        model = document.model,
        regions,
        ms = begun.elapsed().as_millis() as u64,
        "a picture was read"
    );
    if keep.is_none() {
        return Ok(shape.response(&document, notes));
    }
    let notes = [document.notes(), notes].concat();
    if shape.format == Format::Pdf {
        let made = searchable_response(reader, picture.bytes.clone(), image, document, (picture, turn));
        return Ok(query::with_notes(made_by(reader, by, made).await?, &notes));
    }
    let pixels = match image {
        Some((image, room)) => Pixels::Image(image, room),
        None => Pixels::Picture(picture.into()),
    };
    let marked = made_by(reader, by, marked_response(reader, pixels, document, shape, turn)).await?;
    Ok(query::with_notes(marked, &notes))
}

/// Within the deadline of the picture.
async fn made_by(
    reader: &TextReader,
    by: Instant,
    made: impl Future<Output = Result<Response, Refusal>>,
) -> Result<Response, Refusal> {
    let late =
        |_| Err(unread_refusal(reader, &WorkError::Late(Late { of: reader.limits.deadline, worked: None })));
    timeout_at(by, made).await.unwrap_or_else(late)
}

/// A picture with its lines marked; see [`sightwire_reading::display::Display::make_marked`].
pub async fn marked_response(
    reader: &TextReader,
    pixels: Pixels,
    document: Document,
    shape: Shape,
    held: impl Send + 'static,
) -> Result<Response, Refusal> {
    let name = document.file.clone();
    let made = reader.display.make_marked(pixels, document, shape.page, held).await;
    drawn_response(reader, name.as_deref(), Format::Annotated, made)
}

/// A picture with its text under it; see [`sightwire_reading::display::Display::make_searchable`].
pub async fn searchable_response(
    reader: &TextReader,
    bytes: Bytes,
    first: Option<(Arc<Image>, Decoding)>,
    document: Document,
    held: impl Send + 'static,
) -> Result<Response, Refusal> {
    let name = document.file.clone();
    let made = reader.display.make_searchable(bytes, first, document, held).await;
    drawn_response(reader, name.as_deref(), Format::Pdf, made)
}

fn drawn_response(
    reader: &TextReader,
    name: Option<&str>,
    format: Format,
    made: Result<Vec<u8>, DisplayError>,
) -> Result<Response, Refusal> {
    match made {
        Ok(content) => Ok(file_response(name, format, content)),
        Err(ref failed) if let Some(why) = failed.not_yet() => Err(undrawn_refusal(reader, why)),
        Err(DisplayError::Failed(reason)) => {
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()))
        }
        Err(DisplayError::Busy | DisplayError::Page(_) | DisplayError::Corners(_)) => Err(busy_refusal()),
    }
}

/// The body, or the only file of a form; other fields are added to `params`.
async fn receive_upload(reader: &TextReader, params: &mut Params, request: Request) -> Result<Sent, Refusal> {
    let max_bytes = reader.limits.max_image_bytes;
    let wanted = Wanted { max_bytes, memory: Some(&reader.memory), form: Parts::OnlyFile(params) };
    picture::receive_picture(request, wanted).await.map_err(|why| {
        let detail = match why {
            NotSent::Body(wrong) => return wrong.into(),
            NotSent::TooLarge => return too_large(reader),
            NotSent::Busy => return busy_refusal(),
            NotSent::Nothing => {
                "Nothing was sent: send a picture as the body, or as the field `file` of a form."
            }
            NotSent::Several => "Send one picture at a time here; POST /api/v1/jobs takes many.",
        };
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

/// How an answer is to be.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub format: Format,
    pub style: Style,
    /// From 0; of an annotated picture.
    pub page: usize,
}

impl Shape {
    /// In any format but those that need the picture.
    pub fn response(self, document: &Document, notes: Vec<String>) -> Response {
        let name = document.file.as_deref();
        let content = match self.format {
            Format::Json | Format::Annotated | Format::Pdf => {
                let json = document.json_with(self.style, notes);
                return file_response(None, Format::Json, json.into_bytes());
            }
            Format::Text => document.to_text(self.style.layout),
            Format::Csv => document.to_csv(),
            Format::SubmissionCsv | Format::SubmissionJson => {
                let name = name.unwrap_or("picture");
                Document::submission(Some(document), name, self.format, self.style)
            }
            Format::Hocr => document.to_hocr(),
        };
        let Frame { head, tail, .. } = self.format.frame(self.style);
        let content = [head, &content, tail].concat();
        query::with_notes(
            file_response(name, self.format, content.into_bytes()),
            &[document.notes(), notes].concat(),
        )
    }
}

/// A result, under the name of its picture where that has one.
fn file_response(name: Option<&str>, format: Format, content: Vec<u8>) -> Response {
    let mut response = ([(CONTENT_TYPE, format.content_type())], content).into_response();
    if let Some(name) = name {
        let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let named = utf8_percent_encode(last, NON_ALPHANUMERIC);
        let disposition = format!("inline; filename*=UTF-8''{named}.{}", format.extension());
        if let Ok(value) = disposition.parse() {
            response.headers_mut().insert(CONTENT_DISPOSITION, value);
        }
    }
    response
}

/// The names that [`parse_shape`] knows.
const SHAPE: [&str; 6] = ["format", "layout", "characters", "words", "confidence", "page"];

/// What the answer is to look like, from the parameters in [`SHAPE`].
pub fn parse_shape(params: &Params) -> Result<Shape, ParamError> {
    let format = match query::read_text(params, "format") {
        None => Format::Json,
        Some(text) => text.parse().map_err(|_| {
            let names = Format::ALL.map(Format::name).join(", ");
            ParamError::new("format", format!("one of {names}"), text)
        })?,
    };
    let layout = match query::read_text(params, "layout") {
        None => Layout::default(),
        Some(text) => text.parse().map_err(|_| {
            let names = Layout::ALL.map(Layout::name).join(", ");
            ParamError::new("layout", format!("one of {names}"), text)
        })?,
    };
    let flag = |name| query::read_flag(params, name, false);
    let style = Style {
        layout,
        characters: flag("characters")?,
        words: flag("words")?,
        confidence: flag("confidence")?,
    };
    let page: usize = query::read_number(params, "page", 1, &(1..=1_000_000))?;
    Ok(Shape { format, style, page: page - 1 })
}

/// Whether there is the page that is asked for.
pub fn check_page(shape: Shape, pages: usize) -> Result<(), ParamError> {
    if shape.page < pages {
        return Ok(());
    }
    Err(ParamError::new("page", format!("a number from 1 to {pages}"), &(shape.page + 1).to_string()))
}

fn too_large(reader: &TextReader) -> Refusal {
    let most = reader.limits.max_image_bytes >> 20;
    let detail = format!("The picture is larger than {most} MiB (reader.max_image_mb).");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &detail)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::config::load;
    use crate::config::{Config, Flags};
    use sightwire_engine::shared::SharedEngine;
    use sightwire_reading::decoding::DecodeMemory;
    use sightwire_reading::display::AT_ONCE;

    const SHAPE: Shape = Shape {
        format: Format::Annotated,
        style: Style { layout: Layout::Rows, characters: false, words: false, confidence: false },
        page: 0,
    };

    fn reader() -> Arc<TextReader> {
        let config = Config::from_layers(&load::load_layers(&Flags::default()).unwrap()).unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let engine = SharedEngine::new(config.engine_settings(), || true);
        TextReader::new(config.reader, config.store, engine, DecodeMemory::new(1 << 30), &stop, &tasks)
            .unwrap()
    }

    fn pixels() -> Pixels {
        let room = DecodeMemory::new(1 << 20).acquire_bytes(64, 0).now_or_never().unwrap();
        Pixels::Image(Arc::new(Image::new(8, 8)), room)
    }

    /// Does something on the thread that lets it go.
    struct AtTheEnd<F: FnMut()>(F);

    impl<F: FnMut()> Drop for AtTheEnd<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    fn turn(reader: &TextReader) -> PermitSource {
        let patience = Patience::with_limit(Duration::from_secs(60));
        PermitSource::Single(Arc::new(reader.permits.try_single().unwrap()), patience)
    }

    async fn until(mut is: impl FnMut() -> bool) {
        let patience = Instant::now() + Duration::from_secs(10);
        while !is() {
            assert!(Instant::now() < patience);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_picture_keeps_its_place_until_it_has_been_marked_though_nobody_waits() {
        let reader = reader();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let marked_then = AtTheEnd(move || {
            let _ = wait.recv();
        });
        let marking =
            marked_response(&reader, pixels(), Document::default(), SHAPE, (marked_then, turn(&reader)));
        let by = Instant::now() + Duration::from_millis(50);
        let refused = made_by(&reader, by, marking).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(reader.permits.count_taken(), (1, 0), "it is still at work");
        drop(go);
        until(|| reader.permits.count_taken() == (0, 0)).await;
    }

    #[tokio::test]
    async fn a_picture_waits_to_be_marked_no_longer_than_its_deadline() {
        let reader = reader();
        let mut busy = Vec::new();
        for _ in 0..AT_ONCE {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let (reader, (begun, began)) = (reader.clone(), tokio::sync::oneshot::channel());
            let work = move || (begun.send(()), wait.recv());
            tokio::spawn(async move { reader.display.run(work).await });
            began.await.unwrap();
            busy.push(go);
        }
        let marking = marked_response(&reader, pixels(), Document::default(), SHAPE, turn(&reader));
        let refused = made_by(&reader, Instant::now(), marking).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(reader.permits.count_taken(), (0, 0), "what waited has gone, and with it the pixels");
    }

    #[tokio::test]
    async fn a_file_that_nothing_here_draws_yet_may_come_again_and_is_told_what_is_missing() {
        // Beside a test there is no program that draws.
        let reader = reader();
        let refused = probe_picture(&reader, Bytes::from_static(b"%PDF-1.7"), Patience::Work, None, ())
            .await
            .unwrap_err();
        let said = "The PDF cannot be read yet: the program sightwire-draw is missing: there is no ";
        assert!(refused.detail().starts_with(said), "{}", refused.detail());
        assert!(refused.detail().contains("build it with `cargo build"), "{}", refused.detail());
        let response = refused.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "5");
        let counted = [&reader.failures.picture, &reader.failures.drawing];
        assert_eq!(counted.map(|failures| failures.load(Ordering::Relaxed)), [0, 1]);
    }

    #[tokio::test]
    async fn a_page_that_nothing_here_draws_any_more_may_be_asked_for_again() {
        let reader = reader();
        let pdf = Bytes::from_static(b"%PDF-1.7");
        let refused = searchable_response(&reader, pdf, None, Document::default(), ()).await.unwrap_err();
        let response = refused.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "5");
    }

    #[tokio::test]
    async fn a_failure_of_the_server_is_not_called_busy() {
        let reader = reader();
        let marking =
            marked_response(&reader, pixels(), Document::default(), SHAPE, AtTheEnd(|| panic!("a bug")));
        let refused = marking.await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
