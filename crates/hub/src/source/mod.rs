//! Where pictures come from: one module per kind of source.
//!
//! - [`mjpeg`]: a camera's endless answer, `raw` where it is none of HTTP; [`capture`]: a camera asked for one picture after the other
//! - [`folder`]: a folder of pictures, looped; [`simulated`]: what somebody draws, called by its [`scenery`]
//! - [`reconnect`]: runs a source again and again, with growing pauses
//! - [`address`], [`allow`], [`web`]: a camera's address, whether it may be connected to, and the connection
//!
//! A new kind of source is one more module with one more implementation of [`Source`].

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;

use sightwire_http_client::trust::Fingerprint;

use crate::multipart::Counts;

pub mod address;
pub mod allow;
pub mod capture;
pub mod folder;
pub mod mjpeg;
mod raw;
pub mod reconnect;
pub mod scenery;
pub mod simulated;
pub mod web;

use address::AddressError;

/// Where a source puts what it gets.
pub trait Sink: Send {
    /// A whole picture, undecoded.
    fn on_picture(&mut self, jpeg: Bytes, now: Instant);

    /// This many bytes have come, whatever is in them.
    fn on_bytes(&mut self, count: usize, now: Instant);

    /// What was skipped since the last call: garbage, broken pictures, wrong lengths.
    fn on_skipped(&mut self, skipped: Skipped, now: Instant) {
        let _ = (skipped, now);
    }

    /// The source has ended and will be tried again after `pause`.
    fn on_down(&mut self, error: &SourceError, pause: Duration, now: Instant) {
        let _ = (error, pause, now);
    }
}

/// What came and was not a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Bytes of garbage and of broken pictures.
    pub bytes: u64,
    /// Pictures that were not whole, or files that are none.
    pub broken: u64,
    /// Parts whose `Content-Length` was wrong.
    pub wrong_lengths: u64,
}

impl Skipped {
    /// What the parser skipped between `before` and `after`, if anything.
    fn from_counts(before: Counts, after: Counts) -> Option<Self> {
        let skipped = Self {
            bytes: after.skipped_bytes - before.skipped_bytes,
            broken: after.broken - before.broken,
            wrong_lengths: after.wrong_lengths - before.wrong_lengths,
        };
        (skipped != Self::default()).then_some(skipped)
    }
}

/// A run of a source; dropping it ends the connection.
pub type Run<'a> = Pin<Box<dyn Future<Output = SourceError> + Send + 'a>>;

/// A kind of source.
pub trait Source: Send + Sync {
    /// Reads until the connection ends, and says why it has.
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a>;
}

