//! Reads recorded inputs back. Any bytes at all give records or an error with a position, never a panic (fuzzed).

use engine::Event;
use model::{GatewayIndex, Quality, Reading, ReadingFlags, TagIndex, Time};

use crate::input_log::{self, Base, GATEWAY, NOW, QUALITY, READING_BITS, SEQ, SERVER_TIME};

/// One recorded input.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedInput {
    /// The clock the engine was stepped with.
    pub now: Time,
    /// What it was stepped with.
    pub event: Event,
}

/// Where and why a batch cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {position} of {len}: {problem}")]
pub struct InputDamage {
    /// Position within the batch.
    pub position: usize,
    /// Length of the batch.
    pub len: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads the records of one batch in order; ends after the first error.
#[derive(Clone, Debug)]
pub struct InputReader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: Base,
    failed: bool,
}

impl<'a> InputReader<'a> {
    /// Checks the batch's head. The CRC is the caller's to check first (`crc32c`).
    ///
    /// # Errors
    /// Not a batch, or of a version this program does not know.
    pub fn new(bytes: &'a [u8]) -> Result<Self, InputDamage> {
        let reader = Self { bytes, position: 0, base: Base::default(), failed: false };
        match bytes {
            [input_log::MAGIC, input_log::VERSION, ..] => Ok(Self { position: 2, ..reader }),
            [input_log::MAGIC, ..] => Err(Self { position: 1, ..reader }.damage("unknown version")),
            _ => Err(reader.damage("not a batch of inputs")),
        }
    }

    fn damage(&self, problem: &'static str) -> InputDamage {
        InputDamage { position: self.position, len: self.bytes.len(), problem }
    }

    fn record(&mut self) -> Result<RecordedInput, InputDamage> {
        let control = self.byte()?;
        match control {
            input_log::OTHER => self.other(),
            c if c & !READING_BITS == 0 => self.reading(c),
            _ => Err(self.damage("unknown kind of record")),
        }
    }

    fn reading(&mut self, control: u8) -> Result<RecordedInput, InputDamage> {
        if control & NOW != 0 {
            self.base.now = self.base.now.wrapping_add(self.signed()?);
        }
        let now = self.base.now;
        let tag = self.index(self.base.tag)?;
        let gateway = if control & GATEWAY != 0 { self.index(self.base.gateway)? } else { self.base.gateway };
        let server_time = if control & SERVER_TIME != 0 { now.wrapping_add(self.signed()?) } else { now };
        let source_time = server_time.wrapping_add(self.signed()?);
        let seq = if control & SEQ != 0 { self.seq()? } else { 0 };
        let (quality, flags) = if control & QUALITY != 0 { (self.byte()?, self.byte()?) } else { (0, 0) };
        let value = self.double()?;
        (self.base.tag, self.base.gateway) = (tag, gateway);
        let reading = Reading {
            tag: TagIndex(tag),
            gateway: GatewayIndex(gateway),
            value,
            source_time: Time(source_time),
            server_time: Time(server_time),
            seq,
            quality: Quality::from_u8(quality),
            flags: ReadingFlags(flags),
        };
        Ok(RecordedInput { now: Time(now), event: Event::Reading(reading) })
    }

    fn other(&mut self) -> Result<RecordedInput, InputDamage> {
        self.base.now = self.base.now.wrapping_add(self.signed()?);
        let len = self.unsigned()?;
        let rest = &self.bytes[self.position..];
        let encoded = usize::try_from(len).ok().and_then(|len| rest.get(..len)).ok_or(self.damage("cut short"))?;
        let (event, left) = postcard::take_from_bytes::<Event>(encoded).map_err(|_| self.damage("not an event"))?;
        if !left.is_empty() {
            return Err(self.damage("bytes after the event"));
        }
        self.position += encoded.len();
        Ok(RecordedInput { now: Time(self.base.now), event })
    }

    fn byte(&mut self) -> Result<u8, InputDamage> {
        let byte = *self.bytes.get(self.position).ok_or(self.damage("cut short"))?;
        self.position += 1;
        Ok(byte)
    }

    fn unsigned(&mut self) -> Result<u64, InputDamage> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damage("number too long"))
    }

    fn signed(&mut self) -> Result<i64, InputDamage> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn index(&mut self, before: u32) -> Result<u32, InputDamage> {
        let delta = self.signed()?;
        let index = i64::from(before).checked_add(delta).and_then(|v| u32::try_from(v).ok());
        index.ok_or(self.damage("index out of range"))
    }

    fn seq(&mut self) -> Result<u64, InputDamage> {
        self.base.seq = self.base.seq.wrapping_add(self.signed()? as u64);
        Ok(self.base.seq)
    }

    fn double(&mut self) -> Result<f64, InputDamage> {
        let end = self.position + 8;
        let bytes = self.bytes.get(self.position..end).and_then(|b| b.try_into().ok());
        let value = f64::from_bits(u64::from_le_bytes(bytes.ok_or(self.damage("cut short"))?));
        self.position = end;
        Ok(value)
    }
}

impl Iterator for InputReader<'_> {
    type Item = Result<RecordedInput, InputDamage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.position >= self.bytes.len() {
            return None;
        }
        let record = self.record();
        self.failed = record.is_err();
        Some(record)
    }
}
