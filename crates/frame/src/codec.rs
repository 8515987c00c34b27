//! What the libraries of the formats say when they give a picture up.

use std::error::Error;
use std::sync::Arc;

/// Why a library, or what is around it, gave a picture up; part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The library says so.
    #[error(transparent)]
    Library(LibraryError),
    /// The limits were checked with one size, and the library finds another.
    #[error("the size differs from the header's")]
    Size,
    /// Indexed colours that cannot be looked up.
    #[error("the palette is not 3 bytes for each of at most 256 colours")]
    Palette,
    /// More pixels on a side than the library can write.
    #[error("a side of {0} pixels")]
    Side(u32),
    /// A bug of the library.
    #[error("the decoder failed on it")]
    Panicked,
    /// What is wrong with a format that only stills have.
    #[error("{0}")]
    Still(&'static str),
    /// What the process says that drew it.
    #[error("{0}")]
    Drawn(String),
}

/// The error of a library; equal to those that say the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct LibraryError(Arc<dyn Error + Send + Sync>);

impl PartialEq for LibraryError {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for LibraryError {}

impl CodecError {
    pub(crate) fn from_library(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Library(LibraryError(Arc::new(error)))
    }
}

impl From<&'static str> for CodecError {
    fn from(what: &'static str) -> Self {
        Self::Still(what)
    }
}
