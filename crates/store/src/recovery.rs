//! Opening the journal: lock, version stamp, migration, and everything the engine needs to go on where it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use model::Time;

use crate::audit::Head;
use crate::checkpoint::{self, Checkpointer};
use crate::journal::{self, Counters, Journal, Location, PAGE_SIZE};
use crate::lock::FolderLock;
use crate::redo::{Body, Redo};
use crate::unsettled::Unsettled;
use crate::wal_sync::WalSync;
use crate::{Database, InputReader, Param, RecordedInput, SqlError, StoreError, migration, rows};

/// Batches read at a time during replay, so that memory stays bounded whatever the backlog.
const REPLAY_BATCHES: i64 = 64;
/// Key of the advisory lock on PostgreSQL: "fenghuo" as a number.
const ADVISORY_LOCK: i64 = 0x66_656e_6768_756f;
/// It is tried so often, this far apart: two seconds.
const LOCK_LOOKS: u32 = 20;
const LOCK_EVERY: Duration = Duration::from_millis(100);

/// What the journal holds, as the start needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// `(enterprise, tag)` in the order of their numbers.
    pub tags: Vec<(String, String)>,
    /// Condition keys in the order of their numbers.
    pub conditions: Vec<String>,
    /// Gateway names in the order of their numbers.
    pub gateways: Vec<String>,
    /// Newest engine snapshot and the input it was taken after.
    pub snapshot: Option<(u64, Vec<u8>)>,
    /// Number of the last committed fact.
    pub last_fact_seq: u64,
    /// Number of the last committed batch of inputs.
    pub last_input_seq: u64,
    /// The last clock the journal heard; `Time::MIN` if it never heard any.
    pub last_heard: Time,
}

impl Journal {
    /// Opens the journal for its one writer.
    ///
    /// # Errors
    /// `Locked` if another process has it, `SchemaNewer` if a newer version wrote it; nothing is changed then.
    pub fn open(location: &Location) -> Result<(Self, Recovered), StoreError> {
        let (mut database, lock) = open_database(location)?;
        migration::migrate(&mut database)?;
        let redo = redo(&mut database, location)?;
        let (counters, mut recovered) =
            read_state(&mut database).map_err(StoreError::sql("read what the journal holds"))?;
        let wal_pages = database.count_wal_pages().map_err(StoreError::sql("watch the WAL"))?;
        let checkpointer = Checkpointer::start(location)?;
        let wal_sync = WalSync::start(location)?;
        let location = location.clone();
        let mut journal = Self {
            database,
            location,
            counters,
            durable: counters.durable(),
            unsettled: Unsettled::default(),
            stopped: None,
            wal_pages,
            checkpointer,
            redo,
            wal_sync,
            waits: true,
            _lock: lock,
        };
        recovered.snapshot = journal.snapshots().newest()?;
        if let Some((input_seq, _)) = &recovered.snapshot {
            // All inputs may have been pruned: the numbers go on from the snapshot's.
            journal.counters.input = journal.counters.input.max(*input_seq);
        }
        journal.durable = journal.counters.durable();
        recovered.last_input_seq = journal.durable.input;
        Ok((journal, recovered))
    }

    /// Reads back every input after batch `after_input_seq`, in order, and returns how many there were.
    ///
    /// # Errors
    /// `Damaged` names the batch and the byte; inputs before it have been given to `each`.
    pub fn replay<F>(&mut self, after_input_seq: u64, mut each: F) -> Result<u64, StoreError>
    where
        F: FnMut(RecordedInput),
    {
        let (mut after, mut count) = (after_input_seq, 0);
        while let Some((last, inputs)) = replay_page(&mut self.database, after, |_, input| each(input))? {
            (after, count) = (last, count + inputs);
        }
        Ok(count)
    }
}

/// Reads the next few batches after `after`: the number of the last one and how many inputs there were, or none at the
/// end. `each` also gets the number of the batch.
pub(crate) fn replay_page<F>(database: &mut Database, after: u64, mut each: F) -> Result<Option<(u64, u64)>, StoreError>
where
    F: FnMut(u64, RecordedInput),
{
    let sql = "SELECT seq, crc, records FROM inputs WHERE seq > $1 ORDER BY seq LIMIT $2";
    let params = [Param::Int(after as i64), Param::Int(REPLAY_BATCHES)];
    let read = |row: &crate::Row<'_>| Ok((row.int(0)?, row.int(1)?, row.blob(2)?.to_vec()));
    let batches = database.rows(sql, &params, read).map_err(StoreError::sql("read inputs"))?;
    let Some((last, _, _)) = batches.last() else { return Ok(None) };
    let last = *last as u64;
    let mut count = 0;
    for (seq, crc, records) in batches {
        count += replay_batch(seq, crc, &records, &mut each)?;
    }
    Ok(Some((last, count)))
}

fn replay_batch<F>(seq: i64, crc: i64, records: &[u8], each: &mut F) -> Result<u64, StoreError>
where
    F: FnMut(u64, RecordedInput),
{
    let damaged = |problem: String| StoreError::Damaged { table: "inputs", row: seq, problem };
    if i64::from(crc32c::crc32c(records)) != crc {
        return Err(damaged(format!("the checksum of its {} bytes does not match", records.len())));
    }
    let mut count = 0;
    for input in InputReader::new(records).map_err(|e| damaged(e.to_string()))? {
        each(seq as u64, input.map_err(|e| damaged(e.to_string()))?);
        count += 1;
    }
    Ok(count)
}

