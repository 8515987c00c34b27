//! The last viewer leaves: when the camera notices, and what the server does afterwards.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sightwire_synth::sample::Gesture;

use super::camera::Camera;
use super::make_ask;
use crate::frames::FrameSet;
use crate::live::server::{Meter, Server, ServerArgs};
use crate::live::table::{Table, median};
use crate::live::viewers::Viewers;

/// How long pictures are watched before.
const WATCH: Duration = Duration::from_millis(1500);
/// Of the camera's closing, beyond the linger time.
const TOO_LATE: Duration = Duration::from_secs(5);
/// The server has this time to come to rest once the camera is closed.
const REST: Duration = Duration::from_millis(100);
/// The CPU time of a server that has come to rest is looked at for this long.
const LOOK: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// The server's `cameras.linger_s`
    #[arg(long, default_value_t = 3.0)]
    linger_s: f64,
    /// How often each is tried
    #[arg(long, default_value_t = 5)]
    times: usize,
    /// Viewers, all of which leave at once
    #[arg(long, value_delimiter = ',', default_value = "1,50")]
    viewers: Vec<usize>,
}

/// Measures and prints the table.
pub(crate) fn main(args: &Args) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let frames = FrameSet::render(Gesture::Wave, 640, 480, 75_000)?;
    let camera = Camera::start(frames.jpegs, 30.0)?;
    let linger = Duration::from_secs_f64(args.linger_s);
    let mut table =
        Table::new(&["watched", "viewers", "by", "camera closed after ms (median, max)", "CPU after, cores"]);
    for path in ["/stream/proxy?esp32_url=", "/stream/detect?camera_url=", "/stream/tracking?camera_url="] {
        let ask = make_ask(&server, format!("{path}{}", camera.url()));
        let name = path.split('?').next().unwrap_or_default();
        for &count in &args.viewers {
            for reset in [false, true] {
                eprintln!("{name}, {count} viewers");
                let (mut after_ms, mut cores) = (Vec::new(), Vec::new());
                for _ in 0..args.times {
                    let viewers = Viewers::start()?;
                    viewers.open_viewers(&ask, count)?;
                    sleep(WATCH);
                    let gone = Instant::now();
                    viewers.remove_viewers(None, reset)?;
                    let closed = camera.left_at(linger + TOO_LATE).context("the camera was not closed")?;
                    after_ms.push(closed.saturating_duration_since(gone).as_secs_f64() * 1e3);
                    sleep(REST);
                    let meter = Meter::start(server.pid());
                    sleep(LOOK);
                    let (cpu, time) = meter.read();
                    cores.push(cpu.as_secs_f64() / time.as_secs_f64());
                }
                let max = after_ms.iter().copied().fold(0.0, f64::max);
                table.add_row([
                    format!("`{name}`"),
                    count.to_string(),
                    if reset { "reset" } else { "close" }.to_owned(),
                    format!("{:.1}, {max:.1}", median(after_ms)),
                    format!("{:.4}", median(cores)),
                ]);
            }
        }
    }
    println!("{}", table.text());
    println!("Linger time {} s; 30 pictures a second of 75 KB before.", args.linger_s);
    Ok(())
}
