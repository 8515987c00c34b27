use std::time::Duration;

use sightwire_listen::names::HostNames;
use sightwire_settings::{Effect, Key, documents};

use super::*;
use crate::config::keys::SECTIONS;

fn env(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut layers = load::default_layers();
    layers.add_environment(
        variables.iter().map(|(k, v)| (k.to_string(), v.to_string())),
        Origin::Environment,
    )?;
    to_serve(&layers)
}

fn to_serve(layers: &Layers) -> Result<Config, ConfigError> {
    let config = Config::from_layers(layers)?;
    config.check_model(layers)?;
    Ok(config)
}

fn file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sightwire.toml");
    std::fs::write(&path, text).unwrap();
    let mut layers = load::default_layers();
    layers.add_file(&path)?;
    to_serve(&layers)
}

#[test]
fn defaults_are_valid_and_as_promised() {
    let config = Config::from_layers(&load::default_layers()).unwrap();
    assert_eq!(config.server.listen, ["127.0.0.1:8000".parse().unwrap()]);
    assert_eq!(config.recognizer.max_clients, 50);
    assert_eq!(config.socketio.ping_timeout, Duration::from_secs(60));
    assert_eq!(config.server.cors_origins, None);
}

#[test]
fn the_prototypes_environment_names_keep_working() {
    let config = env(&[
        ("MAX_CLIENTS", "7"),
        ("USE_DUMMY_MODEL", "1"),
        ("MODEL_PATH", "/models/wlasl20.h5"),
        ("LOG_LEVEL", "WARNING"),
        ("CORS_ORIGINS", "http://a.example, http://b.example"),
        ("SOCKETIO_PING_TIMEOUT", "30"),
        ("SOCKETIO_PING_INTERVAL", "10"),
        ("TF_INTRA_OP_THREADS", "3"),
        ("TF_INTER_OP_THREADS", "2"),
        ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ])
    .unwrap();
    assert_eq!(config.recognizer.max_clients, 7);
    assert!(config.recognizer.dummy);
    assert_eq!(config.log.level, "warn");
    assert_eq!(config.server.cors_origins.unwrap(), ["http://a.example", "http://b.example"]);
    assert_eq!(config.socketio.ping_timeout, Duration::from_secs(30));
    assert_eq!(config.socketio.ping_interval, Duration::from_secs(10));
    assert_eq!(config.engine.options.threads, 3);
}

#[test]
fn the_new_name_goes_before_the_old_one() {
    let config = env(&[("MAX_CLIENTS", "7"), ("SIGHTWIRE_RECOGNIZER_MAX_CLIENTS", "8")]).unwrap();
    assert_eq!(config.recognizer.max_clients, 8);
}

#[test]
fn a_misspelt_key_names_the_nearest_right_one_and_its_line() {
    let error =
        file("[server]\nlisten = \"127.0.0.1:0\"\n\n[recognizer]\nmax_client = 3\n").unwrap_err().to_string();
    assert!(error.contains("line 5") && error.contains("`recognizer.max_clients`"), "{error}");
    let error = env(&[("SIGHTWIRE_RECOGNIZE_MAX_CLIENTS", "3")]).unwrap_err().to_string();
    assert!(
        error.contains("SIGHTWIRE_RECOGNIZE_MAX_CLIENTS") && error.contains("`recognizer.max_clients`"),
        "{error}"
    );
    for (wrong, right) in [
        ("recognize.model", "recognizer.model"),
        ("recogniser.modl", "recognizer.model"),
        ("detect.model", "detector.model"),
        ("read.model", "reader.model"),
    ] {
        let error = load::default_layers().add_flag(&format!("{wrong}=x")).unwrap_err().to_string();
        assert!(error.contains(&format!("`{wrong}`; did you mean `{right}`?")), "{error}");
    }
}

