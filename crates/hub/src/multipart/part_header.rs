//! The lines before a picture: a boundary and a part's header, read backwards from the picture.

/// What a `Content-Length` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Bytes of the part's body.
    Bytes(usize),
    /// Not a number of bytes: negative, not numeric, or beyond what a machine can hold.
    Unusable,
}

/// The header of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartHeader {
    /// Where it begins in the text. What stands before it is garbage.
    pub start: usize,
    /// Its `Content-Length`, if it has one; of several the last.
    pub length: Option<Length>,
}

/// Finds the header at the end of `text`, the bytes before a picture.
///
/// A line is anything printable that ends in LF. Backwards from the picture: any number of empty lines, also none; lines
/// up to a boundary (a line that begins with `--`) or the first empty one; the line breaks before those, which end the
/// part before. A line need not have a colon, so a boundary without dashes is none the less a line of the header.
pub fn before_picture(text: &[u8]) -> PartHeader {
    let mut start = end_without_breaks(text);
    let mut length = None;
    loop {
        let line_start = text[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = text[line_start..start].strip_suffix(b"\r").unwrap_or(&text[line_start..start]);
        if line.is_empty() || !line.iter().all(|&byte| matches!(byte, b'\t' | b' '..=b'~')) {
            break;
        }
        start = line_start;
        if line.starts_with(b"--") {
            break;
        }
        length = length.or_else(|| content_length(line));
        if start == 0 {
            break;
        }
        start -= 1;
    }
    PartHeader { start: end_without_breaks(&text[..start]), length }
}

/// Where the line breaks at the end of `text` begin.
fn end_without_breaks(text: &[u8]) -> usize {
    text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1)
}

fn content_length(line: &[u8]) -> Option<Length> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
    if !name.eq_ignore_ascii_case(b"content-length") {
        return None;
    }
    let digits =
        std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    Some(digits.and_then(|text| text.parse().ok()).map_or(Length::Unusable, Length::Bytes))
}
