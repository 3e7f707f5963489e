//! Which clock a reading is judged by, and whether it is live, late or a repeat. Pure.

use alarm::Instants;
use model::{Reading, ReadingFlags, Time};
use serde::{Deserialize, Serialize};

use crate::gateway::Gateway;

/// A counter is taken for the tag's own after this many steps by one; others count all messages of a device.
const COUNTED_RUN: u8 = 2;

/// No value is quiet.
pub(crate) const NOT_QUIET: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

/// Newest accepted reading of a tag: one cache line, and nearly always the only one that a reading touches.
#[repr(align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TagState {
    /// Effective time of the last accepted reading; never past `server_time + F`.
    pub effective: Time,
    /// Its source time as sent.
    pub source: Time,
    /// Its server time.
    pub received: Time,
    /// Its value.
    pub value: f64,
    /// Its device counter; 0 if none.
    pub seq: u64,
    /// Strictly between these no limit has anything to say: every limit cell is normal and none is reached.
    /// Only a cache, rounded inwards; empty while any limit cell is not normal.
    pub quiet: (f32, f32),
    /// First of its cells.
    pub first: u32,
    /// Gateway of its last reading.
    pub gateway: u32,
    /// How many limit cells it has, from `first`.
    pub limits: u8,
    /// The same with the range and quality diagnostics that follow them.
    pub watched: u8,
    /// Readings in a row whose counter was one more than the last.
    pub run: u8,
    /// Quality of the last accepted reading, worsened by the detectors.
    pub quality: u8,
    /// Late readings in a row with advancing source time.
    pub late_run: u8,
    /// Bits below.
    pub flags: u16,
}

/// A gap (restart, lost link) lies between the last reading and the next.
pub(crate) const GAP: u16 = 1;
/// No reading for `stale_factor` periods.
pub(crate) const STALE: u16 = 2;
/// Has detectors (span, stuck, rate): the settings must be looked at.
pub(crate) const DETECTORS: u16 = 4;
/// Has dependents besides its limits: rates, expressions, diagnostics, windows.
pub(crate) const DEPENDENTS: u16 = 8;
/// Not in the site files any more.
pub(crate) const RETIRED: u16 = 16;
/// A stuck-at signal is latched until the value moves.
pub(crate) const STUCK: u16 = 32;
/// Taken out of service.
pub(crate) const SERVICE: u16 = 64;
/// Has a reorder buffer.
pub(crate) const REORDER: u16 = 128;
/// The heap holds a stale entry for it.
pub(crate) const WATCHED: u16 = 256;

impl TagState {
    pub(crate) const EMPTY: Self = Self {
        effective: Time::MIN,
        source: Time::MIN,
        received: Time::MIN,
        value: 0.0,
        seq: 0,
        quiet: NOT_QUIET,
        first: 0,
        gateway: u32::MAX,
        limits: 0,
        watched: 0,
        run: 0,
        quality: 2,
        late_run: 0,
        flags: 0,
    };

    /// Whether any of these bits is set.
    pub(crate) const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(crate) const fn set(&mut self, flag: u16, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Whether it ever had a reading.
    pub(crate) const fn is_known(&self) -> bool {
        self.received.0 != i64::MIN
    }

    /// Whether a counter that went up by one so far jumped, or stood still.
    #[inline]
    pub(crate) const fn is_odd_counter(&self, seq: u64) -> bool {
        self.run >= COUNTED_RUN && seq != 0 && seq != self.seq.wrapping_add(1)
    }

    /// Whether no limit of it has anything to say about this value.
    #[inline]
    pub(crate) const fn is_quiet(&self, value: f64) -> bool {
        value > self.quiet.0 as f64 && value < self.quiet.1 as f64
    }

    /// Both clocks at its last reading.
    pub(crate) const fn instants(&self) -> Instants {
        Instants { effective: self.effective, received: self.received }
    }

    /// Makes `reading` the newest.
    #[inline]
    pub(crate) const fn accept(&mut self, reading: &Reading, at: Instants) {
        self.effective = at.effective;
        self.received = at.received;
        self.source = reading.source_time;
        self.value = reading.value;
        let next = reading.seq != 0 && reading.seq == self.seq.wrapping_add(1);
        self.run = if next { self.run.saturating_add(1) } else { 0 };
        self.seq = reading.seq;
        self.gateway = reading.gateway.0;
        self.quality = reading.quality as u8;
        self.late_run = 0;
    }
}

/// The band as single precision, never wider than asked.
pub(crate) fn inwards(low: f64, high: f64) -> (f32, f32) {
    let (l, h) = (low as f32, high as f32);
    let l = if f64::from(l) < low { l.next_up() } else { l };
    let h = if f64::from(h) > high { h.next_down() } else { h };
    (l, h)
}

/// What a reading is, by the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// In order: evaluate.
    Live,
    /// Seen before: drop and count.
    Duplicate,
    /// Older than the last accepted: store, side-evaluate.
    Late,
}

/// Both clocks of a reading: `effective = min(source + offset, received + F)`.
#[inline]
pub(crate) fn instants(gateway: &Gateway, reading: &Reading, now: Time, future_us: i64) -> Instants {
    let received = if reading.server_time > now { now } else { reading.server_time };
    let source = reading.source_time.plus_us(gateway.offset_us);
    let bound = received.plus_us(future_us);
    Instants { effective: if source < bound { source } else { bound }, received }
}

/// Judges a reading against the tag's last accepted one.
#[inline]
pub(crate) const fn judge(tag: &TagState, reading: &Reading, at: Instants) -> Timing {
    let same_value = reading.value.to_bits() == tag.value.to_bits() && reading.seq == tag.seq && tag.is_known();
    // The same value with a worse quality is news; detectors may have worsened ours already.
    let same_value = same_value && reading.quality as u8 <= tag.quality;
    // A redelivery without a source time has a new server time, but the same counter.
    let no_source = reading.flags.has(ReadingFlags::NO_SOURCE_TIME);
    let same_counter = no_source && tag.run >= COUNTED_RUN && reading.gateway.0 == tag.gateway;
    if same_value && (reading.source_time.0 == tag.source.0 || same_counter) {
        return Timing::Duplicate;
    }
    if at.effective.0 >= tag.effective.0 { Timing::Live } else { Timing::Late }
}

/// Redeliveries after a reconnect look like a clock that stepped back a little: only these are forgiven then.
const REDELIVERY_US: i64 = 600_000_000;
/// A counter this far behind belongs to another life of the device.
const SEQ_WINDOW: u64 = 10_000;

/// Whether a late reading may be a redelivery, which says nothing about the device's clock.
pub(crate) const fn may_be_redelivery(tag: &TagState, gateway: &Gateway, reading: &Reading, at: Instants) -> bool {
    let seen_counter = reading.seq != 0 && reading.seq <= tag.seq && tag.seq - reading.seq < SEQ_WINDOW;
    let near = tag.effective.since_us(at.effective) < REDELIVERY_US;
    near && (seen_counter || gateway.in_grace(at.received))
}
