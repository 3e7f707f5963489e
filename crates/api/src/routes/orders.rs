//! Orders by the shape that older clients know; the same items as under `/work`.

use axum::Json;
use axum::extract::{Path, State};
use engine::CommandKind;
use protocol::{DoneView, LinkView, OrderActBody, OrderBody, OrdersView, Permission, Problem, WorkActBody};
use response::{Fields, ItemId, Kind, PRIORITIES, Provenance, Value, WorkCommand};
use serde::Deserialize;
use utoipa::IntoParams;

use super::work::{do_action, links, parse_id};
use super::{Key, command, tables_have};
use crate::access::Caller;
use crate::deps::read;
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// Most orders in one answer.
const LIMIT: usize = 1_000;

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderParams {
    /// `open` (default) or `all`.
    state: Option<String>,
}

/// Orders; to a party, only its own.
#[utoipa::path(get, path = "/api/v1/orders", operation_id = "list_orders", params(OrderParams), responses((status = 200, body = OrdersView)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<OrderParams>,
) -> Result<Json<OrdersView>, Answer> {
    let party = caller.may_read()?;
    let (seq, open) = api.board.orders(|item| party.is_none_or(|p| item.receiver.as_deref() == Some(p)));
    let mut orders = match params.state.as_deref() {
        Some("all") => {
            tables_have(&api, seq).await?;
            read(&api.records.orders, (party.map(str::to_owned), LIMIT)).await?
        }
        _ => open,
    };
    let settings = api.work_settings.load();
    for order in &mut orders {
        order.receiver_kind = settings.party(&order.receiver).map_or_else(String::new, |p| p.kind.to_string());
    }
    Ok(Json(OrdersView { seq, orders }))
}

/// Issue an order: one for each receiver, all in one transaction. 2xx means it is durable.
#[utoipa::path(post, path = "/api/v1/orders", operation_id = "issue_order", request_body = OrderBody,
    responses((status = 200, body = DoneView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn issue(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Body(b): Body<OrderBody>,
) -> Result<Json<DoneView>, Answer> {
    caller.may(Permission::OrderIssue)?;
    let command_kind = CommandKind::Work(checked(&api, b).await?);
    Ok(Json(command(&api, &caller, key, command_kind).await?))
}

async fn checked(api: &Api, b: OrderBody) -> Result<WorkCommand, Problem> {
    let invalid = |field: &str, text: &str| Problem::new("FIELD_INVALID", field).detail(text, text);
    let receivers = receivers(api, &b)?;
    let word = b.priority.checked_sub(1).and_then(|i| PRIORITIES.get(usize::from(i)));
    let word = *word.ok_or_else(|| invalid("priority", &format!("{}; 1 … 5", b.priority)))?;
    if b.ack_within_s.is_some_and(|s| !(10.0..=86_400.0).contains(&s)) {
        return Err(invalid("ack_within_s", "10 … 86400 s"));
    }
    let link = |rel: &str, to: &Option<String>| to.as_ref().map(|to| LinkView { rel: rel.into(), to: to.clone() });
    if let Some(id) = b.alarm_id.as_ref().filter(|id| id.parse::<alarm::AlarmId>().is_err()) {
        return Err(Problem::new("NOT_FOUND", id));
    }
    let given = link("alarm", &b.alarm_id).into_iter().chain(link("incident", &b.incident_id)).collect();
    let mut fields: Fields = [("content", b.content), ("place", b.place), ("priority", word.to_owned())]
        .into_iter()
        .map(|(name, text)| (name.into(), Value::Text(text)))
        .collect();
    let spans = [
        ("ack_within_s", b.ack_within_s),
        ("feedback_every_s", b.feedback_every_s),
        ("complete_within_s", b.complete_within_s),
    ];
    fields.extend(spans.into_iter().filter_map(|(name, s)| Some((name.into(), Value::Number(s?)))));
    Ok(WorkCommand::Create {
        kind: Kind::Order,
        fields,
        links: links(api, given).await?,
        receivers,
        provenance: Provenance::Real,
        seen: b.alarm_seq,
    })
}

/// Receivers as given; before parties are configured, the teams of the settings are those that can be sent.
fn receivers(api: &Api, b: &OrderBody) -> Result<Vec<String>, Problem> {
    let mut receivers = b.receivers.clone();
    if !b.receiver.is_empty() && !receivers.contains(&b.receiver) {
        receivers.insert(0, b.receiver.clone());
    }
    if receivers.is_empty() {
        return Err(Problem::new("FIELD_REQUIRED", "receiver"));
    }
    let unknown = receivers.iter().find(|id| super::tokens::party_name(api, id).is_none());
    match unknown {
        Some(id) => Err(Problem::new("NOT_FOUND", "receiver").detail(id, id)),
        None => Ok(receivers),
    }
}

/// Act on an order: an action of its flow.
#[utoipa::path(post, path = "/api/v1/orders/{id}/{action}", operation_id = "act_on_order", params(("id" = String, Path, description = "`O-000123`"), ("action" = String, Path, description = "an action of the flow, see `list_flows`")),
    request_body = OrderActBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn act(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path((id, action)): Path<(String, String)>,
    Body(b): Body<OrderActBody>,
) -> Result<Json<DoneView>, Answer> {
    caller.may(Permission::OrderAct)?;
    let item: ItemId = parse_id(&id)?;
    if item.kind != Kind::Order {
        return Err(Problem::new("NOT_FOUND", &id).into());
    }
    let body = WorkActBody { seq: b.seq, fields: b.fields, note: b.note, attachments: b.attachments };
    Ok(Json(do_action(&api, (caller, key), (item, &action), body).await?))
}
