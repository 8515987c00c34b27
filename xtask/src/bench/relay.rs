//! The relay: fan-out, delay, memory, slow viewers, leaving, churn.

use super::scenarios::{Scenario, Suite};

pub(super) const SUITE: Suite = Suite {
    name: "relay",
    settings: &[
        "relay.max_viewers=2000",
        "server.max_connections=4096",
        // Only what is measured decides: no viewer gets fewer bytes than it was offered.
        "relay.lower_quality=false",
        "recognizer.dummy=true",
    ],
    one_core: false,
    scenarios: &[
        Scenario {
            name: "viewers",
            title: "One stream, fifty viewers",
            settings: &[],
            args: &["--streams", "1", "--viewers", "50"],
            quick: &["--seconds", "2"],
        },
        Scenario {
            name: "fan-out",
            title: "Fan-out",
            settings: &[ALL_THAT_COMES],
            args: &["fan-out", "--viewers", "10,50,100,250,500"],
            quick: &["--seconds", "2", "--pairs", "1", "--pair-seconds", "2"],
        },
        Scenario {
            name: "fan-out",
            title: "Fan-out, binary",
            settings: &[ALL_THAT_COMES],
            args: &["fan-out", "--viewers", "10,50,100,250,500", "--binary"],
            quick: &["--seconds", "2", "--pairs", "1", "--pair-seconds", "2"],
        },
        Scenario {
            name: "delay",
            title: "What the relay adds to the delay",
            settings: &[],
            args: &["delay"],
            quick: &["--pairs", "1", "--seconds", "2"],
        },
        Scenario {
            name: "memory",
            title: "Memory",
            settings: &[],
            args: &["memory"],
            quick: &["--viewers", "10,100", "--streams", "8"],
        },
        Scenario {
            name: "slow",
            title: "Slow viewers",
            settings: &[],
            args: &["slow"],
            quick: &["--pairs", "1", "--seconds", "2"],
        },
        Scenario {
            name: "streams",
            title: "Many streams",
            settings: &[],
            args: &["--streams", "4,8,16", "--viewers", "16", "--lossy"],
            quick: &["--seconds", "2"],
        },
        Scenario {
            name: "leaving",
            title: "A streamer leaves",
            settings: &[],
            args: &["leaving"],
            quick: &["--times", "2"],
        },
        Scenario {
            name: "churn",
            title: "Coming and going",
            settings: &[],
            args: &["churn"],
            quick: &["--viewers", "50", "--turns", "10", "--minutes", "0.2"],
        },
    ],
};

/// At the limit a streamer sends thousands of pictures a second.
const ALL_THAT_COMES: &str = "relay.max_fps=100000";
