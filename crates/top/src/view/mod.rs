//! Draws the monitor. Colours only repeat what words and symbols say, and are those of the terminal.
//!
//! - [`pieces`]: lines of labelled numbers that give way when there is no room
//! - [`summary`]: the server, the recogniser, the detector, all cameras, other processes
//! - [`processes`]: the processes of a cluster
//! - [`table`]: the streams
//! - [`detail`]: the selected stream
//! - [`list`]: a small table of what there may be too much of

mod detail;
mod list;
mod pieces;
mod processes;
mod summary;
mod table;

use std::time::Instant;

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph, TableState, Wrap};
use sightwire_api::cluster::ClusterStatus;

use super::format;
use super::model::{Condition, cluster_note};
use super::monitor::Monitor;

/// From this height on there is room to spare.
const TALL: u16 = 20;
/// What a detail needs at least: title, chart, analysis, heads of the viewers, two of them.
const DETAIL: u16 = 6;
/// Likewise the streams: their head, three of them.
const STREAMS: u16 = 4;
/// A cluster takes at most the screen's height divided by this.
const PART_OF_CLUSTER: u16 = 3;

const HELP: &[(&str, &str)] = &[
    ("↑ ↓", "select a stream (also j, k, Page, Home, End)"),
    ("s", "sort by the next column"),
    ("q Esc", "quit (also Ctrl-C)"),
    ("?", "this help"),
    ("", ""),
    ("fps", "pictures a second from the camera"),
    ("lost", "pictures viewers were too slow for, last 3 s"),
    ("delay", "captured → at the viewer's socket, last 3 s:"),
    ("", "half are below p50, 95 of 100 are below p95"),
    ("CPU", "of the server; 100 % is one core"),
    ("capacity", "fps that a process's models can look at"),
    ("–", "the server does not say"),
];

fn label_style() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold_style() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn condition_style(condition: Condition) -> Style {
    match condition {
        Condition::Live => Style::new().fg(Color::Green),
        Condition::Slow | Condition::Stalled => Style::new().fg(Color::Yellow),
        Condition::Frozen | Condition::Ended => Style::new().fg(Color::Red),
        Condition::Connecting | Condition::Unknown => Style::new(),
    }
}

/// What scrolls, from one picture to the next.
#[derive(Debug, Default)]
pub struct Scroll(TableState);

/// Draws all of it, and the help over it if it is open.
pub fn draw_monitor(frame: &mut Frame<'_>, monitor: &Monitor, scroll: &mut Scroll, now: Instant) {
    let [body, footer] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    draw_body(frame, body, monitor, Some(scroll), now);
    draw_footer(frame, footer, monitor);
    if monitor.is_help_open() {
        draw_help(frame, body);
    }
}

/// The same as lines of text, without keys.
pub fn render_plain(monitor: &Monitor, width: u16, height: u16, now: Instant) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw_body(frame, frame.area(), monitor, None, now));
    let mut lines = buffer_lines(terminal.backend());
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

