//! Items of every kind: lists, one with its life, making and acting.

use axum::Json;
use axum::extract::{Path, State};
use engine::CommandKind;
use protocol::{
    AggregateView, DoneView, LinkView, Permission, Problem, ReviewView, WorkActBody, WorkCreateBody, WorkFrame,
    WorkItemView, WorkView, read_fields,
};
use response::{Attachment, ItemId, Kind, Link, WorkCommand, WorkFilter, flow_of};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Key, command, tables_have};
use crate::access::Caller;
use crate::deps::{GroupQuery, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// Most items in one answer.
const LIMIT_MAX: u64 = 1_000;

/// Which items.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WorkParams {
    /// `order`, `hidden_danger`, ….
    pub kind: Option<String>,
    /// A state of the flow.
    pub state: Option<String>,
    /// Not ended (`true`) or ended (`false`).
    pub open: Option<bool>,
    /// `real` or `exercise`.
    pub provenance: Option<String>,
    /// Enterprise id.
    pub enterprise: Option<String>,
    /// Town.
    pub town: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Grade.
    pub grade: Option<String>,
    /// Source.
    pub source: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Receiver, a party id.
    pub receiver: Option<String>,
    /// Account or party now responsible.
    pub owner: Option<String>,
    /// The item it belongs to: an incident's orders.
    pub parent: Option<String>,
    /// The alarm it answers.
    pub alarm: Option<String>,
    /// A deadline passed (`true`), or none did (`false`).
    pub overdue: Option<bool>,
    /// Part of the title, or an id.
    pub q: Option<String>,
    /// Only items made before this one: the paging cursor.
    pub before: Option<String>,
    /// At most so many, 1 to 1000; 100 by default.
    pub limit: Option<u64>,
}

impl WorkParams {
    /// The query; of a party, only what is sent to it.
    pub(super) fn query(self, party: Option<&str>) -> Result<WorkFilter, Problem> {
        let kind = self.kind.as_deref().map(parse_kind).transpose()?;
        let before = self.before.as_deref().map(parse_id).transpose()?;
        let text = |value: Option<String>| value.unwrap_or_default();
        Ok(WorkFilter {
            kind,
            state: text(self.state),
            open: self.open,
            provenance: text(self.provenance),
            enterprise: text(self.enterprise),
            town: text(self.town),
            industry: text(self.industry),
            grade: text(self.grade),
            source: text(self.source),
            category: text(self.category),
            receiver: party.map_or_else(|| text(self.receiver), str::to_owned),
            owner: text(self.owner),
            parent: text(self.parent),
            alarm: text(self.alarm),
            overdue: self.overdue,
            text: text(self.q),
            before,
            limit: self.limit.unwrap_or(100).clamp(1, LIMIT_MAX),
        })
    }
}

fn parse_kind(kind: &str) -> Result<Kind, Problem> {
    kind.parse().map_err(|()| {
        let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        Problem::new("FIELD_INVALID", "kind").detail(kind, &format!("{kind}; wanted one of {}", names.join(", ")))
    })
}

pub(super) fn parse_id(id: &str) -> Result<ItemId, Problem> {
    id.parse().map_err(|()| Problem::new("NOT_FOUND", id))
}

/// Items, newest first, without their logs.
#[utoipa::path(get, path = "/api/v1/work", operation_id = "list_work", params(WorkParams),
    responses((status = 200, body = WorkView), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<WorkParams>,
) -> Result<Json<WorkView>, Answer> {
    let party = caller.may_read()?.map(str::to_owned);
    // An id typed into the search box is that item.
    if let Some(id) = params.q.as_deref().and_then(|q| q.trim().to_uppercase().parse::<ItemId>().ok()) {
        let found = find(&api, id, party.as_deref()).await?.map(|view| WorkItemView { log: Vec::new(), ..view });
        let items: Vec<WorkItemView> = found.into_iter().collect();
        return Ok(Json(WorkView { seq: api.board.seq().0, total: items.len() as u64, items }));
    }
    // Read first: what the list shows is at least as new.
    let (seq, _) = api.board.seq();
    tables_have(&api, seq).await?;
    let (total, items) = read(&api.records.work, params.query(party.as_deref())?).await?;
    let shown = |view: WorkItemView| if party.is_some() { view.for_party() } else { view };
    Ok(Json(WorkView { seq, total, items: items.into_iter().map(shown).collect() }))
}

