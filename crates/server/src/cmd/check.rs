//! `sightwire check`

use crate::config::{Flags, Layers, keys};

use super::ConfigArgs;

/// Prints each key, its value, and where it was set.
pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let flags = Flags {
        file: args.config.clone().filter(|file| !file.as_os_str().is_empty()),
        listen: Vec::new(),
        set: args.set.clone(),
    };
    let layers = Layers::load(&flags)?;
    let config = crate::config::Config::from_layers(&layers)?;
    let width = keys::KEYS.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in keys::KEYS {
        let (value, origin) = layers.get(key.name);
        println!("{:<width$} = {value}  ({origin})", key.name);
    }
    println!("the configuration is valid");
    if config.recognizer.max_clients == 0 {
        eprintln!("warning: recognizer.max_clients is 0: every client will be refused");
    }
    Ok(())
}
