//! What is read from Redis, where others may write as well: all of it is bounded, and what cannot be ours is passed over.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::{PushInfo, PushKind, Value};
use tokio::sync::broadcast;
use tracing::warn;

use crate::process::Record;
use crate::store::{Change, Changed};

/// Changes that a slow reader may be behind.
const CHANGES: usize = 256;
const MAX_PROCESS_BYTES: usize = 64;
const MAX_STREAM_BYTES: usize = 512;
const MAX_URL_BYTES: usize = 256;
const MAX_ABOUT_BYTES: usize = 4096;
/// Of a key and its value together, with some room for what stands before the JSON.
pub(super) const MAX_ENTRY_BYTES: usize = MAX_STREAM_BYTES + MAX_URL_BYTES + MAX_ABOUT_BYTES;
/// Tokens are below 2^53.
const TOKEN_DIGITS: RangeInclusive<usize> = 1..=16;

/// Tells of changes as they come, and once of what cannot be read.
#[derive(Debug)]
pub(super) struct Heard {
    channel: Arc<str>,
    changes: broadcast::Sender<Change>,
    warned: AtomicBool,
}

impl Heard {
    pub(super) fn new(channel: Arc<str>) -> Self {
        Self { channel, changes: broadcast::Sender::new(CHANGES), warned: AtomicBool::new(false) }
    }

    pub(super) fn subscribe_changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Takes what Redis sends unasked. Never waits: it is called by what reads from the connection.
    pub(super) fn take_push(&self, push: &PushInfo) {
        let [channel, message] = &*push.data else { return };
        if push.kind != PushKind::Message || value_text(channel) != Some(&self.channel) {
            return;
        }
        match value_text(message).and_then(parse_change) {
            // Nobody may be listening.
            Some(change) => drop(self.changes.send(change)),
            None => self.warn_once("a message"),
        }
    }

    /// Says once that something there is not ours. What it is stays unsaid: it may be anything.
    pub(super) fn warn_once(&self, what: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn!(
                "{what} in Redis ({}…) is not as Sightwire writes it, and is passed over; something else writes there",
                self.channel
            );
        }
    }
}

/// A published change: version, kind, key and value, each on a line of its own.
fn parse_change(message: &str) -> Option<Change> {
    let mut lines = message.splitn(4, '\n');
    let mut line = || lines.next();
    let (version, kind, key, value) = (parse_number(line()?)?, line()?, line()?, line()?);
    let what = match (kind, value) {
        ("stream", "") => Changed::Stream(parse_stream_name(key)?, None),
        ("stream", value) => Changed::Stream(parse_stream_name(key)?, Some(parse_lease(value)?)),
        ("rights", version) => Changed::Rights(parse_number(version).filter(|_| key.is_empty())?),
        ("process", "") => Changed::Process(parse_process_name(key)?, None),
        ("process", value) => Changed::Process(parse_process_name(key)?, Some(parse_record(key, value)?)),
        _ => return None,
    };
    Some(Change { version, what })
}

pub(super) fn value_text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::Okay => Some("OK"),
        _ => None,
    }
}

/// Digits alone.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The name of a stream.
pub(super) fn parse_stream_name(name: &str) -> Option<Arc<str>> {
    let is_one = !name.is_empty() && name.len() <= MAX_STREAM_BYTES && !name.chars().any(char::is_control);
    is_one.then(|| name.into())
}

