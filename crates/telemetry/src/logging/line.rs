//! A line as it is written: one line whatever is in it, without what is secret.

use std::borrow::Cow;
use std::fmt::Write as _;

use sightwire_access::key::redact_keys;
use sightwire_base::lines::is_invisible;

/// How what must not stand in a line as it is stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `\n`, `\u{1b}`.
    Rust,
    /// `\n`, `\u001b`, as in a JSON text.
    Json,
    /// As [`Escapes::Rust`], but colours stay: the code that writes an event has escaped those of others.
    RustWithColours,
}

/// The line, with its end, for those who read it later, whatever code has written it, and at whatever level. At the level trace some
/// libraries say every byte that comes.
pub(super) fn escape_line(line: &[u8], escapes: Escapes) -> Cow<'_, [u8]> {
    let line = redact_keys(line);
    // Most have nothing to escape, and need no second look.
    let body = line.strip_suffix(b"\n").unwrap_or(&line);
    if body.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        return line;
    }
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        let colour = if escapes == Escapes::RustWithColours { colour_length(rest) } else { 0 };
        if colour > 0 {
            out.push_str(&rest[..colour]);
            rest = &rest[colour..];
            continue;
        }
        match (is_invisible(c), escapes) {
            (false, _) => out.push(c),
            (true, Escapes::Json) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            (true, _) => out.extend(c.escape_default()),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('\n');
    Cow::Owned(out.into_bytes())
}

/// Bytes of the change of colour that the text begins with.
fn colour_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    if rest[digits..].starts_with('m') { digits + 3 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str, escapes: Escapes) -> String {
        String::from_utf8(escape_line(line.as_bytes(), escapes).into_owned()).unwrap()
    }

    #[test]
    fn whatever_is_in_an_event_it_is_one_line() {
        for (line, plain, json) in [
            ("a plain one\n", "a plain one\n", "a plain one\n"),
            ("Küche 厨房\n", "Küche 厨房\n", "Küche 厨房\n"),
            ("a\r\nWARN forged\n", "a\\r\\nWARN forged\n", "a\\u000d\\u000aWARN forged\n"),
            ("\u{1b}[31m\u{202e}\n", "\\u{1b}[31m\\u{202e}\n", "\\u001b[31m\\u202e\n"),
        ] {
            assert_eq!(text(line, Escapes::Rust), plain);
            assert_eq!(text(line, Escapes::Json), json);
        }
    }

    #[test]
    fn on_a_terminal_colours_stay_and_nothing_else_that_a_terminal_obeys() {
        assert_eq!(
            text(
                "\u{1b}[2m10:00\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \u{1b}]0;title\u{7}\u{1b}[2J\n",
                Escapes::RustWithColours
            ),
            "\u{1b}[2m10:00\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \\u{1b}]0;title\\u{7}\\u{1b}[2J\n"
        );
    }

    #[test]
    fn no_key_is_in_a_line() {
        let key = "sw_1a2b3c4d_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
        assert!(!text(&format!("came: {key}\n"), Escapes::Rust).contains("0123456789abcdef"));
    }
}
