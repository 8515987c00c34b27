//! The configuration: defaults < `sightwire.toml` < `.env` < environment < flags.
//!
//! - [`keys`]: every key, its default and what it means
//! - [`layers`]: from where values come, and which counts
//! - [`place`]: where the file lies, and what came with the program
//! - [`Config`]: what is made of them, checked; `partial`: in spite of mistakes
//! - [`cameras`]: `[[camera]]` tables
//! - [`limits`]: how much all may take together, and one address or key
//! - `engine`, `log`, [`tls`], [`otlp`], [`cluster`]: the sections of these names; [`reader`], [`relay`]: those that other crates have options for
#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs, reason = "a field is the key of its name; `keys` says what each does")]

pub mod access;
pub mod cameras;
pub mod cluster;
mod engine;
pub mod keys;
pub mod layers;
pub mod limits;
mod log;
pub mod otlp;
mod partial;
pub mod place;
mod position;
pub mod reader;
mod redact;
pub mod relay;
pub mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sightwire_access::guard::Mode;
use sightwire_access::legacy::Legacy;
use sightwire_access::proxy::ProxyLogin;
use sightwire_access::token::Settings;
use sightwire_engine::shared::EngineSettings;
use sightwire_frame::header::Limits as PictureLimits;
use sightwire_hub::source::allow::Allow;
use sightwire_import::foreign::Foreign;
use sightwire_live::options::{CameraOptions, DetectorOptions, RelayOptions, WatchOptions};
use sightwire_live::private::PrivateNetworks;
use sightwire_live::source::CameraTable;
use sightwire_measure::memory::Memory;
use sightwire_models::store::{Store, default_home};
use toml::Value;

pub use engine::Engine;
pub use layers::{ConfigError, Layers, Origin};
pub use limits::Limits;
pub use redact::redact;
use sightwire_listen::base::{BasePath, BasePathError};
use sightwire_listen::{PerAddress, PerAsker, names::HostNames};
pub use sightwire_recognizer::ModelChoice;

/// The hidden command that tries ways of running networks, in a child of this program.
pub const TRY_NETWORKS: &str = "try-networks";

/// Everything that can be set. docs/config.md has a line for each.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub access: Access,
    pub tls: tls::Tls,
    /// What all of it may take, and one address or key.
    pub limits: Limits,
    pub recognizer: Recognizer,
    pub socketio: SocketIo,
    pub cameras: Cameras,
    pub relay: RelayOptions,
    pub detector: DetectorOptions,
    pub reader: sightwire_reading::Options,
    pub images: PictureLimits,
    /// For the pixels of all single pictures together.
    pub decode_memory_bytes: usize,
    pub engine: Engine,
    pub import: Import,
    pub store: Store,
    pub log: Log,
    /// Where metrics and log lines are sent; `None`: nowhere.
    pub otlp: Option<otlp::Otlp>,
    /// With which other processes this one acts as one; `None`: with none.
    pub cluster: Option<cluster::ClusterConfig>,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: Vec<SocketAddr>,
    /// `None` allows all origins.
    pub cors_origins: Option<Vec<String>>,
    /// Names that are answered for besides the machine's own.
    pub hosts: HostNames,
    /// What paths begin with that a proxy passes on as they are.
    pub base_path: BasePath,
    pub max_connections: usize,
    /// For messages and bodies that are not whole.
    pub receive_memory_bytes: usize,
    pub receive_timeout: Duration,
    /// For Socket.IO messages that wait to be sent.
    pub send_memory_bytes: usize,
    pub drain: Duration,
    /// Who may end streams and viewers.
    pub managing: Who,
}

#[derive(Clone, Debug)]
pub struct Access {
    pub mode: Mode,
    /// Clients that need no key.
    pub legacy: Vec<Legacy>,
    /// Which tokens of others are accepted.
    pub tokens: Option<Settings>,
    /// Which proxies say who asks.
    pub proxy: Option<ProxyLogin>,
}

#[derive(Clone, Debug)]
pub struct Recognizer {
    pub model: ModelChoice,
    pub switching: Who,
    pub dummy: bool,
    pub max_clients: usize,
    pub max_fps: f32,
    pub turn_gap: Duration,
    pub turn_wait: Duration,
    pub reply_wait: Duration,
    /// `None` takes the model's.
    pub threshold: Option<f32>,
    /// Motions count only after a hand was held still.
    pub arming: bool,
    /// That are followed in one picture.
    pub hands: usize,
}

