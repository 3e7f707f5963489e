//! Waits that grow, with jitter, so that a thousand clients do not come back in the same second.

use std::time::Duration;

/// Doubles from `first` to `max`; each wait is spread over its upper half.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
    noise: u64,
}

impl Backoff {
    /// A back-off between two waits; `seed` spreads the waits of different users.
    pub fn new(first: Duration, max: Duration, seed: u64) -> Self {
        Self { first, max, next: first, noise: seed | 1 }
    }

    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (self.next * 2).min(self.max);
        // xorshift64*: plenty for spreading waits.
        self.noise ^= self.noise >> 12;
        self.noise ^= self.noise << 25;
        self.noise ^= self.noise >> 27;
        let part = (self.noise.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f64 / f64::from(1 << 24);
        whole.mul_f64(0.5 + part / 2.0)
    }

    /// Back to the first wait, after something worked.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_resets() {
        let mut b = Backoff::new(Duration::from_millis(200), Duration::from_secs(10), 7);
        let waits: Vec<_> = (0..10).map(|_| b.wait()).collect();
        assert!(waits[0] >= Duration::from_millis(100) && waits[0] <= Duration::from_millis(200));
        assert!(waits[9] >= Duration::from_secs(5) && waits[9] <= Duration::from_secs(10));
        b.reset();
        assert!(b.wait() <= Duration::from_millis(200));
    }
}
