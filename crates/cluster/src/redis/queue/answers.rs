//! What scripts of the queue answer, which others may have written.

use std::sync::Arc;

use redis::Value;

use super::heard;
use super::scripts::{Answer, read_number, read_time, split_answer};
use crate::queue::{Added, ClaimedChunk, HeldChunk, JobId, MAX_ABOUT_BYTES, MAX_WORKERS, Worker};

/// Longest name of a worker or of an entry.
const MAX_NAME_BYTES: usize = 128;

pub fn read_added(answer: &[Value]) -> Answer<Added> {
    Some(Ok(match split_answer(answer)? {
        ("queued", []) => Added::Queued,
        ("already", []) => Added::Already,
        ("full", []) => Added::Full,
        _ => return None,
    }))
}

pub fn read_bool(answer: &[Value]) -> Answer<bool> {
    let ("ok", [was]) = split_answer(answer)? else { return None };
    Some(Ok(read_number(was)? == 1))
}

pub fn read_taken(job: &JobId, answer: &[Value]) -> Answer<Option<ClaimedChunk>> {
    Some(Ok(match split_answer(answer)? {
        ("none", []) => None,
        ("taken", [chunk, entry, deliveries]) => {
            let chunk = u32::try_from(read_number(chunk)?).ok()?;
            let held = HeldChunk { job: job.clone(), chunk, entry: read_name(entry)? };
            Some(ClaimedChunk { held, deliveries: read_number(deliveries)? })
        }
        _ => return None,
    }))
}

pub fn read_lost(held: &[HeldChunk], answer: &[Value]) -> Answer<Vec<HeldChunk>> {
    let ("ok", [Value::Array(lost)]) = split_answer(answer)? else { return None };
    let of = |number: &Value| held.get(usize::try_from(read_number(number)?).ok()?).cloned();
    lost.iter().take(held.len()).map(of).collect::<Option<_>>().map(Ok)
}

/// What cannot be read of the list is passed over.
pub fn read_workers(answer: &[Value]) -> Answer<Vec<Worker>> {
    let ("ok", [Value::Array(list)]) = split_answer(answer)? else { return None };
    let read = |of: &[Value]| {
        let [worker, about, until] = of else { return None };
        let about = heard::value_text(about).filter(|about| about.len() <= MAX_ABOUT_BYTES)?;
        Some(Worker { name: read_name(worker)?, about: about.into(), until: read_time(until)? })
    };
    let mut all: Vec<Worker> = list.chunks_exact(3).take(MAX_WORKERS).filter_map(read).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Some(Ok(all))
}

fn read_name(value: &Value) -> Option<Arc<str>> {
    let name = heard::value_text(value)?;
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn job() -> JobId {
        JobId::parse("0123456789abcdef").unwrap()
    }

    #[test]
    fn what_is_no_answer_of_ours_is_none() {
        for answer in [
            vec![],
            vec![text("taken")],
            vec![text("taken"), text("-1"), text("1-1"), Value::Int(1)],
            vec![text("taken"), text("4294967296"), text("1-1"), Value::Int(1)],
            vec![text("taken"), text("7"), text(""), Value::Int(1)],
            vec![text("taken"), text("7"), text("1\n1"), Value::Int(1)],
        ] {
            assert!(read_taken(&job(), &answer).is_none(), "{answer:?}");
        }
        let answer = [text("taken"), text("7"), text("1-1"), Value::Int(3)];
        let taken = read_taken(&job(), &answer).unwrap().unwrap().unwrap();
        assert_eq!((taken.held.chunk, &*taken.held.entry, taken.deliveries), (7, "1-1", 3));
    }

    #[test]
    fn only_what_is_held_can_be_lost() {
        let held = [HeldChunk { job: job(), chunk: 7, entry: "1-1".into() }];
        let answer = |numbers: &[i64]| {
            [text("ok"), Value::Array(numbers.iter().map(|number| Value::Int(*number)).collect())]
        };
        assert_eq!(read_lost(&held, &answer(&[0])).unwrap().unwrap(), held);
        assert_eq!(read_lost(&held, &answer(&[])).unwrap().unwrap(), []);
        assert!(read_lost(&held, &answer(&[1])).is_none() && read_lost(&held, &answer(&[-1])).is_none());
    }

    #[test]
    fn workers_that_cannot_be_read_are_passed_over() {
        let long = "x".repeat(MAX_ABOUT_BYTES + 1);
        let list = ["b", "{}", "12", "", "{}", "12", "c", &long, "12", "a", "{}", "13", "d", "{}"];
        let answer = [text("ok"), Value::Array(list.map(text).into())];
        let names: Vec<_> =
            read_workers(&answer).unwrap().unwrap().into_iter().map(|worker| worker.name).collect();
        assert_eq!(names, ["a".into(), Arc::<str>::from("b")]);
    }
}
