//! What is set, and what is wrong with it.

use sightwire_config::{Config, Flags, Layers, Origin, keys};

use super::report::Check;
use crate::print::counted;

/// What can be used of the configuration, whatever is wrong with it; and what is told of it.
pub(super) fn check(flags: &Flags) -> (Config, Vec<Check>) {
    let (config, layers, mistakes) = Config::load_what_can(flags);
    let of_model = config.check_model(&layers).err();
    let mut checks: Vec<Check> =
        mistakes.iter().chain(&of_model).map(|mistake| wrong(&mistake.to_string())).collect();
    let set: Vec<Check> = keys::KEYS.iter().filter_map(|key| of_key(&layers, key)).collect();
    let cameras = config.cameras.live.configured.len();
    let says = format!("{} set, {} configured", counted(set.len(), "key"), counted(cameras, "camera"));
    if checks.is_empty() {
        checks.push(Check::ok("configuration", says));
    }
    checks.extend(set);
    (config, checks)
}

fn wrong(mistake: &str) -> Check {
    Check::fail("configuration", mistake)
        .cure("the server does not start with it; what follows is told without it")
}

/// What was set of a key, if it was.
fn of_key(layers: &Layers, key: &keys::Key) -> Option<Check> {
    let (value, origin) = layers.get(key.name);
    if *origin == Origin::Default {
        return None;
    }
    let is_empty = value.as_str() == Some("");
    let shown =
        if keys::may_hold_password(key.name) && !is_empty { "(set)".into() } else { value.to_string() };
    Some(Check::ok("setting", format!("{shown} ({origin})")).about(key.name))
}
