//! The reader: used by crash recovery, clips and playback. Every length is checked before it is believed.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// A `moof` or `moov` larger than this is not one of ours.
const HEAD_MAX: u64 = 1 << 20;
/// Samples of one fragment.
const SAMPLES_MAX: u32 = 10_000;

/// Why a file cannot be read further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// Not one of ours, or damaged.
    #[error("at byte {at}: {what}")]
    Damaged {
        /// Where.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// The beginning of a file: its first bytes, up to the first fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// `ftyp` and `moov`.
    pub bytes: Vec<u8>,
    /// Clock and first sample entry of each track, by number.
    pub tracks: Vec<(u32, u32, Vec<u8>)>,
}

/// A sample as the file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Units of the track's clock.
    pub duration: u32,
    /// Bytes.
    pub bytes: u32,
    /// Can be decoded alone.
    pub key: bool,
}

/// The samples of one track in a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFragment {
    /// Track number.
    pub track: u32,
    /// Sample entry, from 1.
    pub entry: u32,
    /// Time of its first sample.
    pub time: u64,
    /// Samples.
    pub samples: Vec<Sample>,
}

impl TrackFragment {
    /// Sum of the durations.
    pub fn duration(&self) -> u64 {
        self.samples.iter().map(|s| u64::from(s.duration)).sum()
    }
}

/// A whole fragment: `moof` and its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Bytes of the file that it takes.
    pub range: Range<u64>,
    /// Bytes of the samples.
    pub data: Range<u64>,
    /// Tracks.
    pub tracks: Vec<TrackFragment>,
}

impl Fragment {
    /// The part of one track.
    pub fn track(&self, number: u32) -> Option<&TrackFragment> {
        self.tracks.iter().find(|t| t.track == number)
    }

    /// Whether the picture can be decoded from here on.
    pub fn begins_with_key(&self) -> bool {
        self.track(super::VIDEO).and_then(|t| t.samples.first()).is_some_and(|s| s.key)
    }
}

/// Reads `ftyp` and `moov`.
///
/// # Errors
/// `Damaged` when they are not whole.
pub fn read_init(file: &mut (impl Read + Seek)) -> Result<Init, ReadError> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    loop {
        let (kind, size) = box_at(file, at, end)?.ok_or(ReadError::Damaged { at, what: "no whole moov" })?;
        at += size;
        if kind == *b"moov" {
            break;
        }
        if at > HEAD_MAX {
            return Err(ReadError::Damaged { at, what: "no moov at the beginning" });
        }
    }
    if at > HEAD_MAX {
        return Err(ReadError::Damaged { at, what: "a moov of more than 1 MiB" });
    }
    let bytes = bytes_at(file, 0, at)?;
    let tracks = tracks(&bytes).ok_or(ReadError::Damaged { at: 0, what: "a moov that cannot be read" })?;
    Ok(Init { bytes, tracks })
}

/// The fragments of a file, one at a time; ends without an error at the first one that is not whole.
pub struct Fragments<'a, F> {
    file: &'a mut F,
    at: u64,
    end: u64,
}

impl<'a, F: Read + Seek> Fragments<'a, F> {
    /// From a byte on, which must be where a box begins.
    ///
    /// # Errors
    /// The disk's.
    pub fn from(file: &'a mut F, at: u64) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, at, end })
    }

    /// Where the next box begins: the end of the last whole fragment, once it ended.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The next whole fragment.
    ///
    /// # Errors
    /// `Damaged` at a box that cannot be one of ours.
    pub fn next_whole(&mut self) -> Result<Option<Fragment>, ReadError> {
        let start = self.at;
        let Some((kind, size)) = box_at(self.file, start, self.end)? else { return Ok(None) };
        if kind != *b"moof" || size > HEAD_MAX {
            return Err(ReadError::Damaged { at: start, what: "not a fragment" });
        }
        let Some((kind, data)) = box_at(self.file, start + size, self.end)? else { return Ok(None) };
        if kind != *b"mdat" {
            return Err(ReadError::Damaged { at: start + size, what: "a moof without its mdat" });
        }
        let head = bytes_at(self.file, start, size)?;
        let tracks = moof(&head).ok_or(ReadError::Damaged { at: start, what: "a moof that cannot be read" })?;
        let data = start + size + 8..start + size + data;
        let wanted: u64 = tracks.iter().flat_map(|t| &t.samples).map(|s| u64::from(s.bytes)).sum();
        if wanted != data.end - data.start {
            return Err(ReadError::Damaged { at: start, what: "samples that are not the size of their mdat" });
        }
        self.at = data.end;
        Ok(Some(Fragment { range: start..data.end, data, tracks }))
    }
}

