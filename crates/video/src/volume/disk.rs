//! A disk's identity, free space and reserve, and what is wrong with it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Keep, Settings};
use crate::gap::Reason;

/// Why a disk is not used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another disk is mounted here, or none.
    #[error("VOLUME_SWAPPED: {path} held volume {known}, now it holds {found}; mount the right disk")]
    Swapped {
        /// Folder.
        path: PathBuf,
        /// What it was.
        known: String,
        /// What it is.
        found: String,
    },
    /// The operating system's.
    #[error("cannot use {path}")]
    Io {
        /// Folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// `volume.json`.
#[derive(Serialize, Deserialize)]
struct Card {
    uuid: String,
    made_at: i64,
}

/// How a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Level {
    Good,
    /// No space: only what alarms need is recorded.
    Full,
    /// It fails, or another one is mounted: nothing is recorded.
    Failing,
}

/// A disk in use.
pub(crate) struct Disk {
    path: PathBuf,
    uuid: String,
    reserve_bytes: u64,
    min_free: u64,
    level: AtomicU8,
}

impl Disk {
    /// Takes a disk into use; a new one gets an identity.
    pub(super) fn open(settings: &Settings, known: Option<&str>) -> Result<Self, DiskError> {
        let path = settings.path.clone();
        let failed = |source| DiskError::Io { path: path.clone(), source };
        let found = read_card(&path);
        match (&found, known) {
            (Some(found), Some(known)) if found == known => {}
            (_, None) => {}
            (found, Some(known)) => {
                let found = found.clone().unwrap_or_else(|| "none".into());
                return Err(DiskError::Swapped { path, known: known.into(), found });
            }
        }
        std::fs::create_dir_all(path.join("seg")).map_err(failed)?;
        std::fs::create_dir_all(path.join("incident")).map_err(failed)?;
        let uuid = match found {
            Some(uuid) => uuid,
            None => write_card(&path).map_err(failed)?,
        };
        let (reserve_bytes, min_free) = (settings.reserve_bytes, settings.min_free_bytes);
        let disk = Self { path, uuid, reserve_bytes, min_free, level: AtomicU8::new(Level::Good as u8) };
        disk.fill_reserve();
        Ok(disk)
    }

    /// What tells it from another.
    pub(super) fn identity(&self) -> &str {
        &self.uuid
    }

    fn level(&self) -> Level {
        match self.level.load(Ordering::Acquire) {
            0 => Level::Good,
            1 => Level::Full,
            _ => Level::Failing,
        }
    }

    /// Why a camera is not recorded now.
    pub(super) fn refuses(&self, keep: &Keep) -> Option<Reason> {
        match self.level() {
            Level::Good => None,
            Level::Full if keep.is_rolling() => None,
            Level::Full => Some(Reason::DiskFull),
            Level::Failing => Some(Reason::DiskError),
        }
    }

    /// In words.
    pub(super) fn trouble(&self) -> Option<(&'static str, &'static str)> {
        match self.level() {
            Level::Good => None,
            Level::Full => Some((
                "录像磁盘已满：连续录像已停止，仅保留报警前后的画面",
                "disk full: continuous recording stopped, only what alarms need is kept",
            )),
            Level::Failing => {
                Some(("录像磁盘故障或被更换：录像已停止", "the disk fails or was exchanged: nothing is recorded"))
            }
        }
    }

    /// A write failed. The first one for want of space gives the reserve free, so that index and alarms can go on.
    pub(super) fn failed(&self, error: &io::Error) -> Reason {
        if error.kind() == io::ErrorKind::StorageFull {
            self.set(Level::Full);
            let _ = std::fs::remove_file(self.reserve());
            return Reason::DiskFull;
        }
        self.set(Level::Failing);
        Reason::DiskError
    }

    fn set(&self, level: Level) {
        if self.level.swap(level as u8, Ordering::AcqRel) != level as u8 {
            tracing::warn!(volume = %self.path.display(), ?level, "the state of a disk of recordings changed");
        }
    }

    /// Looks after the disk: free bytes, its identity, and whether it can be used again.
    pub(super) fn inspect(&self) -> u64 {
        let free = self.free();
        let right = read_card(&self.path).as_deref() == Some(self.uuid.as_str());
        let reserve = if self.reserve().exists() { 0 } else { self.reserve_bytes };
        match self.level() {
            _ if !right => self.set(Level::Failing),
            // A disk that failed may have been mounted anew; it is tried again, and says so if it fails again.
            Level::Failing => self.set(Level::Good),
            // Twice the floor, so that it does not go back and forth.
            Level::Full if free >= reserve + self.min_free => {
                self.set(Level::Good);
                self.fill_reserve();
            }
            Level::Full => {}
            Level::Good if free < self.min_free / 4 => {
                self.set(Level::Full);
                let _ = std::fs::remove_file(self.reserve());
            }
            Level::Good => {}
        }
        free
    }

    /// Bytes that may still be written.
    pub(super) fn free(&self) -> u64 {
        rustix::fs::statvfs(&self.path).map_or(0, |s| s.f_bavail * s.f_frsize)
    }

    /// Size of the disk.
    pub(crate) fn size(&self) -> u64 {
        rustix::fs::statvfs(&self.path).map_or(0, |s| s.f_blocks * s.f_frsize)
    }

    fn reserve(&self) -> PathBuf {
        self.path.join("reserve.bin")
    }

    /// Sets bytes aside; a disk that has no room for them goes on without.
    fn fill_reserve(&self) {
        let path = self.reserve();
        if self.reserve_bytes == 0 || self.free() < self.reserve_bytes + self.min_free {
            return;
        }
        let filled = File::options().write(true).create(true).truncate(false).open(&path).and_then(|file| {
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.reserve_bytes)?;
            Ok(())
        });
        if let Err(error) = filled {
            tracing::warn!(volume = %self.path.display(), %error, "no reserve is set aside");
            let _ = std::fs::remove_file(path);
        }
    }

    /// Makes durable everything written to its file system.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        let folder = File::open(&self.path)?;
        Ok(rustix::fs::syncfs(&folder)?)
    }
}

fn read_card(path: &Path) -> Option<String> {
    let card: Card = serde_json::from_slice(&std::fs::read(path.join("volume.json")).ok()?).ok()?;
    Some(card.uuid)
}

fn write_card(path: &Path) -> io::Result<String> {
    let now = runtime::unix_now();
    // Unlike any other: the moment, the place and the process.
    let seed = format!("{now} {} {}", path.display(), std::process::id());
    let hash = Sha256::digest(seed.as_bytes());
    let uuid: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    let text = serde_json::to_vec_pretty(&Card { uuid: uuid.clone(), made_at: now })?;
    let temporary = path.join("volume.json.tmp");
    std::fs::write(&temporary, text)?;
    File::open(&temporary)?.sync_all()?;
    std::fs::rename(temporary, path.join("volume.json"))?;
    Ok(uuid)
}
