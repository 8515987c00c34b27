//! What the child answers on its standard output. The parent believes none of it: lengths are bounded before they are used,
//! and text is text.

use sightwire_frame::codec::CodecError;
use sightwire_frame::still::{StillError, StillFormat, StillLimits, Undrawn};

use crate::PageHeader;
use crate::request::{Request, What};

const HEADER: u8 = 1;
const PAGE: u8 = 2;
const REFUSED: u8 = 3;

/// The kind, and two numbers.
const HEAD: usize = 9;
/// Of a page in a header.
const PER_PAGE: usize = 9;
const HAS_TEXT: u8 = 1;
const IS_REDUCED: u8 = 2;
/// Bytes of words.
const MOST_WORDS: usize = 300;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The pages, at least one.
    Header(Vec<PageHeader>),
    /// A page that was drawn.
    Page {
        /// Width and height in pixels.
        size: (u32, u32),
        /// BGR, rows without padding.
        pixels: Vec<u8>,
    },
    /// Why the request has no other answer.
    Refused(Refusal),
}

/// Why the child did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Damaged: what is wrong.
    Damaged(String),
    /// Of a kind that is not read: which.
    Unsupported(String),
    /// A password is needed.
    Protected,
    /// There are more pages than allowed.
    TooManyPages,
    /// There is no such page: from 0.
    NoPage(u32),
    /// The child could not limit itself.
    Unconfined(String),
    /// It would take too much work: what is too many.
    TooMuch(String),
}

impl Refusal {
    /// What the caller that wanted the file is told.
    pub fn into_error(self, format: StillFormat, limits: &StillLimits) -> StillError {
        match self {
            Self::Damaged(reason) => StillError::damaged(format, CodecError::Drawn(reason)),
            Self::Unsupported(what) => StillError::unsupported(format, what),
            Self::Protected => StillError::Protected { format },
            Self::TooManyPages => StillError::Pages { format, limit: limits.max_pages },
            Self::NoPage(page) => StillError::damaged(
                format,
                CodecError::Drawn(format!("page {} is not there any more", u64::from(page) + 1)),
            ),
            Self::TooMuch(what) => StillError::Undrawn { format, why: Undrawn::TooMuch(what) },
            Self::Unconfined(why) => StillError::Undrawn { format, why: Undrawn::Unstarted(why) },
        }
    }

    fn code(&self) -> (u32, &str) {
        match self {
            Self::Damaged(words) => (0, words),
            Self::Unsupported(words) => (1, words),
            Self::Protected => (2, ""),
            Self::TooManyPages => (3, ""),
            Self::NoPage(_) => (4, ""),
            Self::Unconfined(words) => (5, words),
            Self::TooMuch(words) => (6, words),
        }
    }
}

/// The beginning of an answer whose pixels follow.
pub fn page_head((width, height): (u32, u32)) -> [u8; HEAD] {
    encode_head(PAGE, width, height)
}

/// All of an answer without pixels.
pub fn encode_answer(answer: &Result<Vec<PageHeader>, Refusal>) -> Vec<u8> {
    match answer {
        Ok(pages) => {
            let mut out = encode_head(HEADER, pages.len() as u32, 0).to_vec();
            for page in pages {
                out.extend(page.size.0.to_le_bytes());
                out.extend(page.size.1.to_le_bytes());
                let flag = |is_set, flag| if is_set { flag } else { 0 };
                out.push(flag(page.has_text, HAS_TEXT) | flag(page.is_reduced, IS_REDUCED));
            }
            out
        }
        Err(refusal) => {
            let (code, words) = refusal.code();
            let page = if let Refusal::NoPage(page) = refusal { *page } else { 0 };
            let mut out = encode_head(REFUSED, code, page).to_vec();
            out.extend(words.as_bytes().iter().take(MOST_WORDS));
            out
        }
    }
}

fn encode_head(kind: u8, first: u32, second: u32) -> [u8; HEAD] {
    let mut out = [kind; HEAD];
    out[1..5].copy_from_slice(&first.to_le_bytes());
    out[5..].copy_from_slice(&second.to_le_bytes());
    out
}

/// Bytes of the longest answer to a request that are read.
pub(crate) fn max_length(request: &Request) -> usize {
    let body = match request.what {
        What::Header => (request.max_pages as usize).saturating_mul(PER_PAGE),
        What::Page { size: (width, height), .. } => {
            (width as usize).saturating_mul(height as usize).saturating_mul(3)
        }
    };
    HEAD.saturating_add(body.max(MOST_WORDS))
}

/// Bytes to make room for as soon as it is clear that they will come.
pub(crate) fn expected_length(request: &Request) -> usize {
    match request.what {
        What::Header => 0,
        What::Page { .. } => max_length(request),
    }
}

