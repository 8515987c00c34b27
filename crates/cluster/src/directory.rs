//! The local copy of what is known of all processes and streams.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entry::{Entry, Token};
use crate::process::{Instance, Record};
use crate::store::{Beat, Change, Changed, Snapshot, StoreTime};

/// Processes that live, and streams that they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// By name, this process among them.
    pub processes: BTreeMap<Arc<str>, Arc<Record>>,
    /// By name, those of this process among them.
    pub streams: BTreeMap<Arc<str>, Arc<Entry>>,
}

/// What was told, and when it was true last.
#[derive(Debug, Default)]
pub(crate) struct Book {
    epoch: Arc<str>,
    version: u64,
    processes: BTreeMap<Arc<str>, (Arc<Record>, StoreTime)>,
    /// What cannot be read stands there, too, as nothing.
    streams: BTreeMap<Arc<str>, Option<Arc<Entry>>>,
}

/// Something was not told: all has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap;

impl Book {
    /// Takes over all that is known. Where that may not be all yet, `believes` what it knows itself and nothing speaks against.
    pub(crate) fn apply_snapshot(&mut self, snapshot: Snapshot, believes: bool) {
        let processes = std::mem::take(&mut self.processes);
        let streams = std::mem::take(&mut self.streams);
        if believes {
            (self.processes, self.streams) = (processes, streams);
        }
        (self.epoch, self.version) = (snapshot.epoch, snapshot.version);
        for (record, until) in snapshot.processes {
            self.processes.insert(record.name.clone(), (Arc::new(record), until));
        }
        for (stream, value) in snapshot.streams {
            self.apply_entry(&stream, &value);
        }
    }

    fn apply_entry(&mut self, stream: &Arc<str>, value: &str) {
        let entry = Entry::parse_value(stream, value).inspect_err(|wrong| {
            tracing::debug!(stream = &**stream, "what stands there of a stream is passed over: {wrong}");
        });
        self.streams.insert(stream.clone(), entry.ok().map(Arc::new));
    }

    /// Takes over one change; none that was known already. A heartbeat of now would count `until` then.
    pub(crate) fn apply_change(&mut self, change: Change, until: StoreTime) -> Result<(), Gap> {
        if change.version <= self.version {
            return Ok(());
        }
        if change.version != self.version + 1 {
            return Err(Gap);
        }
        self.version = change.version;
        match change.what {
            Changed::Stream(stream, Some(value)) => self.apply_entry(&stream, &value),
            Changed::Stream(stream, None) => drop(self.streams.remove(&stream)),
            // It has just been heard of.
            Changed::Process(name, Some(record)) => {
                let until = self.processes.get(&name).map_or(0, |(_, known)| *known).max(until);
                self.processes.insert(name, (Arc::new(record), until));
            }
            Changed::Process(name, None) => drop(self.processes.remove(&name)),
            // The keeper of those hears of it as well.
            Changed::Rights(_) => {}
        }
        Ok(())
    }

    /// Who was heard of, and when.
    pub(crate) fn apply_beat(&mut self, beat: &Beat) -> Result<(), Gap> {
        for (name, until) in &beat.heard {
            match self.processes.get_mut(name) {
                Some((_, known)) => *known = *until,
                None => return Err(Gap),
            }
        }
        if beat.epoch == self.epoch && beat.version == self.version { Ok(()) } else { Err(Gap) }
    }

    /// Whether the store is another than the one that this was read from, or has lost what it had changed since.
    pub(crate) fn is_older_than(&self, beat: &Beat) -> bool {
        !self.epoch.is_empty() && (beat.epoch != self.epoch || beat.version < self.version)
    }

    /// Whether the store has lost streams that it knew, and nobody has told of any that ended.
    pub(crate) fn has_more_than(&self, beat: &Beat) -> bool {
        beat.epoch == self.epoch && beat.version == self.version && beat.streams < self.streams.len()
    }

