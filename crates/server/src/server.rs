//! A server's life: from its listeners to its last connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sightwire_access::Guard;
use sightwire_base::memory::budget;
use sightwire_cluster::Cluster;
use sightwire_listen::Served;
use sightwire_listen::socket::Listener;
use sightwire_reading::drawing::DrawingWatch;
use sightwire_telemetry::life::Life;
use sightwire_telemetry::otlp::Exporter;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::cluster::Membership;
use crate::config::Config;
use crate::reach::Reach;
use crate::reload::{Reload, Source};
use crate::vital::Vital;

/// The step that a picture is at when the server stops may take this long.
const LAST_PICTURE: Duration = Duration::from_secs(2);

/// A server that has not begun. Several may run in one process: each has its own configuration, streams, limits and
/// metrics; they share the log and the library that runs networks.
pub struct Server {
    config: Config,
    redirecting: Vec<Box<dyn Listener>>,
    inferring: Vec<TcpListener>,
    source: Option<Source>,
    reload: Arc<Notify>,
    on_ready: Box<dyn FnOnce(&Started) + Send>,
    memory_used: budget::Reading,
    exporter: Option<Arc<Exporter>>,
    membership: Option<Membership>,
}

/// A server that answers.
#[derive(Debug)]
pub struct Started {
    /// Keys, users, and what each may do.
    pub access: Arc<Guard>,
    /// Where it is found.
    pub reach: Arc<Reach>,
    /// Whether it is ready, or stopping.
    pub life: Arc<Life>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Server {
    /// With this configuration, of which `server.listen` is left to the caller.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            redirecting: Vec::new(),
            inferring: Vec::new(),
            source: None,
            reload: Arc::default(),
            on_ready: Box::new(|_| ()),
            memory_used: Arc::new(budget::used_memory),
            exporter: None,
            membership: None,
        }
    }

    /// What comes from these, too, is answered with the address to open over HTTPS.
    #[must_use]
    pub fn with_redirects(self, listeners: Vec<Box<dyn Listener>>) -> Self {
        Self { redirecting: listeners, ..self }
    }

    /// Connections from these ask for models, whatever `engine.listen` says.
    #[must_use]
    pub fn with_inference(self, listeners: Vec<TcpListener>) -> Self {
        Self { inferring: listeners, ..self }
    }

    /// The configuration can be read again from there, and is whenever `asked` is notified.
    #[must_use]
    pub fn with_config_reload(self, source: Source, asked: Arc<Notify>) -> Self {
        Self { source: Some(source), reload: asked, ..self }
    }

    /// Calls `ready` once the model is there, or cannot be had. Until then the server answers, and says that it is not ready.
    #[must_use]
    pub fn on_ready(self, ready: impl FnOnce(&Started) + Send + 'static) -> Self {
        Self { on_ready: Box::new(ready), ..self }
    }

    /// Goes by this instead of what the process uses of the memory.
    #[must_use]
    pub fn with_memory_usage(self, used: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        Self { memory_used: Arc::new(used), ..self }
    }

    /// Its metrics are sent by this.
    #[must_use]
    pub fn with_exporter(self, exporter: Option<Arc<Exporter>>) -> Self {
        Self { exporter, ..self }
    }

    /// It is one of these processes, whatever the configuration says.
    #[must_use]
    pub fn with_cluster(self, cluster: Arc<Cluster>) -> Self {
        Self { membership: Some(Membership::from_cluster(cluster)), ..self }
    }

    /// Serves what comes from `listeners` until `stop`, then lets connections end, at most for `server.drain_s`. All that
    /// it has started has ended when this returns, but for threads that are at something that cannot be cut short, and end after
    /// it: a model that is being loaded, a picture that is being read. An error when it cannot begin.
    pub async fn run(self, listeners: Vec<Box<dyn Listener>>, stop: CancellationToken) -> anyhow::Result<()> {
        let Self {
            config,
            redirecting,
            inferring,
            source,
            reload,
            on_ready,
            memory_used,
            exporter,
            membership,
        } = self;
        let (tasks, asked) = (TaskTracker::new(), stop);
        // What it has started ends with this, however it ends itself; where that was asked for, the log says first what there was.
        let stop = CancellationToken::new();
        let _ended = stop.clone().drop_guard();
        let addresses = listeners
            .iter()
            .map(|listener| listener.address().context("cannot tell the address"))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let reach = Arc::new(Reach::new(&config, addresses)?);
        let membership = match membership {
            None => Membership::from_config(&config, reach.certificates.as_ref())?,
            membership => membership,
        };
        let cluster = membership.as_ref().map(|membership| membership.cluster.clone());
        let mut guard = config.build_guard()?;
        if let Some(cluster) = &cluster {
            guard = guard.with_processes(cluster.clone());
        }
        let access = Arc::new(guard);
        let vital = Vital::new(&tasks, &stop);
        let app = App::new(&config, &access, &reach, &vital, cluster, memory_used, source)?;
        // Before anybody asks, and before an upgrade puts another one in its place.
        let drawing = DrawingWatch::look_first(app.reader.limits.pages.clone(), stop.clone()).await;
        vital.spawn("looks for what draws pages", drawing.run());
        if let Some(membership) = membership {
            let run = membership.run(access.keyring().clone(), stop.clone());
            vital.spawn("keeps its place among the processes", run);
        }
        if let Some(exporter) = exporter {
            // It may outlive the server.
            let metrics = Arc::downgrade(&app.metrics);
            exporter.set_metrics(move || Some(metrics.upgrade()?.collect()));
        }
        let run = |listener, served| {
            let listening = app.listening.clone();
            let run =
                sightwire_listen::run_listener(listener, served, listening, stop.clone(), tasks.clone());
            vital.spawn("accepts connections", run);
        };
        for (listener, address) in listeners.into_iter().zip(&reach.listen) {
            run(listener, Served { app: app.router.clone(), secure: app.build_secure(address.port()) });
        }
        if let Some(secure) = app.build_secure(reach.redirect_port()) {
            for listener in redirecting {
                run(listener, Served { app: secure.plain.clone(), secure: None });
            }
        }
        app.serve_models(inferring, reach.scheme(), &vital)?;
        if let Some(certificates) = reach.certificates.clone() {
            vital.spawn("keeps the certificate", certificates.run(stop.clone()));
        }
        vital.spawn(
            "reads the configuration again",
            reload_on_request(app.reload.clone(), reload, stop.clone()),
        );
        log_addresses(&reach);
        let (recognizer, going_on) = (app.recognizer.clone(), stop.clone());
        let loading =
            tokio::task::spawn_blocking(move || recognizer.load_model(&|| !going_on.is_cancelled()));
        tokio::pin!(loading);
        let loaded = tokio::select! {
            _ = asked.run_until_cancelled(stop.cancelled()) => None,
            done = &mut loading => Some(done),
        };
        if let Some(Ok(())) = &loaded {
            on_ready(&Started { access, reach, life: app.observer.life.clone() });
            tasks.spawn_blocking(app.measure_task(&config));
            asked.run_until_cancelled(stop.cancelled()).await;
        }
        app.observer.life.mark_stopping();
        app.log_stopping(config.server.drain);
        stop.cancel();
        tasks.close();
        // Socket.IO clients see their connection end, not a goodbye: Python's client comes back only after the former.
        let drained = async {
            if loaded.is_none() {
                let _ = loading.await; // an import ends at its next step
            }
            tasks.wait().await;
            while app.listening.open_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            app.socketio.close().await;
        };
        if tokio::time::timeout(config.server.drain, drained).await.is_err() {
            tracing::warn!("{} connections had not ended and are cut", app.listening.open_count());
        }
        if app.listening.cut_requests() > 0 {
            tracing::warn!(
                "{} requests were not answered to their end and are cut (server.drain_s)",
                app.listening.cut_requests()
            );
        }
        // Blocks until what is being read has ended.
        let reader = app.reader.clone();
        let closed = tokio::task::spawn_blocking(move || reader.close());
        if tokio::time::timeout(LAST_PICTURE, closed).await.is_err() {
            tracing::warn!("a picture was still being read");
        }
        drop(app);
        tracing::info!("stopped");
        if let Some(what) = vital.broken_task() {
            anyhow::bail!("what {what} broke; the log says more (PANIC)");
        }
        loaded.unwrap_or(Ok(())).context("the model could not be loaded")
    }
}

/// Writes to the log where it is found.
fn log_addresses(reach: &Reach) {
    let listening: Vec<String> = reach.listen.iter().map(|a| format!("{}://{a}", reach.scheme())).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        "started: it listens on {}",
        listening.join(", ")
    );
    for url in reach.urls() {
        tracing::info!("other machines open {url}");
    }
}

async fn reload_on_request(reload: Arc<Reload>, asked: Arc<Notify>, stop: CancellationToken) {
    while stop.run_until_cancelled(asked.notified()).await.is_some() {
        let reload = reload.clone();
        // What came of it is in the log.
        let _ = tokio::task::spawn_blocking(move || reload.run()).await;
    }
}