#[test]
fn recogniser_is_another_spelling_everywhere() {
    assert_eq!(file("[recogniser]\nmax_clients = 3\n").unwrap().recognizer.max_clients, 3);
    assert_eq!(env(&[("SIGHTWIRE_RECOGNISER_MAX_CLIENTS", "4")]).unwrap().recognizer.max_clients, 4);
    let mut layers = load::default_layers();
    layers.add_flag("recogniser.max_clients=5").unwrap();
    assert_eq!(Config::from_layers(&layers).unwrap().recognizer.max_clients, 5);
    assert_eq!(layers.get("recognizer.max_clients").1.to_string(), "--set recogniser.max_clients=5");
    // The keys of both sections of a file are put together, and a wrong value is told by the key's own name.
    let both = file("[recogniser]\nmax_clients = 3\n[recognizer]\nmax_fps = 7\n").unwrap();
    assert_eq!((both.recognizer.max_clients, both.recognizer.max_fps), (3, 7.0));
    let error = file("[recogniser]\nmax_clients = -1\n").unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("`recognizer.max_clients`"), "{error}");
}

#[test]
fn one_key_in_both_spellings_is_a_mistake_within_a_layer_only() {
    let error =
        file("[recognizer]\nmax_clients = 3\n[recogniser]\nmax_clients = 4\n").unwrap_err().to_string();
    for part in ["`recognizer.max_clients`", "line 2", "`recogniser.max_clients`", "line 4"] {
        assert!(error.contains(part), "{error}");
    }
    let variables = [("SIGHTWIRE_RECOGNIZER_MAX_CLIENTS", "3"), ("SIGHTWIRE_RECOGNISER_MAX_CLIENTS", "3")];
    let error = env(&variables).unwrap_err().to_string();
    assert!(variables.iter().all(|(name, _)| error.contains(name)), "{error}");
    assert!(
        env(&[variables[0], ("SIGHTWIRE_RECOGNISER_MAX_CLIENTS", "")]).is_ok(),
        "an empty one is not set"
    );
    let mut layers = load::default_layers();
    layers.add_flag("recognizer.max_clients=3").unwrap();
    let error = layers.add_flag("recogniser.max_clients=3").unwrap_err().to_string();
    assert!(error.contains("--set recognizer.max_clients") && error.contains("--set recogniser"), "{error}");

    let mut layers = load::default_layers();
    layers.add_environment([(variables[0].0.to_owned(), "3".to_owned())], Origin::Environment).unwrap();
    layers.add_flag("recogniser.max_clients=5").unwrap();
    assert_eq!(Config::from_layers(&layers).unwrap().recognizer.max_clients, 5);
}

#[test]
fn a_port_alone_is_one_of_loopback() {
    let loopback: SocketAddr = "127.0.0.1:8001".parse().unwrap();
    for text in ["listen = 8001", "listen = \"8001\"", "listen = [\"8001\"]"] {
        assert_eq!(file(&format!("[server]\n{text}\n")).unwrap().server.listen, [loopback], "{text}");
    }
    let config = env(&[("SIGHTWIRE_SERVER_LISTEN", "8001,[::1]:0")]).unwrap();
    assert_eq!(config.server.listen, [loopback, "[::1]:0".parse().unwrap()]);
    let config = env(&[("SIGHTWIRE_SERVER_LISTEN", "[::1]:0,[::1]:8001")]).unwrap();
    assert_eq!(config.server.listen.len(), 2);
    let error = file("[server]\nlisten = 80000\n").unwrap_err().to_string();
    assert!(error.contains("80000") && error.contains("a port such as 8000"), "{error}");
}

