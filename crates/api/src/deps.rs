//! What this room needs from others, as plain functions that the binary connects.

use std::sync::Arc;

use engine::{Command, Outcome};
use model::{Actor, Role};
use protocol::{
    AggregateRow, AlarmFrame, AlarmView, AuditHeadView, AuditRowView, CamerasView, ClipsView, ExportView, HistoryPoint,
    NoticeFrame, OpenListView, OrderView, PendingTagView, Problem, RecordingsView, RejectionView, TimelineRow,
    WorkFrame, WorkItemView,
};
use response::{ItemId, WorkFilter};

/// A function that may block; it is called on a blocking thread.
pub type Blocking<A, R> = Arc<dyn Fn(A) -> Result<R, Problem> + Send + Sync>;

/// Carries out a command in the hall: resolves when it is durable, or says why not.
pub type Desk = Arc<dyn Fn(Command) -> tokio::sync::oneshot::Receiver<Result<Outcome, Problem>> + Send + Sync>;

/// A subsystem's state for `/readyz`: name, ready, reason.
pub type Subsystem = (String, bool, String);

/// An account as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Who.
    pub actor: Actor,
    /// Role.
    pub role: Role,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// A session as stored; the token itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token, hexadecimal.
    pub token_hash: String,
    /// Account name.
    pub account: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
    /// Ends in any case.
    pub expires_at: i64,
    /// Id and name of the party it acts for, if a personal link opened it.
    pub party: Option<(String, String)>,
    /// Hash of that link, or empty.
    pub link: String,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A machine.
    Machine,
    /// A personal link to the field page.
    FieldLink,
}

/// A machine token or a personal link as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// What for.
    pub kind: TokenKind,
    /// The account its holder acts as.
    pub account: String,
    /// What people call it: purpose of a machine, name of a party.
    pub label: String,
    /// Role of its holder.
    pub role: Role,
    /// Party of a personal link, or empty.
    pub party: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
    /// Until when.
    pub expires_at: Option<i64>,
}

/// An account to save, and whether its sessions end with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// The account as it shall be.
    pub row: AccountRow,
    /// May not log in.
    pub disabled: bool,
    /// Its sessions end.
    pub end_sessions: bool,
}

/// An attachment on its way in.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// Its bytes.
    pub bytes: bytes::Bytes,
    /// Its name as given.
    pub name: String,
    /// Who brought it.
    pub account: String,
}

/// Who did what to what, for the audit: account, action, subject.
pub type AuditEntry = (String, String, String);

/// Which alarms of the past.
#[derive(Clone, Debug, Default)]
pub struct AlarmQuery {
    /// Enterprise, if only one.
    pub enterprise: Option<String>,
    /// Priority, if only one.
    pub priority: Option<u8>,
    /// Only those numbered below.
    pub before: Option<u64>,
    /// At most.
    pub limit: usize,
}

/// Which items to count, by what.
#[derive(Clone, Debug)]
pub struct GroupQuery {
    /// `town`, `industry`, ….
    pub by: &'static str,
    /// Which.
    pub filter: WorkFilter,
}

/// Which piece of the timeline.
#[derive(Clone, Debug)]
pub struct TimelineQuery {
    /// Of one item, with what belongs to it; none: everything.
    pub item: Option<ItemId>,
    /// From, microseconds since the epoch.
    pub from: i64,
    /// Up to but not including.
    pub to: i64,
    /// At most.
    pub limit: usize,
}

/// Which piece of history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Tag number.
    pub tag: model::TagIndex,
    /// From, microseconds since the epoch.
    pub from: i64,
    /// To.
    pub to: i64,
    /// At most this many points.
    pub points: usize,
}

