//! The parts of the server, put together.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

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
use sightwire_cluster::Cluster;
use sightwire_config::Config;
use sightwire_engine::shared::{EngineSettings, SharedEngine};
use sightwire_jobs::service::{Overview, Service};
use sightwire_listen::base::{self, Places};
use sightwire_listen::host::{Hosts, OwnHosts};
use sightwire_listen::tls::{Tls, redirect};
use sightwire_listen::{Listening, Secure, client};
use sightwire_live::relay::Relay;
use sightwire_live::{Options, Streams};
use sightwire_measure::memory::Memory;
use sightwire_measure::memory::budget::{self, Budget};
use sightwire_offload::elsewhere::Elsewhere;
use sightwire_reading::decoding::DecodeMemory;
use sightwire_reading::{self as reading, TextReader};
use sightwire_recognizer::Recognizer;
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
use crate::reach::Reach;
use crate::reload::{Reload, Source};
use crate::transport::rest::{self, Api};
use crate::transport::{self, inference, page};
use crate::vital::Vital;
use sightwire_http::audit;
use sightwire_http::caller::{Gate, identify};
use sightwire_http::query::NOTES;
use sightwire_http::requests::{Requests, count, limit};
use sightwire_http::routes::keep_private;
use sightwire_sockets::sessions::{self, Sessions};
use sightwire_streaming::socketio::{self, SocketIoCounters, SocketIoTransport};
use sightwire_streaming::{boards, mjpeg, relay};
use sightwire_telemetry::live::Live;
use sightwire_telemetry::{Inference, Telemetry, TransportCounters};

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
    asked: Vec<sightwire_http::routes::Asked>,
    /// The sign recogniser; has no model until it is loaded.
    pub recognizer: Arc<Recognizer>,
    /// Text reading; nothing is loaded before somebody needs it.
    pub reader: Arc<TextReader>,
    /// Cameras and what is sent, and everything that runs for those who watch them.
    pub streams: Arc<Streams>,
    /// What can be seen of it from outside.
    pub telemetry: Arc<Telemetry>,
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
    /// Builds all parts; their tasks run until `stop`. `used` tells what the process uses of the memory.
    pub fn new(
        config: &Config,
        (access, reach): (&Arc<Guard>, &Arc<Reach>),
        (stop, tasks, vital): (&CancellationToken, &TaskTracker, &Vital),
        cluster: Option<Arc<Cluster>>,
        used: budget::Reading,
        source: Option<Source>,
    ) -> anyhow::Result<Self> {
        vital.spawn("keeps keys and sessions", access.clone().run(Issuers, stop.clone()));
        let shared = Arc::new(config.clone());
        let (engine, reading) = computing(config, stop, tasks);
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
        vital.spawn("sends late replies", replying(recognizer.clone(), stop.clone()));
        let origins: Arc<Option<Vec<String>>> = Arc::new(config.server.cors_origins.clone());
        let gate = Gate::new(access.clone(), origins.clone());
        let (layer, socketio, counters) =
            SocketIoTransport::layer(config, recognizer.clone(), sessions.clone(), gate.clone());
        let live = Options { cluster, ..config.live_options(memory.clone()) };
        let (streams, relay) = streaming(live, &engine, (stop, tasks, vital))?;
        let pages = reading.pages.clone().within(memory.clone());
        let reading = reading::options::Options { pages, ..reading };
        let reader =
            TextReader::new(reading, config.store.clone(), engine.clone(), decoding.clone(), stop, tasks)?;
        let requests = Requests::new(&config.limits, listening.limited.clone());
        let of_server = (&streams, &reader, &memory);
        let inference = inference::serving((config, reach), (&gate, &requests), of_server, (&engine, tasks))?;
        let shared_jobs = shared_jobs(config, (stop, vital))?;
        let hosts = Hosts::new(config.hosts());
        let tls = reach.certificates.clone().map(|own| Tls::new(move || own.config()));
        let telemetry = Telemetry::new(
            engine.clone(),
            recognizer.clone(),
            (streams.clone(), relay.clone()),
            reader.clone(),
            (listening.clone(), memory.clone()),
            Arc::new(Transports {
                counters,
                sessions: sessions.clone(),
                hosts: hosts.clone(),
                tls: tls.clone(),
                reach: reach.clone(),
                inference: inference.clone(),
                batches: shared_jobs.clone(),
            }),
        );
        vital.spawn("takes samples", telemetry.clone().sample(stop.clone()));
        let kept = (&memory, &telemetry.life);
        let reload = Reload::new(source, (&recognizer, &streams), kept, (&listening, &requests, reach));
        let live = updating(config, &telemetry, (&streams, &relay), (stop, vital));
        let api = Api {
            recognizer: recognizer.clone(),
            telemetry: telemetry.clone(),
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
        // Socket.IO stands around the routes as one service: `Router::layer` would give each route sessions of its own.
        let sockets =
            relay::Dependencies { relay, streams: streams.clone(), tasks: tasks.clone(), stop: stop.clone() };
        let routes = rest::routes(api)
            .merge(mjpeg::routes(streams.clone()))
            .merge(boards::routes(boards::Dependencies { streams: streams.clone(), tasks: tasks.clone() }))
            .merge(relay::routes(sockets));
        #[cfg(test)]
        let (paths, asked) = (routes.paths(), routes.asked());
        let (routes, privacy) = routes.finish().context("two routes are one")?;
        let pages = page::Dependencies { access: access.clone(), reach: reach.clone() };
        let routes =
            routes.fallback_service(page::serve.with_state(pages)).method_not_allowed_fallback(async || {
                transport::error(StatusCode::METHOD_NOT_ALLOWED, "This path does not take that method.")
            });
        let router = socketio::around(routes, layer).layer(
            ServiceBuilder::new()
                .layer(header(CONTENT_SECURITY_POLICY, page::CONTENT_POLICY))
                .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(header(REFERRER_POLICY, "no-referrer"))
                .option_layer(hsts(config)?)
                .layer(layer_fn(of_own_hosts(&hosts)))
                .layer(middleware::from_fn_with_state(config.limits.trusted_proxies.clone(), client::find))
                .layer(middleware::from_fn_with_state(places(config), base::find))
                .layer(middleware::from_fn_with_state(gate, identify))
                .layer(middleware::from_fn(audit::told))
                .layer(middleware::from_fn_with_state(requests, count))
                .layer(middleware::from_fn_with_state(privacy, keep_private))
                .layer(cors(origins.as_ref().as_ref()))
                .layer(middleware::from_fn_with_state(origins, check_origin))
                .layer(middleware::from_fn(limit))
                .layer(middleware::from_fn_with_state(sessions, sessions::guard)),
        );
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
            telemetry,
            listening,
            inference,
            reload,
            socketio,
        })
    }

    /// What encrypts connections, and answers those that are not with the same address at that port, if they have to be.
    pub fn secure(&self, port: u16) -> Option<Secure> {
        let plain = redirect(port).layer(layer_fn(of_own_hosts(&self.hosts)));
        Some(Secure { tls: self.tls.clone()?, plain })
    }

    /// Serves models to whoever comes from these; `scheme` is that of HTTP.
    pub fn serve_models(
        &self,
        listeners: Vec<TcpListener>,
        scheme: &str,
        (stop, tasks, vital): (&CancellationToken, &TaskTracker, &Vital),
    ) -> anyhow::Result<()> {
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
    pub fn says_that_it_stops(&self, drain: Duration) {
        let (streams, viewers) = (self.streams.upstreams().len(), self.streams.viewers.all().len());
        let (clients, drain) = (self.recognizer.clients(), drain.as_secs_f32());
        tracing::info!(streams, viewers, clients, "stopping: connections get {drain:.1} s to end");
    }

    /// What measures, once on each machine, how the models that are here run fastest; blocks for some seconds then. The
    /// server answers meanwhile.
    pub fn measuring(&self, config: &Config) -> impl FnOnce() + Send + 'static {
        let (recognizer, reader) = (self.recognizer.clone(), self.reader.clone());
        let (detector, config) = (self.streams.detector.clone(), config.clone());
        move || {
            recognizer.measure();
            // Without a model nobody wants to load the library.
            if recognizer.facts().is_none() || config.recognizer.dummy {
                return;
            }
            if let Err(error) = reader.models.measure_ahead().and_then(|()| detector.measure_ahead()) {
                tracing::debug!("not all models were measured ahead: {error:#}");
            }
        }
    }
}

