//! The router and its listener.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use model::{Directory, Team};
use response::WorkSettings;
use runtime::{Counter, Gauge, LatestTable, Metrics, Shared, Tasks};
use tokio::net::TcpListener;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::deps::{Cameras, Desk, Records};
use crate::live::{Live, Tickets};
use crate::{Board, Hub, Sessions, routes, stream};

/// Largest request body, bytes.
const BODY_MAX: usize = 64 * 1024;
/// Password checks at once: 19 MiB each.
const ARGON_AT_ONCE: usize = 4;
/// Attachments received at once: 10 MiB each.
const UPLOADS_AT_ONCE: usize = 4;

/// What people's door is told at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Origins besides its own address.
    pub origins: Vec<String>,
    /// Name of this desk.
    pub desk: String,
    /// Teams that can be sent.
    pub teams: Vec<Team>,
    /// Further behind than this many frames, a client loads the open alarms instead of resuming.
    pub resume_max: u64,
}

/// The state that every route sees. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    /// Fan-out.
    pub hub: Arc<Hub>,
    /// Open alarms and orders.
    pub board: Arc<Board>,
    /// Tags.
    pub directory: Arc<Shared<Directory>>,
    /// Parties, plans and profile of the work systems in force.
    pub work_settings: Arc<Shared<WorkSettings>>,
    /// Newest values.
    pub latest: Arc<Shared<LatestTable>>,
    /// The way into the hall.
    pub desk: Desk,
    /// What is read.
    pub records: Records,
    /// Cameras and recordings.
    pub cameras: Cameras,
    /// Live pictures.
    pub live: Live,
    /// Tickets for them that nobody used yet.
    pub tickets: Arc<Tickets>,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// Metrics.
    pub metrics: Metrics,
    /// Frames pushed before they were durable.
    pub provisional: Counter,
    /// Newest reading's server time, microseconds; 0: none yet.
    pub last_reading: Gauge,
    /// Told at the start.
    pub settings: Arc<Settings>,
    /// Consoles connected.
    pub consoles: Arc<stream::Consoles>,
    /// Its tasks.
    pub tasks: Tasks,
    /// Password checks at once.
    pub argon: Arc<tokio::sync::Semaphore>,
    /// Attachments received at once.
    pub uploads: Arc<tokio::sync::Semaphore>,
    /// Exports made at once.
    pub exports: Arc<tokio::sync::Semaphore>,
    /// Held while accounts change: each change is judged by what the one before left.
    pub account_changes: Arc<tokio::sync::Mutex<()>>,
}

impl Api {
    /// An API over the parts that others own.
    pub fn new(settings: Settings, parts: Parts, tasks: Tasks) -> Self {
        let metrics = parts.metrics;
        Self {
            hub: parts.hub,
            board: parts.board,
            directory: parts.directory,
            work_settings: parts.work_settings,
            latest: parts.latest,
            desk: parts.desk,
            records: parts.records,
            cameras: parts.cameras,
            live: parts.live,
            tickets: Arc::default(),
            sessions: Arc::default(),
            provisional: metrics.counter("fenghuo_frames_provisional_total", "", "Frames pushed before commit."),
            last_reading: metrics.gauge("fenghuo_last_reading_us", "", "Server time of the newest reading."),
            consoles: Arc::new(stream::Consoles::new(&metrics)),
            metrics,
            settings: Arc::new(settings),
            tasks,
            argon: Arc::new(tokio::sync::Semaphore::new(ARGON_AT_ONCE)),
            uploads: Arc::new(tokio::sync::Semaphore::new(UPLOADS_AT_ONCE)),
            exports: Arc::new(tokio::sync::Semaphore::new(1)),
            account_changes: Arc::default(),
        }
    }

    /// Listens and serves until the tasks stop. Returns the address, which matters when the port was 0.
    ///
    /// # Errors
    /// The operating system's, when the address cannot be had.
    pub async fn listen(&self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (router, stop) = (self.router(), self.tasks.stopping().clone());
        self.tasks.run("http", async move {
            let listener = axum::serve::ListenerExt::tap_io(listener, |tcp| {
                // An alarm frame is small and must not wait for the acknowledgement of the one before.
                if let Err(error) = tcp.set_nodelay(true) {
                    tracing::debug!(%error, "nodelay");
                }
            });
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "http listener ended");
            }
        });
        stream::start_heartbeat(self.clone());
        Ok(address)
    }

    /// All routes.
    pub fn router(&self) -> Router {
        let header = |name: HeaderName, value: &'static str| {
            SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
        };
        routes::all()
            // Enforced by the extractor, so that the refusal is a Problem like any other.
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(header(header::CONTENT_SECURITY_POLICY, CSP))
            .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(header(header::REFERRER_POLICY, "no-referrer"))
            .layer(header(header::CACHE_CONTROL, "no-store"))
            .with_state(self.clone())
    }
}

/// Text from sensors is shown as text; nothing may be loaded from elsewhere. A player's own buffer is a `blob:` of the page.
const CSP: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; \
                   base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// The parts that others own.
pub struct Parts {
    /// See [`Api`].
    pub hub: Arc<Hub>,
    /// See [`Api`].
    pub board: Arc<Board>,
    /// See [`Api`].
    pub directory: Arc<Shared<Directory>>,
    /// See [`Api`].
    pub work_settings: Arc<Shared<WorkSettings>>,
    /// See [`Api`].
    pub latest: Arc<Shared<LatestTable>>,
    /// See [`Api`].
    pub desk: Desk,
    /// See [`Api`].
    pub records: Records,
    /// See [`Api`].
    pub cameras: Cameras,
    /// See [`Api`].
    pub live: Live,
    /// See [`Api`].
    pub metrics: Metrics,
}
