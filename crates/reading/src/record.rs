//! Results as lines of a file, one for each file that was read, in whatever order they ended: `{"i":N,"d":DOCUMENT}`, or
//! `{"i":N,"error":"…"}`. `N` is the number of the file in a list that stands elsewhere, from 0. A later line for the same
//! number replaces the one before.
//!
//! The writer may be killed in the middle of a line. A line counts as soon as its line end is there, so such a file is
//! gone on with from [`Replayed::whole_bytes`].

use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _};
use std::ops::Range;

use serde::Deserialize;

use crate::output::{Document, Stored};

/// Longest line, in bytes, its end included. A longer one is not to be written, and is passed over.
pub const MAX_LINE_BYTES: usize = 512 << 20;

/// What came of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Number of the file, from 0.
    pub index: usize,
    /// What it says, or why that is not known.
    pub outcome: Result<Document, String>,
}

/// Why a line is not a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not the JSON that it should be.
    #[error("it is no result of a file: {0}")]
    Broken(#[from] serde_json::Error),
    /// Both a document and an error, or neither.
    #[error("the result of file {0} has to have either \"d\" or \"error\"")]
    Ambiguous(usize),
}

/// What was found in a file of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Where the last whole line ends, in bytes from where reading began. What follows is the beginning of a line.
    pub whole_bytes: u64,
    /// Records.
    pub records: u64,
    /// Whole lines that are none.
    pub broken: u64,
}

#[derive(Deserialize)]
struct Line {
    i: usize,
    d: Option<Stored>,
    error: Option<String>,
}

/// The line of a file that was read, with its line end.
pub fn read_line(index: usize, document: &Document) -> String {
    let mut line = String::new();
    // A string takes whatever is written.
    let _ = writeln!(line, "{{\"i\":{index},\"d\":{}}}", document.to_stored());
    line
}

/// The line of a file that could not be read, with its line end.
pub fn failed_line(index: usize, reason: &str) -> String {
    format!("{{\"i\":{index},\"error\":{}}}\n", serde_json::Value::from(reason))
}

/// What a line says, with or without its line end. Confidences have four decimals then.
pub fn parse_record(line: &[u8]) -> Result<Record, RecordError> {
    let Line { i: index, d, error } = serde_json::from_slice(line)?;
    let outcome = match (d, error) {
        (Some(stored), None) => Ok(Document::try_from(stored)?),
        (None, Some(reason)) => Err(reason),
        (Some(_), Some(_)) | (None, None) => return Err(RecordError::Ambiguous(index)),
    };
    Ok(Record { index, outcome })
}

/// Goes through all whole lines from the first to the last, and says of each record where its line stands, without the line
/// end; blocks. Whole lines that are not records are passed over: of a file on a broken disk the rest is still good.
pub fn replay_records(
    mut file: impl BufRead,
    mut each: impl FnMut(Record, Range<u64>),
) -> io::Result<Replayed> {
    let (mut found, mut line) = (Replayed::default(), Vec::new());
    loop {
        line.clear();
        let mut bytes = (&mut file).take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)? as u64;
        let mut is_long = false;
        if bytes == MAX_LINE_BYTES as u64 && line.last() != Some(&b'\n') {
            is_long = true;
            line = Vec::new();
            match skip_line(&mut file)? {
                Some(more) => bytes += more,
                None => return Ok(found),
            }
        } else if line.pop() != Some(b'\n') {
            return Ok(found);
        }
        let begin = found.whole_bytes;
        found.whole_bytes += bytes;
        match parse_record(&line) {
            Ok(record) if !is_long => {
                found.records += 1;
                each(record, begin..found.whole_bytes - 1);
            }
            _ => found.broken += 1,
        }
    }
}

/// Goes through all whole lines, and says of which file each is and whether it is of one that could not be read, without a look at
/// the rest of it; blocks.
pub fn scan_outlines(mut file: impl BufRead, mut each: impl FnMut(usize, bool)) -> io::Result<()> {
    const HEAD: &[u8] = b"{\"i\":";
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut file).take(64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && skip_line(&mut file)?.is_none() {
            return Ok(());
        }
        let Some(rest) = line.strip_prefix(HEAD) else { continue };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let index = std::str::from_utf8(&rest[..digits]).ok().and_then(|digits| digits.parse().ok());
        if let Some(index) = index {
            each(index, rest[digits..].starts_with(b",\"error\":"));
        }
    }
}

