//! This server as one of several processes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::config::cluster::ClusterConfig;
use anyhow::Context as _;
use rustls::{ClientConfig, RootCertStore};
use sightwire_access::keyring::Keyring;
use sightwire_access::process::Secret;
use sightwire_cluster::Cluster;
use sightwire_cluster::dial::Net;
use sightwire_cluster::options::{Options, TTL};
use sightwire_cluster::redis::{Redis, RedisOptions, RedisStatus};
use sightwire_cluster::rights::Rights;
use sightwire_cluster::store::StoreError;
use sightwire_cluster::visit::Neighbour;
use sightwire_http_client::trust::Trust;
use sightwire_tls::Tls;
use sightwire_tls::authority::Authority;
use sightwire_tls::files;
use sightwire_tls::{Certificates, Source};

use crate::app::as_it_came;
use tokio_util::sync::CancellationToken;

/// A place among other processes, and what keeps it.
#[derive(Debug)]
pub struct Membership {
    /// This process's place in the cluster.
    pub cluster: Arc<Cluster>,
    /// Over which the processes know of each other; `None` where a test brings its own.
    redis: Option<Arc<Redis>>,
    /// Tells these processes from others with their secret.
    prefix: Arc<str>,
    /// How long keys and users count that nobody has confirmed.
    rights_max_age: Duration,
}

/// As `cluster.rights_max_age_s` is where nothing is said.
const RIGHTS_MAX_AGE: Duration = Duration::from_secs(3600);

impl Membership {
    /// By the configuration; `None` where the server is alone. `certificates` are what the server shows: processes that ask for a
    /// certificate get it, too.
    pub fn from_config(
        config: &Config,
        certificates: Option<&Arc<Certificates>>,
    ) -> anyhow::Result<Option<Self>> {
        let tls = &config.tls;
        let Some(config) = &config.cluster else { return Ok(None) };
        let trusts = config.advertise_url.scheme() == "https" || config.redis_url.starts_with("rediss:");
        let (others, redis) = if trusts {
            let others = trust_of_processes(config, tls, certificates)?;
            (Some(Arc::new(others)), Some(Arc::new(client_tls_config(config.ca_file.as_deref(), None)?)))
        } else {
            (None, None)
        };
        let secret = Arc::new(Secret::new(&config.secret).context("cluster.secret")?);
        let redis = Redis::new(RedisOptions {
            url: config.redis_url.clone(),
            prefix: config.prefix.as_str().into(),
            trust: redis,
        })
        .context("cluster.redis_url")?;
        let url = config.advertise_url.as_str().trim_end_matches('/');
        let options = Options {
            name: config.name.as_str().into(),
            url: url.into(),
            secret,
            when_down: config.when_down,
            ttl: TTL,
            as_it_came,
        };
        let cluster = Cluster::new(options, redis.clone(), Arc::new(Net::new(others)));
        let (prefix, rights_max_age) = (config.prefix.as_str().into(), config.rights_max_age);
        Ok(Some(Self { cluster, redis: Some(redis), prefix, rights_max_age }))
    }

    /// Which version of Redis answers, who else lives, and whether each can be reached from here; nobody hears of it. It takes 6 s
    /// at most.
    ///
    /// # Errors
    ///
    /// If Redis does not answer, or does not let this process be one of them.
    pub async fn check_peers(&self) -> Result<(Option<Arc<str>>, Vec<Neighbour>), StoreError> {
        let stop = CancellationToken::new();
        let visited = async {
            let others = self.cluster.visit_neighbours().await?;
            Ok((self.redis.as_ref().and_then(|redis| redis_version(redis)), others))
        };
        let runs = async {
            match &self.redis {
                Some(redis) => redis.run(stop).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            visited = visited => visited,
            () = runs => Err(StoreError::Away("it was stopped".into())),
        }
    }

    /// One that a test has made.
    pub fn from_cluster(cluster: Arc<Cluster>) -> Self {
        Self { cluster, redis: None, prefix: Arc::default(), rights_max_age: RIGHTS_MAX_AGE }
    }

    /// Lives among the others until `stop`, and says goodbye then. What `keyring` knows is what the others know.
    pub async fn run(self, keyring: Arc<Keyring>, stop: CancellationToken) {
        let over = CancellationToken::new();
        let rights = Rights::new(self.cluster.clone(), keyring, self.prefix, self.rights_max_age);
        let lives = async {
            tokio::join!(self.cluster.run(stop.clone()), rights.run(stop));
            over.cancel();
        };
        match self.redis {
            Some(redis) => drop(tokio::join!(lives, redis.run(over.clone()))),
            None => lives.await,
        }
    }
}

fn redis_version(redis: &Redis) -> Option<Arc<str>> {
    match redis.status() {
        RedisStatus::Connected { version, .. } => Some(version),
        RedisStatus::New | RedisStatus::Away { .. } => None,
    }
}

/// Whose certificates are taken: of Redis, or, with a `source`, of the other processes, which are encrypted as this one is, and know
/// the authority that it made if they share its folder.
pub(crate) fn client_tls_config(
    ca_file: Option<&Path>,
    source: Option<&Source>,
) -> anyhow::Result<ClientConfig> {
    let trust = match (ca_file, source) {
        (Some(file), _) => Trust::Only(files::read_authorities(file).context("cluster.ca_file")?),
        (None, Some(Source::SelfSigned(folder))) => {
            let own = Authority::open_kept(folder)?
                .context("the authority of tls.mode = \"self-signed\" is gone")?;
            let mut roots = RootCertStore::empty();
            roots.add(own.der().clone())?;
            Trust::Only(Arc::new(roots))
        }
        (None, _) => Trust::System,
    };
    trust.tls().map_err(|error| anyhow::anyhow!("{error}"))
}

/// As [`client_tls_config`], of the other processes; those that ask for a certificate get this server's `own`.
fn trust_of_processes(
    config: &ClusterConfig,
    tls: &Tls,
    own: Option<&Arc<Certificates>>,
) -> anyhow::Result<ClientConfig> {
    let options = tls.options.as_ref();
    let mut client = client_tls_config(config.ca_file.as_deref(), options.map(|options| &options.source))?;
    // One of our own authority is for servers alone.
    let is_asked = options
        .is_some_and(|options| options.client_ca.is_some() && matches!(options.source, Source::Files { .. }));
    if let Some(own) = own.filter(|_| is_asked) {
        client.client_auth_cert_resolver = own.for_clients();
    }
    Ok(client)
}