/// An item, open or ended; to a party, only its own.
async fn find(api: &Api, id: ItemId, party: Option<&str>) -> Result<Option<WorkItemView>, Problem> {
    let view = match api.board.item(id) {
        Some(item) => Some(WorkItemView::new(&item, &api.work_settings.load())),
        None => read(&api.records.work_item, id).await?.map(|frame| frame.item),
    };
    Ok(view.and_then(|view| match party {
        None => Some(view),
        Some(party) => view.receiver.as_ref().is_some_and(|r| r.id == party).then(|| view.for_party()),
    }))
}

/// One item with its newest 100 steps.
#[utoipa::path(get, path = "/api/v1/work/{id}", operation_id = "get_work", params(("id" = String, Path, description = "`O-000123`")),
    responses((status = 200, body = WorkItemView), (status = 404, body = Problem)))]
pub async fn detail(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkItemView>, Answer> {
    let party = caller.may_read()?;
    let found = find(&api, parse_id(&id)?, party).await?;
    Ok(Json(found.ok_or_else(|| Problem::new("NOT_FOUND", &id))?))
}

/// Earlier incidents looked at for a review: more than a district has in decades.
const REVIEWED_MAX: u64 = 1_000;

/// The review of an incident: its nine stamps and the gaps between them, against targets and against earlier incidents of
/// the same hazard and level (domain X3).
#[utoipa::path(get, path = "/api/v1/work/{id}/review", operation_id = "get_review", params(("id" = String, Path, description = "`X-000123`")),
    responses((status = 200, body = ReviewView), (status = 404, body = Problem)))]
pub async fn review(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ReviewView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let missing = || Problem::new("NOT_FOUND", &id);
    let item = parse_id(&id)?;
    let found = find(&api, item, None).await?.filter(|_| item.kind == Kind::Incident).ok_or_else(missing)?;
    tables_have(&api, api.board.seq().0).await?;
    let incidents = WorkFilter { kind: Some(Kind::Incident), limit: REVIEWED_MAX, ..WorkFilter::default() };
    let (_, incidents) = read(&api.records.work, incidents).await?;
    Ok(Json(ReviewView::of(&found, &incidents)))
}

/// Every change of an item.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkEventsView {
    /// Oldest first.
    events: Vec<WorkFrame>,
}

/// Every change of one item, oldest first.
#[utoipa::path(get, path = "/api/v1/work/{id}/events", operation_id = "get_work_events", params(("id" = String, Path, description = "`O-000123`, of any kind")),
    responses((status = 200, body = WorkEventsView), (status = 404, body = Problem)))]
pub async fn events(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkEventsView>, Answer> {
    Ok(Json(WorkEventsView { events: life(&api, &caller, &id).await? }))
}

/// The changes of an item that the caller may see.
pub(super) async fn life(api: &Api, caller: &Caller, id: &str) -> Result<Vec<WorkFrame>, Problem> {
    let (party, item) = (caller.may_read()?, parse_id(id)?);
    find(api, item, party).await?.ok_or_else(|| Problem::new("NOT_FOUND", id))?;
    read(&api.records.work_events, item).await
}

/// What to count by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ByParams {
    /// `town`, `industry`, `enterprise`, `source`, `grade`, `state`, `category` or `kind`.
    by: String,
}

const GROUPS: [&str; 8] = ["town", "industry", "enterprise", "source", "grade", "state", "category", "kind"];

/// Counts by group, with rates (domain H5): overdue, closure, mean days, recurrence.
#[utoipa::path(get, path = "/api/v1/work/aggregate", operation_id = "aggregate_work", params(ByParams, WorkParams),
    responses((status = 200, body = AggregateView), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn aggregate(
    State(api): State<Api>,
    caller: Caller,
    Params(by): Params<ByParams>,
    Params(params): Params<WorkParams>,
) -> Result<Json<AggregateView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let Some(by) = GROUPS.into_iter().find(|g| *g == by.by) else {
        let en = format!("{}; wanted one of {}", by.by, GROUPS.join(", "));
        return Err(Problem::new("FIELD_INVALID", "by").detail(&by.by, &en).into());
    };
    let rows = read(&api.records.work_groups, GroupQuery { by, filter: params.query(None)? }).await?;
    Ok(Json(AggregateView { rows }))
}

