//! The listeners: connection caps, address buckets, TLS handshakes; one task per connection.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{Directory, GatewayIndex};
use parking_lot::Mutex;
use runtime::{Shared, Tasks};
use rustc_hash::FxHashMap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::access::{LoadSession, SaveSession, Verify};
use super::book::Book;
use super::connection::{self, Peer};
use super::counters::Counters;
use super::limits::Limits;
use super::outgoing::{Close, Inbox, Outgoing};
use super::topics::Site;
use crate::payload::Mappings;
use crate::{PendingTags, Rejections, Submit};

/// Logins checked at once; argon2 takes tens of milliseconds of a core each.
const VERIFYING_MAX: usize = 2;
/// Wait after `accept` failed, for instance for want of descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Addresses remembered for their buckets.
const ADDRESSES_MAX: usize = 10_000;

/// Where and how much.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Plain TCP; port 0 takes a free one.
    pub plain: Option<SocketAddr>,
    /// TLS.
    pub tls: Option<(SocketAddr, Arc<rustls::ServerConfig>)>,
    /// Connections in all.
    pub connections_max: usize,
    /// New connections per second of one address, on average.
    pub address_rate: f64,
    /// And at once.
    pub address_burst: f64,
    /// Limits of one connection.
    pub limits: Limits,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            plain: None,
            tls: None,
            connections_max: 10_000,
            address_rate: 200.0,
            address_burst: 5_000.0,
            limits: Limits::default(),
        }
    }
}

/// Gives a gateway name its number; may block.
pub type InternGateway = Arc<dyn Fn(&str) -> GatewayIndex + Send + Sync>;

/// What the door needs of the others.
#[derive(Clone)]
pub struct DoorDeps {
    /// Hands batches to the hall.
    pub submit: Submit,
    /// The tag directory.
    pub directory: Arc<Shared<Directory>>,
    /// Mappings of other payload shapes.
    pub mappings: Arc<Shared<Mappings>>,
    /// Checks logins.
    pub verify: Verify,
    /// Numbers gateways.
    pub intern: InternGateway,
    /// Reads session records.
    pub load_session: LoadSession,
    /// Writes session records.
    pub save_session: SaveSession,
    /// Refusals for people to see.
    pub rejections: Arc<Rejections>,
    /// Unregistered tags.
    pub pending: Arc<PendingTags>,
    /// Counters.
    pub metrics: runtime::Metrics,
}

/// An open door.
pub struct Door {
    /// Where plain TCP listens.
    pub plain: Option<SocketAddr>,
    /// Where TLS listens.
    pub tls: Option<SocketAddr>,
    /// Publishes to subscribed devices.
    pub outgoing: Outgoing,
}

/// Shared by all connections of a door.
pub(super) struct House {
    pub(super) deps: DoorDeps,
    pub(super) limits: Arc<Limits>,
    pub(super) book: Arc<Book>,
    pub(super) outgoing: Outgoing,
    pub(super) counters: Counters,
    pub(super) verifying: Semaphore,
    connections: AtomicUsize,
    connections_max: usize,
    addresses: Mutex<HashMap<IpAddr, Bucket>>,
    address: (f64, f64),
    inboxes: Mutex<FxHashMap<u64, Arc<Inbox>>>,
    next: AtomicU64,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Door {
    /// Opens the listeners. The door stops with the tasks: listeners close, connections stop reading, committed
    /// acknowledgements go out, MQTT 5 clients are told 0x8B.
    ///
    /// # Errors
    /// The address that cannot be bound.
    pub async fn listen(settings: DoorSettings, deps: DoorDeps, tasks: &Tasks) -> std::io::Result<Self> {
        let house = Arc::new(House::new(&settings, deps));
        let book = house.book.clone();
        let stop = tasks.stopping().clone();
        tasks.run("mqtt session records", book.write(stop));
        let plain = open(&house, settings.plain, None, tasks).await?;
        let tls = match settings.tls {
            None => None,
            Some((address, config)) => open(&house, Some(address), Some(TlsAcceptor::from(config)), tasks).await?,
        };
        let outgoing = house.outgoing.clone();
        let stop = tasks.stopping().clone();
        tasks.run("mqtt door stop", async move {
            stop.cancelled().await;
            house.close_all();
        });
        Ok(Self { plain, tls, outgoing })
    }
}

async fn open(
    house: &Arc<House>,
    address: Option<SocketAddr>,
    tls: Option<TlsAcceptor>,
    tasks: &Tasks,
) -> std::io::Result<Option<SocketAddr>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    tracing::info!(%bound, tls = tls.is_some(), "mqtt door is open");
    let (house, all) = (house.clone(), tasks.clone());
    tasks.run("mqtt listener", accept(house, listener, tls, all));
    Ok(Some(bound))
}

