//! What the work systems are configured with, the timeline, and what is open at a change of shifts.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use protocol::{
    FlowsView, OpenListView, OpenLoopView, PartiesView, PartyView, Permission, PlansView, Problem, ProfileView,
    TimelineView,
};
use response::{Item, Kind, Provenance};
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

/// What a shift must hand over: open alarms of every state, open items, dark sources.
#[utoipa::path(get, path = "/api/v1/handover/open", operation_id = "list_open", responses((status = 200, body = OpenListView)))]
pub async fn open(State(api): State<Api>, caller: Caller) -> Result<Json<OpenListView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let (seq, alarms) = api.board.alarms(|_| true);
    let mut items: Vec<OpenLoopView> = alarms.iter().map(alarm_loop).collect();
    items.extend(api.board.items(handed_over).1.iter().map(|item| item_loop(item)));
    items.extend(dark(&api));
    Ok(Json(OpenListView { seq, items }))
}

/// What the kernel's hand-over puts on its list; of hidden dangers those whose time is up.
fn handed_over(item: &Item) -> bool {
    item.provenance == Provenance::Real
        && match item.id.kind {
            Kind::Order | Kind::Incident | Kind::RollCall | Kind::Vigilance => true,
            Kind::HiddenDanger => item.overdue(),
            _ => false,
        }
}

fn alarm_loop(a: &protocol::AlarmView) -> OpenLoopView {
    let state = serde_json::to_value(a.state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let why = match (&a.shelving, a.data_lost) {
        (Some(s), _) => format!("搁置：{}", s.reason),
        (None, true) => "数据中断".to_owned(),
        (None, false) if a.active => "报警中".to_owned(),
        (None, false) => "已恢复，未了结".to_owned(),
    };
    OpenLoopView {
        r#ref: a.alarm_id.clone(),
        kind: "alarm".into(),
        title: format!("{}/{} {}", a.enterprise, a.tag, a.message_zh),
        state,
        owner: a.acknowledgement.as_ref().map(|k| k.by.account.clone()),
        due: a.shelving.as_ref().map(|s| s.until),
        why,
    }
}

fn item_loop(item: &Item) -> OpenLoopView {
    let state = response::flow_of(item.id.kind).state(&item.state).map_or(&*item.state, |s| s.zh);
    OpenLoopView {
        r#ref: item.id.to_string(),
        kind: item.id.kind.name().into(),
        title: item.title.clone(),
        state: item.state.to_string(),
        owner: item.owner.clone(),
        due: item.deadlines.iter().map(|d| d.at.0).min(),
        why: if item.overdue() { format!("{state}，超时") } else { state.to_owned() },
    }
}

/// Enterprises with tags whose readings are overdue.
fn dark(api: &Api) -> Vec<OpenLoopView> {
    let (directory, latest, now) = (api.directory.load(), api.latest.load(), runtime::unix_now());
    let mut stale: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, tag) in directory.tags().iter().enumerate().filter(|(_, t)| !t.retired) {
        let age_s = latest.get(i as u32).map(|row| (now - row.source_time) as f64 / 1e6);
        if tag.period_s.zip(age_s).is_some_and(|(period, age)| age > period * 3.0) {
            *stale.entry(&tag.enterprise).or_default() += 1;
        }
    }
    let row = |(enterprise, count): (&str, usize)| OpenLoopView {
        r#ref: enterprise.to_owned(),
        kind: "source".into(),
        title: enterprise.to_owned(),
        state: "stale".into(),
        owner: None,
        due: None,
        why: format!("{count} 个测点失联"),
    };
    stale.into_iter().map(row).collect()
}
