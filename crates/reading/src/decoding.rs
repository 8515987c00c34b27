//! One budget for single pictures that are decoded and worked on: a file of a few bytes may unfold to hundreds of megabytes.
//! Live frames do not count: each thread, analysis and view has at most one, which `images.max_pixels` bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sightwire_frame::still::{StillFormat, decoding_bytes, drawing_bytes};
use sightwire_ocr::memory::ForPictures;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget, in bytes.
const UNIT: u64 = 1 << 10;

/// Memory for decoding, for all pictures together.
#[derive(Debug)]
pub struct DecodeMemory {
    units: Arc<Semaphore>,
    /// Bytes that all pictures may take together.
    together: u64,
    /// Bytes that a single picture may take, alone.
    limit: u64,
    /// Bytes that a single picture may take, alone, while it is decoded.
    decoding_limit: u64,
    used: Arc<AtomicU64>,
    /// The settings that bound `limit` and `decoding_limit`.
    settings: [&'static str; 2],
    /// A budget of which this one is a part.
    whole: Option<Arc<DecodeMemory>>,
}

/// The memory that a picture takes while it is decoded and worked on. It is free again when this is dropped.
#[derive(Debug)]
pub struct Decoding {
    bytes: u64,
    used: Arc<AtomicU64>,
    units: Option<OwnedSemaphorePermit>,
    of_whole: Option<Box<Decoding>>,
}

impl Decoding {
    /// Parts what is more than this many bytes from it, if there is any.
    pub fn split_beyond(&mut self, bytes: u64) -> Option<Self> {
        let more = self.bytes.saturating_sub(bytes);
        let of_whole = self.of_whole.as_mut().and_then(|whole| whole.split_beyond(bytes)).map(Box::new);
        if more == 0 && of_whole.is_none() {
            return None;
        }
        self.bytes -= more;
        // A task that takes more than there is has all units: what is left of them is as much as is needed, if that is less.
        let needed = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
        let units = self.units.as_mut();
        let units = units.and_then(|units| units.split(units.num_permits().saturating_sub(needed)));
        Some(Self { bytes: more, used: self.used.clone(), units, of_whole })
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A picture that would take more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {format} has {} x {} pixels and takes {} MiB to be {for_what}: {setting} allows {} MiB",
    .size.0, .size.1, .bytes.div_ceil(1 << 20), .limit >> 20
)]
pub struct TooMuch {
    format: StillFormat,
    size: (u32, u32),
    bytes: u64,
    for_what: &'static str,
    limit: u64,
    setting: &'static str,
}

impl DecodeMemory {
    /// At most `limit` bytes of decoded pixels at once.
    pub fn new(limit: usize) -> Arc<Self> {
        let limit = limit as u64;
        Self::with_limits(limit, [limit; 2], ["images.decode_memory_mb"; 2], None)
    }

    /// What text reading may take of `whole`, by `reader.memory_mb`.
    pub fn for_reading(whole: Arc<Self>, most: ForPictures) -> Arc<Self> {
        let most_of = [most.alone, most.decoding];
        let setting = |most| if most >= whole.limit { whole.settings[0] } else { "reader.memory_mb" };
        let (limits, settings) = (most_of.map(|most| most.min(whole.limit)), most_of.map(setting));
        Self::with_limits(most.together.min(limits[0]), limits, settings, Some(whole))
    }

