//! What came of the ways of running a network, and where that is kept.
//!
//! ```text
//! $SIGHTWIRE_HOME/trials/<network>-<hash>.json
//! ```
//!
//! One file for each network, shape, CPU and library, as JSON for people, too. Delete one to have it tried again.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightwire_models::digest;

use crate::Plan;
use crate::network::Network;

/// Where something was tried.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Machine {
    /// The CPU, with what the library may use of it.
    pub cpu: String,
    /// The library: version, build, providers.
    pub library: String,
}

/// What came of one way.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran; how long a run takes was not measured.
    Ran,
    /// It ran, and a run takes this many ms on one thread.
    Took(f64),
    /// The provider said no.
    Refused(String),
    /// The process died: of what.
    Died(String),
    /// It did not come back within this many seconds.
    Hung(f64),
}

impl Outcome {
    /// Whether it can be taken.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Ran | Self::Took(_))
    }
}

/// All that is known of a network at one shape.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Record {
    /// Model of the network; another one may have the same network.
    pub model: String,
    /// File name of the network.
    pub network: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Shape of the input.
    pub input: Vec<usize>,
    /// CPU and library with which it was tried.
    #[serde(flatten)]
    pub place: Machine,
    /// What came of each way.
    pub ways: Vec<Tried>,
}

/// A way that was tried.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Tried {
    /// The provider and number format that were tried.
    #[serde(flatten)]
    pub way: Plan,
    /// What came of it.
    pub outcome: Outcome,
}

impl Record {
    pub(super) fn new(network: &Network, input: &[usize], place: &Machine) -> Self {
        Self {
            model: network.model().to_owned(),
            network: network.name().to_owned(),
            sha256: network.sha256().to_owned(),
            input: input.to_vec(),
            place: place.clone(),
            ways: Vec::new(),
        }
    }

    /// What came of a way; `None` if it was not tried.
    pub fn outcome(&self, way: Plan) -> Option<&Outcome> {
        self.ways.iter().find(|tried| tried.way == way).map(|tried| &tried.outcome)
    }

    pub(super) fn set_outcome(&mut self, way: Plan, outcome: Outcome) {
        self.ways.retain(|tried| tried.way != way);
        self.ways.push(Tried { way, outcome });
    }

    /// Takes what another trial of the same network has found out. What failed once stays so; and that a way ran says less
    /// than how long it took.
    pub(super) fn merge(&mut self, other: &Self) {
        for Tried { way, outcome } in &other.ways {
            let news = match self.outcome(*way) {
                None => true,
                Some(known) => known.is_usable() && *outcome != Outcome::Ran,
            };
            if news {
                self.set_outcome(*way, outcome.clone());
            }
        }
    }

    /// For people: model and file.
    pub(super) fn name(&self) -> String {
        format!("{} of the model {}", self.network, self.model)
    }

    /// For people: what is not done, and why.
    pub fn given_up(&self) -> Vec<String> {
        let failed = self.ways.iter().filter(|tried| !tried.outcome.is_usable());
        failed
            .map(|tried| {
                format!("{} is not run with {} on this machine: {}", self.name(), tried.way, tried.outcome)
            })
            .collect()
    }

    /// For people: what came of each way.
    pub fn in_words(&self) -> String {
        self.words_of(|_| true)
    }

    /// For people: what came of some of them.
    pub(super) fn words_of(&self, which: impl Fn(&Tried) -> bool) -> String {
        let ways = self.ways.iter().filter(|tried| which(tried));
        ways.map(|tried| format!("{}: {}", tried.way, tried.outcome)).collect::<Vec<_>>().join("; ")
    }

    /// What was kept of this network, shape and place; nothing where it is damaged.
    pub(super) fn load(
        folder: &Path,
        place: &Machine,
        sha256: &str,
        input: &[usize],
    ) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(record_path(folder, place, sha256, input)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let record: Option<Self> = serde_json::from_str(&text).ok();
        Ok(record.filter(|record| record.sha256 == sha256 && record.input == input && record.place == *place))
    }

