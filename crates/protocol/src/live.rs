//! Live pictures: tickets, and what is said on the connection of a page besides the pictures themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ReasonView;

/// Which stream of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveStream {
    /// The one that is recorded.
    Main,
    /// The smaller one; the main one if there is none.
    Sub,
}

/// In which form a tile is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveMode {
    /// Fragmented MP4, one frame each, for Media Source Extensions.
    Mse,
    /// Frames as they are, for WebCodecs.
    Raw,
    /// Key frames as JPEG, at most one a second.
    Jpeg,
}

/// A camera that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketCamera {
    /// Camera.
    pub camera: String,
    /// The one stream that may be seen; none: either.
    #[serde(default)]
    pub stream: Option<LiveStream>,
}

/// Ask to see cameras.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketBody {
    /// Cameras, 1 to 64.
    pub cameras: Vec<TicketCamera>,
}

/// Lets one page of the same session in, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketView {
    /// The ticket.
    pub ticket: String,
    /// Void from then on, unless it was used.
    pub expires_at: i64,
}

/// What a tile shall show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveTile {
    /// Its number on the page; the head of every picture carries it.
    pub tile: u16,
    /// Camera.
    pub camera: String,
    /// Stream.
    pub stream: LiveStream,
    /// Form.
    pub mode: LiveMode,
}

/// What a page says on its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LiveClientFrame {
    /// One more ticket: its cameras may be watched too.
    Ticket {
        /// The ticket.
        ticket: String,
    },
    /// Show exactly these tiles from now on; those that stay go on undisturbed.
    Watch {
        /// At most 32.
        tiles: Vec<LiveTile>,
    },
}

/// How a tile is; said when it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveTileFrame {
    /// `tile`.
    pub r#type: String,
    /// Its number.
    pub tile: u16,
    /// Camera.
    pub camera: String,
    /// The stream it gets.
    pub stream: LiveStream,
    /// `starting`, `connecting`, `receiving`, `retrying`, `auth_failed` or `idle`.
    pub state: String,
    /// Why there is no picture.
    pub why: Option<ReasonView>,
    /// `h264`, `h265`, `mjpeg`; empty: not known yet.
    pub codec: String,
    /// The codec as browsers name it.
    pub codec_rfc6381: String,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Frames dropped because this page was slow.
    pub dropped: u64,
}
