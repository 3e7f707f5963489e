//! Bodies of requests and answers. Times are microseconds since the epoch, UTC.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ActorView, AlarmFrame, AlarmView, Permission, Sources};

/// Log in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LoginBody {
    /// Account name.
    pub account: String,
    /// Password.
    pub password: String,
}

/// Who is logged in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MeView {
    /// Account name.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// `duty_officer`, `shift_lead`, `commander`, `administrator`, `read_only`, `field`.
    #[schema(value_type = String)]
    pub role: model::Role,
    /// What this role may do.
    #[schema(value_type = Vec<String>)]
    pub permissions: &'static [Permission],
    /// The party a field session acts for.
    pub party: Option<String>,
}

/// How the hall is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// Now.
    pub server_time: i64,
    /// Version of the program.
    pub version: &'static str,
    /// Newest stream number.
    pub last_seq: u64,
    /// Name of this desk.
    pub desk: String,
    /// Sources.
    pub sources: Sources,
    /// Newest reading's server time.
    pub last_reading_at: Option<i64>,
    /// Rule revision in force.
    pub rules_revision: u64,
    /// Flood mode.
    pub flood: bool,
    /// Journal.
    pub journal: JournalView,
    /// The watch that is on duty.
    pub shift: Option<ShiftView>,
}

/// Who stands the watch.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ShiftView {
    /// `S-000012`.
    pub id: String,
    /// Its state.
    pub state: String,
    /// 带班领导.
    pub leader: Option<ActorView>,
    /// 主班.
    pub main: Option<ActorView>,
    /// 副班.
    pub deputies: Vec<ActorView>,
    /// 备勤.
    pub standby: Vec<ActorView>,
    /// When it began or begins.
    pub starts_at: Option<i64>,
    /// When it ends.
    pub ends_at: Option<i64>,
}

/// How the journal is.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct JournalView {
    /// Frames pushed before they were durable, since the start.
    pub provisional: u64,
}

/// The watched sites.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SiteView {
    /// Enterprises.
    pub enterprises: Vec<EnterpriseView>,
    /// Teams that can be sent.
    pub teams: Vec<TeamView>,
}

/// A watched firm or premises.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnterpriseView {
    /// Id.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Kind.
    pub kind: String,
    /// Address.
    pub address: String,
    /// WGS-84 `[longitude, latitude]`.
    pub position: Option<[f64; 2]>,
    /// Contact on duty there.
    pub contact: String,
    /// Parts.
    pub units: Vec<UnitView>,
}

/// A part of an enterprise.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitView {
    /// Id.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
}

/// A team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamView {
    /// Id.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Telephone.
    pub telephone: String,
}

/// The four usual limits.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LimitsView {
    /// Low-low.
    pub ll: Option<f64>,
    /// Low.
    pub l: Option<f64>,
    /// High.
    pub h: Option<f64>,
    /// High-high.
    pub hh: Option<f64>,
}

/// A tag with its newest value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TagView {
    /// Enterprise id.
    pub enterprise: String,
    /// Tag name.
    pub tag: String,
    /// Unit of the site.
    pub unit_id: String,
    /// What it measures, Chinese.
    pub description_zh: String,
    /// What it measures, English.
    pub description_en: String,
    /// Engineering unit.
    pub unit: String,
    /// Deadband.
    pub deadband: f64,
    /// On-delay, seconds.
    pub on_delay_s: f64,
    /// Off-delay, seconds.
    pub off_delay_s: f64,
    /// Limits.
    pub limits: LimitsView,
    /// Instrument span.
    pub span: Option<[f64; 2]>,
    /// Expected period, seconds.
    pub period_s: Option<f64>,
    /// Newest value; null before the first reading.
    pub value: Option<f64>,
    /// Its quality.
    pub quality: Option<String>,
    /// Its source time.
    pub source_time: Option<i64>,
}

/// Tags.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TagsView {
    /// Tags.
    pub tags: Vec<TagView>,
}

/// A tag that sends but is not in the site files.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PendingTagView {
    /// Enterprise id.
    pub enterprise: String,
    /// Tag name as sent.
    pub tag: String,
    /// Readings so far.
    pub count: u64,
    /// First seen.
    pub first_at: i64,
    /// Last seen.
    pub last_at: i64,
    /// Last value.
    pub last_value: f64,
    /// Names that look like it.
    pub nearest: Vec<String>,
}

/// Pending tags.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PendingView {
    /// Tags that send but are not in the site files.
    pub pending: Vec<PendingTagView>,
}

/// Alarms as of one stream number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlarmsView {
    /// Stream number this list is true for; connect the stream with `since` = this.
    pub seq: u64,
    /// Alarms.
    pub alarms: Vec<AlarmView>,
}

