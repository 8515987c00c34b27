//! Who makes a request: found once for each, before a handler sees it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, uri};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use sightwire_access::action::{Act as _, OwnCamera, SeeViewers, WatchStream};
use sightwire_access::credential::Hold;
use sightwire_access::guard::{Identified, Mode, Presented};
use sightwire_access::key::Key;
use sightwire_access::principal::{Unknown, Who};
use sightwire_access::process::{self, Signed};
use sightwire_access::proxy::Named;
use sightwire_access::session::Session;
use sightwire_access::{Action, Denied, Guard, Principal, Role, Use};
use sightwire_api::stream::StreamKind;
use sightwire_listen::Peer;
use sightwire_listen::connection::ConnectionHandle;
use sightwire_listen::tls::Secured;
use sightwire_live::known::Known;
use sightwire_live::private::AskedFrom;

use crate::audit::Deed;
use crate::cookie::Cookies;
use crate::origin::{self, is_this_machine};
use crate::query::take_key;
use crate::to_sentence;
use sightwire_listen::client;
use sightwire_listen::client::is_proxied;

/// Brings what shows that a page of this server asks.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Shows another process that this one knows their secret, too.
const PROCESS: HeaderName = HeaderName::from_static(process::ANSWER);

/// What somebody can do about a page that may not.
const LIST_IT: &str = "; add its origin to server.cors_origins";

/// Who makes a request, and from which page. An extension of the request.
///
/// [`identify_request`] finds it once, before the request comes to a handler, and what it may do does not change: other rights
/// count from the next request on. A handler has it through a [`May`](crate::may::May). Anyone who has it may clone it and ask
/// it from any task, any number at a time: all that is asked is in memory, and no lock is taken for it.
///
/// What is taken away counts at once, though it is not asked again: while a request is served because of a credential (a key,
/// user, session or token), its connection is cut when that is revoked, which it is with any change of a key or user, also when
/// it gets more rights. This holds until the whole answer is sent or given up, until [`Self::let_go`], or, where it became a
/// WebSocket, until the connection ends. Another process, and whoever is not known or known by a place alone, has no credential,
/// and nothing cuts it. What comes over gRPC is found anew for each call by [`Gate::identify_caller`], which holds nothing: a
/// call that was let in is answered.
///
/// All clones share the hold on that credential, and the deed for the audit log. [`Gate::with_key`] gives another principal
/// with the same two, so whatever takes a key in a message has to hold that key's credential itself. The hold is dropped after
/// its lock is released, since dropping it takes the credential's lock.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Arc<Principal>,
    page: Page,
    from: AskedFrom,
    /// A browser shows its user the answer, and nobody else.
    is_visit: bool,
    way: Way,
    held: Held,
    deed: Deed,
}

/// What cuts the connection of a request when what it is known by is revoked, until the request is answered.
#[derive(Clone, Debug, Default)]
struct Held(Arc<Mutex<Option<Hold>>>);

impl Held {
    fn take_hold(&self) -> Option<Hold> {
        self.0.lock().take()
    }
}

/// The body of an answer, with which the connection is let go.
struct Answer {
    body: Body,
    held: Held,
}

impl Drop for Answer {
    fn drop(&mut self) {
        drop(self.held.take_hold());
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How a caller is known.
#[derive(Clone, Debug)]
enum Way {
    /// By nothing, or by where it is.
    Place,
    /// By a name that a proxy says of whoever sends a request through it, as a browser does whoever's page it shows.
    Proxied {
        /// The request says that our own page makes it, or no browser does.
        meant: bool,
    },
    /// By a key or token in a header or a message.
    Key,
    /// By a key or token in the address.
    KeyInAddress,
    /// By the secret of the cluster.
    Process {
        /// Goes with whatever is answered.
        answer: Arc<str>,
    },
    /// By a cookie, which a browser sends whoever's page it shows.
    Session {
        session: Arc<Session>,
        /// It has brought the token that only our own page can read.
        meant: bool,
    },
}

/// Whose page makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// No page of another server does.
    Own,
    /// One that the configuration lists does.
    Listed,
    /// One of this machine does.
    OfThisMachine,
    /// Any other.
    Foreign,
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Its role, its scope, or nobody knows it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A browser asks with the cookie of its user.
    #[error(
        "a request with a cookie that changes something needs the header X-CSRF-Token; GET /api/v1/session has it"
    )]
    Csrf,
    /// A browser asks with what a proxy knows its user by.
    #[error(
        "a request through the proxy that changes something has to say that a page of this server makes it: by its Origin, or by Sec-Fetch-Site; a program sends a key"
    )]
    Unsaid,
    /// A browser asks in the name of its user, who may not know.
    #[error("pages from elsewhere may not {words}{}", if *may_be_listed { LIST_IT } else { "" })]
    Page {
        /// What.
        words: &'static str,
        /// Those that the configuration lists may.
        may_be_listed: bool,
    },
}

