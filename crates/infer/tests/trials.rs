//! Ways of running a network are tried in a real child process with the real library: this very program, which may be told
//! to die or to hang at a way.
//!
//! Needs ONNX Runtime in the store (`sightwire models pull runtime`, which `cargo xtask test` does).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::trial::record::Outcome;
use sightwire_engine::trial::{Launch, TrialError, TrialOptions, child};
use sightwire_engine::{Engine, EngineOptions, Plan};
use sightwire_frame::header::Limits;
use sightwire_infer::clip::model::{ClipModel, Window};
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;

/// Tells the child what is to become of it: ways, each with `abort`, `hang`, `chatter`, `orphan` or `kill`.
const FATE: &str = "SIGHTWIRE_TEST_FATE";
/// A file to which each child adds a line.
const STARTED: &str = "SIGHTWIRE_TEST_STARTED";
/// What is run where nothing is known.
const SAFEST: Plan = Plan { provider: Provider::Cpu, precision: Precision::F32 };
/// Far longer than a way takes here.
const PATIENT: Duration = Duration::from_secs(120);
/// Longer than a way of the small networks here takes beside busy neighbours, but for a child that hangs.
const HASTY: Duration = Duration::from_secs(6);

fn store() -> Store {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    Store::new(home, None)
}

/// The child of the other tests; by itself it has nothing to do.
#[test]
fn the_child() {
    let Ok(fate) = std::env::var(FATE) else { return };
    if let Some(file) = std::env::var_os(STARTED) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "started").unwrap();
    }
    let mut before = |way: Plan| {
        // As libraries do: lines that are not text, and lines that do not end.
        std::io::stdout().write_all(b"\xff\xfe something is said\nand {\"way\": ").unwrap();
        let of_this = fate.split(',').find_map(|one| one.strip_prefix(&format!("{way}=")).map(str::to_owned));
        match of_this.as_deref() {
            // As a CPU does that lacks an instruction.
            Some("abort") => std::process::abort(),
            Some("hang") => std::thread::sleep(Duration::from_secs(600)),
            Some("chatter") => loop {
                let _ = std::io::stdout().write_all(b"still at it\n");
                std::thread::sleep(Duration::from_millis(2));
            },
            // Somebody keeps its standard error, and goes on.
            Some("orphan") => {
                let _ =
                    std::process::Command::new("sleep").arg("30").stdout(std::process::Stdio::null()).spawn();
                std::process::abort();
            }
            Some("kill") => {
                let pid = rustix::process::getpid();
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            _ => {}
        }
    };
    child::run_trial(&mut before).unwrap();
}

fn launch(fate: &str) -> Launch {
    Launch {
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "the_child", "--nocapture"].map(Into::into).into(),
        env: vec![(FATE.into(), fate.into())],
    }
}

fn engine_with(folder: &Path, launch: Launch, timeout: Duration, provider: Option<Provider>) -> Engine {
    let runtime = Runtime::load(&store(), None, None).expect("`cargo xtask setup` brings the library");
    let trials = Some(TrialOptions { folder: folder.to_owned(), launch, timeout });
    let options = EngineOptions { provider, threads: 1, precision: None, gpu_memory_mb: 0, trials };
    Engine::new(runtime, options).unwrap()
}

fn engine(folder: &Path, fate: &str) -> Engine {
    engine_with(folder, launch(fate), PATIENT, None)
}

fn model() -> ClipModel {
    let store = store();
    ClipModel::load(&store, &store.manifest("gestures").unwrap()).unwrap()
}

/// That the networks really run in this process, as they are planned.
fn run(model: &ClipModel, engine: &Engine) {
    let mut networks = model.networks(engine, Limits::default()).unwrap();
    let mut window = Window::default();
    for _ in 0..model.clip().window {
        networks.extend(&mut window, 1).unwrap();
    }
    assert!(networks.predict(&window).unwrap().is_some());
}

fn works(outcome: Option<&Outcome>) -> bool {
    outcome.is_some_and(Outcome::is_usable)
}

