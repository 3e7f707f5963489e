//! What a crash left: files are cut off behind their last whole fragment, and the time until now gets its gap row.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::recorder::Key;
use super::writer::day;
use super::{Recorded, retention};
use crate::fmp4::{self, Fragment, VIDEO};
use crate::gap::Reason;
use crate::index::{Change, Gap, Index, IndexError, Segment};

/// Files are made at most this long before their row is committed, microseconds; a stalled disk may stretch it.
const UNCOMMITTED_US: i64 = 120_000_000;

/// Repairs a volume. Returns for each camera why nothing is recorded yet.
pub(super) fn run(index: &mut Index, volume: &Path, cameras: &[Recorded], now: i64) -> Result<Vec<Reason>, IndexError> {
    retention::finish(index, volume)?;
    let alive = index.last_alive()?;
    let mut changes = Vec::new();
    let mut number = index.last_segment()?;
    for row in index.open_segments()? {
        changes.push(repaired(volume, row));
    }
    if let Some((at, _)) = alive {
        for (file, camera, t0) in unknown_files(index, volume, at - UNCOMMITTED_US)? {
            number += 1;
            let row = bare_row(number, camera, t0, file);
            changes.push(repaired(volume, row));
        }
    }
    let repaired = changes.len();
    index.commit(&changes, alive.map_or(now, |(at, _)| at))?;
    let reasons = account(index, cameras, alive, now)?;
    if repaired > 0 {
        tracing::info!(volume = %volume.display(), files = repaired, "recordings that a crash left open are whole again");
    }
    Ok(reasons)
}

/// The time since the last run: every camera has an open gap when this returns.
fn account(
    index: &mut Index,
    cameras: &[Recorded],
    alive: Option<(i64, bool)>,
    now: i64,
) -> Result<Vec<Reason>, IndexError> {
    let ends: BTreeMap<String, i64> = index.ends()?.into_iter().collect();
    let (alive_at, stopped) = alive.unwrap_or((now, true));
    let mut changes: Vec<Change> =
        ends.iter().map(|(camera, end)| Change::GapEnds { camera: camera.clone(), at: alive_at.max(*end) }).collect();
    let mut reasons = Vec::new();
    for recorded in cameras {
        let camera = recorded.camera.clone();
        let (t0, reason) = match ends.get(&camera) {
            None => (now, Reason::Starting),
            Some(end) => {
                (gap_start(index, &camera, *end, alive_at)?, if stopped { Reason::Stopped } else { Reason::Killed })
            }
        };
        changes.push(Change::GapBegins(Gap { camera, t0, t1: None, reason }));
        reasons.push(reason);
    }
    index.commit(&changes, now)?;
    Ok(reasons)
}

/// A camera whose gap was open when the program ended goes on missing from then; a recorded one from its last picture.
fn gap_start(index: &Index, camera: &str, end: i64, alive_at: i64) -> Result<i64, IndexError> {
    let open = index.gaps(camera, i64::MAX - 1, i64::MAX)?;
    Ok(if open.is_empty() { end } else { alive_at.max(end) })
}

/// The row of a file cut off behind its last whole fragment; one without any is deleted, and its time goes to the gap
/// that follows.
fn repaired(volume: &Path, mut row: Segment) -> Change {
    let path = volume.join(&row.file);
    match repair(&path) {
        Ok((clock_hz, fragments, whole)) if !fragments.is_empty() => {
            fill(&mut row, clock_hz, &fragments, whole);
            row.open = false;
            return Change::Segment(Box::new(row));
        }
        Ok(_) => drop(std::fs::remove_file(&path)),
        Err(error) => tracing::warn!(file = %path.display(), %error, "a recording is not there"),
    }
    Change::Nothing(row.id)
}

fn repair(path: &Path) -> io::Result<(u32, Vec<Fragment>, u64)> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let Ok((init, fragments, whole)) = fmp4::scan(&mut file) else { return Ok((1, Vec::new(), 0)) };
    let clock = init.tracks.iter().find(|(number, ..)| *number == VIDEO).map_or(1, |(_, clock, _)| *clock);
    if !fragments.is_empty() && file.metadata()?.len() > whole {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    Ok((clock, fragments, whole))
}

fn fill(row: &mut Segment, clock_hz: u32, fragments: &[Fragment], whole: u64) {
    let us = |time: u64| (u128::from(time) * 1_000_000 / u128::from(clock_hz)) as i64;
    let pictures = || fragments.iter().filter_map(|f| Some((f, f.track(VIDEO)?)));
    let end = pictures().map(|(_, t)| t.time + t.duration()).max().unwrap_or(0);
    row.t1 = row.t0 + us(end);
    row.bytes = whole;
    row.frames = pictures().map(|(_, t)| t.samples.len() as u64).sum();
    let key = |(f, t): (&Fragment, &fmp4::TrackFragment)| {
        Some(Key { after_us: us(t.time).try_into().ok()?, at: f.range.start.try_into().ok()? })
    };
    row.keys = pictures().filter(|(f, _)| f.begins_with_key()).filter_map(key).collect();
}

fn bare_row(id: i64, camera: String, t0: i64, file: String) -> Segment {
    Segment {
        id,
        camera,
        t0,
        t1: t0,
        file,
        bytes: 0,
        frames: 0,
        loss: 0,
        codec: String::new(),
        width: 0,
        height: 0,
        open: false,
        keys: Vec::new(),
        sha256: String::new(),
        clock: None,
    }
}

/// Files made since a time that the index does not have: name, camera, beginning.
fn unknown_files(index: &Index, volume: &Path, since: i64) -> Result<Vec<(String, String, i64)>, IndexError> {
    let mut unknown = Vec::new();
    let first = day(since);
    for day in names(&volume.join("seg")).into_iter().filter(|d| *d >= first) {
        for camera in names(&volume.join("seg").join(&day)) {
            for name in names(&volume.join("seg").join(&day).join(&camera)) {
                let file = format!("seg/{day}/{camera}/{name}");
                let began = name.split_once('-').and_then(|(ms, _)| ms.parse::<i64>().ok()).map(|ms| ms * 1_000);
                if let Some(t0) = began.filter(|t0| *t0 >= since)
                    && !index.knows_file(&file)?
                {
                    unknown.push((file, camera.clone(), t0));
                }
            }
        }
    }
    Ok(unknown)
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}
