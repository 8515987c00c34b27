//! What is made of the server's answers for a person: words, symbols, and what comes first.

use std::cmp::Reverse;

use sightwire_api::cluster::{ClusterProcess, ClusterState, ClusterStatus};
use sightwire_api::status::Status;
use sightwire_api::stream::{Analysis, PictureQuality, Stream, StreamState, Viewer, ViewerKind};

/// A process that was not heard of for this long does not count.
const SILENT_S: f64 = 5.0;

/// What a stream is doing; what needs a look most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// No pictures, and none can come.
    Ended,
    /// Pictures come, and they are all the same.
    Frozen,
    /// No pictures for a while.
    Stalled,
    /// Far fewer pictures than usual.
    Slow,
    /// No picture has come yet.
    Connecting,
    /// Only a newer server knows.
    Unknown,
    /// Pictures come as they should.
    Live,
}

impl Condition {
    /// As its state says, and its rate.
    pub fn from_stream(stream: &Stream) -> Self {
        match stream.state {
            StreamState::Running if stream.slow.is_some() => Condition::Slow,
            StreamState::Running => Condition::Live,
            StreamState::Starting => Condition::Connecting,
            StreamState::Stalled => Condition::Stalled,
            StreamState::Frozen => Condition::Frozen,
            StreamState::Ended => Condition::Ended,
            StreamState::Unknown => Condition::Unknown,
        }
    }

    /// As the table shows it.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Ended => "ended",
            Condition::Frozen => "frozen",
            Condition::Stalled => "stalled",
            Condition::Slow => "slow",
            Condition::Connecting => "connecting",
            Condition::Unknown => "unknown",
            Condition::Live => "live",
        }
    }

    /// To be found at a glance.
    pub fn symbol(self) -> &'static str {
        match self {
            Condition::Ended => "×",
            Condition::Frozen => "■",
            Condition::Stalled => "▲",
            Condition::Slow => "◐",
            Condition::Connecting => "◌",
            Condition::Unknown => "?",
            Condition::Live => "●",
        }
    }

    /// Whether somebody should look.
    pub fn is_trouble(self) -> bool {
        matches!(self, Condition::Ended | Condition::Frozen | Condition::Stalled | Condition::Slow)
    }
}

/// Why there is no recogniser, what it is doing, or what to look at.
pub fn recognizer_note(Status { recognizer, engine, .. }: &Status) -> Option<String> {
    let loading = recognizer.loading.as_ref().map(|loading| match loading.progress {
        Some(done) => format!("{} {:.0} %", loading.text, done * 100.0),
        None => loading.text.clone(),
    });
    let switching = recognizer.switching.as_ref().map(|switching| format!("switching to {}", switching.to));
    let error = recognizer.error.clone();
    error.or(loading).or(switching).or_else(|| recognizer.warning.clone()).or_else(|| engine.note.clone())
}

/// Why it is not one of the processes, or what is wrong with one of the others.
pub fn cluster_note(cluster: &ClusterStatus) -> Option<String> {
    let of_another =
        cluster.processes.iter().find_map(|process| Some((&process.name, process.reason.as_ref()?)));
    cluster.reason.clone().or_else(|| of_another.map(|(name, reason)| format!("{name}: {reason}")))
}

/// How this process stands with the others.
pub fn cluster_condition(state: ClusterState) -> Condition {
    match state {
        ClusterState::Joining => Condition::Connecting,
        ClusterState::Connected => Condition::Live,
        ClusterState::Away => Condition::Stalled,
        ClusterState::Refused => Condition::Ended,
    }
}

/// How a process is, as the one that answers knows, and the word for it.
pub fn process_state(process: &ClusterProcess, cluster: &ClusterStatus) -> (Condition, &'static str) {
    let is_connected = cluster.state == ClusterState::Connected;
    match &process.reason {
        _ if !process.is_self && !is_connected => (Condition::Unknown, "not known"),
        None if is_connected && process.draining => (Condition::Connecting, "draining"),
        None => (cluster_condition(cluster.state), cluster.state.name()),
        Some(_) if process.is_self => {
            (cluster_condition(cluster.state).min(Condition::Stalled), cluster.state.name())
        }
        Some(_) if process.heard_s.is_none_or(|heard_s| heard_s >= SILENT_S) => (Condition::Ended, "silent"),
        Some(_) => (Condition::Stalled, "unreachable"),
    }
}

