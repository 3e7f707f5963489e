//! Alarms: list, detail, and what people do to them.

use alarm::AlarmId;
use axum::Json;
use axum::extract::{Path, State};
use engine::{AlarmAction, CommandKind};
use model::Priority;
use protocol::{
    AckBatchBody, AckBatchView, AckBody, AlarmDetailView, AlarmView, AlarmsView, CommentBody, DoneView, Permission,
    Problem, ReasonBody, ShelveBody,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Key, command, tables_have};
use crate::access::Caller;
use crate::deps::{AlarmQuery, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// Most alarms in one answer.
const LIMIT_MAX: usize = 10_000;
/// Most alarms in one batch.
const BATCH_MAX: usize = 500;

/// Which alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// `open` (default), `closed` or `all`.
    state: Option<String>,
    /// Enterprise id.
    enterprise: Option<String>,
    /// 1 to 5.
    priority: Option<u8>,
    /// Only closed alarms numbered below this one, `A-000123`.
    before: Option<String>,
    /// At most so many, 1 to 10000; 1000 by default.
    limit: Option<usize>,
    /// `real` by default; `exercise`: the open alarms of a running drill, which are in no other list.
    provenance: Option<String>,
}

/// Alarms. Open ones include shelved, suppressed and out of service; `seq` says for which stream number the list is true.
#[utoipa::path(get, path = "/api/v1/alarms", operation_id = "list_alarms", params(ListParams),
    responses((status = 200, body = AlarmsView), (status = 401, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<AlarmsView>, Answer> {
    caller.may(Permission::SiteRead)?;
    match params.provenance.as_deref() {
        None | Some("real") => {}
        Some("exercise") => {
            let (seq, alarms) = api.board.played();
            return Ok(Json(AlarmsView { seq, alarms }));
        }
        Some(other) => {
            let problem = Problem::new("FIELD_INVALID", "provenance");
            return Err(problem.detail(other, &format!("{other}; wanted real or exercise")).into());
        }
    }
    let (open, closed) = match params.state.as_deref() {
        None | Some("open") => (true, false),
        Some("closed") => (false, true),
        Some("all") => (true, true),
        Some(other) => {
            let problem = Problem::new("FIELD_INVALID", "state");
            return Err(problem.detail(other, &format!("{other}; wanted open, closed or all")).into());
        }
    };
    let limit = params.limit.unwrap_or(1_000).clamp(1, LIMIT_MAX);
    let before = params.before.as_deref().map(number).transpose()?;
    let (seq, mut alarms) = api.board.alarms(|a| open && params.keeps(a));
    alarms.truncate(limit);
    if closed && alarms.len() < limit {
        tables_have(&api, seq).await?;
        let query = AlarmQuery {
            enterprise: params.enterprise,
            priority: params.priority,
            before,
            limit: limit - alarms.len(),
        };
        alarms.extend(read(&api.records.closed_alarms, query).await?);
    }
    Ok(Json(AlarmsView { seq, alarms }))
}

impl ListParams {
    fn keeps(&self, alarm: &AlarmView) -> bool {
        self.enterprise.as_deref().is_none_or(|e| e == &*alarm.enterprise)
            && self.priority.is_none_or(|p| p == alarm.priority)
    }
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse::<AlarmId>().map(|a| a.0).map_err(|()| Problem::new("NOT_FOUND", id))
}

/// One alarm with its life.
#[utoipa::path(get, path = "/api/v1/alarms/{id}", operation_id = "get_alarm", params(("id" = String, Path, description = "`A-000123`")),
    responses((status = 200, body = AlarmDetailView), (status = 404, body = Problem)))]
pub async fn detail(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<AlarmDetailView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let number = number(&id)?;
    let events = read(&api.records.alarm_events, number).await?;
    let last = events.last().map(|f| f.alarm.clone());
    let alarm = api.board.alarm(number).or(last).ok_or_else(|| Problem::new("NOT_FOUND", &id))?;
    Ok(Json(AlarmDetailView { alarm, events }))
}

async fn act(api: &Api, (caller, key): (Caller, Key), id: &str, (seq, action): (u64, AlarmAction)) -> Done {
    let alarm = AlarmId(number(id)?);
    Ok(Json(command(api, &caller, key, CommandKind::Alarm { alarm, seq, action }).await?))
}

type Done = Result<Json<DoneView>, Answer>;

/// Acknowledge; a note is mandatory for priorities 1 and 2.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/ack", operation_id = "acknowledge_alarm", params(("id" = String, Path)), request_body = AckBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn ack(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<AckBody>,
) -> Done {
    caller.may(Permission::AlarmAcknowledge)?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Acknowledge { note: b.note })).await
}

