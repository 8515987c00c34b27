//! The child's side of a trial: runs networks in the ways that it is told, and says before each what it is about to do.
//!
//! Standard input: a [`Request`] as one line of JSON, then the bytes of all networks one after another. It stays open; when
//! it ends, the parent is gone, and so goes the child. Standard output: a [`Message`] a line.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use serde::{Deserialize, Serialize};
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;

use crate::engine::Shape;
use crate::priority::{self, Priority};
use crate::runtime::{Runtime, RuntimeError};
use crate::{Engine, EngineError, EngineOptions, Plan, Session};

/// Runs of each way that are timed, at most.
const MOST_RUNS: u32 = 25;
/// Runs of each way that are timed in any case.
const LEAST_RUNS: u32 = 5;
/// After [`LEAST_RUNS`] no more runs begin once the ways of one network have taken this long together.
const LONG_ENOUGH: Duration = Duration::from_millis(1500);
/// At f32 providers differ in the last digits; one that differs from the plain CPU by more than this part of the largest value
/// calculates something else.
const MOST_DIFFERENCE: f32 = 0.1;
/// By this much a provider may differ from the plain CPU in any case, besides [`MOST_DIFFERENCE`] of the largest value.
const LEAST_DIFFERENCE: f32 = 1e-3;

/// Networks to be tried by a child process; their bytes follow on standard input.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Request {
    /// Path of the ONNX Runtime library that the parent uses.
    pub(super) library: PathBuf,
    pub(super) gpu_memory_mb: usize,
    /// Whether to measure all ways, or to stop at the first that works.
    pub(super) measure: bool,
    pub(super) items: Vec<Item>,
}

/// A network, and the ways to try.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) bytes: usize,
    pub(super) input: Vec<usize>,
    pub(super) sizes: Vec<(String, usize)>,
    pub(super) ways: Vec<Plan>,
}

