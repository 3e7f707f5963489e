//! Sessions: opaque 256-bit tokens, stored only as hashes; they outlive a restart, so that a killed server logs nobody out.

use std::collections::{HashMap, HashSet};

use model::{Actor, Role};
use parking_lot::Mutex;
use protocol::Problem;
use sha2::{Digest, Sha256};

use crate::deps::{Records, SessionRow, TokenKind, TokenRow, read};

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
    /// The party a field session acts for.
    pub party: Option<String>,
    /// Where it came from: what must still be there for it to go on.
    pub by: By,
}

/// Token hash of a session or a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A session.
    Session(String),
    /// A machine token.
    Machine(String),
}

impl Grant {
    /// Token hash of the session, if it is one.
    pub fn session(&self) -> Option<&str> {
        match &self.by {
            By::Session(hash) => Some(hash),
            By::Machine(_) => None,
        }
    }
}

#[derive(Debug)]
struct Live {
    grant: Grant,
    /// Hash of the link that opened it, or empty.
    link: String,
    seen_at: i64,
    /// Unused this long, it ends.
    idle_us: i64,
    /// Ends in any case.
    until: i64,
}

#[derive(Debug)]
struct Machine {
    grant: Grant,
    until: i64,
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
    machines: Mutex<HashMap<String, Machine>>,
    links: Mutex<HashMap<String, String>>,
    failures: Mutex<HashMap<String, Failures>>,
    /// What is being ended: a request under way must not let it in again.
    ended: Mutex<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    /// Tokens and links, by hash.
    hashes: HashSet<String>,
    /// Sessions of these accounts opened at or before this time.
    accounts: HashMap<String, i64>,
}

impl Ended {
    /// Rows of long ago are gone from the journal; what is under way now is what matters.
    fn add(&mut self, hash: &str) {
        if self.hashes.len() > ENDED_MAX {
            self.hashes.clear();
        }
        self.hashes.insert(hash.to_owned());
    }

    fn has(&self, hash: &str, row: &SessionRow) -> bool {
        let barred = self.accounts.get(&row.account).is_some_and(|&at| row.created_at <= at);
        self.hashes.contains(hash) || self.hashes.contains(&row.link) || barred
    }
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
    /// Lets a machine in by a bearer token until the program ends.
    pub fn add_machine(&self, token: &str, actor: Actor, role: Role) {
        let hash = hash_token(token);
        let grant = Grant { actor, role, party: None, by: By::Machine(hash.clone()) };
        self.machines.lock().insert(hash, Machine { grant, until: i64::MAX });
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
    ///
    /// # Errors
    /// `LOGIN_REQUIRED`, or a problem of the journal.
    pub async fn machine(&self, records: &Records, token: &str, now: i64) -> Result<Grant, Problem> {
        let required = || Problem::new("LOGIN_REQUIRED", "");
        let hash = hash_token(token);
        if let Some(machine) = self.machines.lock().get(&hash) {
            return if machine.until > now { Ok(machine.grant.clone()) } else { Err(required()) };
        }
        let row = read(&records.token, hash.clone()).await?.filter(|t| t.kind == TokenKind::Machine);
        let row = row.ok_or_else(required)?;
        let ended = self.ended.lock();
        let until = row.expires_at.unwrap_or(i64::MAX);
        if ended.hashes.contains(&hash) || until <= now {
            return Err(required());
        }
        let actor = Actor { account: row.account, name: row.label };
        let grant = Grant { actor, role: row.role, party: None, by: By::Machine(hash.clone()) };
        self.machines.lock().insert(hash, Machine { grant: grant.clone(), until });
        Ok(grant)
    }

    /// Opens a session of an account and returns its token.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn open(&self, records: &Records, actor: Actor, role: Role, now: i64) -> Result<String, Problem> {
        let row = SessionRow {
            token_hash: String::new(),
            account: actor.account.clone(),
            created_at: now,
            expires_at: now + ABSOLUTE_US,
            party: None,
            link: String::new(),
        };
        self.keep(records, row, (actor, role)).await
    }

