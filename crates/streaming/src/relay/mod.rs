//! The relay: `/ws/stream/{name}` takes a stream, `/ws/view` gives all of them.
//!
//! - [`message`]: what is said
//! - [`sender`]: who sends a stream
//! - [`viewer`]: who watches; [`viewer_socket`]: its connection, and how long it may take
//! - [`feeds`]: what a viewer watches
//! - [`peers`]: what other processes ask

mod feeds;
pub mod message;
mod peers;
mod sender;
mod viewer;
mod viewer_socket;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use sightwire_access::action::{SendStream, WatchStream};
use sightwire_api::relay::{ActiveStream, ActiveStreams};
use sightwire_api::stream::{StreamKind, ViewerKind};
use sightwire_listen::connection::ConnectionHandle;
use sightwire_live::Streams;
use sightwire_live::relay::Relay;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use message::as_it_came;

use crate::arrival::{name_unknown, viewer_from_request};
use sightwire_admission::caller::{self, Caller};
use sightwire_admission::may::{May, MayStream};
use sightwire_admission::parts::Path;
use sightwire_admission::query::{self, Params};
use sightwire_admission::refusal::Refusal;
use sightwire_admission::requests::FrameLimiter;
use sightwire_admission::routes::{Routes, get, post};
use sightwire_listen::client;
use sightwire_listen::websocket::{self, UpgradeOptions};

/// Binary messages instead of base64 in JSON, and more news.
const BINARY: &str = "sightwire.v1";

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// Who sends a stream now.
    pub relay: Arc<Relay>,
    /// Where viewers find what is sent, and cameras.
    pub streams: Arc<Streams>,
    /// Whose tasks sockets are.
    pub tasks: TaskTracker,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// The sockets of senders and viewers, and the list of what is being sent.
pub fn routes(deps: Dependencies) -> Routes {
    Routes::new()
        .add_private("/ws/stream/{name}", get(open_sender))
        .add_private("/ws/view", get(open_viewer))
        .add_private("/streams/active", get(list_active))
        .add_private("/api/v1/cluster/streams/{name}/challenge", post(peers::challenge_sender))
        .add_private("/api/v1/cluster/streams/{name}/end-camera/{mark}", post(peers::end_camera))
        .add_private("/api/v1/cluster/processes/{name}/drain", post(peers::drain_process))
        .add_slashed("/streams/active/", "/streams/active")
        .with_state(deps)
}

async fn open_sender(
    _: MayStream<SendStream>,
    State(deps): State<Dependencies>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let binary = websocket::offers_protocol(request.headers(), BINARY);
    let peer = client::request_client(request.extensions()).map(|client| client.socket());
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let frames = request.extensions().get::<FrameLimiter>().cloned().unwrap_or_default();
    let who = caller::known_caller(request.extensions());
    let arrival = sender::NewSender { name, binary, peer, who, connection, frames };
    // A picture as base64 in JSON.
    let max_message_bytes = deps.relay.options().max_frame_bytes / 3 * 4 + 4096;
    let upgrade_options = upgrade_options(max_message_bytes, binary);
    let tasks = deps.tasks.clone();
    websocket::upgrade_request(request, upgrade_options, &tasks, |socket| {
        sender::serve_sender(socket, deps, arrival)
    })
}

async fn open_viewer(
    may: May<WatchStream>,
    State(deps): State<Dependencies>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Response, Refusal> {
    let binary = websocket::offers_protocol(request.headers(), BINARY);
    let query = request.uri().query().unwrap_or_default();
    let subscription = read_subscription(may.into_caller(), &params, query, binary)?;
    // A viewer that names a stream which is not for it is told so; of all that are sent it gets those that are.
    let named = subscription.names.iter().flatten().filter(|name| &***name != "*");
    named.into_iter().try_for_each(|name| subscription.caller.check_watch_id(name))?;
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let kind = match binary {
        _ if subscription.caller.is_process() => ViewerKind::Process,
        true => ViewerKind::RelayBinary,
        false => ViewerKind::Relay,
    };
    let arrival = viewer_from_request(&request, kind, "/ws/view");
    let upgrade_options = upgrade_options(viewer::MAX_MESSAGE_BYTES, binary);
    let tasks = deps.tasks.clone();
    let peer = arrival.peer;
    let response = websocket::upgrade_request(request, upgrade_options, &tasks, |socket| {
        viewer::serve_viewer(socket, deps, arrival, connection, subscription)
    });
    Ok(name_unknown(response, &params, &["streams", "overlays"], "/ws/view", peer))
}

fn upgrade_options(max_message_bytes: usize, binary: bool) -> UpgradeOptions {
    UpgradeOptions { max_message_bytes, protocol: binary.then_some(BINARY), ends_with_the_server: false }
}

fn read_subscription(
    caller: Caller,
    params: &Params,
    query: &str,
    binary: bool,
) -> Result<viewer::Subscription, query::ParamError> {
    let names = read_names(query);
    Ok(viewer::Subscription { caller, names, overlays: query::read_flag(params, "overlays", false)?, binary })
}

/// The names in `streams=`. A comma of a name is written as %2C.
fn read_names(query: &str) -> Option<BTreeSet<Arc<str>>> {
    let list = query.split('&').find_map(|pair| pair.strip_prefix("streams="))?;
    let decoded = |name: &str| Arc::from(&*percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy());
    let names: BTreeSet<Arc<str>> = list.split(',').filter(|name| !name.is_empty()).map(decoded).collect();
    (!names.is_empty()).then_some(names)
}

async fn list_active(may: May<WatchStream>, State(deps): State<Dependencies>) -> Json<ActiveStreams> {
    let mut live = (*deps.relay.current_listing()).clone();
    live.retain(|id, _| may.check_watch_stream(id, StreamKind::Relay).is_ok());
    let details =
        live.iter().map(|(id, listed)| (id.to_string(), ActiveStream { analysis_mode: listed.mode }));
    Json(ActiveStreams {
        active_streams: live.keys().map(ToString::to_string).collect(),
        stream_details: details.collect(),
        count: live.len(),
    })
}

/// When the one of that number is to come back after the server has stopped: not all at once.
fn come_back_in(number: u64) -> String {
    format!("come back in {} s", 1 + number % 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_before_they_are_decoded() {
        let named = |query: &str| {
            read_names(query).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(named(""), None);
        assert_eq!(named("streams="), None);
        assert_eq!(named("overlays=1&streams=b,a,,a"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(named("streams=Ward%203%2C+bed%201,*"), Some(vec!["*".into(), "Ward 3, bed 1".into()]));
    }
}
