//! The index of a volume: which second of which camera lies in which file, and why it does not.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::clock::Alignment;
use crate::gap::Reason;
use crate::volume::recorder::Key;

/// Version of the tables.
const VERSION: i64 = 1;
/// Waits so long for another connection's transaction.
const BUSY_MS: u64 = 5_000;

const TABLES: &str = "
CREATE TABLE segment (
  id INTEGER PRIMARY KEY, camera TEXT NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, file TEXT NOT NULL,
  bytes INTEGER NOT NULL, frames INTEGER NOT NULL, loss INTEGER NOT NULL, codec TEXT NOT NULL, width INTEGER NOT NULL,
  height INTEGER NOT NULL, open INTEGER NOT NULL, keys BLOB NOT NULL, sha256 TEXT NOT NULL DEFAULT '',
  offset_us INTEGER, drift_ppm REAL, within_us INTEGER);
CREATE INDEX segment_camera ON segment (camera, t0);
CREATE INDEX segment_open ON segment (open) WHERE open = 1;
CREATE TABLE total (camera TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER segment_made AFTER INSERT ON segment BEGIN
  INSERT INTO total VALUES (new.camera, new.bytes) ON CONFLICT (camera) DO UPDATE SET bytes = bytes + new.bytes;
END;
CREATE TRIGGER segment_changed AFTER UPDATE OF bytes, file ON segment BEGIN
  UPDATE total SET bytes = bytes - old.bytes * (old.file LIKE 'seg/%') + new.bytes * (new.file LIKE 'seg/%')
  WHERE camera = new.camera;
END;
CREATE TRIGGER segment_gone AFTER DELETE ON segment WHEN old.file LIKE 'seg/%' BEGIN
  UPDATE total SET bytes = bytes - old.bytes WHERE camera = old.camera;
END;
CREATE TABLE gap (
  id INTEGER PRIMARY KEY, camera TEXT NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER, reason TEXT NOT NULL);
CREATE INDEX gap_camera ON gap (camera, t0);
CREATE INDEX gap_open ON gap (camera) WHERE t1 IS NULL;
CREATE TABLE clip (
  id INTEGER PRIMARY KEY, alarm INTEGER NOT NULL, enterprise TEXT NOT NULL, camera TEXT NOT NULL,
  alarm_at INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, state TEXT NOT NULL, UNIQUE (alarm, camera));
CREATE TABLE clip_file (
  clip INTEGER NOT NULL REFERENCES clip (id), segment INTEGER NOT NULL, file TEXT NOT NULL,
  PRIMARY KEY (clip, segment)) WITHOUT ROWID;
CREATE INDEX clip_file_segment ON clip_file (segment);
CREATE TABLE alive (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL, stopped INTEGER NOT NULL);
";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// SQLite.
    #[error("cannot {doing} the index of the recordings")]
    Sql {
        /// What was tried.
        doing: &'static str,
        /// Its own words.
        #[source]
        source: rusqlite::Error,
    },
    /// Written by a newer program.
    #[error("SCHEMA_NEWER: the index of the recordings has version {found}, this program needs at most {VERSION}")]
    Newer {
        /// Its version.
        found: i64,
    },
}

fn doing(what: &'static str) -> impl FnOnce(rusqlite::Error) -> IndexError {
    move |source| IndexError::Sql { doing: what, source }
}

/// A file of one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Number within the volume, never reused.
    pub id: i64,
    /// Camera id.
    pub camera: String,
    /// First picture, microseconds since the epoch.
    pub t0: i64,
    /// End of the last picture.
    pub t1: i64,
    /// Relative to the volume.
    pub file: String,
    /// Bytes.
    pub bytes: u64,
    /// Pictures.
    pub frames: u64,
    /// RTP packets lost.
    pub loss: u64,
    /// Codec as RFC 6381 names it.
    pub codec: String,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Still being written.
    pub open: bool,
    /// Key frames.
    pub keys: Vec<Key>,
    /// SHA-256 of the file, hexadecimal; empty: not computed.
    pub sha256: String,
    /// How the camera's clock stood to ours.
    pub clock: Option<Alignment>,
}

/// A stretch without pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Camera id.
    pub camera: String,
    /// From.
    pub t0: i64,
    /// To; none: goes on.
    pub t1: Option<i64>,
    /// Why.
    pub reason: Reason,
}

/// A change that becomes durable with the next commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A segment begins, grows or ends: its row as it is now.
    Segment(Box<Segment>),
    /// A segment that holds nothing: there never was one.
    Nothing(i64),
    /// Nothing is recorded from here on.
    GapBegins(Gap),
    /// It is again.
    GapEnds {
        /// Camera id.
        camera: String,
        /// When.
        at: i64,
    },
    /// A gap that is over.
    Gap(Gap),
}

/// One connection to the index.
pub struct Index {
    db: Connection,
}

