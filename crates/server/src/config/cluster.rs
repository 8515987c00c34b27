//! `cluster.*`: several processes that act as one.
//!
//! - `objects`: storage that they read

mod objects;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::{Host, Url};

use super::access::read_key;
use sightwire_listen::names::HostNames;

use super::{Config, ConfigError, Layers, Values};
pub use objects::ObjectsConfig;

/// Bytes of the secret, at least.
const MIN_SECRET: usize = 32;
/// Redis confirms keys and users with each heartbeat, every 1.7 s, and one of those may fail.
const MIN_RIGHTS_AGE_S: f64 = 5.0;
/// Characters of a name or a prefix, at most.
const MAX_NAME: usize = 64;

/// Over which Redis, and as which of several processes, this one works.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// With one of the schemes `redis`, `rediss` and `redis+unix`. May hold a name and a password.
    pub redis_url: String,
    /// Where the others reach this process: http or https, a host, perhaps a port, and nothing else.
    pub advertise_url: Url,
    /// Of this process; that no other has it is for Redis to say.
    pub name: String,
    /// The same for all processes; at least 32 bytes, without spaces around it.
    pub secret: String,
    /// Of the keys in Redis.
    pub prefix: String,
    pub when_down: WhenDown,
    /// So long keys and users count that Redis has not confirmed.
    pub rights_max_age: Duration,
    /// Authorities that other processes' and Redis's certificates have to come from, if not from those that are trusted anyway.
    pub ca_file: Option<PathBuf>,
    /// Batches that workers read; `None` if no folder is named whose pictures are.
    pub jobs: Option<JobsConfig>,
}

/// What processes need that read batches in common, and serve nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct JobsConfig {
    /// As in [`ClusterConfig`].
    pub redis_url: String,
    /// As in [`ClusterConfig`].
    pub prefix: String,
    /// As in [`ClusterConfig`].
    pub ca_file: Option<PathBuf>,
    /// Where pictures may lie, absolute.
    pub folders: Vec<PathBuf>,
    /// Where else they may.
    pub objects: ObjectsConfig,
    /// Where jobs are kept, absolute; `None` takes a folder in `store.home`.
    pub jobs_folder: Option<PathBuf>,
}

/// Without the address of Redis.
impl fmt::Debug for JobsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobsConfig").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// What becomes of a stream that begins while Redis does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDown {
    /// It begins, though another process may have one of its name.
    Accept,
    /// It does not.
    Refuse,
}

/// Without the secret, and without the address of Redis.
impl fmt::Debug for ClusterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterConfig")
            .field("name", &self.name)
            .field("advertise_url", &self.advertise_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Names of this server: those that are listed, and the one by which other processes know it.
    pub fn hosts(&self) -> HostNames {
        let advertised = self.cluster.as_ref().and_then(|cluster| cluster.advertise_url.host_str());
        let listed = self.server.hosts.clone();
        advertised.map_or_else(|| listed.clone(), |host| listed.clone().with(host))
    }
}

pub(super) fn read(r: &Values<'_>) -> Result<Option<ClusterConfig>, ConfigError> {
    if r.text("cluster.redis_url").is_empty() {
        let set = r.0.changed_since(&Layers::defaults());
        let unused = set.into_iter().find(|key| key.starts_with("cluster."));
        let reason = "it means nothing while cluster.redis_url is empty; set that, or take this away";
        return unused.map_or(Ok(None), |key| Err(r.invalid(key, reason)));
    }
    if r.text("tls.mode") == "self-signed" && !r.text("tls.client_ca_file").is_empty() {
        let reason = "processes would have to show each other a certificate of those authorities, and with tls.mode = \"self-signed\" \
                      they have none; use tls.mode = \"files\" with a certificate of theirs that is for clients, too";
        return Err(r.invalid("tls.client_ca_file", reason));
    }
    let jobs = read_jobs(r)?;
    let JobsConfig { redis_url, prefix, ca_file, .. } = jobs.clone();
    let advertise_url = advertise_url(r)?;
    Ok(Some(ClusterConfig {
        redis_url,
        name: name(r, &advertise_url)?,
        advertise_url,
        secret: secret(r)?,
        prefix,
        when_down: match r.text("cluster.when_down").as_str() {
            "accept" => WhenDown::Accept,
            "refuse" => WhenDown::Refuse,
            _ => return Err(r.invalid("cluster.when_down", "it must be accept or refuse")),
        },
        rights_max_age: r.seconds("cluster.rights_max_age_s", MIN_RIGHTS_AGE_S, 1e7)?,
        ca_file,
        jobs: Some(jobs).filter(|jobs| !jobs.folders.is_empty() || !jobs.objects.buckets.is_empty()),
    }))
}

