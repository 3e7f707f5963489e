//! The answer to a CONNECT, off the socket: login, ownership of the client id, take-over, session record.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use model::Time;

use super::access::{Identity, Login, LoginError, SessionRecord};
use super::connect::ConnectRequest;
use super::counters::Counters;
use super::door::{DoorDeps, House};
use super::outgoing::Inbox;
use super::session::{Admission, Note};
use super::wire::Fault;
use crate::rejections::Origin;
use crate::{Code, Refusal};

/// The answer, when it is there.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Result<Admission, Refused>> + Send>>;

/// Why not: MQTT 5 reason code, text, metrics label.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) reason: u8,
    pub(super) text: String,
    pub(super) metric: &'static str,
}

impl Refused {
    fn new(reason: u8, metric: &'static str, text: &str) -> Self {
        Self { reason, text: text.to_owned(), metric }
    }

    fn unavailable() -> Self {
        Self::new(0x88, "unavailable", "UNAVAILABLE try again later | 暂不可用，请稍后再试")
    }
}

/// Starts the check.
pub(super) fn verify(
    house: Arc<House>,
    inbox: Arc<Inbox>,
    key: u64,
    request: ConnectRequest,
    (address, certificate): (SocketAddr, Vec<String>),
) -> Verdict {
    Box::pin(async move {
        let login = Login {
            client_id: request.client_id.clone(),
            username: request.username.clone(),
            password: request.password.clone(),
            certificate,
            address: address.ip().to_string(),
        };
        let identity = Arc::new(check(&house, login).await?);
        let assigned = request.client_id.is_empty();
        let client_id: Arc<str> = match assigned {
            true => format!("fenghuo-{:x}-{key:x}", runtime::unix_now()).into(),
            false => request.client_id.as_str().into(),
        };
        if !house.book.enter(&client_id, &identity.device, &inbox).await {
            return Err(Refused::unavailable());
        }
        let name = if assigned { identity.device.clone() } else { client_id.clone() };
        let (gateway, old) = look_up(&house, &client_id, name).await?;
        let wanted = old.filter(|old| !request.clean && !old.is_expired(Time(runtime::unix_now())));
        remember(&house, &client_id, &identity, &request, wanted.as_ref()).await?;
        Ok(Admission { identity, gateway, client_id, record: wanted })
    })
}

async fn check(house: &Arc<House>, login: Login) -> Result<Identity, Refused> {
    let _turn = house.verifying.acquire().await.map_err(|_| Refused::unavailable())?;
    let inside = house.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let identity = (inside.deps.verify)(&login)?;
        let owner = if login.client_id.is_empty() { None } else { inside.book.owner(&login.client_id) };
        let bound = login.client_id.is_empty() || identity.may_use(&login.client_id, owner.as_deref());
        Ok::<_, LoginError>((identity, bound))
    });
    match checked.await {
        Ok(Ok((identity, true))) => Ok(identity),
        Ok(Ok((_, false))) => {
            let text = "CLIENT_ID_NOT_YOURS | 客户端标识不属于本设备";
            Err(Refused::new(0x85, "client_id", text))
        }
        // No detail on which part is wrong (bad input 1).
        Ok(Err(LoginError::Unknown)) => Err(Refused::new(0x86, "firm_unknown", "FIRM_UNKNOWN | 未知单位或凭据有误")),
        Ok(Err(LoginError::Banned)) => Err(Refused::new(0x8a, "banned", "BANNED | 账号已停用")),
        Ok(Err(LoginError::Unavailable)) | Err(_) => Err(Refused::unavailable()),
    }
}

async fn look_up(
    house: &Arc<House>,
    client_id: &Arc<str>,
    name: Arc<str>,
) -> Result<(model::GatewayIndex, Option<SessionRecord>), Refused> {
    let (inside, id) = (house.clone(), client_id.clone());
    let both = move || ((inside.deps.intern)(&name), inside.book.record(&id));
    tokio::task::spawn_blocking(both).await.map_err(|_| Refused::unavailable())
}

/// A session that may be asked for later is durable before the client hears of it.
async fn remember(
    house: &Arc<House>,
    client_id: &Arc<str>,
    identity: &Identity,
    request: &ConnectRequest,
    old: Option<&SessionRecord>,
) -> Result<(), Refused> {
    if request.expiry_s == 0 {
        house.book.note(client_id, None);
        return Ok(());
    }
    let old = old.cloned().unwrap_or_default();
    let device = identity.device.to_string();
    let record = SessionRecord { device, expiry_s: request.expiry_s, left_at: None, ..old };
    let generation = house.book.note(client_id, Some(record));
    match generation == 0 || house.book.durable(generation).await {
        true => Ok(()),
        false => Err(Refused::unavailable()),
    }
}

/// A login that was not let in is counted, and shown with the address it came from; never which part was wrong.
pub(super) fn turned_away(refused: &Refused, house: &House, address: &SocketAddr) {
    house.counters.turned_away(refused.metric);
    if refused.reason != 0x86 {
        return;
    }
    let refusal = Refusal::new(Code::FirmUnknown, "未知单位或凭据有误", "unknown firm or wrong credentials");
    show(*refusal.hint("fenghuo device NAME makes a password"), house, &address.ip().to_string());
}

/// A connection that broke the protocol is counted, and shown.
pub(super) fn cut(fault: &Fault, house: &House, address: &SocketAddr, client_id: Option<&Arc<str>>) {
    let text = fault.text.as_str();
    let refusal = match fault.reason {
        0x95 => {
            let (en, zh) = text.split_once(" | ").unwrap_or((text, text));
            Refusal::new(Code::PacketTooLarge, zh, en.trim_start_matches("PACKET_TOO_LARGE "))
        }
        // Shown already when it was published.
        0x87 => return house.counters.turned_away("topic_not_yours"),
        reason => {
            let zh = format!("报文不符合 MQTT 协议（原因码 0x{reason:02x}）：{text}");
            Refusal::new(Code::Protocol, zh, format!("not MQTT (reason code 0x{reason:02x}): {text}"))
        }
    };
    house.counters.turned_away(if refusal.code == Code::Protocol { "protocol" } else { "packet_too_large" });
    show(*refusal, house, client_id.map_or(address.ip().to_string().as_str(), |id| id));
}

fn show(refusal: Refusal, house: &House, gateway: &str) {
    let origin = Origin { at: Time(runtime::unix_now()), enterprise: "", gateway, topic: b"", payload: b"" };
    house.deps.rejections.add(origin, refusal);
}

/// Shows refusals to people; parks unknown tags.
pub(crate) fn report(notes: &mut Vec<Note>, deps: &DoorDeps, counters: &Counters, gateway: &str) {
    let at = Time(runtime::unix_now());
    for note in notes.drain(..) {
        if note.refusal.code.is_kept() {
            counters.flag(note.refusal.code);
        }
        if let Some((tag, value)) = &note.parked {
            deps.pending.park(&note.enterprise, tag, *value, at);
        }
        if note.refusal.code != Code::TagUnknown {
            let (topic, payload) = (&note.topic, &note.payload);
            let origin = Origin { at, enterprise: &note.enterprise, gateway, topic, payload };
            deps.rejections.add(origin, note.refusal);
        }
    }
}
