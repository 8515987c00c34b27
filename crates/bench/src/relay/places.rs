//! Who connects to which server: one for all, or some of those that act as one.

use std::net::SocketAddr;

use crate::load::target::Target;
use anyhow::Result;

use super::Common;
use crate::live::messages::STREAM;
use crate::live::server::Server;
use crate::live::viewers::{Ask, Viewers};

const SEED: u64 = 1;

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
    pub(super) fn from_args(args: &PlaceArgs, common: &Common) -> Result<Self> {
        let servers = |urls: &[String]| {
            if urls.is_empty() {
                return Ok(vec![Server::from_args(&common.server)?]);
            }
            let servers = urls.iter().map(|url| Server::from_target(Target::parse(url, false)?));
            servers.collect::<Result<Vec<_>>>()
        };
        Ok(Self { senders: servers(&args.senders_at)?, viewers: servers(&args.viewers_at)? })
    }

    /// Where streams are sent to.
    pub(super) fn sender_addresses(&self) -> Vec<SocketAddr> {
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
    pub(super) fn make_asks(&self, common: &Common) -> Vec<Ask> {
        self.viewers.iter().map(|server| common.make_ask(server)).collect()
    }
}

/// This many viewers, spread over what they ask for; returns when each has a picture. Each watches all streams; or, if the number of
/// streams is given, one of them, which is drawn by lot, the same for each run.
pub(super) fn spread_viewers(
    viewers: &Viewers,
    asks: &[Ask],
    count: usize,
    one_of: Option<usize>,
) -> Result<()> {
    if let Some(streams) = one_of {
        let mut lots = fastrand::Rng::with_seed(SEED);
        for index in 0..count {
            let ask = &asks[index % asks.len()];
            let path = format!("{}?streams={STREAM}{}", ask.path, lots.usize(..streams));
            viewers.start_viewers(&Ask { path, ..ask.clone() }, 1)?;
        }
        return asks.first().map_or(Ok(()), |ask| viewers.open_viewers(ask, 0));
    }
    for (index, ask) in asks.iter().enumerate() {
        let share = (count + asks.len() - 1 - index) / asks.len();
        viewers.open_viewers(ask, share)?;
    }
    Ok(())
}
