//! Cameras: fan-out, slow viewers, leaving, churn, detection.

use super::scenarios::{Scenario, Suite};

/// Only what is measured decides: no viewer gets fewer bytes than it was offered.
const AS_IT_IS: &str = "cameras.lower_quality=false";

pub(super) const SUITE: Suite = Suite {
    name: "cameras",
    settings: &[
        "cameras.allow=127.0.0.0/8",
        "cameras.max_viewers=2000",
        "server.max_connections=4096",
        "recognizer.dummy=true",
    ],
    one_core: false,
    scenarios: &[
        Scenario {
            name: "fan-out",
            title: "Fan-out",
            settings: &[AS_IT_IS],
            args: &["fan-out"],
            quick: &["--viewers", "10,100", "--seconds", "2", "--pairs", "1", "--pair-seconds", "2"],
        },
        Scenario {
            name: "slow",
            title: "Slow viewers",
            settings: &[AS_IT_IS],
            args: &["slow"],
            quick: &["--pairs", "1", "--seconds", "2", "--lag-seconds", "2"],
        },
        Scenario {
            name: "leaving",
            title: "The last viewer leaves, nothing lingers",
            settings: &["cameras.linger_s=0", "detector.model=motion"],
            args: &["leaving", "--linger-s", "0"],
            quick: &["--times", "1"],
        },
        Scenario {
            name: "leaving",
            title: "The last viewer leaves, cameras linger as usual",
            settings: &["detector.model=motion"],
            args: &["leaving", "--linger-s", "3", "--viewers", "1"],
            quick: &["--times", "1"],
        },
        Scenario {
            name: "churn",
            title: "Coming and going",
            settings: &["detector.model=motion"],
            args: &["churn"],
            quick: &["--viewers", "50", "--minutes", "0.2"],
        },
        Scenario {
            name: "detect",
            title: "Detection, motion",
            settings: &["detector.model=motion", AS_IT_IS],
            args: &["detect"],
            quick: &["--seconds", "2"],
        },
        Scenario {
            name: "detect",
            title: "Detection, YOLOX-nano",
            settings: &["detector.model=yolox-nano", AS_IT_IS],
            args: &["detect"],
            quick: &["--seconds", "2"],
        },
    ],
};
