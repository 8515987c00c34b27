//! Where the pictures of a stream come from, and what differs by that. Code that watches, analyses, counts or ends a stream
//! needs to know no more than the [`Origin`].

use std::sync::Arc;

use sightwire_api::stream::StreamKind;
use sightwire_cluster::entry::Token;

use crate::private::AskedFrom;
use crate::source::CameraSource;

/// Where the pictures of a stream come from. What is equal is one stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A camera, which is read while somebody needs it, and where the client that named its address asks from.
    Camera(CameraSource, AskedFrom),
    /// Somebody who connects and sends, under that name.
    Sent(Arc<str>),
    /// Another process that has it, under that name and by that lease; it is pulled from there while somebody needs it.
    Elsewhere(Arc<str>, Token, StreamKind),
}

/// One for each origin, since neither may take the other's places.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerOrigin<T> {
    /// For cameras, which the server reads.
    pub cameras: T,
    /// Of streams that are sent, here or elsewhere.
    pub sent: T,
}

impl<T> PerOrigin<T> {
    /// That of a stream.
    pub fn for_origin(&self, origin: &Origin) -> &T {
        match origin {
            Origin::Camera(..) | Origin::Elsewhere(_, _, StreamKind::Camera) => &self.cameras,
            Origin::Sent(_) | Origin::Elsewhere(_, _, StreamKind::Relay) => &self.sent,
        }
    }
}

impl Origin {
    /// As in answers: `camera`, `relay`.
    pub fn kind(&self) -> StreamKind {
        match self {
            Self::Camera(..) => StreamKind::Camera,
            Self::Sent(_) => StreamKind::Relay,
            Self::Elsewhere(_, _, kind) => *kind,
        }
    }

    /// The camera, if it is one.
    pub fn camera(&self) -> Option<&CameraSource> {
        match self {
            Self::Camera(source, _) => Some(source),
            Self::Sent(_) | Self::Elsewhere(..) => None,
        }
    }

    /// For people: without name and password.
    pub fn shown_address(&self) -> String {
        match self {
            Self::Camera(source, _) => source.shown_address(),
            Self::Sent(name) | Self::Elsewhere(name, ..) => name.to_string(),
        }
    }
}

/// One that is known, to every caller.
impl From<CameraSource> for Origin {
    fn from(source: CameraSource) -> Self {
        Self::Camera(source, AskedFrom::Elsewhere)
    }
}
