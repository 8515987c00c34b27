//! The streams, one a line. The wider the screen, the more columns.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Text;
use ratatui::widgets::{Cell, HighlightSpacing, Row as Line, Table, TableState};
use sightwire_api::stream::{Analysis, Stream};

use super::pieces::cut_to;
use super::{condition_style, label_style};
use crate::format::{format_decimal, format_millis, or_dash, short_duration};
use crate::model::{Condition, format_objects};
use crate::monitor::{Monitor, Row, Sort};

/// From this width on there is room for how many watch.
const TINY: u16 = 40;
/// From this width on there is room for losses and delays.
const SMALL: u16 = 56;
/// From this width on the state has its age, and pictures their size.
const MEDIUM: u16 = 78;
/// From this width on analyses are shown.
const WIDE: u16 = 110;
/// Of the mark beside the selected line.
const MARK: &str = "› ";
const SPACING: u16 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    State,
    Name,
    Fps,
    Size,
    Viewers,
    Lost,
    P50,
    P95,
    Analyses,
}

/// Without a state, nothing is marked as selected.
pub fn draw_table(frame: &mut Frame<'_>, area: Rect, monitor: &Monitor, state: Option<&mut TableState>) {
    let columns = table_columns(area.width);
    let widths = column_widths(&columns, area.width);
    let cells = |row: &Row| -> Vec<Cell<'static>> {
        columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| row_cell(*column, row, *width, area.width))
            .collect()
    };
    let lines: Vec<Line<'_>> = monitor.rows().iter().map(|row| Line::new(cells(row))).collect();
    let heads = columns.iter().map(|column| head_cell(*column, monitor.sort(), area.width));
    let table = Table::new(lines, widths.iter().map(|width| Constraint::Length(*width)))
        .header(Line::new(heads).style(label_style()))
        .column_spacing(SPACING)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .highlight_symbol(MARK)
        .highlight_spacing(HighlightSpacing::Always);
    match state {
        Some(state) => {
            state.select(monitor.selected());
            frame.render_stateful_widget(table, area, state);
        }
        None => frame.render_widget(table, area),
    }
}

fn table_columns(width: u16) -> Vec<Column> {
    use Column as C;
    let all = [C::State, C::Name, C::Fps, C::Size, C::Viewers, C::Lost, C::P50, C::P95, C::Analyses];
    let shown = |column: &C| match column {
        C::Viewers => width >= TINY,
        C::Lost | C::P50 | C::P95 => width >= SMALL,
        C::Size => width >= MEDIUM,
        C::Analyses => width >= WIDE,
        _ => true,
    };
    all.into_iter().filter(shown).collect()
}

/// Names get what is left, and share it with analyses.
fn column_widths(columns: &[Column], width: u16) -> Vec<u16> {
    let fixed = |column: Column| match column {
        Column::State if width >= MEDIUM => 16,
        Column::State => 12,
        Column::Fps => 5,
        Column::Size => 9,
        Column::Viewers => 7,
        Column::P50 if width >= MEDIUM => 9,
        Column::Lost | Column::P50 | Column::P95 => 6,
        Column::Name | Column::Analyses => 0,
    };
    let gaps = SPACING * (columns.len().saturating_sub(1)) as u16 + MARK.chars().count() as u16;
    let left = width.saturating_sub(gaps + columns.iter().map(|column| fixed(*column)).sum::<u16>());
    let name = if columns.contains(&Column::Analyses) { (left * 2 / 5).max(14).min(left) } else { left };
    columns
        .iter()
        .map(|column| match column {
            Column::Name => name,
            Column::Analyses => left - name,
            column => fixed(*column),
        })
        .collect()
}

fn head_cell(column: Column, sort: Sort, width: u16) -> Cell<'static> {
    let (text, by) = match column {
        Column::State => ("state", Some(Sort::State)),
        Column::Name => ("name", Some(Sort::Name)),
        Column::Fps => ("fps", Some(Sort::Fps)),
        Column::Size => ("size px", None),
        Column::Viewers => ("viewers", Some(Sort::Viewers)),
        Column::Lost => ("lost %", Some(Sort::Lost)),
        Column::P50 if width >= MEDIUM => ("delay p50", None),
        Column::P50 => ("p50 ms", None),
        Column::P95 => ("p95 ms", Some(Sort::Delay)),
        Column::Analyses => ("analyses", None),
    };
    let sorted = by == Some(sort);
    let style =
        if sorted { Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED) } else { Style::new() };
    let text = Text::styled(text, style);
    Cell::new(if is_number(column) { text.right_aligned() } else { text.left_aligned() })
}

fn is_number(column: Column) -> bool {
    !matches!(column, Column::State | Column::Name | Column::Analyses)
}

fn row_cell(column: Column, row: &Row, width: u16, of: u16) -> Cell<'static> {
    let Row { stream, lost_percent } = row;
    let text = match column {
        Column::State => format_state(stream, of >= MEDIUM),
        Column::Name => cut_to(&stream.name, width.into()),
        Column::Fps => format_decimal(stream.fps),
        Column::Size => {
            or_dash(stream.width.zip(stream.height), |(width, height)| format!("{width}×{height}"))
        }
        Column::Viewers => stream.viewers.to_string(),
        Column::Lost => or_dash(*lost_percent, format_decimal),
        Column::P50 => or_dash(stream.delay_ms, |delay| format_millis(delay.p50)),
        Column::P95 => or_dash(stream.delay_ms, |delay| format_millis(delay.p95)),
        Column::Analyses => cut_to(&format_analyses(stream), width.into()),
    };
    let text = if is_number(column) { Text::from(text).right_aligned() } else { Text::from(text) };
    let style =
        if column == Column::State { condition_style(Condition::from_stream(stream)) } else { Style::new() };
    Cell::new(text).style(style)
}

fn format_state(stream: &Stream, with_age: bool) -> String {
    let condition = Condition::from_stream(stream);
    let word = format!("{} {}", condition.symbol(), condition.word());
    let tells = condition.is_trouble() && condition != Condition::Slow;
    if with_age && tells { format!("{word} {}", short_duration(stream.since_s)) } else { word }
}

fn format_analyses(stream: &Stream) -> String {
    let one = |analysis: &Analysis| {
        format!(
            "{} {}/s: {}",
            analysis.model,
            format_decimal(analysis.analysed_per_s),
            format_objects(analysis)
        )
    };
    if stream.analyses.is_empty() {
        return "none".into();
    }
    stream.analyses.iter().map(one).collect::<Vec<_>>().join("; ")
}
