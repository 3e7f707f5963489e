//! Orders: issue one, record what its receiver does.

use alarm::AlarmId;
use axum::Json;
use axum::extract::{Path, State};
use engine::CommandKind;
use model::Priority;
use protocol::{DoneView, OrderActBody, OrderBody, OrdersView, Permission, Problem};
use response::{Fields, ItemId, Kind, Link, PRIORITIES, Provenance, Value, WorkCommand, flow_of};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Key, command};
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

/// Orders.
#[utoipa::path(get, path = "/api/v1/orders", operation_id = "list_orders", params(OrderParams), responses((status = 200, body = OrdersView)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<OrderParams>,
) -> Result<Json<OrdersView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let (seq, open) = api.board.orders();
    let orders = match params.state.as_deref() {
        Some("all") => read(&api.records.orders, LIMIT).await?,
        _ => open,
    };
    Ok(Json(OrdersView { seq, orders }))
}

/// Issue an order to a team; 2xx means it is durable.
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
    if b.receiver.is_empty() {
        return Err(Problem::new("FIELD_REQUIRED", "receiver"));
    }
    let team = api.settings.teams.iter().find(|t| t.id == b.receiver);
    let team = team.ok_or_else(|| Problem::new("NOT_FOUND", "receiver").detail(&b.receiver, &b.receiver))?;
    let priority = Priority::try_from(b.priority).map_err(|e| invalid("priority", &e))?;
    if !(10.0..=86_400.0).contains(&b.ack_within_s) {
        return Err(invalid("ack_within_s", "10 … 86400 s"));
    }
    let alarm = match &b.alarm_id {
        None => None,
        Some(id) => {
            let number = id.parse::<AlarmId>().map_err(|()| Problem::new("NOT_FOUND", id))?.0;
            // An order may answer an alarm that closed a moment ago, but not one that never was.
            let known = api.board.alarm(number).is_some() || !read(&api.records.alarm_events, number).await?.is_empty();
            if !known {
                return Err(Problem::new("NOT_FOUND", id));
            }
            Some(number)
        }
    };
    let text = |name: &str, text: &str| (name.into(), Value::Text(text.to_owned()));
    let fields = Fields::from([
        text("content", &b.content),
        text("place", &b.place),
        text("priority", PRIORITIES[(priority as usize - 1).min(PRIORITIES.len() - 1)]),
        text("receiver_name", &team.name_zh),
        ("ack_within_s".into(), Value::Number(b.ack_within_s)),
    ]);
    Ok(WorkCommand::Create {
        kind: Kind::Order,
        fields,
        links: alarm.map(|number| Link::new("alarm", AlarmId(number).to_string())).into_iter().collect(),
        receivers: vec![team.id.clone()],
        provenance: Provenance::Real,
        seen: b.alarm_seq,
    })
}

/// Record what became of an order: deliver, acknowledge, reject, start, complete, close, revoke.
#[utoipa::path(post, path = "/api/v1/orders/{id}/{action}", operation_id = "act_on_order", params(("id" = String, Path), ("action" = String, Path)),
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
    let item = id.parse::<ItemId>().ok().filter(|id| id.kind == Kind::Order);
    let item = item.ok_or_else(|| Problem::new("NOT_FOUND", &id))?;
    let action = flow_of(Kind::Order).action(&action).ok_or_else(|| Problem::new("NOT_FOUND", &action))?.name.into();
    let (fields, attachments) = (Fields::new(), Vec::new());
    let kind = CommandKind::Work(WorkCommand::Act { item, seq: b.seq, action, fields, note: b.note, attachments });
    Ok(Json(command(&api, &caller, key, kind).await?))
}
