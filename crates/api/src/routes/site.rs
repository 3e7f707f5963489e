//! The watched sites, and putting new rules into force.

use axum::Json;
use axum::extract::State;
use protocol::{EnterpriseView, Permission, Problem, SiteView, TeamView, UnitView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::deps::read;
use crate::problem::Answer;
use crate::server::Api;

/// Enterprises with their units, and teams that can be sent.
#[utoipa::path(get, path = "/api/v1/site", operation_id = "get_site", responses((status = 200, body = SiteView)))]
pub async fn site(State(api): State<Api>, caller: Caller) -> Result<Json<SiteView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let directory = api.directory.load();
    let enterprises = directory.enterprises.iter().map(enterprise).collect();
    let teams = api.settings.teams.iter().map(|t| TeamView {
        id: t.id.clone(),
        name_zh: t.name_zh.clone(),
        name_en: t.name_en.clone(),
        telephone: t.telephone.clone(),
    });
    Ok(Json(SiteView { enterprises, teams: teams.collect() }))
}

fn enterprise(e: &model::Enterprise) -> EnterpriseView {
    EnterpriseView {
        id: e.id.clone(),
        name_zh: e.name_zh.clone(),
        name_en: e.name_en.clone(),
        kind: e.kind.clone(),
        address: e.address.clone(),
        position: e.position.map(|(lon, lat)| [lon, lat]),
        contact: e.contact.clone(),
        units: e
            .units
            .iter()
            .map(|u| UnitView { id: u.id.clone(), name_zh: u.name_zh.clone(), name_en: u.name_en.clone() })
            .collect(),
    }
}

/// The revision in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionView {
    /// Its number.
    revision: u64,
}

/// Read the site and rule files again; with any problem in them the old rules stay in force.
#[utoipa::path(post, path = "/api/v1/rules/reload", operation_id = "reload_rules",
    responses((status = 200, body = RevisionView), (status = 422, body = Problem)))]
pub async fn reload(State(api): State<Api>, caller: Caller) -> Result<Json<RevisionView>, Answer> {
    caller.may(Permission::RulesReload)?;
    let revision = read(&api.records.reload, caller.0.actor).await?;
    Ok(Json(RevisionView { revision }))
}
