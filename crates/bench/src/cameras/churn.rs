//! Viewers who come and go at random: what stays behind of them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use sightwire_synth::sample::Gesture;

use super::camera::Camera;
use super::make_ask;
use crate::frames::FrameSet;
use crate::live::churn::{REST, Random, Traces};
use crate::live::server::{Meter, Server, ServerArgs};
use crate::live::viewers::Viewers;

/// The longest that a viewer stays.
const STAY: Duration = Duration::from_secs(30);
const CAMERAS: usize = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Viewers, one after the other and beside each other
    #[arg(long, default_value_t = 1000)]
    viewers: usize,
    /// Minutes in which they come
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Of the order of events
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

enum Event {
    Come { path: String },
    Go { which: usize, reset: bool },
}

/// Prints the server's descriptors, threads and memory before, meanwhile and after.
pub(crate) fn main(args: &Args) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let frames = FrameSet::render(Gesture::Wave, 640, 480, 75_000)?;
    let cameras =
        (0..CAMERAS).map(|_| Camera::start(frames.jpegs.clone(), 20.0)).collect::<Result<Vec<_>>>()?;
    let urls: Vec<String> = cameras.iter().map(Camera::url).collect();

    eprintln!("everything once, so that what is made once is there");
    let warm = Viewers::start()?;
    for kind in 0..KINDS {
        warm.start_viewers(&make_ask(&server, stream_path(kind, &urls[0])), 2)?;
    }
    sleep(Duration::from_secs(10));
    warm.remove_viewers(None, false)?;
    sleep(REST);
    let mut traces = Traces::from_server(&server)?;

    let mut random = Random::new(args.seed);
    let events = plan_events(args, &urls, &mut random);
    let (viewers, begun) = (Viewers::start()?, Instant::now());
    let mut said = Duration::ZERO;
    for (at, event) in events {
        sleep(at.saturating_sub(begun.elapsed()));
        match event {
            Event::Come { path } => viewers.start_viewers(&make_ask(&server, path), 1)?,
            Event::Go { which, reset } => drop(viewers.remove_viewers(Some(which), reset)?),
        }
        if begun.elapsed() > said + Duration::from_secs(10) {
            said = begun.elapsed();
            traces.record_sample(&server, said)?;
        }
    }
    viewers.remove_viewers(None, false)?;
    let left: Vec<_> = cameras.iter().map(|camera| camera.left_at(REST)).collect();
    sleep(REST);
    let table = traces.table(&server)?;
    let meter = Meter::start(server.pid());
    sleep(Duration::from_secs(3));
    let (cpu, time) = meter.read();

    println!("{}", table.text());
    let cameras = server.fetch_status()?.cameras;
    println!(
        "{} viewers over {:.1} minutes, at random times, for up to {} s each, half of them ended by a reset; {} of {CAMERAS} cameras \
         closed; afterwards {:.4} cores, and the server counts {} viewers, {} cameras, {} analyses, {} views.",
        args.viewers,
        args.minutes,
        STAY.as_secs(),
        left.iter().flatten().count(),
        cpu.as_secs_f64() / time.as_secs_f64(),
        cameras.viewers,
        cameras.upstreams,
        cameras.analyses,
        cameras.views,
    );
    Ok(())
}

/// When who comes and goes. Viewers are numbered in the order in which they come.
fn plan_events(args: &Args, urls: &[String], random: &mut Random) -> Vec<(Duration, Event)> {
    let span = Duration::from_secs_f64(args.minutes * 60.0);
    let mut comes: Vec<Duration> = (0..args.viewers).map(|_| span.mul_f64(random.share())).collect();
    comes.sort();
    let mut events = Vec::with_capacity(2 * args.viewers);
    for (which, at) in comes.into_iter().enumerate() {
        let url = &urls[random.below(urls.len() as u64) as usize];
        events.push((at, Event::Come { path: stream_path(random.below(KINDS), url) }));
        // Many stay for a moment only, some not even for the answer.
        let stay = STAY.mul_f64(random.share().powi(3));
        events.push((at + stay, Event::Go { which, reset: random.below(2) == 0 }));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

const KINDS: u64 = 8;

/// Five of eight kinds watch without boxes.
fn stream_path(kind: u64, url: &str) -> String {
    match kind {
        0 => format!("/stream/detect?camera_url={url}"),
        1 => format!("/stream/detect?camera_url={url}&conf=0.5"),
        2 => format!("/stream/tracking?camera_url={url}"),
        _ => format!("/stream/proxy?esp32_url={url}"),
    }
}
