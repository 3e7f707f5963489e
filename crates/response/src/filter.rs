//! Which items a list, a count or an export is about.

use crate::{ItemId, Kind};

/// Which items; empty or none: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkFilter {
    /// Kind.
    pub kind: Option<Kind>,
    /// State.
    pub state: String,
    /// Not ended (true) or ended (false).
    pub open: Option<bool>,
    /// `real` or `exercise`.
    pub provenance: String,
    /// Enterprise id.
    pub enterprise: String,
    /// Town.
    pub town: String,
    /// Industry.
    pub industry: String,
    /// Grade.
    pub grade: String,
    /// Source.
    pub source: String,
    /// Category.
    pub category: String,
    /// Receiver, a party id.
    pub receiver: String,
    /// Account or party now responsible.
    pub owner: String,
    /// The item it belongs to.
    pub parent: String,
    /// The alarm it answers.
    pub alarm: String,
    /// A deadline passed (true), or none did (false).
    pub overdue: Option<bool>,
    /// Part of the title.
    pub text: String,
    /// Only items made before this one: the paging cursor.
    pub before: Option<ItemId>,
    /// How many at most.
    pub limit: u64,
}
