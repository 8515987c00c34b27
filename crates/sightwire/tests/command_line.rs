//! The binary as a shell runs it: pipes that close, files that are not there, what is refused at once.
//!
//! Some need ONNX Runtime and models in the store (`cargo xtask test` brings them).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sightwire_frame::{Encoder, Image};
use sightwire_synth::sample::{Clip, Gesture};

/// With models and library.
fn full_home() -> PathBuf {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    home.canonicalize().expect("`cargo xtask setup` fills the store")
}

/// In an empty folder and a bare environment: nothing of the developer's own settings is taken.
fn sightwire(folder: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sightwire"));
    command.args(args).current_dir(folder).env_clear().env("HOME", folder).env("SIGHTWIRE_HOME", home);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    sightwire(folder, &folder.join("home"), args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn survives_closed_pipes(folder: &Path, home: &Path, args: &[&str]) {
    let output = sightwire(folder, home, args).stdout(closed_pipe()).output().unwrap();
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {}: {stderr}", output.status);
    assert!(!stderr.contains("panicked") && !stderr.contains("error:"), "{args:?}: {stderr}");
    let status = sightwire(folder, home, args).stdout(closed_pipe()).stderr(closed_pipe()).status().unwrap();
    assert!(status.success(), "{args:?}, stderr closed, too: {status}");
}

#[test]
fn whoever_stops_reading_ends_a_command_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for args in [
        &["check"][..],
        &["doctor", "--no-cameras"],
        &["config", "init"],
        &["models", "list"],
        &["models", "list", "--format", "json"],
        &["models", "check", "motion"],
        &["sample", "left", "--out", "frames", "--frames", "1", "--y4m", "left.y4m"],
        &["--help"],
        &["serve", "--help"],
        &["--version"],
    ] {
        survives_closed_pipes(folder.path(), &home, args);
    }
    assert!(folder.path().join("left.y4m").is_file(), "what was to be done is done all the same");
}

#[test]
fn whoever_stops_reading_ends_a_command_that_runs_models_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(Gesture::Left, 1, 320, 240);
    let (mut image, mut jpeg) = (Image::default(), Vec::new());
    clip.frame_into(0, &mut image);
    Encoder::new().unwrap().encode(&image, 90, &mut jpeg).unwrap();
    fs::write(folder.path().join("a.jpg"), jpeg).unwrap();
    for args in [
        &["models", "check", "gestures"][..],
        &["models", "check", "ppocr-v4"],
        &["models", "pull", "runtime"],
        &["read", "a.jpg", "--format", "json"],
        &["check-coordinates", "a.jpg"],
    ] {
        survives_closed_pipes(folder.path(), &full_home(), args);
    }
}

#[test]
fn a_command_that_fails_says_so_though_nobody_reads_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sightwire(folder.path(), folder.path(), &["check", "--config", "none.toml"]);
    assert_eq!(command.stderr(closed_pipe()).status().unwrap().code(), Some(2));
}

