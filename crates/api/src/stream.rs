//! One console or machine on the stream: hello, everything after its number in order, heartbeats, subscribed readings.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse;
use futures_util::{SinkExt, StreamExt};
use model::TagIndex;
use parking_lot::Mutex;
use protocol::{
    ActorView, ClientFrame, Heartbeat, Hello, PresenceView, Problem, ReadingView, ReadingsFrame, SnapshotRequired,
    Sources, VERSION,
};
use runtime::{Counter, Gauge, Metrics};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::access::{self, Caller};
use crate::deps::read;
use crate::hub::{Cursor, frame};
use crate::problem::{Answer, Params};
use crate::server::Api;
use crate::sessions::Grant;
use crate::upgrade;

const HEARTBEAT: Duration = Duration::from_secs(1);
/// Readings of subscribed tags are looked at this often.
const READINGS_EVERY: Duration = Duration::from_millis(250);
/// Most tags one client may subscribe.
const TAGS_MAX: usize = 200;
/// A client that takes nothing for this long is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that was cut may still read its last frame and the hint where to resume for this long.
const HINT_TIMEOUT: Duration = Duration::from_secs(30);
/// Any other client has this long to read why it ended.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
/// Frames read from the journal at once, for a client that comes from before the ring.
const JOURNAL_PAGE: usize = 1_000;

/// Consoles connected, and which of them can sound.
#[derive(Debug)]
pub struct Consoles {
    rows: Mutex<Vec<Row>>,
    connected: Gauge,
    cut: Counter,
}

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    who: ActorView,
    armed: bool,
    painted: u64,
}

impl Consoles {
    /// None connected.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            rows: Mutex::default(),
            connected: metrics.gauge("fenghuo_stream_clients", "", "WebSocket clients connected."),
            cut: metrics.counter("fenghuo_stream_cut_total", "reason=\"too_slow\"", "WebSocket clients cut."),
        }
    }

    fn enter(&self, grant: &Grant) -> u64 {
        let mut rows = self.rows.lock();
        let id = rows.last().map_or(0, |r| r.id + 1);
        rows.push(Row { id, who: (&grant.actor).into(), armed: false, painted: 0 });
        self.connected.set(rows.len() as f64);
        id
    }

    fn leave(&self, id: u64) {
        let mut rows = self.rows.lock();
        rows.retain(|r| r.id != id);
        self.connected.set(rows.len() as f64);
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.rows.lock().iter_mut().find(|r| r.id == id) {
            change(row);
        }
    }

    /// Who is there.
    pub fn presence(&self) -> PresenceView {
        let rows = self.rows.lock();
        // A telephone in the field is no console of the hall: it sounds no alarm to anybody at the desk.
        let desk: Vec<&Row> = rows.iter().filter(|r| response::party_of(&r.who.account).is_none()).collect();
        let mut people: Vec<ActorView> = Vec::new();
        for row in &desk {
            if !people.contains(&row.who) {
                people.push(row.who.clone());
            }
        }
        let armed = desk.iter().filter(|r| r.armed).count() as u32;
        PresenceView { consoles: desk.len() as u32, armed, people }
    }
}

#[derive(Deserialize)]
pub struct Since {
    since: Option<u64>,
}

/// `GET /api/v1/stream`.
pub async fn stream(
    State(api): State<Api>,
    Params(from): Params<Since>,
    mut request: Request,
) -> Result<Response<Body>, Answer> {
    let caller = authenticate(&api, request.headers().clone()).await?;
    let key = upgrade::key(request.headers())?.clone();
    let upgrade = hyper::upgrade::on(&mut request);
    let stop = api.tasks.stopping().clone();
    let task_api = api.clone();
    api.tasks.run("stream client", async move {
        let Ok(upgraded) = upgrade.await else { return };
        let ws = match upgrade::open(upgraded).await {
            Ok(ws) => ws,
            Err(error) => return tracing::warn!(error, "stream upgrade"),
        };
        let id = task_api.consoles.enter(&caller.0);
        let mut client =
            Client { api: task_api, ws, grant: caller.0, id, tags: Vec::new(), rest: Vec::new(), seen_at: 0 };
        let end =
            tokio::select! { biased; () = stop.cancelled() => End::Stopping, end = client.serve(from.since) => end };
        client.close(end).await;
        client.api.consoles.leave(id);
    });
    Ok(upgrade::accept(&key).into_response())
}

