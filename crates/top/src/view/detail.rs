//! The selected stream: its last minutes as small charts, its analyses, its viewers.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Sparkline;
use sightwire_api::stream::{StageDelays, Stream, Viewer};

use super::list::{self, Column, left_by};
use super::pieces::Pieces;
use super::{bold, colour, label, row};
use crate::format::{DASH, decimal, millis, or_dash, short_duration};
use crate::history::History;
use crate::model::{Condition, objects, quality, watches};
use crate::monitor::Monitor;

/// From this height on charts are three lines high.
const TALL: u16 = 14;
/// From this width on viewers have all columns.
const WIDE: u16 = 78;
/// As many analyses are listed.
const ANALYSES: usize = 3;
/// The top of a chart is that much above its largest value, so that a steady one is no wall.
const HEADROOM: f64 = 1.25;

pub fn draw(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor, with_charts: bool) {
    let (Some(selected), Some(history)) = (monitor.selected(), monitor.history()) else { return };
    let Some(stream) = monitor.rows().get(selected).map(|row| &row.stream) else { return };
    if area.is_empty() {
        return;
    }
    frame.render_widget(title(stream, area.width), row(area, area.y));
    let charts = match area.height {
        _ if !with_charts => 0,
        TALL.. => 3,
        _ => 1,
    };
    let analyses = stream.analyses.len().clamp(1, if area.height >= TALL { ANALYSES } else { 1 }) as u16;
    let [_, charts, analysed, viewers] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(charts),
        Constraint::Length(analyses),
        Constraint::Fill(1),
    ])
    .areas(area);
    draw_charts(frame, charts, stream, history);
    draw_analyses(frame, analysed, stream);
    draw_viewers(frame, viewers, stream, monitor.viewers());
}

fn title(stream: &Stream, width: u16) -> Line<'static> {
    let condition = Condition::of(stream);
    let state = format!("{} {} for {}", condition.symbol(), condition.word(), short_duration(stream.since_s));
    let usual = stream.slow.map(|slow| format!("usually {} fps", decimal(slow.usual_fps)));
    let mut line = Pieces::default()
        .text(1, Some(format!("── {}", stream.name)), bold())
        .text(2, Some(state), colour(condition))
        .text(2, stream.process.as_ref().map(|process| format!("at {process}")), label())
        .text(4, stream.reason.as_deref(), Style::new())
        .text(3, usual, Style::new())
        .text(5, stream.url.as_deref(), label())
        .line(width);
    let left = usize::from(width).saturating_sub(line.width() + 1);
    line.push_span(Span::styled(format!(" {}", "─".repeat(left)), label()));
    line
}

fn draw_charts(frame: &mut Frame<'_>, area: Rect, stream: &Stream, history: &History) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(area);
    let fps = format!("{:>5}", decimal(stream.fps));
    draw_chart(frame, left, ["fps", &fps], &history.fps().collect::<Vec<_>>());
    let delay = format!("{:>4} ms", or_dash(stream.delay_ms, |delay| millis(delay.p50)));
    draw_chart(frame, right, ["delay p50", &delay], &history.delay_ms().collect::<Vec<_>>());
}

/// A chart from zero up, the newest value at its right end.
fn draw_chart(frame: &mut Frame<'_>, area: Rect, [name, value]: [&str; 2], values: &[Option<f64>]) {
    let line = Line::from(vec![Span::styled(format!("{name} "), label()), Span::raw(value.to_owned())]);
    let text = Constraint::Length(line.width() as u16 + 1);
    let [left, chart] = Layout::horizontal([text, Constraint::Fill(1)]).areas(area);
    frame.render_widget(line, row(left, left.bottom().saturating_sub(1)));
    let width = usize::from(chart.width);
    let skipped = values.len().saturating_sub(width);
    let shown = &values[skipped..];
    let top = shown.iter().flatten().copied().fold(0.0, f64::max) * HEADROOM;
    let thousandths = |value: f64| if top > 0.0 { (value.max(0.0) / top * 1000.0) as u64 } else { 0 };
    let padding = std::iter::repeat_n(None, width - shown.len());
    let data = padding.chain(shown.iter().map(|value| value.map(thousandths)));
    let style = Style::new().fg(Color::Cyan);
    frame.render_widget(
        Sparkline::default().data(data).max(1000).absent_value_symbol(" ").style(style),
        chart,
    );
}

fn draw_analyses(frame: &mut Frame<'_>, area: Rect, stream: &Stream) {
    if stream.analyses.is_empty() {
        let nothing = Line::styled("no analyses: nobody asks what is in these pictures", label());
        return frame.render_widget(nothing, row(area, area.y));
    }
    for (analysis, y) in stream.analyses.iter().zip(area.y..area.bottom()) {
        let StageDelays { decoded, inferred, encoded } = analysis.delay_ms;
        let stages = [decoded, inferred, encoded].map(|delay| or_dash(delay, |delay| millis(delay.p50)));
        let rates = format!("{} of {}", decimal(analysis.analysed_per_s), decimal(analysis.frames_per_s));
        let line = Pieces::default()
            .text(1, Some(analysis.model.as_str()), bold())
            .text(5, analysis.provider.as_deref(), Style::new())
            .with(3, "analysed/s", "fps", rates)
            .with(4, "ms until decoded/found/drawn", "ms", stages.join("/"))
            .text(
                0,
                analysis.problem.as_deref().map(|problem| format!("▲ {problem}")),
                bold().fg(Color::Yellow),
            )
            .text(2, Some(objects(analysis)), Style::new())
            .line(area.width);
        frame.render_widget(line, row(area, y));
    }
}

fn draw_viewers(frame: &mut Frame<'_>, area: Rect, stream: &Stream, viewers: Option<&[Viewer]>) {
    if area.is_empty() {
        return;
    }
    let Some(viewers) = viewers else {
        let said = format!("{} viewers", stream.viewers);
        return frame.render_widget(Line::styled(said, label()), row(area, area.y));
    };
    if viewers.is_empty() {
        return frame.render_widget(Line::styled("no viewers now", label()), row(area, area.y));
    }
    let wide = area.width >= WIDE;
    let mut columns =
        vec![Column::words("viewer", 0), Column::words("watches", 16), Column::number("for", 6)];
    if wide {
        columns.push(Column::number("pictures", 9));
    }
    columns.extend([Column::number("lost %", 6), Column::number("quality", 8)]);
    columns[0] = columns[0].wide(left_by(&columns, area.width).min(44));
    let rows = viewers.iter().map(|viewer| {
        let mut texts = vec![
            viewer.peer.as_deref().unwrap_or(DASH).to_owned(),
            watches(viewer).to_owned(),
            short_duration(viewer.since_s),
        ];
        if wide {
            texts.push(viewer.delivered.to_string());
        }
        texts.extend([decimal(viewer.lost_percent), quality(viewer)]);
        texts.into_iter().map(|text| (text, Style::new())).collect()
    });
    list::draw(frame, area, &columns, &rows.collect::<Vec<_>>());
}
