//! The work systems inside the engine: commands, deadlines, and what alarms mean to them. Nothing here runs on the way
//! of a plain reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alarm::{AlarmId, AlarmRecord, Annunciation, Cause, State, Transition};
use model::{Actor, Priority, Time};
use response::{
    AlarmNews, AlarmRef, Asks, DarkSource, ItemId, Kind, OpenLoop, Sight, Turn, WorkCommand, WorkEvent, WorkSettings,
};

use crate::clock::{RETIRED, STALE};
use crate::command::Answer;
use crate::deadline::Due;
use crate::engine::Engine;
use crate::episode::NEVER;
use crate::theatre::is_played;
use crate::{Effects, FactBody, Notice, Outcome, Refusal};

/// What the work systems must know about one transition.
pub(crate) struct News {
    alarm: AlarmRef,
    what: AlarmNews,
}

impl News {
    /// Nothing for transitions that no work system cares about.
    pub(crate) fn of(t: &Transition) -> Option<Self> {
        let raised = matches!(t.cause, Cause::Raised | Cause::Bridged) && t.alarm.active;
        let what = if raised {
            // Under a permit or suppressed by design it is no recurrence, nor what the past says in a back-fill.
            let counts = t.annunciation != Annunciation::Suppressed && !t.replayed && !t.late;
            AlarmNews::Raised { at: t.event_time, recurs: counts && t.alarm.priority != Priority::Diagnostic }
        } else if t.alarm.state == State::Normal || t.cause == Cause::BranchOverflow {
            AlarmNews::Closed
        } else if t.actor.is_some() {
            AlarmNews::Handled { acknowledged: t.cause == Cause::Acknowledged }
        } else if t.alarm.priority == Priority::I && sets_aside(t.cause) {
            AlarmNews::Changed
        } else {
            return None;
        };
        Some(Self { alarm: alarm_ref(&t.alarm), what })
    }
}

impl News {
    pub(crate) const fn alarm(&self) -> &AlarmRef {
        &self.alarm
    }

    pub(crate) const fn what(&self) -> AlarmNews {
        self.what
    }
}

/// Causes by which an alarm asks for attention no more, or again.
const fn sets_aside(cause: Cause) -> bool {
    use Cause as C;
    matches!(cause, C::ShelveExpired | C::Suppressed | C::Unsuppressed | C::OutOfService | C::ReturnedToService)
}

fn alarm_ref(a: &AlarmRecord) -> AlarmRef {
    AlarmRef {
        id: a.alarm_id.to_string(),
        tag: format!("{}/{}", a.enterprise, a.tag_name),
        enterprise: a.enterprise.to_string(),
        title: a.message_zh.to_string(),
        priority: a.priority,
        state: state_word(a.state).into(),
        raised_at: a.raised_at,
        acknowledged_at: a.acknowledgement.as_ref().map(|k| k.at),
        owner: a.acknowledgement.as_ref().map(|k| k.by.account.clone()),
        evidence: format!("{} = {} {}（峰值 {}）", a.condition_key, a.value, a.unit, a.peak),
    }
}

const fn state_word(state: State) -> &'static str {
    match state {
        State::Normal => "normal",
        State::Unacknowledged => "unacknowledged",
        State::Acknowledged => "acknowledged",
        State::ReturnedUnacknowledged => "returned_unacknowledged",
        State::Latched => "latched",
        State::Shelved => "shelved",
        State::SuppressedByDesign => "suppressed_by_design",
        State::OutOfService => "out_of_service",
    }
}

impl Engine {
    pub(crate) fn work_command(
        &mut self,
        now: Time,
        actor: &Actor,
        command: &WorkCommand,
        out: &mut Effects,
    ) -> Answer {
        self.know_tags(response::scripted_tags(command))?;
        let sight = self.sight(command.asks());
        let turn = Turn { now, seq: self.seq + 1, actor };
        let events = self.book.command(turn, command, &sight)?;
        let mut items: Vec<ItemId> = Vec::new();
        for event in &events {
            if !items.contains(&event.item.id) {
                items.push(event.item.id);
            }
        }
        // The last change of what the command was about: what the next command must have seen.
        let own = events.iter().rev().find(|e| Some(&e.item.id) == items.first());
        let seq = own.map_or(self.seq, |e| e.item.seq);
        let alarm = alarm_of(command);
        self.push_work(now, events, out);
        Ok(Outcome { seq, alarm, items, repeated: false })
    }

