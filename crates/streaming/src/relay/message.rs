//! Messages of the relay as they are written, and the first one of a sender.

use std::time::UNIX_EPOCH;

use base64_simd::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;
use sightwire_api::relay::{
    Connected, ConnectedType, Overlay, OverlayData, OverlayMetrics, Ping, Pong, RelayError, StreamEnded,
    ViewerConnected, Warning,
};
use sightwire_api::stream::AnalysisMode;
use sightwire_base::clock;
use sightwire_base::clock::unix_s;
use sightwire_frame::{data_url, header};
use sightwire_hub::picture::{Making, Picture, PictureError, PicturePool, Stamp, Wrapped};
use sightwire_live::analysis::Analysed;
use sightwire_live::hands::Sighted;
use sightwire_live::overlay::{self, Drawn};
use sightwire_live::shown::is_among;
use sightwire_scan::json;
use sightwire_scan::relay::{self as scan, AS_IT_CAME, HEADER, PICTURE};

/// How closely a stream is to be looked at, by the first message of its sender.
pub fn read_mode(text: &str) -> AnalysisMode {
    if scan::wants_enhanced(text) { AnalysisMode::Enhanced } else { AnalysisMode::Normal }
}

/// A picture that came as a data URL, as it goes out again.
pub struct LiveFrame {
    /// The message to viewers.
    text: Bytes,
    /// The part of it that is the URL.
    url: Bytes,
}

/// What stands before the base64 of a JPEG in its data URL.
const URL_BEFORE_BASE64: &str = "data:image/jpeg;base64,";
/// Bytes that stand before the base64 of a JPEG in its data URL.
const URL_HEAD: usize = URL_BEFORE_BASE64.len();

/// Characters of base64 that have the header of nearly every JPEG in them.
const HEAD_OF_BASE64: usize = 4 << 10;

impl LiveFrame {
    /// Of the URL that came for that stream.
    pub fn new(stream: &str, url: &str) -> Self {
        let name = Value::from(stream).to_string();
        let (head, tail) = (live_frame_head(&name), "\"}}");
        let mut text = BytesMut::with_capacity(head.len() + url.len() + tail.len());
        text.put_slice(head.as_bytes());
        if memchr::memchr2(b'"', b'\\', url.as_bytes()).is_some() || json::has_control(url) {
            // It was written with escapes, and needs them again.
            let quoted = Value::from(url).to_string();
            text.put_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
        } else {
            text.put_slice(url.as_bytes());
        }
        let end = text.len();
        text.put_slice(tail.as_bytes());
        let text = text.freeze();
        let url = text.slice(head.len()..end);
        Self { text, url }
    }

    /// Whether the very same URL can be written from its file alone.
    fn is_made_anew_alike(&self) -> bool {
        let base64 = self.url.strip_prefix(URL_BEFORE_BASE64.as_bytes());
        base64.is_some_and(|base64| !base64.is_empty() && STANDARD.check(base64).is_ok())
    }

    /// The file in the URL; empty if there is none.
    fn decode_file(&self) -> Bytes {
        let mut file = Vec::new();
        let decoded =
            std::str::from_utf8(&self.url).is_ok_and(|url| data_url::decode_into(url, &mut file).is_ok());
        if decoded { file.into() } else { Bytes::new() }
    }

    /// The URL as its sender meant it: in a message it may be written with escapes.
    fn unescape_url(&self) -> Vec<u8> {
        let quoted = [b"\"", &self.url[..], b"\""].concat();
        serde_json::from_slice::<String>(&quoted).map_or_else(|_| self.url.to_vec(), String::into_bytes)
    }
}

impl Wrapped for LiveFrame {
    fn size(&self) -> usize {
        self.url.len()
    }

    fn file_size(&self) -> usize {
        self.url.len().saturating_sub(URL_HEAD) / 4 * 3
    }

    fn dimensions(&self) -> Option<(u32, u32)> {
        let base64 = self.url.strip_prefix(URL_BEFORE_BASE64.as_bytes());
        let head = base64.and_then(|base64| STANDARD.decode_to_vec(base64.get(..HEAD_OF_BASE64)?).ok());
        head.and_then(|head| header::read_dimensions(&head))
            .or_else(|| header::read_dimensions(&self.decode_file()))
    }

    /// Where it is asked for: base64 costs no more than a copy, and waits behind nobody's pictures.
    fn file<'a>(&'a self, _: &'a dyn PicturePool) -> Making<'a, Bytes> {
        Box::pin(std::future::ready(Ok(self.decode_file())))
    }
}

