//! The parts of the server, put together.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler as _;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use sightwire_access::Guard;
use sightwire_base::memory::Memory;
use sightwire_base::memory::budget::{self, Budget};
use sightwire_cluster::Cluster;
use sightwire_engine::shared::{EngineSettings, SharedEngine};
use sightwire_jobs::service::Service;
use sightwire_listen::base::{self, Places};
use sightwire_listen::host::{Hosts, OwnHosts};
use sightwire_listen::tls::{Handshakes, Tls, redirect_routes};
use sightwire_listen::{Listening, Secure, client};
use sightwire_live::relay::Relay;
use sightwire_live::{Options, Streams};
use sightwire_reading::decoding::DecodeMemory;
use sightwire_reading::{self as reading, TextReader};
use sightwire_recognizer::Recognizer;
use sightwire_remote::detector::KserveDetector;
use sightwire_remote::networks::KserveNetworks;
use socketioxide::SocketIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowOrigin, Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::issuers::Issuers;
use crate::jobs::Common;
use crate::observe::live::Live;
use crate::observe::metrics::{Collectors, Sources};
use crate::observe::{Observed, Observer};
use crate::reach::Reach;
use crate::reload::{Reload, Source};
use crate::transport::rest::{self, Api};
use crate::transport::{self, inference, page};
use crate::vital::Vital;
use sightwire_admission::audit;
use sightwire_admission::caller::{Gate, identify_request};
use sightwire_admission::query::NOTES;
use sightwire_admission::requests::{Requests, count_request, limit_requests};
use sightwire_admission::routes::{Privacy, Routes, keep_private};
use sightwire_listen::sessions::{self, Sessions};
use sightwire_streaming::socketio::{self, SocketIoTransport};
use sightwire_streaming::{boards, mjpeg, relay};

pub use sightwire_streaming::relay::as_it_came;

/// The running server's parts.
#[derive(Debug)]
pub struct App {
    /// The page, the API and all sockets; requests that are meant for other servers are refused.
    pub router: Router,
    /// What encrypts connections, where they have to be.
    tls: Option<Arc<Tls>>,
    /// For whom requests may be meant.
    hosts: Arc<Hosts>,
    /// Their paths, with names in braces.
    #[cfg(test)]
    paths: Vec<&'static str>,
    /// What each method of each asks for.
    #[cfg(test)]
    asked: Vec<sightwire_admission::routes::Asked>,
    /// The sign recogniser; has no model until it is loaded.
    pub recognizer: Arc<Recognizer>,
    /// Text reading; nothing is loaded before somebody needs it.
    pub reader: Arc<TextReader>,
    /// Cameras and what is sent, and everything that runs for those who watch them.
    pub streams: Arc<Streams>,
    /// What can be seen of it from outside.
    pub observer: Arc<Observer>,
    /// What is in `/metrics`.
    pub metrics: Arc<Collectors>,
    /// What the accept loops share.
    pub listening: Arc<Listening>,
    /// Finds objects for other servers.
    inference: Arc<inference::Serving>,
    /// Reads the configuration again.
    pub reload: Arc<Reload>,
    /// Closes all Socket.IO clients.
    pub socketio: SocketIo,
}

