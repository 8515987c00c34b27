//! What readers of a document should know of how it came about: pages whose text may not be what stands there.

use sightwire_documents::DPI;
use sightwire_ocr::{Doubt, Language};

/// Numbers of pages, or spans of them, that a sentence names at most.
const SPANS: usize = 8;

/// Something to be said of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Their text may not be what stands there.
    Doubt(Doubt),
    /// The file has their text as text, too, which was not looked at.
    HasText,
    /// They were drawn smaller than usual, so as to fit the limits.
    Reduced,
    /// The file ends before its picture does, or without saying so.
    CutOff,
}

/// The remarks on a document, each with its pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// With pages from 1, in their order.
    remarks: Vec<(Remark, Vec<usize>)>,
    /// As they were read back.
    sentences: Vec<String>,
}

impl Notes {
    /// Sentences that were made before.
    pub(super) fn of_sentences(sentences: Vec<String>) -> Self {
        Self { remarks: Vec::new(), sentences }
    }

    /// Adds a remark on a page, from 1.
    pub(super) fn add(&mut self, remark: Remark, page: usize) {
        match self.remarks.iter_mut().find(|(other, _)| *other == remark) {
            Some((_, pages)) => pages.push(page),
            None => self.remarks.push((remark, vec![page])),
        }
    }

    /// One for each remark, whatever the number of its pages. `pages` is how many the document has.
    pub(super) fn sentences(&self, model: &str, pages: usize) -> Vec<String> {
        let said = self
            .remarks
            .iter()
            .map(|(remark, on)| remark_sentence(*remark, model, (pages > 1).then_some(on)));
        self.sentences.iter().cloned().chain(said).collect()
    }
}

/// `on` are the pages, where there are others.
fn remark_sentence(remark: Remark, model: &str, on: Option<&Vec<usize>>) -> String {
    let of_pages = |alone: &str, more: &str| {
        on.map_or_else(|| alone.to_owned(), |on| format!("{more}{}", page_spans(on)))
    };
    match remark {
        Remark::HasText => match on {
            None => {
                "The page has a text layer of its own; what stands here was read from its picture.".to_owned()
            }
            Some(on) if on.len() == 1 => format!(
                "{} has a text layer of its own; what stands here was read from its picture.",
                capitalize_first(&page_spans(on))
            ),
            Some(on) => format!(
                "{} have text layers of their own; what stands here was read from their pictures.",
                capitalize_first(&page_spans(on))
            ),
        },
        Remark::Reduced => format!(
            "{} drawn at less than {DPI} dpi, as large as the limits allow: small print may be missing.",
            match on {
                None => "The page was".to_owned(),
                Some(on) if on.len() == 1 => format!("{} was", capitalize_first(&page_spans(on))),
                Some(on) => format!("{} were", capitalize_first(&page_spans(on))),
            }
        ),
        Remark::CutOff => {
            "The file ends early: it may have been cut off, and what is missing of its picture is grey."
                .to_owned()
        }
        Remark::Doubt(Doubt::Script) => format!(
            "Much of the text{} is likely wrong: it is in a script that {model} does not know, too small or blurred, or no text at all.",
            of_pages("", " of ")
        ),
        Remark::Doubt(Doubt::Letters(Language { name, letters })) => {
            let letters: Vec<String> = letters.chars().map(String::from).collect();
            format!(
                "The text{} looks {name}, and {model} does not have all of its letters ({}): others stand in their place.",
                of_pages("", " of "),
                letters.join(" ")
            )
        }
    }
}

/// As it stands at the beginning of a sentence.
fn capitalize_first(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `page 2`, `pages 2, 4 to 7 and 9`.
fn page_spans(pages: &[usize]) -> String {
    let parts = pages.chunk_by(|a, b| a + 1 == *b).flat_map(|span| match span {
        [first, .., last] if span.len() > 2 => vec![format!("{first} to {last}")],
        few => few.iter().map(usize::to_string).collect(),
    });
    let mut parts: Vec<String> = parts.collect();
    let more = parts.len() > SPANS;
    parts.truncate(SPANS);
    let last = if more { Some("others".to_owned()) } else { parts.pop() }.unwrap_or_default();
    let word = if pages.len() == 1 { "page" } else { "pages" };
    if parts.is_empty() {
        format!("{word} {last}")
    } else {
        format!("{word} {} and {last}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_in_spans_and_never_all_of_many() {
        assert_eq!(page_spans(&[2]), "page 2");
        assert_eq!(page_spans(&[2, 3]), "pages 2 and 3");
        assert_eq!(page_spans(&[1, 2, 3, 4]), "pages 1 to 4");
        assert_eq!(page_spans(&[2, 4, 5, 6, 7, 9]), "pages 2, 4 to 7 and 9");
        let odd: Vec<usize> = (0..1000).map(|n| 2 * n + 1).collect();
        assert_eq!(page_spans(&odd), "pages 1, 3, 5, 7, 9, 11, 13, 15 and others");
    }

    #[test]
    fn what_is_known_of_drawn_pages_is_said_of_them() {
        let said = |remark, on: &[usize], pages| {
            let mut notes = Notes::default();
            for page in on {
                notes.add(remark, *page);
            }
            notes.sentences("m", pages).remove(0)
        };
        assert_eq!(
            said(Remark::HasText, &[1], 1),
            "The page has a text layer of its own; what stands here was read from its picture."
        );
        assert!(said(Remark::HasText, &[3], 9).starts_with("Page 3 has a text layer of its own; "));
        assert!(
            said(Remark::HasText, &[1, 2, 3], 9).starts_with("Pages 1 to 3 have text layers of their own; ")
        );
        assert_eq!(
            said(Remark::Reduced, &[2], 9),
            "Page 2 was drawn at less than 200 dpi, as large as the limits allow: small print may be missing."
        );
        assert!(
            said(Remark::Reduced, &[1, 9], 9).starts_with("Pages 1 and 9 were drawn at less than 200 dpi")
        );
    }

    #[test]
    fn a_remark_on_many_pages_is_one_sentence() {
        let mut notes = Notes::default();
        let german = Remark::Doubt(Doubt::Letters(Language { name: "German", letters: "äöüß" }));
        (1..=3).for_each(|page| notes.add(german, page));
        notes.add(Remark::Doubt(Doubt::Script), 5);
        let [first, second] = &notes.sentences("m", 5)[..] else { panic!("two") };
        assert_eq!(
            first,
            "The text of pages 1 to 3 looks German, and m does not have all of its letters (ä ö ü ß): others stand in their place."
        );
        assert!(second.starts_with("Much of the text of page 5 is likely wrong: "), "{second}");
        let alone = Notes { remarks: vec![(Remark::Doubt(Doubt::Script), vec![1])], sentences: Vec::new() };
        assert!(
            alone.sentences("m", 1)[0].starts_with("Much of the text is likely wrong: "),
            "no page to tell it from"
        );
    }
}
