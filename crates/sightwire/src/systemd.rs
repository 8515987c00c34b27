//! What systemd is told, where it has started the server by a unit of `Type=notify`. Elsewhere all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use sightwire_telemetry::life::Life;
use tokio::time::{MissedTickBehavior, interval};

/// From each time that this is said a start may go on for this long at least; it is said again after half of it.
const GOES_ON: Duration = Duration::from_secs(30);

/// It goes on to start, however long importing a model takes: until this is dropped.
pub async fn extend_start() {
    let mut tick = interval(GOES_ON / 2);
    loop {
        tick.tick().await;
        send_notify(&[
            NotifyState::Status("the model is being loaded"),
            NotifyState::ExtendTimeoutUsec(GOES_ON.as_micros() as u32),
        ]);
    }
}

/// It takes clients, or says why it cannot.
pub fn notify_ready(status: &str) {
    send_notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// It ends, within this time at most.
pub fn notify_stop(within: Duration) {
    let micros = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
    send_notify(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
}

/// Tells the watchdog that the server goes on (`WatchdogSec=`), for as long as it does: a runtime that hangs does not come to
/// it, and a thread that does not come back from its task keeps it silent.
pub async fn feed_watchdog(life: &Life) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    let mut tick = interval((within / 3).max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if life.stuck().is_none() {
            send_notify(&[NotifyState::Watchdog]);
        }
    }
}

fn send_notify(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::debug!(%error, "systemd was not told");
    }
}
