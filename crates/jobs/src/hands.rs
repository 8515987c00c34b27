//! The threads of a worker that read: one file each at a time.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use sightwire_reading::record;
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;

use crate::folder::JobError;
use crate::part::Part;
use crate::worker::{Away, Reads};

/// A file that is to be read.
pub(crate) struct Order {
    /// Of which of the chunks that are held.
    pub(crate) chunk: u64,
    pub(crate) part: Arc<Part>,
    pub(crate) index: usize,
    pub(crate) reads: Arc<dyn Reads>,
}

/// It is read, and kept or not.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) chunk: u64,
    pub(crate) kept: Result<(), NotKept>,
}

/// Why nothing is kept of a file: its chunk goes back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("what was read cannot be kept: {0}")]
    Job(#[from] JobError),
    #[error(transparent)]
    Away(#[from] Away),
}

/// They end when this is dropped, each with the file that it reads.
pub(crate) struct Hands {
    orders: std_mpsc::Sender<Order>,
    _threads: Vec<JoinHandle<()>>,
}

impl Hands {
    /// Starts this many; what they read comes by the receiver.
    pub(crate) fn start(count: usize) -> io::Result<(Self, mpsc::Receiver<Filled>)> {
        let (orders, taken) = std_mpsc::channel::<Order>();
        let (fill, filled) = mpsc::channel(count);
        let taken = Arc::new(Mutex::new(taken));
        let thread = |number: usize| {
            let (taken, fill) = (taken.clone(), fill.clone());
            thread::Builder::new().name(format!("read-{number}")).spawn(move || {
                // The lock is held while waiting: the thread that has it takes the next.
                while let Ok(order) = { taken.lock().recv() } {
                    let (chunk, kept) = (order.chunk, read_order(&order));
                    drop(order);
                    if fill.blocking_send(Filled { chunk, kept }).is_err() {
                        return;
                    }
                }
            })
        };
        let threads = (0..count).map(thread).collect::<io::Result<_>>()?;
        Ok((Self { orders, _threads: threads }, filled))
    }

    /// Never more than there are threads may be on their way.
    pub(crate) fn give_order(&self, order: Order) {
        // They end only after this.
        let _ = self.orders.send(order);
    }
}

fn read_order(order: &Order) -> Result<(), NotKept> {
    let Order { part, index, reads, .. } = order;
    let entry = &part.entries()[*index];
    if let Some(why) = &entry.error {
        return Ok(part.keep_record(*index, &record::failed_line(*index, why))?);
    }
    part.begin_file(*index)?;
    // A bug costs one file.
    let line = catch_unwind(AssertUnwindSafe(|| reads.read_record(*index, entry)))
        .unwrap_or_else(|_| Ok(record::failed_line(*index, "it made the reader fail")));
    Ok(part.keep_record(*index, &line?)?)
}
