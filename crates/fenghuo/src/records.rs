//! What the API reads: journal, historian and door, behind the API's own shapes.

use std::sync::Arc;

use api::{AccountRow, AlarmQuery, Records, SessionRow, Subsystem};
use hall::{Hall, RecordChange, Submission};
use ingest::{PendingTags, Rejections};
use model::{Actor, Directory, Priority, Time};
use parking_lot::Mutex;
use protocol::{
    AlarmFrame, AlarmView, AuditHeadView, AuditRowView, NoticeFrame, OrderFrame, PendingTagView, Problem,
    RejectionView, settle,
};
use runtime::{Shared, unix_now};
use serde::de::DeserializeOwned;
use store::accounts::{self, Purpose, Token};
use store::{AlarmFilter, EventRow, Location, Reader, StoreError};

use crate::reload::Reload;

/// Read connections that are not in use; more are opened when all are.
pub struct Readers {
    location: Location,
    free: Mutex<Vec<Reader>>,
}

/// Connections kept open.
const READERS_KEPT: usize = 4;
/// A session lasts one shift, microseconds.
const SESSION_US: i64 = 12 * 3_600 * 1_000_000;

impl Readers {
    /// None open yet.
    pub fn new(location: Location) -> Self {
        Self { location, free: Mutex::default() }
    }

    /// Runs a read on a connection of its own.
    ///
    /// # Errors
    /// `INTERNAL`; the log has the reason.
    pub fn read<R>(&self, work: impl FnOnce(&mut Reader) -> Result<R, StoreError>) -> Result<R, Problem> {
        let failed = |e: StoreError| {
            tracing::error!(error = %e.chain(), "a read failed");
            Problem::new("INTERNAL", "")
        };
        let free = self.free.lock().pop();
        let mut reader = free.map_or_else(|| Reader::open(&self.location), Ok).map_err(failed)?;
        let result = work(&mut reader).map_err(failed)?;
        let mut free = self.free.lock();
        if free.len() < READERS_KEPT {
            free.push(reader);
        }
        Ok(result)
    }
}

/// What the records are made of.
#[derive(Clone)]
pub struct Parts {
    pub readers: Arc<Readers>,
    pub hall: Hall,
    pub directory: Arc<Shared<Directory>>,
    pub pending: Arc<PendingTags>,
    pub rejections: Arc<Rejections>,
    pub reload: Arc<Reload>,
    pub history: Arc<dyn Fn(api::HistoryQuery) -> Result<Vec<protocol::HistoryPoint>, Problem> + Send + Sync>,
    pub subsystems: Arc<dyn Fn() -> Vec<Subsystem> + Send + Sync>,
}

/// The API's view of everything.
pub fn records(parts: &Parts) -> Records {
    let p = Arc::new(parts.clone());
    let with = |p: &Arc<Parts>| p.clone();
    let (a, b, c, d, e, f, g) = (with(&p), with(&p), with(&p), with(&p), with(&p), with(&p), with(&p));
    let (h, i, j, k, l, m, n) = (with(&p), with(&p), with(&p), with(&p), with(&p), with(&p), with(&p));
    Records {
        events_since: Arc::new(move |(seq, limit)| a.events_since(seq, limit)),
        closed_alarms: Arc::new(move |query| b.closed_alarms(&query)),
        alarm_events: Arc::new(move |id| c.alarm_events(id)),
        orders: Arc::new(move |limit| d.orders(limit)),
        notices: Arc::new(move |limit| e.notices(limit)),
        audit_head: Arc::new(move |()| f.audit_head()),
        audit_page: Arc::new(move |(before, limit)| g.audit_page(before, limit)),
        history: p.history.clone(),
        pending: Arc::new(move |()| Ok(h.pending_tags())),
        rejections: Arc::new(move |()| Ok(i.rejection_rows())),
        account: Arc::new(move |name| j.account(&name)),
        session: Arc::new(move |hash| k.session(&hash)),
        keep_session: Arc::new(move |row| l.keep_session(row)),
        end_session: Arc::new(move |hash| m.end_session(hash)),
        audit: Arc::new(move |entry| n.change(Box::new(|_| Ok(())), Some(entry))),
        reload: {
            let p = p.clone();
            Arc::new(move |actor: Actor| p.reload.run(&p.hall, actor))
        },
        subsystems: p.subsystems.clone(),
    }
}

fn frame<T: DeserializeOwned>(row: &EventRow) -> Option<T> {
    let text = settle(&row.json, Some(row.committed_at));
    serde_json::from_str(&text)
        .map_err(|error| tracing::error!(%error, seq = row.seq, "a journalled frame cannot be read"))
        .ok()
}

fn frames<T: DeserializeOwned>(rows: &[EventRow]) -> Vec<T> {
    rows.iter().filter_map(frame).collect()
}

impl Parts {
    fn events_since(&self, seq: u64, limit: usize) -> Result<Vec<(u64, String)>, Problem> {
        let rows = self.readers.read(|r| r.events_since(seq, limit as u64))?;
        Ok(rows.iter().map(|e| (e.seq, settle(&e.json, Some(e.committed_at)))).collect())
    }

    fn closed_alarms(&self, query: &AlarmQuery) -> Result<Vec<AlarmView>, Problem> {
        let filter = AlarmFilter {
            closed: Some(true),
            enterprise: query.enterprise.clone(),
            priority: query.priority.and_then(|p| Priority::try_from(p).ok()),
            before: query.before,
            limit: query.limit as u64,
        };
        let rows = self.readers.read(|r| r.alarms(&filter))?;
        Ok(frames::<AlarmFrame>(&rows).into_iter().map(|f| f.alarm).collect())
    }

