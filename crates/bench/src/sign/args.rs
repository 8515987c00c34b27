//! The command line of `sign`, and the bounds that keep a typing mistake from becoming an accident.

use std::{fs, time::Duration};

use crate::load::target::Target;
use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use sightwire_synth::sample::Gesture;

use super::packet::Encoding;
use crate::frames::FrameSet;

/// Arguments of `sightwire-bench sign`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// Steady clients
    #[arg(long, default_value_t = 10, value_name = "N")]
    clients: usize,
    /// Frames per second of each client
    #[arg(long, default_value_t = 25.0, value_name = "F")]
    fps: f64,
    /// Measured time
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    seconds: f64,
    /// Load before the measured time
    #[arg(long, default_value_t = 3.0, value_name = "S")]
    warmup: f64,
    /// One run after the other with these numbers of clients; prints a Markdown table
    #[arg(long, value_delimiter = ',', value_name = "N,N,…", conflicts_with = "clients")]
    ladder: Option<Vec<usize>>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,

    /// Mean size of a JPEG in kB (1000 bytes); a message is a third larger
    #[arg(long, default_value_t = 90.0, value_name = "KB", help_heading = "Frames")]
    frame_kb: f64,
    /// Picture size in pixels
    #[arg(long, default_value = "640x480", value_name = "WxH", value_parser = parse_size, help_heading = "Frames")]
    size: (u32, u32),
    /// The motion in the pictures
    #[arg(long, default_value = "left", value_parser = parse_gesture, help_heading = "Frames")]
    gesture: Gesture,
    /// A generated hand that waves, as models of hands find it
    #[arg(long, conflicts_with = "gesture", help_heading = "Frames")]
    hand: bool,
    /// Send the JPEG as a binary attachment instead of base64
    #[arg(long, help_heading = "Frames")]
    binary: bool,

    /// How clients connect
    #[arg(long, value_enum, default_value_t = Transport::Websocket, help_heading = "Clients")]
    transport: Transport,
    /// Behave as the old clients do: no ids, no `result` events
    #[arg(long, help_heading = "Clients")]
    no_extras: bool,
    /// Short sessions per second that come and go beside the steady clients
    #[arg(long, value_name = "PER_S", help_heading = "Clients")]
    churn: Option<f64>,
    /// Clients that stop reading
    #[arg(long, default_value_t = 0, value_name = "K", help_heading = "Clients")]
    stuck: usize,
    /// With --churn or --stuck: measured time of the steady clients alone, to compare with
    #[arg(long, default_value_t = 10.0, value_name = "S", help_heading = "Clients")]
    baseline: f64,

    /// The server's process; found by itself where the server runs on this machine
    #[arg(long, help_heading = "Measurement")]
    pid: Option<u32>,
    /// How long late replies are waited for
    #[arg(long, default_value_t = 5.0, value_name = "S", help_heading = "Measurement")]
    drain: f64,
    /// From the last client's departure to the last look at the server's memory
    #[arg(long, default_value_t = 4.0, value_name = "S", help_heading = "Measurement")]
    settle: f64,
    /// Leave out the short session before memory is first measured
    #[arg(long, help_heading = "Measurement")]
    no_prime: bool,
    /// Worker threads of this program
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Measurement")]
    threads: usize,
    /// Allow a server on another machine
    #[arg(long, help_heading = "Measurement")]
    allow_remote: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// WebSocket from the first packet
    Websocket,
    /// HTTP long polling, never upgraded
    Polling,
}

impl Transport {
    /// As it stands in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Polling => "polling",
        }
    }
}

impl Encoding {
    /// As it stands in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Binary => "binary",
        }
    }
}

/// Checked arguments; the meaning of each is in [`Args`].
pub(crate) struct Settings {
    /// The address as it was given, for messages.
    pub(crate) url: String,
    pub(crate) target: Target,
    /// Steady clients, where there is no ladder.
    pub(crate) clients: usize,
    /// Frames per second of one client.
    pub(crate) fps: f64,
    /// Time after the clients have connected that is not measured.
    pub(crate) warm_up: Duration,
    /// Second phase; zero unless something disturbs the third.
    pub(crate) baseline: Duration,
    /// Third phase: what the report is about.
    pub(crate) measured: Duration,
    /// How long late replies are waited for.
    pub(crate) drain: Duration,
    /// How long the server may put things away.
    pub(crate) settle: Duration,
    /// Numbers of clients of the rungs.
    pub(crate) ladder: Option<Vec<usize>>,
    /// JSON on stdout instead of text.
    pub(crate) json: bool,
    /// Wanted mean size of a JPEG.
    pub(crate) frame_bytes: usize,
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// Motion in the pictures; `None` for a hand that models of hands find.
    pub(crate) gesture: Option<Gesture>,
    /// How a frame is written.
    pub(crate) encoding: Encoding,
    pub(crate) transport: Transport,
    /// Whether the server's extra events are asked for.
    pub(crate) extras: bool,
    /// Short sessions per second.
    pub(crate) churn: Option<f64>,
    /// Clients that stop reading.
    pub(crate) stuck: usize,
    /// The server's process, if it was given.
    pub(crate) pid: Option<u32>,
    /// Whether a short session goes before the first look at memory.
    pub(crate) prime: bool,
    /// Threads of the async runtime.
    pub(crate) threads: usize,
}

const MAX_CLIENTS: usize = 5_000;
const MAX_RUNGS: usize = 30;
/// Descriptors for everything else.
const SPARE_FILES: usize = 64;

