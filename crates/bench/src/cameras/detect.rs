//! What is found in the pictures: how many a second, how old they are at the viewer, and what two viewers cost.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use crate::load::stats::{Percentiles, histogram_percentiles};
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;
use sightwire_api::status::{DetectorStatus, ModelState};
use sightwire_api::stream::{Stream, Streams};
use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Image};
use sightwire_synth::sample::Gesture;

use super::camera::Camera;
use super::code;
use super::make_ask;
use crate::frames::FrameSet;
use crate::live::fanout::Source as _;
use crate::live::server::{Meter, Server, ServerArgs};
use crate::live::table::{Table, format_ms};
use crate::live::viewers::{Ask, Got, Viewers};

/// Distinct pictures: three times the clips.
const TIMES: usize = 3;
/// Until a model is loaded, and rates and smoothed times are what they will be.
pub(super) const SETTLE: Duration = Duration::from_secs(4);
/// The longest that a model may take to load.
const LOAD: Duration = Duration::from_secs(60);
/// Pictures a second at which no stage waits for another.
const LOW_FPS: u8 = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Pictures a second of the camera, and asked for
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=30))]
    pub(super) fps: u8,
    /// How long each row is measured
    #[arg(long, default_value_t = 10.0)]
    pub(super) seconds: f64,
    /// Viewers of the plain pictures in the row that has them
    #[arg(long, default_value_t = 50)]
    beside: usize,
    /// Cameras that are analysed at once in the last row, one viewer each
    #[arg(long, default_value_t = 5)]
    cameras: usize,
}

pub(super) struct Bench<'a> {
    args: &'a Args,
    pub(super) server: Server,
    pub(super) camera: Camera,
    pictures: Vec<Bytes>,
}

/// What one row measured.
pub(super) struct Row {
    pub(super) got: Got,
    pub(super) seconds: f64,
    pub(super) cores: f64,
    pub(super) delay: Percentiles,
    illegible: usize,
    pub(super) analysed_per_s: f64,
    analyses: usize,
    runs_per_s: f64,
    run_ms: Option<f64>,
    stages_ms: [f64; 3],
    plain: Option<(f64, Percentiles)>,
}

/// Measures and prints the tables.
pub(crate) fn main(args: &Args) -> Result<()> {
    let bench = Bench::start(args)?;
    let model = bench.load_model()?;
    println!("Model: {model}.\n");

    let bare = bench.measure_asks(&[bench.make_ask("detect", LOW_FPS, "")], 0)?;
    let [decoded, inferred, encoded] = bare.stages_ms;
    let infer = bare.run_ms.unwrap_or(inferred - decoded);
    let stages = [decoded, infer, encoded - inferred];
    let slowest = stages.into_iter().fold(0.0, f64::max);
    let limit = (1000.0 / slowest).min(f64::from(args.fps));
    println!(
        "Stages at {LOW_FPS} pictures a second: decode {} ms, find {} ms, draw and encode {} ms; so at most {:.1} pictures a second at {} of the camera.\n",
        format_ms(stages[0]),
        format_ms(stages[1]),
        format_ms(stages[2]),
        limit,
        args.fps
    );

    let mut table = Table::new(&[
        "watched",
        "frames/s",
        "of the most",
        "analysed/s",
        "analyses",
        "model runs/s",
        "ms a run",
        "camera → viewer p50 ms",
        "p95",
        "p99",
        "server cores",
        "plain: delivered",
        "plain: age p99 ms",
    ]);
    let fps = args.fps;
    let rows: [(&str, Vec<Ask>, usize); 5] = [
        ("detect", vec![bench.make_ask("detect", fps, "")], 0),
        ("tracking", vec![bench.make_ask("tracking", fps, "")], 0),
        (
            "detect, two viewers",
            vec![bench.make_ask("detect", fps, ""), bench.make_ask("detect", fps, "")],
            0,
        ),
        (
            "detect, two confidences",
            vec![bench.make_ask("detect", fps, "&conf=0.25"), bench.make_ask("detect", fps, "&conf=0.6")],
            0,
        ),
        ("detect beside plain viewers", vec![bench.make_ask("detect", fps, "")], args.beside),
    ];
    for (name, asks, beside) in rows {
        eprintln!("{name}");
        let row = bench.measure_asks(&asks, beside)?;
        table.add_row(format_cells(name, &row, asks.len(), limit));
    }
    println!("{}", table.text());
    if args.cameras > 1 {
        bench.measure_cameras(infer)?;
    }
    Ok(())
}

