//! This process's side of a trial: starts the child, and knows at what it died or hung.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::child::{Event, Item, Message, Request};
use super::record::{Outcome, Place, Record};
use super::{Depth, Subject, Trials};
use crate::child::{KilledWhenDropped, read_end, read_lines};
use crate::engine::{Engine, Plan};

/// How soon a request to end is noticed.
const TICK: Duration = Duration::from_millis(50);

/// How a child ended.
enum End {
    /// It did all that it was asked to.
    Done,
    /// In the middle of a way: of which item, and what came of it.
    At(usize, Plan, Outcome),
    /// For a reason that says nothing of any way.
    Otherwise(String),
    /// Asked to end.
    Cancelled,
}

/// Tries what is missing. A child that dies or hangs is followed by another that goes on without the way at which it
/// did: one for each way at most.
pub(super) fn try_all(
    engine: &Engine,
    trials: &Trials,
    place: &Place,
    depth: Depth,
    subjects: &[&Subject],
    going_on: &dyn Fn() -> bool,
) {
    let started = Instant::now();
    let mut records: Vec<Record> = subjects
        .iter()
        .map(|subject| {
            let network = &subject.network;
            let known = trials.known(place, network, &subject.input);
            known.map_or_else(
                || Record::new(network.name(), network.sha256(), &subject.input, place),
                |record| (*record).clone(),
            )
        })
        .collect();
    loop {
        let (request, asked) = request(engine, depth, subjects, &records);
        if asked.is_empty() {
            break;
        }
        match attempt(trials, &request, &asked, subjects, &mut records, going_on) {
            End::Done => break,
            End::At(index, way, outcome) => {
                records[index].set(way, outcome);
                if let Some(reason) = records[index].given_up().last() {
                    tracing::warn!("{reason}; another way is taken");
                }
            }
            End::Cancelled => return,
            End::Otherwise(reason) => {
                tracing::warn!("how networks run best on this machine could not be tried: {reason}");
                break;
            }
        }
    }
    for record in records {
        if depth == Depth::Measured && !record.ways.is_empty() {
            tracing::info!("{} on this machine: {}", record.network, record.in_words());
        }
        // What is only known to work is tried again by the next process: it is quick.
        let complete = record.ways.iter().all(|tried| tried.outcome != Outcome::Ran);
        trials.keep(record.clone(), complete && !record.ways.is_empty());
    }
    tracing::debug!(seconds = started.elapsed().as_secs_f32(), "ways of running networks were tried");
}

/// What is still to be asked, and of which subject each item is.
fn request(
    engine: &Engine,
    depth: Depth,
    subjects: &[&Subject],
    records: &[Record],
) -> (Request, Vec<usize>) {
    let (mut items, mut asked) = (Vec::new(), Vec::new());
    for (index, (subject, record)) in subjects.iter().zip(records).enumerate() {
        let network = &subject.network;
        let mut ways = engine.ways(network);
        let settled = super::choose::is_settled(&ways, |way| record.outcome(*way));
        let works = |way: &Plan| record.outcome(*way).is_some_and(Outcome::works);
        let is_enough = match depth {
            Depth::Usable => ways.iter().any(works),
            Depth::Measured => settled,
        };
        ways.retain(|way| record.outcome(*way).is_none_or(Outcome::works));
        if is_enough || ways.is_empty() {
            continue;
        }
        items.push(Item {
            name: network.name().to_owned(),
            bytes: network.bytes().len(),
            input: subject.input.clone(),
            sizes: subject.sizes.clone(),
            ways,
        });
        asked.push(index);
    }
    let request = Request {
        library: engine.runtime().library().to_owned(),
        gpu_memory_mb: engine.options().gpu_memory_mb,
        measure: depth == Depth::Measured,
        items,
    };
    (request, asked)
}

