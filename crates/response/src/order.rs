//! One order to one receiver: issued, delivered, acknowledged or rejected, done, closed, or revoked.
//! Transitions are a table; an action the table does not have changes nothing.

use std::collections::BTreeMap;

use model::{Actor, Priority, Time};
use serde::{Deserialize, Serialize};

/// Dense, never reused; shown as `O-000123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

impl std::fmt::Display for OrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "O-{:06}", self.0)
    }
}

impl std::str::FromStr for OrderId {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        s.strip_prefix("O-").and_then(|n| n.parse().ok()).map(Self).ok_or(())
    }
}

/// 下达 → 送达 → 签收 | 拒收 → 执行 → 完成 → 销单, or 撤销.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// 下达: committed, on its way.
    Issued,
    /// 送达: the receiver's side has it.
    Delivered,
    /// 签收: a person there took it.
    Acknowledged,
    /// 拒收, with a reason.
    Rejected,
    /// 执行.
    InProgress,
    /// 完成.
    Done,
    /// 销单.
    Closed,
    /// 撤销.
    Revoked,
}

/// What a person does to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// Has arrived at the receiver.
    Deliver,
    /// The receiver takes it.
    Acknowledge,
    /// The receiver refuses it; a reason is mandatory.
    Reject,
    /// Work has begun.
    Start,
    /// Work is done.
    Complete,
    /// The hall closes it.
    Close,
    /// The hall takes it back; a reason is mandatory.
    Revoke,
}

/// A command about orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OrderCommand {
    /// Issue an order.
    Issue {
        /// The alarm it answers, by number.
        alarm: Option<u64>,
        /// Newest stream number about this alarm and its orders that the person saw; none: not compared.
        seen: Option<u64>,
        /// Receiver: a team's id.
        receiver: String,
        /// Receiver as shown.
        receiver_name: String,
        /// What is ordered.
        content: String,
        /// Where.
        place: String,
        /// Priority, usually the alarm's.
        priority: Priority,
        /// Seconds within which the receiver must acknowledge.
        ack_within_s: f64,
    },
    /// Act on an order; `seq` is what the person saw.
    Act {
        /// Which.
        order: OrderId,
        /// Its `seq` as seen.
        seq: u64,
        /// What.
        action: OrderAction,
        /// Reason or feedback.
        note: String,
    },
}

/// One step in an order's life, for the receipt column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// State reached.
    pub state: OrderState,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Actor,
    /// Reason or feedback.
    pub note: String,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Which.
    pub order_id: OrderId,
    /// Stream number of its last change.
    pub seq: u64,
    /// The alarm it answers, by number.
    pub alarm: Option<u64>,
    /// Receiver id.
    pub receiver: String,
    /// Receiver as shown.
    pub receiver_name: String,
    /// What is ordered.
    pub content: String,
    /// Where.
    pub place: String,
    /// Priority.
    pub priority: Priority,
    /// State.
    pub state: OrderState,
    /// Who issued it.
    pub issuer: Actor,
    /// When it must be acknowledged; overdue colouring derives from this only.
    pub ack_due: Time,
    /// Whether the acknowledgement is overdue and that was told.
    pub overdue: bool,
    /// Its life so far.
    pub receipts: Vec<Receipt>,
}

/// An order changed, or its deadline passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// The order after the change.
    pub order: Order,
    /// State before; none: just issued.
    pub from: Option<OrderState>,
    /// Told because it is overdue.
    pub overdue: bool,
    /// Who.
    pub actor: Actor,
}

/// Why an order command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// No such order.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// Somebody was faster.
    #[error("order {id} changed: you saw seq {seen}, it is {current}")]
    VersionConflict {
        /// Which.
        id: OrderId,
        /// Seq seen.
        seen: u64,
        /// Seq now.
        current: u64,
        /// By whom.
        by: String,
    },
    /// The table has no such edge.
    #[error("order {order} is {state:?}")]
    State {
        /// Which.
        order: OrderId,
        /// Its state.
        state: OrderState,
    },
    /// A required text is empty.
    #[error("{0} is required")]
    FieldRequired(&'static str),
}

/// All orders that are not closed, and the next number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderBook {
    next: u64,
    open: BTreeMap<OrderId, Order>,
}