#[test]
fn a_model_file_of_another_kind_is_refused_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my signs.onnx"), include_bytes!("../../../models/gestures_head.onnx"))
        .unwrap();
    let output = run(folder.path(), &["models", "import", "my signs.onnx"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for part in ["name = \"my-signs\"", "name = \"my-signs.onnx\"", "sha256 = \"9d247c6c", "[clip]"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    for part in ["home/models/my-signs.toml", "docs/adding-a-task.md", "models check my-signs", "error:"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(!stderr.contains("TensorFlow") && !folder.path().join("home").exists(), "{stderr}");

    // What is printed is a manifest that the store takes.
    let models = folder.path().join("home/models");
    fs::create_dir_all(models.join("my-signs")).unwrap();
    fs::write(models.join("my-signs.toml"), stdout).unwrap();
    fs::copy(folder.path().join("my signs.onnx"), models.join("my-signs/my-signs.onnx")).unwrap();
    let listed = text(&run(folder.path(), &["models", "list"]).stdout);
    let line = listed.lines().find(|line| line.starts_with("my-signs")).expect("it is listed");
    assert!(line.contains("here") && !line.contains("not here"), "{line}");

    for (name, part) in [
        ("a.pt", "torch.onnx.export"),
        ("a.tflite", "tf2onnx"),
        ("a.pb", "model.save"),
        ("a.safetensors", "weights"),
    ] {
        fs::write(folder.path().join(name), "anything").unwrap();
        let output = run(folder.path(), &["models", "import", name]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.contains(part) && stderr.lines().count() == 1, "{name}: {stderr}");
    }
    // What cannot be read is named before its name is looked at, or anything is fetched for it.
    for (name, part) in [
        ("not here.h5", "cannot read not here.h5: "),
        ("not here.onnx", "cannot read not here.onnx: "),
        (".", "SavedModel"),
    ] {
        let stderr = text(&run(folder.path(), &["models", "import", name]).stderr);
        assert!(stderr.contains(part) && stderr.lines().count() == 1, "{name}: {stderr}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_offered_and_a_folder_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let stderr = |name: &str| text(&run(folder.path(), &["check", "--config", name]).stderr);
    assert!(stderr("none.toml").contains("`sightwire config init none.toml` writes one"));
    assert!(!stderr(".").contains("config init"), "{}", stderr("."));
}

#[test]
fn a_picture_that_is_not_there_is_the_only_thing_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = sightwire(folder.path(), &full_home(), &["read", "none.jpg"]).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("error: none.jpg: ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_port_and_an_address_are_not_both_taken() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["serve", "--port", "8001", "--listen", "127.0.0.1:0"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("'--port <PORT>' cannot be used with '--listen <ADDRESS>'"), "{stderr}");
}

#[test]
fn check_says_who_needs_a_key_and_what_anybody_may_without() {
    let folder = tempfile::tempdir().unwrap();
    let stderr = |set: &[&str]| {
        let set = set.iter().flat_map(|set| ["--set", set]);
        text(&run(folder.path(), &["check"].into_iter().chain(set).collect::<Vec<_>>()).stderr)
    };
    let open = "access.mode=open";
    assert!(!stderr(&["server.listen=8000"]).contains("key"));
    assert!(stderr(&["server.listen=0.0.0.0:8000"]).contains("note: who is not on this machine needs a key"));
    let said = stderr(&["server.listen=0.0.0.0:8000", open]);
    assert!(said.contains("warning: access.mode is \"open\"") && said.contains("(0.0.0.0:8000)"), "{said}");
    assert!(stderr(&["access.mode=shut"]).contains("must be auto, open or protected"));
}

#[test]
fn the_first_key_is_shown_though_the_start_fails() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::write(folder.path().join("junk.pem"), "junk").unwrap();
    let start = || {
        let set = ["access.mode=protected", "tls.mode=files", "tls.certificate_file=junk.pem"];
        let set = set.into_iter().chain(["tls.key_file=junk.pem"]).flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(set).collect();
        let output = sightwire(folder.path(), &home, &args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        (text(&output.stdout), text(&output.stderr))
    };
    let (out, err) = start();
    assert!(out.starts_with("admin key: sw_") && err.contains("junk.pem"), "{out} {err}");
    assert!(!start().0.contains("admin key"), "there is one");
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let keys = |args: &[&str]| {
        let output = sightwire(folder.path(), &home, &[&["keys"], args].concat()).output().unwrap();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    };
    let (out, err, _) = keys(&["list"]);
    assert!(out.is_empty() && err.contains("there are no keys in") && err.contains("keys add"), "{err}");
    let (out, err, code) = keys(&[
        "add",
        "gate phone",
        "--role",
        "viewer",
        "--streams",
        "gate-*,yard",
        "--uses",
        "cameras,relay",
        "--expires",
        "30d",
    ]);
    let key = out.trim().strip_prefix("key: ").unwrap();
    assert!(key.starts_with("sw_") && code == Some(0), "{out}");
    assert!(
        err.contains("may view gate-*, yard, cameras, relay") && err.contains("not shown again"),
        "{err}"
    );
    let file = fs::read_to_string(home.join("access.json")).unwrap();
    assert!(file.contains("gate phone") && !file.contains(key));
    let (out, _, _) = keys(&["list"]);
    let id = &key[3..11];
    assert!(
        out.starts_with(&format!("{id}  gate phone  view gate-*, yard, cameras, relay, until 20")),
        "{out}"
    );
    // The whole key will do, too: it is what people have at hand.
    assert_eq!(keys(&["revoke", key]).0, format!("revoked {id} (gate phone)\n"));
    let (_, err, code) = keys(&["revoke", id]);
    assert!(err.contains(&format!("there is no key \"{id}\"")) && code == Some(1), "{err}");
    let (_, err, _) = keys(&["revoke", key]);
    assert!(err.contains(&format!("there is no key \"{id}\"")), "a secret is not repeated: {err}");
    assert!(keys(&["revoke", "gate_phone"]).1.contains("there is no key \"gate_phone\""));
    // A name will do as well, where it is one key's.
    let named = |name: &str| {
        keys(&["add", name, "--role", "viewer"]).0.trim().strip_prefix("key: ").unwrap().to_owned()
    };
    let [door, other, yard] = ["door", "door", "yard"].map(named);
    let (_, err, code) = keys(&["revoke", "door"]);
    assert!(err.contains("2 keys have the name \"door\"") && err.contains(&other[3..11]), "{err}");
    assert_eq!(code, Some(1));
    assert_eq!(keys(&["revoke", &door]).2, Some(0));
    assert_eq!(keys(&["revoke", "door"]).0, format!("revoked {} (door)\n", &other[3..11]));
    assert_eq!(keys(&["revoke", "yard"]).0, format!("revoked {} (yard)\n", &yard[3..11]));
    for (wrong, said) in [
        (&["--role", "root"][..], "there is no role \"root\""),
        (&["--role", "viewer", "--uses", "camera"], "there is no use \"camera\""),
        (&["--role", "viewer", "--expires", "soon"], "\"soon\" is not a time such as 12h"),
        (&["--role", "viewer", "--streams", "a,,b"], "a pattern of streams is empty"),
        (&[], "--role <ROLE>"),
    ] {
        let (out, err, code) = keys(&[&["add"], wrong].concat());
        assert!(out.is_empty() && err.contains(said) && code == Some(2), "{wrong:?}: {err}");
    }
    fs::write(home.join("access.json"), "{").unwrap();
    let (_, err, code) = keys(&["list"]);
    assert!(err.contains("access.json is not a file of keys") && code == Some(1), "{err}");
}

#[test]
fn users_are_added_with_a_password_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let users = |args: &[&str]| {
        let output = sightwire(folder.path(), &home, &[&["users"], args].concat()).output().unwrap();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    };
    let password = folder.path().join("password");
    fs::write(&password, "correct horse\n").unwrap();
    let password = password.to_str().unwrap();
    let anna = ["add", "Anna", "--role", "operator", "--streams", "gate-*", "--password-file", password];
    let (out, err, code) = users(&anna);
    assert_eq!((&*out, code), ("added Anna\n", Some(0)), "{err}");
    assert!(err.contains("Anna may operate gate-*, all uses"), "{err}");
    let file = fs::read_to_string(home.join("access.json")).unwrap();
    assert!(file.contains("$argon2id$") && !file.contains("horse"));
    assert!(users(&anna).1.contains("there is a user Anna already"));
    assert!(users(&["list"]).0.starts_with("Anna  operate gate-*, all uses, since 20"));
    fs::write(password, "short\n").unwrap();
    let (_, err, code) = users(&["add", "otto", "--role", "viewer", "--password-file", password]);
    assert!(err.contains("at least 10 characters") && code == Some(2), "{err}");
    assert_eq!(users(&["remove", "anna"]).0, "removed Anna\n");
    let (_, err, code) = users(&["remove", "anna"]);
    assert!(err.contains("there is no user \"anna\"") && code == Some(1), "{err}");
}

#[test]
fn a_store_without_the_library_names_the_one_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join(".sightwire");
    fs::create_dir(&project).unwrap();
    std::os::unix::fs::symlink(full_home(), project.join("home")).unwrap();
    fs::write(folder.path().join("a.jpg"), "").unwrap();
    let output = run(folder.path(), &["models", "check", "gestures"]);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("sightwire models pull runtime"), "{stderr}");
    assert!(stderr.contains("has the library: SIGHTWIRE_HOME=/"), "{stderr}");
}

/// A program that may have this many files open.
fn limited(files: u32, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_sightwire")).args(args);
    command.current_dir(folder).env_clear().env("HOME", folder).env("SIGHTWIRE_HOME", folder.join("home"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let warned = |files: u32, args: &[&str]| {
        let output = limited(files, folder.path(), args).output().unwrap();
        assert!(output.status.success());
        let stderr = text(&output.stderr);
        stderr.lines().find(|line| line.contains("ulimit -n")).map(str::to_owned)
    };
    let few = warned(64, &["check"]).expect("a warning");
    for part in ["warning: ", "1024 connections (server.max_connections)", "allows 64", "LimitNOFILE="] {
        assert!(few.contains(part), "{part}: {few}");
    }
    assert_eq!(
        warned(
            64,
            &[
                "check",
                "--set",
                "server.max_connections=1",
                "--set",
                "cameras.max_upstreams=0",
                "--set",
                "cameras.max_named=0"
            ]
        ),
        Some(
            few.replace("1098", "65")
                .replace("1024 connections", "1 connections")
                .replace("10 cameras", "0 cameras"),
        )
    );
    assert_eq!(warned(1100, &["check"]), None);
}

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn connections_for_which_no_file_is_left_are_counted_and_do_not_flood_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let args = ["serve", "--port", "0", "--set", "recognizer.dummy=true"];
    let mut command = limited(64, folder.path(), &args);
    command.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap());
    let mut server = Serving(command.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let listening =
        lines.find_map(|line| line.unwrap().strip_prefix("listening on http://").map(str::to_owned));
    let address = listening.expect("it listens");
    let begun = Instant::now();
    // It tries every 50 ms, but a busy machine may not have come to it in a second.
    let failed = (0..20).any(|_| {
        let held: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(&address).unwrap()).collect();
        std::thread::sleep(Duration::from_secs(1));
        drop(held);
        let metrics = get(&address, "/metrics");
        let failures = metrics.lines().find_map(|line| line.strip_prefix("sightwire_accept_failures_total "));
        failures.expect("the metric").parse::<u64>().unwrap() > 3
    });
    assert!(failed, "it was always less than four times");
    let status = get(&address, "/api/v1/status");
    assert!(status.contains("\"accept_failures\":"), "{status}");
    let log = fs::read_to_string(log).unwrap();
    let said = log.matches("cannot accept a connection").count() as u64;
    assert!((1..=1 + begun.elapsed().as_secs() / 10).contains(&said), "{log}");
    assert!(log.contains("WARN") && log.contains("allows 64"), "{log}");
}

/// Starts it, and waits until it listens: where.
fn listening(mut command: Command) -> (Serving, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Serving(command.spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        Some(line.strip_prefix("listening on ")?.split_once("://")?.1.to_owned())
    });
    (child, address.expect("it listens"))
}

/// The checks of that id in a report: state, and all that is said.
fn checks(report: &serde_json::Value, id: &str) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["id"] == id);
    checks.map(|check| (check["state"].as_str().unwrap().to_owned(), check.to_string())).collect()
}

