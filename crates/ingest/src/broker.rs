//! Subscriptions to foreign brokers, on `rumqttc` with every guard it needs: acknowledgements only after the commit,
//! a persistent session, a new event loop and new subscriptions on every connect, and nothing is ever published
//! through it (bytebeamio/rumqtt#1014, #1056, #1057: its outgoing side loses and can wedge).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use model::Time;
use rumqttc::mqttbytes::v4::PubAck;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS, Request, SubscribeReasonCode};
use runtime::{Backoff, Tasks, Watermark};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::mqtt::counters::Counters;
use crate::mqtt::{Allowed, DoorDeps, Identity, Limits, Note, Site, verdict};
use crate::reader::Reader;
use crate::{Batch, Link, LinkScope};

/// Waits between connection attempts.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// Packets taken from rumqttc per batch; the rest waits in its buffers and in TCP.
const DRAIN_MAX: usize = 1_000;
/// rumqttc's own limit is 10 KiB, and a larger packet breaks the connection (rumqtt#614, #924).
const PACKET_MAX: usize = 256 * 1024;
/// A half-open connection is seen within two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Waits before a batch is offered to a full hall again.
const HELD_RETRY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(40));
/// QoS 0 readings wait this long for a full hall, then they are dropped and counted.
const QOS0_PATIENCE: Duration = Duration::from_secs(1);

