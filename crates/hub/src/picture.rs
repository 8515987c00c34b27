//! One picture of a stream, and the forms in which it is sent, of which this module knows none.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use crate::forms::Forms;

/// A picture and when it came. Cheap to clone: all viewers share its bytes, and each form of it is made once, for the
/// first who asks.
#[derive(Clone)]
pub struct Picture(Arc<Inner>);

struct Inner {
    content: Content,
    sequence: u64,
    stamp: Stamp,
    forms: Forms,
}

/// Which picture of a source it is, or was made of, and when that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Counts the pictures of the source, from 1.
    pub sequence: u64,
    /// When its last byte came, by the clock that never jumps.
    pub captured: Instant,
    /// Likewise, by the calendar.
    pub taken_at: SystemTime,
}

/// A picture that came as something else than a file; whoever brought it knows how to take the file out.
pub trait Wrapped: Any + Send + Sync {
    /// Bytes as which it came.
    fn size(&self) -> usize;

    /// Bytes of the file, as nearly as can be told without taking it out.
    fn file_size(&self) -> usize;

    /// The file; empty if there is none in it.
    fn file(&self) -> Bytes;
}

enum Content {
    File(Bytes),
    /// And the file, once somebody needed it.
    Wrapped(Box<dyn Wrapped>, OnceLock<Bytes>),
}

impl Picture {
    /// The `sequence`-th picture of a stream, whose last byte came at `captured`.
    pub fn new(jpeg: Bytes, sequence: u64, captured: Instant, taken_at: SystemTime) -> Self {
        Self::made_of(jpeg, sequence, Stamp { sequence, captured, taken_at })
    }

    /// The `sequence`-th picture of a stream, made of another one.
    pub fn made_of(jpeg: Bytes, sequence: u64, stamp: Stamp) -> Self {
        Self::of(Content::File(jpeg), sequence, stamp)
    }

    /// Like [`Self::new`], of a picture that did not come as a file.
    pub fn wrapped(wrapped: impl Wrapped, sequence: u64, captured: Instant, taken_at: SystemTime) -> Self {
        Self::wrapped_of(wrapped, sequence, Stamp { sequence, captured, taken_at })
    }

    /// Like [`Self::made_of`], of a picture that did not come as a file.
    pub fn wrapped_of(wrapped: impl Wrapped, sequence: u64, stamp: Stamp) -> Self {
        Self::of(Content::Wrapped(Box::new(wrapped), OnceLock::new()), sequence, stamp)
    }

    fn of(content: Content, sequence: u64, stamp: Stamp) -> Self {
        Self(Arc::new(Inner { content, sequence, stamp, forms: Forms::default() }))
    }

    /// The file. Empty if the stream's sender gave something that holds none.
    pub fn jpeg(&self) -> &Bytes {
        match &self.0.content {
            Content::File(jpeg) => jpeg,
            Content::Wrapped(wrapped, file) => file.get_or_init(|| wrapped.file()),
        }
    }

    /// What it came as, if that was a `T`.
    pub fn came_as<T: Wrapped>(&self) -> Option<&T> {
        match &self.0.content {
            Content::File(_) => None,
            Content::Wrapped(wrapped, _) => {
                let wrapped: &dyn Any = &**wrapped;
                wrapped.downcast_ref()
            }
        }
    }

    /// Bytes as which it came.
    pub fn size(&self) -> usize {
        match &self.0.content {
            Content::File(bytes) => bytes.len(),
            Content::Wrapped(wrapped, _) => wrapped.size(),
        }
    }

    /// Bytes of the file, as nearly as can be told without making it.
    pub fn file_size(&self) -> usize {
        match &self.0.content {
            Content::File(bytes) => bytes.len(),
            Content::Wrapped(wrapped, _) => wrapped.file_size(),
        }
    }

    /// Counts the pictures of a stream, from 1; what lies between two of them was missed.
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// When it came, by the clock that never jumps.
    pub fn captured(&self) -> Instant {
        self.0.stamp.captured
    }

    /// When it came, by the calendar.
    pub fn taken_at(&self) -> SystemTime {
        self.0.stamp.taken_at
    }

    /// Which picture of the source it is, or was made of.
    pub fn stamp(&self) -> Stamp {
        self.0.stamp
    }

    /// The forms in which it is sent.
    pub fn forms(&self) -> &Forms {
        &self.0.forms
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture {} ({} bytes)", self.sequence(), self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file between brackets.
    struct Bracketed(Bytes);

    impl Wrapped for Bracketed {
        fn size(&self) -> usize {
            self.0.len()
        }

        fn file_size(&self) -> usize {
            self.0.len() - 2
        }

        fn file(&self) -> Bytes {
            self.0.slice(1..self.0.len() - 1)
        }
    }

    #[test]
    fn a_wrapped_picture_is_unwrapped_only_for_those_who_need_the_file() {
        let came = Bytes::from_static(b"[JPEG]");
        let picture = Picture::wrapped(Bracketed(came.clone()), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        assert_eq!((picture.size(), picture.file_size()), (6, 4));
        assert_eq!(picture.came_as::<Bracketed>().unwrap().0.as_ptr(), came.as_ptr());
        assert_eq!(picture.jpeg().as_ref(), b"JPEG");
        let file = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        assert!(file.came_as::<Bracketed>().is_none());
    }
}