impl Index {
    /// Opens it, makes or migrates the tables.
    ///
    /// # Errors
    /// `Newer`, or SQLite's.
    pub fn open(file: &Path) -> Result<Self, IndexError> {
        let mut db = Connection::open(file).map_err(doing("open"))?;
        let set = |db: &Connection| {
            db.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "foreign_keys", "ON")
        };
        set(&db).map_err(doing("open"))?;
        migrate(&mut db)?;
        Ok(Self { db })
    }

    /// As [`Index::open`], without waiting for the disk at each commit: for what is done again after a loss of power.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_relaxed(file: &Path) -> Result<Self, IndexError> {
        let index = Self::open(file)?;
        index.db.pragma_update(None, "synchronous", "NORMAL").map_err(doing("open"))?;
        Ok(index)
    }

    /// Writes changes and when they were true, in one transaction.
    ///
    /// # Errors
    /// SQLite's.
    pub fn commit(&mut self, changes: &[Change], now: i64) -> Result<(), IndexError> {
        let write = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for change in changes {
                apply(&tx, change)?;
            }
            tx.prepare_cached("INSERT OR REPLACE INTO alive VALUES (1, ?1, 0)")?.execute([now])?;
            tx.commit()
        };
        write(&mut self.db).map_err(doing("write"))
    }

    /// Says that the program ends in order, and when.
    ///
    /// # Errors
    /// SQLite's.
    pub fn stopped(&self, now: i64) -> Result<(), IndexError> {
        self.db.execute("INSERT OR REPLACE INTO alive VALUES (1, ?1, 1)", [now]).map_err(doing("write"))?;
        Ok(())
    }

    /// The last commit of the run before, and whether it ended in order.
    ///
    /// # Errors
    /// SQLite's.
    pub fn last_alive(&self) -> Result<Option<(i64, bool)>, IndexError> {
        let row = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?));
        self.db.query_row("SELECT at, stopped FROM alive", [], row).optional().map_err(doing("read"))
    }

    /// Number of the newest segment.
    ///
    /// # Errors
    /// SQLite's.
    pub fn last_segment(&self) -> Result<i64, IndexError> {
        let sql = "SELECT coalesce(max(id), 0) FROM segment";
        self.db.query_row(sql, [], |r| r.get(0)).map_err(doing("read"))
    }

    /// Segments of a camera that overlap a time, oldest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn segments(&self, camera: &str, from: i64, to: i64) -> Result<Vec<Segment>, IndexError> {
        let sql = "SELECT * FROM segment WHERE camera = ?1 AND t0 < ?3 AND t1 > ?2 ORDER BY t0, id";
        self.rows(sql, params![camera, from, to], segment)
    }

    /// A segment by number.
    ///
    /// # Errors
    /// SQLite's.
    pub fn segment(&self, id: i64) -> Result<Option<Segment>, IndexError> {
        Ok(self.rows("SELECT * FROM segment WHERE id = ?1", [id], segment)?.pop())
    }

    /// Segments that a crash left open.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open_segments(&self) -> Result<Vec<Segment>, IndexError> {
        self.rows("SELECT * FROM segment WHERE open = 1", [], segment)
    }

    /// Gaps of a camera that overlap a time, oldest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn gaps(&self, camera: &str, from: i64, to: i64) -> Result<Vec<Gap>, IndexError> {
        let sql = "SELECT * FROM gap WHERE camera = ?1 AND t0 < ?3 AND (t1 IS NULL OR t1 > ?2) ORDER BY t0, id";
        self.rows(sql, params![camera, from, to], gap)
    }

    /// Where each camera's record ends: its last segment, or its open gap.
    ///
    /// # Errors
    /// SQLite's.
    pub fn ends(&self) -> Result<Vec<(String, i64)>, IndexError> {
        let sql = "SELECT camera, max(t1) FROM (SELECT camera, t1 FROM segment UNION ALL
                   SELECT camera, coalesce(t1, t0) FROM gap) GROUP BY camera";
        self.rows(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Files known for a day folder and camera.
    ///
    /// # Errors
    /// SQLite's.
    pub fn knows_file(&self, file: &str) -> Result<bool, IndexError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM segment WHERE file = ?1)";
        self.db.query_row(sql, [file], |r| r.get(0)).map_err(doing("read"))
    }

    /// Direct access for the rooms of this crate that keep their own tables.
    pub(crate) fn db(&mut self) -> &mut Connection {
        &mut self.db
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        arguments: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let mut statement = self.db.prepare_cached(sql).map_err(doing("read"))?;
        let rows = statement.query_map(arguments, read).map_err(doing("read"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(doing("read"))
    }
}

fn migrate(db: &mut Connection) -> Result<(), IndexError> {
    let found: i64 = db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(doing("read"))?;
    if found > VERSION {
        return Err(IndexError::Newer { found });
    }
    if found == 0 {
        let make = |db: &mut Connection| {
            let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            // Another connection may have been faster.
            if tx.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0))? == 0 {
                tx.execute_batch(TABLES)?;
                tx.pragma_update(None, "user_version", VERSION)?;
            }
            tx.commit()
        };
        make(db).map_err(doing("make"))?;
    }
    Ok(())
}

