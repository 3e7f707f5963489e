//! An order as it is shown.

use model::Time;
use response::Order;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ActorView;

/// One step in an order's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// State reached.
    #[schema(value_type = String)]
    pub state: response::OrderState,
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    /// By whom.
    pub by: ActorView,
    /// Reason or feedback.
    pub note: String,
}

/// An order to one receiver. Times are microseconds since the epoch, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// `O-000123`.
    pub order_id: String,
    /// Stream number of its last change; commands carry it back.
    pub seq: u64,
    /// The alarm it answers.
    pub alarm_id: Option<String>,
    /// Receiver id.
    pub receiver: String,
    /// Receiver as shown.
    pub receiver_name: String,
    /// What is ordered.
    pub content: String,
    /// Where.
    pub place: String,
    /// 1 to 5.
    pub priority: u8,
    /// `issued`, `delivered`, `acknowledged`, `rejected`, `in_progress`, `done`, `closed`, `revoked`.
    #[schema(value_type = String)]
    pub state: response::OrderState,
    /// Who issued it.
    pub issuer: ActorView,
    /// When it must be acknowledged.
    pub ack_due: i64,
    /// The acknowledgement is overdue.
    pub overdue: bool,
    /// Its life so far.
    pub receipts: Vec<ReceiptView>,
}

impl From<&Order> for OrderView {
    fn from(o: &Order) -> Self {
        let us = |t: Time| t.0;
        Self {
            order_id: o.order_id.to_string(),
            seq: o.seq,
            alarm_id: o.alarm.map(|n| alarm::AlarmId(n).to_string()),
            receiver: o.receiver.clone(),
            receiver_name: o.receiver_name.clone(),
            content: o.content.clone(),
            place: o.place.clone(),
            priority: o.priority.into(),
            state: o.state,
            issuer: (&o.issuer).into(),
            ack_due: us(o.ack_due),
            overdue: o.overdue,
            receipts: o
                .receipts
                .iter()
                .map(|r| ReceiptView { state: r.state, at: us(r.at), by: (&r.by).into(), note: r.note.clone() })
                .collect(),
        }
    }
}
