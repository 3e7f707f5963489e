//! The redo log: where the embedded engine makes a commit durable with one write and one sync. The tables are filled from
//! its records afterwards, several commits in one transaction that waits for no disk: at run time exactly as at a start.
//!
//! Five tables are at least five pages of WAL and as many statements, between an alarm and the officer. One record holds
//! the same rows in one or two blocks. The file is a ring of blocks that is never grown, so that a sync writes data only;
//! a record's place is free again when the disk holds what the tables made of it. Format, little-endian:
//! ```text
//! record  = magic "FHR2", crc32c of all that follows, length of the body (4 bytes each), number, oldest (8 bytes each), body
//! body    = postcard of `Body`; filled up with zeros to the next block
//! ```
//! Numbers follow one another without a gap; `oldest` is the first record the tables may still have lacked when this one
//! was written. A start finds the newest whole record and needs all from its `oldest` on: a torn record behind it was
//! never acknowledged, one missing before it is damage.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{FactRow, StoreError};

const MAGIC: [u8; 4] = *b"FHR2";
/// Records begin at a block: a write never touches a block that holds an older acknowledged record.
const BLOCK: usize = 4096;
/// Size of the file, bytes.
const SIZE: usize = 4 << 20;
/// Larger commits go into SQLite at once: nobody waits for milliseconds in them.
const BODY_MAX: usize = 256 << 10;
const HEAD: usize = 28;

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

impl<'a> Body<'a> {
    /// Reads the body of record `number`.
    pub fn parse(number: u64, bytes: &'a [u8]) -> Result<Self, StoreError> {
        postcard::from_bytes(bytes).map_err(|e| damaged(number, e.to_string()))
    }

    /// Whether it holds more than tables with these last numbers of inputs and facts.
    fn is_beyond(&self, (input, fact): (u64, u64)) -> bool {
        self.input_seq > input || self.facts.last().is_some_and(|f| f.seq > fact)
    }
}

/// The one writer's side.
#[derive(Debug)]
pub(crate) struct Redo {
    file: File,
    path: PathBuf,
    /// Where the next record goes, if it fits before the end of the file.
    at: usize,
    /// The number of the next record.
    number: u64,
    /// Records whose places are taken, oldest first: number and place.
    taken: VecDeque<(u64, usize)>,
    record: Vec<u8>,
    /// How long the last sync took.
    pub synced_in: Duration,
}

