//! A text in lines.

use std::ops::Range;

use super::glyphs::is_invisible;
use super::text::{ELLIPSIS, Letters, Typesetter};

/// A line of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Bytes of the text.
    pub text: Range<usize>,
    /// Whether it ends in an ellipsis, since more follows that has no room.
    pub cut: bool,
    /// Width in pixels, with the ellipsis.
    pub width: f32,
}

/// Whether a line may end here. Spaces that hold a number and its unit together are none of these.
fn parts_words(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Whether there is nothing to be seen of it at a line's start or end.
fn has_no_ink(character: char) -> bool {
    parts_words(character) || is_invisible(character)
}

/// Cuts the text into at most `most` lines of at most `width` pixels: between words, within a word only if it is longer
/// than a line.
pub(super) fn wrap_text(
    typesetter: &Typesetter,
    letters: Letters,
    text: &str,
    width: f32,
    most: usize,
    lines: &mut Vec<Line>,
) {
    lines.clear();
    let next_word = |from: usize| {
        Some(text.len() - text[from..].trim_start_matches(has_no_ink).len())
            .filter(|start| *start < text.len())
    };
    let mut next = next_word(0);
    while let Some(start) = next {
        if lines.len() >= most {
            break;
        }
        let mut line = first_line(typesetter, letters, &text[start..], width);
        next = next_word(start + line.text.end);
        if next.is_some() && lines.len() + 1 == most {
            line = cut_line(typesetter, letters, &text[start..], width);
        }
        lines.push(Line { text: start..start + line.text.end, ..line });
    }
}

/// The first line of a text that starts with a word. Never empty.
fn first_line(typesetter: &Typesetter, letters: Letters, text: &str, width: f32) -> Line {
    // Ends in bytes and pixels: of what fits, and of the last whole word in it.
    let mut end = (0, 0.0);
    let mut word = None;
    for (bytes, pen) in typesetter.pens(letters, text) {
        let character = text[..bytes].chars().next_back().unwrap_or(' ');
        if parts_words(character) {
            if character == '\n' {
                return Line { text: 0..end.0, cut: false, width: end.1 };
            }
            word = Some(end);
        } else if pen > width && end.0 > 0 {
            let (bytes, width) = word.unwrap_or(end);
            return Line { text: 0..bytes, cut: false, width };
        } else {
            end = (bytes, pen);
        }
    }
    Line { text: 0..text.trim_end_matches(has_no_ink).len(), cut: false, width: end.1 }
}

/// What fits of the text's first paragraph, with an ellipsis behind it.
fn cut_line(typesetter: &Typesetter, letters: Letters, text: &str, width: f32) -> Line {
    let ellipsis = typesetter.width(letters, ELLIPSIS);
    let paragraph = text.split('\n').next().unwrap_or_default();
    let pens = typesetter.pens(letters, paragraph);
    let end = pens.take_while(|(_, pen)| pen + ellipsis <= width).last().map_or(0, |(bytes, _)| bytes);
    let shown = text[..end].trim_end_matches(has_no_ink);
    Line { text: 0..shown.len(), cut: true, width: typesetter.width(letters, shown) + ellipsis }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Colour, Face};

    const INK: Letters = Letters { px: 16, face: Face::Regular, colour: Colour::WHITE };

    fn wrapped(text: &str, width: f32, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        wrap_text(&Typesetter::new(), INK, text, width, most, &mut lines);
        lines
            .iter()
            .map(|line| format!("{}{}", &text[line.text.clone()], if line.cut { ELLIPSIS } else { "" }))
            .collect()
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("  no picture\tfor 7 s  ", 90.0, 3), ["no picture", "for 7 s"]);
        assert_eq!(wrapped("one\n\ntwo", 500.0, 3), ["one", "two"]);
        assert_eq!(wrapped("wait 7\u{a0}s", 48.0, 3), ["wait", "7\u{a0}s"], "a number stays with its unit");
        assert!(wrapped(" \n\t \u{200d}", 90.0, 3).is_empty());
    }

    #[test]
    fn what_has_no_room_ends_in_an_ellipsis() {
        let text = "the camera at 10.0.0.5 does not answer: connection refused";
        let lines = wrapped(text, 150.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…') && !lines[0].ends_with('…'), "{lines:?}");
        assert_eq!(wrapped("one\ntwo", 500.0, 1), ["one…"], "also where a paragraph is left out");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let word = "Donaudampfschifffahrtsgesellschaft";
        let lines = wrapped(word, 100.0, 9);
        assert!(lines.len() > 1);
        assert_eq!(lines.concat(), word);
        assert_eq!(wrapped("abc", 1.0, 9), ["a", "b", "c"], "one character a line where not even that fits");
    }

    proptest! {
        #[test]
        fn lines_fit_and_no_word_is_lost(text in "[a-zä ·\n\u{a0}\u{200d}]{0,80}", width in 40.0f32..300.0, most in 1usize..6) {
            let typesetter = Typesetter::new();
            let mut lines = Vec::new();
            wrap_text(&typesetter, INK, &text, width, most, &mut lines);
            prop_assert!(lines.len() <= most);
            for line in &lines {
                prop_assert!(line.width <= width + 0.01, "{line:?}");
                let measured = typesetter.width(INK, &text[line.text.clone()]);
                prop_assert!(line.cut || (measured - line.width).abs() < 6.0, "{line:?} {measured}");
            }
            if lines.iter().all(|line| !line.cut) {
                let all = |text: &str| text.chars().filter(|c| !parts_words(*c)).collect::<String>();
                let shown: String = lines.iter().map(|line| all(&text[line.text.clone()])).collect();
                prop_assert_eq!(shown.replace('\u{200d}', ""), all(&text).replace('\u{200d}', ""));
            }
        }

        #[test]
        fn any_text_in_any_width_is_safe(text in any::<String>(), width in any::<f32>(), most in 0usize..5) {
            let mut lines = Vec::new();
            wrap_text(&Typesetter::new(), INK, &text, width, most, &mut lines);
            for line in lines {
                prop_assert!(text.get(line.text).is_some());
            }
        }
    }
}
