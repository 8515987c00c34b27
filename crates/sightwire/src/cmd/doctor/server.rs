//! The server that is running where the configuration says, if one is. It is asked without a key.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use sightwire_api::camera::Cameras;
use sightwire_api::status::{Readiness, Status};
use sightwire_http_client::cause::Cause;
use sightwire_http_client::trust::{self, Fingerprint, Trust};
use sightwire_server::config::Config;
use sightwire_tls::authority::Authority;
use sightwire_tls::{Certificates, Source};

use super::report::Check;
use sightwire_server::reach;

/// Time for each question.
const PATIENCE: Duration = Duration::from_secs(3);
const MAX_ANSWER: usize = 4 << 20;
/// Where a package or an administrator puts the unit that starts the server.
const UNITS: [&str; 2] =
    ["/etc/systemd/system/sightwire.service", "/usr/lib/systemd/system/sightwire.service"];

/// A server that answers.
#[derive(Debug)]
pub(super) struct Running {
    /// What it says of its cameras, where that needs no key.
    pub cameras: Option<Cameras>,
}

/// Where it is asked.
struct Place {
    client: Client,
    base: String,
}

pub(super) async fn check_server(config: &Config) -> (Option<Running>, Check) {
    let Some(address) = config.server.listen.iter().find(|address| address.port() != 0) else {
        return (None, Check::ok("server", "its port is chosen at the start, so it cannot be asked"));
    };
    let place = match Place::from_config(config, *address, |_| Trust::System) {
        Ok(place) => place,
        Err(reason) => return (None, Check::warn("server", format!("it cannot be asked: {reason}"))),
    };
    let base = &place.base;
    let (status, text) = match place.get_path("/livez").await {
        Ok(answer) => answer,
        Err(unheard) => return (None, unheard.into_check(base)),
    };
    if status == StatusCode::PERMANENT_REDIRECT && config.tls.options.is_none() {
        let says = format!("what answers at {base} speaks HTTPS alone");
        let cure = "if it was started with --lan or --tls, add `--set tls.mode=self-signed` here";
        return (None, Check::warn("server", says).cure(cure));
    }
    if status != StatusCode::OK || text != b"ok" {
        let says = format!("what answers at {base} is no Sightwire server ({status} for /livez)");
        return (None, Check::fail("server", says).cure("stop that, or choose another server.listen"));
    }
    let running = Running { cameras: place.get_json("/api/v1/cameras").await };
    let version = place.get_json::<Status>("/api/v1/status").await.map(|status| status.version);
    let of_version = match &version {
        Some(version) => format!("version {version}"),
        None => "its version needs a key".to_owned(),
    };
    let own = env!("CARGO_PKG_VERSION");
    let check = if let Err(reason) = place.check_ready().await {
        let says = format!("answers at {base}; {of_version}; it is not ready: {reason}");
        Check::fail("server", says).cure("the log says more; while a model is being loaded, wait")
    } else {
        let says = format!("answers at {base} and is ready; {of_version}");
        if version.is_some_and(|version| version != own) {
            Check::warn("server", says).cure(format!("this program is {own}; restart the server"))
        } else {
            Check::ok("server", says)
        }
    };
    (Some(running), check)
}

/// Where a server answers that is ready, or why there is none. One with a certificate in files is known by that certificate, so
/// that it does not matter whether this machine trusts its authority.
pub(in crate::cmd) async fn ready(config: &Config) -> Result<String, String> {
    let address = config.server.listen.iter().find(|address| address.port() != 0);
    let address = address.ok_or("its port is chosen at the start, so it cannot be asked")?;
    let shows = |own| Trust::Fingerprint(Fingerprint::from_certificate(&own));
    let by_itself = |own: &Certificates| own.end_entity().map_or(Trust::System, shows);
    let place = Place::from_config(config, *address, by_itself);
    let place = place.map_err(|reason| format!("it cannot be asked: {reason}"))?;
    let base = &place.base;
    place.check_ready().await.map_err(|reason| format!("{base} is not ready: {reason}"))?;
    Ok(place.base)
}

/// Why nothing was heard.
enum Unheard {
    Nobody,
    Late,
    Untrusted(String),
    Other(String),
}