async fn accept(house: Arc<House>, listener: TcpListener, tls: Option<TlsAcceptor>, tasks: Tasks) {
    let stop = tasks.stopping().clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => house.clone().welcome(stream, address, tls.clone(), &tasks),
            Err(error) => {
                house.counters.turned_away("accept_failed");
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

impl House {
    fn new(settings: &DoorSettings, deps: DoorDeps) -> Self {
        let book = Arc::new(Book::new(deps.load_session.clone(), deps.save_session.clone()));
        Self {
            limits: Arc::new(settings.limits.clone()),
            book,
            outgoing: Outgoing::new(settings.limits.outgoing_max),
            counters: Counters::new(&deps.metrics),
            verifying: Semaphore::new(VERIFYING_MAX),
            connections: AtomicUsize::new(0),
            connections_max: settings.connections_max,
            addresses: Mutex::default(),
            address: (settings.address_rate, settings.address_burst),
            inboxes: Mutex::default(),
            next: AtomicU64::new(0),
            deps,
        }
    }

    /// The site as it is now.
    pub(super) fn site(&self) -> Site {
        Site::load(&self.deps.directory, &self.deps.mappings)
    }

    /// Whether a connection's site has been replaced.
    pub(super) fn is_old(&self, site: &Site) -> bool {
        site.is_old(&self.deps.directory, &self.deps.mappings)
    }

    fn welcome(self: Arc<Self>, stream: TcpStream, address: SocketAddr, tls: Option<TlsAcceptor>, tasks: &Tasks) {
        if self.connections.load(Ordering::Relaxed) >= self.connections_max {
            return self.counters.turned_away("connections_max");
        }
        if !self.admits(address.ip(), Instant::now()) {
            return self.counters.turned_away("address_rate");
        }
        if stream.set_nodelay(true).is_err() {
            return self.counters.turned_away("socket");
        }
        let seat = self.seat();
        match tls {
            None => tasks.run("mqtt connection", connection::serve(stream, seat, Peer::new(address))),
            Some(acceptor) => tasks.run("mqtt tls connection", serve_tls(acceptor, stream, seat, address)),
        }
    }

    /// One token per connection; a full table forgets addresses whose bucket is full again.
    fn admits(&self, ip: IpAddr, now: Instant) -> bool {
        let (rate, burst) = self.address;
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES_MAX {
            addresses.retain(|_, b| b.tokens + now.duration_since(b.at).as_secs_f64() * rate < burst);
            if addresses.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = addresses.entry(ip).or_insert(Bucket { tokens: burst, at: now });
        bucket.tokens = (bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * rate).min(burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }

    fn seat(self: Arc<Self>) -> Seat {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let inbox = Arc::new(Inbox::default());
        self.inboxes.lock().insert(key, inbox.clone());
        let open = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        self.counters.connections.set(open as f64);
        Seat { house: self, key, inbox }
    }

    fn close_all(&self) {
        let all: Vec<_> = self.inboxes.lock().values().cloned().collect();
        all.iter().for_each(|inbox| inbox.close(Close::Stopping));
    }
}

async fn serve_tls(acceptor: TlsAcceptor, stream: TcpStream, seat: Seat, address: SocketAddr) {
    let deadline = Duration::from_micros(seat.house.limits.connect_deadline_us.unsigned_abs());
    let stream = match tokio::time::timeout(deadline, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "tls handshake failed");
            return seat.house.counters.turned_away("tls_handshake");
        }
        Err(_) => return seat.house.counters.turned_away("tls_deadline"),
    };
    let mut peer = Peer::new(address);
    if let Some([own, ..]) = stream.get_ref().1.peer_certificates() {
        peer.certificate = super::tls::names(own);
    }
    connection::serve(stream, seat, peer).await;
}

/// A connection's place in the house; given back when dropped, whatever happened.
pub(super) struct Seat {
    pub(super) house: Arc<House>,
    key: u64,
    pub(super) inbox: Arc<Inbox>,
}

impl Seat {
    /// Unique within the process; names clients that send no id.
    pub(super) fn key(&self) -> u64 {
        self.key
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inbox.depart();
        self.house.inboxes.lock().remove(&self.key);
        let open = self.house.connections.fetch_sub(1, Ordering::Relaxed) - 1;
        self.house.counters.connections.set(open as f64);
    }
}
