//! How numbers went: every ten seconds for an hour, and each minute for a day.
//!
//! A value is a `f32`, and NaN where there is nothing to tell. All of the server takes 79 KB; a stream 50 KB, and there are at most
//! [`MOST_STREAMS`] of those. What has ended is remembered for an hour.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_api::history::History as Told;
use sightwire_api::stream::{Stream, StreamKind};
use sightwire_base::clock::unix_s;

/// Time from one value to the next.
pub const STEP: Duration = Duration::from_secs(10);
/// Values of an hour.
const FINE: usize = 360;
/// Values of which one is made that is kept for a day.
const STEPS_A_MINUTE: u64 = 6;
/// Minutes of a day.
const COARSE: usize = 1440;
/// Streams of which it is told how they went. More begin without.
const MOST_STREAMS: usize = 100;
/// Steps for which an ended stream is remembered.
const ENDED_STEPS: u64 = FINE as u64;

/// Of the server, in this order: first what is the sum of all streams, [`OF_STREAMS`] of them.
pub const TOTALS: [&str; 11] = [
    "streams",
    "viewers",
    "in",
    "out",
    "bytes_in",
    "bytes_out",
    "lost",
    "cpu",
    "memory",
    "connections",
    "analyses",
];
/// How many of [`TOTALS`] are of streams.
const OF_STREAMS: usize = 7;
/// What is kept of each stream.
const STREAM: [&str; 7] = ["in", "out", "bytes_in", "bytes_out", "viewers", "lost", "delay"];

/// How far back somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A value every ten seconds.
    Hour,
    /// A value a minute.
    Day,
}

/// Of the server and of each of its streams.
#[derive(Debug, Default)]
pub struct History(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    totals: Course<{ TOTALS.len() }>,
    streams: HashMap<String, Noted>,
}

/// A stream, and how it went.
#[derive(Debug)]
struct Noted {
    kind: StreamKind,
    course: Course<{ STREAM.len() }>,
}

/// How some numbers went.
#[derive(Debug)]
struct Course<const N: usize> {
    fine: VecDeque<[f32; N]>,
    coarse: VecDeque<[f32; N]>,
    /// Step of the newest value; `None` before the first.
    newest: Option<u64>,
    /// When the newest of both were taken, seconds since 1970.
    taken: [f64; 2],
    /// What came in this minute: sums, and of how many values.
    minute: [(f32, u16); N],
}

impl<const N: usize> Default for Course<N> {
    fn default() -> Self {
        let (fine, coarse) = (VecDeque::new(), VecDeque::new());
        Self { fine, coarse, newest: None, taken: [0.0; 2], minute: [(0.0, 0); N] }
    }
}

impl<const N: usize> Course<N> {
    /// Takes the values of a step; those that were left out since the last one are empty.
    fn push(&mut self, step: u64, values: [f32; N]) {
        let after = self.newest.map_or(step, |newest| newest + 1);
        // Nobody sees what is older than a day.
        let first = after.max(step.saturating_sub(COARSE as u64 * STEPS_A_MINUTE));
        if first > after {
            self.minute = [(0.0, 0); N];
        }
        for step in first..step {
            self.add_row(step, [f32::NAN; N]);
        }
        if step >= after {
            self.add_row(step, values);
        }
    }

    fn add_row(&mut self, step: u64, values: [f32; N]) {
        self.newest = Some(step);
        self.taken[0] = unix_s();
        push_row(&mut self.fine, values, FINE);
        for ((sum, count), value) in self.minute.iter_mut().zip(values) {
            if !value.is_nan() {
                *sum += value;
                *count += 1;
            }
        }
        if (step + 1).is_multiple_of(STEPS_A_MINUTE) {
            let means = self.minute.map(|(sum, count)| sum / f32::from(count));
            self.taken[1] = unix_s();
            push_row(&mut self.coarse, means, COARSE);
            self.minute = [(0.0, 0); N];
        }
    }

    fn chart_series(&self, names: [&str; N], span: Span) -> Told {
        let (rows, time) = match span {
            Span::Hour => (&self.fine, self.taken[0]),
            Span::Day => (&self.coarse, self.taken[1]),
        };
        let of = |n: usize| rows.iter().map(|row| row.get(n).copied().and_then(round_value)).collect();
        let series = names.iter().enumerate().map(|(n, name)| ((*name).to_owned(), of(n))).collect();
        Told { series, time, ..empty_series(span) }
    }
}

fn push_row<const N: usize>(rows: &mut VecDeque<[f32; N]>, row: [f32; N], most: usize) {
    if rows.len() == most {
        rows.pop_front();
    }
    rows.push_back(row);
}

