//! Base64 text and `data:` URLs, the way clients send pictures.
//!
//! Strict base64 (RFC 4648, section 4) takes a fast path. Text with white space or without padding is accepted too,
//! as WHATWG's forgiving-base64 decode defines it (<https://infra.spec.whatwg.org/#forgiving-base64-decode>).

use base64_simd::{AsOut as _, STANDARD, STANDARD_NO_PAD};

use crate::header::{self, Header, HeaderError, LimitError, Limits};

/// Why a text is not an acceptable picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataUrlError {
    /// There is no base64 in it.
    #[error("the picture is empty")]
    Empty,
    /// It starts with `data:` but not with `data:image/…;base64,`.
    #[error("a data URL must begin with data:image/...;base64, (found {found:?})")]
    Prefix {
        /// The first characters.
        found: String,
    },
    /// A character that base64 does not have.
    #[error("not base64: byte {byte:#04x} at position {position}")]
    Character {
        /// The byte.
        byte: u8,
        /// Its place in the base64 part, in bytes.
        position: usize,
    },
    /// The right characters in an impossible number, or padding in the wrong place.
    #[error("not base64: cut off or wrongly padded ({chars} characters)")]
    Length {
        /// Characters that are not white space.
        chars: usize,
    },
    /// The picture's header cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The picture is too large.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Characters decoded at a time; a multiple of 4.
const CHUNK: usize = 4096;

/// The base64 part of `text`: what follows `data:image/…;base64,`, or all of it if it is not a data URL.
pub fn base64_body(text: &str) -> Result<&str, DataUrlError> {
    let text = text.trim_ascii();
    let is_url =
        text.as_bytes().first_chunk().is_some_and(|start: &[u8; 5]| start.eq_ignore_ascii_case(b"data:"));
    if !is_url {
        return Ok(text);
    }
    // The media type of a picture is short; do not search megabytes for a comma.
    let head = &text.as_bytes()[..text.len().min(256)];
    let is_image = |head: &[u8]| {
        let kind = &head[5..];
        kind.len() >= 6 && kind[..6].eq_ignore_ascii_case(b"image/")
    };
    let is_base64 = |head: &[u8]| head.len() >= 7 && head[head.len() - 7..].eq_ignore_ascii_case(b";base64");
    match head.iter().position(|&byte| byte == b',') {
        Some(comma) if is_image(&head[..comma]) && is_base64(&head[..comma]) => Ok(&text[comma + 1..]),
        _ => Err(DataUrlError::Prefix { found: text.chars().take(32).collect() }),
    }
}

/// Checks that the whole text is base64 and that the picture in it has a header within the limits.
///
/// This is what makes a `frame` valid on the wire. Decodes only as much as the header needs, and allocates only if
/// that is more than three kilobytes (a JPEG with a large thumbnail or colour profile).
pub fn probe_data_url(text: &str, limits: &Limits) -> Result<Header, DataUrlError> {
    let body = base64_body(text)?;
    if body.is_empty() {
        return Err(DataUrlError::Empty);
    }
    let header = if STANDARD.check(body.as_bytes()).is_ok() {
        limits.check_bytes(strict_len(body))?;
        probe_strict(body)?
    } else {
        probe_forgiving(body, limits)?
    };
    limits.check_size(&header)?;
    Ok(header)
}

/// Decodes the picture's bytes into `out`, whose old content goes and whose memory is kept.
///
/// Up to three quarters of the text's length is written: bound that before, or call [`probe_data_url`] first. After an error
/// `out` is empty.
pub fn decode_into(text: &str, out: &mut Vec<u8>) -> Result<(), DataUrlError> {
    out.clear();
    let body = base64_body(text)?;
    if body.is_empty() {
        return Err(DataUrlError::Empty);
    }
    if STANDARD.decode_append(body, out).is_ok() {
        return Ok(());
    }
    out.clear();
    let decoded = decode_forgiving(body, |bytes| {
        out.extend_from_slice(bytes);
        Ok(())
    });
    if decoded.is_err() {
        out.clear();
    }
    decoded
}

/// Bytes in a strict base64 text.
fn strict_len(body: &str) -> usize {
    let padding = body.bytes().rev().take(2).filter(|&byte| byte == b'=').count();
    body.len() / 4 * 3 - padding
}

/// The header from valid base64, decoding ever longer beginnings of it.
fn probe_strict(body: &str) -> Result<Header, DataUrlError> {
    let mut first = [0; CHUNK];
    let text = body.as_bytes();
    let mut chars = CHUNK.min(text.len());
    let decoded = base64_simd::forgiving_decode(&text[..chars], first.as_mut_slice().as_out());
    let mut result = header::probe_header(decoded.map_err(|_| length_error(body))?);
    let mut longer = Vec::new();
    while result == Err(HeaderError::Incomplete) && chars < text.len() {
        chars = (chars * 4).min(text.len());
        longer.clear();
        let kind = if chars == text.len() { STANDARD } else { STANDARD_NO_PAD };
        kind.decode_append(&text[..chars], &mut longer).map_err(|_| length_error(body))?;
        result = header::probe_header(&longer);
    }
    Ok(result?)
}

/// The header from base64 that may hold white space or lack padding; checks the text to its end.
fn probe_forgiving(body: &str, limits: &Limits) -> Result<Header, DataUrlError> {
    let mut bytes = 0;
    let mut head = Vec::new();
    let mut next_try = 0;
    let mut result = Err(HeaderError::Incomplete);
    decode_forgiving(body, |chunk| {
        bytes += chunk.len();
        limits.check_bytes(bytes)?;
        if result == Err(HeaderError::Incomplete) {
            head.extend_from_slice(chunk);
            // Trying again only after the text has doubled keeps this linear.
            if head.len() >= next_try {
                result = header::probe_header(&head);
                next_try = head.len() * 2;
            }
        }
        Ok(())
    })?;
    if result == Err(HeaderError::Incomplete) {
        result = header::probe_header(&head);
    }
    Ok(result?)
}

/// Decodes forgivingly in chunks of at most three kilobytes, handing each to `take`.
fn decode_forgiving(
    body: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), DataUrlError>,
) -> Result<(), DataUrlError> {
    let mut text = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).peekable();
    let mut packed = [0; CHUNK];
    let mut decoded = [0; CHUNK];
    loop {
        let mut len = 0;
        for (slot, byte) in packed.iter_mut().zip(&mut text) {
            *slot = byte;
            len += 1;
        }
        let chunk = &packed[..len];
        let last = text.peek().is_none();
        let out = decoded.as_mut_slice().as_out();
        // Only the last group may be short or padded.
        let bytes =
            if last { base64_simd::forgiving_decode(chunk, out) } else { STANDARD_NO_PAD.decode(chunk, out) };
        match bytes {
            Ok(bytes) => take(bytes)?,
            Err(_) => return Err(base64_error(body)),
        }
        if last {
            return Ok(());
        }
    }
}

/// What is wrong with a text that did not decode.
fn base64_error(body: &str) -> DataUrlError {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let wrong = body.bytes().enumerate().find(|&(_, byte)| !allowed(byte) && !byte.is_ascii_whitespace());
    match wrong {
        Some((position, byte)) => DataUrlError::Character { byte, position },
        None => length_error(body),
    }
}

fn length_error(body: &str) -> DataUrlError {
    DataUrlError::Length { chars: body.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() }
}
