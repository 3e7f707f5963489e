//! Items of the work systems as they are shown, and their frames. Times are microseconds since the epoch, UTC.

use model::Time;
use response::{Attachment, Cause, Deadline, Entry, Item, Link, Party, Provenance, WorkEvent, WorkSettings, flow_of};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::value_json::fields_json;
use crate::{ActorView, AttachmentView};

/// An item of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkItemView {
    /// `O-000123`.
    pub id: String,
    /// `order`, `shift`, `swap`, `handover`, `roll_call`, `call`, `hidden_danger`, `incident`, `lesson`, `drill`, `note`,
    /// `vigilance`.
    #[schema(value_type = String)]
    pub kind: response::Kind,
    /// Stream number of its last change; commands carry it back.
    pub seq: u64,
    /// A state of its flow.
    pub state: String,
    /// Nothing can follow.
    pub ended: bool,
    /// One line.
    pub title: String,
    /// `real` or `exercise`.
    #[schema(value_type = String)]
    pub provenance: Provenance,
    /// Values by field name, as JSON by the type the flow gives.
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Relations.
    pub links: Vec<LinkView>,
    /// Deadlines running or missed.
    pub deadlines: Vec<DeadlineView>,
    /// The party that must act.
    pub receiver: Option<PartyView>,
    /// Account or party now responsible.
    pub owner: Option<String>,
    /// When it was made, microseconds since the epoch.
    pub created_at: i64,
    /// By whom.
    pub created_by: ActorView,
    /// When it ended, microseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Its newest 100 steps, oldest first; left out in lists. A frame brings the step that it tells, and no other.
    #[serde(default)]
    pub log: Vec<EntryView>,
    /// Actions possible in its state.
    pub actions: Vec<String>,
}

/// A relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// `alarm`, `incident`, `tag`, `recurrence_of`, …
    pub rel: String,
    /// `A-000012`, `X-000001`, `enterprise/tag`.
    pub to: String,
}

/// A deadline with the origin of its length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadlineView {
    /// Its name in the flow.
    pub name: String,
    /// When it is due, microseconds since the epoch.
    pub at: i64,
    /// Steps of its ladder that were taken.
    pub rung: u8,
    /// Since when it is overdue, microseconds since the epoch.
    pub overdue_since: Option<i64>,
    /// Key of the profile value it came from; empty: given by a person.
    pub profile: String,
    /// Where that value comes from.
    pub source: String,
    /// `V`, `S`, `K` or `G`.
    pub confidence: String,
    /// The article, if it is law.
    pub article: String,
}

/// Somebody who can be told to do something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartyView {
    /// Id.
    pub id: String,
    /// `unit`, `team`, `person`, `enterprise`, `town`; empty: no longer configured.
    pub kind: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Telephone.
    pub telephone: String,
    /// Party above it.
    pub superior: Option<String>,
    /// Town.
    pub town: String,
    /// Industry.
    pub industry: String,
    /// WGS-84 `[longitude, latitude]`.
    pub position: Option<[f64; 2]>,
}

/// One step in an item's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EntryView {
    /// Stream number.
    pub seq: u64,
    /// When, microseconds since the epoch.
    pub at: i64,
    /// What.
    pub action: String,
    /// State before; empty for the first.
    pub from: String,
    /// State after.
    pub to: String,
    /// By whom.
    pub by: ActorView,
    /// Reason or text.
    pub note: String,
    /// Fields given with it.
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Files given with it.
    pub attachments: Vec<AttachmentView>,
}

/// Why an item changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CauseView {
    /// A person's command.
    Command,
    /// A deadline was missed.
    Deadline {
        /// Which.
        name: String,
        /// Which step of its ladder, from 1.
        rung: u8,
        /// When that step was due.
        due: i64,
    },
    /// Another item, or an alarm, changed.
    Consequence {
        /// `X-000001` or `A-000012`.
        of: String,
    },
}

/// An item changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkFrame {
    /// `work`; orders come as `order` with an [`crate::OrderView`] besides.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stream number.
    pub seq: u64,
    /// The item after the change.
    pub item: WorkItemView,
    /// State before; null: just made.
    pub from: Option<String>,
    /// What was done; `create` for a new item.
    pub action: String,
    /// Who.
    pub actor: ActorView,
    /// Reason or text.
    pub note: String,
    /// Why.
    pub cause: CauseView,
    /// When the engine found out, microseconds since the epoch.
    pub detected_at: i64,
    /// When it became durable.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// Never true for items; kept so that all frames end alike.
    #[serde(default)]
    pub provisional: bool,
}