/// To a hundredth, and large ones to a whole: nobody reads more of it off a chart.
fn round_value(value: f32) -> Option<f64> {
    let value = f64::from(value);
    let rounded = if value.abs() >= 1000.0 { value.round() } else { (value * 100.0).round() / 100.0 };
    rounded.is_finite().then_some(rounded)
}

/// What a process takes, apart from its streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceUsage {
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Resident memory, bytes.
    pub memory_bytes: u64,
    /// Open connections.
    pub connections: usize,
    /// Analyses that run.
    pub analyses: usize,
    /// All who watch something.
    pub viewers: usize,
}

impl History {
    /// Whether the values of a step are still missing.
    pub fn is_due(&self, step: u64) -> bool {
        self.0.lock().totals.newest.is_none_or(|newest| newest < step)
    }

    /// Takes the values of a step; steps are counted from the process's start.
    pub fn record_step(&self, step: u64, streams: &[Stream], taken: ResourceUsage) {
        let mut kept = self.0.lock();
        kept.totals.push(step, total_values(streams, taken));
        kept.streams.retain(|_, of| of.course.newest.is_some_and(|newest| newest + ENDED_STEPS >= step));
        for stream in streams {
            if !kept.streams.contains_key(&stream.id) && kept.streams.len() >= MOST_STREAMS {
                let (id, newest) = kept
                    .streams
                    .iter()
                    .map(|(id, of)| (id.clone(), of.course.newest))
                    .min_by_key(|(_, newest)| *newest)
                    .unwrap_or_default();
                // One that is still there is not forgotten for a new one.
                if newest.is_some_and(|newest| newest + 1 >= step) {
                    continue;
                }
                kept.streams.remove(&id);
            }
            let new = || Noted { kind: stream.kind, course: Course::default() };
            let of = kept.streams.entry(stream.id.clone()).or_insert_with(new);
            // A caller who may see the one that is there now may not have seen what was before.
            if of.kind != stream.kind {
                *of = new();
            }
            of.course.push(step, stream_values(stream));
        }
    }

    /// The course of the server's own numbers over this span.
    pub fn server_series(&self, span: Span) -> Told {
        self.0.lock().totals.chart_series(TOTALS, span)
    }

    /// As [`Self::server_series`], for a caller who does not see all streams.
    pub fn process_series(&self, span: Span) -> Told {
        let mut told = self.server_series(span);
        for name in TOTALS.iter().take(OF_STREAMS) {
            told.series.remove(*name);
        }
        told
    }

    /// Of a stream; empty where nothing is known of it.
    pub fn stream_series(&self, id: &str, span: Span) -> Told {
        let kept = self.0.lock();
        kept.streams.get(id).map_or_else(|| empty_series(span), |of| of.course.chart_series(STREAM, span))
    }

    /// What a stream is or was, as long as something is known of it.
    pub fn stream_kind(&self, id: &str) -> Option<StreamKind> {
        self.0.lock().streams.get(id).map(|of| of.kind)
    }
}

fn empty_series(span: Span) -> Told {
    let (step_s, most) = match span {
        Span::Hour => (10, FINE),
        Span::Day => (60, COARSE),
    };
    Told { kept_s: step_s * most as u32, step_s, ..Told::default() }
}

fn total_values(streams: &[Stream], taken: ResourceUsage) -> [f32; TOTALS.len()] {
    // The sum of none is -0.0.
    let sum = |of: fn(&Stream) -> f64| (streams.iter().map(of).sum::<f64>() + 0.0) as f32;
    [
        streams.len() as f32,
        taken.viewers as f32,
        sum(|stream| stream.fps),
        sum(|stream| stream.fps_out),
        sum(|stream| stream.bytes_per_s),
        sum(|stream| stream.bytes_out_per_s),
        frame_loss(streams) as f32,
        taken.cpu_percent as f32,
        taken.memory_bytes as f32,
        taken.connections as f32,
        taken.analyses as f32,
    ]
}

/// Percent of all frames for viewers; NaN where there were none.
fn frame_loss(streams: &[Stream]) -> f64 {
    // Frames that were meant for viewers, of which those out are what is left.
    let meant = |stream: &Stream| stream.fps_out / (1.0 - stream.lost_percent / 100.0).max(0.01);
    let [all, out] =
        streams.iter().fold([0.0, 0.0], |[all, out], stream| [all + meant(stream), out + stream.fps_out]);
    100.0 * (all - out) / all
}

