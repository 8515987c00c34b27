//! Who may come, and how connections are encrypted. No names of keys or users, no hashes.

use std::time::SystemTime;

use sightwire_access::store::StoreError;
use sightwire_server::config::Config;
use sightwire_server::reach;
use sightwire_tls::authority::Authority;
use sightwire_tls::{Certificates, Source};

use super::report::Check;
use crate::print::format_count;

pub(super) fn check_access(config: &Config) -> Vec<Check> {
    let mut checks = vec![check_keys(config)];
    checks.extend(reach::access_warnings(config).into_iter().map(|warning| Check::warn("access", warning)));
    checks.push(check_tls(config));
    checks
}

fn check_keys(config: &Config) -> Check {
    let (store, now) = (config.access_store(), SystemTime::now());
    let records = match store.load() {
        Ok(records) => records,
        Err(error) => return unreadable_store(&error),
    };
    let expired = records.keys.iter().filter(|key| key.has_expired(now)).count();
    let others = [
        (!config.access.legacy.is_empty(), "[[access.legacy]]"),
        (config.access.tokens.is_some(), "tokens"),
        (config.access.proxy.is_some(), "a proxy's login"),
    ];
    let others = others.into_iter().filter(|(is_set, _)| *is_set).map(|(_, what)| format!(", {what}"));
    let says = format!(
        "access.mode is {}; {} ({expired} expired), {}{}",
        config.access.mode.name(),
        format_count(records.keys.len(), "key"),
        format_count(records.users.len(), "user"),
        others.collect::<String>(),
    );
    if reach::needs_keys(config) && !records.has_admin(now) {
        return Check::warn("access", format!("{says}; others need a key, and there is no admin's"))
            .cure("the next start makes one and prints it; so does `sightwire keys add --role admin`");
    }
    Check::ok("access", says)
}

fn unreadable_store(error: &StoreError) -> Check {
    Check::fail("access", error.to_string())
        .cure("the server does not start without it; put a backup of access.json in its place")
}

fn check_tls(config: &Config) -> Check {
    let Some(options) = &config.tls.options else {
        return Check::ok("tls", "off: connections are not encrypted");
    };
    let until = |at| humantime::format_rfc3339_seconds(at);
    match &options.source {
        Source::SelfSigned(folder) => match Authority::open_kept(folder) {
            Ok(None) => Check::ok("tls", "self-signed; the next start makes the authority"),
            Ok(Some(authority)) => {
                let (ends, fingerprint) = (authority.validity().not_after, authority.fingerprint());
                let says = format!("self-signed; authority SHA-256 {fingerprint}, until {}", until(ends));
                if ends < SystemTime::now() {
                    return Check::fail("tls", format!("{says}: that is over"))
                        .cure("the next start makes another, which devices have to trust");
                }
                Check::ok("tls", says)
            }
            Err(error) => Check::fail("tls", error.to_string())
                .cure("`sightwire tls renew` makes another, which devices have to trust"),
        },
        Source::Files { .. } => {
            let names = reach::names_now(config, config.server.listen.clone());
            let facts = match Certificates::open(options.clone(), names) {
                Ok(certificates) => certificates.facts(),
                Err(error) => return Check::fail("tls", error.to_string()),
            };
            let says = format!("files; for {}, until {}", facts.names, until(facts.validity.not_after));
            match facts.warning(SystemTime::now()) {
                None => Check::ok("tls", says),
                Some(warning) if facts.validity.not_after < SystemTime::now() => {
                    Check::fail("tls", says).cure(warning)
                }
                Some(warning) => Check::warn("tls", says).cure(warning),
            }
        }
    }
}