/// Why a source has ended. Every address in it is without name and password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The address is none, or nobody allowed it.
    #[error(transparent)]
    Refused(#[from] AddressError),
    /// No connection.
    #[error("{camera} cannot be reached: {reason}. Is it switched on, and is this its address?")]
    Unreachable {
        /// Address.
        camera: String,
        /// What the system says.
        reason: String,
    },
    /// No trust.
    #[error(
        "{camera} cannot be trusted: {reason}. Install its certificate authority, or use http{}",
        .fingerprint.map_or_else(String::new, |shown| format!(
            "; if its certificate is the camera's own one, write its fingerprint behind the address: #sha256={shown}"
        ))
    )]
    Untrusted {
        /// Address.
        camera: String,
        /// What is wrong with its certificate.
        reason: String,
        /// Of the certificate that it shows.
        fingerprint: Option<Fingerprint>,
    },
    /// It speaks something else, at least in its head.
    #[error("{camera} does not answer as HTTP has it: {reason}")]
    NoHttp {
        /// Address.
        camera: String,
        /// What is wrong.
        reason: String,
    },
    /// Packed pictures, which nobody has asked for.
    #[error(
        "{camera} sends its pictures packed ({encoding}), which nobody has asked for. Switch compression off there"
    )]
    Packed {
        /// Address.
        camera: String,
        /// Its `Content-Encoding`.
        encoding: String,
    },
    /// A connection, and then nothing.
    #[error("{camera} accepts connections but did not answer within {} s. Restart it", format_seconds(*.after))]
    NoAnswer {
        /// Address.
        camera: String,
        /// Time waited.
        after: Duration,
    },
    /// An answer other than 200.
    #[error("{camera} answers with status {status}{}", status_hint(*.status))]
    Status {
        /// Address.
        camera: String,
        /// Status.
        status: u16,
    },
    /// Status 401 or 403.
    #[error("{camera} {}", credentials_hint(*.given, *.digest))]
    Unauthorized {
        /// Address.
        camera: String,
        /// Whether the address held a name and a password.
        given: bool,
        /// Whether the camera asks for digest authentication.
        digest: bool,
    },
    /// Sent on too often, or to no address.
    #[error("{camera} sends on to other addresses without end. Give the address of its stream itself")]
    Redirects {
        /// The address that was given.
        camera: String,
    },
    /// Text instead of pictures.
    #[error(
        "{camera} answers with a web page instead of pictures. Give the address of its stream, often with /stream or port 81"
    )]
    WebPage {
        /// Address.
        camera: String,
    },
    /// No bytes any more.
    #[error("{camera} has sent nothing for {} s. It will be asked again", format_seconds(*.after))]
    NoBytes {
        /// Address.
        camera: String,
        /// Time waited.
        after: Duration,
    },
    /// Bytes, but no whole picture.
    #[error(
        "{camera} sent {bytes} bytes but no whole picture for {} s. Is its network too slow, or is it no JPEG stream?",
        format_seconds(*.after)
    )]
    NoPicture {
        /// Address.
        camera: String,
        /// Time waited.
        after: Duration,
        /// Bytes since the last picture.
        bytes: u64,
    },
    /// An answer that is over, without any picture.
    #[error(
        "{camera} answered with {bytes} bytes of {content_type} without a JPEG picture. Is this the address of its stream?"
    )]
    NotPictures {
        /// Address.
        camera: String,
        /// Bytes of the answer.
        bytes: u64,
        /// Type that the camera gave.
        content_type: String,
    },
    /// The camera has ended the connection.
    #[error("{camera} ended the connection after {pictures} pictures")]
    Ended {
        /// Address.
        camera: String,
        /// Pictures of this connection.
        pictures: u64,
    },
    /// A single picture instead of a stream.
    #[error(
        "{camera} answers with a single picture instead of a stream. Add it as a camera that is asked for each picture"
    )]
    OnePicture {
        /// Address.
        camera: String,
    },
    /// The connection broke.
    #[error("the connection to {camera} broke: {reason}")]
    Broken {
        /// Address.
        camera: String,
        /// What the system says.
        reason: String,
    },
    /// A generated picture cannot be made.
    #[error("its pictures cannot be made: {reason}")]
    NotDrawn {
        /// What went wrong.
        reason: String,
    },
    /// The folder cannot be read.
    #[error("the folder {} cannot be read: {reason}", .folder.display())]
    Folder {
        /// Folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Nothing in the folder can be shown.
    #[error("the folder {} holds no JPEG picture (*.jpg, *.jpeg) that can be read", .folder.display())]
    EmptyFolder {
        /// Folder.
        folder: PathBuf,
    },
}

/// Seconds with at most one decimal.
fn format_seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

fn status_hint(status: u16) -> &'static str {
    match status {
        404 => ": it has no such page. Is this the address of its stream?",
        429 | 503 => ": it is busy. Most boards serve one client at a time; close other viewers of it",
        500..=599 => ": it has a fault. Restart it",
        _ => "",
    }
}

fn credentials_hint(given: bool, digest: bool) -> &'static str {
    match (given, digest) {
        (_, true) => "asks for digest authentication, which is not supported; set it to basic authentication",
        (true, false) => "refuses the name and password of its address; correct them",
        (false, false) => {
            "asks for a name and password; write them into its address: http://name:password@host/"
        }
    }
}