/// Those that need a look come first, for there may be more than a screen shows.
pub fn by_care(cluster: &ClusterStatus) -> Vec<&ClusterProcess> {
    let mut processes: Vec<_> = cluster.processes.iter().collect();
    processes.sort_by_key(|process| process_state(process, cluster).0);
    processes
}

/// `3 car, 1 person`: what is seen most comes first.
pub fn format_objects(analysis: &Analysis) -> String {
    let mut objects: Vec<_> = analysis.objects.iter().collect();
    objects.sort_by_key(|(_, count)| Reverse(**count));
    let all: Vec<String> = objects.iter().map(|(label, count)| format!("{count} {label}")).collect();
    if all.is_empty() { "nothing found".into() } else { all.join(", ") }
}

/// Who loses most comes first, for there may be more than a screen shows.
pub fn by_loss(mut viewers: Vec<Viewer>) -> Vec<Viewer> {
    viewers.sort_by_key(|viewer| Reverse((viewer.lost_percent * 10.0).round() as u64));
    viewers
}

/// Its endpoint, or how it gets what it watches.
pub fn watched_endpoint(viewer: &Viewer) -> &str {
    match viewer.kind {
        ViewerKind::Mjpeg => &viewer.endpoint,
        ViewerKind::Events => "detections (sse)",
        ViewerKind::Websocket => "detections (ws)",
        ViewerKind::Relay => "relay",
        ViewerKind::RelayBinary => "relay_binary",
        ViewerKind::Process => "process",
    }
}

