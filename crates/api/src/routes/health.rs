//! How the hall is: for the console, for monitors, for load balancers.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{
    ActorView, JournalView, Permission, PresenceView, Problem, ReadyView, ShiftView, StatusView, SubsystemView, VERSION,
};
use response::{Kind, Value};

use crate::access::Caller;
use crate::deps::read;
use crate::problem::Answer;
use crate::server::Api;
use crate::stream::{last_reading, sources};

/// States of a shift in which its people are at the desk.
const ON_DUTY: [&str; 2] = ["on_duty", "handing_over"];

/// How the hall is.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = StatusView)))]
pub async fn status(State(api): State<Api>, caller: Caller) -> Result<Json<StatusView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let (last_seq, flood) = api.board.seq();
    Ok(Json(StatusView {
        server_time: runtime::unix_now(),
        version: VERSION,
        last_seq,
        desk: api.settings.desk.clone(),
        sources: sources(&api),
        last_reading_at: last_reading(&api),
        rules_revision: api.directory.load().revision,
        flood,
        journal: JournalView { provisional: api.provisional.get() },
        shift: on_duty(&api).await?,
    }))
}

/// The watch that is on duty: the newest shift that somebody took.
async fn on_duty(api: &Api) -> Result<Option<ShiftView>, Problem> {
    let (_, shifts) = api.board.items(|i| i.id.kind == Kind::Shift && ON_DUTY.contains(&&*i.state));
    let Some(shift) = shifts.last() else { return Ok(None) };
    let accounts = read(&api.records.accounts, ()).await?;
    let actor = |account: &str| {
        let found = accounts.iter().find(|(row, _)| row.actor.account == account);
        let name = found.map_or(account, |(row, _)| &row.actor.name);
        (!account.is_empty()).then(|| ActorView { account: account.to_owned(), name: name.to_owned() })
    };
    let several = |field: &str| {
        let list = shift.fields.get(field).map(Value::as_list).unwrap_or_default();
        list.iter().filter_map(|v| actor(v.as_text()?)).collect()
    };
    Ok(Some(ShiftView {
        id: shift.id.to_string(),
        state: shift.state.to_string(),
        leader: actor(shift.text("leader")),
        main: actor(shift.text("main")),
        deputies: several("deputies"),
        standby: several("standby"),
        starts_at: shift.time("starts_at").map(|t| t.0),
        ends_at: shift.time("ends_at").map(|t| t.0),
    }))
}

/// Consoles connected and people at them.
#[utoipa::path(get, path = "/api/v1/presence", responses((status = 200, body = PresenceView)))]
pub async fn presence(State(api): State<Api>, caller: Caller) -> Result<Json<PresenceView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(api.consoles.presence()))
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "`ok`")))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// Ready or not, by subsystem, with reasons.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = ReadyView), (status = 503, body = ReadyView)))]
pub async fn readyz(State(api): State<Api>) -> Response {
    let subsystems: Vec<SubsystemView> = (api.records.subsystems)()
        .into_iter()
        .map(|(name, ready, reason)| SubsystemView { name, ready, reason })
        .collect();
    let ready = subsystems.iter().all(|s| s.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyView { ready, subsystems })).into_response()
}

/// Metrics in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Prometheus text format")))]
pub async fn metrics(State(api): State<Api>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], api.metrics.render()).into_response()
}
