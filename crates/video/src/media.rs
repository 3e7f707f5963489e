//! Recordings as files for players: a stretch of time cut out of its segments, by whole fragments, nothing decoded.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::fmp4::{self, Fragment, Fragments, Init, Layout, ReadError, Run, RunSample, SOUND, VIDEO};
use crate::frame::{Codec, Track};
use crate::index::Segment;

/// A file that is sent as it is goes in pieces of this size.
const PIECE: usize = 256 * 1024;
/// Segments that begin within this after the one before follow it without a seam.
const SEAM_US: i64 = 100_000;

/// A segment and where its file is.
#[derive(Clone, Debug)]
pub struct Located {
    /// Its row.
    pub segment: Segment,
    /// Its file.
    pub path: PathBuf,
}

/// The bytes of a segment, as far as they are whole.
///
/// # Errors
/// The disk's.
pub fn whole(located: &Located) -> io::Result<impl Iterator<Item = io::Result<Bytes>> + Send + use<>> {
    Ok(pieces(File::open(&located.path)?, located.segment.bytes))
}

/// Length and bytes of a file that does not grow.
///
/// # Errors
/// The disk's.
pub fn file(path: &Path) -> io::Result<(u64, impl Iterator<Item = io::Result<Bytes>> + Send + use<>)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((length, pieces(file, length)))
}

fn pieces(mut file: File, mut left: u64) -> impl Iterator<Item = io::Result<Bytes>> + Send {
    std::iter::from_fn(move || {
        let size = left.min(PIECE as u64) as usize;
        if size == 0 {
            return None;
        }
        let mut piece = vec![0; size];
        let read = file.read_exact(&mut piece);
        left = if read.is_ok() { left - size as u64 } else { 0 };
        Some(read.map(|()| piece.into()))
    })
}

/// An open segment being cut.
struct Piece {
    located: Located,
    /// Its picture's sample entry among the output's, from 1.
    entry: u32,
    file: File,
    /// Where to read on.
    at: u64,
}

/// Cuts a stretch out of segments, as one MP4. An iterator of its bytes.
pub struct Cut {
    pieces: std::collections::VecDeque<Piece>,
    init: Option<Vec<u8>>,
    /// Server time of the first picture in the file, which may be before what was asked for: decoding begins there.
    base: i64,
    to: i64,
    sequence: u32,
    clocks: [u32; 2],
    /// Where each track goes on, in its clock.
    next: [u64; 2],
    /// Place of the current piece's beginning in the output, in the clock of the pictures; none: not placed yet.
    placed: Option<i64>,
}

