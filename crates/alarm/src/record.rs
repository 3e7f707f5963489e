//! What an alarm looks like from outside: its states, causes and the record that is journalled and shown.

use std::sync::Arc;

use model::{Actor, Priority, Quality, TagIndex, Time};
use serde::{Deserialize, Serialize};

use crate::ConditionIndex;

/// One raise-to-close episode of a condition. Dense, never reused; shown as `A-000123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmId(pub u64);

impl std::fmt::Display for AlarmId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "A-{:06}", self.0)
    }
}

impl std::str::FromStr for AlarmId {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        s.strip_prefix("A-").and_then(|n| n.parse().ok()).map(Self).ok_or(())
    }
}

/// The state shown, projected from the orthogonal regions (ISA-18.2 / IEC 62682).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Closed: nothing left to do.
    Normal,
    /// Active, not acknowledged.
    Unacknowledged,
    /// Active, acknowledged.
    Acknowledged,
    /// Back to normal, not acknowledged.
    ReturnedUnacknowledged,
    /// Acknowledged and back to normal, but latched: waits for a reset.
    Latched,
    /// Shelved by a person, with an end.
    Shelved,
    /// Suppressed by design.
    SuppressedByDesign,
    /// Taken out of service with a permit.
    OutOfService,
}

/// Why a transition happened. Every end of an active episode names one (invariant 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The condition held for its on-delay.
    Raised,
    /// It fired on the first confirming reading after a gap.
    Bridged,
    /// The condition was gone for its off-delay.
    Recovered,
    /// The value got worse or better within the episode (peak level changes).
    LevelChanged,
    /// A person acknowledged.
    Acknowledged,
    /// A person took the acknowledgement back.
    Unacknowledged,
    /// A person shelved it.
    Shelved,
    /// A person ended the shelving.
    Unshelved,
    /// The shelving ran out.
    ShelveExpired,
    /// A suppression began.
    Suppressed,
    /// A suppression ended.
    Unsuppressed,
    /// Taken out of service.
    OutOfService,
    /// Returned to service.
    ReturnedToService,
    /// A person reset a latched alarm.
    Reset,
    /// A person wrote a comment.
    Commented,
    /// Nobody acknowledged in time; the next person is told.
    Escalated,
    /// The rule was edited.
    RuleEdited,
    /// The rule or tag was removed.
    Retired,
    /// It began to chatter.
    ChatterStarted,
    /// It stopped chattering.
    ChatterEnded,
    /// Its data was lost, or came back; the process state stays.
    DataLost,
    /// Data is back.
    DataReturned,
    /// A late reading shows an excursion that live evaluation did not see.
    RetrospectiveExcursion,
    /// A branch was closed because too many older episodes were open; counted.
    BranchOverflow,
    /// A person asked to shelve an alarm of priority I; another one must agree (A4).
    ShelveRequested,
}

/// One episode as it stands after a transition. All a console needs to draw a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmRecord {
    /// This episode.
    pub alarm_id: AlarmId,
    /// Stream sequence number of its last transition; commands carry it back (invariant 23).
    pub seq: u64,
    /// Its condition.
    pub condition: ConditionIndex,
    /// The condition's key.
    pub condition_key: Arc<str>,
    /// Primary tag.
    pub tag: TagIndex,
    /// Enterprise id.
    pub enterprise: Arc<str>,
    /// Tag name.
    pub tag_name: Arc<str>,
    /// Shown state.
    pub state: State,
    /// Whether the process condition is active now.
    pub active: bool,
    /// Whether somebody acknowledged this episode.
    pub acknowledged: bool,
    /// Priority.
    pub priority: Priority,
    /// Which level: `hh`, `h`, `l`, `ll`, `rate`, `rule`, `stale`, `stuck`, `out_of_range`, `unknown`, `inconsistent`,
    /// `platform`, `clock_skew`.
    pub level: Arc<str>,
    /// Value at the last transition.
    pub value: f64,
    /// Worst value within the episode.
    pub peak: f64,
    /// The limit it is held against; none for expressions and diagnostics.
    pub limit: Option<f64>,
    /// Engineering unit.
    pub unit: Arc<str>,
    /// Quality of the deciding value.
    pub quality: Quality,
    /// Source time of the deciding reading.
    pub source_time: Time,
    /// When this episode was raised.
    pub raised_at: Time,
    /// When it returned to normal.
    pub returned_at: Option<Time>,
    /// Who acknowledged, when, with which note.
    pub acknowledgement: Option<Acknowledgement>,
    /// Until when it is shelved, by whom and why.
    pub shelving: Option<Shelving>,
    /// Who asked to shelve it, while another person has not agreed yet.
    pub shelve_request: Option<ShelveRequest>,
    /// Why it is suppressed, empty if it is not.
    pub suppressed_by: Vec<Arc<str>>,
    /// Raises counted within this episode while chattering.
    pub occurrences: u32,
    /// Marked as chattering.
    pub chattering: bool,
    /// Process data is stale or unknown now; the alarm stays.
    pub data_lost: bool,
    /// Escalation steps already taken.
    pub escalation_step: u32,
    /// Rank in its group's first-out order, 1 = first; 0 = not ranked.
    pub first_out: u32,
    /// Group for flood cards.
    pub group: Arc<str>,
    /// Hazard class.
    pub class: Arc<str>,
    /// Text, Chinese.
    pub message_zh: Arc<str>,
    /// Text, English.
    pub message_en: Arc<str>,
    /// Its rule is no longer in force.
    pub retired: bool,
    /// Rule revision that decided.
    pub rule_revision: u64,
}

/// Who acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Note; mandatory for priorities I and II.
    pub note: String,
}

/// Who shelved, until when, why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shelving {
    /// Who.
    pub by: Actor,
    /// End; none: one-shot, until it returns to normal, but never longer than the hall's maximum.
    pub until: Time,
    /// One-shot shelving ends with this episode.
    pub one_shot: bool,
    /// Why.
    pub reason: String,
}

/// Who asked to shelve an alarm of priority I. It is shelved when a second person agrees, and not before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelveRequest {
    /// Who.
    pub by: Actor,
    /// A second person may agree until then.
    pub until: Time,
    /// Seconds; none: until it returns to normal.
    pub for_s: Option<f64>,
    /// Why.
    pub reason: String,
}

/// How a transition is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annunciation {
    /// Not a raise: nothing sounds.
    None,
    /// Sounds and shows by itself.
    Individual,
    /// Shelved: counted only.
    Shelved,
    /// Suppressed by design or out of service: counted only.
    Suppressed,
    /// Flood: folded into its group's card.
    Collapsed,
    /// Repeat of a chattering condition: counted only.
    Chattering,
}

/// One transition of one episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The episode after the transition; `alarm.seq` is this transition's number.
    pub alarm: AlarmRecord,
    /// State before.
    pub from: State,
    /// Why.
    pub cause: Cause,
    /// Who, if a person.
    pub actor: Option<Actor>,
    /// Note, reason or comment.
    pub note: Option<String>,
    /// When it happened by the deciding clock.
    pub event_time: Time,
    /// When we found out.
    pub detected_at: Time,
    /// How it is told.
    pub annunciation: Annunciation,
    /// From back-filled data: told as one summary, not one by one.
    pub replayed: bool,
    /// From a late reading.
    pub late: bool,
}