/// Make an item; with n receivers, n items in one transaction. 2xx means it is durable.
#[utoipa::path(post, path = "/api/v1/work", operation_id = "create_work", request_body = WorkCreateBody,
    responses((status = 200, body = DoneView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Body(b): Body<WorkCreateBody>,
) -> Result<Json<DoneView>, Answer> {
    caller.may(Permission::to_create(b.kind))?;
    let fields = read_fields(flow(b.kind)?, &b.fields)?;
    let links = links(&api, b.links).await?;
    let (kind, receivers, provenance, seen) = (b.kind, b.receivers, b.provenance, b.seen);
    let create = WorkCommand::Create { kind, fields, links, receivers, provenance, seen };
    Ok(Json(command(&api, &caller, key, CommandKind::Work(create)).await?))
}

fn flow(kind: Kind) -> Result<&'static response::Flow, Problem> {
    let flow = flow_of(kind);
    if flow.kind == kind { Ok(flow) } else { Err(Problem::new("NOT_FOUND", "kind")) }
}

/// Relations to alarms that were: an item may answer an alarm that closed a moment ago, but not one that never was.
pub(super) async fn links(api: &Api, given: Vec<LinkView>) -> Result<Vec<Link>, Problem> {
    for link in given.iter().filter(|l| l.rel == "alarm") {
        let Ok(alarm) = link.to.parse::<alarm::AlarmId>() else { continue };
        let open = api.board.alarm(alarm.0).is_some();
        if !open && read(&api.records.alarm_events, alarm.0).await?.is_empty() {
            return Err(Problem::new("NOT_FOUND", "links").detail(&link.to, &link.to));
        }
    }
    Ok(given.into_iter().map(|l| Link::new(&l.rel, l.to)).collect())
}

/// Act on an item: an action of its flow. 2xx means it is durable.
#[utoipa::path(post, path = "/api/v1/work/{id}/{action}", operation_id = "act_on_work",
    params(("id" = String, Path, description = "`O-000123`, of any kind"), ("action" = String, Path, description = "an action of the flow, see `list_flows`")), request_body = WorkActBody,
    responses((status = 200, body = DoneView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn act(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path((id, action)): Path<(String, String)>,
    Body(b): Body<WorkActBody>,
) -> Result<Json<DoneView>, Answer> {
    let item = parse_id(&id)?;
    Ok(Json(do_action(&api, (caller, key), (item, &action), b).await?))
}

/// The review of an incident is read at the address that its action `review` is posted to: one must not hide the other.
pub async fn act_review(
    api: State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    body: Body<WorkActBody>,
) -> Result<Json<DoneView>, Answer> {
    act(api, caller, key, Path((id, "review".to_owned())), body).await
}

pub(super) async fn do_action(
    api: &Api,
    (caller, key): (Caller, Key),
    (item, action): (ItemId, &str),
    b: WorkActBody,
) -> Result<DoneView, Problem> {
    let flow = flow(item.kind)?;
    let Some(spec) = flow.action(action) else {
        // Who may do nothing here does not learn what there is.
        caller.may(if caller.0.party.is_some() { Permission::OrderAct } else { Permission::to_create(item.kind) })?;
        return Err(Problem::new("NOT_FOUND", action));
    };
    let needed = if caller.0.party.is_some() { Permission::OrderAct } else { Permission::to_act(item.kind, spec) };
    caller.may(needed)?;
    let fields = read_fields(flow, &b.fields)?;
    let attachments = attachments(api, &b.attachments).await?;
    let act = WorkCommand::Act { item, seq: b.seq, action: spec.name.into(), fields, note: b.note, attachments };
    command(api, &caller, key, CommandKind::Work(act)).await
}

/// Only files that are kept can be named.
async fn attachments(api: &Api, ids: &[String]) -> Result<Vec<Attachment>, Problem> {
    let mut found = Vec::new();
    for id in ids.iter().take(response::PARTS_MAX) {
        let missing = || Problem::new("NOT_FOUND", "attachments").detail(id, id);
        found.push(read(&api.records.attachment, id.clone()).await?.ok_or_else(missing)?.into());
    }
    Ok(found)
}