/// What the child said, all of it; `None` if that is not an answer to the request.
pub fn decode_answer(mut bytes: Vec<u8>, request: &Request) -> Option<Answer> {
    let (kind, numbers) = bytes.get(..HEAD)?.split_first()?;
    let number = |at: usize| numbers.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (kind, first, second) = (*kind, number(0)?, number(4)?);
    match (kind, request.what) {
        (HEADER, What::Header) => {
            let body = &bytes[HEAD..];
            let is_whole = first >= 1 && body.len() as u64 == u64::from(first) * PER_PAGE as u64;
            let pages = body.chunks_exact(PER_PAGE).map(decode_page).collect::<Option<_>>()?;
            is_whole.then_some(Answer::Header(pages))
        }
        (PAGE, What::Page { size, .. }) => {
            let length = u64::from(first).saturating_mul(u64::from(second)).saturating_mul(3);
            let is_whole =
                size == (first, second) && bytes.len() as u64 == length.saturating_add(HEAD as u64);
            bytes.drain(..HEAD);
            is_whole.then_some(Answer::Page { size, pixels: bytes })
        }
        (REFUSED, _) => {
            let words = sanitize_words(&bytes[HEAD..]);
            Some(Answer::Refused(match first {
                0 => Refusal::Damaged(words),
                1 => Refusal::Unsupported(words),
                2 => Refusal::Protected,
                3 => Refusal::TooManyPages,
                4 => Refusal::NoPage(second),
                5 => Refusal::Unconfined(words),
                6 => Refusal::TooMuch(words),
                _ => return None,
            }))
        }
        _ => None,
    }
}

fn decode_page(bytes: &[u8]) -> Option<PageHeader> {
    let side = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (size, flags) = ((side(0)?, side(4)?), *bytes.get(8)?);
    let page = PageHeader {
        size,
        has_text: flags & HAS_TEXT != 0,
        is_reduced: flags & IS_REDUCED != 0,
        // What is drawn is whole.
        is_cut_off: false,
    };
    (size.0 >= 1 && size.1 >= 1).then_some(page)
}

/// What a library said: short, on one line, nothing that a terminal obeys.
pub fn sanitize_words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_WORDS)]);
    text.split(|c: char| c.is_control()).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::Patience;

    fn asked(what: What) -> Request {
        Request::new(what, StillFormat::Pdf, 1, &StillLimits::default(), &Patience::Work)
    }

    const PAGE_OF_4: What = What::Page { page: 0, size: (2, 2) };

    #[test]
    fn answers_arrive_as_they_were_given() {
        let header = asked(What::Header);
        let page = |size, has_text, is_reduced| PageHeader { size, has_text, is_reduced, is_cut_off: false };
        let pages =
            vec![page((1, 2), false, false), page((3, 70_000), true, false), page((5, 6), false, true)];
        assert_eq!(decode_answer(encode_answer(&Ok(pages.clone())), &header), Some(Answer::Header(pages)));
        for refusal in [
            Refusal::Damaged("no trailer".into()),
            Refusal::Unsupported("of music".into()),
            Refusal::Protected,
            Refusal::TooManyPages,
            Refusal::NoPage(9),
            Refusal::Unconfined("no limits".into()),
            Refusal::TooMuch("it has more than 9 dashes".into()),
        ] {
            let sent = encode_answer(&Err(refusal.clone()));
            assert_eq!(decode_answer(sent, &header), Some(Answer::Refused(refusal)));
        }
        let drawn = [&page_head((2, 2))[..], &[7; 12]].concat();
        let expected = Answer::Page { size: (2, 2), pixels: vec![7; 12] };
        assert_eq!(decode_answer(drawn, &asked(PAGE_OF_4)), Some(expected));
    }

    #[test]
    fn an_answer_that_is_cut_off_or_not_one_to_the_question_is_none() {
        let header = asked(What::Header);
        let page = PageHeader { size: (1, 2), has_text: false, is_reduced: false, is_cut_off: false };
        let whole = encode_answer(&Ok(vec![page, page]));
        for length in 0..whole.len() {
            assert_eq!(decode_answer(whole[..length].to_vec(), &header), None, "{length}");
        }
        assert_eq!(decode_answer([&whole[..], &[0; 9]].concat(), &header), None, "more pages than it said");
        assert_eq!(decode_answer(whole, &asked(PAGE_OF_4)), None);
        assert_eq!(decode_answer(encode_answer(&Ok(Vec::new())), &header), None, "no page");
        let flat = PageHeader { size: (0, 2), ..page };
        assert_eq!(decode_answer(encode_answer(&Ok(vec![flat])), &header), None, "a page without width");
        let other = [&page_head((1, 4))[..], &[7; 12]].concat();
        assert_eq!(decode_answer(other, &asked(PAGE_OF_4)), None, "another size");
        let lie = [&page_head((u32::MAX, u32::MAX))[..], &[7; 12]].concat();
        assert_eq!(decode_answer(lie, &asked(What::Page { page: 0, size: (u32::MAX, u32::MAX) })), None);
    }

    #[test]
    fn what_a_library_says_is_one_short_line() {
        let said = format!("no\x1b[31m {}\r\nway{}", "\u{2028}", "x".repeat(5000));
        let words = sanitize_words(said.as_bytes());
        assert!(words.starts_with("no [31m") && words.len() <= MOST_WORDS, "{words:?}");
        assert!(!words.contains(char::is_control));
    }
}