/// What the child says: of which network, in which way.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Message {
    pub(super) item: usize,
    pub(super) way: usize,
    pub(super) event: Event,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Event {
    /// What follows may end the process.
    Begin,
    /// The process survived, and the network ran.
    Ran,
    /// The provider said no.
    Refused(String),
    /// The shortest run, ms.
    Took(f64),
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// Standard input or output.
    #[error("this command is started by sightwire itself, to try how networks run")]
    Stream(#[from] std::io::Error),
    /// What came on stdin is not a request.
    #[error("this command is started by sightwire itself, to try how networks run")]
    Request(#[from] serde_json::Error),
    /// The library.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Does what standard input says. `before` is told of each way before it is taken for the first time.
pub fn run_trial(before: &mut dyn FnMut(Plan)) -> Result<(), ChildError> {
    priority::set_for_this_thread(Priority::Live);
    be_the_first_to_go();
    let mut input = BufReader::new(std::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    let mut networks = Vec::new();
    for item in &request.items {
        let mut bytes = Vec::new();
        input.by_ref().take(item.bytes as u64).read_to_end(&mut bytes)?;
        networks.push(bytes);
    }
    end_with_the_parent(input);
    let runtime = Runtime::load_file(&request.library)?;
    let options = EngineOptions {
        provider: None,
        threads: 1,
        precision: None,
        gpu_memory_mb: request.gpu_memory_mb,
        trials: None,
    };
    let engine = Engine::new(runtime, options)?;
    for (index, (item, bytes)) in request.items.iter().zip(&networks).enumerate() {
        try_item(&engine, index, item, bytes, request.measure, before)?;
    }
    Ok(())
}

fn try_item(
    engine: &Engine,
    index: usize,
    item: &Item,
    bytes: &[u8],
    measure: bool,
    before: &mut dyn FnMut(Plan),
) -> Result<(), ChildError> {
    let say = |way: usize, event| send_message(&Message { item: index, way, event });
    let noise = make_noise(item.input.iter().product());
    let mut made = Vec::new();
    for (way, plan) in item.ways.iter().enumerate() {
        say(way, Event::Begin)?;
        before(*plan);
        match first_run(engine, item, bytes, *plan, &noise) {
            Ok((session, output)) => {
                let is_sane = output.iter().all(|value| value.is_finite());
                made.push(Made { way, session, output, shortest: Duration::MAX });
                // One that gives no numbers will do only where no other gives any.
                if is_sane && !measure {
                    return say(way, Event::Ran);
                }
            }
            Err(error) => say(way, Event::Refused(error.to_string()))?,
        }
    }
    let values: Vec<_> = made.iter().map(|one| (item.ways[one.way], &*one.output)).collect();
    let reasons: Vec<_> = values.iter().map(|one| find_wrong(*one, &values)).collect();
    let mut right = Vec::new();
    for (one, reason) in made.into_iter().zip(reasons) {
        if let Some(reason) = reason {
            say(one.way, Event::Refused(reason))?;
        } else {
            say(one.way, Event::Ran)?;
            right.push(one);
        }
    }
    if measure { time_runs(right, &noise, say) } else { Ok(()) }
}

/// A network, made ready in one way, and what it gave.
struct Made {
    way: usize,
    session: Session,
    output: Vec<f32>,
    shortest: Duration,
}

fn first_run(
    engine: &Engine,
    item: &Item,
    bytes: &[u8],
    plan: Plan,
    noise: &[f32],
) -> Result<(Session, Vec<f32>), EngineError> {
    let shape = Shape { input: &item.input, sizes: &item.sizes, varies: false };
    let mut session = engine.make_session(&item.name, bytes, &shape, 1, plan)?;
    let mut output = Vec::new();
    session.run(noise, &mut output)?;
    Ok((session, output))
}

/// What is wrong with the values that one way gave, going by the others'. What a precision costs is the manifest's to say.
fn find_wrong((way, values): (Plan, &[f32]), all: &[(Plan, &[f32])]) -> Option<String> {
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    if !finite(values) {
        let other = all.iter().any(|(_, values)| finite(values));
        return other.then(|| "it gives values that are no numbers".to_owned());
    }
    if way.provider == Provider::Cpu || way.precision != Precision::F32 {
        return None;
    }
    let (_, plain) = all.iter().find(|(way, values)| way.provider == Provider::Cpu && finite(values))?;
    if plain.len() != values.len() {
        return Some(format!("it gives {} values instead of {}", values.len(), plain.len()));
    }
    let largest = plain.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let pairs = plain.iter().zip(values);
    let difference = pairs.fold(0.0_f32, |largest, (a, b)| largest.max((a - b).abs()));
    (difference > largest * MOST_DIFFERENCE + LEAST_DIFFERENCE).then(|| {
        format!("its values differ from the plain CPU's by up to {difference:.3} where those are up to {largest:.3}")
    })
}

/// The shortest run of each, by turns: what else the machine does only adds to them, and adds to all.
fn time_runs(
    mut made: Vec<Made>,
    noise: &[f32],
    say: impl Fn(usize, Event) -> Result<(), ChildError>,
) -> Result<(), ChildError> {
    let (started, mut output) = (Instant::now(), Vec::new());
    for run in 0..MOST_RUNS {
        if run >= LEAST_RUNS && started.elapsed() > LONG_ENOUGH {
            break;
        }
        for one in &mut made {
            say(one.way, Event::Begin)?;
            let begun = Instant::now();
            one.session.run(noise, &mut output)?;
            one.shortest = begun.elapsed().min(one.shortest);
        }
    }
    made.iter().try_for_each(|one| say(one.way, Event::Took(one.shortest.as_secs_f64() * 1e3)))
}

fn send_message(message: &Message) -> Result<(), ChildError> {
    // A line of its own, whatever a library has written before.
    let mut line = b"\n".to_vec();
    serde_json::to_writer(&mut line, message)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// Values from 0 to 1, the same each time: pixels as most networks take them.
fn make_noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Nobody reads what it would leave of hundreds of megabytes; and where memory runs out, it goes before the server.
fn be_the_first_to_go() {
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// A child that hangs does not outlive a parent that was killed.
fn end_with_the_parent(mut input: impl BufRead + Send + 'static) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        // At once: a library that hangs may hang at its end, too.
        let _ = kill_process(getpid(), Signal::KILL);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Plan = Plan { provider: Provider::Cpu, precision: Precision::F32 };
    const OTHER: Plan = Plan { provider: Provider::OpenVino, precision: Precision::F32 };
    const HALF: Plan = Plan { provider: Provider::OpenVino, precision: Precision::Bf16 };

    #[test]
    fn values_that_are_far_from_the_plain_cpus_rule_a_way_out() {
        let plain = [0.5, -2.0, 1.0];
        let is_wrong = |way, values: &[f32]| find_wrong((way, values), &[(way, values), (PLAIN, &plain)]);
        assert_eq!(is_wrong(OTHER, &[0.5001, -2.0001, 1.0]), None);
        assert!(is_wrong(OTHER, &[0.5, -1.5, 1.0]).unwrap().contains("0.500"));
        assert!(is_wrong(OTHER, &[0.5, -2.0]).unwrap().contains("2 values instead of 3"));
        assert_eq!(is_wrong(HALF, &[0.5, -1.5, 1.0]), None, "that is the manifest's to say");
        assert_eq!(find_wrong((OTHER, &[7.0]), &[(OTHER, &[7.0])]), None, "nothing to compare with");
        let tiny = [1e-6];
        assert_eq!(find_wrong((OTHER, &[1e-4]), &[(OTHER, &[1e-4]), (PLAIN, &tiny)]), None);
    }

    #[test]
    fn a_way_without_numbers_is_ruled_out_as_long_as_another_gives_some() {
        let (nan, numbers) = ([f32::NAN, 1.0], [0.0, 1.0]);
        assert!(find_wrong((OTHER, &nan), &[(OTHER, &nan), (PLAIN, &numbers)]).is_some());
        assert!(find_wrong((PLAIN, &nan), &[(OTHER, &numbers), (PLAIN, &nan)]).is_some());
        assert_eq!(find_wrong((OTHER, &numbers), &[(OTHER, &numbers), (PLAIN, &nan)]), None);
        assert_eq!(find_wrong((OTHER, &nan), &[(OTHER, &nan), (PLAIN, &nan)]), None);
    }
}
