//! The redo log: where the embedded engine makes an urgent commit durable with one write and one sync, before the same
//! rows go into SQLite without waiting for the disk.
//!
//! Five tables are at least five pages of WAL and as many statements, between an alarm and the officer. One record of
//! the redo log holds the same rows in one or two blocks; SQLite gets them while the officer already looks. Nothing is
//! in the log for long: every synced commit of SQLite makes durable whatever came before it, and the log begins anew.
//!
//! The file is a row of blocks that is never grown, so that a sync writes data only. Format, little-endian:
//! ```text
//! record  = magic "FHR1", crc32c of all that follows, length of the body (4 bytes each), number (8 bytes), body
//! body    = postcard of `Body`; filled up with zeros to the next block
//! ```
//! Numbers follow one another without a gap. A record that does not fit its checksum ends the log (a torn write was
//! never acknowledged), unless a later record stands behind it: then an acknowledged one was damaged.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{FactRow, StoreError};

const MAGIC: [u8; 4] = *b"FHR1";
/// Records begin at a block: a write never touches a block that holds an older acknowledged record.
const BLOCK: usize = 4096;
/// Size of the file, bytes.
const SIZE: usize = 4 << 20;
/// Larger commits go into SQLite at once: nobody waits for milliseconds in them.
const BODY_MAX: usize = 256 << 10;
const HEAD: usize = 20;

/// What one commit holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    /// The clock as the commit was begun.
    pub committed_at: i64,
    /// Number of the batch of inputs.
    pub input_seq: u64,
    /// The last clock in it.
    pub heard: i64,
    /// The batch; empty if there is none.
    #[serde(borrow)]
    pub inputs: &'a [u8],
    /// Facts.
    #[serde(borrow)]
    pub facts: Vec<FactRow<'a>>,
}

/// The one writer's side.
#[derive(Debug)]
pub(crate) struct Redo {
    file: File,
    path: PathBuf,
    /// Where the next record goes.
    at: usize,
    /// The number of the next record.
    number: u64,
    record: Vec<u8>,
    /// How long the last sync took.
    pub synced_in: Duration,
}

impl Redo {
    /// Opens or makes the log of a data folder, and gives every record it holds to `each`, oldest first.
    ///
    /// # Errors
    /// `Damaged` if an acknowledged record cannot be read; the first error of `each`.
    pub fn open(folder: &Path, mut each: impl FnMut(&Body<'_>) -> Result<(), StoreError>) -> Result<Self, StoreError> {
        let path = folder.join("journal.redo");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == SIZE => bytes,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file("read", &path)(error));
            }
            // Not there, or its making was cut short: nothing was acknowledged by it.
            _ => make(folder, &path).map_err(StoreError::file("make", &path))?,
        };
        let file = OpenOptions::new().write(true).open(&path).map_err(StoreError::file("open", &path))?;
        forget(&file).map_err(StoreError::file("advise on", &path))?;
        let mut redo = Self { file, path, at: 0, number: 1, record: Vec::new(), synced_in: Duration::ZERO };
        while let Some(body) = redo.next(&bytes)? {
            each(&body)?;
        }
        Ok(redo)
    }

    /// The record at `at`, which it passes; none at the end.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Body<'a>>, StoreError> {
        let here = bytes.get(self.at..).and_then(read);
        let Some((number, body)) = here.filter(|(number, _)| self.at == 0 || *number == self.number) else {
            return self.end(bytes).map(|()| None);
        };
        let damaged = |e: postcard::Error| self.damaged(self.number, e.to_string());
        let parsed = postcard::from_bytes(body).map_err(damaged)?;
        self.number = number + 1;
        self.at += blocks(HEAD + body.len());
        Ok(Some(parsed))
    }

    /// Older records may stand behind the end; a newer one may not.
    fn end(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let newer = rest.chunks(BLOCK).enumerate().find_map(|(i, _)| {
            let (number, _) = read(&rest[i * BLOCK..])?;
            (self.at > 0 && number >= self.number).then_some(number)
        });
        match newer {
            None => Ok(()),
            Some(number) => Err(self.damaged(self.number, format!("but record {number} is there"))),
        }
    }

    fn damaged(&self, number: u64, problem: String) -> StoreError {
        StoreError::Damaged { table: "journal.redo", row: number as i64, problem }
    }

    /// Makes a commit durable, if it is small enough and there is room; false: it is not here.
    ///
    /// # Errors
    /// The file's; what reached the disk is unknown then.
    pub fn append(&mut self, body: &Body<'_>) -> Result<bool, StoreError> {
        self.encode(body);
        let end = self.at + self.record.len();
        if self.record.len() > BODY_MAX || end > SIZE {
            return Ok(false);
        }
        self.write().map_err(StoreError::file("write", &self.path))?;
        self.at = end;
        self.number += 1;
        Ok(true)
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.record, self.at as u64)?;
        let began = Instant::now();
        self.file.sync_data()?;
        self.synced_in = began.elapsed();
        Ok(())
    }

    fn encode(&mut self, body: &Body<'_>) {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        record.resize(HEAD, 0);
        // Plain data always encodes.
        record = postcard::to_extend(body, record).unwrap_or_default();
        let length = record.len() - HEAD;
        record[0..4].copy_from_slice(&MAGIC);
        record[8..12].copy_from_slice(&(length as u32).to_le_bytes());
        record[12..20].copy_from_slice(&self.number.to_le_bytes());
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        record.resize(blocks(record.len()), 0);
        self.record = record;
    }

    /// SQLite holds all of it durably: the log begins anew.
    pub fn restart(&mut self) {
        self.at = 0;
    }
}