/// Everything that is read from the journal, the historian and the door.
#[derive(Clone)]
pub struct Records {
    /// Settled frames after a number, at most so many.
    pub events_since: Blocking<(u64, usize), Vec<(u64, String)>>,
    /// Closed alarms, newest first.
    pub closed_alarms: Blocking<AlarmQuery, Vec<AlarmView>>,
    /// All transitions of one alarm, oldest first.
    pub alarm_events: Blocking<u64, Vec<AlarmFrame>>,
    /// Orders, open and ended, newest first; of one receiver, if named.
    pub orders: Blocking<(Option<String>, usize), Vec<OrderView>>,
    /// Items: how many fit, and the page, without logs.
    pub work: Blocking<WorkFilter, (u64, Vec<WorkItemView>)>,
    /// The last change of one item.
    pub work_item: Blocking<ItemId, Option<WorkFrame>>,
    /// Every change of one item, oldest first.
    pub work_events: Blocking<ItemId, Vec<WorkFrame>>,
    /// Counts by group.
    pub work_groups: Blocking<GroupQuery, Vec<AggregateRow>>,
    /// What a hand-over begun now would list.
    pub open_list: Blocking<(), OpenListView>,
    /// Lines of the timeline, newest first.
    pub timeline: Blocking<TimelineQuery, Vec<TimelineRow>>,
    /// Notices, newest first.
    pub notices: Blocking<usize, Vec<NoticeFrame>>,
    /// Head of the audit chain.
    pub audit_head: Blocking<(), AuditHeadView>,
    /// Audit rows below a number, newest first.
    pub audit_page: Blocking<(u64, usize), Vec<AuditRowView>>,
    /// Points of a tag.
    pub history: Blocking<HistoryQuery, Vec<HistoryPoint>>,
    /// Tags that send but are not known.
    pub pending: Blocking<(), Vec<PendingTagView>>,
    /// Refused payloads.
    pub rejections: Blocking<(), Vec<RejectionView>>,
    /// An account by name.
    pub account: Blocking<String, Option<AccountRow>>,
    /// A session by token hash.
    pub session: Blocking<String, Option<SessionRow>>,
    /// Every account, disabled ones too (true).
    pub accounts: Blocking<(), Vec<(AccountRow, bool)>>,
    /// Saves an account; returns when it is durable.
    pub save_account: Blocking<(AccountChange, AuditEntry), ()>,
    /// Machine tokens and personal links that have not expired.
    pub tokens: Blocking<(), Vec<TokenRow>>,
    /// One of them by hash.
    pub token: Blocking<String, Option<TokenRow>>,
    /// Keeps one; returns when it is durable.
    pub keep_token: Blocking<(TokenRow, AuditEntry), ()>,
    /// Removes one with the sessions it opened; returns when that is durable.
    pub revoke_token: Blocking<(String, AuditEntry), ()>,
    /// Keeps an attachment: bytes, name, media type and who; returns when it is durable.
    pub keep_attachment: Blocking<NewAttachment, protocol::AttachmentView>,
    /// An attachment by id.
    pub attachment: Blocking<String, Option<protocol::AttachmentView>>,
    /// Whether a party may see an attachment, `(id, party)`: it brought it, or an item of its own names it.
    pub attachment_of_party: Blocking<(String, String), bool>,
    /// Its bytes.
    pub attachment_bytes: Blocking<String, Option<Vec<u8>>>,
    /// Keeps a session; returns when it is durable.
    pub keep_session: Blocking<SessionRow, ()>,
    /// Ends a session.
    pub end_session: Blocking<String, ()>,
    /// Writes an access event (log-in, denial) into the audit chain: who, what, about what.
    pub audit: Blocking<(String, String, String), ()>,
    /// Puts the files' rules into force; answers the new revision.
    pub reload: Blocking<Actor, u64>,
    /// How the subsystems are.
    pub subsystems: Arc<dyn Fn() -> Vec<Subsystem> + Send + Sync>,
}

/// A stretch of one camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeQuery {
    /// Camera.
    pub camera: String,
    /// From, microseconds since the epoch.
    pub from: i64,
    /// To.
    pub to: i64,
}

/// A file on its way out, piece by piece.
pub struct Media {
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its length, if that is known before it is read.
    pub length: Option<u64>,
    /// Its bytes; may block.
    pub pieces: Box<dyn Iterator<Item = std::io::Result<bytes::Bytes>> + Send>,
}

/// Everything that is asked of the cameras.
#[derive(Clone)]
pub struct Cameras {
    /// All of them.
    pub list: Blocking<(), CamerasView>,
    /// What was recorded and what was not.
    pub recordings: Blocking<RangeQuery, RecordingsView>,
    /// One segment by camera and number.
    pub segment: Blocking<(String, i64), Media>,
    /// A stretch of time as one file.
    pub video: Blocking<RangeQuery, Media>,
    /// Clips of an alarm.
    pub clips: Blocking<u64, ClipsView>,
    /// One file of a clip: alarm, camera, account.
    pub export: Blocking<(u64, String, String), ExportView>,
    /// That file or its manifest: alarm, name.
    pub exported: Blocking<(u64, String), Media>,
}

/// Runs a blocking function off the async threads.
///
/// # Errors
/// The function's own problem, or `INTERNAL` when it panicked.
pub async fn read<A, R>(function: &Blocking<A, R>, argument: A) -> Result<R, Problem>
where
    A: Send + 'static,
    R: Send + 'static,
{
    let function = function.clone();
    match tokio::task::spawn_blocking(move || function(argument)).await {
        Ok(result) => result,
        Err(panic) => {
            tracing::error!(%panic, "a read failed");
            Err(Problem::new("INTERNAL", ""))
        }
    }
}
