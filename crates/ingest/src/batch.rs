//! What the doors hand to the hall: the readings of one socket read, and how to tell when they are durable.

use std::sync::Arc;

use model::{GatewayIndex, Reading};
use runtime::Watermark;

use crate::Code;

/// Everything one read of one connection brought. `offered = readings + refused + shed`, always.
#[derive(Debug, Default)]
pub struct Batch {
    /// Accepted readings in order of arrival, flagged ones included.
    pub readings: Vec<Reading>,
    /// Links that changed; a batch with links carries at most the readings of a will.
    pub links: Vec<Link>,
    /// Readings offered by devices; a message that cannot be read counts as one.
    pub offered: u64,
    /// What was refused, by reason.
    pub refused: Vec<Refused>,
    /// Offered but dropped because the hall was full.
    pub shed: u64,
    /// After the commit: `mark.advance(count)`. On a commit error: `mark.fail()`. None: nobody waits.
    pub done: Option<(Arc<Watermark>, u64)>,
    /// A value is beyond a limit of its tag: the hall should not wait for more before it looks. Only a hint.
    pub urgent: bool,
}

/// How many were refused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub code: Code,
    /// How many readings.
    pub count: u64,
}

/// A link came up or went down; becomes `Event::Link`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What changed.
    pub scope: LinkScope,
    /// Up or down.
    pub up: bool,
    /// `connected`, `will`, `keep-alive`, `closed`, `disconnected`, `taken over`, or what a broker said.
    pub reason: String,
}

/// What a link event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkScope {
    /// One gateway (an MQTT client) of this enterprise.
    Gateway(GatewayIndex, Arc<str>),
    /// Our own connection to a foreign broker, by the subscription's name.
    Broker(Arc<str>),
}

/// Hands a batch to the hall. `Err` gives it back: full, try again later.
pub type Submit = Arc<dyn Fn(Batch) -> Result<(), Batch> + Send + Sync>;

impl Batch {
    /// Counts refused readings.
    pub fn refuse(&mut self, code: Code, count: u64) {
        match self.refused.iter_mut().find(|r| r.code == code) {
            Some(row) => row.count += count,
            None => self.refused.push(Refused { code, count }),
        }
    }

    /// All refused readings.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(|r| r.count).sum()
    }

    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.links.is_empty() && self.offered == 0 && self.done.is_none()
    }

    /// What a queue should count it as.
    pub fn weight(&self) -> usize {
        self.readings.len() + self.links.len() + 1
    }
}
