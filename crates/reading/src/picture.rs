//! A picture to be read: what its header says, and its pixels.

use std::sync::Arc;

use bytes::Bytes;
use sightwire_documents::PageHeader;
use sightwire_documents::patience::Patience;
use sightwire_frame::Image;
use sightwire_frame::still::{self, StillError, StillFormat, StillLimits};
use sightwire_ocr::{ReadOptions, memory};
use tokio::sync::OwnedSemaphorePermit;

use crate::decoding::{DecodeMemory, Decoding, TooMuch};
use crate::options::Options;

/// What a picture is to be that needs more memory than one that is read as it is.
const PREPARED: &str = "read with deskew, contrast, denoise, perspective or corners, which may be left out";
/// The same where the copy is large in which lines are looked for.
const SCALED: &str = "read with this max_side, which may be less";

/// What is known of a picture before it is decoded.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file as it came.
    pub bytes: Bytes,
    /// By its content, whatever the file is called.
    pub format: StillFormat,
    /// What is known of each page.
    pub pages: Vec<PageHeader>,
    /// What the file takes of the memory for all: it is in use until the last clone has gone.
    _memory: Option<Arc<OwnedSemaphorePermit>>,
    decoding: Arc<DecodeMemory>,
    /// What decoding each page takes.
    decoding_bytes: Arc<[u64]>,
}

/// Why a picture cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// No bytes came.
    #[error("the file is empty")]
    Empty,
    /// Too many bytes, pixels or pages.
    #[error(transparent)]
    TooLarge(StillError),
    /// A page would take more memory than all pictures may together.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// Not a picture, or none of a format that is known.
    #[error(transparent)]
    Unknown(StillError),
    /// Cut off, damaged or locked, so that its pages cannot be told.
    #[error(transparent)]
    Broken(StillError),
    /// Perhaps a good one, which nothing here can draw for now.
    #[error(transparent)]
    NotYet(StillError),
}

impl Picture {
    /// Looks at the headers; all limits are checked, nothing is decoded. Blocks: of a PDF, a process of its own does it.
    pub fn probe(
        bytes: Bytes,
        limits: &Options,
        decoding: &Arc<DecodeMemory>,
        patience: Patience,
    ) -> Result<Self, PictureError> {
        if bytes.is_empty() {
            return Err(PictureError::Empty);
        }
        let mut most = still_limits(limits);
        // What is drawn can be drawn smaller.
        if StillFormat::from_bytes(&bytes) == Some(StillFormat::Pdf) {
            most.max_pixels = most.max_pixels.min(decoding.most_drawn_pixels());
        }
        let header = limits.pages.probe(&bytes, &most, patience)?;
        let (format, pages) = (header.format, header.pages);
        let sizes: Vec<_> = pages.iter().map(|page| page.size).collect();
        let decoding_bytes = still::decoding_bytes(format, &bytes, &sizes).into();
        let picture =
            Self { bytes, format, pages, _memory: None, decoding: decoding.clone(), decoding_bytes };
        for (index, size) in sizes.into_iter().enumerate() {
            let (here, drawing) = picture.decoding_bytes(index);
            picture.decoding.check_decoding((format, size), here, drawing)?;
            let bytes = picture.reading_bytes(index, &ReadOptions::default(), false);
            picture.decoding.check_bytes((format, size), bytes, "read")?;
        }
        Ok(picture)
    }

    /// Keeps its part of the memory for all as long as its bytes.
    #[must_use]
    pub fn with_memory(self, memory: Option<OwnedSemaphorePermit>) -> Self {
        Self { _memory: memory.map(Arc::new), ..self }
    }

    /// The same, decoded with the memory for all and not with a part of it.
    #[must_use]
    pub fn with_decode_memory(self, decoding: Arc<DecodeMemory>) -> Self {
        Self { decoding, ..self }
    }