/// The table: which action leads where. Everything else is refused.
const fn next_state(state: OrderState, action: OrderAction) -> Option<OrderState> {
    use OrderAction as A;
    use OrderState as S;
    Some(match (state, action) {
        (S::Issued, A::Deliver) => S::Delivered,
        (S::Issued | S::Delivered, A::Acknowledge) => S::Acknowledged,
        (S::Issued | S::Delivered, A::Reject) => S::Rejected,
        (S::Acknowledged, A::Start) => S::InProgress,
        (S::Acknowledged | S::InProgress, A::Complete) => S::Done,
        (S::Done | S::Rejected, A::Close) => S::Closed,
        (S::Issued | S::Delivered | S::Acknowledged | S::InProgress, A::Revoke) => S::Revoked,
        _ => return None,
    })
}

impl OrderBook {
    /// Carries out a command. `seq` is the stream number its fact will have.
    ///
    /// # Errors
    /// The refusal; nothing changed.
    pub fn command(
        &mut self,
        now: Time,
        seq: u64,
        actor: &Actor,
        command: &OrderCommand,
    ) -> Result<OrderEvent, OrderRefusal> {
        match command {
            OrderCommand::Issue { .. } => self.issue(now, seq, actor, command),
            OrderCommand::Act { order, seq: seen, action, note } => {
                let step = Step { now, seq, seen: *seen, action: *action };
                self.act(*order, step, actor, note)
            }
        }
    }

    fn issue(
        &mut self,
        now: Time,
        seq: u64,
        actor: &Actor,
        command: &OrderCommand,
    ) -> Result<OrderEvent, OrderRefusal> {
        let OrderCommand::Issue { alarm, seen, receiver, receiver_name, content, place, priority, ack_within_s } =
            command
        else {
            return Err(OrderRefusal::FieldRequired("order"));
        };
        self.check_alone(*alarm, *seen)?;
        for (text, field) in [(receiver, "receiver"), (content, "content")] {
            if text.trim().is_empty() {
                return Err(OrderRefusal::FieldRequired(field));
            }
        }
        self.next += 1;
        let order = Order {
            order_id: OrderId(self.next),
            seq,
            alarm: *alarm,
            receiver: receiver.clone(),
            receiver_name: receiver_name.clone(),
            content: content.clone(),
            place: place.clone(),
            priority: *priority,
            state: OrderState::Issued,
            issuer: actor.clone(),
            ack_due: now.plus_s(*ack_within_s),
            overdue: false,
            receipts: vec![Receipt { state: OrderState::Issued, at: now, by: actor.clone(), note: String::new() }],
        };
        self.open.insert(order.order_id, order.clone());
        Ok(OrderEvent { order, from: None, overdue: false, actor: actor.clone() })
    }

    /// Two people dispatch for one alarm at once: the second must see the first one's order before sending more.
    fn check_alone(&self, alarm: Option<u64>, seen: Option<u64>) -> Result<(), OrderRefusal> {
        let (Some(alarm), Some(seen)) = (alarm, seen) else { return Ok(()) };
        let newer = self.open.values().rev().find(|o| o.alarm == Some(alarm) && o.seq > seen);
        newer.map_or(Ok(()), |o| {
            let by = o.issuer.name.clone();
            Err(OrderRefusal::VersionConflict { id: o.order_id, seen, current: o.seq, by })
        })
    }

    fn act(&mut self, id: OrderId, step: Step, actor: &Actor, note: &str) -> Result<OrderEvent, OrderRefusal> {
        let order = self.open.get_mut(&id).ok_or(OrderRefusal::NotFound(id))?;
        if order.seq != step.seen {
            let by = order.receipts.last().map_or_else(String::new, |r| r.by.name.clone());
            return Err(OrderRefusal::VersionConflict { id, seen: step.seen, current: order.seq, by });
        }
        let Some(to) = next_state(order.state, step.action) else {
            return Err(OrderRefusal::State { order: id, state: order.state });
        };
        if matches!(step.action, OrderAction::Reject | OrderAction::Revoke) && note.trim().is_empty() {
            return Err(OrderRefusal::FieldRequired("note"));
        }
        let from = std::mem::replace(&mut order.state, to);
        order.seq = step.seq;
        order.receipts.push(Receipt { state: to, at: step.now, by: actor.clone(), note: note.to_owned() });
        let order = order.clone();
        if matches!(to, OrderState::Closed | OrderState::Revoked) {
            self.open.remove(&id);
        }
        Ok(OrderEvent { order, from: Some(from), overdue: false, actor: actor.clone() })
    }

    /// The first order whose acknowledgement is due by `now` and was not told yet.
    pub fn overdue(&mut self, now: Time, seq: u64) -> Option<OrderEvent> {
        let order = self.open.values_mut().find(|o| waits(o) && o.ack_due <= now)?;
        order.overdue = true;
        order.seq = seq;
        Some(OrderEvent { from: Some(order.state), order: order.clone(), overdue: true, actor: Actor::system() })
    }

