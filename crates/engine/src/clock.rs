//! Which clock a reading is judged by, and whether it is live, late or a repeat. Pure.

use alarm::Instants;
use model::{Reading, Time};
use serde::{Deserialize, Serialize};

use crate::gateway::Gateway;

/// Newest accepted reading of a tag. 64 bytes: one cache line per reading in the hot path.
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
    /// Source time of the last late reading, for the clock-step rule.
    pub late_source: Time,
    /// First of its cells.
    pub first: u32,
    /// Gateway of its last reading.
    pub gateway: u32,
    /// How many limit cells it has, from `first`.
    pub limits: u8,
    /// Quality of the last accepted reading.
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
        late_source: Time::MIN,
        first: 0,
        gateway: u32::MAX,
        limits: 0,
        quality: 2,
        late_run: 0,
        flags: 0,
    };

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
        self.seq = reading.seq;
        self.gateway = reading.gateway.0;
        self.quality = reading.quality as u8;
        self.late_run = 0;
    }
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
    /// The n-th late one in a live session: its clock stepped back; rebase and evaluate live.
    ClockStep,
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
pub(crate) fn judge(tag: &mut TagState, gateway: &Gateway, reading: &Reading, at: Instants, steps: u32) -> Timing {
    if reading.source_time == tag.source && reading.value.to_bits() == tag.value.to_bits() {
        let same = reading.seq == tag.seq && reading.quality as u8 == tag.quality && tag.is_known();
        if same {
            return Timing::Duplicate;
        }
    }
    if at.effective >= tag.effective {
        return Timing::Live;
    }
    judge_late(tag, gateway, reading, at, steps)
}

/// Redeliveries after a reconnect look like a clock that stepped back a little: only these seconds are forgiven then.
const REDELIVERY_US: i64 = 600_000_000;
/// A counter this far behind belongs to another life of the device.
const SEQ_WINDOW: u64 = 10_000;

#[cold]
fn judge_late(tag: &mut TagState, gateway: &Gateway, reading: &Reading, at: Instants, steps: u32) -> Timing {
    let seen_counter = reading.seq != 0 && reading.seq <= tag.seq && tag.seq - reading.seq < SEQ_WINDOW;
    let near = tag.effective.since_us(at.effective) < REDELIVERY_US;
    if near && (seen_counter || gateway.in_grace(at.received)) {
        return Timing::Late;
    }
    // A clock that stands still (battery dead) also counts as advancing: its readings are live all the same.
    let advancing = reading.source_time >= tag.late_source || tag.late_run == 0;
    tag.late_run = if advancing { tag.late_run.saturating_add(1) } else { 1 };
    tag.late_source = reading.source_time;
    if u32::from(tag.late_run) >= steps { Timing::ClockStep } else { Timing::Late }
}
