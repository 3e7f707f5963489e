//! What the work systems are told by files: profile, parties, plan cards, roster pattern, drill duties. One journalled input.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Name, profile};

/// Everything configured about the work systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkSettings {
    /// Numbers by key; a key that is missing has the built-in value of [`profile::BUILT_IN`].
    pub profile: BTreeMap<Name, ProfileValue>,
    /// Party id of the hall: the root of its chain of command; empty: no chain is checked.
    pub hall: String,
    /// Units, teams, persons, enterprises and towns. Empty: receivers are not checked.
    pub parties: Vec<Party>,
    /// Plan cards.
    pub plans: Vec<PlanCard>,
    /// How rosters are made.
    pub roster: RosterPattern,
    /// Who must hold drills, how often.
    pub drill_obligations: Vec<DrillObligation>,
}

/// A number with its origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileValue {
    /// The number.
    pub value: f64,
    /// Its unit: `s`, `d`, `count`.
    pub unit: Name,
    /// Where it comes from.
    pub source: String,
    /// `V` read in the primary text, `S` read on a secondary page, `K` domain knowledge, `G` our own proposal.
    pub confidence: Name,
    /// The article, if it is law.
    pub article: String,
}

/// Somebody who can be told to do something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Stable id.
    pub id: String,
    /// `unit`, `team`, `person`, `enterprise`, `town`.
    pub kind: Name,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Party above it.
    pub superior: Option<String>,
    /// Parties that step in, in this order.
    pub substitutes: Vec<String>,
    /// Account of its person, if it has one.
    pub account: Option<String>,
    /// Telephone.
    pub telephone: String,
    /// Town, for statistics.
    pub town: String,
    /// Industry, for statistics.
    pub industry: String,
    /// WGS-84 longitude and latitude in degrees.
    pub position: Option<[f64; 2]>,
}

/// A machine-readable emergency plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanCard {
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
    /// As in [`ProfileValue`].
    pub confidence: Name,
    /// Every source that tasks and checklists name by its id.
    pub sources: Vec<PlanSource>,
    /// Id of the source of the tasks' offsets.
    pub offsets_source: String,
    /// When a level is activated, by level 1 to 4.
    pub conditions: BTreeMap<u8, Condition>,
    /// Groups of the headquarters.
    pub groups: Vec<Group>,
    /// Roles that must be filled.
    pub roles: Vec<Name>,
    /// Tasks by response level 1 to 4; 1 is the highest.
    pub levels: BTreeMap<u8, Vec<TaskTemplate>>,
    /// Checklists by chemical.
    pub checklists: Vec<Checklist>,
}

/// A text that a plan rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanSource {
    /// Id within the plan.
    pub id: String,
    /// Title, with edition and article.
    pub title: String,
    /// As in [`ProfileValue`].
    pub confidence: Name,
}

/// When a response level is activated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Chinese.
    pub when_zh: String,
    /// English.
    pub when_en: String,
    /// Id of its source.
    pub source: String,
}

/// A group of a plan: 抢险救援, 警戒疏散.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Id within the plan.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Role that leads it.
    pub role: Name,
}

/// One task of a level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskTemplate {
    /// Id within the plan; the same task may stand in several levels.
    pub id: String,
    /// Group.
    pub group: String,
    /// Role.
    pub role: Name,
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
    /// Id of the source of its text.
    pub source: String,
}

/// What to check for one chemical.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    /// CAS number or name; the stable id.
    pub chemical: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Lines.
    pub items: Vec<ChecklistItem>,
}

/// One line of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChecklistItem {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Id of its source.
    pub source: String,
}

/// How a month of shifts is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RosterPattern {
    /// Shifts of a day, in order.
    pub shifts: Vec<ShiftPattern>,
    /// Crews that take turns.
    pub crews: Vec<Crew>,
    /// Local time minus UTC.
    pub utc_offset_s: i64,
}

/// One shift of a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShiftPattern {
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Seconds after local midnight.
    pub starts_at: u32,
    /// Seconds.
    pub length_s: u32,
}

/// Accounts that stand a watch together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Crew {
    /// 带班领导.
    pub leader: String,
    /// 主班.
    pub main: String,
    /// 副班.
    pub deputies: Vec<String>,
    /// 备勤.
    pub standby: Vec<String>,
}

/// A duty to hold drills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillObligation {
    /// Party id.
    pub party: String,
    /// Days between drills.
    pub every_d: f64,
    /// Where it comes from.
    pub source: String,
    /// As in [`ProfileValue`].
    pub confidence: Name,
    /// The article.
    pub article: String,
}

impl WorkSettings {
    /// A number of the profile, from the file or built in; none if nobody knows the key.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.profile.get(key).map(|v| v.value).or_else(|| profile::built_in(key).map(|v| v.value))
    }

    /// A number with its origin, from the file or built in.
    pub fn origin(&self, key: &str) -> Option<ProfileValue> {
        self.profile.get(key).cloned().or_else(|| profile::built_in(key).map(Into::into))
    }

    /// A party by its id.
    pub fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|p| p.id == id)
    }

    /// A plan card by its id.
    pub fn plan(&self, id: &str) -> Option<&PlanCard> {
        self.plans.iter().find(|p| p.id == id)
    }

    /// Whether a party is the hall or under it. A tree that is not one ends after as many steps as there are parties.
    pub fn commands(&self, id: &str) -> bool {
        let mut at = self.party(id);
        for _ in 0..=self.parties.len() {
            match at {
                Some(p) if self.hall.is_empty() || p.id == self.hall => return true,
                Some(p) => at = p.superior.as_deref().and_then(|s| self.party(s)),
                None => return false,
            }
        }
        false
    }
}
