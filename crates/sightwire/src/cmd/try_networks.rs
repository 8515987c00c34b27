//! `sightwire try-networks`: the child of a trial; started by this program alone.

use sightwire_engine::trial::child;

pub(super) fn run_trials() -> anyhow::Result<()> {
    Ok(child::run_trial(&mut |_| {})?)
}
