//! What processes have in common that read batches in common: servers, workers, and commands that begin one.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sightwire_cluster::redis::{Redis, RedisOptions};
use sightwire_config::cluster::JobsConfig;
use sightwire_http_client::trust::Trust;
use sightwire_jobs::folder::Jobs;
use sightwire_jobs::shared::{Folders, FoldersError};
use sightwire_tls::files;

/// Where jobs are, if nothing else is said.
const FOLDER: &str = "cluster-jobs";

/// What is in common, from here.
#[derive(Debug)]
pub struct Common {
    /// The folder of all jobs.
    pub jobs: Jobs,
    /// Where their pictures may lie.
    pub folders: Folders,
    /// Who reads what.
    pub queue: Arc<Redis>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nothing may be read.
    #[error(
        "cluster.folders is empty: name the folders whose pictures are read for others, such as [\"/mnt/scans\"]"
    )]
    NoFolders,
    /// One of them is not there.
    #[error(transparent)]
    Folders(#[from] FoldersError),
}

impl Common {
    /// Not connected yet; blocks. `home` is `store.home`.
    ///
    /// # Errors
    ///
    /// [`Unusable`], or that something of it is not there.
    pub fn of(home: &Path, config: &JobsConfig) -> anyhow::Result<Self> {
        if config.folders.is_empty() {
            return Err(Unusable::NoFolders.into());
        }
        let folders = Folders::new(&config.folders).map_err(Unusable::from)?;
        let root = config.jobs_folder.clone().unwrap_or_else(|| home.join(FOLDER));
        let is_secure = config.redis_url.starts_with("rediss:");
        let trust = match &config.ca_file {
            Some(file) => Trust::Only(files::authorities(file).context("cluster.ca_file")?),
            None => Trust::System,
        };
        let trust = is_secure.then(|| trust.tls().map(Arc::new)).transpose();
        let trust = trust.map_err(|error| anyhow::anyhow!("{error}"))?;
        let options =
            RedisOptions { url: config.redis_url.clone(), prefix: config.prefix.as_str().into(), trust };
        let queue = Redis::new(options).context("cluster.redis_url")?;
        let jobs = Jobs::open(&root).context("cluster.jobs_folder")?;
        Ok(Self { jobs, folders, queue })
    }
}