impl Settings {
    /// Draws the pictures that are asked for.
    pub(crate) fn render_frames(&self) -> Result<FrameSet> {
        match self.gesture {
            Some(gesture) => FrameSet::render(gesture, self.size.0, self.size.1, self.frame_bytes),
            None => FrameSet::render_hand(self.size, self.frame_bytes),
        }
    }
}

impl Args {
    /// Checks the bounds and resolves the address.
    pub(crate) fn resolve_settings(&self) -> Result<Settings> {
        let target = Target::parse(&self.url, self.allow_remote)?;
        check_range("--fps", self.fps, 0.1, 240.0)?;
        check_range("--frame-kb", self.frame_kb, 1.0, 7_000.0)?;
        let seconds = |name, value: f64, min, max| {
            check_range(name, value, min, max).map(|()| Duration::from_secs_f64(value))
        };
        let disturbed = self.churn.is_some() || self.stuck > 0;
        if let Some(per_s) = self.churn {
            check_range("--churn", per_s, 0.01, 2_000.0)?;
        }
        check_range("--stuck", self.stuck as f64, 0.0, 1_000.0)?;
        check_range("--threads", self.threads as f64, 1.0, 16.0)?;
        let rungs = self.ladder.as_deref().unwrap_or(std::slice::from_ref(&self.clients));
        ensure!(rungs.len() <= MAX_RUNGS, "--ladder: at most {MAX_RUNGS} steps");
        for &clients in rungs {
            ensure!(
                (1..=MAX_CLIENTS).contains(&clients),
                "{clients} clients: must be from 1 to {MAX_CLIENTS}"
            );
            self.check_open_files(clients)?;
        }
        Ok(Settings {
            url: self.url.clone(),
            target,
            clients: self.clients,
            fps: self.fps,
            warm_up: seconds("--warmup", self.warmup, 0.0, 600.0)?,
            baseline: if disturbed {
                seconds("--baseline", self.baseline, 0.0, 600.0)?
            } else {
                Duration::ZERO
            },
            measured: seconds("--seconds", self.seconds, 1.0, 86_400.0)?,
            drain: seconds("--drain", self.drain, 1.0, 120.0)?,
            settle: seconds("--settle", self.settle, 0.0, 120.0)?,
            ladder: self.ladder.clone(),
            json: self.json,
            frame_bytes: (self.frame_kb * 1e3) as usize,
            size: self.size,
            gesture: (!self.hand).then_some(self.gesture),
            encoding: if self.binary { Encoding::Binary } else { Encoding::Base64 },
            transport: self.transport,
            extras: !self.no_extras,
            churn: self.churn,
            stuck: self.stuck,
            pid: self.pid,
            prime: !self.no_prime,
            threads: self.threads,
        })
    }

    fn check_open_files(&self, clients: usize) -> Result<()> {
        let per_client = if self.transport == Transport::Polling { 2 } else { 1 };
        // Short sessions that the server lets wait for a second.
        let churn = self.churn.map_or(0, |per_s| per_s.ceil() as usize).min(1_000);
        let needed = clients * per_client + self.stuck + churn + SPARE_FILES;
        match open_file_limit() {
            Some(limit) if limit < needed => bail!(
                "{clients} clients need about {needed} open files, the limit is {limit}; raise it with `ulimit -n {needed}`"
            ),
            _ => Ok(()),
        }
    }
}

fn check_range(name: &str, value: f64, min: f64, max: f64) -> Result<()> {
    ensure!((min..=max).contains(&value), "{name} {value}: must be from {min} to {max}");
    Ok(())
}

/// The soft limit of this process (`proc(5)`, `/proc/self/limits`).
fn open_file_limit() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn parse_size(text: &str) -> Result<(u32, u32)> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match sides {
        Some((w, h)) if (16..=4096).contains(&w) && (16..=4096).contains(&h) => Ok((w, h)),
        Some(_) => bail!("each side must be from 16 to 4096 pixels"),
        None => bail!("must be WIDTHxHEIGHT, for example 640x480"),
    }
}

fn parse_gesture(text: &str) -> Result<Gesture> {
    text.parse().with_context(|| {
        let names: Vec<_> = Gesture::ALL.iter().map(|gesture| gesture.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn settings(line: &str) -> Result<Settings> {
        Command::try_parse_from(std::iter::once("sign").chain(line.split_whitespace()))?
            .args
            .resolve_settings()
    }

    #[test]
    fn the_defaults_are_the_job_of_the_issue() {
        let defaults = settings("").unwrap();
        assert_eq!((defaults.clients, defaults.size, defaults.frame_bytes), (10, (640, 480), 90_000));
        assert!(defaults.extras && defaults.churn.is_none());
        assert_eq!(defaults.baseline, Duration::ZERO);
        assert_eq!(settings("--churn 5").unwrap().baseline, Duration::from_secs(10));
    }

    #[test]
    fn absurd_arguments_are_refused() {
        for line in [
            "--clients 0",
            "--clients 1000000",
            "--fps 0",
            "--fps NaN",
            "--fps 1e9",
            "--seconds -1",
            "--seconds inf",
            "--frame-kb 0",
            "--size 640",
            "--size 1x1",
            "--gesture dance",
            "--hand --gesture left",
            "--ladder 1,0",
            "--ladder 1,2 --clients 3",
            "--churn 1e6",
            "--url https://127.0.0.1:8000",
            "--url http://198.51.100.1:8000",
        ] {
            assert!(settings(line).is_err(), "{line}");
        }
    }
}