/// Bytes of a picture as a data URL, as nearly as can be told without making it.
pub fn url_size(picture: &Picture) -> usize {
    match picture.came_as::<LiveFrame>() {
        Some(frame) => frame.size(),
        None => URL_HEAD + picture.file_size().div_ceil(3) * 4,
    }
}

fn live_frame_head(name: &str) -> String {
    format!("{{\"type\":\"live_frame\",\"patient_id\":{name},\"data\":{{\"frame\":\"")
}

/// A picture as text, for viewers.
pub async fn picture_text(
    stream: &str,
    picture: &Picture,
    pool: &dyn PicturePool,
) -> Result<Bytes, PictureError> {
    struct Text;
    if let Some(frame) = picture.came_as::<LiveFrame>() {
        return Ok(frame.text.clone());
    }
    let jpeg = picture.jpeg(pool).await?;
    let made = picture.forms().get::<Text>(|| {
        let head = live_frame_head(&Value::from(stream).to_string()) + "data:image/jpeg;base64,";
        let mut text = Vec::with_capacity(head.len() + STANDARD.encoded_length(jpeg.len()) + 3);
        text.extend_from_slice(head.as_bytes());
        STANDARD.encode_append(&jpeg[..], &mut text);
        text.extend_from_slice(b"\"}}");
        text.into()
    });
    Ok(made.clone())
}

/// A picture as a binary message, for viewers. If what the sender sent holds no picture, this is
/// [`PictureError::NoPicture`], and there is nothing to send to viewers.
pub async fn picture_binary(
    stream: &str,
    picture: &Picture,
    pool: &dyn PicturePool,
) -> Result<Bytes, PictureError> {
    struct Binary;
    let jpeg = picture.jpeg(pool).await?;
    let made = picture.forms().get::<Binary>(|| binary_message(PICTURE, stream, picture.stamp(), jpeg));
    Ok(made.clone())
}

/// A picture for another process: its file, unless viewers there would not get what they get here.
pub async fn picture_for_process(
    stream: &str,
    picture: &Picture,
    pool: &dyn PicturePool,
) -> Result<Bytes, PictureError> {
    struct ForProcess;
    let Some(frame) = picture.came_as::<LiveFrame>().filter(|frame| !frame.is_made_anew_alike()) else {
        return picture_binary(stream, picture, pool).await;
    };
    let made = picture
        .forms()
        .get::<ForProcess>(|| binary_message(AS_IT_CAME, stream, picture.stamp(), &frame.unescape_url()));
    Ok(made.clone())
}

/// A picture that came from another process as its sender wrote it.
pub fn as_it_came(stream: &str, url: &str, sequence: u64, stamp: Stamp) -> Picture {
    Picture::wrapped_of(LiveFrame::new(stream, url), sequence, stamp)
}

fn binary_message(kind: u8, stream: &str, stamp: Stamp, content: &[u8]) -> Bytes {
    let name = &stream.as_bytes()[..stream.len().min(255)];
    let micros = stamp.taken_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
    let mut message = BytesMut::with_capacity(HEADER + name.len() + content.len());
    message.put_slice(&[kind, name.len() as u8, 0, 0]);
    message.put_u64(stamp.sequence);
    message.put_u64(micros);
    message.put_slice(name);
    message.put_slice(content);
    message.freeze()
}

/// A message as it is sent.
pub fn to_json(message: &impl Serialize) -> String {
    // There is no map with odd keys in it.
    serde_json::to_string(message).unwrap_or_default()
}

/// To a sender that may begin.
pub fn connected_message(stream: &str, analysis_mode: AnalysisMode, warning: Option<&str>) -> String {
    to_json(&Connected {
        kind: ConnectedType::default(),
        patient_id: stream.to_owned(),
        analysis_mode,
        warning: warning.map(str::to_owned),
    })
}

/// To a client that did something wrong, or is refused.
pub fn error_message(message: &str) -> String {
    to_json(&RelayError { message: message.to_owned(), ..RelayError::default() })
}

/// To a sender whose stream will end if nothing changes.
pub fn warning_message(message: &str) -> String {
    to_json(&Warning { message: message.to_owned(), ..Warning::default() })
}

/// To a viewer, to hear whether it is still there.
pub fn ping_message() -> String {
    to_json(&Ping { timestamp: unix_s(), ..Ping::default() })
}