/// Machines by token; people by cookie, and then the Origin must be right before the session is even looked at.
pub(crate) async fn authenticate(api: &Api, headers: HeaderMap) -> Result<Caller, Answer> {
    if let Some(token) = access::bearer(&headers) {
        return Ok(Caller(api.sessions.machine(&api.records, token, runtime::unix_now()).await?));
    }
    if !access::origin_allowed(api, &headers, true) {
        return Err(Answer(Problem::new("ORIGIN_DENIED", "Origin")));
    }
    let token = access::cookie(&headers).ok_or_else(|| Problem::new("LOGIN_REQUIRED", ""))?;
    Ok(Caller(api.sessions.find(&api.records, token, runtime::unix_now()).await?))
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client went away.
    Gone,
    /// It takes frames too slowly; it may resume after this number.
    TooSlow(u64),
    /// It asked for a number that does not exist yet.
    SeqFuture,
    /// Its session ended.
    SessionEnded,
    /// It must load the open alarms first.
    SnapshotRequired,
    /// The hall stops.
    Stopping,
}

struct Client {
    api: Api,
    ws: WebSocketStream<TcpStream>,
    grant: Grant,
    id: u64,
    /// Subscribed tags with the version last sent.
    tags: Vec<(TagIndex, u32)>,
    /// The unsent end of the frame in which a slow client was cut.
    rest: Vec<u8>,
    /// When its session was last looked at.
    seen_at: i64,
}

impl Client {
    async fn serve(&mut self, since: Option<u64>) -> End {
        let (_, last) = self.api.hub.range();
        let hello = Hello {
            r#type: "hello",
            server_time: runtime::unix_now(),
            last_seq: last,
            version: VERSION,
            heartbeat_ms: HEARTBEAT.as_millis() as u32,
            desk: self.api.settings.desk.clone(),
        };
        if let Err(end) = self.send(&hello).await {
            return end;
        }
        let after = since.unwrap_or(last);
        if after > last {
            return End::SeqFuture;
        }
        match self.catch_up(after).await {
            Ok(cursor) => self.follow(cursor).await,
            Err(end) => end,
        }
    }

