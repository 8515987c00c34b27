//! `sightwire-bench mixed`: live work alone and beside a batch of large pages, in turn.
//!
//! Clients of the sign recogniser and the analysis of one camera go on all the time; in every second phase a batch of pages is
//! read. What live work then keeps of its rate, and how long a frame waits for its prediction, is the result.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use tokio::sync::watch;

use crate::cameras::camera::Camera;
use crate::live::kind::Kind;
use crate::live::table::{Table, format_ms, median};
use crate::live::viewers::{Ask, Viewers};
use crate::read::{Picture, read_pictures, served::Served};
use crate::sign::{self, run};

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
The page comes from tools/evaluate_text, and the server has to let this machine's own cameras in:
  python tools/evaluate_text/pages.py --set scan --out pages
  sightwire serve --set cameras.allow=127.0.0.0/8
  sightwire-bench mixed --pages pages --clients 10 --seconds 15

Rates are per second; the share is that of the phase before it, without pages.";

/// Pictures a second of the camera.
const CAMERA_FPS: f64 = 25.0;
/// Pages of a batch; while one is read the next one is not sent yet.
const BATCH: usize = 8;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    load: sign::Args,
    /// Folder with the pages, .jpg or .png
    #[arg(long)]
    pages: PathBuf,
    /// How often each phase is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What was measured while one mix of loads ran.
struct Phase {
    predictions_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    analysed_per_s: f64,
    lines_per_s: Option<f64>,
}

/// Pages that are read, batch after batch, until this is dropped.
struct Reading {
    wanted: Arc<()>,
    thread: JoinHandle<Result<()>>,
}

/// Measures and prints the table.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let settings = args.load.resolve_settings()?;
    let frames = settings.render_frames()?;
    let pages: Vec<Picture> = read_pictures(&args.pages)?.into_iter().cycle().take(BATCH).collect();
    let camera = Camera::start(frames.jpegs.clone(), CAMERA_FPS)?;
    let viewers = Viewers::start()?;
    let path = format!("/stream/detect?camera_url={}", camera.url());
    viewers.open_viewers(
        &Ask { address: settings.target.address, path, kind: Kind::Multipart, keep: false },
        1,
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (_going, mut interrupt) = watch::channel(false);
    let mut measure = |beside: bool| -> Result<Phase> {
        let reading = beside.then(|| Reading::start(&settings.url, pages.clone())).transpose()?;
        let served = Served::from_url("server", &settings.url)?;
        let (before, at) = (served.total_lines()?, Instant::now());
        viewers.take_results()?;
        let report = runtime.block_on(run::run_load(&settings, settings.clients, &frames, &mut interrupt))?;
        let (seconds, got) = (at.elapsed().as_secs_f64(), viewers.take_results()?);
        let read = served.total_lines()? - before;
        if let Some(reading) = reading {
            reading.stop()?;
        }
        Ok(Phase {
            predictions_per_s: report
                .analysis
                .predictions_per_s
                .context("the server counts no predictions")?,
            p50_ms: report.analysis.frame_to_prediction_ms.p50,
            p99_ms: report.analysis.frame_to_prediction_ms.p99,
            analysed_per_s: got.parts as f64 / seconds,
            lines_per_s: beside.then(|| read as f64 / seconds),
        })
    };
    // Until models are loaded and rates are what they will be.
    measure(true)?;
    let rounds = (0..args.rounds.max(1)).map(|_| Ok([measure(false)?, measure(true)?]));
    let rounds = rounds.collect::<Result<Vec<_>>>()?;
    print!("{}", format_table(&rounds));
    Ok(ExitCode::SUCCESS)
}

fn format_table(rounds: &[[Phase; 2]]) -> String {
    let mut table = Table::new(&[
        "",
        "predictions/s",
        "share",
        "frame → prediction p50 ms",
        "p99 ms",
        "camera pictures/s",
        "share",
        "lines of text/s",
    ]);
    let share = |now: f64, alone: f64| format!("{:.1} %", now / alone * 100.0);
    let mut add = |name: &str, phase: &Phase, alone: Option<&Phase>| {
        let shares = alone.map(|alone| {
            let signs = share(phase.predictions_per_s, alone.predictions_per_s);
            (signs, share(phase.analysed_per_s, alone.analysed_per_s))
        });
        let (signs, camera) = shares.unwrap_or_default();
        table.add_row([
            name.to_owned(),
            format!("{:.1}", phase.predictions_per_s),
            signs,
            format_ms(phase.p50_ms),
            format_ms(phase.p99_ms),
            format!("{:.1}", phase.analysed_per_s),
            camera,
            phase.lines_per_s.map(|lines| format!("{lines:.1}")).unwrap_or_default(),
        ]);
    };
    for [alone, beside] in rounds {
        add("alone", alone, None);
        add("beside pages", beside, Some(alone));
    }
    let [alone, beside] = [0, 1].map(|index| median_phase(&rounds.iter().map(|round| &round[index])));
    add("median alone", &alone, None);
    add("median beside pages", &beside, Some(&alone));
    table.text().to_owned()
}

/// Of each figure the median.
fn median_phase<'a>(phases: &(impl Iterator<Item = &'a Phase> + Clone)) -> Phase {
    let of = |figure: &dyn Fn(&Phase) -> f64| median(phases.clone().map(figure).collect());
    Phase {
        predictions_per_s: of(&|phase| phase.predictions_per_s),
        p50_ms: of(&|phase| phase.p50_ms),
        p99_ms: of(&|phase| phase.p99_ms),
        analysed_per_s: of(&|phase| phase.analysed_per_s),
        lines_per_s: phases
            .clone()
            .all(|phase| phase.lines_per_s.is_some())
            .then(|| of(&|phase| phase.lines_per_s.unwrap_or_default())),
    }
}

impl Reading {
    fn start(url: &str, pages: Vec<Picture>) -> Result<Self> {
        let wanted = Arc::new(());
        let (served, wanting) = (Served::from_url("server", url)?, Arc::downgrade(&wanted));
        let thread = thread::Builder::new().name("pages".to_owned()).spawn(move || {
            while wanting.strong_count() > 0 {
                let id = served.start_batch(&pages)?;
                while wanting.strong_count() > 0 && served.batch_lines(&id)?.is_none() {
                    thread::sleep(Duration::from_millis(200));
                }
                served.delete_batch(&id)?;
            }
            Ok(())
        })?;
        Ok(Self { wanted, thread })
    }

    /// Lets the batch go that is being read.
    fn stop(self) -> Result<()> {
        drop(self.wanted);
        self.thread.join().map_err(|_| anyhow!("the thread that has pages read panicked"))?
    }
}
