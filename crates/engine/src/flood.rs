//! Flood mode of the desk: more than N annunciations in 10 minutes (ISA-18.2 §16.5). Exact, with N + 1 times kept.

use std::collections::VecDeque;

use model::Time;
use serde::{Deserialize, Serialize};

/// The window of the definition.
const WINDOW_US: i64 = 600_000_000;

/// The newest raises that would sound, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flood {
    times: VecDeque<Time>,
    pub on: bool,
    /// Told one by one during this flood.
    pub annunciated: u64,
    /// Folded into cards during this flood.
    pub collapsed: u64,
}

impl Flood {
    /// Counts one raise; true when it must be folded. `safety` always passes (invariant 19).
    pub(crate) fn count(&mut self, at: Time, limit: u32, safety: bool) -> bool {
        let keep = limit as usize + 1;
        while self.times.len() >= keep {
            self.times.pop_front();
        }
        self.times.push_back(at);
        self.on = self.on || self.is_over(at, keep);
        let folded = self.on && !safety;
        if self.on {
            *(if folded { &mut self.collapsed } else { &mut self.annunciated }) += 1;
        }
        folded
    }

    fn is_over(&self, at: Time, keep: usize) -> bool {
        self.times.len() >= keep && self.times.front().is_some_and(|t| at.since_us(*t) < WINDOW_US)
    }

    /// When it ends if nothing more is raised.
    pub(crate) fn ends(&self) -> Option<Time> {
        if self.on { self.times.front().map(|t| t.plus_us(WINDOW_US)) } else { None }
    }

    /// Ends it if its time has come; returns the counts.
    pub(crate) fn end(&mut self, at: Time) -> Option<(u64, u64)> {
        if self.ends().is_none_or(|end| end > at) {
            return None;
        }
        self.on = false;
        Some((std::mem::take(&mut self.annunciated), std::mem::take(&mut self.collapsed)))
    }
}
