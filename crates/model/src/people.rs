//! Who acts: people, machines, and the hall itself.

use serde::{Deserialize, Serialize};

/// A role of the hall. What each may do is one table, in `protocol::permission`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 值班员.
    DutyOfficer,
    /// 值班长.
    ShiftLead,
    /// 指挥长.
    Commander,
    /// 管理员: accounts and settings, no alarm actions.
    Administrator,
    /// 只读: walls and visitors.
    ReadOnly,
    /// 现场: a receiver of orders, by personal link; sees and acts on the orders of one party only.
    Field,
}

/// Who did something; written into every event and audit row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Account name, or `system`.
    pub account: String,
    /// The person's name as shown.
    pub name: String,
}

impl Actor {
    /// The hall itself: timers, escalation, retirement.
    pub fn system() -> Self {
        Self { account: "system".into(), name: "系统".into() }
    }
}
