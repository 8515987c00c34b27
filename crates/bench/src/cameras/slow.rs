//! Viewers who cannot keep up beside those who can: what the others notice of them.

use std::io::Read as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::load::stats::histogram_percentiles;
use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use sightwire_synth::sample::Gesture;

use super::camera::Camera;
use super::proxy_ask;
use crate::frames::FrameSet;
use crate::live::fanout::Source as _;
use crate::live::server::{Server, ServerArgs};
use crate::live::slow;
use crate::live::stamp::now_ns;
use crate::live::table::{Table, format_ms};
use crate::live::viewers::{Ask, Viewers, connect_viewer};

/// Viewers who cannot keep up: one that reads 10 KB a second and one that stops reading.
const SLOW: usize = 2;
/// Receive buffer of a viewer whose lag is looked at.
const FAR_BUFFER: usize = 16 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Viewers who keep up
    #[arg(long, default_value_t = 50)]
    viewers: usize,
    /// Pictures a second
    #[arg(long, default_value_t = 30.0)]
    fps: f64,
    /// Bytes of a picture
    #[arg(long, default_value_t = 75_000)]
    bytes: usize,
    /// How often it is measured without and with them
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How long each
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Then: KB a second of viewers whose own pictures are looked at, one row each
    #[arg(long, value_delimiter = ',', default_value = "250,500,1000,2000")]
    kb_per_s: Vec<u32>,
    /// How long each of those reads
    #[arg(long, default_value_t = 10.0)]
    lag_seconds: f64,
}

/// Measures and prints the table.
pub(crate) fn main(args: &Args) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let frames = FrameSet::render(Gesture::Wave, 640, 480, args.bytes)?;
    let camera = Camera::start(frames.jpegs, args.fps)?;
    let ask = proxy_ask(&server, &camera);
    if args.pairs > 0 {
        let viewers = Viewers::start()?;
        viewers.open_viewers(&ask, args.viewers)?;
        slow::measure_beside_slow(&viewers, || camera.sent_count(), &ask, SLOW, (args.pairs, args.seconds))?;
    }
    print_lags(args, &ask)
}

/// What the slow ones themselves see: how old it is.
fn print_lags(args: &Args, ask: &Ask) -> Result<()> {
    let mut table = Table::new(&[
        "reads KB/s",
        "parts/s",
        "of a part: ms on the way",
        "age p50 ms",
        "p95",
        "max",
        "KB behind (p95)",
    ]);
    for &kb_per_s in &args.kb_per_s {
        eprintln!("a viewer of {kb_per_s} KB/s");
        let (ages, bytes) = measure_lag(ask, kb_per_s, args.lag_seconds)?;
        let age = histogram_percentiles(&ages);
        let mean_bytes = bytes as f64 / age.count.max(1) as f64;
        table.add_row([
            kb_per_s.to_string(),
            format!("{:.1}", age.count as f64 / args.lag_seconds),
            format_ms(mean_bytes / f64::from(kb_per_s)),
            format_ms(age.p50),
            format_ms(age.p95),
            format_ms(age.max),
            format!("{:.0}", age.p95 * f64::from(kb_per_s) / 1e3),
        ]);
    }
    println!("{}", table.text());
    Ok(())
}

/// Ages at a viewer that reads this much a second, and the bytes of what it got.
pub(super) fn measure_lag(ask: &Ask, kb_per_s: u32, seconds: f64) -> Result<(Histogram<u64>, usize)> {
    // As of a viewer far away: what waits, waits at the server.
    let mut stream = connect_viewer(ask, Some(FAR_BUFFER))?;
    let mut ages: Histogram<u64> = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    let (mut wire, mut bytes, mut sip) = (ask.kind.make_wire(false), 0, vec![0; kb_per_s as usize * 10]);
    let (warm, begun) = (Duration::from_secs(2), Instant::now());
    let end = warm + Duration::from_secs_f64(seconds);
    let mut allowed = 0.0;
    let mut last = begun;
    while begun.elapsed() < end {
        sleep(Duration::from_millis(5));
        allowed += last.elapsed().as_secs_f64() * f64::from(kb_per_s) * 1e3;
        last = Instant::now();
        let now = (allowed as usize).min(sip.len());
        if now == 0 {
            continue;
        }
        let read = stream.read(&mut sip[..now])?;
        if read == 0 {
            bail!("the server closed");
        }
        // What it could not use of its time, it does not get back.
        allowed = (allowed - read as f64).min(sip.len() as f64);
        let now_ns = now_ns();
        wire.feed(&sip[..read], &mut |part| {
            if let Some(stamp) = part.stamp.filter(|_| begun.elapsed() > warm) {
                ages.saturating_record(stamp.age(now_ns).as_micros() as u64);
                bytes += part.bytes;
            }
        })?;
    }
    Ok((ages, bytes))
}