    fn alarm_events(&self, id: u64) -> Result<Vec<AlarmFrame>, Problem> {
        Ok(frames(&self.readers.read(|r| r.alarm_history(id))?))
    }

    fn orders(&self, limit: usize) -> Result<Vec<protocol::OrderView>, Problem> {
        let rows = self.readers.read(|r| r.orders(false, limit as u64))?;
        Ok(frames::<OrderFrame>(&rows).into_iter().map(|f| f.order).collect())
    }

    fn notices(&self, limit: usize) -> Result<Vec<NoticeFrame>, Problem> {
        Ok(frames(&self.readers.read(|r| r.notices(limit as u64))?))
    }

    fn audit_head(&self) -> Result<AuditHeadView, Problem> {
        let head = self.readers.read(Reader::audit_head)?;
        Ok(AuditHeadView { seq: head.seq, hash: store::audit::hex(&head.hash), at: head.at.0 })
    }

    fn audit_page(&self, before: u64, limit: usize) -> Result<Vec<AuditRowView>, Problem> {
        let rows = self.readers.read(|r| r.audit_page(Some(before), limit as u64))?;
        let view = |r: store::AuditEntry| AuditRowView {
            seq: r.seq,
            at: r.at.0,
            actor: r.account,
            action: r.action,
            subject: r.subject,
            hash: r.hash,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    fn pending_tags(&self) -> Vec<PendingTagView> {
        let (rows, _) = self.pending.snapshot(&self.directory.load());
        let view = |r: ingest::Pending| PendingTagView {
            enterprise: r.enterprise,
            tag: r.tag,
            count: r.count,
            first_at: r.first_at.0,
            last_at: r.last_at.0,
            last_value: r.last_value.unwrap_or(0.0),
            nearest: r.nearest,
        };
        rows.into_iter().map(view).collect()
    }

    fn rejection_rows(&self) -> Vec<RejectionView> {
        self.rejections.snapshot().into_iter().filter_map(rejection).collect()
    }

    fn account(&self, name: &str) -> Result<Option<AccountRow>, Problem> {
        let read = |r: &mut Reader| {
            accounts::find(r.database(), name).map_err(|source| StoreError::Sql { doing: "read an account", source })
        };
        let found = self.readers.read(read)?.filter(|a| !a.disabled);
        Ok(found.map(|a| AccountRow {
            actor: Actor { account: a.account, name: a.name },
            role: a.role,
            password_hash: a.password_hash,
        }))
    }

    fn session(&self, hash: &str) -> Result<Option<SessionRow>, Problem> {
        let now = Time(unix_now());
        let read = |r: &mut Reader| {
            accounts::find_token(r.database(), hash, now)
                .map_err(|source| StoreError::Sql { doing: "read a session", source })
        };
        let found = self.readers.read(read)?.filter(|t| t.purpose == Purpose::Session);
        Ok(found.map(|t| SessionRow { token_hash: t.hash, account: t.account, created_at: t.created_at.0 }))
    }

    fn keep_session(&self, row: SessionRow) -> Result<(), Problem> {
        let token = Token {
            hash: row.token_hash,
            account: row.account,
            purpose: Purpose::Session,
            created_at: Time(row.created_at),
            expires_at: Some(Time(row.created_at + SESSION_US)),
        };
        self.change(Box::new(move |db| accounts::save_token(db, &token)), None)
    }

    fn end_session(&self, hash: String) -> Result<(), Problem> {
        self.change(Box::new(move |db| accounts::remove_token(db, &hash).map(|_| ())), None)
    }

    /// Changes records through the hall's one writer; returns when it is durable.
    fn change(&self, change: RecordChange, audit: Option<(String, String, String)>) -> Result<(), Problem> {
        change_records(&self.hall, change, audit)
    }
}

/// A row with its newest sample; a row exists only because of one.
fn rejection(mut row: ingest::RejectionsView) -> Option<RejectionView> {
    let newest = row.samples.pop()?;
    Some(RejectionView {
        enterprise: row.enterprise,
        code: row.code.to_owned(),
        count: row.count,
        message_zh: newest.refusal.message_zh,
        message_en: newest.refusal.message_en,
        field: newest.refusal.field,
        hint: newest.refusal.hint,
        gateway: newest.gateway,
        topic: newest.topic,
        sample: newest.payload,
        last_at: row.last_at.0,
    })
}

/// Changes records through the hall's one writer; returns when it is durable. Blocks.
///
/// # Errors
/// `JOURNAL_FAILED`, `BUSY` or `STOPPING`.
pub fn change_records(
    hall: &Hall,
    change: RecordChange,
    audit: Option<(String, String, String)>,
) -> Result<(), Problem> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let reply = Box::new(move |result| {
        let _ = tell.send(result);
    });
    hall.submit(Submission::Record(change, audit, reply)).map_err(|_| Problem::new("BUSY", ""))?;
    match told.recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(problem(failure)),
        Err(_) => Err(Problem::new("STOPPING", "")),
    }
}

/// A failure as the API says it.
pub fn problem(failure: hall::Failure) -> Problem {
    match failure {
        hall::Failure::Refused(refusal) => refusal.into(),
        hall::Failure::Journal(reason) => Problem::new("JOURNAL_FAILED", "").detail(&reason, &reason),
    }
}
