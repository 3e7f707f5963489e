//! Live pictures of one page: a ticket lets it in, one connection carries all its tiles.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::response::IntoResponse;
use futures_util::{SinkExt, Stream, StreamExt};
use parking_lot::Mutex;
use protocol::{LiveClientFrame, LiveStream, LiveTile, LiveTileFrame, Permission, Problem, TicketCamera};
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::access::Caller;
use crate::hub::{BINARY, frame, frame_head};
use crate::problem::{Answer, Params};
use crate::server::Api;
use crate::sessions::{By, Grant, hash_token, random_hex};
use crate::{stream, upgrade};

/// A ticket that nobody used is void after this long, microseconds.
const TICKET_US: i64 = 30_000_000;
/// Tickets that nobody used yet; the oldest go first.
const TICKETS_MAX: usize = 4_096;
/// Tiles of one page.
const TILES_MAX: usize = 32;
/// Changes of a page's layout that wait.
const CHANGES_MAX: usize = 8;
/// A session that ended ends its pictures within this.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A page that takes nothing for this long is cut; before that its tiles drop frames.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a page is told, in one order.
#[derive(Debug)]
pub enum LiveTold {
    /// A picture: the head of 24 bytes and the payload.
    Packet([u8; 24], [bytes::Bytes; 2]),
    /// A tile's state.
    Tile(LiveTileFrame),
    /// A tile that cannot be.
    Refused(LiveTile),
}

/// All that a page is told, for all that it wants to see.
pub type LivePage = Pin<Box<dyn Stream<Item = LiveTold> + Send>>;

/// A picture of a camera as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// The bytes.
    pub jpeg: bytes::Bytes,
    /// When it was received, microseconds since the epoch.
    pub at: i64,
}

/// A picture under way.
pub type Snapshot = Pin<Box<dyn Future<Output = Result<Still, Problem>> + Send>>;

/// What this room needs of the cameras.
#[derive(Clone)]
pub struct Live {
    /// Opens a page; layouts come through the channel.
    pub page: Arc<dyn Fn(mpsc::Receiver<Vec<LiveTile>>) -> LivePage + Send + Sync>,
    /// Takes a picture of a camera.
    pub snapshot: Arc<dyn Fn(String) -> Snapshot + Send + Sync>,
    /// Whether there is such a camera.
    pub knows: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

#[derive(Debug)]
struct Ticket {
    by: By,
    until: i64,
    cameras: Vec<TicketCamera>,
}

/// Tickets that were given out and not used.
#[derive(Debug, Default)]
pub struct Tickets(Mutex<HashMap<String, Ticket>>);

impl Tickets {
    /// Gives one out; answers it and when it expires.
    pub fn give(&self, by: By, cameras: Vec<TicketCamera>, now: i64) -> (String, i64) {
        let (token, until) = (random_hex::<16>(), now + TICKET_US);
        let mut all = self.0.lock();
        all.retain(|_, t| t.until > now);
        if all.len() >= TICKETS_MAX
            && let Some(oldest) = all.iter().min_by_key(|(_, t)| t.until).map(|(k, _)| k.clone())
        {
            all.remove(&oldest);
        }
        all.insert(hash_token(&token), Ticket { by, until, cameras });
        (token, until)
    }

