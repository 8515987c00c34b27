//! Who reaches the server, what they need for it, and the addresses under which they do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::{Config, Who};
use sightwire_access::guard::Mode;
use sightwire_access::key::Key;
use sightwire_access::record::NewKey;
use sightwire_access::session::LONGEST;
use sightwire_access::store::StoreError;
use sightwire_access::{Role, Scope};
use sightwire_listen::names::{self, HostNames};
use sightwire_tls::certificates::{CertificateError, NamesNow};
use sightwire_tls::{Certificates, Names};

/// How networks of containers and virtual machines are called, which nobody else is in.
const INNER: [&str; 4] = ["docker", "br-", "veth", "virbr"];

/// The path of the authority's certificate: a device that is to trust it has not logged in yet.
pub const AUTHORITY: &str = "/login/authority.crt";

/// What a browser opens that is to log in, below an address such as `https://192.168.1.5:8000`. What follows `#` is sent to
/// nobody by itself.
pub fn login_url(base: &str, token: &str) -> String {
    format!("{base}/login#link={token}")
}

/// Where a server is found.
#[derive(Debug)]
pub struct Reach {
    /// Addresses that it listens on.
    pub listen: Vec<SocketAddr>,
    /// What encrypts its connections, if something does.
    pub certificates: Option<Arc<Certificates>>,
}

impl Reach {
    /// Reads the certificate, or has one made; an error where it cannot be shown.
    pub fn new(config: &Config, listen: Vec<SocketAddr>) -> Result<Self, CertificateError> {
        let names = |listen: &[SocketAddr]| names_now(config, listen.to_vec());
        let options = config.tls.options.clone();
        let all = [&*listen, &*config.engine.listen].concat();
        let certificates = options.map(|options| Certificates::open(options, names(&all))).transpose()?;
        Ok(Self { listen, certificates })
    }

    /// What addresses begin with.
    pub fn scheme(&self) -> &'static str {
        if self.certificates.is_some() { "https" } else { "http" }
    }

    /// What other machines open, where it listens for them: `https://192.168.1.5:8000`.
    pub fn urls(&self) -> Vec<String> {
        let addresses = addresses_to_open(&self.listen);
        addresses.into_iter().map(|address| format!("{}://{address}", self.scheme())).collect()
    }

    /// What other machines open, also where it listens on one address alone.
    pub fn url_for_others(&self) -> Option<String> {
        let listened = || self.listen.iter().find(|a| !is_loopback(a.ip()) && !a.ip().is_unspecified());
        let of_listened = || listened().map(|address| format!("{}://{address}", self.scheme()));
        self.urls().into_iter().next().or_else(of_listened)
    }

    /// Where those are sent who come to an address without encryption: one that others reach, if there is one.
    pub fn redirect_port(&self) -> u16 {
        let outer = self.listen.iter().find(|address| !is_loopback(address.ip()));
        outer.or(self.listen.first()).map_or(443, SocketAddr::port)
    }
}

/// The names and addresses of this machine, as far as somebody may ask for them.
pub fn names_now(config: &Config, listen: Vec<SocketAddr>) -> NamesNow {
    let hosts: Vec<String> = config.host_names().listed().collect();
    Box::new(move || {
        let own = names::of_this_machine().into_iter().map(String::from);
        let found = addresses_to_open(&listen);
        let addresses = found.iter().chain(&listen).map(SocketAddr::ip);
        Names::new(own.chain(hosts.iter().cloned()), addresses)
    })
}

/// For the operator: what anybody may do without a key, or with what they read.
pub fn access_warnings(config: &Config) -> Vec<String> {
    let anyone = [
        (config.server.managing, "server.managing", "ends streams and viewers"),
        (config.cameras.changing, "cameras.changing", "changes cameras"),
        (config.recognizer.switching, "recognizer.switching", "switches the model"),
    ];
    let anyone = anyone.into_iter().filter(|(who, ..)| *who == Who::Anyone).map(|(_, key, what)| {
        format!(
            "{key} is \"anyone\": whoever reaches this server {what}, without a key; make an operator's key (`sightwire keys add --role operator`) and set it to \"local\""
        )
    });
    let open = (config.access.mode == Mode::Open).then(|| {
        let reached: Vec<String> = remote_addresses(config).map(ToString::to_string).collect();
        let by = if reached.is_empty() { String::new() } else { format!(", from other machines, too ({})", reached.join(", ")) };
        format!("access.mode is \"open\": whoever reaches this server{by} sees every camera, stream and text, and may send streams")
    });
    let legacy = config.access.legacy.iter().map(|legacy| {
        format!(
            "[[access.legacy]]: whoever comes from {} is {} without a key, for {} ({}, {})",
            legacy.networks(),
            legacy.role().with_article(),
            legacy.paths(),
            legacy.scope().streams_in_words(),
            legacy.scope().uses_in_words(),
        )
    });
    let believed = &config.server.trusted_proxies;
    let forged = config.access.legacy.iter().filter(|legacy| legacy.overlaps(believed)).map(|legacy| {
        format!(
            "[[access.legacy]]: some of {} are in server.trusted_proxies: a client there that is no proxy may say that it comes from any address; name the proxies' own addresses alone",
            legacy.networks()
        )
    });
    let passes_on = (!config.engine.listen.is_empty() && config.engine.remote.is_some()).then(|| {
        "engine.listen: nobody is served, since this server has pictures looked at elsewhere itself (engine.remote), and passes none on; set only one of them".to_owned()
    });
    let store = config.access_store();
    let exposed = store.is_exposed().then(|| {
        let path = store.path().display();
        format!("{path} can be read or changed by others than its owner; run `chmod 600 {path}`")
    });
    open.into_iter().chain(legacy).chain(forged).chain(anyone).chain(passes_on).chain(exposed).collect()
}