impl Redo {
    /// Opens or makes the log of a data folder, and gives every record the tables may lack to `each`, oldest first.
    /// `last` are the last numbers they have: of inputs and of facts.
    ///
    /// # Errors
    /// `Damaged` if the file was cut, or a record that was acknowledged is missing; the first error of `each`.
    pub fn open(
        folder: &Path,
        last: (u64, u64),
        mut each: impl FnMut(&Body<'_>) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let path = folder.join("journal.redo");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == SIZE => bytes,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file("read", &path)(error));
            }
            // It gets its name when it is whole.
            Ok(bytes) => return Err(damaged(0, format!("is {} bytes long, wanted {SIZE}", bytes.len()))),
            Err(_) => make(folder, &path).map_err(StoreError::file("make", &path))?,
        };
        let file = OpenOptions::new().write(true).open(&path).map_err(StoreError::file("open", &path))?;
        forget(&file).map_err(StoreError::file("advise on", &path))?;
        let found = find(&bytes);
        if let Some(newest) = found.last()
            && Body::parse(newest.number, newest.body)?.is_beyond(last)
        {
            whole(&found)?;
            found.iter().try_for_each(|record| each(&Body::parse(record.number, record.body)?))?;
        }
        let (at, number) = found.last().map_or((0, 1), |r| (r.at + blocks(HEAD + r.body.len()), r.number + 1));
        Ok(Self { file, path, at, number, taken: VecDeque::new(), record: Vec::new(), synced_in: Duration::ZERO })
    }

    /// Makes a commit durable, if it is small enough and there is room: its number. None: it is not here.
    ///
    /// # Errors
    /// The file's; what reached the disk is unknown then.
    pub fn append(&mut self, body: &Body<'_>) -> Result<Option<u64>, StoreError> {
        if !self.encode(body) || self.record.len() > BODY_MAX {
            return Ok(None);
        }
        let Some(place) = self.place(self.record.len()) else { return Ok(None) };
        self.write(place).map_err(StoreError::file("write", &self.path))?;
        let number = self.number;
        self.taken.push_back((number, place));
        self.at = place + self.record.len();
        self.number += 1;
        Ok(Some(number))
    }

    /// The body of the record appended last.
    pub fn newest_body(&self) -> &[u8] {
        let length = self.record.get(8..12).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        self.record.get(HEAD..HEAD + length as usize).unwrap_or_default()
    }

    /// Where `length` bytes fit without touching a place that is taken.
    fn place(&self, length: usize) -> Option<usize> {
        let Some((_, oldest)) = self.taken.front() else {
            return Some(if self.at + length <= SIZE { self.at } else { 0 });
        };
        if self.at <= *oldest {
            return (self.at + length <= *oldest).then_some(self.at);
        }
        if self.at + length <= SIZE { Some(self.at) } else { (length <= *oldest).then_some(0) }
    }

    /// The disk holds what the tables made of all records up to `number`.
    pub fn free(&mut self, number: u64) {
        while self.taken.front().is_some_and(|(n, _)| *n <= number) {
            self.taken.pop_front();
        }
    }

    /// The same for all there are.
    pub fn free_all(&mut self) {
        self.taken.clear();
    }

    /// Bytes that are taken, for the most part.
    pub fn taken_bytes(&self) -> usize {
        let Some((_, oldest)) = self.taken.front() else { return 0 };
        if self.at > *oldest { self.at - oldest } else { SIZE - oldest + self.at }
    }

    fn write(&mut self, place: usize) -> io::Result<()> {
        self.file.write_all_at(&self.record, place as u64)?;
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
        let oldest = self.taken.front().map_or(self.number, |(number, _)| *number);
        record[0..4].copy_from_slice(&MAGIC);
        record[8..12].copy_from_slice(&(length as u32).to_le_bytes());
        record[12..20].copy_from_slice(&self.number.to_le_bytes());
        record[20..28].copy_from_slice(&oldest.to_le_bytes());
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        record.resize(blocks(record.len()), 0);
        self.record = record;
        true
    }
}

fn damaged(number: u64, problem: String) -> StoreError {
    StoreError::Damaged { table: "journal.redo", row: number as i64, problem }
}

fn blocks(length: usize) -> usize {
    length.div_ceil(BLOCK) * BLOCK
}

/// A whole record and where it stands.
struct Found<'a> {
    at: usize,
    number: u64,
    oldest: u64,
    body: &'a [u8],
}

/// The records from the newest one's `oldest` on, in order. Others are of before: the tables had them durably.
fn find(bytes: &[u8]) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = (0..bytes.len()).step_by(BLOCK).filter_map(|at| read(at, &bytes[at..])).collect();
    found.sort_unstable_by_key(|record| record.number);
    let oldest = found.last().map_or(0, |newest| newest.oldest);
    found.retain(|record| record.number >= oldest);
    found
}