/// The key or user that a request is known by.
pub fn known_caller(of: &Extensions) -> Option<Known> {
    let who = of.get::<Caller>()?.principal.who();
    Some(Known::new(who.quoted_name(), who.name()?))
}

impl Caller {
    /// Whether it may. `changes`: the request changes something.
    pub fn check_action(&self, action: &Action, changes: bool) -> Result<(), NotAllowed> {
        self.principal.check_action(action)?;
        self.check_request_origin(action, changes)
    }

    /// As [`Self::check_action`], with that stream.
    pub fn check_stream_action(
        &self,
        action: &Action,
        changes: bool,
        stream: &str,
    ) -> Result<(), NotAllowed> {
        self.principal.check_stream_action(action, stream, None)?;
        self.check_request_origin(action, changes)
    }

    /// Why it may not change something that it can see, as a sentence for a page; `None` where it may.
    pub fn why_not(&self, action: &Action) -> Option<String> {
        match self.check_action(action, true) {
            // The request that is about to change something brings the token, or its origin.
            Ok(()) | Err(NotAllowed::Csrf | NotAllowed::Unsaid) => None,
            Err(why) => Some(to_sentence(&why.to_string())),
        }
    }

    /// Whether a stream of that id may be watched, whatever it is.
    pub fn check_watch_id(&self, stream: &str) -> Result<(), Denied> {
        self.principal.check_stream_action(&WatchStream::ACTION, stream, None)
    }

    /// Whether that stream may be watched.
    pub fn check_watch_stream(&self, stream: &str, kind: StreamKind) -> Result<(), Denied> {
        let of = match kind {
            StreamKind::Camera => Use::Cameras,
            StreamKind::Relay => Use::Relay,
        };
        self.principal.check_stream_action(&WatchStream::ACTION, stream, Some(of))
    }

    /// From this machine, or elsewhere.
    pub fn asks_from(&self) -> AskedFrom {
        self.from
    }

    /// What becomes of the request, for the audit log.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }

    /// Who it is.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Whether it may see who else is there, and from where.
    pub fn sees_viewers(&self) -> bool {
        self.principal.check_action(&SeeViewers::ACTION).is_ok()
    }

    /// Whether a page asks that is neither of this server, nor of this machine, nor listed.
    pub fn is_foreign(&self) -> bool {
        self.page == Page::Foreign
    }

    /// Whether no page of another server asks.
    pub fn is_from_no_other_page(&self) -> bool {
        self.page == Page::Own
    }

    /// What it is logged in with, if it is.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match &self.way {
            Way::Session { session, .. } => Some(session),
            Way::Place | Way::Proxied { .. } | Way::Key | Way::KeyInAddress | Way::Process { .. } => None,
        }
    }

    /// Whether it is known by what a proxy says, which goes before any session.
    pub fn is_proxied(&self) -> bool {
        matches!(self.way, Way::Proxied { .. })
    }

    /// Whether it is another process of this cluster.
    pub fn is_process(&self) -> bool {
        self.principal.is_process()
    }

    /// Whether its key stood in the address, where it should not stay.
    pub fn has_key_in_address(&self) -> bool {
        matches!(self.way, Way::KeyInAddress)
    }

    /// Its connection brings the answer, though what it is known by ends with this request.
    pub fn let_go(&self) {
        drop(self.held.take_hold());
    }

    /// Whose batches are its own.
    pub fn owner(&self) -> Arc<str> {
        match self.principal.who() {
            Who::Key { id, .. } => format!("key {id}").into(),
            Who::User { name } | Who::Proxied { name } => format!("user {name}").into(),
            Who::Token { subject } => format!("token {subject}").into(),
            Who::Process { name } => format!("process {name}").into(),
            Who::Legacy { networks } => format!("network {networks}").into(),
            Who::Anyone => "anyone".into(),
            Who::Unknown(_) | Who::Here => "".into(),
        }
    }

    /// Somebody else's page, open in a browser on this machine, must not do things in its user's name. A key is sent by those
    /// who have it.
    fn check_request_origin(&self, action: &Action, changes: bool) -> Result<(), NotAllowed> {
        // What tells of everything, such as the keys, they do not read either, unless anybody may or its user alone sees it.
        let anybody_reads = !action.whole || self.is_visit || *self.principal.who() == Who::Anyone;
        if !changes && anybody_reads || action.role.is_none() {
            return Ok(());
        }
        match self.way {
            Way::Session { meant: false, .. } if changes => return Err(NotAllowed::Csrf),
            Way::Session { .. } | Way::Key | Way::KeyInAddress | Way::Process { .. } => return Ok(()),
            Way::Proxied { meant } => match self.page {
                Page::Own if meant || !changes => return Ok(()),
                Page::Own => return Err(NotAllowed::Unsaid),
                Page::Listed => return Ok(()),
                Page::OfThisMachine | Page::Foreign => {
                    return Err(NotAllowed::Page { words: action.words, may_be_listed: true });
                }
            },
            Way::Place => {}
        }
        let may_be_listed =
            !changes || action.role < Some(Role::Operator) || action.name == OwnCamera::ACTION.name;
        let refused = NotAllowed::Page { words: action.words, may_be_listed };
        let may = match self.page {
            Page::Own => true,
            Page::Listed => may_be_listed,
            Page::OfThisMachine => action.role < Some(Role::Operator),
            Page::Foreign => false,
        };
        if may { Ok(()) } else { Err(refused) }
    }
}

