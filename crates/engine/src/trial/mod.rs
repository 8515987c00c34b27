//! Each way of running a network is tried in a child process before this one takes it, and measured.
//!
//! A *way* is a [`Plan`]: a provider and a precision. What a library makes of a network on a CPU that it has not met is
//! not known before it runs: it may be slow, refuse, hang, or end the process. So a way that was never taken with this
//! network, library and CPU is taken first by a child. What came of it is kept in the store ([`record`]), and the fastest
//! of those that work is chosen ([`choose`]).
//!
//! - [`record`]: what came of it, and where that is kept
//! - [`choose`]: which way is taken
//! - `parent`: this process's side: starts the child, and knows at what it died or hung
//! - [`child`]: the other side

pub mod child;
pub mod choose;
mod parent;
pub mod record;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_models::Provider;

use crate::network::Network;
use crate::{Engine, Plan};
use record::{Machine, Record};

/// How a child is started that runs [`child::run_trial`].
#[derive(Clone, Debug)]
pub struct Launch {
    /// The executable, usually this one.
    pub program: PathBuf,
    /// Arguments with which it runs [`child::run_trial`].
    pub args: Vec<OsString>,
    /// What is set for it beside what this process has.
    pub env: Vec<(OsString, OsString)>,
}

/// Where and how ways are tried.
#[derive(Clone, Debug)]
pub struct TrialOptions {
    /// Folder in which results are kept.
    pub folder: PathBuf,
    /// How a child process is started.
    pub launch: Launch,
    /// A child that says nothing for this long hangs.
    pub timeout: Duration,
}

/// A network at the shape at which it is tried.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The network, with the bytes of its file.
    pub network: Arc<Network>,
    /// Of its only input.
    pub input: Vec<usize>,
    /// Names of free dimensions of the input, and their sizes.
    pub sizes: Vec<(String, usize)>,
}

/// Hash of a network, and the shape of its input.
type Key = (String, Vec<usize>);

/// Tries ways of running networks, and keeps what came of it.
#[derive(Debug)]
pub(crate) struct Trials {
    options: TrialOptions,
    /// Held while a record is read from the store, and so comes before `notes`.
    known: Mutex<HashMap<Key, Arc<Record>>>,
    /// One child measures at a time: two would measure each other. Held as long as that takes, and comes before `known`. A trial
    /// of what is usable does not wait for it.
    turn: Mutex<()>,
    /// For people: what else went wrong, each once.
    notes: Mutex<Vec<String>>,
}

/// Notes are kept at most.
const MOST_NOTES: usize = 16;

/// Why a network is not to be run in this process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// No way that is allowed works.
    #[error(
        "{network} of the model {model} cannot be run on this machine: {reasons}; `sightwire models check {model} --again` tries once more"
    )]
    GivenUp {
        /// Name of the model.
        model: String,
        /// File name of the network.
        network: String,
        /// What came of each way.
        reasons: String,
    },
    /// Nothing could be found out, and no way is safe enough to be taken all the same.
    #[error(
        "how {network} of the model {model} runs on this machine could not be tried: {reason}; `engine.provider = \"auto\"` runs it on the plain CPU"
    )]
    Untried {
        /// Name of the model.
        model: String,
        /// File name of the network.
        network: String,
        /// Why it could not be tried.
        reason: String,
    },
    /// Asked to end before it was known.
    #[error("trying how the model runs was ended before it was done")]
    Cancelled,
}

/// How far a trial goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Until one way is known to work; at once where one is.
    Usable,
    /// Until all were tried and measured.
    Measured,
}

impl Trials {
    pub(crate) fn new(options: TrialOptions) -> Self {
        Self { options, known: Mutex::default(), turn: Mutex::default(), notes: Mutex::default() }
    }

    fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// What is known of a network at this shape: in memory, else from the store.
    pub(crate) fn find_record(
        &self,
        place: &Machine,
        network: &Network,
        input: &[usize],
    ) -> Option<Arc<Record>> {
        let key = (network.sha256().to_owned(), input.to_vec());
        let mut known = self.known.lock();
        if let Some(record) = known.get(&key) {
            return Some(record.clone());
        }
        let kept = Record::load(self.folder(), place, network.sha256(), input);
        let record = Arc::new(kept.unwrap_or_else(|error| self.cannot_be_kept(&error))?);
        for reason in record.given_up() {
            tracing::warn!("{reason} (tried before; kept in {})", self.folder().display());
        }
        known.insert(key, record.clone());
        Some(record)
    }

    /// Adds what was found out to what is known, here and in the store.
    fn keep_record(&self, found: &Record) {
        if found.ways.is_empty() {
            return;
        }
        let key = (found.sha256.clone(), found.input.clone());
        let record = {
            let mut known = self.known.lock();
            let mut record = known.get(&key).map_or_else(|| found.clone(), |known| (**known).clone());
            record.merge(found);
            let record = Arc::new(record);
            known.insert(key, record.clone());
            record
        };
        if let Err(error) = record.save(self.folder()) {
            sightwire_base::disk::count_failure();
            self.cannot_be_kept::<()>(&error);
        }
    }

    fn cannot_be_kept<T>(&self, error: &std::io::Error) -> Option<T> {
        const WHAT: &str = "how models run fastest on this machine is measured again each time";
        if !self.notes.lock().iter().any(|note| note.starts_with(WHAT)) {
            let folder = self.folder().display();
            self.add_note(format!(
                "{WHAT}, for it cannot be kept in {folder}: {error}; see that this is a folder which this user may write to"
            ));
        }
        None
    }

    /// Says it, if it was not said before.
    fn add_note(&self, text: String) {
        let mut notes = self.notes.lock();
        if notes.len() < MOST_NOTES && !notes.contains(&text) {
            tracing::warn!("{text}");
            notes.push(text);
        }
    }

    /// From here on nothing is known of it; the next result takes the place of what was kept.
    fn forget_record(&self, place: &Machine, subject: &Subject) {
        let empty = Record::new(&subject.network, &subject.input, place);
        let key = (empty.sha256.clone(), empty.input.clone());
        self.known.lock().insert(key, Arc::new(empty));
    }

    /// All that is known so far, by the network's name.
    fn all_records(&self) -> Vec<Arc<Record>> {
        let mut all: Vec<_> = self.known.lock().values().cloned().collect();
        all.sort_by(|a, b| (&a.network, &a.input).cmp(&(&b.network, &b.input)));
        all
    }
}

impl Engine {
    /// Returns when one way of running each of these is known to work, at once where that is so already. Where no child can
    /// be started, or each is ended by somebody else, nothing is known, and the safest way is taken: f32 on the plain CPU; where
    /// that may not be taken, that is an error. `going_on` answers false when the trial is to end.
    pub fn ensure_usable(&self, subjects: &[Subject], going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        self.try_to(Depth::Usable, subjects, going_on)
    }

    /// As [`Engine::ensure_usable`], and all ways are measured. Takes some seconds, once on each machine.
    pub fn measure_ways(&self, subjects: &[Subject], going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        self.try_to(Depth::Measured, subjects, going_on)
    }

    /// As [`Engine::measure_ways`], though it was measured before.
    pub fn measure_again(&self, subjects: &[Subject], going_on: &dyn Fn() -> bool) -> Result<(), TrialError> {
        if let Some((trials, place)) = self.trials() {
            for subject in subjects {
                trials.forget_record(place, subject);
            }
        }
        self.try_to(Depth::Measured, subjects, going_on)
    }

    /// Whether all ways of running these have been measured.
    pub fn is_measured(&self, subjects: &[Subject]) -> bool {
        subjects.iter().all(|subject| !self.is_missing(Depth::Measured, subject))
    }

