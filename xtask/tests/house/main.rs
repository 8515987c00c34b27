//! The house is as docs/architecture.md says: which crate may know which, and what no room may do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use names::{module_of, names};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The rows of the table of crates: each with the crates that it may know.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, table) = text.split_once("| crate | is | knows |").expect("the table of crates");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, knows] = cells[..] else { panic!("three columns: {row}") };
        let knows = if knows == "nothing" { "" } else { knows };
        let knows = knows.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        (name.trim_matches('`').trim_start_matches("crates/").to_owned(), knows)
    })
    .collect()
}

/// Where a crate is.
fn folder(name: &str) -> String {
    match name {
        "xtask" => "xtask".into(),
        "fuzz-checks" => "fuzz/checks".into(),
        name => format!("crates/{name}"),
    }
}

/// What each crate of the workspace depends on, tests aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &str| name.strip_prefix("sightwire-").map(str::to_owned);
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let name = package["name"].as_str().unwrap();
            let of_ours = package["dependencies"].as_array().unwrap().iter();
            let of_ours = of_ours
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| short(dependency["name"].as_str().unwrap()))
                .collect();
            (short(name).unwrap_or_else(|| name.to_owned()), of_ours)
        })
        .collect()
}

/// The crates of which a selection of packages is built, tests aside, each with its version and features.
fn built(packages: &[&str]) -> BTreeSet<String> {
    let selection = packages.iter().flat_map(|package| ["--package", package]);
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p} {f}"])
        .args(selection)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(" (*)").trim().to_owned()).collect()
}