fn buffer_lines(backend: &TestBackend) -> Vec<String> {
    let buffer = backend.buffer();
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

/// Without anything to scroll it is a picture for paper: nothing is selected, and there is no past to be charted.
fn draw_body(
    frame: &mut Frame<'_>,
    area: Rect,
    monitor: &Monitor,
    scroll: Option<&mut Scroll>,
    now: Instant,
) {
    let Some(reading) = monitor.reading() else {
        return draw_waiting(frame, area, monitor, now);
    };
    let status = &reading.status;
    let mut heads = vec![
        summary::server_pieces(monitor, status),
        summary::recognizer_pieces(status),
        summary::detector_pieces(status),
    ];
    let tall = area.height >= TALL;
    if tall {
        heads.push(summary::camera_pieces(&status.cameras));
        if status.relay.streams > 0 || status.relay.viewers > 0 {
            heads.push(summary::relay_pieces(&status.relay));
        }
    }
    let mut y = area.y;
    for pieces in heads {
        let line = pieces.line(area.width);
        frame.render_widget(line, row_area(area, y));
        y += 1;
    }
    if let Some(cluster) = &status.cluster {
        y += draw_cluster(frame, Rect { y, height: area.bottom().saturating_sub(y), ..area }, cluster, tall);
    }
    let body = Rect { y: (y + u16::from(tall)).min(area.bottom()), ..area };
    let body = Rect { height: area.bottom() - body.y, ..body };
    draw_streams(frame, body, monitor, scroll);
    if let Some(problem) = monitor.problem() {
        // What is below is old and looks it.
        frame.buffer_mut().set_style(area, label_style());
        let ago = format::format_duration(now.saturating_duration_since(problem.since).as_secs_f64());
        let text = format!("▲ last answer {ago} ago, all below is old: {}", problem.text);
        let first = row_area(area, area.y);
        frame.render_widget(Clear, first);
        frame.render_widget(Line::from(text).style(bold_style().fg(Color::Red)), first);
    }
}

/// Its line, and its processes where there is room for them; returns how many lines it took. On a low screen there is a line where
/// something is wrong, and nothing else.
fn draw_cluster(frame: &mut Frame<'_>, area: Rect, cluster: &ClusterStatus, tall: bool) -> u16 {
    let all = frame.area().height;
    // What is left is enough for streams and a detail.
    let most = (all / PART_OF_CLUSTER).min(area.height.saturating_sub(1 + STREAMS + DETAIL));
    let height = if tall { processes::needed_height(cluster, most.saturating_sub(1)) } else { 0 };
    let is_told = height > 0 && processes::says_why(cluster, area.width);
    let note = if is_told { cluster.reason.clone() } else { cluster_note(cluster) };
    if !tall && note.is_none() {
        return 0;
    }
    frame.render_widget(summary::cluster_pieces(cluster, note).line(area.width), row_area(area, area.y));
    processes::draw_processes(frame, Rect { y: area.y + 1, height, ..area }.intersection(area), cluster);
    1 + height
}

fn draw_streams(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor, scroll: Option<&mut Scroll>) {
    if monitor.reading().is_some_and(|reading| reading.streams.is_none()) {
        return frame.render_widget(text_paragraph("This server has no cameras."), area);
    }
    let streams = monitor.rows().len();
    if streams == 0 {
        let text = format!(
            "No camera is open: a camera is read while somebody watches it.\nSee {} in a browser to add one and watch.",
            monitor.address().as_str()
        );
        return frame.render_widget(text_paragraph(text), area);
    }
    let wanted = u16::try_from(streams.max(3) + 1).unwrap_or(u16::MAX);
    let table = if area.height < DETAIL + STREAMS {
        area.height
    } else {
        wanted.min((area.height * 11 / 20).max(STREAMS)).min(area.height - DETAIL)
    };
    let [top, bottom] = Layout::vertical([Constraint::Length(table), Constraint::Fill(1)]).areas(area);
    let charts = scroll.is_some();
    table::draw_table(frame, top, monitor, scroll.map(|scroll| &mut scroll.0));
    detail::draw_detail(frame, bottom, monitor, charts);
}

fn text_paragraph<'a>(text: impl Into<ratatui::text::Text<'a>>) -> Paragraph<'a> {
    Paragraph::new(text).wrap(Wrap { trim: true }).block(Block::new().padding(Padding::new(2, 2, 1, 0)))
}

fn draw_waiting(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor, now: Instant) {
    let address = monitor.address().as_str();
    let every = monitor.interval().as_secs_f64();
    let text = match monitor.problem() {
        None => vec![Line::from(format!("Asking {address} …"))],
        Some(problem) => {
            let ago = format::format_duration(now.saturating_duration_since(problem.since).as_secs_f64());
            vec![
                Line::from(format!("▲ {address}: {}.", problem.text)).style(bold_style()),
                Line::default(),
                Line::from(format!("Tried for {ago}, and tried again every {every} s.")),
                Line::from("Is it somewhere else? sightwire top http://HOST:PORT"),
            ]
        }
    };
    frame.render_widget(text_paragraph(text), area);
}

fn draw_footer(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor) {
    let sort = format!(" sort: {}   ", monitor.sort().word());
    let parts = [("q", " quit   "), ("↑↓", " select   "), ("s", sort.as_str()), ("?", " help")];
    let spans = parts
        .into_iter()
        .flat_map(|(key, does)| [Span::styled(key, bold_style()), Span::styled(does, label_style())]);
    frame.render_widget(spans.collect::<Line<'_>>(), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let lines =
        HELP.iter().map(|(key, text)| Line::from(vec![format!("{key:<9}").bold(), Span::from(*text)]));
    let (width, height) = (62.min(area.width), (HELP.len() as u16 + 2).min(area.height));
    let window =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, window);
    let block = Block::bordered().title(" Keys and columns ").padding(Padding::horizontal(1));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), window);
}

/// One line of an area; empty if it is below it.
fn row_area(area: Rect, y: u16) -> Rect {
    Rect { y, height: 1, ..area }.intersection(area)
}

#[cfg(test)]
mod tests;
