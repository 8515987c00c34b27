//! What the server's answers say. A field that is missing, or is not of the kind expected, is `None`: an older or newer
//! server is shown as far as it goes.

use std::cmp::Reverse;

use serde_json::Value;

use super::client::Reading;

/// Names and reasons are cut after so many characters.
const MAX_TEXT: usize = 300;

/// How many, and how many at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Now.
    pub now: Option<u64>,
    /// At most.
    pub max: Option<u64>,
}

/// `/api/v1/status`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// Of the server.
    pub version: Option<String>,
    /// Since it began.
    pub uptime_s: Option<f64>,
    /// 100 is one core.
    pub cpu_percent: Option<f64>,
    /// Resident.
    pub memory_bytes: Option<f64>,
    /// Of the process.
    pub threads: Option<u64>,
    /// On all listening addresses.
    pub connections: Share,
    /// The sign recogniser.
    pub recognizer: Recognizer,
    /// What finds objects.
    pub detector: Detector,
    /// Sums over all cameras.
    pub cameras: Cameras,
    /// Sums over all streams that are sent.
    pub relay: Relay,
}

/// The sign recogniser.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recognizer {
    /// Its name.
    pub model: Option<String>,
    /// `ready`, `loading`, `failed`, `dummy`.
    pub state: Option<String>,
    /// Why it failed, what it is doing, or what to look at.
    pub note: Option<String>,
    /// `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// Of the numbers.
    pub precision: Option<String>,
    /// Senders of frames.
    pub clients: Share,
    /// That arrive.
    pub frames_per_s: Option<f64>,
    /// Arrival of a window's newest frame to its prediction.
    pub delay_p50_ms: Option<f64>,
    /// Likewise.
    pub delay_p95_ms: Option<f64>,
    /// More frames come than can be analysed.
    pub overloaded: bool,
}

/// What finds objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detector {
    /// Its name.
    pub model: Option<String>,
    /// `idle`, `fetching`, `ready`, `failed`.
    pub state: Option<String>,
    /// Why it is this model, or why it failed.
    pub note: Option<String>,
    /// `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// Of the numbers.
    pub precision: Option<String>,
    /// Of a fetch, 0–1.
    pub progress: Option<f64>,
}

/// Sums over all cameras.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cameras {
    /// That are being read.
    pub upstreams: Share,
    /// Of all streams.
    pub viewers: Share,
    /// Of all streams.
    pub analyses: Share,
    /// That arrive.
    pub frames_per_s: Option<f64>,
    /// From cameras.
    pub bytes_in_per_s: Option<f64>,
    /// To viewers.
    pub bytes_out_per_s: Option<f64>,
}

/// Sums over all streams that are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relay {
    /// That are sent.
    pub streams: Share,
    /// Of `/ws/view`.
    pub viewers: Share,
    /// That arrive.
    pub frames_per_s: Option<f64>,
    /// From senders.
    pub bytes_in_per_s: Option<f64>,
    /// To viewers.
    pub bytes_out_per_s: Option<f64>,
}

/// What a stream is doing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// No pictures, and none can come.
    Ended,
    /// Pictures come, and they are all the same.
    Frozen,
    /// No pictures for a while.
    Stalled,
    /// Far fewer pictures than usual.
    Slow,
    /// No pictures yet.
    Connecting,
    /// A word of a newer server, or none.
    Other(String),
    /// All is well.
    Live,
}

impl Condition {
    /// For a person.
    pub fn word(&self) -> &str {
        match self {
            Condition::Ended => "ended",
            Condition::Frozen => "frozen",
            Condition::Stalled => "stalled",
            Condition::Slow => "slow",
            Condition::Connecting => "connecting",
            Condition::Other(word) => word,
            Condition::Live => "live",
        }
    }

    /// To be found at a glance.
    pub fn symbol(&self) -> &'static str {
        match self {
            Condition::Ended => "×",
            Condition::Frozen => "■",
            Condition::Stalled => "▲",
            Condition::Slow => "◐",
            Condition::Connecting => "◌",
            Condition::Other(_) => "?",
            Condition::Live => "●",
        }
    }

    /// Whether somebody should look.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Condition::Ended | Condition::Frozen | Condition::Stalled | Condition::Slow)
    }
}