/// One alarm with its life.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlarmDetailView {
    /// As it stands.
    pub alarm: AlarmView,
    /// Its transitions, oldest first.
    pub events: Vec<AlarmFrame>,
}

/// Acknowledge.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AckBody {
    /// `seq` of the alarm as you saw it.
    pub seq: u64,
    /// Note; mandatory for priorities 1 and 2.
    #[serde(default)]
    pub note: String,
}

/// Acknowledge several alarms of priority 3 or lower of one enterprise.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AckBatchBody {
    /// Alarms as you saw them, at most 500.
    pub alarms: Vec<AlarmSeen>,
    /// Note.
    #[serde(default)]
    pub note: String,
}

/// An alarm as it was seen.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AlarmSeen {
    /// Which.
    pub alarm_id: String,
    /// Its `seq`.
    pub seq: u64,
}

/// What became of each alarm of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AckBatchView {
    /// Carried out.
    pub done: Vec<DoneView>,
    /// Refused, each with its reason.
    pub refused: Vec<crate::Problem>,
}

/// A reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ReasonBody {
    /// `seq` of the alarm as you saw it.
    pub seq: u64,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Shelve.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ShelveBody {
    /// `seq` of the alarm as you saw it.
    pub seq: u64,
    /// Seconds; null: until this episode ends.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Comment.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CommentBody {
    /// `seq` of the alarm as you saw it.
    pub seq: u64,
    /// Text.
    #[serde(default)]
    pub text: String,
}

/// Take a tag out of service, or return it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ServiceBody {
    /// Permit number; empty: return to service.
    #[serde(default)]
    pub permit: String,
    /// End of the permit.
    #[serde(default)]
    pub until: i64,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A command was carried out and is durable.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DoneView {
    /// Stream number of the fact that records it.
    pub seq: u64,
    /// The alarm.
    pub alarm_id: Option<String>,
    /// The order.
    pub order_id: Option<String>,
    /// Items it made or changed, the one it was about first.
    pub ids: Vec<String>,
    /// A repeat of an idempotency key: nothing happened twice.
    pub repeated: bool,
}

/// A piece of history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryView {
    /// `enterprise/tag`.
    pub tag: String,
    /// Engineering unit.
    pub unit: String,
    /// Points, oldest first.
    pub points: Vec<HistoryPoint>,
}

/// One bucket of history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct HistoryPoint {
    /// Start of the bucket.
    pub t: i64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean of the values.
    pub avg: f64,
    /// Newest value.
    pub last: f64,
    /// Worst quality, 0 good, 1 uncertain, 2 bad.
    pub quality: u8,
    /// Readings in the bucket.
    pub count: u64,
}

/// Notices, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticesView {
    /// Notices.
    pub notices: Vec<crate::NoticeFrame>,
}

/// Head of the audit chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditHeadView {
    /// Number of the newest row.
    pub seq: u64,
    /// Its hash, hexadecimal SHA-256.
    pub hash: String,
    /// Its time.
    pub at: i64,
}

/// One row of the audit chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditRowView {
    /// Number.
    pub seq: u64,
    /// Time.
    pub at: i64,
    /// Account.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Its hash, hexadecimal SHA-256.
    pub hash: String,
}

/// A page of the audit chain, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// Rows.
    pub rows: Vec<AuditRowView>,
}

/// A refused payload kept for people to see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RejectionView {
    /// Enterprise it came from, or empty.
    pub enterprise: String,
    /// Stable code.
    pub code: String,
    /// How often; data that is kept with a flag counts too.
    pub count: u64,
    /// What was wrong with the newest one, Chinese.
    pub message_zh: String,
    /// What was wrong with the newest one, English.
    pub message_en: String,
    /// Which key or element of it, or empty.
    pub field: String,
    /// What to do, or empty.
    pub hint: String,
    /// Client id or subscription that sent it, escaped.
    pub gateway: String,
    /// Its topic, escaped.
    pub topic: String,
    /// Its first bytes, escaped.
    pub sample: String,
    /// Last time.
    pub last_at: i64,
}

/// Refused payloads by enterprise and reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RejectionsView {
    /// Rows.
    pub rejections: Vec<RejectionView>,
}

/// Ready or not, by subsystem.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReadyView {
    /// All subsystems are ready.
    pub ready: bool,
    /// Each with its reason.
    pub subsystems: Vec<SubsystemView>,
}

/// One subsystem.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SubsystemView {
    /// `journal`, `historian`, `mqtt`, `broker:NAME`, `rules`.
    pub name: String,
    /// Ready.
    pub ready: bool,
    /// Why not, or how it is.
    pub reason: String,
}

/// Who holds the desk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PresenceView {
    /// Consoles connected.
    pub consoles: u32,
    /// Consoles that can sound.
    pub armed: u32,
    /// People.
    pub people: Vec<ActorView>,
}
