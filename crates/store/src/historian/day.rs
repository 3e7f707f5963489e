//! One UTC day's file: sealed chunks in the order they were sealed, so that a seal appends and rewrites no page.
//! Retention removes whole files.

use std::path::{Path, PathBuf};

use model::Quality;

use super::codec::{self, Sample};
use crate::{Database, Param, Row, SqlError, StoreError};

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;
/// Page size of historian files, bytes: big appends.
pub const PAGE_SIZE: u32 = 8_192;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS seals (id INTEGER PRIMARY KEY, t0 BIGINT NOT NULL, t1 BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS chunks (seal BIGINT NOT NULL, tag BIGINT NOT NULL, t0 BIGINT NOT NULL,
        t1 BIGINT NOT NULL, n BIGINT NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL,
        first REAL NOT NULL, last REAL NOT NULL, worst BIGINT NOT NULL, samples BLOB NOT NULL,
        PRIMARY KEY (seal, tag)) WITHOUT ROWID;";

/// A chunk's columns: what a long query needs without reading the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// First time.
    pub t0: i64,
    /// Last time.
    pub t1: i64,
    /// Samples.
    pub count: u64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Sum of the values.
    pub sum: f64,
    /// Value at `t0`.
    pub first: f64,
    /// Value at `t1`.
    pub last: f64,
    /// Worst quality.
    pub worst: Quality,
}

impl Summary {
    /// Of samples in the order of time; none of none.
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let first = samples.first()?;
        let mut summary = Self::one(*first);
        samples[1..].iter().for_each(|sample| summary.add(&Self::one(*sample)));
        Some(summary)
    }

    /// Of one sample.
    pub fn one(sample: Sample) -> Self {
        let Sample { time, value, quality } = sample;
        Self {
            t0: time,
            t1: time,
            count: 1,
            min: value,
            max: value,
            sum: value,
            first: value,
            last: value,
            worst: quality,
        }
    }

    /// Takes in a later summary.
    pub fn add(&mut self, later: &Self) {
        self.t1 = later.t1;
        self.count += later.count;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.last = later.last;
        self.worst = self.worst.max(later.worst);
    }
}

/// The number of the day a time falls into.
pub fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY_US)
}

/// The file of a day.
pub fn file_name(folder: &Path, day: i64) -> PathBuf {
    folder.join(format!("day-{day}.db"))
}

/// Days that have a file, oldest first.
pub fn list(folder: &Path) -> Result<Vec<i64>, StoreError> {
    let mut days = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StoreError::file("list", folder))? {
        let name = entry.map_err(StoreError::file("list", folder))?.file_name();
        let day = name.to_str().and_then(|n| n.strip_prefix("day-")).and_then(|n| n.strip_suffix(".db"));
        days.extend(day.and_then(|day| day.parse::<i64>().ok()));
    }
    days.sort_unstable();
    Ok(days)
}

/// Removes a day and the files SQLite keeps beside it.
pub fn remove(folder: &Path, day: i64) -> Result<(), StoreError> {
    let file = file_name(folder, day);
    for suffix in ["-wal", "-shm", ""] {
        let mut name = file.clone().into_os_string();
        name.push(suffix);
        let path = PathBuf::from(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::file("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Opens a day for writing, and makes it if it is new.
pub fn open(folder: &Path, day: i64) -> Result<Database, StoreError> {
    let mut database = Database::open_sqlite(&file_name(folder, day), PAGE_SIZE, false)?;
    database.batch("PRAGMA wal_autocheckpoint=1000").map_err(StoreError::sql("set up a day's file"))?;
    database.batch(SCHEMA).map_err(StoreError::sql("set up a day's file"))?;
    Ok(database)
}

/// Begins a seal within a transaction; returns its number.
pub fn begin_seal(db: &mut Database) -> Result<i64, SqlError> {
    let last = db.row("SELECT MAX(id) FROM seals", &[], |row| row.opt_int(0))?.flatten();
    Ok(last.unwrap_or(0) + 1)
}

/// Ends a seal: the times it spans let queries skip it.
pub fn end_seal(db: &mut Database, seal: i64, t0: i64, t1: i64) -> Result<(), SqlError> {
    let params = [Param::Int(seal), Param::Int(t0), Param::Int(t1)];
    db.execute("INSERT INTO seals (id, t0, t1) VALUES ($1, $2, $3)", &params).map(|_| ())
}

/// Writes one chunk: samples of one tag in the order of time.
pub fn insert(db: &mut Database, seal: i64, tag: u32, samples: &[Sample], blob: &mut Vec<u8>) -> Result<(), SqlError> {
    let Some(summary) = Summary::of(samples) else { return Ok(()) };
    blob.clear();
    codec::encode(samples, blob);
    let params = [
        Param::Int(seal),
        Param::Int(i64::from(tag)),
        Param::Int(summary.t0),
        Param::Int(summary.t1),
        Param::Int(summary.count as i64),
        Param::Real(summary.min),
        Param::Real(summary.max),
        Param::Real(summary.sum),
        Param::Real(summary.first),
        Param::Real(summary.last),
        Param::Int(summary.worst as i64),
        Param::Blob(blob),
    ];
    db.execute(
        "INSERT INTO chunks (seal, tag, t0, t1, n, min, max, sum, first, last, worst, samples)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &params,
    )
    .map(|_| ())
}

/// A chunk as found: where it is and what it sums up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its seal.
    pub seal: i64,
    /// Its columns.
    pub summary: Summary,
}

/// Chunks of a tag that touch `from..to`, in the order they were sealed.
pub fn find(db: &mut Database, tag: u32, from: i64, to: i64) -> Result<Vec<Found>, SqlError> {
    let sql = "SELECT c.seal, c.t0, c.t1, c.n, c.min, c.max, c.sum, c.first, c.last, c.worst
        FROM seals s CROSS JOIN chunks c ON c.seal = s.id AND c.tag = $1
        WHERE s.t1 >= $2 AND s.t0 < $3 AND c.t1 >= $2 AND c.t0 < $3 ORDER BY s.id";
    db.rows(sql, &[Param::Int(i64::from(tag)), Param::Int(from), Param::Int(to)], found)
}

/// The samples of one chunk; none if they are damaged.
pub fn samples(db: &mut Database, tag: u32, seal: i64) -> Result<Option<Vec<Sample>>, SqlError> {
    let sql = "SELECT samples FROM chunks WHERE seal = $1 AND tag = $2";
    let params = [Param::Int(seal), Param::Int(i64::from(tag))];
    Ok(db.row(sql, &params, |row| Ok(codec::decode(row.blob(0)?)))?.flatten())
}

fn found(row: &Row<'_>) -> Result<Found, SqlError> {
    let summary = Summary {
        t0: row.int(1)?,
        t1: row.int(2)?,
        count: row.int(3)? as u64,
        min: row.real(4)?,
        max: row.real(5)?,
        sum: row.real(6)?,
        first: row.real(7)?,
        last: row.real(8)?,
        worst: Quality::from_u8(row.int(9)? as u8),
    };
    Ok(Found { seal: row.int(0)?, summary })
}
