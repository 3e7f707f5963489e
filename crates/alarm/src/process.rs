//! The process region of a condition: normal, pending, active. Delays are measured within one clock at a time.

use model::Time;
use serde::{Deserialize, Serialize};

/// Where the process stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Process {
    /// Not violated.
    #[default]
    Normal = 0,
    /// Violated, on-delay running.
    PendingOn = 1,
    /// Violated for its on-delay.
    Active = 2,
    /// Active, but gone; off-delay running.
    PendingOff = 3,
}

impl Process {
    /// Whether an episode is active in this state.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::PendingOff)
    }

    /// Whether a delay is running.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::PendingOn | Self::PendingOff)
    }
}

/// What one sample says about a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At or beyond the limit.
    Violated,
    /// Back from the limit, but not by the deadband.
    Between,
    /// Back by the deadband.
    Cleared,
    /// Not known: bad quality, not finite, a rule that faulted.
    Unknown,
}

/// One instant on both clocks: the device's (bounded by ours plus F) and ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instants {
    /// `min(source_time, server_time + F)`.
    pub effective: Time,
    /// When its bytes reached us.
    pub received: Time,
}

impl Instants {
    /// Whether `delay_us` has passed since `since` on the device's clock, or, while the data is fresh, on ours.
    /// Every difference is within one clock, so a constant skew cancels.
    pub const fn elapsed(self, since: Self, delay_us: i64, fresh: bool) -> bool {
        self.effective.since_us(since.effective) >= delay_us
            || (fresh && self.received.since_us(since.received) >= delay_us)
    }
}

/// What a sample did to the process region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// An on-delay starts.
    StartOn,
    /// A running on-delay ends without a raise.
    CancelOn,
    /// The alarm is raised.
    Raise,
    /// An off-delay starts.
    StartOff,
    /// A running off-delay ends without a return.
    CancelOff,
    /// The alarm returns to normal.
    Return,
}

/// Moves the process region. Total: every pair has an answer. `held` says whether the running delay has passed;
/// a delay of 0 has always passed.
pub const fn advance(process: Process, verdict: Verdict, held: bool) -> (Process, Change) {
    use Process as P;
    use Verdict as V;
    match (process, verdict) {
        // Unknown neither raises nor clears (invariant 12).
        (_, V::Unknown) | (P::Normal, V::Cleared | V::Between) | (P::Active, V::Violated | V::Between) => {
            (process, Change::None)
        }
        (P::Normal | P::PendingOn, V::Violated) if held => (P::Active, Change::Raise),
        (P::Normal, V::Violated) => (P::PendingOn, Change::StartOn),
        (P::PendingOn, V::Violated) | (P::PendingOff, V::Cleared) if !held => (process, Change::None),
        (P::PendingOn, V::Violated) => (P::Active, Change::Raise),
        (P::PendingOn, V::Between | V::Cleared) => (P::Normal, Change::CancelOn),
        (P::Active | P::PendingOff, V::Cleared) if held => (P::Normal, Change::Return),
        (P::Active, V::Cleared) => (P::PendingOff, Change::StartOff),
        (P::PendingOff, V::Cleared) => (P::Normal, Change::Return),
        (P::PendingOff, V::Violated | V::Between) => (P::Active, Change::CancelOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `V` violated, `B` between, `C` cleared, `?` unknown, small letter: the delay has passed; one state letter per input.
    #[track_caller]
    fn check(inputs: &str, states: &str) {
        let mut process = Process::Normal;
        let seen: String = inputs
            .chars()
            .map(|c| {
                let verdict = match c.to_ascii_uppercase() {
                    'V' => Verdict::Violated,
                    'B' => Verdict::Between,
                    'C' => Verdict::Cleared,
                    _ => Verdict::Unknown,
                };
                process = advance(process, verdict, c.is_ascii_lowercase()).0;
                ['n', 'p', 'A', 'o'][process as usize]
            })
            .collect();
        assert_eq!(seen, states, "inputs {inputs}");
    }

    #[test]
    fn delays_run_and_fire() {
        check("VVvCCc", "ppAoon");
    }

    #[test]
    fn no_delay_fires_at_once() {
        check("vcv", "AnA");
    }

    #[test]
    fn the_deadband_cancels_a_pending_return_and_a_pending_raise() {
        check("VBvCBCc", "pnAoAon");
    }

    #[test]
    fn unknown_changes_nothing_anywhere() {
        check("?V?v?C?c", "nppAAoon");
    }
}
