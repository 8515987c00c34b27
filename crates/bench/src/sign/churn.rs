//! Short sessions that come and go beside the steady clients, at a fixed rate.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::load::stats::{Delays, Percentiles};
use serde::Serialize;
use tokio::{task::JoinSet, time::sleep_until};

use super::{
    packet::{self, Event, Packet},
    session::Shared,
    socket::{Socket, SocketOptions, Step},
};
use crate::schedule::Schedule;

/// Sessions at the same time; what would exceed it is not started and counted.
const MAX_OPEN: usize = 1_000;
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
/// Frames of those sessions that send any.
const FRAMES: u64 = 3;

/// How a short session leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// Waits for its replies, then Socket.IO disconnect and WebSocket close.
    Close,
    /// TCP FIN without a word.
    Fin,
    Reset,
}

/// What became of the short sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct ChurnReport {
    /// Sessions wanted per second.
    pub(crate) per_s: f64,
    pub(crate) started: u64,
    /// Became ready and left in their own way.
    pub(crate) succeeded: u64,
    /// Refused because the server was at capacity: an answer, not a failure.
    pub(crate) refused: u64,
    /// Neither ready nor refused within ten seconds, cut off, or without a reply to a frame.
    pub(crate) failed: u64,
    /// Not started because too many were open.
    pub(crate) not_started: u64,
    pub(crate) first_failure: Option<String>,
    /// Start of the TCP connection → `status`, milliseconds.
    pub(crate) connect_ms: Percentiles,
}

/// How one session went.
enum Visit {
    Succeeded,
    Refused,
    Failed(String),
}

/// Starts `per_s` sessions a second from `from` to `to`, and returns when the last has ended.
pub(crate) async fn run_churn(
    shared: Arc<Shared>,
    per_s: f64,
    from: Instant,
    to: Instant,
) -> anyhow::Result<ChurnReport> {
    let connect = Arc::new(Delays::new()?);
    let schedule = Schedule::for_client(from, per_s, 0, 1);
    let mut plan = shared.plan.clone();
    let mut visits = JoinSet::new();
    let mut report = ChurnReport { per_s, ..ChurnReport::default() };
    for number in 0.. {
        let due = schedule.due_at(number);
        // An interrupted run moves its end forward.
        let end = plan.borrow_and_update().map_or(to, |plan| plan.end.min(to));
        if due >= end {
            break;
        }
        tokio::select! {
            () = sleep_until(due.into()) => {}
            Ok(()) = plan.changed() => if plan.borrow().is_some_and(|plan| plan.end <= due) { break },
        }
        while let Some(visit) = visits.try_join_next() {
            report.count_visit(visit);
        }
        if visits.len() >= MAX_OPEN {
            report.not_started += 1;
            continue;
        }
        report.started += 1;
        let (shared, connect) = (shared.clone(), connect.clone());
        visits.spawn(async move {
            let visit = run_visit(&shared, number, &connect);
            let late = || Visit::Failed("a session took longer than ten seconds".to_owned());
            tokio::time::timeout(SESSION_TIMEOUT, visit).await.unwrap_or_else(|_| late())
        });
    }
    while let Some(visit) = visits.join_next().await {
        report.count_visit(visit);
    }
    report.connect_ms = connect.percentiles();
    Ok(report)
}

impl ChurnReport {
    fn count_visit(&mut self, visit: Result<Visit, tokio::task::JoinError>) {
        match visit {
            Ok(Visit::Succeeded) => self.succeeded += 1,
            Ok(Visit::Refused) => self.refused += 1,
            Ok(Visit::Failed(why)) => self.record_failure(why),
            Err(error) => self.record_failure(error.to_string()),
        }
    }

    fn record_failure(&mut self, why: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(why);
    }
}

/// Session `number`: all pairs of leaving and sending or not take turns.
fn choose_visit(number: u64) -> (Leave, u64) {
    let leave = [Leave::Close, Leave::Fin, Leave::Reset][(number % 3) as usize];
    let frames = if (number / 3).is_multiple_of(2) { 0 } else { FRAMES };
    (leave, frames)
}

async fn run_visit(shared: &Shared, number: u64, connect: &Delays) -> Visit {
    let (leave, frames) = choose_visit(number);
    let started = Instant::now();
    let mut socket = match Socket::connect(&shared.target, &shared.clockwork, SocketOptions::default()).await
    {
        Ok(socket) => socket,
        Err(error) => return Visit::Failed(format!("connecting: {error}")),
    };
    let mut awaited = frames;
    let mut ready = false;
    let far = started + SESSION_TIMEOUT;
    while !ready || awaited > 0 {
        let message = match socket.next_step(far).await {
            Step::Text(message) => message,
            Step::Ended(why) => return Visit::Failed(why),
            Step::Flushed | Step::Time => continue,
        };
        let packet = match packet::parse_packet(message.as_text().unwrap_or_default()) {
            Ok(packet) => packet,
            Err(error) => return Visit::Failed(error.to_string()),
        };
        let sent = match packet {
            Packet::Open(_) => socket.queue_message(packet::connect_packet(shared.extras), None),
            Packet::Ping => socket.queue_message(packet::PONG, None),
            Packet::Event(Event::Status) if !ready => {
                ready = true;
                connect.record(started.elapsed());
                let sent = send_frames(shared, &mut socket, number, frames);
                if leave != Leave::Close && sent.is_ok() {
                    // Frames are on their way and nobody will wait for what they bring.
                    flush_socket(&mut socket, far).await;
                    break;
                }
                sent
            }
            Packet::Event(Event::Prediction(_)) => {
                awaited = awaited.saturating_sub(1);
                Ok(())
            }
            Packet::Event(Event::Error(message)) if message.contains("capacity") => {
                socket.close().await;
                return Visit::Refused;
            }
            Packet::Close | Packet::Disconnected => return Visit::Failed("disconnected".to_owned()),
            Packet::ConnectError(why) => return Visit::Failed(why),
            Packet::Connected | Packet::Event(_) | Packet::Ignored => Ok(()),
        };
        if let Err(error) = sent {
            return Visit::Failed(error.to_string());
        }
    }
    match leave {
        Leave::Close => {
            let _ = socket.queue_message(packet::DISCONNECT, None);
            socket.close().await;
        }
        Leave::Fin => socket.drop_abruptly(false),
        Leave::Reset => socket.drop_abruptly(true),
    }
    Visit::Succeeded
}

fn send_frames(
    shared: &Shared,
    socket: &mut Socket,
    number: u64,
    frames: u64,
) -> Result<(), tokio_websockets::Error> {
    for i in 0..frames {
        let picture = (number + i) as usize % shared.messages.len();
        let message = &shared.messages[picture];
        socket.queue_message(message.text(shared.extras.then_some(i + 1)), message.attachment())?;
    }
    Ok(())
}

async fn flush_socket(socket: &mut Socket, far: Instant) {
    while socket.is_writing() {
        match socket.next_step(far).await {
            Step::Ended(_) | Step::Time => break,
            Step::Text(_) | Step::Flushed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_leave_is_taken_with_and_without_frames() {
        let mut seen = Vec::new();
        for number in 0..6 {
            let manner = choose_visit(number);
            assert!(!seen.contains(&manner));
            seen.push(manner);
        }
        assert_eq!(choose_visit(6), choose_visit(0));
    }
}