    /// All that is kept in a folder; what is damaged, or no record, is left out.
    pub fn all_in(folder: &Path) -> Vec<Self> {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| serde_json::from_slice(&fs::read(file.path()).ok()?).ok()).collect()
    }

    /// The fastest of the ways that were measured, or one that works.
    pub fn fastest_way(&self) -> Option<(Plan, &Outcome)> {
        let working = self.ways.iter().filter(|tried| tried.outcome.is_usable());
        let time = |tried: &&Tried| match tried.outcome {
            Outcome::Took(ms) => ms,
            _ => f64::INFINITY,
        };
        working.min_by(|a, b| time(a).total_cmp(&time(b))).map(|tried| (tried.way, &tried.outcome))
    }

    /// Whole or not at all: another process may read it.
    pub(super) fn save(&self, folder: &Path) -> io::Result<()> {
        if !folder.exists() && is_root_in_foreign_folder(folder.parent()) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        // Another user's server may want to read it, too.
        let readable = fs::Permissions::from_mode(0o666);
        let part = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
        serde_json::to_writer_pretty(&part, self)?;
        let path = record_path(folder, &self.place, &self.sha256, &self.input);
        part.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ran => f.write_str("works"),
            Self::Took(ms) => write!(f, "{ms:.2} ms"),
            Self::Refused(reason) => write!(f, "it was refused ({reason})"),
            Self::Died(how) => write!(f, "it ended the process that tried it ({how})"),
            Self::Hung(seconds) => write!(f, "it did not come back within {seconds} s"),
        }
    }
}

/// Whether this is root in a folder of somebody else, who could not write where root has made a folder.
fn is_root_in_foreign_folder(folder: Option<&Path>) -> bool {
    let owner = |path: &Path| fs::metadata(path).ok().map(|file| file.uid());
    owner(Path::new("/proc/self")) == Some(0) && folder.and_then(owner).is_some_and(|owner| owner != 0)
}

fn record_path(folder: &Path, place: &Machine, sha256: &str, input: &[usize]) -> PathBuf {
    let key = format!("{sha256} {input:?} {} {}", place.cpu, place.library);
    let start = |hash: &str| hash.chars().take(12).collect::<String>();
    folder.join(format!("{}-{}.json", start(sha256), start(&digest::sha256_hex(key.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use sightwire_models::Provider;
    use sightwire_models::manifest::Precision;

    #[test]
    fn what_was_kept_is_found_again_for_the_same_network_shape_cpu_and_library_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("trials");
        let place = Machine { cpu: "this".into(), library: "1".into() };
        let network = Network::new("a model", "a.onnx", Cow::Borrowed(b"a network"), None, None);
        let mut record = Record::new(&network, &[1, 3], &place);
        let way = |provider, precision| Plan { provider, precision };
        record.set_outcome(way(Provider::OpenVino, Precision::F32), Outcome::Took(1.25));
        record.set_outcome(way(Provider::OpenVino, Precision::Bf16), Outcome::Died("SIGILL".into()));
        record.set_outcome(way(Provider::Cpu, Precision::F32), Outcome::Hung(2.5));
        record.save(&folder).unwrap();
        let load =
            |place: &Machine, input: &[usize]| Record::load(&folder, place, &record.sha256, input).unwrap();
        assert_eq!(load(&place, &[1, 3]), Some(record.clone()));
        assert_eq!(load(&place, &[1, 4]), None);
        assert_eq!(load(&Machine { cpu: "that".into(), ..place.clone() }, &[1, 3]), None);
        assert_eq!(load(&Machine { library: "2".into(), ..place.clone() }, &[1, 3]), None);
        let given_up = record.given_up();
        assert_eq!(given_up.len(), 2);
        assert!(given_up[0].contains("a.onnx of the model a model"), "{given_up:?}");
        assert!(given_up[0].contains("openvino bf16") && given_up[0].contains("SIGILL"), "{given_up:?}");

        // What somebody has damaged is tried again.
        fs::write(record_path(&folder, &place, &record.sha256, &[1, 3]), "{").unwrap();
        assert_eq!(load(&place, &[1, 3]), None);
    }

    #[test]
    fn what_another_trial_found_out_is_added_and_nothing_is_forgotten() {
        let network = Network::new("a model", "a.onnx", Cow::Borrowed(b"a network"), None, None);
        let place = Machine { cpu: "this".into(), library: "1".into() };
        let (mut known, mut other) =
            (Record::new(&network, &[1], &place), Record::new(&network, &[1], &place));
        let [a, b, c] = [Provider::Cpu, Provider::OpenVino, Provider::Cuda]
            .map(|provider| Plan { provider, precision: Precision::F32 });
        known.set_outcome(a, Outcome::Took(2.0));
        known.set_outcome(b, Outcome::Died("SIGILL".into()));
        other.set_outcome(a, Outcome::Ran);
        other.set_outcome(c, Outcome::Ran);
        known.merge(&other);
        assert_eq!(known.outcome(a), Some(&Outcome::Took(2.0)));
        assert!(matches!(known.outcome(b), Some(Outcome::Died(_))));
        assert_eq!(known.outcome(c), Some(&Outcome::Ran));
        other.set_outcome(a, Outcome::Took(1.0));
        other.set_outcome(b, Outcome::Took(1.0));
        known.merge(&other);
        assert_eq!(known.outcome(a), Some(&Outcome::Took(1.0)), "measured again");
        assert!(matches!(known.outcome(b), Some(Outcome::Died(_))), "what failed once stays so");
    }
}
