//! All items that are not ended, with the indices over them. Every change is staged first and taken over whole or not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use model::{Actor, Time};
use serde::{Deserialize, Serialize};

use crate::recurrence::Remembered;
use crate::stage::{Changes, Stage};
use crate::vigil::Vigil;
use crate::{
    EXERCISE_FROM, Item, ItemId, Kind, Name, Provenance, Sight, WorkCommand, WorkEvent, WorkRefusal, WorkSettings,
    flow_of,
};

/// Ended items remembered, so that a late action gets an answer that says who and when.
const ENDED_MAX: usize = 4_096;

/// What is kept of an ended item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub id: ItemId,
    pub seq: u64,
    pub state: Name,
    pub by: String,
    pub at: Time,
}

/// The kernel's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    settings: Arc<WorkSettings>,
    numbers: BTreeMap<(Kind, Provenance), u64>,
    open: BTreeMap<ItemId, Arc<Item>>,
    /// Next steps of all deadlines: no tick looks at all items.
    due: BTreeSet<(Time, ItemId, Name)>,
    /// Open items by what they are linked to.
    linked: BTreeMap<String, BTreeSet<ItemId>>,
    ended: VecDeque<Ended>,
    /// Who keeps an open alarm or a dark source: who acknowledged it, or took it over.
    pub(crate) alarm_owners: BTreeMap<String, String>,
    pub(crate) remembered: Remembered,
    pub(crate) vigil: Vigil,
}

/// Who does something, when, and the stream number its first event will have.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Now.
    pub now: Time,
    /// Number of the first event.
    pub seq: u64,
    /// Who.
    pub actor: &'a Actor,
}

impl Book {
    /// Carries out a command: all of its events, numbered from `turn.seq` on, or a refusal and no change.
    ///
    /// # Errors
    /// The refusal.
    pub fn command(
        &mut self,
        turn: Turn<'_>,
        command: &WorkCommand,
        sight: &Sight,
    ) -> Result<Vec<WorkEvent>, WorkRefusal> {
        let mut stage = Stage::new(self, turn, sight);
        stage.command(command)?;
        let (changes, events) = stage.finish();
        self.take_over(changes);
        Ok(events)
    }

    /// Fires the earliest step that is due by `until`, found out `now`. Call it while [`Book::next_deadline`] is not
    /// later than `until`: a step may tell nothing.
    pub fn due(&mut self, until: Time, now: Time, seq: u64) -> Vec<WorkEvent> {
        let system = Actor::system();
        let turn = Turn { now, seq, actor: &system };
        let first = self.due.first().filter(|d| d.0 <= until).cloned();
        let prompt = self.vigil.due(&self.settings).filter(|&at| at <= until);
        match (first, prompt) {
            (Some((at, id, name)), prompt) if prompt.is_none_or(|p| at <= p) => self.fire(turn, (at, id, name)),
            (_, Some(at)) => self.prompt(turn, at),
            _ => Vec::new(),
        }
    }

    fn fire(&mut self, turn: Turn<'_>, (at, id, name): (Time, ItemId, Name)) -> Vec<WorkEvent> {
        let sight = Sight::default();
        let mut stage = Stage::new(self, turn, &sight);
        stage.fire(id, &name, at);
        let (changes, events) = stage.finish();
        self.take_over(changes);
        // A step that told nothing is over all the same; else it would be due for ever. One that changed the item may have
        // armed the next for the same time: two steps of a script, say.
        if events.iter().all(|e| e.item.id != id) {
            self.due.remove(&(at, id, name));
        }
        events
    }

    /// Runs what an alarm, a prompt or an operator's input causes; a refused consequence changes nothing.
    pub(crate) fn cause(
        &mut self,
        turn: Turn<'_>,
        sight: &Sight,
        work: impl FnOnce(&mut Stage<'_>) -> Result<(), WorkRefusal>,
    ) -> Vec<WorkEvent> {
        let mut stage = Stage::new(self, turn, sight);
        if work(&mut stage).is_err() {
            return Vec::new();
        }
        let (changes, events) = stage.finish();
        self.take_over(changes);
        events
    }

    /// When [`Book::due`] is next needed.
    pub fn next_deadline(&self) -> Option<Time> {
        let first = self.due.first().map(|d| d.0);
        [first, self.vigil.due(&self.settings)].into_iter().flatten().min()
    }

    /// Items that are not ended, by kind and number.
    pub fn open(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.open.values()
    }

    /// Items of one kind that are not ended.
    pub fn open_of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Item>> {
        let id = |number| ItemId { kind, number };
        self.open.range(id(0)..=id(u64::MAX)).map(|(_, item)| item)
    }

    /// An item that is not ended.
    pub fn get(&self, id: ItemId) -> Option<&Arc<Item>> {
        self.open.get(&id)
    }

    /// Open items linked to something.
    pub fn linked(&self, to: &str) -> impl Iterator<Item = &Arc<Item>> + use<'_> {
        self.linked.get(to).into_iter().flatten().filter_map(|id| self.open.get(id))
    }

