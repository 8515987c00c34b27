//! Copies of kept pictures in the size of a screen.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_documents::patience::Patience;
use sightwire_engine::pool;
use sightwire_engine::priority::Priority;
use sightwire_frame::still::StillError;
use sightwire_frame::{EncodeError, Encoder, Image};
use sightwire_infer::jobs::{Jobs, Lost};
use sightwire_ocr::enhance;
use sightwire_ocr::{Corners, Memory, UnsuitedCorners};
use sightwire_shrink::shrink_image;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::output::{AnnotateError, Document, Pdf, annotate_image};
use super::picture::{Picture, PictureError};
use crate::decoding::{DecodeMemory, Decoding};
use crate::options::Options;

/// Copies that are made at once: each holds a decoded picture.
pub const AT_ONCE: usize = 2;
/// How long one may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Copies that are kept.
const MAX_COPIES: usize = 64;
const QUALITY: u8 = 85;
/// Longer side of a picture that is enhanced for the screen, px.
const LARGEST_ENHANCED: u32 = 4096;
/// What is beyond a picture that was turned.
const PAPER: [u8; 3] = [255; 3];

/// Makes copies, and keeps the last ones.
#[derive(Debug)]
pub struct Display {
    limits: Arc<Options>,
    /// Memory for the pixels of all pictures.
    pub decoding: Arc<DecodeMemory>,
    /// The part of `decoding` for pictures of which text is read. Copies are made with what others have, too: a page that
    /// was read holds its part while it waits for its turn to be marked, and those before it must not wait for that.
    pub reading: Arc<DecodeMemory>,
    turns: Arc<Semaphore>,
    threads: Jobs<()>,
    copies: Mutex<VecDeque<(Key, Copy)>>,
}

/// Which copy of which picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Id of the batch that the picture is of.
    pub job: Arc<str>,
    /// Number of its file in the batch, from 0.
    pub index: usize,
    /// What is shown of it.
    pub look: DisplayOptions,
}

/// What is shown of a picture. All but the first two show it as the reader sees it with these steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub struct DisplayOptions {
    /// Number of the page in its file, from 0.
    pub page: usize,
    /// The longer side at most, px.
    pub side: u32,
    /// Whether the page in a photograph is straightened.
    pub perspective: bool,
    /// Where the page in a photograph is, if it need not be looked for.
    pub corners: Option<Corners>,
    /// Whether lines that lean are turned level.
    pub deskew: bool,
    /// Whether the contrast is evened out.
    pub contrast: bool,
    /// Whether noise is taken out.
    pub denoise: bool,
}

/// Where the pixels of a page are.
#[derive(Debug)]
pub enum Pixels {
    /// Decoded, with the room that they take.
    Image(Arc<Image>, Decoding),
    /// In a picture that is not decoded yet.
    Picture(Box<Picture>),
    /// In the file of a picture.
    File(Bytes),
}

