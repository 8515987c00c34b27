//! A row for each line, for spreadsheets: RFC 4180, UTF-8.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and the words of a stranger's picture must
//! not become one. Such a cell gets an apostrophe before it, which spreadsheets take for "this is text"; plain
//! numbers such as `-12.50` stay as they are. Programs that need the words to the letter take JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Document, four_decimals};

/// The first row, with the names of the columns.
pub(super) const HEADER: &str = "file,page,line,text,confidence,x1,y1,x2,y2,x3,y3,x4,y4\r\n";

pub(super) fn write_csv(document: &Document) -> String {
    let mut out = String::new();
    let file = quote_cell(document.file.as_deref().unwrap_or_default());
    for (page, regions) in document.pages.iter().map(|page| &page.regions).enumerate() {
        for (line, region) in regions.iter().enumerate() {
            let (page, line, text) = (page + 1, line + 1, quote_cell(&region.text));
            let confidence = four_decimals(region.confidence);
            let _ = write!(out, "{file},{page},{line},{text},{confidence}");
            for coordinate in region.polygon.as_flattened() {
                let _ = write!(out, ",{coordinate}");
            }
            out.push_str("\r\n");
        }
    }
    out
}

/// A cell with words: quoted, so that programs that read the file take it for text.
fn quote_cell(text: &str) -> String {
    format!("\"{}\"", escape_formula(text).replace('"', "\"\""))
}

/// Also the wide forms, which some spreadsheets take for the plain ones.
pub(super) fn escape_formula(text: &str) -> Cow<'_, str> {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(FORMULA) && !is_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A sign and digits with points or commas in them, nothing else.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_become_a_formula() {
        for text in ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "-"] {
            assert_eq!(escape_formula(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "a=1", "-12.50", "+1,000", "7", "Total: =3", "'quoted'"] {
            assert_eq!(escape_formula(text), text);
        }
    }

    #[test]
    fn a_cell_may_hold_anything() {
        assert_eq!(quote_cell("plain"), "\"plain\"");
        assert_eq!(quote_cell("a,\"b\"\r\nc"), "\"a,\"\"b\"\"\r\nc\"");
    }
}
