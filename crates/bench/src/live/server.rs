//! The server as it is seen from outside: its address, its process, its own figures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::procfs::{self, Sample};
use crate::load::target::Target;
use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use sightwire_api::status::Status;
use tokio::runtime::Runtime;

use super::kind::Kind;
use super::viewers::Ask;
use crate::http::Connection;
use crate::status::parse_status;

/// The options that all scenarios have.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArgs {
    /// The server, on this machine
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
}

/// One server on this machine.
pub(crate) struct Server {
    target: Target,
    pid: u32,
    runtime: Runtime,
}

/// CPU time between two moments.
pub(crate) struct Meter {
    pid: u32,
    at: Instant,
    cpu: Duration,
}

impl Server {
    /// Finds the process of this user that listens on the address.
    pub(crate) fn from_args(args: &ServerArgs) -> Result<Self> {
        Self::from_target(Target::parse(&args.url, false)?)
    }

    /// The same, of an address.
    pub(crate) fn from_target(target: Target) -> Result<Self> {
        let pid = procfs::listening_pid(target.address)
            .with_context(|| format!("no process of ours listens on {}", target.address))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { target, pid, runtime })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// A request for pictures.
    pub(crate) fn make_ask(&self, kind: Kind, path: String) -> Ask {
        Ask { address: self.target.address, path, kind, keep: false }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.target.address
    }

    /// Its memory, threads and descriptors now.
    pub(crate) fn read_sample(&self) -> Result<Sample> {
        Sample::read_full(self.pid).context("looking at the server's process")
    }

    /// What it says of itself.
    pub(crate) fn fetch_status(&self) -> Result<Status> {
        parse_status(&self.get("/api/v1/status")?).context("reading /api/v1/status")
    }

    /// An answer in JSON.
    pub(crate) fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        serde_json::from_slice(&self.get(path)?).with_context(|| format!("reading {path}"))
    }

    fn get(&self, path: &str) -> Result<Vec<u8>> {
        let response = self.runtime.block_on(async {
            let mut connection = Connection::open(&self.target, Duration::from_secs(5)).await?;
            connection.get(path).await
        });
        let response = response.with_context(|| format!("asking the server for {path}"))?;
        if response.status != 200 {
            bail!("{path}: status {}: {}", response.status, String::from_utf8_lossy(&response.body));
        }
        Ok(response.body)
    }
}

impl Meter {
    /// Starts at the CPU time that the process has used by now; zero where that cannot be read.
    pub(crate) fn start(pid: u32) -> Self {
        Self { pid, at: Instant::now(), cpu: procfs::exact_cpu(pid).unwrap_or_default() }
    }

    /// CPU time so far, and how long it has been.
    pub(crate) fn read(&self) -> (Duration, Duration) {
        let cpu = procfs::exact_cpu(self.pid).unwrap_or_default();
        (cpu.saturating_sub(self.cpu), self.at.elapsed())
    }
}
