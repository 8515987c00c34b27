//! Attacks: floods, messages that never end, connections that say nothing; the server on one core, the attackers on the others.

use super::scenarios::{Scenario, Suite};

pub(super) const SUITE: Suite = Suite {
    name: "attacks",
    settings: &["recognizer.max_clients=6000", "relay.max_streams=2000"],
    one_core: true,
    scenarios: &[
        Scenario {
            name: "flood",
            title: "Eight clients that flood, for 60 s each",
            settings: &[],
            args: &["flood"],
            quick: &["--seconds", "5"],
        },
        Scenario {
            name: "unfinished",
            title: "A thousand messages that never end, of 1,024 connections",
            settings: &["server.max_connections=1024"],
            args: &["unfinished"],
            quick: &["--connections", "200"],
        },
        Scenario {
            name: "idle",
            title: "Connections that say nothing",
            settings: &["server.max_connections=6000"],
            args: &["idle"],
            quick: &["--connections", "1000"],
        },
    ],
};
