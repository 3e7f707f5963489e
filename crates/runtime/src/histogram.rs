//! How a duration is distributed, in buckets of 5 %: fine enough to read a median from.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bound of the first bucket, microseconds; each next one is `RATIO` times wider, the last one open.
const FIRST_US: f64 = 50.0;
const RATIO: f64 = 1.05;
/// Up to 300 ms.
const BUCKETS: usize = 180;

/// Durations in microseconds.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self(Arc::new(Counts { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_us: AtomicU64::new(0) }))
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, us: u64) {
        let place = ((us as f64 / FIRST_US).ln() / RATIO.ln()).ceil().max(0.0) as usize;
        self.0.buckets[place.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        self.0.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The Prometheus text format: cumulative buckets that hold anything, their sum and number.
    pub(crate) fn render(&self, name: &str, out: &mut String) {
        let mut total = 0;
        for (i, bucket) in self.0.buckets.iter().enumerate().take(BUCKETS - 1) {
            let count = bucket.load(Ordering::Relaxed);
            total += count;
            if count > 0 {
                let bound = FIRST_US * RATIO.powi(i as i32);
                let _ = writeln!(out, "{name}_bucket{{le=\"{bound:.1}\"}} {total}");
            }
        }
        total += self.0.buckets[BUCKETS - 1].load(Ordering::Relaxed);
        let sum = self.0.sum_us.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {total}\n{name}_sum {sum}\n{name}_count {total}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_that_ends_at_or_above_it() {
        let histogram = Histogram::default();
        [0, 50, 51, 1_000_000_000].into_iter().for_each(|us| histogram.observe(us));
        let mut text = String::new();
        histogram.render("x", &mut text);
        let expected = "x_bucket{le=\"50.0\"} 2\nx_bucket{le=\"52.5\"} 3\nx_bucket{le=\"+Inf\"} 4\n";
        assert_eq!(text, format!("{expected}x_sum 1000000101\nx_count 4\n"));
    }
}
