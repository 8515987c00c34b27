//! `cluster.*`: several processes that act as one.
//!
//! - `objects`: storage that they read

mod objects;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use sightwire_settings::kind::Addresses;
use sightwire_settings::{Section, section};

use sightwire_access::options::read_key;
use sightwire_cluster::options::WhenDown;
use sightwire_listen::names::HostNames;

use super::{Config, ConfigError, Values};
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
    /// What becomes of a stream that begins while Redis does not answer.
    pub when_down: WhenDown,
    /// How long keys and users count that Redis has not confirmed.
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
    pub fn host_names(&self) -> HostNames {
        let advertised = self.cluster.as_ref().and_then(|cluster| cluster.advertise_url.host_str());
        let listed = self.server.hosts.clone();
        advertised.map_or_else(|| listed.clone(), |host| listed.clone().with_host(host))
    }
}

section! {
    /// As it is configured.
    struct ClusterKeys: "cluster" {
        /// Redis (7 or newer), over which several processes of this server act as one:
        /// `redis://name:password@10.0.0.9:6379/0`, `rediss://` over TLS, or `redis+unix:///run/redis.sock`. Never
        /// shown, since it may hold a password. No picture goes through it. Empty: this process is alone, and nothing
        /// else may be set here.
        redis_url: String = key("redis_url", Text, "").secret();
        /// Where the other processes reach this one: `http://192.168.1.20:8000`, https with `tls.mode`; without a path.
        /// Required with `cluster.redis_url`.
        advertise_url: String = key("advertise_url", Text, "");
        /// What this process is called among the others, each of which needs another name: 1 to 64 letters, digits,
        /// `.`, `_`, `:` and `-`. Empty takes host and port of `cluster.advertise_url`.
        name: String = key("name", Text, "");
        /// File with a secret of at least 32 bytes, the same for all processes, by which they know each other: `openssl
        /// rand -hex 32` makes one. Spaces and line breaks around it do not count. It is read at the start. Required
        /// with `cluster.redis_url`, unless `cluster.secret` is set.
        secret_file: Option<PathBuf> = key("secret_file", Path, "");
        /// That secret itself, for the environment (`SIGHTWIRE_CLUSTER_SECRET`). It is never shown.
        secret: String = key("secret", Text, "").secret();
        /// What the keys in Redis begin with, the same for all processes: 1 to 64 letters, digits, `.`, `_`, `:` and
        /// `-`. Another one for each group of processes that share a Redis and do not belong together.
        prefix: String = key("prefix", Text, "sightwire");
        /// What becomes of a stream that begins while Redis does not answer: accept (it begins; if another process
        /// accepts one of the same name meanwhile, one of both is closed with 4090 when Redis is back) or refuse (its
        /// sender is told so and closed with 1013). What flows already goes on either way.
        when_down: WhenDown = key("when_down", Choice(&["accept", "refuse"]), "accept") => when_down;
        /// Seconds without an answer of Redis after which keys and users count no more, since one that was revoked at
        /// another process could not be told: requests with them get 401 until Redis is back. What is open stays open.
        /// At least 5.
        rights_max_age: Duration = key("rights_max_age_s", Seconds(MIN_RIGHTS_AGE_S, 1e7), 3600.0);
        /// Folders whose pictures are read for others by `sightwire worker`, such as `["/mnt/scans"]`: the same place
        /// for all machines. What lies elsewhere is refused, wherever a link leads. A server that has them takes and
        /// tells of batches that workers read.
        folders: Vec<String> = key("folders", List, []);
        /// Where in S3-compatible storage pictures lie that `sightwire worker` reads for others, such as
        /// `["s3://scans/2026"]`: a bucket, or what is below a folder of one. Nothing else is asked for. Credentials
        /// are those of the environment alone: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if they expire,
        /// `AWS_SESSION_TOKEN`.
        buckets: Vec<String> = key("buckets", List, []);
        /// Where that storage is, if it is not Amazon's: `https://minio.example.org:9000`, without a path. Buckets are
        /// asked for in the path, as MinIO, Ceph and Garage have it. Empty: `https://s3.REGION.amazonaws.com`.
        s3_endpoint: String = key("s3_endpoint", Text, "");
        /// The region of that storage, which requests are signed with. Storage without regions takes the default.
        s3_region: String = key("s3_region", Text, "us-east-1");
        /// Whether `cluster.s3_endpoint` may be `http://` elsewhere than on this machine. Whoever can read along then
        /// sees the pictures, and `AWS_SESSION_TOKEN`; the secret key is never sent.
        s3_allow_http: bool = key("s3_allow_http", Flag, false);
        /// Where what is read in common is kept while it is read: a folder that all workers and `sightwire read
        /// --cluster` can write, on a file system that they share. Empty takes `cluster-jobs` in `store.home`, which
        /// does for processes of one machine and one user.
        jobs_folder: Option<PathBuf> = key("jobs_folder", Path, "");
        /// A PEM file with certificate authorities: certificates of the other processes (https), and of Redis
        /// (`rediss://`), have to come from one of them. Empty takes those of the system; and, of processes with
        /// `tls.mode = "self-signed"`, the server's own in `store.home`.
        ca_file: Option<PathBuf> = key("ca_file", Path, "");
    }
}