/// Who may change something while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever has the role for it, as those on this machine have.
    Local,
    /// Whoever can reach the server, without a key.
    Anyone,
    /// Nobody: it can only be changed in the configuration.
    Nobody,
}

#[derive(Clone, Debug)]
pub struct Import {
    pub python: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Cameras {
    /// Which there are, and within which bounds they are watched.
    pub live: CameraOptions,
    /// Who may add, change, try and remove cameras.
    pub changing: Who,
}

#[derive(Clone, Debug)]
pub struct SocketIo {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub max_message_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub level: String,
    pub json: bool,
    /// Beside stderr.
    pub file: Option<LogFile>,
    /// For what was done by whom alone.
    pub audit_file: Option<LogFile>,
}

/// A log file, which begins anew when it is full.
#[derive(Clone, Debug)]
pub struct LogFile {
    pub path: PathBuf,
    pub max_bytes: u64,
    /// Full ones that are kept beside it.
    pub keep: usize,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub listen: Vec<String>,
    /// `tls.mode`.
    pub tls: Option<String>,
    /// Reached from other machines, over TLS.
    pub lan: bool,
    pub set: Vec<String>,
}

impl Server {
    /// As [`Config::listen_options`], without what one key, user or address may take.
    fn listen_options(&self) -> sightwire_listen::Options {
        sightwire_listen::Options {
            max_connections: self.max_connections,
            receive_memory_bytes: self.receive_memory_bytes,
            receive_timeout: self.receive_timeout,
            send_memory_bytes: self.send_memory_bytes,
            // What is left is for what ends after the answers.
            last_answer: self.drain.mul_f64(0.8),
            per_address: PerAddress::default(),
            per_asker: PerAsker::default(),
        }
    }
}

impl Config {
    /// Reads all layers and checks every value.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::load(flags)?)
    }

    /// The defaults and what a file with this text would set; nothing of the environment.
    pub fn of_toml(text: &str) -> Result<Self, ConfigError> {
        let mut layers = Layers::defaults();
        layers.add_text(text, Path::new("sightwire.toml"))?;
        Self::from_layers(&layers)
    }

    /// As [`Config::load`]; the model has to be there, too.
    pub fn load_to_serve(flags: &Flags) -> Result<(Layers, Self), ConfigError> {
        let layers = Layers::load(flags)?;
        let config = Self::from_layers(&layers)?;
        config.check_model(&layers)?;
        Ok((layers, config))
    }

    /// What the recogniser runs with.
    pub fn recognizer_options(&self, memory: Arc<Memory>) -> sightwire_recognizer::Options {
        let options = &self.recognizer;
        sightwire_recognizer::Options {
            model: options.model.clone(),
            dummy: options.dummy,
            max_clients: options.max_clients,
            max_fps: options.max_fps,
            turn_gap: options.turn_gap,
            turn_wait: options.turn_wait,
            reply_wait: options.reply_wait,
            threshold: options.threshold,
            pictures: self.images,
            idle_release: self.engine.idle_release,
            arming: options.arming,
            hands: options.hands,
            python: self.import.python.clone(),
            engine: self.engine_settings(),
            memory,
        }
    }

    /// What streams are watched with, by a server alone.
    pub fn live_options(&self, memory: Arc<Memory>) -> sightwire_live::Options {
        sightwire_live::Options {
            cameras: self.cameras.live.clone(),
            relay: self.relay.clone(),
            detector: self.detector.clone(),
            threads: self.engine.options.threads,
            idle_release: self.engine.idle_release,
            pictures: self.images,
            store: self.store.clone(),
            memory,
            remote: self.engine.remote.clone().filter(|_| self.engine.remote_for.objects),
            cluster: None,
        }
    }

    /// What the engine is opened with.
    pub fn engine_settings(&self) -> EngineSettings {
        let (options, library) = (self.engine.options.clone(), self.engine.library.clone());
        EngineSettings { options, library, store: self.store.clone(), offload: None }
    }

    /// Whether the model is there.
    fn check_model(&self, layers: &Layers) -> Result<(), ConfigError> {
        let wrong = match &self.recognizer.model {
            _ if self.recognizer.dummy => None,
            ModelChoice::Best => None,
            ModelChoice::Name(name) => self.store.manifest(name).err().map(|error| error.to_string()),
            ModelChoice::File(path) if !path.exists() => Some("there is no such file".to_owned()),
            ModelChoice::File(path) => {
                let foreign = Foreign::of(path).ok().flatten();
                foreign.map(|foreign| format!("it is {foreign}, and {}", foreign.cure()))
            }
        };
        wrong.map_or(Ok(()), |reason| Err(Values(layers).invalid("recognizer.model", &reason)))
    }

