//! `store.*`: where models are kept.

use std::path::PathBuf;

use sightwire_settings::{Section, section};

use crate::store::{Store, default_home, installed_with};

section! {
    /// Where models are kept.
    #[derive(Clone, Debug)]
    pub struct StoreOptions: "store" {
        /// Folder of models and the ONNX Runtime library. Empty takes the platform's data folder.
        pub home: Option<PathBuf> = key("home", Path, "").old_names(&["SIGHTWIRE_HOME"]);
        /// Folder with copies of model files that are otherwise downloaded.
        pub mirror: Option<PathBuf> = key("mirror", Path, "").old_names(&["SIGHTWIRE_MODEL_MIRROR"]);
    }
}

/// The keys of the store.
pub static STORE: Section = Section::new("store", StoreOptions::KEYS);

impl StoreOptions {
    /// That store, with what came with this program.
    pub fn store(&self) -> Store {
        let home = self.home.clone().unwrap_or_else(default_home);
        let program = std::env::current_exe().ok();
        Store::new(home, self.mirror.clone()).with_installed(program.as_deref().and_then(installed_with))
    }
}
