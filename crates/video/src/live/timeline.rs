//! Times for a browser's player: without holes, whatever the camera's timestamps do. Pure.
//!
//! A player that meets a hole larger than two frames waits for a key frame (Media Source Extensions §3.5.8), and a hole
//! at the live edge stops it. So each frame begins where the one before ends, and lasts as long as brings the line back
//! to the camera's time: after a lost frame the next one stands a little longer.

/// A leap of the camera's timestamps beyond this is none of the picture's time.
const LEAP_MAX_S: i64 = 10;
/// What a frame lasts until two were seen: 25 a second.
const FIRST_FPS: i64 = 25;

/// Where a stream's frames stand.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    clock_hz: i64,
    /// Camera's time minus ours.
    shift: i64,
    /// Where the next frame begins, in units of the clock.
    next: i64,
    /// What a frame lasts usually.
    usual: i64,
    last_rtp: Option<i64>,
}

impl Timeline {
    /// A stream with a clock; goes on where the stream before it ended.
    #[must_use]
    pub fn restarted(&self, clock_hz: u32) -> Self {
        let clock_hz = i64::from(clock_hz.max(1));
        let next = if self.clock_hz > 0 { self.next * clock_hz / self.clock_hz } else { 0 };
        Self { clock_hz, shift: 0, next, usual: clock_hz / FIRST_FPS, last_rtp: None }
    }

    /// Beginning and length of a frame with this timestamp.
    pub fn place(&mut self, rtp: i64) -> (u64, u32) {
        let step = self.last_rtp.map_or(0, |last| rtp.wrapping_sub(last));
        if step > 0 && step < self.clock_hz {
            self.usual += (step - self.usual) / 8;
        }
        let first = self.last_rtp.replace(rtp).is_none();
        let most = LEAP_MAX_S * self.clock_hz;
        let mut ahead = rtp.wrapping_sub(self.shift).wrapping_sub(self.next);
        if first || ahead.saturating_abs() > most {
            self.shift = rtp.wrapping_sub(self.next);
            ahead = 0;
        }
        let duration = (self.usual + ahead).clamp((self.usual / 4).max(1), most);
        let time = self.next;
        self.next += duration;
        (time.max(0) as u64, duration as u32)
    }

    /// Units of the clock as microseconds.
    pub fn us(&self, time: u64) -> i64 {
        (i128::from(time) * 1_000_000 / i128::from(self.clock_hz.max(1))) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Timestamps in, `begin+length` out, in units of 3,600 (a frame at 25 a second).
    #[track_caller]
    fn check(stamps: &[i64], expected: &[(u64, u32)]) {
        let mut line = Timeline::default().restarted(90_000);
        let placed: Vec<_> = stamps.iter().map(|s| line.place(s * 3_600)).collect();
        let wanted: Vec<_> = expected.iter().map(|(t, d)| (t * 3_600, d * 3_600)).collect();
        assert_eq!(placed, wanted, "timestamps {stamps:?}");
    }

    #[test]
    fn a_steady_stream_stands_as_it_came() {
        check(&[5, 6, 7, 8], &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    }

    #[test]
    fn a_lost_frame_leaves_no_hole() {
        let mut line = Timeline::default().restarted(90_000);
        let mut end = 0;
        for (i, stamp) in [0, 1, 2, 5, 6, 7].into_iter().enumerate() {
            let (time, duration) = line.place(stamp * 3_600);
            assert_eq!(time, end, "frame {i}");
            end = time + u64::from(duration);
        }
        let behind = 8 * 3_600 - end as i64;
        assert!(behind.abs() <= 3_600, "{behind} units off after the loss");
    }

    #[test]
    fn leaps_and_steps_back_are_none_of_the_picture() {
        check(&[0, 1, 1_000_000, 1_000_001], &[(0, 1), (1, 1), (2, 1), (3, 1)]);
        check(&[1_000_000, 1_000_001, 3, 4], &[(0, 1), (1, 1), (2, 1), (3, 1)]);
        let mut line = Timeline::default().restarted(90_000);
        let placed: Vec<_> = [i64::MAX, i64::MIN, 0, -7].map(|s| line.place(s)).into_iter().collect();
        assert!(placed.windows(2).all(|w| w[1].0 == w[0].0 + u64::from(w[0].1)), "{placed:?}");
    }

    #[test]
    fn another_stream_goes_on_where_the_last_ended() {
        let mut line = Timeline::default().restarted(90_000);
        line.place(0);
        line.place(3_600);
        assert_eq!(line.restarted(1_000).place(77), (80, 40));
    }
}
