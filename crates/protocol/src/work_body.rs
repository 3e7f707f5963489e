//! Bodies of requests and answers about the work systems. Times are microseconds since the epoch, UTC.

use response::{PlanCard, Provenance, WorkSettings, profile};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::work::{LinkView, PartyView, WorkItemView};

/// A page of items.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkView {
    /// Stream number this list is at least true for.
    pub seq: u64,
    /// How many fit the filter.
    pub total: u64,
    /// The page, newest first, without logs.
    pub items: Vec<WorkItemView>,
}

/// Make an item; with n receivers, n items.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkCreateBody {
    /// Which flow.
    #[schema(value_type = String)]
    pub kind: response::Kind,
    /// Values by field name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Relations.
    #[serde(default)]
    pub links: Vec<LinkView>,
    /// Parties that must act.
    #[serde(default)]
    pub receivers: Vec<String>,
    /// Newest stream number about the linked alarm and its items that the person saw: if somebody acted since, the answer
    /// is `VERSION_CONFLICT` with who did.
    #[serde(default)]
    pub seen: Option<u64>,
    /// `real` by default; `exercise` for a drill.
    #[serde(default)]
    #[schema(value_type = String)]
    pub provenance: Provenance,
}

/// Act on an item.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkActBody {
    /// `seq` of the item as you saw it.
    pub seq: u64,
    /// Values by field name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Reason or text.
    #[serde(default)]
    pub note: String,
    /// Ids of attachments.
    #[serde(default)]
    pub attachments: Vec<String>,
}

/// Counts by group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AggregateView {
    /// The largest group first.
    pub rows: Vec<AggregateRow>,
}

/// Counts of one group; rates are 0 to 1 of its total.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AggregateRow {
    /// Town, industry, …; may be empty.
    pub key: String,
    /// All items.
    pub total: u64,
    /// Not ended.
    pub open: u64,
    /// A deadline passed before they ended, or before now.
    pub overdue: u64,
    /// Ended.
    pub closed: u64,
    /// Overdue of all.
    pub overdue_rate: f64,
    /// Ended of all.
    pub closure_rate: f64,
    /// Mean days from made to ended; null: none ended.
    pub mean_days: Option<f64>,
    /// Of all, those that repeat an earlier one.
    pub recurrence_rate: f64,
}

/// Parties that can be told to do something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartiesView {
    /// All of them.
    pub parties: Vec<PartyView>,
}

/// Plan cards.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlansView {
    /// All of them, as in the files.
    #[schema(value_type = Vec<PlanCardView>)]
    pub plans: Vec<PlanCard>,
}

/// A machine-readable emergency plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanCardView {
    /// Stable id.
    pub id: String,
    /// What it is for.
    pub hazard: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Where it comes from.
    pub source: String,
    /// `V`, `S`, `K` or `G`.
    pub confidence: String,
    /// Groups of the headquarters.
    pub groups: Vec<PlanGroupView>,
    /// Roles that must be filled.
    pub roles: Vec<String>,
    /// Tasks by response level `1` (highest) to `4`.
    pub levels: std::collections::BTreeMap<String, Vec<PlanTaskView>>,
    /// Checklists by chemical.
    pub checklists: Vec<PlanChecklistView>,
}

/// A group of a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanGroupView {
    /// Id within the plan.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Role that leads it.
    pub role: String,
}

/// One task of a level.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanTaskView {
    /// Id within the plan.
    pub id: String,
    /// Group.
    pub group: String,
    /// Role.
    pub role: String,
    /// Party id, or a role that the incident gave to a party.
    pub receiver: String,
    /// Chinese text.
    pub text_zh: String,
    /// English text.
    pub text_en: String,
    /// Tasks it comes after.
    pub after: Vec<String>,
    /// Seconds to acknowledge; 0: the profile's.
    pub ack_within_s: f64,
    /// Seconds between feedback; 0: the profile's.
    pub feedback_every_s: f64,
    /// Seconds to complete; 0: the profile's.
    pub complete_within_s: f64,
}

/// What to check for one chemical.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanChecklistView {
    /// CAS number or name.
    pub chemical: String,
    /// Lines, each Chinese and English.
    #[schema(value_type = Vec<Vec<String>>)]
    pub items: Vec<(String, String)>,
}

/// Numbers that deadlines and targets come from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProfileView {
    /// By key.
    pub values: Vec<ProfileValueView>,
}

/// One number with its origin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProfileValueView {
    /// Key.
    pub key: String,
    /// The number.
    pub value: f64,
    /// `s`, `d` or `count`.
    pub unit: String,
    /// Where it comes from.
    pub source: String,
    /// `V`, `S`, `K` or `G`.
    pub confidence: String,
    /// The article, if it is law; else what it means.
    pub article: String,
}

impl ProfileView {
    /// What is in force: the file's numbers, and the built-in ones that no file replaces.
    pub fn of(settings: &WorkSettings) -> Self {
        let built_in = profile::BUILT_IN.iter().map(|b| b.key.to_owned());
        let keys: std::collections::BTreeSet<String> =
            settings.profile.keys().map(ToString::to_string).chain(built_in).collect();
        let view = |key: String| {
            let v = settings.origin(&key)?;
            Some(ProfileValueView {
                key,
                value: v.value,
                unit: v.unit.to_string(),
                source: v.source,
                confidence: v.confidence.to_string(),
                article: v.article,
            })
        };
        Self { values: keys.into_iter().filter_map(view).collect() }
    }
}

/// What is open and must be taken over at a change of shifts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenListView {
    /// Stream number this list is at least true for.
    pub seq: u64,
    /// Alarms of every state, items, dark sources.
    pub items: Vec<OpenLoopView>,
}

/// One open thing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OpenLoopView {
    /// `A-000012`, `O-000003`, or `dark:` and the enterprise whose data is dark.
    pub r#ref: String,
    /// `alarm`, `source`, or the kind of the item.
    pub kind: String,
    /// One line.
    pub title: String,
    /// Its state.
    pub state: String,
    /// Who is responsible.
    pub owner: Option<String>,
    /// Its earliest deadline, microseconds since the epoch.
    pub due: Option<i64>,
    /// Why it is here, in Chinese.
    pub why: String,
    /// The same in English.
    pub why_en: String,
}

impl From<response::OpenLoop> for OpenLoopView {
    fn from(open: response::OpenLoop) -> Self {
        let (why, why_en) = open.why;
        Self {
            r#ref: open.reference,
            kind: open.kind.to_owned(),
            title: open.title,
            state: open.state.to_string(),
            owner: open.owner,
            due: open.due.map(|t| t.0),
            why,
            why_en,
        }
    }
}

/// What happened, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineView {
    /// Rows.
    pub rows: Vec<TimelineRow>,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TimelineRow {
    /// Stream number.
    pub seq: u64,
    /// When it became durable, microseconds since the epoch.
    pub at: i64,
    /// `alarm`, `notice`, or the kind of the item.
    pub kind: String,
    /// `A-000012`, `O-000003`, or empty.
    pub r#ref: String,
    /// What happened, Chinese.
    pub text_zh: String,
    /// What happened, English.
    pub text_en: String,
    /// Who, or empty: the hall itself.
    pub actor: String,
    /// `real` or `exercise`.
    #[schema(value_type = String)]
    pub provenance: Provenance,
}