    /// Settings in force.
    pub fn settings(&self) -> &Arc<WorkSettings> {
        &self.settings
    }

    /// New settings come into force; running deadlines keep the times they were given. Drills that are owed are planned.
    pub fn set_settings(&mut self, turn: Turn<'_>, settings: Arc<WorkSettings>) -> Vec<WorkEvent> {
        self.settings = settings;
        self.plan_drills(turn)
    }

    /// What has a keeper without being an item: alarms, and sources that were dark at a hand-over.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &String> {
        self.alarm_owners.keys()
    }

    /// Who keeps an open alarm, or a dark source by `dark:` and its enterprise; none: nobody does.
    pub fn alarm_owner(&self, alarm: &str) -> Option<&str> {
        self.alarm_owners.get(alarm).map(String::as_str)
    }

    /// Deadlines that will still fire.
    pub fn deadlines_len(&self) -> usize {
        self.due.len()
    }

    /// Last number given in a kind.
    pub fn last_number(&self, kind: Kind, provenance: Provenance) -> u64 {
        let none = match provenance {
            Provenance::Real => 0,
            Provenance::Exercise => EXERCISE_FROM,
        };
        self.numbers.get(&(kind, provenance)).copied().unwrap_or(none)
    }

    /// Whether there is or was such an item.
    pub fn knows(&self, id: ItemId) -> bool {
        id.number > 0 && id.number <= self.last_number(id.kind, id.provenance())
    }

    /// Why an item that is not open cannot be acted on.
    pub(crate) fn gone(&self, id: ItemId, seen: u64) -> WorkRefusal {
        match self.ended.iter().rev().find(|e| e.id == id) {
            Some(e) if e.seq > seen => {
                let (by, at) = (e.by.clone(), e.at);
                WorkRefusal::VersionConflict { id: id.to_string(), seen, current: e.seq, by, at }
            }
            Some(e) => WorkRefusal::State { item: id, state: e.state.clone(), possible: Vec::new() },
            None => WorkRefusal::not_found("item", id.to_string()),
        }
    }

    pub(crate) fn take_over(&mut self, changes: Changes) {
        for (reference, owner) in changes.alarm_owners {
            match owner {
                Some(owner) => self.alarm_owners.insert(reference, owner),
                None => self.alarm_owners.remove(&reference),
            };
        }
        for (id, item) in changes.items {
            let last = self.numbers.entry((id.kind, id.provenance())).or_default();
            *last = (*last).max(id.number);
            if let Some(old) = self.open.remove(&id) {
                self.unindex(&old);
            }
            if flow_of(id.kind).is_end(&item.state) {
                self.end(&item);
            } else {
                self.index(&item);
                self.open.insert(id, item);
            }
        }
    }

    fn end(&mut self, item: &Item) {
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        let (by, at) = (item.last_by().name.clone(), item.ended_at.unwrap_or(item.created_at));
        self.ended.push_back(Ended { id: item.id, seq: item.seq, state: item.state.clone(), by, at });
        self.remembered.remember(item);
        self.vigil.ended(item.id, at);
    }

    fn index(&mut self, item: &Item) {
        for deadline in &item.deadlines {
            if let Some(next) = deadline.next {
                self.due.insert((next, item.id, deadline.name.clone()));
            }
        }
        for link in &item.links {
            self.linked.entry(link.to.clone()).or_default().insert(item.id);
        }
    }

    fn unindex(&mut self, item: &Item) {
        for deadline in &item.deadlines {
            if let Some(next) = deadline.next {
                self.due.remove(&(next, item.id, deadline.name.clone()));
            }
        }
        for link in &item.links {
            if let Some(items) = self.linked.get_mut(&link.to) {
                items.remove(&item.id);
                if items.is_empty() {
                    self.linked.remove(&link.to);
                }
            }
        }
    }
}
