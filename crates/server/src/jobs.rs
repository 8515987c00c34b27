//! What processes have in common that read batches in common: servers, workers, and commands that begin one.

use std::path::Path;
use std::sync::Arc;

use crate::config::cluster::{JobsConfig, ObjectsConfig};
use anyhow::Context as _;
use sightwire_cluster::redis::{Redis, RedisOptions};
use sightwire_jobs::folder::Jobs;
use sightwire_jobs::readable::Readable;
use sightwire_jobs::shared::{Folders, FoldersError};
use sightwire_s3::address::AddressError;
use sightwire_s3::{Credentials, Objects, ObjectsOptions};

use crate::cluster::client_tls_config;

/// Where jobs are, if nothing else is said.
const FOLDER: &str = "cluster-jobs";

/// What is in common, from here.
#[derive(Debug)]
pub struct Common {
    /// The folder of all jobs.
    pub jobs: Jobs,
    /// Where their pictures may lie.
    pub readable: Readable,
    /// The queue that gives chunks to workers.
    pub queue: Arc<Redis>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nothing may be read.
    #[error(
        "cluster.folders is empty: name the folders whose pictures are read for others, such as [\"/mnt/scans\"], or \
         buckets in cluster.buckets, such as [\"s3://scans\"]"
    )]
    NoFolders,
    /// Nothing can be asked of storage.
    #[error("cluster.buckets: {0}")]
    Buckets(Box<dyn std::error::Error + Send + Sync>),
    /// One of them is not there.
    #[error(transparent)]
    Folders(#[from] FoldersError),
}

impl Common {
    /// Not connected yet; blocks. `home` is `store.home`. Storage is asked for nothing so far, and only if it is to be.
    ///
    /// # Errors
    ///
    /// [`Unusable`], or that something of it is not there.
    pub fn from_config(home: &Path, config: &JobsConfig, of_storage: bool) -> anyhow::Result<Self> {
        if config.folders.is_empty() && config.objects.buckets.is_empty() {
            return Err(Unusable::NoFolders.into());
        }
        let folders = Folders::new(&config.folders).map_err(Unusable::from)?;
        let is_asked = of_storage && !config.objects.buckets.is_empty();
        let objects = is_asked.then(|| open_objects(&config.objects)).transpose()?;
        let root = config.jobs_folder.clone().unwrap_or_else(|| home.join(FOLDER));
        let is_secure = config.redis_url.starts_with("rediss:");
        let trust = is_secure
            .then(|| client_tls_config(config.ca_file.as_deref(), None).map(Arc::new))
            .transpose()?;
        let options =
            RedisOptions { url: config.redis_url.clone(), prefix: config.prefix.as_str().into(), trust };
        let queue = Redis::new(options).context("cluster.redis_url")?;
        let jobs = Jobs::open(&root).context("cluster.jobs_folder")?;
        Ok(Self { jobs, readable: Readable { folders, objects }, queue })
    }
}

fn open_objects(config: &ObjectsConfig) -> anyhow::Result<Objects> {
    let buckets = config.buckets.iter().map(|bucket| bucket.parse()).collect::<Result<_, _>>();
    let buckets = buckets.map_err(|error: AddressError| Unusable::Buckets(error.into()))?;
    let credentials = Credentials::of_environment().map_err(|error| Unusable::Buckets(error.into()))?;
    let (endpoint, region) = (config.endpoint.clone(), config.region.clone());
    Objects::new(&ObjectsOptions { buckets, endpoint, region }, &credentials).context("cluster.buckets")
}
