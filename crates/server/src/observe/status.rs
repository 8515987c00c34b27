//! `/api/v1/status`: what runs, with what, and how it is.

use sightwire_api::cluster::ClusterStatus;
use sightwire_api::status::{
    self as api, Amx, DetectorStatus, EngineStatus, LastSign, MemoryRefused, MemoryStatus, Network,
    PredictionDelay, ProcessStatus, Progress, ReaderStatus, RecognizerState, RecognizerStatus, Status,
    Switching,
};
use sightwire_base::clock;
use sightwire_base::memory::Work;
use sightwire_engine::cpu::{Cpu, Tiles};
use sightwire_models::Provider;
use sightwire_models::store::Store;
use sightwire_recognizer::State;

use sightwire_telemetry::process;

use super::Observer;

/// What the status says of the configuration.
#[derive(Clone, Debug)]
pub struct Configured<'a> {
    /// Execution provider that was asked for; `None`: whichever is there.
    pub provider: Option<Provider>,
    /// Whether the server knows of batches that workers read.
    pub has_workers: bool,
    /// Where models are kept.
    pub store: &'a Store,
}

impl Observer {
    /// The answer of `/api/v1/status`.
    pub fn status(&self, configured: &Configured<'_>) -> Status {
        let (process, rates) = (process::process_usage(), self.rates());
        Status {
            cameras: self.parts.streams.report(),
            cluster: self.cluster_status(),
            connections: self.connections(),
            detector: DetectorStatus {
                hands: self.parts.streams.hands.report(),
                pose: self.parts.streams.bodies.report(),
                ..self.parts.streams.detector.report()
            },
            engine: self.engine_status(configured),
            memory: self.memory_status(),
            process: ProcessStatus {
                cpu_percent: rates.cpu_percent,
                cpu_seconds: process.cpu_seconds,
                memory_bytes: process.memory_bytes,
                threads: process.threads,
            },
            reader: ReaderStatus { workers: configured.has_workers, ..self.parts.reader.reader_status() },
            recognizer: self.recognizer_status(configured),
            relay: self.parts.relay.report(),
            uptime_s: self.uptime().as_secs_f64(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// How it stands with the others; `None` where it is alone.
    fn cluster_status(&self) -> Option<ClusterStatus> {
        Some(ClusterStatus {
            pulled_bytes_per_s: self.rates().pulled_bytes_per_s,
            pulls: self.parts.streams.pulled_streams().len(),
            ..self.parts.streams.cluster()?.status()
        })
    }

    fn memory_status(&self) -> MemoryStatus {
        let memory = &self.parts.memory;
        let refused = |work| memory.refused(work);
        MemoryStatus {
            budget_bytes: memory.budget(),
            is_full: memory.is_full(),
            refused: MemoryRefused {
                batches: refused(Work::Batch),
                cameras: refused(Work::Camera),
                clients: refused(Work::Client),
                pictures: refused(Work::Picture),
                streams: refused(Work::Stream),
                viewers: refused(Work::Viewer),
            },
            used_bytes: memory.used(),
        }
    }

    fn engine_status(&self, configured: &Configured<'_>) -> EngineStatus {
        let requested = configured.provider.map_or("auto", Provider::name);
        let mut status = EngineStatus {
            cpu: cpu_status(),
            jpeg: sightwire_frame::JPEG_BACKEND.to_owned(),
            requested: requested.to_owned(),
            warnings: self.parts.engine.warnings(),
            ..EngineStatus::default()
        };
        if let State::Ready(service) = self.parts.recognizer.state() {
            let engine = service.engine();
            let networks = service.plans().iter().map(|(role, plan)| Network {
                precision: plan.precision.name().to_owned(),
                provider: plan.provider.name().to_owned(),
                role: role.to_string(),
            });
            status.networks = networks.collect();
            // The first network is the one that costs.
            let first = status.networks.first().cloned();
            (status.precision, status.provider) =
                first.map(|first| (first.precision, first.provider)).unzip();
            status.runtime_version = Some(engine.runtime().version().to_owned());
            status.threads = Some(engine.threads());
            status.note = engine.note().map(str::to_owned);
        }
        status
    }

    fn recognizer_status(&self, configured: &Configured<'_>) -> RecognizerStatus {
        let recognizer = &self.parts.recognizer;
        let (state, loading, error, missing) = match recognizer.state() {
            State::Loading(progress) => (RecognizerState::Loading, Some(progress), None, None),
            State::Ready(_) => (RecognizerState::Ready, None, None, None),
            State::Failed { reason, missing } => (RecognizerState::Failed, None, Some(reason), missing),
            State::Dummy => (RecognizerState::Dummy, None, None, None),
        };
        let (facts, stats, rates) = (recognizer.model_facts(), recognizer.stats(), self.rates());
        RecognizerStatus {
            analysed_per_s: rates.analysed_per_s,
            better: recognizer.better_model(),
            capacity_fps: stats.capacity_fps.into(),
            clients: recognizer.client_count(),
            cure: missing.map(|missing| missing.command(configured.store)),
            delay_ms: PredictionDelay { p50: rates.delay_p50_ms, p95: rates.delay_p95_ms },
            error,
            frames_analysed_total: stats.analysed,
            frames_per_s: rates.frames_per_s,
            frames_total: stats.frames,
            last: recognizer.last_sign().map(|last| LastSign {
                age_s: clock::now().saturating_duration_since(last.at).as_secs_f64(),
                confidence: last.score.into(),
                label: last.label.to_string(),
            }),
            loading: loading
                .map(|loading| Progress { progress: loading.done.map(f64::from), text: loading.text }),
            longest_wait_s: stats.longest_wait.as_secs_f64(),
            max_clients: recognizer.max_clients(),
            model: recognizer.model().to_string(),
            // A burst of one client is not a load.
            overloaded: rates.skipped_per_s > 0.0 && rates.frames_per_s > 0.5 * f64::from(stats.capacity_fps),
            predictions_per_s: rates.predictions_per_s,
            predictions_total: stats.predictions,
            state,
            switching: recognizer.switching_to().map(|to| Switching { to }),
            task: recognizer.task().name().to_owned(),
            threshold: facts.as_ref().map(|facts| facts.threshold.into()),
            warning: recognizer.warning(),
            window: facts.as_ref().map(|facts| facts.window),
            labels: facts.map(|facts| facts.labels).unwrap_or_default(),
        }
    }
}

fn cpu_status() -> api::Cpu {
    let cpu = Cpu::this_machine();
    let amx = match cpu.tiles {
        Tiles::Absent => Amx::Absent,
        Tiles::Usable => Amx::Usable,
        Tiles::Unusable => Amx::Unusable,
        Tiles::Off => Amx::Off,
    };
    api::Cpu { amx, extensions: cpu.extensions.clone(), name: cpu.name.clone() }
}