/// `original`, or the quality of its JPEGs.
pub fn format_quality(viewer: &Viewer) -> String {
    match viewer.quality {
        PictureQuality::Original(_) => "original".into(),
        PictureQuality::Jpeg(quality) => quality.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sightwire_api::cluster::ClusterProcess;
    use sightwire_api::status::{EngineStatus, Progress, RecognizerStatus, Switching};
    use sightwire_api::stream::Slow;

    use super::*;

    #[test]
    fn what_goes_on_with_the_model_is_said_and_what_went_wrong_comes_first() {
        let mut status = Status {
            engine: EngineStatus { note: Some("no AMX".into()), ..Default::default() },
            recognizer: RecognizerStatus {
                error: Some("no library".into()),
                loading: Some(Progress { progress: Some(0.4), text: "importing signs.h5".into() }),
                switching: Some(Switching { to: "signs".into() }),
                warning: Some("every answer is the same".into()),
                ..Default::default()
            },
            ..Default::default()
        };
        let solved: [fn(&mut Status); 4] = [
            |status| status.recognizer.error = None,
            |status| status.recognizer.loading = None,
            |status| status.recognizer.switching = None,
            |status| status.recognizer.warning = None,
        ];
        let notes =
            ["no library", "importing signs.h5 40 %", "switching to signs", "every answer is the same"];
        for (note, solve) in notes.into_iter().zip(solved) {
            assert_eq!(recognizer_note(&status).as_deref(), Some(note));
            solve(&mut status);
        }
        assert_eq!(recognizer_note(&status).as_deref(), Some("no AMX"));
        assert_eq!(recognizer_note(&Status::default()), None);
    }

    #[test]
    fn what_is_wrong_with_this_process_comes_before_what_is_with_another() {
        let process = |name: &str, reason: Option<&str>| ClusterProcess {
            name: name.into(),
            reason: reason.map(str::to_owned),
            ..ClusterProcess::default()
        };
        let mut cluster = ClusterStatus {
            processes: vec![process("a", None), process("b", Some("it is silent"))],
            reason: Some("no connection".into()),
            ..ClusterStatus::default()
        };
        assert_eq!(cluster_note(&cluster).as_deref(), Some("no connection"));
        cluster.reason = None;
        assert_eq!(cluster_note(&cluster).as_deref(), Some("b: it is silent"));
        assert_eq!(cluster_note(&ClusterStatus::default()), None);
    }

    #[test]
    fn a_process_is_what_the_one_that_answers_can_know_and_trouble_comes_first() {
        let process = |name: &str, reason: Option<&str>, heard_s| ClusterProcess {
            name: name.into(),
            is_self: name == "self",
            reason: reason.map(str::to_owned),
            heard_s,
            ..ClusterProcess::default()
        };
        let draining = ClusterProcess { draining: true, ..process("draining", None, Some(0.3)) };
        let processes = vec![
            process("b", None, Some(0.4)),
            draining,
            process("far", Some("no connection"), Some(0.4)),
            process("gone", Some("nothing is heard of it"), Some(12.0)),
            process("self", None, None),
        ];
        let mut cluster = ClusterStatus { state: ClusterState::Connected, processes, ..Default::default() };
        let told = |cluster: &ClusterStatus| {
            let one =
                |process: &ClusterProcess| format!("{} {}", process.name, process_state(process, cluster).1);
            by_care(cluster).into_iter().map(one).collect::<Vec<_>>()
        };
        let expected =
            ["gone silent", "far unreachable", "draining draining", "b connected", "self connected"];
        assert_eq!(told(&cluster), expected);
        cluster.processes[4].reason = Some("its keys may be others".into());
        assert_eq!(process_state(&cluster.processes[4], &cluster), (Condition::Stalled, "connected"));
        cluster.state = ClusterState::Away;
        assert_eq!(told(&cluster)[..2], ["self away", "b not known"]);
    }

    #[test]
    fn a_running_stream_far_below_its_usual_rate_is_slow() {
        let slow = Some(Slow { fps: 2.0, usual_fps: 20.0 });
        let condition = |state, slow| Condition::from_stream(&Stream { state, slow, ..Default::default() });
        assert_eq!(condition(StreamState::Running, None), Condition::Live);
        assert_eq!(condition(StreamState::Running, slow), Condition::Slow);
        assert_eq!(condition(StreamState::Stalled, slow), Condition::Stalled);
    }

    #[test]
    fn a_state_that_only_a_newer_server_knows_is_shown_and_is_no_trouble() {
        let state = serde_json::from_str(r#""dreaming""#).unwrap();
        let condition = Condition::from_stream(&Stream { state, ..Default::default() });
        assert_eq!((condition.symbol(), condition.word(), condition.is_trouble()), ("?", "unknown", false));
    }

    #[test]
    fn who_loses_most_comes_first_and_all_others_as_they_came() {
        let viewer = |id, lost_percent| Viewer { id, lost_percent, ..Default::default() };
        let sorted = by_loss(vec![viewer(1, 0.04), viewer(2, 0.0), viewer(3, 40.0)]);
        assert_eq!(sorted.iter().map(|viewer| viewer.id).collect::<Vec<_>>(), [3, 1, 2]);
    }

    #[test]
    fn what_is_seen_most_comes_first() {
        let objects = |objects: &[(&str, usize)]| {
            let objects = objects.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect();
            format_objects(&Analysis { objects, ..Default::default() })
        };
        assert_eq!(objects(&[("cat", 1), ("bus", 1), ("car", 3)]), "3 car, 1 bus, 1 cat");
        assert_eq!(objects(&[]), "nothing found");
    }

    #[test]
    fn viewers_have_words_for_what_they_get() {
        let viewer = |kind, quality| {
            let viewer = Viewer { kind, quality, endpoint: "/stream".into(), ..Default::default() };
            format!("{} {}", watched_endpoint(&viewer), format_quality(&viewer))
        };
        assert_eq!(viewer(ViewerKind::Mjpeg, PictureQuality::default()), "/stream original");
        assert_eq!(viewer(ViewerKind::Websocket, PictureQuality::Jpeg(85)), "detections (ws) 85");
    }
}
