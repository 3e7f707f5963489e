//! Syncs the WAL beside the commits, so that places in the redo log become free without anybody waiting for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{Location, StoreError};

/// It looks at least this often, should a wake be missed.
const LOOK: Duration = Duration::from_secs(1);

/// The thread that syncs; stops when dropped.
#[derive(Debug)]
pub(crate) struct WalSync {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    file: PathBuf,
    /// The newest record of the redo log that SQLite has, and that the disk is to have.
    wanted: AtomicU64,
    /// The newest one that the disk has by SQLite's files.
    done: AtomicU64,
    stop: AtomicBool,
    failed: OnceLock<StoreError>,
}

impl WalSync {
    /// Starts the thread; none on PostgreSQL, which has no redo log here.
    pub fn start(location: &Location) -> Result<Option<Self>, StoreError> {
        let Location::Sqlite(folder) = location else { return Ok(None) };
        let state = Arc::new(State {
            file: folder.join("journal.db-wal"),
            wanted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            failed: OnceLock::new(),
        });
        let shared = state.clone();
        let thread = std::thread::Builder::new()
            .name("wal-sync".into())
            .spawn(move || shared.serve())
            .map_err(StoreError::file("start the sync thread for", folder))?;
        Ok(Some(Self { state, thread: Some(thread) }))
    }

    /// Asks that what SQLite holds of records up to `number` gets to the disk.
    pub fn want(&self, number: u64) {
        if self.state.wanted.fetch_max(number, Ordering::AcqRel) < number
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    /// Up to which record that is done.
    ///
    /// # Errors
    /// A sync failed: what reached the disk is unknown.
    pub fn done(&self) -> Result<u64, StoreError> {
        match self.state.failed.get() {
            Some(error) => Err(error.clone()),
            None => Ok(self.state.done.load(Ordering::Acquire)),
        }
    }
}

impl State {
    /// Until it is to stop, or a sync failed: a second one may lie (fsyncgate).
    fn serve(&self) {
        while !self.stop.load(Ordering::Acquire) {
            let wanted = self.wanted.load(Ordering::Acquire);
            if wanted > self.done.load(Ordering::Acquire) {
                match sync_data(&self.file) {
                    Ok(()) => self.done.store(wanted, Ordering::Release),
                    Err(error) => {
                        tracing::error!(error = %error.chain(), "the WAL could not be synced");
                        let _ = self.failed.set(error);
                        return;
                    }
                }
            } else {
                std::thread::park_timeout(LOOK);
            }
        }
    }
}

impl Drop for WalSync {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the sync thread panicked");
            }
        }
    }
}

/// SQLite's locks are on other files: this one may be opened and closed beside it.
fn sync_data(file: &Path) -> Result<(), StoreError> {
    File::open(file).and_then(|opened| opened.sync_data()).map_err(StoreError::file("sync", file))
}
