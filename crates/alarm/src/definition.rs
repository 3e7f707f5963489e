//! What the rules say, checked and compiled: the immutable revision an engine runs on.
//! `config` builds it from TOML; `engine` only reads it.

use std::sync::Arc;

use model::{Priority, TagIndex};
use serde::{Deserialize, Serialize};

use crate::rule::Program;

/// A condition's dense number; given once by its key, journalled, never reused (as with tags).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConditionIndex(pub u32);

/// One immutable revision of everything the engine needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Counts activations; written into every transition.
    pub revision: u64,
    /// By tag number; retired tags included.
    pub tags: Vec<TagSettings>,
    /// By condition number; retired conditions included.
    pub conditions: Vec<Condition>,
    /// Numbers that hold for the whole hall.
    pub hall: HallSettings,
}

/// How one tag's readings are judged before any condition sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagSettings {
    /// Enterprise id.
    pub enterprise: Arc<str>,
    /// Tag name.
    pub tag: Arc<str>,
    /// Engineering unit.
    pub unit: Arc<str>,
    /// Expected reporting period, seconds; none: never stale.
    pub period_s: Option<f64>,
    /// Stale after this many periods.
    pub stale_factor: f64,
    /// Instrument span; a value outside is over-range (quality bad, own diagnostic).
    pub span: Option<(f64, f64)>,
    /// Stuck-at detector: `(seconds without change, what counts as change)`.
    pub stuck: Option<(f64, f64)>,
    /// Largest physical rate of change per second; faster is suspect (uncertain), 2 of 3 needed.
    pub rate_max_per_s: Option<f64>,
    /// Opt-in reorder buffer, seconds; 0: none.
    pub reorder_s: f64,
    /// Safety class: a late excursion younger than 10 min is annunciated, marked late.
    pub safety: bool,
    /// No longer in the site files.
    pub retired: bool,
}

/// One alarm condition: a rule on a primary tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Stable key: `enterprise/tag/hh`, `enterprise/tag/stale`, or `enterprise/rule-id`.
    pub key: Arc<str>,
    /// Its primary tag.
    pub tag: TagIndex,
    /// What is compared.
    pub kind: ConditionKind,
    /// Priority of its alarms.
    pub priority: Priority,
    /// Must hold this long before it is active, seconds.
    pub on_delay_s: f64,
    /// Must be gone this long before it returns to normal, seconds.
    pub off_delay_s: f64,
    /// Distance from the limit, in the tag's unit, that the value must come back.
    pub deadband: f64,
    /// Stays active until an operator resets it.
    pub latch: bool,
    /// What an unknown value does.
    pub on_unknown: OnUnknown,
    /// What a gap (restart, lost link) does to a running on-delay.
    pub gap: GapPolicy,
    /// Suppressed by design while this holds (first-out groups, maintenance switches).
    pub suppress_when: Option<Program>,
    /// Who is told when nobody acknowledges, in order of `after_s`.
    pub escalation: Vec<EscalationStep>,
    /// Shown text, Chinese.
    pub message_zh: Arc<str>,
    /// Shown text, English.
    pub message_en: Arc<str>,
    /// Group for flood cards and first-out: unit of the site, or enterprise.
    pub group: Arc<str>,
    /// Hazard class: `gas`, `fire`, `level`, `process`, `dust`, `electrical`, `comms`, `sensor-fault`, …
    pub class: Arc<str>,
    /// Out of the rule files: an open alarm stays, marked retired, and still needs its acknowledgement.
    pub retired: bool,
}

/// What a condition compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConditionKind {
    /// Value >= limit.
    High(f64),
    /// Value >= limit, second level.
    HighHigh(f64),
    /// Value <= limit.
    Low(f64),
    /// Value <= limit, second level.
    LowLow(f64),
    /// Rate of change over a window: `(per second, window seconds)`; sign says rising or falling.
    Rate {
        /// Limit per second; negative: falling.
        per_s: f64,
        /// Window, seconds.
        window_s: f64,
    },
    /// A typed expression over one or more tags is true.
    Expression(Program),
    /// No reading for `stale_factor` periods.
    Stale,
    /// No change though noise was expected.
    Stuck,
    /// Outside the instrument's span.
    OutOfRange,
    /// Quality unknown for longer than the on-delay.
    Unknown,
    /// A detector's second level is in alarm while its first is not: one of its contacts must be wrong.
    Inconsistent(Program),
}

/// What an unknown value does to a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Neither raises nor clears.
    #[default]
    Hold,
    /// Counts as violated (gas, fire, interlock).
    Raise,
    /// Counts as normal.
    Clear,
}

/// What a gap in the data does to a running on-delay (VictoriaMetrics#8225: must be explicit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapPolicy {
    /// The first confirming reading after the gap may fire (safety default).
    #[default]
    Bridge,
    /// The delay starts anew.
    Restart,
}

/// One rung of the escalation ladder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Seconds without acknowledgement.
    pub after_s: f64,
    /// Who is told: a role or an account.
    pub to: Arc<str>,
}

/// Numbers that hold for the whole hall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HallSettings {
    /// How far ahead of us a device clock may run, seconds (F of the semantics table).
    pub future_s: f64,
    /// Late readings in a row that mean "its clock stepped".
    pub clock_step_readings: u32,
    /// A late excursion of a safety tag younger than this is annunciated, seconds.
    pub late_annunciate_s: f64,
    /// Raises per minute that mean chatter.
    pub chatter_raises_per_min: u32,
    /// Cap of the stretched off-delay, seconds.
    pub chatter_off_delay_max_s: f64,
    /// Annunciations in 10 minutes that mean flood, per desk.
    pub flood_per_10_min: u32,
    /// Longest allowed shelving, seconds (MaxTimeShelved).
    pub shelve_max_s: f64,
    /// Earlier unacknowledged episodes kept as branches of a condition.
    pub branches_max: u32,
    /// Grace after our own link or program comes back, seconds (thingsboard#13715).
    pub return_grace_s: f64,
}

impl Default for HallSettings {
    fn default() -> Self {
        Self {
            future_s: 5.0,
            clock_step_readings: 3,
            late_annunciate_s: 600.0,
            chatter_raises_per_min: 3,
            chatter_off_delay_max_s: 600.0,
            flood_per_10_min: 10,
            shelve_max_s: 8.0 * 3_600.0,
            branches_max: 5,
            return_grace_s: 30.0,
        }
    }
}
