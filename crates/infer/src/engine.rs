//! Execution providers, and sessions with static shapes.

use std::fmt;
use std::str::FromStr;

use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider as _};
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{TensorRef, ValueType};
use parking_lot::Mutex;

use crate::manifest::Precision;
use crate::runtime::{Runtime, has_nvidia_gpu};

/// What runs the networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// ONNX Runtime's own kernels.
    Cpu,
    /// Intel's, the fast ones on x86-64 CPUs.
    OpenVino,
    /// An NVIDIA GPU.
    Cuda,
}

impl Provider {
    /// As in the configuration and API answers.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Cpu => "cpu",
            Provider::OpenVino => "openvino",
            Provider::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(Provider::Cpu),
            "openvino" => Ok(Provider::OpenVino),
            "cuda" => Ok(Provider::Cuda),
            _ => Err(format!("{text:?} is not one of cpu, openvino, cuda")),
        }
    }
}

/// How networks are run.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// `None` chooses by what the library and the machine have.
    pub provider: Option<Provider>,
    /// Threads that run networks, each with sessions of its own.
    pub threads: usize,
    /// `None` takes what the model's manifest allows.
    pub precision: Option<Precision>,
    /// Most memory that CUDA may take, in MiB; 0 sets no bound.
    pub gpu_memory_mb: usize,
}

/// Makes sessions; one in a process.
#[derive(Debug)]
pub struct Engine {
    runtime: Runtime,
    options: EngineOptions,
    provider: Provider,
    /// Why the provider is not the best one, for people.
    note: Option<String>,
    /// Sessions are made one at a time: it takes memory, and OpenVINO's compiler all cores.
    making: Mutex<()>,
}

/// Why a network cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The provider asked for is not there.
    #[error(
        "the execution provider {provider} is not available: {reason}; set `engine.provider = \"auto\"` to take what there is"
    )]
    Provider {
        /// As asked for.
        provider: Provider,
        /// Why.
        reason: String,
    },
    /// Not a network, or one with parts the library does not know.
    #[error("{network} cannot be loaded with {provider}: {reason}")]
    Load {
        /// File name.
        network: String,
        /// In use.
        provider: Provider,
        /// As the library says.
        reason: String,
    },
    /// The network is not the one its manifest describes.
    #[error(
        "{network} has the {side} {found}, but its manifest says {expected}; correct the manifest or supply the right file"
    )]
    Shape {
        /// File name.
        network: String,
        /// `input` or `output`.
        side: &'static str,
        /// As in the file.
        found: String,
        /// As in the manifest.
        expected: String,
    },
    /// A run failed.
    #[error("{network} failed: {reason}")]
    Run {
        /// File name.
        network: String,
        /// As the library says.
        reason: String,
    },
}

/// A network as its manifest describes it. Shapes are static: the free dimension is set when the session is made.
#[derive(Clone, Debug)]
pub struct NetworkSpec<'a> {
    /// File name, for messages.
    pub name: &'a str,
    /// The file.
    pub bytes: &'a [u8],
    /// Name of the free dimension.
    pub symbol: &'a str,
    /// Value of the free dimension.
    pub batch: usize,
    /// Of the only input (f32).
    pub input: Vec<usize>,
    /// Of the only output (f32).
    pub output: Vec<usize>,
    /// As the manifest allows.
    pub precision: Precision,
}

/// One network, ready to run, for one thread at a time.
pub struct Session {
    name: String,
    input: Vec<usize>,
    inner: OrtSession,
}

impl Engine {
    /// Chooses the provider: the one asked for, else CUDA where its library and a GPU are there, else OpenVINO where
    /// its library is there, else the plain CPU.
    pub fn new(runtime: Runtime, options: EngineOptions) -> Result<Self, EngineError> {
        let available = |provider| match provider {
            Provider::OpenVino if runtime.has_beside("libonnxruntime_providers_openvino.so") => Ok(()),
            Provider::OpenVino => {
                Err("this ONNX Runtime was built without it (`sightwire models pull runtime-openvino`)")
            }
            Provider::Cuda if !runtime.has_beside("libonnxruntime_providers_cuda.so") => {
                Err("this ONNX Runtime was built without it (`sightwire models pull runtime-cuda`)")
            }
            Provider::Cuda if !has_nvidia_gpu() => Err("no NVIDIA GPU, or no driver for it, was found"),
            Provider::Cuda
                if std::env::var("CUDA_VISIBLE_DEVICES").is_ok_and(|v| v.trim().is_empty() || v == "-1") =>
            {
                Err("CUDA_VISIBLE_DEVICES is empty, which means CPU only")
            }
            Provider::Cpu | Provider::Cuda => Ok(()),
        };
        let (provider, note) = match options.provider {
            Some(provider) => {
                available(provider)
                    .map_err(|reason| EngineError::Provider { provider, reason: reason.to_owned() })?;
                (provider, None)
            }
            None if available(Provider::Cuda).is_ok() => (Provider::Cuda, None),
            None if available(Provider::OpenVino).is_ok() => (Provider::OpenVino, None),
            None => {
                let note = (std::env::consts::ARCH == "x86_64").then(|| {
                    "OpenVINO is faster on this CPU: `sightwire models pull runtime-openvino`".to_owned()
                });
                (Provider::Cpu, note)
            }
        };
        Ok(Self { runtime, options, provider, note, making: Mutex::new(()) })
    }