/// Every whole fragment of a file, and how many bytes are whole. What follows is what a crash left.
///
/// # Errors
/// `Damaged` when not even the beginning is whole.
pub fn scan(file: &mut (impl Read + Seek)) -> Result<(Init, Vec<Fragment>, u64), ReadError> {
    let init = read_init(file)?;
    let mut fragments = Fragments::from(file, init.bytes.len() as u64)?;
    let mut all = Vec::new();
    loop {
        match fragments.next_whole() {
            Ok(Some(fragment)) => all.push(fragment),
            Ok(None) | Err(ReadError::Damaged { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let whole = fragments.position();
    Ok((init, all, whole))
}

/// Kind and size of the box at a place; none when it is not whole.
fn box_at<F: Read + Seek>(file: &mut F, at: u64, end: u64) -> Result<Option<([u8; 4], u64)>, ReadError> {
    if at + 8 > end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [a, b, c, d, kind @ ..] = head;
    let size = u64::from(u32::from_be_bytes([a, b, c, d]));
    // 0 and 1 mean "to the end" and "64 bits follow"; we write neither.
    if size < 8 {
        return Err(ReadError::Damaged { at, what: "a box without a size" });
    }
    Ok((at + size <= end).then_some((kind, size)))
}

fn bytes_at<F: Read + Seek>(file: &mut F, at: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; size as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The boxes inside a piece of memory; ends at the first that does not fit.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);
    fn next(&mut self) -> Option<Self::Item> {
        let size = number(self.0, 0)? as usize;
        let kind = self.0.get(4..8)?.try_into().ok()?;
        let body = self.0.get(8..size)?;
        self.0 = &self.0[size..];
        Some((kind, body))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn long_number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |inside, kind| Boxes(inside).find(|(k, _)| k == *kind).map(|(_, body)| body))
}

fn tracks(bytes: &[u8]) -> Option<Vec<(u32, u32, Vec<u8>)>> {
    let moov = find(bytes, &[b"moov"])?;
    let traks = Boxes(moov).filter(|(kind, _)| kind == b"trak");
    traks
        .map(|(_, trak)| {
            let number_of = number(find(trak, &[b"tkhd"])?, 12)?;
            let clock = number(find(trak, &[b"mdia", b"mdhd"])?, 12)?;
            let stsd = find(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?.get(8..)?;
            let entry = stsd.get(..number(stsd, 0)? as usize)?.to_vec();
            (clock > 0).then_some((number_of, clock, entry))
        })
        .collect()
}

fn moof(head: &[u8]) -> Option<Vec<TrackFragment>> {
    let inside = head.get(8..)?;
    Boxes(inside).filter(|(kind, _)| kind == b"traf").map(|(_, traf)| track_fragment(traf)).collect()
}

/// Only the form that we write: `tfhd` with an entry, `tfdt` of 64 bits, `trun` with duration, size and flags.
fn track_fragment(traf: &[u8]) -> Option<TrackFragment> {
    let tfhd = find(traf, &[b"tfhd"])?;
    let tfdt = find(traf, &[b"tfdt"])?;
    let trun = find(traf, &[b"trun"])?;
    if number(tfhd, 0)? != 0x02_0002 || number(tfdt, 0)? != 0x0100_0000 || number(trun, 0)? != 0x0701 {
        return None;
    }
    let count = number(trun, 4)?;
    let rows = trun.get(12..)?;
    if count > SAMPLES_MAX || rows.len() != count as usize * 12 {
        return None;
    }
    let samples = rows.chunks_exact(12).map(|row| {
        let not_key = number(row, 8)? & 0x0001_0000 != 0;
        Some(Sample { duration: number(row, 0)?, bytes: number(row, 4)?, key: !not_key })
    });
    Some(TrackFragment {
        track: number(tfhd, 4)?,
        entry: number(tfhd, 8)?,
        time: long_number(tfdt, 4)?,
        samples: samples.collect::<Option<_>>()?,
    })
}
