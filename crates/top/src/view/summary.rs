//! The lines above the streams.

use ratatui::style::{Color, Style};
use sightwire_api::camera::CameraTotals;
use sightwire_api::cluster::{ClusterState, ClusterStatus};
use sightwire_api::relay::RelayTotals;
use sightwire_api::status::{PredictionDelay, Status};

use super::pieces::Pieces;
use super::{bold_style, condition_style};
use crate::format::{
    DASH, format_bytes, format_decimal, format_duration, format_millis, format_share, format_whole, or_dash,
    short_duration,
};
use crate::model::{Condition, cluster_condition, recognizer_note};
use crate::monitor::Monitor;

pub fn server_pieces(monitor: &Monitor, status: &Status) -> Pieces {
    let Status { process, connections, .. } = status;
    Pieces::default()
        .with_text(5, Some(format!("sightwire {}", status.version)), bold_style())
        .with_value(6, "up", "up", format_duration(status.uptime_s))
        .with_text(4, Some(monitor.address().short()), Style::new())
        .with_value(0, "CPU", "CPU", format!("{:>3} %", format_whole(process.cpu_percent)))
        .with_value(1, "memory", "mem", format!("{:>6}", format_bytes(process.memory_bytes as f64)))
        .with_value(3, "threads", "thr", format!("{:>2}", process.threads))
        .with_value(2, "connections", "conn", format_share(connections.open, connections.max))
}

pub fn recognizer_pieces(status: &Status) -> Pieces {
    let Status { recognizer, engine, .. } = status;
    let state = recognizer.state.name();
    // The stand-in is named as its state is.
    let state = Some(state).filter(|state| recognizer.model != *state);
    let overloaded = recognizer.overloaded.then_some("▲ overloaded");
    Pieces::with_title("recogniser")
        .with_text(1, Some(recognizer.model.as_str()), Style::new())
        .with_text(2, state.map(state_word), state_style(state))
        .with_text(0, overloaded, bold_style().fg(Color::Yellow))
        .with_text(6, format_network(engine.provider.as_deref(), engine.precision.as_deref()), Style::new())
        .with_value(3, "clients", "cl", format_share(recognizer.clients, recognizer.max_clients))
        .with_value(4, "frames/s", "fps", format_decimal(recognizer.frames_per_s))
        .with_value(5, "delay p50/p95", "delay", format_delays(recognizer.delay_ms))
        .with_text(7, recognizer_note(status), Style::new())
}

pub fn detector_pieces(Status { detector, cameras, .. }: &Status) -> Pieces {
    let state = Some(detector.state.name());
    let progress = detector.progress.map(|done| format!("{:.0} %", done * 100.0));
    Pieces::with_title("detector")
        .with_text(1, Some(detector.model.as_str()), Style::new())
        .with_text(2, state.map(state_word), state_style(state))
        .with_text(3, progress, Style::new())
        .with_text(
            5,
            format_network(detector.provider.as_deref(), detector.precision.as_deref()),
            Style::new(),
        )
        .with_value(4, "analyses", "runs", format_share(cameras.analyses, cameras.max_analyses))
        .with_text(6, detector.note.as_deref(), Style::new())
}

pub fn camera_pieces(cameras: &CameraTotals) -> Pieces {
    Pieces::with_title("cameras")
        .with_value(1, "open", "open", format_share(cameras.upstreams, cameras.max_upstreams))
        .with_value(0, "viewers", "viewers", format_share(cameras.viewers, cameras.max_viewers))
        .with_value(2, "frames/s", "fps", format!("{:>5}", format_decimal(cameras.frames_per_s)))
        .with_value(4, "in", "in", per_second(cameras.bytes_in_per_s))
        .with_value(3, "out", "out", per_second(cameras.bytes_out_per_s))
}

pub fn relay_pieces(relay: &RelayTotals) -> Pieces {
    Pieces::with_title("relay")
        .with_value(1, "streams", "streams", format_share(relay.streams, relay.max_streams))
        .with_value(0, "viewers", "viewers", format_share(relay.viewers, relay.max_viewers))
        .with_value(2, "frames/s", "fps", format!("{:>5}", format_decimal(relay.frames_in_per_s)))
        .with_value(4, "in", "in", per_second(relay.bytes_in_per_s))
        .with_value(3, "out", "out", per_second(relay.bytes_out_per_s))
}

/// `note` is what is wrong.
pub fn cluster_pieces(cluster: &ClusterStatus, note: Option<String>) -> Pieces {
    let state = cluster_condition(cluster.state);
    let word = format!("{} {}", state.symbol(), cluster.state.name());
    let word = if cluster.state == ClusterState::Away {
        format!("{word} {}", short_duration(cluster.since_s))
    } else {
        word
    };
    let live = cluster.processes.iter().filter(|process| process.reason.is_none()).count();
    Pieces::with_title("cluster")
        .with_text(0, Some(word), condition_style(state))
        .with_value(1, "processes", "proc", format_share(live, cluster.processes.len()))
        .with_value(3, "streams elsewhere", "elsewhere", cluster.streams_elsewhere.to_string())
        .with_value(4, "watched from there", "pulls", cluster.pulls.to_string())
        .with_value(5, "in", "in", per_second(cluster.pulled_bytes_per_s))
        .with_text(2, note, Style::new())
}

fn per_second(value: f64) -> String {
    format!("{:>7}/s", format_bytes(value))
}

fn format_network(provider: Option<&str>, precision: Option<&str>) -> Option<String> {
    Some([provider?, precision.unwrap_or_default()].join(" ").trim_end().to_owned())
}

fn format_delays(PredictionDelay { p50, p95 }: PredictionDelay) -> String {
    if p50.or(p95).is_none() {
        return DASH.into();
    }
    format!("{}/{} ms", or_dash(p50, format_millis), or_dash(p95, format_millis))
}

fn state_word(state: &str) -> String {
    if state == "failed" { format!("{} failed", Condition::Ended.symbol()) } else { state.to_owned() }
}

fn state_style(state: Option<&str>) -> Style {
    if state == Some("failed") { condition_style(Condition::Ended) } else { Style::new() }
}