/// The keys of several processes that act as one.
pub static CLUSTER: Section = Section::new("cluster", ClusterKeys::KEYS);

impl ClusterConfig {
    /// As these values say; `None` for a process that is alone.
    pub(super) fn from_values(values: Values<'_>) -> Result<Option<Self>, ConfigError> {
        if values.text("cluster.redis_url").is_empty() {
            let unused = values.first_set_in("cluster");
            let reason = "it means nothing while cluster.redis_url is empty; set that, or take this away";
            return unused.map_or(Ok(None), |key| Err(values.invalid(key.name, reason)));
        }
        let keys = ClusterKeys::read(values)?;
        if values.text("tls.mode") == "self-signed" && !values.text("tls.client_ca_file").is_empty() {
            let reason = "processes would have to show each other a certificate of those authorities, and with tls.mode = \"self-signed\" \
                          they have none; use tls.mode = \"files\" with a certificate of theirs that is for clients, too";
            return Err(values.invalid("tls.client_ca_file", reason));
        }
        let jobs = JobsConfig::of_keys(values, &keys)?;
        let JobsConfig { redis_url, prefix, ca_file, .. } = jobs.clone();
        let advertise_url = advertise_url(values, &keys)?;
        Ok(Some(Self {
            redis_url,
            name: check_name(values, keys.name.clone(), &advertise_url)?,
            advertise_url,
            secret: read_secret(values, &keys)?,
            prefix,
            when_down: keys.when_down,
            rights_max_age: keys.rights_max_age,
            ca_file,
            jobs: Some(jobs).filter(|jobs| !jobs.folders.is_empty() || !jobs.objects.buckets.is_empty()),
        }))
    }
}

impl JobsConfig {
    /// What is needed to read batches in common.
    pub(super) fn from_values(values: Values<'_>) -> Result<Self, ConfigError> {
        if values.text("cluster.redis_url").is_empty() {
            let reason = "batches are read in common over a Redis: write where it is, such as redis://192.168.1.9:6379";
            return Err(values.invalid("cluster.redis_url", reason));
        }
        Self::of_keys(values, &ClusterKeys::read(values)?)
    }

    fn of_keys(values: Values<'_>, keys: &ClusterKeys) -> Result<Self, ConfigError> {
        let redis_url = redis_url(values, &keys.redis_url)?;
        if let Some(reason) = name_problem(&keys.prefix) {
            return Err(values.invalid("cluster.prefix", &reason));
        }
        let absolute = |key, folder: &PathBuf| {
            if folder.is_absolute() {
                Ok(folder.clone())
            } else {
                Err(values.invalid(key, "it must be absolute, as /mnt/scans is"))
            }
        };
        let folders = keys.folders.iter().map(|folder| absolute("cluster.folders", &PathBuf::from(folder)));
        Ok(Self {
            redis_url,
            prefix: keys.prefix.clone(),
            ca_file: keys.ca_file.clone(),
            folders: folders.collect::<Result<_, _>>()?,
            objects: ObjectsConfig::of_keys(values, keys)?,
            jobs_folder: keys
                .jobs_folder
                .as_ref()
                .map(|folder| absolute("cluster.jobs_folder", folder))
                .transpose()?,
        })
    }
}

fn when_down(word: &str) -> WhenDown {
    if word == "refuse" { WhenDown::Refuse } else { WhenDown::Accept }
}

