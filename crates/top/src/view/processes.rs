//! The processes of a cluster, one a line.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use sightwire_api::cluster::{ClusterProcess, ClusterStatus};

use super::list::{self, Column, fitting_rows, left_by};
use super::pieces::cut_to;
use super::{bold_style, condition_style};
use crate::format::{format_decimal, or_dash};
use crate::model::{by_care, process_state};

/// Less of what is wrong says nothing.
const READABLE: u16 = 12;
/// The most that a name gets.
const NAME: u16 = 40;
/// Said of the one that answers.
const SELF: &str = " (this one)";
/// Columns that are always there.
const ALWAYS: usize = 5;

/// How many they take of the lines there are; none where there is no room to name one.
pub fn needed_height(cluster: &ClusterStatus, lines: u16) -> u16 {
    let processes = cluster.processes.len();
    let height = u16::try_from(processes + 1).unwrap_or(u16::MAX).min(lines);
    if fitting_rows(processes, height.saturating_sub(1)) == 0 { 0 } else { height }
}

/// Whether there is room for what is wrong with each.
pub fn says_why(cluster: &ClusterStatus, width: u16) -> bool {
    list_columns(cluster, width).len() > ALWAYS
}

/// Draws them, those first that need a look.
pub fn draw_processes(frame: &mut Frame<'_>, area: Rect, cluster: &ClusterStatus) {
    let columns = list_columns(cluster, area.width);
    let rows = by_care(cluster).into_iter().map(|process| {
        let (condition, word) = process_state(process, cluster);
        let plain = |text: String| (text, Style::new());
        vec![
            (
                process_name(process, columns[0].width()),
                if process.is_self { bold_style() } else { Style::new() },
            ),
            (format!("{} {word}", condition.symbol()), condition_style(condition)),
            plain(process.streams.to_string()),
            plain(process.cameras.to_string()),
            plain(or_dash(process.capacity, format_decimal)),
            plain(process.reason.clone().unwrap_or_default()),
        ]
    });
    list::draw_list(frame, area, &columns, &rows.collect::<Vec<_>>());
}

fn list_columns(cluster: &ClusterStatus, width: u16) -> Vec<Column> {
    let mut columns = vec![
        Column::text_column("process", 0),
        Column::text_column("state", 13),
        Column::number_column("streams", 7),
        Column::number_column("cameras", 7),
        Column::number_column("capacity", 8),
    ];
    let longest =
        cluster.processes.iter().map(|process| Span::raw(process_name(process, NAME)).width()).max();
    let longest = longest.unwrap_or_default().max("process".len()) as u16;
    columns[0] = columns[0].with_width(longest.min(left_by(&columns, width)));
    let why = Column::text_column("", 0);
    let rest = left_by(&[&*columns, &[why]].concat(), width);
    if rest >= READABLE {
        columns.push(why.with_width(rest));
    }
    columns
}

/// Cut before it is said that it is this one.
fn process_name(process: &ClusterProcess, width: u16) -> String {
    let mark = if process.is_self { SELF } else { "" };
    cut_to(&process.name, usize::from(width).saturating_sub(mark.len())) + mark
}
