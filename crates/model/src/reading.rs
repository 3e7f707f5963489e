//! One reading of one tag, as every room passes it on.

use serde::{Deserialize, Serialize};

use crate::{Quality, Time};

/// A tag's dense number. It is given once, journalled, and never reused: it stays the same over restarts and revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagIndex(pub u32);

/// A gateway's dense number: the MQTT client or subscription a reading came by. Clock skew is judged per gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GatewayIndex(pub u32);

/// What the door found out about a reading; bits, so that a reading stays 48 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadingFlags(pub u8);

impl ReadingFlags {
    /// The payload had no usable time: `source_time` is the server's.
    pub const NO_SOURCE_TIME: Self = Self(1);
    /// The payload's time was implausible (1970, a year ahead) and was replaced.
    pub const IMPLAUSIBLE_TIME: Self = Self(2);
    /// The value was not finite; `value` is 0 and the quality is bad.
    pub const NOT_FINITE: Self = Self(4);
    /// The value lies outside the instrument's span.
    pub const OVER_RANGE: Self = Self(8);

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One reading. Booleans are 0.0 and 1.0; `value` is always finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which tag.
    pub tag: TagIndex,
    /// By which gateway it came.
    pub gateway: GatewayIndex,
    /// The value, in the tag's unit.
    pub value: f64,
    /// When the device says it was measured.
    pub source_time: Time,
    /// When its bytes reached us.
    pub server_time: Time,
    /// The device's own counter; 0 when it sends none.
    pub seq: u64,
    /// Quality as the device reports it, worsened by what the door found.
    pub quality: Quality,
    /// What the door found.
    pub flags: ReadingFlags,
}