    /// All that are known, and until when the last heartbeat of each counts or counted.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (&Arc<Record>, StoreTime)> {
        self.processes.values().map(|(record, until)| (record, *until))
    }

    /// What it says that process has.
    pub(crate) fn streams_of(&self, instance: Instance) -> impl Iterator<Item = (Arc<str>, Token)> {
        let its = self.streams.values().flatten().filter(move |entry| entry.instance == instance);
        its.map(|entry| (entry.stream.clone(), entry.token))
    }

    /// What it says of a stream, whether its process lives or not.
    pub(crate) fn stream(&self, stream: &str) -> Option<&Arc<Entry>> {
        self.streams.get(stream)?.as_ref()
    }

    /// What holds at that moment. It `believes` that those live which were not heard of in time.
    pub(crate) fn build_directory(&self, at: StoreTime, believes: bool) -> Directory {
        let living = self.processes.iter().filter(|(_, (_, until))| believes || *until > at);
        let processes: BTreeMap<_, _> =
            living.map(|(name, (record, _))| (name.clone(), record.clone())).collect();
        let is_there = |entry: &Entry| {
            processes.get(&entry.process).is_some_and(|record| record.instance == entry.instance)
        };
        let streams = self.streams.values().flatten().filter(|entry| is_there(entry));
        let streams = streams.map(|entry| (entry.stream.clone(), entry.clone())).collect();
        Directory { processes, streams }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> Record {
        let url = format!("http://{name}:8000").into();
        Record { name: name.into(), instance: 1.into(), url, about: "{}".into() }
    }

    fn value(process: &str) -> Arc<str> {
        format!(r#"7 0000000000000001/{process} {{"m":"normal"}}"#).into()
    }

    fn snapshot(version: u64, streams: &[(&str, &str)]) -> Snapshot {
        let processes = ["a", "b"].map(|name| (record(name), 5_000)).to_vec();
        let streams = streams.iter().map(|(stream, process)| ((*stream).into(), value(process))).collect();
        Snapshot { at: 1_000, epoch: "one".into(), version, processes, streams }
    }

    fn names(directory: &Directory) -> Vec<&str> {
        directory.streams.keys().map(|name| &**name).collect()
    }

    #[test]
    fn streams_of_a_process_that_is_silent_are_not_there() {
        let mut book = Book::default();
        book.apply_snapshot(snapshot(3, &[("x", "a"), ("y", "b"), ("z", "c")]), false);
        assert_eq!(names(&book.build_directory(4_000, false)), ["x", "y"], "nobody knows c");
        let heard = vec![("a".into(), 9_000), ("b".into(), 5_000)];
        let beat =
            Beat { at: 6_000, epoch: "one".into(), version: 3, streams: 0, lapsed: false, heard, rights: 0 };
        assert_eq!(book.apply_beat(&beat), Ok(()));
        assert_eq!(names(&book.build_directory(6_000, false)), ["x"]);
        assert_eq!(
            names(&book.build_directory(6_000, true)),
            ["x", "y"],
            "it was away, and they may come back"
        );
    }

    #[test]
    fn changes_are_taken_in_order_and_a_gap_is_seen() {
        let mut book = Book::default();
        book.apply_snapshot(snapshot(3, &[("x", "a")]), false);
        let change = |version, what| Change { version, what };
        let begun = Changed::Stream("y".into(), Some(value("b")));
        assert_eq!(
            book.apply_change(change(3, Changed::Stream("x".into(), None)), 2_000),
            Ok(()),
            "known already"
        );
        assert_eq!(book.apply_change(change(4, begun.clone()), 2_000), Ok(()));
        assert_eq!(names(&book.build_directory(2_000, false)), ["x", "y"]);
        assert_eq!(book.apply_change(change(6, begun), 2_000), Err(Gap));
        assert_eq!(book.apply_change(change(5, Changed::Stream("x".into(), None)), 2_000), Ok(()));
        assert_eq!(names(&book.build_directory(2_000, false)), ["y"]);
    }

    #[test]
    fn a_process_that_has_just_come_has_streams_at_once() {
        let mut book = Book::default();
        book.apply_snapshot(Snapshot { epoch: "one".into(), ..Snapshot::default() }, false);
        let came = Changed::Process("a".into(), Some(record("a")));
        assert_eq!(book.apply_change(Change { version: 1, what: came }, 7_000), Ok(()));
        let begun = Changed::Stream("x".into(), Some(value("a")));
        assert_eq!(book.apply_change(Change { version: 2, what: begun }, 7_300), Ok(()));
        assert_eq!(names(&book.build_directory(2_300, false)), ["x"], "before anybody's next heartbeat");
    }

    #[test]
    fn what_a_store_that_began_anew_does_not_know_yet_is_believed_for_a_while() {
        let mut book = Book::default();
        book.apply_snapshot(snapshot(3, &[("x", "a"), ("y", "b")]), false);
        let mut anew = snapshot(1, &[("x", "b")]);
        anew.epoch = "two".into();
        book.apply_snapshot(anew.clone(), true);
        assert_eq!(names(&book.build_directory(1_000, true)), ["x", "y"]);
        assert_eq!(&*book.stream("x").unwrap().process, "b", "what it says counts");
        book.apply_snapshot(anew, false);
        assert_eq!(names(&book.build_directory(1_000, false)), ["x"]);
    }
}
