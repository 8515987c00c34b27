//! `relay.*`: streams that clients send, and their viewers.

use sightwire_live::options::{Deadline, Overlays, RelayOptions};

use super::{ConfigError, Values};

pub(super) fn read(r: &Values<'_>) -> Result<RelayOptions, ConfigError> {
    let deadline = Deadline {
        first: r.seconds("relay.viewer_deadline_s", 0.05, 600.0)?,
        min: r.seconds("relay.viewer_deadline_min_s", 0.05, 600.0)?,
        max: r.seconds("relay.viewer_deadline_max_s", 0.05, 600.0)?,
    };
    if deadline.min > deadline.max {
        let reason = "it must not be longer than relay.viewer_deadline_max_s";
        return Err(r.invalid("relay.viewer_deadline_min_s", reason));
    }
    Ok(RelayOptions {
        max_streams: r.int("relay.max_streams", 0, 100_000)?,
        max_viewers: r.int("relay.max_viewers", 0, 1_000_000)?,
        warn_after: r.seconds("relay.warn_after_s", 0.05, 86_400.0)?,
        end_after: r.seconds("relay.end_after_s", 0.05, 86_400.0)?,
        hidden_end_after: r.seconds("relay.hidden_end_after_s", 0.05, 86_400.0)?,
        stalled_after: r.seconds("relay.stalled_after_s", 0.05, 86_400.0)?,
        ping_interval: r.seconds("relay.ping_interval_s", 0.05, 3600.0)?,
        max_frame_bytes: r.int("relay.max_frame_mb", 1, 256)? << 20,
        max_fps: r.number("relay.max_fps", 1.0, 1e6)?,
        deadline,
        lower_quality: r.flag("relay.lower_quality"),
        overlays: match r.text("relay.overlays").as_str() {
            "none" => Overlays::None,
            "asked" => Overlays::Asked,
            "all" => Overlays::All,
            _ => return Err(r.invalid("relay.overlays", "it must be asked, all or none")),
        },
        normal_fps: r.int("relay.normal_fps", 1, 30)? as u8,
        enhanced_fps: r.int("relay.enhanced_fps", 1, 30)? as u8,
    })
}
