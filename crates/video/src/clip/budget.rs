//! The linkage budget: a plant that alarms a hundred times a second neither fills the disk nor the index.

use std::collections::HashMap;

/// Clips of one camera at once.
const BURST: f64 = 30.0;
/// And from then on, in an hour.
const PER_HOUR: f64 = 60.0;

/// Tokens of each camera.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Tokens left, and when that was, microseconds.
    cameras: HashMap<String, (f64, i64)>,
}

impl Budget {
    /// Takes a token; false: none is left.
    pub(super) fn take(&mut self, camera: &str, now: i64) -> bool {
        let (left, at) = self.cameras.entry(camera.to_owned()).or_insert((BURST, now));
        let hours = (now - *at).max(0) as f64 / 3.6e9;
        *left = (*left + hours * PER_HOUR).min(BURST);
        *at = now;
        let granted = *left >= 1.0;
        if granted {
            *left -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_of_alarms_makes_hundreds_of_clips_not_thousands() {
        let mut budget = Budget::default();
        // A hundred alarms a second for eight hours would be 2.9 million.
        let granted = (0..8 * 3_600 * 10_i64).filter(|n| budget.take("gate-1", n * 100_000)).count();
        assert_eq!(granted, 30 + 8 * 60 - 1);
        assert!(budget.take("gate-2", 0), "another camera has its own");
    }
}
