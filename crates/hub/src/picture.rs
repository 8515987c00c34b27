//! One picture of a stream: the file and the pixels of it, each made once for all who ask; and the forms in which it is
//! sent, of which this module knows none.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use sightwire_frame::header;
use sightwire_frame::{DecodeError, Image};
use tokio::sync::{Mutex, OnceCell};

use crate::forms::Forms;

/// A picture and when it came. Cheap to clone: all who have it share its bytes, its pixels and each form of it.
///
/// What it did not come as is made by [`Self::jpeg`] and [`Self::pixels`], on a [`PicturePool`], when somebody first asks. Who
/// asks while it is being made waits for the same; if the first of them goes away, the next one has it made. The file stays as
/// long as the picture does. Pixels are large, and stay only while somebody holds them: a reader that takes picture after picture
/// holds those of the last one until it has the next, and so spares others the work.
#[derive(Clone)]
pub struct Picture(Arc<Inner>);

struct Inner {
    content: Content,
    sequence: u64,
    stamp: Stamp,
    forms: Forms,
    decoded: Mutex<Decoded>,
}

/// What is known of the pixels.
#[derive(Default)]
enum Decoded {
    #[default]
    Nothing,
    Pixels {
        image: Weak<Image>,
        sent_px: (u32, u32),
    },
    /// It is not tried again.
    Failed(DecodeError),
}

/// The pixels of a picture. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pixels {
    /// Blue, green and red of each pixel; a part of the sides of a picture that is larger than the pool's limits.
    pub image: Arc<Image>,
    /// Width and height of the picture as it was sent, px.
    pub sent_px: (u32, u32),
}

impl Pixels {
    /// Pixels of the picture as it was sent for each of the image's, along a side.
    pub fn scale(&self) -> f32 {
        let ((width, height), image) = (self.sent_px, &self.image);
        width.max(height) as f32 / image.width().max(image.height()).max(1) as f32
    }
}

/// Why a picture has no file or no pixels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// What the stream's sender gave holds no picture.
    #[error("what was sent is no picture")]
    NoPicture,
    /// It cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be made a JPEG.
    #[error("the picture cannot be encoded")]
    Encode,
    /// The thread that worked on it failed, or the pool has ended.
    #[error("the picture could not be worked on")]
    Lost,
}

/// Something that a pool makes; if it is dropped before it has begun, nothing is done.
pub type Making<'a, T> = Pin<Box<dyn Future<Output = Result<T, PictureError>> + Send + 'a>>;

/// Threads that decode and encode, never those of the network.
pub trait PicturePool: Send + Sync {
    /// The pixels of a JPEG, within limits that are the pool's.
    fn decode(&self, jpeg: Bytes) -> Making<'_, Image>;

    /// A JPEG of pixels; `quality` 1–100.
    fn encode(&self, image: Arc<Image>, quality: u8) -> Making<'_, Bytes>;
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

/// A pool without threads, for who has only files: what would have to be made is [`PictureError::Lost`].
#[derive(Clone, Copy, Debug)]
pub struct NoPool;

impl PicturePool for NoPool {
    fn decode(&self, _: Bytes) -> Making<'_, Image> {
        Box::pin(std::future::ready(Err(PictureError::Lost)))
    }

    fn encode(&self, _: Arc<Image>, _: u8) -> Making<'_, Bytes> {
        Box::pin(std::future::ready(Err(PictureError::Lost)))
    }
}

/// A picture that came as something else than a file; the code that brought it knows how to take the file out.
pub trait Wrapped: Any + Send + Sync {
    /// Bytes as which it came.
    fn size(&self) -> usize;

    /// Bytes of the file, as nearly as can be told without taking it out.
    fn file_size(&self) -> usize;

    /// Width and height, px; `None` if there is no picture in it.
    fn dimensions(&self) -> Option<(u32, u32)>;

    /// The file, which is asked for once; empty if there is none in it. Where taking it out is more than a copy, it is done on
    /// the pool.
    fn file<'a>(&'a self, pool: &'a dyn PicturePool) -> Making<'a, Bytes>;
}

enum Content {
    File(Bytes),
    /// And the file, once somebody needed it.
    Wrapped(Box<dyn Wrapped>, OnceCell<Bytes>),
}

impl Picture {
    /// The `sequence`-th picture of a stream, whose last byte came at `captured`.
    pub fn new(jpeg: Bytes, sequence: u64, captured: Instant, taken_at: SystemTime) -> Self {
        Self::made_of(jpeg, sequence, Stamp { sequence, captured, taken_at })
    }

    /// The `sequence`-th picture of a stream, made of another one.
    pub fn made_of(jpeg: Bytes, sequence: u64, stamp: Stamp) -> Self {
        Self::from_content(Content::File(jpeg), sequence, stamp)
    }