/// What tells whose a request is.
#[derive(Clone, Debug)]
pub struct Gate {
    guard: Arc<Guard>,
    listed: Arc<Option<Vec<String>>>,
    /// In which proxies say whom they have let in.
    names: Option<HeaderName>,
}

impl Gate {
    /// `listed` are the origins that the configuration names; `None`, for `*`, names none.
    pub fn new(guard: Arc<Guard>, listed: Arc<Option<Vec<String>>>) -> Self {
        let names = guard.proxy().and_then(|proxy| proxy.header().parse().ok());
        Self { guard, listed, names }
    }

    /// Who makes a request, or has sent such a head over another protocol. `key` stood in the address.
    pub fn identify_caller(&self, request: &Request, key: Option<&str>) -> Caller {
        let headers = request.headers();
        let is_secured = request.extensions().get::<Secured>().is_some();
        let page = self.request_page(headers, is_secured);
        // Browsers send cookies with what pages of other ports of this host ask for, too.
        let counts = matches!(page, Page::Own | Page::Listed) && !origin::is_of_neighbour(headers);
        // Whoever follows a link from elsewhere stays logged in: what a page's address shows, no other page sees.
        let is_visit = is_visit(request);
        let session = Cookies::from_headers(headers, is_secured).token().filter(|_| counts || is_visit);
        // Where everybody may come, a page from elsewhere may, too: as anybody.
        let is_anybody = page == Page::Foreign && self.guard.mode() == Mode::Open;
        let authorization = authorization_parts(headers);
        let of_scheme = |wanted| {
            authorization.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(wanted)).map(|(_, text)| text)
        };
        let bearer = of_scheme("bearer");
        let is_here = is_here(request, headers) && !is_anybody;
        let process = of_scheme(process::SCHEME).map(|tag| Signed {
            tag,
            method: request.method().as_str(),
            target: request.uri().path_and_query().map_or("", uri::PathAndQuery::as_str),
        });
        let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip());
        let from = client::request_client(request.extensions()).and_then(|client| client.place());
        let place = from.map(|from| (from, request.uri().path()));
        // So do they have a proxy add who its user is; but a link from elsewhere may lead to our own page.
        let named = self.proxied_name(headers);
        let is_added = named.is_some() && peer.is_some_and(|peer| self.guard.is_proxy(peer));
        let is_foreign = is_added && !counts && !is_visit;
        let proxied = named.filter(|named| *named == Named::Unclear || !is_foreign);
        // A proxy may add a token, too, whichever page asks. A key it would add for everybody.
        let is_of_elsewhere = !counts && !is_visit;
        let may_be_added = |token: &&str| is_of_elsewhere && !Key::looks_like_one(token);
        let is_left_out = bearer.as_ref().is_some_and(may_be_added);
        let bearer = bearer.filter(|_| !is_foreign && !is_left_out);
        let presented = Presented { key, bearer, session, proxied, process, peer, place, is_here };
        let Identified { principal, session, is_proxied, answer } =
            self.guard.identify(&presented, SystemTime::now());
        let principal = match principal.who() {
            Who::Unknown(None) if is_left_out => self.guard.unknown_principal(Unknown::TokenOfPage),
            _ => principal,
        };
        let csrf = || headers.get(CSRF).and_then(|csrf| csrf.to_str().ok()).unwrap_or_default();
        let way = match session {
            Some(session) => Way::Session { meant: session.is_meant(csrf()), session },
            None if principal.is_process() => Way::Process { answer: answer.unwrap_or_default().into() },
            None if is_proxied => Way::Proxied { meant: origin::is_said_to_be_own(headers) },
            None if principal.credential().is_none() => Way::Place,
            None if key.is_some() => Way::KeyInAddress,
            None => Way::Key,
        };
        let is_proxy = peer.is_some_and(|peer| self.guard.is_proxy(peer));
        let from = if is_here && !is_proxy { AskedFrom::Here } else { AskedFrom::Elsewhere };
        Caller { principal, page, from, is_visit, way, held: Held::default(), deed: Deed::default() }
    }

    /// One who says only later who it is, with a key in a message.
    pub fn with_key(&self, caller: &Caller, key: &str, extensions: &Extensions) -> Caller {
        let peer = client::request_client(extensions).map(|client| client.ip());
        let presented = Presented { key: Some(key), peer, ..Presented::default() };
        let Identified { principal, .. } = self.guard.identify(&presented, SystemTime::now());
        Caller { principal, way: Way::Key, ..caller.clone() }
    }

    /// Whom a proxy has let in, if the request says so, whoever has sent it.
    fn proxied_name<'a>(&self, headers: &'a HeaderMap) -> Option<Named<'a>> {
        let mut values = headers.get_all(self.names.as_ref()?).iter();
        let (name, other) = (values.next()?, values.next());
        let name = std::str::from_utf8(name.as_bytes()).map_or(Named::Unclear, Named::One);
        Some(if other.is_none() { name } else { Named::Unclear })
    }

    fn request_page(&self, headers: &HeaderMap, is_secured: bool) -> Page {
        // Anybody on the way may have written a page that came without encryption.
        let is_plain = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"http://"));
        let listed = (*self.listed).as_deref();
        match origin::page_of(headers, listed) {
            None => Page::Own,
            Some(page) if page.is_own && !(is_secured && is_plain) => Page::Own,
            Some(page) if page.is_listed => Page::Listed,
            Some(page) if page.is_of_this_machine => Page::OfThisMachine,
            Some(_) => Page::Foreign,
        }
    }
}

