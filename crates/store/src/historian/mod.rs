//! The historian: every reading, compressed, for trends and reviews. Its own thread and files, behind the journal.
//!
//! The journal is what an acknowledgement rests on; the historian follows it. Readings come over a bounded queue after
//! their commit. Whatever does not come that way (queue full, a restart, a disk error here) it reads back from the
//! journal, whose inputs are pruned only up to `durable_input_seq`: nothing is lost, nothing holds up the hall.
//!
//! New samples lie in memory (`live`) and, every two seconds, as raw rows in `live.db`; when memory or time is up they
//! are sealed into chunks in the file of their UTC day. A crash between the two leaves a sample in both places;
//! a query takes one sample per tag and time, the last written.

mod codec;
mod day;
mod live;
mod query;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use model::Reading;
use parking_lot::RwLock;

pub use query::{History, Point};

use crate::{Location, StoreError};
use live::Live;
use writer::Writer;

/// Limits of the historian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorianSettings {
    /// Memory for samples that are not sealed; when it is full they are sealed early.
    pub memory_mib: usize,
    /// New samples become raw rows this often.
    pub flush_every: Duration,
    /// Samples are sealed into chunks at least this often.
    pub seal_every: Duration,
    /// Days kept.
    pub days: u32,
    /// Batches the queue holds; more are read back from the journal later.
    pub queue_batches: usize,
}

impl Default for HistorianSettings {
    fn default() -> Self {
        Self {
            memory_mib: 32,
            flush_every: Duration::from_secs(2),
            seal_every: Duration::from_secs(900),
            days: 90,
            queue_batches: 1_024,
        }
    }
}

/// Counts of the historian since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistorianCounts {
    /// Readings taken from the queue.
    pub taken: u64,
    /// Readings read back from the journal.
    pub read_back: u64,
    /// Batches the full queue refused (they are read back).
    pub refused_batches: u64,
    /// Samples older than the retention: not stored.
    pub expired: u64,
    /// Damaged rows passed over, here or in the journal.
    pub damaged: u64,
    /// Disk errors survived.
    pub errors: u64,
}

/// What the thread and the queries share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    folder: PathBuf,
    live: RwLock<Live>,
    durable: AtomicU64,
    taken: AtomicU64,
    read_back: AtomicU64,
    refused_batches: AtomicU64,
    expired: AtomicU64,
    damaged: AtomicU64,
    errors: AtomicU64,
}

struct Batch {
    input_seq: u64,
    readings: Arc<[Reading]>,
}

/// The historian; stops (after a last flush) when dropped.
#[derive(Debug)]
pub struct Historian {
    queue: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "batch {} of {} readings", self.input_seq, self.readings.len())
    }
}

impl Historian {
    /// Starts the historian in `folder`, behind the journal at `journal`, which must have been opened once. Returns at
    /// once: raw rows and journal inputs of before are read in the background.
    pub fn open(folder: &Path, journal: &Location, settings: HistorianSettings) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(StoreError::file("create", folder))?;
        let shared = Arc::new(Shared { folder: folder.to_owned(), ..Shared::default() });
        let mut writer = Writer::new(Arc::clone(&shared), journal.clone(), settings);
        let (queue, batches) = sync_channel(settings.queue_batches);
        let thread = std::thread::Builder::new()
            .name("historian".into())
            .spawn(move || writer.serve(&batches))
            .map_err(StoreError::file("start the historian's thread for", folder))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), shared })
    }

    /// Hands over the readings of committed input `input_seq`; never waits. Inputs without readings may be left out.
    pub fn offer(&self, input_seq: u64, readings: Arc<[Reading]>) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Batch { input_seq, readings }) {
            Ok(()) => {}
            // The thread sees the gap in the numbers and reads the batch back from the journal.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.shared.refused_batches.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Inputs up to this number are on the historian's disk: `Journal::prune` may remove them.
    pub fn durable_input_seq(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// The door for queries; cheap to clone.
    pub fn history(&self) -> History {
        History::new(Arc::clone(&self.shared))
    }

    /// What happened so far.
    pub fn counts(&self) -> HistorianCounts {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        HistorianCounts {
            taken: read(&self.shared.taken),
            read_back: read(&self.shared.read_back),
            refused_batches: read(&self.shared.refused_batches),
            expired: read(&self.shared.expired),
            damaged: read(&self.shared.damaged),
            errors: read(&self.shared.errors),
        }
    }
}

impl Drop for Historian {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the historian's thread panicked");
        }
    }
}