/// The answer to a `ping` of a sender or viewer.
pub fn pong_message() -> String {
    to_json(&Pong { timestamp: unix_s(), ..Pong::default() })
}

/// To a viewer that has come.
pub fn viewer_connected(streams: &[&str]) -> String {
    let active_streams = streams.iter().map(ToString::to_string).collect();
    to_json(&ViewerConnected { active_streams, timestamp: unix_s(), ..ViewerConnected::default() })
}

/// To viewers; `reason` only for those who know of it.
pub fn stream_ended(stream: &str, reason: Option<&str>) -> String {
    to_json(&StreamEnded {
        patient_id: stream.to_owned(),
        timestamp: unix_s(),
        reason: reason.map(str::to_owned),
        ..StreamEnded::default()
    })
}

/// What is in a picture, for viewers who draw it themselves; made once for all of them.
pub fn overlay_message(stream: &str, analysed: &Analysed, confidence: f32, classes: &[String]) -> Bytes {
    struct Told;
    let made = analysed.forms.get::<Told>(|| {
        let model = &analysed.model;
        let shown = analysed.objects.iter().filter(|object| {
            object.detection.confidence >= confidence
                && is_among(model.label(object.detection.class), classes)
        });
        let metrics = analysed.asked.then(|| {
            Box::new(OverlayMetrics {
                delay_ms: (clock::since(analysed.stamp.captured).as_secs_f64() * 1e4).round() / 10.0,
                detections: shown.map(|object| object.report(model)).collect(),
                hands: analysed.hands.as_ref().and_then(Sighted::to_api),
                height: analysed.image.height(),
                model: model.name().to_owned(),
                width: analysed.image.width(),
            })
        });
        let Drawn { landmarks, connections, axes } =
            overlay::build_overlay(analysed.body.as_ref(), analysed.hands.as_ref());
        to_json(&OverlayData {
            data: Overlay { connections, head_pose_axes: axes, landmarks, metrics },
            frame_num: analysed.stamp.sequence,
            patient_id: stream.to_owned(),
            ..OverlayData::default()
        })
        .into()
    });
    made.clone()
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use futures_util::FutureExt as _;
    use proptest::prelude::*;
    use serde_json::json;
    use sightwire_hub::picture::NoPool;
    use sightwire_scan::relay::{Bad, parse_message, read_binary};

    use super::*;

    #[test]
    fn the_first_message_says_how_closely_to_look() {
        for (text, expected) in [
            (r#"{"analysis_mode":"enhanced"}"#, AnalysisMode::Enhanced),
            (r#"{"analysis_mode":"normal"}"#, AnalysisMode::Normal),
            (r#"{"analysis_mode":"other"}"#, AnalysisMode::Normal),
            (r#"{"analysis_mode":7}"#, AnalysisMode::Normal),
            (r#"{"monitoring_conditions":["fall"]}"#, AnalysisMode::Enhanced),
            (r#"{"monitoring_conditions":[]}"#, AnalysisMode::Normal),
            (r#"{"monitoring_conditions":"fall"}"#, AnalysisMode::Normal),
            ("{}", AnalysisMode::Normal),
            ("nonsense", AnalysisMode::Normal),
        ] {
            assert_eq!(read_mode(text), expected, "{text}");
        }
    }

    async fn text_of(stream: &str, picture: &Picture) -> Bytes {
        picture_text(stream, picture, &NoPool).await.unwrap()
    }

    #[tokio::test]
    async fn a_frame_goes_out_in_the_words_that_viewers_know() {
        let LiveFrame { text, url } = LiveFrame::new("P-\"1\"", "data:image/jpeg;base64,SlBFRw==");
        let read: Value = serde_json::from_slice(&text).unwrap();
        let expected = json!({
            "type": "live_frame", "patient_id": "P-\"1\"", "data": { "frame": "data:image/jpeg;base64,SlBFRw==" },
        });
        assert_eq!(read, expected);
        assert_eq!(url.as_ref(), b"data:image/jpeg;base64,SlBFRw==");
        let jpeg = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::now());
        let made: Value = serde_json::from_slice(&text_of("P-\"1\"", &jpeg).await).unwrap();
        assert_eq!(made, expected, "of a file, too");
        let odd = LiveFrame::new("a", "data:image/x,\"\\\n");
        let odd: Value = serde_json::from_slice(&odd.text).unwrap();
        assert_eq!(odd["data"]["frame"], "data:image/x,\"\\\n");
    }

    #[tokio::test]
    async fn a_data_url_goes_out_as_it_came_and_is_decoded_only_for_those_who_need_the_file() {
        let frame = LiveFrame::new("P-1", "data:image/jpeg;base64,SlBFRw==");
        let text = frame.text.clone();
        let picture = Picture::from_wrapped(frame, 1, Instant::now(), UNIX_EPOCH);
        assert_eq!(text_of("P-1", &picture).await.as_ptr(), text.as_ptr(), "not built again");
        assert_eq!((url_size(&picture), picture.size(), picture.file_size()), (31, 31, 6));
        assert_eq!(picture.jpeg(&NoPool).await.unwrap().as_ref(), b"JPEG");
        let nothing = LiveFrame::new("P-1", "data:image/jpeg;bas");
        let nothing = Picture::from_wrapped(nothing, 1, Instant::now(), UNIX_EPOCH);
        assert_eq!(nothing.jpeg(&NoPool).await, Err(PictureError::NoPicture), "not base64");
        let file = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), UNIX_EPOCH);
        assert_eq!(url_size(&file), text_of("P-1", &file).await.len() - live_frame_head("\"P-1\"").len() - 3);
    }

    #[tokio::test]
    async fn a_binary_picture_has_its_name_number_and_time_before_it() {
        let taken_at = UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
        let picture = Picture::new(Bytes::from_static(b"\xff\xd8\xff!"), 7, Instant::now(), taken_at);
        let message = picture_binary("P-1", &picture, &NoPool).await.unwrap();
        assert_eq!(message[..4], [1, 3, 0, 0]);
        assert_eq!(message[4..12], 7_u64.to_be_bytes());
        assert_eq!(message[12..20], 1_700_000_000_000_001_u64.to_be_bytes());
        assert_eq!(&message[20..], b"P-1\xff\xd8\xff!");
        assert_eq!(&message[read_binary(&message).unwrap()], b"\xff\xd8\xff!");
        for cut in 0..24 {
            assert!(read_binary(&message[..cut]).is_err(), "{cut}");
        }
        assert_eq!(read_binary(&[2; 40]), Err(Bad::Header));
    }

    #[tokio::test]
    async fn other_processes_get_a_url_where_the_file_alone_would_not_do() {
        let came = |url: &str| Picture::from_wrapped(LiveFrame::new("P", url), 7, Instant::now(), UNIX_EPOCH);
        let plain = came("data:image/jpeg;base64,/9j/");
        assert_eq!(picture_for_process("P", &plain, &NoPool).await.unwrap()[0], PICTURE);
        for url in [
            "data:image/png;base64,iVBORw0KGgo=",
            "data:image/jpeg;base64,",
            "data:image/jpeg;charset=x;base64,/9j/",
            // Bits that mean nothing, and no padding.
            "data:image/jpeg;base64,/9j/QR==",
            "data:image/jpeg;base64,/9j/QQ",
            "data:image/jpeg;base64,/9j/\n",
            "data:image/\"\\x,\u{e9}",
        ] {
            let sent = picture_for_process("P", &came(url), &NoPool).await.unwrap();
            assert_eq!(scan::read_as_it_came(&sent), Some(url));
            let stamp = Stamp { sequence: 9, captured: Instant::now(), taken_at: UNIX_EPOCH };
            let again = as_it_came("P", url, 1, stamp);
            assert_eq!(text_of("P", &again).await, text_of("P", &came(url)).await);
            assert_eq!(again.stamp(), stamp);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_made_anew_is_the_same(bytes in prop::collection::vec(any::<u8>(), 3..60), end in "[A-Za-z0-9+/=]{0,4}") {
            let url = format!("{URL_BEFORE_BASE64}{}{end}", STANDARD.encode_to_string(&bytes));
            let frame = LiveFrame::new("P", &url);
            if frame.is_made_anew_alike() {
                let anew = Picture::new(frame.decode_file(), 1, Instant::now(), UNIX_EPOCH);
                let text = text_of("P", &anew).now_or_never().unwrap();
                prop_assert_eq!(text, frame.text);
            }
        }

        #[test]
        fn whatever_is_read_as_a_frame_goes_out_as_valid_json(text in any::<String>(), url in any::<String>()) {
            let _ = parse_message(&text);
            let sent = LiveFrame::new(&text, &url);
            let value: Value = serde_json::from_slice(&sent.text).unwrap();
            prop_assert_eq!(value["data"]["frame"].as_str(), Some(url.as_str()));
            prop_assert_eq!(value["patient_id"].as_str(), Some(text.as_str()));
        }
    }
}
