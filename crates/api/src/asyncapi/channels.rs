//! All channels, and who says what on them.

use super::{Book, Entry, Message};
use crate::{board, detect, live, relay, sign};

/// Which bytes of a frame of `sightwire.v1` mean what.
const LAYOUT: [[&str; 3]; 7] = [
    ["0", "1", "1: a frame"],
    ["1", "1", "N, length of the name; 0 from senders"],
    ["2", "2", "zero"],
    [
        "4",
        "8",
        "number of the frame, unsigned, big endian; numbers between two received ones were missed; 0 from senders",
    ],
    [
        "12",
        "8",
        "when its last byte arrived, microseconds since 1970 UTC, unsigned, big endian; 0 from senders",
    ],
    ["20", "N", "name of the stream, UTF-8"],
    ["20 + N", "the rest", "JPEG"],
];

pub fn describe_channels(book: &mut Book) {
    signs(book);
    relay(book);
    let live = book.websocket(
        "live",
        "/api/v1/live",
        "The whole state at first, then once a second what has changed.",
    );
    live.sends::<live::LiveFull<live::Live>>("full", "The whole state")
        .sends::<live::LivePatch>("patch", "What has changed, as a JSON merge patch (RFC 7386)")
        .closes(&[STOPS]);
    let detections = book.websocket(
        "detections",
        "/api/v1/streams/{id}/detections",
        "What is in the frames of a stream. The same comes as Server-Sent Events if no WebSocket is asked for.",
    );
    detections.sends::<detect::StreamEvent>("detections, state", "What is in a frame, or the stream's state");
    boards(book);
}

fn signs(book: &mut Book) {
    let signs = book.socketio(
        "signs",
        "Has signs recognised",
        "Each valid `frame` is answered by one `prediction`, in order. With `extras`, there is more; see docs/protocol.md.",
    );
    signs
        .takes::<sign::SignConnect>("connect", "The `auth` of the CONNECT packet, which may be left out")
        .takes::<sign::SignFrame>("frame", "A frame; an acknowledgement is empty")
        .sends::<sign::SignMessage<'static>>("status, error", "Ready, once; or why the client is sent away")
        .sends::<sign::Prediction<'static>>("prediction", "The newest result, for each valid frame")
        .sends::<sign::DetailedPrediction<'static>>("prediction", "The same, with `extras`")
        .sends::<sign::SignModel>(
            "model",
            "With `extras`: the model at work, first and whenever it is replaced",
        )
        .sends::<sign::SignResult<'static>>("result", "With `extras`: a result, as soon as there is one");
}

const STOPS: (&str, &str) = ("1001", "The server stops");
const FULL: (&str, &str) =
    ("1013", "There is no room now: too many streams or viewers, or the memory is used up");
const ENDED: (&str, &str) = ("4410", "Ended by an administrator");
const BROKEN: [(&str, &str); 2] =
    [("1002", "The protocol was violated (RFC 6455)"), ("1007", "A text is no UTF-8")];

fn relay(book: &mut Book) {
    let sender = book.websocket(
        "sender",
        "/ws/stream/{name}",
        "Sends a stream. The first message says how closely it is to be analysed, the others are frames: JSON, or binary messages \
         where the subprotocol `sightwire.v1` is offered.",
    );
    let sender = sender
        .takes::<relay::SenderHello>("hello", "The first message")
        .takes::<relay::SentFrame>("frame", "A frame")
        .takes::<relay::ClientPing>("ping", "Asks whether the server is there")
        .takes::<relay::ClientPong>("pong", "Answers a ping of the server");
    let sender = sender.takes_message("BinaryFrame".to_owned(), binary());
    sender
        .sends::<relay::Connected>("connected", "The sender may begin")
        .sends::<relay::Warning>("warning", "What will happen unless frames come")
        .sends::<relay::RelayError>("error", "Why the stream ends; the close code follows")
        .sends::<relay::Pong>("pong", "Answers a ping")
        .sends::<relay::StreamStats>("stream_stats", "With `sightwire.v1`: what has become of its frames")
        .closes(&BROKEN)
        .closes(&[
            STOPS,
            FULL,
            ENDED,
            ("1008", "The name is not allowed, a camera has it, or a message did not arrive whole in time"),
            ("1009", "A message is too long (`relay.max_frame_mb`)"),
            ("4090", "Another sender has this name"),
            ("4400", "Ten messages in a row should have been frames and were none"),
            ("4408", "No frame has come for a while (`relay.end_after_s`; `relay.hidden_end_after_s` from a hidden tab)"),
        ]);
    let viewer = book.websocket(
        "viewer",
        "/ws/view",
        "Watches any number of streams. Frames are JSON, or binary messages where the subprotocol `sightwire.v1` is offered.",
    );
    let viewer = viewer
        .takes::<relay::ClientPing>("ping", "Asks whether the server is there")
        .takes::<relay::ClientPong>("pong", "Answers a ping of the server")
        .sends::<relay::ViewerConnected>("viewer_connected", "The first message: what is being sent")
        .sends::<relay::LiveFrame>("live_frame", "A frame")
        .sends::<relay::OverlayData>("overlay_data", "What is in a frame: with `overlays=1`, and without `sightwire.v1` also unasked, by the model `pose`")
        .sends::<relay::StreamStateMessage>(
            "stream_state",
            "With `sightwire.v1`: a stream is in another state now",
        )
        .sends::<relay::StreamEnded>("stream_ended", "A stream is over")
        .sends::<relay::Ping>("ping", "Asks whether the viewer is there")
        .sends::<relay::Pong>("pong", "Answers a ping")
        .sends::<relay::RelayError>("error", "Why the viewer is sent away; the close code follows");
    viewer.sends_message("BinaryFrame".to_owned(), binary()).closes(&BROKEN).closes(&[
        STOPS,
        FULL,
        ENDED,
        ("4008", "The viewer took next to nothing for too long"),
        ("4408", "The viewer gave no sign of life for three pings"),
    ]);
}

fn binary() -> Message {
    let summary = "With `sightwire.v1`: a frame as a binary message";
    Message { layout: &LAYOUT, ..Message::other("binary frame", "application/octet-stream", summary) }
}

fn boards(book: &mut Book) {
    fn fails(entry: Entry<'_>) -> Entry<'_> {
        entry
            .sends::<board::BoardProblem>("error", "Why nothing can be shown; the socket is closed after it")
            .closes(&[("1013", "Nothing can be shown; old pages come again by themselves")])
    }
    let detect = book.websocket(
        "boardDetect",
        "/ws/stream/detect",
        "Frames with boxes, for pages of the camera prototype.",
    );
    fails(detect)
        .sends::<board::BoardFrame>("frame", "A frame with boxes")
        .sends::<board::BoardStats>("stats", "Figures, after every 50 frames");
    let viewer = book.websocket(
        "boardViewer",
        "/ws/viewer/detection",
        "Frames with boxes, for pages of the camera prototype.",
    );
    fails(viewer)
        .sends::<board::BoardInfo>("info", "The first message: which camera, and how many watch it")
        .sends::<board::BoardFrame>("frame", "A frame with boxes");
    let raw = book.websocket(
        "boardRaw",
        "/ws/stream/raw",
        "Frames for pages of the camera prototype; also as `/ws/ws/stream/raw`.",
    );
    let frame = Message::other("frame", "text/plain", "A JPEG as base64 and nothing else");
    fails(raw).sends_message("RawFrame".to_owned(), frame);
}
