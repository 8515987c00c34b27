//! The same viewers at a server that asks for a key and at one that is open, in turn: what it costs to know who watches.

use anyhow::Result;

use super::pairs::{self, Shape, Side};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A server with access.mode = "open", on this machine
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// A server with access.mode = "protected", on this machine
    #[arg(long, default_value = "http://127.0.0.1:8001")]
    protected_url: String,
    /// An operator's key at that server
    #[arg(long)]
    key: String,
    #[command(flatten)]
    shape: Shape,
}

/// Prints a table with a row for each number of viewers.
pub(crate) fn main(args: &Args) -> Result<()> {
    let protected = Side { key: Some(args.key.clone()), ..Side::new("with a key", &args.protected_url)? };
    pairs::compare_sides(&Side::new("open", &args.url)?, &protected, &args.shape)
}