/// How many bytes the rest of the line has, its end included; `None` if it does not end.
fn skip_line(file: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut skipped = 0;
    loop {
        let there = file.fill_buf()?;
        if there.is_empty() {
            return Ok(None);
        }
        let end = there.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(there.len(), |end| end + 1);
        file.consume(count);
        skipped += count as u64;
        if end.is_some() {
            return Ok(Some(skipped));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sightwire_ocr::{Region, Word};

    use super::*;
    use crate::output::Page;

    fn document(name: &str, texts: &[String]) -> Document {
        let region = |(row, text): (u32, &String)| Region {
            polygon: [[0.1, 0.2], [0.3, 0.2], [0.3, 0.4], [0.1, 0.4]],
            text: text.clone(),
            confidence: 0.5,
            characters: vec![0.25; text.chars().count()],
            words: vec![Word { begin: 0, end: text.len() as u32, from: 0.0, to: 1.0 }],
            row,
            ..Region::default()
        };
        let page = Page { width: 8, height: 4, ..Page::default() };
        let page = Page { regions: (0..).zip(texts).map(region).collect(), ..page };
        Document { file: Some(name.to_owned()), pages: vec![page], ..Document::default() }
    }

    fn line_of(record: &Record) -> String {
        match &record.outcome {
            Ok(document) => read_line(record.index, document),
            Err(reason) => failed_line(record.index, reason),
        }
    }

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let outcome = prop_oneof![
            (any::<String>(), prop::collection::vec(any::<String>(), 0..4))
                .prop_map(|(name, texts)| Ok(document(&name, &texts))),
            any::<String>().prop_map(Err),
        ];
        let record = (0..100_usize, outcome).prop_map(|(index, outcome)| Record { index, outcome });
        prop::collection::vec(record, 0..8)
    }

    fn replayed(bytes: &[u8]) -> (Replayed, Vec<Record>) {
        let mut records = Vec::new();
        let found = replay_records(bytes, |record, place| {
            let line = &bytes[place.start as usize..place.end as usize];
            assert_eq!(parse_record(line).unwrap(), record, "it is found again where it is said to be");
            records.push(record);
        });
        (found.unwrap(), records)
    }

    proptest! {
        #[test]
        fn any_prefix_of_a_file_is_replayed_as_exactly_its_whole_lines(records in records(), cut: prop::sample::Index) {
            let lines: Vec<String> = records.iter().map(line_of).collect();
            let all = lines.concat().into_bytes();
            let prefix = &all[..cut.index(all.len() + 1)];
            let mut whole = 0;
            let mut whole_bytes = 0;
            while lines.get(whole).is_some_and(|line| whole_bytes + line.len() <= prefix.len()) {
                whole_bytes += lines[whole].len();
                whole += 1;
            }
            let (found, heard) = replayed(prefix);
            prop_assert_eq!(&heard[..], &records[..whole]);
            let expected = Replayed { whole_bytes: whole_bytes as u64, records: whole as u64, broken: 0 };
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn nothing_that_stands_in_a_file_is_too_much(bytes: Vec<u8>) {
            let _ = replay_records(&bytes[..], |_, _| ());
        }
    }

    #[test]
    fn lines_that_are_no_records_are_passed_over() {
        let good = failed_line(3, "broken");
        let text = format!(
            "{good}\0\0\0{good}{{\"i\":1}}\n\n{{\"i\":1,\"error\":\"a\",\"d\":null}}\n{{\"i\":-1,\"error\":\"\"}}\n{good}x"
        );
        let (found, records) = replayed(text.as_bytes());
        assert_eq!(records.iter().map(|record| record.index).collect::<Vec<_>>(), [3, 1, 3]);
        let expected = Replayed { whole_bytes: text.len() as u64 - 1, records: 3, broken: 4 };
        assert_eq!(found, expected);
        let both = format!("{{\"i\":7,\"error\":\"x\",\"d\":{}}}", document("a", &[]).to_stored());
        assert!(matches!(parse_record(both.as_bytes()), Err(RecordError::Ambiguous(7))));
        assert!(
            parse_record(b"{\"i\":1,\"d\":[{},[]]}").unwrap_err().to_string().contains("no result of a file")
        );
    }

    #[test]
    fn outlines_say_of_whom_a_line_is_and_whether_it_failed() {
        let long = document("a.png", &["long ".repeat(50)]);
        let text = [
            failed_line(3, "x"),
            read_line(12, &long),
            "{\"i\":x}\n".into(),
            failed_line(4, &"y".repeat(99)),
        ];
        let text = text.concat()
            + "{\"i\":9,\"error\":\"torn, and longer than what is looked at of a line: nobody knows";
        let mut heard = Vec::new();
        scan_outlines(text.as_bytes(), |index, failed| heard.push((index, failed))).unwrap();
        assert_eq!(heard, [(3, true), (12, false), (4, true)]);
    }

    #[test]
    fn a_line_has_one_form() {
        assert_eq!(failed_line(3, "a \"b\"\n"), "{\"i\":3,\"error\":\"a \\\"b\\\"\\n\"}\n");
        let line = read_line(7, &document("a.png", &["Hello".to_owned()]));
        assert!(
            line.starts_with("{\"i\":7,\"d\":[{\"file\":\"a.png\"") && line.ends_with("]]]}\n"),
            "{line}"
        );
        assert_eq!(line.matches('\n').count(), 1);
    }
}
