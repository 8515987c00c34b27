//! What `attacks`, `cameras` and `relay` consist of.

use super::scenarios::{Suite, scenario};

/// Floods, messages that never end, connections that say nothing; the server on one core, the attackers on the others.
pub(super) const ATTACKS: Suite = Suite {
    name: "attacks",
    settings: &["recognizer.max_clients=6000", "relay.max_streams=2000"],
    one_core: true,
    scenarios: &[
        scenario("flood", "Eight clients that flood, for 60 s each", "flood", "--seconds 5"),
        scenario(
            "unfinished",
            "A thousand messages that never end, of 1,024 connections",
            "unfinished",
            "--connections 200",
        )
        .with_settings(&["server.max_connections=1024"]),
        scenario("idle", "Connections that say nothing", "idle", "--connections 1000")
            .with_settings(&["server.max_connections=6000"]),
    ],
};

/// Only what is measured decides: no viewer gets fewer bytes than it was offered.
const AS_IT_IS: &str = "cameras.lower_quality=false";
const MOTION: &str = "detector.model=motion";

/// Fan-out, slow viewers, leaving, churn, detection.
pub(super) const CAMERAS: Suite = Suite {
    name: "cameras",
    settings: &[
        "cameras.allow=127.0.0.0/8",
        "cameras.max_viewers=2000",
        "server.max_connections=4096",
        "recognizer.dummy=true",
    ],
    one_core: false,
    scenarios: &[
        scenario("fan-out", "Fan-out", "fan-out", "--viewers 10,100 --seconds 2 --pairs 1 --pair-seconds 2")
            .with_settings(&[AS_IT_IS]),
        scenario("slow", "Slow viewers", "slow", "--pairs 1 --seconds 2 --lag-seconds 2")
            .with_settings(&[AS_IT_IS]),
        scenario("leaving", "The last viewer leaves, nothing lingers", "leaving --linger-s 0", "--times 1")
            .with_settings(&["cameras.linger_s=0", MOTION]),
        scenario(
            "leaving",
            "The last viewer leaves, cameras linger as usual",
            "leaving --linger-s 3 --viewers 1",
            "--times 1",
        )
        .with_settings(&[MOTION]),
        scenario("churn", "Coming and going", "churn", "--viewers 50 --minutes 0.2").with_settings(&[MOTION]),
        scenario("detect", "Detection, motion", "detect", "--seconds 2").with_settings(&[MOTION, AS_IT_IS]),
        scenario("detect", "Detection, YOLOX-nano", "detect", "--seconds 2")
            .with_settings(&["detector.model=yolox-nano", AS_IT_IS]),
    ],
};

/// At the limit a streamer sends thousands of pictures a second.
const ALL_THAT_COMES: &str = "relay.max_fps=100000";

/// Fan-out, delay, memory, slow viewers, leaving, churn.
pub(super) const RELAY: Suite = Suite {
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
        scenario("viewers", "One stream, fifty viewers", "--streams 1 --viewers 50", "--seconds 2"),
        scenario(
            "fan-out",
            "Fan-out",
            "fan-out --viewers 10,50,100,250,500",
            "--seconds 2 --pairs 1 --pair-seconds 2",
        )
        .with_settings(&[ALL_THAT_COMES]),
        scenario(
            "fan-out",
            "Fan-out, binary",
            "fan-out --viewers 10,50,100,250,500 --binary",
            "--seconds 2 --pairs 1 --pair-seconds 2",
        )
        .with_settings(&[ALL_THAT_COMES]),
        scenario("delay", "What the relay adds to the delay", "delay", "--pairs 1 --seconds 2"),
        scenario("memory", "Memory", "memory", "--viewers 10,100 --streams 8"),
        scenario("slow", "Slow viewers", "slow", "--pairs 1 --seconds 2"),
        scenario("streams", "Many streams", "--streams 4,8,16 --viewers 16 --lossy", "--seconds 2"),
        scenario("leaving", "A streamer leaves", "leaving", "--times 2"),
        scenario("churn", "Coming and going", "churn", "--viewers 50 --turns 10 --minutes 0.2"),
    ],
};
