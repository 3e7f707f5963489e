//! The writer: `ftyp` and `moov` once, then `moof` and the head of `mdat` for every fragment.

use crate::frame::{Codec, Track};

/// A box under construction; its length is filled in when it is closed.
pub struct BoxWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> BoxWriter<'a> {
    /// Opens a box of a kind.
    pub fn open(out: &'a mut Vec<u8>, kind: [u8; 4]) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&kind);
        Self { out, start }
    }

    /// Opens a full box (with version and flags).
    pub fn full(out: &'a mut Vec<u8>, kind: [u8; 4], version_flags: u32) -> Self {
        let mut opened = Self::open(out, kind);
        opened.u32(version_flags);
        opened
    }

    /// Opens a box inside this one.
    pub fn inside(&mut self, kind: [u8; 4]) -> BoxWriter<'_> {
        BoxWriter::open(self.out, kind)
    }

    /// Opens a full box inside this one.
    pub fn full_inside(&mut self, kind: [u8; 4], version_flags: u32) -> BoxWriter<'_> {
        BoxWriter::full(self.out, kind, version_flags)
    }

    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Appends numbers of two bytes.
    pub fn u16s(&mut self, values: &[u16]) -> &mut Self {
        values.iter().for_each(|v| self.out.extend_from_slice(&v.to_be_bytes()));
        self
    }

    /// Appends a number of four bytes.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends numbers of four bytes.
    pub fn u32s(&mut self, values: &[u32]) -> &mut Self {
        values.iter().for_each(|v| self.out.extend_from_slice(&v.to_be_bytes()));
        self
    }

    /// Appends a number of eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }
}

impl Drop for BoxWriter<'_> {
    fn drop(&mut self) {
        let length = (self.out.len() - self.start) as u32;
        self.out[self.start..self.start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// One, in 16.16 fixed point; the identity matrix is made of it.
const ONE: u32 = 0x0001_0000;
const MATRIX: [u32; 9] = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x4000_0000];
/// Times in `mvhd` are milliseconds; the tracks have their own clocks.
const MOVIE_HZ: u32 = 1_000;

/// A track of a file: one sample entry, or several when its parameters change within the file.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The first says what the track is.
    pub entries: &'a [&'a Track],
    /// Not shown: so many units of its clock at the beginning, which are there only to be decoded from.
    pub hidden: u64,
}

