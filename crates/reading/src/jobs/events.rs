//! What one who listens is told of a batch. Nothing is queued for listeners: a slow one gets the newest summary, and
//! the files that it missed from the batch itself.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::job::Job;
use crate::picture_cache::PictureCache;

/// Shortest time between two summaries.
const EVERY: Duration = Duration::from_millis(250);
/// Longest time in which nothing is sent, so that either side notices a dead connection.
const ALIVE: Duration = Duration::from_secs(10);
/// Files told of at once.
const MAX_FILES: usize = 100;

/// One who listens to a batch.
pub struct Listener {
    job: Arc<Job>,
    pictures: Arc<PictureCache>,
    changed: watch::Receiver<u64>,
    /// Files that it has been told of.
    position: usize,
    /// When the next summary is due; `None`: there is nothing new to say.
    due: Option<Instant>,
    last: Option<Instant>,
    ended: bool,
    stop: CancellationToken,
}

impl Listener {
    /// Of one who knows of the first `position` files that ended.
    pub fn new(job: Arc<Job>, pictures: Arc<PictureCache>, position: usize, stop: CancellationToken) -> Self {
        let (changed, (_, ended)) = (job.watch(), job.counts());
        let (position, due) = (position.min(ended), Some(Instant::now()));
        Self { job, pictures, changed, position, due, last: None, ended: false, stop }
    }

    /// The next events, as they are sent; `None` after the last.
    pub async fn next(&mut self) -> Option<String> {
        if self.ended || self.stop.is_cancelled() {
            return None;
        }
        match timeout(ALIVE, self.wait_for_change()).await {
            Ok(true) => Some(self.next_events()),
            Ok(false) => None,
            Err(_) => Some(": still here\n\n".to_owned()),
        }
    }

    /// Until there is something to say; false when the server stops.
    async fn wait_for_change(&mut self) -> bool {
        let stop = self.stop.clone();
        loop {
            let (_, ended) = self.job.counts();
            let due = self.due.is_some_and(|due| due <= Instant::now());
            if due || self.position < ended || self.job.ended_at().is_some() {
                return true;
            }
            let next = self.due.unwrap_or_else(|| Instant::now() + ALIVE);
            tokio::select! {
                () = stop.cancelled() => return false,
                () = sleep_until(next) => {}
                changed = self.changed.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    let after_last = self.last.map_or_else(Instant::now, |last| last + EVERY);
                    self.due.get_or_insert(after_last);
                }
            }
        }
    }

    fn next_events(&mut self) -> String {
        // Before the rows: what ends in between is told of next time, and the end only when all rows have been.
        let has_ended = self.job.ended_at().is_some();
        let (now, mut text) = (Instant::now(), String::new());
        let rows = self.job.ended_rows(self.position, MAX_FILES, &self.pictures);
        let first = self.last.is_none();
        if first {
            self.write_summary("job", &mut text);
        }
        for row in rows {
            self.position += 1;
            let data = serde_json::to_string(&row).unwrap_or_default();
            let _ = write!(text, "event: file\nid: {}\ndata: {data}\n\n", self.position);
        }
        let (_, all) = self.job.counts();
        if has_ended && self.position == all {
            self.write_summary("end", &mut text);
            self.ended = true;
        } else if !first && self.due.is_some_and(|due| due <= now) {
            self.write_summary("job", &mut text);
        }
        text
    }

    fn write_summary(&mut self, event: &str, text: &mut String) {
        let data = serde_json::to_string(&self.job.summary()).unwrap_or_default();
        let _ = write!(text, "event: {event}\ndata: {data}\n\n");
        self.last = Some(Instant::now());
        self.due = None;
    }
}