fn stream_values(stream: &Stream) -> [f32; STREAM.len()] {
    let watched = stream.viewers > 0;
    [
        stream.fps as f32,
        stream.fps_out as f32,
        stream.bytes_per_s as f32,
        stream.bytes_out_per_s as f32,
        stream.viewers as f32,
        if watched { stream.lost_percent as f32 } else { f32::NAN },
        stream.delay_ms.as_ref().map_or(f32::NAN, |delay| delay.p50 as f32),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: &str, fps: f64) -> Stream {
        Stream { id: id.to_owned(), fps, ..Stream::default() }
    }

    fn series(told: &Told, name: &str) -> Vec<Option<f64>> {
        told.series.get(name).cloned().unwrap_or_default()
    }

    #[test]
    fn a_minute_is_the_mean_of_its_steps_and_a_gap_is_empty() {
        let history = History::default();
        for step in 0..12 {
            history.record_step(step, &[stream("a", step as f64)], ResourceUsage::default());
        }
        let hour = history.stream_series("a", Span::Hour);
        assert_eq!(series(&hour, "in").len(), 12);
        assert_eq!(series(&history.stream_series("a", Span::Day), "in"), [Some(2.5), Some(8.5)]);
        assert_eq!(series(&hour, "lost")[0], None, "nobody watches");
        history.record_step(14, &[stream("a", 1.0)], ResourceUsage::default());
        assert_eq!(
            series(&history.stream_series("a", Span::Hour), "in")[11..],
            [Some(11.0), None, None, Some(1.0)]
        );
        // A clock that goes back changes nothing.
        history.record_step(14, &[stream("a", 9.0)], ResourceUsage::default());
        assert_eq!(series(&history.stream_series("a", Span::Hour), "in").len(), 15);
    }

    #[test]
    fn it_is_bounded_in_time_and_in_streams() {
        let history = History::default();
        for step in 0..10_000 {
            history.record_step(
                step,
                &[stream("a", 1.0)],
                ResourceUsage { connections: 3, ..ResourceUsage::default() },
            );
        }
        let (hour, day) = (history.server_series(Span::Hour), history.server_series(Span::Day));
        assert_eq!((series(&hour, "connections").len(), series(&day, "connections").len()), (FINE, COARSE));
        assert_eq!((hour.kept_s, day.kept_s), (3600, 86_400));
        // Weeks in which the machine slept.
        history.record_step(1_000_000, &[], ResourceUsage::default());
        let day = history.server_series(Span::Day);
        assert_eq!(series(&day, "streams").iter().flatten().count(), 0);

        let many: Vec<Stream> = (0..MOST_STREAMS + 5).map(|n| stream(&format!("s{n}"), 1.0)).collect();
        history.record_step(1_000_001, &many, ResourceUsage::default());
        assert_eq!(history.0.lock().streams.len(), MOST_STREAMS);
        history.record_step(1_000_002, &many[..1], ResourceUsage::default());
        history.record_step(1_000_003, &many[MOST_STREAMS..=MOST_STREAMS], ResourceUsage::default());
        let is_known = |n: usize| !history.stream_series(&format!("s{n}"), Span::Hour).series.is_empty();
        assert!(is_known(0) && is_known(MOST_STREAMS), "one that had gone made room");
        history.record_step(1_000_003 + ENDED_STEPS, &[], ResourceUsage::default());
        assert!(!is_known(1) && is_known(MOST_STREAMS), "an hour after its end it is forgotten");
    }

    #[test]
    fn what_is_gone_keeps_its_kind_and_another_of_its_name_begins_anew() {
        let history = History::default();
        let camera = Stream { kind: StreamKind::Camera, ..stream("yard", 5.0) };
        history.record_step(0, &[camera], ResourceUsage::default());
        history.record_step(1, &[], ResourceUsage::default());
        assert_eq!(
            (history.stream_kind("yard"), history.stream_kind("gate")),
            (Some(StreamKind::Camera), None)
        );
        history.record_step(
            2,
            &[Stream { kind: StreamKind::Relay, ..stream("yard", 7.0) }],
            ResourceUsage::default(),
        );
        assert_eq!(history.stream_kind("yard"), Some(StreamKind::Relay));
        assert_eq!(series(&history.stream_series("yard", Span::Hour), "in"), [Some(7.0)]);
    }

    #[test]
    fn what_is_lost_is_a_share_of_what_was_meant_for_viewers() {
        let watched =
            |fps_out, lost_percent| Stream { fps_out, lost_percent, viewers: 1, ..Stream::default() };
        // The page Health sums so, too: the same figures are in its sums.test.ts.
        assert!((frame_loss(&[watched(30.0, 0.0), watched(10.0, 50.0)]) - 20.0).abs() < 1e-9);
        assert!(frame_loss(&[stream("a", 5.0)]).is_nan());
    }
}
