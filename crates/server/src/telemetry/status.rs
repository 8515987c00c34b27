//! `/api/v1/status`: what runs, with what, and how it is.

use serde_json::{Value, json};
use sightwire_infer::cpu::{Cpu, Tiles};
use sightwire_models::Provider;
use sightwire_models::manifest::Task;
use sightwire_recognizer::State as RecognizerState;

use super::{Telemetry, process};
use crate::config::Config;

impl Telemetry {
    /// The whole answer.
    pub fn status(&self, config: &Config) -> Value {
        let recognizer = &self.recognizer;
        let (state, loading, failure, missing) = match recognizer.state() {
            RecognizerState::Loading(progress) => ("loading", Some(progress), None, None),
            RecognizerState::Ready(_) => ("ready", None, None, None),
            RecognizerState::Failed { reason, missing } => ("failed", None, Some(reason), missing),
            RecognizerState::Dummy => ("dummy", None, None, None),
        };
        let requested = config.engine.options.provider.map_or("auto", Provider::name);
        let mut engine = match recognizer.state() {
            RecognizerState::Ready(service) => {
                let engine = service.engine();
                // The first network is the one that costs.
                let plan = service.plans().first().map(|(_, plan)| *plan);
                let networks: Vec<Value> = service
                    .plans()
                    .iter()
                    .map(|(role, plan)| {
                        json!({ "role": role, "provider": plan.provider, "precision": plan.precision })
                    })
                    .collect();
                json!({
                    "provider": plan.map(|p| p.provider),
                    "requested": requested,
                    "runtime_version": engine.runtime().version(),
                    "threads": engine.threads(),
                    "precision": plan.map(|p| p.precision),
                    "networks": networks,
                    "jpeg": sightwire_frame::JPEG_BACKEND,
                    "note": engine.note(),
                })
            }
            _ => json!({
                "provider": null, "requested": requested, "runtime_version": null, "threads": null,
                "precision": null, "networks": [], "jpeg": sightwire_frame::JPEG_BACKEND, "note": null,
            }),
        };
        engine["cpu"] = cpu();
        engine["warnings"] = self.engine.warnings().into();
        let facts = recognizer.facts();
        let stats = recognizer.stats();
        let rates = self.rates();
        let process = process::usage();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_s": self.uptime().as_secs_f64(),
            "engine": engine,
            "recognizer": {
                "model": &*recognizer.model(),
                "task": Task::ClipClassification.name(),
                "state": state,
                "error": failure,
                "cure": missing.map(|missing| missing.command(&config.store)),
                "loading": loading,
                "switching": recognizer.switching_to().map(|to| json!({ "to": to })),
                "warning": recognizer.warning(),
                "labels": facts.as_ref().map(|f| f.labels.as_slice()).unwrap_or_default(),
                "window": facts.as_ref().map(|f| f.window),
                "threshold": facts.as_ref().map(|f| f.threshold),
                "clients": recognizer.clients(),
                "max_clients": recognizer.max_clients(),
                "frames_total": stats.frames,
                "frames_analysed_total": stats.analysed,
                "predictions_total": stats.predictions,
                "frames_per_s": rates.frames_per_s,
                "analysed_per_s": rates.analysed_per_s,
                "predictions_per_s": rates.predictions_per_s,
                "delay_ms": { "p50": rates.delay_p50_ms, "p95": rates.delay_p95_ms },
                "capacity_fps": stats.capacity_fps,
                "longest_wait_s": stats.longest_wait.as_secs_f64(),
                "overloaded": rates.skipped_per_s > 0.0,
            },
            "cameras": self.streams.report(),
            "relay": self.relay.report(),
            "detector": self.streams.detector.report(),
            "reader": self.reader.report(),
            "process": {
                "cpu_seconds": process.cpu_seconds,
                "cpu_percent": rates.cpu_percent,
                "memory_bytes": process.memory_bytes,
                "threads": process.threads,
            },
            "connections": self.connections(),
        })
    }
}

fn cpu() -> Value {
    let cpu = Cpu::here();
    let amx = match cpu.tiles {
        Tiles::Absent => "absent",
        Tiles::Usable => "usable",
        Tiles::Unusable => "unusable",
        Tiles::Off => "off",
    };
    json!({ "name": cpu.name, "extensions": cpu.extensions, "amx": amx })
}
