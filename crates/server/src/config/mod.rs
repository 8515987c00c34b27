//! The configuration: defaults < `sightwire.toml` < `.env` < environment < flags.

pub mod keys;
pub mod layers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightwire_frame::header::Limits;
use sightwire_infer::engine::{EngineOptions, Provider};
use sightwire_infer::manifest::Precision;
use sightwire_infer::store::Store;
use toml::Value;

pub use layers::{ConfigError, Layers};

/// Everything that can be set. docs/config.md has a line for each.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub recognizer: Recognizer,
    pub socketio: SocketIo,
    pub images: Limits,
    pub engine: Engine,
    pub store: Store,
    pub log: Log,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: Vec<SocketAddr>,
    /// `None` allows all origins.
    pub cors_origins: Option<Vec<String>>,
    pub max_connections: usize,
    pub drain: Duration,
}

#[derive(Clone, Debug)]
pub struct Recognizer {
    pub model: String,
    pub dummy: bool,
    pub max_clients: usize,
    pub max_fps: f32,
    pub turn_gap: Duration,
    /// `None` takes the model's.
    pub threshold: Option<f32>,
}

#[derive(Clone, Debug)]
pub struct SocketIo {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub max_message_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct Engine {
    pub options: EngineOptions,
    pub library: Option<PathBuf>,
    pub idle_release: Duration,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub level: String,
    pub json: bool,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub listen: Vec<String>,
    pub set: Vec<String>,
}

impl Config {
    /// Reads all layers and checks every value.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::load(flags)?)
    }

    /// Checks every value.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let r = Reader(layers);
        let threads = match r.int("engine.threads", 0, 1024)? {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let max_message_bytes = r.int("socketio.max_message_mb", 1, 1024)? << 20;
        let model = r.text("recognizer.model");
        let dummy = r.flag("recognizer.dummy");
        if !dummy && (model.contains(['/', '\\']) || is_keras(&model)) {
            return Err(r.invalid(
                "recognizer.model",
                "this version takes the name of a model (`sightwire models list`); it cannot import Keras files yet",
            ));
        }
        let home = r.text("store.home");
        let home = if home.is_empty() { default_home() } else { PathBuf::from(home) };
        let mirror = Some(r.text("store.mirror")).filter(|m| !m.is_empty()).map(PathBuf::from);
        let store = Store::new(home, mirror);
        if !dummy && let Err(error) = store.manifest(&model) {
            return Err(r.invalid("recognizer.model", &error.to_string()));
        }
        let threshold = r.number("recognizer.threshold", 0.0, 1.0)?;
        Ok(Self {
            server: Server {
                listen: r.addresses("server.listen")?,
                cors_origins: r.origins("server.cors_origins")?,
                max_connections: r.int("server.max_connections", 1, 1_000_000)?,
                drain: r.seconds("server.drain_s", 0.0, 600.0)?,
            },
            recognizer: Recognizer {
                model,
                dummy,
                max_clients: r.int("recognizer.max_clients", 0, 100_000)?,
                max_fps: r.number("recognizer.max_fps", 1.0, 1000.0)? as f32,
                turn_gap: r.seconds("recognizer.turn_gap_s", 0.0, 3600.0)?,
                threshold: Some(threshold as f32).filter(|t| *t > 0.0),
            },
            socketio: SocketIo {
                ping_interval: r.seconds("socketio.ping_interval_s", 0.1, 3600.0)?,
                ping_timeout: r.seconds("socketio.ping_timeout_s", 0.1, 3600.0)?,
                max_message_bytes,
            },
            images: Limits {
                max_bytes: max_message_bytes,
                max_pixels: r.int("images.max_pixels", 1, 1 << 32)? as u64,
                max_side: r.int("images.max_side_px", 1, 65_535)? as u32,
            },
            engine: Engine {
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
                },
                library: Some(r.text("engine.library")).filter(|l| !l.is_empty()).map(PathBuf::from),
                idle_release: r.seconds("engine.idle_release_s", 1.0, 1e7)?,
            },
            store,
            log: Log {
                level: match r.text("log.level").to_lowercase().as_str() {
                    // Python's names, which the prototypes took.
                    "warning" => "warn".into(),
                    "critical" | "fatal" => "error".into(),
                    level @ ("error" | "warn" | "info" | "debug" | "trace") => level.into(),
                    _ => return Err(r.invalid("log.level", "it must be error, warn, info, debug or trace")),
                },
                json: match r.text("log.format").as_str() {
                    "text" => false,
                    "json" => true,
                    _ => return Err(r.invalid("log.format", "it must be text or json")),
                },
            },
        })
    }
}

fn is_keras(model: &str) -> bool {
    Path::new(model)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("h5") || end.eq_ignore_ascii_case("keras"))
}

/// The platform's data folder, or one beside the working folder where there is none.
fn default_home() -> PathBuf {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("XDG_DATA_HOME")
        .or_else(|| var("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from(".sightwire/home"), |data| data.join("sightwire"))
}

struct Reader<'a>(&'a Layers);

impl Reader<'_> {
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

    /// `None` for all.
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
        if list.is_empty() {
            return Err(self.invalid(name, "at least one address is needed, such as 127.0.0.1:8000"));
        }
        let mut addresses = Vec::new();
        for text in list {
            let text = text.replace("localhost", "127.0.0.1");
            let address = text.parse().map_err(|_| {
                self.invalid(name, &format!("{text:?} is not an address such as 127.0.0.1:8000 or [::]:8000"))
            })?;
            addresses.push(address);
        }
        Ok(addresses)
    }

    fn invalid(&self, name: &'static str, reason: &str) -> ConfigError {
        let (value, origin) = self.0.get(name);
        ConfigError::Invalid {
            name,
            value: value.to_string(),
            reason: reason.to_owned(),
            origin: origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
