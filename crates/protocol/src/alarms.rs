//! An alarm as it is shown: the record with names instead of numbers.

use std::sync::Arc;

use alarm::AlarmRecord;
use model::{Actor, Directory};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// Account name, or `system`.
    pub account: String,
    /// The person's name.
    pub name: String,
}

impl From<&Actor> for ActorView {
    fn from(a: &Actor) -> Self {
        Self { account: a.account.clone(), name: a.name.clone() }
    }
}

/// Who acknowledged, when, with which note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgementView {
    /// Who.
    pub by: ActorView,
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    /// Note.
    pub note: String,
}

/// Until when an alarm is shelved, by whom and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShelvingView {
    /// Who.
    pub by: ActorView,
    /// Microseconds since the epoch, UTC.
    pub until: i64,
    /// Ends with this episode.
    pub one_shot: bool,
    /// Why.
    pub reason: String,
}

/// Who asked to shelve an alarm of priority 1; a second person must agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShelveRequestView {
    /// Who.
    pub by: ActorView,
    /// A second person may agree until then, microseconds since the epoch, UTC.
    pub until: i64,
    /// Seconds; null: until this episode ends.
    pub for_s: Option<f64>,
    /// Why.
    pub reason: String,
}

/// One alarm episode. Times are microseconds since the epoch, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlarmView {
    /// `A-000123`.
    pub alarm_id: String,
    /// Stream number of its last transition; commands carry it back.
    pub seq: u64,
    /// Enterprise id.
    #[schema(value_type = String)]
    pub enterprise: Arc<str>,
    /// Tag name.
    #[schema(value_type = String)]
    pub tag: Arc<str>,
    /// Unit of the site, or empty.
    pub unit_id: String,
    /// `normal`, `unacknowledged`, `acknowledged`, `returned_unacknowledged`, `latched`, `shelved`, `suppressed_by_design`, `out_of_service`.
    #[schema(value_type = String)]
    pub state: alarm::State,
    /// The process condition holds now.
    pub active: bool,
    /// Somebody acknowledged this episode.
    pub acknowledged: bool,
    /// 1 (red) to 4 (blue), 5 diagnostic.
    pub priority: u8,
    /// Which level of the tag: `hh`, `h`, `l`, `ll`, `rate`, `rule`, `stale`, …
    #[schema(value_type = String)]
    pub level: Arc<str>,
    /// Value at the last transition.
    pub value: f64,
    /// Worst value of the episode.
    pub peak: f64,
    /// The limit it is held against.
    pub limit: Option<f64>,
    /// Engineering unit.
    #[schema(value_type = String)]
    pub unit: Arc<str>,
    /// `good`, `uncertain`, `bad`.
    #[schema(value_type = String)]
    pub quality: model::Quality,
    /// Source time of the deciding reading.
    pub source_time: i64,
    /// When it was raised.
    pub raised_at: i64,
    /// When it returned to normal.
    pub returned_at: Option<i64>,
    /// Acknowledgement.
    pub acknowledgement: Option<AcknowledgementView>,
    /// Shelving.
    pub shelving: Option<ShelvingView>,
    /// Asked for, and not yet agreed to by a second person.
    #[serde(default)]
    pub shelve_request: Option<ShelveRequestView>,
    /// Why it is suppressed.
    #[schema(value_type = Vec<String>)]
    pub suppressed_by: Vec<Arc<str>>,
    /// Raises within this episode while chattering.
    pub occurrences: u32,
    /// Chattering.
    pub chattering: bool,
    /// Process data is stale or unknown now.
    pub data_lost: bool,
    /// Escalation steps taken.
    pub escalation_step: u32,
    /// First-out rank in its group, 0: not ranked.
    pub first_out: u32,
    /// Group for flood cards.
    #[schema(value_type = String)]
    pub group: Arc<str>,
    /// Hazard class.
    #[schema(value_type = String)]
    pub class: Arc<str>,
    /// Text, Chinese.
    #[schema(value_type = String)]
    pub message_zh: Arc<str>,
    /// Text, English.
    #[schema(value_type = String)]
    pub message_en: Arc<str>,
    /// Its rule is no longer in force.
    pub retired: bool,
    /// Rule revision that decided.
    pub rule_revision: u64,
}

impl AlarmView {
    /// Puts names in place of numbers.
    pub fn new(a: &AlarmRecord, directory: &Directory) -> Self {
        Self {
            alarm_id: a.alarm_id.to_string(),
            seq: a.seq,
            enterprise: a.enterprise.clone(),
            tag: a.tag_name.clone(),
            unit_id: directory.get(a.tag).map_or_else(String::new, |t| t.unit_id.clone()),
            state: a.state,
            active: a.active,
            acknowledged: a.acknowledged,
            priority: a.priority.into(),
            level: a.level.clone(),
            value: a.value,
            peak: a.peak,
            limit: a.limit,
            unit: a.unit.clone(),
            quality: a.quality,
            source_time: a.source_time.0,
            raised_at: a.raised_at.0,
            returned_at: a.returned_at.map(|t| t.0),
            acknowledgement: a.acknowledgement.as_ref().map(|k| AcknowledgementView {
                by: (&k.by).into(),
                at: k.at.0,
                note: k.note.clone(),
            }),
            shelving: a.shelving.as_ref().map(|s| ShelvingView {
                by: (&s.by).into(),
                until: s.until.0,
                one_shot: s.one_shot,
                reason: s.reason.clone(),
            }),
            shelve_request: a.shelve_request.as_ref().map(|r| ShelveRequestView {
                by: (&r.by).into(),
                until: r.until.0,
                for_s: r.for_s,
                reason: r.reason.clone(),
            }),
            suppressed_by: a.suppressed_by.clone(),
            occurrences: a.occurrences,
            chattering: a.chattering,
            data_lost: a.data_lost,
            escalation_step: a.escalation_step,
            first_out: a.first_out,
            group: a.group.clone(),
            class: a.class.clone(),
            message_zh: a.message_zh.clone(),
            message_en: a.message_en.clone(),
            retired: a.retired,
            rule_revision: a.rule_revision,
        }
    }

    /// Whether the episode still needs anything.
    pub fn open(&self) -> bool {
        self.state != alarm::State::Normal
    }
}