    fn with_limits(
        together: u64,
        [limit, decoding_limit]: [u64; 2],
        settings: [&'static str; 2],
        whole: Option<Arc<Self>>,
    ) -> Arc<Self> {
        let units = usize::try_from(together / UNIT).unwrap_or(usize::MAX).clamp(1, u32::MAX as usize);
        let (units, used) = (Arc::new(Semaphore::new(units)), Arc::default());
        Arc::new(Self { units, together, limit, decoding_limit, used, settings, whole })
    }

    /// Bytes that may be taken at once.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there could ever be room for a page of this size while it is decoded, which takes this many bytes here and this many
    /// of a process that draws it.
    pub fn check_decoding(
        &self,
        page: (StillFormat, (u32, u32)),
        bytes: u64,
        drawing: u64,
    ) -> Result<(), TooMuch> {
        if let Some(whole) = &self.whole {
            whole.check_decoding(page, bytes, drawing)?;
        }
        check_within(
            (self.decoding_limit, self.settings[1]),
            page,
            self.counted_bytes(bytes, drawing),
            "decoded",
        )
    }

    /// The same of what is done with it afterwards.
    pub fn check_bytes(
        &self,
        page: (StillFormat, (u32, u32)),
        bytes: u64,
        for_what: &'static str,
    ) -> Result<(), TooMuch> {
        check_within((self.limit, self.settings[0]), page, bytes, for_what)
    }

    /// Pixels of a page of a PDF for which there could be room.
    pub fn most_drawn_pixels(&self) -> u64 {
        let (format, pixel) = (StillFormat::Pdf, (1, 1));
        let here = decoding_bytes(format, &[], &[pixel]).into_iter().sum();
        let of_whole = self.whole.as_ref().map_or(u64::MAX, |whole| whole.most_drawn_pixels());
        (self.decoding_limit / self.counted_bytes(here, drawing_bytes(format, pixel))).min(of_whole)
    }

    /// What counts here of this many bytes: those of a process that draws do in the whole alone.
    fn counted_bytes(&self, bytes: u64, drawing: u64) -> u64 {
        if self.whole.is_some() { bytes } else { bytes + drawing }
    }

    /// Waits until there is room for this many bytes, and this many of a process that draws; who came first goes first.
    pub async fn acquire_bytes(&self, bytes: u64, drawing: u64) -> Decoding {
        let here = self.counted_bytes(bytes, drawing);
        let count = here.div_ceil(UNIT).clamp(1, (self.together / UNIT).clamp(1, u64::from(u32::MAX))) as u32;
        // It is never closed.
        let units = self.units.clone().acquire_many_owned(count).await.ok();
        // A task that takes of the whole alone never waits for a part of it.
        let of_whole = match &self.whole {
            Some(whole) => Some(Box::new(Box::pin(whole.acquire_bytes(bytes, drawing)).await)),
            None => None,
        };
        self.used.fetch_add(here, Ordering::Relaxed);
        Decoding { bytes: here, used: self.used.clone(), units, of_whole }
    }

    /// The same on a thread that may wait.
    pub fn acquire_bytes_blocking(&self, bytes: u64, drawing: u64) -> Decoding {
        Handle::current().block_on(self.acquire_bytes(bytes, drawing))
    }
}

fn check_within(
    (limit, setting): (u64, &'static str),
    (format, size): (StillFormat, (u32, u32)),
    bytes: u64,
    for_what: &'static str,
) -> Result<(), TooMuch> {
    if bytes > limit {
        return Err(TooMuch { format, size, bytes, for_what, limit, setting });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sightwire_frame::still::shown_bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pictures_wait_for_each_other_and_one_that_never_fits_is_refused() {
        let memory = DecodeMemory::new(100 << 20);
        let size = (4000, 3000);
        let bytes = shown_bytes(size);
        assert_eq!(memory.check_bytes((StillFormat::Jpeg, size), bytes, "decoded"), Ok(()));
        let refused =
            memory.check_bytes((StillFormat::WebP, size), 2 * bytes, "decoded").unwrap_err().to_string();
        assert!(
            refused.contains("161 MiB to be decoded")
                && refused.contains("images.decode_memory_mb allows 100"),
            "{refused}"
        );
        let first = memory.acquire_bytes(bytes, 0).await;
        assert_eq!(memory.used(), 84_000_000);
        let small = memory.acquire_bytes(shown_bytes((100, 100)), 0).await;
        let second = memory.acquire_bytes(bytes, 0);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut second).await.is_err());
        drop(first);
        drop((second.await, small));
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn text_reading_has_a_part_of_it_and_leaves_the_rest_to_others() {
        let (whole, bytes) = (DecodeMemory::new(400 << 20), shown_bytes((4000, 3000)));
        let most = ForPictures { together: 100 << 20, alone: 200 << 20, decoding: 300 << 20 };
        let part = DecodeMemory::for_reading(whole.clone(), most);
        let first = part.acquire_bytes(bytes, 0).await;
        assert_eq!((part.used(), whole.used()), (84_000_000, 84_000_000));
        let others = whole.acquire_bytes(bytes, 0).await;
        assert_eq!((part.used(), whole.used()), (84_000_000, 168_000_000));
        // What takes more than all may together is read alone.
        let large = part.acquire_bytes(2 * bytes, 0);
        tokio::pin!(large);
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut large).await.is_err());
        drop(first);
        let large = large.await;
        assert_eq!(part.used(), 168_000_000);
        let refused =
            part.check_bytes((StillFormat::Jpeg, (8000, 6000)), 4 * bytes, "read").unwrap_err().to_string();
        assert!(refused.contains("reader.memory_mb allows 200 MiB"), "{refused}");
        let page = (StillFormat::Jpeg, (8000, 6000));
        assert!(
            part.check_decoding(page, 290 << 20, 100 << 20).is_ok()
                && part.check_bytes(page, 290 << 20, "read").is_err()
        );
        let refused = part.check_decoding(page, 301 << 20, 0).unwrap_err().to_string();
        assert!(refused.contains("reader.memory_mb allows 300 MiB"), "{refused}");
        drop((large, others));
        assert_eq!((part.used(), whole.used()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_decoding_takes_is_free_after_it() {
        let whole = DecodeMemory::new(400 << 20);
        let part = DecodeMemory::for_reading(
            whole.clone(),
            ForPictures { together: 100 << 20, alone: 200 << 20, decoding: 300 << 20 },
        );
        let mut room = part.acquire_bytes(80 << 20, 0).await;
        assert!(room.split_beyond(80 << 20).is_none());
        let decoding = room.split_beyond(30 << 20).unwrap();
        assert_eq!((part.used(), whole.used()), (80 << 20, 80 << 20));
        drop(decoding);
        assert_eq!((part.used(), whole.used()), (30 << 20, 30 << 20));
        let other =
            tokio::time::timeout(Duration::from_secs(1), part.acquire_bytes(70 << 20, 0)).await.unwrap();
        drop((room, other));
        // What is larger than all together has them all, and then no more than it needs.
        let mut large = part.acquire_bytes(150 << 20, 0).await;
        let decoding = large.split_beyond(60 << 20);
        assert_eq!((part.used(), whole.used()), (150 << 20, 150 << 20));
        drop(decoding);
        assert!(
            tokio::time::timeout(Duration::from_secs(60), part.acquire_bytes(41 << 20, 0)).await.is_err()
        );
        let beside =
            tokio::time::timeout(Duration::from_secs(60), part.acquire_bytes(40 << 20, 0)).await.unwrap();
        assert_eq!((part.used(), whole.used()), (100 << 20, 100 << 20));
        drop((large, beside));
        // What another process takes to draw is of the whole alone.
        let mut drawn = part.acquire_bytes(30 << 20, 130 << 20).await;
        assert_eq!((part.used(), whole.used()), (30 << 20, 160 << 20));
        drop(drawn.split_beyond(30 << 20));
        assert_eq!((part.used(), whole.used()), (30 << 20, 30 << 20));
        drop(drawn);
        assert_eq!((part.used(), whole.used()), (0, 0));
    }
}