    /// Takes one: it works once, in time, and only for the session it was given to.
    ///
    /// # Errors
    /// `TICKET_INVALID`.
    fn take(&self, token: &str, by: &By, now: i64) -> Result<Vec<TicketCamera>, Problem> {
        let ticket = self.0.lock().remove(&hash_token(token));
        let ticket = ticket.filter(|t| t.until > now && t.by == *by);
        ticket.map(|t| t.cameras).ok_or_else(|| Problem::new("TICKET_INVALID", "ticket"))
    }
}

#[derive(Deserialize)]
pub struct TicketParams {
    ticket: String,
}

/// `GET /api/v1/video`.
pub async fn video(
    State(api): State<Api>,
    Params(params): Params<TicketParams>,
    mut request: Request,
) -> Result<Response<Body>, Answer> {
    let caller = stream::authenticate(&api, request.headers().clone()).await?;
    caller.may(Permission::VideoView)?;
    let key = upgrade::key(request.headers())?.clone();
    let cameras = api.tickets.take(&params.ticket, &caller.0.by, runtime::unix_now())?;
    let upgrade = hyper::upgrade::on(&mut request);
    let stop = api.tasks.stopping().clone();
    let task_api = api.clone();
    api.tasks.run("live page", async move {
        let Ok(upgraded) = upgrade.await else { return };
        let ws = match upgrade::open(upgraded).await {
            Ok(ws) => ws,
            Err(error) => return tracing::warn!(error, "live upgrade"),
        };
        let mut client = Client::new(task_api, ws, caller);
        client.admit(cameras);
        let end = tokio::select! { biased; () = stop.cancelled() => End::Stopping, end = client.serve() => end };
        client.close(end).await;
    });
    Ok(upgrade::accept(&key).into_response())
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The page went away.
    Gone,
    /// It takes nothing.
    TooSlow,
    /// Its session ended.
    SessionEnded,
    /// The hall stops.
    Stopping,
}

struct Client {
    api: Api,
    ws: WebSocketStream<TcpStream>,
    grant: Grant,
    /// Camera and stream that tickets allowed.
    allowed: HashSet<(String, Option<LiveStream>)>,
    layouts: mpsc::Sender<Vec<LiveTile>>,
    page: LivePage,
    out: Vec<u8>,
}

impl Client {
    fn new(api: Api, ws: WebSocketStream<TcpStream>, caller: Caller) -> Self {
        let (layouts, changes) = mpsc::channel(CHANGES_MAX);
        let page = (api.live.page)(changes);
        Self { api, ws, grant: caller.0, allowed: HashSet::new(), layouts, page, out: Vec::new() }
    }

    fn admit(&mut self, cameras: Vec<TicketCamera>) {
        self.allowed.extend(cameras.into_iter().map(|c| (c.camera, c.stream)));
    }

    fn may_see(&self, tile: &LiveTile) -> bool {
        let has = |stream| self.allowed.contains(&(tile.camera.clone(), stream));
        has(None) || has(Some(tile.stream))
    }

