//! What is told, and without which secrets.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Serialize;
use sightwire_access::key::redact_keys;
use sightwire_base::lines;

use crate::print::{PrintError, Printer, format_count, out};

/// Rises when a program that reads the JSON would have to change.
const FORMAT: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What it is; the ids stand in docs/operations.md.
    id: &'static str,
    /// Which of several: a key of the configuration, a model, a camera.
    about: Option<String>,
    state: State,
    says: String,
    cure: Option<String>,
}

impl Check {
    pub(super) fn ok(id: &'static str, says: impl Into<String>) -> Self {
        Self { id, about: None, state: State::Ok, says: says.into(), cure: None }
    }

    pub(super) fn warn(id: &'static str, says: impl Into<String>) -> Self {
        Self { state: State::Warn, ..Self::ok(id, says) }
    }

    pub(super) fn fail(id: &'static str, says: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::ok(id, says) }
    }

    pub(super) fn about(self, which: impl Into<String>) -> Self {
        Self { about: Some(which.into()), ..self }
    }

    pub(super) fn cure(self, what: impl Into<String>) -> Self {
        Self { cure: Some(what.into()), ..self }
    }

    /// Nothing in it comes from here unless it went through this.
    fn without_secrets(self) -> Self {
        Self {
            about: self.about.as_deref().map(without_secrets),
            says: without_secrets(&self.says),
            cure: self.cure.as_deref().map(without_secrets),
            ..self
        }
    }
}

/// On one line, without names and passwords of addresses, what follows `?` in them, secrets of the configuration, keys and
/// tokens.
fn without_secrets(text: &str) -> String {
    let text = without_queries(text);
    let text = sightwire_server::config::redact_secrets(&text);
    let text = String::from_utf8_lossy(&redact_keys(text.as_bytes())).into_owned();
    lines::short_sentence(&text).to_string()
}

/// What follows `?` within a word and sets something.
fn without_queries(text: &str) -> Cow<'_, str> {
    if !text.contains('?') {
        return Cow::Borrowed(text);
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let words = text.split_inclusive(ends).map(|word| {
        let end = word.trim_end_matches(ends).len();
        match word.split_once('?') {
            Some((before, query)) if query.contains('=') => format!("{before}?…{}", &word[end..]),
            _ => word.to_owned(),
        }
    });
    Cow::Owned(words.collect())
}

/// Tells of each check as soon as it was made, so that whatever ends the program is seen by where it ended; or all at the end,
/// as JSON.
#[derive(Debug)]
pub(super) struct Reporter<'a> {
    printer: &'a Printer,
    json: bool,
    checks: Vec<Check>,
}

/// All of it, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    version: &'static str,
    at: String,
    /// The worst of the checks.
    state: State,
    checks: &'a [Check],
}

impl<'a> Reporter<'a> {
    pub(super) fn new(printer: &'a Printer, json: bool) -> Self {
        Self { printer, json, checks: Vec::new() }
    }

    pub(super) fn tell_all(&mut self, checks: impl IntoIterator<Item = Check>) -> Result<(), PrintError> {
        for check in checks {
            let check = check.without_secrets();
            if !self.json {
                self.show(&check)?;
            }
            self.checks.push(check);
        }
        Ok(())
    }

    fn show(&self, Check { id, about, state, says, cure }: &Check) -> Result<(), PrintError> {
        let state = match state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        let about = about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
        out!(self.printer, "{state}  {id}{about}: {says}")?;
        cure.iter().try_for_each(|cure| out!(self.printer, "      -> {cure}"))
    }

    fn count(&self, state: State) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }

    /// Prints what is left to print. How many checks failed.
    pub(super) fn end(self) -> Result<usize, PrintError> {
        let (warned, failed) = (self.count(State::Warn), self.count(State::Fail));
        if self.json {
            let report = Report {
                format: FORMAT,
                version: env!("CARGO_PKG_VERSION"),
                at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
                state: self.checks.iter().map(|check| check.state).max().unwrap_or(State::Ok),
                checks: &self.checks,
            };
            let text =
                serde_json::to_string_pretty(&report).map_err(|error| PrintError::Failed(error.into()))?;
            out!(self.printer, "{text}")?;
        } else if (warned, failed) == (0, 0) {
            out!(self.printer, "all is well")?;
        } else {
            out!(self.printer, "{}, {}", format_count(failed, "failure"), format_count(warned, "warning"))?;
        }
        Ok(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told_wherever_it_stands() {
        for (text, shown) in [
            ("http://me:pass@10.0.0.5/x?key=abc is late", "http://***:***@10.0.0.5/x?… is late"),
            ("\"https://a.example/keys?token=abc\", and more", "\"https://a.example/keys?…\", and more"),
            ("GET /stream?key=abc", "GET /stream?…"),
            ("is it switched on? a = 1", "is it switched on? a = 1"),
            ("jwt_secret = abc", "jwt_secret = ***"),
            ("two\nlines\u{1b}[2J", "two\\nlines\\u{1b}[2J"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
        let key = sightwire_access::key::Key::generate().unwrap();
        let shown = without_secrets(&format!("the file {}", key.reveal()));
        assert!(!shown.contains(&key.reveal()[12..]), "{shown}");
    }
}
