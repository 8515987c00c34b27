//! Puts the report of one run together.

use std::collections::BTreeMap;

use crate::load::{
    machine::{Machine, Mark},
    stats::{Spread, ratio, round_digits},
};

use super::{
    Settings,
    churn::ChurnReport,
    memory::{self, Curve, Usage},
    packet::FrameMessage,
    record::{End, Outcome, Recorder, Tally},
    report::{AnalysisPart, ClientsPart, DelayPart, FramesPart, GeneratorPart, Report, RunPart, ServerPart},
    session::Shared,
    status::{Gain, Status},
    stuck::StuckReport,
};
use crate::{frames::FrameSet, schedule::Plan};

/// Everything that is read at the beginning and at the end of the measured time.
pub(crate) struct Snapshot {
    pub(crate) server: Option<Usage>,
    pub(crate) own: Option<Usage>,
    pub(crate) machine: Mark,
    pub(crate) status: Option<Status>,
}

/// What was watched while the clients ran.
#[derive(Default)]
pub(crate) struct Watched {
    /// At the beginning of the measured time.
    pub(crate) from: Option<Snapshot>,
    /// At the end of the measured time.
    pub(crate) to: Option<Snapshot>,
    /// The server's memory, every second.
    pub(crate) curve: Curve,
    pub(crate) interrupted: bool,
}

/// What a report is made of.
pub(crate) struct Ingredients<'a> {
    /// What was asked for.
    pub(crate) settings: &'a Settings,
    pub(crate) frames: &'a FrameSet,
    /// The clients' common part, with the delays.
    pub(crate) shared: &'a Shared,
    /// The times as they were in the end.
    pub(crate) plan: Plan,
    /// What was seen of the server meanwhile.
    pub(crate) watched: Watched,
    /// What each client brought home.
    pub(crate) outcomes: Vec<Outcome>,
    /// The server's process: idle, before the clients, after them.
    pub(crate) usage: [Option<Usage>; 3],
    /// Id of the server's process.
    pub(crate) pid: Option<u32>,
    /// What the server says of itself a while after the last client has left.
    pub(crate) settled: Option<Status>,
    pub(crate) churn: Option<ChurnReport>,
    /// Clients that stopped reading.
    pub(crate) stuck: Option<StuckReport>,
}

pub(crate) fn build_report(from: Ingredients<'_>) -> Report {
    let Ingredients { settings, shared, plan, outcomes, .. } = &from;
    let seconds = plan.end.saturating_duration_since(plan.measure).as_secs_f64();
    let tally = sum_tallies(outcomes);
    let server = server_part(&from, tally.measured_sent);
    let generator = generator_part(&from.watched, tally.measured_sent);
    let known_cores = server.cores.unwrap_or(0.0) + generator.cores.unwrap_or(0.0);
    let disturbed = from.churn.is_some() || from.stuck.is_some();
    let report = Report {
        run: run_part(&from, seconds),
        machine: match (&from.watched.from, &from.watched.to) {
            (Some(from), Some(to)) => Machine::from_marks(from.machine, to.machine, known_cores),
            _ => Machine::from_marks(Mark::now(), Mark::now(), 0.0),
        },
        clients: clients_part(outcomes, &shared.recorder),
        frames: frames_part(&tally, seconds, shared.clients as f64 * settings.fps),
        delay_ms: DelayPart::from_measured(&shared.recorder),
        baseline_delay_ms: disturbed.then(|| DelayPart::from_baseline(&shared.recorder)),
        analysis: analysis_part(&from, &tally, seconds),
        labels: tally.labels,
        server,
        generator,
        churn: from.churn,
        stuck: from.stuck,
        problems: Vec::new(),
    };
    report.with_problems()
}

fn run_part(from: &Ingredients<'_>, seconds: f64) -> RunPart {
    let Ingredients { settings, shared, frames, .. } = from;
    let message_bytes: usize = shared.messages.iter().map(FrameMessage::len).sum();
    RunPart {
        url: settings.url.clone(),
        clients: shared.clients,
        fps: settings.fps,
        seconds: round_digits(seconds, 1),
        warmup_s: round_digits(settings.warm_up.as_secs_f64(), 1),
        transport: settings.transport.name(),
        encoding: settings.encoding.name(),
        extras: settings.extras,
        interrupted: from.watched.interrupted,
        frames: frames.summary.clone(),
        message_bytes: (message_bytes / shared.messages.len().max(1)) as u64,
    }
}

fn sum_tallies(outcomes: &[Outcome]) -> Tally {
    let mut sum = Tally::default();
    for outcome in outcomes {
        sum.add(&outcome.tally);
    }
    sum
}

fn clients_part(outcomes: &[Outcome], recorder: &Recorder) -> ClientsPart {
    let mut reasons = BTreeMap::new();
    let (mut refused, mut failed, mut lost) = (0, 0, 0);
    for outcome in outcomes {
        let (count, reason) = match &outcome.end {
            End::Left => continue,
            End::Refused => (&mut refused, "refused: server at capacity"),
            End::Failed(why) => (&mut failed, why.as_str()),
            End::Lost(why) => (&mut lost, why.as_str()),
        };
        *count += 1;
        *reasons.entry(reason.to_owned()).or_insert(0) += 1;
    }
    let ready = outcomes.iter().filter(|outcome| outcome.was_ready).count();
    ClientsPart { ready, refused, failed, lost, reasons, connect_ms: recorder.connect.percentiles() }
}

