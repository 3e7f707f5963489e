//! WebSocket frames. A fact is encoded once, when it happens; the commit time is added at the end of the text, so that
//! journal, provisional push and settled push share one encoding.

use std::sync::Arc;

use alarm::{Annunciation, Cause, State, Transition};
use engine::{Fact, FactBody, Notice};
use model::{Directory, TagIndex, Time};
use response::{Kind, WorkSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::work::Change;
use crate::{ActorView, AlarmView, CauseView, OrderView, WorkItemView};

/// First frame of every connection.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hello {
    /// `hello`.
    pub r#type: &'static str,
    /// Microseconds since the epoch, UTC.
    pub server_time: i64,
    /// Newest stream number.
    pub last_seq: u64,
    /// Version of the contract.
    pub version: &'static str,
    /// Heartbeats come this often, milliseconds.
    pub heartbeat_ms: u32,
    /// Name of this desk.
    pub desk: String,
}

/// How many sources are live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sources {
    /// Tags with fresh readings.
    pub live: u32,
    /// Tags whose readings are overdue.
    pub stale: u32,
    /// All tags.
    pub total: u32,
}

/// Every second: the link lives, and this is the newest number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Heartbeat {
    /// `heartbeat`.
    pub r#type: &'static str,
    /// Microseconds since the epoch, UTC.
    pub server_time: i64,
    /// Newest stream number.
    pub last_seq: u64,
    /// Sources.
    pub sources: Sources,
    /// Newest reading's server time.
    pub last_reading_at: Option<i64>,
}

/// An alarm transition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlarmFrame {
    /// `alarm`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The episode after the transition.
    #[serde(flatten)]
    pub alarm: AlarmView,
    /// State before.
    #[schema(value_type = String)]
    pub from: State,
    /// Why.
    #[schema(value_type = String)]
    pub cause: Cause,
    /// Who.
    pub actor: Option<ActorView>,
    /// Note, reason or comment.
    pub note: Option<String>,
    /// When it happened by the deciding clock.
    pub event_time: i64,
    /// When the engine found out.
    pub detected_at: i64,
    /// How it is told.
    #[schema(value_type = String)]
    pub annunciation: Annunciation,
    /// From back-filled data.
    pub replayed: bool,
    /// From a late reading.
    pub late: bool,
    /// When it became durable; null while provisional.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// Pushed before it was durable, because the disk did not answer in time.
    #[serde(default)]
    pub provisional: bool,
}

/// An order changed: what a [`crate::WorkFrame`] says, and the order as older clients know it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderFrame {
    /// `order`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stream number.
    pub seq: u64,
    /// The order after the change.
    pub order: OrderView,
    /// The same as an item.
    pub item: WorkItemView,
    /// State before; null: just made.
    pub from: Option<String>,
    /// What was done; `create` for a new order.
    pub action: String,
    /// Told because a deadline was missed.
    pub overdue: bool,
    /// Who.
    pub actor: ActorView,
    /// Reason or text.
    pub note: String,
    /// Why.
    pub cause: CauseView,
    /// When the engine found out.
    pub detected_at: i64,
    /// When it became durable.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// Never true for orders; kept so that all frames end alike.
    #[serde(default)]
    pub provisional: bool,
}

/// Something that was played in a drill.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExerciseFrame {
    /// `exercise`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stream number.
    pub seq: u64,
    /// The frame as it would be if it were real, without a commit time.
    #[schema(value_type = Object)]
    pub frame: serde_json::Value,
    /// When it became durable.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// As in alarm frames.
    #[serde(default)]
    pub provisional: bool,
}

/// Something about the measuring system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoticeFrame {
    /// `notice`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stream number.
    pub seq: u64,
    /// When the engine found out.
    pub detected_at: i64,
    /// What; `notice.kind` names it.
    #[schema(value_type = Object)]
    pub notice: serde_json::Value,
    /// When it became durable.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// As in alarm frames.
    #[serde(default)]
    pub provisional: bool,
}

/// A subscribed tag's newest value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadingView {
    /// Enterprise id.
    pub enterprise: String,
    /// Tag name.
    pub tag: String,
    /// Value.
    pub value: f64,
    /// `good`, `uncertain`, `bad`.
    pub quality: String,
    /// Microseconds since the epoch, UTC.
    pub source_time: i64,
}

/// Newest values of subscribed tags, conflated.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReadingsFrame {
    /// `readings`.
    pub r#type: &'static str,
    /// Values.
    pub readings: Vec<ReadingView>,
}

/// The number asked for is too old: load the open alarms, then connect again.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SnapshotRequired {
    /// `snapshot_required`.
    pub r#type: &'static str,
    /// Oldest number that can be resumed.
    pub oldest_seq: u64,
    /// Newest number.
    pub last_seq: u64,
}

/// What a client may say.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Replaces the tag subscription; `enterprise/tag`.
    Subscribe {
        /// Tags, at most 200.
        tags: Vec<String>,
    },
    /// Whether this console can sound.
    Sound {
        /// Armed by a gesture.
        armed: bool,
    },
    /// Highest number painted.
    Receipt {
        /// Stream number.
        seq: u64,
    },
}

#[derive(Serialize)]
struct AlarmOut<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    alarm: AlarmView,
    from: State,
    cause: Cause,
    actor: Option<ActorView>,
    note: Option<&'a str>,
    event_time: i64,
    detected_at: i64,
    annunciation: Annunciation,
    replayed: bool,
    late: bool,
}

#[derive(Serialize)]
struct OrderOut<'a> {
    #[serde(flatten)]
    change: Change<'a>,
    order: OrderView,
    overdue: bool,
}