/// Looks again and again how much of its budget is used.
fn watched_memory(
    config: &Config,
    used: budget::Reading,
    stop: &CancellationToken,
    vital: &Vital,
) -> Arc<Memory> {
    let memory = Arc::new(Memory::new(Budget::here(config.limits.memory_bytes).bytes()));
    let (watched, stop) = (memory.clone(), stop.clone());
    let watching = async move { stop.run_until_cancelled(budget::watch(watched, used)).await.unwrap_or(()) };
    vital.spawn("watches the memory", watching);
    memory
}

/// Streams, and which of them are sent, here and to other processes.
fn streaming(
    options: Options,
    engine: &Arc<SharedEngine>,
    (stop, tasks, vital): (&CancellationToken, &TaskTracker, &Vital),
) -> anyhow::Result<(Arc<Streams>, Arc<Relay>)> {
    let streams = Streams::new(options, engine.clone(), stop, tasks)?;
    let relay = Relay::new(streams.clone());
    vital.spawn("lists streams of other processes", relay.clone().follow_others(stop.clone()));
    Ok((streams, relay))
}

/// Batches that workers read, if this server is to know of them.
fn shared_jobs(
    config: &Config,
    (stop, vital): (&CancellationToken, &Vital),
) -> anyhow::Result<Option<Arc<Service>>> {
    let Some(jobs) = config.cluster.as_ref().and_then(|cluster| cluster.jobs.as_ref()) else {
        return Ok(None);
    };
    let Common { jobs, readable, queue } = Common::of(config.store.home(), jobs, true)?;
    let (asked, asking) = (queue.clone(), stop.clone());
    vital.spawn("knows workers", async move { asked.run(asking).await });
    let service = Service::new(jobs, readable, queue, config.reader.job_ttl);
    vital.spawn("finds what workers read", service.clone().run(stop.clone()));
    Ok(Some(service))
}

