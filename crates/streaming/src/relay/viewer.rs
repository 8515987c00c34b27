//! A viewer: told of streams that begin and end, and given the newest picture of each as fast as it takes them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt as _;
use sightwire_api::relay::{StateType, StreamStateMessage};
use sightwire_api::stream::{AnalysisMode, StreamKind, StreamState};
use sightwire_base::clock;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{State, Update};
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::demand::Wish;
use sightwire_live::directory::report::stream_state;
use sightwire_live::options::Overlays;
use sightwire_live::relay::Relay;
use sightwire_live::relay::listed::{Listed, Listing};
use sightwire_live::relay::pace::Pace;
use sightwire_live::viewers::NewViewer;
use sightwire_live::{Streams, WatchError};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use tokio_websockets::Message;

use super::Dependencies;
use super::feeds::{Event, Feeds, News, Watched};
use super::message;
use super::viewer_socket::{Gone, ViewerSocket};
use sightwire_admission::caller::Caller;
use sightwire_base::clock::unix_s;
use sightwire_listen::websocket;

/// Viewers have little to say.
pub const MAX_MESSAGE_BYTES: usize = 16 << 10;
/// Pings in a row without any sign of life, after which a viewer is gone.
const SILENT_PINGS: u32 = 3;
/// How often cameras that were asked for and could not be opened are tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// One that is too slow is told so, if it takes that.
const LAST_WORD: Duration = Duration::from_millis(300);
/// The deadline of the connection itself is that of the pictures and this.
const SPARE: Duration = Duration::from_secs(2);

/// What a viewer asked for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The viewer, and what it may see.
    pub caller: Caller,
    /// `None`: all streams that are sent.
    pub names: Option<BTreeSet<Arc<str>>>,
    /// What is in the pictures.
    pub overlays: bool,
    /// Binary messages, and more news.
    pub binary: bool,
}

impl Subscription {
    fn wants(&self, listed: &Listed) -> bool {
        // What another process wants of this one is what is sent here: nothing goes in a circle.
        let is_for_it = listed.local_sender().is_some() || !self.caller.is_process();
        let names = &self.names;
        is_for_it
            && names.as_ref().is_none_or(|names| names.contains("*") || names.contains(&*listed.id))
            && self.caller.check_watch_stream(&listed.id, StreamKind::Relay).is_ok()
    }
}

/// A viewer that was let in, and what it watches.
struct Viewing {
    socket: ViewerSocket,
    feeds: Feeds,
    relay: Arc<Relay>,
    streams: Arc<Streams>,
    live: watch::Receiver<Listing>,
    subscription: Subscription,
}

/// The whole life of the connection.
pub async fn serve_viewer(
    socket: websocket::Socket,
    deps: Dependencies,
    arrival: NewViewer,
    connection: Option<ConnectionHandle>,
    subscription: Subscription,
) {
    let config = deps.relay.options();
    let admitted = deps.streams.admit_viewer(arrival).map_err(|why| match why {
        WatchError::Memory(full) => full.to_string(),
        _ => format!(
            "Every place for a viewer on this server is taken (relay.max_viewers: {}). Please try again later.",
            config.max_viewers
        ),
    });
    let admission = match admitted {
        Ok(admission) => admission,
        Err(text) => return refuse_viewer(socket, config.deadline().max, &text).await,
    };
    if let Some(connection) = &connection {
        connection.set_write_deadline(
            config.deadline().max * (sightwire_live::relay::pace::MAX_STRIKES + 1) + SPARE,
        );
    }
    let viewer = admission.viewer().clone();
    let size = if subscription.binary { Picture::file_size } else { message::url_size };
    let overlays = match config.overlays {
        // It tells its own viewers.
        _ if subscription.caller.is_process() => None,
        Overlays::None => None,
        _ if subscription.overlays => Some(Wish::ObjectsAndBodies),
        // Clients that know `sightwire.v1` ask for what they draw.
        Overlays::All if !subscription.binary => Some(Wish::Bodies),
        Overlays::Asked | Overlays::All => None,
    };
    let socket = ViewerSocket::new(
        socket,
        Pace::new(config.deadline()),
        connection,
        viewer.clone(),
        deps.stop.clone(),
    );
    let (feeds, live) =
        (Feeds::new(deps.streams.clone(), admission, overlays, size), deps.relay.subscribe_live());
    let mut viewing = Viewing {
        socket,
        feeds,
        relay: deps.relay.clone(),
        streams: deps.streams.clone(),
        live,
        subscription,
    };
    let why = match viewing.run().await {
        Ok(never) => match never {},
        Err(why) => why,
    };
    let Viewing { socket, feeds, .. } = viewing;
    viewer.set_end_reason(match why {
        Gone::Left => "it has left",
        Gone::TooLong => "its message was too long",
        Gone::TooSlow => "it took no pictures in time",
        Gone::Silent => "it gave no sign of life",
        Gone::SentAway => "it was sent away",
        Gone::Stopping => "the server stops",
    });
    drop(feeds);
    match why {
        Gone::Left => websocket::give_up(socket.socket, false).await,
        Gone::TooLong => websocket::give_up(socket.socket, true).await,
        Gone::TooSlow | Gone::Silent => {
            let (code, reason) = match why {
                Gone::Silent => (4408, "this viewer gives no sign of life"),
                _ => (4008, "this viewer takes no pictures"),
            };
            deps.relay.count_dead();
            let handle = socket.connection();
            let _ = timeout(LAST_WORD, websocket::close_socket(socket.socket, code, reason)).await;
            if let Some(handle) = handle {
                handle.end();
            }
        }
        Gone::SentAway => websocket::close_socket(socket.socket, 4410, "sent away by an administrator").await,
        Gone::Stopping => {
            let later = super::come_back_in(viewer.id());
            websocket::close_socket(socket.socket, 1001, &format!("the server stops; {later}")).await;
        }
    }
}

