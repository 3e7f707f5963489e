//! A point in time: microseconds since the epoch, UTC. Nothing here reads a clock.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Before every other time; used where nothing has happened yet.
    pub const MIN: Self = Self(i64::MIN);

    /// From milliseconds since the epoch; saturates.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// From seconds since the epoch; saturates.
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time plus `us` microseconds; saturates.
    pub const fn plus_us(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// This time plus `s` seconds; saturates.
    pub fn plus_s(self, s: f64) -> Self {
        self.plus_us((s * 1e6) as i64)
    }

    /// Microseconds from `earlier` to this time; negative when it is later. Saturates.
    pub const fn since_us(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
