//! One fact of the engine as the journal stores it, and the state row it changes.

use std::borrow::Cow;

use alarm::{AlarmId, Cause, State};
use engine::{Fact, FactBody};
use model::{Priority, TagIndex, Time};
use response::{WorkEvent, WorkSettings};
use serde::{Deserialize, Serialize};

use crate::WorkColumns;

/// What a fact is about, with the columns of the state row it upserts. Numbers only where they can be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Subject<'a> {
    /// An alarm after its transition.
    Alarm {
        /// Which episode.
        id: AlarmId,
        /// Nothing left to do.
        closed: bool,
        /// Primary tag.
        tag: TagIndex,
        /// Priority.
        priority: Priority,
        /// When the episode was raised.
        raised_at: Time,
        /// Enterprise id.
        enterprise: &'a str,
    },
    /// An item of the work systems after its change.
    Work(WorkColumns<'a>),
    /// A notice: no state row.
    Notice,
    /// What a drill played: no state row, so that no list of what is real can hold it.
    Exercise,
}

impl Subject<'_> {
    /// The number stored in `events.kind`.
    pub(crate) fn kind(&self) -> i64 {
        match self {
            Self::Alarm { .. } => 1,
            Self::Work(work) => crate::work::kind_number(work.id.kind),
            Self::Notice => 3,
            Self::Exercise => 15,
        }
    }

    /// The number stored in `events.subject`.
    pub(crate) fn id(&self) -> i64 {
        match self {
            Self::Alarm { id, .. } => id.0 as i64,
            Self::Work(work) => work.id.number as i64,
            Self::Notice | Self::Exercise => 0,
        }
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alarm { id, .. } => id.fmt(f),
            Self::Work(work) => work.id.fmt(f),
            Self::Notice | Self::Exercise => Ok(()),
        }
    }
}

/// One fact to commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactRow<'a> {
    /// Its number in the stream; gap-free.
    pub seq: u64,
    /// When the engine found out.
    pub at: Time,
    /// What it is about.
    pub subject: Subject<'a>,
    /// The WebSocket frame without `committed_at`, encoded once.
    pub json: &'a str,
    /// Account of who did it; `system` for the hall itself.
    pub account: &'a str,
    /// What was done, for the audit: `alarm.acknowledged`, `order.issued`.
    pub action: Cow<'a, str>,
    /// Topic of an outbox row to write with it, if somebody outside must be told.
    pub outbox_topic: Option<&'a str>,
}

impl<'a> FactRow<'a> {
    /// The row of a fact of the engine. `settings` say which town and industry a party belongs to. `outbox_topic` may be set
    /// afterwards.
    pub fn of(fact: &'a Fact, json: &'a str, settings: &'a WorkSettings) -> Self {
        let (subject, account, action) = match &fact.body {
            FactBody::Alarm(transition) => {
                let account = transition.actor.as_ref().map_or("system", |a| a.account.as_str());
                (alarm_subject(&transition.alarm), account, Cow::Borrowed(alarm_action(transition.cause)))
            }
            FactBody::Work(event) => {
                let subject = Subject::Work(WorkColumns::of(event, settings));
                (subject, event.actor.account.as_str(), Cow::Owned(work_action(event)))
            }
            FactBody::Notice(_) => (Subject::Notice, "system", Cow::Borrowed("notice")),
            FactBody::Exercise(body) => {
                let account = match &**body {
                    FactBody::Alarm(t) => t.actor.as_ref().map_or("system", |a| a.account.as_str()),
                    _ => "system",
                };
                (Subject::Exercise, account, Cow::Borrowed("exercise"))
            }
        };
        Self { seq: fact.seq, at: fact.at, subject, json, account, action, outbox_topic: None }
    }
}

fn alarm_subject(alarm: &alarm::AlarmRecord) -> Subject<'_> {
    Subject::Alarm {
        id: alarm.alarm_id,
        closed: alarm.state == State::Normal,
        tag: alarm.tag,
        priority: alarm.priority,
        raised_at: alarm.raised_at,
        enterprise: &alarm.enterprise,
    }
}

/// `order.issued`, `hidden_danger.closed`: what it became; `order.remind`: what was done, where it stays what it is.
fn work_action(event: &WorkEvent) -> String {
    let stays = event.from.as_ref() == Some(&event.item.state);
    let word = if stays { &event.action } else { &event.item.state };
    format!("{}.{word}", event.item.id.kind.name())
}

fn alarm_action(cause: Cause) -> &'static str {
    match cause {
        Cause::Raised => "alarm.raised",
        Cause::Bridged => "alarm.bridged",
        Cause::Recovered => "alarm.recovered",
        Cause::LevelChanged => "alarm.level_changed",
        Cause::Acknowledged => "alarm.acknowledged",
        Cause::Unacknowledged => "alarm.unacknowledged",
        Cause::Shelved => "alarm.shelved",
        Cause::Unshelved => "alarm.unshelved",
        Cause::ShelveRequested => "alarm.shelve_requested",
        Cause::ShelveExpired => "alarm.shelve_expired",
        Cause::Suppressed => "alarm.suppressed",
        Cause::Unsuppressed => "alarm.unsuppressed",
        Cause::OutOfService => "alarm.out_of_service",
        Cause::ReturnedToService => "alarm.returned_to_service",
        Cause::Reset => "alarm.reset",
        Cause::Commented => "alarm.commented",
        Cause::Escalated => "alarm.escalated",
        Cause::RuleEdited => "alarm.rule_edited",
        Cause::Retired => "alarm.retired",
        Cause::ChatterStarted => "alarm.chatter_started",
        Cause::ChatterEnded => "alarm.chatter_ended",
        Cause::DataLost => "alarm.data_lost",
        Cause::DataReturned => "alarm.data_returned",
        Cause::RetrospectiveExcursion => "alarm.retrospective_excursion",
        Cause::BranchOverflow => "alarm.branch_overflow",
    }
}
