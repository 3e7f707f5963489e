//! How a camera is, for the duty officer.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Trouble;
use crate::clock::Alignment;
use crate::frame::{Frame, Track};

/// What a camera's session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not tried yet.
    Starting,
    /// Being connected.
    Connecting,
    /// Pictures come.
    Receiving,
    /// No pictures; tried again by itself.
    Retrying,
    /// Wrong user name or password; tried again after five minutes.
    AuthFailed,
    /// Nobody wants pictures now.
    Idle,
}

impl State {
    /// Stable label.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Connecting => "connecting",
            Self::Receiving => "receiving",
            Self::Retrying => "retrying",
            Self::AuthFailed => "auth_failed",
            Self::Idle => "idle",
        }
    }
}

/// A camera's state and figures.
#[derive(Clone, Debug)]
pub struct Status {
    /// State.
    pub state: State,
    /// Since when, microseconds.
    pub since: i64,
    /// The newest trouble; kept until pictures came for a while, so that an officer can read why it was away.
    pub trouble: Option<Trouble>,
    /// When that was.
    pub trouble_at: i64,
    /// When it is tried again.
    pub retry_at: Option<i64>,
    /// What it sends.
    pub track: Option<std::sync::Arc<Track>>,
    /// Sound it sends that is not recorded.
    pub sound_dropped: Option<String>,
    /// Pictures a second, over the last seconds.
    pub frames_per_s: f64,
    /// Thousand bits a second.
    pub kbit_per_s: f64,
    /// RTP packets lost since the program started.
    pub lost_packets: u64,
    /// The newest picture.
    pub last_frame_at: i64,
    /// Pictures received since the program started.
    pub pictures: u64,
    /// Its clock beside ours.
    pub clock: Option<Alignment>,
    /// How often its clock was set.
    pub clock_steps: u64,
}

/// Shared between the session and whoever asks.
pub struct StatusCell {
    status: Mutex<Status>,
    /// Changes with every picture, as does the number of all.
    last_frame_at: AtomicI64,
    pictures: AtomicU64,
}

impl StatusCell {
    /// A camera that was not tried yet.
    pub fn new(now: i64) -> Self {
        let status = Status {
            state: State::Starting,
            since: now,
            trouble: None,
            trouble_at: 0,
            retry_at: None,
            track: None,
            sound_dropped: None,
            frames_per_s: 0.0,
            kbit_per_s: 0.0,
            lost_packets: 0,
            last_frame_at: 0,
            pictures: 0,
            clock: None,
            clock_steps: 0,
        };
        Self { status: Mutex::new(status), last_frame_at: AtomicI64::new(0), pictures: AtomicU64::new(0) }
    }

    /// As it is now.
    pub fn get(&self) -> Status {
        let last_frame_at = self.last_frame_at.load(Ordering::Relaxed);
        let pictures = self.pictures.load(Ordering::Relaxed);
        Status { last_frame_at, pictures, ..self.status.lock().clone() }
    }

    pub(super) fn frame_at(&self, received_us: i64) {
        self.last_frame_at.store(received_us, Ordering::Relaxed);
        self.pictures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock());
    }

    fn enter(&self, state: State) {
        self.change(|s| {
            s.retry_at = None;
            if s.state != state {
                s.state = state;
                s.since = runtime::unix_now();
            }
        });
    }

    pub(super) fn connecting(&self) {
        self.change(|s| s.retry_at = None);
        // A camera that is away stays "away since", however often it is tried.
        if !matches!(self.get().state, State::Retrying | State::AuthFailed) {
            self.enter(State::Connecting);
        }
    }

    pub(super) fn idle(&self) {
        self.enter(State::Idle);
    }

    pub(super) fn receiving(&self, frame: &Frame) {
        self.enter(State::Receiving);
        self.change(|s| s.track = Some(frame.track.clone()));
    }

    pub(super) fn failed(&self, trouble: Trouble, wait: Duration) {
        self.enter(if trouble.is_refused_login() { State::AuthFailed } else { State::Retrying });
        self.change(|s| {
            s.trouble = Some(trouble);
            s.trouble_at = runtime::unix_now();
            s.retry_at = Some(s.trouble_at + wait.as_micros() as i64);
            (s.frames_per_s, s.kbit_per_s) = (0.0, 0.0);
        });
    }
}
