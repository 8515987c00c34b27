//! Has networks run by a server elsewhere.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::kserve::client::Options;
use crate::kserve::messages::{ModelMetadata, TensorMetadata};
use crate::kserve::model::{RemoteModel, Standing};
use crate::kserve::tensor::{Datatype, Tensor, TensorError};
use parking_lot::Mutex;
use sightwire_engine::remote::{Offered, Output, PATIENCE, RemoteNetworks, Report, Task, Terms};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{INPUT, MAX_REALS, MAX_VALUES, PLATFORM};

/// Beside [`PATIENCE`], for what is between the thread that waits and the task that asks.
const GRACE: Duration = Duration::from_millis(50);

/// A server that runs networks.
pub struct KserveNetworks {
    options: Options,
    tasks: Vec<Task>,
    /// Where it is asked from: those who wait for an answer are threads.
    runtime: Handle,
    tracker: TaskTracker,
    stop: CancellationToken,
    models: Mutex<BTreeMap<String, Arc<RemoteModel>>>,
}

impl KserveNetworks {
    /// Asks nobody before a network for one of these tasks is run. To be called on a runtime; asks until `stop`.
    pub fn new(
        options: Options,
        tasks: Vec<Task>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let (runtime, tracker, stop) = (Handle::current(), tracker.clone(), stop.clone());
        Arc::new(Self { options, tasks, runtime, tracker, stop, models: Mutex::default() })
    }

    fn model_for(&self, network: &Arc<Offered>) -> Arc<RemoteModel> {
        let of = network.clone();
        let fits = move |metadata: &ModelMetadata| check_fits(metadata, &of);
        self.model(&network.name, Some(&network.version), self.options.max_message_bytes, fits)
    }

    /// A model there, which is looked for from now on if it is needed.
    pub(crate) fn model(
        &self,
        name: &str,
        version: Option<&str>,
        max_message_bytes: usize,
        fits: impl Fn(&ModelMetadata) -> Result<(), TensorError> + Send + Sync + 'static,
    ) -> Arc<RemoteModel> {
        let mut models = self.models.lock();
        // Another file under the same name is another network.
        let key = format!("{name} {}", version.unwrap_or_default());
        let remote = models.entry(key).or_insert_with(|| {
            let options = Options { max_message_bytes, ..self.options.clone() };
            let remote = RemoteModel::new(options, (name, version), fits);
            self.tracker.spawn_on(remote.clone().run(self.stop.clone()), &self.runtime);
            remote
        });
        remote.clone()
    }
}

impl RemoteNetworks for KserveNetworks {
    fn takes_task(&self, task: Task) -> bool {
        self.tasks.contains(&task)
    }

    fn run(
        &self,
        network: &Arc<Offered>,
        shape: &[usize],
        values: &[f32],
        expected: &[Option<usize>],
    ) -> Option<Output> {
        if self.stop.is_cancelled() {
            return None;
        }
        let remote = self.model_for(network);
        let metadata = remote.wanted_metadata().ok()?;
        let input = build_input(&metadata, network.terms, shape, values)?;
        let (give, take) = sync_channel(1);
        let expected = expected.to_vec();
        // A task, and not this thread: it ends with the runtime, and a thread of the runtime must not wait.
        let asking = async move {
            let read = |outputs: &[Tensor]| read_output(outputs, &expected);
            let _ = give.send(remote.infer(&[input], PATIENCE, read).await);
        };
        self.tracker.spawn_on(asking, &self.runtime);
        take.recv_timeout(PATIENCE + GRACE).ok()?.ok()
    }

    fn report(&self) -> Vec<Report> {
        let models = self.models.lock();
        let report = |remote: &Arc<RemoteModel>| {
            let standing = remote.standing();
            let why_not = match &*standing.borrow() {
                Standing::Away(why) => Some(why.to_string()),
                Standing::Unasked | Standing::Here(_) => None,
            };
            Report {
                network: remote.model().to_owned(),
                is_here: remote.is_answering(),
                why_not,
                answered: remote.counters.answered.load(Ordering::Relaxed),
                failed: remote.counters.failed.load(Ordering::Relaxed),
            }
        };
        // Two versions of one network are one to those who look.
        let mut reports = BTreeMap::<String, Report>::new();
        for one in models.values().map(report) {
            match reports.entry(one.network.clone()) {
                Entry::Vacant(entry) => drop(entry.insert(one)),
                Entry::Occupied(mut entry) => {
                    let all = entry.get_mut();
                    all.is_here |= one.is_here;
                    all.why_not = all.why_not.take().or(one.why_not).filter(|_| !all.is_here);
                    all.answered += one.answered;
                    all.failed += one.failed;
                }
            }
        }
        reports.into_values().collect()
    }
}

impl fmt::Debug for KserveNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KserveNetworks")
            .field("options", &self.options)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// Whether it is the same network, and takes what can be sent. A server that tells nothing is tried.
fn check_fits(metadata: &ModelMetadata, network: &Offered) -> Result<(), TensorError> {
    if metadata.platform == PLATFORM && !metadata.versions.contains(&network.version) {
        return Err(TensorError::Unfit { name: "the network", why: "is another version of it" });
    }
    match &metadata.inputs[..] {
        [] => Ok(()),
        [one] if choose_datatype(one, network.terms).is_some() => Ok(()),
        [_] => Err(TensorError::Unfit { name: "the network", why: "takes neither UINT8 nor FP32" }),
        [_, _, ..] => Err(TensorError::Unfit { name: "the network", why: "takes more than one input" }),
    }
}

