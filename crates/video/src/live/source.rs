//! Where the pictures of a tile come from: a session's state, its channel, and who wants it.

use std::sync::Arc;

use tokio::sync::watch;

use super::Channel;
use crate::session::{Status, StatusCell};

/// One stream of one camera.
pub struct Source {
    /// Who watches.
    pub channel: Arc<Channel>,
    pub(crate) status: Arc<StatusCell>,
    pub(crate) wanted: watch::Sender<i64>,
}

impl Source {
    /// Wanted until then, microseconds; `i64::MAX`: always.
    pub(crate) fn new(channel: Arc<Channel>, wanted: i64, now: i64) -> Self {
        Self { channel, status: Arc::new(StatusCell::new(now)), wanted: watch::Sender::new(wanted) }
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.status.get()
    }

    /// Somebody wants pictures until then, microseconds. Only streams that are opened on demand wait for this.
    pub fn want_until(&self, until: i64) {
        self.wanted.send_if_modified(|now| {
            let later = until > *now;
            *now = until.max(*now);
            later
        });
    }
}
