//! What a clip consists of, with hashes, so that a court can tell whether a byte was changed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::keeper::{folder, label};
use super::table::{Clip, ClipFile};
use crate::index::Gap;
use crate::volume::Volume;

/// Writes `CAMERA.json` beside the clip's files; returns the hashes it computed.
pub(super) fn write(
    volume: &Volume,
    (clip, after_us): (&Clip, i64),
    files: &[ClipFile],
    gaps: &[Gap],
) -> io::Result<Vec<(i64, String)>> {
    let mut hashes = Vec::new();
    let mut rows = Vec::new();
    for file in files {
        let sha256 = match &file.segment.sha256 {
            known if !known.is_empty() => known.clone(),
            _ => sha256_of(&volume.path_of(&file.file))?,
        };
        rows.push(file_row(file, &sha256));
        // Of an open file the hash is of this moment only.
        if !file.segment.open {
            hashes.push((file.segment.id, sha256));
        }
    }
    let gaps: Vec<Value> = gaps.iter().map(|g| json!({"t0": g.t0, "t1": g.t1, "reason": g.reason.code()})).collect();
    let text = json!({
        "alarm": label(clip.alarm),
        "enterprise": clip.enterprise,
        "camera": clip.camera,
        "alarm_at": clip.alarm_at,
        "kept_from": clip.t0,
        "kept_to": clip.t1,
        "after_us": after_us,
        "times": "microseconds since the epoch, UTC, by the server's clock",
        "made_at": runtime::unix_now(),
        "files": rows,
        "gaps": gaps,
    });
    let folder = volume.path_of(&folder(clip.alarm));
    std::fs::create_dir_all(&folder)?;
    put(&folder.join(format!("{}.json", clip.camera)), &text)?;
    Ok(hashes)
}

fn file_row(file: &ClipFile, sha256: &str) -> Value {
    let s = &file.segment;
    let clock = s
        .clock
        .map(|c| json!({"camera_minus_server_us": c.offset_us, "drift_ppm": c.drift_ppm, "within_us": c.within_us}));
    json!({
        "file": file.file, "segment": s.id, "t0": s.t0, "t1": s.t1, "bytes": s.bytes, "frames": s.frames,
        "lost_packets": s.loss, "codec": s.codec, "sha256": sha256, "clock": clock,
    })
}

/// Whole or not at all.
pub(super) fn put(path: &Path, text: &Value) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(text)?)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

/// Hash of a file, hexadecimal.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
        hash.update(&piece[..n]);
    }
}