/// None is missing from the newest one's `oldest` on.
fn whole(found: &[Found<'_>]) -> Result<(), StoreError> {
    let Some(newest) = found.last() else { return Ok(()) };
    match (newest.oldest..=newest.number).zip(found).find(|(wanted, record)| *wanted != record.number) {
        Some((wanted, _)) => {
            Err(damaged(wanted, format!("cannot be read, but record {} behind it can", newest.number)))
        }
        None => Ok(()),
    }
}

/// The whole record at the front of `bytes`.
fn read(at: usize, bytes: &[u8]) -> Option<Found<'_>> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let word = |from: usize| head[from..].first_chunk().map(|b: &[u8; 4]| u32::from_le_bytes(*b));
    let long = |from: usize| head[from..].first_chunk().map(|b: &[u8; 8]| u64::from_le_bytes(*b));
    let length = word(8)? as usize;
    let body = bytes.get(HEAD..HEAD.checked_add(length)?)?;
    let sound = head.starts_with(&MAGIC) && crc32c::crc32c(&bytes[8..HEAD + length]) == word(4)?;
    sound.then_some(Found { at, number: long(12)?, oldest: long(20)?, body })
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
        let redo = Redo::open(folder, (0, 0), |body| {
            seen.push(body.input_seq);
            Ok(())
        })?;
        Ok((redo, seen))
    }

    fn body(input_seq: u64, inputs: &[u8]) -> Body<'_> {
        Body { committed_at: 1, input_seq, heard: 2, inputs, facts: Vec::new() }
    }

    fn append(redo: &mut Redo, input_seq: u64, inputs: &[u8]) {
        let number = redo.append(&body(input_seq, inputs)).expect("appends");
        assert!(number.is_some());
        assert_eq!(Body::parse(1, redo.newest_body()).expect("parses").input_seq, input_seq);
    }

    /// Appends three records of two blocks, changes the byte at `at`, and opens again: what is found, or the number of
    /// the record that is missing.
    #[track_caller]
    fn check(at: usize, expected: Result<&[u64], i64>) {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        (1..=3).for_each(|n| append(&mut redo, n, &[7; 5_000]));
        redo.file.write_all_at(&[0xEE], at as u64).expect("writes");
        match (open(folder.path()), expected) {
            (Ok((_, seen)), Ok(expected)) => assert_eq!(seen, expected),
            (Err(StoreError::Damaged { table: "journal.redo", row, .. }), Err(number)) => assert_eq!(row, number),
            (got, expected) => panic!("{:?} instead of {expected:?}", got.map(|(_, seen)| seen)),
        }
    }

    #[test]
    fn what_was_appended_is_read_again_in_order() {
        check(3 * 2 * BLOCK, Ok(&[1, 2, 3]));
    }

    #[test]
    fn a_torn_last_record_was_never_acknowledged() {
        check(2 * 2 * BLOCK + 100, Ok(&[1, 2]));
    }

    #[test]
    fn a_record_missing_before_a_whole_one_is_damage() {
        check(2 * BLOCK + 100, Err(2));
        check(100, Err(1));
    }

    #[test]
    fn a_file_that_was_cut_is_not_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path()).expect("opens").0.file.set_len(SIZE as u64 / 2).expect("cut");
        assert!(matches!(open(folder.path()), Err(StoreError::Damaged { table: "journal.redo", .. })));
    }

    #[test]
    fn numbers_go_on_after_a_torn_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        append(&mut redo, 1, &[]);
        append(&mut redo, 2, &[]);
        redo.file.write_all_at(&[0xEE], BLOCK as u64 + 30).expect("tears");
        let (mut redo, seen) = open(folder.path()).expect("opens");
        assert_eq!((seen.as_slice(), redo.number, redo.at), (&[1][..], 2, BLOCK));
        append(&mut redo, 2, &[]);
        assert_eq!(open(folder.path()).expect("opens").1, [2]);
    }

    #[test]
    fn records_that_were_freed_are_not_needed_any_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        (1..=3).for_each(|n| append(&mut redo, n, &[7; 10]));
        redo.free(2);
        append(&mut redo, 4, &[7; 10]);
        // The newest knows what the tables had; a record of before may be gone or damaged.
        redo.file.write_all_at(&[0xEE], BLOCK as u64 + 30).expect("damages record 2");
        assert_eq!(open(folder.path()).expect("opens").1, [3, 4]);
    }

    #[test]
    fn the_ring_goes_round_and_never_over_a_place_that_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        let (large, mut number, mut kept) = (vec![1; BODY_MAX / 3], 0, 0);
        for round in 0..200_u64 {
            let Some(n) = redo.append(&body(round + 1, &large)).expect("no error") else {
                // Full: all that is taken is found, then a part is freed.
                let (_, seen) = open(folder.path()).expect("opens");
                assert_eq!(seen.len(), redo.taken.len());
                kept += 1;
                redo.free(number - 20);
                continue;
            };
            number = n;
            assert!(redo.taken_bytes() <= SIZE);
        }
        assert!(kept > 3, "{kept}");
        redo.free_all();
        assert_eq!(redo.taken_bytes(), 0);
        append(&mut redo, 999, &large);
        assert_eq!(open(folder.path()).expect("opens").1, [999]);
    }

    #[test]
    fn too_large_is_not_here() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut redo, _) = open(folder.path()).expect("opens");
        assert!(redo.append(&body(1, &vec![1; BODY_MAX])).expect("no error").is_none());
        append(&mut redo, 1, &vec![1; BODY_MAX / 2]);
    }
}