/// What is wrong never shows the address.
fn redis_url(values: Values<'_>, text: &str) -> Result<String, ConfigError> {
    let invalid = |reason| values.invalid("cluster.redis_url", reason);
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
    Ok(text.to_owned())
}

fn advertise_url(values: Values<'_>, keys: &ClusterKeys) -> Result<Url, ConfigError> {
    let text = &keys.advertise_url;
    let invalid = |reason: &str| values.invalid("cluster.advertise_url", reason);
    if text.is_empty() {
        let reason = "the other processes have to reach this one, since cluster.redis_url is set; \
                      write where they do, such as http://192.168.1.20:8000";
        return Err(invalid(reason));
    }
    let Some(url) = plain_url(text) else {
        let reason = "write it as http://192.168.1.20:8000 or https://a.example.org, \
                      without name, password, path or query";
        return Err(invalid(reason));
    };
    if leads_nowhere(&url) {
        let reason = "nobody can be reached there; write the address at which the other processes reach this one, \
                      such as http://192.168.1.20:8000";
        return Err(invalid(reason));
    }
    let mut listen = values.read("server.listen", Addresses)?.into_iter();
    if is_loopback(&url) && listen.any(|address| !address.ip().to_canonical().is_loopback()) {
        let reason = "it leads other machines to themselves, and server.listen lets them in; write this machine's own address, \
                      such as http://192.168.1.20:8000, or let server.listen be on loopback, too";
        return Err(invalid(reason));
    }
    if url.scheme() == "http" && values.text("tls.mode") != "off" {
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

fn check_name(values: Values<'_>, name: String, advertise_url: &Url) -> Result<String, ConfigError> {
    let is_set = !name.is_empty();
    let name = if is_set { name } else { host_and_port(advertise_url) };
    let Some(reason) = name_problem(&name) else { return Ok(name) };
    let reason = if is_set {
        reason
    } else {
        format!("it is left out, so it would be {name:?}, from cluster.advertise_url, and {reason}; set it")
    };
    Err(values.invalid("cluster.name", &reason))
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

/// Why that can be no name or prefix.
fn name_problem(text: &str) -> Option<String> {
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
fn read_secret(values: Values<'_>, keys: &ClusterKeys) -> Result<String, ConfigError> {
    let text = keys.secret.clone();
    let (key, text) = match (text.is_empty(), &keys.secret_file) {
        (true, None) => {
            let reason = "the processes know each other by a secret of which at least 32 bytes are needed: `openssl rand -hex 32` \
                          makes one; write it into a file that is named here, the same at each process, or into SIGHTWIRE_CLUSTER_SECRET";
            return Err(values.invalid("cluster.secret_file", reason));
        }
        (false, Some(_)) => {
            let reason = "cluster.secret is set, too; take one of them away";
            return Err(values.invalid("cluster.secret_file", reason));
        }
        (false, None) => ("cluster.secret", text),
        (true, Some(file)) => {
            let invalid = |reason: &str| values.invalid("cluster.secret_file", reason);
            let bytes = read_key(file).map_err(|error| invalid(&format!("it cannot be read: {error}")))?;
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
        return Err(values.invalid(key, &reason));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::SECTIONS;
    use crate::config::{Config, load};

    const REDIS: &str = "cluster.redis_url=redis://10.0.0.9:6379";
    const URL: &str = "cluster.advertise_url=http://192.168.1.20:8000";
    const SECRET: &str = "cluster.secret=0123456789abcdef0123456789abcdef";

    /// With all of these set, one after the other.
    fn of(set: &[&str]) -> Result<Option<ClusterConfig>, String> {
        let mut layers = load::default_layers();
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
        let mut layers = load::default_layers();
        let variables = [
            ("SIGHTWIRE_CLUSTER_REDIS_URL", "redis://:s3cret@10.0.0.9"),
            ("SIGHTWIRE_CLUSTER_ADVERTISE_URL", "http://192.168.1.20:8000"),
            ("SIGHTWIRE_CLUSTER_SECRET", "s3cret-s3cret-s3cret-s3cret-s3cret"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        layers.add_environment(variables, crate::config::Origin::Environment).unwrap();
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
        let may_hold = ["cluster.redis_url", "cluster.secret"].map(|name| SECTIONS.is_secret(name));
        assert_eq!((may_hold, SECTIONS.is_secret("cluster.secret_file")), ([true; 2], false));
    }
}
