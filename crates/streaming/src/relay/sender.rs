//! The sender of a stream: handshake, frames, and the end.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sightwire_api::relay::StreamStats;
use sightwire_api::stream::AnalysisMode;
use sightwire_base::address::format_peer;
use sightwire_base::{clock, lines};
use sightwire_hub::picture::Picture;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::known::Known;
use sightwire_live::relay::watchdog::{Alarm, MAX_BAD, RateLimit, Watchdog, WatchdogOptions};
use sightwire_live::relay::{End, Refused, Sending};
use sightwire_scan::relay::{self as scan, Bad, Incoming};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_websockets::{Error, Message};

use super::Dependencies;
use super::message::{self, LiveFrame};
use sightwire_admission::requests::FrameLimiter;
use sightwire_listen::websocket::{self, Socket};

/// A sender that takes no answer for this long is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);
/// How often new clients are told who watches, where that has changed.
const STATS: Duration = Duration::from_secs(1);
/// A line in the log for each stream.
const PROGRESS: Duration = Duration::from_secs(10);

/// A connection that wants to send a stream, and has not been let in yet.
#[derive(Debug)]
pub struct NewSender {
    pub name: String,
    pub binary: bool,
    pub peer: Option<SocketAddr>,
    /// Its key or user.
    pub who: Option<Known>,
    pub connection: Option<ConnectionHandle>,
    pub frames: FrameLimiter,
}

/// The connection is gone, or of no use any more.
struct Gone;

/// It has left, or said too much, before it said what it is.
struct NoHello {
    too_long: bool,
}

/// Which messages that are skipped have had their line of the log: the first of each kind.
#[derive(Default)]
struct Logged {
    bad: bool,
    empty: bool,
}

/// A sender that was let in, and the stream that it sends.
struct SenderSocket {
    socket: Socket,
    sending: Sending,
    dog: Watchdog,
    rate: RateLimit,
    frames: FrameLimiter,
    held: Option<HeldPicture>,
    logged: Logged,
    said: Option<StreamStats>,
    received: u64,
}

/// The whole life of the connection.
pub async fn serve_sender(mut socket: Socket, deps: Dependencies, arrival: NewSender) {
    let NewSender { name, binary, peer, who, connection, frames } = arrival;
    let config = deps.relay.options();
    let arrived = tokio::select! {
        () = deps.stop.cancelled() => return websocket::close_socket(socket, close_code(End::Stopping), End::Stopping.reason()).await,
        arrived = deps.relay.admit_arrival(&name) => arrived,
    };
    if let Err(refused) = arrived {
        return refuse_sender(socket, &name, peer, who, &refused).await;
    }
    let is_known = || connection.iter().for_each(ConnectionHandle::mark_known);
    let mut place = None;
    let first = {
        let first = timeout(config.end_after, read_hello(&mut socket));
        tokio::pin!(first);
        loop {
            tokio::select! {
                biased;
                () = deps.stop.cancelled() => break None,
                found = deps.relay.acquire_place(), if place.is_none() => {
                    place = found;
                    is_known();
                }
                first = &mut first => break Some(first),
            }
        }
    };
    let Some(first) = first else {
        return websocket::close_socket(socket, close_code(End::Stopping), End::Stopping.reason()).await;
    };
    let first = match first {
        Ok(Ok(first)) => first,
        Ok(Err(NoHello { too_long })) => return websocket::give_up(socket, too_long).await,
        Err(_) => {
            let text = "No message came: the first one says the analysis_mode.";
            let _ = send_text(&mut socket, message::error_message(text)).await;
            return websocket::close_socket(socket, close_code(End::Silent), text).await;
        }
    };
    let mode = first.as_text().map(message::read_mode).unwrap_or_default();
    let begun = tokio::select! {
        () = deps.stop.cancelled() => {
            return websocket::close_socket(socket, close_code(End::Stopping), End::Stopping.reason()).await;
        }
        begun = deps.relay.begin_stream(&name, mode, binary, peer, who.clone()) => begun,
    };
    let sending = match begun {
        Ok(sending) => sending,
        Err(refused) => return refuse_sender(socket, &name, peer, who, &refused).await,
    };
    drop(place);
    is_known();
    let options = WatchdogOptions {
        warning: config.warn_after,
        end: config.end_after,
        hidden_end: config.hidden_end_after,
        stall: config.stalled_after,
    };
    let now = clock::now();
    let mut sender = SenderSocket {
        socket,
        sending,
        dog: Watchdog::new(options, now),
        logged: Logged::default(),
        rate: RateLimit::new(config.max_fps, now),
        frames,
        held: None,
        said: None,
        received: 0,
    };
    let why = sender.run(&deps, first, mode).await;
    let SenderSocket { mut socket, sending, .. } = sender;
    sending.sender.end(why.as_ref().copied().unwrap_or(End::Left));
    let (too_long, number) = (sending.sender.end_reason() == Some(End::TooLong), sending.sender.number);
    drop(sending); // viewers need not wait for the goodbye
    let Ok(why) = why else { return websocket::give_up(socket, too_long).await };
    let text = for_sender(why, number);
    let _ = send_text(&mut socket, message::error_message(&text)).await;
    websocket::close_socket(socket, close_code(why), &text).await;
}