/// In which form an input is sent, if it can be.
fn choose_datatype(input: &TensorMetadata, terms: Terms) -> Option<Datatype> {
    match Datatype::from_name(&input.datatype)? {
        Datatype::Uint8 if terms.levels.is_some() => Some(Datatype::Uint8),
        Datatype::Fp32 => Some(Datatype::Fp32),
        _ => None,
    }
}

/// As the server takes it; `None` for one that it cannot take.
fn build_input(metadata: &ModelMetadata, terms: Terms, shape: &[usize], values: &[f32]) -> Option<Tensor> {
    let told = metadata.inputs.first();
    let usual = if terms.levels.is_some() { Datatype::Uint8 } else { Datatype::Fp32 };
    let datatype = told.map_or(Some(usual), |input| choose_datatype(input, terms))?;
    let name = told.map_or(INPUT, |input| &input.name);
    match (datatype, terms.levels) {
        (Datatype::Uint8, Some(levels)) if values.len() <= MAX_VALUES => {
            let bytes: Vec<u8> = values.iter().map(|value| levels.to_byte(*value)).collect();
            Tensor::of_u8(name, shape, bytes.into()).ok()
        }
        (Datatype::Fp32, _) if values.len() <= MAX_REALS => Tensor::of_f32(name, shape, values).ok(),
        _ => None,
    }
}

/// The only output, if it is what the network gives.
fn read_output(outputs: &[Tensor], expected: &[Option<usize>]) -> Result<Output, TensorError> {
    let unfit = |why| TensorError::Unfit { name: "the output", why };
    let [output] = outputs else { return Err(unfit("is not one tensor")) };
    let shape = output.shape().iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect();
    let output = Output { shape, values: output.f32s()? };
    output.check_shape(expected).map_err(unfit)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use sightwire_engine::remote::Levels;

    use super::*;

    fn network(levels: Option<Levels>) -> Offered {
        let (name, version) = ("hands.palm".to_owned(), "0123456789abcdef".to_owned());
        Offered { name, version, terms: Terms { task: Task::Hands, levels } }
    }

    fn told(platform: &str, version: &str, datatypes: &[&str]) -> ModelMetadata {
        let tensor = |datatype: &&str| TensorMetadata {
            name: "x".into(),
            datatype: (*datatype).into(),
            shape: vec![-1],
        };
        ModelMetadata {
            platform: platform.into(),
            versions: vec![version.into()],
            inputs: datatypes.iter().map(tensor).collect(),
            ..ModelMetadata::default()
        }
    }

    #[test]
    fn a_server_is_asked_that_runs_the_same_file_and_takes_what_there_is() {
        let levels = Some(Levels { divide_by: 255.0 });
        let fits = |metadata: &ModelMetadata, levels| {
            check_fits(metadata, &network(levels)).map_err(|error| error.to_string())
        };
        assert_eq!(fits(&told(PLATFORM, "0123456789abcdef", &["UINT8"]), levels), Ok(()));
        assert_eq!(fits(&told("onnxruntime_onnx", "1", &["FP32"]), levels), Ok(()));
        assert_eq!(fits(&ModelMetadata::default(), levels), Ok(()), "nothing is told");
        for (metadata, levels, part) in [
            (told(PLATFORM, "fedcba9876543210", &["UINT8"]), levels, "another version"),
            (told("other", "1", &["INT64"]), levels, "neither UINT8 nor FP32"),
            (told("other", "1", &["UINT8"]), None, "neither UINT8 nor FP32"),
            (told("other", "1", &["UINT8", "UINT8"]), levels, "more than one"),
        ] {
            let why = fits(&metadata, levels).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn an_input_goes_as_bytes_or_as_numbers_by_what_the_server_says() {
        let terms = network(Some(Levels { divide_by: 255.0 })).terms;
        let values = [0.0, 1.0, 0.5];
        let sent = |metadata: &ModelMetadata| build_input(metadata, terms, &[1, 3], &values).unwrap();
        let bytes = sent(&told("other", "1", &["UINT8"]));
        assert_eq!(
            (&*bytes.name, bytes.datatype(), &bytes.raw()[..]),
            ("x", Datatype::Uint8, &[0, 255, 128][..])
        );
        let reals = sent(&told("other", "1", &["FP32"]));
        assert_eq!((reals.shape(), reals.f32s().unwrap()), (&[1, 3][..], values.to_vec()));
        assert_eq!(sent(&ModelMetadata::default()).datatype(), Datatype::Uint8);
        let many = vec![0.0; MAX_REALS + 1];
        assert!(build_input(&told("other", "1", &["FP32"]), terms, &[many.len()], &many).is_none());
    }

    #[test]
    fn an_output_is_the_network_s_or_none() {
        let tensor = Tensor::of_f32("y", &[1, 2], &[1.0, 2.0]).unwrap();
        let expected = [Some(1), Some(2)];
        assert_eq!(read_output(std::slice::from_ref(&tensor), &expected).unwrap().values, [1.0, 2.0]);
        assert!(read_output(&[tensor.clone(), tensor.clone()], &expected).is_err());
        assert!(read_output(&[], &expected).is_err());
        assert!(read_output(&[tensor], &[Some(1), Some(3)]).is_err());
        assert!(read_output(&[Tensor::of_i32("y", &[1])], &[Some(1)]).is_err());
    }
}
