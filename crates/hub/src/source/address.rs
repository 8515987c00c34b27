//! The address of a camera. Its name and password, and whatever a query may hold, are never shown.

use std::fmt;

use percent_encoding::percent_decode_str;
use sightwire_http_client::trust::{Fingerprint, NoFingerprint};
use url::{Host, Url};

use super::allow::Kind;

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read. The text is left out: it may hold a password.
    #[error("this is no address of a camera ({reason}); write it like http://192.168.1.50")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
    /// Neither http nor https.
    #[error(
        "cameras are reached over http or https, not {scheme}; write the address like http://192.168.1.50"
    )]
    Scheme {
        /// Scheme of the address.
        scheme: String,
    },
    /// What stands behind `#sha256=` is not a fingerprint.
    #[error("what stands behind #sha256= is none: {0}")]
    Fingerprint(#[from] NoFingerprint),
    /// Nobody allowed it.
    #[error(
        "{camera} may not be connected to: {host} {}. Whoever runs the server can allow it with {}",
        .kind.describe_host(.host),
        .kind.suggest_entry(.host)
    )]
    Forbidden {
        /// The address, or that of a redirect.
        camera: String,
        /// Its host.
        host: String,
        /// What the host's address is.
        kind: Kind,
    },
}

/// Name and password for basic authentication.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// Without percent encoding; may be empty.
    pub name: String,
    /// Without percent encoding; empty where the address has none.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Where a camera is: an http or https URL.
///
/// Shown without name and password, and without the values of its query, for cameras take passwords there too.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CameraUrl {
    url: Url,
    credentials: Option<Credentials>,
    /// Of the certificate that it shows, where that vouches for itself alone: `#sha256=…` behind the address.
    fingerprint: Option<Fingerprint>,
}

