//! Sessions: opaque 256-bit tokens, stored only as hashes; they outlive a restart, so that a killed server logs nobody out.

use std::collections::{HashMap, HashSet};

use model::{Actor, Role};
use parking_lot::Mutex;
use protocol::Problem;
use sha2::{Digest, Sha256};

use crate::deps::{Records, SessionRow, read};

/// Unused this long, a session ends (an open stream counts as use).
const IDLE_US: i64 = 30 * 60 * 1_000_000;
/// A session ends after one shift in any case.
const ABSOLUTE_US: i64 = 12 * 3_600 * 1_000_000;
/// Failures after which an account waits.
const FAILURES_FREE: u32 = 5;
/// Ended sessions remembered.
const ENDED_MAX: usize = 10_000;
/// One-time links at once.
const LINKS_MAX: usize = 16;

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub actor: Actor,
    /// Role.
    pub role: Role,
    /// Token hash of the session; none for machine tokens.
    pub session: Option<String>,
}

#[derive(Debug)]
struct Live {
    grant: Grant,
    created_at: i64,
    seen_at: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    wait_until: i64,
}

/// Sessions, machine tokens and one-time links.
#[derive(Debug, Default)]
pub struct Sessions {
    live: Mutex<HashMap<String, Live>>,
    machines: Mutex<HashMap<String, Grant>>,
    links: Mutex<HashMap<String, String>>,
    failures: Mutex<HashMap<String, Failures>>,
    /// Sessions that are being ended: a request under way must not let them in again.
    ended: Mutex<HashSet<String>>,
}

