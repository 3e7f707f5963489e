//! What enters the engine: one closed enum. Time is an argument of `step`, never read.

use std::sync::Arc;

use alarm::{AlarmId, RuleSet};
use model::{Actor, GatewayIndex, Reading, Time};
use serde::{Deserialize, Serialize};

/// The only ways state can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A reading.
    Reading(Reading),
    /// A person or a machine did something.
    Operator(Command),
    /// A gateway, subscription or the platform's own link changed.
    Link(LinkChange),
    /// A new immutable revision comes into force.
    Rules(Arc<RuleSet>, Actor),
    /// The program was down between these times.
    Restarted {
        /// Last time the journal heard of the old process.
        down_at: Time,
        /// When the new one opened its doors.
        up_at: Time,
    },
    /// Time passed.
    Tick,
    /// Settings of the work systems come into force.
    Work(Arc<response::WorkSettings>, Actor),
    /// A reading injected by a drill: only the drills' own engine sees it.
    Exercise(Reading),
}

/// A link came up or went down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkChange {
    /// What changed.
    pub scope: LinkScope,
    /// Up or down.
    pub up: bool,
    /// Why, for people: `will`, `keep-alive`, `closed`, `broker connection refused`.
    pub reason: String,
}

/// What a link event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LinkScope {
    /// One gateway (an MQTT client), of this enterprise.
    Gateway(GatewayIndex, Arc<str>),
    /// Our own connection to a foreign broker: while it is down no tag behind it goes stale.
    Broker(Arc<str>),
    /// The journal's disk: while it does not answer, alarms are told provisionally and nothing is acknowledged.
    Journal,
}

/// One command with its idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Who.
    pub actor: Actor,
    /// Idempotency key given by the client, or made by the API; a repeat gets the first answer again.
    pub key: String,
    /// What.
    pub kind: CommandKind,
}

/// What can be commanded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandKind {
    /// On one alarm; `seq` is what the person saw.
    Alarm {
        /// Which episode.
        alarm: AlarmId,
        /// Its `seq` as the person saw it.
        seq: u64,
        /// What to do.
        action: AlarmAction,
    },
    /// Take a whole tag out of service under a permit, or return it.
    Service {
        /// Enterprise id.
        enterprise: String,
        /// Tag name.
        tag: String,
        /// Permit number and end; none: return to service.
        out_of_service: Option<(String, Time)>,
        /// Why.
        reason: String,
    },
    /// Work systems: orders, hidden dangers, incidents, the watch, drills.
    Work(response::WorkCommand),
}

/// What a person can do to an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AlarmAction {
    /// Acknowledge; a note is mandatory for priorities I and II.
    Acknowledge {
        /// Note.
        note: String,
    },
    /// Take an acknowledgement back (alerta#1687).
    Unacknowledge {
        /// Why.
        reason: String,
    },
    /// Shelve for a time, or (none) one-shot.
    Shelve {
        /// Seconds.
        for_s: Option<f64>,
        /// Why.
        reason: String,
    },
    /// End a shelving.
    Unshelve {
        /// Why.
        reason: String,
    },
    /// Reset a latched alarm.
    Reset {
        /// Why.
        reason: String,
    },
    /// Write a comment.
    Comment {
        /// Text.
        text: String,
    },
}
