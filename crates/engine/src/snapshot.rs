//! Everything but the rules, in flat vectors, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use alarm::{AlarmId, Process, RuleSet, ShelveRequest, Shelving};
use model::Time;
use response::Book;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Tally;
use crate::clock::{STALE, STUCK, TagState, WATCHED};
use crate::command::{Keys, Service};
use crate::deadline::Due;
use crate::engine::Engine;
use crate::episode::{Episodes, NEVER, Slots};
use crate::evaluate::Role;
use crate::flood::Flood;
use crate::gateway::Gateway;
use crate::plan::NO_SLOT;
use crate::silence::next_look;
use crate::watch::Watch;
use crate::window::Window;

/// Layout number of [`Snapshot`].
const VERSION: u32 = 3;
/// The oldest layout that is still read: it has no `shelve_requests`.
const VERSION_READ: u32 = 2;

/// State of an engine between two events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    main: Main,
    /// From layout 3 on.
    shelve_requests: BTreeMap<AlarmId, ShelveRequest>,
}

/// Snapshots are not self-describing: what a layout lacks is not looked for.
struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Snapshot;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an engine snapshot")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Snapshot, A::Error> {
        let missing = |index| A::Error::invalid_length(index, &Self);
        let main: Main = parts.next_element()?.ok_or_else(|| missing(0))?;
        let shelve_requests = match main.version {
            ..3 => BTreeMap::new(),
            _ => parts.next_element()?.ok_or_else(|| missing(1))?,
        };
        Ok(Snapshot { main, shelve_requests })
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, Parts)
    }
}

/// What all layouts have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Main {
    version: u32,
    revision: u64,
    tags: Vec<TagState>,
    /// By condition: process region, flags, slot.
    cells: Vec<(Process, u8, u32)>,
    gateways: Vec<Gateway>,
    slots: Slots,
    episodes: Episodes,
    shelved: BTreeMap<u32, Shelving>,
    services: BTreeMap<u32, Service>,
    book: Book,
    flood: Flood,
    keys: Keys,
    tally: Tally,
    first_out: BTreeMap<Arc<str>, (Time, u32)>,
    watch: Watch,
    windows: Vec<Window>,
    /// By condition and whether it is its suppression: when its rule is next looked at.
    looks: Vec<(u32, bool, Time)>,
    seq: u64,
    /// The drills' own engine, if one runs.
    theatre: Option<Box<Snapshot>>,
    last_exercise_alarm: u64,
}

/// Why a snapshot cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another layout.
    #[error("snapshot layout is {have}, this program reads {VERSION_READ} to {VERSION}")]
    Version {
        /// Layout number found.
        have: u32,
    },
    /// The rules lack conditions or tags that the snapshot has; numbers are append-only.
    #[error("the rules have {have} {what}, the snapshot {want}")]
    Rules {
        /// `conditions` or `tags`.
        what: &'static str,
        /// Number in the rules.
        have: usize,
        /// Number in the snapshot.
        want: usize,
    },
    /// Its parts do not fit together.
    #[error("the snapshot contradicts itself: {0}")]
    Inconsistent(&'static str),
}

impl Engine {
    /// All state. Quick: flat vectors are copied, nothing is computed.
    pub fn snapshot(&self) -> Snapshot {
        let cell = |&index: &u32| {
            let cell = &self.plan.cells[index as usize];
            (cell.process, cell.flags, cell.slot)
        };
        let main = Main {
            version: VERSION,
            revision: self.rules.revision,
            tags: self.tags.clone(),
            cells: self.plan.cell_of.iter().map(cell).collect(),
            gateways: self.gateways.clone(),
            slots: self.slots.clone(),
            episodes: self.episodes.clone(),
            shelved: self.shelved.clone(),
            services: self.services.clone(),
            book: self.book.clone(),
            flood: self.flood.clone(),
            keys: self.keys.clone(),
            tally: self.tally,
            first_out: self.first_out.clone(),
            watch: self.watch.clone(),
            windows: self.windows.clone(),
            looks: self.looks(),
            seq: self.seq,
            theatre: self.theatre.engine.as_ref().map(|e| Box::new(e.snapshot())),
            last_exercise_alarm: self.theatre.last_alarm,
        };
        Snapshot { main, shelve_requests: self.shelve_requests.clone() }
    }

