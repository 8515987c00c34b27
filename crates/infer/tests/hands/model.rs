//! The model of drawn hands, and stores that have it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_infer::landmarks::HandModel;
use sightwire_models::Provider;
use sightwire_models::digest::sha256_hex;
use sightwire_models::store::Store;

use crate::networks;

/// Says so in its name.
pub const NAME: &str = "drawn-hands";

/// The model that is used beside it under this name, whatever it finds.
pub const POSE: &str = "pose";

/// What its manifest says, for files of this content, by role.
pub fn manifest(files: &[(&str, &[u8])]) -> String {
    described(NAME, "hands", files)
}

/// The same of the model that finds drawn shoulders.
pub fn pose_manifest(file: &[u8]) -> String {
    described(POSE, "pose", &[("pose", file)])
}

fn described(name: &str, of: &str, files: &[(&str, &[u8])]) -> String {
    let (what, presence) = if of == "hands" { ("hands", 0.9) } else { ("shoulders", 0.5) };
    let mut text = format!(
        r#"# Finds the joints of {what} that tests draw, and no others. `cargo test -p sightwire-infer --test hands` makes it.
name = "{name}"
title = "Drawn {what}, for tests"
task = "landmarks"
licence = "MIT OR Apache-2.0"
origin = "made by the Sightwire project: calculated weights"

[landmarks]
of = "{of}"
presence = {presence}
"#
    );
    for (role, bytes) in files {
        let (hash, size) = (sha256_hex(bytes), bytes.len());
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
    put(models, NAME, &manifest(files), files);
}

/// Writes the model that finds shoulders into a folder of models.
pub fn write_pose(models: &Path, file: &[u8]) {
    put(models, POSE, &pose_manifest(file), &[("pose", file)]);
}

fn put(models: &Path, name: &str, manifest: &str, files: &[(&str, &[u8])]) {
    std::fs::create_dir_all(models.join(name)).unwrap();
    std::fs::write(models.join(format!("{name}.toml")), manifest).unwrap();
    for (role, bytes) in files {
        std::fs::write(models.join(name).join(format!("{role}.tflite")), bytes).unwrap();
    }
}

/// A folder that is a store with a model of these files, and goes when it is dropped.
pub fn store(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path().to_owned(), None);
    write(&store.models(), files);
    (home, store)
}

pub fn model() -> HandModel {
    load(None)
}

/// The model, beside one of this file that finds shoulders.
pub fn model_with(pose: &[u8]) -> HandModel {
    load(Some(pose))
}

fn load(pose: Option<&[u8]>) -> HandModel {
    let (_home, store) = store(&[("palm", &networks::palm()), ("hand", &networks::hand())]);
    if let Some(pose) = pose {
        write_pose(&store.models(), pose);
    }
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
