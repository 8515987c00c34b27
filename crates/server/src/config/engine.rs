//! `engine.*`: what runs networks, here and elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sightwire_engine::EngineOptions;
use sightwire_engine::remote::Task;
use sightwire_engine::trial::{Launch, TrialOptions};
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;
use sightwire_models::{Provider, UnknownProvider};
use sightwire_remote::kserve::address::{Address, AddressError};
use sightwire_remote::kserve::client::{Options as RemoteOptions, Trust};
use sightwire_tls::files;

use sightwire_settings::kind::{Addresses, is_among};
use sightwire_settings::{Section, section};

use super::{ConfigError, TRY_NETWORKS, Values};

/// What a server elsewhere is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteFor {
    /// Whether it finds objects in pictures.
    pub objects: bool,
    /// Whether it reads the text of pictures.
    pub text: bool,
    /// Networks that it runs.
    pub networks: Vec<Task>,
}

#[derive(Clone, Debug)]
pub struct Engine {
    pub options: EngineOptions,
    pub library: Option<PathBuf>,
    pub idle_release: Duration,
    pub remote: Option<RemoteOptions>,
    /// What it is asked for.
    pub remote_for: RemoteFor,
    /// Where models are served to others.
    pub listen: Vec<SocketAddr>,
}

section! {
    /// As it is configured.
    struct EngineKeys: "engine" {
        /// What runs the networks: auto (the fastest that works, measured for each network), cpu, openvino or cuda. If
        /// a provider is set by name and is missing or does not work, that is an error.
        provider: Option<Provider> = key("provider", Word(&["auto", "cpu", "openvino", "cuda"]), "auto").see_page("architecture.md#how-networks-are-run"), parse |name: String| parse_provider(&name);
        /// Threads that run networks. 0 means one for each core, or as many as a control group's CPU quota leaves.
        threads: usize = key("threads", Int(0, 1024), 0).old_names(&["TF_INTRA_OP_THREADS", "TF_INTER_OP_THREADS"]);
        /// auto (bf16 if it was checked for the model and is faster on this machine, else f32), f32 or bf16. bf16 needs
        /// OpenVINO.
        precision: Option<Precision> = key("precision", Choice(&["auto", "f32", "bf16"]), "auto") => parse_precision;
        /// Most GPU memory that CUDA may take, in MiB. 0 sets no bound.
        gpu_memory_mb: usize = key("gpu_memory_mb", Int(0, 1 << 24), 0);
        /// Path of an ONNX Runtime library. Empty takes the one that `sightwire models pull runtime` installed.
        library: Option<PathBuf> = key("library", Path, "").old_names(&["ORT_DYLIB_PATH"]);
        /// Sessions that were idle for this many seconds are released, and created again when needed.
        idle_release: Duration = key("idle_release_s", Seconds(1.0, 1e7), 600.0);
        /// Each way of running a network is tried in a child process before it is used; one that does not end within
        /// this many seconds is given up.
        trial_timeout: Duration = key("trial_timeout_s", Seconds(1.0, 3600.0), 60.0);
        /// A server of models elsewhere that is asked to find objects in pictures: grpc://HOST:PORT, or grpcs:// over
        /// TLS. It speaks KServe v2 (Triton, MLServer) and has a model named `detect`. While it is away,
        /// `detector.model` looks. Empty: nobody is asked.
        remote: String = key("remote", Text, "").see_page("operations.md#a-detector-elsewhere");
        /// What that server is asked for: `objects` in pictures; `text` in them, by its model `read`; `hands` and
        /// `signs`: to run the networks of `detector.hands` and `recognizer.model`, each as a model MODEL.ROLE, such as
        /// `hands.palm`. What it does not answer in time is done here.
        remote_for: RemoteFor = key("remote_for", List, ["objects"]).see_page("operations.md#networks-and-text-elsewhere"), parse RemoteFor::parse;
        /// Key that is sent to that server, as `authorization: Bearer …`; beyond this machine only over grpcs://. It is
        /// never shown; better set it in the environment (`SIGHTWIRE_ENGINE_REMOTE_SECRET`).
        remote_secret: String = key("remote_secret", Text, "").secret();
        /// A PEM file with certificate authorities: the certificate of a grpcs:// server has to come from one of them.
        /// Empty takes those of the system.
        remote_ca_file: Option<PathBuf> = key("remote_ca_file", Path, "");
        /// Addresses, such as `0.0.0.0:8001`, where other servers ask this one to work on their pictures: by KServe v2
        /// over gRPC, encrypted if `tls.mode` says so. Keys and roles are needed as over HTTP. Empty: nobody is served.
        listen: Vec<SocketAddr> = key("listen", Addresses, []).see_page("scaling.md#inference-on-another-machine");
    }
}

