//! Downloads from a local https server that cuts, stalls, sends elsewhere, or sends something else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use sightwire_http_client::trust::Trust;
use sightwire_models::digest;
use sightwire_models::fetch::{self, FetchError, HttpsOptions, Progress};
use sightwire_models::manifest::Manifest;
use sightwire_models::store::Store;

use server::{Gate, Reply, Request, Server};

const PATH: &str = "/real-time%20demo/model.h5";
const SIZE: usize = 3 << 20;

/// The file that is to come: nothing in it repeats.
fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    bytes.take(SIZE).collect()
}

/// As git names it.
fn git_blob(content: &[u8]) -> String {
    let mut digest = sha1_smol::Sha1::from(format!("blob {}\0", content.len()));
    digest.update(content);
    digest.digest().to_string()
}

struct World {
    dir: tempfile::TempDir,
    server: Server,
    options: HttpsOptions,
}

/// A server that answers so, and an empty store that trusts it.
fn world(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> World {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), answer);
    let options = HttpsOptions {
        stall: Duration::from_secs(20),
        tries: 3,
        pause: Duration::from_millis(10),
        max_bytes: 16 << 20,
        trust: server.trust.clone(),
        proxy: false,
    };
    World { dir, server, options }
}

impl World {
    fn store(&self) -> Store {
        store(self.dir.path())
    }

    fn manifest(&self) -> Manifest {
        manifest(&self.server.url(PATH))
    }

    fn target(&self) -> PathBuf {
        self.store().file_path("model", "model.h5")
    }

    fn part(&self) -> PathBuf {
        self.store().file_path("model", "model.h5.part")
    }

    /// Leaves a partial file there, as an earlier try did.
    fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.part().parent().unwrap()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    fn pull(&self) -> Result<(), FetchError> {
        self.pull_as(&self.manifest())
    }

    fn pull_as(&self, manifest: &Manifest) -> Result<(), FetchError> {
        fetch::pull_with(&self.store(), manifest, &self.options, &mut |_| {})
    }

    /// Pulls; returns why it broke off in between, and the pauses that followed.
    fn retries(&self) -> Vec<(String, Duration)> {
        let mut retries = Vec::new();
        fetch::pull_with(&self.store(), &self.manifest(), &self.options, &mut |progress| {
            if let Progress::Retry { reason, pause } = progress {
                retries.push((reason.to_owned(), pause));
            }
        })
        .unwrap();
        retries
    }

    /// Pulls, and wants the right file in its place and nothing beside it.
    fn pull_well(&self) {
        self.pull().unwrap();
        assert_eq!(digest::sha256_hex(&fs::read(self.target()).unwrap()), digest::sha256_hex(&content()));
        let names: Vec<_> = fs::read_dir(self.target().parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    /// Pulls, and wants it to fail without a file in its place; returns what is said.
    fn pull_badly(&self) -> String {
        let error = self.pull().unwrap_err().to_string();
        assert!(!self.target().exists(), "{error}");
        error
    }
}

fn store(dir: &Path) -> Store {
    Store::new(dir.join("home"), None)
}

/// A model of one file, known by its git blob id alone.
fn manifest(url: &str) -> Manifest {
    let text = format!(
        r#"
        name = "model"
        title = "of the tests"
        task = "clip-classification"
        licence = "MIT"
        origin = "the tests"
        [import]
        threshold = 0.5
        labels = ["a", "b"]
        [[files]]
        role = "keras"
        name = "model.h5"
        git_blob = "{}"
        source.https.url = "{url}"
        "#,
        git_blob(&content())
    );
    Manifest::parse(&text, "tests").unwrap()
}

#[test]
fn a_file_known_by_its_git_blob_id_comes_whole_and_its_bytes_are_told() {
    let world = world(|request| Reply::ranged(&content(), request));
    let (mut told, mut done) = (Vec::new(), false);
    assert!(!world.store().has_files(&world.manifest()));
    fetch::pull_with(&world.store(), &world.manifest(), &world.options, &mut |progress| match progress {
        Progress::Bytes { bytes, of } => told.push((bytes, of)),
        Progress::Done(_) => done = true,
        _ => {}
    })
    .unwrap();
    let size = SIZE as u64;
    assert!(done);
    assert_eq!(told.first(), Some(&(0, Some(size))));
    assert_eq!(told.last(), Some(&(size, Some(size))));
    assert!(told.is_sorted());
    assert!(world.store().has_files(&world.manifest()));
    assert_eq!(world.server.requests()[0].path, PATH, "the address is asked for as it is written");
    world.pull_well();
    assert_eq!(world.server.requests().len(), 1, "what is here is not loaded again");
}

#[test]
fn a_dropped_connection_is_resumed_and_no_byte_is_loaded_twice() {
    let world = world(|request| {
        let reply = Reply::ranged(&content(), request).header("ETag", "\"one\"");
        if request.number < 2 { reply.cut(700_000) } else { reply }
    });
    world.pull_well();
    let requests = world.server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1].from, Some(700_000));
    assert_eq!(requests[2].from, Some(1_400_000));
    assert_eq!(requests[2].if_range.as_deref(), Some("\"one\""));
    assert_eq!(world.server.sent(), SIZE as u64);
}

