//! Who may connect, and for whom a device may speak.

use std::sync::Arc;

use model::Time;
use serde::{Deserialize, Serialize};

/// What a client shows. The door never stores it.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// MQTT client id as sent; may be empty.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Vec<u8>>,
    /// Names of a verified client certificate: subject CN and DNS names.
    pub certificate: Vec<String>,
    /// Address it comes from.
    pub address: String,
}

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Device account; client ids are bound to it.
    pub device: Arc<str>,
    /// Enterprises it may publish for.
    pub enterprises: Allowed,
    /// Client ids it may use; empty: any that no other device uses.
    pub client_ids: Vec<String>,
    /// Prefixes below which it may subscribe, as `fenghuo/out/` or `fenghuo/out/plant-a/`.
    pub outgoing: Vec<String>,
}

/// Which enterprises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Every one: demo and bench devices.
    All,
    /// These.
    These(Vec<Arc<str>>),
}

impl Identity {
    /// Whether it may publish for this enterprise.
    pub fn may_speak_for(&self, enterprise: &str) -> bool {
        match &self.enterprises {
            Allowed::All => true,
            Allowed::These(list) => list.iter().any(|e| &**e == enterprise),
        }
    }

    /// Whether it may use this client id, which belongs to `owner` so far.
    pub fn may_use(&self, client_id: &str, owner: Option<&str>) -> bool {
        let listed = self.client_ids.is_empty() || self.client_ids.iter().any(|id| id == client_id);
        listed && owner.is_none_or(|owner| owner == &*self.device)
    }
}

/// Why a login is refused. The client is told only that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Unknown user, wrong password, unknown certificate: `FIRM_UNKNOWN`, 0x86.
    Unknown,
    /// The account is blocked: 0x8A.
    Banned,
    /// It cannot be checked now, or the hall is read-only: 0x88.
    Unavailable,
}

/// Checks a login. May take time (argon2): the door calls it on a blocking thread, at most two at once.
pub type Verify = Arc<dyn Fn(&Login) -> Result<Identity, LoginError> + Send + Sync>;

/// What is remembered of a client while it is away, so that `session present` can be 1: a client that is told 0
/// throws its unacknowledged publishes away (MQTT 5, 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Device account that owns the client id.
    pub device: String,
    /// Session expiry in seconds after the connection is lost.
    pub expiry_s: u32,
    /// When it was last seen to leave; none while connected (then counted from the restart).
    pub left_at: Option<Time>,
    /// Filters and QoS.
    pub subscriptions: Vec<(String, u8)>,
    /// QoS 2 packet ids that are committed and wait for their PUBREL.
    pub qos2: Vec<u16>,
}

impl SessionRecord {
    /// Whether it is past its expiry.
    pub fn is_expired(&self, now: Time) -> bool {
        self.left_at.is_some_and(|left| now.since_us(left) > i64::from(self.expiry_s) * 1_000_000)
    }
}

/// Reads the record of a client id from the store.
pub type LoadSession = Arc<dyn Fn(&str) -> Option<SessionRecord> + Send + Sync>;
/// Writes (or with none removes) the record of a client id; returns when it is durable, false if it failed.
/// Called by one task at a time on a blocking thread.
pub type SaveSession = Arc<dyn Fn(&str, Option<&SessionRecord>) -> bool + Send + Sync>;
