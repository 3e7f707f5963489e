//! Stage 1: sizes and times of frames as they arrive, nothing decoded.

use super::thresholds::Thresholds;

/// Weight of a new key frame in the usual size.
const USUAL: f64 = 0.02;

/// What is known of a frame without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// A decoder can begin here.
    pub key: bool,
    /// Its size.
    pub bytes: usize,
    /// Packets that were missing before it.
    pub loss: u16,
}

/// Counters of one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    last: Option<i64>,
    interval: f64,
    usual_key: f64,
    key: f64,
    before: f64,
    rest: f64,
    rest_before: f64,
    count: u32,
    count_before: u32,
}

impl Counters {
    /// Takes a frame; true when something about it is odd enough to look.
    pub fn note(&mut self, now: i64, note: Note, t: &Thresholds) -> bool {
        if let Some(last) = self.last.replace(now) {
            let gap = (now - last) as f64;
            self.interval = if self.interval == 0.0 { gap } else { self.interval * 0.95 + gap * 0.05 };
        }
        if !note.key {
            // A frame after a loss says nothing about the picture.
            self.rest += if note.loss > 0 { 0.0 } else { note.bytes as f64 };
            self.count += u32::from(note.loss == 0);
            return false;
        }
        (self.before, self.key) = (self.key, note.bytes as f64);
        (self.rest_before, self.count_before) = (self.rest, self.count);
        (self.rest, self.count) = (0.0, 0);
        let odd = self.usual_key > 0.0 && self.key < self.usual_key * t.odd_key_share || self.still(t);
        self.usual_key =
            if self.usual_key == 0.0 { self.key } else { self.usual_key + USUAL * (self.key - self.usual_key) };
        odd
    }

    /// The last group of pictures did not move, and its key frame had the size of the one before.
    pub fn still(&self, t: &Thresholds) -> bool {
        let mean = self.rest_before / f64::from(self.count_before.max(1));
        self.count_before > 0
            && (self.key - self.before).abs() <= t.still_key_share * self.before
            && mean <= t.still_frame_share * self.key
    }

    /// Nothing for too long. A stream that never began is not silent but not there, which the session knows.
    pub fn silent(&self, now: i64, t: &Thresholds) -> bool {
        let limit = (t.silence_s * 1e6).max(3.0 * self.interval);
        self.last.is_some_and(|last| (now - last) as f64 > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::THRESHOLDS;
    use super::*;

    /// Groups of ten frames at 25 a second: key size and size of the others; returns oddness at the last key frame.
    fn odd(groups: &[(usize, usize)]) -> bool {
        let mut counters = Counters::default();
        let (mut now, mut odd) = (0, false);
        for &(key, rest) in groups {
            for i in 0..10 {
                let note = Note { key: i == 0, bytes: if i == 0 { key } else { rest }, loss: 0 };
                let said = counters.note(now, note, &THRESHOLDS);
                odd = if i == 0 { said } else { odd };
                now += 40_000;
            }
        }
        odd
    }

    #[test]
    fn sizes_that_collapse_or_repeat_call_for_a_look() {
        assert!(!odd(&[(20_000, 900), (20_300, 950), (19_800, 870)]), "as always");
        assert!(odd(&[(20_000, 900), (20_100, 900), (2_000, 30)]), "a small key frame");
        assert!(odd(&[(20_000, 20), (20_000, 20), (20_010, 20)]), "nothing moves and key frames repeat");
        assert!(!odd(&[(20_000, 900), (20_010, 900), (20_000, 900)]), "key frames alike while things move");
    }

    #[test]
    fn silence_is_counted_from_the_last_frame_and_slow_cameras_have_their_time() {
        let mut counters = Counters::default();
        assert!(!counters.silent(10_000_000, &THRESHOLDS), "never began");
        for i in 0..5 {
            counters.note(i * 2_000_000, Note { key: true, bytes: 9_000, loss: 0 }, &THRESHOLDS);
        }
        assert!(!counters.silent(8_000_000 + 5_900_000, &THRESHOLDS), "one frame in two seconds");
        assert!(counters.silent(8_000_000 + 6_100_000, &THRESHOLDS));
    }
}
