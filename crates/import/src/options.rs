//! `import.*`: how models are imported.

use std::path::PathBuf;

use sightwire_settings::{Section, section};

section! {
    /// How models are imported.
    #[derive(Clone, Debug)]
    pub struct ImportOptions: "import" {
        /// Python (3.9 to 3.11) that imports Keras files. Empty looks for one.
        pub python: Option<PathBuf> = key("python", Path, "");
    }
}

/// The keys of importing.
pub static IMPORT: Section = Section::new("import", ImportOptions::KEYS);
