//! What the work systems are configured with, the timeline, and what is open at a change of shifts.

use axum::Json;
use axum::extract::State;
use protocol::{
    FlowsView, OpenListView, PartiesView, PartyView, Permission, PlansView, Problem, ProfileView, TimelineView,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::tags::time;
use super::work::parse_id;
use crate::access::Caller;
use crate::deps::{TimelineQuery, read};
use crate::problem::{Answer, Params};
use crate::server::Api;

/// Most lines of one timeline answer.
const LINES_MAX: usize = 5_000;

/// The flow tables: states, actions, fields and deadlines with their names in both languages.
#[utoipa::path(get, path = "/api/v1/flows", operation_id = "list_flows", responses((status = 200, body = FlowsView)))]
pub async fn flows(caller: Caller) -> Result<Json<FlowsView>, Answer> {
    caller.may_read()?;
    Ok(Json(FlowsView::all()))
}

/// Units, teams, persons, enterprises and towns that can be told to do something.
#[utoipa::path(get, path = "/api/v1/parties", operation_id = "list_parties", responses((status = 200, body = PartiesView)))]
pub async fn parties(State(api): State<Api>, caller: Caller) -> Result<Json<PartiesView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(PartiesView { parties: api.work_settings.load().parties.iter().map(PartyView::from).collect() }))
}

/// Plan cards.
#[utoipa::path(get, path = "/api/v1/plans", operation_id = "list_plans", responses((status = 200, body = PlansView)))]
pub async fn plans(State(api): State<Api>, caller: Caller) -> Result<Json<PlansView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(PlansView { plans: api.work_settings.load().plans.clone() }))
}

/// The numbers that deadlines and targets come from, each with source and confidence.
#[utoipa::path(get, path = "/api/v1/profile", operation_id = "get_profile", responses((status = 200, body = ProfileView)))]
pub async fn profile(State(api): State<Api>, caller: Caller) -> Result<Json<ProfileView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(ProfileView::of(&api.work_settings.load())))
}

/// Which piece of the timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineParams {
    /// From: microseconds since the epoch, or RFC 3339 with zone; with an item its beginning, else a day ago.
    from: Option<String>,
    /// Up to but not including; now by default.
    to: Option<String>,
    /// Only this item, with the items and alarms that belong to it.
    item: Option<String>,
    /// At most so many, 1 to 5000; 500 by default.
    limit: Option<usize>,
}

/// The duty log: everything that happened, newest first, generated from the journal.
#[utoipa::path(get, path = "/api/v1/timeline", operation_id = "get_timeline", params(TimelineParams),
    responses((status = 200, body = TimelineView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn timeline(
    State(api): State<Api>,
    caller: Caller,
    Params(p): Params<TimelineParams>,
) -> Result<Json<TimelineView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let item = p.item.as_deref().map(parse_id).transpose()?;
    let to = p.to.as_deref().map_or(Ok(runtime::unix_now() + 1), |t| time("to", t))?;
    let default = if item.is_some() { 0 } else { to - 86_400_000_000 };
    let from = p.from.as_deref().map_or(Ok(default), |t| time("from", t))?;
    if from >= to {
        return Err(Problem::new("FIELD_INVALID", "from").detail("from ≥ to", "from must be before to").into());
    }
    let limit = p.limit.unwrap_or(500).clamp(1, LINES_MAX);
    let rows = read(&api.records.timeline, TimelineQuery { item, from, to, limit }).await?;
    Ok(Json(TimelineView { rows }))
}

/// What a shift must hand over, exactly as a hand-over begun now would list it: open alarms of every state, open items,
/// overdue hidden dangers, dark sources.
#[utoipa::path(get, path = "/api/v1/handover/open", operation_id = "list_open", responses((status = 200, body = OpenListView)))]
pub async fn open(State(api): State<Api>, caller: Caller) -> Result<Json<OpenListView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(read(&api.records.open_list, ()).await?))
}