/// Says why it may not send.
async fn refuse_sender(
    mut socket: Socket,
    name: &str,
    peer: Option<SocketAddr>,
    who: Option<Known>,
    refused: &Refused,
) {
    let (text, from) = (refused.to_string(), peer.map(format_peer));
    let who = who.as_ref().map(Known::words);
    tracing::info!(stream = %lines::short_line(name), from, who, "a sender is refused: {}", lines::short_sentence(&text));
    let _ = send_text(&mut socket, message::error_message(&text)).await;
    websocket::close_socket(socket, code_of_refusal(refused), &text).await;
}

/// The first message; pings may go before it.
async fn read_hello(socket: &mut Socket) -> Result<Message, NoHello> {
    loop {
        match socket.next().await {
            Some(Ok(message)) if message.is_text() || message.is_binary() => return Ok(message),
            Some(Ok(message)) if !message.is_close() => {
                socket.flush().await.map_err(|_| NoHello { too_long: false })?;
            }
            Some(Err(Error::PayloadTooLong { .. })) => return Err(NoHello { too_long: true }),
            _ => return Err(NoHello { too_long: false }),
        }
    }
}

impl SenderSocket {
    /// Until there is a reason to end the stream.
    async fn run(&mut self, deps: &Dependencies, first: Message, mode: AnalysisMode) -> Result<End, Gone> {
        let sender = self.sending.sender.clone();
        let config = deps.relay.options();
        let no_analysis =
            mode == AnalysisMode::Enhanced && config.overlays == sightwire_live::options::Overlays::None;
        let warning = no_analysis.then_some("This server analyses no streams (relay.overlays = \"none\").");
        send_text(&mut self.socket, message::connected_message(&sender.id, mode, warning)).await?;
        let is_frame = |text| matches!(scan::parse_message(text), Incoming::Frame(_));
        if (first.is_binary() || first.as_text().is_some_and(is_frame))
            && let Some(end) = self.handle_message(&first).await?
        {
            return Ok(end);
        }
        let (mut stats, mut progress) = (interval(STATS), interval(PROGRESS));
        stats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        progress.tick().await;
        let mut pictures = 0;
        loop {
            tokio::select! {
                biased;
                () = deps.stop.cancelled() => return Ok(End::Stopping),
                () = sender.end_token().cancelled() => return Ok(sender.end_reason().unwrap_or(End::Left)),
                _ = progress.tick() => {
                    let counters = sender.stream.counters();
                    let all = counters.pictures.load(Ordering::Relaxed);
                    let viewers = deps.streams.viewers.watcher_count(&sender.id);
                    let fps = (all - pictures) as f64 / PROGRESS.as_secs_f64();
                    let bad = sender.bad.load(Ordering::Relaxed);
                    tracing::info!(stream = &*sender.id, viewers, bad, "{all} pictures, {fps:.1} a second");
                    pictures = all;
                }
                _ = stats.tick(), if sender.binary => self.tell_stats(deps).await?,
                () = sender.challenge.notified() => self.write_message(Message::ping("")).await?,
                () = sleep_until(self.dog.next().into()) => {
                    if self.handle_alarm(clock::now()).await? {
                        return Ok(End::Silent);
                    }
                }
                () = sleep_until(self.rate.next().into()), if self.held.is_some() => {
                    self.release_held(clock::now());
                }
                message = self.socket.next() => match message {
                    Some(Ok(message)) => if let Some(end) = self.handle_message(&message).await? {
                        return Ok(end);
                    },
                    Some(Err(Error::PayloadTooLong { len, max_len })) => {
                        tracing::warn!(stream = &*sender.id, "a message of {len} bytes; {max_len} are allowed");
                        sender.end(End::TooLong);
                        return Err(Gone);
                    }
                    Some(Err(_)) | None => return Err(Gone),
                },
            }
        }
    }