/// One subscription. Plain data for the settings file. TLS is done in front: rumqttc's own pulls advisories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Name of the broker for people and of the gateway for readings.
    pub name: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client id; must stay the same, the broker keeps our session under it.
    pub client_id: String,
    /// User name and password.
    #[serde(default)]
    pub credentials: Option<(String, String)>,
    /// Topic filters: `fh/v1/#`.
    pub filters: Vec<String>,
    /// 0 or 1. QoS 2 buys nothing here: duplicates are recognised by time and sequence number.
    pub qos: u8,
    /// Enterprises whose data may come this way; empty: all.
    #[serde(default)]
    pub enterprises: Vec<String>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum BrokerError {
    #[error("{0}")]
    Connection(#[source] Box<rumqttc::ConnectionError>),
    #[error("the broker refused subscription {0}")]
    Subscription(String),
    #[error("acknowledgements could not be written")]
    Ack(#[source] rumqttc::StateError),
    #[error("the request queue is full")]
    Queue,
    #[error("a commit failed; nothing is acknowledged any more")]
    Commit,
}

/// Subscribes until the tasks stop.
pub fn subscribe(subscription: Subscription, deps: DoorDeps, tasks: &Tasks) {
    tasks.supervise("broker subscription", move |stop| {
        let (subscription, deps) = (subscription.clone(), deps.clone());
        async move {
            let name = subscription.name.clone();
            let intern = deps.intern.clone();
            let gateway = tokio::task::spawn_blocking(move || intern(&name)).await?;
            Feed::new(subscription, deps, gateway).run(stop).await;
            Ok::<(), tokio::task::JoinError>(())
        }
    });
}

/// The state that outlives a connection.
struct Feed {
    subscription: Subscription,
    deps: DoorDeps,
    counters: Counters,
    reader: Reader,
    site: Site,
    mark: Arc<Watermark>,
    /// QoS 1 messages handed over so far: what the watermark counts.
    queued: u64,
    /// Packet ids of this connection that wait, and the count of the first of them.
    waiting: VecDeque<u16>,
    answered: u64,
    is_up: bool,
}

impl Feed {
    fn new(subscription: Subscription, deps: DoorDeps, gateway: model::GatewayIndex) -> Self {
        let enterprises = match subscription.enterprises.is_empty() {
            true => Allowed::All,
            false => Allowed::These(subscription.enterprises.iter().map(|e| e.as_str().into()).collect()),
        };
        let device = subscription.name.as_str().into();
        let identity = Identity { device, enterprises, client_ids: Vec::new(), outgoing: Vec::new() };
        let reader = Reader::new(Arc::new(identity), gateway, &Limits::default());
        Self {
            counters: Counters::new(&deps.metrics),
            site: Site::load(&deps.directory, &deps.mappings),
            subscription,
            deps,
            reader,
            mark: Arc::new(Watermark::new()),
            queued: 0,
            waiting: VecDeque::new(),
            answered: 0,
            is_up: false,
        }
    }

    async fn run(&mut self, stop: CancellationToken) {
        let seed = u64::from(std::process::id()) ^ (self.subscription.name.len() as u64) << 32;
        let mut backoff = Backoff::new(RETRY.0, RETRY.1, seed);
        while !stop.is_cancelled() {
            let started = Instant::now();
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                ended = self.connection() => ended,
            };
            // The broker sends again what was not acknowledged; what is committed meanwhile is a duplicate then.
            self.waiting.clear();
            self.answered = self.queued;
            if let Err(error) = ended {
                tracing::warn!(broker = self.subscription.name, %error, "broker connection ended; will connect again");
                self.link(false, &error.to_string()).await;
            }
            if started.elapsed() > RETRY.1 {
                backoff.reset();
            }
            tokio::select! { biased; () = stop.cancelled() => return, () = tokio::time::sleep(backoff.wait()) => {} }
        }
    }

    /// One connection from CONNECT to its end. Always a new event loop: an old one keeps state that hurts.
    async fn connection(&mut self) -> Result<(), BrokerError> {
        let (client, mut events) = AsyncClient::new(self.options(), 64);
        loop {
            if self.mark.get() == Watermark::FAILED {
                return Err(BrokerError::Commit);
            }
            let event = {
                let mark = self.mark.clone();
                let (answered, busy) = (self.answered, !self.waiting.is_empty());
                tokio::select! {
                    biased;
                    upto = mark.above(answered), if busy => Err(upto),
                    event = events.poll() => Ok(event),
                }
            };
            match event {
                Err(Watermark::FAILED) => return Err(BrokerError::Commit),
                Err(upto) => self.acknowledge(upto, &mut events).await?,
                Ok(event) => self.take(event, &mut events, &client).await?,
            }
        }
    }

    fn options(&self) -> MqttOptions {
        let s = &self.subscription;
        let mut options = MqttOptions::new(&s.client_id, &s.host, s.port);
        options.set_clean_session(false);
        options.set_manual_acks(true);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        if let Some((user, password)) = &s.credentials {
            options.set_credentials(user, password);
        }
        options
    }

    /// One event and everything that is there already, as one batch.
    async fn take(
        &mut self,
        first: Result<Event, rumqttc::ConnectionError>,
        events: &mut EventLoop,
        client: &AsyncClient,
    ) -> Result<(), BrokerError> {
        if self.site.is_old(&self.deps.directory, &self.deps.mappings) {
            self.site = Site::load(&self.deps.directory, &self.deps.mappings);
        }
        let now = Time(runtime::unix_now());
        let (mut batch, mut notes) = (Batch::default(), Vec::new());
        let before = self.queued;
        let (mut next, mut taken) = (Some(first), 0);
        let mut ended = Ok(());
        while let Some(event) = next.take() {
            ended = match event {
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    self.read(&publish, now, &mut batch, &mut notes);
                    Ok(())
                }
                Ok(other) => self.other(other, client).await,
                Err(error) => Err(disconnected(events, error)),
            };
            taken += 1;
            // Before the next one is taken: what is taken and not read would be lost.
            if ended.is_err() || taken == DRAIN_MAX {
                break;
            }
            next = match events.state.events.pop_front() {
                Some(event) => Some(Ok(event)),
                None => poll_once(events).await,
            };
        }
        if self.queued > before {
            batch.done = Some((self.mark.clone(), self.queued));
        }
        verdict::report(&mut notes, &self.deps, &self.counters, &self.subscription.name);
        // What came before an error is handed over all the same.
        self.hand_over(batch).await;
        ended
    }

    fn read(&mut self, publish: &Publish, now: Time, batch: &mut Batch, notes: &mut Vec<Note>) {
        self.reader.read((publish.topic.as_bytes(), &publish.payload), now, &self.site, (batch, notes));
        self.reader.take_new();
        if publish.qos != QoS::AtMostOnce {
            self.waiting.push_back(publish.pkid);
            self.queued += 1;
        }
    }

    async fn other(&mut self, event: Event, client: &AsyncClient) -> Result<(), BrokerError> {
        match event {
            // No automatic resubscribe exists; and never await the queue inside the poll task (rumqtt#263).
            Event::Incoming(Packet::ConnAck(_)) => {
                let qos = if self.subscription.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
                let filters = self.subscription.filters.iter();
                let filters = filters.map(|f| rumqttc::SubscribeFilter::new(f.clone(), qos));
                client.try_subscribe_many(filters).map_err(|_| BrokerError::Queue)
            }
            Event::Incoming(Packet::SubAck(ack)) => {
                let refused = ack.return_codes.iter().position(|c| *c == SubscribeReasonCode::Failure);
                if let Some(at) = refused {
                    let filter = self.subscription.filters.get(at).cloned();
                    return Err(BrokerError::Subscription(filter.unwrap_or_default()));
                }
                tracing::info!(broker = self.subscription.name, "subscribed");
                self.link(true, "connected").await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The acknowledgements of a commit in one write, around rumqttc's queue, which would write each by itself.
    async fn acknowledge(&mut self, upto: u64, events: &mut EventLoop) -> Result<(), BrokerError> {
        while self.answered < upto {
            let Some(id) = self.waiting.pop_front() else { break };
            self.answered += 1;
            let ack = events.state.handle_outgoing_packet(Request::PubAck(PubAck::new(id)));
            if let (Some(packet), Some(network)) = (ack.map_err(BrokerError::Ack)?, events.network.as_mut()) {
                network.write(packet).await.map_err(BrokerError::Ack)?;
            }
        }
        match events.network.as_mut() {
            Some(network) => network.flush().await.map_err(BrokerError::Ack),
            None => Ok(()),
        }
    }

    async fn link(&mut self, up: bool, reason: &str) {
        if self.is_up == up {
            return;
        }
        self.is_up = up;
        let scope = LinkScope::Broker(self.subscription.name.as_str().into());
        let link = Link { scope, up, reason: reason.to_owned() };
        self.hand_over(Batch { links: vec![link], ..Batch::default() }).await;
    }

    /// Waits while the hall is full: rumqttc is not polled then, and TCP holds the broker back.
    async fn hand_over(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let (mut batch, since, mut wait) = (batch, Instant::now(), HELD_RETRY.0);
        loop {
            // Counted in the end, so that a stop in between leaves no reading offered and nowhere.
            let (offered, readings, refused) = (batch.offered, batch.readings.len(), batch.refused.clone());
            match (self.deps.submit)(batch) {
                Ok(()) => {
                    self.counters.offer(&Batch { offered, refused, ..Batch::default() });
                    return self.counters.accept(readings);
                }
                Err(back) => batch = back,
            }
            if batch.done.is_none() && batch.links.is_empty() && since.elapsed() > QOS0_PATIENCE {
                self.counters.offer(&batch);
                return self.counters.shed(batch.readings.len());
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(HELD_RETRY.1);
        }
    }
}

/// rumqttc keeps a collision over reconnects and wedges on it (rumqtt#1014).
fn disconnected(events: &mut EventLoop, error: rumqttc::ConnectionError) -> BrokerError {
    events.state.collision = None;
    BrokerError::Connection(Box::new(error))
}

/// What is there without waiting. Dropping the poll is safe: packets are buffered before it can be pending.
async fn poll_once(events: &mut EventLoop) -> Option<Result<Event, rumqttc::ConnectionError>> {
    let mut poll = pin!(events.poll());
    std::future::poll_fn(|cx| match poll.as_mut().poll(cx) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
