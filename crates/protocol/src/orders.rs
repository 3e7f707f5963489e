//! An order as it is shown.

use model::Time;
use response::{Entry, Item, PRIORITIES};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ActorView, AttachmentView, EntryView};

/// One step in an order's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// State reached.
    pub state: String,
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    /// By whom.
    pub by: ActorView,
    /// Reason or feedback.
    pub note: String,
}

/// What a receiver reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackView {
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    /// By whom.
    pub by: ActorView,
    /// What they say.
    pub text: String,
    /// Progress in percent.
    pub percent: Option<f64>,
    /// Where, as sent.
    #[schema(value_type = Option<Object>)]
    pub position: Option<serde_json::Value>,
    /// Photos and papers.
    pub attachments: Vec<AttachmentView>,
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
    /// A state of the order flow: `issued`, `delivered`, `acknowledged`, …, `closed`, `revoked`, `reassigned`.
    pub state: String,
    /// Who issued it.
    pub issuer: ActorView,
    /// When it must be acknowledged.
    pub ack_due: i64,
    /// The acknowledgement is overdue.
    pub overdue: bool,
    /// Its life so far; in a frame the step that it tells, if that is a receipt.
    pub receipts: Vec<ReceiptView>,
    /// The incident it belongs to.
    pub incident_id: Option<String>,
    /// `team`, `unit`, `person`, `enterprise`, `town`, or empty; set where the settings are at hand.
    #[serde(default)]
    pub receiver_kind: String,
    /// `standby`, `en_route`, `on_scene`, `working`, `returned`, or empty.
    pub team_state: String,
    /// When it must be complete.
    pub complete_due: Option<i64>,
    /// What the receiver reported, oldest first; in a frame the report that it tells.
    pub feedback: Vec<FeedbackView>,
}

/// Issue an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct OrderBody {
    /// The alarm it answers.
    #[serde(default)]
    pub alarm_id: Option<String>,
    /// The newest `seq` of this alarm and its orders that the person saw: if somebody dispatched since, the answer
    /// is `VERSION_CONFLICT` with who did.
    #[serde(default)]
    pub alarm_seq: Option<u64>,
    /// Receiver: the id of a party; or several in `receivers`.
    #[serde(default)]
    pub receiver: String,
    /// Receivers: each gets an order of its own.
    #[serde(default)]
    pub receivers: Vec<String>,
    /// The incident it belongs to.
    #[serde(default)]
    pub incident_id: Option<String>,
    /// Seconds between reports of the receiver; the profile's by default.
    #[serde(default)]
    pub feedback_every_s: Option<f64>,
    /// Seconds until it must be complete; the profile's by default.
    #[serde(default)]
    pub complete_within_s: Option<f64>,
    /// What is ordered.
    #[serde(default)]
    pub content: String,
    /// Where.
    #[serde(default)]
    pub place: String,
    /// 1 to 5.
    pub priority: u8,
    /// Seconds within which it must be acknowledged, 10 to 86400; the profile's by default.
    #[serde(default)]
    pub ack_within_s: Option<f64>,
}

/// Act on an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct OrderActBody {
    /// `seq` of the order as you saw it.
    pub seq: u64,
    /// Reason or feedback.
    #[serde(default)]
    pub note: String,
    /// Values by field name: `percent`, `feedback_position`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Ids of attachments.
    #[serde(default)]
    pub attachments: Vec<String>,
}

/// Orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrdersView {
    /// Stream number this list is true for.
    pub seq: u64,
    /// Orders.
    pub orders: Vec<OrderView>,
}

impl From<&Item> for OrderView {
    fn from(o: &Item) -> Self {
        Self::with_steps(o, &o.log)
    }
}

impl OrderView {
    /// As a frame tells it: with its newest step alone.
    pub(crate) fn told(o: &Item) -> Self {
        Self::with_steps(o, o.log.last().map_or(&[], std::slice::from_ref))
    }

    /// The order of a frame with its whole life.
    #[must_use]
    pub fn with_life(mut self, life: &[EntryView]) -> Self {
        let receipts = life.iter().filter(|e| is_receipt(&e.from, &e.to, &e.note));
        self.receipts = receipts.map(ReceiptView::from).collect();
        self.feedback = life.iter().filter(|e| e.action == "feedback").map(FeedbackView::from).collect();
        self
    }

    fn with_steps(o: &Item, log: &[Entry]) -> Self {
        let life: Vec<EntryView> = log.iter().map(EntryView::from).collect();
        Self::bare(o).with_life(&life)
    }

    fn bare(o: &Item) -> Self {
        let text = |field: &str| o.text(field).to_owned();
        let alarm = o.linked("alarm").next().map(str::to_owned);
        Self {
            order_id: o.id.to_string(),
            seq: o.seq,
            alarm_id: alarm,
            receiver: o.receiver.clone().unwrap_or_default(),
            receiver_name: text("receiver_name"),
            content: text("content"),
            place: text("place"),
            priority: PRIORITIES.iter().position(|p| *p == o.text("priority")).map_or(3, |i| i as u8 + 1),
            state: o.state.to_string(),
            issuer: (&o.created_by).into(),
            ack_due: ack_due(o).0,
            overdue: o.overdue(),
            receipts: Vec::new(),
            incident_id: o.linked("incident").next().map(str::to_owned),
            receiver_kind: String::new(),
            team_state: text("team_state"),
            complete_due: o.deadline("complete").map(|d| d.at.0).or_else(|| o.time("complete_due").map(|t| t.0)),
            feedback: Vec::new(),
        }
    }
}

/// The running deadline, or after it ended what was asked for.
fn ack_due(o: &Item) -> Time {
    let given = || o.time("ack_due").or_else(|| o.number("ack_within_s").map(|s| o.created_at.plus_s(s)));
    o.deadline("ack").map(|d| d.at).or_else(given).unwrap_or(o.created_at)
}

/// Reminders are no receipts: the receiver said nothing.
fn is_receipt(from: &str, to: &str, note: &str) -> bool {
    from != to || !note.is_empty()
}

impl From<&EntryView> for ReceiptView {
    fn from(e: &EntryView) -> Self {
        Self { state: e.to.clone(), at: e.at, by: e.by.clone(), note: e.note.clone() }
    }
}

impl From<&EntryView> for FeedbackView {
    fn from(e: &EntryView) -> Self {
        Self {
            at: e.at,
            by: e.by.clone(),
            text: e.note.clone(),
            percent: e.fields.get("percent").and_then(serde_json::Value::as_f64),
            position: e.fields.get("feedback_position").cloned(),
            attachments: e.attachments.clone(),
        }
    }
}
