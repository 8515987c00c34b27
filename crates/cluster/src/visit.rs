//! A look at the others by a process that is not one of them: nothing is told of it, and nothing changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sightwire_base::clock;

use crate::cluster::Cluster;
use crate::peer::PeerError;
use crate::process::Record;
use crate::store::{Refusal, Snapshot, StoreError};

/// Redis is asked for this long, if it does not answer at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between one question and the next.
const AGAIN: Duration = Duration::from_millis(100);

/// Another process that lives.
#[derive(Debug)]
pub struct Neighbour {
    /// The process's name.
    pub name: Arc<str>,
    /// Where it is to be reached.
    pub url: Arc<str>,
    /// Why it cannot be reached, or is none of ours.
    pub trouble: Option<PeerError>,
}

impl Cluster {
    /// Who else lives, and whether each can be reached from here. The process of this name at this URL is this one's own server. It
    /// takes 6 s at most.
    ///
    /// # Errors
    ///
    /// If the store does not answer within 3 s, or says why this process cannot be one of them.
    pub async fn visit_neighbours(&self) -> Result<Vec<Neighbour>, StoreError> {
        let Snapshot { at, processes, .. } = self.read_patiently(clock::now()).await?;
        let (name, url) = (&self.own_record().name, &self.own_record().url);
        let living = processes.into_iter().filter(|(_, until)| *until > at).map(|(record, _)| record);
        let (own, others): (Vec<Record>, Vec<Record>) = living.partition(|record| record.name == *name);
        if let Some(other) = own.into_iter().find(|record| record.url != *url) {
            return Err(Refusal::Name { name: other.name, url: other.url }.into());
        }
        let visits = others.into_iter().map(async |record| {
            let trouble = self.peers.check_reachable(&record).await.err();
            Neighbour { name: record.name, url: record.url, trouble }
        });
        Ok(join_all(visits).await)
    }

    async fn read_patiently(&self, begun: Instant) -> Result<Snapshot, StoreError> {
        loop {
            match self.store.read_snapshot().await {
                Err(StoreError::Away(_)) if clock::since(begun) < PATIENCE => tokio::time::sleep(AGAIN).await,
                answer => return answer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sightwire_access::process::Secret;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::dial::{Connection, Dial, Dialing};
    use crate::memory::{Memory, Trouble};
    use crate::options::{Options, TTL, WhenDown};

    const SECRET: &str = "known to all of these and to nobody else";

    /// Only what ends with `:1` can be reached, and answers.
    #[derive(Debug)]
    struct One;

    impl Dial for One {
        fn dial<'a>(&'a self, url: &'a str) -> Dialing<'a> {
            Box::pin(async move {
                if !url.ends_with(":1") {
                    return Err(std::io::ErrorKind::ConnectionRefused.into());
                }
                let (near, mut far) = tokio::io::duplex(1 << 10);
                tokio::spawn(async move {
                    let mut asked = [0; 4];
                    far.read_exact(&mut asked).await.unwrap();
                    far.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                });
                Ok(Box::new(near) as Connection)
            })
        }
    }

    fn cluster(store: &Arc<Memory>, name: &str, url: &str, secret: &str) -> Arc<Cluster> {
        let options = Options {
            name: name.into(),
            url: url.into(),
            secret: Arc::new(Secret::new(secret).unwrap()),
            when_down: WhenDown::Accept,
            ttl: TTL,
            as_it_came: |_, _, _, _| panic!("no picture comes"),
        };
        Cluster::new(options, store.clone(), Arc::new(One))
    }

    #[tokio::test(start_paused = true)]
    async fn who_lives_is_told_with_why_it_cannot_be_reached_and_nobody_hears_of_the_visit() {
        let store = Memory::new();
        let stop = tokio_util::sync::CancellationToken::new();
        let all = [("a", "http://a:1"), ("b", "http://b:2")];
        let all = all.map(|(name, url)| cluster(&store, name, url, SECRET));
        for one in &all {
            tokio::spawn(one.clone().run(stop.clone()));
        }
        tokio::time::sleep(TTL).await;
        let told = |of: Vec<Neighbour>| -> Vec<(String, Option<String>)> {
            of.into_iter().map(|one| (one.name.to_string(), one.trouble.map(|why| why.to_string()))).collect()
        };
        let refused = Some("no connection: connection refused".to_owned());
        let visitor = cluster(&store, "c", "http://c:1", SECRET);
        let expected = vec![("a".to_owned(), None), ("b".to_owned(), refused.clone())];
        assert_eq!(told(visitor.visit_neighbours().await.unwrap()), expected);
        // Beside the server that it is of.
        let own = cluster(&store, "a", "http://a:1", SECRET);
        assert_eq!(told(own.visit_neighbours().await.unwrap()), [("b".to_owned(), refused)]);
        assert_eq!(all[0].current_directory().processes.len(), 2);

        let namesake = cluster(&store, "a", "http://x:1", SECRET);
        assert!(matches!(namesake.visit_neighbours().await, Err(StoreError::Refused(Refusal::Name { .. }))));
        let stranger = cluster(&store, "c", "http://c:1", "another secret, which is as long as that");
        let troubles = told(stranger.visit_neighbours().await.unwrap());
        assert!(
            troubles.iter().all(|(_, why)| why.as_ref().is_some_and(|why| why.contains("another secret")))
        );

        store.set_trouble(Trouble::Away);
        let begun = clock::now();
        assert!(matches!(visitor.visit_neighbours().await, Err(StoreError::Away(_))));
        assert!(clock::since(begun) < PATIENCE + Duration::from_secs(1));
        stop.cancel();
    }
}