/// One child.
fn attempt(
    trials: &Trials,
    request: &Request,
    asked: &[usize],
    subjects: &[&Subject],
    records: &mut [Record],
    going_on: &dyn Fn() -> bool,
) -> End {
    let launch = &trials.options.launch;
    let mut command = Command::new(&launch.program);
    command.args(&launch.args).envs(launch.env.iter().cloned());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return End::Otherwise(format!("{} cannot be started: {error}", launch.program.display()));
        }
    };
    let mut child = KilledWhenDropped(child);
    let lines = read_lines(child.0.stdout.take());
    let said = read_end(child.0.stderr.take());
    // It goes when this is dropped.
    let _going = child.0.stdin.take().map(|input| ask(input, request, asked, subjects));
    let mut at: Option<(usize, Plan)> = None;
    let mut heard = Instant::now();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                heard = Instant::now();
                // Libraries may have something to say, too.
                let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
                let item = request.items.get(message.item);
                let way = item.and_then(|item| item.ways.get(message.way)).copied();
                let (Some(&index), Some(way)) = (asked.get(message.item), way) else { continue };
                at = None;
                match message.event {
                    Event::Begin => at = Some((index, way)),
                    Event::Ran => records[index].set(way, Outcome::Ran),
                    Event::Refused(reason) => {
                        tracing::debug!("{} refused by {way}: {reason}", records[index].network);
                        records[index].set(way, Outcome::Refused(reason));
                    }
                    Event::Took(ms) => records[index].set(way, Outcome::Took(ms)),
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if !going_on() {
                    return End::Cancelled;
                }
                if heard.elapsed() > trials.options.timeout {
                    let seconds = trials.options.timeout.as_secs_f64();
                    return match at {
                        Some((index, way)) => End::At(index, way, Outcome::Hung(seconds)),
                        None => End::Otherwise(format!("the library did not load within {seconds} s")),
                    };
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = match child.0.wait() {
        Ok(status) => status,
        Err(error) => return End::Otherwise(error.to_string()),
    };
    if status.success() {
        return End::Done;
    }
    let said = said.and_then(|thread| thread.join().ok()).filter(|said| !said.is_empty());
    let said = said.map(|said| format!("; it said last: {said}")).unwrap_or_default();
    match (at, was_told_to(status)) {
        (Some((index, way)), false) => {
            End::At(index, way, Outcome::Died(format!("{}{said}", in_words(status))))
        }
        _ => End::Otherwise(format!("{}{said}", in_words(status))),
    }
}

/// Sends the request, on a thread of its own: a child that hangs reads nothing. The pipe stays open until the sender that
/// is returned is dropped.
fn ask(mut input: ChildStdin, request: &Request, asked: &[usize], subjects: &[&Subject]) -> Sender<()> {
    let (keep, dropped) = channel();
    let line = serde_json::to_vec(request);
    let networks: Vec<_> = asked.iter().map(|index| subjects[*index].network.clone()).collect();
    std::thread::spawn(move || {
        let sent = || -> std::io::Result<()> {
            input.write_all(&line?)?;
            input.write_all(b"\n")?;
            networks.iter().try_for_each(|network| input.write_all(network.bytes()))?;
            input.flush()
        };
        // A child that died before it had read all tells by its end of what.
        if let Err(error) = sent() {
            tracing::debug!(%error, "a child did not read all that it was to try");
        }
        let _ = dropped.recv();
    });
    keep
}

/// Whether somebody else ended it: a person, or the kernel for want of memory. That says nothing of what it was at.
fn was_told_to(status: ExitStatus) -> bool {
    use rustix::process::Signal;
    let signals = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP];
    status.signal().is_some_and(|signal| signals.iter().any(|told| told.as_raw() == signal))
}

fn in_words(status: ExitStatus) -> String {
    match status.signal() {
        Some(4) => "SIGILL: an instruction that this CPU cannot do".into(),
        Some(6) => "SIGABRT".into(),
        Some(7) => "SIGBUS".into(),
        Some(8) => "SIGFPE".into(),
        Some(9) => "SIGKILL, perhaps for want of memory".into(),
        Some(11) => "SIGSEGV".into(),
        _ => status.to_string(),
    }
}
