//! `tokio::sync::watch`, each call of it a step before which others may go. A task that looks at a value while another writes it
//! would keep that one waiting: that is a failure here.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;

use super::others_first;

/// How many look at the value at the moment. Not the scheduler's: to count them is not a step.
type Lookers = Arc<AtomicUsize>;

/// Writes the value.
#[derive(Debug)]
pub struct Sender<T> {
    channel: watch::Sender<T>,
    lookers: Lookers,
}

/// Reads it, and waits for changes.
#[derive(Debug)]
pub struct Receiver<T> {
    channel: watch::Receiver<T>,
    lookers: Lookers,
}

/// A look at the value.
#[derive(Debug)]
pub struct Ref<'a, T> {
    value: watch::Ref<'a, T>,
    lookers: &'a Lookers,
}

impl<'a, T> Ref<'a, T> {
    fn new(value: watch::Ref<'a, T>, lookers: &'a Lookers) -> Self {
        lookers.fetch_add(1, Ordering::Relaxed);
        Self { value, lookers }
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Ref<'_, T> {
    fn drop(&mut self) {
        self.lookers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone(), lookers: self.lookers.clone() }
    }
}

impl<T> Sender<T> {
    /// With that value, and nobody who reads it.
    pub fn new(value: T) -> Self {
        Self { channel: watch::Sender::new(value), lookers: Lookers::default() }
    }

    /// One more who reads it, and knows the value that there is.
    pub fn subscribe(&self) -> Receiver<T> {
        others_first();
        Receiver { channel: self.channel.subscribe(), lookers: self.lookers.clone() }
    }

    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        others_first();
        Ref::new(self.channel.borrow(), &self.lookers)
    }

    /// Changes it and tells everyone.
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        self.before_a_write();
        self.channel.send_modify(change);
    }

    /// Tells everyone if it was changed.
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        self.before_a_write();
        self.channel.send_if_modified(change)
    }

    /// Puts another in its place and tells everyone; the one before.
    pub fn send_replace(&self, value: T) -> T {
        self.before_a_write();
        self.channel.send_replace(value)
    }

    fn before_a_write(&self) {
        others_first();
        assert_eq!(self.lookers.load(Ordering::Relaxed), 0, "a writer waits for a reader");
    }
}

impl<T> Receiver<T> {
    /// The value, which is known from now on.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        others_first();
        Ref::new(self.channel.borrow_and_update(), &self.lookers)
    }

    /// Waits for a value that is not known; an error when nobody writes it any more.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        others_first();
        self.channel.changed().await
    }

    /// Waits for a value for which `is_meant` holds.
    pub async fn wait_for(&mut self, is_meant: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, RecvError> {
        others_first();
        Ok(Ref::new(self.channel.wait_for(is_meant).await?, &self.lookers))
    }
}
