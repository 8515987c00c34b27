//! `/api/v1/live`: everything that can be seen of the server, over a WebSocket: whole, then once a second what has changed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use sightwire_access::action::{Act as _, EndStreams, SeeServer};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_websockets::Message;

use super::Api;
use crate::observe::live::{Edition, Visibility};
use sightwire_admission::may::May;
use sightwire_listen::websocket::{self, UpgradeOptions};

/// Readers have nothing to say here.
const MAX_MESSAGE_BYTES: usize = 4096;
/// One that takes nothing for this long is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

pub async fn live_updates(may: May<SeeServer>, State(api): State<Api>, request: Request) -> Response {
    let why_not = may.why_not(&EndStreams::ACTION);
    let seen =
        Visibility { scope: may.principal().scope().clone(), sees_viewers: may.sees_viewers(), why_not };
    let options =
        UpgradeOptions { max_message_bytes: MAX_MESSAGE_BYTES, protocol: None, ends_with_the_server: false };
    let (newest, stop) = (api.live.subscribe(), api.live.stop.clone());
    websocket::upgrade_request(request, options, &api.tasks, |socket| {
        send_updates(socket, newest, seen, stop)
    })
}

async fn send_updates(
    mut socket: websocket::Socket,
    mut newest: watch::Receiver<Arc<Edition>>,
    seen: Visibility,
    stop: CancellationToken,
) {
    let mut known = 0;
    loop {
        let edition = newest.borrow_and_update().clone();
        if edition.version > 0 && edition.version != known {
            let text = if known + 1 == edition.version && known > 0 {
                edition.patch_message(&seen)
            } else {
                edition.full_message(&seen)
            };
            known = edition.version;
            let sent = tokio::time::timeout(WRITE_DEADLINE, socket.send(Message::text(text))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return websocket::close_socket(socket, 1001, "the server stops").await,
            changed = newest.changed() => if changed.is_err() {
                return;
            },
            message = socket.next() => match message {
                Some(Ok(message)) if !message.is_close() => {
                    let answered = tokio::time::timeout(WRITE_DEADLINE, socket.flush()).await;
                    if !matches!(answered, Ok(Ok(()))) {
                        return;
                    }
                }
                _ => return websocket::give_up(socket, false).await,
            }
        }
    }
}
