//! How many files the system lets the server have open. Each connection is one, and so is much else.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// What the server has open for itself: models and library, log, listeners, batches, trials, who asks for a name.
const RESERVE: usize = 64;

/// Takes all that the system lets this process take (the usual soft limit is 1024). What is in force then; `None` without a
/// limit.
pub fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it was");
    }
    getrlimit(Resource::Nofile).current
}

/// What a server that is started here would have.
pub fn highest_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Files that may be open at once, as the limits of this configuration are.
pub fn needed_files(config: &Config) -> u64 {
    let live = &config.cameras;
    (config.server.max_connections + live.max_upstreams + live.max_named + RESERVE) as u64
}

/// For the operator, where the server cannot have as many files open as its limits allow.
pub fn limit_warning(config: &Config, limit: Option<u64>) -> Option<String> {
    let limit = limit?;
    let live = &config.cameras;
    let (connections, cameras) = (config.server.max_connections, live.max_upstreams + live.max_named);
    let needed = needed_files(config);
    if limit >= needed {
        return None;
    }
    let fit = limit.saturating_sub((cameras + RESERVE) as u64);
    Some(format!(
        "{needed} files may be needed at once: {connections} connections (server.max_connections), {cameras} cameras \
         (cameras.max_upstreams, cameras.max_named) and {RESERVE} for the server itself; the system allows {limit}, so that {fit} connections \
         are certain to fit. Raise the limit (`ulimit -n {needed}` before the start, LimitNOFILE={needed} for systemd), or lower \
         server.max_connections"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    #[test]
    fn a_limit_of_open_files_that_is_too_low_is_warned_of_with_the_numbers_and_the_cure() {
        let mut layers = load::default_layers();
        layers.add_flag("server.max_connections=1024").unwrap();
        layers.add_flag("cameras.max_upstreams=9").unwrap();
        layers.add_flag("cameras.max_named=3").unwrap();
        let config = Config::from_layers(&layers).unwrap();
        for enough in [None, Some(1100), Some(1 << 20)] {
            assert_eq!(limit_warning(&config, enough), None);
        }
        let text = limit_warning(&config, Some(1099)).unwrap();
        for part in [
            "1100 files",
            "1024 connections",
            "12 cameras",
            "allows 1099",
            "so that 1023",
            "ulimit -n 1100",
            "LimitNOFILE=1100",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            limit_warning(&config, Some(64)).unwrap().contains("so that 0 connections are certain to fit")
        );
    }
}