impl App {
    /// Builds all parts; their tasks are among those of `vital`, and run until its `stop`. `used` tells what the process uses of the memory.
    pub fn new(
        config: &Config,
        access: &Arc<Guard>,
        reach: &Arc<Reach>,
        vital: &Vital,
        cluster: Option<Arc<Cluster>>,
        used: budget::Reading,
        source: Option<Source>,
    ) -> anyhow::Result<Self> {
        let Vital { stop, tasks, .. } = vital;
        vital.spawn("keeps keys and sessions", access.clone().run(Issuers, stop.clone()));
        let shared = Arc::new(config.clone());
        let Computing { engine, networks, detector, reading } = build_computing(config, stop, tasks);
        let (memory, decoding) =
            (watched_memory(config, used, stop, vital), DecodeMemory::new(config.decode_memory_bytes));
        let recognizer = Recognizer::new(config.recognizer_options(memory.clone()), engine.clone());
        let listening = Listening::new(&config.listen_options());
        let sessions = Sessions::new(
            config.server.max_connections,
            listening.outboxes.clone(),
            tasks.clone(),
            stop.clone(),
        );
        vital.spawn("sends late replies", run_replies(recognizer.clone(), stop.clone()));
        let origins: Arc<Option<Vec<String>>> = Arc::new(config.server.cors_origins.clone());
        let gate = Gate::new(access.clone(), origins.clone());
        let (layer, socketio, counters) = SocketIoTransport::build_layer(
            &config.socketio,
            config.images,
            recognizer.clone(),
            sessions.clone(),
            gate.clone(),
        );
        let remote = detector.clone().map(|detector| detector as _);
        let live = Options { cluster, remote, ..config.live_options(memory.clone()) };
        let (streams, relay) = build_streams(live, &engine, vital)?;
        let pages = reading.pages.clone().with_memory(memory.clone());
        let reading = reading::options::Options { pages, ..reading };
        let reader =
            TextReader::new(reading, config.store.clone(), engine.clone(), decoding.clone(), stop, tasks)?;
        let requests = Requests::new(&config.limits, listening.limited.clone());
        let deps = inference::Dependencies {
            gate: gate.clone(),
            requests: requests.clone(),
            streams: streams.clone(),
            reader: reader.clone(),
            memory: memory.clone(),
            engine: engine.clone(),
            tasks: tasks.clone(),
        };
        let inference = inference::build_serving(config, reach, deps)?;
        let shared_jobs = shared_jobs(config, vital)?;
        let hosts = Hosts::new(config.host_names());
        let handshakes = Arc::<Handshakes>::default();
        let tls = reach.certificates.clone().map(|own| Tls::new(move || own.config(), handshakes.clone()));
        let (observer, live) = start_observer(
            config,
            vital,
            Observed {
                engine,
                recognizer: recognizer.clone(),
                streams: streams.clone(),
                relay: relay.clone(),
                reader: reader.clone(),
                listening: listening.clone(),
                sessions: sessions.clone(),
                memory: memory.clone(),
            },
        );
        let reload = Reload::new(source, &recognizer, &streams, &memory, &listening, &requests, reach);
        let metrics = Collectors::new(Sources {
            observer: observer.clone(),
            reload: reload.clone(),
            socketio: counters,
            hosts: hosts.clone(),
            handshakes,
            certificates: reach.certificates.clone(),
            inference: inference.clone(),
            networks,
            detector,
            batches: shared_jobs.clone(),
        });
        let api = Api {
            recognizer: recognizer.clone(),
            observer: observer.clone(),
            metrics: metrics.clone(),
            streams: streams.clone(),
            reader: reader.clone(),
            shared: shared_jobs,
            live,
            tasks: tasks.clone(),
            config: shared,
            drawing: Arc::new(Semaphore::new(1)),
            access: access.clone(),
            reach: reach.clone(),
            memory: memory.clone(),
            reload: reload.clone(),
        };
        let routes = all_routes(api, relay, stop);
        #[cfg(test)]
        let (paths, asked) = (routes.paths(), routes.asked_actions());
        let (routes, privacy) = routes.finish().context("two routes are one")?;
        // Socket.IO stands around the routes as one service: `Router::layer` would give each route sessions of its own.
        let router = socketio::wrap_routes(with_pages(routes, access, reach), layer);
        let router = Doors { hosts: hosts.clone(), origins, gate, requests, privacy, sessions }
            .add_layers(router, config)?;
        Ok(Self {
            router,
            tls,
            hosts,
            #[cfg(test)]
            paths,
            #[cfg(test)]
            asked,
            recognizer,
            reader,
            streams,
            observer,
            metrics,
            listening,
            inference,
            reload,
            socketio,
        })
    }

