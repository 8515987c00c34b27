//! Who must not notice: clients that send 25 frames a second and wait for each answer, and one that asks `/livez`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::load::stats::Delays;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use parking_lot::Mutex;

use super::wire::{Socket, TEXT, connect_stream, encode_event, encode_frame, send_request};

/// An honest client sends 25 frames a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(40);
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// For the answers to the last frames.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What they met with.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Frames without an answer, and connections that were lost.
    pub(super) lost: AtomicU64,
    /// Probes without an answer.
    pub(super) unanswered: AtomicU64,
}

/// All of them, until they are told to stop.
pub(super) struct Honest {
    stop: Arc<AtomicBool>,
    pub(super) counts: Arc<Counts>,
    pub(super) replies: Arc<Delays>,
    pub(super) probes: Arc<Delays>,
    threads: Vec<JoinHandle<()>>,
}

impl Honest {
    /// This many clients that send these pictures.
    pub(super) fn start(address: SocketAddr, clients: usize, pictures: &[Bytes]) -> Result<Self> {
        let mut honest = Self {
            stop: Arc::default(),
            counts: Arc::default(),
            replies: Arc::new(Delays::new().context("counting delays")?),
            probes: Arc::new(Delays::new().context("counting delays")?),
            threads: Vec::new(),
        };
        let frames: Arc<Vec<Vec<u8>>> =
            Arc::new(pictures.iter().map(|picture| encode_frame(TEXT, &encode_event(picture))).collect());
        for number in 0..clients {
            let socket = Socket::open_session(address).context("connect a client")?;
            let (stop, counts) = (honest.stop.clone(), honest.counts.clone());
            let (replies, frames) = (honest.replies.clone(), frames.clone());
            honest.threads.push(spawn(move || {
                sleep(FRAME_INTERVAL * number as u32 / clients as u32);
                run_client(socket, &frames, &stop, &counts, &replies);
            }));
        }
        let (stop, counts, probes) = (honest.stop.clone(), honest.counts.clone(), honest.probes.clone());
        honest.threads.push(spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                // A new connection each time: who comes new is served as well.
                let answered = connect_stream(address)
                    .and_then(|mut stream| send_request(&mut stream, "GET", "/livez", b""));
                if answered.is_err() {
                    counts.unanswered.fetch_add(1, Ordering::Relaxed);
                }
                probes.record(begun.elapsed());
                sleep(PROBE_INTERVAL);
            }
        }));
        Ok(honest)
    }

    /// When all answers are there, or will not come.
    pub(super) fn stop_clients(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn run_client(
    mut socket: Socket,
    frames: &[Vec<u8>],
    stop: &AtomicBool,
    counts: &Counts,
    replies: &Arc<Delays>,
) {
    let waiting = Arc::new(Mutex::new(VecDeque::<Instant>::new()));
    let Ok(mut sender) = socket.stream.try_clone() else { return };
    let (sent, delays) = (waiting.clone(), replies.clone());
    let reading = spawn(move || {
        while let Ok(text) = socket.next() {
            if text.starts_with(b"42[\"prediction\"")
                && let Some(at) = sent.lock().pop_front()
            {
                delays.record(at.elapsed());
            }
        }
    });
    let mut next = Instant::now();
    for picture in frames.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        waiting.lock().push_back(Instant::now());
        if std::io::Write::write_all(&mut sender, picture).is_err() {
            break;
        }
        next += FRAME_INTERVAL;
        sleep(next.saturating_duration_since(Instant::now()));
    }
    let begun = Instant::now();
    while !waiting.lock().is_empty() && begun.elapsed() < LAST_ANSWERS {
        sleep(Duration::from_millis(10));
    }
    let _ = sender.shutdown(std::net::Shutdown::Both);
    let _ = reading.join();
    counts.lost.fetch_add(waiting.lock().len() as u64, Ordering::Relaxed);
}