fn frames_part(tally: &Tally, seconds: f64, wanted_per_s: f64) -> FramesPart {
    FramesPart {
        sent: tally.sent,
        replied: tally.replied,
        missing: tally.missing(),
        extra: tally.extra,
        out_of_order: tally.out_of_order,
        unsent: tally.unsent,
        error_events: tally.error_events,
        replies_per_frame: ratio(tally.replied + tally.extra, tally.sent).map(|share| round_digits(share, 6)),
        sent_per_s: per_second(tally.measured_sent, seconds).unwrap_or(0.0),
        wanted_per_s: round_digits(wanted_per_s, 1),
    }
}

fn per_second(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| round_digits(count as f64 / seconds, 1))
}

fn analysis_part(from: &Ingredients<'_>, tally: &Tally, seconds: f64) -> AnalysisPart {
    let Ingredients { shared, watched, outcomes, .. } = from;
    let statuses = |w: &Watched| Some((w.from.as_ref()?.status.clone()?, w.to.as_ref()?.status.clone()?));
    let gain = statuses(watched).and_then(|(from, to)| Gain::from_statuses(&from, &to));
    let extras = shared.extras && seconds > 0.0;
    let per_client = || {
        let ready = outcomes.iter().filter(|outcome| outcome.was_ready);
        ready.map(|outcome| outcome.tally.measured_results as f64 / seconds).collect()
    };
    let seen = ratio(tally.measured_seen, tally.measured_seen + tally.measured_unseen);
    let delays = shared.recorder.measured_delays();
    AnalysisPart {
        analysed_share: gain.and_then(|g| ratio(g.analysed, g.frames)).map(|share| round_digits(share, 4)),
        analysed_per_s: gain.and_then(|g| per_second(g.analysed, g.seconds)),
        predictions_per_s: gain.and_then(|g| per_second(g.predictions, g.seconds)),
        results_per_s: if extras { per_second(tally.measured_results, seconds) } else { None },
        results_per_client_per_s: if extras { Spread::from_values(per_client()) } else { None },
        seen_share: seen.map(|share| round_digits(share, 4)),
        frame_to_prediction_ms: delays.frame_to_prediction.percentiles(),
        result_age_ms: delays.result_age.percentiles(),
    }
}

fn server_part(ingredients: &Ingredients<'_>, measured_frames: u64) -> ServerPart {
    let Ingredients { watched, plan, shared, settled, .. } = ingredients;
    let [idle, before, after] = ingredients.usage;
    let from = watched.from.as_ref().and_then(|snapshot| snapshot.server);
    let to = watched.to.as_ref().and_then(|snapshot| snapshot.server);
    let cores = from.zip(to).and_then(|(from, to)| to.cores_since(&from));
    let cpu_s = from.zip(to).map(|(from, to)| to.cpu_seconds - from.cpu_seconds);
    let measured_from = (plan.measure - plan.start).as_secs_f64();
    let memory =
        memory::memory_part([idle, before, to, after], &watched.curve, measured_from, shared.clients);
    let files = |usage: Option<Usage>| usage.map(|usage| usage.open_files).filter(|&files| files > 0);
    let settled = settled.as_ref().map(|status| &status.body);
    ServerPart {
        pid: ingredients.pid,
        model: settled.map(|status| status.recognizer.model.clone()),
        clients_after: settled.map(|status| status.recognizer.clients as u64),
        version: settled.map(|status| status.version.clone()),
        engine: settled.map(|status| status.engine.clone().into()),
        cores: cores.map(|cores| round_digits(cores, 3)),
        cpu_ms_per_frame: cpu_s.and_then(|s| ms_per_frame(s, measured_frames)),
        memory,
        threads: to.map(|usage| usage.threads),
        open_files: files(before).zip(files(to)).zip(files(after)).map(|((a, b), c)| [a, b, c]),
    }
}

fn generator_part(watched: &Watched, measured_frames: u64) -> GeneratorPart {
    let own = |snapshot: &Option<Snapshot>| snapshot.as_ref().and_then(|snapshot| snapshot.own);
    let (Some(from), Some(to)) = (own(&watched.from), own(&watched.to)) else {
        return GeneratorPart { cores: None, cpu_ms_per_frame: None };
    };
    GeneratorPart {
        cores: to.cores_since(&from).map(|cores| round_digits(cores, 3)),
        cpu_ms_per_frame: ms_per_frame(to.cpu_seconds - from.cpu_seconds, measured_frames),
    }
}

fn ms_per_frame(cpu_seconds: f64, frames: u64) -> Option<f64> {
    (frames > 0).then(|| round_digits(cpu_seconds * 1e3 / frames as f64, 4))
}
