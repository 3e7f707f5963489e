//! What is kept no longer: by time, by bytes of a camera, and by free space, lowest priority first. What an alarm holds
//! is never deleted here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};

use super::Common;
use super::committer::chain;
use crate::gap::Reason;
use crate::index::{self, Change, Gap, Index, IndexError, Segment};

/// Deleted in one round; the next round is five seconds later.
const ROUND_MAX: usize = 2_000;
/// Of one camera, for want of space.
const CAMERA_MAX: usize = 100;

/// For how long a camera's recordings are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Keep {
    /// All of it.
    Continuous {
        /// Days.
        days: f64,
        /// Bytes; none: no limit.
        bytes: Option<u64>,
        /// 1 is deleted last for want of space, 5 first.
        priority: u8,
    },
    /// Only the newest part, and what alarms hold.
    Rolling {
        /// Minutes.
        minutes: f64,
    },
    /// Recorded only while somebody asks; kept like continuous.
    OnDemand {
        /// Days.
        days: f64,
    },
}

impl Keep {
    /// Whether it is recorded even when the disk is full.
    pub const fn is_rolling(&self) -> bool {
        matches!(self, Self::Rolling { .. })
    }

    fn oldest(&self, now: i64) -> i64 {
        let (days, minutes) = match self {
            Self::Continuous { days, .. } | Self::OnDemand { days } => (*days, 0.0),
            Self::Rolling { minutes } => (0.0, *minutes),
        };
        now - ((days * 86_400.0 + minutes * 60.0) * 1e6) as i64
    }

    /// What must go first for want of space; higher goes first. A rolling ring is short already.
    const fn rank(&self) -> u8 {
        match self {
            Self::Continuous { priority, .. } => *priority,
            Self::OnDemand { .. } => 3,
            Self::Rolling { .. } => 0,
        }
    }
}

/// A round of deleting.
pub(super) fn run(common: &Common, index: &mut Index) {
    if let Err(error) = round(common, index) {
        common.counts.commit_errors.add(1);
        tracing::error!(error = %chain(&error), volume = common.settings.id, "old recordings are not deleted");
    }
}

fn round(common: &Common, index: &mut Index) -> Result<(), IndexError> {
    let now = runtime::unix_now();
    let _files = common.files.lock();
    let mut doomed = Vec::new();
    for slot in &common.slots {
        doomed.extend(expired(index, slot.camera(), slot.keep().oldest(now))?);
        if let Keep::Continuous { bytes: Some(limit), .. } = slot.keep() {
            doomed.extend(over_quota(index, slot.camera(), *limit)?);
        }
    }
    dedup(&mut doomed);
    let expired = delete(common, index, doomed, Reason::Expired)?;
    common.counts.expired.add(expired);
    let free = common.disk.free();
    if free < common.settings.min_free_bytes {
        let want = common.settings.min_free_bytes - free;
        let doomed = for_space(common, index, want)?;
        let evicted = delete(common, index, doomed, Reason::Evicted)?;
        common.counts.evicted.add(evicted);
        if evicted > 0 {
            tracing::warn!(volume = common.settings.id, evicted, free, "recordings are deleted early to free space");
        }
    }
    Ok(())
}

/// Finishes what a crash interrupted: rows that were marked, whose files may be gone.
pub(super) fn finish(index: &mut Index, volume: &Path) -> Result<(), IndexError> {
    let marked = index.rows("SELECT * FROM segment WHERE open = 2", [], index::segment)?;
    let mut folders = BTreeSet::new();
    for segment in &marked {
        unlink(&volume.join(&segment.file), &mut folders);
    }
    drop_rows(index, &marked, Reason::Expired).map_err(|source| IndexError::Sql { doing: "delete from", source })
}

fn dedup(doomed: &mut Vec<Segment>) {
    let mut seen = BTreeSet::new();
    doomed.retain(|s| seen.insert(s.id));
}

fn expired(index: &Index, camera: &str, oldest: i64) -> Result<Vec<Segment>, IndexError> {
    let sql = "SELECT * FROM segment WHERE camera = ?1 AND t1 < ?2 AND t0 < ?2 AND open <> 1
               AND file LIKE 'seg/%' ORDER BY t0 LIMIT ?3";
    index.rows(sql, params![camera, oldest, ROUND_MAX as i64], index::segment)
}

