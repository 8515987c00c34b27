//! The child's side of a trial: runs networks in the ways that it is told, and says before each what it is about to do.
//!
//! Standard input: a [`Request`] as one line of JSON, then the bytes of all networks one after another. It stays open; when
//! it ends, the parent is gone, and so goes the child. Standard output: a [`Message`] a line.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::{Engine, EngineError, EngineOptions, Plan, Session};
use crate::priority;
use crate::runtime::{Runtime, RuntimeError};

/// Runs of each way that are timed, at most,
const MOST_RUNS: u32 = 25;
/// and at least,
const LEAST_RUNS: u32 = 5;
/// unless the ways of one network have taken so long together.
const LONG_ENOUGH: Duration = Duration::from_millis(1500);

/// What to try.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Request {
    /// Of ONNX Runtime.
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
    /// It did not.
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
    #[error("this command is started by sightwire itself, to try how networks run: {0}")]
    Stream(#[from] std::io::Error),
    /// Not a request.
    #[error("this command is started by sightwire itself, to try how networks run: {0}")]
    Request(#[from] serde_json::Error),
    /// The library.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Does what standard input says. `before` is told of each way before it is taken for the first time.
pub fn run(before: &mut dyn FnMut(Plan)) -> Result<(), ChildError> {
    priority::lower_this_thread();
    leave_no_core();
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
    let say = |way: usize, event| say(&Message { item: index, way, event });
    let (noise, mut output) = (noise(item.input.iter().product()), Vec::new());
    let mut sessions: Vec<(usize, Session, Duration)> = Vec::new();
    let mut finite = None;
    for (way, plan) in item.ways.iter().enumerate() {
        say(way, Event::Begin)?;
        before(*plan);
        let made =
            engine.make(&item.name, bytes, &item.input, &item.sizes, 1, *plan).and_then(|mut session| {
                session.run(&noise, &mut output)?;
                Ok(session)
            });
        match made {
            Ok(session) => {
                let numbers = output.iter().all(|value| value.is_finite());
                // As long as another way gives numbers, one that does not is wrong.
                if *finite.get_or_insert(numbers) && !numbers {
                    say(way, Event::Refused("it gives values that are no numbers".into()))?;
                    continue;
                }
                say(way, Event::Ran)?;
                if !measure {
                    return Ok(());
                }
                sessions.push((way, session, Duration::MAX));
            }
            Err(error) => say(way, Event::Refused(error.to_string()))?,
        }
    }
    // The shortest of each, by turns: what else the machine does only adds to them, and adds to all.
    let started = Instant::now();
    for run in 0..MOST_RUNS {
        if run >= LEAST_RUNS && started.elapsed() > LONG_ENOUGH {
            break;
        }
        for (way, session, shortest) in &mut sessions {
            say(*way, Event::Begin)?;
            let begun = Instant::now();
            session.run(&noise, &mut output)?;
            *shortest = begun.elapsed().min(*shortest);
        }
    }
    for (way, _, shortest) in sessions {
        say(way, Event::Took(shortest.as_secs_f64() * 1e3))?;
    }
    Ok(())
}

fn say(message: &Message) -> Result<(), ChildError> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, message)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Values from 0 to 1, the same each time: pixels as most networks take them.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Nobody reads what it would leave of hundreds of megabytes.
fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}

/// A child that hangs does not outlive a parent that was killed.
fn end_with_the_parent(mut input: impl BufRead + Send + 'static) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        std::process::exit(1);
    });
}
