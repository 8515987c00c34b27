//! `engine.*`: what runs networks, here and elsewhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightwire_engine::EngineOptions;
use sightwire_engine::offload::Task;
use sightwire_engine::trial::{Launch, TrialOptions};
use sightwire_kserve::address::Address;
use sightwire_kserve::client::{Options as RemoteOptions, Trust};
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;
use sightwire_models::store::Store;
use sightwire_tls::files;

use super::{ConfigError, TRY_NETWORKS, Values, is_among};

/// What a server elsewhere is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteFor {
    /// Objects in pictures.
    pub objects: bool,
    /// Text of pictures.
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

pub(super) fn read(r: &Values<'_>, threads: usize, store: &Store) -> Result<Engine, ConfigError> {
    Ok(Engine {
        options: EngineOptions {
            provider: match r.text("engine.provider").as_str() {
                "auto" => None,
                name => Some(
                    name.parse::<Provider>()
                        .map_err(|e| r.invalid("engine.provider", &format!("{e}, or auto")))?,
                ),
            },
            threads,
            precision: match r.text("engine.precision").as_str() {
                "auto" => None,
                "f32" => Some(Precision::F32),
                "bf16" => Some(Precision::Bf16),
                _ => return Err(r.invalid("engine.precision", "it must be auto, f32 or bf16")),
            },
            gpu_memory_mb: r.int("engine.gpu_memory_mb", 0, 1 << 24)?,
            trials: Some(TrialOptions {
                folder: store.home().join("trials"),
                launch: Launch {
                    // This very program, though its file may have been replaced since.
                    program: "/proc/self/exe".into(),
                    args: vec![TRY_NETWORKS.into()],
                    env: Vec::new(),
                },
                timeout: r.seconds("engine.trial_timeout_s", 1.0, 3600.0)?,
            }),
        },
        library: Some(r.text("engine.library")).filter(|l| !l.is_empty()).map(PathBuf::from),
        idle_release: r.seconds("engine.idle_release_s", 1.0, 1e7)?,
        remote: remote(r)?,
        remote_for: remote_for(r)?,
        listen: listen(r)?,
    })
}

/// Where others ask for models; no address that is another protocol's already.
fn listen(r: &Values<'_>) -> Result<Vec<SocketAddr>, ConfigError> {
    let listen = r.addresses("engine.listen")?;
    for taken in ["server.listen", "tls.redirect_listen"] {
        let others = r.addresses(taken)?;
        if let Some(both) = listen.iter().find(|address| is_among(address, &others)) {
            let reason = format!("{both} is one of {taken}, which speaks HTTP; give it a port of its own");
            return Err(r.invalid("engine.listen", &reason));
        }
    }
    Ok(listen)
}

fn remote_for(r: &Values<'_>) -> Result<RemoteFor, ConfigError> {
    let key = "engine.remote_for";
    let (list, mut found) = (r.list(key)?, RemoteFor::default());
    if list.is_empty() {
        return Err(
            r.invalid(key, "the server would be asked for nothing; leave engine.remote empty instead")
        );
    }
    for item in list {
        match &*item {
            "objects" => found.objects = true,
            "hands" => found.networks.push(Task::Hands),
            "signs" => found.networks.push(Task::Signs),
            "text" => found.text = true,
            _ => {
                return Err(r.invalid(key, &format!("{item:?} is none of objects, hands, signs and text")));
            }
        }
    }
    Ok(found)
}

/// A server of models elsewhere.
fn remote(r: &Values<'_>) -> Result<Option<RemoteOptions>, ConfigError> {
    let [url, secret, file] =
        ["engine.remote", "engine.remote_secret", "engine.remote_ca_file"].map(|key| r.text(key));
    if url.is_empty() {
        let unused = [("engine.remote_secret", secret), ("engine.remote_ca_file", file)];
        let reason = "it means nothing while engine.remote is empty; set that, or take this away";
        let unused = unused.into_iter().find(|(_, value)| !value.is_empty());
        return unused.map_or(Ok(None), |(key, _)| Err(r.invalid(key, reason)));
    }
    let address: Address = url.parse().map_err(|error: sightwire_kserve::address::AddressError| {
        r.invalid("engine.remote", &error.to_string())
    })?;
    let is_here = ["127.0.0.1", "::1", "localhost"].contains(&&*address.host);
    if !secret.is_empty() && !address.is_secure && !is_here {
        let reason = "everybody on the way could read it; use grpcs:// in engine.remote";
        return Err(r.invalid("engine.remote_secret", reason));
    }
    if !file.is_empty() && !address.is_secure {
        let reason = "nothing is encrypted, so no certificate is looked at; use grpcs:// in engine.remote";
        return Err(r.invalid("engine.remote_ca_file", reason));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(r.invalid("engine.remote_secret", "a key has letters, digits and signs of ASCII only"));
    }
    let trust = if file.is_empty() {
        Trust::System
    } else {
        let roots = files::authorities(Path::new(&file));
        Trust::Only(roots.map_err(|error| r.invalid("engine.remote_ca_file", &error.to_string()))?)
    };
    let key = Some(secret).filter(|secret| !secret.is_empty());
    let options = RemoteOptions::new(address, key, &trust);
    options.map(Some).map_err(|error| r.invalid("engine.remote", &error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::{Config, Layers};

    /// What is asked elsewhere with all of these set.
    fn remote(set: &[&str]) -> Result<Option<String>, String> {
        let mut layers = Layers::defaults();
        for set in set {
            layers.add_flag(set).map_err(|error| error.to_string())?;
        }
        let config = Config::from_layers(&layers).map_err(|error| error.to_string())?;
        Ok(config.engine.remote.map(|remote| format!("{} {:?}", remote.address, remote.key)))
    }

    #[test]
    fn models_are_served_at_addresses_of_their_own() {
        let listen = |set: &[&str]| {
            let mut layers = Layers::defaults();
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