/// The keys of what runs networks.
pub static ENGINE: Section = Section::new("engine", EngineKeys::KEYS);

impl Engine {
    /// As these values say; trials are kept in the store.
    pub(super) fn from_values(values: Values<'_>, store: &Store) -> Result<Self, ConfigError> {
        let keys = EngineKeys::read(values)?;
        Ok(Self {
            options: EngineOptions {
                provider: keys.provider,
                threads: if keys.threads == 0 {
                    sightwire_engine::quota::usable_threads()
                } else {
                    keys.threads
                },
                precision: keys.precision,
                gpu_memory_mb: keys.gpu_memory_mb,
                trials: Some(TrialOptions {
                    folder: store.home().join("trials"),
                    launch: Launch {
                        // This very program, though its file may have been replaced since.
                        program: "/proc/self/exe".into(),
                        args: vec![TRY_NETWORKS.into()],
                        env: Vec::new(),
                    },
                    timeout: keys.trial_timeout,
                }),
            },
            remote: remote_options(values, &keys)?,
            listen: check_listen(values, keys.listen)?,
            library: keys.library,
            idle_release: keys.idle_release,
            remote_for: keys.remote_for,
        })
    }
}

fn parse_provider(name: &str) -> Result<Option<Provider>, String> {
    match name {
        "auto" => Ok(None),
        name => name.parse().map(Some).map_err(|error: UnknownProvider| format!("{error}, or auto")),
    }
}

fn parse_precision(word: &str) -> Option<Precision> {
    match word {
        "f32" => Some(Precision::F32),
        "bf16" => Some(Precision::Bf16),
        _ => None,
    }
}

impl RemoteFor {
    fn parse(list: Vec<String>) -> Result<Self, String> {
        if list.is_empty() {
            return Err("the server would be asked for nothing; leave engine.remote empty instead".to_owned());
        }
        let mut found = Self::default();
        for item in list {
            match &*item {
                "objects" => found.objects = true,
                "hands" => found.networks.push(Task::Hands),
                "signs" => found.networks.push(Task::Signs),
                "text" => found.text = true,
                _ => return Err(format!("{item:?} is none of objects, hands, signs and text")),
            }
        }
        Ok(found)
    }
}

/// Where others ask for models; no address that is another protocol's already.
fn check_listen(values: Values<'_>, listen: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ConfigError> {
    for taken in ["server.listen", "tls.redirect_listen"] {
        let others = values.read(taken, Addresses)?;
        if let Some(both) = listen.iter().find(|address| is_among(address, &others)) {
            let reason = format!("{both} is one of {taken}, which speaks HTTP; give it a port of its own");
            return Err(values.invalid("engine.listen", &reason));
        }
    }
    Ok(listen)
}

