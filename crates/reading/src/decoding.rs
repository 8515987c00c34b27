//! One budget for single pictures that are decoded and worked on: a file of a few bytes may unfold to hundreds of megabytes.
//! Live frames do not count: each thread, analysis and view has at most one, which `images.max_pixels` bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sightwire_frame::still::StillFormat;
use sightwire_ocr::memory::ForPictures;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget, in bytes.
const UNIT: u64 = 1 << 10;

/// Memory for decoding, for all pictures together.
#[derive(Debug)]
pub struct DecodeMemory {
    units: Arc<Semaphore>,
    /// Bytes that all pictures may take together,
    together: u64,
    /// and that a single one may take, alone.
    limit: u64,
    used: Arc<AtomicU64>,
    /// What bounds it.
    setting: &'static str,
    /// A budget of which this one is a part.
    whole: Option<Arc<DecodeMemory>>,
}

/// The memory that a picture takes while it is decoded and worked on. It is free again when this is dropped.
#[derive(Debug)]
pub struct Decoding {
    bytes: u64,
    used: Arc<AtomicU64>,
    _units: Option<OwnedSemaphorePermit>,
    _of_whole: Option<Box<Decoding>>,
}

impl Drop for Decoding {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A picture that would take more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {format} has {} x {} pixels and takes {} MiB to be decoded: {setting} allows {} MiB",
    .size.0, .size.1, .bytes >> 20, .limit >> 20
)]
pub struct TooMuch {
    format: StillFormat,
    size: (u32, u32),
    bytes: u64,
    limit: u64,
    setting: &'static str,
}

impl DecodeMemory {
    /// At most `limit` bytes of decoded pixels at once.
    pub fn new(limit: usize) -> Arc<Self> {
        let limit = limit as u64;
        Self::with(limit, limit, "images.decode_memory_mb", None)
    }

    /// What text reading may take of `whole`, by `reader.memory_mb`.
    pub fn for_reading(whole: Arc<Self>, most: ForPictures) -> Arc<Self> {
        let of_whole = most.alone >= whole.limit;
        let (limit, setting) =
            if of_whole { (whole.limit, whole.setting) } else { (most.alone, "reader.memory_mb") };
        Self::with(most.together.min(limit), limit, setting, Some(whole))
    }

    fn with(together: u64, limit: u64, setting: &'static str, whole: Option<Arc<Self>>) -> Arc<Self> {
        let units = usize::try_from(together / UNIT).unwrap_or(usize::MAX).clamp(1, u32::MAX as usize);
        let (units, used) = (Arc::new(Semaphore::new(units)), Arc::default());
        Arc::new(Self { units, together, limit, used, setting, whole })
    }

    /// Bytes that may be taken at once.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there could ever be room for a page of this size.
    pub fn check(&self, format: StillFormat, size: (u32, u32)) -> Result<(), TooMuch> {
        let (bytes, limit) = (bytes(format, size), self.limit);
        let setting = self.setting;
        if bytes > limit { Err(TooMuch { format, size, bytes, limit, setting }) } else { Ok(()) }
    }

    /// Pixels of a page for which there could be room.
    pub fn most_pixels(&self, format: StillFormat) -> u64 {
        self.limit / per_pixel(format)
    }

    /// Waits until there is room for it; whoever came first goes first.
    pub async fn take(&self, format: StillFormat, size: (u32, u32)) -> Decoding {
        self.acquire(bytes(format, size)).await
    }

    async fn acquire(&self, bytes: u64) -> Decoding {
        let all = self.together / UNIT;
        let count = bytes.div_ceil(UNIT).clamp(1, all.clamp(1, u64::from(u32::MAX))) as u32;
        // It is never closed.
        let units = self.units.clone().acquire_many_owned(count).await.ok();
        // Whoever takes of the whole alone never waits for a part of it.
        let of_whole = match &self.whole {
            Some(whole) => Some(Box::new(Box::pin(whole.acquire(bytes)).await)),
            None => None,
        };
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Decoding { bytes, used: self.used.clone(), _units: units, _of_whole: of_whole }
    }

    /// The same on a thread that may wait.
    pub fn take_blocking(&self, format: StillFormat, size: (u32, u32)) -> Decoding {
        Handle::current().block_on(self.take(format, size))
    }
}

/// What a page takes at most while it is decoded, turned upright and read.
fn bytes(format: StillFormat, (width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height) * per_pixel(format)
}

/// Measured as peaks of the process with 90 megapixels, and of the process that draws (docs/reading.md).
fn per_pixel(format: StillFormat) -> u64 {
    match format {
        StillFormat::WebP => 14,
        StillFormat::Pdf | StillFormat::Avif | StillFormat::Heic => 16,
        StillFormat::Jpeg | StillFormat::Png | StillFormat::Tiff | StillFormat::Bmp | StillFormat::Gif => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pictures_wait_for_each_other_and_one_that_never_fits_is_refused() {
        let memory = DecodeMemory::new(100 << 20);
        let size = (4000, 3000);
        assert_eq!(memory.check(StillFormat::Jpeg, size), Ok(()));
        let refused = memory.check(StillFormat::WebP, size).unwrap_err().to_string();
        assert!(
            refused.contains("160 MiB") && refused.contains("images.decode_memory_mb allows 100 MiB"),
            "{refused}"
        );
        let first = memory.take(StillFormat::Jpeg, size).await;
        assert!(memory.used() >= 84_000_000 && memory.used() <= 100 << 20);
        let small = memory.take(StillFormat::Png, (100, 100)).await;
        let second = memory.take(StillFormat::Jpeg, size);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut second).await.is_err());
        drop(first);
        drop((second.await, small));
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn text_reading_has_a_part_of_it_and_leaves_the_rest_to_others() {
        let (whole, size) = (DecodeMemory::new(400 << 20), (4000, 3000));
        let most = ForPictures { together: 100 << 20, alone: 200 << 20 };
        let part = DecodeMemory::for_reading(whole.clone(), most);
        let first = part.take(StillFormat::Jpeg, size).await;
        assert_eq!((part.used(), whole.used()), (84_000_000, 84_000_000));
        let others = whole.take(StillFormat::Jpeg, size).await;
        assert_eq!((part.used(), whole.used()), (84_000_000, 168_000_000));
        // What takes more than all may together is read alone.
        let large = part.take(StillFormat::WebP, size);
        tokio::pin!(large);
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut large).await.is_err());
        drop(first);
        let large = large.await;
        assert_eq!(part.used(), 168_000_000);
        let refused = part.check(StillFormat::Jpeg, (8000, 6000)).unwrap_err().to_string();
        assert!(refused.contains("reader.memory_mb allows 200 MiB"), "{refused}");
        drop((large, others));
        assert_eq!((part.used(), whole.used()), (0, 0));
    }
}
