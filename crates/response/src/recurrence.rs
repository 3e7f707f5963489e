//! Closed hidden dangers by their tag, for as long as another alarm of it counts as a recurrence (H6).

use std::collections::BTreeMap;

use model::Time;
use serde::{Deserialize, Serialize};

use crate::book::Turn;
use crate::{AlarmRef, Book, Cause, Fields, Item, ItemId, Kind, Link, Provenance, Sight, WorkEvent};

/// Tags remembered; beyond, the one closed longest ago is forgotten.
const TAGS_MAX: usize = 200_000;

/// Fields a recurrence takes over from the item it repeats.
const KEPT: [&str; 9] =
    ["enterprise", "town", "industry", "place", "category", "grade", "clause", "responsible", "camera"];

/// What is kept of a closed item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Closed {
    id: ItemId,
    at: Time,
    title: String,
    receiver: Option<String>,
    fields: Fields,
}

/// By tag; entries older than the profile's time go when their tag alarms or another item of it closes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    by_tag: BTreeMap<String, Closed>,
}

impl Remembered {
    /// Keeps a closed hidden danger; merged and unfounded ones say nothing about a tag.
    pub(crate) fn remember(&mut self, item: &Item) {
        if item.id.kind != Kind::HiddenDanger || &*item.state != "closed" || item.provenance != Provenance::Real {
            return;
        }
        let kept = item.fields.iter().filter(|(name, _)| KEPT.contains(&&***name));
        let closed = Closed {
            id: item.id,
            at: item.ended_at.unwrap_or(item.created_at),
            title: item.title.clone(),
            receiver: item.receiver.clone(),
            fields: kept.map(|(n, v)| (n.clone(), v.clone())).collect(),
        };
        for tag in item.linked("tag") {
            self.by_tag.insert(tag.to_owned(), closed.clone());
            self.forget_oldest();
        }
    }
}

impl Remembered {
    fn forget_oldest(&mut self) {
        if self.by_tag.len() > TAGS_MAX
            && let Some(tag) = self.by_tag.iter().min_by_key(|(_, c)| c.at).map(|(tag, _)| tag.clone())
        {
            self.by_tag.remove(&tag);
        }
    }
}

impl Book {
    /// An alarm was raised: a hidden danger closed not long ago on its tag is open again, as 复发 (H6).
    pub(crate) fn recur(&mut self, turn: Turn<'_>, alarm: &AlarmRef, at: Time) -> Vec<WorkEvent> {
        let Some(closed) = self.remembered.by_tag.get(&alarm.tag) else { return Vec::new() };
        let days = self.settings().value("hidden_danger.recurrence").unwrap_or(90.0);
        if at <= closed.at {
            return Vec::new();
        }
        let closed = closed.clone();
        self.remembered.by_tag.remove(&alarm.tag);
        if at > closed.at.plus_s(days * 86_400.0) {
            return Vec::new();
        }
        let mut fields = closed.fields;
        fields.insert("title".into(), format!("复发：{}", closed.title).into());
        fields.insert("source".into(), "alarm".into());
        fields.insert("recurrence_of".into(), closed.id.to_string().into());
        let links = vec![
            Link::new("recurrence_of", closed.id.to_string()),
            Link::new("alarm", alarm.id.clone()),
            Link::new("tag", alarm.tag.clone()),
        ];
        let cause = Cause::Consequence { of: alarm.id.clone() };
        let sight = Sight { alarms: vec![alarm.clone()], dark: Vec::new() };
        let about = (closed.receiver, Provenance::Real);
        self.cause(turn, &sight, |stage| stage.create(Kind::HiddenDanger, fields, links, about, cause).map(|_| ()))
    }
}
