//! One raise-to-close episode as the engine keeps it; what is shown is built from it only on a transition.

use std::collections::BTreeMap;
use std::sync::Arc;

use alarm::{Acknowledgement, AlarmId, Instants, Regions};
use model::{Quality, Time};
use serde::{Deserialize, Serialize};

/// An episode that is not closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub condition: u32,
    pub seq: u64,
    /// Newest `seq` that changed what a person decides on; a command that saw less is refused.
    pub guard: u64,
    pub value: f64,
    pub peak: f64,
    pub quality: Quality,
    pub source_time: Time,
    pub raised_at: Time,
    pub returned_at: Option<Time>,
    /// Escalation counts from here.
    pub unacknowledged_since: Time,
    pub acknowledgement: Option<Acknowledgement>,
    pub active: bool,
    pub latched: bool,
    /// An older episode of a condition that was raised again.
    pub branch: bool,
    pub occurrences: u32,
    pub chattering: bool,
    pub data_lost: bool,
    pub escalation_step: u32,
    pub first_out: u32,
    pub retired: bool,
    /// Raised from back-filled data and not yet told.
    pub untold: bool,
    /// Folded under the gateway, enterprise or platform alarm that explains it.
    pub parent: Option<Arc<str>>,
    pub last_by: String,
    pub last_at: Time,
}

impl Episode {
    pub(crate) const fn regions(&self) -> Regions {
        Regions {
            active: self.active,
            acknowledged: self.acknowledgement.is_some(),
            latched: self.latched,
            shelved: false,
            suppressed: false,
            out_of_service: false,
        }
    }
}

/// A condition's running state; only conditions that are not plainly normal have one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub condition: u32,
    /// Start of the running delay, on both clocks.
    pub since: Instants,
    /// When its delay entry in the heap comes up; `Time(i64::MAX)`: none.
    pub armed: Time,
    /// Its current episode; 0: none.
    pub episode: AlarmId,
    /// Worst value so far.
    pub peak: f64,
    /// Newest raises, at most `chatter_raises_per_min`.
    pub raises: Vec<Time>,
    pub chattering: bool,
    /// The off-delay is doubled this many times.
    pub stretch: u8,
}

pub(crate) const NEVER: Time = Time(i64::MAX);

impl Slot {
    pub(crate) const fn new(condition: u32) -> Self {
        Self {
            condition,
            since: Instants { effective: Time::MIN, received: Time::MIN },
            armed: NEVER,
            episode: AlarmId(0),
            peak: f64::NEG_INFINITY,
            raises: Vec::new(),
            chattering: false,
            stretch: 0,
        }
    }

    /// Nothing that must be remembered.
    pub(crate) const fn is_idle(&self) -> bool {
        self.episode.0 == 0 && self.raises.is_empty() && !self.chattering
    }
}

/// All slots, with the free ones by number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slots {
    pub all: Vec<Slot>,
    pub free: Vec<u32>,
}

impl Slots {
    pub(crate) fn take(&mut self, condition: u32) -> u32 {
        if let Some(index) = self.free.pop() {
            self.all[index as usize] = Slot::new(condition);
            return index;
        }
        self.all.push(Slot::new(condition));
        self.all.len() as u32 - 1
    }

    pub(crate) fn release(&mut self, index: u32) {
        self.all[index as usize] = Slot::new(u32::MAX);
        self.free.push(index);
    }
}

/// Every episode not closed, and the ones of each condition that were raised again while still open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episodes {
    /// Last number given.
    pub last: u64,
    pub open: BTreeMap<AlarmId, Episode>,
    /// Older open episodes of a condition, oldest first; at most `branches_max`.
    pub branches: BTreeMap<u32, Vec<AlarmId>>,
    /// Branches closed because there were too many.
    pub overflowed: u64,
    /// The newest closed ones, so that a late command gets an answer that says who and when.
    pub closed: std::collections::VecDeque<Closed>,
}

/// What is kept of a closed episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub alarm: AlarmId,
    pub by: String,
    pub at: Time,
}

/// Closed episodes remembered for answers.
const CLOSED_MAX: usize = 256;

impl Episodes {
    pub(crate) fn next_id(&mut self) -> AlarmId {
        self.last += 1;
        AlarmId(self.last)
    }

    /// Removes a closed episode and remembers its end.
    pub(crate) fn close(&mut self, alarm: AlarmId) {
        let Some(episode) = self.open.remove(&alarm) else { return };
        if let Some(list) = self.branches.get_mut(&episode.condition) {
            list.retain(|&a| a != alarm);
            if list.is_empty() {
                self.branches.remove(&episode.condition);
            }
        }
        if self.closed.len() == CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(Closed { alarm, by: episode.last_by, at: episode.last_at });
    }
}
