//! `sightwire models list | pull | check`

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;
use sightwire_frame::header::Limits;
use sightwire_infer::clip::model::ClipModel;
use sightwire_infer::engine::{Engine, Provider};
use sightwire_infer::fetch::{self, Progress};
use sightwire_infer::manifest::{Manifest, Task};
use sightwire_infer::runtime::{self, Runtime};
use sightwire_infer::store::Store;

use super::ModelsCommand;
use crate::config::Config;

pub(super) fn run(command: &ModelsCommand) -> anyhow::Result<()> {
    match command {
        ModelsCommand::List { format, config } => {
            list(&config.load(&[])?, format == "json");
            Ok(())
        }
        ModelsCommand::Pull { name, config } => pull(&config.load(&[])?.store, name),
        ModelsCommand::Check { name, config } => check(&config.load(&[])?, name),
    }
}

fn list(config: &Config, as_json: bool) {
    let (manifests, errors) = config.store.manifests();
    for m in &manifests {
        let here = config.store.has(m);
        if as_json {
            println!(
                "{}",
                json!({"name": m.name, "title": m.title, "task": m.task.name(), "available": here, "licence": m.licence})
            );
        } else {
            let state = if here { "here" } else { "not here" };
            println!("{:<22} {:<20} {state:<9} {}", m.name, m.task.name(), m.title);
        }
    }
    for error in &errors {
        eprintln!("warning: {error}");
    }
    if !as_json {
        eprintln!(
            "store: {}; get one that is not here with `sightwire models pull NAME`",
            config.store.home().display()
        );
    }
}

fn pull(store: &Store, name: &str) -> anyhow::Result<()> {
    let manifest = find(store, name)?;
    let started = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut total = 0;
    fetch::pull(store, &manifest, &mut |progress| match progress {
        Progress::Present(file) => eprintln!("{}: {} is here", manifest.name, file.name),
        Progress::Fetching(file, from) => {
            total = file.size_bytes;
            eprintln!(
                "{}: getting {} ({:.1} MB) from {from}",
                manifest.name,
                file.name,
                file.size_bytes as f64 / 1e6
            );
        }
        Progress::Bytes(bytes) if terminal => {
            eprint!("\r  {:5.1} of {:.1} MB", bytes as f64 / 1e6, total as f64 / 1e6);
            let _ = std::io::stderr().flush();
        }
        Progress::Bytes(_) => {}
        Progress::Done(file) => {
            eprintln!("{}: verified {} ({:.1} s)", manifest.name, file.name, started.elapsed().as_secs_f32());
        }
    })?;
    println!("{} is ready", manifest.name);
    Ok(())
}

/// The model called so, or the package that `runtime` stands for on this machine.
fn find(store: &Store, name: &str) -> anyhow::Result<Manifest> {
    if name != "runtime" {
        return Ok(store.manifest(name)?);
    }
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    runtime::packages(store).into_iter().next().with_context(|| {
        format!("there is no ONNX Runtime package for {os} on {arch}; build one and set engine.library")
    })
}

fn check(config: &Config, name: &str) -> anyhow::Result<()> {
    let manifest = find(&config.store, name)?;
    if manifest.task == Task::Runtime {
        return check_runtime(config, &manifest);
    }
    let model = ClipModel::load(&config.store, &manifest)?;
    println!("{name}: {} files are the right ones", manifest.files.len());
    let options = &config.engine.options;
    let wanted = options.provider.map(Provider::name);
    let runtime = Runtime::load(&config.store, config.engine.library.as_deref(), wanted)?;
    let engine = Engine::new(runtime, options.clone())?;
    let started = Instant::now();
    let mut networks = model.networks(&engine, Limits::default())?;
    let made = started.elapsed();
    let window = vec![0.0; model.clip().window * model.clip().features];
    let started = Instant::now();
    let runs = 100;
    for _ in 0..runs {
        networks.backbone()?;
        networks.head(&window)?;
    }
    println!(
        "{name}: runs on {} {} at {}; {:.2} ms a frame on one thread; sessions made in {:.0} ms",
        engine.provider(),
        engine.runtime().version(),
        engine.precision(model.clip().precision).name(),
        started.elapsed().as_secs_f64() * 1e3 / f64::from(runs),
        made.as_secs_f64() * 1e3,
    );
    Ok(())
}

fn check_runtime(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let library =
        manifest.runtime.as_ref().map(|r| config.store.runtime_dir(&manifest.name).join(&r.library));
    let runtime = Runtime::load(&config.store, library.as_deref(), None)?;
    println!("{}: version {} loads from {}", manifest.name, runtime.version(), runtime.library().display());
    Ok(())
}
