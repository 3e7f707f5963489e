//! Vigilance (S2): an open red alarm and nobody touches anything: first the desk is asked, then the leader is called.

use std::collections::BTreeSet;

use model::{Actor, Time};
use serde::{Deserialize, Serialize};

use crate::book::Turn;
use crate::stage::Deed;
use crate::{Book, Cause, Fields, ItemId, Kind, Link, Provenance, Sight, WorkEvent, WorkSettings};

/// Open red alarms and the last sign of life at the desk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vigil {
    red: BTreeSet<String>,
    /// Quiet since then: the first red alarm, or the last input after it.
    since: Time,
    prompt: Option<ItemId>,
}

impl Vigil {
    /// When the desk is to be asked; none while it was asked or nothing red is open.
    pub(crate) fn due(&self, settings: &WorkSettings) -> Option<Time> {
        let waits = !self.red.is_empty() && self.prompt.is_none();
        waits.then(|| self.since.plus_s(settings.value("vigilance.prompt").unwrap_or(180.0)))
    }

    pub(crate) fn ended(&mut self, id: ItemId, at: Time) {
        if self.prompt == Some(id) {
            self.prompt = None;
            self.since = at;
        }
    }
}

impl Book {
    /// A red alarm is open.
    pub fn red_opened(&mut self, now: Time, alarm: &str) {
        if self.vigil.red.is_empty() {
            self.vigil.since = now;
        }
        self.vigil.red.insert(alarm.to_owned());
    }

    /// A red alarm is closed; with the last one the question is moot.
    pub fn red_closed(&mut self, turn: Turn<'_>, alarm: &str) -> Vec<WorkEvent> {
        if !self.vigil.red.remove(alarm) || !self.vigil.red.is_empty() {
            return Vec::new();
        }
        self.answer_prompt(turn, "lapse")
    }

    /// Somebody at the desk did something: the watch is awake.
    pub fn operator_acted(&mut self, turn: Turn<'_>) -> Vec<WorkEvent> {
        self.vigil.since = self.vigil.since.max(turn.now);
        self.answer_prompt(turn, "answer")
    }

    fn answer_prompt(&mut self, turn: Turn<'_>, action: &str) -> Vec<WorkEvent> {
        let Some(id) = self.vigil.prompt else { return Vec::new() };
        let fields = Fields::new();
        let cause = Cause::Consequence { of: id.to_string() };
        let events = self.cause(turn, &Sight::default(), |stage| stage.act(id, Deed::new(action, &fields, cause)));
        self.vigil.prompt = None;
        events
    }

    pub(crate) fn prompt(&mut self, turn: Turn<'_>, due: Time) -> Vec<WorkEvent> {
        let links: Vec<Link> = self.vigil.red.iter().take(10).map(|a| Link::new("alarm", a.clone())).collect();
        let title = format!("{} 条红色报警未处理，无人操作", self.vigil.red.len());
        let cause = Cause::Deadline { name: "vigilance".into(), rung: 1, due };
        let fields = Fields::from([("title".into(), title.into())]);
        let system = Actor::system();
        let turn = Turn { actor: &system, ..turn };
        let events = self.cause(turn, &Sight::default(), |stage| {
            stage.create(Kind::Vigilance, fields, links, (None, Provenance::Real), cause).map(|_| ())
        });
        self.vigil.prompt = events.first().map(|e| e.item.id);
        if self.vigil.prompt.is_none() {
            self.vigil.since = turn.now;
        }
        events
    }
}
