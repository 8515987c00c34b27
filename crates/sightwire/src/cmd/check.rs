//! `sightwire check`

use sightwire_config::{Layers, keys};
use sightwire_infer::cpu::Cpu;
use sightwire_listen::names;
use sightwire_server::{files, reach};

use super::ConfigArgs;
use crate::print::{Printer, note, out};

/// Prints each key, its value, and where it was set.
pub(super) fn run(args: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let layers = Layers::load(&args.flags(&[]))?;
    let config = sightwire_config::Config::from_layers(&layers)?;
    config.check_model(&layers)?;
    config.guard()?;
    let width = keys::KEYS.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in keys::KEYS {
        let (value, origin) = layers.get(key.name);
        let is_set = value.as_str() != Some("");
        let shown =
            if keys::may_hold_password(key.name) && is_set { "(set)".into() } else { value.to_string() };
        out!(printer, "{:<width$} = {shown}  ({origin})", key.name)?;
    }
    for camera in &config.cameras.live.configured {
        out!(printer, "camera {:?}: {} ({})", camera.id, camera.source.shown(), camera.source.mode().name())?;
    }
    let cpu = Cpu::here();
    out!(printer, "cpu: {} ({})", cpu.name, cpu.extensions)?;
    out!(printer, "the configuration is valid")?;
    let of_files = files::warning(&config, files::highest_limit());
    let one = [sightwire_infer::cpu::warning(), of_files].into_iter().flatten();
    for warning in one.chain(reach::warnings(&config)) {
        note!(printer, "warning: {warning}");
    }
    if config.server.hosts.are_all() {
        note!(printer, "warning: {}", names::ALL_WARNING);
    }
    if reach::needs_keys(&config) {
        note!(printer, "note: who is not on this machine needs a key; `sightwire keys add` makes one");
    }
    for address in reach::addresses_to_open(&config.server.listen) {
        note!(printer, "note: other machines open http://{address}");
    }
    if config.recognizer.max_clients == 0 {
        note!(printer, "warning: recognizer.max_clients is 0: every client will be refused");
    }
    Ok(())
}