    /// The provider in use. A session that cannot be made with it is an error, never a silent fall-back.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The library in use.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Why the provider is not the best one.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Threads that run networks.
    pub fn threads(&self) -> usize {
        self.options.threads
    }

    /// The precision that a network with this manifest is run at.
    pub fn precision(&self, allowed: Precision) -> Precision {
        match self.provider {
            Provider::OpenVino => self.options.precision.unwrap_or(allowed),
            Provider::Cpu | Provider::Cuda => Precision::F32,
        }
    }

    /// Frames that are worth running at once: CPUs gain nothing from more than one (measured, docs/benchmarks.md).
    pub fn batch(&self) -> usize {
        match self.provider {
            Provider::Cpu | Provider::OpenVino => 1,
            Provider::Cuda => 8,
        }
    }

    /// Makes a session, checks its shapes against the manifest, and runs it once on zeros.
    pub fn session(&self, spec: &NetworkSpec<'_>) -> Result<Session, EngineError> {
        let _one_at_a_time = self.making.lock();
        let load = |error: &dyn fmt::Display| EngineError::Load {
            network: spec.name.to_owned(),
            provider: self.provider,
            reason: error.to_string(),
        };
        let inner = self
            .builder(spec)
            .map_err(|error| load(&error))?
            .commit_from_memory(spec.bytes)
            .map_err(|error| load(&error))?;
        check(spec, "input", inner.inputs(), &spec.input)?;
        check(spec, "output", inner.outputs(), &spec.output)?;
        let mut session = Session { name: spec.name.to_owned(), input: spec.input.clone(), inner };
        let zeros = vec![0.0; spec.input.iter().product()];
        session.run(&zeros, &mut Vec::new())?;
        Ok(session)
    }

    fn builder(&self, spec: &NetworkSpec<'_>) -> ort::Result<SessionBuilder> {
        let mut builder = OrtSession::builder(self.runtime.environment())?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_dimension_override(spec.symbol, spec.batch as i64)?;
        match self.provider {
            Provider::Cpu => {}
            Provider::OpenVino => {
                let precision = self.precision(spec.precision).name();
                // Without the last key OpenVINO pins the caller of every session to the first core.
                let config = format!(
                    r#"{{"CPU":{{"INFERENCE_PRECISION_HINT":"{precision}","INFERENCE_NUM_THREADS":"1","NUM_STREAMS":"1","ENABLE_CPU_PINNING":"NO"}}}}"#
                );
                let openvino = ep::OpenVINO::default()
                    .with_device_type("CPU")
                    .with_arbitrary_config("load_config", config);
                builder = builder.with_execution_providers([openvino.build().error_on_failure()])?;
            }
            Provider::Cuda => {
                let mut cuda = ep::CUDA::default();
                if self.options.gpu_memory_mb > 0 {
                    cuda = cuda.with_memory_limit(self.options.gpu_memory_mb << 20);
                }
                builder = builder.with_execution_providers([cuda.build().error_on_failure()])?;
            }
        }
        Ok(builder)
    }
}

impl Session {
    /// Runs the network: `input` in the shape of its spec, row-major; `output` is replaced by all output values.
    pub fn run(&mut self, input: &[f32], output: &mut Vec<f32>) -> Result<(), EngineError> {
        let failed =
            |error: ort::Error| EngineError::Run { network: self.name.clone(), reason: error.to_string() };
        let tensor = TensorRef::from_array_view((self.input.as_slice(), input)).map_err(failed)?;
        let outputs = self.inner.run(ort::inputs![tensor]).map_err(failed)?;
        let (_, values) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        output.clear();
        output.extend_from_slice(values);
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.name)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// The network has exactly one such side, of f32 and of this shape. A dimension override with an unknown symbol is
/// silently ignored by ONNX Runtime, and shows here as a dimension of -1.
fn check(
    spec: &NetworkSpec<'_>,
    side: &'static str,
    found: &[ort::value::Outlet],
    expected: &[usize],
) -> Result<(), EngineError> {
    let shape: Option<Vec<i64>> = match found {
        [only] => match only.dtype() {
            ValueType::Tensor { ty: ort::value::TensorElementType::Float32, shape, .. } => {
                Some(shape.to_vec())
            }
            _ => None,
        },
        _ => None,
    };
    let same = shape
        .as_ref()
        .is_some_and(|s| s.len() == expected.len() && s.iter().zip(expected).all(|(a, b)| *a == *b as i64));
    if same {
        return Ok(());
    }
    let found = match (shape, found) {
        (Some(shape), _) => format!("f32 {shape:?}"),
        (None, [only]) => format!("{:?}", only.dtype()),
        (None, several) => format!("{} tensors instead of one", several.len()),
    };
    Err(EngineError::Shape {
        network: spec.name.to_owned(),
        side,
        found,
        expected: format!("f32 {expected:?}"),
    })
}