    async fn serve(&mut self) -> End {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                told = self.page.next() => match told {
                    Some(told) => self.tell(told).await,
                    None => Err(End::Stopping),
                },
                message = self.ws.next() => self.hear(message).await,
                _ = looks.tick() => self.still_welcome(),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Watching counts as use of the session, as an open stream does.
    fn still_welcome(&self) -> Result<(), End> {
        let holds = self.api.sessions.still_holds(&self.grant, runtime::unix_now());
        if holds { Ok(()) } else { Err(End::SessionEnded) }
    }

    async fn tell(&mut self, told: LiveTold) -> Result<(), End> {
        match told {
            LiveTold::Packet(head, parts) => {
                self.out.clear();
                frame_head(&mut self.out, BINARY, head.len() + parts[0].len() + parts[1].len());
                self.out.extend_from_slice(&head);
                parts.iter().for_each(|p| self.out.extend_from_slice(p));
                self.write().await
            }
            LiveTold::Tile(frame) => self.say(&frame).await,
            LiveTold::Refused(tile) => self.refuse(Problem::new("NOT_FOUND", &tile.camera)).await,
        }
    }

    async fn say<T: serde::Serialize>(&mut self, value: &T) -> Result<(), End> {
        self.out = frame(&serde_json::to_string(value).unwrap_or_default()).to_vec();
        self.write().await
    }

    async fn refuse(&mut self, problem: Problem) -> Result<(), End> {
        let mut value = serde_json::to_value(problem).unwrap_or_default();
        value["type"] = "error".into();
        self.say(&value).await
    }

    /// Writes past the WebSocket layer, which has nothing buffered of its own.
    async fn write(&mut self) -> Result<(), End> {
        let socket = self.ws.get_mut();
        match tokio::time::timeout(WRITE_TIMEOUT, socket.write_all(&self.out)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow),
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let text = match message {
            None | Some(Err(_)) | Some(Ok(Message::Close(_))) => return Err(End::Gone),
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the layer below.
            Some(Ok(_)) => return self.ws.flush().await.map_err(|_| End::Gone),
        };
        match serde_json::from_str::<LiveClientFrame>(&text) {
            Ok(LiveClientFrame::Ticket { ticket }) => self.another(&ticket).await,
            Ok(LiveClientFrame::Watch { tiles }) => self.watch(tiles).await,
            Err(e) => self.refuse(Problem::new("FRAME_INVALID", "").detail(&e.to_string(), &e.to_string())).await,
        }
    }

    async fn another(&mut self, ticket: &str) -> Result<(), End> {
        match self.api.tickets.take(ticket, &self.grant.by, runtime::unix_now()) {
            Ok(cameras) => {
                self.admit(cameras);
                Ok(())
            }
            Err(problem) => self.refuse(problem).await,
        }
    }

    async fn watch(&mut self, tiles: Vec<LiveTile>) -> Result<(), End> {
        if tiles.len() > TILES_MAX {
            let en = format!("at most {TILES_MAX} tiles");
            let problem = Problem::new("FIELD_INVALID", "tiles").detail(&format!("最多 {TILES_MAX} 个窗口"), &en);
            return self.refuse(problem).await;
        }
        let (seen, unseen): (Vec<_>, Vec<_>) = tiles.into_iter().partition(|t| self.may_see(t));
        if let Some(tile) = unseen.first() {
            self.refuse(Problem::new("TICKET_REQUIRED", &tile.camera)).await?;
        }
        // The page reads them as soon as it is asked for what comes next, which is at once.
        self.layouts.try_send(seen).map_err(|_| End::TooSlow)
    }

    /// Says why, in a close frame, and gives the page time to read it.
    async fn close(&mut self, end: End) {
        let (code, reason) = match end {
            End::Gone => return,
            End::TooSlow => (4408, "too slow"),
            End::SessionEnded => (4401, "session ended"),
            End::Stopping => (1001, "stopping"),
        };
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let closing = async {
            let _ = self.ws.close(Some(frame)).await;
            while let Some(Ok(_)) = self.ws.next().await {}
        };
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, closing).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(name: &str) -> By {
        By::Session(name.into())
    }

    fn camera(id: &str) -> Vec<TicketCamera> {
        vec![TicketCamera { camera: id.into(), stream: None }]
    }

    #[test]
    fn a_ticket_works_once_in_time_and_for_its_own_session() {
        let tickets = Tickets::default();
        let (token, until) = tickets.give(by("me"), camera("gate"), 0);
        assert_eq!(tickets.take(&token, &by("me"), until - 1), Ok(camera("gate")));
        let invalid = |r: Result<_, Problem>| r.unwrap_err().code == "TICKET_INVALID";
        assert!(invalid(tickets.take(&token, &by("me"), until - 1)), "used");
        let (token, _) = tickets.give(by("me"), camera("gate"), 0);
        assert!(invalid(tickets.take(&token, &by("you"), 1)), "another's");
        assert!(invalid(tickets.take(&token, &by("me"), 1)), "somebody tried it: void");
        let (token, until) = tickets.give(by("me"), camera("gate"), 0);
        assert!(invalid(tickets.take(&token, &by("me"), until)), "too late");
        assert!(invalid(tickets.take("", &by("me"), 0)));
    }

    #[test]
    fn unused_tickets_are_bounded() {
        let tickets = Tickets::default();
        for n in 0..TICKETS_MAX as i64 + 10 {
            tickets.give(by("me"), Vec::new(), n);
        }
        assert_eq!(tickets.0.lock().len(), TICKETS_MAX);
        tickets.give(by("me"), Vec::new(), 2 * TICKET_US);
        assert_eq!(tickets.0.lock().len(), 1);
    }

    #[test]
    fn binary_frames_have_the_three_lengths() {
        for (length, head) in
            [(125, vec![0x82, 125]), (126, vec![0x82, 126, 0, 126]), (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])]
        {
            let mut out = Vec::new();
            frame_head(&mut out, BINARY, length);
            assert_eq!(out, head);
        }
    }
}