    /// Checks every value; the first that cannot be used is the error.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let r = Values(layers);
        let threads = match r.int("engine.threads", 0, 1024)? {
            0 => sightwire_engine::quota::threads(),
            n => n,
        };
        let max_message_bytes = r.int("socketio.max_message_mb", 1, 1024)? << 20;
        let (model, dummy) = (r.text("recognizer.model"), r.flag("recognizer.dummy"));
        let home = r.text("store.home");
        let home = if home.is_empty() { default_home() } else { PathBuf::from(home) };
        let mirror = Some(r.text("store.mirror")).filter(|m| !m.is_empty()).map(PathBuf::from);
        let store = place::store(home, mirror);
        let model = if model.contains(['/', '\\']) || is_file_name(&model) {
            ModelChoice::File(model.into())
        } else if model == "auto" {
            ModelChoice::Best
        } else {
            ModelChoice::Name(model)
        };
        let threshold = r.number("recognizer.threshold", 0.0, 1.0)?;
        let listen = r.addresses("server.listen")?;
        if listen.is_empty() {
            let reason = "at least one address is needed, such as 127.0.0.1:8000";
            return Err(r.invalid("server.listen", reason));
        }
        let private = private_networks(&r, &listen)?;
        Ok(Self {
            server: Server {
                listen,
                cors_origins: r.origins("server.cors_origins")?,
                hosts: HostNames::parse(&r.list("server.hosts")?)
                    .map_err(|error| r.invalid("server.hosts", &error.to_string()))?,
                base_path: r
                    .text("server.base_path")
                    .parse()
                    .map_err(|error: BasePathError| r.invalid("server.base_path", &error.to_string()))
                    .and_then(|path| not_of_ours(&r, path))?,
                max_connections: r.int("server.max_connections", 1, 1_000_000)?,
                receive_memory_bytes: r.int("server.receive_memory_mb", 1, 1 << 20)? << 20,
                receive_timeout: r.seconds("server.receive_timeout_s", 1.0, 3600.0)?,
                send_memory_bytes: r.int("server.send_memory_mb", 1, 1 << 20)? << 20,
                drain: r.seconds("server.drain_s", 0.0, 600.0)?,
                managing: r.who("server.managing")?,
            },
            access: access::read(&r)?,
            tls: tls::read(&r, store.home())?,
            limits: limits::read(&r)?,
            recognizer: Recognizer {
                model,
                switching: r.who("recognizer.switching")?,
                dummy,
                max_clients: r.int("recognizer.max_clients", 0, 100_000)?,
                max_fps: r.number("recognizer.max_fps", 1.0, 1000.0)? as f32,
                turn_gap: r.seconds("recognizer.turn_gap_s", 0.0, 3600.0)?,
                turn_wait: r.seconds("recognizer.turn_wait_s", 0.0, 3600.0)?,
                reply_wait: r.seconds("recognizer.reply_wait_s", 0.0, 1.0)?,
                threshold: Some(threshold as f32).filter(|t| *t > 0.0),
                arming: r.flag("recognizer.arming"),
                hands: r.hands()?,
            },
            socketio: SocketIo {
                ping_interval: r.seconds("socketio.ping_interval_s", 0.1, 3600.0)?,
                ping_timeout: r.seconds("socketio.ping_timeout_s", 0.1, 3600.0)?,
                max_message_bytes,
            },
            cameras: r.cameras(private, store.home())?,
            relay: relay::read(&r)?,
            detector: r.detector()?,
            reader: reader::read(&r, threads, store.home())?,
            images: PictureLimits {
                max_bytes: max_message_bytes,
                max_pixels: r.int("images.max_pixels", 1, 1 << 32)? as u64,
                max_side: r.int("images.max_side_px", 1, 65_535)? as u32,
            },
            decode_memory_bytes: r.int("images.decode_memory_mb", 16, 1 << 20)? << 20,
            engine: engine::read(&r, threads, &store)?,
            import: Import {
                python: Some(r.text("import.python")).filter(|p| !p.is_empty()).map(PathBuf::from),
            },
            store,
            log: log::read(&r)?,
            otlp: otlp::read(&r)?,
            cluster: cluster::read(&r)?,
        })
    }
}

