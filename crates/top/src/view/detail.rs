//! The selected stream: its last minutes as small charts, its analyses, its viewers.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Sparkline;
use sightwire_api::stream::{StageDelays, Stream, Viewer};

use super::list::{self, Column, left_by};
use super::pieces::Pieces;
use super::{bold_style, condition_style, label_style, row_area};
use crate::format::{DASH, format_decimal, format_millis, or_dash, short_duration};
use crate::history::History;
use crate::model::{Condition, format_objects, format_quality, watched_endpoint};
use crate::monitor::Monitor;

/// From this height on charts are three lines high.
const TALL: u16 = 14;
/// From this width on viewers have all columns.
const WIDE: u16 = 78;
/// As many analyses are listed.
const ANALYSES: usize = 3;
/// The top of a chart is that much above its largest value, so that a steady one does not fill it.
const HEADROOM: f64 = 1.25;

pub fn draw_detail(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor, with_charts: bool) {
    let (Some(selected), Some(history)) = (monitor.selected(), monitor.history()) else { return };
    let Some(stream) = monitor.rows().get(selected).map(|row| &row.stream) else { return };
    if area.is_empty() {
        return;
    }
    frame.render_widget(title_line(stream, area.width), row_area(area, area.y));
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

fn title_line(stream: &Stream, width: u16) -> Line<'static> {
    let condition = Condition::from_stream(stream);
    let state = format!("{} {} for {}", condition.symbol(), condition.word(), short_duration(stream.since_s));
    let usual = stream.slow.map(|slow| format!("usually {} fps", format_decimal(slow.usual_fps)));
    let mut line = Pieces::default()
        .with_text(1, Some(format!("── {}", stream.name)), bold_style())
        .with_text(2, Some(state), condition_style(condition))
        .with_text(2, stream.process.as_ref().map(|process| format!("at {process}")), label_style())
        .with_text(4, stream.reason.as_deref(), Style::new())
        .with_text(3, usual, Style::new())
        .with_text(5, stream.url.as_deref(), label_style())
        .line(width);
    let left = usize::from(width).saturating_sub(line.width() + 1);
    line.push_span(Span::styled(format!(" {}", "─".repeat(left)), label_style()));
    line
}

fn draw_charts(frame: &mut Frame<'_>, area: Rect, stream: &Stream, history: &History) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(area);
    let fps = format!("{:>5}", format_decimal(stream.fps));
    draw_chart(frame, left, ["fps", &fps], &history.fps().collect::<Vec<_>>());
    let delay = format!("{:>4} ms", or_dash(stream.delay_ms, |delay| format_millis(delay.p50)));
    draw_chart(frame, right, ["delay p50", &delay], &history.delay_ms().collect::<Vec<_>>());
}

/// A chart from zero up, the newest value at its right end.
fn draw_chart(frame: &mut Frame<'_>, area: Rect, [name, value]: [&str; 2], values: &[Option<f64>]) {
    let line = Line::from(vec![Span::styled(format!("{name} "), label_style()), Span::raw(value.to_owned())]);
    let text = Constraint::Length(line.width() as u16 + 1);
    let [left, chart] = Layout::horizontal([text, Constraint::Fill(1)]).areas(area);
    frame.render_widget(line, row_area(left, left.bottom().saturating_sub(1)));
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
        let nothing = Line::styled("no analyses: nobody asks what is in these pictures", label_style());
        return frame.render_widget(nothing, row_area(area, area.y));
    }
    for (analysis, y) in stream.analyses.iter().zip(area.y..area.bottom()) {
        let StageDelays { decoded, inferred, encoded } = analysis.delay_ms;
        let stages =
            [decoded, inferred, encoded].map(|delay| or_dash(delay, |delay| format_millis(delay.p50)));
        let rates = format!(
            "{} of {}",
            format_decimal(analysis.analysed_per_s),
            format_decimal(analysis.frames_per_s)
        );
        let line = Pieces::default()
            .with_text(1, Some(analysis.model.as_str()), bold_style())
            .with_text(5, analysis.provider.as_deref(), Style::new())
            .with_value(3, "analysed/s", "fps", rates)
            .with_value(4, "ms until decoded/found/drawn", "ms", stages.join("/"))
            .with_text(
                0,
                analysis.problem.as_deref().map(|problem| format!("▲ {problem}")),
                bold_style().fg(Color::Yellow),
            )
            .with_text(2, Some(format_objects(analysis)), Style::new())
            .line(area.width);
        frame.render_widget(line, row_area(area, y));
    }
}

fn draw_viewers(frame: &mut Frame<'_>, area: Rect, stream: &Stream, viewers: Option<&[Viewer]>) {
    if area.is_empty() {
        return;
    }
    let Some(viewers) = viewers else {
        let said = format!("{} viewers", stream.viewers);
        return frame.render_widget(Line::styled(said, label_style()), row_area(area, area.y));
    };
    if viewers.is_empty() {
        return frame.render_widget(Line::styled("no viewers now", label_style()), row_area(area, area.y));
    }
    let wide = area.width >= WIDE;
    let mut columns = vec![
        Column::text_column("viewer", 0),
        Column::text_column("watches", 16),
        Column::number_column("for", 6),
    ];
    if wide {
        columns.push(Column::number_column("pictures", 9));
    }
    columns.extend([Column::number_column("lost %", 6), Column::number_column("quality", 8)]);
    columns[0] = columns[0].with_width(left_by(&columns, area.width).min(44));
    let rows = viewers.iter().map(|viewer| {
        let mut texts = vec![
            viewer.peer.as_deref().unwrap_or(DASH).to_owned(),
            watched_endpoint(viewer).to_owned(),
            short_duration(viewer.since_s),
        ];
        if wide {
            texts.push(viewer.delivered.to_string());
        }
        texts.extend([format_decimal(viewer.lost_percent), format_quality(viewer)]);
        texts.into_iter().map(|text| (text, Style::new())).collect()
    });
    list::draw_list(frame, area, &columns, &rows.collect::<Vec<_>>());
}