/// A server of models elsewhere.
fn remote_options(values: Values<'_>, keys: &EngineKeys) -> Result<Option<RemoteOptions>, ConfigError> {
    let EngineKeys { remote, remote_secret: secret, remote_ca_file: file, .. } = keys;
    if remote.is_empty() {
        let unused =
            [("engine.remote_secret", !secret.is_empty()), ("engine.remote_ca_file", file.is_some())];
        let reason = "it means nothing while engine.remote is empty; set that, or take this away";
        let unused = unused.into_iter().find(|(_, is_set)| *is_set);
        return unused.map_or(Ok(None), |(key, _)| Err(values.invalid(key, reason)));
    }
    let address: Address =
        remote.parse().map_err(|error: AddressError| values.invalid("engine.remote", &error.to_string()))?;
    let is_here = ["127.0.0.1", "::1", "localhost"].contains(&&*address.host);
    if !secret.is_empty() && !address.is_secure && !is_here {
        let reason = "everybody on the way could read it; use grpcs:// in engine.remote";
        return Err(values.invalid("engine.remote_secret", reason));
    }
    if file.is_some() && !address.is_secure {
        let reason = "nothing is encrypted, so no certificate is looked at; use grpcs:// in engine.remote";
        return Err(values.invalid("engine.remote_ca_file", reason));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = "a key has letters, digits and signs of ASCII only";
        return Err(values.invalid("engine.remote_secret", reason));
    }
    let trust = match file {
        None => Trust::System,
        Some(file) => {
            let roots = files::read_authorities(file);
            let unusable =
                |error: files::FileError| values.invalid("engine.remote_ca_file", &error.to_string());
            Trust::Only(roots.map_err(unusable)?)
        }
    };
    let key = Some(secret.clone()).filter(|secret| !secret.is_empty());
    let options = RemoteOptions::new(address, key, &trust);
    options.map(Some).map_err(|error| values.invalid("engine.remote", &error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, load};

    /// What is asked elsewhere with all of these set.
    fn remote(set: &[&str]) -> Result<Option<String>, String> {
        let mut layers = load::default_layers();
        for set in set {
            layers.add_flag(set).map_err(|error| error.to_string())?;
        }
        let config = Config::from_layers(&layers).map_err(|error| error.to_string())?;
        Ok(config.engine.remote.map(|remote| format!("{} {:?}", remote.address, remote.key)))
    }

    #[test]
    fn models_are_served_at_addresses_of_their_own() {
        let listen = |set: &[&str]| {
            let mut layers = load::default_layers();
            for set in set {
                layers.add_flag(set).unwrap();
            }
            let config = Config::from_layers(&layers).map_err(|error| error.to_string())?;
            Ok::<_, String>(config.engine.listen.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(listen(&[]), Ok(Vec::new()), "nobody is served");
        assert_eq!(listen(&["engine.listen=8001"]), Ok(vec!["127.0.0.1:8001".into()]));
        let two = ["engine.listen=0.0.0.0:8001,[::1]:8001", "server.listen=127.0.0.1:8001"];
        assert_eq!(listen(&two).map(|listen| listen.len()), Ok(2));
        let free = ["engine.listen=127.0.0.1:0", "server.listen=127.0.0.1:0"];
        assert_eq!(listen(&free).map(|listen| listen.len()), Ok(1));
        for (set, part) in [
            ("engine.listen=gpu", "is not an address"),
            ("engine.listen=8000", "127.0.0.1:8000 is one of server.listen"),
        ] {
            let error = listen(&[set]).unwrap_err();
            assert!(error.contains("`engine.listen`") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_server_of_models_elsewhere_has_an_address_and_its_key_is_sent_to_nobody_else() {
        assert_eq!(remote(&[]), Ok(None));
        let gpu = "engine.remote=grpc://gpu:8001";
        assert_eq!(remote(&[gpu]), Ok(Some("grpc://gpu:8001 None".into())));
        let here = ["engine.remote=grpc://127.0.0.1:8001", "engine.remote_secret=s3cret"];
        assert_eq!(remote(&here), Ok(Some("grpc://127.0.0.1:8001 Some(\"s3cret\")".into())));
        for (set, key, part) in [
            (&["engine.remote=http://gpu:8001"][..], "engine.remote", "grpc://HOST:PORT"),
            (&["engine.remote_secret=s3cret"], "engine.remote_secret", "while engine.remote is empty"),
            (&["engine.remote_ca_file=/a"], "engine.remote_ca_file", "while engine.remote is empty"),
            (&[gpu, "engine.remote_secret=s3cret"], "engine.remote_secret", "use grpcs://"),
            (&[gpu, "engine.remote_ca_file=/a.pem"], "engine.remote_ca_file", "use grpcs://"),
            (
                &["engine.remote=grpcs://gpu:1", "engine.remote_ca_file=/none.pem"],
                "engine.remote_ca_file",
                "/none.pem",
            ),
        ] {
            let error = remote(set).unwrap_err();
            assert!(error.contains(&format!("`{key}`")) && error.contains(part), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
