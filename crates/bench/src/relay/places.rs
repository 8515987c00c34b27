//! Who connects to which server: one for all, or some of those that act as one.

use std::net::SocketAddr;

use anyhow::Result;
use sightwire_load::target::Target;

use super::Common;
use crate::live::messages::STREAM;
use crate::live::server::Server;
use crate::live::viewers::{Ask, Viewers};

/// Of the lots.
const SEED: u64 = 1;

/// The options.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    /// Where streams are sent to instead of to --url; with several, in turn
    #[arg(long, value_name = "URL")]
    senders_at: Vec<String>,
    /// Where viewers are instead of at --url; with several, in turn
    #[arg(long, value_name = "URL")]
    viewers_at: Vec<String>,
}

/// Servers on this machine, at least one of each.
pub(super) struct Places {
    senders: Vec<Server>,
    viewers: Vec<Server>,
}

impl Places {
    /// Finds the processes. Where nothing else is said, it is the server that all scenarios have.
    pub(super) fn find(args: &PlaceArgs, common: &Common) -> Result<Self> {
        let servers = |urls: &[String]| {
            if urls.is_empty() {
                return Ok(vec![Server::find(&common.server)?]);
            }
            let servers = urls.iter().map(|url| Server::at(Target::parse(url, false)?));
            servers.collect::<Result<Vec<_>>>()
        };
        Ok(Self { senders: servers(&args.senders_at)?, viewers: servers(&args.viewers_at)? })
    }

    /// Where streams are sent to.
    pub(super) fn senders(&self) -> Vec<SocketAddr> {
        self.senders.iter().map(Server::address).collect()
    }

    /// Each process once: first those of streams, then those of viewers.
    pub(super) fn pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for server in self.senders.iter().chain(&self.viewers) {
            if !pids.contains(&server.pid()) {
                pids.push(server.pid());
            }
        }
        pids
    }

    /// What viewers ask for, at each of their places.
    pub(super) fn asks(&self, common: &Common) -> Vec<Ask> {
        self.viewers.iter().map(|server| common.ask(server)).collect()
    }
}

/// So many viewers, spread over what they ask for; returns when each has a picture. Each watches all streams; or, if the number of
/// streams is given, one of them, which is drawn by lot, the same for each run.
pub(super) fn open(viewers: &Viewers, asks: &[Ask], count: usize, one_of: Option<usize>) -> Result<()> {
    if let Some(streams) = one_of {
        let mut lots = fastrand::Rng::with_seed(SEED);
        for index in 0..count {
            let ask = &asks[index % asks.len()];
            let path = format!("{}?streams={STREAM}{}", ask.path, lots.usize(..streams));
            viewers.begin(&Ask { path, ..ask.clone() }, 1)?;
        }
        return asks.first().map_or(Ok(()), |ask| viewers.open(ask, 0));
    }
    for (index, ask) in asks.iter().enumerate() {
        let share = (count + asks.len() - 1 - index) / asks.len();
        viewers.open(ask, share)?;
    }
    Ok(())
}
