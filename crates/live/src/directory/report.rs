//! Streams, analyses and views as the API shows them.

use std::sync::atomic::{AtomicU64, Ordering};

use sightwire_api::Quantiles;
use sightwire_api::camera::{self, CameraTotals};
use sightwire_api::stream::{self, Slow, StageDelays, StreamState, ViewKind};
use sightwire_base::clock;
use sightwire_base::meter::Delay;
use sightwire_hub::stream::Condition;

use crate::Streams;
use crate::analysis::Analysis;
use crate::origin::Origin;
use crate::registry::Camera;
use crate::source::CameraSource;
use crate::upstream::Upstream;
use crate::view::{View, ViewKey};

impl Streams {
    /// A camera; its stream is null while nobody watches.
    pub fn camera_report(&self, camera: &Camera) -> camera::Camera {
        let table = &camera.table;
        let upstream = self.running.cameras.peek(&table.source.clone().into());
        camera::Camera {
            configured: camera.configured,
            default: table.default,
            fps: table.source.fps().map(round_thousandths),
            id: table.id.clone(),
            mode: table.source.mode(),
            name: table.name.clone(),
            stream: upstream.map(|upstream| self.stream_report(&upstream)),
            url: table.source.shown_address(),
            user: table.user.clone(),
        }
    }

    /// A stream as in answers, without the list of its viewers.
    pub fn stream_report(&self, upstream: &Upstream) -> stream::Stream {
        let (stream, now) = (&upstream.stream, clock::now());
        let (state, counters, newest) = (stream.state(), stream.counters(), stream.newest());
        let [fps, bytes_per_s, bytes_out_per_s, fps_out, _] = upstream.meter.rates();
        let [delay] = upstream.meter.delays();
        let size = upstream.dimensions();
        let [delivered, _, missed] = counters.delivered.counts();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let camera = upstream.origin.camera();
        let name =
            camera.and_then(|source| self.registry.with_source(source)).map(|camera| camera.table.name);
        let age = newest.map(|newest| now.saturating_duration_since(newest.captured()).as_secs_f64());
        let mut report = stream::Stream {
            analyses: self.analysis_reports(&upstream.origin),
            broken: get(&counters.broken),
            bytes: get(&counters.bytes),
            bytes_out_per_s,
            bytes_per_s,
            connects: get(&counters.connects),
            delay_ms: delay.map(delay_quantiles),
            delivered,
            fps,
            fps_out,
            height: size.map(|size| size.1),
            id: stream.id().to_string(),
            kind: upstream.origin.kind(),
            last_picture_age_s: age.map(round_thousandths),
            lost_percent: upstream.lost_percent(),
            missed,
            name: name.unwrap_or_else(|| upstream.origin.shown_address()),
            pictures: get(&counters.pictures),
            process: upstream.place.process().map(|process| process.to_string()),
            reason: state.reason.as_deref().map(str::to_owned),
            received_bytes: get(&counters.received_bytes),
            since_s: round_thousandths(now.saturating_duration_since(state.since).as_secs_f64()),
            skipped_bytes: get(&counters.skipped_bytes),
            slow: stream.slow().map(|slow| Slow {
                fps: round_thousandths(slow.rate),
                usual_fps: round_thousandths(slow.usual),
            }),
            state: stream_state(state.condition),
            url: camera.map(CameraSource::shown_address),
            viewers: self.viewers.watcher_count(stream.id()),
            width: size.map(|size| size.0),
            wrong_lengths: get(&counters.wrong_lengths),
            ..stream::Stream::default()
        };
        if let Some(sender) = &upstream.sender {
            sender.report_in(&mut report);
        }
        report
    }

    /// All streams that are being read or sent here, as in answers.
    pub fn stream_reports(&self) -> Vec<stream::Stream> {
        self.upstreams().iter().map(|upstream| self.stream_report(upstream)).collect()
    }

    /// A stream, and who watches it here.
    pub fn detailed_report(&self, upstream: &Upstream) -> stream::Stream {
        let (report, now) = (self.stream_report(upstream), clock::now());
        let viewers = self.viewers.stream_viewers(upstream.stream.id());
        let viewers = viewers.iter().map(|viewer| viewer.report(now)).collect();
        stream::Stream { viewer_list: Some(viewers), ..report }
    }

