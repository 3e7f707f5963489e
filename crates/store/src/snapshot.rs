//! Engine snapshots: the state at one input, so that a start replays minutes and not years.
//!
//! On the embedded engine a snapshot is a file and not a row: twenty megabytes through the WAL would hold up the next
//! alarm's commit. It is written by another thread: temporary name, sync, rename, sync of the folder. Two are kept,
//! so that a damaged newest one costs a longer replay and not the state.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Database, Param, StoreError};

/// Snapshots kept.
const KEPT: usize = 2;
/// Head of a snapshot file: magic and version, CRC-32C of the rest, little-endian.
const HEAD: [u8; 4] = *b"FHS1";

/// Where snapshots go; may be sent to a blocking thread.
#[derive(Clone, Debug)]
pub enum Snapshots {
    /// Files in the data folder.
    Folder(PathBuf),
    /// Rows of the `snapshots` table, written over a connection of their own.
    Postgres(String),
}

impl Snapshots {
    /// Saves the state after input `input_seq`, whose commit must be durable already. Blocks; call it beside the hall.
    pub fn save(&self, input_seq: u64, state: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => save_file(folder, input_seq, state),
            Self::Postgres(url) => save_row(&mut Database::open_postgres(url)?, input_seq, state),
        }
    }

    /// The newest undamaged snapshot.
    pub(crate) fn newest(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        for input_seq in self.list()?.into_iter().rev() {
            match self.load(input_seq)? {
                Some(state) => return Ok(Some((input_seq, state))),
                None => tracing::error!(input_seq, "snapshot is damaged; falling back to an older one"),
            }
        }
        Ok(None)
    }

    /// Inputs up to this number are covered by every snapshot kept; 0 if fewer than two are there.
    pub fn covered(&self) -> Result<u64, StoreError> {
        let kept = self.list()?;
        Ok(if kept.len() < KEPT { 0 } else { kept[0] })
    }

    fn list(&self) -> Result<Vec<u64>, StoreError> {
        match self {
            Self::Folder(folder) => list_files(folder),
            Self::Postgres(url) => Database::open_postgres(url)?
                .rows("SELECT input_seq FROM snapshots ORDER BY input_seq", &[], |row| Ok(row.int(0)? as u64))
                .map_err(StoreError::sql("list the snapshots")),
        }
    }

    fn load(&self, input_seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Folder(folder) => {
                let path = file_name(folder, input_seq);
                let bytes = fs::read(&path).map_err(StoreError::file("read", &path))?;
                Ok(checked(&bytes).map(<[u8]>::to_vec))
            }
            Self::Postgres(url) => load_row(&mut Database::open_postgres(url)?, input_seq),
        }
    }
}

fn file_name(folder: &Path, input_seq: u64) -> PathBuf {
    folder.join(format!("snapshot-{input_seq:020}"))
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, state) = rest.split_first_chunk::<4>()?;
    (*head == HEAD && crc32c::crc32c(state) == u32::from_le_bytes(*crc)).then_some(state)
}

fn save_file(folder: &Path, input_seq: u64, state: &[u8]) -> Result<(), StoreError> {
    let path = file_name(folder, input_seq);
    let temporary = folder.join("snapshot.tmp");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(&HEAD)?;
        file.write_all(&crc32c::crc32c(state).to_le_bytes())?;
        file.write_all(state)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(StoreError::file("write", &path))?;
    let kept = list_files(folder)?;
    for old in kept.iter().rev().skip(KEPT) {
        let old = file_name(folder, *old);
        fs::remove_file(&old).map_err(StoreError::file("remove", &old))?;
    }
    Ok(())
}

fn list_files(folder: &Path) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::file("list", folder))? {
        let name = entry.map_err(StoreError::file("list", folder))?.file_name();
        found.extend(name.to_str().and_then(|n| n.strip_prefix("snapshot-")).and_then(|n| n.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

fn save_row(database: &mut Database, input_seq: u64, state: &[u8]) -> Result<(), StoreError> {
    let crc = i64::from(crc32c::crc32c(state));
    let params = [Param::Int(input_seq as i64), Param::Int(crc), Param::Blob(state)];
    database
        .transaction(|db| {
            db.execute(
                "INSERT INTO snapshots (input_seq, crc, state) VALUES ($1, $2, $3)
                 ON CONFLICT (input_seq) DO UPDATE SET crc = excluded.crc, state = excluded.state",
                &params,
            )?;
            db.execute(
                "DELETE FROM snapshots WHERE input_seq NOT IN
                 (SELECT input_seq FROM snapshots ORDER BY input_seq DESC LIMIT $1)",
                &[Param::Int(KEPT as i64)],
            )
        })
        .map(|_| ())
        .map_err(StoreError::sql("save a snapshot"))
}

fn load_row(database: &mut Database, input_seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
    database
        .row("SELECT crc, state FROM snapshots WHERE input_seq = $1", &[Param::Int(input_seq as i64)], |row| {
            let state = row.blob(1)?.to_vec();
            Ok((row.int(0)? == i64::from(crc32c::crc32c(&state))).then_some(state))
        })
        .map(Option::flatten)
        .map_err(StoreError::sql("load a snapshot"))
}
