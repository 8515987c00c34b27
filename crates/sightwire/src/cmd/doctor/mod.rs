//! `sightwire doctor`: what those who report a problem run and paste.
//!
//! - `report`: what is told, and without which secrets
//! - `machine`: this program and the one that draws, the system, CPU, memory, files
//! - `configuration`: what is set, and what is wrong with it
//! - `store`: the store, the engine, models
//! - `access`: keys, users, the certificate
//! - `server`: the one that is running, if one is
//! - `cluster`: the other processes, if there are any
//! - `cameras`: each, for a moment

mod access;
mod cameras;
mod cluster;
mod configuration;
mod machine;
mod report;
mod server;
mod store;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::ConfigArgs;
use crate::print::{Printer, format_count};
use report::{Check, Reporter};
pub(super) use server::ready;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire doctor                          what to paste into a report
  sightwire doctor --no-cameras --json      one JSON object, for a program

Each line begins with ok, warn or fail; what to do follows `->`. Keys, passwords and what
follows `?` in an address are never shown. A camera has 5 s, and all of it ends within two
minutes. Run it as the user that runs the server, with the same configuration; what flags of
`serve` set (--listen, --tls) is set by --set here (server.listen, tls.mode).

Exit codes: 0 nothing fails, 1 something does.")]
pub(super) struct DoctorArgs {
    /// Connect to no camera.
    #[arg(long)]
    no_cameras: bool,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// What reads files, or loads a library, may take this long; then it goes on without.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn run_doctor(args: &DoctorArgs, printer: &Printer) -> anyhow::Result<()> {
    let mut reporter = Reporter::new(printer, args.json);
    reporter.tell_all(machine::check_program())?;
    let (config, checks) = configuration::check_configuration(&args.config.flags(&[]));
    reporter.tell_all(machine::check_machine(&config))?;
    let of_pages = config.clone();
    reporter.tell_all(in_time("drawing", move || machine::check_drawing(&of_pages)))?;
    reporter.tell_all(checks)?;
    let of_store = config.clone();
    reporter.tell_all(in_time("store", move || store::check_store(&of_store)))?;
    let of_engine = config.clone();
    reporter.tell_all(in_time("engine", move || store::check_engine(&of_engine)))?;
    let of_access = config.clone();
    reporter.tell_all(in_time("access", move || access::check_access(&of_access)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let (running, check) = runtime.block_on(server::check_server(&config));
    reporter.tell_all([check])?;
    reporter.tell_all(runtime.block_on(cluster::check_cluster(&config)))?;
    if args.no_cameras {
        reporter.tell_all([Check::ok("cameras", "not tried (--no-cameras)")])?;
    } else {
        runtime.block_on(cameras::check_cameras(&config, running.as_ref(), &mut reporter))?;
    }
    // What still resolves a name is not waited for.
    runtime.shutdown_background();
    match reporter.end()? {
        0 => Ok(()),
        failed => bail!("{} failed", format_count(failed, "check")),
    }
}

/// What comes of `work`, or that it took too long: a network's folder that does not answer, for example.
fn in_time(id: &'static str, work: impl FnOnce() -> Vec<Check> + Send + 'static) -> Vec<Check> {
    let (give, take) = mpsc::channel();
    thread::spawn(move || give.send(work()));
    take.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let says = format!("it was not done within {} s", PATIENCE.as_secs());
        vec![Check::fail(id, says).cure("see whether the store's disk answers, and look at the log")]
    })
}
