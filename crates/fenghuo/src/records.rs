//! What the API reads: journal, historian and door, behind the API's own shapes.

use std::sync::Arc;

use api::{AlarmQuery, Records, Subsystem};
use hall::{Hall, RecordChange, Submission};
use ingest::{PendingTags, Rejections};
use model::{Actor, Directory, Priority};
use parking_lot::Mutex;
use protocol::{
    AlarmFrame, AlarmView, AuditHeadView, AuditRowView, NoticeFrame, OpenListView, PendingTagView, Problem,
    RejectionView, settle,
};
use runtime::Shared;
use serde::de::DeserializeOwned;
use store::attachments::Attachments;
use store::{AlarmFilter, EventRow, Location, Reader, StoreError};

use crate::reload::Reload;

/// Read connections that are not in use; more are opened when all are.
pub struct Readers {
    location: Location,
    free: Mutex<Vec<Reader>>,
}

/// Connections kept open.
const READERS_KEPT: usize = 4;

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
    pub attachments: Attachments,
    pub reload: Arc<Reload>,
    pub history: Arc<dyn Fn(api::HistoryQuery) -> Result<Vec<protocol::HistoryPoint>, Problem> + Send + Sync>,
    pub subsystems: Arc<dyn Fn() -> Vec<Subsystem> + Send + Sync>,
}

/// A function of the parts, as the API wants it.
fn on<A, R>(
    parts: &Arc<Parts>,
    read: impl Fn(&Parts, A) -> Result<R, Problem> + Send + Sync + 'static,
) -> api::Blocking<A, R> {
    let parts = parts.clone();
    Arc::new(move |argument| {
        parts.hall.tables_have_what_is_told();
        read(&parts, argument)
    })
}

/// The API's view of everything.
pub fn records(parts: &Parts) -> Records {
    let p = Arc::new(parts.clone());
    Records {
        events_since: on(&p, |p, (seq, limit)| p.events_since(seq, limit)),
        closed_alarms: on(&p, |p, query| p.closed_alarms(&query)),
        alarm_events: on(&p, |p, id| p.alarm_events(id)),
        orders: on(&p, |p, (receiver, limit)| p.orders(receiver, limit)),
        work: on(&p, |p, filter| p.work(&filter)),
        work_item: on(&p, |p, id| p.work_item(id)),
        work_events: on(&p, |p, id| p.work_events(id)),
        work_groups: on(&p, |p, query| p.work_groups(query)),
        open_list: on(&p, |p, ()| {
            let (seq, open) = p.hall.open_loops();
            Ok(OpenListView { seq, items: open.into_iter().map(Into::into).collect() })
        }),
        timeline: on(&p, |p, query| p.timeline(&query)),
        notices: on(&p, |p, limit| p.notices(limit)),
        audit_head: on(&p, |p, ()| p.audit_head()),
        audit_page: on(&p, |p, (before, limit)| p.audit_page(before, limit)),
        history: p.history.clone(),
        pending: on(&p, |p, ()| Ok(p.pending_tags())),
        rejections: on(&p, |p, ()| Ok(p.rejection_rows())),
        account: on(&p, |p, name: String| p.account(&name)),
        accounts: on(&p, |p, ()| p.accounts()),
        save_account: on(&p, |p, (change, audit)| p.save_account(change, audit)),
        tokens: on(&p, |p, ()| p.tokens()),
        token: on(&p, |p, hash: String| p.token(&hash)),
        keep_token: on(&p, |p, (row, audit)| p.keep_token(row, audit)),
        revoke_token: on(&p, |p, (hash, audit)| p.revoke_token(hash, audit)),
        keep_attachment: on(&p, |p, new| p.keep_attachment(new)),
        attachment: on(&p, |p, id: String| p.attachment(&id)),
        attachment_of_party: on(&p, |p, (id, party): (String, String)| p.attachment_of_party(&id, &party)),
        attachment_bytes: on(&p, |p, id: String| p.attachment_bytes(&id)),
        session: on(&p, |p, hash: String| p.session(&hash)),
        keep_session: on(&p, |p, row| p.keep_session(row)),
        end_session: on(&p, |p, hash| p.end_session(hash)),
        audit: on(&p, |p, entry| p.change(Box::new(|_| Ok(())), Some(entry))),
        reload: on(&p, |p, actor: Actor| p.reload.run(&p.hall, actor)),
        subsystems: p.subsystems.clone(),
    }
}

pub(crate) fn frame<T: DeserializeOwned>(row: &EventRow) -> Option<T> {
    let text = settle(&row.json, Some(row.committed_at));
    serde_json::from_str(&text)
        .map_err(|error| tracing::error!(%error, seq = row.seq, "a journalled frame cannot be read"))
        .ok()
}

pub(crate) fn frames<T: DeserializeOwned>(rows: &[EventRow]) -> Vec<T> {
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

    /// Changes records through the hall's one writer; returns when it is durable.
    pub(crate) fn change(&self, change: RecordChange, audit: Option<(String, String, String)>) -> Result<(), Problem> {
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
        hall::Failure::Record(reason) => Problem::new("INTERNAL", "").detail(&reason, &reason),
        hall::Failure::Journal(reason) => Problem::new("JOURNAL_FAILED", "").detail(&reason, &reason),
    }
}
