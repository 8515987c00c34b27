//! What Redis is asked: each a script that nothing comes between, over the same keys.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redis::{Script, Value};

use super::heard::{self, Heard};
use crate::entry::Token;
use crate::store::{Beat, Claimed, Kept, Refusal, Shared, Snapshot, StoreError, StoreTime};

/// In which way this version uses Redis, and what processes ask each other. Those of another one are kept apart, and never get to
/// ask each other anything.
const FORMAT: u32 = 1;
/// Taken from one answer at most.
pub(super) const MAX_PROCESSES: usize = 1000;
pub(super) const MAX_STREAMS: usize = 10_000;
const MAX_EPOCH_BYTES: usize = 64;
/// Longest foreign text that is shown.
const MAX_WORD: usize = 256;
/// All numbers are whole up to here in floating point, of which Redis's scores and Lua's numbers are.
const MAX_TIME: f64 = 9_007_199_254_740_992.0;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("prelude.lua"), include_str!($name)))
    };
}

/// All of them, and the keys that each gets.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) beat: Script,
    pub(super) claim: Script,
    pub(super) keep: Script,
    pub(super) release: Script,
    pub(super) leave: Script,
    pub(super) read: Script,
    pub(super) rights: Script,
    pub(super) set_rights: Script,
    pub(super) keys: Keys,
}

/// The names of everything that we keep. What is in braces is the same in all, so that all are in one place.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) prefix: Arc<str>,
    pub(super) all: [String; 6],
}

impl Keys {
    pub(super) fn with_prefix(prefix: &str) -> Self {
        let key = |name: &str| format!("{{{prefix}}}:{name}");
        let all = ["meta", "count", "processes", "until", "streams", "rights"].map(key);
        Self { prefix: key("").into(), all }
    }

    /// By which changes are told.
    pub(super) fn channel(&self) -> Arc<str> {
        self.all[0].as_str().into()
    }
}

impl Scripts {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            beat: script!("beat.lua"),
            claim: script!("claim.lua"),
            keep: script!("keep.lua"),
            release: script!("release.lua"),
            leave: script!("leave.lua"),
            read: script!("read.lua"),
            rights: script!("rights.lua"),
            set_rights: script!("set_rights.lua"),
            keys,
        }
    }
}

pub(super) fn format_version() -> String {
    FORMAT.to_string()
}

pub(super) fn format_ms(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// What a script has answered; `None` where it is not an answer of ours.
pub(super) type Answer<T> = Option<Result<T, StoreError>>;

/// The first word of an answer, and what follows.
pub(super) fn split_answer(answer: &[Value]) -> Option<(&str, &[Value])> {
    let (word, more) = answer.split_first()?;
    Some((heard::value_text(word)?, more))
}

/// Of a script that has nothing to tell but that it is done.
pub(super) fn read_done(answer: &[Value]) -> Answer<()> {
    (split_answer(answer)?.0 == "ok").then_some(Ok(()))
}

/// Of a heartbeat of the process `name`.
pub(super) fn read_beat(answer: &[Value], name: &Arc<str>, keys: &Keys, heard: &Heard) -> Answer<Beat> {
    let refused = match split_answer(answer)? {
        ("ok", [at, epoch, version, lapsed, latest, rights, streams]) => {
            let (at, epoch, version) = (read_number(at)?, epoch_of(epoch)?, read_number(version)?);
            let (heard, rights) = (read_times(latest, heard)?, read_number(rights)?);
            let (streams, lapsed) = (read_number(streams)? as usize, read_number(lapsed)? == 1);
            return Some(Ok(Beat { at, epoch, version, streams, lapsed, heard, rights }));
        }
        ("type", [key, is, want]) => {
            let want = ["hash", "zset", "string"]
                .into_iter()
                .find(|known| heard::value_text(want) == Some(known))?;
            let key = keys.all.iter().find(|known| heard::value_text(key) == Some(known))?;
            Refusal::Type { key: key.as_str().into(), is: read_word(is)?, want }
        }
        ("foreign", []) => Refusal::Foreign { prefix: keys.prefix.clone() },
        ("format", [theirs]) => Refusal::Format { ours: FORMAT, theirs: read_word(theirs)? },
        ("secret", []) => Refusal::Secret,
        ("replaced", [url]) => Refusal::Replaced { name: name.clone(), url: read_word(url)? },
        ("name", [url]) => Refusal::Name { name: name.clone(), url: read_word(url)? },
        _ => return None,
    };
    Some(Err(refused.into()))
}

pub(super) fn read_claimed(answer: &[Value]) -> Answer<Claimed> {
    Some(Ok(match split_answer(answer)? {
        ("ok", [token]) => Claimed::Granted(token_of(token)?),
        ("held", [token, process, last]) => {
            let (token, heard) = (token_of(token)?, read_time(last)?);
            Claimed::Held { token, process: heard::parse_process_name(heard::value_text(process)?)?, heard }
        }
        ("unknown", []) => return Some(Err(StoreError::Unknown)),
        _ => return None,
    }))
}

pub(super) fn read_kept(answer: &[Value]) -> Answer<Kept> {
    Some(Ok(match split_answer(answer)? {
        ("ok", []) => Kept::Kept,
        ("lost", [token]) => Kept::Lost(token_of(token)?),
        ("unknown", []) => return Some(Err(StoreError::Unknown)),
        _ => return None,
    }))
}

pub(super) fn read_snapshot(answer: &[Value], heard: &Heard) -> Answer<Snapshot> {
    let ("ok", [at, epoch, version, processes, latest, streams]) = split_answer(answer)? else { return None };
    let until: HashMap<Arc<str>, StoreTime> = read_times(latest, heard)?.into_iter().collect();
    let known = read_pairs(processes, MAX_PROCESSES, heard, |name, value| {
        let record = heard::parse_record(name, heard::value_text(value)?)?;
        let until = until.get(&record.name).copied().unwrap_or_default();
        Some((record.name.clone(), (record, until)))
    })?;
    let leases = read_pairs(streams, MAX_STREAMS, heard, |name, value| {
        Some((heard::parse_stream_name(name)?, heard::parse_lease(heard::value_text(value)?)?))
    })?;
    Some(Ok(Snapshot {
        at: read_number(at)?,
        epoch: epoch_of(epoch)?,
        version: read_number(version)?,
        processes: known.into_values().collect(),
        streams: leases.into_iter().collect(),
    }))
}

/// Of the keys and users in common. What is not ours has no version, and nothing in it.
pub(super) fn read_rights(answer: &[Value]) -> Answer<Option<Shared>> {
    Some(Ok(match split_answer(answer)? {
        ("none", []) => None,
        ("ok", [version, value]) => {
            let value = heard::value_text(value).unwrap_or_default().into();
            Some(Shared { version: read_number(version).unwrap_or_default(), value })
        }
        _ => return None,
    }))
}

/// Whether those before were as was said.
pub(super) fn were_set(answer: &[Value]) -> Answer<bool> {
    let ("ok", [were]) = split_answer(answer)? else { return None };
    Some(Ok(read_number(were)? == 1))
}

/// Until when the heartbeats of processes count, by name.
fn read_times(latest: &Value, heard: &Heard) -> Option<Vec<(Arc<str>, StoreTime)>> {
    let times = read_pairs(latest, MAX_PROCESSES, heard, |name, at| {
        Some((heard::parse_process_name(name)?, read_time(at)?))
    })?;
    Some(times.into_iter().collect())
}

/// What a list of keys and values has, by key and each once; what cannot be read is passed over.
fn read_pairs<T>(
    list: &Value,
    most: usize,
    heard: &Heard,
    read: impl Fn(&str, &Value) -> Option<(Arc<str>, T)>,
) -> Option<BTreeMap<Arc<str>, T>> {
    let Value::Array(list) = list else { return None };
    let mut all = BTreeMap::new();
    for pair in list.chunks_exact(2).take(most) {
        match heard::value_text(&pair[0]).and_then(|key| read(key, &pair[1])) {
            Some((key, value)) => drop(all.insert(key, value)),
            None => heard.warn_once("an entry"),
        }
    }
    Some(all)
}

/// A number that Lua or Redis counts.
pub(super) fn read_number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        value => heard::parse_number(heard::value_text(value)?),
    }
}