    /// When the next deadline falls.
    pub fn next_deadline(&self) -> Option<Time> {
        self.open.values().filter(|o| waits(o)).map(|o| o.ack_due).min()
    }

    /// Orders that are not closed.
    pub fn open(&self) -> impl Iterator<Item = &Order> {
        self.open.values()
    }
}

struct Step {
    now: Time,
    seq: u64,
    seen: u64,
    action: OrderAction,
}

const fn waits(order: &Order) -> bool {
    !order.overdue && matches!(order.state, OrderState::Issued | OrderState::Delivered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [OrderAction; 7] = [
        OrderAction::Deliver,
        OrderAction::Acknowledge,
        OrderAction::Reject,
        OrderAction::Start,
        OrderAction::Complete,
        OrderAction::Close,
        OrderAction::Revoke,
    ];

    fn to_issue(seen: Option<u64>) -> OrderCommand {
        OrderCommand::Issue {
            alarm: Some(7),
            seen,
            receiver: "brigade-1".into(),
            receiver_name: "一中队".into(),
            content: "到场处置氨泄漏".into(),
            place: "3 号罐区".into(),
            priority: Priority::I,
            ack_within_s: 60.0,
        }
    }

    fn issue(book: &mut OrderBook) -> Order {
        book.command(Time::from_secs(0), 1, &Actor::system(), &to_issue(None)).unwrap().order
    }

    /// Each letter is an action of [`ACTIONS`] by its first letters; the result is the last state or "refused".
    #[track_caller]
    fn check(actions: &str, expected: OrderState) {
        let mut book = OrderBook::default();
        let mut order = issue(&mut book);
        for (i, c) in actions.chars().enumerate() {
            let action = ACTIONS["daRscCv".find(c).unwrap()];
            let command = OrderCommand::Act { order: order.order_id, seq: order.seq, action, note: "因故".into() };
            order = book.command(Time::from_secs(i as i64), 2 + i as u64, &Actor::system(), &command).unwrap().order;
        }
        assert_eq!(order.state, expected, "actions {actions}");
    }

    #[test]
    fn normal_life() {
        check("dascC", OrderState::Closed);
    }

    #[test]
    fn acknowledged_before_the_delivery_mark() {
        check("ac", OrderState::Done);
    }

    #[test]
    fn rejected_and_closed() {
        check("dRC", OrderState::Closed);
    }

    #[test]
    fn revoked_while_under_way() {
        check("dasv", OrderState::Revoked);
    }

    #[test]
    fn every_pair_the_table_lacks_is_refused_and_changes_nothing() {
        for action in ACTIONS {
            let mut book = OrderBook::default();
            let order = issue(&mut book);
            let before = book.clone();
            let command = OrderCommand::Act { order: order.order_id, seq: order.seq, action, note: "因故".into() };
            let result = book.command(Time::from_secs(1), 2, &Actor::system(), &command);
            assert_eq!(result.is_ok(), next_state(OrderState::Issued, action).is_some());
            if result.is_err() {
                assert_eq!(book, before);
            }
        }
    }

    #[test]
    fn two_officers_at_once_the_second_gets_a_version_conflict() {
        let mut book = OrderBook::default();
        let order = issue(&mut book);
        let act = |action| OrderCommand::Act { order: order.order_id, seq: order.seq, action, note: String::new() };
        book.command(Time::from_secs(1), 2, &Actor::system(), &act(OrderAction::Acknowledge)).unwrap();
        let second = book.command(Time::from_secs(1), 3, &Actor::system(), &act(OrderAction::Deliver));
        assert!(matches!(second, Err(OrderRefusal::VersionConflict { seen: 1, current: 2, .. })));
    }

    #[test]
    fn a_second_dispatch_for_the_same_alarm_must_have_seen_the_first() {
        let mut book = OrderBook::default();
        issue(&mut book);
        let blind = book.command(Time::from_secs(1), 2, &Actor::system(), &to_issue(Some(0)));
        assert!(matches!(blind, Err(OrderRefusal::VersionConflict { seen: 0, current: 1, .. })));
        assert!(book.command(Time::from_secs(1), 2, &Actor::system(), &to_issue(Some(1))).is_ok());
    }

    #[test]
    fn an_unanswered_order_is_told_once_when_due() {
        let mut book = OrderBook::default();
        issue(&mut book);
        assert_eq!(book.next_deadline(), Some(Time::from_secs(60)));
        assert!(book.overdue(Time::from_secs(59), 2).is_none());
        assert!(book.overdue(Time::from_secs(60), 2).is_some_and(|e| e.overdue));
        assert!(book.overdue(Time::from_secs(61), 3).is_none());
    }
}
