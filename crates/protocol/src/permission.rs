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
    /// Keep the watch: log, shifts, hand-over, roll-call.
    #[serde(rename = "watch.keep")]
    WatchKeep,
    /// Make rosters, decide swaps.
    #[serde(rename = "roster.manage")]
    RosterManage,
    /// Write into the ledger of hidden dangers and lessons.
    #[serde(rename = "ledger.write")]
    LedgerWrite,
    /// Grade, approve extensions, close and archive in the ledger.
    #[serde(rename = "ledger.approve")]
    LedgerApprove,
    /// Report an incident and write into it.
    #[serde(rename = "incident.report")]
    IncidentReport,
    /// Activate, adjust and end a response; close and archive an incident.
    #[serde(rename = "incident.command")]
    IncidentCommand,
    /// Plan and run drills.
    #[serde(rename = "drill.run")]
    DrillRun,
    /// Give a receiver a personal link to the field page.
    #[serde(rename = "field.link")]
    FieldLink,
    /// Add photos and papers.
    #[serde(rename = "attachment.write")]
    AttachmentWrite,
    /// Take a tag out of service.
    #[serde(rename = "tag.service")]
    TagService,
    /// Read the audit chain.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// Put a rule revision into force.
    #[serde(rename = "rules.reload")]
    RulesReload,
    /// Accounts and machine tokens.
    #[serde(rename = "accounts.manage")]
    AccountsManage,
    /// Read alarms, tags, history, orders, the ledger.
    #[serde(rename = "site.read")]
    SiteRead,
    /// Read what is sent to one's own party.
    #[serde(rename = "field.read")]
    FieldRead,
}

use Permission as P;

const DUTY_OFFICER: &[P] = &[
    P::AlarmAcknowledge,
    P::AlarmShelve,
    P::AlarmComment,
    P::OrderIssue,
    P::OrderAct,
    P::WatchKeep,
    P::LedgerWrite,
    P::IncidentReport,
    P::FieldLink,
    P::AttachmentWrite,
    P::SiteRead,
];
const SHIFT_LEAD: &[P] = &[
    P::AlarmAcknowledge,
    P::AlarmShelve,
    P::AlarmShelveUrgent,
    P::AlarmComment,
    P::AlarmReset,
    P::OrderIssue,
    P::OrderAct,
    P::WatchKeep,
    P::RosterManage,
    P::LedgerWrite,
    P::LedgerApprove,
    P::IncidentReport,
    P::IncidentCommand,
    P::DrillRun,
    P::FieldLink,
    P::AttachmentWrite,
    P::TagService,
    P::AuditRead,
    P::SiteRead,
];
const COMMANDER: &[P] = &[
    P::AlarmAcknowledge,
    P::AlarmComment,
    P::OrderIssue,
    P::OrderAct,
    P::WatchKeep,
    P::LedgerWrite,
    P::LedgerApprove,
    P::IncidentReport,
    P::IncidentCommand,
    P::DrillRun,
    P::FieldLink,
    P::AttachmentWrite,
    P::AuditRead,
    P::SiteRead,
];
const ADMINISTRATOR: &[P] = &[P::RosterManage, P::AuditRead, P::RulesReload, P::AccountsManage, P::SiteRead];
const READ_ONLY: &[P] = &[P::SiteRead];
const FIELD: &[P] = &[P::OrderAct, P::AttachmentWrite, P::FieldRead];

/// All that a role may do.
pub const fn permissions(role: Role) -> &'static [Permission] {
    match role {
        Role::DutyOfficer => DUTY_OFFICER,
        Role::ShiftLead => SHIFT_LEAD,
        Role::Commander => COMMANDER,
        Role::Administrator => ADMINISTRATOR,
        Role::ReadOnly => READ_ONLY,
        Role::Field => FIELD,
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
