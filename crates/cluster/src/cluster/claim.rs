//! A stream is to begin at this process: whether it may, and who is asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::{Cluster, Standing};
use crate::entry::{About, Entry, Token};
use crate::lease::{ClusterLease, HeldStream};
use crate::options::WhenDown;
use crate::store::{Claimed, StoreError};

/// A process that cannot be reached is taken to be dead if nothing was heard of it for this time: more than a heartbeat is
/// late, since one comes every 1.67 s.
const QUIET: Duration = Duration::from_secs(2);
/// One that takes a question and does not answer is taken to be dead once two are late, which they are after 3.33 s.
const STANDS_STILL: Duration = Duration::from_millis(3500);
/// How often that is looked at again.
const QUIET_AGAIN: Duration = Duration::from_millis(250);
/// How often a name is claimed.
const CLAIM_TRIES: u32 = 20;

/// Until a name that is about to be free is claimed again.
const SOON: Duration = Duration::from_millis(10);
/// A sender has two seconds to answer; the rest is for the way.
const ANSWERS: Duration = Duration::from_millis(2500);

/// Why a stream cannot begin here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimed {
    /// It is live at another process.
    #[error("the stream is live at the process {0}")]
    Live(Arc<str>),
    /// Nobody can say, and it is not to begin then.
    #[error("{0}")]
    Away(Arc<str>),
}

impl Cluster {
    /// A stream is to begin here. If another process has it, its sender is asked there whether it is still there.
    pub async fn claim_stream(
        self: &Arc<Self>,
        stream: &Arc<str>,
        about: About,
    ) -> Result<ClusterLease, NotClaimed> {
        let claimed = self.claim_or_ask(stream, &about.with_new_number()).await;
        let count = match &claimed {
            Ok(lease) if lease.token() == Token::NONE => &self.counts.provisional,
            Ok(_) => &self.counts.granted,
            Err(NotClaimed::Live(_)) => &self.counts.held,
            Err(NotClaimed::Away(_)) => &self.counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
        claimed
    }

    async fn claim_or_ask(
        self: &Arc<Self>,
        stream: &Arc<str>,
        about: &About,
    ) -> Result<ClusterLease, NotClaimed> {
        let (mut instead_of, mut heard_before) = (None, None);
        // While nobody else can be asked, what its process says of a stream counts.
        let mut is_free = false;
        for _ in 0..CLAIM_TRIES {
            let claimed = self.request_claim(stream, about, instead_of).await;
            let (entry, heard) = match claimed {
                Ok(Claimed::Granted(token)) => return Ok(self.make_lease(stream, about, token)),
                Ok(Claimed::Held { token, process, heard }) => {
                    // Which life of it, and where, is told by the directory, once that has it.
                    let entry = self.find_elsewhere(stream).filter(|entry| entry.token == token);
                    if entry.is_none() {
                        self.wait_for_heartbeat().await;
                    }
                    match entry.or_else(|| self.find_elsewhere(stream)) {
                        Some(entry) => (entry, Some(heard)),
                        None if self.current_directory().processes.contains_key(&process) => {
                            // It has just been released.
                            tokio::time::sleep(SOON).await;
                            continue;
                        }
                        None => return Err(NotClaimed::Live(process)),
                    }
                }
                Err(why) => match self.find_elsewhere(stream).filter(|_| !is_free) {
                    Some(entry) => (entry, None),
                    None if self.options.when_down == WhenDown::Accept => {
                        return Ok(self.make_lease(stream, about, Token::NONE));
                    }
                    None => return Err(NotClaimed::Away(why)),
                },
            };
            let live = || NotClaimed::Live(entry.process.clone());
            let asked = self.ask_whether_live(&entry);
            tokio::pin!(asked);
            let answer = loop {
                match timeout(QUIET_AGAIN, &mut asked).await {
                    Ok(answer) => break answer,
                    // A process that is stopped takes the question and does not answer; that it is silent is known sooner.
                    Err(_) if heard.is_some() => {
                        let silent = Some((entry.token, STANDS_STILL));
                        if let Ok(Claimed::Granted(token)) = self.request_claim(stream, about, silent).await {
                            return Ok(self.make_lease(stream, about, token));
                        }
                    }
                    Err(_) => {}
                }
            };
            match answer {
                Answer::Live => return Err(live()),
                Answer::Gone => {
                    is_free = true;
                    tokio::time::sleep(SOON).await;
                }
                Answer::Unreachable => {
                    // It is dead if it is not heard of either. One that lives keeps its stream, reachable or not.
                    if heard.is_none() || heard_before.is_some_and(|before| heard > Some(before)) {
                        return Err(live());
                    }
                    (instead_of, heard_before) = (Some((entry.token, QUIET)), heard_before.or(heard));
                    tokio::time::sleep(QUIET_AGAIN).await;
                }
            }
        }
        Err(NotClaimed::Live(
            self.find_elsewhere(stream).map_or_else(|| "?".into(), |entry| entry.process.clone()),
        ))
    }

    /// Whether the sender of a stream at another process is there: it is asked. One that does not answer is sent away.
    pub async fn challenge_remote_sender(&self, entry: &Entry) -> bool {
        // A process that is stopped says nothing. The process that claims the stream then finds out.
        let answer = timeout(ANSWERS, self.ask_whether_live(entry)).await;
        answer == Ok(Answer::Live)
    }

    /// Asks the store, or says why it cannot be asked.
    pub(crate) async fn request_claim(
        &self,
        stream: &Arc<str>,
        about: &About,
        instead_of: Option<(Token, Duration)>,
    ) -> Result<Claimed, Arc<str>> {
        if self.standing.borrow().0 == Standing::Joining {
            self.wait_for_heartbeat().await;
        }
        match self.standing().0 {
            Standing::Connected => {}
            Standing::Joining => return Err("it has not answered yet".into()),
            Standing::Away(why) => return Err(why),
            Standing::Refused(why) => return Err(why.to_string().into()),
        }
        let claim = self.claim_of(stream, about, instead_of);
        let mut claimed = self.store.claim_stream(&claim).await;
        if claimed == Err(StoreError::Unknown) {
            self.wait_for_heartbeat().await;
            claimed = self.store.claim_stream(&claim).await;
        }
        claimed.map_err(|wrong| {
            self.record_store_error(&wrong);
            self.wake.notify_one();
            wrong.to_string().into()
        })
    }

    pub(crate) fn make_lease(
        self: &Arc<Self>,
        stream: &Arc<str>,
        about: &About,
        token: Token,
    ) -> ClusterLease {
        let held = Arc::new(HeldStream::new(stream.clone(), about.clone(), token));
        self.held.lock().insert(stream.clone(), held.clone());
        self.releases.lock().remove(stream);
        ClusterLease { held, cluster: Arc::downgrade(self) }
    }

    async fn ask_whether_live(&self, entry: &Entry) -> Answer {
        let Some(process) = self.current_directory().processes.get(&entry.process).cloned() else {
            return Answer::Unreachable;
        };
        let asked = self.peers.challenge_stream(&process, &entry.stream, self.store_time()).await;
        self.record_contact(&process, asked.as_ref().err());
        match asked {
            Ok(true) => Answer::Live,
            Ok(false) => Answer::Gone,
            Err(_) => Answer::Unreachable,
        }
    }
}

/// What became of a stream at another process whose sender was asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Live,
    Gone,
    Unreachable,
}
