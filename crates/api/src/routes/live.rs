//! Tickets for live pictures, and single ones.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::{LiveStream, Permission, Problem, TicketBody, TicketCamera, TicketView};

use super::cameras::audited;
use crate::access::Caller;
use crate::problem::{Answer, Body};
use crate::server::Api;

/// Cameras of one ticket.
const CAMERAS_MAX: usize = 64;

/// Ask to see cameras live. The ticket opens one connection at `/api/v1/video?ticket=…` of the same session within 30 s,
/// or is added to one that is open. Who sees what is written into the audit chain here.
#[utoipa::path(post, path = "/api/v1/video/tickets", operation_id = "give_video_ticket", request_body = TicketBody,
    responses((status = 200, body = TicketView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn ticket(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<TicketBody>,
) -> Result<Json<TicketView>, Answer> {
    caller.may(Permission::VideoView)?;
    if body.cameras.is_empty() || body.cameras.len() > CAMERAS_MAX {
        let (zh, en) = (format!("1 至 {CAMERAS_MAX} 路"), format!("1 to {CAMERAS_MAX}"));
        return Err(Problem::new("FIELD_INVALID", "cameras").detail(&zh, &en).into());
    }
    if let Some(unknown) = body.cameras.iter().find(|c| !(api.live.knows)(&c.camera)) {
        return Err(Problem::new("NOT_FOUND", &unknown.camera).into());
    }
    let subject = body.cameras.iter().map(named).collect::<Vec<_>>().join(" ");
    audited(&api, &caller, "video.live", subject).await?;
    let (ticket, expires_at) = api.tickets.give(caller.0.by, body.cameras, runtime::unix_now());
    Ok(Json(TicketView { ticket, expires_at }))
}

fn named(c: &TicketCamera) -> String {
    match c.stream {
        None => c.camera.clone(),
        Some(LiveStream::Main) => format!("{}/main", c.camera),
        Some(LiveStream::Sub) => format!("{}/sub", c.camera),
    }
}

/// When the server received the picture, microseconds since the epoch.
const PICTURE_AT: HeaderName = HeaderName::from_static("x-picture-at");

/// The newest key frame of a camera as JPEG; header `x-picture-at` says when it was received. A camera that is not open
/// is opened for it.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/snapshot.jpg", operation_id = "get_snapshot",
    params(("id" = String, Path, description = "camera")),
    responses((status = 200, description = "JPEG", content_type = "image/jpeg"), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn snapshot(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Result<Response, Answer> {
    caller.may(Permission::VideoView)?;
    if !(api.live.knows)(&id) {
        return Err(Problem::new("NOT_FOUND", &id).into());
    }
    audited(&api, &caller, "video.snapshot", id.clone()).await?;
    let still = (api.live.snapshot)(id).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    headers.insert(PICTURE_AT, HeaderValue::from(still.at));
    Ok((headers, still.jpeg).into_response())
}
