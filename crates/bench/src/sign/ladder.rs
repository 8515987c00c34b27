//! The same run with more and more clients, as a Markdown table.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use tokio::sync::watch;

use super::{Settings, report::Report, run};
use crate::frames::FrameSet;

/// With fewer clients the allocator's own steps are larger than what the clients need.
const MIN_CLIENTS_FOR_MEMORY: usize = 10;

/// All runs and the table made of them.
#[derive(Serialize)]
struct Ladder {
    /// The table, ready to be put into a page.
    markdown: String,
    /// One report per rung.
    runs: Vec<Report>,
}

/// Climbs the rungs and prints the table. True if every rung could be measured; that replies are lost
/// where the server breaks is what a ladder is there to show.
pub(crate) async fn run_ladder(
    settings: &Settings,
    rungs: &[usize],
    frames: &FrameSet,
    interrupt: &mut watch::Receiver<bool>,
) -> Result<bool> {
    let mut runs = Vec::with_capacity(rungs.len());
    for &clients in rungs {
        if *interrupt.borrow() {
            break;
        }
        match run::run_load(settings, clients, frames, interrupt).await {
            Ok(report) => runs.push(report),
            // What was measured before is worth printing.
            Err(error) if !runs.is_empty() => {
                eprintln!("error: {error:#}");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let complete = runs.len() == rungs.len() && runs.iter().all(|run| run.clients.ready > 0);
    let markdown = format_table(&runs);
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&Ladder { markdown, runs })?);
    } else {
        print!("{markdown}");
    }
    Ok(complete)
}

const HEAD: [&str; 16] = [
    "clients",
    "frames/s",
    "replies per frame",
    "reply p50 ms",
    "p95",
    "p99",
    "max",
    "frames analysed",
    "predictions/s",
    "per client min–max",
    "frame → prediction p50 ms",
    "p95",
    "server cores",
    "CPU ms/frame",
    "memory MB (per client)",
    "generator cores",
];

/// One row per run; delays are from the moment that a frame was due.
fn format_table(runs: &[Report]) -> String {
    let mut out = String::new();
    push_row(&mut out, HEAD.iter().map(|&cell| cell.to_owned()));
    push_row(&mut out, HEAD.iter().map(|_| "---:".to_owned()));
    for run in runs {
        push_row(&mut out, format_row(run).into_iter());
    }
    if let Some(first) = runs.first() {
        let others = runs.iter().filter_map(|run| run.machine.other_cores).fold(0.0, f64::max);
        let _ = writeln!(out, "\n{}", format_note(first, others));
    }
    out
}

fn push_row(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {cell} |");
    }
    out.push('\n');
}

fn format_row(r: &Report) -> [String; 16] {
    let ms = |value: f64| {
        if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
    };
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
    };
    let reply = &r.delay_ms.reply_from_due;
    let prediction = &r.analysis.frame_to_prediction_ms;
    let when_any = |value| {
        if prediction.count > 0 { ms(value) } else { "–".to_owned() }
    };
    let mut clients = r.run.clients.to_string();
    if r.clients.ready < r.run.clients {
        let _ = write!(clients, " ({} let in)", r.clients.ready);
    }
    let memory = r.server.memory.as_ref().map_or("–".to_owned(), |m| {
        let resident = m.end.rss_bytes as f64 / 1e6;
        match m.per_client_bytes.filter(|_| r.clients.ready >= MIN_CLIENTS_FOR_MEMORY) {
            Some(bytes) => format!("{resident:.0} ({:.2})", bytes as f64 / 1e6),
            None => format!("{resident:.0}"),
        }
    });
    let share = r.analysis.analysed_share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0));
    let per_client = r
        .analysis
        .results_per_client_per_s
        .map_or("–".to_owned(), |spread| format!("{:.1}–{:.1}", spread.min, spread.max));
    [
        clients,
        number(Some(r.frames.sent_per_s), 0),
        number(r.frames.replies_per_frame, if r.frames.missing + r.frames.extra == 0 { 0 } else { 4 }),
        ms(reply.p50),
        ms(reply.p95),
        ms(reply.p99),
        ms(reply.max),
        share,
        number(r.analysis.predictions_per_s.or(r.analysis.results_per_s), 0),
        per_client,
        when_any(prediction.p50),
        when_any(prediction.p95),
        number(r.server.cores, 2),
        number(r.server.cpu_ms_per_frame, 2),
        memory,
        number(r.generator.cores, 2),
    ]
}

/// What the table does not say of itself.
fn format_note(r: &Report, other_cores: f64) -> String {
    let frames = &r.run.frames;
    let engine = r.server.engine.clone().unwrap_or_default();
    let server = [r.server.model.clone(), engine.provider, engine.precision, engine.jpeg];
    let server: Vec<String> = server.into_iter().flatten().collect();
    let server = if server.is_empty() { String::new() } else { format!(" Server: {}.", server.join(", ")) };
    format!(
        "Each client sends {} frames a second for {:.0} s: {}×{} JPEG of {:.0} kB on average, as {} over {}. Delays count \
         from the moment that a frame was due, late sending included; a frame without a reply counts with the time \
         that it was waited for. Memory is resident; per client: the growth since a short session of one client. \
         {} CPUs ({}), shared by the server and the load generator; other programs used up to {other_cores:.2} of \
         them.{server}",
        r.run.fps,
        r.run.seconds,
        frames.width,
        frames.height,
        frames.mean_jpeg_bytes as f64 / 1e3,
        r.run.encoding,
        r.run.transport,
        r.machine.cpus,
        r.machine.cpu_model,
    )
}