    /// An engine that goes on where the snapshot was taken.
    ///
    /// # Errors
    /// `Version`, `Rules` or `Inconsistent`; the caller then replays from the start.
    pub fn restore(snapshot: Snapshot, rules: Arc<RuleSet>) -> Result<Self, RestoreError> {
        let Snapshot { main: snapshot, shelve_requests } = snapshot;
        snapshot.check(&rules)?;
        let theatre = snapshot.theatre.map(|s| Self::restore(*s, rules.clone())).transpose()?;
        let mut engine = Self::new(rules);
        engine.adopt_theatre(theatre, snapshot.last_exercise_alarm);
        engine.tags = snapshot.tags;
        engine.gateways = snapshot.gateways;
        engine.slots = snapshot.slots;
        engine.episodes = snapshot.episodes;
        engine.shelved = snapshot.shelved;
        engine.shelve_requests = shelve_requests;
        engine.services = snapshot.services;
        engine.book = snapshot.book;
        engine.flood = snapshot.flood;
        engine.keys = snapshot.keys;
        engine.tally = snapshot.tally;
        engine.first_out = snapshot.first_out;
        engine.watch = snapshot.watch;
        engine.edited = snapshot.revision != engine.rules.revision;
        engine.adopt_windows(snapshot.windows);
        engine.adopt_looks(&snapshot.looks);
        engine.seq = snapshot.seq;
        for (number, (process, flags, slot)) in snapshot.cells.into_iter().enumerate() {
            let cell = &mut engine.plan.cells[engine.plan.cell_of[number] as usize];
            cell.process = process;
            cell.flags |= flags & !crate::plan::CELL_RETIRED;
            cell.slot = slot;
        }
        engine.plan.lay_out(&engine.rules, &mut engine.tags);
        engine.rebuild_deadlines();
        Ok(engine)
    }

    /// When the time-dependent rules are next looked at, by condition and role.
    pub(crate) fn looks(&self) -> Vec<(u32, bool, Time)> {
        let rules = self.plan.rules.iter().zip(&self.rule_due).filter(|(_, due)| **due != NEVER);
        rules.map(|(rule, due)| (rule.condition, rule.role == Role::Suppression, *due)).collect()
    }

    pub(crate) fn adopt_looks(&mut self, looks: &[(u32, bool, Time)]) {
        let looks: BTreeMap<(u32, bool), Time> = looks.iter().map(|l| ((l.0, l.1), l.2)).collect();
        self.rule_due = vec![NEVER; self.plan.rules.len()];
        for (rule, due) in self.plan.rules.iter().zip(&mut self.rule_due) {
            let key = (rule.condition, rule.role == Role::Suppression);
            *due = looks.get(&key).copied().unwrap_or(NEVER);
        }
    }

    /// Keeps the samples of windows that are still wanted.
    pub(crate) fn adopt_windows(&mut self, old: Vec<Window>) {
        let mut old: BTreeMap<(u32, i64), Window> = old.into_iter().map(|w| ((w.tag, w.length_us), w)).collect();
        let wanted = self.plan.windows.iter();
        self.windows = wanted.map(|key| old.remove(key).unwrap_or_else(|| Window::new(key.0, key.1))).collect();
    }