#[test]
fn the_doctor_tells_what_is_wrong_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let camera = ["camera", "--listen", "127.0.0.1:0", "--size", "320x240", "--user", "me:s3cret-one"];
    let (_camera, address) = listening(sightwire(path, path, &camera));
    fs::write(path.join("password"), "s3cret-two\n").unwrap();
    fs::write(path.join("jwt"), "s3cret-three-".repeat(4)).unwrap();
    let key = text(&run(path, &["keys", "add", "s3cret-four", "--role", "viewer"]).stdout);
    let key = key.trim().strip_prefix("key: ").unwrap();
    fs::write(
        path.join("sightwire.toml"),
        format!(
            "[server]\nlisten = \"127.0.0.1:1\"\nmax_conections = 3\n\
             [access]\njwt_jwks = \"https://me:s3cret-five@127.0.0.1:9/keys?token=s3cret-six\"\njwt_secret_file = \"jwt\"\n\
             [import]\npython = \"{key}\"\n\
             [cameras]\ndefault_url = \"http://me:s3cret-seven@127.0.0.1:9/?key=s3cret-eight\"\n\
             [[camera]]\nid = \"door\"\nurl = \"http://me:s3cret-one@{address}/stream?key=s3cret-nine\"\n\
             [[camera]]\nid = \"yard\"\nurl = \"http://127.0.0.1:9\"\nusername = \"me\"\npassword_file = \"password\"\n\
             [[camera]]\nid = \"a b\"\nurl = \"http://me:s3cret-ten@127.0.0.1:9\"\n"
        ),
    )
    .unwrap();
    let set = ["--set", "access.jwt_secret=s3cret-eleven", "--set", "access.jwt_secert=s3cret-twelve"];
    let doctor = |args: &[&str]| run(path, &[&["doctor"], &set[..], args].concat());
    let (shown, json) = (doctor(&[]), doctor(&["--json"]));
    for output in [&shown, &json] {
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("s3cret") && !said.contains(&key[12..]), "{said}");
        assert!(text(&output.stderr).starts_with("error: ") && output.status.code() == Some(1), "{said}");
    }
    let shown = text(&shown.stdout);
    for line in shown.lines() {
        assert!(
            ["ok  ", "warn", "fail", "    "].contains(&&line[..4]) || line.contains(" failures, "),
            "{line}"
        );
    }
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["format"], &report["state"]), (&1.into(), &"fail".into()));
    let wrong = checks(&report, "configuration");
    for part in ["server.max_conections", "[[camera]]", "access.jwt_secert", "take the other away"] {
        assert!(wrong.iter().any(|(_, said)| said.contains(part)), "{part}: {wrong:?}");
    }
    let cameras = checks(&report, "camera");
    let of = |id: &str| cameras.iter().find(|(_, said)| said.contains(&format!("\"{id}\""))).unwrap();
    assert!(of("door").0 == "ok" && of("door").1.contains("320x240"), "{cameras:?}");
    assert!(of("yard").0 == "fail" && of("yard").1.contains("cannot be reached"), "{cameras:?}");
    assert!(of("default").0 == "fail", "{cameras:?}");
    assert!(checks(&report, "access")[0].1.contains("1 key (0 expired), 0 users"));
    assert!(checks(&report, "engine")[0].1.contains("sightwire models pull runtime"));
    for id in ["version", "system", "cpu", "memory", "files", "drawing", "store", "model", "tls", "server"] {
        assert!(!checks(&report, id).is_empty(), "{id}: {report}");
    }
}