fn remote_addresses(config: &Config) -> impl Iterator<Item = &SocketAddr> {
    let all = config.server.listen.iter().chain(&config.engine.listen);
    all.filter(|address| !is_loopback(address.ip()))
}

/// Whether somebody may come who needs a key: from another machine, through a proxy for a name, or everybody.
pub fn needs_keys(config: &Config) -> bool {
    match config.access.mode {
        Mode::Open => false,
        Mode::Protected => true,
        Mode::Auto => {
            remote_addresses(config).next().is_some() || config.server.hosts != HostNames::default()
        }
    }
}

/// Makes the first key where some are needed and nobody could make any: an admin's. It is not kept, so it has to be shown now.
pub fn first_key(config: &Config) -> Result<Option<Key>, StoreError> {
    let (store, now) = (config.access_store(), SystemTime::now());
    if !needs_keys(config) || store.load()?.has_admin(now) {
        return Ok(None);
    }
    let wanted =
        NewKey { name: Some("first".to_owned()), role: Role::Admin, scope: Scope::ALL, expires: None };
    store.update(|records| {
        // Another server with this store may have been faster.
        if records.has_admin(now) { Ok(None) } else { Ok(Some(records.add_key(&wanted, now)?.0)) }
    })
}

/// The name of the key that logs in who scans the code at the start.
const OF_LAN: &str = "code at the start";
/// It is of this role: somebody with a phone wants to use its camera.
const LAN_ROLE: Role = Role::Streamer;
/// And for this long: a session lasts no longer.
const LAN_LASTS: Duration = LONGEST;

/// Makes the key that a code in the terminal logs a device in with; the one of the start before counts no more. Its id and its
/// role.
pub fn lan_key(config: &Config) -> Result<(String, Role), StoreError> {
    let now = SystemTime::now();
    let wanted = NewKey {
        name: Some(OF_LAN.to_owned()),
        role: LAN_ROLE,
        scope: Scope::ALL,
        expires: Some(now + LAN_LASTS),
    };
    config.access_store().update(|records| {
        records.keys.retain(|key| key.name != OF_LAN);
        Ok((records.add_key(&wanted, now)?.1.id, LAN_ROLE))
    })
}

/// Addresses to open on other machines, where the server listens on all of this machine's.
pub fn addresses_to_open(listen: &[SocketAddr]) -> Vec<SocketAddr> {
    // That they cannot be learned is no reason not to serve.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let outer = interfaces.iter().filter(|one| !INNER.iter().any(|inner| one.name.starts_with(inner)));
    to_open(listen, &outer.map(if_addrs::Interface::ip).collect::<Vec<_>>())
}

