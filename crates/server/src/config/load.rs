//! All layers, from where they usually are.

use std::path::Path;

use sightwire_settings::layers::{dot_env, first_mistake, read_file};
use sightwire_settings::{ConfigError, Layers, Origin};
use toml::Value;

use crate::config::keys::SECTIONS;
use crate::config::{Flags, place};

/// Only the defaults, without file, environment or flags.
pub fn default_layers() -> Layers {
    Layers::defaults(SECTIONS)
}

/// All layers: the file that is named, or the [usual one](place::config_file); `.env` of the working folder, the process's
/// environment, and flags.
pub fn load_layers(flags: &Flags) -> Result<Layers, ConfigError> {
    let (layers, mistakes) = load_what_can(flags);
    first_mistake(mistakes).map(|()| layers)
}

/// As [`load_layers`], with all mistakes: what is wrong with one value takes no other away.
pub fn load_what_can(flags: &Flags) -> (Layers, Vec<ConfigError>) {
    let (mut layers, mut mistakes) = (default_layers(), Vec::new());
    if let Some(path) = place::config_file(flags.file.as_deref()) {
        match read_file(path) {
            Ok(text) => mistakes.extend(layers.try_text(&text, path)),
            Err(error) => mistakes.push(error),
        }
    }
    match dot_env(Path::new(".env")) {
        Ok(variables) => mistakes.extend(layers.try_environment(variables, Origin::DotEnv)),
        Err(error) => mistakes.push(error),
    }
    // A variable that is not text cannot name a key or hold a value of one.
    let environment =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    mistakes.extend(layers.try_environment(environment, Origin::Environment));
    mistakes.extend(flags.set.iter().filter_map(|text| layers.add_flag(text).err()));
    if !flags.listen.is_empty()
        && let Some(key) = SECTIONS.find_key("server.listen")
    {
        let origin = Origin::Flag(format!("--listen {}", flags.listen.join(" --listen ")));
        mistakes.extend(layers.set_text(key, &flags.listen.join(","), origin).err());
    }
    mistakes.extend(add_tls(&mut layers, flags).err());
    (layers, mistakes)
}

/// `--tls` and `--lan`.
fn add_tls(layers: &mut Layers, flags: &Flags) -> Result<(), ConfigError> {
    let mode = SECTIONS.find_key("tls.mode");
    if let (Some(key), Some(text)) = (mode, &flags.tls) {
        layers.set_text(key, text, Origin::Flag(format!("--tls {text}")))?;
    }
    if !flags.lan {
        return Ok(());
    }
    let origin = Origin::Flag("--lan".to_owned());
    let listen = layers.get("server.listen").0.as_array().and_then(|list| list.first());
    // A port alone, or what follows the address.
    let port = listen.and_then(Value::as_str).and_then(|address| address.rsplit(':').next());
    let everywhere = format!("0.0.0.0:{}", port.unwrap_or("8000"));
    if let Some(key) = SECTIONS.find_key("server.listen") {
        layers.set_text(key, &everywhere, origin.clone())?;
    }
    // A server that has a certificate shows that one.
    if let Some(key) = mode
        && layers.get("tls.mode").0.as_str() == Some("off")
    {
        layers.set_text(key, "self-signed", origin)?;
    }
    Ok(())
}
