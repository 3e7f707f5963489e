//! The append buffer of recorded inputs: what the hall fills between two commits and the journal keeps for replay.
//!
//! Format version 1, all integers little-endian or LEB128 varints, signed ones zigzag:
//! ```text
//! batch    = 0xF1 (magic) 0x01 (version) record*
//! record   = reading | other
//! reading  = control (bit 7 clear)
//!            [now delta]       if bit 0: against the record before, microseconds
//!            tag delta         against the reading before
//!            [gateway delta]   if bit 1
//!            [server_time]     if bit 2: delta against this record's now
//!            source_time       delta against server_time
//!            [seq delta]       if bit 3: against the seq of the reading before; clear: seq is 0
//!            [quality, flags]  if bit 4: two bytes; clear: good, none
//!            value             8 bytes, the bits of the double
//! other    = 0x80, now delta, length, postcard of engine::Event
//! ```
//! A batch is one row of `inputs`; its CRC-32C stands beside it in the row, because SQLite checks only its WAL.

use engine::Event;
use model::{Quality, Reading, ReadingFlags, Time};

pub(crate) const MAGIC: u8 = 0xF1;
pub(crate) const VERSION: u8 = 1;
pub(crate) const NOW: u8 = 1;
pub(crate) const GATEWAY: u8 = 2;
pub(crate) const SERVER_TIME: u8 = 4;
pub(crate) const SEQ: u8 = 8;
pub(crate) const QUALITY: u8 = 16;
pub(crate) const READING_BITS: u8 = NOW | GATEWAY | SERVER_TIME | SEQ | QUALITY;
pub(crate) const OTHER: u8 = 0x80;

/// What a delta is taken against; the same on both sides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Base {
    pub now: i64,
    pub tag: u32,
    pub gateway: u32,
    pub seq: u64,
}

/// Recorded inputs of one commit, in order.
#[derive(Debug)]
pub struct InputLog {
    bytes: Vec<u8>,
    base: Base,
    records: u64,
}

impl Default for InputLog {
    fn default() -> Self {
        Self::new()
    }
}

impl InputLog {
    /// An empty log.
    pub fn new() -> Self {
        let mut log = Self { bytes: Vec::with_capacity(16 << 10), base: Base::default(), records: 0 };
        log.clear();
        log
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[MAGIC, VERSION]);
        self.base = Base::default();
        self.records = 0;
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Number of inputs recorded.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Encoded size in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded batch.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The `now` of the last input; the journal's "last heard".
    pub fn last_now(&self) -> Time {
        Time(self.base.now)
    }

    /// Records one reading, stepped at `now`. Typically 14 to 20 bytes.
    pub fn push_reading(&mut self, now: Time, reading: &Reading) {
        // Encoded on the stack, appended once: one bounds check instead of one a byte.
        let mut record = Record::new();
        let seq_known = reading.seq != 0;
        let plain = reading.quality == Quality::Good && reading.flags == ReadingFlags::default();
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let control = bit(now.0 != self.base.now, NOW)
            | bit(reading.gateway.0 != self.base.gateway, GATEWAY)
            | bit(reading.server_time != now, SERVER_TIME)
            | bit(seq_known, SEQ)
            | bit(!plain, QUALITY);
        record.byte(control);
        if control & NOW != 0 {
            record.signed(now.0.wrapping_sub(self.base.now));
        }
        record.signed(i64::from(reading.tag.0) - i64::from(self.base.tag));
        if control & GATEWAY != 0 {
            record.signed(i64::from(reading.gateway.0) - i64::from(self.base.gateway));
        }
        if control & SERVER_TIME != 0 {
            record.signed(reading.server_time.0.wrapping_sub(now.0));
        }
        record.signed(reading.source_time.0.wrapping_sub(reading.server_time.0));
        if seq_known {
            record.signed(reading.seq.wrapping_sub(self.base.seq) as i64);
            self.base.seq = reading.seq;
        }
        if !plain {
            record.byte(reading.quality as u8);
            record.byte(reading.flags.0);
        }
        record.double(reading.value);
        self.bytes.extend_from_slice(record.filled());
        self.base.now = now.0;
        self.base.tag = reading.tag.0;
        self.base.gateway = reading.gateway.0;
        self.records += 1;
    }

    /// Records any input.
    ///
    /// # Errors
    /// Postcard's, if the event cannot be encoded; nothing is recorded then.
    pub fn push(&mut self, now: Time, event: &Event) -> Result<(), postcard::Error> {
        if let Event::Reading(reading) = event {
            self.push_reading(now, reading);
            return Ok(());
        }
        let encoded = postcard::to_stdvec(event)?;
        let mut head = Record::new();
        head.byte(OTHER);
        head.signed(now.0.wrapping_sub(self.base.now));
        head.unsigned(encoded.len() as u64);
        self.bytes.extend_from_slice(head.filled());
        self.bytes.extend_from_slice(&encoded);
        self.base.now = now.0;
        self.records += 1;
        Ok(())
    }
}

/// Longest reading: control, six varints of at most 10 bytes, two bytes, a double.
const RECORD_MAX: usize = 1 + 6 * 10 + 2 + 8;

struct Record {
    bytes: [u8; RECORD_MAX],
    len: usize,
}

impl Record {
    fn new() -> Self {
        Self { bytes: [0; RECORD_MAX], len: 0 }
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)) as u64);
    }

    fn double(&mut self, value: f64) {
        self.bytes[self.len..self.len + 8].copy_from_slice(&value.to_bits().to_le_bytes());
        self.len += 8;
    }
}
