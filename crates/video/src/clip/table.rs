//! The rows of clips, in the index of the disk that holds their pictures.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::index::{self, Index, IndexError, Segment};

/// How a clip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipState {
    /// The alarm lasts, or the time after it is still running.
    Active,
    /// Complete, with a manifest.
    Complete,
}

impl ClipState {
    /// Stable label.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Complete => "complete",
        }
    }
}

/// What an alarm keeps of one camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Number within the disk.
    pub id: i64,
    /// Alarm.
    pub alarm: u64,
    /// Enterprise.
    pub enterprise: String,
    /// Camera.
    pub camera: String,
    /// When the alarm was raised.
    pub alarm_at: i64,
    /// Kept from.
    pub t0: i64,
    /// Kept to; while the alarm lasts, as far as is known now.
    pub t1: i64,
    /// State.
    pub state: ClipState,
}

/// A file that a clip holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipFile {
    /// The segment.
    pub segment: Segment,
    /// The link that keeps it, relative to the disk.
    pub file: String,
}

fn sql(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> IndexError {
    move |source| IndexError::Sql { doing, source }
}

fn clip(r: &Row<'_>) -> rusqlite::Result<Clip> {
    let state: String = r.get(7)?;
    Ok(Clip {
        id: r.get(0)?,
        alarm: r.get::<_, i64>(1)? as u64,
        enterprise: r.get(2)?,
        camera: r.get(3)?,
        alarm_at: r.get(4)?,
        t0: r.get(5)?,
        t1: r.get(6)?,
        state: if state == ClipState::Active.code() { ClipState::Active } else { ClipState::Complete },
    })
}

/// The clips of an alarm.
pub(super) fn of_alarm(index: &Index, alarm: u64) -> Result<Vec<Clip>, IndexError> {
    index.rows("SELECT * FROM clip WHERE alarm = ?1 ORDER BY camera", [alarm as i64], clip)
}

/// Those that are not complete.
pub(super) fn active(index: &Index) -> Result<Vec<Clip>, IndexError> {
    index.rows("SELECT * FROM clip WHERE state = 'active' ORDER BY id", [], clip)
}

/// Makes a clip; the one there is, if there is one.
pub(super) fn make(index: &mut Index, new: &Clip) -> Result<Clip, IndexError> {
    let sql_text = "INSERT INTO clip (alarm, enterprise, camera, alarm_at, t0, t1, state)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'active') ON CONFLICT (alarm, camera) DO NOTHING";
    let values = params![new.alarm as i64, new.enterprise, new.camera, new.alarm_at, new.t0, new.t1];
    index.db().execute(sql_text, values).map_err(sql("write"))?;
    let all = of_alarm(index, new.alarm)?;
    let found = all.into_iter().find(|c| c.camera == new.camera);
    found.ok_or(IndexError::Sql { doing: "write", source: rusqlite::Error::QueryReturnedNoRows })
}

/// Writes down how far a clip goes, and how it is.
pub(super) fn update(index: &mut Index, clip: &Clip) -> Result<(), IndexError> {
    let text = "UPDATE clip SET t1 = ?2, state = ?3 WHERE id = ?1";
    index.db().execute(text, params![clip.id, clip.t1, clip.state.code()]).map_err(sql("write"))?;
    Ok(())
}

/// The files of a clip, oldest first.
pub(super) fn files(index: &Index, clip: i64) -> Result<Vec<ClipFile>, IndexError> {
    let text = "SELECT s.*, c.file FROM clip_file c JOIN segment s ON s.id = c.segment WHERE c.clip = ?1 ORDER BY s.t0";
    index.rows(text, [clip], |r| Ok(ClipFile { segment: index::segment(r)?, file: r.get(17)? }))
}

/// Segments that a clip holds.
pub(super) fn held(index: &Index, clip: i64) -> Result<Vec<i64>, IndexError> {
    index.rows("SELECT segment FROM clip_file WHERE clip = ?1", [clip], |r| r.get(0))
}

/// The link by which some clip holds a segment already.
pub(super) fn link_of(index: &mut Index, segment: i64) -> Result<Option<String>, IndexError> {
    let text = "SELECT file FROM clip_file WHERE segment = ?1 LIMIT 1";
    index.db().query_row(text, [segment], |r| r.get(0)).optional().map_err(sql("read"))
}

/// A clip holds segments by these links, all or none.
pub(super) fn hold(index: &mut Index, clip: i64, links: &[(i64, String)]) -> Result<(), IndexError> {
    let write = |index: &mut Index| {
        let tx = index.db().transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (segment, file) in links {
            let text = "INSERT OR IGNORE INTO clip_file (clip, segment, file) VALUES (?1, ?2, ?3)";
            tx.prepare_cached(text)?.execute(params![clip, segment, file])?;
        }
        tx.commit()
    };
    write(index).map_err(sql("write"))
}

/// Bytes that clips hold, each file once.
pub(super) fn held_bytes(index: &mut Index) -> Result<u64, IndexError> {
    let text = "SELECT coalesce(sum(bytes), 0) FROM segment WHERE id IN (SELECT segment FROM clip_file)";
    index.db().query_row(text, [], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(sql("read"))
}

/// Writes down a file's hash.
pub(super) fn hashed(index: &mut Index, segment: i64, sha256: &str) -> Result<(), IndexError> {
    let text = "UPDATE segment SET sha256 = ?2 WHERE id = ?1";
    index.db().execute(text, params![segment, sha256]).map_err(sql("write"))?;
    Ok(())
}
