//! Where a camera's pictures come from, and what it is called.

use std::path::PathBuf;
use std::time::Duration;

use sightwire_api::camera::{CameraChange, CameraMode};
use sightwire_hub::source::address::{AddressError, CameraUrl};
use sightwire_hub::source::scenery::{self, NoScenery, Scenery};

/// Where a camera's pictures come from. What is equal is read once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CameraSource {
    /// One answer with pictures that does not end.
    Stream(CameraUrl),
    /// Single pictures, one every so often.
    Capture(CameraUrl, Duration),
    /// The pictures of a folder, one every so often.
    Folder(PathBuf, Duration),
    /// A generated scene.
    Simulated(Scenery),
}

/// Where an address may lead to that was named and is kept, beside what is listed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// Nowhere else: the client that named it might not have named a private network.
    Listed,
    /// To private networks, where the server listens on loopback.
    Private,
}

/// What is wrong with what was said of a camera.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// Its address is none, or nobody allowed it.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Private networks are for clients on this machine.
    #[error(
        "{0}; without it, only whoever asks from the server's own machine, and through no proxy, may name it"
    )]
    NotHere(AddressError),
    /// Others may ask through a proxy.
    #[error(
        "{refused}; without it, private networks are closed here, since others may ask through a proxy ({because})"
    )]
    BehindProxy {
        /// With what has to be listed.
        refused: AddressError,
        /// What says that there may be a proxy.
        because: &'static str,
    },
    /// Only known cameras, and listed addresses, may be named by any page.
    #[error("pages from elsewhere may only name cameras that are known, or addresses in cameras.allow")]
    NotListed,
    /// A client that knows a camera but not its password must not have the password sent elsewhere.
    #[error("name, password and query have to be given anew for another address")]
    Hidden,
    /// Neither an address nor a camera.
    #[error("give the url of a camera to try, or the id of one")]
    Nothing,
    /// Only known cameras have a page of their own.
    #[error("only cameras that are known are asked how they are")]
    Unasked,
    /// A new camera without an address.
    #[error("A camera needs a url.")]
    NoUrl,
    /// A folder has neither an address nor a mode.
    #[error("a folder can only be changed in the configuration file")]
    Folder,
    /// A mode that is not known.
    #[error("mode must be stream or capture")]
    Mode,
    /// Nothing is simulated that is called so.
    #[error(transparent)]
    Scenery(#[from] NoScenery),
    /// A generated scene comes as it is.
    #[error("a simulated camera has no mode, fps or password")]
    Simulated,
    /// A rate for a stream, which has its own.
    #[error("fps is for mode = \"capture\"; a stream comes as fast as the camera sends it")]
    StreamRate,
    /// A rate that is not from 0.01 to 60.
    #[error("fps must be from 0.01 to 60")]
    Rate,
    /// No id at all.
    #[error("its id must be 1 to 64 letters, digits, - or _")]
    Id,
    /// A path of the API.
    #[error("the id test is taken by the API; choose another")]
    ReservedId,
    /// As the server makes them.
    #[error("ids that begin with url- are given to cameras that nobody configured")]
    UnnamedId,
    /// It was to be another.
    #[error("The id of a camera stays as it is.")]
    FixedId,
    /// Empty, or very long.
    #[error("A name has 1 to {0} characters.")]
    Name(usize),
}

impl CameraSource {
    /// `mode` is `stream` or `capture`.
    pub fn from_address(address: &str, mode: Option<&str>, fps: Option<f64>) -> Result<Self, CameraError> {
        match Self::parse_simulated(address)? {
            Some(_) if mode.is_some_and(|mode| mode != "simulated") || fps.is_some() => {
                Err(CameraError::Simulated)
            }
            Some(simulated) => Ok(simulated),
            None => Self::of_url(&CameraUrl::parse(address)?, mode, fps),
        }
    }

    /// What `simulated:street` stands for; `None` of any other kind of address.
    pub fn parse_simulated(address: &str) -> Result<Option<Self>, NoScenery> {
        let name = address.trim().strip_prefix(scenery::SCHEME);
        name.map(|name| Ok(Self::Simulated(name.parse()?))).transpose()
    }

    /// As [`Self::from_address`], of an address that was read.
    pub fn of_url(url: &CameraUrl, mode: Option<&str>, fps: Option<f64>) -> Result<Self, CameraError> {
        match mode {
            None | Some("stream") if fps.is_some() => Err(CameraError::StreamRate),
            None | Some("stream") => Ok(Self::Stream(url.stream_if_bare())),
            Some("capture") => Ok(Self::Capture(url.capture_if_bare(), frame_interval(fps.unwrap_or(1.0))?)),
            Some(_) => Err(CameraError::Mode),
        }
    }

    /// As old clients mean an address: that of the board, whose stream is below it; without a scheme it is `http`.
    pub fn of_board(address: &str) -> Result<Self, CameraError> {
        let address = address.trim();
        let scheme = if address.contains("://") { "" } else { "http://" };
        let url = CameraUrl::parse(&format!("{scheme}{address}"))?;
        Ok(Self::Stream(url.stream_url()))
    }

