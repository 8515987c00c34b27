//! The store, the engine, models.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};
use sightwire_engine::cpu::Cpu;
use sightwire_engine::shared;
use sightwire_engine::trial::record::Record;
use sightwire_import::missing;
use sightwire_models::manifest::{Digest, Manifest};
use sightwire_models::store::{Need, Store, StoreError};
use sightwire_server::config::{Config, ModelChoice};

use super::report::Check;
use crate::print::format_count;

/// Less than this is soon used up by a model or a batch.
const LITTLE: u64 = 1 << 30;

/// The store, and the models in it.
pub(super) fn check_store(config: &Config) -> Vec<Check> {
    let store = &config.store;
    let (manifests, wrong) = store.manifests();
    let mut checks = vec![check_folder(store.home())];
    let wrong = wrong.iter().map(|error| Check::fail("model", error.to_string()));
    checks.extend(wrong.map(|check| check.cure("mend the manifest, or delete it")));
    checks.extend(check_names(config, &manifests));
    let mut absent = Vec::new();
    for manifest in manifests.iter().filter(|manifest| manifest.runtime.is_none()) {
        match store.needs(manifest) {
            Some(Need::Pull) if !is_configured(config, &manifest.name) => absent.push(&*manifest.name),
            need => checks.push(check_model(store, manifest, need)),
        }
    }
    if !absent.is_empty() {
        let says = format!("not here: {} (`sightwire models pull NAME` gets one)", absent.join(", "));
        checks.push(Check::ok("model", says));
    }
    checks
}

/// Models that the configuration names and that there are not: the server starts without them, and does what it can.
fn check_names(config: &Config, manifests: &[Manifest]) -> Vec<Check> {
    let named = [("detector.model", &config.detector.model), ("reader.model", &config.reader.model)];
    let is_known =
        |name: &str| matches!(name, "" | "auto") || manifests.iter().any(|manifest| *manifest.name == *name);
    let unknown = named.into_iter().filter(|(_, name)| !is_known(name));
    let check = |(key, name): (&str, &String)| {
        let says = format!("{key} names it, and there is no such model");
        Check::fail("model", says)
            .about(name.as_str())
            .cure("`sightwire models list` lists all that there are")
    };
    unknown.map(check).collect()
}

/// Whether the configuration names it.
fn is_configured(config: &Config, name: &str) -> bool {
    let of_recognizer = matches!(&config.recognizer.model, ModelChoice::Name(model) if model == name);
    of_recognizer || config.detector.model == name
}

fn check_folder(home: &Path) -> Check {
    let shown = home.display();
    let place = home.ancestors().find(|part| part.is_dir()).unwrap_or(Path::new("/"));
    let free = statvfs(place).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let space = free.map_or_else(String::new, |free| format!(", {} MiB free", free >> 20));
    if place != home && !home.exists() {
        if let Err(error) = access(place, Access::WRITE_OK | Access::EXEC_OK) {
            let (place, error) = (place.display(), io::Error::from(error));
            return Check::fail("store", format!("{shown} cannot be made: {place}: {error}"))
                .cure("make it for the user who runs the server, or set store.home");
        }
        return Check::ok("store", format!("{shown} is not there yet{space}"));
    }
    if let Err(error) = check_writable(home) {
        return Check::fail("store", format!("{shown} cannot be written to: {error}"))
            .cure("let the user who runs the server write there, or set store.home");
    }
    let says = format!("{shown} can be written to{space}");
    if free.is_some_and(|free| free < LITTLE) {
        return Check::warn("store", says)
            .cure("make room: models, batches and lists of cameras are kept there");
    }
    Check::ok("store", says)
}

fn check_writable(home: &Path) -> io::Result<()> {
    if !home.is_dir() {
        return Err(io::Error::other("it is no folder"));
    }
    tempfile::Builder::new().prefix(".doctor-").tempfile_in(home)?.close()
}

