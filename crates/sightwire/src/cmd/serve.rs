//! `sightwire serve`

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use sightwire_config::Config;
use sightwire_listen::names;
use sightwire_listen::socket::{self, Listener};
use sightwire_server::Server;
use sightwire_server::telemetry::logging;
use sightwire_server::{files, reach};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::ConfigArgs;
use crate::print::{Printer, out};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire serve --port 8001
  sightwire serve --listen 0.0.0.0:8000 --set recognizer.max_clients=100

Prints `listening on http://ADDRESS` when it is ready. Ends with 0 after SIGTERM or Ctrl-C.")]
pub(super) struct ServeArgs {
    /// Address to listen on, or a port of 127.0.0.1; port 0 picks a free one. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// The same as `--listen 127.0.0.1:PORT`.
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &ServeArgs, printer: &Printer) -> anyhow::Result<()> {
    // A port is an address to listen on.
    let listen: Vec<String> = args.listen.iter().cloned().chain(args.port.map(|p| p.to_string())).collect();
    let config = Config::load_to_serve(&args.config.flags(&listen))?;
    let _log = logging::start(&config.log);
    if let Some(warning) = sightwire_infer::cpu::warning() {
        tracing::warn!("{warning}");
    }
    if config.server.hosts.are_all() {
        tracing::warn!("{}", names::ALL_WARNING);
    }
    for warning in reach::warnings(&config) {
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
    let served = runtime.block_on(serve(config, printer.clone()));
    // Everything of ours has ended within the drain time; what a library left is cut here.
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

async fn serve(config: Config, printer: Printer) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let (mut listeners, mut addresses): (Vec<Box<dyn Listener>>, Vec<SocketAddr>) = Default::default();
    for address in &config.server.listen {
        let v6_only =
            config.server.listen.iter().any(|other| other.is_ipv4() && other.port() == address.port());
        let listener = socket::bind(*address, v6_only).with_context(|| {
            format!("cannot listen on {address} (taken, or not an address of this machine); choose another with --listen or --port")
        })?;
        addresses.push(listener.local_addr().context("cannot tell the address")?);
        listeners.push(Box::new(listener));
    }
    // Not before the addresses are ours: a key that nobody uses would be lost with an error.
    let key = reach::first_key(&config)?;
    let announce = move || {
        // Whoever waits for these lines may be gone after the first.
        let _ = addresses.iter().try_for_each(|a| out!(printer, "listening on http://{a}"));
        if let Some(key) = key {
            let _ = out!(printer, "admin key: {} (keep it: it is not shown again)", key.reveal());
        }
    };
    let stop = CancellationToken::new();
    let asked = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = Server::new(config).on_ready(announce).run(listeners, stop.clone()) => served,
        () = asked => Ok(()),
    }
}