/// One camera that is being read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// In paths.
    pub id: String,
    /// For people.
    pub name: String,
    /// Without credentials.
    pub url: Option<String>,
    /// What it is doing.
    pub condition: Condition,
    /// Why.
    pub reason: Option<String>,
    /// In this condition.
    pub since_s: Option<f64>,
    /// Pictures that arrive.
    pub fps: Option<f64>,
    /// The usual rate, while it is far below.
    pub usual_fps: Option<f64>,
    /// Width and height, px.
    pub size_px: Option<(u64, u64)>,
    /// Now.
    pub viewers: Option<u64>,
    /// Pictures handed to viewers so far.
    pub delivered: Option<u64>,
    /// Pictures that viewers were too slow for, so far.
    pub missed: Option<u64>,
    /// Captured → given to the viewer's socket.
    pub delay_p50_ms: Option<f64>,
    /// Likewise.
    pub delay_p95_ms: Option<f64>,
    /// What is looked for in its pictures.
    pub analyses: Vec<Analysis>,
}

/// A model at work on a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// Its name.
    pub model: Option<String>,
    /// Where it runs.
    pub provider: Option<String>,
    /// Drawn and predicted pictures.
    pub frames_per_s: Option<f64>,
    /// Pictures that the model saw.
    pub analysed_per_s: Option<f64>,
    /// Captured → decoded, found, encoded; p50.
    pub delays_ms: [Option<f64>; 3],
    /// How many of each class, most first.
    pub objects: Vec<(String, u64)>,
    /// Why it finds nothing.
    pub problem: Option<String>,
}

/// One viewer of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Viewer {
    /// Its address.
    pub peer: Option<String>,
    /// `mjpeg`, `events`, `websocket`.
    pub kind: Option<String>,
    /// What it asked for.
    pub endpoint: Option<String>,
    /// Since it came.
    pub since_s: Option<f64>,
    /// Pictures that it got.
    pub delivered: Option<u64>,
    /// Of late.
    pub lost_percent: Option<f64>,
    /// `original`, or a JPEG quality.
    pub quality: Option<String>,
}

/// All that is shown of one reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// The server as a whole.
    pub overview: Overview,
    /// `None`: the server has no streams at all.
    pub streams: Option<Vec<Stream>>,
}

impl From<&Reading> for Model {
    fn from(reading: &Reading) -> Self {
        let list = reading.streams.as_ref().and_then(|streams| streams["streams"].as_array());
        Self {
            overview: overview(&reading.status),
            streams: list.map(|list| list.iter().map(stream).collect()),
        }
    }
}

/// Those of `/api/v1/streams/{id}`; who loses most comes first, for there may be more than a screen shows.
pub fn viewers(detail: &Value) -> Vec<Viewer> {
    let mut viewers: Vec<Viewer> = list(detail, "/viewer_list").iter().map(viewer).collect();
    let lost_permille = |viewer: &Viewer| (viewer.lost_percent.unwrap_or_default() * 10.0).round() as u64;
    viewers.sort_by_key(|viewer| Reverse(lost_permille(viewer)));
    viewers
}

/// Without what would move the cursor of a terminal, and not endless.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

