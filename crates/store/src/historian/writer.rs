//! The historian's thread: takes batches, keeps raw rows, seals chunks, catches up from the journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::Event;
use model::Reading;

use super::codec::Sample;
use super::live::SAMPLE_BYTES;
use super::{Batch, HistorianSettings, Shared, day};
use crate::{Database, Location, Param, Reader, SqlError, StoreError, recovery};

/// Wait after a disk error.
const RETRY_AFTER: Duration = Duration::from_secs(5);

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS raw (id INTEGER PRIMARY KEY, crc BIGINT NOT NULL, samples BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS progress (input_seq BIGINT NOT NULL);";

pub(super) struct Writer {
    shared: Arc<Shared>,
    journal: Location,
    settings: HistorianSettings,
    /// None until opened, and again after an error.
    database: Option<Database>,
    reader: Option<Reader>,
    /// Last input taken into memory.
    last: u64,
    /// Samples at the front of `live` that are raw rows already.
    flushed: usize,
    flush_at: Instant,
    seal_at: Instant,
    retry_at: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, journal: Location, settings: HistorianSettings) -> Self {
        let now = Instant::now();
        let (flush_at, seal_at) = (now + settings.flush_every, now + settings.seal_every);
        Self {
            shared,
            journal,
            settings,
            database: None,
            reader: None,
            last: 0,
            flushed: 0,
            flush_at,
            seal_at,
            retry_at: now,
        }
    }

    /// Runs until the queue closes; then flushes once more.
    pub(super) fn serve(&mut self, batches: &Receiver<Batch>) {
        self.attempt(Self::catch_up);
        loop {
            match batches.recv_timeout(self.flush_at.saturating_duration_since(Instant::now())) {
                Ok(batch) => self.attempt(|writer| writer.take(&batch)),
                Err(RecvTimeoutError::Timeout) => self.attempt(Self::tend),
                Err(RecvTimeoutError::Disconnected) => return self.attempt(Self::flush),
            }
        }
    }

    /// Opens the files if need be and does `work`. After an error everything since the last flush is forgotten here:
    /// the journal still has it, and it is read back when the disk works again.
    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Result<(), StoreError>) {
        if Instant::now() < self.retry_at {
            self.flush_at = self.retry_at;
            return;
        }
        let result = self.ensure_open().and_then(|()| work(self));
        if let Err(error) = result {
            tracing::error!(error = %error.chain(), "historian failed; it will read back from the journal");
            self.shared.errors.fetch_add(1, Ordering::Relaxed);
            (self.database, self.reader) = (None, None);
            self.retry_at = Instant::now() + RETRY_AFTER;
            self.flush_at = self.retry_at;
        }
    }

    fn ensure_open(&mut self) -> Result<(), StoreError> {
        if self.database.is_some() {
            return Ok(());
        }
        let mut database = Database::open_sqlite(&self.shared.folder.join("live.db"), day::PAGE_SIZE, false)?;
        database.batch("PRAGMA wal_autocheckpoint=1000").map_err(StoreError::sql("set up live.db"))?;
        database.batch(SCHEMA).map_err(StoreError::sql("set up live.db"))?;
        let progress = database.row("SELECT input_seq FROM progress", &[], |row| row.int(0));
        self.last = progress.map_err(StoreError::sql("read live.db"))?.unwrap_or(0) as u64;
        self.shared.live.write().clear();
        self.load_raw(&mut database).map_err(StoreError::sql("read live.db"))?;
        // Not before: who sees this number may expect the samples.
        self.shared.durable.store(self.last, Ordering::Release);
        self.database = Some(database);
        Ok(())
    }

    fn load_raw(&mut self, database: &mut Database) -> Result<(), SqlError> {
        let shared = &self.shared;
        database.query("SELECT id, crc, samples FROM raw ORDER BY id", &[], |row| {
            let samples = row.blob(2)?;
            let sound = row.int(1)? == i64::from(crc32c::crc32c(samples));
            if !sound || shared.live.write().decode(samples).is_none() {
                tracing::error!(row = row.int(0)?, "raw row of the historian is damaged; passed over");
                count(&shared.damaged, 1);
            }
            Ok(())
        })?;
        self.flushed = self.shared.live.read().len();
        Ok(())
    }

    fn take(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.input_seq > self.last + 1 {
            self.catch_up()?;
        }
        // Not above: it came with the catch-up.
        if batch.input_seq > self.last {
            self.shared.live.write().extend(&batch.readings);
            self.last = batch.input_seq;
            count(&self.shared.taken, batch.readings.len());
        }
        self.tend()
    }

    /// Reads everything after `last` back from the journal, sealing on the way when memory is full.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let mut readings: Vec<Reading> = Vec::new();
            let mut seen = self.last;
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => none.insert(Reader::open(&self.journal)?),
            };
            let page = recovery::replay_page(reader.database(), self.last, |_, input| {
                if let Event::Reading(reading) = input.event {
                    readings.push(reading);
                }
            });
            match page {
                Ok(None) => return Ok(()),
                Ok(Some((last, _))) => seen = last,
                Err(StoreError::Damaged { table, row, problem }) => {
                    tracing::error!(table, row, problem, "damaged input; passed over");
                    count(&self.shared.damaged, 1);
                    seen = seen.max(row as u64);
                }
                Err(error) => return Err(error),
            }
            self.shared.live.write().extend(&readings);
            count(&self.shared.read_back, readings.len());
            self.last = seen;
            self.tend()?;
        }
    }

    /// Flushes and seals what is due.
    fn tend(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        let full = self.shared.live.read().len() * SAMPLE_BYTES >= self.settings.memory_mib << 20;
        if full || now >= self.seal_at {
            self.flush()?;
            return self.seal();
        }
        if now >= self.flush_at { self.flush() } else { Ok(()) }
    }

    /// New samples become one raw row; with it the progress becomes durable.
    fn flush(&mut self) -> Result<(), StoreError> {
        self.flush_at = Instant::now() + self.settings.flush_every;
        if self.last == self.shared.durable.load(Ordering::Acquire) {
            return Ok(());
        }
        let Some(database) = &mut self.database else { return Ok(()) };
        let mut samples = Vec::new();
        let len = {
            let live = self.shared.live.read();
            live.encode(self.flushed, &mut samples);
            live.len()
        };
        let last = self.last;
        database.transaction(|db| insert_raw(db, &samples, last)).map_err(StoreError::sql("write a raw row"))?;
        self.flushed = len;
        self.shared.durable.store(last, Ordering::Release);
        Ok(())
    }

    /// All samples become chunks of their days; then the raw rows are not needed any more.
    fn seal(&mut self) -> Result<(), StoreError> {
        self.seal_at = Instant::now() + self.settings.seal_every;
        let oldest = today() - i64::from(self.settings.days);
        for day in self.days(oldest) {
            self.seal_day(day)?;
        }
        let Some(database) = &mut self.database else { return Ok(()) };
        let emptied = database.transaction(|db| db.execute("DELETE FROM raw", &[]));
        emptied.map_err(StoreError::sql("remove raw rows"))?;
        self.shared.live.write().clear();
        self.flushed = 0;
        day::list(&self.shared.folder)?
            .into_iter()
            .filter(|day| *day < oldest)
            .try_for_each(|day| day::remove(&self.shared.folder, day))
    }

    /// Days that have samples; older ones than `oldest` are counted and left out.
    fn days(&self, oldest: i64) -> Vec<i64> {
        let mut days: BTreeMap<i64, usize> = BTreeMap::new();
        let live = self.shared.live.read();
        (0..live.len()).for_each(|at| *days.entry(day::day_of(live.sample(at).time)).or_default() += 1);
        let expired: usize = days.range(..oldest).map(|(_, n)| n).sum();
        count(&self.shared.expired, expired);
        days.range(oldest..).map(|(day, _)| *day).collect()
    }

    fn seal_day(&self, of: i64) -> Result<(), StoreError> {
        let mut database = day::open(&self.shared.folder, of)?;
        let live = self.shared.live.read();
        let order = live.order_by_tag();
        let seal = |db: &mut Database| -> Result<(), SqlError> {
            let number = day::begin_seal(db)?;
            let (mut samples, mut blob) = (Vec::new(), Vec::new());
            let (mut t0, mut t1) = (i64::MAX, i64::MIN);
            for positions in order.chunk_by(|a, b| live.tag(*a as usize) == live.tag(*b as usize)) {
                samples.clear();
                let all = positions.iter().map(|at| live.sample(*at as usize));
                samples.extend(all.filter(|sample| day::day_of(sample.time) == of));
                last_of_each_time(&mut samples);
                let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
                (t0, t1) = (t0.min(first.time), t1.max(last.time));
                day::insert(db, number, live.tag(positions[0] as usize), &samples, &mut blob)?;
            }
            day::end_seal(db, number, t0, t1)
        };
        database.transaction(seal).map_err(StoreError::sql("seal a day's chunks"))
    }
}

/// Orders samples by time and keeps the last written of equal times.
pub(super) fn last_of_each_time(samples: &mut Vec<Sample>) {
    if samples.is_sorted_by(|a, b| a.time < b.time) {
        return;
    }
    samples.sort_by_key(|sample| sample.time);
    samples.reverse();
    samples.dedup_by_key(|sample| sample.time);
    samples.reverse();
}

fn insert_raw(db: &mut Database, samples: &[u8], last: u64) -> Result<(), SqlError> {
    if !samples.is_empty() {
        let params = [Param::Int(i64::from(crc32c::crc32c(samples))), Param::Blob(samples)];
        db.execute("INSERT INTO raw (crc, samples) VALUES ($1, $2)", &params)?;
    }
    db.execute("DELETE FROM progress", &[])?;
    db.execute("INSERT INTO progress (input_seq) VALUES ($1)", &[Param::Int(last as i64)]).map(|_| ())
}

fn count(cell: &AtomicU64, more: usize) {
    cell.fetch_add(more as u64, Ordering::Relaxed);
}

/// The number of the current UTC day: retention counts from the machine's clock.
fn today() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    day::day_of(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
