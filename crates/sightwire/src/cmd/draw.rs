//! `sightwire draw`: draws a page of a file, confined; started by this program alone.

pub(super) fn run() -> anyhow::Result<()> {
    Ok(sightwire_draw::run()?)
}