impl WorkFrame {
    /// The step that it tells. Journals of earlier versions kept the whole life so far in every frame.
    pub fn step(&self) -> Option<&EntryView> {
        self.item.log.iter().rfind(|e| e.seq == self.seq)
    }
}

/// What all frames of items say besides the item.
#[derive(Serialize)]
pub(crate) struct Change<'a> {
    pub r#type: &'static str,
    pub seq: u64,
    pub item: WorkItemView,
    pub from: Option<&'a str>,
    pub action: &'a str,
    pub actor: ActorView,
    pub note: &'a str,
    pub cause: CauseView,
    pub detected_at: i64,
}

impl<'a> Change<'a> {
    pub(crate) fn new(r#type: &'static str, event: &'a WorkEvent, at: Time, settings: &WorkSettings) -> Self {
        Self {
            r#type,
            seq: event.item.seq,
            item: WorkItemView::told(&event.item, settings),
            from: event.from.as_deref(),
            action: &event.action,
            actor: (&event.actor).into(),
            note: &event.note,
            cause: (&event.cause).into(),
            detected_at: at.0,
        }
    }
}

impl WorkItemView {
    /// The item with what the settings know about its receiver and deadlines.
    pub fn new(item: &Item, settings: &WorkSettings) -> Self {
        let mut view = Self::brief(item, settings);
        view.log = item.log.iter().map(EntryView::from).collect();
        view
    }

    /// As `new`, with its newest step alone: for frames. What went before was told before; a life in every frame would
    /// grow with the square of its length.
    pub fn told(item: &Item, settings: &WorkSettings) -> Self {
        let mut view = Self::brief(item, settings);
        view.log = item.log.last().map(EntryView::from).into_iter().collect();
        view
    }

    /// As `new`, without the log: for lists.
    pub fn brief(item: &Item, settings: &WorkSettings) -> Self {
        let flow = flow_of(item.id.kind);
        Self {
            id: item.id.to_string(),
            kind: item.id.kind,
            seq: item.seq,
            state: item.state.to_string(),
            ended: item.ended_at.is_some(),
            title: item.title.clone(),
            provenance: item.provenance,
            fields: fields_json(&item.fields),
            links: item.links.iter().map(LinkView::from).collect(),
            deadlines: item.deadlines.iter().map(|d| DeadlineView::new(d, settings)).collect(),
            receiver: item.receiver.as_deref().map(|id| PartyView::find(id, settings)),
            owner: item.owner.clone(),
            created_at: item.created_at.0,
            created_by: (&item.created_by).into(),
            ended_at: item.ended_at.map(|t| t.0),
            log: Vec::new(),
            actions: flow.possible(&item.state).map(|a| a.name.to_owned()).collect(),
        }
    }

    /// What a party sees of it: only what it can do itself.
    #[must_use]
    pub fn for_party(mut self) -> Self {
        let flow = flow_of(self.kind);
        self.actions.retain(|name| flow.action(name).is_some_and(|a| a.by != response::By::Hall));
        self
    }
}

impl DeadlineView {
    fn new(d: &Deadline, settings: &WorkSettings) -> Self {
        let origin = settings.origin(&d.profile);
        let (source, confidence, article) =
            origin.map_or_else(Default::default, |o| (o.source, o.confidence.to_string(), o.article));
        Self {
            name: d.name.to_string(),
            at: d.at.0,
            rung: d.rung,
            overdue_since: d.overdue_since().map(|t| t.0),
            profile: d.profile.to_string(),
            source,
            confidence,
            article,
        }
    }
}

impl PartyView {
    /// A party by its id; one that is no longer configured keeps its id as name.
    pub fn find(id: &str, settings: &WorkSettings) -> Self {
        settings.party(id).map_or_else(
            || Self { id: id.into(), name_zh: id.into(), name_en: id.into(), ..Self::default() },
            Self::from,
        )
    }
}

