//! `sightwire check`

use crate::config::{Flags, Layers, Origin, keys};

use super::ConfigArgs;

/// Prints each key in force that is not at its default, and where it was set.
pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let flags = Flags {
        file: args.config.clone().filter(|file| !file.as_os_str().is_empty()),
        listen: Vec::new(),
        set: args.set.clone(),
    };
    let layers = Layers::load(&flags)?;
    crate::config::Config::from_layers(&layers)?;
    let mut changed = 0;
    for key in keys::KEYS {
        let (value, origin) = layers.get(key.name);
        if *origin != Origin::Default {
            println!("{} = {value}  ({origin})", key.name);
            changed += 1;
        }
    }
    println!("the configuration is valid; {changed} of {} keys are set", keys::KEYS.len());
    Ok(())
}
