//! What alarms mean to the work systems: recurrences (H6), stamps of incidents (X3), the vigilance of the watch (S2).

use model::Priority;

use crate::book::Turn;
use crate::{AlarmNews, AlarmRef, Book, WorkEvent};

impl Book {
    /// An alarm was raised, handled, changed or closed. Costs a look-up or two; nothing is scanned.
    pub fn alarm(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        let mut events = self.watch_red(turn, alarm, news);
        let turn = Turn { seq: turn.seq + events.len() as u64, ..turn };
        match news {
            AlarmNews::Raised { at, recurs: true } => events.extend(self.recur(turn, alarm, at)),
            AlarmNews::Handled { acknowledged } => {
                self.own_alarm(alarm, acknowledged);
                events.extend(self.stamp_handled(turn, alarm, news));
            }
            AlarmNews::Closed => {
                self.alarm_owners.remove(&alarm.id);
            }
            AlarmNews::Raised { .. } | AlarmNews::Changed => {}
        }
        events
    }

    /// A red alarm that somebody or the design set aside asks for no attention; back from there it does again.
    fn watch_red(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        if alarm.priority != Priority::I {
            return Vec::new();
        }
        let aside = matches!(&*alarm.state, "shelved" | "suppressed_by_design" | "out_of_service");
        if aside || news == AlarmNews::Closed {
            return self.red_closed(turn, &alarm.id);
        }
        self.red_opened(turn.now, &alarm.id);
        Vec::new()
    }

    /// Who acknowledged keeps it, until it is taken over; an acknowledgement that is taken back leaves nobody.
    fn own_alarm(&mut self, alarm: &AlarmRef, acknowledged: bool) {
        match &alarm.owner {
            Some(owner) if acknowledged => {
                self.alarm_owners.insert(alarm.id.clone(), owner.clone());
            }
            Some(_) => {}
            None => {
                self.alarm_owners.remove(&alarm.id);
            }
        }
    }

    /// An alarm of an exercise: only stamps, and only of what is linked to it, which is of the exercise too.
    pub fn played_alarm(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        match news {
            AlarmNews::Handled { .. } => self.stamp_handled(turn, alarm, news),
            AlarmNews::Raised { .. } | AlarmNews::Changed | AlarmNews::Closed => Vec::new(),
        }
    }
}