pub(crate) fn apply(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Segment(s) => put_segment(db, s),
        Change::Nothing(id) => {
            db.prepare_cached("DELETE FROM clip_file WHERE segment = ?1")?.execute([id])?;
            db.prepare_cached("DELETE FROM segment WHERE id = ?1")?.execute([id])?;
            Ok(())
        }
        Change::GapBegins(g) | Change::Gap(g) => put_gap(db, g),
        Change::GapEnds { camera, at } => end_gap(db, camera, *at),
    }
}

fn put_segment(db: &Connection, s: &Segment) -> rusqlite::Result<()> {
    // Its hash and its link are others' to write.
    let sql = "INSERT INTO segment VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)
               ON CONFLICT (id) DO UPDATE SET t1 = ?4, bytes = ?6, frames = ?7, loss = ?8, codec = ?9, width = ?10,
               height = ?11, open = ?12, keys = ?13, offset_us = ?15, drift_ppm = ?16, within_us = ?17";
    let clock = s.clock.as_ref();
    db.prepare_cached(sql)?.execute(params![
        s.id,
        s.camera,
        s.t0,
        s.t1,
        s.file,
        s.bytes as i64,
        s.frames as i64,
        s.loss as i64,
        s.codec,
        s.width,
        s.height,
        s.open,
        packed(&s.keys),
        s.sha256,
        clock.map(|c| c.offset_us),
        clock.map(|c| c.drift_ppm),
        clock.map(|c| c.within_us),
    ])?;
    Ok(())
}

/// A gap that continues one of the same reason makes it longer: a rolling camera has one such row, not one a minute.
fn put_gap(db: &Connection, g: &Gap) -> rusqlite::Result<()> {
    if g.t1.is_some_and(|t1| t1 <= g.t0) {
        return Ok(());
    }
    let sql = "UPDATE gap SET t1 = ?4 WHERE camera = ?1 AND t1 = ?2 AND reason = ?3";
    let longer = db.prepare_cached(sql)?.execute(params![g.camera, g.t0, g.reason.code(), g.t1])?;
    if longer == 0 {
        let sql = "INSERT INTO gap (camera, t0, t1, reason) VALUES (?1, ?2, ?3, ?4)";
        db.prepare_cached(sql)?.execute(params![g.camera, g.t0, g.t1, g.reason.code()])?;
    }
    Ok(())
}

fn end_gap(db: &Connection, camera: &str, at: i64) -> rusqlite::Result<()> {
    // One that ends before it began never was: the clock was set back.
    db.prepare_cached("DELETE FROM gap WHERE camera = ?1 AND t1 IS NULL AND t0 >= ?2")?.execute(params![camera, at])?;
    db.prepare_cached("UPDATE gap SET t1 = ?2 WHERE camera = ?1 AND t1 IS NULL")?.execute(params![camera, at])?;
    Ok(())
}

pub(crate) fn segment(r: &Row<'_>) -> rusqlite::Result<Segment> {
    let clock = match (r.get(14)?, r.get(15)?, r.get(16)?) {
        (Some(offset_us), Some(drift_ppm), Some(within_us)) => Some(Alignment { offset_us, drift_ppm, within_us }),
        _ => None,
    };
    Ok(Segment {
        id: r.get(0)?,
        camera: r.get(1)?,
        t0: r.get(2)?,
        t1: r.get(3)?,
        file: r.get(4)?,
        bytes: r.get::<_, i64>(5)? as u64,
        frames: r.get::<_, i64>(6)? as u64,
        loss: r.get::<_, i64>(7)? as u64,
        codec: r.get(8)?,
        width: r.get(9)?,
        height: r.get(10)?,
        open: r.get(11)?,
        keys: unpacked(r.get_ref(12)?.as_blob().unwrap_or_default()),
        sha256: r.get(13)?,
        clock,
    })
}

fn gap(r: &Row<'_>) -> rusqlite::Result<Gap> {
    let code: String = r.get(4)?;
    let reason = Reason::of(&code).unwrap_or(Reason::FileLost);
    Ok(Gap { camera: r.get(1)?, t0: r.get(2)?, t1: r.get(3)?, reason })
}

/// Eight bytes a key frame: microseconds after the beginning, byte of the file.
fn packed(keys: &[Key]) -> Vec<u8> {
    keys.iter().flat_map(|k| [k.after_us.to_le_bytes(), k.at.to_le_bytes()]).flatten().collect()
}

fn unpacked(blob: &[u8]) -> Vec<Key> {
    let key = |row: &[u8]| {
        let number = |at: usize| row.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        Some(Key { after_us: number(0)?, at: number(4)? })
    };
    blob.chunks_exact(8).filter_map(key).collect()
}
