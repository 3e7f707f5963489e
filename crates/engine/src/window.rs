//! Windows over a tag's samples: a fixed ring of buckets each, so that memory depends on the rules alone.

use alarm::rule::Read;
use model::Time;
use serde::{Deserialize, Serialize};

/// Buckets of a window; its edge is exact to a sixtieth of its length.
pub(crate) const BUCKETS: i64 = 60;

/// Samples of one sixtieth of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    number: i64,
    count: u32,
    sum: f64,
    least: f64,
    most: f64,
    first: (Time, f64),
    last: (Time, f64),
}

const EMPTY: Bucket =
    Bucket { number: i64::MIN, count: 0, sum: 0.0, least: 0.0, most: 0.0, first: (Time(0), 0.0), last: (Time(0), 0.0) };

/// One window of one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub tag: u32,
    pub length_us: i64,
    ring: Vec<Bucket>,
}

impl Window {
    pub(crate) fn new(tag: u32, length_us: i64) -> Self {
        Self { tag, length_us, ring: Vec::new() }
    }

    const fn number(&self, at: Time) -> i64 {
        at.0.div_euclid(self.width())
    }

    const fn width(&self) -> i64 {
        let width = self.length_us / BUCKETS;
        if width > 0 { width } else { 1 }
    }

    /// Adds a sample; samples come in order of their effective time.
    pub(crate) fn add(&mut self, at: Time, value: f64) {
        if self.ring.is_empty() {
            self.ring = vec![EMPTY; BUCKETS as usize];
        }
        let number = self.number(at);
        let bucket = &mut self.ring[number.rem_euclid(BUCKETS) as usize];
        if bucket.number != number {
            let sample = (at, value);
            *bucket = Bucket { number, count: 1, sum: value, least: value, most: value, first: sample, last: sample };
            return;
        }
        bucket.count = bucket.count.saturating_add(1);
        bucket.sum += value;
        bucket.least = bucket.least.min(value);
        bucket.most = bucket.most.max(value);
        bucket.last = (at, value);
    }

    /// What the window says at a time; NaN: unknown.
    pub(crate) fn read(&self, read: Read, at: Time) -> f64 {
        let newest = self.number(at);
        let covered = self.ring.iter().filter(|b| b.number <= newest && b.number > newest - BUCKETS && b.count > 0);
        let some = |x: f64| if x.is_finite() { x } else { f64::NAN };
        match read {
            Read::Avg(_) => {
                let (sum, count) = covered.fold((0.0, 0_u32), |(s, n), b| (s + b.sum, n + b.count));
                sum / f64::from(count)
            }
            Read::Min(_) => some(covered.map(|b| b.least).fold(f64::INFINITY, f64::min)),
            Read::Max(_) => some(covered.map(|b| b.most).fold(f64::NEG_INFINITY, f64::max)),
            Read::Sum(_) => covered.map(|b| b.sum).reduce(|a, b| a + b).unwrap_or(f64::NAN),
            Read::Count(_) => f64::from(covered.map(|b| b.count).sum::<u32>()),
            Read::Rate(_) => self.rate(covered),
            Read::Value | Read::Age | Read::Stale | Read::Quality => f64::NAN,
        }
    }

    /// Change per second from the oldest to the newest sample; unknown until half the window is covered.
    fn rate<'a>(&self, covered: impl Iterator<Item = &'a Bucket> + Clone) -> f64 {
        let oldest = covered.clone().min_by_key(|b| b.number).map(|b| b.first);
        let newest = covered.max_by_key(|b| b.number).map(|b| b.last);
        let (Some((from, before)), Some((to, after))) = (oldest, newest) else { return f64::NAN };
        let us = to.since_us(from);
        if us < self.length_us / 2 {
            return f64::NAN;
        }
        (after - before) / (us as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(second, value)` samples in a window of a minute, read at a second.
    #[track_caller]
    fn check(samples: &[(i64, f64)], read: fn(i64) -> Read, at_s: i64, expected: f64) {
        let mut window = Window::new(0, 60_000_000);
        for &(s, value) in samples {
            window.add(Time::from_secs(s), value);
        }
        let found = window.read(read(60_000_000), Time::from_secs(at_s));
        let same = found == expected || (found.is_nan() && expected.is_nan());
        assert!(same, "samples {samples:?} at {at_s}: {found}, not {expected}");
    }

    #[test]
    fn aggregates() {
        let samples = [(0, 1.0), (30, 2.0), (59, 6.0)];
        check(&samples, Read::Avg, 59, 3.0);
        check(&samples, Read::Sum, 59, 9.0);
        check(&samples, Read::Min, 60, 2.0);
        check(&samples, Read::Max, 118, 6.0);
        check(&samples, Read::Count, 119, 0.0);
        check(&samples, Read::Avg, 119, f64::NAN);
        check(&samples, Read::Max, 300, f64::NAN);
    }

    #[test]
    fn a_rate_needs_half_its_window() {
        check(&[(0, 1.0), (29, 30.0)], Read::Rate, 29, f64::NAN);
        check(&[(0, 1.0), (30, 31.0)], Read::Rate, 30, 1.0);
    }
}