#[test]
fn every_way_is_measured_once_and_the_result_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (model, engine) = (model(), engine(dir.path(), ""));
    let subjects = model.subjects(&engine);
    assert_eq!(subjects.len(), 2, "backbone and head");
    assert!(!engine.is_measured(&subjects));
    engine.measure_ways(&subjects, &|| true).unwrap();
    assert!(engine.is_measured(&subjects));
    let (backbone, _) = engine.record(&subjects[0]).unwrap();
    assert_eq!(backbone.ways.len(), engine.ways(&subjects[0].network).len());
    for tried in &backbone.ways {
        assert!(matches!(tried.outcome, Outcome::Took(ms) if ms > 0.0), "{tried:?}");
    }
    let (head, _) = engine.record(&subjects[1]).unwrap();
    assert!(head.ways.iter().all(|tried| tried.way.precision == Precision::F32), "a head is never bf16");
    assert!(engine.given_up().is_empty(), "{:?}", engine.given_up());
    run(&model, &engine);

    // A new process finds all of it: no child is started, nor could be.
    let nowhere = Launch { program: "/nowhere".into(), args: Vec::new(), env: Vec::new() };
    let again = engine_with(dir.path(), nowhere, PATIENT, None);
    assert!(again.is_measured(&subjects));
    again.measure_ways(&subjects, &|| true).unwrap();
    assert_eq!(again.record(&subjects[0]), engine.record(&subjects[0]));
}

// OpenVINO is packaged for x86-64 alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_way_at_which_the_child_dies_is_given_up_for_good_and_the_next_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let way = Plan { provider: Provider::OpenVino, precision: Precision::F32 };
    let (model, engine) = (model(), engine(dir.path(), "openvino f32=abort,openvino bf16=abort"));
    let subjects = model.subjects(&engine);
    engine.ensure_usable(&subjects, &|| true).unwrap();
    engine.measure_ways(&subjects, &|| true).unwrap();
    for (role, plan) in model.plans(&engine) {
        assert_eq!(plan.provider, Provider::Cpu, "{role}");
    }
    let given_up = engine.given_up().join("\n");
    let named = "gestures_backbone.onnx of the model gestures is not run with openvino f32";
    assert!(given_up.contains(named), "{given_up}");
    assert!(given_up.contains("SIGABRT"), "{given_up}");
    run(&model, &engine);

    // The next process knows it, though its child would not die.
    let next = self::engine(dir.path(), "");
    next.measure_ways(&subjects, &|| true).unwrap();
    let (record, plan) = next.record(&subjects[0]).unwrap();
    assert!(matches!(record.outcome(way), Some(Outcome::Died(_))));
    assert_eq!(plan.provider, Provider::Cpu);
    // Unless somebody wants to know.
    next.measure_again(&subjects, &|| true).unwrap();
    assert!(works(next.record(&subjects[0]).unwrap().0.outcome(way)));
    assert!(next.given_up().is_empty());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_way_at_which_the_child_hangs_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    // One that hangs may still have much to say.
    let engine = engine_with(dir.path(), launch("openvino f32=chatter,openvino bf16=abort"), HASTY, None);
    let (model, started) = (model(), Instant::now());
    engine.ensure_usable(&model.subjects(&engine)[..1], &|| true).unwrap();
    assert!(started.elapsed() >= HASTY);
    let given_up = engine.given_up().join("\n");
    assert!(given_up.contains("did not come back within 6 s"), "{given_up}");
    assert_eq!(model.plans(&engine)[0].1, SAFEST);
    run(&model, &engine);
}

#[test]
fn a_child_that_died_is_not_waited_for_by_those_who_hold_its_streams() {
    let dir = tempfile::tempdir().unwrap();
    let (model, engine) = (model(), engine(dir.path(), "openvino f32=orphan,cpu f32=orphan"));
    let started = Instant::now();
    assert!(engine.ensure_usable(&model.subjects(&engine)[..1], &|| true).is_err());
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
}

#[test]
fn a_network_that_works_in_no_way_is_refused_with_the_reasons_and_nothing_dies_but_children() {
    let dir = tempfile::tempdir().unwrap();
    let fate = "openvino f32=abort,openvino bf16=abort,cpu f32=abort";
    let (model, engine) = (model(), engine(dir.path(), fate));
    let error = engine.ensure_usable(&model.subjects(&engine), &|| true).unwrap_err().to_string();
    assert!(error.contains("backbone.onnx of the model gestures cannot be run on this machine"), "{error}");
    assert!(error.contains("cpu f32") && error.contains("SIGABRT"), "{error}");
    assert!(error.contains("`sightwire models check gestures --again`"), "{error}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_works_but_is_not_allowed_is_no_reason_to_run_what_died() {
    let dir = tempfile::tempdir().unwrap();
    // bf16 works where the CPU has it; this model is not checked for it, and the provider is asked for by name.
    let asked = Some(Provider::OpenVino);
    let engine = engine_with(dir.path(), launch("openvino f32=abort"), PATIENT, asked);
    let subjects = model().subjects(&engine);
    assert!(matches!(engine.ensure_usable(&subjects, &|| true), Err(TrialError::GivenUp { .. })));
    assert!(matches!(engine.measure_ways(&subjects, &|| true), Err(TrialError::GivenUp { .. })));
    // What would do instead is said, as soon as it is known.
    let any = engine_with(dir.path(), launch(""), PATIENT, None);
    any.measure_ways(&subjects, &|| true).unwrap();
    let again = engine_with(dir.path(), launch(""), PATIENT, asked);
    let refused = again.ensure_usable(&subjects, &|| true).unwrap_err().to_string();
    assert!(
        refused.contains("openvino f32: it ended") && refused.contains("would take another: cpu f32"),
        "{refused}"
    );
}

#[test]
fn a_child_that_somebody_else_ended_says_nothing_of_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let (model, engine) = (model(), engine(dir.path(), "openvino f32=kill,cpu f32=kill"));
    let subjects = model.subjects(&engine);
    engine.measure_ways(&subjects, &|| true).unwrap();
    assert!(!engine.is_measured(&subjects) && engine.given_up().is_empty());
    assert_eq!(model.plans(&engine)[0].1, SAFEST);
    let warnings = engine.warnings().join("\n");
    assert!(warnings.contains("could be tried (SIGKILL"), "{warnings}");
    run(&model, &engine);
}