    /// What is made of a stream here.
    pub(crate) fn analysis_reports(&self, origin: &Origin) -> Vec<stream::Analysis> {
        self.analyses.peek(origin).iter().map(|analysis| self.analysis_report(analysis)).collect()
    }

    fn analysis_report(&self, analysis: &Analysis) -> stream::Analysis {
        let ([frames_per_s, analysed_per_s], pace) = (analysis.meter.rates(), analysis.demand.pace());
        let [decoded, inferred, encoded] = analysis.meter.delays();
        let views = self.views.all();
        let views = views.iter().filter_map(|(key, view)| match key {
            ViewKey::Drawn { origin, .. } if *origin == analysis.upstream.origin => view_report(view),
            _ => None,
        });
        let detector = self.detector.report();
        stream::Analysis {
            analysed_per_s,
            delay_ms: StageDelays {
                decoded: decoded.map(delay_quantiles),
                encoded: encoded.map(delay_quantiles),
                inferred: inferred.map(delay_quantiles),
            },
            failed: analysis.counters.failed.load(Ordering::Relaxed),
            fps: pace.fps,
            frames_per_s,
            model: detector.model,
            objects: analysis.count_objects(self.options().detector.confidence),
            precision: detector.precision,
            problem: analysis.problem().as_deref().map(str::to_owned),
            provider: detector.provider,
            skip_frames: pace.skip_frames(),
            views: views.collect(),
        }
    }

    /// The `cameras` part of `/api/v1/status`.
    pub fn report(&self) -> CameraTotals {
        let options = self.options();
        let cameras = &options.cameras;
        let upstreams = &self.running.cameras;
        let rates: Vec<[f64; 5]> = upstreams.all().iter().map(|(_, u)| u.meter.rates()).collect();
        let sum = |index: usize| rates.iter().map(|rates| rates[index]).fold(0.0, |a: f64, b| a + b);
        let [known, named] = self.open_cameras();
        CameraTotals {
            analyses: self.analyses.all().iter().filter(|(_, a)| !a.demand.is_only_overlay()).count(),
            bytes_in_per_s: sum(1),
            bytes_out_per_s: self.bytes_out.rates()[0],
            frames_per_s: sum(0),
            known: self.registry.all().len(),
            max_analyses: cameras.max_analyses,
            max_named: cameras.max_named,
            max_upstreams: cameras.max_upstreams,
            max_viewers: cameras.max_viewers,
            max_views: cameras.max_views,
            named,
            upstreams: known,
            viewers: self.viewers.current_counts().cameras,
            views: self.views.len(),
        }
    }
}

fn view_report(view: &View) -> Option<stream::View> {
    let ViewKey::Drawn { fps, options, quality, .. } = &view.key else { return None };
    Some(stream::View {
        classes: Some(options.classes.clone()).filter(|classes| !classes.is_empty()),
        confidence: f64::from(options.confidence) / 100.0,
        fps: *fps,
        frames_per_s: view.meter.rates()[0],
        kind: if options.tracking.is_some() { ViewKind::Tracking } else { ViewKind::Detect },
        labels: options.labels,
        quality: *quality,
        stats: options.tracking.is_some_and(|tracking| tracking.stats),
        trails: options.tracking.is_some_and(|tracking| tracking.trails),
        viewers: view.stream.counters().subscribers.load(Ordering::Relaxed),
    })
}

/// The word for it in answers.
pub fn stream_state(condition: Condition) -> StreamState {
    match condition {
        Condition::Starting => StreamState::Starting,
        Condition::Running => StreamState::Running,
        Condition::Stalled => StreamState::Stalled,
        Condition::Frozen => StreamState::Frozen,
        Condition::Ended => StreamState::Ended,
    }
}

fn delay_quantiles(Delay { p50, p95, p99 }: Delay) -> Quantiles {
    Quantiles { p50, p95, p99 }
}

/// Three decimals are enough.
fn round_thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