/// What is needed to read batches in common.
pub(super) fn read_jobs(r: &Values<'_>) -> Result<JobsConfig, ConfigError> {
    if r.text("cluster.redis_url").is_empty() {
        let reason =
            "batches are read in common over a Redis: write where it is, such as redis://192.168.1.9:6379";
        return Err(r.invalid("cluster.redis_url", reason));
    }
    let redis_url = redis_url(r)?;
    let prefix = r.text("cluster.prefix");
    if let Some(reason) = unfit(&prefix) {
        return Err(r.invalid("cluster.prefix", &reason));
    }
    let absolute = |key, folder: &str| {
        let folder = PathBuf::from(folder);
        if folder.is_absolute() {
            Ok(folder)
        } else {
            Err(r.invalid(key, "it must be absolute, as /mnt/scans is"))
        }
    };
    let folders = r.list("cluster.folders")?;
    let folders =
        folders.iter().map(|folder| absolute("cluster.folders", folder)).collect::<Result<_, _>>()?;
    let jobs_folder = r.text("cluster.jobs_folder");
    let jobs_folder = Some(jobs_folder.as_str()).filter(|folder| !folder.is_empty());
    Ok(JobsConfig {
        redis_url,
        prefix,
        ca_file: Some(r.text("cluster.ca_file")).filter(|file| !file.is_empty()).map(PathBuf::from),
        folders,
        objects: objects::read(r)?,
        jobs_folder: jobs_folder.map(|folder| absolute("cluster.jobs_folder", folder)).transpose()?,
    })
}

/// What is wrong never shows the address.
fn redis_url(r: &Values<'_>) -> Result<String, ConfigError> {
    let text = r.text("cluster.redis_url");
    let invalid = |reason| r.invalid("cluster.redis_url", reason);
    let example = "write it as redis://10.0.0.9:6379, rediss://10.0.0.9:6379 (over TLS) or redis+unix:///run/redis.sock; \
                   in a name or password, write %2F for a slash, %3F for a question mark, %23 for a # and %25 for a percent sign";
    let url: Url = text.parse().map_err(|_| invalid(example))?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "redis" | "rediss" if host.is_empty() => return Err(invalid(example)),
        "redis" | "rediss" if url.query().is_some() || url.fragment().is_some() => {
            return Err(invalid(example));
        }
        "redis" | "rediss" => {
            let database = url.path().trim_matches('/');
            if !database.is_empty() && database.parse::<u32>().is_err() {
                let reason =
                    "what follows the host must be the number of a database, such as /0, or be left out";
                return Err(invalid(reason));
            }
        }
        "redis+unix" if host.is_empty() && url.path().len() > 1 => {}
        _ => return Err(invalid(example)),
    }
    Ok(text)
}

