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

use crate::arrival::{arrival, name_unknown};
use sightwire_http::caller::{self, Caller};
use sightwire_http::may::{May, MayStream};
use sightwire_http::parts::Path;
use sightwire_http::query::{self, Params};
use sightwire_http::refusal::Refusal;
use sightwire_http::requests::Frames;
use sightwire_http::routes::{Routes, get, post};
use sightwire_listen::client;
use sightwire_sockets::websocket::{self, UpgradeOptions};

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
        .private("/ws/stream/{name}", get(stream))
        .private("/ws/view", get(view))
        .private("/streams/active", get(active))
        .private("/api/v1/cluster/streams/{name}/challenge", post(peers::challenge))
        .private("/api/v1/cluster/streams/{name}/end-camera/{mark}", post(peers::end_camera))
        .private("/api/v1/cluster/processes/{name}/drain", post(peers::drain))
        .slashed("/streams/active/", "/streams/active")
        .with_state(deps)
}

async fn stream(
    _: MayStream<SendStream>,
    State(deps): State<Dependencies>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let binary = websocket::offers(request.headers(), BINARY);
    let peer = client::of(request.extensions()).map(|client| client.socket());
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let frames = request.extensions().get::<Frames>().cloned().unwrap_or_default();
    let who = caller::known(request.extensions());
    let arrival = sender::NewSender { name, binary, peer, who, connection, frames };
    // A picture as base64 in JSON.
    let max_message_bytes = deps.relay.options().max_frame_bytes / 3 * 4 + 4096;
    let upgrade_options = upgrade_options(max_message_bytes, binary);
    let tasks = deps.tasks.clone();
    websocket::upgrade(request, upgrade_options, &tasks, |socket| sender::serve(socket, deps, arrival))
}

async fn view(
    may: May<WatchStream>,
    State(deps): State<Dependencies>,
    Query(params): Query<Params>,
    request: Request,
) -> Result<Response, Refusal> {
    let binary = websocket::offers(request.headers(), BINARY);
    let query = request.uri().query().unwrap_or_default();
    let subscription = subscription(may.into_caller(), &params, query, binary)?;
    // Whoever names a stream that is not for them hears so; of all that are sent they get those that are.
    let named = subscription.names.iter().flatten().filter(|name| &***name != "*");
    named.into_iter().try_for_each(|name| subscription.caller.may_see(name))?;
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let kind = match binary {
        _ if subscription.caller.is_process() => ViewerKind::Process,
        true => ViewerKind::RelayBinary,
        false => ViewerKind::Relay,
    };
    let arrival = arrival(&request, kind, "/ws/view");
    let upgrade_options = upgrade_options(viewer::MAX_MESSAGE_BYTES, binary);
    let tasks = deps.tasks.clone();
    let peer = arrival.peer;
    let response = websocket::upgrade(request, upgrade_options, &tasks, |socket| {
        viewer::serve(socket, deps, (arrival, connection), subscription)
    });
    Ok(name_unknown(response, &params, &["streams", "overlays"], "/ws/view", peer))
}

fn upgrade_options(max_message_bytes: usize, binary: bool) -> UpgradeOptions {
    UpgradeOptions { max_message_bytes, protocol: binary.then_some(BINARY), ends_with_the_server: false }
}

fn subscription(
    caller: Caller,
    params: &Params,
    query: &str,
    binary: bool,
) -> Result<viewer::Subscription, query::ParamError> {
    let names = names(query);
    Ok(viewer::Subscription { caller, names, overlays: query::flag(params, "overlays", false)?, binary })
}

/// The names in `streams=`. A comma of a name is written as %2C.
fn names(query: &str) -> Option<BTreeSet<Arc<str>>> {
    let list = query.split('&').find_map(|pair| pair.strip_prefix("streams="))?;
    let decoded = |name: &str| Arc::from(&*percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy());
    let names: BTreeSet<Arc<str>> = list.split(',').filter(|name| !name.is_empty()).map(decoded).collect();
    (!names.is_empty()).then_some(names)
}

async fn active(may: May<WatchStream>, State(deps): State<Dependencies>) -> Json<ActiveStreams> {
    let mut live = (*deps.relay.now()).clone();
    live.retain(|id, _| may.sees(id, StreamKind::Relay).is_ok());
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
        let named =
            |query: &str| names(query).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(named(""), None);
        assert_eq!(named("streams="), None);
        assert_eq!(named("overlays=1&streams=b,a,,a"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(named("streams=Ward%203%2C+bed%201,*"), Some(vec!["*".into(), "Ward 3, bed 1".into()]));
    }
}
