//! The lines above the streams.

use ratatui::style::{Color, Style};

use super::pieces::Pieces;
use super::{bold, colour};
use crate::format::{DASH, bytes, count, decimal, duration, millis, share, whole};
use crate::model::{Cameras, Condition, Detector, Overview, Recognizer, Relay};
use crate::monitor::Monitor;

pub fn server(monitor: &Monitor, overview: &Overview) -> Pieces {
    let connections = &overview.connections;
    Pieces::default()
        .text(5, Some(format!("sightwire {}", overview.version.as_deref().unwrap_or(DASH))), bold())
        .with(6, "up", "up", duration(overview.uptime_s))
        .text(4, Some(monitor.address().short()), Style::new())
        .with(0, "CPU", "CPU", format!("{:>3} %", whole(overview.cpu_percent)))
        .with(1, "memory", "mem", format!("{:>6}", bytes(overview.memory_bytes)))
        .with(3, "threads", "thr", format!("{:>2}", count(overview.threads)))
        .with(2, "connections", "conn", share(connections.now, connections.max))
}

pub fn recognizer(recognizer: &Recognizer) -> Pieces {
    let Recognizer { clients, .. } = recognizer;
    // The stand-in is named as its state is.
    let state = recognizer.state.as_deref().filter(|state| recognizer.model.as_deref() != Some(*state));
    let overloaded = recognizer.overloaded.then_some("▲ overloaded");
    Pieces::titled("recogniser")
        .text(1, Some(recognizer.model.as_deref().unwrap_or(DASH)), Style::new())
        .text(2, state.map(state_word), state_style(state))
        .text(0, overloaded, bold().fg(Color::Yellow))
        .text(6, engine(recognizer.provider.as_deref(), recognizer.precision.as_deref()), Style::new())
        .with(3, "clients", "cl", share(clients.now, clients.max))
        .with(4, "frames/s", "fps", decimal(recognizer.frames_per_s))
        .with(5, "delay p50/p95", "delay", delays(recognizer.delay_p50_ms, recognizer.delay_p95_ms))
        .text(7, recognizer.note.as_deref(), Style::new())
}

pub fn detector(detector: &Detector, cameras: &Cameras) -> Pieces {
    let state = detector.state.as_deref();
    let progress = detector.progress.map(|done| format!("{:.0} %", done * 100.0));
    Pieces::titled("detector")
        .text(1, Some(detector.model.as_deref().unwrap_or(DASH)), Style::new())
        .text(2, state.map(state_word), state_style(state))
        .text(3, progress, Style::new())
        .text(5, engine(detector.provider.as_deref(), detector.precision.as_deref()), Style::new())
        .with(4, "analyses", "runs", share(cameras.analyses.now, cameras.analyses.max))
        .text(6, detector.note.as_deref(), Style::new())
}

pub fn cameras(cameras: &Cameras) -> Pieces {
    let per_second = |value| format!("{:>7}/s", bytes(value));
    Pieces::titled("cameras")
        .with(1, "open", "open", share(cameras.upstreams.now, cameras.upstreams.max))
        .with(0, "viewers", "viewers", share(cameras.viewers.now, cameras.viewers.max))
        .with(2, "frames/s", "fps", format!("{:>5}", decimal(cameras.frames_per_s)))
        .with(4, "in", "in", per_second(cameras.bytes_in_per_s))
        .with(3, "out", "out", per_second(cameras.bytes_out_per_s))
}

pub fn relay(relay: &Relay) -> Pieces {
    let per_second = |value| format!("{:>7}/s", bytes(value));
    Pieces::titled("relay")
        .with(1, "streams", "streams", share(relay.streams.now, relay.streams.max))
        .with(0, "viewers", "viewers", share(relay.viewers.now, relay.viewers.max))
        .with(2, "frames/s", "fps", format!("{:>5}", decimal(relay.frames_per_s)))
        .with(4, "in", "in", per_second(relay.bytes_in_per_s))
        .with(3, "out", "out", per_second(relay.bytes_out_per_s))
}

fn engine(provider: Option<&str>, precision: Option<&str>) -> Option<String> {
    Some([provider?, precision.unwrap_or_default()].join(" ").trim_end().to_owned())
}

fn delays(p50: Option<f64>, p95: Option<f64>) -> String {
    if p50.is_none() && p95.is_none() { DASH.into() } else { format!("{}/{} ms", millis(p50), millis(p95)) }
}

fn state_word(state: &str) -> String {
    if state == "failed" { format!("{} failed", Condition::Ended.symbol()) } else { state.to_owned() }
}

fn state_style(state: Option<&str>) -> Style {
    if state == Some("failed") { colour(&Condition::Ended) } else { Style::new() }
}
