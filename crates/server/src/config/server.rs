//! `server.*`: where the server is reached, and how much all may take together.

use std::net::SocketAddr;
use std::time::Duration;

use sightwire_base::address::Networks;
use sightwire_listen::base::{BasePath, BasePathError};
use sightwire_listen::names::HostNames;
use sightwire_settings::{ConfigError, Section, Values, section};

use super::{Config, Who};

section! {
    /// Where the server is reached, by whom, and how much all may take together.
    #[derive(Clone, Debug)]
    pub struct ServerOptions: "server", check {
        /// Addresses to listen on; a port alone is one of 127.0.0.1. Port 0 picks a free one. Use `0.0.0.0:8000` to be
        /// reached from other machines: then everybody needs a key, see `access.mode`.
        pub listen: Vec<SocketAddr> = key("listen", Addresses, ["127.0.0.1:8000"]);
        /// Origins whose pages may use this server from a browser. `*` allows all (but only pages of this machine, and
        /// origins that are listed, may read what cameras see); `[]` only the server's own page.
        pub cors_origins: Option<Vec<String>> = key("cors_origins", List, ["*"]).old_names(&["CORS_ORIGINS"]), parse parse_origins;
        /// Names that this server answers for, such as `vision.example.org`; `*.example.org` for every name below one,
        /// `*` for all (any page on the web may then act as this server's own). Addresses, `localhost` and the
        /// machine's own name (with and without `.local`) are always answered; requests for another name get 421. A
        /// reverse proxy that passes `Host` on needs its public name here.
        pub hosts: HostNames = key("hosts", List, []), parse |names| HostNames::parse(&names);
        /// Path below which a reverse proxy offers this server, such as `/sightwire`, if the proxy passes paths on as
        /// they are: it is taken off the beginning of each request's path, and paths without it are answered as well. A
        /// proxy that takes it off itself (`proxy_pass http://127.0.0.1:8000/;` in nginx) needs no setting: the pages
        /// and their sockets find their way from where they are. What such a proxy says in `X-Forwarded-Prefix` or
        /// `X-Ingress-Path` counts if it is one of `server.trusted_proxies`.
        pub base_path: BasePath = key("base_path", Text, ""), parse |text: String| base_path(&text);
        /// Connections at once, over all uses. One more is answered with 503 and Retry-After.
        pub max_connections: usize = key("max_connections", Int(1, 1_000_000), 1024);
        /// Networks and addresses of reverse proxies that are believed: for requests from these, the address in
        /// `Forwarded` or `X-Forwarded-For` counts (the last one that is not itself such a proxy's) in limits, attempts
        /// to log in, `[[access.legacy]]`, the log and the lists of viewers. They must set that header themselves. For
        /// all others the address of the connection counts.
        pub trusted_proxies: Networks = key("trusted_proxies", List, []), parse |list: Vec<String>| trusted_proxies(&list);
        /// Memory, in MiB, for all messages and bodies that have begun to arrive and are not complete (batches go to
        /// disk and do not count). When five eighths of it are used, the longest is given up: a WebSocket is closed
        /// with 1013, a request is answered with 503. So it has to be well above `socketio.max_message_mb` and
        /// `reader.max_image_mb`.
        pub receive_memory_bytes: usize = key("receive_memory_mb", Mib(1, 1 << 20), 256);
        /// Seconds within which a WebSocket message, or a body that is held in memory, has to arrive completely;
        /// otherwise 1008 or 408. A body of which nothing arrives for 15 s is given up earlier, and so is a picture to
        /// be read or a batch that arrives at less than 16 KiB/s after 30 s.
        pub receive_timeout: Duration = key("receive_timeout_s", Seconds(1.0, 3600.0), 60.0);
        /// Memory, in MiB, for data that waits to be sent to all Socket.IO clients together; at most 1 MiB of it for
        /// one client. What does not fit is not sent, and is counted.
        pub send_memory_bytes: usize = key("send_memory_mb", Mib(1, 1 << 20), 64);
        /// Memory, in MiB, that the process may use for itself, as the system counts it. Above it, new streams,
        /// cameras, viewers, clients, pictures and batches are refused, and what runs goes on; below 95 % of it they
        /// are accepted again. 0 takes 80 % of what the machine or its control group allows.
        pub memory_bytes: Option<u64> = key("memory_mb", Mib(0, 1 << 24), 0) => |bytes| Some(bytes as u64).filter(|bytes| *bytes > 0);
        /// Seconds that connections get to end after SIGTERM.
        pub drain: Duration = key("drain_s", Seconds(0.0, 600.0), 5.0);
        /// Who may end streams, disconnect viewers, and have the server get a missing ONNX Runtime library: local (on
        /// this machine, or with an operator's key), anyone (everyone who reaches the server, without a key; to be
        /// removed) or nobody.
        pub managing: Who = key("managing", WhoMay, "local");
    }
}

/// The keys of the server as a whole.
pub static SERVER: Section = Section::new("server", ServerOptions::KEYS);

/// Paths of this server's own, which would not be found any more.
const OWN_PATHS: [&str; 9] =
    ["api", "assets", "debug", "health", "login", "socket.io", "stream", "streams", "ws"];

impl ServerOptions {
    fn check(&self, values: Values<'_>) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            let reason = "at least one address is needed, such as 127.0.0.1:8000";
            return Err(values.invalid("server.listen", reason));
        }
        Ok(())
    }
}

impl Config {
    /// Within which bounds connections are served.
    pub fn listen_options(&self) -> sightwire_listen::Options {
        let server = &self.server;
        sightwire_listen::Options {
            max_connections: server.max_connections,
            receive_memory_bytes: server.receive_memory_bytes,
            receive_timeout: server.receive_timeout,
            send_memory_bytes: server.send_memory_bytes,
            // What is left is for what ends after the answers.
            last_answer: server.drain.mul_f64(0.8),
            per_address: self.limits.per_address(server.trusted_proxies.clone()),
            per_asker: self.limits.per_asker(),
        }
    }
}

/// `None`, for all, where `*` is among them.
fn parse_origins(list: Vec<String>) -> Result<Option<Vec<String>>, String> {
    let plain = |origin: &str| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '*', '\'', '"']))
    };
    if let Some(wrong) = list.iter().find(|origin| *origin != "*" && !plain(origin)) {
        return Err(format!("{wrong:?} is not an origin such as https://example.org, nor *"));
    }
    Ok(Some(list).filter(|list| !list.iter().any(|origin| origin == "*")))
}

fn base_path(text: &str) -> Result<BasePath, String> {
    let path: BasePath = text.parse().map_err(|error: BasePathError| error.to_string())?;
    let first = path.as_str().split('/').nth(1).unwrap_or_default();
    if OWN_PATHS.contains(&first) {
        return Err(format!("/{first} is a path of this server; choose another, such as /sightwire"));
    }
    Ok(path)
}

fn trusted_proxies(list: &[String]) -> Result<Networks, String> {
    let networks = Networks::parse(list).map_err(|error| error.to_string())?;
    if let Some(everybody) = networks.everybody() {
        return Err(format!(
            "\"{everybody}\" is everybody: whoever reaches the server could say that they come from anywhere; name the proxies alone"
        ));
    }
    Ok(networks)
}
