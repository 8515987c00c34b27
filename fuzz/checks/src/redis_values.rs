use redis::{PushInfo, PushKind, Value, parse_redis_value};
use sightwire_cluster::entry::Entry;
use sightwire_cluster::queue::{HeldChunk, JobId, MAX_ABOUT_BYTES, MAX_WORKERS};
use sightwire_cluster::store::{Change, Changed};

#[path = "../../../crates/cluster/src/redis/heard.rs"]
#[allow(dead_code, reason = "what is sent to Redis is left out")]
mod heard;
#[path = "../../../crates/cluster/src/redis/queue/answers.rs"]
mod answers;
#[path = "../../../crates/cluster/src/redis/scripts.rs"]
#[allow(dead_code, reason = "what is sent to Redis is left out")]
mod scripts;

use heard::Heard;
use scripts::Keys;

const CHANNEL: &str = "{p}:meta";
/// Later than every time and every token.
const BEYOND: u64 = 1 << 53;

/// What stands in Redis, where others may write as well: changes as they are published, and answers in Redis's own protocol. What is
/// taken is bounded, and means the same when it is written again.
pub fn redis_values(data: &[u8]) {
    if let Some(change) = published_change(data) {
        assert_eq!(published_change(format_change(&change).as_bytes()), Some(change.clone()));
        if let Changed::Stream(name, Some(value)) = &change.what
            && let Ok(entry) = Entry::parse_value(name, value)
        {
            assert!(u64::from(entry.token) < 10 * BEYOND);
            assert_eq!(Entry::parse_value(name, &entry.to_value()), Ok(entry));
        }
    }
    let Ok(Value::Array(answer)) = parse_redis_value(data) else { return };
    check_answer(&answer);
}

/// What is published in that message.
fn published_change(message: &[u8]) -> Option<Change> {
    let heard = Heard::new(CHANNEL.into());
    let mut changes = heard.subscribe_changes();
    let value = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
    heard.take_push(&PushInfo { kind: PushKind::Message, data: vec![value(CHANNEL.as_bytes()), value(message)] });
    changes.try_recv().ok()
}

fn format_change(Change { version, what }: &Change) -> String {
    match what {
        Changed::Stream(name, value) => format!("{version}\nstream\n{name}\n{}", value.as_deref().unwrap_or_default()),
        Changed::Process(name, None) => format!("{version}\nprocess\n{name}\n"),
        Changed::Process(name, Some(record)) => {
            assert_eq!(record.name, *name);
            format!("{version}\nprocess\n{name}\n{} {} {}", record.instance, record.url, record.about)
        }
        Changed::Rights(rights) => format!("{version}\nrights\n\n{rights}"),
    }
}

fn check_answer(answer: &[Value]) {
    let heard = Heard::new(CHANNEL.into());
    if let Some(Ok(snapshot)) = scripts::read_snapshot(answer, &heard) {
        assert!(snapshot.epoch.len() <= 64);
        assert!(snapshot.processes.len() <= scripts::MAX_PROCESSES && snapshot.streams.len() <= scripts::MAX_STREAMS);
        for (process, until) in &snapshot.processes {
            assert!(process.url.starts_with("http") && process.about.len() <= 4096 && *until <= BEYOND);
            assert_eq!(heard::parse_process_name(&process.name).as_ref(), Some(&process.name));
        }
        for (name, value) in &snapshot.streams {
            assert!(name.len() + value.len() <= heard::MAX_ENTRY_BYTES);
            assert!(!name.contains(char::is_control) && !value.contains(char::is_control));
        }
    }
    if let Some(Ok(beat)) = scripts::read_beat(answer, &"a".into(), &Keys::with_prefix("p"), &heard) {
        assert!(beat.heard.len() <= scripts::MAX_PROCESSES && beat.epoch.len() <= 64);
        assert!(beat.heard.iter().all(|(name, until)| name.len() <= 64 && *until <= BEYOND));
    }
    let says = |word: &str| answer.first().and_then(heard::value_text) == Some(word);
    assert!(scripts::read_done(answer).is_none() || says("ok"));
    assert!(scripts::read_kept(answer).is_none() || says("ok") || says("lost") || says("unknown"));
    assert!(scripts::read_claimed(answer).is_none() || says("ok") || says("held") || says("unknown"));
    assert!(scripts::read_rights(answer).is_none() || says("ok") || says("none"));
    assert!(scripts::were_set(answer).is_none() || says("ok"));
    of_queue(answer);
}

/// Batches of workers: chunks, and who works.
fn of_queue(answer: &[Value]) {
    let job = JobId::parse("0123456789abcdef").expect("16 digits");
    let says = |words: &[&str]| answer.first().and_then(heard::value_text).is_some_and(|said| words.contains(&said));
    assert!(answers::read_added(answer).is_none() || says(&["queued", "already", "full"]));
    assert!(answers::read_bool(answer).is_none() || says(&["ok"]));
    if let Some(Ok(Some(taken))) = answers::read_taken(&job, answer) {
        assert!(says(&["taken"]) && taken.held.job == job && is_name(&taken.held.entry));
    }
    let held = [7, 8].map(|chunk| HeldChunk { job: job.clone(), chunk, entry: chunk.to_string().into() });
    if let Some(Ok(lost)) = answers::read_lost(&held, answer) {
        assert!(lost.len() <= held.len() && lost.iter().all(|lost| held.contains(lost)));
    }
    if let Some(Ok(workers)) = answers::read_workers(answer) {
        assert!(workers.len() <= MAX_WORKERS && workers.is_sorted_by(|one, other| one.name <= other.name));
        for worker in workers {
            assert!(is_name(&worker.name) && worker.about.len() <= MAX_ABOUT_BYTES && worker.until <= BEYOND);
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.contains(char::is_control)
}
