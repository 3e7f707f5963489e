//! The journal: the hall's one writer. Whatever `commit` returned for survives a crash of the process or the machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use model::Time;

use crate::audit::Head;
use crate::checkpoint::{self, Checkpointer, WalState};
use crate::lock::FolderLock;
use crate::redo::{Body, Redo};
use crate::rows::{self, insert, insert_names, insert_note};
use crate::unsettled::Unsettled;
use crate::wal_sync::WalSync;
use crate::{Database, FactRow, InputLog, Param, Snapshots, SqlError, StoreError};

/// Page size of a new SQLite file, bytes. Smaller pages mean fewer bytes a commit; see `benches/commit.rs`.
pub const PAGE_SIZE: u32 = 4096;

/// Bytes of commits the tables may lack before the next commit brings them there first.
const UNSETTLED_MAX: usize = 1 << 20;
/// Bytes taken in the redo log from which the WAL is synced: a quarter of it.
const TAKEN_WAKE: usize = 1 << 20;

/// Where the journal lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `journal.db` in this folder, which is made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL database by URL.
    Postgres(String),
}

/// One group commit.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Every input since the last commit.
    pub inputs: &'a InputLog,
    /// Every fact since the last commit, in order.
    pub facts: &'a [FactRow<'a>],
}

/// The one writer. Blocking; belongs to the hall's thread.
pub struct Journal {
    pub(crate) database: Database,
    pub(crate) location: Location,
    /// As the tables have it.
    pub(crate) counters: Counters,
    /// As it is durable.
    pub(crate) durable: Durable,
    pub(crate) unsettled: Unsettled,
    pub(crate) stopped: Option<StoreError>,
    pub(crate) wal_pages: Arc<AtomicU64>,
    pub(crate) checkpointer: Option<Checkpointer>,
    /// None on PostgreSQL.
    pub(crate) redo: Option<Redo>,
    pub(crate) wal_sync: Option<WalSync>,
    /// Whether the connection waits for the disk at a commit.
    pub(crate) waits: bool,
    pub(crate) _lock: Option<FolderLock>,
}

/// The last numbers that survive a crash: the redo log may be ahead of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Durable {
    pub input: u64,
    pub fact: u64,
}

/// The last number of every sequence, as the tables have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    pub input: u64,
    pub fact: u64,
    pub audit: Head,
    pub tags: u64,
    pub conditions: u64,
    pub gateways: u64,
}

impl Counters {
    pub fn durable(&self) -> Durable {
        Durable { input: self.input, fact: self.fact }
    }
}

/// Something an administrator or a session did that is no fact of the engine but belongs into the audit.
#[derive(Clone, Copy, Debug)]
pub struct AuditNote<'a> {
    /// Who.
    pub account: &'a str,
    /// What: `session.login`, `account.changed`.
    pub action: &'a str,
    /// To whom or what.
    pub subject: &'a str,
    /// Before and after, or anything else worth keeping.
    pub detail: &'a str,
}

impl Journal {
    /// Commits inputs and facts, into the tables too, and returns the `committed_at` written into the event rows: the
    /// clock as the commit was begun. It is durable when this returns.
    ///
    /// # Errors
    /// `Sequence` if a fact's number does not follow the last one: nothing was done. Any other error is final: what
    /// reached the disk is unknown, and every later call answers `Stopped`.
    pub fn commit(&mut self, commit: &Commit<'_>) -> Result<Time, StoreError> {
        if let Some(now) = self.secure(commit)? {
            self.settle()?;
            return Ok(now);
        }
        self.settle()?;
        let now = wall_clock();
        let mut counters = self.counters;
        self.write("commit to the journal", |db| insert(db, &mut counters, commit, now))?;
        self.counters = counters;
        self.durable = counters.durable();
        Ok(now)
    }