/// What those who look are told, once a second.
fn updating(
    config: &Config,
    telemetry: &Arc<Telemetry>,
    (streams, relay): (&Arc<Streams>, &Arc<Relay>),
    (stop, vital): (&CancellationToken, &Vital),
) -> Arc<Live> {
    let (most, shown) = (config.server.max_connections, (streams.clone(), relay.clone()));
    let live = Live::new(telemetry.clone(), shown, most, stop.clone());
    vital.spawn("makes live updates", live.clone().run());
    live
}

/// Sends replies that are overdue.
async fn replying(recognizer: Arc<Recognizer>, stop: CancellationToken) {
    stop.run_until_cancelled(recognizer.send_overdue_replies()).await;
}

/// Refuses what is meant for other servers.
fn of_own_hosts<S>(hosts: &Arc<Hosts>) -> impl Fn(S) -> OwnHosts<S> + Clone + use<S> {
    let hosts = hosts.clone();
    move |inner| OwnHosts::new(hosts.clone(), inner)
}

/// Where this server may be behind proxies.
fn places(config: &Config) -> Arc<Places> {
    let trusted = config.limits.trusted_proxies.clone();
    Arc::new(Places { base_path: config.server.base_path.clone(), trusted })
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// For how long browsers are to come encrypted only, if that is set.
fn hsts(config: &Config) -> anyhow::Result<Option<SetResponseHeaderLayer<HeaderValue>>> {
    let value = config.tls.hsts.map(|time| format!("max-age={}", time.as_secs()).parse());
    let value = value.transpose().context("tls.hsts_s cannot be said in a header")?;
    Ok(value.map(|value| SetResponseHeaderLayer::if_not_present(STRICT_TRANSPORT_SECURITY, value)))
}

/// What telemetry shows of transports.
#[derive(Debug)]
struct Transports {
    counters: Arc<SocketIoCounters>,
    sessions: Arc<Sessions>,
    hosts: Arc<Hosts>,
    tls: Option<Arc<Tls>>,
    reach: Arc<Reach>,
    inference: Arc<inference::Serving>,
    batches: Option<Arc<Service>>,
}

impl TransportCounters for Transports {
    fn socketio(&self) -> [u64; 3] {
        let SocketIoCounters { replies, dropped, invalid } = &*self.counters;
        [replies, dropped, invalid].map(|count| count.load(Ordering::Relaxed))
    }

    fn polling_sessions(&self) -> usize {
        self.sessions.polling()
    }

    fn evicted_sessions(&self) -> usize {
        self.sessions.evicted()
    }

    fn foreign_hosts(&self) -> u64 {
        self.hosts.refused()
    }

    fn handshakes(&self) -> [u64; 2] {
        self.tls.as_ref().map_or([0, 0], |tls| tls.counts())
    }

    fn certificate_failures(&self) -> u64 {
        self.reach.certificates.as_ref().map_or(0, |own| own.failures())
    }

    fn certificate_expires(&self) -> Option<f64> {
        let until = self.reach.certificates.as_ref()?.facts().validity.not_after;
        Some(until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    }

    fn inference(&self) -> Inference {
        inference::counted(&self.inference)
    }

    fn batches(&self) -> Option<Overview> {
        self.batches.as_ref()?.overview()
    }
}

/// The engine, and how text is read: here, or at the machine that is asked first.
fn computing(
    config: &Config,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> (Arc<SharedEngine>, reading::options::Options) {
    let wanted = &config.engine.remote_for;
    let is_asked = wanted.text || !wanted.networks.is_empty();
    let remote = config.engine.remote.clone().filter(|_| is_asked);
    let elsewhere = remote.map(|remote| Elsewhere::new(remote, wanted.networks.clone(), tasks, stop));
    let offload = elsewhere.clone().map(|elsewhere| elsewhere as _);
    let settings = EngineSettings { offload, ..config.engine_settings() };
    let going_on = stop.clone();
    let engine = SharedEngine::new(settings, move || !going_on.is_cancelled());
    let elsewhere = elsewhere.filter(|_| wanted.text).map(|elsewhere| elsewhere as _);
    (engine, reading::options::Options { elsewhere, ..config.reader.clone() })
}

fn cors(origins: Option<&Vec<String>>) -> CorsLayer {
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
            return transport::error(StatusCode::FORBIDDEN, detail);
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;
