//! One budget for single pictures that are decoded and worked on: a file of a few bytes may unfold to hundreds of megabytes.
//! Live frames do not count: each thread, analysis and view has at most one, which `images.max_pixels` bounds.

use std::sync::Arc;

use sightwire_frame::still::StillFormat;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget, in bytes.
const UNIT: u64 = 1 << 10;

/// Memory for decoding, for all pictures together.
#[derive(Debug)]
pub struct DecodeMemory {
    units: Arc<Semaphore>,
    limit: u64,
}

/// The memory that a picture takes while it is decoded and worked on. It is free again when this is dropped.
#[derive(Debug)]
pub struct Decoding {
    _units: Option<OwnedSemaphorePermit>,
}

/// A picture that would take more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {format} has {} x {} pixels and takes {} MiB to be decoded: images.decode_memory_mb allows {} MiB",
    .size.0, .size.1, .bytes >> 20, .limit >> 20
)]
pub struct TooMuch {
    format: StillFormat,
    size: (u32, u32),
    bytes: u64,
    limit: u64,
}

impl DecodeMemory {
    /// At most `limit` bytes of decoded pixels at once.
    pub fn new(limit: usize) -> Arc<Self> {
        let limit = limit as u64;
        let units = usize::try_from(limit / UNIT).unwrap_or(usize::MAX).clamp(1, u32::MAX as usize);
        Arc::new(Self { units: Arc::new(Semaphore::new(units)), limit })
    }

    /// Bytes that may be taken at once.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.limit.saturating_sub(self.units.available_permits() as u64 * UNIT)
    }

    /// Whether there could ever be room for a page of this size.
    pub fn check(&self, format: StillFormat, size: (u32, u32)) -> Result<(), TooMuch> {
        let (bytes, limit) = (bytes(format, size), self.limit);
        if bytes > limit { Err(TooMuch { format, size, bytes, limit }) } else { Ok(()) }
    }

    /// Pixels of a page for which there could be room.
    pub fn most_pixels(&self, format: StillFormat) -> u64 {
        self.limit / per_pixel(format)
    }

    /// Waits until there is room for it; whoever came first goes first.
    pub async fn take(&self, format: StillFormat, size: (u32, u32)) -> Decoding {
        let all = self.limit / UNIT;
        let units = bytes(format, size).div_ceil(UNIT).clamp(1, all.clamp(1, u64::from(u32::MAX))) as u32;
        // It is never closed.
        Decoding { _units: self.units.clone().acquire_many_owned(units).await.ok() }
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
}
