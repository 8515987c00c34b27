//! Why a still picture cannot be read.

use std::time::Duration;

use super::StillFormat;
use crate::codec::CodecError;
use crate::decode::DecodeError;
use crate::header::{Found, HeaderError, LimitError};

/// Why a still picture cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// The decoder itself could not be set up.
    #[error("the JPEG decoder could not be set up: {0}")]
    Setup(CodecError),
    /// None of the formats.
    #[error("no picture of a kind that is read here ({0}): send a JPEG, PNG, WebP, TIFF, BMP or GIF")]
    UnknownFormat(Found),
    /// Cut off or broken.
    #[error("the {format} is cut off or damaged: {reason}")]
    Damaged {
        /// The format by its content.
        format: StillFormat,
        /// The error of the decoder.
        reason: CodecError,
    },
    /// A kind of the format that is not read here.
    #[error("this kind of {format} is not supported: {what}; save it as a PNG or JPEG")]
    Unsupported {
        /// The format by its content.
        format: StillFormat,
        /// The kind, as the message names it.
        what: String,
    },
    /// Too many bytes or pixels.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// None of the formats, those that are drawn included.
    #[error(
        "no picture of a kind that is read here ({0}): send a PDF, JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF or HEIC"
    )]
    UnknownFile(Found),
    /// Nobody can open it without a password.
    #[error("the {format} is protected by a password: save it without one")]
    Protected {
        /// The format by its content.
        format: StillFormat,
    },
    /// The process that was to draw it did not.
    #[error("the {format} {why}")]
    Undrawn {
        /// The format by its content.
        format: StillFormat,
        /// Why the process did not draw it.
        why: Undrawn,
    },
    /// Too many pages.
    #[error("the {format} has more than {limit} pages: split it")]
    Pages {
        /// The format by its content.
        format: StillFormat,
        /// The limit.
        limit: u32,
    },
    /// A page that the file does not have.
    #[error("there is no page {page}, the {format} has {pages}")]
    Page {
        /// The format.
        format: StillFormat,
        /// The page asked for, from 1.
        page: u64,
        /// Pages of the file.
        pages: usize,
    },
}

impl StillError {
    /// A damaged file, with what is wrong.
    pub fn damaged(format: StillFormat, reason: impl Into<CodecError>) -> Self {
        Self::Damaged { format, reason: reason.into() }
    }

    /// A kind of a format that is not read.
    pub fn unsupported(format: StillFormat, what: impl Into<String>) -> Self {
        Self::Unsupported { format, what: what.into() }
    }

    /// Whether it was not done in time, and may be another time.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Undrawn { why: Undrawn::Late(_) | Undrawn::Busy { .. }, .. })
    }

    /// Whether the file may be as good as any, and is read once the program is there that draws it, or memory for that.
    pub fn waits_for_drawing(&self) -> bool {
        matches!(self, Self::Undrawn { why: Undrawn::NoProgram(_) | Undrawn::NoMemory, .. })
    }

    pub(super) fn from_header(format: StillFormat, error: &HeaderError) -> Self {
        match *error {
            HeaderError::Incomplete => Self::damaged(format, "it ends within its header"),
            HeaderError::UnknownFormat(found) => Self::UnknownFormat(found),
            HeaderError::Malformed { what, .. } => Self::damaged(format, what),
            HeaderError::Unsupported { what, .. } => Self::unsupported(format, what),
        }
    }

    pub(super) fn from_decoder(format: StillFormat, error: DecodeError) -> Self {
        match error {
            DecodeError::Setup(reason) => Self::Setup(reason),
            DecodeError::Header(error) => Self::from_header(format, &error),
            DecodeError::Limit(error) => Self::Limit(error),
            DecodeError::Picture { reason, .. } => Self::damaged(format, reason),
        }
    }
}

/// What became of the process that was to draw a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undrawn {
    /// It did not end in time.
    #[error("took more than {} s to be drawn", .0.as_secs_f64())]
    Late(Duration),
    /// It did not end in time, in which it hardly had a core.
    #[error(
        "was not drawn within {} s, in which it had a core for {:.1} s: the machine is busy",
        .of.as_secs_f64(), .worked.as_secs_f64()
    )]
    Busy {
        /// How long it had.
        of: Duration,
        /// For how long it had a core.
        worked: Duration,
    },
    /// It asked for more memory than it may have.
    #[error("needs more than {0} MiB of memory to be drawn")]
    Memory(u64),
    /// The server has no memory for that now.
    #[error("cannot be drawn now: the server uses all of its memory (server.memory_mb)")]
    NoMemory,
    /// It would take more work than a page may: of what.
    #[error("takes too much work to be drawn: {0}; print it to a new PDF, or convert its pages to pictures")]
    TooMuch(String),
    /// The process that draws crashed; in its last words.
    #[error("made the process that draws it fail: {0}")]
    Crashed(String),
    /// It did not begin.
    #[error("cannot be drawn here: {0}")]
    Unstarted(String),
    /// There is no program to begin, for now.
    #[error("cannot be read yet: {0}")]
    NoProgram(String),
    /// Nobody wants it any more.
    #[error("is not wanted any more")]
    Unwanted,
}
