//! `sightwire-bench attacks`: clients that want to stop the server, and what others notice of them.
//!
//! - [`flood`]: who floods; [`honest`]: who must not notice
//! - [`wire`]: what they speak

mod flood;
mod honest;
mod wire;

use std::io::Write as _;
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum as _};
use sightwire_synth::sample::Gesture;

use self::flood::{Flood, Kind};
use self::honest::Honest;
use self::wire::Socket;
use crate::frames::FrameSet;
use crate::live::server::{Server, ServerArgs};
use crate::live::table::{Table, format_ms};

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
The server is to run on one core, and this program on others:
  taskset -c 0 sightwire serve --set server.max_connections=6000 --set recognizer.max_clients=6000
  taskset -c 1 sightwire-bench attacks flood

`/livez` is asked 50 times a second, each time over a new connection. Honest clients send 25 frames a second and count
the answers. `cargo xtask bench attacks` does all of it.

Exit code 1: an answer was lost.";

/// Until what was taken is given back.
const REST: Duration = Duration::from_secs(5);
/// Until honest clients have their first answers.
const BEGIN: Duration = Duration::from_secs(1);
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);
/// Until an idle connection is what it will be.
const SETTLE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    #[command(subcommand)]
    attack: Attack,
}

#[derive(Debug, Subcommand)]
enum Attack {
    /// Clients of Socket.IO that send as fast as they can and hardly read
    Flood(FloodArgs),
    /// Connections with messages that never end
    Unfinished(UnfinishedArgs),
    /// Connections that have said who they are and then say nothing
    Idle(IdleArgs),
}

#[derive(Debug, clap::Args)]
struct FloodArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// What they send, one row each; none: each kind, and all kinds at once
    #[arg(long, value_delimiter = ',', value_enum)]
    kinds: Vec<Kind>,
    /// How many flood at once
    #[arg(long, default_value_t = 8)]
    flooders: usize,
    /// Honest clients
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// How long
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Seconds until it is looked whether what was taken has been given back
    #[arg(long, default_value_t = 5.0)]
    rest: f64,
}

#[derive(Debug, clap::Args)]
struct UnfinishedArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How many
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// What each sends of its message
    #[arg(long, default_value_t = 9)]
    megabytes: usize,
}

#[derive(Debug, clap::Args)]
struct IdleArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How many
    #[arg(long, default_value_t = 5000)]
    connections: usize,
}

/// 1 where an answer was lost.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    match &args.attack {
        Attack::Flood(args) => run_flood(args),
        Attack::Unfinished(args) => run_unfinished(args).map(|()| ExitCode::SUCCESS),
        Attack::Idle(args) => run_idle(args).map(|()| ExitCode::SUCCESS),
    }
}