    /// Makes a commit durable in the redo log and returns its `committed_at`: the caller may tell everybody. The tables
    /// get it with the next [`Journal::settle`], or before anything else is written. None: this commit does not go that
    /// way (too large, no room, PostgreSQL); call `commit`.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub fn secure(&mut self, commit: &Commit<'_>) -> Result<Option<Time>, StoreError> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        self.check_sequence(commit.facts)?;
        if self.unsettled.len_bytes() > UNSETTLED_MAX {
            self.settle()?;
        }
        let now = wall_clock();
        if commit.inputs.is_empty() && commit.facts.is_empty() {
            return Ok(Some(now));
        }
        let inputs = if commit.inputs.is_empty() { &[] } else { commit.inputs.bytes() };
        let input_seq = self.durable.input + u64::from(!inputs.is_empty());
        let heard = commit.inputs.last_now().0;
        let body = Body { committed_at: now.0, input_seq, heard, inputs, facts: commit.facts.to_vec() };
        if !self.append(&body)? {
            return Ok(None);
        }
        let fact = commit.facts.last().map_or(self.durable.fact, |fact| fact.seq);
        self.durable = Durable { input: input_seq, fact };
        Ok(Some(now))
    }

    /// Whether the redo log took it.
    fn append(&mut self, body: &Body<'_>) -> Result<bool, StoreError> {
        let Some(redo) = self.redo.as_mut() else { return Ok(false) };
        let appended = self.wal_sync.as_ref().map_or(Ok(0), WalSync::done).and_then(|on_disk| {
            redo.free(on_disk);
            redo.append(body)
        });
        match appended {
            Ok(Some(number)) => {
                self.unsettled.push(number, redo.newest_body());
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => {
                self.stop(&error);
                Err(error)
            }
        }
    }

    /// Brings into the tables what only the redo log holds, in one transaction that waits for no disk.
    ///
    /// # Errors
    /// Any error is final: the redo log still holds the commits, and a restart takes them from there.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        if self.unsettled.is_empty() {
            return Ok(());
        }
        let unsettled = std::mem::take(&mut self.unsettled);
        let result = self.settle_these(&unsettled);
        if let Err(error) = &result {
            self.stop(error);
        }
        self.unsettled = unsettled;
        self.unsettled.clear();
        result
    }

    fn settle_these(&mut self, unsettled: &Unsettled) -> Result<(), StoreError> {
        let (bodies, mut counters) = (unsettled.bodies()?, self.counters);
        let insert = |db: &mut Database| bodies.iter().try_for_each(|body| rows::redo(db, &mut counters, body));
        self.transact(false, "write secured commits", insert).map_err(|(error, _)| error)?;
        self.counters = counters;
        let crowded = self.redo.as_ref().is_some_and(|redo| redo.taken_bytes() > TAKEN_WAKE);
        if let Some(sync) = self.wal_sync.as_ref().filter(|_| crowded) {
            sync.want(unsettled.newest());
        }
        Ok(())
    }

    /// Whether the tables lack commits that are durable.
    pub fn has_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Gives the next numbers to new names, durably. Call it before the first input that uses them.
    pub fn register(
        &mut self,
        tags: &[(&str, &str)],
        conditions: &[&str],
        gateways: &[&str],
    ) -> Result<(), StoreError> {
        self.settle()?;
        let mut counters = self.counters;
        self.write("register names", |db| {
            for (enterprise, name) in tags {
                let params = [Param::Int(counters.tags as i64), Param::Text(enterprise), Param::Text(name)];
                db.execute("INSERT INTO tags (id, enterprise, name) VALUES ($1, $2, $3)", &params)?;
                counters.tags += 1;
            }
            let sql = "INSERT INTO conditions (id, name) VALUES ($1, $2)";
            insert_names(db, sql, conditions, &mut counters.conditions)?;
            let sql = "INSERT INTO gateways (id, name) VALUES ($1, $2)";
            insert_names(db, sql, gateways, &mut counters.gateways)
        })?;
        self.counters = counters;
        Ok(())
    }

    /// Writes rows into the audit that are no facts.
    pub fn audit(&mut self, notes: &[AuditNote<'_>]) -> Result<Time, StoreError> {
        self.apply(notes, |_| Ok(()))
    }

    /// Changes records (accounts, sessions, parked tags …) and audits it, in one transaction on the one writer.
    ///
    /// # Errors
    /// `Refused` if a statement of `work` was refused for what it says: rolled back, and the journal goes on. Any other
    /// error is final, as in [`Journal::commit`].
    pub fn apply<T, F>(&mut self, notes: &[AuditNote<'_>], work: F) -> Result<Time, StoreError>
    where
        F: FnOnce(&mut Database) -> Result<T, SqlError>,
    {
        self.settle()?;
        let now = wall_clock();
        let mut counters = self.counters;
        let changed = self.write_or_why("change records", |db| {
            work(db)?;
            for note in notes {
                insert_note(db, &mut counters.audit, note, now)?;
            }
            Ok(())
        });
        match changed {
            Ok(()) => {}
            Err((StoreError::Sql { source, .. }, true)) => return Err(StoreError::Refused { source }),
            Err((error, _)) => return Err(error),
        }
        self.counters = counters;
        Ok(now)
    }

    /// Saves an engine snapshot taken after input `input_seq`. Blocks; `snapshots()` does the same beside the hall.
    pub fn snapshot(&mut self, input_seq: u64, state: &[u8]) -> Result<(), StoreError> {
        self.snapshots().save(input_seq, state)
    }

    /// Where snapshots are saved; may go to a blocking thread.
    pub fn snapshots(&self) -> Snapshots {
        match &self.location {
            Location::Sqlite(folder) => Snapshots::Folder(folder.clone()),
            Location::Postgres(url) => Snapshots::Postgres(url.clone()),
        }
    }

    /// How long the disk took to sync what [`Journal::secure`] wrote last, microseconds.
    pub fn synced_in_us(&self) -> u64 {
        self.redo.as_ref().map_or(0, |redo| redo.synced_in.as_micros() as u64)
    }

    /// Number of the last committed batch of inputs: what `snapshot`, `replay` and the historian count by.
    pub fn last_input_seq(&self) -> u64 {
        self.durable.input
    }

    /// Number of the last committed fact.
    pub fn last_fact_seq(&self) -> u64 {
        self.durable.fact
    }

    /// The newest row of the audit chain, as the tables have it.
    pub fn audit_head(&self) -> Head {
        self.counters.audit
    }

    /// Deletes inputs that two snapshots and the historian (`historian_input_seq`) cover; at most `batches_max` at a
    /// time, so that it never holds up an alarm for long. Returns how many it deleted. Call it when idle.
    pub fn prune(&mut self, historian_input_seq: u64, batches_max: u64) -> Result<u64, StoreError> {
        let covered = self.snapshots().covered()?.min(historian_input_seq);
        self.prune_to(covered, batches_max)
    }

    /// As [`Journal::prune`], with what [`Snapshots::covered`] and the historian said before: reads no folder here.
    pub fn prune_to(&mut self, covered: u64, batches_max: u64) -> Result<u64, StoreError> {
        self.settle()?;
        let mut deleted = 0;
        self.write("prune inputs", |db| {
            let first = db.row("SELECT MIN(seq) FROM inputs", &[], |row| row.opt_int(0))?.flatten();
            let Some(first) = first else { return Ok(()) };
            let last = (covered as i64).min(first.saturating_add(batches_max as i64 - 1));
            deleted = db.execute("DELETE FROM inputs WHERE seq <= $1", &[Param::Int(last)])?;
            Ok(())
        })?;
        Ok(deleted)
    }

    fn check_sequence(&self, facts: &[FactRow<'_>]) -> Result<(), StoreError> {
        let mut last = self.durable.fact;
        for fact in facts {
            if fact.seq != last + 1 {
                return Err(StoreError::Sequence { what: "fact", last, got: fact.seq });
            }
            last = fact.seq;
        }
        Ok(())
    }

    /// One transaction that waits for the disk: it and all before it are durable when this returns. Call `settle` first.
    fn write<F>(&mut self, doing: &'static str, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&mut Database) -> Result<(), SqlError>,
    {
        self.write_or_why(doing, work).map_err(|(error, sound)| {
            if sound {
                self.stop(&error);
            }
            error
        })
    }

    /// As `write`, but a refused statement that was rolled back (true) does not stop the journal.
    fn write_or_why<F>(&mut self, doing: &'static str, work: F) -> Result<(), (StoreError, bool)>
    where
        F: FnOnce(&mut Database) -> Result<(), SqlError>,
    {
        let before = self.database.rows_changed();
        self.transact(true, doing, work)?;
        // A commit that changed nothing writes nothing, and SQLite syncs nothing for it.
        let synced = self.database.rows_changed() != before;
        if let Some(redo) = self.redo.as_mut().filter(|_| synced) {
            redo.free_all();
        }
        Ok(())
    }

    /// One transaction; the first failure is the last one tried (fsyncgate: a second fsync may lie).
    fn transact<F>(&mut self, wait: bool, doing: &'static str, work: F) -> Result<(), (StoreError, bool)>
    where
        F: FnOnce(&mut Database) -> Result<(), SqlError>,
    {
        if let Some(stopped) = &self.stopped {
            return Err((stopped.clone(), false));
        }
        if self.waits != wait {
            // A pragma that is refused changed nothing.
            self.database.wait_for_disk(wait).map_err(|source| (StoreError::Sql { doing, source }, true))?;
            self.waits = wait;
        }
        if let Err((source, sound)) = self.database.transaction_or_why(work) {
            let error = StoreError::Sql { doing, source };
            if !sound {
                self.stop(&error);
            }
            return Err((error, sound));
        }
        self.mind_the_wal();
        Ok(())
    }

    /// What reached the disk is unknown: nothing more is committed.
    fn stop(&mut self, error: &StoreError) {
        tracing::error!(error = %error.chain(), "the journal stops: what reached the disk is unknown");
        self.stopped = Some(StoreError::Stopped { at: wall_clock(), first: Arc::from(error.chain()) });
        // Nor may a checkpoint move pages that are perhaps not on the disk.
        self.checkpointer = None;
    }

    /// Wakes the checkpoint thread when the WAL is long, and helps when the thread cannot keep up.
    fn mind_the_wal(&mut self) {
        let pages = self.wal_pages.load(Ordering::Relaxed);
        if self.checkpointer.as_ref().is_some_and(|thread| thread.note(pages))
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!(error = %error.chain(), pages, "the WAL grows: checkpoint failed");
        }
    }

    /// Grows the files once, so that no later commit has to. Call it after the first open, before the doors open; it
    /// takes the time of writing 32 MiB, and nothing when it was done before. On PostgreSQL it does nothing.
    pub fn preallocate(&mut self) -> Result<(), StoreError> {
        match &self.location {
            Location::Sqlite(folder) => checkpoint::preallocate(&mut self.database, folder)
                .map_err(StoreError::sql("grow the files ahead of the first commit")),
            Location::Postgres(_) => Ok(()),
        }
    }

    /// Moves committed pages into the database file. The journal's own thread does it beside the commits; call this
    /// only when idle for long, or before a copy of the file is taken. On PostgreSQL it does nothing.
    pub fn checkpoint(&mut self) -> Result<WalState, StoreError> {
        match self.database {
            Database::Sqlite(_) => {
                checkpoint::checkpoint(&mut self.database).map_err(StoreError::sql("checkpoint the WAL"))
            }
            Database::Postgres(_) => Ok(WalState { pages: 0, moved: 0 }),
        }
    }
}

/// The database file of a data folder.
pub(crate) fn database_file(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// Microseconds since the epoch by the machine's clock.
fn wall_clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