/// A moment, which Redis keeps as a score.
pub(super) fn read_time(value: &Value) -> Option<StoreTime> {
    let score: f64 = heard::value_text(value)?.parse().ok()?;
    Some(score.clamp(0.0, MAX_TIME) as StoreTime)
}

fn token_of(value: &Value) -> Option<Token> {
    heard::parse_number(heard::value_text(value)?).map(Token::from)
}

/// Which life of Redis; nothing before the first heartbeat.
fn epoch_of(value: &Value) -> Option<Arc<str>> {
    let epoch = heard::value_text(value)?;
    let is_one = epoch.len() <= MAX_EPOCH_BYTES && epoch.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then(|| epoch.into())
}

/// What is shown to people as it is, so much of it as may be.
fn read_word(value: &Value) -> Option<Arc<str>> {
    let word = heard::value_text(value)?;
    Some(word.chars().filter(|char| !char.is_control()).take(MAX_WORD).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn list(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| text(word)).collect())
    }

    fn read(processes: &[&str], latest: &[&str], streams: &[&str]) -> Snapshot {
        let (at, version) = (Value::Int(1000), text("7"));
        let answer = [text("ok"), at, text("first"), version, list(processes), list(latest), list(streams)];
        read_snapshot(&answer, &Heard::new("{p}:meta".into())).unwrap().unwrap()
    }

    #[test]
    fn what_cannot_be_read_of_a_snapshot_is_passed_over_and_the_rest_is_there() {
        let snapshot = read(
            &["a", "0000000000000001 http://a {}", "b", "broken", "c/d", "0000000000000002 http://c {}"],
            &["a", "1234.5", "b", "inf", "c", "nobody's time"],
            &["ward", "5 0000000000000001/a {}", "ward 2", "5", "", "5 0000000000000001/a {}"],
        );
        assert_eq!((snapshot.at, snapshot.version), (1000, 7));
        let [(record, until)] = &*snapshot.processes else { panic!("{:?}", snapshot.processes) };
        assert_eq!((&*record.name, *until), ("a", 1234));
        assert_eq!(snapshot.streams, [("ward".into(), "5 0000000000000001/a {}".into())]);
    }

    #[test]
    fn no_more_is_taken_than_fits() {
        let names: Vec<String> = (0..=MAX_STREAMS).map(|number| format!("s{number}")).collect();
        let streams: Vec<&str> = names.iter().flat_map(|name| [name, "5 0000000000000001/a {}"]).collect();
        assert_eq!(read(&[], &[], &streams).streams.len(), MAX_STREAMS);
    }

    #[test]
    fn a_time_without_bounds_is_the_last_one() {
        assert_eq!(read_time(&text("inf")), Some(1 << 53));
        assert_eq!(read_time(&text("-3")), Some(0));
    }
}
