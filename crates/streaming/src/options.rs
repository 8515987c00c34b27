//! `socketio.*`: connections of Socket.IO.

use std::time::Duration;

use sightwire_settings::{Section, section};

section! {
    /// Connections of Socket.IO.
    #[derive(Clone, Debug)]
    pub struct SocketIoOptions: "socketio" {
        /// Seconds between pings to a Socket.IO client.
        pub ping_interval: Duration = key("ping_interval_s", Seconds(0.1, 3600.0), 25.0).old_names(&["SOCKETIO_PING_INTERVAL"]);
        /// Seconds after which a Socket.IO client that does not answer a ping has left.
        pub ping_timeout: Duration = key("ping_timeout_s", Seconds(0.1, 3600.0), 60.0).old_names(&["SOCKETIO_PING_TIMEOUT"]);
        /// Largest message of a client, in MiB.
        pub max_message_bytes: usize = key("max_message_mb", Mib(1, 1024), 10);
    }
}

/// The keys of Socket.IO.
pub static SOCKETIO: Section = Section::new("socketio", SocketIoOptions::KEYS);
