//! What can be chosen: `reader.*` of the configuration.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sightwire_documents::Pages;
use sightwire_documents::program::Launch;
use sightwire_ocr::Memory;
use sightwire_ocr::memory::TooLittle;
use sightwire_settings::key::Profile;
use sightwire_settings::{ConfigError, Section, Values, section};

use crate::remote::RemoteReader;

/// Pictures of a batch that can be kept at most.
pub const MAX_KEEP: usize = 20;
/// Longer side of a display copy, px.
pub const DISPLAY_SIDES: RangeInclusive<u32> = 64..=4096;

section! {
    /// How text is read, and within which bounds.
    #[derive(Clone, Debug)]
    pub struct Options: "reader", check {
        /// Name of the model that reads text unless a request names another. It is downloaded when it is first needed.
        pub model: String = key("model", Text, "ppocr-v4");
        /// Threads that read text. 0 takes engine.threads.
        pub threads: usize = key("threads", Int(0, 1024), 0);
        /// Single pictures that may wait to be read at once, not counting those of batches. For one more, the caller is
        /// answered 429 and Retry-After.
        pub queue: usize = key("queue", Int(0, 10_000), 16);
        /// Seconds that a picture may take to be read for whoever waits for it, from when it has arrived. After that,
        /// the caller is told so, and the work is given up. A page of a batch may take that much work (time of cores),
        /// however long it waits for them: a batch tries late ones once more at its end.
        pub deadline: Duration = key("deadline_s", Seconds(0.001, 3600.0), 60.0);
        /// Largest picture to be read, in MiB.
        pub max_image_bytes: usize = key("max_image_mb", Mib(1, 1024), 64);
        /// Most pixels of a picture to be read. While it is read, each takes 3 bytes, 7 with contrast, denoise or
        /// perspective, 9 with deskew; while it is decoded, up to 15 (`images.decode_memory_mb`).
        pub max_pixels: u64 = key("max_pixels", Int(1, 1 << 32), 120000000).see_page("reading.md#memory") => |pixels| pixels as u64;
        /// Largest width or height of a picture to be read.
        pub max_side: u32 = key("max_side_px", Int(1, 1 << 20), 65535) => |side| side as u32;
        /// Most pages of a TIFF.
        pub max_pages: u32 = key("max_pages", Int(1, 100_000), 100) => |pages| pages as u32;
        /// Batches at once, including those that have ended and are still kept. A new one takes the place of the one
        /// that ended first; if none has ended, it is answered 429.
        pub max_jobs: usize = key("max_jobs", Int(0, 1000), 16);
        /// Most files in a batch.
        pub max_job_files: usize = key("max_job_files", Int(1, 100_000), 10000);
        /// Largest batch as it is sent, in MiB; its results may take as much again. Both are stored in `reader.folder`.
        pub max_job_bytes: u64 = key("max_job_mb", Mib(1, 1 << 24), 2048) => |bytes| bytes as u64;
        /// How much memory text reading takes: small, usual or large. Sets `reader.memory_mb` (400, 600, 1,200),
        /// `reader.keep_pictures` (5, 10, 20), `reader.keep_mb` (12, 48, 128) and `reader.display_size` (1024, 2048,
        /// 4096), unless one of them is set by itself.
        pub profile: &'static str = key("profile", Choice(&["small", "usual", "large"]), "usual").see_page("#what-text-reading-costs");
        /// Resident memory, in MiB, that a server takes at most that only reads text: the process (170), the networks,
        /// pictures that are read and those that are kept. Large pictures are looked at in more and smaller parts where
        /// there is less, fewer threads read at once, and a picture that needs more than is left for pictures is
        /// refused: of more than 25, 79 or 120 megapixels with the three profiles (10, 34 or 108 with contrast, denoise
        /// or perspective, 8, 26 or 84 with deskew, 12, 23 or 58 of a WebP). Not counted: what arrives
        /// (`server.receive_memory_mb`), what a GPU's driver takes, and a process that draws PDF, AVIF or HEIC.
        pub memory_bytes: u64 = key("memory_mb", Mib(1, 1 << 24), 600) => |bytes| bytes as u64;
        /// How many pictures of a batch, those read last, are kept in memory for viewing (0 to 20). A request may ask
        /// for fewer.
        pub keep_pictures: usize = key("keep_pictures", Int(0, MAX_KEEP), 10);
        /// Memory, in MiB, for the kept pictures of all batches, as they came. Copies for the screen take a quarter as
        /// much again.
        pub keep_bytes: usize = key("keep_mb", Mib(0, 1 << 20), 48);
        /// Longer side of a copy of a picture for the screen, at most, in pixels (64 to 4096). A request may ask for
        /// less.
        pub display_side: u32 = key("display_size", Int(*DISPLAY_SIDES.start() as usize, *DISPLAY_SIDES.end() as usize), 2048) => |side| side as u32;
        /// Seconds after which a batch that has ended is removed.
        pub job_ttl: Duration = key("job_ttl_s", Seconds(0.0, 1e7), 3600.0);
        /// Sessions for reading text that were idle for this many seconds are released, because they take hundreds of
        /// MiB, and created again when needed. So are those that were not used for longest, when `reader.memory_mb` is
        /// taken.
        pub idle_release: Duration = key("idle_release_s", Seconds(1.0, 1e7), 120.0);
        /// Folder for batches: what was sent, until it has been read, and what was read in it. Empty means `jobs` in
        /// the store's folder (`store.home`). Batches outlive the server, and the next one with this folder goes on
        /// with them; one server has it at a time.
        pub folder: PathBuf = key("folder", Path, "") => Option::unwrap_or_default;
    } beside {
        /// Opens files, and draws those that have to be drawn.
        pub pages: Pages,
        /// Who is asked to read pictures first.
        pub remote: Option<Arc<dyn RemoteReader>>,
    }
}

