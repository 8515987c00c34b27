//! `sightwire ready`

use anyhow::{Context as _, anyhow};

use super::{ConfigArgs, doctor};
use crate::print::{Printer, out};

/// Asks the server that is running where the configuration says.
pub(super) fn run_ready(args: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let config = args.load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let base = runtime.block_on(doctor::ready(&config)).map_err(|reason| anyhow!(reason))?;
    // What still resolves a name is not waited for.
    runtime.shutdown_background();
    out!(printer, "{base} is ready")?;
    Ok(())
}