fn run_flood(args: &FloodArgs) -> Result<ExitCode> {
    let server = Server::from_args(&args.server)?;
    let pictures = FrameSet::render(Gesture::Wave, 320, 240, 15_000)?.jpegs;
    let mut rounds: Vec<Vec<Kind>> = args.kinds.iter().map(|kind| vec![*kind]).collect();
    if rounds.is_empty() {
        let kinds = Kind::value_variants();
        rounds = kinds.iter().map(|kind| vec![*kind]).chain([kinds.to_vec()]).collect();
    }
    let mut table = Table::new(&[
        "flood",
        "MB/s",
        "/livez p50 ms",
        "p99",
        "max",
        "replies p99 ms",
        "max",
        "replies",
        "lost",
        "resident MB before",
        "at most",
        &format!("{} s after", args.rest),
    ]);
    let mut lost_any = false;
    for kinds in rounds {
        let name = match &kinds[..] {
            [kind] => format!("{} × {}", args.flooders, name_of(*kind)),
            _ => format!("{} of all kinds", args.flooders),
        };
        eprintln!("{name}");
        let resident = || anyhow::Ok(server.read_sample()?.memory.rss_bytes as f64 / 1e6);
        let mut honest = Honest::start(server.address(), args.clients, &pictures)?;
        sleep(BEGIN);
        let before = resident()?;
        let begun = Instant::now();
        let floods: Vec<Flood> = kinds
            .iter()
            .cycle()
            .take(args.flooders)
            .map(|kind| Flood::start(server.address(), *kind))
            .collect();
        let mut most = before;
        while begun.elapsed().as_secs_f64() < args.seconds {
            sleep(SAMPLE_INTERVAL);
            most = most.max(resident()?);
        }
        let sent: u64 = floods.iter().map(|flood| flood.sent.load(Ordering::Relaxed)).sum();
        let connections: u64 = floods.iter().map(|flood| flood.connections.load(Ordering::Relaxed)).sum();
        let rate = sent as f64 / 1e6 / begun.elapsed().as_secs_f64();
        drop(floods);
        eprintln!("  {connections} connections of flooders");
        honest.stop_clients();
        sleep(Duration::from_secs_f64(args.rest));
        let after = resident()?;
        let (probes, replies) = (honest.probes.percentiles(), honest.replies.percentiles());
        let lost = honest.counts.lost.load(Ordering::Relaxed);
        let unanswered = honest.counts.unanswered.load(Ordering::Relaxed);
        lost_any |= lost + unanswered > 0;
        table.add_row([
            name,
            format!("{rate:.0}"),
            format_ms(probes.p50),
            format_ms(probes.p99),
            format_ms(probes.max),
            format_ms(replies.p99),
            format_ms(replies.max),
            replies.count.to_string(),
            format!(
                "{lost}{}",
                if unanswered > 0 { format!(" and {unanswered} probes") } else { String::new() }
            ),
            format!("{before:.0}"),
            format!("{most:.0}"),
            format!("{after:.0}"),
        ]);
    }
    println!("{}", table.text());
    Ok(if lost_any { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn name_of(kind: Kind) -> String {
    kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// How a message that never ends begins.
#[derive(Clone, Copy)]
enum Beginning {
    /// On Socket.IO, before the namespace was entered.
    Unknown,
    /// On Socket.IO, after the namespace was entered.
    Connected,
    /// The first message of a stream that is sent.
    Stream,
    /// The body of a request that is held in memory.
    Body,
}

fn run_unfinished(args: &UnfinishedArgs) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let address = server.address();
    let resident = || anyhow::Ok(server.read_sample()?.memory.rss_bytes as f64 / 1e6);
    let piece = vec![b'x'; 64 << 10];
    let bytes = args.megabytes << 20;
    let announced = (bytes as u64 + (512 << 10)).to_be_bytes();
    let head = [&[0x81, 0xff][..], &announced, &[0; 4]].concat();
    let mut table = Table::new(&[
        "messages without end",
        "resident MB before",
        "at most",
        "connections at the end",
        "a newcomer's answer after ms",
    ]);
    for (name, kind) in [
        ("Socket.IO, before `40`", Beginning::Unknown),
        ("Socket.IO, after `40`", Beginning::Connected),
        ("`/ws/stream/…`", Beginning::Stream),
        ("`POST /api/v1/detect`", Beginning::Body),
    ] {
        eprintln!("{name}");
        let before = resident()?;
        let mut most = before;
        let mut streams: Vec<TcpStream> = Vec::new();
        for number in 0..args.connections {
            let stream = match kind {
                Beginning::Unknown => Socket::open(address, "/socket.io/?EIO=4&transport=websocket")?.stream,
                Beginning::Connected => Socket::open_session(address)?.stream,
                Beginning::Stream => Socket::open(address, &format!("/ws/stream/attack-{number}"))?.stream,
                Beginning::Body => wire::connect_stream(address)?,
            };
            streams.push(stream);
        }
        for stream in &mut streams {
            let head = match kind {
                Beginning::Body => format!(
                    "POST /api/v1/detect HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/jpeg\r\n\
                     Content-Length: {}\r\n\r\n",
                    bytes + 1
                )
                .into_bytes(),
                _ => head.clone(),
            };
            let _ = stream.write_all(&head);
            stream.set_nonblocking(true)?;
        }
        // Each as much as it is let, in turn.
        let begun = Instant::now();
        let mut written = vec![0; streams.len()];
        while begun.elapsed() < Duration::from_secs(20) {
            let mut any = false;
            for (stream, written) in streams.iter_mut().zip(&mut written) {
                if *written < bytes
                    && let Ok(count) = stream.write(&piece)
                {
                    *written += count;
                    any = true;
                }
            }
            most = most.max(resident()?);
            if !any {
                sleep(Duration::from_millis(50));
            }
        }
        let begun = Instant::now();
        let newcomer = Socket::open_session(address).and_then(|mut socket| {
            // A frame larger than what is free.
            socket.send(wire::TEXT, &wire::encode_event(&vec![0xff; 100_000]))?;
            socket.send(wire::TEXT, &wire::encode_event(&FIRST_BYTES))?;
            socket.next()
        });
        let took = newcomer.map(|_| begun.elapsed()).context("a newcomer is not served");
        most = most.max(resident()?);
        let open = server.fetch_status()?.connections.open;
        table.add_row([
            name.to_owned(),
            format!("{before:.0}"),
            format!("{most:.0}"),
            open.to_string(),
            took.map_or_else(|error| format!("{error:#}"), |took| format_ms(took.as_secs_f64() * 1e3)),
        ]);
        drop(streams);
        sleep(REST);
    }
    println!("{}", table.text());
    Ok(())
}

/// Of a JPEG: too little to be one, and answered.
const FIRST_BYTES: [u8; 21] =
    [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1];

fn run_idle(args: &IdleArgs) -> Result<()> {
    let server = Server::from_args(&args.server)?;
    let resident = || anyhow::Ok(server.read_sample()?.memory.rss_bytes as f64);
    // So that what is made once is there.
    let first = Socket::open_session(server.address())?;
    sleep(Duration::from_secs(2));
    let before = resident()?;
    let sockets: Vec<Socket> =
        (0..args.connections).map(|_| Socket::open_session(server.address())).collect::<Result<_, _>>()?;
    sleep(SETTLE);
    let now = resident()?;
    drop((sockets, first));
    sleep(REST);
    let mut table = Table::new(&["idle connections", "resident MB before", "with them", "kB each", "after"]);
    table.add_row([
        args.connections.to_string(),
        format!("{:.1}", before / 1e6),
        format!("{:.1}", now / 1e6),
        format!("{:.1}", (now - before) / args.connections as f64 / 1e3),
        format!("{:.1}", resident()? / 1e6),
    ]);
    println!("{}", table.text());
    Ok(())
}
