//! Tables as `docs/benchmarks.md` has them.

use std::fmt::Write as _;

/// A Markdown table; numbers to the right.
pub(crate) struct Table(String);

impl Table {
    /// A table with this head and no rows.
    pub(crate) fn new(head: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.add_row(head.iter().map(|cell| (*cell).to_owned()));
        table.add_row(head.iter().map(|_| "---:".to_owned()));
        table
    }

    /// Adds a row, with as many cells as the head has.
    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push('|');
        for cell in cells {
            let _ = write!(self.0, " {cell} |");
        }
        self.0.push('\n');
    }

    /// The table as Markdown.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Milliseconds, with fewer decimals the more they are.
pub(crate) fn format_ms(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// The middle one of a few.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
    }
}
