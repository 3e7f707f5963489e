//! The camera's clock beside ours: sender reports fitted for offset and drift, with a stated bound.
//!
//! The timeline is server receive time. A camera's own time is only ever shown beside it.

use std::collections::VecDeque;

/// Sender reports used for one fit: ten minutes of one each five seconds.
const REPORTS_MAX: usize = 120;
/// Fewer say nothing about drift.
const REPORTS_MIN: usize = 3;
/// A report this far off the fit means that somebody set the camera's clock.
const STEP_US: f64 = 500_000.0;
/// Crystals are within this; a steeper slope is noise over a short span.
const DRIFT_MAX_PPM: f64 = 500.0;
/// What the network and the camera's stack may delay without our knowing, microseconds.
const NETWORK_US: i64 = 20_000;

/// How a camera's clock stands to ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Camera minus server at the newest report, microseconds.
    pub offset_us: i64,
    /// How fast the offset grows, millionths.
    pub drift_ppm: f64,
    /// The offset is right within this, microseconds, for the network's delay is in it.
    pub within_us: i64,
}

/// Fits sender reports.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// Server receive time and camera minus server, microseconds.
    reports: VecDeque<(i64, i64)>,
    steps: u64,
}

impl Fit {
    /// Takes a sender report (RFC 3550 §6.4.1): when it came, and what the camera's clock said. Returns true if the
    /// camera's clock was set since the last one; the fit then begins anew.
    pub fn report(&mut self, received_us: i64, camera_us: i64) -> bool {
        let offset = camera_us.saturating_sub(received_us);
        let stepped = self.expected(received_us).is_some_and(|e| (e - offset as f64).abs() > STEP_US);
        if stepped {
            self.reports.clear();
            self.steps += 1;
        }
        if self.reports.len() == REPORTS_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back((received_us, offset));
        stepped
    }

    /// How often the camera's clock was set.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The clock as it stands; none before the first report.
    pub fn alignment(&self) -> Option<Alignment> {
        let (at, _) = *self.reports.back()?;
        let (offset, slope) = self.line();
        let residual = |r: &(i64, i64)| (offset + slope * (r.0 - at) as f64 - r.1 as f64).abs();
        let worst = self.reports.iter().map(residual).fold(0.0, f64::max);
        Some(Alignment { offset_us: offset as i64, drift_ppm: slope * 1e6, within_us: worst as i64 + NETWORK_US })
    }

    fn expected(&self, at: i64) -> Option<f64> {
        let (last, _) = *self.reports.back()?;
        let (offset, slope) = self.line();
        Some(offset + slope * (at - last) as f64)
    }

    /// Offset at the newest report and slope, by least squares.
    fn line(&self) -> (f64, f64) {
        let Some((last, _)) = self.reports.back() else { return (0.0, 0.0) };
        let n = self.reports.len() as f64;
        let mean_x = self.reports.iter().map(|r| (r.0 - last) as f64).sum::<f64>() / n;
        let mean_y = self.reports.iter().map(|r| r.1 as f64).sum::<f64>() / n;
        if self.reports.len() < REPORTS_MIN {
            return (mean_y, 0.0);
        }
        let (mut xy, mut xx) = (0.0, 0.0);
        for (at, offset) in &self.reports {
            let x = (at - last) as f64 - mean_x;
            xy += x * (*offset as f64 - mean_y);
            xx += x * x;
        }
        let slope = if xx > 0.0 { (xy / xx).clamp(-DRIFT_MAX_PPM / 1e6, DRIFT_MAX_PPM / 1e6) } else { 0.0 };
        (mean_y - slope * mean_x, slope)
    }
}

/// Seconds between the epochs of NTP and Unix.
const NTP_EPOCH_S: u64 = 2_208_988_800;

/// Microseconds since the Unix epoch of an NTP time of 32.32 bits.
pub fn ntp_us(ntp: u64) -> i64 {
    let seconds = (ntp >> 32) as i64 - NTP_EPOCH_S as i64;
    seconds * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sender reports every 5 s with jitter from a camera whose clock is ahead and fast.
    fn fitted(ahead_us: i64, ppm: f64, jitter_us: i64) -> Fit {
        let mut fit = Fit::default();
        for n in 0..60_i64 {
            let at = n * 5_000_000;
            let wave = if n % 2 == 0 { jitter_us } else { -jitter_us };
            assert!(!fit.report(at, at + ahead_us + (at as f64 * ppm / 1e6) as i64 + wave), "step at {n}");
        }
        fit
    }

    #[test]
    fn offset_and_drift_are_found_within_the_stated_bound() {
        for (ahead, ppm, jitter) in [(0, 0.0, 0), (3_600_000_000, 20.0, 5_000), (-250_000, -100.0, 30_000)] {
            let a = fitted(ahead, ppm, jitter).alignment().unwrap();
            let truth = ahead + (59.0 * 5e6 * ppm / 1e6) as i64;
            assert!((a.offset_us - truth).abs() <= a.within_us, "{a:?} is not {truth}");
            assert!((a.drift_ppm - ppm).abs() < 30.0, "{a:?} is not {ppm} ppm");
            assert!(a.within_us < 100_000, "{a:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_begins_a_new_fit() {
        let mut fit = fitted(1_000_000, 10.0, 2_000);
        assert!(fit.report(300_000_000, 300_000_000 - 5_000_000));
        assert_eq!((fit.alignment().unwrap().offset_us, fit.steps()), (-5_000_000, 1));
    }

    #[test]
    fn ntp_times_are_read() {
        assert_eq!(ntp_us(NTP_EPOCH_S << 32), 0);
        assert_eq!(ntp_us(((NTP_EPOCH_S + 1) << 32) | 0x8000_0000), 1_500_000);
    }
}
