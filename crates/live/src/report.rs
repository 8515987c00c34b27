//! Streams, analyses and views as the API shows them.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use sightwire_measure::clock;

use super::Streams;
use super::analysis::Analysis;
use super::registry::Camera;
use super::upstream::Upstream;
use super::view::{View, ViewKey};
use crate::source::CameraSource;

impl Streams {
    /// A camera; its stream is null while nobody watches.
    pub fn camera_report(&self, camera: &Camera) -> Value {
        let table = &camera.table;
        let stream = self
            .running
            .cameras
            .peek(&table.source.clone().into())
            .map(|upstream| self.stream_report(&upstream));
        json!({
            "id": table.id,
            "name": table.name,
            "url": table.source.shown(),
            "mode": table.source.mode(),
            "fps": table.source.fps().map(|fps| (fps * 1000.0).round() / 1000.0),
            "user": table.user,
            "default": table.default,
            "configured": camera.configured,
            "stream": stream,
        })
    }

    /// A stream.
    pub fn stream_report(&self, upstream: &Upstream) -> Value {
        let (stream, now) = (&upstream.stream, clock::now());
        let (state, counters, newest) = (stream.state(), stream.counters(), stream.newest());
        let [fps, bytes_per_s, bytes_out_per_s, fps_out, _] = upstream.meter.rates();
        let [delay] = upstream.meter.delays();
        let size = upstream.size();
        let [delivered, _, missed] = counters.delivered.counts();
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let analysis = self.analyses.peek(&upstream.origin);
        let analyses: Vec<Value> = analysis.iter().map(|analysis| self.analysis_report(analysis)).collect();
        let camera = upstream.origin.camera();
        let name =
            camera.and_then(|source| self.registry.with_source(source)).map(|camera| camera.table.name);
        let name = name.unwrap_or_else(|| upstream.origin.shown());
        let age = newest.map(|newest| now.saturating_duration_since(newest.captured()).as_secs_f64());
        let mut report = json!({
            "id": &**stream.id(),
            "kind": upstream.origin.kind(),
            "name": name,
            "url": camera.map(CameraSource::shown),
            "state": state.condition.name(),
            "reason": state.reason.as_deref(),
            "since_s": seconds(now.saturating_duration_since(state.since).as_secs_f64()),
            "slow": stream.slow().map(|slow| json!({
                "fps": seconds(slow.rate), "usual_fps": seconds(slow.usual),
            })),
            "fps": fps,
            "bytes_per_s": bytes_per_s,
            "width": size.map(|size| size.0),
            "height": size.map(|size| size.1),
            "last_picture_age_s": age.map(seconds),
            "pictures": get(&counters.pictures),
            "bytes": get(&counters.bytes),
            "received_bytes": get(&counters.received_bytes),
            "broken": get(&counters.broken),
            "skipped_bytes": get(&counters.skipped_bytes),
            "wrong_lengths": get(&counters.wrong_lengths),
            "connects": get(&counters.connects),
            "viewers": self.viewers.count(stream.id()),
            "delivered": delivered,
            "missed": missed,
            "fps_out": fps_out,
            "bytes_out_per_s": bytes_out_per_s,
            "lost_percent": upstream.lost_percent(),
            "delay_ms": delay,
            "analyses": analyses,
        });
        if let Some(sender) = &upstream.sender {
            sender.report_in(&mut report);
        }
        report
    }

    /// All running streams.
    pub fn stream_reports(&self) -> Vec<Value> {
        self.upstreams().iter().map(|upstream| self.stream_report(upstream)).collect()
    }

    /// A stream and who watches it.
    pub fn detailed_report(&self, upstream: &Upstream) -> Value {
        let (mut report, now) = (self.stream_report(upstream), clock::now());
        let viewers = self.viewers.of(upstream.stream.id());
        report["viewer_list"] = viewers.iter().map(|viewer| viewer.report(now)).collect();
        report
    }

    fn analysis_report(&self, analysis: &Analysis) -> Value {
        let ([frames_per_s, analysed_per_s], pace) = (analysis.meter.rates(), analysis.demand.pace());
        let [decoded, inferred, encoded] = analysis.meter.delays();
        let views: Vec<Value> = self
            .views
            .all()
            .iter()
            .filter_map(|(key, view)| match key {
                ViewKey::Drawn { origin, .. } if *origin == analysis.upstream.origin => {
                    Some(view_report(view))
                }
                _ => None,
            })
            .collect();
        let detector = self.detector.report();
        json!({
            "model": detector["model"],
            "provider": detector["provider"],
            "precision": detector["precision"],
            "fps": pace.fps,
            "skip_frames": pace.skip_frames(),
            "frames_per_s": frames_per_s,
            "analysed_per_s": analysed_per_s,
            "objects": analysis.objects(self.options.detector.confidence),
            "problem": analysis.problem().as_deref(),
            "failed": analysis.counters.failed.load(Ordering::Relaxed),
            "delay_ms": { "decoded": decoded, "inferred": inferred, "encoded": encoded },
            "views": views,
        })
    }

    /// As in `/api/v1/status`.
    pub fn report(&self) -> Value {
        let cameras = &self.options.cameras;
        let upstreams = &self.running.cameras;
        let rates: Vec<[f64; 5]> = upstreams.all().iter().map(|(_, u)| u.meter.rates()).collect();
        let sum = |index: usize| rates.iter().map(|rates| rates[index]).fold(0.0, |a: f64, b| a + b);
        let out: f64 = self.bytes_out.rates()[0];
        let [known, named] = self.open_cameras();
        json!({
            "known": self.registry.all().len(),
            "upstreams": known,
            "max_upstreams": cameras.max_upstreams,
            "named": named,
            "max_named": cameras.max_named,
            "viewers": self.viewers.now().cameras,
            "max_viewers": cameras.max_viewers,
            "analyses": self.analyses.len(),
            "max_analyses": cameras.max_analyses,
            "views": self.views.len(),
            "max_views": cameras.max_views,
            "frames_per_s": sum(0),
            "bytes_in_per_s": sum(1),
            "bytes_out_per_s": out,
        })
    }
}

fn view_report(view: &View) -> Value {
    let ViewKey::Drawn { fps, look, quality, .. } = &view.key else { return Value::Null };
    json!({
        "kind": if look.tracking.is_some() { "tracking" } else { "detect" },
        "confidence": f64::from(look.confidence) / 100.0,
        "labels": look.labels,
        "trails": look.tracking.is_some_and(|tracking| tracking.trails),
        "stats": look.tracking.is_some_and(|tracking| tracking.stats),
        "classes": Some(&look.classes).filter(|classes| !classes.is_empty()),
        "quality": quality,
        "fps": fps,
        "viewers": view.stream.counters().subscribers.load(Ordering::Relaxed),
        "frames_per_s": view.meter.rates()[0],
    })
}

/// Three decimals are enough.
fn seconds(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