fn overview(status: &Value) -> Overview {
    let (number, text) = (|path| number(status, path), |path| text(status, path));
    let share = |now, max| Share { now: count(status, now), max: count(status, max) };
    let loading = text("/recognizer/loading/text").map(|what| match number("/recognizer/loading/progress") {
        Some(done) => format!("{what} {:.0} %", done * 100.0),
        None => what,
    });
    let switching = text("/recognizer/switching/to").map(|to| format!("switching to {to}"));
    Overview {
        version: text("/version"),
        uptime_s: number("/uptime_s"),
        cpu_percent: number("/process/cpu_percent"),
        memory_bytes: number("/process/memory_bytes"),
        threads: count(status, "/process/threads"),
        connections: share("/connections/open", "/connections/max"),
        recognizer: Recognizer {
            model: text("/recognizer/model"),
            state: text("/recognizer/state"),
            note: text("/recognizer/error")
                .or(loading)
                .or(switching)
                .or_else(|| text("/recognizer/warning"))
                .or_else(|| text("/engine/note")),
            provider: text("/engine/provider"),
            precision: text("/engine/precision"),
            clients: share("/recognizer/clients", "/recognizer/max_clients"),
            frames_per_s: number("/recognizer/frames_per_s"),
            delay_p50_ms: number("/recognizer/delay_ms/p50"),
            delay_p95_ms: number("/recognizer/delay_ms/p95"),
            overloaded: status.pointer("/recognizer/overloaded").and_then(Value::as_bool).unwrap_or_default(),
        },
        detector: Detector {
            model: text("/detector/model"),
            state: text("/detector/state"),
            note: text("/detector/note"),
            provider: text("/detector/provider"),
            precision: text("/detector/precision"),
            progress: number("/detector/progress"),
        },
        cameras: Cameras {
            upstreams: share("/cameras/upstreams", "/cameras/max_upstreams"),
            viewers: share("/cameras/viewers", "/cameras/max_viewers"),
            analyses: share("/cameras/analyses", "/cameras/max_analyses"),
            frames_per_s: number("/cameras/frames_per_s"),
            bytes_in_per_s: number("/cameras/bytes_in_per_s"),
            bytes_out_per_s: number("/cameras/bytes_out_per_s"),
        },
        relay: Relay {
            streams: share("/relay/streams", "/relay/max_streams"),
            viewers: share("/relay/viewers", "/relay/max_viewers"),
            frames_per_s: number("/relay/frames_in_per_s"),
            bytes_in_per_s: number("/relay/bytes_in_per_s"),
            bytes_out_per_s: number("/relay/bytes_out_per_s"),
        },
    }
}

fn stream(value: &Value) -> Stream {
    let usual_fps = number(value, "/slow/usual_fps");
    let condition = match value["state"].as_str() {
        Some("running") if usual_fps.is_some() => Condition::Slow,
        Some("running") => Condition::Live,
        Some("starting") => Condition::Connecting,
        Some("stalled") => Condition::Stalled,
        Some("frozen") => Condition::Frozen,
        Some("ended") => Condition::Ended,
        other => Condition::Other(clean(other.unwrap_or("–"))),
    };
    let id = text(value, "/id").unwrap_or_default();
    Stream {
        name: text(value, "/name").filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone()),
        id,
        url: text(value, "/url"),
        condition,
        reason: text(value, "/reason"),
        since_s: number(value, "/since_s"),
        fps: number(value, "/fps"),
        usual_fps,
        size_px: count(value, "/width").zip(count(value, "/height")),
        viewers: count(value, "/viewers"),
        delivered: count(value, "/delivered"),
        missed: count(value, "/missed"),
        delay_p50_ms: number(value, "/delay_ms/p50"),
        delay_p95_ms: number(value, "/delay_ms/p95"),
        analyses: list(value, "/analyses").iter().map(analysis).collect(),
    }
}

fn analysis(value: &Value) -> Analysis {
    let mut objects: Vec<(String, u64)> = value["objects"]
        .as_object()
        .map(|objects| objects.iter().filter_map(|(name, n)| Some((clean(name), n.as_u64()?))).collect())
        .unwrap_or_default();
    objects.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Analysis {
        model: text(value, "/model"),
        provider: text(value, "/provider"),
        frames_per_s: number(value, "/frames_per_s"),
        analysed_per_s: number(value, "/analysed_per_s"),
        delays_ms: ["/delay_ms/decoded/p50", "/delay_ms/inferred/p50", "/delay_ms/encoded/p50"]
            .map(|path| number(value, path)),
        objects,
        problem: text(value, "/problem"),
    }
}

fn viewer(value: &Value) -> Viewer {
    Viewer {
        peer: text(value, "/peer"),
        kind: text(value, "/kind"),
        endpoint: text(value, "/endpoint"),
        since_s: number(value, "/since_s"),
        delivered: count(value, "/delivered"),
        lost_percent: number(value, "/lost_percent"),
        quality: text(value, "/quality")
            .or_else(|| count(value, "/quality").map(|quality| quality.to_string())),
    }
}

fn number(value: &Value, path: &str) -> Option<f64> {
    value.pointer(path)?.as_f64()
}