/// Says why it may not watch.
async fn refuse_viewer(mut socket: websocket::Socket, deadline: Duration, text: &str) {
    let told = socket.send(Message::text(message::error_message(text)));
    let _ = timeout(deadline, told).await;
    websocket::close_socket(socket, 1013, text).await;
}

/// There is no such thing.
enum Never {}

impl Viewing {
    async fn run(&mut self) -> Result<Never, Gone> {
        let every = self.relay.options().ping_interval;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut again = interval(TRY_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Joined first: whatever the greeting names, its end will be told.
        self.join_streams();
        let live = self.live.borrow().clone();
        let names: Vec<&str> = live.keys().map(|id| &**id).filter(|id| self.feeds.is_watching(id)).collect();
        self.socket.send_text(message::viewer_connected(&names)).await?;
        // How far away it is.
        self.socket.send_ping(every * SILENT_PINGS).await?;
        loop {
            if self.socket.has_pongs_due() {
                self.socket.send_pongs().await?;
            }
            tokio::select! {
                biased;
                _ = ping.tick() => {
                    self.socket.send_ping(every * SILENT_PINGS).await?;
                    self.socket.send_text(message::ping_message()).await?;
                }
                changed = self.live.changed() => {
                    changed.map_err(|_| Gone::Stopping)?;
                    self.join_streams();
                }
                _ = again.tick(), if self.subscription.names.is_some() => self.join_cameras().await?,
                event = self.feeds.next() => self.send_event(event).await?,
                heard = self.socket.read_message() => {
                    heard?;
                    self.socket.send_pongs().await?;
                }
            }
        }
    }

    fn join_streams(&mut self) {
        let live = self.live.borrow_and_update().clone();
        self.feeds.join_streams(&live, |listed| self.subscription.wants(listed));
    }

    /// Cameras that were asked for by name.
    async fn join_cameras(&mut self) -> Result<(), Gone> {
        let streams = &self.streams;
        let Subscription { caller, names, .. } = &self.subscription;
        let is_new = |id: &&Arc<str>| {
            !self.feeds.is_watching(id) && caller.check_watch_stream(id, StreamKind::Camera).is_ok()
        };
        let named = names.iter().flatten().filter(is_new);
        let known: Vec<_> = named
            .filter_map(|id| streams.registry.get(id).map(|camera| (id.clone(), camera.table.source.into())))
            .collect();
        for (id, camera) in known {
            if let Err(refused) = self.feeds.join_camera(&id, camera)
                && self.subscription.binary
            {
                self.socket
                    .send_text(state_message(
                        &id,
                        None,
                        StreamState::Starting,
                        Some(&refused.to_string()),
                        0.0,
                    ))
                    .await?;
            }
        }
        Ok(())
    }

    async fn send_event(&mut self, event: Event) -> Result<(), Gone> {
        let Event { stream, news } = event;
        match news {
            News::Update(Update::Picture(picture)) => {
                let (id, pool) = (&stream.id, &*self.streams.pixels);
                let message = if self.subscription.caller.is_process() {
                    message::picture_for_process(id, &picture, pool).await.map(Message::binary)
                } else if self.subscription.binary {
                    message::picture_binary(id, &picture, pool).await.map(Message::binary)
                } else {
                    message::picture_text(id, &picture, pool).await.map(Message::text)
                };
                match message {
                    Ok(message) => self.socket.send_picture(message).await,
                    // What a sender has sent may be no picture.
                    Err(_) => Ok(()),
                }
            }
            News::Update(Update::State(state)) if self.subscription.binary => {
                self.socket.send_text(current_state_message(&stream, &state)).await
            }
            News::Update(Update::State(_) | Update::Banner(_)) => Ok(()),
            News::Objects(analysed) => {
                let detector = &self.streams.options().detector;
                let text =
                    message::overlay_message(&stream.id, &analysed, detector.confidence, &detector.classes);
                self.socket.send_message(Message::text(text)).await
            }
            News::Ended { reason, .. } => {
                let reason = if self.subscription.binary { reason } else { None };
                self.socket.send_text(message::stream_ended(&stream.id, reason.as_deref())).await?;
                // It may have begun again.
                self.join_streams();
                Ok(())
            }
        }
    }
}

fn current_state_message(stream: &Watched, state: &State) -> String {
    let since = clock::since(state.since).as_secs_f64();
    let (state, reason) = (stream_state(state.condition), state.reason.as_deref());
    state_message(&stream.id, stream.mode, state, reason, since)
}

fn state_message(
    id: &str,
    mode: Option<AnalysisMode>,
    state: StreamState,
    reason: Option<&str>,
    since_s: f64,
) -> String {
    message::to_json(&StreamStateMessage {
        analysis_mode: mode,
        kind: if mode.is_some() { StreamKind::Relay } else { StreamKind::Camera },
        patient_id: id.to_owned(),
        reason: reason.map(str::to_owned),
        since_s: (since_s * 10.0).round() / 10.0,
        state,
        timestamp: unix_s(),
        message: StateType::StateType,
    })
}