/// Who may have cameras in private networks read that `cameras.allow` does not list. A server that only its own machine reaches
/// may be asked by others through a proxy there, which not every proxy says.
fn private_networks(r: &Values<'_>, listen: &[SocketAddr]) -> Result<PrivateNetworks, ConfigError> {
    if !listen.iter().all(|address| address.ip().is_loopback()) {
        return Ok(PrivateNetworks::Nobody);
    }
    let signs = [
        (r.text("access.mode") == "protected", "access.mode is protected"),
        (r.text("access.mode") == "open", "access.mode is open"),
        (!r.list("server.trusted_proxies")?.is_empty(), "server.trusted_proxies is set"),
        (!r.list("server.hosts")?.is_empty(), "server.hosts is set"),
        (!r.text("server.base_path").is_empty(), "server.base_path is set"),
        (!r.text("access.proxy_header").is_empty(), "access.proxy_header is set"),
        (!r.0.legacy().is_empty(), "[[access.legacy]] is set"),
    ];
    let sign = signs.into_iter().find(|(is_set, _)| *is_set);
    Ok(sign.map_or(PrivateNetworks::Here, |(_, because)| PrivateNetworks::Added { because }))
}

/// Paths of this server's own, which would not be found any more.
const OWN_PATHS: [&str; 9] =
    ["api", "assets", "debug", "health", "login", "socket.io", "stream", "streams", "ws"];

fn not_of_ours(r: &Values<'_>, path: BasePath) -> Result<BasePath, ConfigError> {
    let first = path.as_str().split('/').nth(1).unwrap_or_default();
    if OWN_PATHS.contains(&first) {
        let why = format!("/{first} is a path of this server; choose another, such as /sightwire");
        return Err(r.invalid("server.base_path", &why));
    }
    Ok(path)
}

/// Files of other kinds, too: they are refused with a reason.
fn is_file_name(model: &str) -> bool {
    let path = Path::new(model);
    path.extension()
        .is_some_and(|end| ["h5", "hdf5", "keras"].iter().any(|known| end.eq_ignore_ascii_case(known)))
        || Foreign::by_name(path).is_some()
}

struct Values<'a>(&'a Layers);

/// Whether both are one place to listen at: of port 0 each is another one.
fn is_among(address: &SocketAddr, others: &[SocketAddr]) -> bool {
    address.port() > 0 && others.contains(address)
}

