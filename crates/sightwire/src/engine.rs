//! What runs networks, for commands.

use sightwire_engine::Engine;
use sightwire_engine::shared;
use sightwire_engine::trial::Subject;
use sightwire_import::missing::{self, Missing};
use sightwire_server::config::Config;

use crate::print::{Printer, note};

/// Loads the library, and makes an engine.
pub fn load_engine(config: &Config, printer: &Printer) -> anyhow::Result<Engine> {
    shared::open_engine(&config.engine_settings()).map_err(anyhow::Error::new).inspect_err(|error| {
        if Missing::from_error(error, &config.engine_settings()) == Some(Missing::Runtime)
            && let Some(other) = missing::other_home(&config.store)
        {
            note!(printer, "note: {other}");
        }
    })
}

/// All ways of running these are measured, `again` if they were before. Says so where that takes a while.
pub fn measure_networks(
    engine: &Engine,
    model: &str,
    subjects: &[Subject],
    again: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    if again || !engine.is_measured(subjects) {
        note!(printer, "{model}: finding the fastest way to run it on this machine");
    }
    if again { engine.measure_again(subjects, &|| true) } else { engine.measure_ways(subjects, &|| true) }?;
    for warning in engine.warnings() {
        note!(printer, "warning: {warning}");
    }
    Ok(())
}