#[test]
fn a_wrong_value_names_the_key_the_value_and_what_is_expected() {
    for (text, parts) in [
        (
            "[recognizer]\nmax_clients = \"many\"",
            ["recognizer.max_clients", "many", "a whole number from 0 to 100000"],
        ),
        ("[engine]\nprovider = \"gpu\"", ["engine.provider", "gpu", "openvino"]),
        ("[server]\nlisten = \"8000x\"", ["server.listen", "8000x", "127.0.0.1:8000"]),
        ("[images]\nmax_side_px = 0", ["images.max_side_px", "0", "65535"]),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}

#[test]
fn a_keras_file_is_taken_if_it_is_there() {
    let error = env(&[("MODEL_PATH", "/models/none.h5")]).unwrap_err().to_string();
    assert!(error.contains("/models/none.h5") && error.contains("no such file"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my signs.h5");
    std::fs::write(&path, "").unwrap();
    let config = env(&[("MODEL_PATH", path.to_str().unwrap())]).unwrap();
    assert_eq!(config.recognizer.model, ModelChoice::File(path));
    assert_eq!(config.recognizer.model.name(&config.store), "my-signs");
    assert_eq!(env(&[]).unwrap().recognizer.model, ModelChoice::Best);
    let path = dir.path().join("signs.onnx");
    std::fs::write(&path, "").unwrap();
    let error = env(&[("MODEL_PATH", path.to_str().unwrap())]).unwrap_err().to_string();
    assert!(error.contains("an ONNX file") && error.contains("docs/adding-a-task.md"), "{error}");
}

#[test]
fn the_commented_file_has_every_key_and_is_valid_when_uncommented() {
    let text = keys::commented_file();
    // Tables of cameras and the like are examples.
    let uncommented: String = text[..text.find("# [[").unwrap()]
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if SECTIONS.keys().any(|k| {
                    k.name.ends_with(&format!(".{}", rest.split(' ').next().unwrap())) && rest.contains(" = ")
                }) =>
            {
                rest
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    for key in SECTIONS.keys() {
        let (_, name) = key.name.split_once('.').unwrap();
        assert!(uncommented.lines().any(|l| l.starts_with(&format!("{name} = "))), "{}", key.name);
    }
    file(&uncommented).unwrap();
}

/// `UPDATE_GOLDEN=1` writes the file.
#[test]
fn the_example_of_an_env_file_has_every_key_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
    let expected = keys::env_example();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "UPDATE_GOLDEN=1 writes it anew");
    // As it is for somebody who removes each `#`.
    let taken: String = expected
        .lines()
        .filter_map(|line| line.strip_prefix("#SIGHTWIRE_"))
        .fold(String::new(), |text, line| text + "SIGHTWIRE_" + line + "\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, taken).unwrap();
    let variables = dot_env(&file).unwrap();
    assert_eq!(variables.len(), SECTIONS.keys().count());
    let mut layers = load::default_layers();
    layers.add_environment(variables, Origin::DotEnv).unwrap();
    let defaults = load::default_layers();
    for key in SECTIONS.keys() {
        assert_eq!(layers.get(key.name).0, defaults.get(key.name).0, "{}", key.name);
    }
}

/// `UPDATE_GOLDEN=1` writes the file.
#[test]
fn the_tables_of_the_documentation_are_made_of_the_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let expected = documents::with_tables(SECTIONS, &page);
    for section in SECTIONS.iter() {
        assert!(
            expected.contains(&format!("\n| `{}` |", section.keys[0].name)),
            "docs/config.md lacks {}",
            section.name
        );
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "UPDATE_GOLDEN=1 writes its tables anew");
}

#[test]
fn empty_variables_are_as_if_not_set_and_spaces_do_not_matter() {
    let config =
        env(&[("SIGHTWIRE_RECOGNIZER_MAX_CLIENTS", ""), ("MAX_CLIENTS", " 7 "), ("CORS_ORIGINS", "")])
            .unwrap();
    assert_eq!(config.recognizer.max_clients, 7);
    assert_eq!(config.server.cors_origins, None);
}

#[test]
fn names_that_an_orchestrator_makes_are_no_mistakes() {
    env(&[
        ("SIGHTWIRE_PORT", "tcp://10.0.0.1:8000"),
        ("SIGHTWIRE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("SIGHTWIRE_SERVICE_HOST", "10.0.0.1"),
        ("SIGHTWIRE_SERVICE_PORT", "8000"),
    ])
    .unwrap();
}

#[test]
fn a_misspelt_model_or_an_origin_without_a_scheme_is_a_mistake() {
    let error = env(&[("SIGHTWIRE_RECOGNIZER_MODEL", "gesturs")]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"gestures\""), "{error}");
    for origin in ["example.org", "'*'", "https://", "https://a.example/path"] {
        let error = env(&[("CORS_ORIGINS", origin)]).unwrap_err().to_string();
        assert!(error.contains("CORS_ORIGINS") && error.contains("https://example.org"), "{error}");
    }
}

#[test]
fn hosts_are_listed_by_name_and_a_mistake_says_what_to_write() {
    assert_eq!(env(&[]).unwrap().server.hosts, HostNames::default());
    let config = env(&[("SIGHTWIRE_SERVER_HOSTS", "vision.example.org, *.cams.example")]).unwrap();
    assert!(
        config.server.hosts.contains_name(b"vision.example.org")
            && config.server.hosts.contains_name(b"a.cams.example")
    );
    let config = file("[server]\nhosts = [\"*\"]\n").unwrap();
    assert!(config.server.hosts.are_all());
    for (entry, parts) in [
        ("https://vision.example.org/", ["line 2", "`server.hosts`", "write \"vision.example.org\""]),
        ("vision.example.org:8000", ["line 2", "`server.hosts`", "write \"vision.example.org\""]),
        ("a.example b.example", ["line 2", "`server.hosts`", "*.example.org"]),
    ] {
        let error = file(&format!("[server]\nhosts = [\"localhost\", {entry:?}]\n")).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{entry}: {error}");
    }
}

#[test]
fn a_dot_env_file_loses_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    std::fs::write(
        &path,
        "\u{feff}MAX_CLIENTS=9\n# note\n\nNOTE=it's mine\nexport CORS_ORIGINS=http://a$b.example, http://c.example # both\n\
         LOG_LEVEL=\"debug\"\n",
    )
    .unwrap();
    let read = dot_env(&path).unwrap();
    let config = env(&read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>()).unwrap();
    assert_eq!(config.recognizer.max_clients, 9);
    assert_eq!(config.log.level, "debug");
    assert_eq!(config.server.cors_origins.unwrap(), ["http://a$b.example", "http://c.example"]);
    std::fs::write(&path, "MAX_CLIENTS=9\nnonsense\n").unwrap();
    let error = dot_env(&path).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    for value in ["\"9", "'9\"", "\""] {
        std::fs::write(&path, format!("# note\nMAX_CLIENTS={value}\nLOG_LEVEL=\"debug\"\n")).unwrap();
        let error = dot_env(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("line 2: the quote before the value of MAX_CLIENTS is not closed on that line")
        );
    }
    assert!(dot_env(dir.path()).is_err(), "a folder in its place");
    assert!(dot_env(&dir.path().join("none")).unwrap().is_empty());
}

#[test]
fn a_camera_is_configured_by_its_address_alone_and_its_password_is_never_shown() {
    let config = env(&[("SIGHTWIRE_CAMERAS_DEFAULT_URL", "http://me:secret@10.0.0.5")]).unwrap();
    let [camera] = &config.cameras.configured[..] else { panic!("one camera") };
    assert!(camera.default);
    assert_eq!(camera.source.shown_address(), "http://***:***@10.0.0.5/stream");
    let error =
        env(&[("SIGHTWIRE_CAMERAS_DEFAULT_URL", "ftp://me:secret@10.0.0.5")]).unwrap_err().to_string();
    assert!(
        error.contains("SIGHTWIRE_CAMERAS_DEFAULT_URL")
            && error.contains("http or https")
            && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn cameras_are_read_from_tables_and_a_mistake_names_its_line() {
    let config =
        file("[server]\nlisten = [\"127.0.0.1:0\"]\n\n[[camera]]\nid = \"a\"\nurl = \"http://10.0.0.5\"\n")
            .unwrap();
    assert_eq!(config.cameras.configured[0].id, "a");
    let wrong = "[[camera]]\nid = \"a\"\nurl = \"http://10.0.0.5\"\n[[camera]]\nid = \"b\"\nurl = \"http://me:secret@\"\n";
    let error = file(wrong).unwrap_err().to_string();
    assert!(error.contains("line 4") && !error.contains("secret"), "{error}");
}

#[test]
fn a_password_in_the_wrong_place_is_not_shown_either() {
    for text in [
        "[cameras]\ndefault_url = \"http://me:s3cret@10.0.0.5\n",
        "[cameras]\ndefault_url = [\"http://me:s3cret@10.0.0.5\"]\n",
        "[cameras]\nallow = [\"http://me:s3cret@10.0.0.5\"]\n",
        "[[camera]]\nid = \"a\"\nurl = \"http://me:s3cret@10.0.0.5\"\nurl = \"http://me:s3cret@10.0.0.5\"\n",
        "[camera]\nurl = \"http://me:s3cret@10.0.0.5\"\n",
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
    for flag in [
        "cameras.default_ul=http://me:s3cret@a",
        "cameras.default_url:http://me:s3cret@a",
        "cameras.default_url=ftp://me:s3cret@a",
    ] {
        let mut layers = load::default_layers();
        let error = layers
            .add_flag(flag)
            .and_then(|()| Config::from_layers(&layers).map(|_| ()))
            .unwrap_err()
            .to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_server_on_loopback_reaches_private_networks_for_its_own_machine_and_another_one_for_nobody() {
    let private = |listen: &str| env(&[("SIGHTWIRE_SERVER_LISTEN", listen)]).unwrap().cameras.private;
    assert_eq!(private("127.0.0.1:0"), PrivateNetworks::Here);
    assert_eq!(private("[::1]:0,127.0.0.1:0"), PrivateNetworks::Here);
    assert_eq!(private("0.0.0.0:0"), PrivateNetworks::Nobody);
    assert_eq!(private("127.0.0.1:0,192.168.1.2:0"), PrivateNetworks::Nobody);
}

#[test]
fn whatever_says_that_a_proxy_brings_others_closes_private_networks() {
    for (text, sign) in [
        ("[access]\nmode = \"protected\"", "access.mode is protected"),
        ("[access]\nmode = \"open\"", "access.mode is open"),
        ("[server]\ntrusted_proxies = [\"127.0.0.1\"]", "server.trusted_proxies is set"),
        ("[server]\nhosts = [\"cams.example.org\"]", "server.hosts is set"),
        ("[server]\nbase_path = \"/sightwire\"", "server.base_path is set"),
        (
            "[access]\nproxy_header = \"Remote-User\"\nproxy_networks = [\"127.0.0.1\"]",
            "access.proxy_header is set",
        ),
        (
            "[[access.legacy]]\npaths = [\"/stream\"]\nnetworks = [\"127.0.0.1\"]\nrole = \"viewer\"",
            "[[access.legacy]] is set",
        ),
    ] {
        let private = Config::of_toml(text).unwrap().cameras.private;
        assert_eq!(private, PrivateNetworks::Added { because: sign }, "{text}");
    }
}

#[test]
fn clients_without_a_key_are_let_in_by_tables_and_a_mistake_names_its_line() {
    let of = |text: &str| Config::of_toml(&format!("[[access.legacy]]\n{text}"));
    let good = "paths = [\"/socket.io/*\"]\nnetworks = [\"192.168.1.0/24\", \"::1\"]\nrole = \"streamer\"";
    let config = of(&format!("{good}\nuses = [\"signs\"]\n[[access.legacy]]\n{good}")).unwrap();
    assert_eq!(config.access.legacy.len(), 2);
    assert!(config.access.legacy[0].applies_to("192.168.1.7".parse().unwrap(), "/socket.io/"));
    assert_eq!(config.access.legacy[0].scope().uses_in_words(), "signs");
    for (text, said) in [
        ("", "missing field `role`"),
        ("role = \"viewer\"", "it needs paths"),
        ("role = \"viewer\"\npaths = [\"/x\"]", "it needs networks"),
        (&*good.replace("streamer", "root"), "no role \"root\""),
        (&*good.replace("streamer", "admin"), "the most is operator"),
        (&*good.replace("192.168.1.0/24", "lan"), "\"lan\" is not a network"),
    ] {
        let error = of(text).unwrap_err().to_string();
        assert!(error.contains("sightwire.toml, line 1") && error.contains(said), "{error}");
    }
    for (line, said) in [
        ("users = []", "there is no key `users`; did you mean `uses`?"),
        ("streams = 3", "`streams` = 3: expected a list such as [\"a\", \"b\"]"),
        ("streams = [3]", "`streams` (not shown): expected a list such as [\"a\", \"b\"]"),
    ] {
        let error = of(&format!("{good}\n{line}")).unwrap_err().to_string();
        assert!(error.contains("sightwire.toml, line 5") && error.contains(said), "{error}");
    }
    let alone = of(&good.replace("[\"/socket.io/*\"]", "\"/socket.io/*\"")).unwrap();
    assert_eq!(alone.access.legacy, config.access.legacy[1..], "a text alone is a list of one");
    assert!(Config::of_toml("[access]\nlegacy = true").unwrap_err().to_string().contains("two brackets"));
}

#[test]
fn what_says_how_connections_are_encrypted_never_contradicts_itself() {
    let tls = |text: &str| file(&format!("[tls]\n{text}")).map(|config| config.tls);
    assert!(tls("").unwrap().options.is_none());
    let own = tls("mode = \"self-signed\"\nredirect_listen = \"0.0.0.0:80\"").unwrap();
    assert!(
        matches!(own.options.unwrap().source, sightwire_tls::Source::SelfSigned(folder) if folder.ends_with("tls"))
    );
    assert_eq!(own.redirect_listen, ["0.0.0.0:80".parse().unwrap()]);
    let files = "mode = \"files\"\ncertificate_file = \"a.pem\"\nkey_file = \"b.pem\"";
    assert_eq!(tls(&format!("{files}\nhsts_s = 60")).unwrap().hsts, Some(Duration::from_secs(60)));
    for (text, name, says) in [
        ("mode = \"on\"", "tls.mode", "off, self-signed or files"),
        ("mode = \"files\"\nkey_file = \"b.pem\"", "tls.certificate_file", "needs it"),
        ("mode = \"files\"\ncertificate_file = \"b.pem\"", "tls.key_file", "needs it"),
        ("mode = \"self-signed\"\nkey_file = \"b.pem\"", "tls.key_file", "makes its own"),
        ("mode = \"self-signed\"\nhsts_s = 60", "tls.hsts_s", "lock out"),
        ("certificate_file = \"a.pem\"", "tls.certificate_file", "tls.mode is off"),
        ("client_ca_file = \"a.pem\"", "tls.client_ca_file", "tls.mode is off"),
        ("hsts_s = 1", "tls.hsts_s", "tls.mode is off"),
        ("redirect_listen = \"80\"", "tls.redirect_listen", "tls.mode is off"),
        ("redirect_listen = \"port\"", "tls.redirect_listen", "is not an address"),
        (
            "mode = \"self-signed\"\nredirect_listen = \"127.0.0.1:8000\"",
            "tls.redirect_listen",
            "127.0.0.1:8000 is one of server.listen",
        ),
        (
            "mode = \"self-signed\"\nredirect_listen = [\"80\", \"localhost:80\"]",
            "tls.redirect_listen",
            "127.0.0.1:80 stands there twice",
        ),
    ] {
        let error = tls(text).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")) && error.contains(says), "{error}");
    }
}

#[test]
fn in_the_lan_is_beyond_loopback_and_encrypted() {
    let load = |set: &[&str], listen: &[&str]| {
        let [set, listen] = [set, listen].map(|list| list.iter().map(ToString::to_string).collect());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none.toml");
        std::fs::write(&path, "").unwrap();
        let flags = Flags { file: Some(path), set, listen, lan: true, tls: None };
        Config::load(&flags).unwrap()
    };
    let config = load(&[], &[]);
    assert_eq!(config.server.listen, ["0.0.0.0:8000".parse().unwrap()]);
    assert!(matches!(config.tls.options.unwrap().source, sightwire_tls::Source::SelfSigned(_)));
    assert_eq!(load(&[], &["8443"]).server.listen, ["0.0.0.0:8443".parse().unwrap()]);
    let own = load(&["tls.mode=files", "tls.certificate_file=a", "tls.key_file=b"], &[]);
    assert!(matches!(own.tls.options.unwrap().source, sightwire_tls::Source::Files { .. }));
}

/// What such a token needs beside its key.
const EXPECTED: &str = "jwt_issuer = \"https://login.example\"\njwt_audience = \"sightwire\"\n";
const SECRET: &str = "a secret of the tests, forty bytes long.";

#[test]
fn tokens_count_when_one_key_says_how_they_are_verified() {
    assert!(env(&[]).unwrap().access.tokens.is_none());
    let dir = tempfile::tempdir().unwrap();
    let (secret, public) = (dir.path().join("secret"), dir.path().join("key.pem"));
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    std::fs::write(&public, include_str!("../../../access/testdata/test-only-rsa-2048.public.pem")).unwrap();
    for key in [
        format!("jwt_secret = {SECRET:?}"),
        format!("jwt_secret_file = {secret:?}"),
        format!("jwt_key_file = {public:?}"),
        "jwt_jwks = \"https://login.example/keys\"".to_owned(),
    ] {
        let config = file(&format!("[access]\n{key}\n{EXPECTED}")).unwrap();
        assert!(config.access.tokens.is_some(), "{key}");
        assert!(!format!("{config:?}").contains(SECRET), "{key}");
        for missing in ["jwt_issuer", "jwt_audience"] {
            let rest: String = EXPECTED.lines().filter(|line| !line.starts_with(missing)).collect();
            let error = file(&format!("[access]\n{key}\n{rest}")).unwrap_err().to_string();
            let name = key.split(' ').next().unwrap();
            assert!(error.contains(&format!("`access.{missing}`")) && error.contains(name), "{error}");
        }
    }
    for (keys, parts) in [
        ("jwt_secret = \"short\"".to_owned(), ["`access.jwt_secret`", "5 bytes"]),
        (
            format!("jwt_secret_file = {:?}", dir.path().join("none")),
            ["`access.jwt_secret_file`", "cannot be read"],
        ),
        (format!("jwt_key_file = {secret:?}"), ["`access.jwt_key_file`", "BEGIN PUBLIC KEY"]),
        ("jwt_jwks = \"http://login.example/\"".to_owned(), ["`access.jwt_jwks`", "https://"]),
        (
            format!("jwt_secret = {SECRET:?}\njwt_jwks = \"https://a.example\""),
            ["`access.jwt_jwks`", "access.jwt_secret is set"],
        ),
        (
            "jwt_secret_file = \"/a\"\njwt_secret = \"b\"".to_owned(),
            ["`access.jwt_secret_file`", "access.jwt_secret is set"],
        ),
        (format!("jwt_secret = {SECRET:?}\njwt_leeway_s = 601"), ["`access.jwt_leeway_s`", "600"]),
        (String::new(), ["`access.jwt_issuer`", "set one of access.jwt_secret"]),
    ] {
        let error = file(&format!("[access]\n{keys}\n{EXPECTED}")).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{keys}: {error}");
        assert!(!error.contains(SECRET) && !error.contains("short"), "{error}");
    }
}

#[test]
fn the_secret_of_tokens_is_never_shown() {
    for text in [
        "jwt_secret = \"hidden\"",
        "jwt_secret = [\"hidden\"]",
        "jwt_secret = \"hidden",
        "jwt_secret = hidden",
        "jwt_secret = \"a\"\njwt_secret = \"hidden\"",
    ] {
        let error = file(&format!("[access]\n{text}\n")).unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
    for flag in [
        "access.jwt_secret=hidden",
        "access.jwt_secret:hidden",
        "access.jwt_secrt=hidden",
        "access.jwt_secret_value=hidden",
        "otlp.headers=Authorization=hidden",
        "access.jwt_secret hidden",
        "jwt_secret=hidden",
    ] {
        let mut layers = load::default_layers();
        let read = layers.add_flag(flag).and_then(|()| Config::from_layers(&layers).map(|_| ()));
        let error = read.unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
}

#[test]
fn a_proxy_is_believed_only_with_both_its_header_and_its_networks() {
    let of = |text: &str| file(&format!("[access]\n{text}")).map(|config| config.access.proxy);
    assert_eq!(of("").unwrap(), None);
    let proxy = of("proxy_header = \"Remote-User\"\nproxy_networks = [\"10.0.0.2\"]").unwrap().unwrap();
    assert!(
        proxy.is_from("10.0.0.2".parse().unwrap()) && proxy.role() == Some(sightwire_access::Role::Viewer)
    );
    for (text, parts) in [
        ("proxy_header = \"Remote-User\"", ["`access.proxy_networks`", "whose header is believed"]),
        ("proxy_networks = [\"10.0.0.2\"]", ["`access.proxy_networks`", "set access.proxy_header"]),
        (
            "proxy_header = \"Remote User\"\nproxy_networks = \"::1\"",
            ["`access.proxy_header`", "name of a header"],
        ),
        ("proxy_header = \"Cookie\"\nproxy_networks = \"::1\"", ["`access.proxy_header`", "something else"]),
        (
            "proxy_header = \"Remote-User\"\nproxy_networks = \"lan\"",
            ["`access.proxy_networks`", "not a network"],
        ),
        (
            "proxy_header = \"Remote-User\"\nproxy_networks = \"::/0\"",
            ["`access.proxy_networks`", "everybody"],
        ),
        ("proxy_role = \"root\"", ["`access.proxy_role`", "no role \"root\""]),
    ] {
        let error = of(text).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}

#[test]
fn batches_are_in_the_store_unless_they_have_a_folder_of_their_own() {
    let of = |text: &str| file(text).unwrap().reader.folder;
    let home = "[store]\nhome = \"/srv/sightwire\"\n";
    assert_eq!(of(home), Path::new("/srv/sightwire/jobs"));
    assert_eq!(of(&format!("{home}[reader]\nfolder = \"/srv/batches\"")), Path::new("/srv/batches"));
}

#[test]
fn a_profile_sets_what_text_reading_takes_unless_that_is_set_by_itself() {
    let of = |text: &str| file(text).unwrap().reader;
    let usual = of("");
    assert_eq!((usual.memory_bytes >> 20, usual.keep_pictures, usual.display_side), (600, 10, 2048));
    let small = of("[reader]\nkeep_pictures = 7\nprofile = \"small\"");
    assert_eq!((small.memory_bytes >> 20, small.keep_pictures, small.display_side), (400, 7, 1024));
    let large = of("[reader]\nprofile = \"large\"\ndisplay_size = 1024");
    assert_eq!((large.memory_bytes >> 20, large.keep_pictures, large.display_side), (1200, 20, 1024));
    for (text, words) in [
        ("profile = \"huge\"", "small, usual or large"),
        ("memory_mb = 200", "200 MiB are too little for reading text"),
        ("memory_mb = 600\nkeep_mb = 400", "kept pictures 500"),
    ] {
        let error = file(&format!("[reader]\n{text}")).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let mut layers = load::default_layers();
    layers.add_flag("reader.profile=large").unwrap();
    layers.reset_key("reader.profile");
    assert_eq!(layers.get("reader.memory_mb").0.as_integer(), Some(600), "as the profile that is left");
}

#[test]
fn these_keys_are_never_shown_and_these_take_effect_at_once() {
    let named = |is_meant: fn(&Key) -> bool| -> Vec<&str> {
        SECTIONS.keys().filter(|key| is_meant(key)).map(|key| key.name).collect()
    };
    let secret = [
        "access.jwt_secret",
        "cameras.default_url",
        "engine.remote_secret",
        "otlp.endpoint",
        "cluster.redis_url",
        "cluster.secret",
    ];
    assert_eq!(named(|key| key.is_secret), secret);
    let mut at_once = named(|key| key.effect == Effect::AtOnce);
    at_once.retain(|name| !name.starts_with("limits.") && !name.starts_with("relay."));
    let expected = [
        "recognizer.max_clients",
        "cameras.default_url",
        "cameras.allow",
        "cameras.max_upstreams",
        "cameras.max_named",
        "cameras.max_viewers",
        "cameras.max_analyses",
        "cameras.max_views",
        "cameras.stalled_after_s",
        "cameras.frozen_after_s",
        "cameras.viewer_deadline_s",
        "cameras.lower_quality",
        "cameras.max_frame_mb",
        "log.level",
    ];
    assert_eq!(at_once, expected, "beside limits.* and relay.*, all of which do");
    let whole = |section: &str| {
        SECTIONS.keys().filter(|key| key.name_parts().0 == section).all(|key| key.effect == Effect::AtOnce)
    };
    assert!(
        whole("limits")
            && whole("relay")
            && SECTIONS.is_at_once("[[camera]]")
            && !SECTIONS.is_at_once("[[access.legacy]]")
    );
}

#[test]
fn no_password_is_in_what_is_printed_of_a_configuration() {
    let config = file("[cameras]\ndefault_url = \"http://me:s3cret@10.0.0.5\"\n").unwrap();
    assert_eq!(config.cameras.configured.len(), 1);
    assert!(!format!("{config:?}").contains("s3cret"));
}
