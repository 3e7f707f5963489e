//! What alarms mean to the work systems: recurrences (H6), stamps of incidents (X3), the vigilance of the watch (S2).

use model::Priority;

use crate::book::Turn;
use crate::{AlarmNews, AlarmRef, Book, WorkEvent};

impl Book {
    /// An alarm was raised, handled or closed. Costs a look-up or two; nothing is scanned.
    pub fn alarm(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        match news {
            AlarmNews::Raised { at, recurs } => {
                if alarm.priority == Priority::I {
                    self.red_opened(turn.now, &alarm.id);
                }
                if recurs { self.recur(turn, alarm, at) } else { Vec::new() }
            }
            AlarmNews::Handled { acknowledged } => {
                match &alarm.owner {
                    Some(owner) if acknowledged => {
                        self.alarm_owners.insert(alarm.id.clone(), owner.clone());
                    }
                    Some(_) => {}
                    None => {
                        self.alarm_owners.remove(&alarm.id);
                    }
                }
                self.stamp_handled(turn, alarm, news)
            }
            AlarmNews::Closed => {
                self.alarm_owners.remove(&alarm.id);
                self.red_closed(turn, &alarm.id)
            }
        }
    }

    /// An alarm of an exercise: only stamps, and only of what is linked to it, which is of the exercise too.
    pub fn played_alarm(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        match news {
            AlarmNews::Handled { .. } => self.stamp_handled(turn, alarm, news),
            AlarmNews::Raised { .. } | AlarmNews::Closed => Vec::new(),
        }
    }
}
