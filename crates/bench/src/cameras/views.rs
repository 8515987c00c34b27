//! One camera, an analysis and three views of it: boxes, trails, and the lower quality of a viewer who cannot keep up.

use std::thread;

use anyhow::{Context as _, Result, ensure};
use sightwire_api::stream::{PictureQuality, Viewers};

use super::slow::measure_lag;
use super::{detect, proxy_ask};
use crate::live::table::{Table, format_ms};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    detect: detect::Args,
    /// KB a second of the viewer who cannot keep up: less than the camera's pictures take, more than those of the lower quality
    #[arg(long, default_value_t = 1200)]
    kb_per_s: u32,
}

/// Measures and prints the table.
pub(crate) fn main(args: &Args) -> Result<()> {
    let bench = detect::Bench::start(&args.detect)?;
    bench.load_model()?;
    let (fps, seconds) = (args.detect.fps, args.detect.seconds);
    let slow = thread::spawn({
        let (ask, kb_per_s) = (proxy_ask(&bench.server, &bench.camera), args.kb_per_s);
        move || measure_lag(&ask, kb_per_s, detect::SETTLE.as_secs_f64() + seconds + 1.0)
    });
    let row =
        bench.measure_asks(&[bench.make_ask("detect", fps, ""), bench.make_ask("tracking", fps, "")], 0)?;
    let viewers: Viewers = bench.server.get_json("/api/v1/viewers")?;
    let low =
        viewers.viewers.iter().filter(|viewer| matches!(viewer.quality, PictureQuality::Jpeg(_))).count();
    let (ages, _) = slow.join().ok().context("the slow viewer broke off")??;
    ensure!(!ages.is_empty(), "the slow viewer got nothing");
    let mut table =
        Table::new(&["parts/s", "p50", "p99", "server cores", "analysed/s", "at the lower quality"]);
    table.add_row([
        format!("{:.1}", row.got.parts as f64 / row.seconds),
        format_ms(row.delay.p50),
        format_ms(row.delay.p99),
        format!("{:.2}", row.cores),
        format!("{:.1}", row.analysed_per_s),
        low.to_string(),
    ]);
    println!("{}", table.text());
    Ok(())
}
