//! Cameras are shared out: each is read by one process, and the others get its pictures from that one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sightwire_base::clock;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ProcessReport, Standing};
use crate::directory::Directory;
use crate::entry::{About, Token};
use crate::lease::ClusterLease;
use crate::share::choose_process;
use crate::store::Claimed;

/// A capacity that differs by less than this share of it is the same: others are told of few.
const SAME: f64 = 0.25;

/// Who reads a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// This process does, or is to.
    Here,
    /// That one does, or is to.
    Process(Arc<str>),
    /// This process, for itself alone: what others know by that id is something else.
    Apart,
}

impl Cluster {
    /// What tells a camera's address from others', without telling it.
    pub fn camera_mark(&self, address: &str) -> Arc<str> {
        self.options().secret.mac("camera", address).into()
    }

    /// Who reads a camera of that mark, or is to: all processes choose the same one, by what their models can do. One that `is_out` is not
    /// chosen: it was tried.
    pub fn reader_of(&self, camera: &str, mark: &str, is_out: impl Fn(&str) -> bool) -> Reader {
        let known = self.current_directory();
        match known.streams.get(camera) {
            Some(entry) if entry.about.camera.as_deref() != Some(mark) => return Reader::Apart,
            Some(entry) if self.is_mine(entry) => return Reader::Here,
            // Whether that one still has it is not known while nobody can be asked.
            Some(entry) if !is_out(&entry.process) || self.standing().0 == Standing::Connected => {
                return Reader::Process(entry.process.clone());
            }
            _ => {}
        }
        let said = known.processes.values().map(|process| (&*process.name, self.said_by(process)));
        let may: Vec<(&str, ProcessReport)> =
            said.filter(|(name, said)| !said.draining && !is_out(name)).collect();
        let told: Vec<f64> = may.iter().filter_map(|(_, said)| said.capacity).collect();
        // What nobody knows of one is taken to be as with the others.
        let usual = if told.is_empty() { 1.0 } else { told.iter().sum::<f64>() / told.len() as f64 };
        let among = may.iter().map(|(name, said)| (*name, said.capacity.unwrap_or(usual)));
        match choose_process(camera, among) {
            Some(name) if *name != *self.own_record().name => Reader::Process(name.into()),
            // Also where all give theirs away.
            _ => Reader::Here,
        }
    }

    /// The right to read a camera; `None` where another process has it. While nobody can be asked it is read.
    pub async fn claim_camera(self: &Arc<Self>, camera: &Arc<str>, mark: &str) -> Option<ClusterLease> {
        let about = About::new_camera(mark).with_new_number();
        let claimed = self.request_claim(camera, &about, None).await;
        let (token, count) = match claimed {
            Ok(Claimed::Granted(token)) => (Some(token), &self.counts.granted),
            Ok(Claimed::Held { .. }) => (None, &self.counts.held),
            Err(_) => (Some(Token::NONE), &self.counts.provisional),
        };
        count.fetch_add(1, Ordering::Relaxed);
        if token.is_none() {
            // Who has it is told by the directory, as soon as that knows.
            self.wait_for_heartbeat().await;
        }
        token.map(|token| self.make_lease(camera, &about, token))
    }

    /// Waits until another process takes cameras.
    pub async fn wait_for_available_peer(&self) {
        let mut directory = self.directory();
        let takes = |directory: &Arc<Directory>| {
            let mut others =
                directory.processes.values().filter(|other| other.instance != self.own_record().instance);
            others.any(|other| self.peers.said_by(other).is_some_and(|said| !said.draining))
        };
        // The sender is this one's own.
        let _ = directory.wait_for(takes).await;
    }

    /// How many pictures a second the models of this process can look at.
    pub fn offer_capacity(&self, capacity: f64) {
        let mut said = self.said.lock();
        let is_same = |before: f64| (before - capacity).abs() <= SAME * before;
        if capacity.is_finite() && !said.capacity.is_some_and(is_same) {
            said.capacity = Some((capacity * 10.0).round() / 10.0);
            drop(said);
            self.wake.notify_one();
        }
    }

    /// Gives the cameras of this process to the others, and takes none any more.
    pub fn drain_cameras(&self) {
        if self.draining.is_cancelled() {
            return;
        }
        let cameras = self.held.lock().values().filter(|held| held.about.is_camera()).count();
        tracing::info!(cameras, "it gives its cameras to the other processes");
        self.said.lock().draining = true;
        self.draining.cancel();
        self.wake.notify_one();
    }

    /// Cancelled once its cameras are others'.
    pub fn drain_token(&self) -> &CancellationToken {
        &self.draining
    }

    /// Waits until others know that it drains, but no longer than a heartbeat takes.
    pub async fn announce_drain(&self) {
        let begun = clock::now();
        self.wait_for_heartbeat().await;
        tracing::debug!("others know it after {} ms", clock::since(begun).as_millis());
    }
}