    /// Opens a session of the party that a personal link names; it lasts as long as the link, whatever the phone does.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn open_field(&self, records: &Records, link: &TokenRow, now: i64) -> Result<String, Problem> {
        let row = SessionRow {
            token_hash: String::new(),
            account: link.account.clone(),
            created_at: now,
            expires_at: link.expires_at.unwrap_or(now + ABSOLUTE_US),
            party: Some((link.party.clone(), link.label.clone())),
            link: link.hash.clone(),
        };
        let actor = Actor { account: link.account.clone(), name: link.label.clone() };
        self.keep(records, row, (actor, Role::Field)).await
    }

    /// Whether a session that still holds was opened by this link.
    pub async fn is_of_link(&self, records: &Records, token: &str, link: &str, now: i64) -> bool {
        self.find(records, token, now).await.is_ok()
            && self.live.lock().get(&hash_token(token)).is_some_and(|session| session.link == link)
    }

    async fn keep(
        &self,
        records: &Records,
        mut row: SessionRow,
        (actor, role): (Actor, Role),
    ) -> Result<String, Problem> {
        let token = random_hex::<32>();
        row.token_hash = hash_token(&token);
        read(&records.keep_session, row.clone()).await?;
        self.admit_unless_ended(&row, actor, role, row.created_at)?;
        Ok(token)
    }

    fn admit(&self, row: &SessionRow, actor: Actor, role: Role, seen_at: i64) -> Grant {
        let party = row.party.as_ref().map(|(id, _)| id.clone());
        // A phone sleeps in a pocket between two orders.
        let idle_us = if party.is_some() { i64::MAX } else { IDLE_US };
        let grant = Grant { actor, role, party, by: By::Session(row.token_hash.clone()) };
        let session = Live { grant: grant.clone(), link: row.link.clone(), seen_at, idle_us, until: row.expires_at };
        let mut live = self.live.lock();
        live.retain(|_, s| s.until >= seen_at);
        live.insert(row.token_hash.clone(), session);
        grant
    }

    /// Who a session token belongs to; counts as use.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED`, or a problem of the journal.
    pub async fn find(&self, records: &Records, token: &str, now: i64) -> Result<Grant, Problem> {
        let hash = hash_token(token);
        let required = || Problem::new("LOGIN_REQUIRED", "");
        if self.ended.lock().hashes.contains(&hash) {
            return Err(required());
        }
        if let Some(found) = self.touch(&hash, now) {
            return found;
        }
        let row = read(&records.session, hash.clone()).await?.ok_or_else(required)?;
        if now > row.expires_at {
            return Err(required());
        }
        let (actor, role) = match &row.party {
            Some((_, name)) => (Actor { account: row.account.clone(), name: name.clone() }, Role::Field),
            None => {
                let account = read(&records.account, row.account.clone()).await?.ok_or_else(required)?;
                (account.actor, account.role)
            }
        };
        self.admit_unless_ended(&row, actor, role, now)
    }

    /// A password takes time to check, and a row to read or write: meanwhile the account may have been disabled, or the
    /// link revoked.
    fn admit_unless_ended(&self, row: &SessionRow, actor: Actor, role: Role, now: i64) -> Result<Grant, Problem> {
        // Held over the admission: what is ended meanwhile is ended after it, and found in memory.
        let ended = self.ended.lock();
        if ended.has(&row.token_hash, row) {
            return Err(Problem::new("LOGIN_REQUIRED", ""));
        }
        Ok(self.admit(row, actor, role, now))
    }

    /// Marks a session as used. None: not in memory.
    pub fn touch(&self, hash: &str, now: i64) -> Option<Result<Grant, Problem>> {
        let mut live = self.live.lock();
        let session = live.get_mut(hash)?;
        if now.saturating_sub(session.seen_at) > session.idle_us || now > session.until {
            return Some(Err(Problem::new("LOGIN_REQUIRED", "")));
        }
        session.seen_at = now;
        Some(Ok(session.grant.clone()))
    }

    /// Whether a grant still holds; counts as use of a session.
    pub fn still_holds(&self, grant: &Grant, now: i64) -> bool {
        match &grant.by {
            By::Session(hash) => matches!(self.touch(hash, now), Some(Ok(_))),
            By::Machine(hash) => self.machines.lock().get(hash).is_some_and(|m| m.until > now),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub async fn end(&self, records: &Records, hash: &str) -> Result<(), Problem> {
        {
            let mut ended = self.ended.lock();
            ended.add(hash);
            self.live.lock().remove(hash);
        }
        read(&records.end_session, hash.to_owned()).await
    }

    /// Ends every session of an account in memory: it was disabled, or its password or role changed. Its rows went with
    /// the change; open streams close at their next heartbeat.
    pub fn end_account(&self, account: &str, now: i64) {
        let mut ended = self.ended.lock();
        ended.accounts.insert(account.to_owned(), now);
        self.live.lock().retain(|_, s| s.grant.actor.account != account);
    }

    /// Ends a machine token or a personal link in memory, with the sessions that the link opened.
    pub fn end_token(&self, hash: &str) {
        let mut ended = self.ended.lock();
        ended.add(hash);
        self.machines.lock().remove(hash);
        self.live.lock().retain(|_, s| s.link != hash);
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

    fn row(hash: &str, party: Option<&str>) -> SessionRow {
        SessionRow {
            token_hash: hash.into(),
            account: "duty".into(),
            created_at: 0,
            expires_at: ABSOLUTE_US,
            party: party.map(|p| (p.to_owned(), p.to_owned())),
            link: party.map_or(String::new(), |_| "link".into()),
        }
    }

    fn open(sessions: &Sessions, hash: &str, party: Option<&str>) -> Grant {
        let actor = Actor { account: "duty".into(), name: "duty".into() };
        sessions.admit(&row(hash, party), actor, Role::DutyOfficer, 0)
    }

    #[test]
    fn an_idle_session_ends_and_use_keeps_it() {
        let sessions = Sessions::default();
        open(&sessions, "h", None);
        assert!(sessions.touch("h", IDLE_US).unwrap().is_ok());
        assert!(sessions.touch("h", 2 * IDLE_US).unwrap().is_ok());
        assert!(sessions.touch("h", 3 * IDLE_US + 1).unwrap().is_err());
        assert!(sessions.touch("unknown", 0).is_none());
    }

    #[test]
    fn a_phone_may_sleep_until_its_link_expires() {
        let sessions = Sessions::default();
        open(&sessions, "h", Some("brigade-1"));
        assert!(sessions.touch("h", 10 * IDLE_US).unwrap().is_ok());
        assert!(sessions.touch("h", ABSOLUTE_US + 1).unwrap().is_err());
    }

    #[test]
    fn what_is_ended_stays_out() {
        let sessions = Sessions::default();
        let (own, phone) = (open(&sessions, "h", None), open(&sessions, "p", Some("brigade-1")));
        sessions.end_token("link");
        assert!(sessions.still_holds(&own, 1) && !sessions.still_holds(&phone, 1));
        assert!(sessions.ended.lock().has("p2", &row("p2", Some("brigade-1"))), "a request under way");
        sessions.end_account("duty", 5);
        assert!(!sessions.still_holds(&own, 6));
        assert!(sessions.ended.lock().has("h2", &row("h2", None)));
        assert!(!sessions.ended.lock().has("h3", &SessionRow { created_at: 6, ..row("h3", None) }), "logs in anew");
        let duty = Actor { account: "duty".into(), name: "duty".into() };
        let late = sessions.admit_unless_ended(&row("h4", None), duty, Role::DutyOfficer, 6);
        assert_eq!(late.unwrap_err().code, "LOGIN_REQUIRED", "its password was being checked");
        sessions.add_machine("token", Actor::system(), Role::ReadOnly);
        let hash = hash_token("token");
        let grant = sessions.machines.lock().get(&hash).map(|m| m.grant.clone()).unwrap();
        assert!(sessions.still_holds(&grant, 1));
        sessions.end_token(&hash);
        assert!(!sessions.still_holds(&grant, 1));
    }
}
