//! `sightwire-bench detect`: single pictures over one connection, the next one once the last is answered.

use std::slice::from_ref;
use std::time::{Duration, Instant};

use crate::load::stats::{Delays, Percentiles};
use crate::load::target::Target;
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use serde::Serialize;
use sightwire_api::detect::StillDetections;

use crate::frames::FrameSet;
use crate::http::Connection;
use crate::live::table::{Table, format_ms};

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
Pictures are 640×480 JPEGs of 75 kB of a generated street. At a server that looks by itself, and at one that asks it:
  sightwire serve --listen 127.0.0.1:8000 --set detector.model=yolox-nano --set engine.listen=127.0.0.1:9000
  sightwire serve --listen 127.0.0.1:8001 --set engine.remote=grpc://127.0.0.1:9000
  sightwire-bench detect --url http://127.0.0.1:8000
  sightwire-bench detect --url http://127.0.0.1:8001

`cargo xtask bench kserve` does all of it, in turn.";

const SIZE: (u32, u32) = (640, 480);
/// Bytes of a picture.
const BYTES: usize = 75_000;
const CONNECT: Duration = Duration::from_secs(5);
/// The longest that a model may take to load.
const LOADING: Duration = Duration::from_mins(1);
/// Between two times that the server is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server, on this machine
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// Pictures that count
    #[arg(long, default_value_t = 200)]
    pictures: usize,
    /// Pictures before these, which do not
    #[arg(long, default_value_t = 20)]
    warm_up: usize,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    /// That found the objects of all pictures.
    model: String,
    /// From the first byte that is sent to the last of the answer, in milliseconds.
    answer_ms: Percentiles,
    /// What the server says of itself: from the whole picture to its answer, in milliseconds.
    server_ms: Percentiles,
    /// Objects that were found in all of them.
    objects: usize,
    /// Of a picture, on average.
    bytes: u64,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    ensure!(args.pictures > 0, "--pictures has to be 1 or more");
    let frames = FrameSet::render_street(SIZE, BYTES)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(measure_detector(args, &frames))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", format_table(&report));
    }
    Ok(())
}

async fn measure_detector(args: &Args, frames: &FrameSet) -> Result<Report> {
    let mut connection = Connection::open(&Target::parse(&args.url, false)?, CONNECT).await?;
    let first = wait_ready(&mut connection, &frames.jpegs[0]).await?;
    let (answers, servers, mut objects) = (Delays::new()?, Delays::new()?, 0);
    let counted = args.warm_up..args.warm_up + args.pictures;
    for (index, jpeg) in frames.jpegs.iter().cycle().take(counted.end).enumerate() {
        let begun = Instant::now();
        let found = detect_objects(&mut connection, jpeg).await?;
        let took = begun.elapsed();
        let found = found.with_context(|| format!("picture {}: the server is busy", index + 1))?;
        ensure!(found.model == first.model, "{} looked, and then {}", first.model, found.model);
        if counted.contains(&index) {
            answers.record(took);
            servers.record(Duration::from_secs_f64(found.ms / 1e3));
            objects += found.detections.len();
        }
    }
    Ok(Report {
        model: first.model,
        answer_ms: answers.percentiles(),
        server_ms: servers.percentiles(),
        objects,
        bytes: frames.summary.mean_jpeg_bytes,
    })
}

/// Waits until there is an answer: the first to ask has the model loaded.
async fn wait_ready(connection: &mut Connection, jpeg: &Bytes) -> Result<StillDetections> {
    let begun = Instant::now();
    loop {
        if let Some(found) = detect_objects(connection, jpeg).await? {
            return Ok(found);
        }
        ensure!(begun.elapsed() < LOADING, "no model within {} s", LOADING.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}

/// What is in a picture; `None` where the server cannot say it now.
async fn detect_objects(connection: &mut Connection, jpeg: &Bytes) -> Result<Option<StillDetections>> {
    let answer = connection.send("POST", "/api/v1/detect", "image/jpeg", from_ref(jpeg)).await?;
    match answer.status {
        200 => Ok(Some(serde_json::from_slice(&answer.body).context("read what was found")?)),
        429 | 503 => Ok(None),
        status => bail!("status {status}: {}", String::from_utf8_lossy(&answer.body)),
    }
}

fn format_table(report: &Report) -> String {
    let mut table =
        Table::new(&["model", "pictures", "objects", "p50 ms", "p95", "p99", "max", "server p50 ms", "p95"]);
    let (answer, server) = (&report.answer_ms, &report.server_ms);
    table.add_row([
        report.model.clone(),
        answer.count.to_string(),
        report.objects.to_string(),
        format_ms(answer.p50),
        format_ms(answer.p95),
        format_ms(answer.p99),
        format_ms(answer.max),
        format_ms(server.p50),
        format_ms(server.p95),
    ]);
    table.text().to_owned()
}