/// The name of a process.
pub(super) fn parse_process_name(name: &str) -> Option<Arc<str>> {
    let is_one = (1..=MAX_PROCESS_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    is_one.then(|| name.into())
}

/// Which lease a stream has: a token, whose it is, and JSON; as it is kept.
pub(super) fn parse_lease(value: &str) -> Option<Arc<str>> {
    let mut parts = value.splitn(3, ' ');
    let (token, place, about) = (parts.next()?, parts.next()?, parts.next()?);
    let (instance, name) = place.split_once('/')?;
    parse_number(token).filter(|_| TOKEN_DIGITS.contains(&token.len()))?;
    parse_process_name(name).filter(|_| instance.parse::<crate::process::Instance>().is_ok())?;
    is_object(about).then(|| value.into())
}

/// What is kept of a process: an instance, a URL, and JSON.
pub(super) fn parse_record(name: &str, value: &str) -> Option<Record> {
    let mut parts = value.splitn(3, ' ');
    let (instance, url, about) = (parts.next()?, parts.next()?, parts.next()?);
    let (name, instance, url) = (parse_process_name(name)?, instance.parse().ok()?, parse_url(url)?);
    is_object(about).then(|| Record { name, instance, url, about: about.into() })
}

pub(super) fn parse_url(url: &str) -> Option<Arc<str>> {
    let is_one = url.len() <= MAX_URL_BYTES
        && (url.starts_with("http://") || url.starts_with("https://"))
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then(|| url.into())
}

/// Whether it may be one line of JSON with one object; code that needs what is in it reads it.
fn is_object(about: &str) -> bool {
    about.len() <= MAX_ABOUT_BYTES
        && about.starts_with('{')
        && about.ends_with('}')
        && !about.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(channel: &str, message: &[u8]) -> PushInfo {
        let value = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
        PushInfo { kind: PushKind::Message, data: vec![value(channel.as_bytes()), value(message)] }
    }

    fn heard(messages: &[&[u8]]) -> Vec<Change> {
        let heard = Heard::new("{p}:meta".into());
        let mut changes = heard.subscribe_changes();
        for message in messages {
            heard.take_push(&push("{p}:meta", message));
        }
        std::iter::from_fn(|| changes.try_recv().ok()).collect()
    }

    #[test]
    fn what_is_published_is_heard() {
        let value = "1700000000000001 0000000000000abc/a.example:8000 {\"m\":\"normal\"}";
        let messages = [
            format!("7\nstream\nward 3\n{value}"),
            "8\nstream\nward 3\n".to_owned(),
            "9\nprocess\na\n0000000000000abc http://a:8000 {}".to_owned(),
            "10\nprocess\na\n".to_owned(),
        ];
        let record = Record {
            name: "a".into(),
            instance: 0xabc.into(),
            url: "http://a:8000".into(),
            about: "{}".into(),
        };
        let expected = [
            Changed::Stream("ward 3".into(), Some(value.into())),
            Changed::Stream("ward 3".into(), None),
            Changed::Process("a".into(), Some(record)),
            Changed::Process("a".into(), None),
        ];
        let expected: Vec<Change> =
            expected.into_iter().zip(7..).map(|(what, version)| Change { version, what }).collect();
        let messages: Vec<&[u8]> = messages.iter().map(String::as_bytes).collect();
        assert_eq!(heard(&messages), expected);
    }

    #[test]
    fn what_nobody_of_us_writes_is_passed_over() {
        let long = format!("1\nstream\n{}\n", "s".repeat(MAX_STREAM_BYTES + 1));
        let much = format!("1\nstream\ns\n5 0000000000000abc/a {{{}}}", " ".repeat(MAX_ABOUT_BYTES));
        for message in [
            "",
            "1",
            "1\nstream\ns",
            "x\nstream\ns\n",
            "+1\nstream\ns\n",
            "99999999999999999999\nstream\ns\n",
            "1\nother\ns\n",
            "1\nstream\n\n",
            "1\nstream\ntab\there\n",
            "1\nstream\ns\n5 0000000000000abc/a [1]",
            "1\nstream\ns\n5 0000000000000abc/a {\n}",
            "1\nstream\ns\n5 abc/a {}",
            "1\nstream\ns\n5 0000000000000abc/a b {}",
            "1\nstream\ns\n00000000000000005 0000000000000abc/a {}",
            "1\nprocess\na/b\n",
            "1\nprocess\na\n0000000000000abc ftp://a {}",
            "1\nprocess\na\n0000000000000abc http://a\u{e9} {}",
            &long,
            &much,
        ] {
            assert_eq!(heard(&[message.as_bytes()]), [], "{message:?}");
        }
        assert_eq!(heard(&[b"1\nstream\n\xff\n"]), []);
    }

    #[test]
    fn what_comes_by_another_channel_is_not_ours() {
        let heard = Heard::new("{p}:meta".into());
        let mut changes = heard.subscribe_changes();
        heard.take_push(&push("{q}:meta", b"1\nstream\ns\n"));
        heard.take_push(&PushInfo { kind: PushKind::Disconnection, data: vec![] });
        assert!(changes.try_recv().is_err());
    }
}