    /// Like [`Self::new`], of a picture that did not come as a file.
    pub fn from_wrapped(
        wrapped: impl Wrapped,
        sequence: u64,
        captured: Instant,
        taken_at: SystemTime,
    ) -> Self {
        Self::wrapped_of(wrapped, sequence, Stamp { sequence, captured, taken_at })
    }

    /// Like [`Self::made_of`], of a picture that did not come as a file.
    pub fn wrapped_of(wrapped: impl Wrapped, sequence: u64, stamp: Stamp) -> Self {
        Self::from_content(Content::Wrapped(Box::new(wrapped), OnceCell::new()), sequence, stamp)
    }

    fn from_content(content: Content, sequence: u64, stamp: Stamp) -> Self {
        let (forms, decoded) = (Forms::default(), Mutex::default());
        Self(Arc::new(Inner { content, sequence, stamp, forms, decoded }))
    }

    /// The JPEG file; it is made once, for all who ask. [`PictureError::NoPicture`] if the stream's sender gave something that
    /// holds none.
    pub async fn jpeg(&self, pool: &dyn PicturePool) -> Result<&Bytes, PictureError> {
        let file = self.jpeg_file(pool).await?;
        if file.is_empty() { Err(PictureError::NoPicture) } else { Ok(file) }
    }

    /// The pixels; the JPEG is decoded once, for all who ask while somebody holds them. Decoding says in its own words what is
    /// wrong with an empty file.
    pub async fn pixels(&self, pool: &dyn PicturePool) -> Result<Pixels, PictureError> {
        let mut decoded = self.0.decoded.lock().await;
        match &*decoded {
            Decoded::Failed(error) => return Err(error.clone().into()),
            Decoded::Pixels { image, sent_px } => {
                if let Some(image) = image.upgrade() {
                    return Ok(Pixels { image, sent_px: *sent_px });
                }
            }
            Decoded::Nothing => {}
        }
        let file = self.jpeg_file(pool).await?;
        match pool.decode(file.clone()).await {
            Ok(image) => {
                let sent_px = header::read_dimensions(file).unwrap_or((image.width(), image.height()));
                let image = Arc::new(image);
                *decoded = Decoded::Pixels { image: Arc::downgrade(&image), sent_px };
                Ok(Pixels { image, sent_px })
            }
            Err(error) => {
                if let PictureError::Decode(error) = &error {
                    *decoded = Decoded::Failed(error.clone());
                }
                Err(error)
            }
        }
    }

    async fn jpeg_file(&self, pool: &dyn PicturePool) -> Result<&Bytes, PictureError> {
        match &self.0.content {
            Content::File(jpeg) => Ok(jpeg),
            Content::Wrapped(wrapped, file) => file.get_or_try_init(|| wrapped.file(pool)).await,
        }
    }

