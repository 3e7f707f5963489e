//! Which source times are believed.

use model::Time;

/// Older than this is not believed: 366 days, in microseconds. Back-fill of a whole outage is younger.
const PAST_MAX_US: i64 = 366 * 86_400 * 1_000_000;
/// Further ahead than this is not believed: 30 days. Less is skew, which the engine judges per gateway.
const FUTURE_MAX_US: i64 = 30 * 86_400 * 1_000_000;

/// Whether a device's time can be its own measuring time.
pub fn plausible(at_us: i64, now: Time) -> bool {
    let ahead = at_us.saturating_sub(now.0);
    (-PAST_MAX_US..=FUTURE_MAX_US).contains(&ahead)
}
