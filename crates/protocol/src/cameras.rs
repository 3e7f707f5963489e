//! Bodies about cameras, recordings and clips. Times are microseconds since the epoch, UTC, by the server's clock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stable code and what it means, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// Stable code.
    pub code: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// What is wrong with a camera, or was until a minute ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CameraTroubleView {
    /// What, for the officer.
    #[serde(flatten)]
    pub what: ReasonView,
    /// For whoever repairs it.
    pub detail: String,
    /// When.
    pub at: i64,
}

/// How a camera's clock stands to the server's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CameraClockView {
    /// Camera minus server.
    pub offset_us: i64,
    /// How fast that grows, millionths.
    pub drift_ppm: f64,
    /// The offset is right within this.
    pub within_us: i64,
}

/// A camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CameraView {
    /// Id.
    pub id: String,
    /// Name.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Enterprise.
    pub enterprise: String,
    /// Tags whose alarms it is bound to; empty: all of its enterprise.
    pub tags: Vec<String>,
    /// `continuous`, `rolling` or `on_demand`.
    pub mode: String,
    /// `starting`, `connecting`, `receiving`, `retrying`, `auth_failed` or `idle`.
    pub state: String,
    /// Since when.
    pub since: i64,
    /// What is or was wrong.
    pub trouble: Option<CameraTroubleView>,
    /// When it is tried again.
    pub retry_at: Option<i64>,
    /// Whether pictures are being written, or why not.
    pub recording: bool,
    /// Why not.
    pub not_recording: Option<ReasonView>,
    /// `h264`, `h265`, `mjpeg`; empty: not known yet.
    pub codec: String,
    /// The codec as browsers name it.
    pub codec_rfc6381: String,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Pictures a second.
    pub frames_per_s: f64,
    /// Thousand bits a second.
    pub kbit_per_s: f64,
    /// RTP packets lost since the start.
    pub lost_packets: u64,
    /// The newest picture; 0: none yet.
    pub last_frame_at: i64,
    /// Its clock; none: it sends no reports.
    pub clock: Option<CameraClockView>,
    /// Sound it sends that is not recorded, by its name.
    pub sound_dropped: Option<String>,
}

/// A disk that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VolumeTroubleView {
    /// Disk.
    pub volume: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Cameras.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CamerasView {
    /// All of them.
    pub cameras: Vec<CameraView>,
    /// Disks with trouble.
    pub volumes: Vec<VolumeTroubleView>,
}

/// A file of one camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SegmentView {
    /// Number.
    pub id: i64,
    /// First picture.
    pub t0: i64,
    /// End of the last picture.
    pub t1: i64,
    /// Bytes.
    pub bytes: u64,
    /// Pictures.
    pub frames: u64,
    /// RTP packets lost.
    pub lost_packets: u64,
    /// Still being written.
    pub open: bool,
    /// Key frames, microseconds after `t0`: where playing may begin.
    pub keys_us: Vec<u32>,
    /// The codec as browsers name it.
    pub codec_rfc6381: String,
    /// The camera's clock then.
    pub clock: Option<CameraClockView>,
}

/// A stretch without pictures, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapView {
    /// From.
    pub t0: i64,
    /// To; none: goes on.
    pub t1: Option<i64>,
    /// Why.
    pub reason: ReasonView,
}

/// What was recorded of a camera, and what was not: every moment since its first recording lies in one or the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordingsView {
    /// Camera.
    pub camera: String,
    /// From.
    pub from: i64,
    /// To.
    pub to: i64,
    /// Files, oldest first.
    pub segments: Vec<SegmentView>,
    /// Gaps, oldest first.
    pub gaps: Vec<GapView>,
}

/// What an alarm keeps of one camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClipView {
    /// Camera.
    pub camera: String,
    /// Kept from.
    pub t0: i64,
    /// Kept to; of an active one: planned.
    pub t1: i64,
    /// `active` or `complete`.
    pub state: String,
    /// Where to get it as one MP4, as far as it is recorded.
    pub url: String,
}

/// Clips of an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClipsView {
    /// Alarm.
    pub alarm_id: String,
    /// One for each camera.
    pub clips: Vec<ClipView>,
}

/// Take a clip away.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportBody {
    /// Camera.
    pub camera: String,
}

/// A clip as one MP4 with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportView {
    /// File name; says who exported it and when.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// From.
    pub t0: i64,
    /// To.
    pub t1: i64,
    /// Where to get it.
    pub url: String,
    /// Where to get its manifest.
    pub manifest_url: String,
}