    /// What encrypts connections, and answers those that are not with the same address at that port, if they have to be.
    pub fn build_secure(&self, port: u16) -> Option<Secure> {
        let plain = redirect_routes(port).layer(layer_fn(of_own_hosts(&self.hosts)));
        Some(Secure { tls: self.tls.clone()?, plain })
    }

    /// Serves models to clients that connect from these; `scheme` is that of HTTP.
    pub fn serve_models(
        &self,
        listeners: Vec<TcpListener>,
        scheme: &str,
        vital: &Vital,
    ) -> anyhow::Result<()> {
        let Vital { stop, tasks, .. } = vital;
        let is_unasked = listeners.is_empty();
        for listener in listeners {
            let address = listener.local_addr().context("cannot tell the address of engine.listen")?;
            let scheme = if scheme == "https" { "grpcs" } else { "grpc" };
            tracing::info!("models are served at {scheme}://{address}");
            let run = self.inference.clone().run(listener, stop.clone(), tasks.clone());
            vital.spawn("serves models to others", run);
        }
        if !is_unasked {
            let keeping = inference::keep_ready(self.streams.clone(), stop.clone());
            vital.spawn("keeps a model ready for others", keeping);
        }
        Ok(())
    }

    /// Writes to the log that the server stops, and whom that ends.
    pub fn log_stopping(&self, drain: Duration) {
        let (streams, viewers) = (self.streams.upstreams().len(), self.streams.viewers.all().len());
        let (clients, drain) = (self.recognizer.client_count(), drain.as_secs_f32());
        tracing::info!(streams, viewers, clients, "stopping: connections get {drain:.1} s to end");
    }

    /// What measures, once on each machine, how the models that are here run fastest; blocks for some seconds then. The
    /// server answers meanwhile.
    pub fn measure_task(&self, config: &Config) -> impl FnOnce() + Send + 'static {
        let (recognizer, reader) = (self.recognizer.clone(), self.reader.clone());
        let (detector, config) = (self.streams.detector.clone(), config.clone());
        move || {
            recognizer.measure_model();
            // Without a model nobody wants to load the library.
            if recognizer.model_facts().is_none() || config.recognizer.dummy {
                return;
            }
            if let Err(error) = reader.models.measure_ahead().and_then(|()| detector.measure_ahead()) {
                tracing::debug!("not all models were measured ahead: {error:#}");
            }
        }
    }
}

/// What looks at the parts, and what those who look are told, once a second.
fn start_observer(config: &Config, vital: &Vital, observed: Observed) -> (Arc<Observer>, Arc<Live>) {
    let stop = &vital.stop;
    let observer = Observer::new(observed);
    vital.spawn("takes samples", observer.clone().sample(stop.clone()));
    let live = Live::new(observer.clone(), config.server.max_connections, stop.clone());
    vital.spawn("makes live updates", live.clone().run());
    (observer, live)
}

/// Those of all transports but Socket.IO.
fn all_routes(api: Api, relay: Arc<Relay>, stop: &CancellationToken) -> Routes {
    let (streams, tasks) = (api.streams.clone(), api.tasks.clone());
    let boards = boards::Dependencies { streams: streams.clone(), tasks: tasks.clone() };
    let sockets = relay::Dependencies { relay, streams: streams.clone(), tasks, stop: stop.clone() };
    rest::routes(api)
        .merge(mjpeg::routes(streams))
        .merge(boards::routes(boards))
        .merge(relay::routes(sockets))
}

/// What every request passes before it comes to a route.
struct Doors {
    hosts: Arc<Hosts>,
    origins: Arc<Option<Vec<String>>>,
    gate: Gate,
    requests: Requests,
    privacy: Privacy,
    sessions: Arc<Sessions>,
}

