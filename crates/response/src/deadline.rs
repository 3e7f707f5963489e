//! Deadlines of items: armed on entering their states, fired step by step, gone on leaving.

use model::{Actor, Time};

use crate::flow::{After, DeadlineSpec, Flow, Step};
use crate::stage::{Deed, Stage};
use crate::{Cause, Deadline, Fields, Item, ItemId, Value, WorkSettings, effect, flow_of};

/// Longest time a deadline may be given, seconds: ten years.
pub(crate) const WITHIN_MAX_S: f64 = 315_360_000.0;

/// Drops deadlines whose states were left and arms those whose states were entered.
pub(crate) fn settle(settings: &WorkSettings, flow: &'static Flow, item: &mut Item, at: Time) {
    let state = item.state.clone();
    item.deadlines.retain(|d| flow.deadline(&d.name).is_some_and(|s| s.while_in.contains(&&*state)));
    for spec in flow.deadlines.iter().filter(|s| s.while_in.contains(&&*state)) {
        if item.deadline(spec.name).is_none()
            && let Some(deadline) = armed(settings, spec, item, at)
        {
            item.deadlines.push(deadline);
        }
    }
}

fn armed(settings: &WorkSettings, spec: &'static DeadlineSpec, item: &Item, from: Time) -> Option<Deadline> {
    let (at, profile) = spec.after.iter().find_map(|after| length(settings, *after, item, from))?;
    let first = spec.ladder.first().map(|rung| at.plus_s(wait(settings, rung.after)));
    Some(Deadline { name: spec.name.into(), at, rung: 0, next: first, profile: profile.as_str().into() })
}

fn length(settings: &WorkSettings, after: After, item: &Item, from: Time) -> Option<(Time, String)> {
    let profile = |key: String| settings.value(&key).map(|s| (from.plus_s(s.clamp(0.0, WITHIN_MAX_S)), key));
    match after {
        After::Field(field) => item.time(field).map(|at| (at, String::new())),
        After::Within(field) => item.number(field).filter(|s| *s > 0.0).map(|s| (from.plus_s(s), String::new())),
        After::Profile(key) => profile(key.to_owned()),
        After::ProfileBy(key, field) => match item.text(field) {
            "" => None,
            word => profile(format!("{key}.{word}")),
        },
    }
}

fn wait(settings: &WorkSettings, key: &str) -> f64 {
    if key.is_empty() { 0.0 } else { settings.value(key).unwrap_or(0.0).clamp(0.0, WITHIN_MAX_S) }
}

impl Stage<'_> {
    /// One step of a ladder. The next one counts from when this one was due, not from when it was seen.
    pub(crate) fn fire(&mut self, id: ItemId, name: &str, due: Time) {
        let flow = flow_of(id.kind);
        let (Some(item), Some(spec)) = (self.item(id), flow.deadline(name)) else { return };
        let mut item = Item::clone(item);
        let settings = self.book.settings().clone();
        let Some(deadline) = item.deadlines.iter_mut().find(|d| &*d.name == name) else { return };
        let step = spec.ladder.get(deadline.rung as usize).map(|r| r.step);
        deadline.rung = deadline.rung.saturating_add(1);
        let next = spec.ladder.get(deadline.rung as usize);
        deadline.next = next.map(|r| due.plus_s(wait(&settings, r.after)));
        let cause = Cause::Deadline { name: name.into(), rung: deadline.rung, due };
        self.actor = Actor::system();
        match step {
            Some(Step::Act(action)) => self.fire_action(item, action, (cause, due)),
            Some(Step::Reassign) => effect::substitute(self, item, (cause, due)),
            Some(Step::Superior) => self.fire_superior(item, cause),
            Some(step) => self.tell(item, &Deed::new(step.name(), &Fields::new(), cause)),
            None => {}
        }
    }

    /// The table's own action; where a guard refuses it, the missed deadline is told all the same.
    fn fire_action(&mut self, item: Item, action: &str, (cause, due): (Cause, Time)) {
        let fields = Fields::new();
        let deed = Deed { at: Some(due), ..Deed::new(action, &fields, cause.clone()) };
        let changed = item.clone();
        if self.attempt(|stage| stage.act_on(changed, deed)).is_err() {
            self.tell(item, &Deed::new(Step::Overdue.name(), &fields, cause));
        }
    }

    /// The superior of the receiver is told; without one, the hall itself.
    fn fire_superior(&mut self, mut item: Item, cause: Cause) {
        let settings = self.book.settings();
        let party = item.receiver.as_deref().and_then(|r| settings.party(r));
        let superior = party.and_then(|p| p.superior.clone()).unwrap_or_else(|| settings.hall.clone());
        let fields = Fields::from([("escalated_to".into(), Value::Text(superior))]);
        item.fields.extend(fields.clone());
        self.tell(item, &Deed::new(Step::Superior.name(), &fields, cause));
    }
}