fn check_model(store: &Store, manifest: &Manifest, need: Option<Need>) -> Check {
    let about = |check: Check| check.about(&*manifest.name);
    let what = format!("{}, {}", manifest.task.name(), manifest.licence);
    if need == Some(Need::Pull) {
        let cure = format!("`sightwire models pull {}` gets it", manifest.name);
        return about(Check::fail("model", format!("{what}: not here, and configured")).cure(cure));
    }
    let mut hashes = Vec::new();
    for file in &manifest.files {
        // What is not in the store, and not missing, is part of the program.
        match store.verified_path(&manifest.name, file) {
            Ok(_) | Err(StoreError::Missing { .. }) => {}
            Err(error) => {
                return about(Check::fail("model", format!("{what}: damaged")).cure(error.to_string()));
            }
        }
        let (Digest::Sha256(hash) | Digest::GitBlob(hash)) = file.digest();
        hashes.push(format!("{} {}", file.name, hash.get(..12).unwrap_or(hash)));
    }
    let says =
        format!("{what}: {} as in the manifest ({})", format_count(hashes.len(), "file"), hashes.join(", "));
    if hashes.is_empty() {
        return about(Check::ok("model", format!("{what}: it needs no files")));
    }
    about(if need == Some(Need::Import) {
        let cure = format!("`sightwire models pull {}` imports it", manifest.name);
        Check::warn("model", format!("{says}; to be imported")).cure(cure)
    } else {
        Check::ok("model", says)
    })
}

/// The library that runs networks, and in which ways it was found to.
pub(super) fn check_engine(config: &Config) -> Vec<Check> {
    let settings = config.engine_settings();
    let engine = match shared::open_engine(&settings) {
        Ok(engine) => engine,
        Err(error) => {
            let says = error.to_string();
            let check = if config.recognizer.dummy {
                Check::warn("engine", says)
            } else {
                Check::fail("engine", says)
            };
            return vec![match missing::other_home(&config.store) {
                Some(other) => check.cure(other),
                None => check.cure("models cannot be run without it"),
            }];
        }
    };
    let runtime = engine.runtime();
    let says = format!(
        "ONNX Runtime {} ({}) at {}; provider {}, {}",
        runtime.version(),
        runtime.build(),
        runtime.library().display(),
        engine.provider(),
        format_count(engine.threads(), "thread"),
    );
    let mut checks = vec![match engine.note() {
        None => Check::ok("engine", says),
        Some(note) => Check::warn("engine", says).cure(note),
    }];
    checks.extend(check_trials(&config.store.home().join("trials")));
    checks
}

/// What was found out on this machine so far; nothing is tried.
fn check_trials(folder: &Path) -> Vec<Check> {
    let cpu = Cpu::this_machine().identity(|name| std::env::var_os(name));
    let (mut ways, mut checks) = (BTreeMap::<String, BTreeMap<String, usize>>::new(), Vec::new());
    for record in Record::all_in(folder).iter().filter(|record| record.place.cpu == cpu) {
        let way = record.fastest_way().map_or_else(|| "no way works".to_owned(), |(way, _)| way.to_string());
        *ways.entry(record.model.clone()).or_default().entry(way).or_default() += 1;
        let given_up = record.given_up().into_iter().map(|reason| Check::warn("trials", reason));
        checks.extend(given_up.map(|check| check.about(&*record.model)));
    }
    // The same network at another shape, or with another library, fails alike.
    checks.dedup();
    let fastest = ways.into_iter().map(|(model, ways)| {
        let ways = ways.into_iter().map(|(way, count)| format!("{way} ({})", format_count(count, "network")));
        Check::ok("trials", format!("fastest: {}", ways.collect::<Vec<_>>().join(", "))).about(model)
    });
    fastest.chain(checks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_there_is_not_fails() {
        let (manifests, _) = Store::new("does-not-exist".into(), None).manifests();
        for (text, unknown) in [
            ("", None),
            ("[detector]\nmodel = \"motion\"", None),
            ("[detector]\nmodel = \"yolo\"", Some("yolo")),
            ("[reader]\nmodel = \"ppocr\"", Some("ppocr")),
        ] {
            let checks = check_names(&Config::of_toml(text).unwrap(), &manifests);
            assert_eq!(checks.len(), usize::from(unknown.is_some()), "{text}: {checks:?}");
            assert!(
                unknown.is_none_or(|name| format!("{checks:?}").contains(&format!("{name:?}"))),
                "{checks:?}"
            );
        }
    }
}