fn to_open(listen: &[SocketAddr], own: &[IpAddr]) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for address in listen.iter().filter(|address| address.ip().is_unspecified()) {
        let reaches = |ip: &&IpAddr| match ip {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            // Those of a link cannot be opened without the interface's name.
            IpAddr::V6(v6) => address.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
        };
        found.extend(own.iter().filter(reaches).map(|ip| SocketAddr::new(*ip, address.port())));
    }
    found.sort();
    found.dedup();
    found
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::load;

    fn config(flags: &[&str]) -> Config {
        let mut layers = load::default_layers();
        for flag in flags {
            layers.add_flag(flag).unwrap();
        }
        Config::from_layers(&layers).unwrap()
    }

    #[test]
    fn what_anybody_may_without_a_key_is_warned_of() {
        let home = tempfile::tempdir().unwrap();
        let of_home = format!("store.home={}", home.path().display());
        let warned = |flags: &[&str]| access_warnings(&config(&[&[&*of_home], flags].concat()));
        assert_eq!(warned(&["server.listen=0.0.0.0:1"]), [""; 0], "they need keys");
        let open = warned(&["access.mode=open"]);
        assert!(open.len() == 1 && open[0].contains("\"open\"") && !open[0].contains("machines"), "{open:?}");
        for address in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "[fd00::1]:1"] {
            let open = warned(&["access.mode=open", &format!("server.listen=127.0.0.1:1,{address}")]);
            assert!(open[0].contains(&format!("({address})")), "{open:?}");
            let models = warned(&["access.mode=open", &format!("engine.listen={address}")]);
            assert!(models[0].contains(&format!("({address})")), "{models:?}");
        }
        let both = warned(&["engine.listen=8001", "engine.remote=grpc://gpu:8001"]);
        assert!(both.len() == 1 && both[0].starts_with("engine.listen: nobody is served"), "{both:?}");
        let legacy = |proxies: &str| {
            let table =
                "[[access.legacy]]\npaths = [\"/labels\"]\nnetworks = [\"10.9.0.0/16\"]\nrole = \"viewer\"";
            let own = format!("store.home = {:?}\nserver.trusted_proxies = [{proxies:?}]", home.path());
            access_warnings(&Config::of_toml(&format!("{own}\n{table}")).unwrap())
        };
        assert_eq!(legacy("192.168.1.2").len(), 1);
        assert!(legacy("10.0.0.0/8")[1].contains("10.9.0.0/16 are in server.trusted_proxies"));
        let anyone = warned(&["server.managing=anyone", "recognizer.switching=anyone"]);
        assert_eq!(anyone.len(), 2, "{anyone:?}");
        assert!(anyone[0].starts_with("server.managing is \"anyone\""), "{anyone:?}");
        lan_key(&config(&[&of_home])).unwrap();
        assert_eq!(warned(&[]), [""; 0]);
        let file = home.path().join("access.json");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = warned(&[]);
        assert!(exposed[0].contains(&format!("chmod 600 {}", file.display())), "{exposed:?}");
    }

    #[test]
    fn the_first_key_is_made_once_and_only_where_somebody_needs_one() {
        let home = tempfile::tempdir().unwrap();
        let home = format!("store.home={}", home.path().display());
        let first = |flags: &[&str]| {
            first_key(&config(&[&[&*home], flags].concat())).unwrap().map(|key| key.reveal().to_owned())
        };
        assert_eq!(first(&[]), None, "only this machine reaches it");
        assert_eq!(first(&["server.listen=127.0.0.2:1,[::1]:1,[::ffff:127.0.0.1]:1"]), None);
        assert_eq!(first(&["engine.listen=127.0.0.2:1,[::1]:1"]), None);
        assert_eq!(first(&["server.listen=0.0.0.0:1", "access.mode=open"]), None);
        let key = first(&["server.listen=127.0.0.1:1,[fd00::1]:1"]).unwrap();
        assert_eq!(first(&["server.listen=0.0.0.0:1"]), None, "there is one");
        let guard = config(&[&home]).build_guard().unwrap();
        let principal = guard.keyring().find_principal(&key, SystemTime::now()).unwrap();
        assert_eq!(principal.role(), Some(Role::Admin));
        let (first, _) = lan_key(&config(&[&home])).unwrap();
        let (second, role) = lan_key(&config(&[&home])).unwrap();
        guard.keyring().take_up().unwrap();
        let of_id = |id: &str| guard.keyring().of_id(id, SystemTime::now());
        assert!(of_id(&first).is_err() && of_id(&second).unwrap().role() == Some(role));
        for flags in [
            "access.mode=protected",
            "server.hosts=vision.example",
            "server.listen=[::]:1",
            "engine.listen=0.0.0.0:1",
        ] {
            assert!(needs_keys(&config(&[flags])), "{flags}");
        }
    }

    #[test]
    fn who_comes_without_encryption_is_sent_to_where_others_reach_it() {
        let reach = |listen: &[&str]| Reach {
            listen: listen.iter().map(|address| address.parse().unwrap()).collect(),
            certificates: None,
        };
        assert_eq!(reach(&["127.0.0.1:8000", "192.168.1.5:443"]).redirect_port(), 443);
        assert_eq!(reach(&["127.0.0.1:8000", "[::1]:8001"]).redirect_port(), 8000);
        let url = |listen: &[&str]| reach(listen).url_for_others();
        assert_eq!(url(&["127.0.0.1:8000", "192.168.1.5:8000"]).as_deref(), Some("http://192.168.1.5:8000"));
        assert_eq!(url(&["127.0.0.1:8000"]), None);
    }

    #[test]
    fn only_addresses_that_others_can_open_are_named() {
        let own = ["127.0.0.1", "192.168.1.5", "169.254.1.1", "fe80::1", "fd00::5", "::1"];
        let own: Vec<IpAddr> = own.iter().map(|ip| ip.parse().unwrap()).collect();
        let open = |listen: &[&str]| {
            let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
            to_open(&listen, &own).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(open(&["0.0.0.0:80"]), ["192.168.1.5:80"]);
        assert_eq!(open(&["[::]:80"]), ["192.168.1.5:80", "[fd00::5]:80"]);
        assert_eq!(open(&["0.0.0.0:80", "[::]:80"]), ["192.168.1.5:80", "[fd00::5]:80"]);
        assert!(open(&["127.0.0.1:80", "192.168.1.5:80"]).is_empty());
    }
}