/// All Rust files below a folder of the repository, with their text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (root, mut found, mut folders) = (root(), Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A file's product code: what stands before its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Places in the product code below a folder that name one of these.
fn naming(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in sources(folder) {
        for (index, line) in product(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    found
}

/// Places in the crates' product code that name one of these, but for the files and folders where that may be.
fn elsewhere(words: &[&str], places: &[&str]) -> Vec<String> {
    let lines = naming("crates", words).into_iter().filter(|line| line.contains("/src/"));
    lines.filter(|line| !places.iter().any(|place| line.starts_with(place))).collect()
}

/// Files below a folder that know one of these modules or crates, each with what it names; a module may know itself.
fn knowing(folder: &str, others: &[String]) -> Vec<String> {
    let within = |path: &str, other: &str| path == other || path.starts_with(&format!("{other}::"));
    let mut found = Vec::new();
    for (file, text) in
        sources(folder).iter().filter(|(file, _)| !file.ends_with("/tests.rs") && !file.contains("/tests/"))
    {
        let module = module_of(file);
        let others: Vec<&String> = others.iter().filter(|other| !within(&module, other)).collect();
        let named = names(&module, text).into_iter();
        found.extend(
            named
                .filter(|path| others.iter().any(|other| within(path, other)))
                .map(|path| format!("{file}: {path}")),
        );
    }
    found
}

#[test]
fn each_crate_knows_what_the_table_says_and_nothing_else() {
    assert_eq!(dependencies(), table(), "left: Cargo.toml; right: docs/architecture.md");
}

#[test]
fn the_hub_and_the_rooms_of_pure_state_know_neither_networks_nor_the_wire() {
    let table = table();
    for (name, knows) in [("hub", ["infer", "live", "server"]), ("track", ["infer", "hub", "live"])] {
        assert!(knows.iter().all(|other| !table[name].contains(*other)), "{name}");
    }
    assert_eq!(naming("crates/track/src", &["tokio::", "std::net", "std::thread"]), [""; 0]);
    assert_eq!(naming("crates/infer/src", &["tokio::spawn", "tokio::runtime", "tokio::net"]), [""; 0]);
}

#[test]
fn threads_that_work_for_models_come_from_one_pool() {
    // Beside the pool there are threads that look after child processes, one that waits for a collector, that of a process that draws,
    // and those of a worker, which is a command. Commands that read files, load, cameras that
    // are made up, and models of threads are not a server.
    let allowed = [
        "crates/engine/src/pool.rs",
        "crates/engine/src/child.rs",
        "crates/engine/src/trial/",
        "crates/jobs/src/hands.rs",
        "crates/draw/src/lib.rs",
        "crates/telemetry/src/otlp/mod.rs",
    ];
    let apart = ["sightwire", "bench", "interleavings", "simulator", "top"];
    let apart = apart.map(|name| format!("crates/{name}/"));
    let apart = apart.each_ref().map(String::as_str);
    let mut threads = elsewhere(&["thread::Builder", "thread::spawn"], &[&allowed[..], &apart].concat());
    threads.retain(|line| !line.contains("/tests.rs:") && !line.contains("/tests/"));
    assert_eq!(threads, [""; 0]);
}

#[test]
fn what_parses_hostile_files_is_in_no_program_but_the_one_that_draws() {
    assert!(table().values().all(|knows| !knows.contains("draw")), "by the table of crates");
    let server = built(&["sightwire"]);
    let drawing = built(&["sightwire-draw"]);
    for name in ["hayro", "heifer", "re_rav1d"] {
        let is_it = |line: &String| line.split(' ').next() == Some(name);
        assert!(!server.iter().any(is_it) && drawing.iter().any(is_it), "{name}");
    }
}

#[test]
fn the_program_that_draws_and_the_load_are_built_after_the_server_without_building_it_again() {
    // A crate with more features is another one to the compiler, and so is all that is made of it.
    let server = built(&["sightwire"]);
    let and_drawing = built(&["sightwire", "sightwire-draw"]);
    let and_load = built(&["sightwire", "sightwire-draw", "sightwire-bench"]);
    let cure =
        "name the features in the Cargo.toml of what is built first, as crates/sightwire does with yoke";
    let missing = |first: &BTreeSet<String>, more: &BTreeSet<String>| -> Vec<String> {
        first.difference(more).cloned().collect()
    };
    assert_eq!(missing(&server, &and_drawing), [""; 0], "{cure}");
    assert_eq!(missing(&and_drawing, &and_load), [""; 0], "{cure}");
}

#[test]
fn what_is_optimised_by_name_is_there() {
    let locked = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let known: BTreeSet<&str> =
        locked.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let named: Vec<&str> =
        manifest.lines().filter_map(|line| Some(line.split_once(".opt-level")?.0)).collect();
    assert!(named.contains(&"sightwire-streaming"), "{named:?}");
    // Cargo only warns, among the lines of a build that nobody reads.
    let gone: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert_eq!(gone, [""; 0].iter().collect::<Vec<_>>(), "[profile.…] in Cargo.toml names no crate");
}

/// The kinds of source, by their modules.
fn sources_of_pictures() -> Vec<String> {
    let files = sources("crates/hub/src/source").into_iter();
    let kinds = files.filter(|(_, text)| names("crate", product(text)).iter().any(|name| name == "Source"));
    kinds.map(|(file, _)| module_of(&file).replacen("crate", "sightwire_hub", 1)).collect()
}

/// Where transports are: by folder, the file that lists them, what they are called in their crate, and what outside it.
const TRANSPORTS: [(&str, &str, &str, &str); 2] = [
    ("crates/streaming/src", "lib.rs", "crate", "sightwire_streaming"),
    ("crates/server/src/transport", "mod.rs", "crate::transport", "crate::transport"),
];

/// The transports of such a folder, by their modules: the first list of what it says of itself.
fn transports(folder: &str, file: &str, within: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join(file)).unwrap();
    let list = text.lines().filter_map(|line| line.strip_prefix("//! - [`")?.split_once("`]"));
    list.map(|(name, _)| format!("{within}::{name}")).collect()
}

#[test]
fn a_source_is_named_where_it_is_opened_and_a_transport_where_it_is_put_in() {
    let files_knowing = |folder: &str, modules: &[String]| -> BTreeSet<String> {
        let lines = knowing(folder, modules);
        lines.iter().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    };
    let all = |files: &[&str]| files.iter().map(|&file| file.to_owned()).collect::<BTreeSet<String>>();
    let sources = sources_of_pictures();
    assert!(sources.contains(&"sightwire_hub::source::folder".to_owned()), "{sources:?}");
    assert_eq!(files_knowing("crates/live/src", &sources), all(&["crates/live/src/upstream.rs"]));
    assert_eq!(files_knowing("crates/server/src", &sources), all(&[]));
    let transports: Vec<String> =
        TRANSPORTS.iter().flat_map(|(folder, file, _, outside)| transports(folder, file, outside)).collect();
    for known in ["sightwire_streaming::relay", "crate::transport::rest"] {
        assert!(transports.contains(&known.to_owned()), "{transports:?}");
    }
    assert_eq!(files_knowing("crates/server/src", &transports), all(&["crates/server/src/app.rs"]));
}

#[test]
fn networks_are_loaded_by_one_engine_and_forms_parsed_by_one_reader() {
    // What is to be imported, and what was never tried on this machine, runs in an engine of its own.
    let engines =
        ["crates/engine/src/shared.rs", "crates/import/src/verify.rs", "crates/engine/src/trial/child.rs"];
    assert_eq!(elsewhere(&[" Engine::new(", "(Engine::new("], &engines), [""; 0]);
    assert_eq!(elsewhere(&["commit_from_"], &["crates/engine/src/engine.rs"]), [""; 0]);
    assert_eq!(elsewhere(&["multer::"], &["crates/listen/src/form.rs"]), [""; 0]);
}

#[test]
fn a_model_that_comes_along_is_a_manifest_and_a_line() {
    let lines = fs::read_to_string(root().join("crates/models/src/builtin.rs")).unwrap();
    for entry in fs::read_dir(root().join("models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap().to_string_lossy();
            assert_eq!(lines.matches(&format!("models_dir!(\"{name}\")")).count(), 1, "{name}");
        }
    }
}

#[test]
fn transports_do_not_import_each_other() {
    // What they share knows none of them, either.
    for (folder, file, within, _) in TRANSPORTS {
        assert_eq!(knowing(folder, &transports(folder, file, within)), [""; 0]);
    }
}

#[test]
fn transports_neither_decode_nor_infer() {
    let others = [
        "sightwire_infer",
        "sightwire_ocr",
        "sightwire_import",
        "sightwire_track",
        "sightwire_frame::Decoder",
        "sightwire_frame::Encoder",
    ];
    for (folder, ..) in TRANSPORTS {
        assert_eq!(knowing(folder, &others.map(str::to_owned)), [""; 0]);
        assert_eq!(naming(folder, &[".decode(", ".decode_in_turn(", ".encode("]), [""; 0]);
    }
}

#[test]
fn telemetry_knows_nothing_of_what_is_counted() {
    // Each room declares its metrics itself, and the server has the list of them.
    let known = &table()["telemetry"];
    for room in ["cluster", "engine", "hub", "jobs", "listen", "live", "reading", "recognizer", "server"] {
        assert!(!known.contains(room), "{room}");
    }
    let sockets = ["axum", "socketioxide", "tokio::net", "tokio_websockets"];
    assert_eq!(naming("crates/telemetry/src", &sockets), [""; 0]);
}

#[test]
fn who_may_use_a_route_stands_at_the_route() {
    let routes = naming("crates/server/src", &[".route(", ".route_service(", ".nest(", ".nest_service("]);
    let elsewhere = routes.iter().filter(|line| !line.starts_with("crates/admission/src/routes.rs:"));
    assert_eq!(
        elsewhere.collect::<Vec<_>>(),
        [""; 0],
        "crates/admission/src/routes.rs has open() and private()"
    );
}

#[test]
fn the_hub_knows_no_form_in_which_pictures_go_out() {
    let forms = ["data_url", "base64", "live_frame", "serde_json", "boundary=frame"];
    assert_eq!(naming("crates/hub/src", &forms), [""; 0]);
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    for name in dependencies().keys() {
        let folder = folder(name);
        let roots = ["src/lib.rs", "src/main.rs"].map(|file| root().join(&folder).join(file));
        let is_forbidden = |path: &PathBuf| {
            fs::read_to_string(path).is_ok_and(|text| text.contains("#![forbid(unsafe_code)]"))
        };
        assert!(roots.iter().any(is_forbidden), "{name}");
    }
}

/// Words that say nothing where they stand alone, and that a search finds everywhere.
const VAGUE_FUNCTIONS: [&str; 4] = ["of", "take", "told", "at"];
const VAGUE_TYPES: [&str; 6] = ["Place", "Told", "Said", "Seen", "Held", "Taken"];

#[test]
fn what_others_may_use_has_a_name_that_can_be_searched_for() {
    let is_vague = |line: &str| {
        let mut words =
            line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        if !line.trim_start().starts_with("pub") {
            return false;
        }
        while let Some(word) = words.next() {
            let vague: &[&str] = match word {
                "fn" => &VAGUE_FUNCTIONS,
                "struct" | "enum" | "trait" | "type" | "union" => &VAGUE_TYPES,
                _ => continue,
            };
            return words.next().is_some_and(|name| vague.contains(&name));
        }
        false
    };
    assert!(is_vague("    pub(crate) async fn take(&self)") && is_vague("pub struct Held<'a> {"));
    let found: Vec<String> = ["crates", "xtask/src", "fuzz/checks/src"]
        .iter()
        .flat_map(|folder| sources(folder))
        .flat_map(|(name, text)| {
            let lines = product(&text).lines().enumerate();
            let vague = lines.filter(|(_, line)| is_vague(line));
            vague.map(|(index, line)| format!("{name}:{}: {}", index + 1, line.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, [""; 0], "CONTRIBUTING.md says how a name is chosen");
}
