//! Log in, log out, who am I.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{LoginBody, MeView, Problem, permissions};
use serde::Deserialize;

use crate::access::{COOKIE, Caller, verify_password};
use crate::deps::{AccountRow, read};
use crate::problem::{Answer, Body, Params};
use crate::server::Api;

/// A hash that fits no password: checking it makes an unknown account cost the same as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$6x1cLrPQJmmFgJmGkGzLFBcsmDkaGvWqGpmW4XyqtNw";

/// Log in with account and password; sets the session cookie.
#[utoipa::path(post, path = "/api/v1/login", request_body = LoginBody,
    responses((status = 200, body = MeView), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn login(
    State(api): State<Api>,
    headers: HeaderMap,
    Body(body): Body<LoginBody>,
) -> Result<Response, Answer> {
    if !crate::access::origin_allowed(&api, &headers, false) {
        return Err(Problem::new("ORIGIN_DENIED", "Origin").into());
    }
    let now = runtime::unix_now();
    api.sessions.may_try(&body.account, now)?;
    // Counted before it is checked, so that many at once count too; a right password forgives.
    api.sessions.tried(&body.account, false, now);
    let account = read(&api.records.account, body.account.clone()).await?;
    let stored = account.as_ref().map_or_else(|| NOBODY.to_owned(), |a| a.password_hash.clone());
    let good = check(&api, body.password, stored).await? && account.is_some();
    if good {
        api.sessions.tried(&body.account, true, now);
    }
    let action = if good { "login" } else { "login_failed" };
    let audit = (body.account.clone(), action.to_owned(), body.account.clone());
    read(&api.records.audit, audit).await?;
    match account.filter(|_| good) {
        Some(account) => Ok((open(&api, &account, now).await?, Json(me_view(&account))).into_response()),
        None => Err(Problem::new("LOGIN_FAILED", "").into()),
    }
}

async fn check(api: &Api, password: String, stored: String) -> Result<bool, Problem> {
    let _permit = api.argon.acquire().await.map_err(|_| Problem::new("STOPPING", ""))?;
    tokio::task::spawn_blocking(move || verify_password(&password, &stored))
        .await
        .map_err(|_| Problem::new("INTERNAL", ""))
}

/// Opens a session; returns the headers that set its cookie.
async fn open(api: &Api, account: &AccountRow, now: i64) -> Result<HeaderMap, Problem> {
    let token = api.sessions.open(&api.records, account.actor.clone(), account.role, now).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, cookie(&token, 43_200)?);
    Ok(headers)
}

/// The session cookie for so many seconds. No Secure attribute: halls run on plain intranets too; behind TLS the proxy
/// adds it.
pub(super) fn cookie(token: &str, seconds: i64) -> Result<HeaderValue, Problem> {
    let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    HeaderValue::from_str(&text).map_err(|_| Problem::new("INTERNAL", ""))
}

fn me_view(account: &AccountRow) -> MeView {
    MeView {
        account: account.actor.account.clone(),
        name: account.actor.name.clone(),
        role: account.role,
        permissions: permissions(account.role),
        party: None,
    }
}

#[derive(Deserialize)]
pub struct LinkParams {
    token: Option<String>,
}

/// `GET /login?token=…`: a one-time link, as the demo prints it; without a token, the console's log-in page.
pub async fn link(State(api): State<Api>, Params(params): Params<LinkParams>) -> Result<Response, Answer> {
    let Some(token) = params.token else { return Ok(crate::console::page().into_response()) };
    let account = match api.sessions.use_link(&token) {
        Some(name) => read(&api.records.account, name).await?,
        None => None,
    };
    // A person follows this link: the console's log-in page says what is wrong.
    let Some(account) = account else {
        let page = [(header::LOCATION, "/login?problem=LINK_EXPIRED")];
        return Ok((StatusCode::SEE_OTHER, page).into_response());
    };
    let mut headers = open(&api, &account, runtime::unix_now()).await?;
    headers.insert(header::LOCATION, HeaderValue::from_static("/"));
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// End this session.
#[utoipa::path(post, path = "/api/v1/logout", responses((status = 204), (status = 401, body = Problem)))]
pub async fn logout(State(api): State<Api>, caller: Caller) -> Result<Response, Answer> {
    if let Some(hash) = caller.0.session() {
        api.sessions.end(&api.records, hash).await?;
    }
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is logged in, and what that role may do.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, body = MeView), (status = 401, body = Problem)))]
pub async fn me(caller: Caller) -> Json<MeView> {
    let (actor, role) = (caller.0.actor, caller.0.role);
    Json(MeView {
        account: actor.account,
        name: actor.name,
        role,
        permissions: permissions(role),
        party: caller.0.party,
    })
}
