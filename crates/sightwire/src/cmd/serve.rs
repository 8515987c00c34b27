//! `sightwire serve`

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServeArgs;
use sightwire_server::app::App;
use sightwire_server::config::{Config, hosts};
use sightwire_server::listen::{self, files, reach};
use sightwire_server::telemetry::logging;

/// The step that a picture is at when the server stops may take so long.
const LAST_PICTURE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    // A port is an address to listen on.
    let listen: Vec<String> = args.listen.iter().cloned().chain(args.port.map(|p| p.to_string())).collect();
    let config = Config::load_to_serve(&args.config.flags(&listen))?;
    let _log = logging::start(&config.log);
    if let Some(warning) = sightwire_server::engine::cpu_warning() {
        tracing::warn!("{warning}");
    }
    if config.server.hosts.are_all() {
        tracing::warn!("{}", hosts::ALL_WARNING);
    }
    if let Some(warning) = reach::warning(&config) {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = files::warning(&config, files::raise_limit()) {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("net")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(config));
    // Everything of ours has ended within the drain time; what a library left is cut here.
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let app = App::new(&config, &stop, &tasks)?;
    let mut addresses = Vec::new();
    for address in &config.server.listen {
        let v6_only =
            config.server.listen.iter().any(|other| other.is_ipv4() && other.port() == address.port());
        let listener = listen::bind(*address, v6_only).with_context(|| {
            format!("cannot listen on {address} (taken, or not an address of this machine); choose another with --listen or --port")
        })?;
        addresses.push(listener.local_addr().context("cannot tell the address")?);
        tasks.spawn(listen::run(
            listener,
            app.router.clone(),
            app.listening.clone(),
            stop.clone(),
            tasks.clone(),
        ));
    }
    for address in reach::addresses_to_open(&addresses) {
        tracing::info!("other machines open http://{address}");
    }
    // The server answers (and says that it is not ready) while the model is being loaded.
    let (recognizer, options, going_on) = (app.recognizer.clone(), config.clone(), stop.clone());
    let loading =
        tokio::task::spawn_blocking(move || recognizer.load(&options, &|| !going_on.is_cancelled()));
    tokio::pin!(loading);
    let mut loaded = false;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            done = &mut loading, if !loaded => {
                loaded = true;
                done.context("the model could not be loaded")?;
                // Whoever waits for these lines may be gone after the first.
                let mut out = std::io::stdout().lock();
                let _ = addresses.iter().try_for_each(|a| writeln!(out, "listening on http://{a}"));
                let _ = out.flush();
                tasks.spawn_blocking(app.measuring(&config));
            }
        }
    }
    tracing::info!("stopping: connections get {:.1} s to end", config.server.drain.as_secs_f32());
    stop.cancel();
    tasks.close();
    // Socket.IO clients see their connection end, not a goodbye: Python's client comes back only after the former.
    let drained = async {
        if !loaded {
            let _ = loading.await; // an import ends at its next step
        }
        tasks.wait().await;
        while app.listening.open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        app.socketio.close().await;
    };
    if tokio::time::timeout(config.server.drain, drained).await.is_err() {
        tracing::warn!("{} connections had not ended and are cut", app.listening.open());
    }
    // Blocks until what is being read has ended.
    let reader = app.reader.clone();
    let closed = tokio::task::spawn_blocking(move || reader.close());
    if tokio::time::timeout(LAST_PICTURE, closed).await.is_err() {
        tracing::warn!("a picture was still being read");
    }
    drop(app);
    tracing::info!("stopped");
    Ok(())
}
