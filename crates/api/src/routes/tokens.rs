//! Machine tokens, and personal links to the field page. Only hashes are kept; each is audited.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Role;
use protocol::{FieldLinkBody, FieldLinkView, NewTokenView, Permission, Problem, TokenBody, TokenView, TokensView};
use serde::Deserialize;

use crate::access::{Caller, cookie};
use crate::deps::{TokenKind, TokenRow, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;
use crate::sessions::{hash_token, random_hex};

const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;
/// Tokens and links at once; more are a mistake of a script.
const TOKENS_MAX: usize = 10_000;

/// Machine tokens and personal links that have not expired.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "list_tokens",
    responses((status = 200, body = TokensView), (status = 403, body = Problem)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<TokensView>, Answer> {
    caller.may(Permission::AccountsManage)?;
    let rows = read(&api.records.tokens, ()).await?;
    Ok(Json(TokensView { tokens: rows.into_iter().map(view).collect() }))
}

fn view(row: TokenRow) -> TokenView {
    let kind = match row.kind {
        TokenKind::Machine => "machine",
        TokenKind::FieldLink => "field_link",
    };
    TokenView {
        id: row.hash,
        kind: kind.to_owned(),
        purpose: row.label,
        role: row.role,
        party: row.party,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

/// Make a machine token; it is shown only in this answer.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "make_token", request_body = TokenBody,
    responses((status = 200, body = NewTokenView), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn make(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<TokenBody>,
) -> Result<Json<NewTokenView>, Answer> {
    caller.may(Permission::AccountsManage)?;
    let invalid = |field, zh, en| Problem::new("FIELD_INVALID", field).detail(zh, en);
    let purpose = body.purpose.trim();
    if !(1..=60).contains(&purpose.chars().count()) || purpose.chars().any(char::is_control) {
        return Err(invalid("purpose", "1 至 60 个字符", "1 to 60 characters").into());
    }
    if !(1..=3_650).contains(&body.days) {
        return Err(invalid("days", "1 至 3650 天", "1 to 3650 days").into());
    }
    let role = body.role.unwrap_or(Role::ReadOnly);
    if matches!(role, Role::Administrator | Role::Field) {
        return Err(invalid(
            "role",
            "机器令牌不能是管理员或现场角色",
            "no machine is an administrator or in the field",
        )
        .into());
    }
    let (token, now) = (random_hex::<32>(), runtime::unix_now());
    let hash = hash_token(&token);
    let expires_at = now + i64::from(body.days) * DAY_US;
    let row = TokenRow {
        account: format!("token:{}", &hash[..12]),
        hash: hash.clone(),
        kind: TokenKind::Machine,
        label: purpose.to_owned(),
        role,
        party: String::new(),
        created_at: now,
        expires_at: Some(expires_at),
    };
    keep(&api, caller, row, "token.made").await?;
    Ok(Json(NewTokenView { id: hash, token, expires_at }))
}

async fn keep(api: &Api, caller: Caller, row: TokenRow, action: &str) -> Result<(), Problem> {
    if read(&api.records.tokens, ()).await?.len() >= TOKENS_MAX {
        return Err(Problem::new("BUSY", "tokens").detail("令牌过多", "too many tokens; revoke some"));
    }
    let subject = format!("{} {}", &row.hash[..12], if row.party.is_empty() { &row.label } else { &row.party });
    let audit = (caller.0.actor.account, action.to_owned(), subject);
    read(&api.records.keep_token, (row, audit)).await
}

/// End a machine token or a personal link, with the sessions the link opened; their streams close.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "revoke_token", params(("id" = String, Path, description = "as in the list")),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn revoke(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Result<Response, Answer> {
    let row = read(&api.records.token, id.clone()).await?;
    // Who gives links out may take them back.
    let link = row.as_ref().is_some_and(|r| r.kind == TokenKind::FieldLink);
    caller.may(if link { Permission::FieldLink } else { Permission::AccountsManage })?;
    let row = row.ok_or_else(|| Problem::new("NOT_FOUND", &id))?;
    let audit = (caller.0.actor.account, "token.revoked".to_owned(), format!("{} {}", &row.hash[..12], row.label));
    read(&api.records.revoke_token, (row.hash.clone(), audit)).await?;
    api.sessions.end_token(&row.hash);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Make a personal link to the field page of a party.
#[utoipa::path(post, path = "/api/v1/field-links", operation_id = "make_field_link", request_body = FieldLinkBody,
    responses((status = 200, body = FieldLinkView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn field_link(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<FieldLinkBody>,
) -> Result<Json<FieldLinkView>, Answer> {
    caller.may(Permission::FieldLink)?;
    if !(1..=720).contains(&body.valid_h) {
        return Err(Problem::new("FIELD_INVALID", "valid_h").detail("1 至 720 小时", "1 to 720 hours").into());
    }
    let missing = || Problem::new("NOT_FOUND", "party").detail(&body.party, &body.party);
    let name = party_name(&api, &body.party).ok_or_else(missing)?;
    let (key, now) = (random_hex::<32>(), runtime::unix_now());
    let hash = hash_token(&key);
    let expires_at = now + i64::from(body.valid_h) * HOUR_US;
    let row = TokenRow {
        hash: hash.clone(),
        kind: TokenKind::FieldLink,
        account: format!("{}{}", response::PARTY_ACCOUNT, body.party),
        label: name,
        role: Role::Field,
        party: body.party,
        created_at: now,
        expires_at: Some(expires_at),
    };
    keep(&api, caller, row, "field_link.made").await?;
    Ok(Json(FieldLinkView { id: hash, url: format!("/m/enter?key={key}"), expires_at }))
}

/// Name of a party; before parties are configured, of a team of the settings.
pub(super) fn party_name(api: &Api, id: &str) -> Option<String> {
    let settings = api.work_settings.load();
    if !settings.parties.is_empty() {
        return settings.party(id).map(|p| p.name_zh.clone());
    }
    api.settings.teams.iter().find(|t| t.id == id).map(|t| t.name_zh.clone())
}

#[derive(Deserialize)]
pub struct EnterParams {
    key: String,
}

/// `GET /m/enter?key=…`: opens a session of the link's party and leads to the field page.
/// A telephone that is in already by the same link stays in its session.
pub async fn enter(
    State(api): State<Api>,
    sent: HeaderMap,
    Params(params): Params<EnterParams>,
) -> Result<Response, Answer> {
    let now = runtime::unix_now();
    let link = read(&api.records.token, hash_token(&params.key)).await?;
    let link = link.filter(|l| l.kind == TokenKind::FieldLink && l.expires_at.is_none_or(|at| at > now));
    let Some(link) = link else {
        // A person follows this link: the field page says what is wrong.
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/m?problem=LINK_EXPIRED")]).into_response());
    };
    if let Some(token) = cookie(&sent)
        && api.sessions.is_of_link(&api.records, token, &link.hash, now).await
    {
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/m")]).into_response());
    }
    let token = api.sessions.open_field(&api.records, &link, now).await?;
    let audit = (link.account.clone(), "field_link.used".to_owned(), link.hash[..12].to_owned());
    read(&api.records.audit, audit).await?;
    let seconds = link.expires_at.map_or(0, |at| (at - now) / 1_000_000);
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, super::login::cookie(&token, seconds)?);
    headers.insert(header::LOCATION, HeaderValue::from_static("/m"));
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
