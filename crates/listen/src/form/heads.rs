//! The headers of a form's parts as they pass by on the way to the parser, which gives the whole form up for one byte that a
//! header may not have. File names have such bytes: browsers send control characters as they are, other clients send line
//! ends and letters that are not UTF-8, too.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

/// What stands for what a header may not have. It is UTF-8 and no control character.
const REPLACEMENT: &str = "\u{fffd}";
const END: &[u8] = b"\r\n\r\n";

/// Follows a form and holds back the headers of a part until they are whole; everything else passes as it is.
#[derive(Debug)]
pub(super) struct Heads {
    /// CR LF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Before the first part, or in the content of one. Of what passed last, so much is kept as may begin a delimiter.
    Content(Vec<u8>),
    /// On the line of a delimiter; the bytes on it so far.
    Line(Vec<u8>),
    /// In headers, which have come so far.
    Head(BytesMut),
    /// After the last part, or where no part can follow.
    Rest,
}

impl Heads {
    /// Of a form with that boundary.
    pub(super) fn new(boundary: &str) -> Self {
        // The first delimiter may stand at the very beginning.
        Self { delimiter: format!("\r\n--{boundary}").into(), place: Place::Content(b"\r\n".to_vec()) }
    }

    /// What of the form can be parsed once this has come, too; may be nothing.
    pub(super) fn pass(&mut self, mut bytes: Bytes) -> Bytes {
        let mut passed = BytesMut::new();
        loop {
            match &mut self.place {
                Place::Rest => {}
                Place::Content(tail) => {
                    if let Some(end) = end_of(&self.delimiter, tail, &bytes) {
                        passed.extend_from_slice(&bytes.split_to(end));
                        self.place = Place::Line(Vec::new());
                        continue;
                    }
                    keep_tail(tail, &bytes, self.delimiter.len() - 1);
                }
                Place::Line(line) => {
                    if let Some((used, next)) = after_delimiter(line, &bytes) {
                        passed.extend_from_slice(&bytes.split_to(used));
                        self.place = next;
                        continue;
                    }
                    line.extend_from_slice(&bytes);
                }
                Place::Head(head) => {
                    let from = head.len().saturating_sub(END.len() - 1);
                    head.extend_from_slice(&bytes);
                    let Some(end) = memmem::find(&head[from..], END).map(|at| from + at + END.len()) else {
                        return passed.freeze();
                    };
                    bytes = head.split_off(end).freeze();
                    passed.extend_from_slice(&clean_head(head));
                    // The content may be nothing but a delimiter.
                    self.place = Place::Content(Vec::new());
                    continue;
                }
            }
            // Usually nothing was changed, and nothing need be copied.
            if passed.is_empty() {
                return bytes;
            }
            passed.extend_from_slice(&bytes);
            return passed.freeze();
        }
    }
}

/// Where in `bytes` the first delimiter ends that begins there or in what came before.
fn end_of(delimiter: &[u8], tail: &[u8], bytes: &[u8]) -> Option<usize> {
    let across = [tail, &bytes[..bytes.len().min(delimiter.len() - 1)]].concat();
    let at = memmem::find(&across, delimiter).map(|at| at + delimiter.len() - tail.len());
    at.or_else(|| memmem::find(bytes, delimiter).map(|at| at + delimiter.len()))
}

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8], most: usize) {
    tail.extend_from_slice(&bytes[bytes.len().saturating_sub(most)..]);
    tail.drain(..tail.len().saturating_sub(most));
}

/// How many bytes belong to the delimiter's line, and what follows: headers after blanks and a line end, nothing after two
/// hyphens. `None` where that cannot be told yet.
fn after_delimiter(line: &[u8], bytes: &[u8]) -> Option<(usize, Place)> {
    let whole = [line, &bytes[..bytes.len().min(MAX_LINE)]].concat();
    let head = || Place::Head(BytesMut::new());
    let blanks = whole.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (used, next) = match &whole[blanks..] {
        [b'\r', b'\n', ..] => (blanks + 2, head()),
        [] | [b'\r'] if whole.len() < MAX_LINE => return None,
        // The end, or something that the parser refuses.
        _ => (line.len(), Place::Rest),
    };
    Some((used - line.len(), next))
}

/// Longest line of a delimiter, without the boundary.
const MAX_LINE: usize = 1024;

/// Headers as the parser takes them. A line that is none belongs to the one before: there was a line end in a name.
fn clean_head(head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(&head[..head.len() - END.len()]);
    let mut cleaned = String::with_capacity(text.len() + END.len());
    for line in text.split("\r\n").flat_map(|line| line.split('\n')) {
        if is_header(line) {
            if !cleaned.is_empty() {
                cleaned.push_str("\r\n");
            }
        } else if cleaned.is_empty() {
            continue;
        } else {
            cleaned.push_str(REPLACEMENT);
        }
        for c in line.chars() {
            if c.is_control() && c != '\t' {
                cleaned.push_str(REPLACEMENT);
            } else {
                cleaned.push(c);
            }
        }
    }
    cleaned.push_str("\r\n\r\n");
    cleaned.into_bytes()
}

/// Whether a line is a name (RFC 9110, 5.6.2), a colon and a value.
fn is_header(line: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    line.split_once(':').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(is_token))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut heads = Heads::new("XX");
        pieces.iter().flat_map(|piece| heads.pass(Bytes::copy_from_slice(piece))).collect()
    }

    #[test]
    fn headers_are_cleaned_and_nothing_else_is_touched() {
        let form: &[u8] =
            b"\x01 before\r\n--XX \t\r\nA: \x01\r\nB: b\nC: c\r\n\r\n\x01\x02\r\n--XY\r\n--XX\r\n\
            D: d\r\n\r\n\r\n--XX--\r\nA: \x01\r\n\r\n";
        let cleaned = "\u{1} before\r\n--XX \t\r\nA: \u{fffd}\r\nB: b\r\nC: c\r\n\r\n\u{1}\u{2}\r\n--XY\r\n--XX\r\n\
            D: d\r\n\r\n\r\n--XX--\r\nA: \u{1}\r\n\r\n";
        assert_eq!(String::from_utf8(passed(&[form])).unwrap(), cleaned);
        for at in 0..form.len() {
            assert_eq!(passed(&[&form[..at], &form[at..]]), cleaned.as_bytes(), "{at}");
        }
        assert_eq!(clean_head(b"\x01 no header\r\n\r\n"), b"\r\n\r\n");
    }

    proptest! {
        #[test]
        fn a_form_without_anything_wrong_passes_as_it_is(
            contents in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"\r\n-X\x01a"[..]), 0..40), 0..4),
            cut in 1_usize..20,
        ) {
            let mut form = Vec::new();
            for content in &contents {
                // What ends the part is the parser's business.
                prop_assume!(memmem::find(&[b"\r\n", &content[..]].concat(), b"\r\n--XX").is_none());
                form.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
                form.extend_from_slice(content);
                form.extend_from_slice(b"\r\n");
            }
            form.extend_from_slice(b"--XX--\r\n");
            let pieces: Vec<&[u8]> = form.chunks(cut).collect();
            prop_assert_eq!(passed(&pieces), form);
        }
    }
}
