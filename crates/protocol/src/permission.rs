//! Who may do what: one table, read by the API and shown to the console.

use model::{Priority, Role};
use serde::Serialize;
use utoipa::ToSchema;

/// Things that need permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum Permission {
    /// Acknowledge, take back.
    #[serde(rename = "alarm.acknowledge")]
    AlarmAcknowledge,
    /// Shelve priorities III and lower.
    #[serde(rename = "alarm.shelve")]
    AlarmShelve,
    /// Shelve priorities I and II.
    #[serde(rename = "alarm.shelve_urgent")]
    AlarmShelveUrgent,
    /// Comment.
    #[serde(rename = "alarm.comment")]
    AlarmComment,
    /// Reset a latched alarm.
    #[serde(rename = "alarm.reset")]
    AlarmReset,
    /// Issue an order.
    #[serde(rename = "order.issue")]
    OrderIssue,
    /// Record a receipt on an order.
    #[serde(rename = "order.act")]
    OrderAct,
    /// Take a tag out of service.
    #[serde(rename = "tag.service")]
    TagService,
    /// Read the audit chain.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// Put a rule revision into force.
    #[serde(rename = "rules.reload")]
    RulesReload,
    /// Read alarms, tags, history, orders.
    #[serde(rename = "site.read")]
    SiteRead,
}

use Permission as P;

const DUTY_OFFICER: &[P] =
    &[P::AlarmAcknowledge, P::AlarmShelve, P::AlarmComment, P::OrderIssue, P::OrderAct, P::SiteRead];
const SHIFT_LEAD: &[P] = &[
    P::AlarmAcknowledge,
    P::AlarmShelve,
    P::AlarmShelveUrgent,
    P::AlarmComment,
    P::AlarmReset,
    P::OrderIssue,
    P::OrderAct,
    P::TagService,
    P::AuditRead,
    P::SiteRead,
];
const COMMANDER: &[P] = &[P::AlarmAcknowledge, P::AlarmComment, P::OrderIssue, P::OrderAct, P::AuditRead, P::SiteRead];
const ADMINISTRATOR: &[P] = &[P::AuditRead, P::RulesReload, P::SiteRead];
const READ_ONLY: &[P] = &[P::SiteRead];

/// All that a role may do.
pub const fn permissions(role: Role) -> &'static [Permission] {
    match role {
        Role::DutyOfficer => DUTY_OFFICER,
        Role::ShiftLead => SHIFT_LEAD,
        Role::Commander => COMMANDER,
        Role::Administrator => ADMINISTRATOR,
        Role::ReadOnly => READ_ONLY,
    }
}

/// Whether a role may do a thing.
pub fn allowed(role: Role, permission: Permission) -> bool {
    permissions(role).contains(&permission)
}

impl Permission {
    /// What shelving an alarm of this priority needs.
    pub const fn to_shelve(priority: Priority) -> Self {
        match priority {
            Priority::I | Priority::II => Self::AlarmShelveUrgent,
            _ => Self::AlarmShelve,
        }
    }
}
