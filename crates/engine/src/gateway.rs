//! One gateway: its clock offset, its link, and whether it is catching up after an outage.

use alarm::Instants;
use model::{Reading, Time};
use serde::{Deserialize, Serialize};

/// Gateways beyond this number share the last entry, so that a bad number cannot take memory.
pub(crate) const GATEWAYS_MAX: usize = 1 << 17;

/// What is known of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gateway {
    /// Added to its source times; not 0 after a clock step.
    pub offset_us: i64,
    /// When anything last came from it.
    pub last_received: Time,
    /// Its usual `server_time - source_time`.
    pub lag_us: i64,
    /// When its link last came up.
    pub up_at: Time,
    /// Link state, as far as told.
    pub up: bool,
    /// Back-fill may be under way.
    pub catching_up: bool,
    /// Its clock diagnostic is active.
    pub skewed: bool,
    /// When its clock was last seen wrong.
    pub skew_at: Time,
    /// When it was heard again after silence; its tags are then in grace.
    pub heard_at: Time,
    /// Silent: nothing from it although its tags are due.
    pub silent: bool,
    /// Back-filled readings of this catch-up.
    pub replayed: u64,
    /// Raises among them.
    pub replayed_raised: u64,
    /// Returns among them.
    pub replayed_recovered: u64,
    /// Last sequence notice, one a minute at most.
    pub sequence_notice_at: Time,
}

/// Late readings within this time after a reconnect may be redeliveries.
const GRACE_US: i64 = 30_000_000;

impl Gateway {
    pub(crate) const NEW: Self = Self {
        offset_us: 0,
        last_received: Time::MIN,
        lag_us: 0,
        up_at: Time::MIN,
        up: true,
        catching_up: false,
        skewed: false,
        skew_at: Time::MIN,
        heard_at: Time::MIN,
        silent: false,
        replayed: 0,
        replayed_raised: 0,
        replayed_recovered: 0,
        sequence_notice_at: Time::MIN,
    };

    /// Whether nothing special holds for this reading: link up, not catching up, clock neither rebased nor ahead.
    #[inline]
    pub(crate) const fn is_plain(&self, reading: &Reading, at: Instants) -> bool {
        self.up
            && !self.catching_up
            && !self.silent
            && !self.skewed
            && self.offset_us == 0
            && at.effective.0 == reading.source_time.0
    }

    /// Shortly after a reconnect.
    pub(crate) const fn in_grace(&self, at: Time) -> bool {
        self.up_at.0 != i64::MIN && at.since_us(self.up_at) < GRACE_US
    }
}
