//! `sightwire check`

use std::sync::Arc;
use std::time::SystemTime;

use sightwire_base::memory::budget::Budget;
use sightwire_documents::Drawing;
use sightwire_engine::cpu::Cpu;
use sightwire_listen::names;
use sightwire_server::config::keys::SECTIONS;
use sightwire_server::config::{Config, place};
use sightwire_server::{files, reach};
use sightwire_telemetry::logging;
use sightwire_tls::certificates::CertificateError;
use sightwire_tls::{Certificates, Source};

use super::{ConfigArgs, Mistake};
use crate::owner;
use crate::print::{Printer, note, out};

/// Prints each key, its value, and where it was set; or every mistake.
pub(super) fn run_check(args: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let (config, layers, of_configuration) = Config::load_what_can(&args.flags(&[]));
    let mut mistakes: Vec<anyhow::Error> = of_configuration.into_iter().map(Into::into).collect();
    mistakes.extend(config.build_guard().err().map(Into::into));
    mistakes.extend(logging::check_files(&config.log).err().map(|error| Mistake(error.into()).into()));
    let certificates = of_files(&config).unwrap_or_else(|error| {
        mistakes.push(error.into());
        None
    });
    if let Some(last) = mistakes.pop() {
        for mistake in mistakes {
            note!(printer, "error: {mistake:#}");
        }
        return Err(last);
    }
    let width = SECTIONS.keys().map(|key| key.name.len()).max().unwrap_or(0);
    for key in SECTIONS.keys() {
        let (value, origin) = layers.get(key.name);
        out!(printer, "{:<width$} = {}  ({origin})", key.name, key.show_value(value))?;
    }
    for camera in &config.cameras.configured {
        out!(
            printer,
            "camera {:?}: {} ({})",
            camera.id,
            camera.source.shown_address(),
            camera.source.mode().name()
        )?;
    }
    let cpu = Cpu::this_machine();
    out!(printer, "cpu: {} ({})", cpu.name, cpu.extensions)?;
    let budget = Budget::for_machine(config.server.memory_bytes);
    out!(printer, "memory: {budget}")?;
    let drawing = config.reader.pages.find_program(&|| true);
    if let Drawing::Ready(file) = &drawing {
        out!(printer, "drawing: PDF, AVIF and HEIC by {}", file.display())?;
    }
    out!(printer, "the configuration is valid")?;
    let of_files = files::limit_warning(&config, files::highest_limit());
    let one = [sightwire_engine::cpu::cpu_warning(), of_files, budget.warning()].into_iter().flatten();
    for warning in one.chain(reach::access_warnings(&config)) {
        note!(printer, "warning: {warning}");
    }
    if config.server.hosts.are_all() {
        note!(printer, "warning: {}", names::ALL_WARNING);
    }
    if let Drawing::Lacking(why) = drawing {
        note!(printer, "warning: PDF, AVIF and HEIC cannot be read: {why}");
    }
    let file = place::config_file(args.config.as_deref());
    if let Some(warning) = file.and_then(|file| owner::cannot_read(file, config.store.home())) {
        note!(printer, "warning: {warning}");
    }
    if let Some(note) = place::not_yours(args.config.as_deref()) {
        note!(printer, "note: {note}");
    }
    if reach::needs_keys(&config) {
        note!(printer, "note: who is not on this machine needs a key; `sightwire keys add` makes one");
    }
    let scheme = if config.tls.options.is_some() { "https" } else { "http" };
    for address in reach::addresses_to_open(&config.server.listen) {
        note!(printer, "note: other machines open {scheme}://{address}");
    }
    if let Some(warning) = certificates.and_then(|own| own.facts().warning(SystemTime::now())) {
        note!(printer, "warning: {warning}");
    }
    if config.recognizer.max_clients == 0 {
        note!(printer, "warning: recognizer.max_clients is 0: every client will be refused");
    }
    Ok(())
}

/// The certificate that is configured; what the server would make by itself is not made here.
pub(super) fn of_files(config: &Config) -> Result<Option<Arc<Certificates>>, CertificateError> {
    let options = config.tls.options.clone();
    let options = options.filter(|options| matches!(options.source, Source::Files { .. }));
    let names = || reach::names_now(config, config.server.listen.clone());
    options.map(|options| Certificates::open(options, names())).transpose()
}