    /// Sends from the journal what the ring no longer has.
    async fn catch_up(&mut self, mut after: u64) -> Result<Cursor, End> {
        loop {
            let (oldest, last) = self.api.hub.range();
            if after + 1 >= oldest {
                return Ok(self.api.hub.cursor(after + 1));
            }
            let most = self.api.settings.resume_max;
            if last - after > most {
                let frame = SnapshotRequired { r#type: "snapshot_required", oldest_seq: last - most, last_seq: last };
                self.send(&frame).await?;
                return Err(End::SnapshotRequired);
            }
            let page = read(&self.api.records.events_since, (after, JOURNAL_PAGE)).await.unwrap_or_default();
            let Some((newest, _)) = page.last() else { return Err(End::TooSlow(after)) };
            let mut out = Vec::new();
            let party = self.grant.party.as_deref();
            let own = page.iter().filter(|(_, text)| party.is_none_or(|p| audience(text) == p));
            own.for_each(|(_, text)| out.extend_from_slice(&frame(text)));
            // A client that is cut in the middle resumes from before the page: a repeat is harmless, a gap is not.
            self.write(&out, after).await?;
            after = *newest;
        }
    }

    async fn follow(&mut self, mut cursor: Cursor) -> End {
        let api = self.api.clone();
        let mut out = Vec::new();
        let mut ticks = tokio::time::interval(READINGS_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Registered before looking, so that nothing published in between is slept through.
            let news = api.hub.news();
            tokio::pin!(news);
            news.as_mut().enable();
            out.clear();
            let settled = cursor.settled;
            if api.hub.drain(&mut cursor, self.grant.party.as_deref(), &mut out).is_err() {
                return End::TooSlow(settled - 1);
            }
            if !out.is_empty() {
                if let Err(end) = self.write(&out, settled - 1).await {
                    return end;
                }
                continue;
            }
            let end = tokio::select! {
                () = news => self.still_welcome(),
                message = self.ws.next() => self.hear(message).await,
                _ = ticks.tick(), if !self.tags.is_empty() => self.send_readings().await,
            };
            if let Err(end) = end {
                return end;
            }
        }
    }

    /// An open stream counts as use of its session; a session or token that was ended ends its streams, within a
    /// heartbeat.
    fn still_welcome(&mut self) -> Result<(), End> {
        let now = runtime::unix_now();
        if now - self.seen_at <= HEARTBEAT.as_micros() as i64 / 2 {
            return Ok(());
        }
        self.seen_at = now;
        if self.api.sessions.still_holds(&self.grant, now) { Ok(()) } else { Err(End::SessionEnded) }
    }

    /// Writes whole frames past the WebSocket layer, which has nothing buffered of its own.
    async fn write(&mut self, frames: &[u8], settled: u64) -> Result<(), End> {
        let mut written = 0;
        let socket = self.ws.get_mut();
        while written < frames.len() {
            // The limit is on a client that takes nothing, not on one that takes its time.
            match tokio::time::timeout(WRITE_TIMEOUT, socket.write(&frames[written..])).await {
                Ok(Ok(n)) if n > 0 => written += n,
                Ok(_) => return Err(End::Gone),
                Err(_) => {
                    self.rest = frames[written..end_of_frame(frames, written)].to_vec();
                    return Err(End::TooSlow(settled));
                }
            }
        }
        Ok(())
    }

    async fn send<T: Serialize>(&mut self, value: &T) -> Result<(), End> {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.write(&frame(&text), 0).await
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), End> {
        let text = match message {
            None | Some(Err(_)) | Some(Ok(Message::Close(_))) => return Err(End::Gone),
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the layer below; a pong or a stray binary frame says nothing to us.
            Some(Ok(_)) => return self.ws.flush().await.map_err(|_| End::Gone),
        };
        if !self.api.sessions.still_holds(&self.grant, runtime::unix_now()) {
            return Err(End::SessionEnded);
        }
        match serde_json::from_str::<ClientFrame>(&text) {
            Ok(frame) => self.obey(frame).await,
            Err(e) => self.refuse(Problem::new("FRAME_INVALID", "").detail(&e.to_string(), &e.to_string())).await,
        }
    }

    async fn refuse(&mut self, problem: Problem) -> Result<(), End> {
        let mut value = serde_json::to_value(problem).unwrap_or_default();
        value["type"] = "error".into();
        self.send(&value).await
    }

    async fn obey(&mut self, frame: ClientFrame) -> Result<(), End> {
        match frame {
            ClientFrame::Sound { armed } => self.api.consoles.update(self.id, |r| r.armed = armed),
            ClientFrame::Receipt { seq } => self.api.consoles.update(self.id, |r| r.painted = seq.max(r.painted)),
            ClientFrame::Subscribe { tags } => return self.subscribe(&tags).await,
        }
        Ok(())
    }

    async fn subscribe(&mut self, names: &[String]) -> Result<(), End> {
        if self.grant.party.is_some() {
            return self.refuse(Problem::new("FORBIDDEN", "tags")).await;
        }
        if names.len() > TAGS_MAX {
            let en = format!("at most {TAGS_MAX} tags");
            return self
                .refuse(Problem::new("FIELD_INVALID", "tags").detail(&format!("最多 {TAGS_MAX} 个"), &en))
                .await;
        }
        let directory = self.api.directory.load();
        let find = |n: &String| n.split_once('/').and_then(|(e, t)| directory.find(e, t));
        let unknown: Vec<&String> = names.iter().filter(|n| find(n).is_none()).collect();
        self.tags = names.iter().filter_map(|n| Some((find(n)?, 0))).collect();
        match unknown.first() {
            Some(name) => self.refuse(Problem::new("TAG_UNKNOWN", name)).await,
            None => self.send_readings().await,
        }
    }

    async fn send_readings(&mut self) -> Result<(), End> {
        let (directory, latest) = (self.api.directory.load(), self.api.latest.load());
        let mut readings = Vec::new();
        for (index, sent) in &mut self.tags {
            let (Some(row), Some(tag)) = (latest.get(index.0), directory.get(*index)) else { continue };
            if row.version != *sent {
                *sent = row.version;
                readings.push(ReadingView {
                    enterprise: tag.enterprise.clone(),
                    tag: tag.tag.clone(),
                    value: row.value,
                    quality: model::Quality::from_u8(row.quality).as_str().into(),
                    source_time: row.source_time,
                });
            }
        }
        if readings.is_empty() {
            return Ok(());
        }
        self.send(&ReadingsFrame { r#type: "readings", readings }).await
    }

    /// Says why, in a close frame, and gives the client time to read it.
    async fn close(&mut self, end: End) {
        let patience = if matches!(end, End::TooSlow(_)) { HINT_TIMEOUT } else { GOODBYE_TIMEOUT };
        let (code, reason) = match end {
            End::Gone => return,
            End::TooSlow(seq) => {
                self.api.consoles.cut.add(1);
                (4408, format!("too slow; resume with since={seq}"))
            }
            End::SeqFuture => (4400, "SEQ_FUTURE".to_owned()),
            End::SessionEnded => (4401, "session ended".to_owned()),
            End::SnapshotRequired => (1000, "snapshot_required".to_owned()),
            End::Stopping => (1001, "stopping".to_owned()),
        };
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let rest = std::mem::take(&mut self.rest);
        let closing = async {
            if self.ws.get_mut().write_all(&rest).await.is_err() {
                return;
            }
            let _ = self.ws.close(Some(frame)).await;
            while let Some(Ok(_)) = self.ws.next().await {}
        };
        let _ = tokio::time::timeout(patience, closing).await;
    }
}

/// Where the frame that `at` lies in ends, in a run of whole unmasked frames (RFC 6455 §5.2).
fn end_of_frame(frames: &[u8], at: usize) -> usize {
    let mut end = 0;
    while end < at {
        let (header, len) = match frames.get(end + 1..) {
            Some([127, rest @ ..]) => (10, rest.first_chunk().map_or(0, |b| u64::from_be_bytes(*b) as usize)),
            Some([126, rest @ ..]) => (4, rest.first_chunk().map_or(0, |b| usize::from(u16::from_be_bytes(*b)))),
            Some([len, ..]) => (2, usize::from(*len)),
            _ => return frames.len(),
        };
        end += header + len;
    }
    end.min(frames.len())
}

/// The party a journalled frame is for; empty: the hall's staff only.
fn audience(text: &str) -> String {
    #[derive(Deserialize)]
    struct Party {
        id: String,
    }
    #[derive(Deserialize)]
    struct Item {
        receiver: Option<Party>,
    }
    #[derive(Deserialize)]
    struct Frame {
        item: Option<Item>,
    }
    let item = serde_json::from_str::<Frame>(text).ok().and_then(|f| f.item);
    item.and_then(|i| i.receiver).map(|p| p.id).unwrap_or_default()
}

/// Starts the task that beats for all clients.
pub fn start_heartbeat(api: Api) {
    let tasks = api.tasks.clone();
    tasks.run("heartbeat", async move {
        let stop = api.tasks.stopping().clone();
        let mut ticks = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! { biased; () = stop.cancelled() => return, _ = ticks.tick() => {} }
            let (_, last_seq) = api.hub.range();
            let beat = Heartbeat {
                r#type: "heartbeat",
                server_time: runtime::unix_now(),
                last_seq,
                sources: sources(&api),
                last_reading_at: last_reading(&api),
            };
            api.hub.beat(&serde_json::to_string(&beat).unwrap_or_default());
        }
    });
}

/// Server time of the newest reading.
pub fn last_reading(api: &Api) -> Option<i64> {
    Some(api.last_reading.get() as i64).filter(|t| *t > 0)
}

/// Counts live and stale sources: stale means three periods without a reading, never live without one.
pub fn sources(api: &Api) -> Sources {
    let (directory, latest, now) = (api.directory.load(), api.latest.load(), runtime::unix_now());
    let mut counted = Sources::default();
    for (i, tag) in directory.tags().iter().enumerate().filter(|(_, t)| !t.retired) {
        counted.total += 1;
        let Some(row) = latest.get(i as u32) else { continue };
        let age_s = (now - row.source_time) as f64 / 1e6;
        match tag.period_s {
            Some(period) if age_s > period * 3.0 => counted.stale += 1,
            _ => counted.live += 1,
        }
    }
    counted
}
