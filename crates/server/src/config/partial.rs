//! Parts of a configuration: what can be used of one with mistakes, for those who look for what is wrong; and what commands need
//! that serve nobody.

use std::collections::BTreeSet;

use crate::config::cluster::JobsConfig;
use crate::config::{Config, ConfigError, Flags, Layers, Values, load};

impl Config {
    /// As [`Config::load`], but for its place among other processes, which a command that serves nobody does not take: the address
    /// and the secret of `cluster.*` may be known to the service alone.
    pub fn load_alone(flags: &Flags) -> Result<Self, ConfigError> {
        let mut layers = load::load_layers(flags)?;
        layers.reset_key("cluster.");
        Self::from_layers(&layers)
    }

    /// As [`Config::load_alone`], and what is needed to read batches in common.
    pub fn load_for_jobs(flags: &Flags) -> Result<(Self, JobsConfig), ConfigError> {
        let mut layers = load::load_layers(flags)?;
        let jobs = JobsConfig::from_values(Values::new(&layers))?;
        layers.reset_key("cluster.");
        Ok((Self::from_layers(&layers)?, jobs))
    }

    /// Whatever can be used of all layers, and all that is wrong with them. A value that cannot be used is left at its default,
    /// and so is its section where that does not help.
    pub fn load_what_can(flags: &Flags) -> (Self, Layers, Vec<ConfigError>) {
        let (layers, mut mistakes) = load::load_what_can(flags);
        let (config, of_values) = of_what_can(&layers, &mistakes);
        mistakes.extend(of_values);
        mistakes.extend(config.check_model(&layers).err());
        (config, layers, mistakes)
    }
}

/// `known` are the mistakes of those layers: keys that have their defaults in place of what was set.
fn of_what_can(layers: &Layers, known: &[ConfigError]) -> (Config, Vec<ConfigError>) {
    let (mut layers, mut mistakes, mut left) = (layers.clone(), Vec::new(), BTreeSet::new());
    let mut unset: Vec<&'static str> = known.iter().filter_map(ConfigError::key).collect();
    loop {
        let mistake = match Config::from_layers(&layers) {
            Ok(config) => return (config, mistakes),
            Err(mistake) => mistake,
        };
        if let ConfigError::Table { table, index, .. } = &mistake {
            layers.remove_table(table, *index);
            mistakes.push(mistake);
            continue;
        }
        let name = mistake.key().unwrap_or_default();
        let section = name.split_once('.').map(|(section, _)| format!("{section}."));
        if left.insert(name.to_owned()) {
            layers.reset_key(name);
            // That a key is not set which was set wrongly is no other mistake.
            if !unset.iter().any(|key| mistake.mentions(key)) {
                mistakes.push(mistake);
            }
            unset.push(name);
        } else if let Some(section) = section.filter(|section| left.insert(section.clone())) {
            // What is wrong is its default, beside another value of the section.
            layers.reset_key(&section);
        } else {
            layers = load::default_layers();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What is wrong with a file of that text, and what is made of it.
    fn of(text: &str) -> (Config, Vec<String>) {
        let mut layers = load::default_layers();
        let mut mistakes = layers.try_text(text, Path::new("a.toml"));
        let (config, of_values) = of_what_can(&layers, &mistakes);
        mistakes.extend(of_values);
        (config, mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_wrong_with_one_value_takes_no_other_away_and_all_is_told() {
        let (config, mistakes) = of("[server]\nmax_conections = 3\nmax_connections = 7\ndrain_s = -1\n\
             [tls]\nmode = \"files\"\n[recognizer]\nmax_clients = 3\n\
             [[camera]]\nid = \"a b\"\nurl = \"http://me:secret@10.0.0.1\"\n\
             [[camera]]\nid = \"yard\"\nurl = \"http://10.0.0.2\"\n");
        assert_eq!(config.server.max_connections, 7);
        assert_eq!(config.recognizer.max_clients, 3);
        assert!(config.tls.options.is_none());
        let cameras = config.cameras.configured.iter().map(|camera| camera.id.as_str());
        assert_eq!(cameras.collect::<Vec<_>>(), ["yard"]);
        let parts = ["max_conections", "[[camera]]", "server.drain_s", "tls.certificate_file"];
        assert_eq!(mistakes.len(), parts.len(), "{mistakes:?}");
        for part in parts {
            assert_eq!(mistakes.iter().filter(|mistake| mistake.contains(part)).count(), 1, "{mistakes:?}");
        }
        assert!(mistakes.iter().all(|mistake| !mistake.contains("secret")));
    }

    #[test]
    fn what_would_be_right_but_for_one_mistake_is_not_another() {
        for (text, key) in [
            ("[tls]\nmode = \"on\"\ncertificate_file = \"a\"\nkey_file = \"b\"", "tls.mode"),
            ("[otlp]\nendpoint = \"a\"\nheaders_file = \"b\"", "otlp.endpoint"),
            ("[cluster]\nredis_url = \"a\"\nadvertise_url = \"http://a\"\nname = \"b\"", "cluster.redis_url"),
            ("[cluster]\nredis_url = \"redis://a\"\nname = \"b\"", "cluster.advertise_url"),
            ("[cluster]\nwhen_down = \"x\"", "cluster.when_down"),
            (
                "[access]\njwt_secret = \"short\"\njwt_issuer = \"a\"\njwt_audience = \"b\"",
                "access.jwt_secret",
            ),
            (
                "[engine]\nremote = \"ftp://a\"\nremote_secret = \"a secret of sixteen bytes\"",
                "engine.remote",
            ),
            ("[engine]\nremote = 3\nremote_secret = \"a secret of sixteen bytes\"", "engine.remote"),
        ] {
            let (config, mistakes) = of(text);
            assert!(mistakes.len() == 1 && mistakes[0].contains(&format!("`{key}`")), "{mistakes:?}");
            assert!(config.cluster.is_none() && config.otlp.is_none());
        }
    }

    #[test]
    fn each_table_that_cannot_be_used_is_told_and_the_others_stay_however_they_are_written() {
        let (config, mistakes) =
            of("camera = [{ id = \"a b\", url = \"http://a\" }, { id = \"yard\", url = \"http://b\" }, \
             { id = \"c\" }]\n");
        let cameras = config.cameras.configured.iter().map(|camera| camera.id.as_str());
        assert_eq!(cameras.collect::<Vec<_>>(), ["yard"]);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    }

    #[test]
    fn a_command_that_serves_nobody_needs_no_place_among_other_processes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sightwire.toml");
        let flags = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Flags { file: Some(path.clone()), ..Flags::default() }
        };
        // The rest is in the environment of the service.
        let of_service = flags("recognizer.max_clients = 7\n[cluster]\nredis_url = \"redis://10.0.0.5\"\n");
        assert!(
            Config::load(&of_service).is_err_and(|error| error.to_string().contains("cluster.advertise_url"))
        );
        let alone = Config::load_alone(&of_service).unwrap();
        assert!(alone.cluster.is_none() && alone.recognizer.max_clients == 7);
        // A key that does not exist is still a mistake.
        let error = Config::load_alone(&flags("[cluster]\nredis = \"redis://10.0.0.5\"\n")).unwrap_err();
        assert!(error.to_string().contains("there is no key `cluster.redis`"), "{error}");
    }

    #[test]
    fn a_file_that_is_none_leaves_the_defaults() {
        let (config, mistakes) = of("[server\n");
        assert_eq!(config.server.max_connections, 1024);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }
}