fn format_cells(name: &str, row: &Row, viewers: usize, limit: f64) -> [String; 13] {
    let frames_per_s = row.got.parts as f64 / row.seconds / viewers as f64;
    let mut p50 = format_ms(row.delay.p50);
    if row.illegible > 0 {
        let _ = write!(p50, " ({} of {} illegible)", row.illegible, row.got.kept.len());
    }
    let plain =
        |value: &dyn Fn(&(f64, Percentiles)) -> String| row.plain.as_ref().map_or("–".to_owned(), value);
    [
        name.to_owned(),
        format!("{frames_per_s:.1}"),
        format!("{:.0} %", frames_per_s / limit * 100.0),
        format!("{:.1}", row.analysed_per_s),
        row.analyses.to_string(),
        format!("{:.1}", row.runs_per_s),
        row.run_ms.map_or("–".to_owned(), format_ms),
        p50,
        format_ms(row.delay.p95),
        format_ms(row.delay.p99),
        format!("{:.2}", row.cores),
        plain(&|(share, _)| format!("{:.1} %", share * 100.0)),
        plain(&|(_, age)| format_ms(age.p99)),
    ]
}

impl<'a> Bench<'a> {
    /// With a camera of its own.
    pub(super) fn start(args: &'a Args) -> Result<Self> {
        let server = Server::from_args(&args.server)?;
        let frames = FrameSet::render_painted(Gesture::Wave, (640, 480), 75_000, TIMES, code::paint_number)?;
        let pictures = frames.jpegs;
        if pictures.len() > code::NUMBERS {
            bail!("{} pictures are more than {} numbers", pictures.len(), code::NUMBERS);
        }
        let camera = Camera::start(pictures.clone(), f64::from(args.fps))?;
        Ok(Self { args, server, camera, pictures })
    }

    pub(super) fn make_ask(&self, kind: &str, fps: u8, more: &str) -> Ask {
        self.ask_of(&self.camera, kind, fps, more)
    }

    fn ask_of(&self, camera: &Camera, kind: &str, fps: u8, more: &str) -> Ask {
        let url = camera.url();
        let path = format!("/stream/{kind}?camera_url={url}&fps={fps}&skip_frames=1{more}");
        Ask { keep: true, ..make_ask(&self.server, path) }
    }

    /// As many cameras as there are, each analysed at its full rate: more than one model can do.
    fn measure_cameras(&self, infer_ms: f64) -> Result<()> {
        let count = self.args.cameras;
        eprintln!("detect, {count} cameras");
        let cameras = (0..count)
            .map(|_| Camera::start(self.pictures.clone(), f64::from(self.args.fps)))
            .collect::<Result<Vec<_>>>()?;
        let viewers = Viewers::start()?;
        for camera in &cameras {
            let ask = self.ask_of(camera, "detect", self.args.fps, "");
            viewers.open_viewers(&Ask { keep: false, ..ask }, 1)?;
        }
        sleep(SETTLE);
        let (meter, runs) = (Meter::start(self.server.pid()), self.model_runs()?);
        viewers.take_results()?;
        sleep(Duration::from_secs_f64(self.args.seconds));
        let got = viewers.take_results()?;
        let ((cpu, time), runs_after) = (meter.read(), self.model_runs()?);
        let (seconds, done) = (time.as_secs_f64(), runs_after.0 - runs.0);
        let threads = self.server.fetch_status()?.detector.threads.unwrap_or(1) as f64;
        print!(
            "{count} cameras of {} pictures a second, each with a viewer of its detections: {:.1} frames/s together, with {:.2} cores.",
            self.args.fps,
            got.parts as f64 / seconds,
            cpu.as_secs_f64() / seconds,
        );
        if done > 0.0 {
            let run_ms = (runs_after.1 - runs.1) * 1e3 / done;
            print!(
                " {:.1} runs/s of {run_ms:.1} ms; {threads} threads that do nothing else would do {:.1}.",
                done / seconds,
                threads * 1000.0 / infer_ms,
            );
        }
        println!();
        Ok(())
    }

