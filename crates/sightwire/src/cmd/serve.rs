//! `sightwire serve`

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use sightwire_access::Role;
use sightwire_access::link::{LASTS, Unused};
use sightwire_listen::names;
use sightwire_listen::socket::{self, Listener};
use sightwire_server::config::{Config, Flags, place};
use sightwire_server::reload::Source;
use sightwire_server::server::{Server, Started};
use sightwire_server::{files, reach};
use sightwire_telemetry::logging;
use sightwire_telemetry::otlp::Exporter;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{ConfigArgs, Mistake};
use crate::print::{Printer, note, out};
use crate::{owner, systemd};

/// What ends after `server.drain_s` may take this long.
const LAST: Duration = Duration::from_secs(10);
/// A thread that waits for disks ends after this time without work. Every half second keys are looked at, by one such thread after
/// the other: with tokio's ten seconds, as many as a burst needed (up to twenty) would never end.
const IDLE_THREAD: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire serve --port 8001
  sightwire serve --lan             for phones and other machines nearby, over HTTPS
  sightwire serve --listen 0.0.0.0:8000 --set recognizer.max_clients=100

Prints `listening on http://ADDRESS` when it is ready. Ends with 0 after SIGTERM or Ctrl-C.
SIGHUP has it read its configuration and certificate again: what needs a restart is named in the log.")]
pub(super) struct ServeArgs {
    /// Address to listen on, or a port of 127.0.0.1; port 0 picks a free one. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// The same as `--listen 127.0.0.1:PORT`.
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Encrypt connections: self-signed, or files (`tls.certificate_file`, `tls.key_file`).
    #[arg(long, value_name = "MODE")]
    tls: Option<String>,
    /// Be reached from other machines, over HTTPS, and show a code that logs a phone in.
    #[arg(long, conflicts_with = "listen")]
    lan: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run_serve(args: &ServeArgs, printer: &Printer) -> anyhow::Result<()> {
    // A port is an address to listen on.
    let listen: Vec<String> = args.listen.iter().cloned().chain(args.port.map(|p| p.to_string())).collect();
    let mut flags = Flags { tls: args.tls.clone(), lan: args.lan, ..args.config.flags(&listen) };
    // A reload reads this very file, also where it is gone meanwhile: another one, or none, is another configuration.
    flags.file = place::config_file(flags.file.as_deref()).map(Path::to_owned);
    let (started, config) = Config::load_to_serve(&flags)?;
    owner::refuse_root(config.store.home())?;
    let source = Source { started, read: Box::new(move || Config::load_to_serve(&flags)) };
    let _log = logging::start_logging(&config.log).map_err(|error| Mistake(error.into()))?;
    // It ends before the log does, and has the last lines.
    let exporter = config.otlp.clone().and_then(|otlp| {
        Exporter::start(otlp).inspect_err(|error| tracing::error!("{error}")).ok().map(Arc::new)
    });
    if let Some(warning) = sightwire_engine::cpu::cpu_warning() {
        tracing::warn!("{warning}");
    }
    if config.server.hosts.are_all() {
        tracing::warn!("{}", names::ALL_WARNING);
    }
    for warning in reach::access_warnings(&config) {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = files::limit_warning(&config, files::raise_limit()) {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("net")
        .thread_keep_alive(IDLE_THREAD)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(run_server((config, source), exporter.clone(), args.lan, printer.clone()));
    // Everything of ours has ended within the drain time; what a library left is cut here.
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

async fn run_server(
    (config, source): (Config, Source),
    exporter: Option<Arc<Exporter>>,
    lan: bool,
    printer: Printer,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let listeners = box_listeners(bind_listeners(&config.server.listen, "--listen or --port")?);
    let redirecting = box_listeners(bind_listeners(&config.tls.redirect_listen, "tls.redirect_listen")?);
    let inferring = bind_listeners(&config.engine.listen, "engine.listen")?;
    let addresses = |listeners: &[Box<dyn Listener>]| {
        let all = listeners.iter().map(|listener| listener.address());
        all.collect::<std::io::Result<Vec<_>>>().context("cannot tell the address")
    };
    let (own, plain) = (addresses(&listeners)?, addresses(&redirecting)?);
    // Not before the addresses are ours: a key that nobody uses would be lost with an error.
    let first = reach::first_key(&config)?;
    if let Some(key) = &first {
        // At once, and if need be elsewhere: nobody can learn it later, and the start may fail.
        let line = format!("admin key: {} (keep it: it is not shown again)", key.reveal());
        if out!(printer, "{line}").is_err() {
            note!(printer, "{line}");
        }
    }
    let lan = lan.then(|| reach::lan_key(&config)).transpose()?;
    let (drain, starting) = (config.server.drain, tokio::spawn(systemd::extend_start()));
    let announce = move |started: &Started| {
        starting.abort();
        systemd::notify_ready(
            &started.reach.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        );
        let life = started.life.clone();
        tokio::spawn(async move { systemd::feed_watchdog(&life).await });
        // The reader of these lines may be gone after the first.
        let scheme = started.reach.scheme();
        let _ = own.iter().try_for_each(|a| out!(printer, "listening on {scheme}://{a}"));
        let _ = plain.iter().try_for_each(|a| out!(printer, "redirecting from http://{a}"));
        if let (Some(_), Some(url)) = (&first, started.reach.url_for_others()) {
            let _ = out!(printer, "open {url} on another machine, and log in with the admin key");
        }
        if let Some(certificates) = &started.reach.certificates
            && let Some(authority) = certificates.facts().authority
        {
            let _ = out!(printer, "certificate authority: SHA-256 {}", authority.fingerprint);
        }
        if let Some((id, role)) = lan {
            show_code(started, &id, role, &printer);
        }
    };
    let (stop, reload) = (CancellationToken::new(), Arc::new(Notify::new()));
    let asked = async {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reload.notify_one(),
            }
        }
        systemd::notify_stop(drain + LAST);
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let server = Server::new(config)
        .with_exporter(exporter)
        .with_redirects(redirecting)
        .with_inference(inferring)
        .with_config_reload(source, reload.clone())
        .on_ready(announce);
    tokio::select! {
        served = server.run(listeners, stop.clone()) => served,
        () = asked => Ok(()),
    }
}

/// `by`: what to change where an address cannot be had.
fn bind_listeners(addresses: &[SocketAddr], by: &str) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in addresses {
        let v6_only = addresses.iter().any(|other| other.is_ipv4() && other.port() == address.port());
        let listener = socket::bind_tcp(*address, v6_only).with_context(|| {
            format!("cannot listen on {address} (taken, or not an address of this machine); choose another with {by}")
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn box_listeners(listeners: Vec<TcpListener>) -> Vec<Box<dyn Listener>> {
    listeners.into_iter().map(|listener| Box::new(listener) as _).collect()
}

/// Shows, for a phone's camera, the way to this server.
fn show_code(started: &Started, key: &str, role: Role, printer: &Printer) {
    let Some(base) = started.reach.urls().into_iter().next() else {
        note!(printer, "this machine has no address that a phone could open: is it connected to a network?");
        return;
    };
    let Ok(token) = started.access.link_to(key, Unused::Keeps) else { return };
    let url = reach::login_url(&base, token.reveal());
    if let Ok(code) = QrCode::with_error_correction_level(&url, EcLevel::L) {
        let code = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        let _ = out!(printer, "\n{code}\n");
    }
    let _ = out!(printer, "to log a phone in as {}, scan this, or open {url}", role.with_article());
    let minutes = LASTS.as_secs() / 60;
    let _ = out!(
        printer,
        "it works once, for {minutes} minutes; the browser warns until the phone trusts {base}{}",
        reach::AUTHORITY
    );
}