impl Doors {
    /// The first in this list is the first that a request comes to.
    fn add_layers(self, router: Router, config: &Config) -> anyhow::Result<Router> {
        let Self { hosts, origins, gate, requests, privacy, sessions } = self;
        Ok(router.layer(
            ServiceBuilder::new()
                .layer(header_layer(CONTENT_SECURITY_POLICY, page::CONTENT_POLICY))
                .layer(header_layer(X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(header_layer(REFERRER_POLICY, "no-referrer"))
                .option_layer(hsts_layer(config)?)
                .layer(layer_fn(of_own_hosts(&hosts)))
                .layer(middleware::from_fn_with_state(
                    config.server.trusted_proxies.clone(),
                    client::identify_client,
                ))
                .layer(middleware::from_fn_with_state(proxy_places(config), base::strip_base_path))
                .layer(middleware::from_fn_with_state(gate, identify_request))
                .layer(middleware::from_fn(audit::log_deeds))
                .layer(middleware::from_fn_with_state(requests, count_request))
                .layer(middleware::from_fn_with_state(privacy, keep_private))
                .layer(cors_layer(origins.as_ref().as_ref()))
                .layer(middleware::from_fn_with_state(origins, check_origin))
                .layer(middleware::from_fn(limit_requests))
                .layer(middleware::from_fn_with_state(sessions, sessions::guard_requests)),
        ))
    }
}

/// A path that is not a transport's is a page's, or nothing's.
fn with_pages(routes: Router, access: &Arc<Guard>, reach: &Arc<Reach>) -> Router {
    let pages = page::Dependencies { access: access.clone(), reach: reach.clone() };
    routes.fallback_service(page::serve_page.with_state(pages)).method_not_allowed_fallback(async || {
        transport::error_response(StatusCode::METHOD_NOT_ALLOWED, "This path does not take that method.")
    })
}

/// Looks again and again how much of its budget is used.
fn watched_memory(
    config: &Config,
    used: budget::Reading,
    stop: &CancellationToken,
    vital: &Vital,
) -> Arc<Memory> {
    let memory = Arc::new(Memory::new(Budget::for_machine(config.server.memory_bytes).bytes()));
    let (watched, stop) = (memory.clone(), stop.clone());
    let watching =
        async move { stop.run_until_cancelled(budget::watch_memory(watched, used)).await.unwrap_or(()) };
    vital.spawn("watches the memory", watching);
    memory
}

/// Streams, and which of them are sent, here and to other processes.
fn build_streams(
    options: Options,
    engine: &Arc<SharedEngine>,
    vital: &Vital,
) -> anyhow::Result<(Arc<Streams>, Arc<Relay>)> {
    let Vital { stop, tasks, .. } = vital;
    let streams = Streams::new(options, engine.clone(), stop, tasks)?;
    let relay = Relay::new(streams.clone());
    vital.spawn("lists streams of other processes", relay.clone().follow_others(stop.clone()));
    Ok((streams, relay))
}

/// Batches that workers read, if this server is to know of them.
fn shared_jobs(config: &Config, vital: &Vital) -> anyhow::Result<Option<Arc<Service>>> {
    let stop = &vital.stop;
    let Some(jobs) = config.cluster.as_ref().and_then(|cluster| cluster.jobs.as_ref()) else {
        return Ok(None);
    };
    let Common { jobs, readable, queue } = Common::from_config(config.store.home(), jobs, true)?;
    let (asked, asking) = (queue.clone(), stop.clone());
    vital.spawn("knows workers", async move { asked.run(asking).await });
    let service = Service::new(jobs, readable, queue, config.reader.job_ttl);
    vital.spawn("finds what workers read", service.clone().run(stop.clone()));
    Ok(Some(service))
}

/// Sends replies that are overdue.
async fn run_replies(recognizer: Arc<Recognizer>, stop: CancellationToken) {
    stop.run_until_cancelled(recognizer.send_overdue_replies()).await;
}

/// Refuses what is meant for other servers.
fn of_own_hosts<S>(hosts: &Arc<Hosts>) -> impl Fn(S) -> OwnHosts<S> + Clone + use<S> {
    let hosts = hosts.clone();
    move |inner| OwnHosts::new(hosts.clone(), inner)
}

/// Where this server may be behind proxies.
fn proxy_places(config: &Config) -> Arc<Places> {
    let trusted = config.server.trusted_proxies.clone();
    Arc::new(Places { base_path: config.server.base_path.clone(), trusted })
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// For how long browsers are to come encrypted only, if that is set.
fn hsts_layer(config: &Config) -> anyhow::Result<Option<SetResponseHeaderLayer<HeaderValue>>> {
    let value = config.tls.hsts.map(|time| format!("max-age={}", time.as_secs()).parse());
    let value = value.transpose().context("tls.hsts_s cannot be said in a header")?;
    Ok(value.map(|value| SetResponseHeaderLayer::if_not_present(STRICT_TRANSPORT_SECURITY, value)))
}

/// The server that is asked for objects before the model here, if there is one.
fn remote_detector(config: &Config) -> Option<Arc<KserveDetector>> {
    let remote = config.engine.remote.clone().filter(|_| config.engine.remote_for.objects)?;
    Some(KserveDetector::new(remote, config.detector.max_boxes))
}

/// What runs networks and finds objects, here and elsewhere, and how text is read.
struct Computing {
    engine: Arc<SharedEngine>,
    /// Where else networks are run, if they are.
    networks: Option<Arc<KserveNetworks>>,
    /// Where else objects are found, if they are.
    detector: Option<Arc<KserveDetector>>,
    reading: reading::options::Options,
}

/// The engine, and how text is read: here, or at the machine that is asked first.
fn build_computing(config: &Config, stop: &CancellationToken, tasks: &TaskTracker) -> Computing {
    let wanted = &config.engine.remote_for;
    let is_asked = wanted.text || !wanted.networks.is_empty();
    let server = config.engine.remote.clone().filter(|_| is_asked);
    let networks = server.map(|server| KserveNetworks::new(server, wanted.networks.clone(), tasks, stop));
    let remote = networks.clone().map(|networks| networks as _);
    let settings = EngineSettings { remote, ..config.engine_settings() };
    let going_on = stop.clone();
    let engine = SharedEngine::new(settings, move || !going_on.is_cancelled());
    let remote = networks.clone().filter(|_| wanted.text).map(|networks| networks as _);
    let reading = reading::options::Options { remote, ..config.reader.clone() };
    Computing { engine, networks, detector: remote_detector(config), reading }
}

fn cors_layer(origins: Option<&Vec<String>>) -> CorsLayer {
    let layer = CorsLayer::new().allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE]);
    let Some(list) = origins else {
        return layer.allow_origin(Any).allow_headers(Any).expose_headers([NOTES]);
    };
    let list: Vec<HeaderValue> = list.iter().filter_map(|origin| origin.parse().ok()).collect();
    let is_listed = {
        let list = list.clone();
        move |origin: &HeaderValue, _: &Parts| list.contains(origin)
    };
    // A page may send its cookies, as socket.io-client does with `withCredentials`. For such a request a browser wants origin and
    // headers by name.
    layer
        .allow_origin(AllowOrigin::list(list))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([NOTES])
        .allow_credentials(AllowCredentials::predicate(is_listed))
}

/// CORS does not hold for WebSocket: there a browser asks nobody, and a foreign page could use this server from
/// inside a visitor's network. So a foreign `Origin` that is not allowed is refused.
async fn check_origin(
    State(allowed): State<Arc<Option<Vec<String>>>>,
    request: Request,
    next: Next,
) -> Response {
    if let (Some(list), Some(origin)) = (allowed.as_ref(), request.headers().get(ORIGIN)) {
        let origin = origin.to_str().unwrap_or_default();
        let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let own = origin.split_once("://").is_some_and(|(_, rest)| rest == host);
        if !own && !list.iter().any(|o| o == origin) && request.method() != Method::OPTIONS {
            let detail = "Pages of this origin may not use this server. Add it to server.cors_origins.";
            return transport::error_response(StatusCode::FORBIDDEN, detail);
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;
