//! One fact of the engine as the journal stores it, and the state row it changes.

use alarm::{AlarmId, Cause, State};
use engine::{Fact, FactBody};
use model::{Priority, TagIndex, Time};
use response::{OrderEvent, OrderState};

use crate::WorkColumns;

/// What a fact is about, with the columns of the state row it upserts. Numbers only where they can be.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

impl Subject<'_> {
    /// The number stored in `events.kind`.
    pub(crate) fn kind(&self) -> i64 {
        match self {
            Self::Alarm { .. } => 1,
            Self::Work(work) => work.kind_number(),
            Self::Notice => 3,
        }
    }

    /// The number stored in `events.subject`.
    pub(crate) fn id(&self) -> i64 {
        match self {
            Self::Alarm { id, .. } => id.0 as i64,
            Self::Work(work) => work.number as i64,
            Self::Notice => 0,
        }
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alarm { id, .. } => id.fmt(f),
            Self::Work(work) => f.write_str(work.id),
            Self::Notice => Ok(()),
        }
    }
}

/// One fact to commit.
#[derive(Clone, Debug)]
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
    pub action: &'a str,
    /// Topic of an outbox row to write with it, if somebody outside must be told.
    pub outbox_topic: Option<&'a str>,
}

impl<'a> FactRow<'a> {
    /// The row of a fact of the engine. `action` and `outbox_topic` may be set afterwards.
    pub fn of(fact: &'a Fact, json: &'a str) -> Self {
        let (subject, account, action) = match &fact.body {
            FactBody::Alarm(transition) => {
                let account = transition.actor.as_ref().map_or("system", |a| a.account.as_str());
                (alarm_subject(&transition.alarm), account, alarm_action(transition.cause))
            }
            FactBody::Order(event) => (order_subject(&event.order), event.actor.account.as_str(), order_action(event)),
            FactBody::Notice(_) => (Subject::Notice, "system", "notice"),
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

fn order_subject(order: &response::Order) -> Subject<'_> {
    // A rejected order still waits for somebody to close it.
    let ended = matches!(order.state, OrderState::Closed | OrderState::Revoked);
    Subject::Work(WorkColumns {
        kind: "order",
        number: order.order_id.0,
        ended,
        receiver: &order.receiver,
        title: &order.content,
        due: Some(order.ack_due),
        overdue: order.overdue,
        ..WorkColumns::default()
    })
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

fn order_action(event: &OrderEvent) -> &'static str {
    if event.overdue {
        return "order.overdue";
    }
    match event.order.state {
        OrderState::Issued => "order.issued",
        OrderState::Delivered => "order.delivered",
        OrderState::Acknowledged => "order.acknowledged",
        OrderState::Rejected => "order.rejected",
        OrderState::InProgress => "order.in_progress",
        OrderState::Done => "order.done",
        OrderState::Closed => "order.closed",
        OrderState::Revoked => "order.revoked",
    }
}