#[test]
fn the_doctor_finds_nothing_wrong_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let serve = ["serve", "--port", "0", "--set", "recognizer.dummy=true"];
    let (_server, address) = listening(sightwire(path, &full_home(), &serve));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let camera = format!("cameras.default_url=http://{}", nobody.local_addr().unwrap());
    let listen = format!("server.listen={address}");
    let args = ["doctor", "--no-cameras", "--set", &listen, "--set", &camera];
    let output = sightwire(path, &full_home(), &args).output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success() && !said.contains("fail  "), "{said}");
    for part in [
        "and is ready; version ",
        "ok    engine: ONNX Runtime 1.",
        "ok    model ppocr-v4: ",
        "(--no-cameras)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(nobody.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "no camera is connected to");
}

#[test]
fn the_doctor_knows_a_server_by_its_own_authority_and_tells_it_from_another() {
    let folder = tempfile::tempdir().unwrap();
    let (path, tls) = (folder.path(), "tls.mode=self-signed");
    let serve = ["serve", "--port", "0", "--set", "recognizer.dummy=true", "--set", tls];
    let (_server, address) = listening(sightwire(path, path, &serve));
    let listen = format!("server.listen={address}");
    let server = |set: &[&str]| {
        let args = [&["doctor", "--no-cameras", "--json", "--set", &listen], set].concat();
        let output = sightwire(path, path, &args).output().unwrap();
        checks(&serde_json::from_slice(&output.stdout).unwrap(), "server").remove(0)
    };
    let (state, said) = server(&["--set", tls]);
    assert!(state == "ok" && said.contains("https://127.0.0.1:"), "{said}");
    let (state, said) = server(&[]);
    assert!(state == "warn" && said.contains("--set tls.mode=self-signed"), "{said}");
    // Of another store's authority nothing is known there.
    let (state, said) = server(&["--set", tls, "--set", "store.home=elsewhere"]);
    assert!(state == "warn" && said.contains("was not made yet"), "{said}");
}

#[test]
fn a_server_sends_its_metrics_where_it_is_told_to_and_ends_though_nobody_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("otlp.endpoint=http://{}", collector.local_addr().unwrap());
    let args = [
        "serve",
        "--port",
        "0",
        "--set",
        "recognizer.dummy=true",
        "--set",
        "otlp.interval_s=1",
        "--set",
        "otlp.logs=off",
        "--set",
    ];
    let (mut server, address) =
        listening(sightwire(folder.path(), folder.path(), &[&args[..], &[&endpoint]].concat()));
    let (stream, _) = collector.accept().unwrap();
    let mut heard = Vec::new();
    while !heard.windows(28).any(|bytes| bytes == b"sightwire_recognizer_clients") {
        let mut some = [0; 4096];
        let count = (&stream).read(&mut some).unwrap();
        assert!(count > 0, "{}", text(&heard));
        heard.extend_from_slice(&some[..count]);
    }
    assert!(heard.starts_with(b"POST /v1/metrics HTTP/1.1\r\n"), "{}", text(&heard));
    // It never gets an answer, and nobody else notices.
    assert!(get(&address, "/livez").ends_with("ok"));
    let id = rustix::process::Pid::from_child(&server.0);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(server.0.wait().unwrap().success());
}
