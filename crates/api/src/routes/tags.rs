//! Tags with their newest values, history, pending tags, refused payloads, service permits.

use axum::Json;
use axum::extract::{Path, State};
use engine::CommandKind;
use model::{Quality, TagEntry, Time};
use protocol::{
    DoneView, HistoryView, LimitsView, PendingView, Permission, Problem, RejectionsView, ServiceBody, TagView, TagsView,
};
use runtime::Latest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Key, command};
use crate::access::Caller;
use crate::deps::{HistoryQuery, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// Most points of one history answer.
const POINTS_MAX: usize = 5_000;

/// Which tags.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TagParams {
    /// Enterprise id.
    enterprise: Option<String>,
}

/// Tags with limits and newest values.
#[utoipa::path(get, path = "/api/v1/tags", operation_id = "list_tags", params(TagParams), responses((status = 200, body = TagsView)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<TagParams>,
) -> Result<Json<TagsView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let (directory, latest) = (api.directory.load(), api.latest.load());
    let wanted = |t: &TagEntry| !t.retired && params.enterprise.as_deref().is_none_or(|e| e == t.enterprise);
    let rows = directory.tags().iter().enumerate().filter(|(_, t)| wanted(t));
    Ok(Json(TagsView { tags: rows.map(|(i, t)| tag_view(t, latest.get(i as u32))).collect() }))
}

fn tag_view(t: &TagEntry, row: Option<Latest>) -> TagView {
    let l = t.limits;
    TagView {
        enterprise: t.enterprise.clone(),
        tag: t.tag.clone(),
        unit_id: t.unit_id.clone(),
        description_zh: t.description_zh.clone(),
        description_en: t.description_en.clone(),
        unit: t.unit.clone(),
        deadband: t.deadband,
        on_delay_s: t.on_delay_s,
        off_delay_s: t.off_delay_s,
        limits: LimitsView { ll: l.ll, l: l.l, h: l.h, hh: l.hh },
        span: t.span.map(|(a, b)| [a, b]),
        period_s: t.period_s,
        value: row.map(|r| r.value),
        quality: row.map(|r| Quality::from_u8(r.quality).as_str().to_owned()),
        source_time: row.map(|r| r.source_time),
    }
}

/// Tags that send but are not in the site files.
#[utoipa::path(get, path = "/api/v1/tags/pending", operation_id = "list_pending_tags", responses((status = 200, body = PendingView)))]
pub async fn pending(State(api): State<Api>, caller: Caller) -> Result<Json<PendingView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(PendingView { pending: read(&api.records.pending, ()).await? }))
}

/// Refused payloads by enterprise and reason.
#[utoipa::path(get, path = "/api/v1/rejections", operation_id = "list_rejections", responses((status = 200, body = RejectionsView)))]
pub async fn rejections(State(api): State<Api>, caller: Caller) -> Result<Json<RejectionsView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(RejectionsView { rejections: read(&api.records.rejections, ()).await? }))
}

/// Take a tag out of service under a permit, or return it.
#[utoipa::path(post, path = "/api/v1/tags/{enterprise}/{tag}/service", operation_id = "tag_service",
    params(("enterprise" = String, Path), ("tag" = String, Path)), request_body = ServiceBody,
    responses((status = 200, body = DoneView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn service(
    State(api): State<Api>,
    caller: Caller,
    key: Key,
    Path((enterprise, tag)): Path<(String, String)>,
    Body(b): Body<ServiceBody>,
) -> Result<Json<DoneView>, Answer> {
    caller.may(Permission::TagService)?;
    let out_of_service = (!b.permit.is_empty()).then(|| (b.permit.clone(), Time(b.until)));
    let kind = CommandKind::Service { enterprise, tag, out_of_service, reason: b.reason };
    Ok(Json(command(&api, &caller, key, kind).await?))
}

/// Which piece of history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryParams {
    /// `enterprise/tag`.
    tag: String,
    /// From: microseconds since the epoch, or RFC 3339 with zone; an hour ago by default.
    from: Option<String>,
    /// To; now by default.
    to: Option<String>,
    /// At most so many points, 1 to 5000; 500 by default.
    points: Option<usize>,
}

/// Readings of a tag, in at most so many buckets of min, max, mean and last.
#[utoipa::path(get, path = "/api/v1/history", operation_id = "get_history", params(HistoryParams),
    responses((status = 200, body = HistoryView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn history(
    State(api): State<Api>,
    caller: Caller,
    Params(p): Params<HistoryParams>,
) -> Result<Json<HistoryView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let directory = api.directory.load();
    let found = p.tag.split_once('/').and_then(|(e, t)| directory.find(e, t));
    let (tag, entry) = found
        .and_then(|i| Some((i, directory.get(i)?)))
        .ok_or_else(|| Problem::new("TAG_UNKNOWN", "tag").detail(&p.tag, &p.tag))?;
    let now = runtime::unix_now();
    let to = p.to.as_deref().map_or(Ok(now), |t| time("to", t))?;
    let from = p.from.as_deref().map_or(Ok(to - 3_600_000_000), |t| time("from", t))?;
    if from >= to {
        return Err(Problem::new("FIELD_INVALID", "from").detail("from ≥ to", "from must be before to").into());
    }
    let points = p.points.unwrap_or(500).clamp(1, POINTS_MAX);
    let points = read(&api.records.history, HistoryQuery { tag, from, to, points }).await?;
    Ok(Json(HistoryView { tag: p.tag, unit: entry.unit.clone(), points }))
}

pub(super) fn time(field: &str, text: &str) -> Result<i64, Problem> {
    let example = "2026-11-26T08:00:00+08:00";
    text.parse().ok().or_else(|| model::parse_rfc3339(text.as_bytes()).ok()).ok_or_else(|| {
        Problem::new("FIELD_INVALID", field)
            .detail(&format!("{text}，例如 {example}"), &format!("{text}; wanted µs since the epoch, or {example}"))
    })
}