    /// What it is after a change; what that does not name stays.
    pub fn with_change(&self, change: &CameraChange) -> Result<Self, CameraError> {
        if let Some(simulated) = change.url.as_deref().map(Self::parse_simulated).transpose()?.flatten() {
            return Ok(simulated);
        }
        if matches!(self, Self::Simulated(_)) && change.url.is_none() {
            let stays = change.mode.as_deref().is_none_or(|mode| mode == "simulated") && change.fps.is_none();
            return if stays { Ok(self.clone()) } else { Err(CameraError::Simulated) };
        }
        let mode = change.mode.as_deref().unwrap_or_else(|| match self {
            // Its pictures have come in none of the ways of an address.
            Self::Simulated(_) => CameraMode::Stream.name(),
            _ => self.mode().name(),
        });
        let fps = change.fps.or_else(|| self.fps().filter(|_| mode == "capture"));
        let fps = fps.filter(|_| mode == "capture" || change.fps.is_some());
        let url = match (&change.url, self.url()) {
            (Some(text), present) => {
                let url = CameraUrl::parse(text)?;
                // A client that knows the camera but not its password must not have it sent elsewhere.
                url.unmasked(present).ok_or(CameraError::Hidden)?
            }
            (None, Some(present)) => present.clone(),
            (None, None) => return Err(CameraError::Folder),
        };
        Self::from_address(&url.secret_url(), Some(mode), fps)
    }

    /// Its address, where it has one.
    pub fn url(&self) -> Option<&CameraUrl> {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => Some(url),
            Self::Folder(..) | Self::Simulated(_) => None,
        }
    }

    /// How its pictures are got, as in the configuration and in answers.
    pub fn mode(&self) -> CameraMode {
        match self {
            Self::Stream(_) => CameraMode::Stream,
            Self::Capture(..) => CameraMode::Capture,
            Self::Folder(..) => CameraMode::Folder,
            Self::Simulated(_) => CameraMode::Simulated,
        }
    }

    /// Pictures a second, where the server decides that.
    pub fn fps(&self) -> Option<f64> {
        match self {
            Self::Stream(_) | Self::Simulated(_) => None,
            Self::Capture(_, every) | Self::Folder(_, every) => Some(1.0 / every.as_secs_f64()),
        }
    }

    /// For people: without name and password.
    pub fn shown_address(&self) -> String {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => url.masked(),
            Self::Simulated(scenery) => scenery.address(),
            // Where it lies concerns nobody.
            Self::Folder(path, _) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// Pictures a second that a camera may be asked for, or a folder has.
pub const MIN_FPS: f64 = 0.01;
/// The most of them.
pub const MAX_FPS: f64 = 60.0;

/// From one picture to the next, at this many a second.
pub fn frame_interval(fps: f64) -> Result<Duration, CameraError> {
    if (MIN_FPS..=MAX_FPS).contains(&fps) {
        // In whole milliseconds, so that it is the same when it was kept in a file as a rate.
        Ok(Duration::from_millis((1000.0 / fps).round() as u64))
    } else {
        Err(CameraError::Rate)
    }
}

/// A camera as the configuration, or the file of added ones, has it.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraTable {
    /// Letters, digits, `-`, `_`.
    pub id: String,
    /// Shown to people in place of the id.
    pub name: String,
    /// Where its pictures come from.
    pub source: CameraSource,
    /// Who gets it with `X-User-ID`.
    pub user: Option<String>,
    /// Whether it is the one of all others.
    pub default: bool,
}

impl CameraTable {
    /// The camera that `cameras.default_url` names; its id is `default`.
    pub fn default_camera(address: &str) -> Result<Self, CameraError> {
        let source = CameraSource::from_address(address, None, None)?;
        Ok(Self { id: "default".into(), name: "Default camera".into(), source, user: None, default: true })
    }
}

/// Whether this can be a camera's id.
pub fn check_id(id: &str) -> Result<(), CameraError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err(CameraError::Id);
    }
    if id == "test" {
        return Err(CameraError::ReservedId);
    }
    if id.starts_with("url-") {
        return Err(CameraError::UnnamedId);
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
            assert_eq!(CameraSource::of_board(address).unwrap().shown_address(), stream, "{address:?}");
        }
        for wrong in ["", "ftp://192.0.2.5", "javascript:alert(1)", "http://"] {
            assert!(CameraSource::of_board(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_simulated_camera_is_named_by_its_scene_and_comes_as_it_is() {
        let street = CameraSource::from_address(" simulated:street ", None, None).unwrap();
        assert_eq!((street.shown_address(), street.mode().name()), ("simulated:street".into(), "simulated"));
        assert_eq!(CameraSource::from_address("simulated:street", Some("simulated"), None).unwrap(), street);
        let error = CameraSource::from_address("simulated:alley", None, None).unwrap_err().to_string();
        assert!(error.contains("\"alley\"") && error.contains("simulated:car-park"), "{error}");
        let timed = CameraSource::from_address("simulated:street", Some("capture"), Some(1.0));
        assert_eq!(timed, Err(CameraError::Simulated));
    }

    #[test]
    fn a_change_of_its_address_makes_a_camera_of_another_kind_and_a_change_of_nothing_leaves_it() {
        let street = CameraSource::from_address("simulated:street", None, None).unwrap();
        let to = |from: &CameraSource, change: CameraChange| from.with_change(&change);
        let address = |url: &str| CameraChange { url: Some(url.into()), ..CameraChange::default() };
        assert_eq!(to(&street, CameraChange::default()).unwrap(), street);
        assert_eq!(to(&street, address("simulated:car-park")).unwrap().shown_address(), "simulated:car-park");
        let real = CameraChange { mode: Some("stream".into()), ..address("http://192.0.2.5/stream") };
        let real = to(&street, real).unwrap();
        assert_eq!(real.shown_address(), "http://192.0.2.5/stream");
        assert_eq!(to(&real, address("simulated:street")).unwrap(), street);
        let faster = CameraChange { fps: Some(5.0), ..CameraChange::default() };
        assert_eq!(to(&street, faster), Err(CameraError::Simulated));
        let plain = to(&street, address("http://192.0.2.5/stream")).unwrap();
        assert_eq!(plain, real, "the mode of the scene does not stay");
    }
}
