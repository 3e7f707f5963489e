//! Photos and papers: kept durably before they are answered for, served so that no browser runs them.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use protocol::{AttachmentView, Permission, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::deps::{NewAttachment, read};
use crate::problem::{Answer, Params};
use crate::server::Api;

/// Largest attachment, bytes; the store checks it again.
const BYTES_MAX: usize = 10 * 1024 * 1024;
/// A sender that takes longer is cut, so that it holds no place.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Read away of an attachment that is too large, bytes and time.
const DRAIN_MAX: usize = 4 * BYTES_MAX;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The attachment's name.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NameParams {
    /// File name, 1 to 120 characters without `/ \ : ..` or control characters.
    name: String,
}

/// Add a photo or paper: the raw bytes are the body, at most 10 MiB of JPEG, PNG, WebP, PDF or UTF-8 text. Commands name
/// it by the id in the answer.
#[utoipa::path(post, path = "/api/v1/attachments", operation_id = "add_attachment", params(NameParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = AttachmentView), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub async fn add(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<NameParams>,
    request: Request,
) -> Result<Json<AttachmentView>, Answer> {
    caller.may(Permission::AttachmentWrite)?;
    let (parts, body) = request.into_parts();
    // Refused before it is sent, where the sender says how much it is.
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|n| n > BYTES_MAX as u64) {
        drain(body).await;
        return Err(Problem::new("ATTACHMENT_TOO_LARGE", "body").into());
    }
    let _place = api.uploads.acquire().await.map_err(|_| Problem::new("STOPPING", ""))?;
    let bytes = receive(body).await?;
    let new = NewAttachment { bytes, name: params.name, account: caller.0.actor.account };
    Ok(Json(read(&api.records.keep_attachment, new).await?))
}

/// Reads away what the sender insists on sending, within reason: many read the answer only after they sent everything.
async fn drain(body: Body) {
    let mut frames = body.into_data_stream();
    let mut left = DRAIN_MAX;
    let reading = async {
        while let Some(Ok(bytes)) = frames.next().await {
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, reading).await;
}

async fn receive(body: Body) -> Result<Bytes, Problem> {
    let broken = |text: &str| Problem::new("BODY_INVALID", "body").detail(text, text);
    match tokio::time::timeout(UPLOAD_TIMEOUT, to_bytes(body, BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) if is_length(&e) => Err(Problem::new("ATTACHMENT_TOO_LARGE", "body")),
        Ok(Err(e)) => Err(broken(&e.to_string())),
        Err(_) => Err(broken("the body did not arrive within 120 s")),
    }
}

fn is_length(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(e) = cause {
        if e.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = e.source();
    }
    false
}

/// The bytes of an attachment.
#[utoipa::path(get, path = "/api/v1/attachments/{id}", operation_id = "get_attachment", params(("id" = String, Path, description = "SHA-256 of the bytes, hexadecimal")),
    responses((status = 200, description = "the bytes, with their media type and name"), (status = 404, body = Problem)))]
pub async fn get(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Result<Response, Answer> {
    let missing = || Problem::new("NOT_FOUND", &id);
    // The hall's own people may read every record, and so every file; a party only what belongs to its own items.
    if let Some(party) = caller.may_read()?
        && !read(&api.records.attachment_of_party, (id.clone(), party.to_owned())).await?
    {
        return Err(missing().into());
    }
    let row = read(&api.records.attachment, id.clone()).await?.ok_or_else(missing)?;
    let bytes = read(&api.records.attachment_bytes, id.clone()).await?.ok_or_else(missing)?;
    let mut headers = HeaderMap::new();
    let text = |s: &str| HeaderValue::from_str(s).map_err(|_| Problem::new("INTERNAL", ""));
    let media_type = if row.media_type == "text/plain" { "text/plain; charset=utf-8" } else { &row.media_type };
    headers.insert(header::CONTENT_TYPE, text(media_type)?);
    headers.insert(header::CONTENT_DISPOSITION, text(&disposition(&row))?);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    Ok((headers, bytes).into_response())
}

/// Pictures are shown, everything else is saved. RFC 6266 §4.3, RFC 8187 for names that are not ASCII.
fn disposition(row: &AttachmentView) -> String {
    let kind = if row.media_type.starts_with("image/") { "inline" } else { "attachment" };
    let mut encoded = String::new();
    for byte in row.name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{kind}; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, media_type: &str, expected: &str) {
        let row = AttachmentView { id: String::new(), name: name.into(), media_type: media_type.into(), bytes: 0 };
        assert_eq!(disposition(&row), expected);
    }

    #[test]
    fn names_cannot_leave_their_header() {
        check("a b.jpg", "image/jpeg", "inline; filename*=UTF-8''a%20b.jpg");
        check("阀.pdf", "application/pdf", "attachment; filename*=UTF-8''%E9%98%80.pdf");
        check("x\"; evil=1\r\n.txt", "text/plain", "attachment; filename*=UTF-8''x%22%3B%20evil%3D1%0D%0A.txt");
    }
}