    /// Makes the heap from the state, which alone counts.
    pub(crate) fn rebuild_deadlines(&mut self) {
        self.deadlines.clear();
        for index in 0..self.plan.cells.len() as u32 {
            let cell = &self.plan.cells[index as usize];
            if cell.slot == NO_SLOT {
                continue;
            }
            let (slot, condition) = (&self.slots.all[cell.slot as usize], cell.condition);
            if slot.chattering {
                let quiet = slot.raises.last().map_or(Time(0), |t| t.plus_us(crate::judge::MINUTE_US));
                self.deadlines.push(quiet, Due::Chatter(condition));
            }
            // An entry that came up while the data was not fresh stays away: the next reading decides.
            if slot.armed != NEVER {
                self.deadlines.push(slot.armed, Due::Delay(condition));
            }
        }
        self.rebuild_tag_deadlines();
        for (index, &due) in self.rule_due.iter().enumerate().filter(|(_, due)| **due != NEVER) {
            self.deadlines.push(due, Due::Evaluate(index as u32));
        }
        for (&tag, held) in &self.watch.held {
            for held in held {
                self.deadlines.push(held.due, Due::Reorder(tag));
            }
        }
        let grace = crate::plan::micros(self.rules.hall.return_grace_s);
        for (index, gateway) in self.gateways.iter().enumerate().filter(|(_, g)| g.heard_at != Time::MIN) {
            self.deadlines.push(gateway.heard_at.plus_us(grace), Due::Grace(index as u32));
        }
        for (&condition, shelving) in &self.shelved {
            self.deadlines.push(shelving.until, Due::Shelve(condition));
        }
        for (&tag, service) in &self.services {
            self.deadlines.push(service.until, Due::Service(tag));
        }
        if let Some(end) = self.flood.ends() {
            self.deadlines.push(end, Due::Flood);
        }
        let open: Vec<_> = self.episodes.open.keys().copied().collect();
        for id in open {
            self.arm_escalation(id);
        }
        self.work_armed = NEVER;
        self.arm_work();
        self.theatre.armed = NEVER;
        self.arm_theatre();
    }

    fn rebuild_tag_deadlines(&mut self) {
        for tag in 0..self.tags.len() as u32 {
            let after = self.stale_after_us(tag);
            let state = &mut self.tags[tag as usize];
            let watched = after.is_some() && state.is_known() && !state.has(STALE);
            state.set(WATCHED, watched);
            if let (true, Some(after)) = (watched, after) {
                let due = state.received.plus_us(after).max(self.watch.grace_until);
                // Already looked at, while our own link was down.
                let passed = due <= self.watch.ran_until;
                let due = if passed { next_look(state.received, after, self.watch.ran_until) } else { due };
                self.deadlines.push(due, Due::Stale(tag));
            }
            let stuck = self.rules.tags.get(tag as usize).and_then(|t| t.stuck);
            if let (Some((after_s, _)), Some(&(_, since))) = (stuck, self.watch.stuck.get(&tag)) {
                let (after, ran_until) = (crate::plan::micros(after_s).max(1), self.watch.ran_until);
                let due = since.plus_us(after);
                let due = if due <= ran_until { next_look(since, after, ran_until) } else { due };
                if !self.tags[tag as usize].has(STUCK) {
                    self.deadlines.push(due, Due::Stuck(tag));
                }
            }
        }
    }
}

impl Main {
    fn check(&self, rules: &RuleSet) -> Result<(), RestoreError> {
        if !(VERSION_READ..=VERSION).contains(&self.version) {
            return Err(RestoreError::Version { have: self.version });
        }
        let (have, want) = (rules.conditions.len(), self.cells.len());
        if have < want {
            return Err(RestoreError::Rules { what: "conditions", have, want });
        }
        let (have, want) = (rules.tags.len(), self.tags.len());
        if have < want {
            return Err(RestoreError::Rules { what: "tags", have, want });
        }
        let slots = self.slots.all.len();
        let dangling = self.cells.iter().any(|c| c.2 != NO_SLOT && c.2 as usize >= slots);
        let pending_without = self.cells.iter().any(|c| c.2 == NO_SLOT && c.0 != Process::Normal);
        if dangling || pending_without {
            return Err(RestoreError::Inconsistent("a running condition has no slot"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hall that is updated goes on from the snapshot of the program before it.
    #[test]
    fn a_snapshot_of_the_layout_before_is_read() {
        let engine = Engine::new(Arc::new(RuleSet::default()));
        let mut old = engine.snapshot().main;
        old.version = VERSION_READ;
        let read: Snapshot = postcard::from_bytes(&postcard::to_stdvec(&(7_u64, &old)).unwrap()[1..]).unwrap();
        assert_eq!((&read.main, read.shelve_requests.len()), (&old, 0));
        assert!(Engine::restore(read, Arc::default()).is_ok());
        old.version = VERSION + 1;
        let bytes = postcard::to_stdvec(&Snapshot { main: old, shelve_requests: BTreeMap::new() }).unwrap();
        let newer: Snapshot = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(Engine::restore(newer, Arc::default()).unwrap_err(), RestoreError::Version { have: VERSION + 1 });
    }
}