fn count(value: &Value, path: &str) -> Option<u64> {
    value.pointer(path)?.as_u64()
}

fn text(value: &Value, path: &str) -> Option<String> {
    Some(clean(value.pointer(path)?.as_str()?))
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_older_server_does_not_say_is_unknown_and_never_zero() {
        let model = Model::from(&Reading { status: json!({}), streams: None });
        assert_eq!(model, Model::default());
        assert_eq!(model.overview.connections, Share { now: None, max: None });

        let streams = Some(json!({ "streams": [{ "id": "a" }, {}] }));
        let model = Model::from(&Reading { status: json!({}), streams });
        let streams = model.streams.unwrap();
        assert_eq!((streams[0].name.as_str(), streams[0].fps, streams[0].viewers), ("a", None, None));
        assert_eq!(streams[1].condition, Condition::Other("–".into()));
    }

    #[test]
    fn a_newer_server_that_says_things_otherwise_is_shown_as_far_as_it_goes() {
        let status =
            json!({ "version": 2, "process": { "cpu_percent": "much", "threads": 7 }, "recognizer": [] });
        let streams = json!({ "streams": [
            { "id": "a", "state": "dreaming", "fps": null, "viewers": -1, "analyses": { "x": 1 } },
        ] });
        let model = Model::from(&Reading { status, streams: Some(streams) });
        assert_eq!((model.overview.version, model.overview.cpu_percent), (None, None));
        assert_eq!(model.overview.threads, Some(7));
        let stream = &model.streams.unwrap()[0];
        assert_eq!((stream.condition.word(), stream.condition.symbol()), ("dreaming", "?"));
        assert_eq!((stream.viewers, stream.analyses.len()), (None, 0));
    }

    #[test]
    fn what_goes_on_with_the_model_is_said_and_what_went_wrong_comes_first() {
        let note = |recognizer: Value| overview(&json!({ "recognizer": recognizer })).recognizer.note;
        let loading = json!({ "text": "importing signs.h5", "progress": 0.4 });
        assert_eq!(note(json!({ "loading": loading })), Some("importing signs.h5 40 %".into()));
        assert_eq!(note(json!({ "error": "no library", "loading": loading })), Some("no library".into()));
        assert_eq!(note(json!({ "switching": { "to": "signs" } })), Some("switching to signs".into()));
    }

    #[test]
    fn a_running_stream_far_below_its_usual_rate_is_slow() {
        let condition = |value: Value| stream(&value).condition;
        assert_eq!(condition(json!({ "state": "running", "slow": null })), Condition::Live);
        let slow = json!({ "state": "running", "slow": { "fps": 2.0, "usual_fps": 20.0 } });
        assert_eq!(condition(slow), Condition::Slow);
    }

    #[test]
    fn nothing_that_a_camera_is_named_can_reach_the_terminal_as_a_command() {
        let stream = stream(&json!({ "id": "a", "name": "\u{1b}[2JDoor\r\n\u{9b}31m" }));
        assert_eq!(stream.name, "[2JDoor31m");
        assert_eq!(clean(&"x".repeat(5000)).len(), MAX_TEXT);
    }

    #[test]
    fn who_loses_most_comes_first_and_all_others_as_they_came() {
        let detail = json!({ "viewer_list": [
            { "peer": "a" }, { "peer": "b", "lost_percent": 0.0 }, { "peer": "c", "lost_percent": 40.0 },
        ] });
        let peers: Vec<_> = viewers(&detail).into_iter().filter_map(|viewer| viewer.peer).collect();
        assert_eq!(peers, ["c", "a", "b"]);
    }

    #[test]
    fn what_is_seen_most_comes_first_and_viewers_have_words_for_their_quality() {
        let analysis = analysis(&json!({ "objects": { "bus": 1, "car": 3, "cat": 1 } }));
        assert_eq!(
            analysis.objects.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["car", "bus", "cat"]
        );
        let detail = json!({ "viewer_list": [{ "quality": "original" }, { "quality": 85 }, {}] });
        let qualities: Vec<_> = viewers(&detail).into_iter().map(|viewer| viewer.quality).collect();
        assert_eq!(qualities, [Some("original".into()), Some("85".into()), None]);
    }
}
