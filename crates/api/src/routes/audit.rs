//! The audit chain and notices.

use axum::Json;
use axum::extract::State;
use protocol::{AuditHeadView, AuditView, NoticesView, Permission};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::deps::read;
use crate::problem::{Answer, Params};
use crate::server::Api;

/// A page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Only rows below this number.
    before: Option<u64>,
    /// At most so many, 1 to 1000; 100 by default.
    limit: Option<usize>,
}

impl PageParams {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(100).clamp(1, 1_000)
    }
}

/// Head of the audit chain: write its hash down, and nobody can rewrite what came before.
#[utoipa::path(get, path = "/api/v1/audit/head", operation_id = "get_audit_head", responses((status = 200, body = AuditHeadView)))]
pub async fn head(State(api): State<Api>, caller: Caller) -> Result<Json<AuditHeadView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(read(&api.records.audit_head, ()).await?))
}

/// A page of the audit chain, newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "list_audit", params(PageParams), responses((status = 200, body = AuditView)))]
pub async fn page(
    State(api): State<Api>,
    caller: Caller,
    Params(p): Params<PageParams>,
) -> Result<Json<AuditView>, Answer> {
    caller.may(Permission::AuditRead)?;
    let rows = read(&api.records.audit_page, (p.before.unwrap_or(u64::MAX >> 1), p.limit())).await?;
    Ok(Json(AuditView { rows }))
}

/// Notices about the measuring system, newest first.
#[utoipa::path(get, path = "/api/v1/notices", operation_id = "list_notices", params(PageParams), responses((status = 200, body = NoticesView)))]
pub async fn notices(
    State(api): State<Api>,
    caller: Caller,
    Params(p): Params<PageParams>,
) -> Result<Json<NoticesView>, Answer> {
    caller.may(Permission::SiteRead)?;
    Ok(Json(NoticesView { notices: read(&api.records.notices, p.limit()).await? }))
}
