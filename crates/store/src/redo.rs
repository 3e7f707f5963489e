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
//! Numbers follow one another without a gap. A record that does not fit its checksum ends the log: a torn write was
//! never acknowledged. A whole record behind the end is of before the log began anew, and the tables have it; if they do
//! not, an acknowledged record was damaged.

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
    /// The newest whole record that stands where the log does not reach: its number and its last fact.
    pub behind: Option<(u64, u64)>,
    /// How long the last sync took.
    pub synced_in: Duration,
}

impl Redo {
    /// Opens or makes the log of a data folder, and gives every record it holds to `each`, oldest first. Whoever has the
    /// tables must then ask whether `behind` holds what they lack: an acknowledged record before it was damaged.
    ///
    /// # Errors
    /// `Damaged` if the file was cut or a record cannot be read; the first error of `each`.
    pub fn open(folder: &Path, mut each: impl FnMut(&Body<'_>) -> Result<(), StoreError>) -> Result<Self, StoreError> {
        let path = folder.join("journal.redo");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == SIZE => bytes,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file("read", &path)(error));
            }
            // It gets its name when it is whole.
            Ok(bytes) => {
                let problem = format!("is {} bytes long, wanted {SIZE}", bytes.len());
                return Err(StoreError::Damaged { table: "journal.redo", row: 0, problem });
            }
            Err(_) => make(folder, &path).map_err(StoreError::file("make", &path))?,
        };
        let file = OpenOptions::new().write(true).open(&path).map_err(StoreError::file("open", &path))?;
        forget(&file).map_err(StoreError::file("advise on", &path))?;
        let synced_in = Duration::ZERO;
        let mut redo = Self { file, path, at: 0, number: 1, record: Vec::new(), behind: None, synced_in };
        while let Some(body) = redo.next(&bytes)? {
            each(&body)?;
        }
        Ok(redo)
    }

    /// The record at `at`, which it passes; none at the end.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Body<'a>>, StoreError> {
        let here = bytes.get(self.at..).and_then(read);
        let Some((number, body)) = here.filter(|(number, _)| self.at == 0 || *number == self.number) else {
            self.behind = self.newest_behind(bytes)?;
            return Ok(None);
        };
        let parsed = self.parse(number, body)?;
        self.number = number + 1;
        self.at += blocks(HEAD + body.len());
        Ok(Some(parsed))
    }

    fn parse<'a>(&self, number: u64, body: &'a [u8]) -> Result<Body<'a>, StoreError> {
        postcard::from_bytes(body).map_err(|e| self.damaged(number, e.to_string()))
    }

    /// Records of before the log began anew may stand behind its end.
    fn newest_behind(&self, bytes: &[u8]) -> Result<Option<(u64, u64)>, StoreError> {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let whole = (0..rest.len()).step_by(BLOCK).filter_map(|at| read(&rest[at..]));
        let Some((number, body)) = whole.max_by_key(|(number, _)| *number) else { return Ok(None) };
        let last = self.parse(number, body)?.facts.last().map_or(0, |f| f.seq);
        Ok(Some((number, last)))
    }

    pub fn damaged(&self, number: u64, problem: String) -> StoreError {
        StoreError::Damaged { table: "journal.redo", row: number as i64, problem }
    }

    /// Makes a commit durable, if it is small enough and there is room; false: it is not here.
    ///
    /// # Errors
    /// The file's; what reached the disk is unknown then.
    pub fn append(&mut self, body: &Body<'_>) -> Result<bool, StoreError> {
        let encoded = self.encode(body);
        let end = self.at + self.record.len();
        if !encoded || self.record.len() > BODY_MAX || end > SIZE {
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

    /// False: it cannot be encoded, which plain data always can; then the commit goes into SQLite at once.
    fn encode(&mut self, body: &Body<'_>) -> bool {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        record.resize(HEAD, 0);
        let Ok(mut record) = postcard::to_extend(body, record) else { return false };
        let length = record.len() - HEAD;
        record[0..4].copy_from_slice(&MAGIC);
        record[8..12].copy_from_slice(&(length as u32).to_le_bytes());
        record[12..20].copy_from_slice(&self.number.to_le_bytes());
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        record.resize(blocks(record.len()), 0);
        self.record = record;
        true
    }

    /// SQLite holds all of it durably: the log begins anew.
    pub fn restart(&mut self) {
        self.at = 0;
    }

    /// The same after opening: no record may ever stand before an older one with a higher number.
    pub fn begin_anew(&mut self) {
        self.number = self.number.max(self.behind.map_or(0, |(number, _)| number) + 1);
        self.restart();
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
        let facts = vec![crate::tests::journal::fact(input_seq, 1, "{}")];
        let body = Body { committed_at: 1, input_seq, heard: 2, inputs, facts };
        assert!(redo.append(&body).expect("appends"));
    }

    /// Appends three records, changes the byte at `at`, and opens again.
    #[track_caller]
    fn check(at: u64, expected: &[u64], behind: Option<(u64, u64)>) {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        (1..=3).for_each(|n| append(&mut redo, n, &[7; 5_000]));
        redo.file.write_all_at(&[0xEE], at).expect("writes");
        let (redo, seen) = open(folder.path()).expect("opens");
        assert_eq!((seen.as_slice(), redo.behind), (expected, behind));
    }

    #[test]
    fn what_was_appended_is_read_again_in_order() {
        check(3 * 2 * BLOCK as u64, &[1, 2, 3], None);
    }

    #[test]
    fn a_torn_last_record_was_never_acknowledged() {
        check(2 * 2 * BLOCK as u64 + 100, &[1, 2], None);
    }

    #[test]
    fn a_whole_record_behind_the_end_is_told() {
        check(2 * BLOCK as u64 + 100, &[1], Some((3, 3)));
        check(100, &[], Some((3, 3)));
    }

    #[test]
    fn a_file_that_was_cut_is_not_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path()).expect("opens").0.file.set_len(SIZE as u64 / 2).expect("cut");
        assert!(matches!(open(folder.path()), Err(StoreError::Damaged { table: "journal.redo", .. })));
    }

    #[test]
    fn numbers_go_on_after_a_torn_first_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        (1..=3).for_each(|n| append(&mut redo, n, &[]));
        redo.file.write_all_at(&[0xEE], 30).expect("writes");
        let (mut redo, seen) = open(folder.path()).expect("opens");
        assert_eq!(seen, []);
        redo.begin_anew();
        append(&mut redo, 4, &[]);
        let (redo, seen) = open(folder.path()).expect("opens");
        assert_eq!((seen.as_slice(), redo.behind), (&[4][..], Some((3, 3))));
        assert_eq!(redo.number, 5);
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