/// A layer. It has to be outside of all that ask who makes a request.
pub async fn identify_request(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let key = take_key(&mut request);
    let caller = gate.identify_caller(&request, key.as_deref());
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    let (Some(known), Some(connection)) = (caller.principal.credential(), connection) else {
        let shown = match &caller.way {
            Way::Process { answer } => HeaderValue::from_str(answer).ok(),
            _ => None,
        };
        request.extensions_mut().insert(caller);
        let mut response = next.run(request).await;
        if let Some(shown) = shown {
            response.headers_mut().insert(PROCESS, shown);
        }
        return response;
    };
    // Checked now and not again: whatever this request opens ends with what it is known by.
    let held = caller.held.clone();
    *held.0.lock() = Some(known.hold(connection.cut_token()));
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // It has no end of its own.
        connection.keep_value(held.take_hold().map(|hold| Box::new(hold) as _));
        return response;
    }
    // The next request on this connection may be another's, or the same one's with another key.
    response.map(|body| Body::new(Answer { body, held }))
}

/// Whether a browser says that it opens a page with it, to show that and nothing else: what it gets, no other page sees.
fn is_visit(request: &Request) -> bool {
    let says = |name: &str, value: &str| request.headers().get(name).is_some_and(|said| said == value);
    request.method() == Method::GET
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
}

/// The scheme, and what follows it.
fn authorization_parts(headers: &HeaderMap) -> Option<(&str, &str)> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some((scheme, text.trim()))
}

/// Whether it comes from this machine for this machine, and through no proxy: a name that an attacker's server resolves to this
/// machine is not this machine's own.
fn is_here(request: &Request, headers: &HeaderMap) -> bool {
    let peer =
        request.extensions().get::<Peer>().is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
    let mut hosts = headers.get_all(HOST).iter();
    let (host, other) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let is_ours = host.is_some_and(is_this_machine)
        && request.uri().authority().is_none_or(|authority| is_this_machine(authority.as_str()));
    peer && is_ours && other.is_none() && !is_proxied(headers)
}

#[cfg(test)]
pub(crate) mod tests;
