//! A small table, and how many rows there was no room for.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Row, Table};

use super::pieces::cut_to;
use super::{label_style, row_area};

/// Columns between two of its columns.
const SPACING: u16 = 1;

/// A column: its head, its width, and whether numbers stand in it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    head: &'static str,
    width: u16,
    is_number: bool,
}

impl Column {
    /// A column of words, on the left.
    pub fn text_column(head: &'static str, width: u16) -> Self {
        Self { head, width, is_number: false }
    }

    /// Of numbers, which stand below each other.
    pub fn number_column(head: &'static str, width: u16) -> Self {
        Self { head, width, is_number: true }
    }

    /// How many characters it has.
    pub fn width(self) -> u16 {
        self.width
    }

    /// As wide as that instead.
    pub fn with_width(self, width: u16) -> Self {
        Self { width, ..self }
    }
}

/// What these columns leave of a width.
pub fn left_by(columns: &[Column], width: u16) -> u16 {
    let gaps = SPACING * (columns.len().saturating_sub(1)) as u16;
    width.saturating_sub(gaps + columns.iter().map(|column| column.width).sum::<u16>())
}

/// Draws the heads, and below them as many of the rows as there is room for. What is too long for its column is cut.
pub fn draw_list(frame: &mut Frame<'_>, area: Rect, columns: &[Column], rows: &[Vec<(String, Style)>]) {
    if area.is_empty() {
        return;
    }
    let shown = fitting_rows(rows.len(), area.height - 1);
    let cell = |text: String, column: &Column| {
        let text = Text::from(text);
        Cell::new(if column.is_number { text.right_aligned() } else { text })
    };
    let lines = rows.iter().take(shown).map(|row| {
        let cells = row
            .iter()
            .zip(columns)
            .map(|((text, style), column)| cell(cut_to(text, column.width.into()), column).style(*style));
        Row::new(cells)
    });
    let heads = columns.iter().map(|column| cell(column.head.into(), column));
    let widths = columns.iter().map(|column| Constraint::Length(column.width));
    let table =
        Table::new(lines, widths).header(Row::new(heads).style(label_style())).column_spacing(SPACING);
    frame.render_widget(table, area);
    if shown < rows.len() {
        let more = Span::styled(format!("… and {} more", rows.len() - shown), label_style());
        frame.render_widget(Line::from(more), row_area(area, area.bottom() - 1));
    }
}

/// How many of them are shown in this many lines: one is for saying how many more there are.
pub fn fitting_rows(rows: usize, lines: u16) -> usize {
    let lines = usize::from(lines);
    if rows > lines { lines.saturating_sub(1) } else { rows }
}