/// Why nothing can be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// Nothing was recorded then.
    #[error("nothing was recorded in this time")]
    Nothing,
    /// A file.
    #[error("a recording cannot be read")]
    Read(#[from] ReadError),
    /// A file.
    #[error("a recording cannot be opened")]
    Io(#[from] io::Error),
}

impl Cut {
    /// Prepares `[from, to)`; begins at the last key frame at or before `from`, and hides what is before `from`.
    ///
    /// # Errors
    /// `Nothing`, or a file's.
    pub fn new(segments: Vec<Located>, from: i64, to: i64) -> Result<Self, CutError> {
        let mut pieces = std::collections::VecDeque::new();
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let mut clocks = [0, 0];
        let mut sound = None;
        for located in segments.into_iter().filter(|l| l.segment.t0 < to && l.segment.t1 > from) {
            let mut file = match File::open(&located.path) {
                // Deleted or still being made: what is there is shown, the time line shows the rest as a gap.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let init = fmp4::read_init(&mut file)?;
            let Some((_, clock, entry)) = init.tracks.iter().find(|(n, ..)| *n == VIDEO).cloned() else { continue };
            if clocks[0] != 0 && clocks[0] != clock {
                // RTP's clock for pictures is 90 kHz whatever the codec; a file cannot have two.
                tracing::warn!(file = %located.path.display(), clock, "left out of a cut: another clock");
                continue;
            }
            clocks[0] = clock;
            if let Some((_, clock, entry)) = init.tracks.iter().find(|(n, ..)| *n == SOUND) {
                clocks[1] = *clock;
                sound.get_or_insert_with(|| entry.clone());
            }
            let entry = place(&mut entries, entry);
            let at = first_key(&located, &init, from);
            pieces.push_back(Piece { located, entry, file, at });
        }
        let first = pieces.front().ok_or(CutError::Nothing)?;
        let base = key_time(first).unwrap_or(first.located.segment.t0);
        let hidden = (from - base).max(0) as u64 * u64::from(clocks[0]) / 1_000_000;
        let init = layout(&first.located.segment, (&entries, sound), clocks, hidden);
        Ok(Self { pieces, init: Some(init), base, to, sequence: 0, clocks, next: [0, 0], placed: None })
    }

    /// Server time of the first picture in the file.
    pub fn base(&self) -> i64 {
        self.base
    }

    fn next_part(&mut self) -> Result<Option<Bytes>, ReadError> {
        while let Some(piece) = self.pieces.front_mut() {
            let end = piece.located.segment.bytes;
            let mut fragments = Fragments::from(&mut piece.file, piece.at)?;
            let fragment = if piece.at < end { fragments.next_whole()? } else { None };
            let Some(fragment) = fragment.filter(|f| starts_at(&piece.located.segment, f, self.clocks[0]) < self.to)
            else {
                self.pieces.pop_front();
                self.placed = None;
                continue;
            };
            piece.at = fragment.range.end;
            return self.rewritten(&fragment).map(Some);
        }
        Ok(None)
    }

    /// The fragment with its times and entries as the output has them.
    fn rewritten(&mut self, fragment: &Fragment) -> Result<Bytes, ReadError> {
        let placed = self.place_piece(fragment);
        self.sequence += 1;
        let Some(piece) = self.pieces.front_mut() else { return Ok(Bytes::new()) };
        let mut samples = Vec::new();
        for t in fragment.tracks.iter().filter(|t| t.track == VIDEO || t.track == SOUND) {
            let of = (t.track - 1) as usize;
            let shift = i128::from(placed) * i128::from(self.clocks[of]) / i128::from(self.clocks[0].max(1));
            let time = (i128::from(t.time) + shift).max(0) as u64;
            let time = time.max(self.next[of]);
            self.next[of] = time + t.duration();
            let entry = if t.track == VIDEO { piece.entry } else { 1 };
            let rows: Vec<RunSample> =
                t.samples.iter().map(|s| RunSample { duration: s.duration, bytes: s.bytes, key: s.key }).collect();
            samples.push((t.track, entry, time, rows));
        }
        let runs: Vec<Run<'_>> = samples
            .iter()
            .map(|(track, entry, time, rows)| Run { track: *track, entry: *entry, time: *time, samples: rows })
            .collect();
        let mut out = fmp4::fragment_head(self.sequence, &runs);
        let head = out.len();
        out.resize(head + (fragment.data.end - fragment.data.start) as usize, 0);
        piece.file.seek(SeekFrom::Start(fragment.data.start))?;
        piece.file.read_exact(&mut out[head..])?;
        Ok(out.into())
    }

    /// Where the current segment's time 0 lies in the output: by server time, or seamless after the one before.
    fn place_piece(&mut self, fragment: &Fragment) -> i64 {
        if let Some(placed) = self.placed {
            return placed;
        }
        let clock = i64::from(self.clocks[0]);
        let Some(piece) = self.pieces.front() else { return 0 };
        let by_time = (i128::from(piece.located.segment.t0 - self.base) * i128::from(clock) / 1_000_000) as i64;
        let first = fragment.track(VIDEO).map_or(0, |t| t.time as i64);
        let seamless = self.next[0] as i64 - first;
        let seam = SEAM_US * clock / 1_000_000;
        let placed = if (by_time - seamless).abs() <= seam { seamless } else { by_time };
        *self.placed.insert(placed)
    }
}

impl Iterator for Cut {
    type Item = io::Result<Bytes>;
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(init) = self.init.take() {
            return Some(Ok(init.into()));
        }
        match self.next_part() {
            Ok(part) => part.map(Ok),
            Err(error) => {
                self.pieces.clear();
                Some(Err(io::Error::other(error)))
            }
        }
    }
}

fn place(entries: &mut Vec<Vec<u8>>, entry: Vec<u8>) -> u32 {
    let at = entries.iter().position(|e| *e == entry).unwrap_or_else(|| {
        entries.push(entry);
        entries.len() - 1
    });
    at as u32 + 1
}

fn layout(
    segment: &Segment,
    (entries, sound): (&[Vec<u8>], Option<Vec<u8>>),
    clocks: [u32; 2],
    hidden: u64,
) -> Vec<u8> {
    let track = |codec, entry: &[u8], clock_hz, (width, height)| Track {
        codec,
        rfc6381: String::new(),
        width,
        height,
        clock_hz,
        sample_entry: Bytes::copy_from_slice(entry),
    };
    let size = (segment.width, segment.height);
    // Which codec it is says the sample entry; here it only matters that it is no sound.
    let pictures: Vec<Track> = entries.iter().map(|e| track(Codec::H264, e, clocks[0], size)).collect();
    let pictures: Vec<&Track> = pictures.iter().collect();
    let sound = sound.map(|e| track(Codec::Aac, &e, clocks[1], (0, 0)));
    let mut tracks = vec![Layout { entries: &pictures, hidden }];
    let sounds: Vec<&Track> = sound.iter().collect();
    if !sounds.is_empty() {
        let hidden = hidden * u64::from(clocks[1]) / u64::from(clocks[0].max(1));
        tracks.push(Layout { entries: &sounds, hidden });
    }
    fmp4::init_segment(&tracks)
}

/// Byte of the last key frame at or before a time, or of the first fragment.
fn first_key(located: &Located, init: &Init, from: i64) -> u64 {
    let after = from - located.segment.t0;
    let key = located.segment.keys.iter().rev().find(|k| i64::from(k.after_us) <= after);
    key.or(located.segment.keys.first()).map_or(init.bytes.len() as u64, |k| u64::from(k.at))
}

fn key_time(piece: &Piece) -> Option<i64> {
    let key = piece.located.segment.keys.iter().find(|k| u64::from(k.at) == piece.at)?;
    Some(piece.located.segment.t0 + i64::from(key.after_us))
}

fn starts_at(segment: &Segment, fragment: &Fragment, clock: u32) -> i64 {
    let time = fragment.track(VIDEO).map_or(0, |t| t.time);
    segment.t0 + (u128::from(time) * 1_000_000 / u128::from(clock.max(1))) as i64
}