impl Unheard {
    fn from_error(error: &(dyn Error + 'static)) -> Self {
        match Cause::from_error(error) {
            Cause::Refused => Self::Nobody,
            Cause::Late | Cause::NoConnection => Self::Late,
            Cause::Tls(error) => Self::Untrusted(error.to_string()),
            cause => Self::Other(cause.in_words()),
        }
    }

    fn into_check(self, base: &str) -> Check {
        match self {
            Self::Nobody => Check::warn("server", format!("nothing listens at {base}")).cure(format!(
                "{} starts it; if it should be running, its log says why it is not",
                how_to_start()
            )),
            Self::Late => {
                Check::fail("server", format!("{base} does not answer within {} s", PATIENCE.as_secs()))
                    .cure("restart the server, and report this with its log")
            }
            Self::Untrusted(why) => Check::warn("server", format!("{base} is not trusted from here: {why}"))
                .cure("clients with the same authorities refuse it, too; see docs/operations.md, HTTPS"),
            Self::Other(why) => Check::fail("server", format!("{base}: {why}"))
                .cure("see what listens there, or choose another server.listen"),
        }
    }
}

/// A packaged server is systemd's to start.
fn how_to_start() -> &'static str {
    let runs_systemd = Path::new("/run/systemd/system").is_dir();
    if runs_systemd && UNITS.iter().any(|unit| Path::new(unit).is_file()) {
        "`sudo systemctl start sightwire`"
    } else {
        "`sightwire serve`"
    }
}

impl Place {
    /// `of_files` says how a server is known whose certificate is in files.
    fn from_config(
        config: &Config,
        address: SocketAddr,
        of_files: impl Fn(&Certificates) -> Trust,
    ) -> Result<Self, String> {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let address = SocketAddr::new(ip, address.port());
        let Some(options) = &config.tls.options else {
            let client =
                sightwire_http_client::direct_builder(trust::trust_nobody()).timeout(PATIENCE).build();
            return Ok(Self {
                client: client.map_err(|error| error.to_string())?,
                base: format!("http://{address}"),
            });
        };
        // A name that the certificate is for.
        let (trust, name) = match &options.source {
            Source::SelfSigned(folder) => {
                let authority = Authority::open_kept(folder).map_err(|error| error.to_string())?;
                let authority = authority.ok_or("its authority was not made yet")?;
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).map_err(|error| error.to_string())?;
                (Trust::Only(Arc::new(roots)), None)
            }
            Source::Files { .. } => {
                let names = reach::names_now(config, config.server.listen.clone());
                let own = Certificates::open(options.clone(), names).map_err(|error| error.to_string())?;
                let name = own.facts().names.dns.into_iter().find(|name| !name.contains('*'));
                (of_files(&own), name)
            }
        };
        let tls = trust.tls().map_err(ToString::to_string)?;
        let builder = sightwire_http_client::direct_builder(tls).timeout(PATIENCE);
        let (builder, host) = match name {
            Some(name) => (builder.resolve(&name, address), format!("{name}:{}", address.port())),
            None => (builder, address.to_string()),
        };
        Ok(Self {
            client: builder.build().map_err(|error| error.to_string())?,
            base: format!("https://{host}"),
        })
    }

    async fn get_path(&self, path: &str) -> Result<(StatusCode, Vec<u8>), Unheard> {
        let asked = self.client.get(format!("{}{path}", self.base)).send().await;
        let mut answer = asked.map_err(|error| Unheard::from_error(&error))?;
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| Unheard::from_error(&error))? {
            if text.len() + chunk.len() > MAX_ANSWER {
                return Err(Unheard::Other(format!("it answers more than {MAX_ANSWER} bytes")));
            }
            text.extend_from_slice(&chunk);
        }
        Ok((answer.status(), text))
    }

    /// What it says there, where that is what this version expects.
    async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let (status, text) = self.get_path(path).await.ok()?;
        (status == StatusCode::OK).then(|| serde_json::from_slice(&text).ok()).flatten()
    }

    /// Whether it recognises, or why it does not.
    async fn check_ready(&self) -> Result<(), String> {
        match self.get_path("/readyz").await {
            Ok((StatusCode::OK, _)) => Ok(()),
            Ok((status, text)) => match serde_json::from_slice(&text) {
                Ok(Readiness::Not { reason, .. }) => Err(reason),
                _ => Err(format!("{status} for /readyz")),
            },
            Err(Unheard::Nobody) => Err("nothing listens there".to_owned()),
            Err(Unheard::Untrusted(why)) => Err(format!("it is not trusted from here: {why}")),
            Err(Unheard::Late | Unheard::Other(_)) => Err("/readyz is not answered".to_owned()),
        }
    }
}