    /// What came; the reason to end the stream, if it is one.
    async fn handle_message(&mut self, message: &Message) -> Result<Option<End>, Gone> {
        let now = clock::now();
        if message.is_close() {
            return Err(Gone);
        }
        self.sending.sender.record_activity(message.is_pong());
        if message.is_ping() {
            // The library answers with the next thing that is written. A peer that only pings must not make it pile up.
            self.dog.record_message(now);
            return self.flush().await.map(|()| None);
        }
        let bad = if let Some(text) = message.as_text() {
            match scan::parse_message(text) {
                Incoming::Frame(url) => {
                    let frame = LiveFrame::new(&self.sending.sender.id, &url);
                    self.handle_picture(SentPicture::Text(frame), now);
                    return Ok(None);
                }
                Incoming::Empty => {
                    self.skip_empty();
                    self.dog.record_empty(now);
                    return Ok(None);
                }
                Incoming::Ping => {
                    self.dog.record_message(now);
                    return self.write_message(Message::text(message::pong_message())).await.map(|()| None);
                }
                Incoming::Other => {
                    self.dog.record_message(now);
                    return Ok(None);
                }
                Incoming::Bad(bad) => bad,
            }
        } else if message.is_binary() {
            let bytes = Bytes::from(message.as_payload().clone());
            match scan::read_binary(&bytes) {
                Ok(jpeg) => {
                    let jpeg = bytes.slice(jpeg);
                    self.handle_picture(SentPicture::Jpeg(jpeg), now);
                    return Ok(None);
                }
                Err(bad) => bad,
            }
        } else {
            self.dog.record_answer(now);
            return Ok(None);
        };
        Ok(self.skip_bad(bad, now).then_some(End::BadFrames))
    }

    fn handle_picture(&mut self, form: SentPicture, now: std::time::Instant) {
        self.dog.record_frame(now);
        self.received += 1;
        if !self.frames.take_frame() {
            return self.sending.count_dropped();
        }
        let picture = HeldPicture { form, now, taken_at: SystemTime::now() };
        if self.rate.allows(now) {
            if self.held.take().is_some() {
                self.sending.count_dropped();
            }
            self.publish_picture(picture);
        } else if self.held.replace(picture).is_some() {
            self.sending.count_dropped();
        }
    }

    fn publish_picture(&mut self, HeldPicture { form, now, taken_at }: HeldPicture) {
        self.sending.publish(now, |sequence| match form {
            SentPicture::Text(frame) => Picture::from_wrapped(frame, sequence, now, taken_at),
            SentPicture::Jpeg(jpeg) => Picture::new(jpeg, sequence, now, taken_at),
        });
    }

    /// The newest of those over the rate is passed on when it may be, so that it is not what came before it that stays.
    fn release_held(&mut self, now: std::time::Instant) {
        if self.held.is_some()
            && self.rate.allows(now)
            && let Some(held) = self.held.take()
        {
            self.publish_picture(held);
        }
    }

    fn skip_bad(&mut self, bad: Bad, now: std::time::Instant) -> bool {
        let sender = &self.sending.sender;
        let from = sender.peer.map(format_peer);
        // Those that follow are counted: every ten seconds, and at the end.
        if std::mem::replace(&mut self.logged.bad, true) {
            tracing::debug!(
                stream = &*sender.id,
                from,
                "a message is skipped, because it is no frame: {bad}"
            );
        } else {
            tracing::warn!(stream = &*sender.id, from, "a message is skipped, because it is no frame: {bad}");
        }
        self.sending.count_bad();
        self.dog.record_bad(now)
    }