/// A display copy: a page made small enough for a screen.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The copy as a JPEG, upright.
    pub jpeg: Bytes,
    /// Upright width and height of the original, px.
    pub original: (u32, u32),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// Too many are being made.
    #[error("too many pictures are being prepared for display")]
    Busy,
    /// No such page.
    #[error("there is no page {0}")]
    Page(usize),
    /// The corners that were given are not those of a page in this picture.
    #[error(transparent)]
    Corners(#[from] UnsuitedCorners),
    /// It cannot be shown.
    #[error("the picture cannot be shown: {0}")]
    Failed(#[source] ShowError),
}

/// At which step it came to light that a picture cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// Its header does not allow it.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Its pixels cannot be decoded.
    #[error(transparent)]
    Decode(#[from] StillError),
    /// The copy as JPEG.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The marked page as PNG.
    #[error(transparent)]
    Annotate(#[from] AnnotateError),
    /// Any, with its thread.
    #[error(transparent)]
    Lost(#[from] Lost),
}

impl DisplayError {
    /// What is missing, where only the program is that draws the file: the same may be had later.
    pub fn not_yet(&self) -> Option<&StillError> {
        match self {
            Self::Failed(ShowError::Picture(PictureError::NotYet(why))) => Some(why),
            Self::Failed(ShowError::Decode(why)) if why.waits_for_drawing() => Some(why),
            _ => None,
        }
    }
}

impl<E: Into<ShowError>> From<E> for DisplayError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Display {
    /// Starts the threads that make copies.
    pub fn new(limits: Arc<Options>, decoding: Arc<DecodeMemory>) -> io::Result<Arc<Self>> {
        let part =
            Memory::for_pictures(limits.memory_bytes, limits.kept_bytes()).map_err(io::Error::other)?;
        let reading = DecodeMemory::for_reading(decoding.clone(), part);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let options = pool::Options {
            name: "display",
            threads: AT_ONCE,
            priority: Priority::Live,
            idle_release: limits.idle_release,
        };
        let threads = Jobs::start(options, || Some(()))?;
        Ok(Arc::new(Self { limits, decoding, reading, turns, threads, copies: Mutex::default() }))
    }

    /// A copy of the picture, which lies in `bytes`.
    pub async fn get_copy(self: &Arc<Self>, key: Key, bytes: Bytes) -> Result<Copy, DisplayError> {
        if let Some(copy) = self.find_copy(&key) {
            return Ok(copy);
        }
        let this = self.clone();
        let made = self.run(move || {
            // Somebody may have waited for the same.
            if let Some(copy) = this.find_copy(&key) {
                return Ok(copy);
            }
            let copy = this.make_copy(&key.look, bytes)?;
            this.insert(key, copy.clone());
            Ok(copy)
        });
        made.await?
    }

    /// A page with its lines marked, as PNG, made in turn with the copies. `held` is let go with the pixels, however long the
    /// caller waits.
    pub async fn make_marked(
        self: &Arc<Self>,
        pixels: Pixels,
        document: Document,
        page: usize,
        held: impl Send + 'static,
    ) -> Result<Vec<u8>, DisplayError> {
        let this = self.clone();
        let made = self.run(move || {
            let regions = document.pages.get(page).map(|page| page.regions.as_slice()).unwrap_or_default();
            let (mut image, room) = this.page_pixels(pixels, page)?;
            let png = annotate_image(&mut image, regions);
            drop((image, room, held));
            Ok(png?)
        });
        made.await?
    }

    /// A file with all pages of a picture and their text, made in turn with the copies. `first` are the pixels of its first
    /// page, where they are there already.
    pub async fn make_searchable(
        self: &Arc<Self>,
        bytes: Bytes,
        mut first: Option<(Arc<Image>, Decoding)>,
        document: Document,
        held: impl Send + 'static,
    ) -> Result<Vec<u8>, DisplayError> {
        let this = self.clone();
        let made = self.run(move || {
            let picture = Picture::probe(
                bytes,
                &this.limits,
                &this.decoding,
                Patience::with_limit(this.limits.deadline),
            )?;
            let mut pdf = Pdf::default();
            for (index, page) in document.pages.iter().enumerate() {
                let (image, _room) = if let Some(decoded) = first.take() {
                    decoded
                } else {
                    let (image, room) = picture.decode_in_turn(index, &this.limits)?;
                    (Arc::new(image), room)
                };
                pdf.push(&picture.bytes, page, &image);
            }
            drop(held);
            Ok(pdf.finish(document.file.as_deref()))
        });
        made.await?
    }

    fn page_pixels(&self, pixels: Pixels, page: usize) -> Result<(Image, Decoding), ShowError> {
        let picture = match pixels {
            Pixels::Image(image, room) => {
                return Ok((Arc::try_unwrap(image).unwrap_or_else(|shared| (*shared).clone()), room));
            }
            // Not with the part for reading: a task that waits for that may hold a turn.
            Pixels::Picture(picture) => picture.with_decode_memory(self.decoding.clone()),
            Pixels::File(bytes) => Picture::probe(
                bytes,
                &self.limits,
                &self.decoding,
                Patience::with_limit(self.limits.deadline),
            )?,
        };
        Ok(picture.decode_in_turn(page, &self.limits)?)
    }

    /// Does something else with a picture, in turn with the copies.
    pub async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, DisplayError> {
        let turn = timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(DisplayError::Busy) };
        let runtime = Handle::current();
        let made = self.threads.run(move |()| {
            // It may wait for memory.
            let _entered = runtime.enter();
            let done = work();
            drop(turn); // not before, though the one who asked may have gone
            done
        });
        Ok(made.await?)
    }

    fn make_copy(&self, look: &DisplayOptions, bytes: Bytes) -> Result<Copy, DisplayError> {
        let picture =
            Picture::probe(bytes, &self.limits, &self.decoding, Patience::with_limit(self.limits.deadline))?;
        let original = picture.pages.get(look.page).ok_or(DisplayError::Page(look.page + 1))?.size;
        let (image, _room) = picture.decode_in_turn(look.page, &self.limits)?;
        let image = display_image(&image, look)?;
        let mut jpeg = Vec::new();
        Encoder::new()?.encode(&image, QUALITY, &mut jpeg)?;
        Ok(Copy { jpeg: jpeg.into(), original })
    }

    fn find_copy(&self, key: &Key) -> Option<Copy> {
        let mut copies = self.copies.lock();
        let position = copies.iter().position(|(other, _)| other == key)?;
        // The one used last is the last to go.
        let found = copies.remove(position)?;
        let copy = found.1.clone();
        copies.push_back(found);
        Some(copy)
    }

    fn insert(&self, key: Key, copy: Copy) {
        let mut copies = self.copies.lock();
        copies.retain(|(other, _)| *other != key);
        copies.push_back((key, copy));
        while copies.len() > MAX_COPIES || bytes_of(&copies) > self.limits.copies_bytes() {
            copies.pop_front();
        }
    }

    /// Bytes of the copies that are kept.
    pub fn kept_bytes(&self) -> usize {
        bytes_of(&self.copies.lock())
    }

    /// Lets the copies of a batch go.
    pub fn forget_job(&self, job: &str) {
        self.copies.lock().retain(|(key, _)| &*key.job != job);
    }
}

fn bytes_of(copies: &VecDeque<(Key, Copy)>) -> usize {
    copies.iter().map(|(_, copy)| copy.jpeg.len()).sum()
}

/// The picture as the reader sees it, in that size.
fn display_image(image: &Image, look: &DisplayOptions) -> Result<Image, UnsuitedCorners> {
    let found = || look.perspective.then(|| enhance::find_corners(image)).flatten().map(|found| found.points);
    let page = match look.corners {
        Some(given) => Some(given.straighten(image)?.0),
        None => found().and_then(|points| enhance::straighten_page(image, points)).map(|(page, _)| page),
    };
    let image = page.as_ref().unwrap_or(image);
    if !(look.denoise || look.contrast || look.deskew) {
        return Ok(shrink_image(image, look.side));
    }
    // On a screen nobody sees what these steps do to more pixels, and they would take seconds.
    let mut image = shrink_image(image, LARGEST_ENHANCED);
    if look.denoise {
        image = enhance::denoise_image(&image);
    }
    if look.contrast {
        image = enhance::even_contrast(&image);
    }
    if look.deskew {
        let skew = enhance::measure_skew(&image);
        if skew != 0.0 {
            image = enhance::rotate_image(&image, skew, PAPER).0;
        }
    }
    Ok(shrink_image(&image, look.side))
}
