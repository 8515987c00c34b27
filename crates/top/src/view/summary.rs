//! The lines above the streams.

use ratatui::style::{Color, Style};
use sightwire_api::camera::CameraTotals;
use sightwire_api::cluster::{ClusterState, ClusterStatus};
use sightwire_api::relay::RelayTotals;
use sightwire_api::status::{PredictionDelay, Status};

use super::pieces::Pieces;
use super::{bold, colour};
use crate::format::{DASH, bytes, decimal, duration, millis, or_dash, share, short_duration, whole};
use crate::model::{Condition, recognizer_note, standing};
use crate::monitor::Monitor;

pub fn server(monitor: &Monitor, status: &Status) -> Pieces {
    let Status { process, connections, .. } = status;
    Pieces::default()
        .text(5, Some(format!("sightwire {}", status.version)), bold())
        .with(6, "up", "up", duration(status.uptime_s))
        .text(4, Some(monitor.address().short()), Style::new())
        .with(0, "CPU", "CPU", format!("{:>3} %", whole(process.cpu_percent)))
        .with(1, "memory", "mem", format!("{:>6}", bytes(process.memory_bytes as f64)))
        .with(3, "threads", "thr", format!("{:>2}", process.threads))
        .with(2, "connections", "conn", share(connections.open, connections.max))
}

pub fn recognizer(status: &Status) -> Pieces {
    let Status { recognizer, engine, .. } = status;
    let state = recognizer.state.name();
    // The stand-in is named as its state is.
    let state = Some(state).filter(|state| recognizer.model != *state);
    let overloaded = recognizer.overloaded.then_some("▲ overloaded");
    Pieces::titled("recogniser")
        .text(1, Some(recognizer.model.as_str()), Style::new())
        .text(2, state.map(state_word), state_style(state))
        .text(0, overloaded, bold().fg(Color::Yellow))
        .text(6, network(engine.provider.as_deref(), engine.precision.as_deref()), Style::new())
        .with(3, "clients", "cl", share(recognizer.clients, recognizer.max_clients))
        .with(4, "frames/s", "fps", decimal(recognizer.frames_per_s))
        .with(5, "delay p50/p95", "delay", delays(recognizer.delay_ms))
        .text(7, recognizer_note(status), Style::new())
}

pub fn detector(Status { detector, cameras, .. }: &Status) -> Pieces {
    let state = Some(detector.state.name());
    let progress = detector.progress.map(|done| format!("{:.0} %", done * 100.0));
    Pieces::titled("detector")
        .text(1, Some(detector.model.as_str()), Style::new())
        .text(2, state.map(state_word), state_style(state))
        .text(3, progress, Style::new())
        .text(5, network(detector.provider.as_deref(), detector.precision.as_deref()), Style::new())
        .with(4, "analyses", "runs", share(cameras.analyses, cameras.max_analyses))
        .text(6, detector.note.as_deref(), Style::new())
}

pub fn cameras(cameras: &CameraTotals) -> Pieces {
    Pieces::titled("cameras")
        .with(1, "open", "open", share(cameras.upstreams, cameras.max_upstreams))
        .with(0, "viewers", "viewers", share(cameras.viewers, cameras.max_viewers))
        .with(2, "frames/s", "fps", format!("{:>5}", decimal(cameras.frames_per_s)))
        .with(4, "in", "in", per_second(cameras.bytes_in_per_s))
        .with(3, "out", "out", per_second(cameras.bytes_out_per_s))
}

pub fn relay(relay: &RelayTotals) -> Pieces {
    Pieces::titled("relay")
        .with(1, "streams", "streams", share(relay.streams, relay.max_streams))
        .with(0, "viewers", "viewers", share(relay.viewers, relay.max_viewers))
        .with(2, "frames/s", "fps", format!("{:>5}", decimal(relay.frames_in_per_s)))
        .with(4, "in", "in", per_second(relay.bytes_in_per_s))
        .with(3, "out", "out", per_second(relay.bytes_out_per_s))
}

/// `note` is what is wrong.
pub fn cluster(cluster: &ClusterStatus, note: Option<String>) -> Pieces {
    let state = standing(cluster.state);
    let word = format!("{} {}", state.symbol(), cluster.state.name());
    let word = if cluster.state == ClusterState::Away {
        format!("{word} {}", short_duration(cluster.since_s))
    } else {
        word
    };
    let live = cluster.processes.iter().filter(|process| process.reason.is_none()).count();
    Pieces::titled("cluster")
        .text(0, Some(word), colour(state))
        .with(1, "processes", "proc", share(live, cluster.processes.len()))
        .with(3, "streams elsewhere", "elsewhere", cluster.streams_elsewhere.to_string())
        .with(4, "watched from there", "pulls", cluster.pulls.to_string())
        .with(5, "in", "in", per_second(cluster.pulled_bytes_per_s))
        .text(2, note, Style::new())
}

fn per_second(value: f64) -> String {
    format!("{:>7}/s", bytes(value))
}

fn network(provider: Option<&str>, precision: Option<&str>) -> Option<String> {
    Some([provider?, precision.unwrap_or_default()].join(" ").trim_end().to_owned())
}

fn delays(PredictionDelay { p50, p95 }: PredictionDelay) -> String {
    if p50.or(p95).is_none() {
        return DASH.into();
    }
    format!("{}/{} ms", or_dash(p50, millis), or_dash(p95, millis))
}

fn state_word(state: &str) -> String {
    if state == "failed" { format!("{} failed", Condition::Ended.symbol()) } else { state.to_owned() }
}

fn state_style(state: Option<&str>) -> Style {
    if state == Some("failed") { colour(Condition::Ended) } else { Style::new() }
}
