//! The model of drawn hands, and stores that have it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_infer::landmarks::HandModel;
use sightwire_models::Provider;
use sightwire_models::digest::sha256;
use sightwire_models::store::Store;

use crate::networks;

/// Says so in its name.
pub const NAME: &str = "drawn-hands";

/// What its manifest says, for files of this content, by role.
pub fn manifest(files: &[(&str, &[u8])]) -> String {
    let mut text = format!(
        r#"# Finds the joints of hands that tests draw, and no others. `cargo test -p sightwire-infer --test hands` makes it.
name = "{NAME}"
title = "Drawn hands, for tests"
task = "landmarks"
licence = "MIT OR Apache-2.0"
origin = "made by the Sightwire project: calculated weights"

[landmarks]
of = "hands"
presence = 0.9
"#
    );
    for (role, bytes) in files {
        let (hash, size) = (sha256(bytes), bytes.len());
        write!(
            text,
            r#"
[[files]]
role = "{role}"
name = "{role}.tflite"
sha256 = "{hash}"
size_bytes = {size}
source = "imported"
"#
        )
        .unwrap();
    }
    text
}

/// Writes the model into a folder of models.
pub fn write(models: &Path, files: &[(&str, &[u8])]) {
    std::fs::create_dir_all(models.join(NAME)).unwrap();
    std::fs::write(models.join(format!("{NAME}.toml")), manifest(files)).unwrap();
    for (role, bytes) in files {
        std::fs::write(models.join(NAME).join(format!("{role}.tflite")), bytes).unwrap();
    }
}

/// A folder that is a store with a model of these files, and goes when it is dropped.
pub fn store(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path().to_owned(), None);
    write(&store.models(), files);
    (home, store)
}

/// The model.
pub fn model() -> HandModel {
    let (_home, store) = store(&[("palm", &networks::palm()), ("hand", &networks::hand())]);
    HandModel::load(&store, &store.manifest(NAME).unwrap()).unwrap()
}

/// Two threads with the real library.
pub fn engine() -> Arc<Engine> {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    let runtime =
        Runtime::load(&Store::new(home, None), None, None).expect("`cargo xtask setup` brings the library");
    let provider = Some(Provider::Cpu);
    let options = EngineOptions { provider, threads: 2, precision: None, gpu_memory_mb: 0, trials: None };
    Arc::new(Engine::new(runtime, options).unwrap())
}