fn blocks(length: usize) -> usize {
    length.div_ceil(BLOCK) * BLOCK
}

/// Number and body of the whole record at the front of `bytes`.
fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let (magic, rest) = head.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let (length, number) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = bytes.get(HEAD..HEAD.checked_add(length)?)?;
    let number = u64::from_le_bytes(*number.first_chunk()?);
    let sound = *magic == MAGIC && crc32c::crc32c(&bytes[8..HEAD + length]) == u32::from_le_bytes(*crc);
    sound.then_some((number, body))
}

/// What was read or written in one piece is cached in large folios, and ext4 walks all blocks of a folio for every block
/// written into it: 120 us instead of 10, measured on Linux 6.18. Written anew, each block has a folio of its own.
fn forget(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)
}

/// Makes the file with all its blocks, under another name until it is whole.
fn make(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let (zeros, temporary) = (vec![0; SIZE], folder.join("journal.redo.tmp"));
    let file = File::create(&temporary)?;
    file.write_all_at(&zeros, 0)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()?;
    Ok(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Result<(Redo, Vec<u64>), StoreError> {
        let mut seen = Vec::new();
        let redo = Redo::open(folder, |body| {
            seen.push(body.input_seq);
            Ok(())
        })?;
        Ok((redo, seen))
    }

    fn append(redo: &mut Redo, input_seq: u64, inputs: &[u8]) {
        let body = Body { committed_at: 1, input_seq, heard: 2, inputs, facts: Vec::new() };
        assert!(redo.append(&body).expect("appends"));
    }

    /// Appends three records, changes the byte at `at`, and opens again.
    fn reopened(at: u64) -> Result<Vec<u64>, StoreError> {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path())?;
        (1..=3).for_each(|n| append(&mut redo, n, &[7; 5_000]));
        redo.file.write_all_at(&[0xEE], at).expect("writes");
        open(folder.path()).map(|(_, seen)| seen)
    }

    #[test]
    fn what_was_appended_is_read_again_in_order() {
        let behind_all = 3 * 2 * BLOCK as u64;
        assert_eq!(reopened(behind_all).expect("opens"), [1, 2, 3]);
    }

    #[test]
    fn a_torn_last_record_was_never_acknowledged() {
        assert_eq!(reopened(2 * 2 * BLOCK as u64 + 100).expect("opens"), [1, 2]);
    }

    #[test]
    fn a_damaged_record_before_others_is_told() {
        assert!(matches!(reopened(2 * BLOCK as u64 + 100), Err(StoreError::Damaged { row: 2, .. })));
    }

    #[test]
    fn old_records_behind_a_restart_are_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        (1..=3).for_each(|n| append(&mut redo, n, &[7; 5_000]));
        redo.restart();
        append(&mut redo, 4, &[7; 10]);
        let (mut redo, seen) = open(folder.path()).expect("opens");
        assert_eq!(seen, [4]);
        append(&mut redo, 5, &[]);
        assert_eq!(open(folder.path()).expect("opens").1, [4, 5]);
    }

    #[test]
    fn too_large_or_full_is_not_here() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        let large = vec![1; BODY_MAX];
        let body = |inputs| Body { committed_at: 1, input_seq: 1, heard: 2, inputs, facts: Vec::new() };
        assert!(!redo.append(&body(&large)).expect("no error"));
        let half = vec![1; BODY_MAX / 2];
        let fitted = (0..).take_while(|_| redo.append(&body(&half)).expect("no error")).count();
        assert!(fitted > 20, "{fitted}");
        redo.restart();
        assert!(redo.append(&body(&half)).expect("no error"));
    }
}