#[test]
fn a_bad_line_that_brings_something_each_time_brings_all_of_it() {
    let mut world = world(|request| Reply::ranged(&content(), request).cut(1_100_000));
    world.options.tries = 2;
    world.pull_well();
    assert_eq!(world.server.requests().len(), 3);
    assert_eq!(world.server.sent(), SIZE as u64);
}

#[test]
fn the_next_pull_goes_on_where_the_last_one_gave_up() {
    let mut world = world(|request| {
        let reply = Reply::ranged(&content(), request);
        if request.number == 0 { reply.cut(1_000_000) } else { reply }
    });
    world.options.tries = 1;
    let error = world.pull_badly();
    assert!(error.contains("broke off") && error.contains("SIGHTWIRE_MODEL_MIRROR"), "{error}");
    world.pull_well();
    assert_eq!(world.server.requests()[1].from, Some(1_000_000));
    assert_eq!(world.server.sent(), SIZE as u64);
}

#[test]
fn a_partial_file_that_is_whole_already_is_only_verified() {
    let world = world(|request| Reply::ranged(&content(), request));
    world.leave(&content());
    world.pull_well();
    assert_eq!(world.server.sent(), 0);
}

#[test]
fn a_server_without_ranges_starts_anew_and_the_file_is_right() {
    let world = world(|request| {
        let reply = Reply::whole(&content());
        if request.number == 0 { reply.cut(1_000_000) } else { reply }
    });
    world.pull_well();
    assert_eq!(world.server.requests().len(), 2);
}

#[test]
fn a_server_without_ranges_that_always_breaks_off_is_given_up() {
    let world = world(|_| Reply::whole(&content()).cut(2_500_000));
    let error = world.pull_badly();
    assert!(error.contains("broke off") && error.contains("tries"), "{error}");
    assert!(world.server.requests().len() <= 6, "{}", world.server.requests().len());
}

#[test]
fn a_content_that_changes_on_the_way_is_never_joined_with_the_old_one() {
    let world = world(|request| {
        if request.number == 0 {
            return Reply::whole(&vec![b'x'; SIZE]).header("ETag", "\"old\"").cut(1_000_000);
        }
        // As RFC 9110 has it: the condition does not hold, so it is the whole of the new one.
        assert_eq!(request.if_range.as_deref(), Some("\"old\""));
        Reply::whole(&content()).header("ETag", "\"new\"")
    });
    world.pull_well();
}

#[test]
fn what_an_earlier_try_left_of_another_content_is_thrown_away() {
    let world = world(|request| Reply::ranged(&content(), request));
    world.leave(&[b'x'; 1000]);
    world.pull_well();
    let asked: Vec<_> = world.server.requests().iter().map(|request| request.from).collect();
    assert_eq!(asked, [Some(1000), None]);

    fs::remove_file(world.target()).unwrap();
    world.leave(&vec![b'x'; SIZE + 1]);
    world.pull_well();
}

#[test]
fn a_server_that_sends_another_piece_than_asked_for_spoils_nothing() {
    let world = world(|request| match request.from {
        // Counts from the wrong end.
        Some(_) => Reply::ranged(&content(), &Request { from: Some(5), ..request.clone() }),
        None => Reply::whole(&content()),
    });
    world.leave(&content()[..1000]);
    let retries = world.retries();
    assert!(retries.len() == 1 && retries[0].0.contains("another piece"), "{retries:?}");
    world.pull_well();
}

#[test]
fn an_unknown_certificate_is_not_trusted_and_it_is_said_how_to_trust_it() {
    let mut world = world(|request| Reply::ranged(&content(), request));
    world.options.trust = Trust::System;
    let error = world.pull_badly();
    assert!(error.contains("127.0.0.1") && error.contains("not trusted"), "{error}");
    assert!(error.contains("SSL_CERT_FILE") && error.contains("SIGHTWIRE_MODEL_MIRROR"), "{error}");
    assert!(world.server.requests().is_empty(), "nothing is asked for over such a connection");
}

