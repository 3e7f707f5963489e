//! Simulated staff: parties that answer orders and roll-calls over real HTTP and the stream, a watch that takes its shift, a
//! duty officer who sends them, and a leader who activates a plan. They act only on parties that the demo's settings call simulated, and only on loopback.

mod client;
mod decide;
mod leader;
mod officer;
mod photo;
mod tracks;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::{Method, StatusCode};
use runtime::{Backoff, Tasks, unix_now};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::Error;
use client::{Answer, Client, ClientError, Who};
use decide::Act;
use leader::Leader;
use officer::{By, Errand, Officer};
use tracks::{Step, Tracks};
use watch::Watch;

pub use decide::Temper;

/// The staff look for what is due this often.
const STEP: Duration = Duration::from_millis(250);
/// Errands that wait at once; a hall that makes more of them loses the newest, and it is said.
const ERRANDS_MAX: usize = 1_000;
/// A personal link lasts as long as a demo may run.
const LINK_H: u32 = 72;

/// Where the staff work, and as whom.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Address of the console; must be loopback.
    pub address: SocketAddr,
    /// Machine token of the duty officer.
    pub token: String,
    /// Account of that token.
    pub account: String,
    /// Account and machine token of the leader.
    pub leader: (String, String),
    /// Machine tokens of those who stand in the roster, by account.
    pub crew: BTreeMap<String, String>,
    /// The roster's zone, seconds ahead of UTC.
    pub utc_offset_s: i64,
    /// The parties they play.
    pub parties: BTreeMap<String, Temper>,
    /// Those of them that are called at a roll-call.
    pub roll_call: Vec<String>,
}

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the stream broke")]
    Stream(#[from] tokio_tungstenite::tungstenite::Error),
    #[error("the stream ended")]
    Ended,
}

/// Starts the staff; they work until the tasks stop.
///
/// # Errors
/// [`Error::NotLoopback`].
pub fn start_staff(tasks: &Tasks, posting: Posting) -> Result<(), Error> {
    if !posting.address.ip().is_loopback() {
        return Err(Error::NotLoopback(posting.address));
    }
    let stop = tasks.stopping().clone();
    let mut staff = Staff::new(posting);
    tasks.run("simulated staff", async move {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10), 7);
        while !stop.is_cancelled() {
            let watch = staff.watch(&mut backoff);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                ended = watch => if let Err(error) = ended { tracing::debug!(%error, "simulated staff lost the hall") },
            }
            tokio::select! { biased; () = stop.cancelled() => return, () = tokio::time::sleep(backoff.wait()) => {} }
        }
    });
    Ok(())
}

struct Staff {
    client: Client,
    machine: Who,
    posting: Posting,
    started: Instant,
    tracks: Tracks,
    officer: Officer,
    leader: Leader,
    watch: Watch,
    /// Newest numbers of incidents and shifts by their path: they change under other hands too, and a command carries what
    /// its person saw.
    newest: BTreeMap<String, Value>,
    errands: Vec<Errand>,
    sessions: BTreeMap<String, String>,
}

impl Staff {
    fn new(posting: Posting) -> Self {
        Self {
            client: Client { address: posting.address },
            machine: Who::Machine(posting.token.clone()),
            tracks: Tracks::new(posting.parties.clone()),
            officer: Officer::new([&posting.account, &posting.leader.0], posting.parties.keys().cloned()),
            leader: Leader::new(&posting.account),
            watch: Watch::new(posting.crew.keys().cloned()),
            newest: BTreeMap::new(),
            posting,
            started: Instant::now(),
            errands: Vec::new(),
            sessions: BTreeMap::new(),
        }
    }

    fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// One connection to the stream, until it breaks.
    async fn watch(&mut self, backoff: &mut Backoff) -> Result<(), WatchError> {
        let mut request = format!("ws://{}/api/v1/stream", self.posting.address).into_client_request()?;
        if let Ok(value) = format!("Bearer {}", self.posting.token).parse() {
            request.headers_mut().insert("authorization", value);
        }
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await?;
        self.catch_up().await?;
        backoff.reset();
        let mut ticks = tokio::time::interval(STEP);
        loop {
            tokio::select! {
                frame = stream.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.frame(&serde_json::from_str(&text).unwrap_or_default()),
                    Some(Ok(Message::Close(_))) | None => return Err(WatchError::Ended),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                },
                _ = ticks.tick() => self.work().await?,
            }
        }
    }

    /// What is open already, before the first frame.
    async fn catch_up(&mut self) -> Result<(), ClientError> {
        let orders = self.client.get("/api/v1/orders", &self.machine).await?;
        let now_s = self.now_s();
        for order in orders.body["orders"].as_array().into_iter().flatten() {
            self.tracks.order(now_s, order, false);
        }
        for kind in ["order", "call", "hidden_danger", "roll_call", "incident", "shift"] {
            let open = self.client.get(&format!("/api/v1/work?kind={kind}&open=true&limit=500"), &self.machine).await?;
            let items = open.body["items"].as_array().cloned().unwrap_or_default();
            items.iter().for_each(|item| self.item(now_s, item));
            if kind == "shift" && open.status.is_success() {
                let local = model::Time(unix_now() + self.posting.utc_offset_s * 1_000_000);
                let month = model::format_rfc3339(local).chars().take(7).collect::<String>();
                self.errands.extend(self.watch.roster(now_s, items.len(), &month));
            }
        }
        let alarms = self.client.get("/api/v1/alarms?state=open", &self.machine).await?;
        for alarm in alarms.body["alarms"].as_array().into_iter().flatten() {
            self.alarm(now_s, alarm);
        }
        Ok(())
    }

    fn alarm(&mut self, now_s: f64, alarm: &Value) {
        let mut errands = self.officer.alarm(now_s, alarm);
        errands.extend(self.leader.alarm(now_s, alarm));
        self.enqueue(errands);
    }

    fn item(&mut self, now_s: f64, item: &Value) {
        self.tracks.item(now_s, item);
        let mut errands = self.officer.item(now_s, item);
        errands.extend(self.leader.item(now_s, item));
        errands.extend(self.watch.item(now_s, unix_now(), item));
        if item["kind"] == "incident" || item["kind"] == "shift" {
            let path = format!("/api/v1/work/{}/", item["id"].as_str().unwrap_or_default());
            self.newest.insert(path, item["seq"].clone());
        }
        self.enqueue(errands);
    }

    fn frame(&mut self, frame: &Value) {
        let now_s = self.now_s();
        let item = &frame["item"];
        match frame["type"].as_str() {
            Some("alarm") => self.alarm(now_s, frame),
            Some("order") => {
                let late = frame["overdue"] == true || frame["cause"]["kind"] == "deadline";
                self.tracks.order(now_s, &frame["order"], late);
            }
            Some("work") => {}
            _ => return,
        }
        if item.is_object() {
            self.item(now_s, item);
        }
    }

    fn enqueue(&mut self, errands: Vec<Errand>) {
        let free = ERRANDS_MAX.saturating_sub(self.errands.len());
        if errands.len() > free {
            tracing::warn!(lost = errands.len() - free, "the simulated duty officer has too much to do");
        }
        self.errands.extend(errands.into_iter().take(free));
    }

    /// Everything that is due now.
    async fn work(&mut self) -> Result<(), ClientError> {
        let now_s = self.now_s();
        self.errands.extend(self.officer.tick(now_s, &self.posting.roll_call));
        let (due, later): (Vec<_>, Vec<_>) = self.errands.drain(..).partition(|e| e.at_s <= now_s);
        self.errands = later;
        for errand in due {
            self.run(errand).await?;
        }
        for step in self.tracks.due(now_s) {
            let answer = self.take(&step).await?;
            note(&step.path, &answer);
            self.tracks.taken(now_s, &step, answer.status.is_success());
        }
        Ok(())
    }

    /// One request of the hall's own people.
    async fn run(&mut self, mut errand: Errand) -> Result<(), ClientError> {
        let who = match &errand.by {
            By::Officer => self.machine.clone(),
            By::Leader => Who::Machine(self.posting.leader.1.clone()),
            By::Crew(account) => Who::Machine(self.posting.crew.get(account).cloned().unwrap_or_default()),
        };
        let mut newest = self.newest.iter().filter(|(path, _)| errand.path.starts_with(path.as_str()));
        if let Some((_, seq)) = newest.next() {
            errand.body["seq"] = seq.clone();
        }
        let answer = self.client.post(&errand.path, &errand.body, &who).await?;
        note(&errand.path, &answer);
        // Somebody was quicker, and his frame is on its way: the same again with what he changed in sight.
        if answer.body["code"] == "VERSION_CONFLICT" && self.newest.keys().any(|path| errand.path.starts_with(path)) {
            errand.at_s = self.now_s() + 1.0;
            self.enqueue(vec![errand]);
        }
        Ok(())
    }

    /// One act of a party, under its own session; a report brings a photo.
    async fn take(&mut self, step: &Step) -> Result<Answer, ClientError> {
        let who = self.session(&step.party).await?;
        let mut attachments = Vec::new();
        if step.act == Act::Feedback {
            let photo = Bytes::from(photo::png(step.seq));
            let kept = self.client.send(Method::POST, ("/api/v1/attachments?name=scene.png", "image/png", photo), &who);
            attachments.extend(kept.await?.body["id"].as_str().map(str::to_owned));
        }
        let body = json!({
            "seq": step.seq, "fields": {}, "note": step.act.note(step.reports), "attachments": attachments,
        });
        let answer = self.client.post(&step.path, &body, &who).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.sessions.remove(&step.party);
        }
        Ok(answer)
    }

    /// The session of a party in the field: its personal link is asked for and followed, as a captain does on his telephone.
    async fn session(&mut self, party: &str) -> Result<Who, ClientError> {
        if let Some(cookie) = self.sessions.get(party) {
            return Ok(Who::Session(cookie.clone()));
        }
        let body = json!({"party": party, "valid_h": LINK_H});
        let link = self.client.post("/api/v1/field-links", &body, &self.machine).await?;
        let Some(url) = link.body["url"].as_str() else {
            // No link for it: the officer writes down what it says by telephone.
            note("/api/v1/field-links", &link);
            return Ok(self.machine.clone());
        };
        let path = url.find("/m/").map_or(url, |at| &url[at..]);
        let entered = self.client.get(path, &Who::Nobody).await?;
        let Some(cookie) = entered.cookie else { return Ok(self.machine.clone()) };
        self.sessions.insert(party.to_owned(), cookie.clone());
        Ok(Who::Session(cookie))
    }
}

/// Refusals happen: somebody else was quicker. They are looked at only by who looks for them.
fn note(path: &str, answer: &Answer) {
    if !answer.status.is_success() {
        let code = answer.body["code"].as_str().unwrap_or_default();
        tracing::debug!(path, status = answer.status.as_u16(), code, "a simulated act was refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_staff_stay_on_loopback() {
        let posting = Posting {
            address: "192.0.2.1:8600".parse().unwrap(),
            token: "t".into(),
            account: "sim-duty".into(),
            leader: ("sim-leader".into(), "l".into()),
            crew: BTreeMap::new(),
            utc_offset_s: 28_800,
            parties: BTreeMap::new(),
            roll_call: Vec::new(),
        };
        assert!(matches!(start_staff(&Tasks::new(), posting), Err(Error::NotLoopback(_))));
    }
}