/// Take an acknowledgement back, with a reason.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/unack", operation_id = "unacknowledge_alarm", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn unack(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<ReasonBody>,
) -> Done {
    caller.may(Permission::AlarmAcknowledge)?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Unacknowledge { reason: b.reason })).await
}

/// Shelve for a time, with a reason. Priority 2 needs a shift lead; of priority 1, anybody of the watch may ask, and it is
/// shelved when a second person, a shift lead or above, does the same within ten minutes.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/shelve", operation_id = "shelve_alarm", params(("id" = String, Path)), request_body = ShelveBody,
    responses((status = 200, body = DoneView), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn shelve(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<ShelveBody>,
) -> Done {
    let alarm = api.board.alarm(number(&id)?);
    let priority = alarm.as_ref().and_then(|a| Priority::try_from(a.priority).ok()).unwrap_or(Priority::I);
    let asked_by_another = alarm
        .and_then(|a| a.shelve_request)
        .is_some_and(|r| r.until > runtime::unix_now() && r.by.account != caller.0.actor.account);
    caller.may(Permission::to_shelve(priority, asked_by_another))?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Shelve { for_s: b.for_s, reason: b.reason })).await
}

/// End a shelving.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/unshelve", operation_id = "unshelve_alarm", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn unshelve(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<ReasonBody>,
) -> Done {
    caller.may(Permission::AlarmShelve)?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Unshelve { reason: b.reason })).await
}

/// Reset a latched alarm.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/reset", operation_id = "reset_alarm", params(("id" = String, Path)), request_body = ReasonBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn reset(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<ReasonBody>,
) -> Done {
    caller.may(Permission::AlarmReset)?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Reset { reason: b.reason })).await
}

/// Write a comment.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/comment", operation_id = "comment_alarm", params(("id" = String, Path)), request_body = CommentBody,
    responses((status = 200, body = DoneView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn comment(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path(id): Path<String>,
    Body(b): Body<CommentBody>,
) -> Done {
    caller.may(Permission::AlarmComment)?;
    act(&api, (caller, key), &id, (b.seq, AlarmAction::Comment { text: b.text })).await
}

/// Acknowledge several alarms of priority 3 or lower of one enterprise; each is done or refused on its own.
#[utoipa::path(post, path = "/api/v1/alarms/ack-batch", operation_id = "acknowledge_alarms", request_body = AckBatchBody,
    responses((status = 200, body = AckBatchView), (status = 422, body = Problem)))]
pub async fn ack_batch(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Body(b): Body<AckBatchBody>,
) -> Result<Json<AckBatchView>, Answer> {
    caller.may(Permission::AlarmAcknowledge)?;
    check_batch(&api, &b)?;
    let mut view = AckBatchView { done: Vec::new(), refused: Vec::new() };
    for seen in &b.alarms {
        if api.board.alarm(number(&seen.alarm_id)?).is_none() {
            view.refused.push(Problem::new("NOT_FOUND", &seen.alarm_id));
            continue;
        }
        let action = AlarmAction::Acknowledge { note: b.note.clone() };
        let kind = CommandKind::Alarm { alarm: AlarmId(number(&seen.alarm_id)?), seq: seen.seq, action };
        match command(&api, &caller, Key(format!("{}/{}", key.0, seen.alarm_id)), kind).await {
            Ok(done) => view.done.push(done),
            Err(problem) => view.refused.push(problem),
        }
    }
    Ok(Json(view))
}

fn check_batch(api: &Api, b: &AckBatchBody) -> Result<(), Problem> {
    let invalid = |zh: &str, en: &str| Err(Problem::new("FIELD_INVALID", "alarms").detail(zh, en));
    if b.alarms.is_empty() || b.alarms.len() > BATCH_MAX {
        return invalid("一次 1 至 500 条", "1 to 500 at once");
    }
    let mut enterprise = None;
    for seen in &b.alarms {
        // What is not on the board is refused by itself.
        let Some(alarm) = api.board.alarm(number(&seen.alarm_id)?) else { continue };
        if alarm.priority <= 2 {
            return invalid("Ⅰ、Ⅱ级报警须逐条确认", "priorities 1 and 2 must be acknowledged one by one");
        }
        if enterprise.get_or_insert_with(|| alarm.enterprise.clone()) != &alarm.enterprise {
            return invalid("只能批量确认同一单位的报警", "all alarms must be of one enterprise");
        }
    }
    Ok(())
}
