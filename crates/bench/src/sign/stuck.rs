//! Clients that go on sending and never read again: the server must let them go and nobody else may feel it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::load::stats::Spread;
use serde::Serialize;
use tokio::task::JoinSet;

use super::{
    packet::{self, Event, Packet},
    record::CONNECT_TIMEOUT,
    session::Shared,
    socket::{Socket, SocketOptions, Step},
};
use crate::schedule::Schedule;

/// Small, so that a server notices soon that nobody reads (the system rounds it up to its minimum).
const RECEIVE_BUFFER_BYTES: u32 = 1;

/// What became of the clients that stopped reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct StuckReport {
    /// How many clients were to stop reading.
    pub(crate) clients: usize,
    /// Clients that became ready and then stopped reading.
    pub(crate) stopped_reading: u64,
    pub(crate) refused: u64,
    /// Neither ready nor refused.
    pub(crate) failed: u64,
    /// The server ended their connection.
    pub(crate) dropped_by_server: u64,
    /// Still connected at the end of the run.
    pub(crate) still_connected: u64,
    /// From the moment that they stopped reading until their connection ended, seconds.
    pub(crate) dropped_after_s: Option<Spread>,
}

enum Fate {
    Refused,
    Failed,
    Dropped(Duration),
    Held,
}

/// Connects `clients` at `from` and holds them until `to`.
pub(crate) async fn run_stuck(
    shared: Arc<Shared>,
    clients: usize,
    from: Instant,
    to: Instant,
) -> StuckReport {
    tokio::time::sleep_until(from.into()).await;
    let mut tasks = JoinSet::new();
    for index in 0..clients {
        let shared = shared.clone();
        tasks.spawn(async move { hold_client(&shared, index, clients, to).await });
    }
    let mut report = StuckReport { clients, ..StuckReport::default() };
    let mut dropped_after = Vec::new();
    while let Some(fate) = tasks.join_next().await {
        match fate.unwrap_or(Fate::Failed) {
            Fate::Refused => report.refused += 1,
            Fate::Failed => report.failed += 1,
            Fate::Dropped(after) => dropped_after.push(after.as_secs_f64()),
            Fate::Held => report.still_connected += 1,
        }
    }
    report.dropped_by_server = dropped_after.len() as u64;
    report.stopped_reading = report.dropped_by_server + report.still_connected;
    report.dropped_after_s = Spread::from_values(dropped_after);
    report
}

async fn hold_client(shared: &Shared, index: usize, clients: usize, to: Instant) -> Fate {
    let options = SocketOptions { receive_buffer_bytes: Some(RECEIVE_BUFFER_BYTES) };
    let connect = async {
        let mut socket = Socket::connect(&shared.target, &shared.clockwork, options).await.ok()?;
        become_ready(shared, &mut socket).await.map(|refused| (socket, refused))
    };
    let mut socket = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
        Ok(Some((socket, false))) => socket,
        Ok(Some((socket, true))) => {
            socket.close().await;
            return Fate::Refused;
        }
        Ok(None) | Err(_) => return Fate::Failed,
    };
    let stopped = Instant::now();
    let schedule = Schedule::for_client(stopped, shared.fps, index, clients);
    let mut plan = shared.plan.clone();
    let mut frame = 0;
    loop {
        let now = Instant::now();
        let end = plan.borrow().map_or(to, |plan| plan.end.min(to));
        if now >= end {
            socket.drop_abruptly(true);
            return Fate::Held;
        }
        let due = schedule.due_at(frame);
        if due <= now && !socket.is_writing() {
            frame += 1;
            let message = &shared.messages[(index + frame as usize) % shared.messages.len()];
            let text = message.text(shared.extras.then_some(frame));
            if socket.queue_message(text, message.attachment()).is_err() {
                return Fate::Dropped(stopped.elapsed());
            }
        }
        let wake = if socket.is_writing() { end } else { due.min(end) };
        tokio::select! {
            step = socket.step_without_reading(wake) => if matches!(step, Step::Ended(_)) {
                return Fate::Dropped(stopped.elapsed());
            },
            // An interrupted run moves its end forward; without its plan there is nothing to wait for.
            changed = plan.changed() => if changed.is_err() { return Fate::Held },
        }
    }
}

/// Reads until the server is ready for frames (`false`) or refuses (`true`); `None` if it does neither.
async fn become_ready(shared: &Shared, socket: &mut Socket) -> Option<bool> {
    let far = Instant::now() + CONNECT_TIMEOUT;
    loop {
        let message = match socket.next_step(far).await {
            Step::Text(message) => message,
            Step::Flushed => continue,
            Step::Ended(_) | Step::Time => return None,
        };
        match packet::parse_packet(message.as_text()?).ok()? {
            Packet::Open(_) => socket.queue_message(packet::connect_packet(shared.extras), None).ok()?,
            Packet::Ping => socket.queue_message(packet::PONG, None).ok()?,
            Packet::Event(Event::Status) => return Some(false),
            Packet::Event(Event::Error(message)) if message.contains("capacity") => return Some(true),
            Packet::Close | Packet::Disconnected | Packet::ConnectError(_) => return None,
            _ => {}
        }
    }
}
