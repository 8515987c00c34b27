//! `limits.*`: how much one address, key or user may take.

use sightwire_base::address::Networks;
use sightwire_settings::{Section, section};

use crate::asker::PerAsker;
use crate::per_address::PerAddress;

section! {
    /// What one address, key or user may take; 0 means no limit.
    #[derive(Clone, Debug)]
    pub struct LimitOptions: "limits" {
        /// Open connections of one address (IPv6: of one /64). One more is answered with 503 and Retry-After. 0: no
        /// limit. This machine and `server.trusted_proxies` have none.
        pub connections_per_address: usize = key("connections_per_address", Int(0, 1_000_000), 256).at_once();
        /// New connections of one address per second; four times as many at once. One more is answered with 503 and
        /// Retry-After. 0: no limit. This machine and `server.trusted_proxies` have none.
        pub connection_rate: u32 = key("connection_rate", Int(0, 1_000_000), 50).at_once() => |rate| rate as u32;
        /// Open connections with one key or of one user, wherever they are. A request on one more is answered with 429
        /// and Retry-After. 0: no limit, since all viewers of a page may have one key. Connections from this machine
        /// have none, unless a proxy has passed them on.
        pub connections_per_key: usize = key("connections_per_key", Int(0, 1_000_000), 0).at_once();
        /// Requests per second (WebSocket handshakes and Socket.IO's polling included) with one key or of one user, and
        /// without either from one address; five times as many at once. One more is answered with 429 and Retry-After.
        /// 0: no limit. Requests from this machine have none, unless a proxy has passed them on.
        pub requests_per_s: u32 = key("requests_per_s", Int(0, 1_000_000), 1000).at_once() => |rate| rate as u32;
        /// MiB per second that come from one key, user or address over all its connections; twice as many at once.
        /// Beyond that it is read more slowly, and nothing is lost. 0: no limit. Connections from this machine have
        /// none, unless a proxy has passed them on.
        pub mb_per_s: u32 = key("mb_per_s", Int(0, 100_000), 100).at_once() => |rate| rate as u32;
        /// Frames per second that one key, user or address sends over Socket.IO and `/ws/stream/`, all its streams
        /// together; twice as many at once. What is more is dropped. 0: no limit. Connections from this machine have
        /// none, unless a proxy has passed them on.
        pub frames_per_s: u32 = key("frames_per_s", Int(0, 1_000_000), 2000).at_once() => |rate| rate as u32;
    }
}

/// The keys of limits.
pub static LIMITS: Section = Section::new("limits", LimitOptions::KEYS);

impl LimitOptions {
    /// For each address but those that are exempt.
    pub fn per_address(&self, exempt: Networks) -> PerAddress {
        PerAddress {
            connections: self.connections_per_address,
            connection_rate: self.connection_rate,
            exempt,
        }
    }

    /// For each key, user or address.
    pub fn per_asker(&self) -> PerAsker {
        PerAsker { connections: self.connections_per_key, mib_per_s: self.mb_per_s }
    }
}