    /// Waits for the memory that a page, from 0, takes while it is decoded and then read with these options, and that which only
    /// decoding takes. Whether its pixels are kept as they were is returned, too: not if there is no room for that.
    pub async fn acquire_room(
        &self,
        page: usize,
        options: &ReadOptions,
        keep: bool,
    ) -> Result<(Decoding, Option<Decoding>, bool), TooMuch> {
        let bytes = |keep| self.reading_bytes(page, options, keep);
        let keep = keep && bytes(true) <= self.decoding.limit();
        let reading = bytes(keep);
        let for_what = if options.steps() > 0 { PREPARED } else { SCALED };
        self.decoding.check_bytes((self.format, self.page_size(page)), reading, for_what)?;
        let (here, drawing) = self.decoding_bytes(page);
        let mut room = self.decoding.acquire_bytes(reading.max(here), drawing).await;
        let decoding = room.split_beyond(reading);
        Ok((room, decoding, keep))
    }

    fn reading_bytes(&self, page: usize, options: &ReadOptions, keep: bool) -> u64 {
        memory::reading_bytes(self.page_size(page), options, keep)
    }

    /// Bytes here, and of a process that draws it.
    fn decoding_bytes(&self, page: usize) -> (u64, u64) {
        let here = self.decoding_bytes.get(page).copied().unwrap_or_default();
        (here, still::drawing_bytes(self.format, self.page_size(page)))
    }

    /// The pixels of a page, from 0, to be shown, as soon as there is memory for them, and that; blocks.
    pub fn decode_in_turn(&self, page: usize, limits: &Options) -> Result<(Image, Decoding), PictureError> {
        let (size, (here, drawing)) = (self.page_size(page), self.decoding_bytes(page));
        let shown = still::shown_bytes(size);
        self.decoding.check_bytes((self.format, size), shown, "shown")?;
        let room = self.decoding.acquire_bytes_blocking(shown.max(here + drawing), 0);
        Ok((self.decode(page, limits, Patience::with_limit(limits.deadline), &|| true)?, room))
    }

    /// The pixels of a page, from 0, for a caller that has [room](Self::acquire_room) for them; blocks. What is drawn is given up when
    /// `wanted` says no.
    pub fn decode(
        &self,
        page: usize,
        limits: &Options,
        patience: Patience,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Image, StillError> {
        let header = (self.format, self.page_size(page));
        limits.pages.decode(&self.bytes, header, page as u32, &still_limits(limits), patience, wanted)
    }

    fn page_size(&self, page: usize) -> (u32, u32) {
        self.pages.get(page).map(|page| page.size).unwrap_or_default()
    }
}

impl From<StillError> for PictureError {
    fn from(error: StillError) -> Self {
        match error {
            _ if error.waits_for_drawing() => PictureError::NotYet(error),
            StillError::Limit(_) | StillError::Pages { .. } => PictureError::TooLarge(error),
            StillError::UnknownFormat(_) | StillError::UnknownFile(_) | StillError::Unsupported { .. } => {
                PictureError::Unknown(error)
            }
            StillError::Damaged { .. }
            | StillError::Protected { .. }
            | StillError::Undrawn { .. }
            | StillError::Page { .. }
            | StillError::Setup(_) => PictureError::Broken(error),
        }
    }
}

fn still_limits(reader: &Options) -> StillLimits {
    StillLimits {
        max_bytes: reader.max_image_bytes,
        max_pixels: reader.max_pixels,
        max_side: reader.max_side,
        max_pages: reader.max_pages,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::output::annotate_image;

    #[test]
    fn the_memory_of_a_picture_is_in_use_as_long_as_anybody_has_its_bytes() {
        let limits = Options::default_options();
        let bytes = Bytes::from(annotate_image(&mut Image::new(8, 8), &[]).unwrap());
        let memory = Arc::new(Semaphore::new(bytes.len()));
        let all = memory.clone().try_acquire_many_owned(bytes.len() as u32).unwrap();
        let decoding = DecodeMemory::new(1 << 20);
        let picture =
            Picture::probe(bytes.clone(), &limits, &decoding, Patience::Work).unwrap().with_memory(Some(all));
        let waiting = picture.clone();
        let load: Box<dyn FnOnce() -> Result<Image, StillError>> =
            Box::new(move || waiting.decode(0, &limits, Patience::Work, &|| true));
        drop(picture);
        assert_eq!(memory.available_permits(), 0, "its caller has gone, and it waits for a thread");
        load().unwrap();
        assert_eq!(memory.available_permits(), bytes.len());
    }
}