#[derive(Serialize)]
struct NoticeOut {
    r#type: &'static str,
    seq: u64,
    detected_at: i64,
    notice: serde_json::Value,
}

/// What numbers are called by people.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Tags.
    pub directory: &'a Directory,
    /// Gateways in the order of their numbers.
    pub gateways: &'a [String],
    /// Parties and profile values.
    pub settings: &'a WorkSettings,
}

/// The frame of a fact as JSON, without its commit time: what the journal keeps.
pub fn encode_fact(fact: &Fact, names: Names<'_>) -> Arc<str> {
    let text = match &fact.body {
        FactBody::Exercise(body) => {
            let played = Fact { seq: fact.seq, at: fact.at, body: (**body).clone() };
            return exercise_frame(fact.seq, &encode_fact(&played, names));
        }
        FactBody::Alarm(t) => serde_json::to_string(&alarm_out(t, names.directory)),
        FactBody::Work(e) if e.item.id.kind == Kind::Order => serde_json::to_string(&OrderOut {
            change: Change::new("order", e, fact.at, names.settings),
            order: OrderView::told(&e.item),
            overdue: matches!(e.cause, response::Cause::Deadline { .. }),
        }),
        FactBody::Work(e) => serde_json::to_string(&Change::new("work", e, fact.at, names.settings)),
        FactBody::Notice(n) => serde_json::to_string(&NoticeOut {
            r#type: "notice",
            seq: fact.seq,
            detected_at: fact.at.0,
            notice: named(n, names),
        }),
    };
    // These types hold only strings, numbers and maps with string keys, which always encode.
    text.unwrap_or_default().into()
}

/// What was played, in a frame of its own type: nothing that handles alarms can take it for one.
fn exercise_frame(seq: u64, frame: &str) -> Arc<str> {
    format!("{{\"type\":\"exercise\",\"seq\":{seq},\"frame\":{frame}}}").into()
}

/// A notice for people: the engine's numbers of tags and gateways become names.
fn named(notice: &Notice, names: Names<'_>) -> serde_json::Value {
    let mut value = serde_json::to_value(notice).unwrap_or_default();
    let gateway = |index: u64| names.gateways.get(index as usize);
    if let Some(tag) = value["tag"].as_u64().and_then(|i| names.directory.get(TagIndex(i as u32))) {
        value["tag"] = format!("{}/{}", tag.enterprise, tag.tag).into();
    }
    if let Some(name) = value["gateway"].as_u64().and_then(gateway) {
        value["gateway"] = name.as_str().into();
    }
    let scope = value["scope"].as_str().and_then(|s| s.rsplit_once("/gateway-"));
    if let Some((enterprise, index)) = scope
        && let Some(name) = index.parse().ok().and_then(gateway)
    {
        value["scope"] = format!("{enterprise}/{name}").into();
    }
    value
}

fn alarm_out<'a>(t: &'a Transition, directory: &Directory) -> AlarmOut<'a> {
    AlarmOut {
        r#type: "alarm",
        alarm: AlarmView::new(&t.alarm, directory),
        from: t.from,
        cause: t.cause,
        actor: t.actor.as_ref().map(Into::into),
        note: t.note.as_deref(),
        event_time: t.event_time.0,
        detected_at: t.detected_at.0,
        annunciation: t.annunciation,
        replayed: t.replayed,
        late: t.late,
    }
}

/// The whole frame: the journalled text with its commit time, or marked provisional while there is none.
pub fn settle(text: &str, committed_at: Option<Time>) -> String {
    let body = text.strip_suffix('}').unwrap_or(text);
    match committed_at {
        Some(at) => format!("{body},\"committed_at\":{},\"provisional\":false}}", at.0),
        None => format!("{body},\"committed_at\":null,\"provisional\":true}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_settles_into_one_json_object() {
        let body = FactBody::Notice(Notice::RulesActivated { revision: 3, conditions: 9, retired: 1 });
        let fact = Fact { seq: 7, at: Time(5), body };
        let directory = Directory::default();
        let text =
            encode_fact(&fact, Names { directory: &directory, gateways: &[], settings: &WorkSettings::default() });
        let frame: NoticeFrame = serde_json::from_str(&settle(&text, Some(Time(9)))).unwrap();
        assert_eq!((frame.seq, frame.committed_at, frame.provisional), (7, Some(9), false));
        let frame: NoticeFrame = serde_json::from_str(&settle(&text, None)).unwrap();
        assert_eq!((frame.committed_at, frame.provisional), (None, true));
    }

    #[test]
    fn a_notice_names_its_gateway() {
        let directory = Directory::default();
        let settings = WorkSettings::default();
        let names = Names { directory: &directory, gateways: &["gw-1".into(), "gw-2".into()], settings: &settings };
        let scope = |scope: &str| {
            let link = Notice::Link { scope: scope.into(), up: true, reason: String::new() };
            named(&link, names)["scope"].as_str().unwrap().to_owned()
        };
        assert_eq!(scope("chem-01/gateway-1"), "chem-01/gw-2");
        assert_eq!(scope("chem-01/gateway-7"), "chem-01/gateway-7", "not known: as it is");
        assert_eq!(scope("broker/far"), "broker/far");
    }

    #[test]
    fn unknown_client_frames_are_refused() {
        assert!(serde_json::from_str::<ClientFrame>(r#"{"type":"sound","armed":true}"#).is_ok());
        assert!(serde_json::from_str::<ClientFrame>(r#"{"type":"reboot"}"#).is_err());
        assert!(serde_json::from_str::<ClientFrame>(r#"{"type":"sound","armed":true,"x":1}"#).is_err());
    }
}