    /// All of them are measured here. One pass over the tags whatever the script: five hundred look-ups among a hundred
    /// thousand would hold up the alarms.
    fn know_tags(&self, scripted: Vec<String>) -> Result<(), Refusal> {
        let mut unknown: BTreeSet<(&str, &str)> =
            scripted.iter().map(|tag| tag.split_once('/').unwrap_or_default()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for tag in self.rules.tags.iter().filter(|t| !t.retired) {
            unknown.remove(&(&*tag.enterprise, &*tag.tag));
        }
        match unknown.first() {
            Some((enterprise, name)) => {
                Err(Refusal::NotFound { what: "tag".into(), id: format!("{enterprise}/{name}") })
            }
            None => Ok(()),
        }
    }

    /// Events were numbered from the next stream number on; each becomes the fact of its number.
    pub(crate) fn push_work(&mut self, now: Time, events: Vec<WorkEvent>, out: &mut Effects) {
        let mut drills = false;
        let mut injections = Vec::new();
        for event in events {
            let seq = event.item.seq;
            drills |= event.item.id.kind == Kind::Drill;
            if matches!(&*event.action, "inject" | "inject_next") {
                injections.extend(response::injected(&event.item));
            }
            let given = self.push_fact(now, FactBody::Work(Box::new(event)), out);
            debug_assert_eq!(seq, given, "the book numbers as the stream does");
        }
        self.arm_work();
        if drills {
            self.settle_theatre(now, out);
        }
        for injection in injections {
            self.inject(now, &injection, out);
        }
    }

    /// Sees to it that the heap holds an entry for the book's next deadline.
    pub(crate) fn arm_work(&mut self) {
        let next = self.book.next_deadline().unwrap_or(NEVER);
        if next < self.work_armed {
            self.work_armed = next;
            self.deadlines.push(next, Due::Work);
        }
    }

    /// Everything of the book that is due by `at`; an entry that was replaced by an earlier one finds nothing.
    pub(crate) fn work_due(&mut self, at: Time, now: Time, out: &mut Effects) {
        if self.work_armed == at {
            self.work_armed = NEVER;
        }
        while self.book.next_deadline().is_some_and(|due| due <= at) {
            let events = self.book.due(at, now, self.seq + 1);
            self.push_work(now, events, out);
        }
        self.arm_work();
    }

    /// New settings; the same again say nothing.
    pub(crate) fn work_settings(&mut self, now: Time, settings: &Arc<WorkSettings>, out: &mut Effects) {
        if **settings == **self.book.settings() {
            return;
        }
        let count = |len: usize| len as u64;
        let notice = Notice::WorkSettings {
            profile: count(settings.profile.len()),
            parties: count(settings.parties.len()),
            plans: count(settings.plans.len()),
            crews: count(settings.roster.crews.len()),
        };
        self.notice(now, notice, out);
        let system = Actor::system();
        let turn = Turn { now, seq: self.seq + 1, actor: &system };
        let events = self.book.set_settings(turn, settings.clone());
        self.push_work(now, events, out);
    }

    /// A command of a person of the hall that was carried out is a sign of life at the desk. A refused one is not
    /// journalled, so it may change nothing; a played one says nothing about who watches what is real.
    pub(crate) fn operator_acted(&mut self, now: Time, actor: &Actor, out: &mut Effects) {
        if response::party_of(&actor.account).is_none() {
            let turn = Turn { now, seq: self.seq + 1, actor };
            let events = self.book.operator_acted(turn);
            self.push_work(now, events, out);
        }
    }

    /// An alarm was raised, handled or closed. The engine of a drill keeps no book: the hall's own one hears of it.
    pub(crate) fn work_alarm(&mut self, now: Time, news: &News, out: &mut Effects) {
        if self.played {
            return;
        }
        let system = Actor::system();
        let turn = Turn { now, seq: self.seq + 1, actor: &system };
        let events = self.book.alarm(turn, &news.alarm, news.what);
        self.push_work(now, events, out);
    }

    /// What a command must know about alarms and sources.
    fn sight(&self, asks: Asks) -> Sight {
        match asks {
            Asks::Nothing => Sight::default(),
            Asks::Alarms(ids) => {
                let known = ids.iter().filter_map(|id| id.parse::<AlarmId>().ok());
                let found = known.filter_map(|id| match &self.theatre.engine {
                    Some(theatre) if is_played(id) => theatre.record(id),
                    _ => self.record(id),
                });
                Sight { alarms: found.map(|a| alarm_ref(&a)).collect(), dark: Vec::new() }
            }
            Asks::OpenList => {
                Sight { alarms: self.open_alarms().iter().map(alarm_ref).collect(), dark: self.dark_sources() }
            }
        }
    }

    /// Enterprises with stale tags or a gateway that is down.
    fn dark_sources(&self) -> Vec<DarkSource> {
        let mut dark: BTreeMap<&str, DarkSource> = BTreeMap::new();
        for (state, settings) in self.tags.iter().zip(&self.rules.tags) {
            if !state.is_known() || state.has(RETIRED) {
                continue;
            }
            let down = self.gateways.get(state.gateway as usize).is_some_and(|g| !g.up);
            if state.has(STALE) || down {
                let source = dark.entry(&settings.enterprise).or_default();
                source.enterprise = settings.enterprise.to_string();
                source.stale += usize::from(state.has(STALE));
                source.gateway_down |= down;
            }
        }
        dark.into_values().collect()
    }

    /// What a hand-over begun now would list.
    pub fn open_loops(&self) -> Vec<OpenLoop> {
        self.book.open_loops(&self.sight(Asks::OpenList))
    }
}

fn alarm_of(command: &WorkCommand) -> Option<AlarmId> {
    let WorkCommand::Create { links, .. } = command else { return None };
    links.iter().find(|l| &*l.rel == "alarm").and_then(|l| l.to.parse().ok())
}