    /// The model's name, once it is loaded.
    pub(super) fn load_model(&self) -> Result<String> {
        let viewers = Viewers::start()?;
        viewers.open_viewers(&self.make_ask("detect", LOW_FPS, ""), 1)?;
        let mut waited = Duration::ZERO;
        loop {
            let DetectorStatus { state, model, provider, precision, note, .. } =
                self.server.fetch_status()?.detector;
            if state == ModelState::Ready {
                let words = [Some(model), provider, precision, note];
                return Ok(words.into_iter().flatten().collect::<Vec<_>>().join(", "));
            }
            if waited > LOAD {
                bail!("the detection model is {state:?}");
            }
            waited += Duration::from_millis(200);
            sleep(Duration::from_millis(200));
        }
    }

    pub(super) fn measure_asks(&self, asks: &[Ask], beside: usize) -> Result<Row> {
        let plain = Viewers::start()?;
        if beside > 0 {
            let path = format!("/stream/proxy?esp32_url={}", self.camera.url());
            plain.open_viewers(&make_ask(&self.server, path), beside)?;
        }
        let viewers = Viewers::start()?;
        for ask in asks {
            viewers.open_viewers(ask, 1)?;
        }
        sleep(SETTLE);
        let seconds = self.args.seconds;
        let (meter, runs, sent) =
            (Meter::start(self.server.pid()), self.model_runs()?, self.camera.sent_count());
        plain.take_results()?;
        viewers.take_results()?;
        sleep(Duration::from_secs_f64(seconds));
        let (got, plain) = (viewers.take_results()?, plain.take_results()?);
        let ((cpu, time), runs_after) = (meter.read(), self.model_runs()?);
        let offered = (self.camera.sent_count() - sent) * beside as u64;
        if let Some(problem) = &got.problem {
            bail!("a viewer was lost: {problem}");
        }
        let (analyses, analysed_per_s, stages_ms) = self.analysis_stats()?;
        let (delay, illegible) = self.measure_delays(&got)?;
        let runs_done = runs_after.0 - runs.0;
        Ok(Row {
            seconds: time.as_secs_f64(),
            cores: cpu.as_secs_f64() / time.as_secs_f64(),
            delay,
            illegible,
            analysed_per_s,
            analyses,
            runs_per_s: runs_done / time.as_secs_f64(),
            run_ms: (runs_done > 0.0).then(|| (runs_after.1 - runs.1) * 1e3 / runs_done),
            stages_ms,
            plain: (beside > 0).then(|| ((plain.parts as f64 / offered as f64).min(1.0), plain.age)),
            got,
        })
    }

    /// Runs of the network so far, and the seconds that they took. A model that is none has no runs.
    fn model_runs(&self) -> Result<(f64, f64)> {
        let detector = self.server.fetch_status()?.detector;
        Ok((detector.runs as f64, detector.busy_s))
    }

    /// How many analyses of the camera there are, pictures that they look at, and how old those are when decoded, when
    /// looked at, when encoded.
    fn analysis_stats(&self) -> Result<(usize, f64, [f64; 3])> {
        let all: Streams = self.server.get_json("/api/v1/streams")?;
        let is_ours = |stream: &Stream| stream.url == Some(self.camera.url());
        let mut ours = all.streams.into_iter().find(is_ours).context("our stream is not among them")?;
        // Those that nobody watches any more are kept for a while.
        ours.analyses.retain(|analysis| !analysis.views.is_empty());
        let sum = ours.analyses.iter().map(|analysis| analysis.analysed_per_s).sum();
        let delays = ours.analyses.first().map(|first| first.delay_ms).unwrap_or_default();
        let stages = [delays.decoded, delays.inferred, delays.encoded];
        Ok((ours.analyses.len(), sum, stages.map(|stage| stage.map_or(f64::NAN, |stage| stage.p50))))
    }

    /// From the camera to the viewer, by the numbers on the pictures; and how many had none.
    fn measure_delays(&self, got: &Got) -> Result<(Percentiles, usize)> {
        let mut decoder = Decoder::new().context("making a decoder")?;
        let (mut image, mut illegible) = (Image::default(), 0);
        let mut ages: Histogram<u64> = Histogram::new_with_bounds(1, 600_000_000, 3)?;
        for (at_ns, jpeg) in &got.kept {
            let decoded = decoder.decode(jpeg, &Limits::default(), &mut image).is_ok();
            let number = decoded.then(|| code::read_number(&image)).flatten();
            let sent =
                number.and_then(|n| self.camera.sent_before(*at_ns, n as u64, self.pictures.len() as u64));
            match sent {
                Some(sent) => ages.saturating_record((at_ns - sent) / 1000),
                None => illegible += 1,
            }
        }
        Ok((histogram_percentiles(&ages), illegible))
    }
}