    /// A picture without bytes is skipped and counted; its camera is not ready.
    fn skip_empty(&mut self) {
        let sender = &self.sending.sender;
        let from = sender.peer.map(format_peer);
        if !std::mem::replace(&mut self.logged.empty, true) {
            tracing::info!(
                stream = &*sender.id,
                from,
                "an empty picture is skipped: its camera is not ready"
            );
        }
        self.sending.count_bad();
    }

    /// Whether it is over.
    async fn handle_alarm(&mut self, now: std::time::Instant) -> Result<bool, Gone> {
        match self.dog.due_alarm(now) {
            None => Ok(false),
            Some(Alarm::End) => Ok(true),
            Some(Alarm::Stalled) => {
                self.sending.mark_stalled(now);
                Ok(false)
            }
            Some(Alarm::Ping) => self.write_message(Message::ping("")).await.map(|()| false),
            Some(Alarm::Warn) => {
                tracing::warn!(stream = &*self.sending.sender.id, "its sender is silent");
                let text = "No message has come for a while; without frames the stream will be ended.";
                self.write_message(Message::text(message::warning_message(text))).await.map(|()| false)
            }
        }
    }

    async fn tell_stats(&mut self, deps: &Dependencies) -> Result<(), Gone> {
        let sender = &self.sending.sender;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let now = StreamStats {
            bad: get(&sender.bad),
            dropped: get(&sender.dropped),
            received: self.received,
            viewers: deps.streams.viewers.watcher_count(&sender.id),
            ..StreamStats::default()
        };
        if self.said.replace(now) == Some(now) {
            return Ok(());
        }
        self.write_message(Message::text(message::to_json(&now))).await
    }

    async fn write_message(&mut self, message: Message) -> Result<(), Gone> {
        let ended = self.sending.sender.end_token().clone();
        write_unless_ended(ended, self.socket.send(message)).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let ended = self.sending.sender.end_token().clone();
        write_unless_ended(ended, self.socket.flush()).await
    }
}

/// Writes in time, and not for longer than the stream lasts: a client that waits for its name need not wait for a peer that takes
/// nothing.
async fn write_unless_ended(
    ended: CancellationToken,
    written: impl Future<Output = Result<(), Error>>,
) -> Result<(), Gone> {
    tokio::select! {
        biased;
        written = in_time(written) => written,
        () = ended.cancelled() => Ok(()), // the reason is looked at next
    }
}

async fn in_time(written: impl Future<Output = Result<(), Error>>) -> Result<(), Gone> {
    match timeout(WRITE_DEADLINE, written).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Gone),
    }
}

/// A picture that came over the rate.
struct HeldPicture {
    form: SentPicture,
    now: std::time::Instant,
    taken_at: SystemTime,
}

/// A picture as it came.
enum SentPicture {
    Text(LiveFrame),
    Jpeg(Bytes),
}

async fn send_text(socket: &mut Socket, text: String) -> Result<(), Gone> {
    in_time(socket.send(Message::text(text))).await
}

fn code_of_refusal(refused: &Refused) -> u16 {
    match refused {
        Refused::Live => 4090,
        Refused::TooMany(_) | Refused::Memory(_) | Refused::Away => 1013,
        Refused::Name | Refused::Taken(_) => 1008,
    }
}

fn close_code(why: End) -> u16 {
    match why {
        End::Left => 1000,
        End::BadFrames => 4400,
        End::Silent => 4408,
        End::TooLong => 1009,
        End::Replaced => 4090,
        End::Administrator => 4410,
        End::Stopping => 1001,
    }
}

fn for_sender(why: End, number: u64) -> String {
    match why {
        End::Left => "The stream has ended.".into(),
        End::BadFrames => format!(
            "{MAX_BAD} messages in a row were no frames: a frame is a text that begins with data:image."
        ),
        End::Silent => "No frame came for too long, so the stream has ended.".into(),
        End::TooLong => "The message is too long.".into(),
        End::Replaced => "Another sender has taken the place of this one, which did not answer.".into(),
        End::Administrator => "The stream was ended by an administrator.".into(),
        End::Stopping => format!("The server stops; {}.", super::come_back_in(number)),
    }
}