#[test]
fn without_a_child_the_safest_way_is_taken_if_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = Launch { program: "/nowhere".into(), args: Vec::new(), env: Vec::new() };
    let (model, engine) = (model(), engine_with(dir.path(), nowhere.clone(), PATIENT, None));
    engine.ensure_usable(&model.subjects(&engine), &|| true).unwrap();
    assert_eq!(model.plans(&engine)[0].1, SAFEST);
    let warnings = engine.warnings().join("\n");
    assert!(
        warnings.contains("/nowhere cannot be started") && warnings.contains("cpu f32 is taken"),
        "{warnings}"
    );
    run(&model, &engine);
    if cfg!(target_arch = "x86_64") {
        let engine = engine_with(dir.path(), nowhere, PATIENT, Some(Provider::OpenVino));
        let refused = engine.ensure_usable(&model.subjects(&engine), &|| true);
        assert!(matches!(refused, Err(TrialError::Untried { .. })), "{refused:?}");
    }
}

#[test]
fn where_nothing_can_be_kept_it_is_said_once_and_all_works() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("trials");
    std::fs::write(&folder, "a file in its place").unwrap();
    let (model, engine) = (model(), engine(&folder, ""));
    engine.measure_ways(&model.subjects(&engine), &|| true).unwrap();
    let warnings = engine.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("cannot be kept in") && warnings[0].contains("may write to"),
        "{warnings:?}"
    );
    run(&model, &engine);
}

#[test]
fn a_trial_ends_at_once_when_it_is_to_end_and_its_child_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (model, engine) = (model(), engine(dir.path(), "openvino f32=chatter,cpu f32=hang"));
    let (started, asked) = (Instant::now(), AtomicUsize::new(0));
    let going_on = || asked.fetch_add(1, Ordering::Relaxed) < 20;
    let ended = engine.ensure_usable(&model.subjects(&engine), &going_on);
    assert_eq!(ended, Err(TrialError::Cancelled), "what was not tried is not run");
    assert!(started.elapsed() < PATIENT / 2);
    let own = std::process::id().to_string();
    let children = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1).map(str::to_owned));
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let of_this = String::from_utf8_lossy(&environment).contains("openvino f32=chatter,cpu f32=hang");
        parent.as_deref() == Some(&own) && of_this
    });
    assert_eq!(children.count(), 0);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_was_found_out_before_a_trial_is_ended_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (model, engine) = (model(), engine(dir.path(), "openvino f32=abort,cpu f32=hang"));
    let subjects = model.subjects(&engine);
    let kept = || std::fs::read_dir(dir.path()).unwrap().next().is_some();
    assert_eq!(engine.ensure_usable(&subjects[..1], &|| !kept()), Err(TrialError::Cancelled));
    let next = self::engine(dir.path(), "");
    next.ensure_usable(&subjects[..1], &|| true).unwrap();
    let given_up = next.given_up().join("\n");
    assert!(given_up.contains("openvino f32") && given_up.contains("SIGABRT"), "{given_up}");
}

#[test]
fn two_who_want_to_know_the_same_ask_one_child() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, started) = (dir.path().join("trials"), dir.path().join("started"));
    let mut launch = launch("");
    launch.env.push((STARTED.into(), started.clone().into()));
    let (model, engine) = (model(), engine_with(&folder, launch, PATIENT, None));
    let subjects = model.subjects(&engine);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| engine.measure_ways(&subjects, &|| true).unwrap());
        }
    });
    assert_eq!(std::fs::read_to_string(started).unwrap().lines().count(), 1);
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        2,
        "one for each network, and nothing half written"
    );
}