#[test]
fn another_content_is_not_kept() {
    let world = world(|request| {
        let mut content = content();
        content[SIZE / 2] ^= 1;
        Reply::ranged(&content, request)
    });
    let error = world.pull_badly();
    assert!(error.contains("model.h5") && error.contains(&git_blob(&content())), "{error}");
    assert!(!world.part().exists());
    assert_eq!(world.server.requests().len(), 1, "the same would only come again");
}

#[test]
fn another_size_than_promised_is_refused_before_it_is_loaded() {
    let world = world(|request| Reply::ranged(&content(), request));
    let mut manifest = world.manifest();
    manifest.files[0].size_bytes = Some(SIZE as u64 - 1);
    world.leave(&content()[..1000]);
    let error = world.pull_as(&manifest).unwrap_err().to_string();
    assert!(error.contains(&SIZE.to_string()) && error.contains(&(SIZE - 1).to_string()), "{error}");
    assert_eq!(fs::metadata(world.part()).unwrap().len(), 1000, "what was here stays");
}

#[test]
fn a_file_of_unknown_size_is_bounded() {
    let mut world = world(|request| match request.number {
        0 => Reply::whole(&content()),
        // Does not say how long it is, and does not end by itself.
        _ => Reply::whole(&content()).without("Content-Length"),
    });
    world.options.max_bytes = SIZE as u64 / 2;
    let error = world.pull_badly();
    assert!(error.contains(&SIZE.to_string()), "{error}");
    let error = world.pull_badly();
    assert!(error.contains(&(SIZE / 2).to_string()), "{error}");
    assert!(!world.part().exists());
}

#[test]
fn a_file_larger_than_the_disk_is_refused_before_it_is_loaded() {
    let mut world = world(|_| Reply::whole(b"").header("Content-Length", u64::MAX / 2));
    world.options.max_bytes = u64::MAX;
    let error = world.pull().unwrap_err();
    assert!(
        matches!(&error, FetchError::Write { error, .. } if error.kind() == std::io::ErrorKind::StorageFull),
        "{error}"
    );
    assert!(error.to_string().contains("are free"), "{error}");
}

#[test]
fn a_stalled_server_ends_in_bounded_time() {
    let mut world = world(|request| Reply::ranged(&content(), request).stall(100_000));
    world.options.stall = Duration::from_secs(2);
    let started = Instant::now();
    let error = world.pull_badly();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(error.contains("sent nothing for 2 s"), "{error}");
    assert_eq!(world.server.requests().len(), 3, "each try got a little, none a worthwhile piece");
    assert_eq!(fs::metadata(world.part()).unwrap().len(), 300_000, "what came stays for the next pull");
}

#[test]
fn a_server_that_is_only_slow_is_waited_for() {
    let gate = Gate::default();
    let closed = gate.clone();
    let world = world(move |_| Reply::whole(&content()).wait(1_000_000, &closed));
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        gate.open();
    });
    world.pull_well();
    assert_eq!(world.server.requests().len(), 1);
}

#[test]
fn redirects_are_followed_to_https_only_and_not_without_end() {
    let world = world(|request| match request.path.as_str() {
        "/moved" => Reply::status("302 Found").header("Location", PATH),
        "/plain" => Reply::status("302 Found").header("Location", "http://127.0.0.1:9/model.h5"),
        "/circle" => Reply::status("302 Found").header("Location", "/circle"),
        _ => Reply::ranged(&content(), request),
    });
    let plain = world.pull_as(&manifest("http://127.0.0.1:9/model.h5")).unwrap_err().to_string();
    assert!(plain.contains("http://127.0.0.1:9/model.h5 is not https"), "{plain}");
    for (path, says) in [("/plain", "http://127.0.0.1:9/model.h5 is not https"), ("/circle", "without end")] {
        let error = world.pull_as(&manifest(&world.server.url(path))).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!world.target().exists());
    }
    assert!(world.server.requests().len() <= 8, "{}", world.server.requests().len());
    world.leave(&content()[..1000]);
    world.pull_as(&manifest(&world.server.url("/moved"))).unwrap();
    assert_eq!(world.server.requests().last().unwrap().from, Some(1000), "it goes on there, too");
    assert!(world.target().exists());
}

#[test]
fn a_refusal_is_said_in_words_and_costs_nothing_that_is_here() {
    for (status, says) in [
        ("404 Not Found", "no such file (HTTP 404)"),
        ("403 Forbidden", "refuses to give it (HTTP 403)"),
        ("400 Bad Request", "HTTP 400"),
    ] {
        let world = world(move |_| Reply::status(status));
        world.leave(&content()[..1000]);
        let error = world.pull_badly();
        assert!(error.contains(says) && error.contains(&world.server.url(PATH)), "{error}");
        assert_eq!(world.server.requests().len(), 1);
        assert_eq!(fs::metadata(world.part()).unwrap().len(), 1000);
    }
    let world = world(|_| Reply::whole(b"<p>Sign in").header("Content-Type", "text/html; charset=utf-8"));
    let error = world.pull_badly();
    assert!(error.contains("web page"), "{error}");
}

