//! Viewers who cannot keep up beside those who can: what the others notice of them.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::Result;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::table::{Table, format_ms, median};
use super::viewers::{Ask, Viewers, connect_viewer};

/// Bytes that a slow viewer reads at once.
const SIP: usize = 1000;
/// How often a slow viewer reads: 10 KB a second.
const SIP_EVERY: Duration = Duration::from_millis(100);
const SETTLE: Duration = Duration::from_millis(1000);
/// A slow one leaves after this time and comes again: one that reads nothing cannot see that the server has sent it away.
const STAY: Duration = Duration::from_secs(3);

/// Some that read 10 KB a second and as many that read nothing.
pub(crate) struct Slow {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Sipping {
    poll: Poll,
    ask: Ask,
    /// With the time of coming; none: sent away, and not let in again yet.
    viewers: Vec<Option<(TcpStream, Instant)>>,
}

impl Slow {
    /// This many; the first reads, the second does not, and so on.
    pub(crate) fn start(ask: &Ask, count: usize) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let mut sipping = Sipping { poll: Poll::new()?, ask: ask.clone(), viewers: Vec::new() };
        for index in 0..count {
            let viewer = sipping.open_viewer(index)?;
            sipping.viewers.push(Some(viewer));
        }
        let ends = over.clone();
        let thread = thread::Builder::new().name("slow".to_owned()).spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                sipping.run_round();
            }
        })?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Sipping {
    fn open_viewer(&self, index: usize) -> Result<(TcpStream, Instant)> {
        let stream = connect_viewer(&self.ask, None)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
        Ok((stream, Instant::now()))
    }

    /// A tenth of a second: one sip each. Those who have gone are back afterwards.
    fn run_round(&mut self) {
        let (mut events, until) = (Events::with_capacity(64), Instant::now() + SIP_EVERY);
        let mut gone = Vec::new();
        while let Some(wait) = until.checked_duration_since(Instant::now()) {
            // Rounded up by the system; no sooner than its step.
            if self.poll.poll(&mut events, Some(wait.max(Duration::from_millis(1)))).is_err() {
                continue;
            }
            gone.extend(events.iter().filter(|e| e.is_read_closed() || e.is_error()).map(|e| e.token().0));
        }
        for (index, viewer) in self.viewers.iter_mut().enumerate() {
            let stays = viewer.as_mut().is_some_and(|(viewer, since)| {
                let ended = index % 2 == 0 && matches!(viewer.read(&mut [0; SIP]), Ok(0));
                !ended && !gone.contains(&index) && since.elapsed() < STAY
            });
            if !stays {
                *viewer = None;
            }
        }
        for index in 0..self.viewers.len() {
            if self.viewers[index].is_none() {
                self.viewers[index] = self.open_viewer(index).ok();
            }
        }
    }
}

/// Measures `viewers`, who are there already, alone and beside `count` slow ones in turn; prints the table.
pub(crate) fn measure_beside_slow(
    viewers: &Viewers,
    sent: impl Fn() -> u64,
    ask: &Ask,
    count: usize,
    (pairs, seconds): (usize, f64),
) -> Result<()> {
    let mut table = Table::new(&[
        "pair",
        "alone: p50 ms",
        "p99",
        "delivered",
        "with slow ones: p50",
        "p99",
        "delivered",
        "p99 change",
    ]);
    let all = viewers.take_results()?.viewers as u64;
    let mut changes = Vec::new();
    for pair in 1..=pairs {
        eprintln!("pair {pair} of {pairs}");
        let mut cells = vec![pair.to_string()];
        let mut p99 = [0.0; 2];
        for with in [false, true] {
            let slow = if with { Some(Slow::start(ask, count)?) } else { None };
            sleep(SETTLE);
            let before = sent();
            viewers.take_results()?;
            sleep(Duration::from_secs_f64(seconds));
            let got = viewers.take_results()?;
            let offered = (sent() - before) * all;
            drop(slow);
            p99[usize::from(with)] = got.age.p99;
            cells.extend([format_ms(got.age.p50), format_ms(got.age.p99)]);
            cells.push(format!("{:.1} %", (got.parts as f64 / offered as f64).min(1.0) * 100.0));
        }
        let change = p99[1] - p99[0];
        cells.push(format!("{change:+.2} ms ({:+.0} %)", change / p99[0] * 100.0));
        changes.push((change, change / p99[0]));
        table.add_row(cells);
    }
    println!("{}", table.text());
    let in_ms = median(changes.iter().map(|(change, _)| *change).collect());
    let share = median(changes.iter().map(|(_, share)| *share).collect());
    println!(
        "Median change of the others' p99: {in_ms:+.2} ms, {:+.0} %. Slow ones leave after {} s and come again.\n",
        share * 100.0,
        STAY.as_secs()
    );
    Ok(())
}
