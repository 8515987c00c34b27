//! A line of labelled numbers: where there is no room, labels get short, and then the least important goes.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{bold_style, label_style};

/// Columns between two pieces.
const GAP: usize = 2;
/// Less of a text says nothing.
const READABLE: usize = 12;

#[derive(Debug)]
struct Piece {
    /// Long and short; of texts both are empty.
    labels: [String; 2],
    short: bool,
    value: String,
    style: Style,
    /// Smaller stays longer; each has its own.
    rank: u8,
}

/// A line of labelled numbers that fits itself into the room there is.
#[derive(Debug, Default)]
pub struct Pieces {
    title: Option<&'static str>,
    pieces: Vec<Piece>,
}

impl Pieces {
    /// With a word at its beginning that always stays.
    pub fn with_title(title: &'static str) -> Self {
        Self { title: Some(title), pieces: Vec::new() }
    }

    /// A number with its label, and a shorter label. The smaller the rank, the longer it stays.
    pub fn with_value(mut self, rank: u8, label: &str, short: &str, value: impl Into<String>) -> Self {
        let labels = [label, short].map(str::to_owned);
        self.pieces.push(Piece { labels, short: false, value: value.into(), style: Style::new(), rank });
        self
    }

    /// Text without a label; nothing if there is none.
    pub fn with_text(mut self, rank: u8, text: Option<impl Into<String>>, style: Style) -> Self {
        if let Some(value) = text.map(Into::into).filter(|text| !text.is_empty()) {
            let labels = [String::new(), String::new()];
            self.pieces.push(Piece { labels, short: false, value, style, rank });
        }
        self
    }

    /// As much of it as there is room for.
    pub fn line(mut self, width: u16) -> Line<'static> {
        let title = self.title.map(|title| format!("{title:<12}"));
        self.fit_room(usize::from(width).saturating_sub(title.as_deref().map_or(0, str::len)));
        let mut spans = Vec::from_iter(title.map(|title| Span::styled(title, bold_style())));
        for (i, piece) in self.pieces.into_iter().enumerate() {
            if i > 0 {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            if !piece.label().is_empty() {
                spans.push(Span::styled(format!("{} ", piece.label()), label_style()));
            }
            spans.push(Span::styled(piece.value, piece.style));
        }
        Line::from(spans)
    }

    fn fit_room(&mut self, room: usize) {
        let mut ranks: Vec<u8> = self.pieces.iter().map(|piece| piece.rank).collect();
        ranks.sort_unstable();
        for rank in ranks.iter().rev() {
            if self.width() > room {
                self.pieces
                    .iter_mut()
                    .filter(|piece| piece.rank == *rank)
                    .for_each(|piece| piece.short = true);
            }
        }
        for rank in ranks.iter().rev() {
            if self.width() > room {
                self.cut_or_drop(*rank, room);
            }
        }
        // What went may have left room for some labels.
        for rank in ranks {
            let Some(at) = self.pieces.iter().position(|piece| piece.rank == rank) else { continue };
            let was_short = std::mem::replace(&mut self.pieces[at].short, false);
            if was_short && self.width() > room {
                self.pieces[at].short = true;
            }
        }
    }

    /// Text is cut if enough of it can stay, unless it is what matters most; all else goes.
    fn cut_or_drop(&mut self, rank: u8, room: usize) {
        let Some(at) = self.pieces.iter().position(|piece| piece.rank == rank) else { return };
        let piece = &mut self.pieces[at];
        let (is_text, value) = (piece.labels[0].is_empty(), std::mem::take(&mut piece.value));
        let left = room.saturating_sub(self.width());
        if is_text && rank > 0 && left >= READABLE {
            self.pieces[at].value = cut_to(&value, left);
        } else {
            self.pieces.remove(at);
        }
    }

    fn width(&self) -> usize {
        self.pieces.iter().map(Piece::width).sum::<usize>() + self.pieces.len().saturating_sub(1) * GAP
    }
}

impl Piece {
    fn label(&self) -> &str {
        &self.labels[usize::from(self.short)]
    }

    fn width(&self) -> usize {
        let label = Span::raw(self.label()).width();
        label + usize::from(label > 0) + Span::raw(&self.value).width()
    }
}

/// The beginning of a text, with an ellipsis if that is not all.
pub fn cut_to(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if Span::raw(&cut).width() >= width {
            cut.pop();
            break;
        }
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        Pieces::with_title("server")
            .with_text(3, Some("a long story of what happened"), Style::new())
            .with_value(0, "processor", "cpu", "45 %")
            .with_value(1, "memory", "mem", "120 MB")
    }

    #[test]
    fn labels_get_short_before_text_is_cut_and_the_most_important_stays_last() {
        let line = |width| pieces().line(width).to_string();
        assert_eq!(line(80), "server      a long story of what happened  processor 45 %  memory 120 MB");
        assert_eq!(line(70), "server      a long story of what happened  processor 45 %  mem 120 MB");
        assert_eq!(line(65), "server      a long story of what happened  cpu 45 %  mem 120 MB");
        assert_eq!(line(50), "server      a long story of…  cpu 45 %  mem 120 MB");
        assert_eq!(line(40), "server      processor 45 %  mem 120 MB");
        assert_eq!(line(34), "server      cpu 45 %  mem 120 MB");
        assert_eq!(line(25), "server      cpu 45 %");
        assert_eq!(line(0), "server      ");
    }

    #[test]
    fn a_cut_text_never_gets_wider_than_its_room() {
        for width in 1..20 {
            for text in ["Garagentor hinten links", "車庫の後ろの門の車庫", "🚗🚗🚗🚗🚗🚗🚗🚗🚗🚗🚗"]
            {
                assert!(Span::raw(cut_to(text, width)).width() <= width.max(1), "{text} {width}");
            }
        }
    }
}
