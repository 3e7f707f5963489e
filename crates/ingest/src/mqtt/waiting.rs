//! What makes a connection wait: a batch the hall had no room for, and a device above its rate.

use std::time::Duration;

use tokio::time::Instant;

use crate::Batch;

/// A batch the hall had no room for.
pub(super) struct Held {
    pub(super) batch: Batch,
    pub(super) since: Instant,
    pub(super) retry: Instant,
    pub(super) wait: Duration,
}

/// Token bucket of readings.
pub(super) struct Pace {
    pub(super) tokens: f64,
    pub(super) at: Instant,
    pub(super) over_since: Option<Instant>,
    pub(super) paused_until: Option<Instant>,
}

impl Held {
    pub(super) fn absorb(&mut self, mut batch: Batch) {
        self.batch.readings.append(&mut batch.readings);
        self.batch.links.append(&mut batch.links);
        self.batch.offered += batch.offered;
        self.batch.urgent |= batch.urgent;
        self.batch.done = batch.done.or(self.batch.done.take());
        for row in batch.refused {
            self.batch.refuse(row.code, row.count);
        }
    }
}

impl Pace {
    /// Takes tokens; pauses reading when they are used up. True: it has gone on for too long.
    pub(super) fn spend(&mut self, readings: u64, limits: &super::Limits) -> bool {
        let (now, rate) = (Instant::now(), f64::from(limits.rate_max));
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * rate).min(rate) - readings as f64;
        self.at = now;
        if self.tokens >= 0.0 {
            self.over_since = None;
            return false;
        }
        let since = *self.over_since.get_or_insert(now);
        self.paused_until = Some(now + Duration::from_secs_f64((-self.tokens / rate).min(10.0)));
        now.duration_since(since) > Duration::from_micros(limits.rate_patience_us.unsigned_abs())
    }
}
