//! What commands need that read pictures in common.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sightwire_api::read::ReadOptions;
use sightwire_cluster::redis::{Redis, RedisOptions};
use sightwire_config::Config;
use sightwire_config::cluster::JobsConfig;
use sightwire_http_client::trust::Trust;
use sightwire_jobs::folder::Jobs;
use sightwire_jobs::shared::Folders;
use sightwire_models::manifest::Precision;
use sightwire_reading::output::{exact_options, options_of};
use sightwire_tls::files;

use super::Mistake;
use super::read::Ask;

/// Where jobs are, if nothing else is said.
const FOLDER: &str = "cluster-jobs";

/// How a job is read: what stands in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct How {
    model: String,
    /// Differs where the model's files do.
    pub digest: String,
    options: ReadOptions,
    deadline_s: f64,
    /// `None` leaves it to the first worker.
    pub precision: Option<Precision>,
}

impl How {
    pub fn new(ask: &Ask, digest: String, deadline: Duration, precision: Option<Precision>) -> Self {
        let (model, options) = (ask.model.clone(), exact_options(ask.options));
        Self { model, digest, options, deadline_s: deadline.as_secs_f64(), precision }
    }

    pub fn ask(&self) -> Ask {
        Ask { model: self.model.clone(), options: options_of(&self.options) }
    }

    pub fn deadline(&self) -> Duration {
        Duration::try_from_secs_f64(self.deadline_s).unwrap_or(Duration::from_secs(60))
    }
}

/// What is in common, from here.
pub struct Common {
    pub jobs: Jobs,
    pub folders: Folders,
    pub queue: Arc<Redis>,
}

impl Common {
    /// Not connected yet.
    pub fn of(config: &Config, jobs: &JobsConfig) -> anyhow::Result<Self> {
        if jobs.folders.is_empty() {
            let mistake = "cluster.folders is empty: name the folders whose pictures are read for others, such as [\"/mnt/scans\"]";
            return Err(Mistake(mistake.into()).into());
        }
        let folders = Folders::new(&jobs.folders).map_err(|error| Mistake(error.into()))?;
        let root = jobs.jobs_folder.clone().unwrap_or_else(|| config.store.home().join(FOLDER));
        let is_secure = jobs.redis_url.starts_with("rediss:");
        let trust = match &jobs.ca_file {
            Some(file) => Trust::Only(files::authorities(file).context("cluster.ca_file")?),
            None => Trust::System,
        };
        let trust = is_secure.then(|| trust.tls().map(Arc::new)).transpose();
        let trust = trust.map_err(|error| anyhow::anyhow!("{error}"))?;
        let options =
            RedisOptions { url: jobs.redis_url.clone(), prefix: jobs.prefix.as_str().into(), trust };
        let queue = Redis::new(options).context("cluster.redis_url")?;
        let jobs = Jobs::open(&root).context("cluster.jobs_folder")?;
        Ok(Self { jobs, folders, queue })
    }
}
