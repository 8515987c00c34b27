//! `reader.*`: text reading.

use std::path::{Path, PathBuf};

use sightwire_pages::Pages;
use sightwire_pages::program::Launch;
use sightwire_reading::Options;
use sightwire_reading::options::{DISPLAY_SIDES, MAX_KEEP};

use super::{ConfigError, Values};

/// What each of [`PROFILES`] sets, unless it is set by itself.
pub(super) const COUPLED: [&str; 4] =
    ["reader.memory_mb", "reader.keep_pictures", "reader.keep_mb", "reader.display_size"];
/// Of `reader.profile`. The second is the default.
pub(super) const PROFILES: [(&str, [i64; 4]); 3] =
    [("small", [400, 5, 12, 1024]), ("usual", [600, 10, 48, 2048]), ("large", [1200, 20, 128, 4096])];

/// Batches are there, in the store's folder, where nothing else is said.
const JOBS: &str = "jobs";

/// `engine_threads` where nothing else is said.
pub(super) fn read(r: &Values<'_>, engine_threads: usize, home: &Path) -> Result<Options, ConfigError> {
    let threads = match r.int("reader.threads", 0, 1024)? {
        0 => engine_threads,
        threads => threads,
    };
    let profile = r.text("reader.profile");
    if !PROFILES.iter().any(|(name, _)| *name == profile) {
        return Err(r.invalid("reader.profile", "it must be small, usual or large"));
    }
    let (smallest, largest) = (*DISPLAY_SIDES.start() as usize, *DISPLAY_SIDES.end() as usize);
    let options = Options {
        model: r.text("reader.model"),
        pages: Pages::new(Launch::beside_this_program(), threads),
        threads,
        queue: r.int("reader.queue", 0, 10_000)?,
        deadline: r.seconds("reader.deadline_s", 0.001, 3600.0)?,
        max_image_bytes: r.int("reader.max_image_mb", 1, 1024)? << 20,
        max_pixels: r.int("reader.max_pixels", 1, 1 << 32)? as u64,
        max_side: r.int("reader.max_side_px", 1, 1 << 20)? as u32,
        max_pages: r.int("reader.max_pages", 1, 100_000)? as u32,
        max_jobs: r.int("reader.max_jobs", 0, 1000)?,
        max_job_files: r.int("reader.max_job_files", 1, 100_000)?,
        max_job_bytes: (r.int("reader.max_job_mb", 1, 1 << 24)? as u64) << 20,
        keep_pictures: r.int("reader.keep_pictures", 0, MAX_KEEP)?,
        keep_bytes: r.int("reader.keep_mb", 0, 1 << 20)? << 20,
        display_side: r.int("reader.display_size", smallest, largest)? as u32,
        memory_bytes: (r.int("reader.memory_mb", 1, 1 << 24)? as u64) << 20,
        job_ttl: r.seconds("reader.job_ttl_s", 0.0, 1e7)?,
        idle_release: r.seconds("reader.idle_release_s", 1.0, 1e7)?,
        elsewhere: None,
        folder: Some(r.text("reader.folder"))
            .filter(|f| !f.is_empty())
            .map_or_else(|| home.join(JOBS), PathBuf::from),
    };
    options.has_memory().map_err(|little| r.invalid("reader.memory_mb", &little.to_string()))?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{Config, ConfigError, Layers};

    fn file(text: &str) -> Result<Config, ConfigError> {
        let mut layers = Layers::defaults();
        layers.add_text(text, Path::new("sightwire.toml"))?;
        Config::from_layers(&layers)
    }

    #[test]
    fn batches_are_in_the_store_unless_they_have_a_folder_of_their_own() {
        let of = |text: &str| file(text).unwrap().reader.folder;
        let home = "[store]\nhome = \"/srv/sightwire\"\n";
        assert_eq!(of(home), Path::new("/srv/sightwire/jobs"));
        assert_eq!(of(&format!("{home}[reader]\nfolder = \"/srv/batches\"")), Path::new("/srv/batches"));
    }

    #[test]
    fn a_profile_sets_what_text_reading_takes_unless_that_is_set_by_itself() {
        let of = |text: &str| file(text).unwrap().reader;
        let usual = of("");
        assert_eq!((usual.memory_bytes >> 20, usual.keep_pictures, usual.display_side), (600, 10, 2048));
        let small = of("[reader]\nkeep_pictures = 7\nprofile = \"small\"");
        assert_eq!((small.memory_bytes >> 20, small.keep_pictures, small.display_side), (400, 7, 1024));
        let large = of("[reader]\nprofile = \"large\"\ndisplay_size = 1024");
        assert_eq!((large.memory_bytes >> 20, large.keep_pictures, large.display_side), (1200, 20, 1024));
        for (text, words) in [
            ("profile = \"huge\"", "small, usual or large"),
            ("memory_mb = 200", "200 MiB are too little for reading text"),
            ("memory_mb = 600\nkeep_mb = 400", "kept pictures 500"),
        ] {
            let error = file(&format!("[reader]\n{text}")).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let mut layers = Layers::defaults();
        layers.add_flag("reader.profile=large").unwrap();
        layers.reset("reader.profile");
        assert_eq!(layers.get("reader.memory_mb").0.as_integer(), Some(600), "as the profile that is left");
    }
}
