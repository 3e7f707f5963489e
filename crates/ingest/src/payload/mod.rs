//! Payloads to readings: the contract's JSON, single or array, and mapped shapes.
//! A fast path reads the usual form in place; a strict path says exactly what is wrong with the rest.

mod fast;
mod json;
mod mapping;
mod strict;
mod time;

pub use mapping::{Mapped, Mapping, MappingError, MappingItem, Mappings};

use model::{GatewayIndex, Reading, TagEntry, TagIndex, Time};

use crate::Refusal;

/// Most readings in one message (the contract's 1,000).
pub const READINGS_MAX: usize = 1_000;
/// Deepest nesting of a payload.
pub const DEPTH_MAX: usize = 32;

/// What the decoder must know of a tag; small, because every connection caches it by topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensor {
    /// Which tag.
    pub tag: TagIndex,
    /// Instrument span, or infinite.
    pub low: f64,
    /// Instrument span, or infinite.
    pub high: f64,
    /// Innermost limits, or infinite: a value strictly between them raises no alarm.
    pub calm: (f64, f64),
}

impl Sensor {
    /// Of a directory entry.
    pub fn new(tag: TagIndex, entry: &TagEntry) -> Self {
        // A NaN or reversed span would flag every reading; the site files are checked before, so: no span.
        let (low, high) = entry.span.filter(|(a, b)| a <= b).unwrap_or((f64::MIN, f64::MAX));
        let limits = &entry.limits;
        let calm = (limits.l.or(limits.ll).unwrap_or(f64::MIN), limits.h.or(limits.hh).unwrap_or(f64::MAX));
        Self { tag, low, high, calm }
    }

    /// Whether these readings may raise an alarm of a limit.
    #[inline]
    pub(crate) fn alarms(&self, readings: &[Reading]) -> bool {
        readings.iter().any(|r| !(r.value > self.calm.0 && r.value < self.calm.1))
    }
}

/// By whom and when a payload came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The gateway.
    pub gateway: GatewayIndex,
    /// When its bytes reached us.
    pub now: Time,
}

/// What became of one message.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// Readings in the message; at least 1.
    pub offered: u64,
    /// Appended to the output; the rest is refused.
    pub accepted: u64,
    /// Refusals and flags; the first `NOTES_MAX` of a message.
    pub notes: Vec<Refusal>,
    /// Refused readings by code, complete.
    pub refused: Vec<(crate::Code, u64)>,
}

/// Most notes kept of one message; the counts are complete.
pub const NOTES_MAX: usize = 8;

impl Outcome {
    /// All of it refused for one reason.
    pub fn refused(refusal: Refusal) -> Self {
        let refused = vec![(refusal.code, 1)];
        Self { offered: 1, accepted: 0, notes: vec![refusal], refused }
    }

    fn note(&mut self, refusal: Refusal) {
        if !refusal.code.is_kept() {
            match self.refused.iter_mut().find(|(code, _)| *code == refusal.code) {
                Some((_, count)) => *count += 1,
                None => self.refused.push((refusal.code, 1)),
            }
        }
        if self.notes.len() < NOTES_MAX {
            self.notes.push(refusal);
        }
    }
}

/// Reads the usual payload of a known tag. On `None`, `out` is untouched: use [`explain`].
#[inline]
pub fn decode(payload: &[u8], sensor: &Sensor, arrival: Arrival, out: &mut Vec<Reading>) -> Option<u32> {
    fast::read(payload, sensor, arrival, out)
}

/// Reads any payload of a known tag, slowly, and says what is wrong with it. `unit` is the tag's.
pub fn explain(payload: &[u8], sensor: &Sensor, unit: &str, arrival: Arrival, out: &mut Vec<Reading>) -> Outcome {
    strict::read(payload, strict::Subject { sensor, unit }, arrival, out)
}

/// The value of a payload whose tag is not known, for the parked list.
pub fn glance(payload: &[u8]) -> Option<f64> {
    let nobody = Sensor { tag: TagIndex(u32::MAX), low: f64::MIN, high: f64::MAX, calm: (f64::MIN, f64::MAX) };
    let arrival = Arrival { gateway: GatewayIndex(0), now: Time(0) };
    let mut readings = Vec::new();
    strict::read(payload, strict::Subject { sensor: &nobody, unit: "" }, arrival, &mut readings);
    readings.last().map(|r| r.value)
}
