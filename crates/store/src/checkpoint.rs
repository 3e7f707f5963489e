//! Moves committed pages from the WAL into the database file, beside the commits and never inside one.
//!
//! A thread with a connection of its own does it: a passive checkpoint holds up no writer. When it has caught up, the
//! next commit starts the WAL anew at its beginning; the file keeps its size, so that a commit's `fdatasync` writes
//! data only. If commits come so close that it never catches up, the writer helps once, above `WAL_PAGES_HELP`.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::{Database, Location, SqlError, StoreError, journal};

/// WAL pages from which the thread is woken: 16 MiB of 4 KiB pages. A commit that meets a checkpoint is slower, so at
/// nine pages a commit fewer than one in 400 does.
const WAL_PAGES_WAKE: u64 = 4_000;
/// Bytes the WAL is grown to once, ahead of the first alarm: what it holds until the thread is woken.
const WAL_BYTES: u64 = 16 << 20;
/// WAL pages from which the writer itself checkpoints after a commit: 128 MiB.
const WAL_PAGES_HELP: u64 = 32_000;
/// Passes per wake: each one leaves less for the next; then commits come too close and the next wake goes on.
const PASSES_MAX: u32 = 4;

/// The checkpoint thread; stops when dropped.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Pages in the WAL and pages of it already in the database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalState {
    /// Pages in the WAL.
    pub pages: u64,
    /// Of these, in the database file.
    pub moved: u64,
}

impl Checkpointer {
    /// Starts the thread; none on PostgreSQL, which has its own.
    pub(crate) fn start(location: &Location) -> Result<Option<Self>, StoreError> {
        let Location::Sqlite(folder) = location else { return Ok(None) };
        let database = Database::open_sqlite(&journal::database_file(folder), 0, false)?;
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || serve(database, &woken))
            .map_err(StoreError::file("start the checkpoint thread for", folder))?;
        Ok(Some(Self { wake: Some(wake), thread: Some(thread) }))
    }

    /// Wakes the thread if the WAL is long enough; true if the writer should help.
    pub(crate) fn note(&self, wal_pages: u64) -> bool {
        if wal_pages >= WAL_PAGES_WAKE {
            match self.wake.as_ref().map(|wake| wake.try_send(())) {
                // Full: it is awake already.
                None | Some(Ok(()) | Err(TrySendError::Full(()))) => {}
                Some(Err(TrySendError::Disconnected(()))) => return true,
            }
        }
        wal_pages >= WAL_PAGES_HELP
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn serve(mut database: Database, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        for _ in 0..PASSES_MAX {
            match checkpoint(&mut database) {
                Ok(wal) if wal.moved < wal.pages => {}
                Ok(_) => break,
                // The WAL still holds everything: the writer helps when it grows too long.
                Err(error) => {
                    tracing::warn!(%error, "checkpoint failed");
                    break;
                }
            }
        }
    }
}

/// One passive checkpoint.
pub(crate) fn checkpoint(database: &mut Database) -> Result<WalState, SqlError> {
    let state = database.row("PRAGMA wal_checkpoint(PASSIVE)", &[], |row| {
        Ok(WalState { pages: row.int(1)?.max(0) as u64, moved: row.int(2)?.max(0) as u64 })
    })?;
    Ok(state.unwrap_or(WalState { pages: 0, moved: 0 }))
}

/// Waits until all that was written into the WAL is on the disk, also by a process that ended before it waited.
pub(crate) fn sync_wal(folder: &Path) -> Result<(), StoreError> {
    let wal = folder.join("journal.db-wal");
    match std::fs::File::open(&wal).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::file("sync", &wal)(error)),
        _ => Ok(()),
    }
}

/// Grows WAL and database file by `WAL_BYTES` if the WAL is shorter: a table is filled and dropped again. From then on
/// a commit overwrites blocks the files already have, and its `fdatasync` has no metadata to write.
pub(crate) fn preallocate(database: &mut Database, folder: &Path) -> Result<(), SqlError> {
    let wal = folder.join("journal.db-wal");
    if std::fs::metadata(&wal).is_ok_and(|file| file.len() >= WAL_BYTES) {
        return Ok(());
    }
    // Not one transaction: pages that are freed in the transaction that took them are never written.
    database.batch("CREATE TABLE IF NOT EXISTS preallocated (filler BLOB)")?;
    database.batch(&format!("INSERT INTO preallocated VALUES (zeroblob({WAL_BYTES}))"))?;
    database.batch("DROP TABLE preallocated")?;
    checkpoint(database).map(|_| ())
}
