//! Accounts while the hall runs: the administrator adds, changes and disables them.

use axum::Json;
use axum::extract::State;
use model::{Actor, Role};
use protocol::{AccountBody, AccountView, AccountsView, PeopleView, Permission, PersonView, Problem};

use crate::access::{Caller, hash_password};
use crate::deps::{AccountChange, AccountRow, read};
use crate::problem::{Answer, Body};
use crate::server::Api;

/// Characters of a password (ASVS 5 V6.2: 8 at least, long ones allowed).
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=128;
/// Characters of a person's name at most.
const NAME_MAX: usize = 60;

/// Accounts, disabled ones too.
#[utoipa::path(get, path = "/api/v1/accounts", operation_id = "list_accounts",
    responses((status = 200, body = AccountsView), (status = 403, body = Problem)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<AccountsView>, Answer> {
    caller.may(Permission::AccountsManage)?;
    let rows = read(&api.records.accounts, ()).await?;
    Ok(Json(AccountsView { accounts: rows.iter().map(|(row, disabled)| view(row, *disabled)).collect() }))
}

/// Who works in the hall, for the forms that ask for a person; disabled accounts are nobody's successor.
#[utoipa::path(get, path = "/api/v1/people", operation_id = "list_people",
    responses((status = 200, body = PeopleView), (status = 403, body = Problem)))]
pub async fn people(State(api): State<Api>, caller: Caller) -> Result<Json<PeopleView>, Answer> {
    caller.may(Permission::SiteRead)?;
    let rows = read(&api.records.accounts, ()).await?;
    let active = rows.into_iter().filter(|(_, disabled)| !disabled);
    let people =
        active.map(|(AccountRow { actor, role, .. }, _)| PersonView { account: actor.account, name: actor.name, role });
    Ok(Json(PeopleView { people: people.collect() }))
}

/// Add an account or change one. When it is disabled, or its password or role changes, its sessions end and its streams
/// close.
#[utoipa::path(post, path = "/api/v1/accounts", operation_id = "save_account", request_body = AccountBody,
    responses((status = 200, body = AccountView), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn save(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<AccountBody>,
) -> Result<Json<AccountView>, Answer> {
    caller.may(Permission::AccountsManage)?;
    check(&body)?;
    // One at a time: two administrators must not disable one another.
    let _one = api.account_changes.lock().await;
    let all = read(&api.records.accounts, ()).await?;
    let old = all.iter().find(|(row, _)| row.actor.account == body.account);
    let password_hash = match &body.password {
        Some(password) => hash(&api, password.clone()).await?,
        None => old.map(|(row, _)| row.password_hash.clone()).ok_or_else(|| required("password"))?,
    };
    let change = changed(&body, old, password_hash)?;
    keep_an_administrator(&all, &change)?;
    let action = match old {
        None => "account.added",
        Some(_) if change.disabled => "account.disabled",
        Some(_) => "account.changed",
    };
    let audit = (caller.0.actor.account, action.to_owned(), body.account.clone());
    let (shown, ends) = (view(&change.row, change.disabled), change.end_sessions);
    read(&api.records.save_account, (change, audit)).await?;
    if ends {
        api.sessions.end_account(&body.account, runtime::unix_now());
    }
    Ok(Json(shown))
}

fn required(field: &str) -> Problem {
    Problem::new("FIELD_REQUIRED", field)
}

fn invalid(field: &str, zh: &str, en: &str) -> Problem {
    Problem::new("FIELD_INVALID", field).detail(zh, en)
}

fn check(body: &AccountBody) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if !(1..=32).contains(&body.account.len()) || !body.account.chars().all(fits) {
        let en = "1 to 32 lower-case letters, digits, . _ or -";
        return Err(invalid("account", "1 至 32 个小写字母、数字、. _ 或 -", en));
    }
    // The hall itself is `system`: nobody may write history in its name.
    if ["system", "machine"].contains(&body.account.as_str()) {
        return Err(invalid("account", "该名称为系统保留", "this name is the hall's own"));
    }
    if body.password.as_ref().is_some_and(|p| !PASSWORD.contains(&p.chars().count())) {
        return Err(invalid("password", "8 至 128 个字符", "8 to 128 characters"));
    }
    if body.role == Some(Role::Field) {
        let en = "a receiver in the field gets a personal link, not an account";
        return Err(invalid("role", "现场人员使用个人链接，不设账号", en));
    }
    match body.name.as_ref().map(|n| n.trim()) {
        Some("") => Err(required("name")),
        Some(name) if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) => {
            Err(invalid("name", "最多 60 个字符", "at most 60 characters, no control characters"))
        }
        _ => Ok(()),
    }
}

fn changed(
    body: &AccountBody,
    old: Option<&(AccountRow, bool)>,
    password_hash: String,
) -> Result<AccountChange, Problem> {
    let name = body.name.as_ref().map(|n| n.trim().to_owned()).or_else(|| old.map(|(row, _)| row.actor.name.clone()));
    let role = body.role.or_else(|| old.map(|(row, _)| row.role)).ok_or_else(|| required("role"))?;
    let disabled = body.disabled.or_else(|| old.map(|(_, disabled)| *disabled)).unwrap_or(false);
    let end_sessions = old.is_some_and(|(row, _)| disabled || row.role != role || row.password_hash != password_hash);
    let actor = Actor { account: body.account.clone(), name: name.ok_or_else(|| required("name"))? };
    Ok(AccountChange { row: AccountRow { actor, role, password_hash }, disabled, end_sessions })
}

/// Nobody could undo it.
fn keep_an_administrator(all: &[(AccountRow, bool)], change: &AccountChange) -> Result<(), Problem> {
    let rules = |row: &AccountRow, disabled: bool| row.role == Role::Administrator && !disabled;
    let account = &change.row.actor.account;
    let others = all.iter().any(|(row, disabled)| row.actor.account != *account && rules(row, *disabled));
    if others || rules(&change.row, change.disabled) {
        return Ok(());
    }
    Err(Problem::new("LAST_ADMINISTRATOR", "account"))
}

async fn hash(api: &Api, password: String) -> Result<String, Problem> {
    let _permit = api.argon.acquire().await.map_err(|_| Problem::new("STOPPING", ""))?;
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    hashed.ok().and_then(Result::ok).ok_or_else(|| Problem::new("INTERNAL", ""))
}

fn view(row: &AccountRow, disabled: bool) -> AccountView {
    AccountView { account: row.actor.account.clone(), name: row.actor.name.clone(), role: row.role, disabled }
}