/// Brings into the tables what was secured and perhaps not written there. Batches of inputs that were pruned since come
/// back and are pruned again: replay begins after the snapshot.
fn redo(database: &mut Database, location: &Location) -> Result<Option<Redo>, StoreError> {
    let Location::Sqlite(folder) = location else { return Ok(None) };
    let doing = "write a secured commit";
    let (mut counters, _) = read_state(database).map_err(StoreError::sql(doing))?;
    let last = (counters.input, counters.fact);
    let each = |body: &Body<'_>| {
        follows(body, counters.fact)?;
        database.transaction(|db| rows::redo(db, &mut counters, body)).map_err(StoreError::sql(doing))
    };
    let redo = Redo::open(folder, last, each)?;
    // Tables that had all of it already had perhaps not waited for the disk.
    checkpoint::sync_wal(folder)?;
    Ok(Some(redo))
}

/// A log that goes on where the tables do not end belongs to others: a copy that is older, or begun anew.
fn follows(body: &Body<'_>, last: u64) -> Result<(), StoreError> {
    match body.facts.iter().find(|f| f.seq > last) {
        Some(fact) if fact.seq != last + 1 => {
            let problem = format!("goes on with fact {}, but the tables end at fact {last}", fact.seq);
            Err(StoreError::Damaged { table: "journal.redo", row: fact.seq as i64, problem })
        }
        _ => Ok(()),
    }
}

fn open_database(location: &Location) -> Result<(Database, Option<FolderLock>), StoreError> {
    match location {
        Location::Sqlite(folder) => {
            fs::create_dir_all(folder).map_err(StoreError::file("create", folder))?;
            let lock = FolderLock::take(folder)?;
            let file = journal::database_file(folder);
            if file.exists() {
                refuse_newer(&file)?;
            }
            Ok((Database::open_sqlite(&file, PAGE_SIZE, false)?, Some(lock)))
        }
        Location::Postgres(url) => {
            let mut database = Database::open_postgres(url)?;
            take_advisory_lock(&mut database)?;
            Ok((database, None))
        }
    }
}

/// On a connection that cannot write: a refusal must leave every byte as it was. After a crash SQLite may have to roll
/// back first, which such a connection cannot; then one that can looks.
fn refuse_newer(file: &Path) -> Result<(), StoreError> {
    let look = |read_only| migration::version(&mut Database::open_sqlite_plain(file, read_only)?);
    let have = look(true).or_else(|_| look(false)).map_err(StoreError::sql("read the schema version"))?;
    match have > migration::VERSION {
        true => Err(StoreError::SchemaNewer { have, need: migration::VERSION }),
        false => Ok(()),
    }
}

/// The lock lives as long as the connection. The server takes a moment to notice that a process was killed: its lock is
/// waited for, so that a restart at once gets in.
fn take_advisory_lock(database: &mut Database) -> Result<(), StoreError> {
    let doing = "take the advisory lock";
    let sql = "SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1::BIGINT ELSE 0::BIGINT END";
    let key = [Param::Int(ADVISORY_LOCK)];
    for _ in 0..LOCK_LOOKS {
        if database.row(sql, &key, |row| row.int(0)).map_err(StoreError::sql(doing))? == Some(1) {
            return Ok(());
        }
        std::thread::sleep(LOCK_EVERY);
    }
    let holder = "SELECT pid::BIGINT FROM pg_locks WHERE locktype = 'advisory' AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND ((classid::BIGINT << 32) | objid::BIGINT) = $1";
    let pid = database.row(holder, &key, |row| row.int(0)).map_err(StoreError::sql(doing))?;
    Err(StoreError::Locked { pid: pid.and_then(|p| u32::try_from(p).ok()).unwrap_or(0) })
}

fn read_state(db: &mut Database) -> Result<(Counters, Recovered), SqlError> {
    let tags = db.rows("SELECT enterprise, name FROM tags ORDER BY id", &[], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))
    })?;
    let conditions = names(db, "SELECT name FROM conditions ORDER BY id")?;
    let gateways = names(db, "SELECT name FROM gateways ORDER BY id")?;
    let last_input =
        db.row("SELECT seq, heard FROM inputs ORDER BY seq DESC LIMIT 1", &[], |row| Ok((row.int(0)?, row.int(1)?)))?;
    let last_event = db.row("SELECT seq, committed_at FROM events ORDER BY seq DESC LIMIT 1", &[], |row| {
        Ok((row.int(0)?, row.int(1)?))
    })?;
    let last_heard = [last_input, last_event].into_iter().flatten().map(|(_, at)| at).max();
    let counters = Counters {
        input: last_input.map_or(0, |(seq, _)| seq as u64),
        fact: last_event.map_or(0, |(seq, _)| seq as u64),
        audit: audit_head(db)?,
        tags: tags.len() as u64,
        conditions: conditions.len() as u64,
        gateways: gateways.len() as u64,
    };
    let recovered = Recovered {
        tags,
        conditions,
        gateways,
        snapshot: None,
        last_fact_seq: counters.fact,
        last_input_seq: counters.input,
        last_heard: last_heard.map_or(Time::MIN, Time),
    };
    Ok((counters, recovered))
}

fn names(db: &mut Database, sql: &'static str) -> Result<Vec<String>, SqlError> {
    db.rows(sql, &[], |row| Ok(row.text(0)?.to_owned()))
}

pub(crate) fn audit_head(db: &mut Database) -> Result<Head, SqlError> {
    let sql = "SELECT seq, hash, at FROM audit ORDER BY seq DESC LIMIT 1";
    let head = db.row(sql, &[], |row| {
        let hash = row.blob(1)?.try_into().map_err(|_| SqlError::Column { column: 1, wanted: "32 bytes" })?;
        Ok(Head { seq: row.int(0)? as u64, hash, at: Time(row.int(2)?) })
    })?;
    Ok(head.unwrap_or(Head::EMPTY))
}