/// The keys of reading text. A profile sets what it takes.
pub static READER: Section = Section::new("reader", Options::KEYS).with_profile(Profile {
    key: "reader.profile",
    coupled: &["reader.memory_mb", "reader.keep_pictures", "reader.keep_mb", "reader.display_size"],
    values: &[
        ("small", &[400, 5, 12, 1024]),
        ("usual", &[600, 10, 48, 2048]),
        ("large", &[1200, 20, 128, 4096]),
    ],
});

/// Batches are there, in the store's folder, where nothing else is said.
const JOBS: &str = "jobs";

impl Options {
    /// Where nothing else is said, as many threads read as the engine has, and batches are in `home`.
    pub fn with_usual(values: Values<'_>, threads: usize, home: &Path) -> Result<Self, ConfigError> {
        let mut options = Self::read(values, Pages::new(Launch::beside_this_program(), threads), None)?;
        if options.threads == 0 {
            options.threads = threads;
        } else {
            options.pages = Pages::new(Launch::beside_this_program(), options.threads);
        }
        if options.folder.as_os_str().is_empty() {
            options.folder = home.join(JOBS);
        }
        Ok(options)
    }

    fn check(&self, values: Values<'_>) -> Result<(), ConfigError> {
        self.check_memory().map_err(|little| values.invalid("reader.memory_mb", &little.to_string()))
    }

    /// What pictures that are kept take at most, with their display copies.
    pub fn kept_bytes(&self) -> u64 {
        self.keep_bytes as u64 + self.copies_bytes() as u64
    }

    /// Whether text can be read with this much memory at all; else why not.
    pub fn check_memory(&self) -> Result<(), TooLittle> {
        Memory::for_pictures(self.memory_bytes, self.kept_bytes()).map(drop)
    }

    pub(crate) fn copies_bytes(&self) -> usize {
        self.keep_bytes / 4
    }
}

#[cfg(test)]
impl Options {
    /// As configured where nobody chooses otherwise, with fewer threads.
    pub(crate) fn default_options() -> Self {
        Self {
            model: "ppocr-v4".into(),
            pages: Pages::without_children(),
            threads: 2,
            queue: 8,
            deadline: Duration::from_secs(30),
            max_image_bytes: 64 << 20,
            max_pixels: 100_000_000,
            max_side: 65_535,
            max_pages: 500,
            max_jobs: 8,
            max_job_files: 2000,
            max_job_bytes: 2 << 30,
            keep_pictures: 5,
            keep_bytes: 64 << 20,
            display_side: 2048,
            memory_bytes: 1200 << 20,
            job_ttl: Duration::from_secs(3600),
            idle_release: Duration::from_secs(60),
            profile: "usual",
            folder: "/nowhere".into(),
            remote: None,
        }
    }
}