    /// Width and height, px, as its header says; `None` where it has none.
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        match &self.0.content {
            Content::File(jpeg) => header::read_dimensions(jpeg),
            Content::Wrapped(wrapped, file) => match file.get() {
                Some(jpeg) => header::read_dimensions(jpeg),
                None => wrapped.dimensions(),
            },
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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;

    use tokio::sync::Semaphore;

    use super::*;

    /// Decodes to a pixel and encodes to `JPEG`, once it is let.
    struct Stub {
        may: Semaphore,
        decoded: AtomicUsize,
        encoded: AtomicUsize,
    }

    impl Stub {
        fn new(may: usize) -> Self {
            Self { may: Semaphore::new(may), decoded: AtomicUsize::new(0), encoded: AtomicUsize::new(0) }
        }

        async fn waits(&self) {
            self.may.acquire().await.unwrap().forget();
        }
    }

    impl PicturePool for Stub {
        fn decode(&self, jpeg: Bytes) -> Making<'_, Image> {
            Box::pin(async move {
                self.waits().await;
                self.decoded.fetch_add(1, Ordering::Relaxed);
                header::probe_header(&jpeg).map_err(DecodeError::from)?;
                Ok(Image::new(1, 1))
            })
        }

        fn encode(&self, _: Arc<Image>, _: u8) -> Making<'_, Bytes> {
            Box::pin(async move {
                self.waits().await;
                self.encoded.fetch_add(1, Ordering::Relaxed);
                Ok(Bytes::from_static(b"JPEG"))
            })
        }
    }

    /// As much of a JPEG of 4 x 2 pixels as says so.
    const HEADER: &[u8] = &[0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 2, 0, 4, 1, 1, 0x11, 0];

    fn picture(jpeg: &'static [u8]) -> Picture {
        Picture::new(Bytes::from_static(jpeg), 1, Instant::now(), SystemTime::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn pixels_are_made_once_for_all_who_ask_and_kept_while_somebody_holds_them() {
        let (picture, pool) = (picture(HEADER), Stub::new(0));
        let (first, second, ()) = tokio::join!(picture.pixels(&pool), picture.pixels(&pool), async {
            tokio::task::yield_now().await;
            pool.may.add_permits(1);
        });
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(Arc::ptr_eq(&first.image, &second.image));
        assert_eq!((first.sent_px, first.scale()), ((4, 2), 4.0), "the stub decodes to a quarter");
        drop(first);
        let third = picture.clone().pixels(&pool).await.unwrap();
        assert!(Arc::ptr_eq(&third.image, &second.image));
        assert_eq!(pool.decoded.load(Ordering::Relaxed), 1);
        drop((second, third));
        pool.may.add_permits(1);
        picture.pixels(&pool).await.unwrap();
        assert_eq!(pool.decoded.load(Ordering::Relaxed), 2, "the picture itself holds none");
    }

    #[tokio::test]
    async fn one_who_goes_away_leaves_the_next_to_have_them_made() {
        let (picture, pool) = (picture(HEADER), Stub::new(0));
        let mut leaves = Box::pin(picture.pixels(&pool));
        let mut waits = Box::pin(picture.pixels(&pool));
        assert!(poll_once(&mut leaves).await.is_none() && poll_once(&mut waits).await.is_none());
        drop(leaves);
        pool.may.add_permits(1);
        waits.await.unwrap();
        assert_eq!(pool.decoded.load(Ordering::Relaxed), 1);
    }

    /// What it is once polled; `None` while it waits.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut *future).poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_is_not_tried_again() {
        let (picture, pool) = (picture(b""), Stub::new(2));
        let error = picture.pixels(&pool).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            header::probe_header(b"").unwrap_err().to_string(),
            "in the decoder's words"
        );
        assert_eq!(picture.pixels(&pool).await.unwrap_err(), error);
        assert_eq!(pool.decoded.load(Ordering::Relaxed), 1);
        assert_eq!(picture.jpeg(&pool).await, Err(PictureError::NoPicture));
    }

    /// A file between brackets.
    struct Bracketed(Bytes);

    impl Wrapped for Bracketed {
        fn size(&self) -> usize {
            self.0.len()
        }

        fn file_size(&self) -> usize {
            self.0.len() - 2
        }

        fn dimensions(&self) -> Option<(u32, u32)> {
            Some((1, 1))
        }

        fn file<'a>(&'a self, _: &'a dyn PicturePool) -> Making<'a, Bytes> {
            Box::pin(async { Ok(self.0.slice(1..self.0.len() - 1)) })
        }
    }

    #[tokio::test]
    async fn a_wrapped_picture_is_unwrapped_only_for_those_who_need_the_file() {
        let (came, pool) = (Bytes::from_static(b"[JPEG]"), Stub::new(0));
        let picture =
            Picture::from_wrapped(Bracketed(came.clone()), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        assert_eq!((picture.size(), picture.file_size(), picture.dimensions()), (6, 4, Some((1, 1))));
        assert_eq!(picture.came_as::<Bracketed>().unwrap().0.as_ptr(), came.as_ptr());
        assert_eq!(picture.jpeg(&pool).await.unwrap().as_ref(), b"JPEG");
        let file = Picture::new(Bytes::from_static(b"JPEG"), 1, Instant::now(), SystemTime::UNIX_EPOCH);
        assert!(file.came_as::<Bracketed>().is_none());
    }

    /// It holds no file, which is to be made of its pixels, as of a video's.
    struct Coded;

    impl Wrapped for Coded {
        fn size(&self) -> usize {
            1
        }

        fn file_size(&self) -> usize {
            4
        }

        fn dimensions(&self) -> Option<(u32, u32)> {
            Some((1, 1))
        }

        fn file<'a>(&'a self, pool: &'a dyn PicturePool) -> Making<'a, Bytes> {
            pool.encode(Arc::new(Image::new(1, 1)), 85)
        }
    }

    #[tokio::test]
    async fn a_file_that_has_to_be_made_is_made_once_for_all_who_ask() {
        let pool = Stub::new(0);
        let picture = Picture::from_wrapped(Coded, 1, Instant::now(), SystemTime::UNIX_EPOCH);
        let (first, second, ()) = tokio::join!(picture.jpeg(&pool), picture.jpeg(&pool), async {
            tokio::task::yield_now().await;
            pool.may.add_permits(1);
        });
        assert_eq!(first.unwrap().as_ptr(), second.unwrap().as_ptr());
        assert_eq!(pool.encoded.load(Ordering::Relaxed), 1);
    }
}
