//! One camera's RTSP session, kept alive for ever: connect, receive, wait, again.

mod connect;
mod receive;
mod status;
mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use config::address::Net;
use retina::client::SessionGroup;
use runtime::{Backoff, Counter};
use tokio::sync::watch;

pub use status::{State, Status, StatusCell};
pub use trouble::Trouble;

use crate::frame::Frame;
use crate::live::Channel;
use crate::volume::Feed;

/// Waits between two tries.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Cameras lock an account that is tried too often (Hikvision: after 5 to 7 tries for 30 minutes).
const AFTER_REFUSED_LOGIN: Duration = Duration::from_secs(300);
/// A session that lasted so long was healthy: the next wait is short again.
const HEALTHY: Duration = Duration::from_secs(60);
/// The camera may take this long to end a session; old live555 mixes a new one into one that has not ended.
const TEARDOWN_MAX: Duration = Duration::from_secs(5);
/// What could not be told to a full queue is tried again this often.
const TICK: Duration = Duration::from_secs(1);

/// What a session needs to know.
#[derive(Clone, Debug)]
pub struct Source {
    /// Camera id.
    pub camera: String,
    /// Address.
    pub url: url::Url,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// RTP over UDP instead of within the connection.
    pub udp: bool,
    /// Address ranges that may be used although they are special.
    pub listed: Vec<Net>,
    /// Waits so long before its first try, so that a thousand cameras do not connect in the same second.
    pub start_after: Duration,
}

/// What a session works with.
pub(crate) struct Session {
    pub source: Arc<Source>,
    /// The way to its disk; none: it is only watched.
    pub feed: Option<Feed>,
    /// Who watches.
    pub live: Arc<Channel>,
    pub status: Arc<StatusCell>,
    /// Until when somebody wants pictures, microseconds; always for most cameras.
    pub wanted: watch::Receiver<i64>,
    pub connects: Counter,
    pub frames: Counter,
}

impl Session {
    /// Runs until `stop`.
    pub(crate) async fn run(mut self, stop: tokio_util::sync::CancellationToken) {
        let seed = self.source.camera.bytes().fold(7, |h: u64, b| h.wrapping_mul(31) ^ u64::from(b));
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1, seed);
        let mut wait = self.source.start_after;
        loop {
            if !self.pause(wait, &stop).await || !self.until_wanted(&stop).await {
                break;
            }
            let began = Instant::now();
            let Some(trouble) = self.once(&stop).await else { continue };
            if began.elapsed() > HEALTHY {
                backoff.reset();
            }
            wait = if trouble.is_refused_login() { AFTER_REFUSED_LOGIN } else { backoff.wait() };
            tracing::warn!(
                camera = self.source.camera,
                code = trouble.code,
                detail = trouble.detail,
                ?wait,
                "no pictures from a camera"
            );
            self.down(trouble.reason);
            self.status.failed(trouble, wait);
            if stop.is_cancelled() {
                break;
            }
        }
        self.down(crate::Reason::Stopped);
    }

    /// No pictures from now on.
    fn down(&mut self, reason: crate::Reason) {
        self.live.down();
        if let Some(feed) = &mut self.feed {
            feed.down(reason);
        }
    }

    fn push(&mut self, frame: Arc<Frame>) {
        self.live.publish(&frame);
        if let Some(feed) = &mut self.feed {
            feed.push(frame);
        }
    }

    fn tick(&mut self, now: Instant) {
        if let Some(feed) = &mut self.feed {
            feed.tick(now);
        }
    }

    /// One session from its first packet to its last, TEARDOWN included. None: it ended because nobody wants it now.
    async fn once(&mut self, stop: &tokio_util::sync::CancellationToken) -> Option<Trouble> {
        let group = Arc::new(SessionGroup::default());
        self.connects.add(1);
        self.status.connecting();
        let trouble = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            trouble = receive::session(self, &group) => trouble,
        };
        // The session is dropped here; its TEARDOWN runs by itself.
        if tokio::time::timeout(TEARDOWN_MAX, group.await_teardown()).await.is_err() {
            tracing::debug!(camera = self.source.camera, "a camera did not answer TEARDOWN");
        }
        trouble
    }

    /// Waits, and meanwhile tells the disk what it could not be told before. False: the time to stop has come.
    async fn pause(&mut self, wait: Duration, stop: &tokio_util::sync::CancellationToken) -> bool {
        let until = tokio::time::Instant::now() + wait;
        loop {
            let next = until.min(tokio::time::Instant::now() + TICK);
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                () = tokio::time::sleep_until(next) => self.tick(Instant::now()),
            }
            if tokio::time::Instant::now() >= until {
                return true;
            }
        }
    }

    async fn until_wanted(&mut self, stop: &tokio_util::sync::CancellationToken) -> bool {
        while !self.is_wanted() {
            self.status.idle();
            self.down(crate::Reason::NotRequested);
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                changed = self.wanted.changed() => if changed.is_err() { return false },
            }
        }
        !stop.is_cancelled()
    }

    fn is_wanted(&mut self) -> bool {
        *self.wanted.borrow_and_update() > runtime::unix_now()
    }
}
