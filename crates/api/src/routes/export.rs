//! Records as files: JSON for programs, CSV for spreadsheets.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::{Permission, Problem, WorkItemView, csv_head_of_items, csv_of_items, csv_of_life};
use response::Kind;
use serde::Deserialize;
use utoipa::IntoParams;

use super::work::{WorkParams, life, parse_id};
use crate::access::Caller;
use crate::deps::read;
use crate::problem::{Answer, Params};
use crate::server::Api;

/// Items read at a time.
const PAGE: u64 = 2_000;
/// Items of one export; more must be narrowed.
const ITEMS_MAX: u64 = 100_000;

/// The file's form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormatParams {
    /// `json` (default) or `csv`.
    format: Option<String>,
}

impl FormatParams {
    fn csv(&self) -> Result<bool, Problem> {
        match self.format.as_deref() {
            None | Some("json") => Ok(false),
            Some("csv") => Ok(true),
            Some(other) => {
                Err(Problem::new("FIELD_INVALID", "format").detail(other, &format!("{other}; wanted json or csv")))
            }
        }
    }
}

fn file(name: &str, csv: bool, text: String) -> Result<Response, Problem> {
    let (media_type, extension) = if csv { ("text/csv; charset=utf-8", "csv") } else { ("application/json", "json") };
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{extension}\""));
    let disposition = disposition.map_err(|_| Problem::new("INTERNAL", ""))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(media_type)), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, text).into_response())
}

/// One item with every change, as a file.
#[utoipa::path(get, path = "/api/v1/work/{id}/export", operation_id = "export_item",
    params(("id" = String, Path, description = "`O-000123`, of any kind"), FormatParams),
    responses((status = 200, description = "JSON, or CSV with a byte order mark"), (status = 404, body = Problem)))]
pub async fn item(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Params(params): Params<FormatParams>,
) -> Result<Response, Answer> {
    let csv = params.csv()?;
    let name = parse_id(&id)?.to_string();
    let events = life(&api, &caller, &id).await?;
    let text = if csv {
        csv_of_life(&events)
    } else {
        let value = serde_json::json!({"item": events.last().map(|e| &e.item), "events": &events});
        serde_json::to_string_pretty(&value).map_err(|_| Problem::new("INTERNAL", ""))?
    };
    Ok(file(&name, csv, text)?)
}

/// All items that fit the filter, as a file.
#[utoipa::path(get, path = "/api/v1/work/export", operation_id = "export_work", params(FormatParams, WorkParams),
    responses((status = 200, description = "JSON, or CSV with a byte order mark"), (status = 422, body = Problem)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(format): Params<FormatParams>,
    Params(params): Params<WorkParams>,
) -> Result<Response, Answer> {
    caller.may(Permission::SiteRead)?;
    let csv = format.csv()?;
    let mut query = params.query(None)?;
    query.limit = PAGE;
    // One at a time: a hundred thousand items are hundreds of megabytes, and the hall lives in the same memory.
    let _place = api.exports.acquire().await.map_err(|_| Problem::new("STOPPING", ""))?;
    let kind = query.kind;
    let mut text = if csv { csv_head_of_items(kind) } else { "[".to_owned() };
    loop {
        let (total, page) = read(&api.records.work, query.clone()).await?;
        if total > ITEMS_MAX {
            let en = format!("{total} items; at most {ITEMS_MAX}, narrow the filter");
            return Err(Problem::new("FIELD_INVALID", "query")
                .detail(&format!("共 {total} 条，请缩小范围"), &en)
                .into());
        }
        append(&api, &mut text, (csv, kind), &page)?;
        match page.last().filter(|_| page.len() as u64 == PAGE) {
            Some(last) => query.before = Some(parse_id(&last.id)?),
            None => break,
        }
    }
    if !csv {
        text.push(']');
    }
    Ok(file(kind.map_or("work", Kind::name), csv, text)?)
}

fn append(
    api: &Api,
    text: &mut String,
    (csv, kind): (bool, Option<Kind>),
    page: &[WorkItemView],
) -> Result<(), Problem> {
    if csv {
        csv_of_items(text, kind, page, &api.work_settings.load());
        return Ok(());
    }
    for item in page {
        if !text.ends_with('[') {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(item).map_err(|_| Problem::new("INTERNAL", ""))?);
    }
    Ok(())
}
