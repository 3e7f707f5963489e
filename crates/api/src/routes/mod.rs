//! All addresses of people's door.

pub(crate) mod accounts;
pub(crate) mod alarms;
pub(crate) mod attachments;
pub(crate) mod audit;
pub(crate) mod cameras;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod orders;
pub(crate) mod site;
pub(crate) mod tags;
pub(crate) mod tokens;
pub(crate) mod watch;
pub(crate) mod work;

use std::time::Duration;

use axum::Router;
use axum::routing::{delete, get, post};
use engine::{Command, CommandKind};
use protocol::{DoneView, Problem};

use crate::access::Caller;
use crate::deps::read;
use crate::server::Api;
use crate::{console, openapi, stream};

/// The tables are at most a stalled disk behind: looked at so often, this far apart.
const TABLES_LOOKS: u32 = 250;
const TABLES_EVERY: Duration = Duration::from_millis(4);

/// The router without its state.
pub fn all() -> Router<Api> {
    Router::new()
        .merge(people())
        .merge(alarm_routes())
        .merge(work_routes())
        .merge(reading_routes())
        .merge(camera_routes())
        .fallback(get(console::serve))
}

fn people() -> Router<Api> {
    Router::new()
        .route("/login", get(login::link))
        .route("/api/v1/login", post(login::login))
        .route("/api/v1/logout", post(login::logout))
        .route("/api/v1/me", get(login::me))
        .route("/m/enter", get(tokens::enter))
        .route("/api/v1/accounts", get(accounts::list).post(accounts::save))
        .route("/api/v1/people", get(accounts::people))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::make))
        .route("/api/v1/tokens/{id}", delete(tokens::revoke))
        .route("/api/v1/field-links", post(tokens::field_link))
        .route("/api/v1/attachments", post(attachments::add))
        .route("/api/v1/attachments/{id}", get(attachments::get))
        .route("/api/v1/status", get(health::status))
        .route("/api/v1/presence", get(health::presence))
        .route("/api/v1/rules/reload", post(site::reload))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/stream", get(stream::stream))
        .route("/api/{*rest}", get(not_found).post(not_found).delete(not_found))
}

fn alarm_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/alarms", get(alarms::list))
        .route("/api/v1/alarms/ack-batch", post(alarms::ack_batch))
        .route("/api/v1/alarms/{id}", get(alarms::detail))
        .route("/api/v1/alarms/{id}/ack", post(alarms::ack))
        .route("/api/v1/alarms/{id}/unack", post(alarms::unack))
        .route("/api/v1/alarms/{id}/shelve", post(alarms::shelve))
        .route("/api/v1/alarms/{id}/unshelve", post(alarms::unshelve))
        .route("/api/v1/alarms/{id}/reset", post(alarms::reset))
        .route("/api/v1/alarms/{id}/comment", post(alarms::comment))
}

fn work_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/orders", get(orders::list).post(orders::issue))
        .route("/api/v1/orders/{id}/{action}", post(orders::act))
        .route("/api/v1/flows", get(watch::flows))
        .route("/api/v1/work", get(work::list).post(work::create))
        .route("/api/v1/work/aggregate", get(work::aggregate))
        .route("/api/v1/work/export", get(export::list))
        .route("/api/v1/work/{id}", get(work::detail))
        .route("/api/v1/work/{id}/events", get(work::events))
        .route("/api/v1/work/{id}/review", get(work::review).post(work::act_review))
        .route("/api/v1/work/{id}/export", get(export::item))
        .route("/api/v1/work/{id}/{action}", post(work::act))
        .route("/api/v1/parties", get(watch::parties))
        .route("/api/v1/plans", get(watch::plans))
        .route("/api/v1/profile", get(watch::profile))
        .route("/api/v1/timeline", get(watch::timeline))
        .route("/api/v1/handover/open", get(watch::open))
}

fn reading_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/site", get(site::site))
        .route("/api/v1/tags", get(tags::list))
        .route("/api/v1/tags/pending", get(tags::pending))
        .route("/api/v1/tags/{enterprise}/{tag}/service", post(tags::service))
        .route("/api/v1/rejections", get(tags::rejections))
        .route("/api/v1/history", get(tags::history))
        .route("/api/v1/notices", get(audit::notices))
        .route("/api/v1/audit", get(audit::page))
        .route("/api/v1/audit/head", get(audit::head))
}

fn camera_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/cameras", get(cameras::list))
        .route("/api/v1/video", get(crate::live::video))
        .route("/api/v1/video/tickets", post(live::ticket))
        .route("/api/v1/cameras/{id}/snapshot.jpg", get(live::snapshot))
        .route("/api/v1/cameras/{id}/recordings", get(cameras::recordings))
        .route("/api/v1/cameras/{id}/segments/{segment}", get(cameras::segment))
        .route("/api/v1/cameras/{id}/video", get(cameras::video))
        .route("/api/v1/alarms/{id}/clips", get(cameras::clips))
        .route("/api/v1/alarms/{id}/clips/export", post(cameras::export))
        .route("/api/v1/alarms/{id}/exports/{name}", get(cameras::exported))
}

async fn not_found() -> crate::problem::Answer {
    Problem::new("NOT_FOUND", "path").into()
}

/// A fact is told as soon as it is durable, and the tables get it a moment later. Whoever answers with a stream number and
/// with what the tables say waits for them first: a client that goes on from that number would never see what lies between.
/// Tables that do not come (the journal failed) are shown as they are: old rows are better than none.
pub(crate) async fn tables_have(api: &Api, seq: u64) -> Result<(), Problem> {
    for _ in 0..TABLES_LOOKS {
        if seq == 0 || !read(&api.records.events_since, (seq - 1, 1)).await?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(TABLES_EVERY).await;
    }
    tracing::warn!(seq, "the tables do not have what was told");
    Ok(())
}

/// Hands a command to the hall and waits until it is durable.
pub(crate) async fn command(api: &Api, caller: &Caller, key: Key, kind: CommandKind) -> Result<DoneView, Problem> {
    // A key is a repeat only from the same account and for the same command: else a 2xx would speak of something else.
    let digest = crate::sessions::hash_token(&serde_json::to_string(&kind).unwrap_or_default());
    let key = format!("{}/{}/{}", caller.0.actor.account, key.0, &digest[..16]);
    let command = Command { actor: caller.0.actor.clone(), key, kind };
    let answer = (api.desk)(command).await.map_err(|_| Problem::new("STOPPING", ""))?;
    answer.map(|o| DoneView {
        seq: o.seq,
        alarm_id: o.alarm.map(|a| a.to_string()),
        order_id: o.items.iter().find(|i| i.kind == response::Kind::Order).map(ToString::to_string),
        ids: o.items.iter().map(ToString::to_string).collect(),
        repeated: o.repeated,
    })
}

/// The client's idempotency key, or one of our own.
pub(crate) struct Key(pub String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Key {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        let given = parts.headers.get("idempotency-key").and_then(|v| v.to_str().ok()).filter(|k| k.len() <= 128);
        Ok(Self(given.map_or_else(crate::sessions::random_hex::<16>, str::to_owned)))
    }
}