impl CameraUrl {
    /// Reads an address: `http://` or `https://`, optionally `name:password@`, host, optionally port, path and query.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim())
            .map_err(|error| AddressError::Malformed { reason: error_reason(error) })?;
        Self::new(url)
    }

    /// The address that a redirect from here leads to; name and password go along to the same host and port only.
    pub(super) fn resolve_redirect(&self, location: &str) -> Result<Self, AddressError> {
        let url = self
            .url
            .join(location)
            .map_err(|error| AddressError::Malformed { reason: error_reason(error) })?;
        let mut next = Self::new(url)?;
        let stays = next.url.origin() == self.url.origin();
        next.credentials = if stays { self.credentials.clone() } else { None };
        // A camera that sends on from http to https is the same one.
        let is_same_host = next.url.host() == self.url.host();
        next.fingerprint = next.fingerprint.or(self.fingerprint.filter(|_| is_same_host));
        Ok(next)
    }

    fn new(mut url: Url) -> Result<Self, AddressError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme { scheme: url.scheme().to_owned() });
        }
        if url.host().is_none() {
            return Err(AddressError::Malformed { reason: "it names no host" });
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let credentials = has_credentials.then(|| Credentials {
            name: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()),
        });
        let fingerprint = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256="));
        let fingerprint = fingerprint.map(str::parse).transpose()?;
        url.set_fragment(None);
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| AddressError::Malformed { reason: "it names no host" })?;
        Ok(Self { url, credentials, fingerprint })
    }

    /// With a password that does not stand in the address, for that name or the one that does; `None` if there is a password
    /// already, two names, or none.
    #[must_use]
    pub fn with_password(mut self, name: Option<&str>, password: &str) -> Option<Self> {
        let of_address = self.credentials.take();
        if of_address.as_ref().is_some_and(|known| !known.password.is_empty()) {
            return None;
        }
        let of_address = of_address.map(|known| known.name).filter(|name| !name.is_empty());
        let name = match (name.filter(|name| !name.is_empty()), of_address) {
            (Some(name), None) => name.to_owned(),
            (None, Some(name)) => name,
            _ => return None,
        };
        self.credentials = Some(Credentials { name, password: password.to_owned() });
        Some(self)
    }

    /// The address of the camera's stream: `/stream` below it, unless it already names one.
    ///
    /// An address with a query, or whose path ends in `stream` or in a name with a dot (`video.mjpg`), is taken as it is.
    #[must_use]
    pub fn stream_url(&self) -> Self {
        self.url_below("stream")
    }

    /// As [`CameraUrl::stream_url`], for an address whose path was given on purpose: only one without any is completed, and the
    /// one beside a board's `/capture` is found.
    #[must_use]
    pub fn stream_if_bare(&self) -> Self {
        if self.is_bare() || self.last_segment() == "capture" { self.stream_url() } else { self.clone() }
    }

    /// As [`CameraUrl::stream_if_bare`], for single pictures: beside a board's `/stream` it finds `/capture`.
    #[must_use]
    pub fn capture_if_bare(&self) -> Self {
        if self.is_bare() || self.last_segment() == "stream" { self.capture_url() } else { self.clone() }
    }

    fn is_bare(&self) -> bool {
        matches!(self.url.path(), "" | "/")
    }

    /// Takes over what [`CameraUrl::masked`] has hidden of another address: name and password of the same host and port, the
    /// query of the same path too. `None` where something is still hidden.
    #[must_use]
    pub fn unmasked(mut self, known: Option<&Self>) -> Option<Self> {
        let known = known.filter(|known| known.host() == self.host() && known.port() == self.port());
        if self.is_masked() {
            self.credentials = known?.credentials.clone();
        }
        if self.url.query().is_some_and(|query| percent_decode_str(query).decode_utf8_lossy() == "…") {
            let known = known.filter(|known| known.url.path() == self.url.path())?;
            self.url.set_query(known.url.query());
        }
        Some(self)
    }

    /// The address of a single picture: `/capture` below it, or beside its stream; with the same exceptions.
    #[must_use]
    pub fn capture_url(&self) -> Self {
        self.url_below("capture")
    }

    /// The address of a board's own account of itself: `/status` below it, or beside its stream or picture.
    #[must_use]
    pub fn status_url(&self) -> Self {
        let mut status = self.url_below("status");
        if status.url == self.url {
            status.url.set_query(None);
            status.url.set_path("/status");
        }
        status
    }

    fn url_below(&self, name: &str) -> Self {
        let mut camera = self.clone();
        let last = self.last_segment();
        if self.url.query().is_some() || last.contains('.') {
            return camera;
        }
        if let Ok(mut segments) = camera.url.path_segments_mut() {
            segments.pop_if_empty();
            if matches!(last, "stream" | "capture") {
                segments.pop();
            }
            segments.push(name);
        }
        camera
    }

    fn last_segment(&self) -> &str {
        self.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// For people: with `***` in the place of name and password, where it has them.
    pub fn masked(&self) -> String {
        let shown = format!("{self}{}", self.fragment());
        match (&self.credentials, shown.split_once("://")) {
            (Some(_), Some((scheme, rest))) => format!("{scheme}://***:***@{rest}"),
            _ => shown,
        }
    }

    /// The whole address, name, password and query included: to be kept, never to be shown.
    pub fn secret_url(&self) -> String {
        let mut url = self.url.clone();
        if let Some(Credentials { name, password }) = &self.credentials {
            // The library leaves percent signs as they are.
            let [name, password] = [name, password].map(|text| text.replace('%', "%25"));
            let _ = url.set_username(&name).and_then(|()| url.set_password(Some(&password)));
        }
        String::from(url) + &self.fragment()
    }

    fn fragment(&self) -> String {
        self.fingerprint.map_or_else(String::new, |fingerprint| format!("#sha256={fingerprint}"))
    }

    /// Of the certificate that it has to show.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Whether it was read from what [`CameraUrl::masked`] shows.
    fn is_masked(&self) -> bool {
        self.credentials.as_ref().is_some_and(|c| c.name == "***" && c.password == "***")
    }

    /// The URL without name and password.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Name and password, if it has them.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Its host: a name in lower case, or an address, however it was spelt.
    pub fn host(&self) -> Host<String> {
        self.url.host().map_or_else(|| Host::Domain(String::new()), |host| host.to_owned())
    }

    /// Its port, which is the scheme's where none is given.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for CameraUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        let query = if self.url.query().is_some() { "?…" } else { "" };
        write!(f, "{origin}{}{query}", self.url.path())
    }
}

impl fmt::Debug for CameraUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CameraUrl({self})")
    }
}

fn error_reason(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it does not begin with http://",
        url::ParseError::EmptyHost => "it names no host",
        url::ParseError::InvalidPort => "its port is no number from 1 to 65535",
        url::ParseError::InvalidIpv4Address => "its IPv4 address is invalid",
        url::ParseError::InvalidIpv6Address => "its IPv6 address is invalid",
        url::ParseError::IdnaError | url::ParseError::InvalidDomainCharacter => "its host is no valid name",
        _ => "it is no URL",
    }
}