/// `N` random bytes as hexadecimal.
pub fn random_hex<const N: usize>() -> String {
    let mut bytes = [0u8; N];
    // Without entropy no token can be given out; a token of zeros must never be.
    getrandom::fill(&mut bytes).unwrap_or_else(|e| panic!("the system gives no random bytes: {e}"));
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a token, hexadecimal. Tokens have 256 random bits, so no salt and no slow hash is needed.
pub fn hash_token(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

impl Sessions {
    /// Lets a machine in by a bearer token.
    pub fn add_machine(&self, token: &str, actor: Actor, role: Role) {
        let grant = Grant { actor, role, session: None };
        self.machines.lock().insert(hash_token(token), grant);
    }

    /// A link token that logs `account` in once.
    pub fn one_time_link(&self, account: &str) -> String {
        let token = random_hex::<32>();
        let mut links = self.links.lock();
        if links.len() < LINKS_MAX {
            links.insert(hash_token(&token), account.to_owned());
        }
        token
    }

    /// The account of a one-time link; the link is used up.
    pub fn use_link(&self, token: &str) -> Option<String> {
        self.links.lock().remove(&hash_token(token))
    }

    /// Who a machine token belongs to.
    pub fn machine(&self, token: &str) -> Option<Grant> {
        self.machines.lock().get(&hash_token(token)).cloned()
    }

    /// Opens a session and returns its token.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn open(&self, records: &Records, actor: Actor, role: Role, now: i64) -> Result<String, Problem> {
        let token = random_hex::<32>();
        let token_hash = hash_token(&token);
        let row = SessionRow { token_hash: token_hash.clone(), account: actor.account.clone(), created_at: now };
        read(&records.keep_session, row).await?;
        self.admit(token_hash, actor, role, (now, now));
        Ok(token)
    }

    fn admit(&self, hash: String, actor: Actor, role: Role, (created_at, seen_at): (i64, i64)) -> Grant {
        let grant = Grant { actor, role, session: Some(hash.clone()) };
        self.live.lock().insert(hash, Live { grant: grant.clone(), created_at, seen_at });
        grant
    }

    /// Who a session token belongs to; counts as use.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED`, or a problem of the journal.
    pub async fn find(&self, records: &Records, token: &str, now: i64) -> Result<Grant, Problem> {
        let hash = hash_token(token);
        let required = || Problem::new("LOGIN_REQUIRED", "");
        if self.ended.lock().contains(&hash) {
            return Err(required());
        }
        if let Some(found) = self.touch(&hash, now) {
            return found;
        }
        let row = read(&records.session, hash.clone()).await?.ok_or_else(required)?;
        if now - row.created_at > ABSOLUTE_US {
            return Err(required());
        }
        let account = read(&records.account, row.account).await?.ok_or_else(required)?;
        let ended = self.ended.lock();
        if ended.contains(&hash) {
            return Err(required());
        }
        Ok(self.admit(hash, account.actor, account.role, (row.created_at, now)))
    }

    /// Marks a session as used. None: not in memory.
    pub fn touch(&self, hash: &str, now: i64) -> Option<Result<Grant, Problem>> {
        let mut live = self.live.lock();
        let session = live.get_mut(hash)?;
        if now - session.seen_at > IDLE_US || now - session.created_at > ABSOLUTE_US {
            return Some(Err(Problem::new("LOGIN_REQUIRED", "")));
        }
        session.seen_at = now;
        Some(Ok(session.grant.clone()))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub async fn end(&self, records: &Records, hash: &str) -> Result<(), Problem> {
        {
            let mut ended = self.ended.lock();
            // Rows of long ago are gone from the journal; what is under way now is what matters.
            if ended.len() > ENDED_MAX {
                ended.clear();
            }
            ended.insert(hash.to_owned());
            self.live.lock().remove(hash);
        }
        read(&records.end_session, hash.to_owned()).await
    }

    /// Whether this account may try now.
    ///
    /// # Errors
    /// `LOGIN_BUSY` with the seconds to wait. An account is slowed, never locked: the last duty officer must get in.
    pub fn may_try(&self, account: &str, now: i64) -> Result<(), Problem> {
        match self.failures.lock().get(account) {
            Some(f) if f.wait_until > now => {
                let s = (f.wait_until - now) / 1_000_000 + 1;
                Err(Problem::new("LOGIN_BUSY", "account").detail(&format!("请等待 {s} 秒"), &format!("wait {s} s")))
            }
            _ => Ok(()),
        }
    }

    /// Counts a try.
    pub fn tried(&self, account: &str, good: bool, now: i64) {
        let mut failures = self.failures.lock();
        if good {
            failures.remove(account);
            return;
        }
        // Names that do not exist must not fill the memory.
        if failures.len() > 10_000 {
            failures.clear();
        }
        let f = failures.entry(account.to_owned()).or_default();
        f.count += 1;
        if f.count > FAILURES_FREE {
            let wait_s = 1_i64 << (f.count - FAILURES_FREE).min(6);
            f.wait_until = now + wait_s * 1_000_000;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once() {
        let sessions = Sessions::default();
        let token = sessions.one_time_link("duty");
        assert_eq!(sessions.use_link(&token).as_deref(), Some("duty"));
        assert_eq!(sessions.use_link(&token), None);
    }

    #[test]
    fn failures_slow_an_account_and_success_forgives() {
        let sessions = Sessions::default();
        for _ in 0..5 {
            sessions.tried("duty", false, 0);
            assert!(sessions.may_try("duty", 0).is_ok());
        }
        sessions.tried("duty", false, 0);
        assert_eq!(sessions.may_try("duty", 0).unwrap_err().code, "LOGIN_BUSY");
        assert!(sessions.may_try("duty", 2_000_001).is_ok());
        sessions.tried("duty", true, 2_000_001);
        sessions.tried("duty", false, 2_000_001);
        assert!(sessions.may_try("duty", 2_000_001).is_ok());
    }

    #[test]
    fn an_idle_session_ends_and_use_keeps_it() {
        let sessions = Sessions::default();
        sessions.admit("h".into(), Actor::system(), Role::DutyOfficer, (0, 0));
        assert!(sessions.touch("h", IDLE_US).unwrap().is_ok());
        assert!(sessions.touch("h", 2 * IDLE_US).unwrap().is_ok());
        assert!(sessions.touch("h", 3 * IDLE_US + 1).unwrap().is_err());
        assert!(sessions.touch("unknown", 0).is_none());
    }
}
