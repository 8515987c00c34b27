//! Each camera, for a moment.

use std::sync::Arc;
use std::time::Duration;

use sightwire_api::stream::{Stream, StreamState};
use sightwire_live::look::{self, CameraProbe};
use sightwire_live::options::CameraOptions;
use sightwire_live::registry::{Camera, Registry};
use sightwire_live::source::{CameraSource, CameraTable};
use sightwire_server::config::Config;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::report::{Check, Reporter};
use super::server::Running;
use crate::print::PrintError;

/// One camera has this time.
const EACH: Duration = Duration::from_secs(5);
/// No camera is begun after this time for all of them.
const ALL: Duration = Duration::from_secs(45);
/// This many cameras are looked at together, as many as the server tries.
const AT_ONCE: usize = 4;

pub(super) async fn check_cameras(
    config: &Config,
    running: Option<&Running>,
    reporter: &mut Reporter<'_>,
) -> Result<(), PrintError> {
    let options = Arc::new(config.cameras.clone());
    let cameras: Vec<Camera> = match Registry::load(&options.configured, &options.file) {
        Ok(registry) => registry.all(),
        Err(error) => {
            let check = Check::fail("cameras", error.to_string());
            let check = check.cure("the server does not start with it; mend that file, or move it away");
            reporter.tell_all([check])?;
            options.configured.iter().cloned().map(Camera::from_table).collect()
        }
    };
    if cameras.is_empty() {
        return reporter.tell_all([Check::ok("cameras", "there are none")]);
    }
    let (due, mut waiting, mut looking) = (Instant::now() + ALL, cameras.into_iter(), JoinSet::new());
    loop {
        while looking.len() < AT_ONCE
            && Instant::now() < due
            && let Some(camera) = waiting.next()
        {
            if let Some(stream) = read_by_server(running, &camera.table.id) {
                reporter.tell_all([of_stream(&camera.table, stream)])?;
                continue;
            }
            looking.spawn(check_camera(camera, options.clone()));
        }
        match timeout_at(due + EACH, looking.join_next()).await {
            Ok(Some(Ok(check))) => reporter.tell_all([check])?,
            Ok(Some(Err(_))) => {}
            Ok(None) | Err(_) => break,
        }
    }
    let left = waiting.map(|camera| {
        let says = format!("not tried: the others took {} s", ALL.as_secs());
        Check::warn("camera", says).about(camera.table.id)
    });
    reporter.tell_all(left)
}

/// A camera serves few at once: where the server reads it, that tells how it is.
fn read_by_server<'a>(running: Option<&'a Running>, id: &str) -> Option<&'a Stream> {
    let cameras = running?.cameras.as_ref()?;
    cameras.cameras.iter().find(|camera| camera.id == id)?.stream.as_ref()
}

fn of_stream(camera: &CameraTable, stream: &Stream) -> Check {
    let size = stream.width.zip(stream.height).map(|(width, height)| format!("{width}x{height}, "));
    let says = format!(
        "{}, read by the server: {}, {}{:.1} pictures a second",
        camera.source.shown_address(),
        serde_json::to_value(stream.state)
            .ok()
            .and_then(|state| Some(state.as_str()?.to_owned()))
            .unwrap_or_default(),
        size.unwrap_or_default(),
        stream.fps,
    );
    let reason = stream.reason.clone();
    let check = match stream.state {
        StreamState::Running => Check::ok("camera", says),
        StreamState::Starting if reason.is_none() => Check::ok("camera", says),
        _ => Check::fail("camera", says).cure(reason.unwrap_or_else(|| "look at the camera".to_owned())),
    };
    check.about(&*camera.id)
}

async fn check_camera(camera: Camera, options: Arc<CameraOptions>) -> Check {
    let source = &camera.table.source;
    let (shown, mode) = (source.shown_address(), source.mode().name());
    let check = match look::look_at_camera(&camera, &options, EACH).await {
        Ok(seen) => check_pictures(&format!("{shown} ({mode})"), &seen),
        Err(reason) => {
            let reason = reason.to_string();
            // Most reasons name the address.
            let says = if reason.contains("://") {
                format!("({mode}) {reason}")
            } else {
                format!("{shown} ({mode}): {reason}")
            };
            let cure = match source {
                CameraSource::Simulated(_) => "this is a mistake in Sightwire: please report it",
                CameraSource::Folder(..) => "name a folder with pictures that this user may read",
                _ => "see docs/cameras.md; `curl` from this machine shows whether it is reached at all",
            };
            Check::fail("camera", says).cure(cure)
        }
    };
    check.about(camera.table.id)
}

fn check_pictures(shown: &str, seen: &CameraProbe) -> Check {
    let size = match seen.size {
        Some((width, height)) => format!("{width}x{height}"),
        None => "no JPEG".to_owned(),
    };
    let rate = match seen.fps {
        Some(fps) => format!("{fps:.1} pictures a second"),
        None => "one picture".to_owned(),
    };
    let (kb, after) = (seen.bytes / 1000, seen.first_after.as_secs_f32());
    let says = format!("{shown}: {size}, {kb} kB, {rate}, the first after {after:.1} s");
    match (&seen.ended, seen.broken, seen.size) {
        (Some(ended), ..) => Check::warn("camera", says).cure(format!("it broke off: {ended}")),
        (None, _, None) => Check::fail("camera", says).cure("it has to send JPEG pictures"),
        (None, 0, _) => Check::ok("camera", says),
        (None, broken, _) => Check::warn("camera", format!("{says}, {broken} broken"))
            .cure("a weak network or power supply does that"),
    }
}