/// `ftyp` and `moov` of a file with these tracks, numbered from 1.
pub fn init_segment(tracks: &[Layout<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    BoxWriter::open(&mut out, *b"ftyp").bytes(b"iso6").u32(1).bytes(b"iso6mp41");
    let mut moov = BoxWriter::open(&mut out, *b"moov");
    moov.full_inside(*b"mvhd", 0)
        .u32s(&[0, 0, MOVIE_HZ, 0, ONE])
        .bytes(&[1, 0])
        .bytes(&[0; 10])
        .u32s(&MATRIX)
        .bytes(&[0; 24])
        .u32(tracks.len() as u32 + 1);
    for (number, layout) in (1..).zip(tracks) {
        if let Some(first) = layout.entries.first() {
            trak(&mut moov, number, first, layout);
        }
    }
    let mut mvex = moov.inside(*b"mvex");
    for number in 1..=tracks.len() as u32 {
        mvex.full_inside(*b"trex", 0).u32s(&[number, 1, 0, 0, 0]);
    }
    drop(mvex);
    drop(moov);
    out
}

fn trak(moov: &mut BoxWriter<'_>, number: u32, track: &Track, layout: &Layout<'_>) {
    let sound = track.codec == Codec::Aac;
    let mut trak = moov.inside(*b"trak");
    // Flags: enabled, in movie.
    trak.full_inside(*b"tkhd", 3)
        .u32s(&[0, 0, number, 0, 0, 0, 0])
        .u16s(&[0, 0, if sound { 0x0100 } else { 0 }, 0])
        .u32s(&MATRIX)
        .u32s(&[u32::from(track.width) << 16, u32::from(track.height) << 16]);
    if layout.hidden > 0 {
        // One edit of unknown length (the file is fragmented) that begins behind what is hidden.
        trak.inside(*b"edts").full_inside(*b"elst", 0x0100_0000).u32(1).u64(0).u64(layout.hidden).u32(ONE);
    }
    let mut mdia = trak.inside(*b"mdia");
    // Language "und", ISO 639-2/T packed in 5 bits a letter.
    mdia.full_inside(*b"mdhd", 0).u32s(&[0, 0, track.clock_hz, 0]).u16s(&[0x55c4, 0]);
    let kind: &[u8; 4] = if sound { b"soun" } else { b"vide" };
    mdia.full_inside(*b"hdlr", 0).u32(0).bytes(kind).bytes(&[0; 12]).bytes(b"Fenghuo\0");
    let mut minf = mdia.inside(*b"minf");
    if sound {
        minf.full_inside(*b"smhd", 0).u32(0);
    } else {
        minf.full_inside(*b"vmhd", 1).bytes(&[0; 8]);
    }
    let mut dinf = minf.inside(*b"dinf");
    let mut dref = dinf.full_inside(*b"dref", 0);
    dref.u32(1);
    // Flag 1: the media is in this file.
    dref.full_inside(*b"url ", 1);
    drop(dref);
    drop(dinf);
    let mut stbl = minf.inside(*b"stbl");
    let mut stsd = stbl.full_inside(*b"stsd", 0);
    stsd.u32(layout.entries.len() as u32);
    layout.entries.iter().for_each(|e| {
        stsd.bytes(&e.sample_entry);
    });
    drop(stsd);
    for empty in [*b"stts", *b"stsc", *b"stco"] {
        stbl.full_inside(empty, 0).u32(0);
    }
    stbl.full_inside(*b"stsz", 0).u32s(&[0, 0]);
}

/// One sample of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSample {
    /// Units of the track's clock.
    pub duration: u32,
    /// Bytes.
    pub bytes: u32,
    /// Can be decoded alone.
    pub key: bool,
}

/// Consecutive samples of one track within a fragment. Their bytes lie in `mdat` in the order of the runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Track number.
    pub track: u32,
    /// Which of the track's sample entries, from 1.
    pub entry: u32,
    /// Time of the first sample since the beginning of the file, in the track's clock.
    pub time: u64,
    /// The samples.
    pub samples: &'a [RunSample],
}

/// `sample_depends_on = 2`: needs no other. / `= 1`, `sample_is_non_sync_sample`.
const KEY: u32 = 0x0200_0000;
const NOT_KEY: u32 = 0x0101_0000;

/// `moof` and the eight bytes that begin `mdat`; the samples' bytes follow.
pub fn fragment_head(sequence: u32, runs: &[Run<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let mut offsets = Vec::with_capacity(runs.len());
    let mut moof = BoxWriter::open(&mut out, *b"moof");
    moof.full_inside(*b"mfhd", 0).u32(sequence);
    for run in runs {
        let mut traf = moof.inside(*b"traf");
        // Flags: offsets count from the moof; the sample entry is named.
        traf.full_inside(*b"tfhd", 0x02_0002).u32s(&[run.track, run.entry]);
        traf.full_inside(*b"tfdt", 0x0100_0000).u64(run.time);
        // Flags: data offset, and for each sample duration, size and flags.
        let mut trun = traf.full_inside(*b"trun", 0x0701);
        trun.u32(run.samples.len() as u32);
        offsets.push(trun.out.len());
        trun.u32(0);
        for s in run.samples {
            trun.u32s(&[s.duration, s.bytes, if s.key { KEY } else { NOT_KEY }]);
        }
    }
    drop(moof);
    let mut data = out.len() as u32 + 8;
    for (at, run) in offsets.into_iter().zip(runs) {
        out[at..at + 4].copy_from_slice(&data.to_be_bytes());
        data += run.samples.iter().map(|s| s.bytes).sum::<u32>();
    }
    let mdat = data - out.len() as u32;
    out.extend_from_slice(&mdat.to_be_bytes());
    out.extend_from_slice(b"mdat");
    out
}