impl From<&Party> for PartyView {
    fn from(p: &Party) -> Self {
        Self {
            id: p.id.clone(),
            kind: p.kind.to_string(),
            name_zh: p.name_zh.clone(),
            name_en: p.name_en.clone(),
            telephone: p.telephone.clone(),
            superior: p.superior.clone(),
            town: p.town.clone(),
            industry: p.industry.clone(),
            position: p.position,
        }
    }
}

impl From<&Link> for LinkView {
    fn from(l: &Link) -> Self {
        Self { rel: l.rel.to_string(), to: l.to.clone() }
    }
}

impl From<&Entry> for EntryView {
    fn from(e: &Entry) -> Self {
        Self {
            seq: e.seq,
            at: e.at.0,
            action: e.action.to_string(),
            from: e.from.to_string(),
            to: e.to.to_string(),
            by: (&e.by).into(),
            note: e.note.clone(),
            fields: fields_json(&e.fields),
            attachments: e.attachments.iter().map(AttachmentView::from).collect(),
        }
    }
}

impl From<&Attachment> for AttachmentView {
    fn from(a: &Attachment) -> Self {
        Self { id: a.id.clone(), name: a.name.clone(), media_type: a.media_type.clone(), bytes: a.bytes }
    }
}

impl From<AttachmentView> for Attachment {
    fn from(a: AttachmentView) -> Self {
        Self { id: a.id, name: a.name, media_type: a.media_type, bytes: a.bytes }
    }
}

impl From<&Cause> for CauseView {
    fn from(cause: &Cause) -> Self {
        match cause {
            Cause::Command => Self::Command,
            Cause::Deadline { name, rung, due } => Self::Deadline { name: name.to_string(), rung: *rung, due: due.0 },
            Cause::Consequence { of } => Self::Consequence { of: of.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Actor;
    use response::{Entry, Fields, ItemId, Kind};
    use std::sync::Arc;

    fn item(steps: u64) -> Item {
        let by = Actor { account: "wang".into(), name: "王".into() };
        let entry = |seq| Entry {
            seq,
            at: Time(seq as i64),
            action: "feedback".into(),
            from: "acknowledged".into(),
            to: "acknowledged".into(),
            by: by.clone(),
            note: format!("第 {seq} 次反馈"),
            fields: Fields::new(),
            attachments: vec![],
        };
        Item {
            id: ItemId { kind: Kind::Order, number: 1 },
            seq: steps,
            state: "acknowledged".into(),
            title: "到场".into(),
            provenance: Provenance::Real,
            fields: Fields::new(),
            links: vec![],
            deadlines: vec![],
            receiver: None,
            owner: None,
            created_at: Time(0),
            created_by: by.clone(),
            ended_at: None,
            log: (1..=steps).map(entry).collect(),
        }
    }

    fn frame(steps: u64) -> Change<'static> {
        let event = Box::leak(Box::new(WorkEvent {
            item: Arc::new(item(steps)),
            from: None,
            action: "feedback".into(),
            actor: Actor::system(),
            note: String::new(),
            cause: Cause::Command,
        }));
        Change::new("work", event, Time(0), &WorkSettings::default())
    }

    /// A life in every frame would grow with its square: the hundredth frame is as long as the tenth.
    #[test]
    fn a_frame_brings_the_step_that_it_tells_and_no_other() {
        let length = |steps| serde_json::to_string(&frame(steps)).unwrap().len();
        assert!(length(99) - length(10) < 20, "{} and {}", length(10), length(99));
        let read: WorkFrame = serde_json::from_value(serde_json::to_value(frame(7)).unwrap()).unwrap();
        assert_eq!((read.item.log.len(), read.step().map(|e| e.seq)), (1, Some(7)));
    }

    /// What earlier versions journalled is still read.
    #[test]
    fn the_step_of_a_frame_with_a_whole_life_is_its_own() {
        let mut old = serde_json::to_value(frame(3)).unwrap();
        old["item"] = serde_json::to_value(WorkItemView::new(&item(3), &WorkSettings::default())).unwrap();
        let read: WorkFrame = serde_json::from_value(old).unwrap();
        assert_eq!((read.item.log.len(), read.step().map(|e| e.note.as_str())), (3, Some("第 3 次反馈")));
    }
}
