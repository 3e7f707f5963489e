//! Who may do what: one table, read by the API and shown to the console.

use model::{Priority, Role};
use response::{ActionSpec, By, Kind};
use serde::Serialize;
use utoipa::ToSchema;

/// Things that need permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum Permission {
    /// Acknowledge, take back.
    #[serde(rename = "alarm.acknowledge")]
    AlarmAcknowledge,
    /// Shelve priorities III and lower, and ask for priority I.
    #[serde(rename = "alarm.shelve")]
    AlarmShelve,
    /// Shelve priority II, and agree to priority I.
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
    /// Approve extensions, stop and resume work, summon, file a case and close in the ledger.
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
    /// Look through cameras, live and back in time.
    #[serde(rename = "video.view")]
    VideoView,
    /// Take a clip away.
    #[serde(rename = "video.export")]
    VideoExport,
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
    P::VideoView,
    P::VideoExport,
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
    P::VideoView,
    P::VideoExport,
    P::TagService,
    P::AuditRead,
    P::SiteRead,
];
const COMMANDER: &[P] = &[
    P::AlarmAcknowledge,
    P::AlarmShelve,
    P::AlarmShelveUrgent,
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
    P::VideoView,
    P::VideoExport,
    P::AuditRead,
    P::SiteRead,
];
const ADMINISTRATOR: &[P] = &[P::RosterManage, P::AuditRead, P::RulesReload, P::AccountsManage, P::SiteRead];
const READ_ONLY: &[P] = &[P::VideoView, P::SiteRead];
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
    /// What shelving an alarm of this priority needs. Of priority I the first person only asks (A4).
    pub const fn to_shelve(priority: Priority, asked_by_another: bool) -> Self {
        match (priority, asked_by_another) {
            (Priority::I, true) | (Priority::II, _) => Self::AlarmShelveUrgent,
            _ => Self::AlarmShelve,
        }
    }
}

/// What only those who approve may do in the ledger of hidden dangers.
const LEDGER_APPROVES: &[&str] =
    &["grade", "approve_extension", "refuse_extension", "close", "stop_work", "resume_work", "summon", "file_case"];
/// What only those in command may do in an incident.
const INCIDENT_COMMANDS: &[&str] =
    &["activate", "change_level", "extend", "appoint", "control", "terminate", "archive"];
/// What decides on a swap of shifts.
const SWAP_DECISIONS: &[&str] = &["approve", "refuse"];

impl Permission {
    /// What making an item of this kind needs.
    pub const fn to_create(kind: Kind) -> Self {
        match kind {
            Kind::Order => Self::OrderIssue,
            Kind::Shift => Self::RosterManage,
            Kind::Swap | Kind::Handover | Kind::RollCall | Kind::Call | Kind::Note | Kind::Vigilance => Self::WatchKeep,
            Kind::HiddenDanger | Kind::Lesson => Self::LedgerWrite,
            Kind::Incident => Self::IncidentReport,
            Kind::Drill => Self::DrillRun,
        }
    }

    /// What an action needs from staff of the hall. A party in the field needs [`Permission::OrderAct`] for any of its own,
    /// and the kernel lets it do only what a receiver does.
    pub fn to_act(kind: Kind, action: &ActionSpec) -> Self {
        match kind {
            Kind::Order if action.by != By::Hall => Self::OrderAct,
            Kind::HiddenDanger if LEDGER_APPROVES.contains(&action.name) => Self::LedgerApprove,
            Kind::Incident if INCIDENT_COMMANDS.contains(&action.name) => Self::IncidentCommand,
            Kind::Swap if SWAP_DECISIONS.contains(&action.name) => Self::RosterManage,
            // Rosters are made by few and stood by all.
            Kind::Shift if action.name != "cancel" => Self::WatchKeep,
            _ => Self::to_create(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use response::FLOWS;

    use super::*;

    const ROLES: [(char, Role); 6] = [
        ('d', Role::DutyOfficer),
        ('l', Role::ShiftLead),
        ('c', Role::Commander),
        ('a', Role::Administrator),
        ('r', Role::ReadOnly),
        ('f', Role::Field),
    ];

    /// Letters of the roles that may do it.
    fn who(permission: Permission) -> String {
        ROLES.iter().filter(|(_, role)| allowed(*role, permission)).map(|(letter, _)| letter).collect()
    }

    #[test]
    fn who_may_make_and_act() {
        for (kind, create) in [
            (Kind::Order, "dlc"),
            (Kind::Shift, "la"),
            (Kind::Swap, "dlc"),
            (Kind::HiddenDanger, "dlc"),
            (Kind::Incident, "dlc"),
            (Kind::Drill, "lc"),
            (Kind::Note, "dlc"),
        ] {
            assert_eq!(who(Permission::to_create(kind)), create, "{kind:?}");
        }
        for (kind, action, act) in [
            ("order", "arrive", "dlcf"),
            ("order", "deliver", "dlcf"),
            ("order", "revoke", "dlc"),
            ("hidden_danger", "close", "lc"),
            ("hidden_danger", "verify", "dlc"),
            ("hidden_danger", "grade", "lc"),
            ("incident", "activate", "lc"),
            ("incident", "pin", "dlc"),
            ("swap", "approve", "la"),
            ("shift", "take", "dlc"),
            ("shift", "cancel", "la"),
            ("roll_call", "begin", "dlc"),
            ("drill", "inject", "lc"),
            ("lesson", "assign", "dlc"),
        ] {
            let flow = FLOWS.iter().find(|f| f.kind.name() == kind).unwrap();
            assert_eq!(who(Permission::to_act(flow.kind, flow.action(action).unwrap())), act, "{kind} {action}");
        }
    }

    /// A word in the lists that no flow has would silently guard nothing.
    #[test]
    fn every_listed_action_is_in_its_flow() {
        let lists = [
            (Kind::HiddenDanger, LEDGER_APPROVES),
            (Kind::Incident, INCIDENT_COMMANDS),
            (Kind::Swap, SWAP_DECISIONS),
            (Kind::Shift, &["cancel"]),
        ];
        for (kind, names) in lists {
            for name in names {
                assert!(response::flow_of(kind).action(name).is_some(), "{} has no action {name}", kind.name());
            }
        }
    }
}
