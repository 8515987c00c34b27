//! Where a camera's pictures come from, and what it is called.

use std::path::PathBuf;
use std::time::Duration;

use sightwire_api::camera::CameraMode;
use sightwire_hub::source::address::CameraUrl;

/// Where a camera's pictures come from. What is equal is read once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CameraSource {
    /// An endless answer.
    Stream(CameraUrl),
    /// Single pictures, one every so often.
    Capture(CameraUrl, Duration),
    /// The pictures of a folder, one every so often.
    Folder(PathBuf, Duration),
}

impl CameraSource {
    /// `mode` is `stream` or `capture`.
    pub fn of(address: &str, mode: Option<&str>, fps: Option<f64>) -> Result<Self, String> {
        let url = CameraUrl::parse(address).map_err(|error| error.to_string())?;
        match mode {
            None | Some("stream") if fps.is_some() => {
                Err("fps is for mode = \"capture\"; a stream comes as fast as the camera sends it".into())
            }
            None | Some("stream") => Ok(Self::Stream(url.stream_if_bare())),
            Some("capture") => Ok(Self::Capture(url.capture_if_bare(), every(fps.unwrap_or(1.0))?)),
            Some(_) => Err("mode must be stream or capture".into()),
        }
    }

    /// As old clients mean an address: that of the board, whose stream is below it; without a scheme it is `http`.
    pub fn of_board(address: &str) -> Result<Self, String> {
        let address = address.trim();
        let scheme = if address.contains("://") { "" } else { "http://" };
        let url = CameraUrl::parse(&format!("{scheme}{address}")).map_err(|error| error.to_string())?;
        Ok(Self::Stream(url.stream()))
    }

    /// Its address, where it has one.
    pub fn url(&self) -> Option<&CameraUrl> {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => Some(url),
            Self::Folder(..) => None,
        }
    }

    /// `stream`, `capture`, `folder`.
    pub fn mode(&self) -> CameraMode {
        match self {
            Self::Stream(_) => CameraMode::Stream,
            Self::Capture(..) => CameraMode::Capture,
            Self::Folder(..) => CameraMode::Folder,
        }
    }

    /// Pictures a second, where the server decides that.
    pub fn fps(&self) -> Option<f64> {
        match self {
            Self::Stream(_) => None,
            Self::Capture(_, every) | Self::Folder(_, every) => Some(1.0 / every.as_secs_f64()),
        }
    }

    /// For people: without name and password.
    pub fn shown(&self) -> String {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => url.masked(),
            // Where it lies concerns nobody.
            Self::Folder(path, _) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// From one picture to the next, at so many a second.
pub fn every(fps: f64) -> Result<Duration, String> {
    if (0.01..=60.0).contains(&fps) {
        // In whole milliseconds, so that it is the same when it was kept in a file as a rate.
        Ok(Duration::from_millis((1000.0 / fps).round() as u64))
    } else {
        Err("fps must be from 0.01 to 60".into())
    }
}

/// One camera.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraTable {
    /// Letters, digits, `-`, `_`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where its pictures come from.
    pub source: CameraSource,
    /// Who gets it with `X-User-ID`.
    pub user: Option<String>,
    /// Whether it is the one of all others.
    pub default: bool,
}

impl CameraTable {
    /// `cameras.default_url`.
    pub fn default_camera(address: &str) -> Result<Self, String> {
        let source = CameraSource::of(address, None, None)?;
        Ok(Self { id: "default".into(), name: "Default camera".into(), source, user: None, default: true })
    }
}

/// Whether this can be a camera's id.
pub fn check_id(id: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err("its id must be 1 to 64 letters, digits, - or _".into());
    }
    if id == "test" {
        return Err("the id test is taken by the API; choose another".into());
    }
    if id.starts_with("url-") {
        return Err("ids that begin with url- are given to cameras that nobody configured".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_named_with_or_without_scheme_and_slash() {
        for (address, stream) in [
            ("http://192.0.2.5", "http://192.0.2.5/stream"),
            ("http://192.0.2.5/stream/", "http://192.0.2.5/stream"),
            (" 192.0.2.5:81 ", "http://192.0.2.5:81/stream"),
            ("192.0.2.5/", "http://192.0.2.5/stream"),
        ] {
            assert_eq!(CameraSource::of_board(address).unwrap().shown(), stream, "{address:?}");
        }
        for wrong in ["", "ftp://192.0.2.5", "javascript:alert(1)", "http://"] {
            assert!(CameraSource::of_board(wrong).is_err(), "{wrong:?}");
        }
    }
}