    /// What is known of a network, and the way that is taken.
    pub fn record(&self, subject: &Subject) -> Option<(Arc<Record>, Plan)> {
        let (trials, place) = self.trials()?;
        let record = trials.find_record(place, &subject.network, &subject.input)?;
        Some((record, self.decide_plan(&subject.network, &subject.input)))
    }

    /// For people: what networks that were needed so far are not run with, and why.
    pub fn given_up(&self) -> Vec<String> {
        let Some((trials, _)) = self.trials() else { return Vec::new() };
        trials.all_records().iter().flat_map(|record| record.given_up()).collect()
    }

    /// For people: [`Engine::given_up`], and what could not be tried or kept.
    pub fn warnings(&self) -> Vec<String> {
        let notes = self.trials().map(|(trials, _)| trials.notes.lock().clone());
        self.given_up().into_iter().chain(notes.unwrap_or_default()).collect()
    }

    fn is_missing(&self, depth: Depth, subject: &Subject) -> bool {
        let Some((trials, place)) = self.trials() else { return false };
        let record = trials.find_record(place, &subject.network, &subject.input);
        !self.is_enough(depth, subject, record.as_deref())
    }

    /// Whether that is all that there is to know.
    fn is_enough(&self, depth: Depth, subject: &Subject, record: Option<&Record>) -> bool {
        let outcome = |way: &Plan| record.and_then(|record| record.outcome(*way));
        let ways = self.ways(&subject.network);
        match depth {
            Depth::Usable => {
                let best = self.best_plan(&subject.network, record);
                best.is_none_or(|way| outcome(&way).is_some())
            }
            Depth::Measured => choose::is_settled(&ways, outcome),
        }
    }

    fn try_to(
        &self,
        depth: Depth,
        subjects: &[Subject],
        going_on: &dyn Fn() -> bool,
    ) -> Result<(), TrialError> {
        let Some((trials, place)) = self.trials() else { return Ok(()) };
        let missing = || -> Vec<&Subject> {
            subjects.iter().filter(|subject| self.is_missing(depth, subject)).collect()
        };
        let mut why_not = None;
        if !missing().is_empty() {
            // A first request does not wait until something else has been measured.
            let _turn = (depth == Depth::Measured).then(|| trials.turn.lock());
            // Meanwhile somebody else may have done it.
            let missing = missing();
            if !missing.is_empty() {
                why_not = parent::try_all(self, trials, place, depth, &missing, going_on)?;
            }
        }
        for subject in subjects {
            let network = &subject.network;
            let record = trials.find_record(place, network, &subject.input);
            let (model, name) = (network.model().to_owned(), network.name().to_owned());
            let Some(way) = self.best_plan(network, record.as_deref()) else {
                let reasons = self.failure_reasons(network, record.as_deref());
                return Err(TrialError::GivenUp { model, network: name, reasons });
            };
            if record.is_some_and(|record| record.outcome(way).is_some()) {
                continue;
            }
            let reason = why_not.clone().unwrap_or_else(|| "the child did not say anything".into());
            if way.provider != Provider::Cpu {
                return Err(TrialError::Untried { model, network: name, reason });
            }
            trials.add_note(format!(
                "{name} of the model {model}: no way of running it could be tried ({reason}); {way} is taken, which may be slower; `sightwire models check {model} --again` tries once more"
            ));
        }
        Ok(())
    }

    /// For people: what came of the ways that the configuration lets be taken, and which other one would do.
    fn failure_reasons(&self, network: &Network, record: Option<&Record>) -> String {
        let Some(record) = record else { return "nothing is known of it".into() };
        let ways = self.ways(network);
        let failed = record.words_of(|tried| ways.contains(&tried.way) && !tried.outcome.is_usable());
        let other = record.words_of(|tried| !ways.contains(&tried.way) && tried.outcome.is_usable());
        if other.is_empty() {
            failed
        } else {
            format!("{failed} (`engine.provider = \"auto\"` would take another: {other})")
        }
    }
}