/// Oldest first, until what is left fits. What a camera holds is kept by triggers: no round adds up a month of rows.
fn over_quota(index: &mut Index, camera: &str, limit: u64) -> Result<Vec<Segment>, IndexError> {
    let total = "SELECT bytes FROM total WHERE camera = ?1";
    let total = index.rows(total, [camera], |r| r.get::<_, i64>(0))?.pop().unwrap_or(0).max(0) as u64;
    let Some(mut excess) = total.checked_sub(limit).filter(|n| *n > 0) else { return Ok(Vec::new()) };
    let sql = "SELECT * FROM segment WHERE camera = ?1 AND open <> 1 AND file LIKE 'seg/%' ORDER BY t0 LIMIT ?2";
    let mut oldest = index.rows(sql, params![camera, ROUND_MAX as i64], index::segment)?;
    oldest.retain(|s| {
        let needed = excess > 0;
        excess = excess.saturating_sub(s.bytes);
        needed
    });
    Ok(oldest)
}

/// Oldest of the lowest priority first. A file that an alarm holds would free nothing.
fn for_space(common: &Common, index: &Index, want: u64) -> Result<Vec<Segment>, IndexError> {
    let mut by_rank: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for slot in common.slots.iter().filter(|s| s.keep().rank() > 0) {
        by_rank.entry(slot.keep().rank()).or_default().push(slot.camera());
    }
    let sql = "SELECT * FROM segment s WHERE camera = ?1 AND open <> 1 AND file LIKE 'seg/%'
               AND NOT EXISTS (SELECT 1 FROM clip_file c WHERE c.segment = s.id) ORDER BY t0 LIMIT ?2";
    let (mut doomed, mut freed) = (Vec::new(), 0);
    for cameras in by_rank.into_values().rev() {
        let mut candidates = Vec::new();
        for camera in cameras {
            candidates.extend(index.rows(sql, params![camera, CAMERA_MAX as i64], index::segment)?);
        }
        candidates.sort_by_key(|s| s.t0);
        for segment in candidates {
            if freed >= want || doomed.len() == ROUND_MAX {
                return Ok(doomed);
            }
            freed += segment.bytes;
            doomed.push(segment);
        }
    }
    Ok(doomed)
}

/// Mark, unlink, sync the folders, drop the rows: a crash in between leaves rows that say so, never files nobody knows.
fn delete(common: &Common, index: &mut Index, doomed: Vec<Segment>, why: Reason) -> Result<u64, IndexError> {
    if doomed.is_empty() {
        return Ok(0);
    }
    let sql = |source| IndexError::Sql { doing: "delete from", source };
    mark(index, &doomed).map_err(sql)?;
    let mut folders = BTreeSet::new();
    for segment in &doomed {
        unlink(&common.settings.path.join(&segment.file), &mut folders);
    }
    for folder in folders {
        // An empty folder goes too; one that is not empty stays.
        if std::fs::remove_dir(&folder).is_err()
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
    }
    drop_rows(index, &doomed, why).map_err(sql)?;
    Ok(doomed.len() as u64)
}

/// `open = 2`: being deleted.
fn mark(index: &mut Index, doomed: &[Segment]) -> rusqlite::Result<()> {
    let tx = index.db().transaction()?;
    for segment in doomed {
        tx.prepare_cached("UPDATE segment SET open = 2 WHERE id = ?1")?.execute([segment.id])?;
    }
    tx.commit()
}

fn unlink(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %error, "an old recording is not deleted");
        }
        _ => folders.extend(path.parent().map(Path::to_owned)),
    }
}

/// What an alarm holds stays in the index under the clip's own link; the rest becomes a gap that says why.
fn drop_rows(index: &mut Index, doomed: &[Segment], why: Reason) -> rusqlite::Result<()> {
    let tx = index.db().transaction()?;
    for s in doomed {
        let held = "SELECT file FROM clip_file WHERE segment = ?1 ORDER BY clip LIMIT 1";
        let file: Option<String> = tx.prepare_cached(held)?.query_row([s.id], |r| r.get(0)).optional()?;
        if let Some(file) = file {
            let sql = "UPDATE segment SET file = ?2, open = 0 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![s.id, file])?;
            continue;
        }
        tx.prepare_cached("DELETE FROM segment WHERE id = ?1")?.execute([s.id])?;
        let gap = Gap { camera: s.camera.clone(), t0: s.t0, t1: Some(s.t1), reason: why };
        index::apply(&tx, &Change::Gap(gap))?;
    }
    tx.commit()
}
