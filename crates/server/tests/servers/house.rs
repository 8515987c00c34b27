//! Several servers of one cluster, over pipes, and a store in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use sightwire_access::process::Secret;
use sightwire_cluster::dial::{Connection, Dial, Dialing};
use sightwire_cluster::memory::Memory;
use sightwire_cluster::options::{TTL, WhenDown};
use sightwire_cluster::{Cluster, Options};
use sightwire_listen::socket::Dialer;
use tempfile::TempDir;
use tokio::io::{copy_bidirectional, duplex};
use tokio::task::AbortHandle;

use crate::support::{Running, start_at};

pub const URL: &str = "data:image/jpeg;base64,/9j/";
const SECRET: &str = "known to all of these and to nobody else";

/// Leads to servers by their addresses; counts, and can be cut.
#[derive(Debug, Default)]
struct Wires {
    dialers: Mutex<BTreeMap<String, Dialer>>,
    dialed: Mutex<BTreeMap<String, usize>>,
    links: Mutex<Vec<(String, AbortHandle)>>,
    /// Where nobody answers, and nobody says so.
    silent: Mutex<BTreeSet<String>>,
}

impl Wires {
    /// Breaks the connections to it that there are.
    fn cut(&self, url: &str) {
        self.links.lock().iter().filter(|(to, _)| to == url).for_each(|(_, link)| link.abort());
    }
}

impl Dial for Wires {
    fn dial<'a>(&'a self, url: &'a str) -> Dialing<'a> {
        Box::pin(async move {
            *self.dialed.lock().entry(url.to_owned()).or_default() += 1;
            if self.silent.lock().contains(url) {
                return pending().await;
            }
            let dialer = self.dialers.lock().get(url).cloned();
            let dialer = dialer.ok_or(io::ErrorKind::ConnectionRefused)?;
            let mut far = dialer.connect(([127, 0, 0, 1], 40_000).into()).await?;
            let (near, mut between) = duplex(64 << 10);
            let link = tokio::spawn(async move { copy_bidirectional(&mut between, &mut far).await });
            self.links.lock().push((url.to_owned(), link.abort_handle()));
            Ok(Box::new(near) as Connection)
        })
    }
}

/// Servers that know of each other.
pub struct House {
    pub store: Arc<Memory>,
    wires: Arc<Wires>,
    pub servers: Vec<Running>,
    pub clusters: Vec<Arc<Cluster>>,
    /// Each server's own folder, where its configuration says nothing else.
    pub homes: Vec<TempDir>,
}

impl House {
    pub async fn with_servers(count: u16) -> Self {
        Self::that(count, WhenDown::Accept, "").await
    }

    pub async fn that(count: u16, when_down: WhenDown, toml: &str) -> Self {
        Self::with(&vec![toml; usize::from(count)], when_down).await
    }

    /// One for each of these configurations.
    pub async fn with(tomls: &[&str], when_down: WhenDown) -> Self {
        let count = tomls.len() as u16;
        let (store, wires) = (Memory::new(), Arc::<Wires>::default());
        let (mut servers, mut clusters, mut homes) = (Vec::new(), Vec::new(), Vec::new());
        for (port, toml) in (8001..8001 + count).zip(tomls.iter().copied()) {
            let url = format!("http://127.0.0.1:{port}");
            let options = Options {
                name: format!("s{port}").into(),
                url: url.as_str().into(),
                secret: Arc::new(Secret::new(SECRET).unwrap()),
                when_down,
                ttl: TTL,
                as_it_came: sightwire_server::as_it_came,
            };
            let cluster = Cluster::new(options, store.clone(), wires.clone());
            clusters.push(cluster.clone());
            let home = tempfile::tempdir().unwrap();
            let toml = format!("store.home = \"{}\"\n{toml}", home.path().display());
            homes.push(home);
            let server = start_at(port, &toml, |server| server.with_cluster(cluster)).await;
            wires.dialers.lock().insert(url, server.dialer());
            servers.push(server);
        }
        let this = Self { store, wires, servers, clusters, homes };
        this.all_know(usize::from(count)).await;
        this
    }

    /// Waits until each knows of this many.
    async fn all_know(&self, count: usize) {
        for cluster in &self.clusters {
            let mut directory = cluster.directory();
            directory.wait_for(|directory| directory.processes.len() == count).await.unwrap();
        }
    }

    pub fn dialed(&self) -> usize {
        self.wires.dialed.lock().values().sum()
    }

    /// As if the process had been killed: its connections are cut, nobody reaches it, and it says nothing any more.
    pub async fn kill(&self, index: usize) {
        let me = self.clusters[index].own_record();
        self.wires.dialers.lock().remove(&*me.url);
        self.store.silence_process(me.instance);
        self.wires.cut(&me.url);
        tokio::task::yield_now().await;
    }

    /// Nobody reaches it any more, though it lives.
    pub fn unplug(&self, index: usize) {
        let url = &self.clusters[index].own_record().url;
        self.wires.dialers.lock().remove(&**url);
        self.wires.cut(url);
    }

    /// It is reached again.
    pub fn plug(&self, index: usize) {
        let url = self.clusters[index].own_record().url.to_string();
        self.wires.dialers.lock().insert(url, self.servers[index].dialer());
    }

    /// Clients that connect to it from now on hear nothing.
    pub fn hang(&self, index: usize) {
        self.wires.silent.lock().insert(self.clusters[index].own_record().url.to_string());
    }
}