fn advertise_url(r: &Values<'_>) -> Result<Url, ConfigError> {
    let text = r.text("cluster.advertise_url");
    let invalid = |reason: &str| r.invalid("cluster.advertise_url", reason);
    if text.is_empty() {
        let reason = "the other processes have to reach this one, since cluster.redis_url is set; \
                      write where they do, such as http://192.168.1.20:8000";
        return Err(invalid(reason));
    }
    let Some(url) = plain_url(&text) else {
        let reason = "write it as http://192.168.1.20:8000 or https://a.example.org, \
                      without name, password, path or query";
        return Err(invalid(reason));
    };
    if leads_nowhere(&url) {
        let reason = "nobody can be reached there; write the address at which the other processes reach this one, \
                      such as http://192.168.1.20:8000";
        return Err(invalid(reason));
    }
    let mut listen = r.addresses("server.listen")?.into_iter();
    if is_loopback(&url) && listen.any(|address| !address.ip().to_canonical().is_loopback()) {
        let reason = "it leads other machines to themselves, and server.listen lets them in; write this machine's own address, \
                      such as http://192.168.1.20:8000, or let server.listen be on loopback, too";
        return Err(invalid(reason));
    }
    if url.scheme() == "http" && r.text("tls.mode") != "off" {
        let reason = "with tls.mode all addresses of this server speak HTTPS; write it with https://";
        return Err(invalid(reason));
    }
    Ok(url)
}

/// http or https, a host, perhaps a port, and nothing else.
fn plain_url(text: &str) -> Option<Url> {
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && (url.username(), url.password()) == ("", None)
            && (url.path(), url.query(), url.fragment()) == ("/", None, None)
    };
    text.parse().ok().filter(is_plain)
}