impl Values<'_> {
    fn text(&self, name: &'static str) -> String {
        self.0.get(name).0.as_str().unwrap_or_default().trim().to_owned()
    }

    fn flag(&self, name: &'static str) -> bool {
        self.0.get(name).0.as_bool().unwrap_or_default()
    }

    fn int(&self, name: &'static str, low: usize, high: usize) -> Result<usize, ConfigError> {
        let value = self.0.get(name).0.as_integer().unwrap_or(-1);
        usize::try_from(value)
            .ok()
            .filter(|v| (low..=high).contains(v))
            .ok_or_else(|| self.invalid(name, &format!("it must be from {low} to {high}")))
    }

    fn number(&self, name: &'static str, low: f64, high: f64) -> Result<f64, ConfigError> {
        let value = self.0.get(name).0.as_float().unwrap_or(f64::NAN);
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        Err(self.invalid(name, &format!("it must be from {low} to {high}")))
    }

    fn seconds(&self, name: &'static str, low: f64, high: f64) -> Result<Duration, ConfigError> {
        self.number(name, low, high).map(Duration::from_secs_f64)
    }

    /// Hands that are followed in one picture, at most.
    fn hands(&self) -> Result<usize, ConfigError> {
        self.int("recognizer.hands", 1, 4)
    }

    fn detector(&self) -> Result<DetectorOptions, ConfigError> {
        Ok(DetectorOptions {
            model: self.text("detector.model"),
            confidence: self.number("detector.confidence", 0.0, 1.0)? as f32,
            iou: Some(self.number("detector.iou", 0.0, 1.0)? as f32).filter(|iou| *iou > 0.0),
            max_boxes: self.int("detector.max_boxes", 1, 1000)?,
            classes: self.list("detector.classes")?,
            max_fps: self.number("detector.max_fps", 0.1, 1e6)?,
            hands: self
                .flag("detector.hands")
                .then_some(WatchOptions::following(self.hands()?, self.flag("recognizer.arming"))),
            gated: match self.text("detector.gate").as_str() {
                "none" => false,
                "motion" => true,
                _ => return Err(self.invalid("detector.gate", "it must be none or motion")),
            },
        })
    }

    fn cameras(&self, private: PrivateNetworks, home: &Path) -> Result<Cameras, ConfigError> {
        let (mut configured, origin) = (self.0.cameras().to_vec(), self.0.get("cameras.default_url").1);
        let default_url = self.text("cameras.default_url");
        if !default_url.is_empty() {
            let camera = CameraTable::default_camera(&default_url)
                .map_err(|reason| self.invalid("cameras.default_url", &reason.to_string()))?;
            let place = |origin: &Origin| format!("cameras.default_url ({origin})");
            if configured.iter().any(|other| other.default || other.id == camera.id) {
                let reason = format!("a [[camera]] is the default already; take {} away", place(origin));
                return Err(self.invalid("cameras.default_url", &reason));
            }
            configured.push(camera);
        }
        let list = self.list("cameras.allow")?;
        let mut allow = Allow::parse(list.iter().map(String::as_str))
            .map_err(|error| self.invalid("cameras.allow", &error.to_string()))?;
        for camera in &configured {
            if let Some(url) = camera.source.url() {
                allow = allow.with_camera(url);
            }
        }
        let frozen_after = self.seconds("cameras.frozen_after_s", 0.0, 86_400.0)?;
        let live = CameraOptions {
            configured,
            allow,
            private,
            max_upstreams: self.int("cameras.max_upstreams", 0, 10_000)?,
            max_named: self.int("cameras.max_named", 0, 10_000)?,
            max_viewers: self.int("cameras.max_viewers", 0, 1_000_000)?,
            max_analyses: self.int("cameras.max_analyses", 0, 10_000)?,
            max_views: self.int("cameras.max_views", 0, 10_000)?,
            linger: self.seconds("cameras.linger_s", 0.0, 3600.0)?,
            stalled_after: self.seconds("cameras.stalled_after_s", 0.5, 3600.0)?,
            frozen_after: Some(frozen_after).filter(|after| !after.is_zero()),
            viewer_deadline: self.seconds("cameras.viewer_deadline_s", 0.5, 3600.0)?,
            lower_quality: self.flag("cameras.lower_quality"),
            max_frame_bytes: self.int("cameras.max_frame_mb", 1, 256)? << 20,
            file: match self.text("cameras.file") {
                file if file.is_empty() => home.join("cameras.json"),
                file => file.into(),
            },
        };
        Ok(Cameras { live, changing: self.who("cameras.changing")? })
    }

    fn who(&self, name: &'static str) -> Result<Who, ConfigError> {
        match self.text(name).as_str() {
            "local" => Ok(Who::Local),
            "anyone" => Ok(Who::Anyone),
            "nobody" => Ok(Who::Nobody),
            _ => Err(self.invalid(name, "it must be local, anyone or nobody")),
        }
    }

    fn list(&self, name: &'static str) -> Result<Vec<String>, ConfigError> {
        let items = self.0.get(name).0.as_array().map(Vec::as_slice).unwrap_or_default();
        items
            .iter()
            .map(|item| match item {
                Value::String(text) => Ok(text.trim().trim_end_matches('/').to_owned()),
                _ => Err(self.invalid(name, "every item must be text")),
            })
            .collect()
    }

    /// Origins as browsers send them; `None`, for all, where `*` is among them.
    fn origins(&self, name: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        let list = self.list(name)?;
        let plain = |origin: &str| {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '*', '\'', '"']))
        };
        if let Some(wrong) = list.iter().find(|origin| *origin != "*" && !plain(origin)) {
            return Err(
                self.invalid(name, &format!("{wrong:?} is not an origin such as https://example.org, nor *"))
            );
        }
        Ok(Some(list).filter(|list| !list.iter().any(|origin| origin == "*")))
    }

    fn addresses(&self, name: &'static str) -> Result<Vec<SocketAddr>, ConfigError> {
        let list = self.list(name)?;
        let mut addresses = Vec::new();
        for text in list {
            let text = text.replace("localhost", "127.0.0.1");
            let on_port = || text.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            let address = text.parse().ok().or_else(on_port).ok_or_else(|| {
                let reason = "is not an address such as 127.0.0.1:8000 or [::]:8000, nor a port such as 8000";
                self.invalid(name, &format!("{text:?} {reason}"))
            })?;
            if is_among(&address, &addresses) {
                return Err(self.invalid(name, &format!("{address} stands there twice")));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    fn invalid(&self, name: &'static str, reason: &str) -> ConfigError {
        let (value, origin) = self.0.get(name);
        let secret = keys::may_hold_password(name);
        ConfigError::Invalid {
            name,
            value: if secret { "(not shown)".into() } else { value.to_string() },
            reason: reason.to_owned(),
            origin: origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
