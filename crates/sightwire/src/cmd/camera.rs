//! `sightwire camera`: a simulated ESP32 camera, as reliable or as faulty as wanted.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use sightwire_simulator::{Faults, Options, Origin, Simulator, Size};

use crate::print::{Printer, note, out};

/// Time for a request to arrive, and for the next one to begin: longer than clients keep a connection in wait,
/// for one that is closed just when it is used again looks like a camera that is ill.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Time that connections get to end.
const DRAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire camera
  sightwire camera --source street --seed 7
  sightwire camera --source pictures/ --fps 10 --fault stall@5s-20s,half-frame@3

Faults, in a list with commas:
  stall         sends nothing more, and keeps the connection
  half-frame    cuts a picture in half
  freeze        sends the same picture again and again
  slow          a tenth of the pictures
  slow-drip     2 kB a second
  reset         breaks every connection within a picture;
                reset@7s breaks those that are open at that moment
  dead          accepts connections and does not answer
  busy          answers 503
  html          answers new connections with a web page (reset,html: those that are open, too)
  garbage       random bytes before a picture
  no-length, huge-length, negative-length, wrong-length
                what Content-Length says
  thumbnail     a picture within the picture, with an end marker of its own
  stray-eoi     end markers in a comment and after the picture
  fill-bytes    FF bytes before the markers

  NAME@3 hits every third picture, NAME@5s begins after five seconds,
  NAME@5s-9s ends too, NAME@3@5s-9s is both. Times count from the start.

Pages: /stream, /capture, /status, and
  /control?var=NAME&val=VALUE   framesize, quality, fps, … as a board has them;
                                fault: other faults, timed from then; empty: none
  /objects?t=SECONDS            what the generated picture with that X-Timestamp
                                shows; without t, what is there now

Prints `listening on http://ADDRESS` when it is ready. Ends with 0 after SIGTERM
or Ctrl-C.")]
pub(super) struct CameraArgs {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// `scene` (a generated car park), `street` (a generated street, whose cars yolox-nano takes for cars), a JPEG or PNG, a
    /// file of JPEGs one after the other (.mjpeg), or a folder.
    #[arg(long, value_name = "scene|street|FILE|FOLDER", default_value = "scene")]
    source: Origin,
    /// What goes wrong, and when; see below.
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true)]
    fault: Faults,

    /// Frames per second.
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = sightwire_simulator::parse_fps, help_heading = "Pictures")]
    fps: f64,
    /// Size of generated frames, in pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "640x480", help_heading = "Pictures")]
    size: Size,
    /// JPEG quality of generated frames.
    #[arg(long, value_name = "1..100", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100),
          help_heading = "Pictures")]
    quality: u8,
    /// Another number draws another car park or street.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Pictures")]
    seed: u64,

    /// Clients that get frames at the same time; the next is told that the camera is busy.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000),
          help_heading = "Protocol")]
    max_clients: u16,
    /// Ask for this name and password (basic authentication).
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = name_and_password, help_heading = "Protocol")]
    user: Option<String>,
    /// Boundary between the parts of the stream.
    #[arg(long, value_name = "TEXT", default_value = "frame", value_parser = parse_boundary, help_heading = "Protocol")]
    boundary: String,
    /// Parts have no Content-Length.
    #[arg(long, help_heading = "Protocol")]
    no_length: bool,
    /// Answer with HTTP/1.0.
    #[arg(long, conflicts_with = "chunked", help_heading = "Protocol")]
    http10: bool,
    /// Send the stream in chunks.
    #[arg(long, help_heading = "Protocol")]
    chunked: bool,
}

impl CameraArgs {
    fn options(&self) -> Options {
        Options {
            origin: self.source.clone(),
            faults: self.fault.clone(),
            fps: self.fps,
            size: self.size,
            quality: self.quality,
            seed: self.seed,
            max_clients: self.max_clients.into(),
            user: self.user.clone(),
            boundary: self.boundary.clone(),
            lengths: !self.no_length,
            http10: self.http10,
            chunked: self.chunked,
            request_deadline: REQUEST_DEADLINE,
        }
    }
}

pub(super) fn run_camera(args: &CameraArgs, printer: &Printer) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("camera")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(serve_camera(args, printer));
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

async fn serve_camera(args: &CameraArgs, printer: &Printer) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "cannot listen on {} (taken, or not an address of this machine); choose another with --listen",
            args.listen
        )
    })?;
    let mut simulator = Simulator::start(listener, args.options())?;
    if let Some(note) = simulator.note() {
        note!(printer, "note: {note}");
    }
    // The reader of this line may be gone by now.
    let _ = out!(printer, "listening on http://{}", simulator.address());
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        failed = simulator.wait_failed() => Some(failed),
    };
    simulator.stop(DRAIN).await;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn name_and_password(text: &str) -> anyhow::Result<String> {
    let (name, _) = text.split_once(':').unwrap_or_default();
    ensure!(!name.is_empty(), "write name and password with a colon between them");
    Ok(text.to_owned())
}

/// What may stand in a header and on a line of its own.
fn parse_boundary(text: &str) -> anyhow::Result<String> {
    let is_fine = (1..=200).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    ensure!(is_fine, "use 1 to 200 printable ASCII characters");
    Ok(text.to_owned())
}