/// Whether it is the address of a listener, and not one to connect to.
fn leads_nowhere(url: &Url) -> bool {
    let is_any = match url.host() {
        Some(Host::Ipv4(address)) => address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_unspecified(),
        Some(Host::Domain(_)) | None => false,
    };
    is_any || url.port() == Some(0)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

fn name(r: &Values<'_>, advertise_url: &Url) -> Result<String, ConfigError> {
    let name = r.text("cluster.name");
    let is_set = !name.is_empty();
    let name = if is_set { name } else { host_and_port(advertise_url) };
    let Some(reason) = unfit(&name) else { return Ok(name) };
    let reason = if is_set {
        reason
    } else {
        format!("it is left out, so it would be {name:?}, from cluster.advertise_url, and {reason}; set it")
    };
    Err(r.invalid("cluster.name", &reason))
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

/// Why that can be no name or prefix.
fn unfit(text: &str) -> Option<String> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    let length = text.chars().count();
    if length == 0 || length > MAX_NAME {
        Some(format!("it must have 1 to {MAX_NAME} characters; it has {length}"))
    } else if !text.chars().all(is_fine) {
        Some("it must have letters, digits, `.`, `_`, `:` and `-` alone".to_owned())
    } else {
        None
    }
}

/// What is wrong never shows any of it.
fn secret(r: &Values<'_>) -> Result<String, ConfigError> {
    let (text, file) = (r.text("cluster.secret"), r.text("cluster.secret_file"));
    let (key, text) = match (text.is_empty(), file.is_empty()) {
        (true, true) => {
            let reason = "the processes know each other by a secret of which at least 32 bytes are needed: `openssl rand -hex 32` \
                          makes one; write it into a file that is named here, the same at each process, or into SIGHTWIRE_CLUSTER_SECRET";
            return Err(r.invalid("cluster.secret_file", reason));
        }
        (false, false) => {
            let reason = "cluster.secret is set, too; take one of them away";
            return Err(r.invalid("cluster.secret_file", reason));
        }
        (false, true) => ("cluster.secret", text),
        (true, false) => {
            let invalid = |reason: &str| r.invalid("cluster.secret_file", reason);
            let bytes = read_key(Path::new(&file))
                .map_err(|error| invalid(&format!("it cannot be read: {error}")))?;
            let text = String::from_utf8(bytes).map_err(|_| {
                invalid("what stands in it is no text; write there what `openssl rand -hex 32` says")
            })?;
            ("cluster.secret_file", text.trim().to_owned())
        }
    };
    if text.len() < MIN_SECRET {
        let reason = format!(
            "the secret has {} bytes, and at least {MIN_SECRET} are needed; `openssl rand -hex 32` makes one, for all processes the same",
            text.len()
        );
        return Err(r.invalid(key, &reason));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, keys};

    const REDIS: &str = "cluster.redis_url=redis://10.0.0.9:6379";
    const URL: &str = "cluster.advertise_url=http://192.168.1.20:8000";
    const SECRET: &str = "cluster.secret=0123456789abcdef0123456789abcdef";

    /// With all of these set, one after the other.
    fn of(set: &[&str]) -> Result<Option<ClusterConfig>, String> {
        let mut layers = Layers::defaults();
        for set in set {
            layers.add_flag(set).map_err(|error| error.to_string())?;
        }
        Config::from_layers(&layers).map(|config| config.cluster).map_err(|error| error.to_string())
    }

    /// With these instead of what a cluster needs, or beside it.
    fn with(set: &[&str]) -> Result<ClusterConfig, String> {
        of(&[&[REDIS, URL, SECRET], set].concat()).map(Option::unwrap)
    }

    fn assert_mistake(error: &str, key: &str, parts: &[&str]) {
        assert!(error.contains(&format!("`{key}`")), "{key}: {error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
    }

    #[test]
    fn a_process_is_alone_until_it_is_told_of_a_redis() {
        assert_eq!(of(&[]), Ok(None));
        let cluster = with(&[]).unwrap();
        assert_eq!(cluster.redis_url, "redis://10.0.0.9:6379");
        assert_eq!(cluster.advertise_url.as_str(), "http://192.168.1.20:8000/");
        assert_eq!(cluster.name, "192.168.1.20:8000");
        assert_eq!(cluster.secret, "0123456789abcdef0123456789abcdef");
        assert_eq!((&*cluster.prefix, cluster.when_down), ("sightwire", WhenDown::Accept));
        assert_eq!((cluster.rights_max_age, cluster.ca_file), (Duration::from_secs(3600), None));
        let set = ["name=left", "prefix=hall:2", "when_down=refuse", "rights_max_age_s=60", "ca_file=/a.pem"];
        let set = set.map(|set| format!("cluster.{set}"));
        let cluster = with(&set.each_ref().map(String::as_str)).unwrap();
        assert_eq!((&*cluster.name, &*cluster.prefix), ("left", "hall:2"));
        assert_eq!((cluster.when_down, cluster.rights_max_age), (WhenDown::Refuse, Duration::from_secs(60)));
        assert_eq!(cluster.ca_file, Some(PathBuf::from("/a.pem")));
    }

    #[test]
    fn a_process_without_a_name_has_that_of_where_it_is_reached() {
        for (url, name) in [
            ("https://Vision.example.org/", "vision.example.org:443"),
            ("http://a", "a:80"),
            ("http://[fd00::7]:8000", "fd00::7:8000"),
        ] {
            assert_eq!(with(&[&format!("cluster.advertise_url={url}")]).unwrap().name, name);
        }
        let error = with(&["cluster.advertise_url=http://a~b:8000"]).unwrap_err();
        assert_mistake(&error, "cluster.name", &["\"a~b:8000\"", "from cluster.advertise_url", "set it"]);
    }

    #[test]
    fn nothing_is_set_for_a_process_that_is_alone() {
        for set in [
            URL,
            SECRET,
            "cluster.name=a",
            "cluster.secret_file=/a",
            "cluster.prefix=a",
            "cluster.when_down=refuse",
            "cluster.rights_max_age_s=60",
            "cluster.ca_file=/a",
        ] {
            let key = set.split('=').next().unwrap();
            assert_mistake(
                &of(&[set]).unwrap_err(),
                key,
                &["while cluster.redis_url is empty", "take this away"],
            );
        }
        assert_eq!(of(&["cluster.when_down=accept", "cluster.rights_max_age_s=3600"]), Ok(None));
    }

    #[test]
    fn an_address_that_no_redis_has_is_a_mistake_that_shows_none_of_it() {
        for fine in [
            "redis://127.0.0.1",
            "redis://:s3cret@a:6379/0",
            "rediss://me:s3cret%2F%23@[::1]:6379/",
            "redis+unix:///run/redis.sock",
            "redis+unix:///run/redis.sock?pass=s3cret",
        ] {
            let cluster = with(&[&format!("cluster.redis_url={fine}")]).unwrap();
            assert_eq!(cluster.redis_url, fine);
            assert!(!format!("{cluster:?}").contains("s3cret"));
        }
        for wrong in [
            "10.0.0.9:6379",
            "s3cret",
            "http://:s3cret@10.0.0.9",
            "unix:///run/s3cret.sock",
            "redis:///0",
            "redis://:s3cret/with@10.0.0.9",
            "redis://:s3cret#with@10.0.0.9",
            "redis://:s3cret?with@10.0.0.9",
            "rediss://10.0.0.9/#s3cret",
            "redis+unix://run/s3cret.sock",
            "redis+unix:///",
        ] {
            let error = with(&[&format!("cluster.redis_url={wrong}")]).unwrap_err();
            assert_mistake(
                &error,
                "cluster.redis_url",
                &["write it as redis://10.0.0.9:6379", "redis+unix:///run"],
            );
            assert!(!error.contains("s3cret"), "{error}");
        }
        let error = with(&["cluster.redis_url=redis://:s3cret@10.0.0.9/main"]).unwrap_err();
        assert_mistake(&error, "cluster.redis_url", &["number of a database"]);
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn the_others_are_told_of_an_address_at_which_they_can_reach_this_process() {
        assert_mistake(
            &of(&[REDIS, SECRET]).unwrap_err(),
            "cluster.advertise_url",
            &["http://192.168.1.20:8000"],
        );
        for wrong in [
            "192.168.1.20:8000",
            "ws://192.168.1.20:8000",
            "http://",
            "http://a/vision",
            "http://a/?x=1",
            "http://a/#x",
            "http://me:s3cret@a",
        ] {
            let error = with(&[&format!("cluster.advertise_url={wrong}")]).unwrap_err();
            assert_mistake(&error, "cluster.advertise_url", &["without name, password, path or query"]);
            assert!(!error.contains("s3cret"), "{error}");
        }
        for nowhere in ["http://0.0.0.0:8000", "http://[::]:8000", "http://a:0"] {
            let error = with(&[&format!("cluster.advertise_url={nowhere}")]).unwrap_err();
            assert_mistake(
                &error,
                "cluster.advertise_url",
                &["nobody can be reached there", "write the address"],
            );
        }
        for here in ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::ffff:127.0.0.1]:8000"] {
            let url = format!("cluster.advertise_url={here}");
            assert!(with(&[&url]).is_ok(), "the server, too, listens on loopback");
            let error = with(&[&url, "server.listen=127.0.0.1:8000,0.0.0.0:8001"]).unwrap_err();
            assert_mistake(&error, "cluster.advertise_url", &["server.listen", "http://192.168.1.20:8000"]);
        }
        let error = with(&["tls.mode=self-signed"]).unwrap_err();
        assert_mistake(&error, "cluster.advertise_url", &["speak HTTPS", "https://"]);
        assert!(with(&["cluster.advertise_url=https://a.example.org"]).is_ok(), "a proxy may speak it");
        let own = ["cluster.advertise_url=https://a.example.org", "tls.mode=self-signed"];
        assert!(with(&own).is_ok());
        let error = with(&[&own[..], &["tls.client_ca_file=/a.pem"]].concat()).unwrap_err();
        assert_mistake(&error, "tls.client_ca_file", &["show each other", "\"files\""]);
    }

    #[test]
    fn names_and_prefixes_stand_in_keys_and_headers_as_they_are() {
        for key in ["cluster.name", "cluster.prefix"] {
            for wrong in ["a b", "a/b", "{a}", "ä"] {
                let error = with(&[&format!("{key}={wrong}")]).unwrap_err();
                assert_mistake(&error, key, &[wrong, "letters, digits"]);
            }
            let set = |length| with(&[&format!("{key}={}", "x".repeat(length))]);
            assert!(set(64).is_ok());
            assert_mistake(&set(65).unwrap_err(), key, &["1 to 64 characters; it has 65"]);
        }
        assert_mistake(&with(&["cluster.prefix="]).unwrap_err(), "cluster.prefix", &["it has 0"]);
    }

    #[test]
    fn a_secret_is_needed_and_stands_in_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let in_file = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            of(&[REDIS, URL, &format!("cluster.secret_file={}", file.display())])
        };
        let secret = "s3cret".repeat(6);
        assert_eq!(in_file(format!("{secret} \r\n").as_bytes()).unwrap().unwrap().secret, secret);
        for (set, first, second) in [
            (in_file(b"s3cret\n"), "6 bytes", "openssl rand -hex 32"),
            (in_file(b""), "0 bytes", "openssl rand -hex 32"),
            (in_file(&[0xff; 40]), "is no text", "openssl rand -hex 32"),
            (of(&[REDIS, URL, "cluster.secret_file=/none/s"]), "/none/s", "cannot be read"),
            (of(&[REDIS, URL]), "SIGHTWIRE_CLUSTER_SECRET", "`openssl rand -hex 32`"),
            (with(&["cluster.secret_file=/a"]).map(Some), "cluster.secret is set", "take one of them away"),
        ] {
            let error = set.unwrap_err();
            assert_mistake(&error, "cluster.secret_file", &[first, second]);
            assert!(!error.contains("s3cret"), "{error}");
        }
        let error = with(&["cluster.secret=s3cret"]).unwrap_err();
        assert_mistake(&error, "cluster.secret", &["6 bytes", "32", "openssl rand -hex 32"]);
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn the_rest_is_within_bounds() {
        for (key, wrong, part) in [
            ("cluster.when_down", "wait", "accept or refuse"),
            ("cluster.rights_max_age_s", "4", "from 5"),
            ("cluster.rights_max_age_s", "1e8", "to 10000000"),
            ("cluster.rights_max_age_s", "nan", "from 5"),
        ] {
            assert_mistake(&with(&[&format!("{key}={wrong}")]).unwrap_err(), key, &[part]);
        }
    }

    #[test]
    fn neither_the_secret_nor_the_password_of_redis_is_shown_wherever_it_stands() {
        let mut layers = Layers::defaults();
        let variables = [
            ("SIGHTWIRE_CLUSTER_REDIS_URL", "redis://:s3cret@10.0.0.9"),
            ("SIGHTWIRE_CLUSTER_ADVERTISE_URL", "http://192.168.1.20:8000"),
            ("SIGHTWIRE_CLUSTER_SECRET", "s3cret-s3cret-s3cret-s3cret-s3cret"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        layers.add_environment(variables, crate::Origin::Environment).unwrap();
        let config = Config::from_layers(&layers).unwrap();
        assert_eq!(config.cluster.as_ref().unwrap().secret, "s3cret-s3cret-s3cret-s3cret-s3cret");
        assert!(!format!("{config:?}").contains("s3cret"));
        for text in [
            "redis_url = \"redis://:s3cret@a",
            "redis_url = [\"redis://:s3cret@a\"]",
            "redis_url = \"redis://:s3cret@a\"\nredis_url = \"redis://:s3cret@a\"",
            "advertise_url = \"redis://:s3cret@a\"",
            "secret = \"s3cret",
            "secret = [\"s3cret\"]",
            "secret s3cret",
            "secret = \"\"\"\ns3cret",
            "\"secret\" = s3cret",
            "{ secret = \"s3cret\" ",
        ] {
            let error = Config::of_toml(&format!("[cluster]\n{text}\n")).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        for flag in [
            "cluster.secret=s3cret",
            "cluster.secrt=s3cret",
            "cluster.secret:s3cret",
            "cluster.secret s3cret",
            "cluster.secret.x=s3cret",
            "cluster.redis_ur=redis://:s3cret@a",
            "cluster.redis_url=redis://:s3,cret@a s3cret",
            "SIGHTWIRE_CLUSTER_SECRET=s3cret",
        ] {
            let error = of(&[flag]).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let may_hold = ["cluster.redis_url", "cluster.secret"].map(keys::may_hold_password);
        assert_eq!((may_hold, keys::may_hold_password("cluster.secret_file")), ([true; 2], false));
    }
}
