//! Streamers and viewers who come and go at random: what stays behind of them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Common, Relay};
use crate::live::churn::{REST, Random, Traces};
use crate::live::server::Meter;
use crate::live::viewers::{Got, Viewers};

/// The longest that a viewer stays.
const STAY: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Viewers, one after the other and beside each other
    #[arg(long, default_value_t = 1000)]
    viewers: usize,
    /// Streams, which end and begin again
    #[arg(long, default_value_t = 4)]
    streams: usize,
    /// How often one of them ends or begins
    #[arg(long, default_value_t = 200)]
    turns: usize,
    /// Minutes in which all that happens
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Of the order of events
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What all viewers got.
#[derive(Default)]
struct Total {
    parts: u64,
    /// Damaged, doubled or out of order.
    wrong: u64,
    /// Viewers sent away, and why.
    lost: u64,
    problem: Option<String>,
}

enum Event {
    Come,
    Go { which: usize, reset: bool },
    Turn { stream: usize, reset: bool },
}

impl Total {
    fn add(&mut self, got: Got) {
        self.parts += got.parts;
        self.wrong += got.damaged + got.disordered + got.duplicates;
        self.lost += got.lost;
        self.problem = got.problem.or(self.problem.take());
    }
}

/// Prints the server's descriptors, threads and memory before, meanwhile and after.
pub(super) fn main(args: &Args) -> Result<()> {
    let relay = Relay::from_args(&args.common)?;
    let (server, ask) = (&relay.server, relay.make_ask());
    eprintln!("everything once, so that what is made once is there");
    {
        let (_streamers, warm) = (relay.start_streamers(args.streams)?, Viewers::start()?);
        warm.open_viewers(&ask, 10)?;
        sleep(Duration::from_secs(5));
    }
    sleep(REST);
    let mut traces = Traces::from_server(server)?;
    let mut random = Random::new(args.seed);
    let events = plan_events(args, &mut random);
    let (mut streamers, viewers) = (relay.start_streamers(args.streams)?, Viewers::start()?);
    let (begun, mut said, mut total) = (Instant::now(), Duration::ZERO, Total::default());
    for (at, event) in events {
        sleep(at.saturating_sub(begun.elapsed()));
        match event {
            Event::Come => viewers.start_viewers(&ask, 1)?,
            Event::Go { which, reset } => total.add(viewers.remove_viewers(Some(which), reset)?),
            Event::Turn { stream, reset } if streamers.is_live(stream) => streamers.end_stream(stream, reset),
            Event::Turn { stream, .. } => streamers.start_stream(stream)?,
        }
        if begun.elapsed() > said + Duration::from_secs(10) {
            said = begun.elapsed();
            traces.record_sample(server, said)?;
        }
    }
    total.add(viewers.remove_viewers(None, false)?);
    let problem = streamers.problem();
    drop(streamers);
    sleep(REST);
    let table = traces.table(server)?;
    let meter = Meter::start(server.pid());
    sleep(Duration::from_secs(3));
    let (cpu, time) = meter.read();
    println!("{}", table.text());
    let relay = server.fetch_status()?.relay;
    println!(
        "{} viewers over {:.1} minutes, at random times, for up to {} s each, and {} streams, {} times one of which ended or began \
         again; half of them ended by a reset. {} pictures came, {} of them damaged or in the wrong order; {} viewers were sent \
         away. Afterwards {:.4} cores, and the server counts {} viewers and {} streams.",
        args.viewers,
        args.minutes,
        STAY.as_secs(),
        args.streams,
        args.turns,
        total.parts,
        total.wrong,
        total.lost,
        cpu.as_secs_f64() / time.as_secs_f64(),
        relay.viewers,
        relay.streams,
    );
    if let Some(problem) = problem.or(total.problem) {
        println!("\n{problem}");
    }
    Ok(())
}

/// When who comes and goes. Viewers are numbered in the order in which they come.
fn plan_events(args: &Args, random: &mut Random) -> Vec<(Duration, Event)> {
    let span = Duration::from_secs_f64(args.minutes * 60.0);
    let mut comes: Vec<Duration> = (0..args.viewers).map(|_| span.mul_f64(random.share())).collect();
    comes.sort();
    let mut events = Vec::with_capacity(2 * args.viewers + args.turns);
    for (which, at) in comes.into_iter().enumerate() {
        events.push((at, Event::Come));
        // Many stay for a moment only, some not even for the answer.
        let stay = STAY.mul_f64(random.share().powi(3));
        events.push((at + stay, Event::Go { which, reset: random.below(2) == 0 }));
    }
    for _ in 0..args.turns {
        let stream = random.below(args.streams.max(1) as u64) as usize;
        events.push((span.mul_f64(random.share()), Event::Turn { stream, reset: random.below(2) == 0 }));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}
