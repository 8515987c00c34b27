//! `server.memory_mb`, `server.trusted_proxies` and `limits.*`: how much all may take together, and one address or key.

use sightwire_listen::{PerAddress, PerAsker};
use sightwire_measure::address::Networks;

use super::{Config, ConfigError, Values};

/// What all of it may take, and one address or key.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of the process; `None` takes a share of what there is.
    pub memory_bytes: Option<u64>,
    /// Proxies whose word on the address of a client counts.
    pub trusted_proxies: Networks,
    /// Open connections of one address; 0: no limit.
    pub connections_per_address: usize,
    /// New connections of one address a second; 0: no limit.
    pub connection_rate: u32,
    /// Open connections with one key or of one user; 0: no limit.
    pub connections_per_key: usize,
    /// Of one key, user or address; 0: no limit.
    pub requests_per_s: u32,
    /// MiB per second that one key, user or address sends; 0: no limit.
    pub mb_per_s: u32,
    /// Frames of live streams of one key, user or address per second; 0: no limit.
    pub frames_per_s: u32,
}

impl Config {
    /// Within which bounds connections are served.
    pub fn listen_options(&self) -> sightwire_listen::Options {
        let limits = &self.limits;
        let per_address = PerAddress {
            connections: limits.connections_per_address,
            connection_rate: limits.connection_rate,
            exempt: limits.trusted_proxies.clone(),
        };
        let per_asker = PerAsker { connections: limits.connections_per_key, mib_per_s: limits.mb_per_s };
        sightwire_listen::Options { per_address, per_asker, ..self.server.listen_options() }
    }
}

pub(super) fn read(r: &Values<'_>) -> Result<Limits, ConfigError> {
    let memory = (r.int("server.memory_mb", 0, 1 << 24)? as u64) << 20;
    let trusted_proxies = Networks::parse(&r.list("server.trusted_proxies")?)
        .map_err(|error| r.invalid("server.trusted_proxies", &error.to_string()))?;
    if let Some(everybody) = trusted_proxies.everybody() {
        let reason = format!(
            "\"{everybody}\" is everybody: whoever reaches the server could say that they come from anywhere; name the proxies alone"
        );
        return Err(r.invalid("server.trusted_proxies", &reason));
    }
    Ok(Limits {
        memory_bytes: Some(memory).filter(|bytes| *bytes > 0),
        trusted_proxies,
        connections_per_address: r.int("limits.connections_per_address", 0, 1_000_000)?,
        connection_rate: r.int("limits.connection_rate", 0, 1_000_000)? as u32,
        connections_per_key: r.int("limits.connections_per_key", 0, 1_000_000)?,
        requests_per_s: r.int("limits.requests_per_s", 0, 1_000_000)? as u32,
        mb_per_s: r.int("limits.mb_per_s", 0, 100_000)? as u32,
        frames_per_s: r.int("limits.frames_per_s", 0, 1_000_000)? as u32,
    })
}
