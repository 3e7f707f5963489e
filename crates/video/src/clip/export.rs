//! One MP4 of a clip for whoever takes it away; its name and its manifest say who that was.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use model::Time;
use serde_json::json;

use super::keeper::{folder, label};
use super::manifest::{put, sha256_of};
use super::table::Clip;
use crate::index::IndexError;
use crate::media::{Cut, CutError, Located};
use crate::volume::Volume;

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// File name.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Its first picture, microseconds; players begin at `t0`.
    pub first_picture_at: i64,
    /// From.
    pub t0: i64,
    /// To.
    pub t1: i64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The alarm holds nothing of this camera.
    #[error("the alarm has no clip of this camera")]
    NoClip,
    /// Nothing was recorded.
    #[error("nothing can be cut")]
    Cut(#[source] CutError),
    /// The disk.
    #[error("the export cannot be written")]
    Io(#[from] io::Error),
    /// The index.
    #[error("the index of the recordings cannot be read")]
    Index(#[source] IndexError),
}

/// Cuts and writes.
pub(super) fn run(volume: &Volume, clip: &Clip, by: &str) -> Result<Exported, ExportError> {
    let now = runtime::unix_now();
    let (t0, t1) = (clip.t0, clip.t1.min(now));
    let (segments, gaps) = volume.recordings(&clip.camera, t0, t1).map_err(ExportError::Index)?;
    let sources: Vec<_> = segments
        .iter()
        .map(|s| {
            json!({"segment": s.id, "t0": s.t0, "t1": s.t1,
        "camera_minus_server_us": s.clock.map(|c| c.offset_us), "within_us": s.clock.map(|c| c.within_us)})
        })
        .collect();
    let located = segments.into_iter().map(|s| Located { path: volume.path_of(&s.file), segment: s }).collect();
    let cut = Cut::new(located, t0, t1).map_err(ExportError::Cut)?;
    let first_picture_at = cut.base();
    let name = name(clip, by, now);
    let path = volume.path_of(&folder(clip.alarm)).join(&name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&path)?;
    for part in cut {
        file.write_all(&part?)?;
    }
    file.sync_all()?;
    let (bytes, sha256) = (file.metadata()?.len(), sha256_of(&path)?);
    let gaps: Vec<_> = gaps.iter().map(|g| json!({"t0": g.t0, "t1": g.t1, "reason": g.reason.code()})).collect();
    let text = json!({
        "file": name, "sha256": sha256, "bytes": bytes, "exported_by": by, "exported_at": now,
        "alarm": label(clip.alarm), "enterprise": clip.enterprise, "camera": clip.camera,
        "alarm_at": clip.alarm_at, "t0": t0, "t1": t1, "first_picture_at": first_picture_at,
        "times": "microseconds since the epoch, UTC, by the server's clock",
        "sources": sources, "gaps": gaps,
    });
    put(&path.with_extension("json"), &text)?;
    Ok(Exported { name, bytes, sha256, first_picture_at, t0, t1 })
}

/// `A-000012_gate-1_20261127T103000Z_by-duty.mp4`.
fn name(clip: &Clip, by: &str, now: i64) -> String {
    let at: String = model::format_rfc3339(Time(now)).chars().filter(|c| *c != '-' && *c != ':').collect();
    format!("{}_{}_{at}_by-{}.mp4", label(clip.alarm), plain(&clip.camera), plain(by))
}

/// Letters, digits, `_` and `-`: nothing that could be a path or a command.
fn plain(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' }).collect()
}

/// The file of an export. The name is looked up among those that are there, never used as a path.
pub(super) fn find(volume: &Volume, alarm: u64, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(volume.path_of(&folder(alarm))).ok()?;
    let mut files = entries.filter_map(Result::ok);
    let found = files.find(|e| e.file_name().to_str() == Some(name))?;
    name.contains("_by-").then(|| found.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for (by, safe) in [("duty", "duty"), ("../../etc", "______etc"), ("值班员", "___"), ("a b\r\n;rm", "a_b___rm")]
        {
            assert_eq!(plain(by), safe);
        }
    }
}
