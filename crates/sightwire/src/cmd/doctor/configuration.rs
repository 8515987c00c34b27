//! What is set, and what is wrong with it.

use sightwire_server::config::keys::{Key, SECTIONS};
use sightwire_server::config::{Config, ConfigError, Flags, Layers, Origin};

use super::report::Check;
use crate::print::format_count;

/// What can be used of the configuration, whatever is wrong with it; and what is told of it.
pub(super) fn check_configuration(flags: &Flags) -> (Config, Vec<Check>) {
    let (config, layers, mistakes) = Config::load_what_can(flags);
    let mut checks: Vec<Check> = mistakes.iter().map(config_mistake).collect();
    let is_used = |key: &Key| {
        // One that is not a value at all is not among the layers, and what it would have taken the place of is used.
        let (_, set) = layers.get(key.name);
        let is_wrong = |mistake: &ConfigError| match mistake {
            ConfigError::Invalid { name, origin, .. } => *name == key.name && origin == set,
            _ => false,
        };
        !mistakes.iter().any(is_wrong)
    };
    let set: Vec<Check> = SECTIONS.keys().filter_map(|key| of_key(&layers, key, is_used(key))).collect();
    let cameras = config.cameras.configured.len();
    let says =
        format!("{} set, {} configured", format_count(set.len(), "key"), format_count(cameras, "camera"));
    if checks.is_empty() {
        checks.push(Check::ok("configuration", says));
    }
    checks.extend(set);
    (config, checks)
}

fn config_mistake(mistake: &ConfigError) -> Check {
    Check::fail("configuration", mistake.in_one_line())
        .cure("the server does not start with it; what follows is told without it")
}

/// What was set of a key, if it was.
fn of_key(layers: &Layers, key: &Key, is_used: bool) -> Option<Check> {
    let (value, origin) = layers.get(key.name);
    if *origin == Origin::Default {
        return None;
    }
    let shown = key.show_value(value);
    let check = if is_used {
        Check::ok("setting", format!("{shown} ({origin})"))
    } else {
        Check::warn("setting", format!("{shown} ({origin}) cannot be used"))
    };
    Some(check.about(key.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_used_is_not_told_as_set() {
        let set =
            ["relay.max_fps=-1", "recognizer.max_clients=7", "recognizer.max_clients=x"].map(str::to_owned);
        let (config, checks) = check_configuration(&Flags { set: set.to_vec(), ..Flags::default() });
        assert_eq!(config.recognizer.max_clients, 7);
        let of = |key| Check::ok("setting", format!("7 (--set {})", set[1])).about(key);
        assert!(checks.contains(&of("recognizer.max_clients")), "{checks:?}");
        let wrong = format!("-1.0 (--set {}) cannot be used", set[0]);
        assert!(checks.contains(&Check::warn("setting", wrong).about("relay.max_fps")), "{checks:?}");
    }
}
