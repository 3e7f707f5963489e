//! What enters and leaves the kernel: commands, events, and what a command may need to know about alarms.

use model::{Actor, Priority, Time};
use serde::{Deserialize, Serialize};

use crate::{Attachment, Fields, Item, ItemId, Kind, Link, Name, Provenance};

/// Receivers, links and fields of one command at most; larger ones are refused.
pub const PARTS_MAX: usize = 500;

/// A command about items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkCommand {
    /// Create an item, or one for each receiver.
    Create {
        /// Which flow.
        kind: Kind,
        /// Its fields.
        fields: Fields,
        /// Its relations.
        links: Vec<Link>,
        /// Parties that must act.
        receivers: Vec<String>,
        /// Real or played.
        provenance: Provenance,
        /// Newest stream number about the linked alarm and its items that the person saw; none: not compared.
        seen: Option<u64>,
    },
    /// Act on an item; `seq` is what the person saw.
    Act {
        /// Which.
        item: ItemId,
        /// Its `seq` as seen.
        seq: u64,
        /// A word of its flow.
        action: Name,
        /// Fields given.
        fields: Fields,
        /// Reason or text.
        note: String,
        /// Files given.
        attachments: Vec<Attachment>,
    },
}

/// What the engine must look up before a command can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// These alarms, as written in links.
    Alarms(Vec<String>),
    /// Every open alarm and every dark source.
    OpenList,
}

impl WorkCommand {
    /// Whether it is about what is real or what is played.
    pub const fn provenance(&self) -> Provenance {
        match self {
            Self::Create { provenance, .. } => *provenance,
            Self::Act { item, .. } => item.provenance(),
        }
    }

    /// What it needs to know about alarms.
    pub fn asks(&self) -> Asks {
        match self {
            Self::Create { kind: Kind::Handover, .. } => Asks::OpenList,
            Self::Create { links, .. } => {
                let alarms: Vec<String> = links.iter().filter(|l| &*l.rel == "alarm").map(|l| l.to.clone()).collect();
                if alarms.is_empty() { Asks::Nothing } else { Asks::Alarms(alarms) }
            }
            Self::Act { item, action, .. } => match (item.kind, &**action) {
                (Kind::Handover, "refresh" | "complete") => Asks::OpenList,
                _ => Asks::Nothing,
            },
        }
    }
}

/// An open alarm, as far as work systems care.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRef {
    /// `A-000012`.
    pub id: String,
    /// `enterprise/tag`.
    pub tag: String,
    /// Enterprise id.
    pub enterprise: String,
    /// Text for people.
    pub title: String,
    /// Priority.
    pub priority: Priority,
    /// Shown state: `unacknowledged`, `shelved`, …
    pub state: Name,
    /// When it was raised.
    pub raised_at: Time,
    /// When a person first acted on it.
    pub acknowledged_at: Option<Time>,
    /// Who acknowledged it.
    pub owner: Option<String>,
    /// Worst value and its unit, for the evidence.
    pub evidence: String,
}

/// What the engine found out for a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Alarms asked for, as far as they are open.
    pub alarms: Vec<AlarmRef>,
    /// Enterprises whose data is stale or whose link is down.
    pub dark: Vec<DarkSource>,
}

/// An enterprise that the hall does not see, or not wholly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DarkSource {
    /// Which.
    pub enterprise: String,
    /// Its tags whose readings are overdue.
    pub stale: usize,
    /// A gateway of its is not connected.
    pub gateway_down: bool,
}

/// Why an item changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// A person's command.
    Command,
    /// A deadline was missed.
    Deadline {
        /// Which.
        name: Name,
        /// Which step of its ladder, from 1.
        rung: u8,
        /// When that step was due.
        due: Time,
    },
    /// Another item, or an alarm, changed.
    Consequence {
        /// `X-000001` or `A-000012`.
        of: String,
    },
}

/// An item changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkEvent {
    /// The item after the change; `item.seq` is this event's number.
    pub item: std::sync::Arc<Item>,
    /// State before; none: just created.
    pub from: Option<Name>,
    /// What was done; `create` for a new item.
    pub action: Name,
    /// Who.
    pub actor: Actor,
    /// Reason or text.
    pub note: String,
    /// Why.
    pub cause: Cause,
}

/// The account by which a party acts from the field page: only on its own items.
pub const PARTY_ACCOUNT: &str = "party:";

/// The party an account stands for, if it is a field account.
pub fn party_of(account: &str) -> Option<&str> {
    account.strip_prefix(PARTY_ACCOUNT)
}

/// What happened to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmNews {
    /// Raised, at this time by the deciding clock.
    Raised {
        /// Event time.
        at: Time,
        /// It may reopen a closed hidden danger: no diagnostic, not suppressed, not from the past.
        recurs: bool,
    },
    /// A person did something about it.
    Handled {
        /// Acknowledged it.
        acknowledged: bool,
    },
    /// Shelved, suppressed, taken out of service, or back from there, by the hall itself.
    Changed,
    /// Nothing left to do.
    Closed,
}
