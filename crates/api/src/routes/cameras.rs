//! Cameras, what they recorded, and the clips of alarms. Whoever looks is written into the audit chain.

use alarm::AlarmId;
use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::{CamerasView, ClipsView, ExportBody, ExportView, Permission, Problem, RecordingsView};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::deps::{Media, RangeQuery, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// Longest stretch of one file, microseconds: an hour.
const RANGE_MAX_US: i64 = 3_600_000_000;
/// Longest stretch of the time bar: 31 days.
const BAR_MAX_US: i64 = 31 * 86_400_000_000;

/// From and to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RangeParams {
    /// From, microseconds since the epoch.
    from: i64,
    /// To, microseconds since the epoch.
    to: i64,
}

impl RangeParams {
    fn query(&self, camera: String, longest: i64) -> Result<RangeQuery, Problem> {
        let invalid = |field: &str, zh: &str, en: &str| Err(Problem::new("FIELD_INVALID", field).detail(zh, en));
        match self.to.checked_sub(self.from) {
            None | Some(..=0) => invalid("to", "必须晚于 from", "must be after from"),
            Some(length) if length > longest => {
                let hours = longest / 3_600_000_000;
                invalid("to", &format!("最长 {hours} 小时"), &format!("at most {hours} hours"))
            }
            Some(_) => Ok(RangeQuery { camera, from: self.from, to: self.to }),
        }
    }
}

/// Writes down who looked at what; a view that cannot be written down is not given.
pub(crate) async fn audited(api: &Api, caller: &Caller, action: &str, subject: String) -> Result<(), Problem> {
    read(&api.records.audit, (caller.0.actor.account.clone(), action.to_owned(), subject)).await
}

fn alarm_number(id: &str) -> Result<u64, Problem> {
    id.parse::<AlarmId>().map(|a| a.0).map_err(|()| Problem::new("NOT_FOUND", id))
}

/// Every camera: its state, its last trouble, whether it is recorded.
#[utoipa::path(get, path = "/api/v1/cameras", operation_id = "list_cameras", responses((status = 200, body = CamerasView)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<CamerasView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(read(&api.cameras.list, ()).await?))
}

/// What was recorded of a camera and what was not, at most 31 days.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/recordings", operation_id = "list_recordings",
    params(("id" = String, Path, description = "camera"), RangeParams),
    responses((status = 200, body = RecordingsView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn recordings(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Params(range): Params<RangeParams>,
) -> Result<Json<RecordingsView>, Answer> {
    caller.may(Permission::VideoView)?;
    Ok(Json(read(&api.cameras.recordings, range.query(id, BAR_MAX_US)?).await?))
}

/// One segment as it is on the disk.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/segments/{segment}", operation_id = "get_segment",
    params(("id" = String, Path, description = "camera"), ("segment" = i64, Path, description = "number")),
    responses((status = 200, description = "fragmented MP4", content_type = "video/mp4"), (status = 404, body = Problem)))]
pub async fn segment(
    State(api): State<Api>,
    caller: Caller,
    Path((id, segment)): Path<(String, i64)>,
) -> Result<Response, Answer> {
    caller.may(Permission::VideoView)?;
    let media = read(&api.cameras.segment, (id.clone(), segment)).await?;
    audited(&api, &caller, "video.view", format!("{id}/{segment}")).await?;
    Ok(sent(media)?)
}

/// A stretch of time as one MP4, at most an hour; begins where asked, from the key frame before it.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/video", operation_id = "get_video",
    params(("id" = String, Path, description = "camera"), RangeParams),
    responses((status = 200, description = "fragmented MP4", content_type = "video/mp4"), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn video(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Params(range): Params<RangeParams>,
) -> Result<Response, Answer> {
    caller.may(Permission::VideoView)?;
    let query = range.query(id, RANGE_MAX_US)?;
    let subject = format!("{} {}..{}", query.camera, query.from, query.to);
    let media = read(&api.cameras.video, query).await?;
    audited(&api, &caller, "video.view", subject).await?;
    Ok(sent(media)?)
}

/// What an alarm keeps of its cameras.
#[utoipa::path(get, path = "/api/v1/alarms/{id}/clips", operation_id = "list_clips",
    params(("id" = String, Path, description = "`A-000123`")),
    responses((status = 200, body = ClipsView), (status = 404, body = Problem)))]
pub async fn clips(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Result<Json<ClipsView>, Answer> {
    caller.may(Permission::VideoView)?;
    Ok(Json(read(&api.cameras.clips, alarm_number(&id)?).await?))
}

/// Make one MP4 of a clip, with a manifest; both say who exported it.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/clips/export", operation_id = "export_clip", request_body = ExportBody,
    params(("id" = String, Path, description = "`A-000123`")),
    responses((status = 200, body = ExportView), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn export(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<ExportBody>,
) -> Result<Json<ExportView>, Answer> {
    caller.may(Permission::VideoExport)?;
    let number = alarm_number(&id)?;
    // One at a time: it reads and writes hundreds of megabytes beside the recordings.
    let _place = api.exports.acquire().await.map_err(|_| Problem::new("STOPPING", ""))?;
    audited(&api, &caller, "video.export", format!("{id}/{}", body.camera)).await?;
    let account = caller.0.actor.account.clone();
    Ok(Json(read(&api.cameras.export, (number, body.camera, account)).await?))
}

/// An exported clip or its manifest.
#[utoipa::path(get, path = "/api/v1/alarms/{id}/exports/{name}", operation_id = "get_export",
    params(("id" = String, Path, description = "`A-000123`"), ("name" = String, Path, description = "as the export answered")),
    responses((status = 200, description = "MP4 or JSON"), (status = 404, body = Problem)))]
pub async fn exported(
    State(api): State<Api>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Answer> {
    caller.may(Permission::VideoExport)?;
    let media = read(&api.cameras.exported, (alarm_number(&id)?, name.clone())).await?;
    audited(&api, &caller, "video.take", format!("{id}/{name}")).await?;
    Ok(sent(media)?)
}

/// A file in pieces; each is read on a blocking thread when the client has taken the one before.
fn sent(media: Media) -> Result<Response, Problem> {
    let Media { name, length, pieces } = media;
    let stream = futures_util::stream::unfold(pieces, |mut pieces| async move {
        let read = tokio::task::spawn_blocking(move || (pieces.next(), pieces)).await;
        match read {
            Ok((Some(piece), pieces)) => Some((piece, pieces)),
            Ok((None, _)) => None,
            Err(panic) => {
                tracing::error!(%panic, "a recording could not be read");
                None
            }
        }
    });
    let text = |s: &str| HeaderValue::from_str(s).map_err(|_| Problem::new("INTERNAL", ""));
    let kind = if name.ends_with(".json") { "application/json" } else { "video/mp4" };
    let mut response = HttpBody::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, text(kind)?);
    headers.insert(header::CONTENT_DISPOSITION, text(&format!("attachment; filename=\"{name}\""))?);
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}