#[test]
fn a_server_in_trouble_gets_another_chance_after_a_pause() {
    let world = world(|request| match request.number {
        0 => Reply::status("503 Service Unavailable"),
        _ => Reply::ranged(&content(), request),
    });
    let retries = world.retries();
    assert_eq!(retries.len(), 1);
    assert!(retries[0].0.contains("HTTP 503") && retries[0].1 == world.options.pause, "{retries:?}");
}

/// Pulls in a process of its own, with the environment as a user sets it: runs `child`.
fn spawn(world: &World, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]);
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env("SSL_CERT_FILE", &world.server.authority).env_remove("SSL_CERT_DIR");
    command.env("TEST_FOLDER", world.dir.path()).env("TEST_URL", world.server.url(PATH));
    command.envs(environment.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
#[ignore = "what a process of `spawn` does"]
fn child() {
    let (Some(folder), Ok(url)) = (std::env::var_os("TEST_FOLDER"), std::env::var("TEST_URL")) else {
        return;
    };
    match fetch::pull_files(&store(Path::new(&folder)), &manifest(&url), &mut |_| {}) {
        Ok(()) => eprintln!("RESULT ready"),
        Err(error) => eprintln!("RESULT {error}"),
    }
}

fn result(output: Output) -> String {
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    line.unwrap_or_else(|| panic!("no result in {text}")).to_owned()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn two_processes_do_not_disturb_one_another() {
    let gate = Gate::default();
    let closed = gate.clone();
    let world = world(move |_| Reply::whole(&content()).wait(1_000_000, &closed));
    let first = spawn(&world, &[]).spawn().unwrap();
    wait_until("the first one loads", || world.server.sent() >= 1_000_000);
    let second = result(spawn(&world, &[]).output().unwrap());
    assert!(second.contains("another process is getting model.h5 of model"), "{second}");
    gate.open();
    assert_eq!(result(first.wait_with_output().unwrap()), "ready");
    assert_eq!(result(spawn(&world, &[]).output().unwrap()), "ready");
    world.pull_well();
    assert_eq!(world.server.requests().len(), 1);
}

#[test]
fn a_killed_process_holds_up_nobody_and_its_bytes_are_not_loaded_again() {
    let never = Gate::default();
    let world = world(move |request| {
        let reply = Reply::ranged(&content(), request);
        if request.number == 0 { reply.wait(1_000_000, &never) } else { reply }
    });
    let mut first = spawn(&world, &[]).spawn().unwrap();
    wait_until("the first one has a piece", || {
        fs::metadata(world.part()).is_ok_and(|part| part.len() == 1_000_000)
    });
    first.kill().unwrap();
    first.wait().unwrap();
    world.pull_well();
    assert_eq!(world.server.requests()[1].from, Some(1_000_000));
}

#[test]
fn the_environment_names_authorities_and_a_proxy() {
    let world = world(|request| Reply::ranged(&content(), request));
    let (proxy, asked) = server::proxy();
    let host = world.server.url("").replace("https://", "");

    let without = spawn(&world, &[]).env_remove("SSL_CERT_FILE").output().unwrap();
    assert!(result(without).contains("not trusted"));
    let empty = result(spawn(&world, &[("SSL_CERT_FILE", "")]).output().unwrap());
    assert!(empty.contains("SSL_CERT_FILE is set and empty"), "{empty}");
    let gone = spawn(&world, &[("SSL_CERT_FILE", "/nowhere/authorities.pem")]).output().unwrap();
    let gone = result(gone);
    assert!(gone.contains("/nowhere/authorities.pem") && gone.contains("No such file"), "{gone}");

    assert_eq!(result(spawn(&world, &[("HTTPS_PROXY", &proxy)]).output().unwrap()), "ready");
    assert_eq!(*asked.lock().unwrap(), [host]);

    fs::remove_file(world.target()).unwrap();
    let passing_by = [("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", "127.0.0.1")];
    assert_eq!(result(spawn(&world, &passing_by).output().unwrap()), "ready");
    assert_eq!(asked.lock().unwrap().len(), 1, "the second one went past it");

    fs::remove_file(world.target()).unwrap();
    let off = result(spawn(&world, &[("HTTPS_PROXY", "http://127.0.0.1:9")]).output().unwrap());
    assert!(off.contains("through the proxy 127.0.0.1:9") && off.contains("refuses"), "{off}");
}
