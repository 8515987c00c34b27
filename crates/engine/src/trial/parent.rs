//! This process's side of a trial: starts the child, and knows at what it died or hung.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::child::{Event, Item, Message, Request};
use super::record::{Machine, Outcome, Record};
use super::{Depth, Subject, TrialError, Trials};
use crate::child::{KilledWhenDropped, read_end, read_lines};
use crate::{Engine, Plan};

/// How soon a request to end is noticed.
const TICK: Duration = Duration::from_millis(50);
/// How much counts of a turn that took longer than this: while this process is stopped, so is the child.
const LONGEST_TICK: Duration = Duration::from_millis(200);
/// How often a child that has closed its output is asked whether it has ended.
const END_TICK: Duration = Duration::from_millis(5);
/// Successors of a child that ends for a reason that says nothing of any way.
const OTHER_CHILDREN: u32 = 1;

/// How a child ended.
enum End {
    /// It did all that it was asked to.
    Done,
    /// In the middle of a way: of which record, and what came of it.
    At(usize, Plan, Outcome),
    /// For a reason that says nothing of any way.
    Otherwise(String),
    /// Somebody asked to end before it was done.
    Cancelled,
}

/// Tries what is missing. A child that dies or hangs is followed by another that goes on without the way at which it
/// did: one for each way at most. Why nothing more could be found out, if that is so.
pub(super) fn try_all(
    engine: &Engine,
    trials: &Trials,
    place: &Machine,
    depth: Depth,
    subjects: &[&Subject],
    going_on: &dyn Fn() -> bool,
) -> Result<Option<String>, TrialError> {
    let known = |subject: &&Subject| {
        let known = trials.find_record(place, &subject.network, &subject.input);
        known.map_or_else(|| Record::new(&subject.network, &subject.input, place), |record| (*record).clone())
    };
    let mut records: Vec<Record> = subjects.iter().map(known).collect();
    let (mut others, mut why_not) = (0, None);
    loop {
        let (request, asked) = build_request(engine, depth, subjects, &records);
        if asked.is_empty() {
            break;
        }
        let end = run_child(trials, &request, &asked, subjects, &mut records, going_on);
        if let End::At(index, way, outcome) = &end {
            records[*index].set_outcome(*way, outcome.clone());
            if let Some(reason) = records[*index].given_up().last() {
                tracing::warn!("{reason}");
            }
        }
        // Each time: what was found out is not lost with this process.
        for record in &records {
            trials.keep_record(record);
        }
        match end {
            End::Done => break,
            End::At(..) => {}
            End::Cancelled => return Err(TrialError::Cancelled),
            End::Otherwise(_) if !going_on() => return Err(TrialError::Cancelled),
            End::Otherwise(reason) if others < OTHER_CHILDREN => {
                tracing::debug!("a child that tried how networks run ended: {reason}; another one follows");
                others += 1;
            }
            End::Otherwise(reason) => {
                why_not = Some(reason);
                break;
            }
        }
    }
    if depth == Depth::Measured {
        for record in records.iter().filter(|record| !record.ways.is_empty()) {
            tracing::info!("{} on this machine: {}", record.name(), record.in_words());
        }
    }
    Ok(why_not)
}

/// What is still to be asked, and of which subject each item is.
fn build_request(
    engine: &Engine,
    depth: Depth,
    subjects: &[&Subject],
    records: &[Record],
) -> (Request, Vec<usize>) {
    let (mut items, mut asked) = (Vec::new(), Vec::new());
    for (index, (subject, record)) in subjects.iter().zip(records).enumerate() {
        let network = &subject.network;
        let mut ways = engine.ways(network);
        ways.retain(|way| record.outcome(*way).is_none_or(Outcome::is_usable));
        if ways.is_empty() || engine.is_enough(depth, subject, Some(record)) {
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

/// Runs one child for what is missing; what it found out goes into `records`.
fn run_child(
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
    let _going = child.0.stdin.take().map(|input| send_request(input, request, asked, subjects));
    let mut at: Option<(usize, Plan)> = None;
    let mut waiting_for: Vec<usize> = request.items.iter().map(|item| item.ways.len()).collect();
    let (mut silent, mut last) = (Duration::ZERO, Instant::now());
    let mut status = None;
    while status.is_none() {
        let line = lines.recv_timeout(TICK);
        silent += last.elapsed().min(LONGEST_TICK);
        last = Instant::now();
        match line {
            // Libraries may have something to say, too.
            Ok(line) => {
                if let Some((message, index, way)) = parse_line(&line, request, asked) {
                    silent = Duration::ZERO;
                    at = matches!(message.event, Event::Begin).then_some((index, way));
                    let left = &mut waiting_for[message.item];
                    *left = match message.event {
                        Event::Ran if !request.measure => 0,
                        Event::Begin | Event::Ran => *left,
                        Event::Refused(_) | Event::Took(_) => left.saturating_sub(1),
                    };
                    if let Some(outcome) = event_outcome(message.event) {
                        records[index].set_outcome(way, outcome);
                    }
                }
                // How it ends when all is said is nobody's business.
                if waiting_for.iter().all(|left| *left == 0) {
                    return End::Done;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // It ends, or has closed its output and goes on.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(END_TICK);
                status = match child.0.try_wait() {
                    Ok(status) => status,
                    Err(error) => return End::Otherwise(error.to_string()),
                };
            }
        }
        if !going_on() {
            return End::Cancelled;
        }
        let timeout = trials.options.timeout;
        if status.is_none() && silent > timeout {
            let seconds = timeout.as_secs_f64();
            return match at {
                Some((index, way)) => End::At(index, way, Outcome::Hung(seconds)),
                None => End::Otherwise(format!("it said nothing for {seconds} s")),
            };
        }
    }
    let Some(status) = status else { return End::Otherwise("it has no end".into()) };
    let how = match said.last_lines() {
        said if said.is_empty() => in_words(status),
        said => format!("{}; it said last: {said}", in_words(status)),
    };
    match at {
        Some((index, way)) if !was_told_to(status) => End::At(index, way, Outcome::Died(how)),
        _ => End::Otherwise(how),
    }
}

/// A line of the child's: what it says, of which record, and of which way.
fn parse_line(line: &str, request: &Request, asked: &[usize]) -> Option<(Message, usize, Plan)> {
    let message: Message = serde_json::from_str(line).ok()?;
    let way = *request.items.get(message.item)?.ways.get(message.way)?;
    let index = *asked.get(message.item)?;
    Some((message, index, way))
}

fn event_outcome(event: Event) -> Option<Outcome> {
    match event {
        Event::Begin => None,
        Event::Ran => Some(Outcome::Ran),
        Event::Refused(reason) => Some(Outcome::Refused(reason)),
        Event::Took(ms) => Some(Outcome::Took(ms)),
    }
}

/// Sends the request, on a thread of its own: a child that hangs reads nothing. The pipe stays open until the sender that
/// is returned is dropped.
fn send_request(
    mut input: ChildStdin,
    request: &Request,
    asked: &[usize],
    subjects: &[&Subject],
) -> Sender<()> {
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
