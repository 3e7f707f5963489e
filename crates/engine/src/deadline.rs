//! Deadlines as data: a heap that is only an index over the state. An entry that no longer applies is ignored when it
//! comes up, and the heap is rebuilt from the state at restore, so it is never stored.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::Time;

/// What falls due. The order of variants breaks ties, so that equal times always come in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The running delay of a cell.
    Delay(u32),
    /// A tag's next reading is overdue.
    Stale(u32),
    /// A tag's value has not moved for long.
    Stuck(u32),
    /// A rule that depends on the time is to be evaluated again.
    Evaluate(u32),
    /// The reorder buffer of a tag lets a reading through.
    Reorder(u32),
    /// Tags of a gateway that is back may be told one by one.
    Grace(u32),
    /// A shelving of a condition ends.
    Shelve(u32),
    /// A tag's out-of-service permit ends.
    Service(u32),
    /// The escalation of an alarm.
    Escalate(u64),
    /// A chattering cell may be released.
    Chatter(u32),
    /// The flood may be over.
    Flood,
    /// A deadline of the work systems.
    Work,
    /// A deadline of the drills' own engine.
    Theatre,
}

/// The heap.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Time, Due)>>,
}

impl Deadlines {
    pub(crate) fn push(&mut self, at: Time, due: Due) {
        self.heap.push(Reverse((at, due)));
    }

    /// The earliest time, which may belong to an entry that no longer applies.
    pub(crate) fn next(&self) -> Time {
        self.heap.peek().map_or(Time(i64::MAX), |Reverse((at, _))| *at)
    }

    /// Takes the earliest entry that is due by `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, Due)> {
        if self.next() > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }
}
