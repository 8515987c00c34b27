//! One picture of a stream, and the forms in which it is sent.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use sightwire_frame::data_url;

/// A picture and when it came. Cheap to clone: all viewers share its bytes, and each form of it is made once, for the
/// first who asks.
#[derive(Clone)]
pub struct Picture(Arc<Inner>);

struct Inner {
    content: Content,
    sequence: u64,
    origin: Origin,
    part: OnceLock<Bytes>,
    text: OnceLock<Bytes>,
    binary: OnceLock<Bytes>,
}

/// Which picture of a source it is, or was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Counts the pictures of the source, from 1.
    pub sequence: u64,
    /// When its last byte came, by the clock that never jumps.
    pub captured: Instant,
    /// Likewise, by the calendar.
    pub taken_at: SystemTime,
}

/// How a picture is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The file.
    #[default]
    File,
    /// As a data URL in a text.
    Text,
}

/// What `data:image/jpeg;base64,` adds to base64.
const URL_HEAD: usize = 23;

/// A picture as it came.
enum Content {
    Jpeg(Bytes),
    /// `data:image/…`, and the file that is in it once somebody needs it.
    DataUrl(Bytes, OnceLock<Bytes>),
}

impl Picture {
    /// The `sequence`-th picture of a stream, whose last byte came at `captured`.
    pub fn new(jpeg: Bytes, sequence: u64, captured: Instant, taken_at: SystemTime) -> Self {
        Self::of(Content::Jpeg(jpeg), sequence, Origin { sequence, captured, taken_at }, OnceLock::new())
    }

    /// The `sequence`-th picture of a stream, made of another one.
    pub fn made_of(jpeg: Bytes, sequence: u64, origin: Origin) -> Self {
        Self::of(Content::Jpeg(jpeg), sequence, origin, OnceLock::new())
    }

    /// Likewise, of a data URL that came inside of `text`, the message in which it goes out again: a part of those bytes.
    pub fn of_data_url(
        url: Bytes,
        text: Bytes,
        sequence: u64,
        captured: Instant,
        taken_at: SystemTime,
    ) -> Self {
        let origin = Origin { sequence, captured, taken_at };
        Self::of(Content::DataUrl(url, OnceLock::new()), sequence, origin, text.into())
    }

    fn of(content: Content, sequence: u64, origin: Origin, text: OnceLock<Bytes>) -> Self {
        let (part, binary) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { content, sequence, origin, part, text, binary }))
    }

    /// The file. Empty if the stream's sender gave something that holds none.
    pub fn jpeg(&self) -> &Bytes {
        match &self.0.content {
            Content::Jpeg(jpeg) => jpeg,
            Content::DataUrl(url, jpeg) => jpeg.get_or_init(|| {
                let mut file = Vec::new();
                let decoded =
                    std::str::from_utf8(url).is_ok_and(|url| data_url::decode_into(url, &mut file).is_ok());
                if decoded { file.into() } else { Bytes::new() }
            }),
        }
    }

    /// The data URL as which it came, if it did.
    pub fn data_url(&self) -> Option<&Bytes> {
        match &self.0.content {
            Content::Jpeg(_) => None,
            Content::DataUrl(url, _) => Some(url),
        }
    }

    /// Bytes as which it came.
    pub fn size(&self) -> usize {
        match &self.0.content {
            Content::Jpeg(bytes) | Content::DataUrl(bytes, _) => bytes.len(),
        }
    }

    /// Bytes as which it goes out, as nearly as can be told without making them.
    pub fn size_as(&self, form: Form) -> usize {
        match (&self.0.content, form) {
            (Content::Jpeg(bytes), Form::File) | (Content::DataUrl(bytes, _), Form::Text) => bytes.len(),
            (Content::Jpeg(jpeg), Form::Text) => URL_HEAD + jpeg.len().div_ceil(3) * 4,
            (Content::DataUrl(url, _), Form::File) => url.len().saturating_sub(URL_HEAD) / 4 * 3,
        }
    }

    /// Counts the pictures of a stream, from 1; what lies between two of them was missed.
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// When it came, by the clock that never jumps.
    pub fn captured(&self) -> Instant {
        self.0.origin.captured
    }

    /// When it came, by the calendar.
    pub fn taken_at(&self) -> SystemTime {
        self.0.origin.taken_at
    }

    /// Which picture of the source it is, or was made of.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// As one part of `multipart/x-mixed-replace; boundary=frame`; built for the first who asks, shared by all.
    pub fn part(&self) -> &Bytes {
        self.0.part.get_or_init(|| part(self.jpeg()))
    }

    /// As a text message; built for the first who asks, shared by all.
    pub fn text_message(&self, build: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.0.text.get_or_init(|| build(self))
    }

    /// As a binary message; built for the first who asks, shared by all.
    pub fn binary_message(&self, build: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.0.binary.get_or_init(|| build(self))
    }
}

/// A JPEG as one part of `multipart/x-mixed-replace; boundary=frame`.
pub fn part(jpeg: &[u8]) -> Bytes {
    let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    let mut part = BytesMut::with_capacity(head.len() + jpeg.len() + 2);
    part.put_slice(head.as_bytes());
    part.put_slice(jpeg);
    part.put_slice(b"\r\n");
    part.freeze()
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture {} ({} bytes)", self.sequence(), self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_old_clients_read() {
        let picture = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        let expected = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\nJPEG\r\n";
        assert_eq!(picture.part().as_ref(), expected);
        assert_eq!(picture.clone().part().as_ptr(), picture.part().as_ptr(), "shared, not built again");
    }

    #[test]
    fn a_data_url_is_decoded_only_for_those_who_need_the_file_and_sent_on_as_it_came() {
        let message = Bytes::from_static(b"{\"frame\":\"data:image/jpeg;base64,SlBFRw==\"}");
        let (url, now) = (message.slice(10..message.len() - 2), Instant::now());
        let picture = Picture::of_data_url(url.clone(), message.clone(), 1, now, SystemTime::UNIX_EPOCH);
        let sent = picture.text_message(|_| unreachable!("it is there already"));
        assert_eq!(sent.as_ptr(), message.as_ptr());
        assert_eq!((picture.size(), picture.data_url()), (url.len(), Some(&url)));
        assert_eq!((picture.size_as(Form::Text), picture.size_as(Form::File)), (url.len(), 6));
        assert_eq!(picture.jpeg().as_ref(), b"JPEG");
        let nothing = Picture::of_data_url(url.slice(..20), message, 1, now, SystemTime::UNIX_EPOCH);
        assert!(nothing.jpeg().is_empty(), "not base64");
    }

    #[test]
    fn each_form_is_built_once() {
        let picture = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        let first = picture.binary_message(|_| Bytes::from_static(b"first"));
        assert_eq!(first.as_ref(), b"first");
        assert_eq!(picture.clone().binary_message(|_| Bytes::from_static(b"second")).as_ref(), b"first");
    }
}
