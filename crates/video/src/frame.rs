//! What a camera sends, as every sink of this room sees it: shared, never copied.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

/// A codec that can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
    /// Motion JPEG: every frame is a whole picture.
    Mjpeg,
    /// AAC sound.
    Aac,
}

impl Codec {
    /// Its name in lists and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Mjpeg => "mjpeg",
            Self::Aac => "aac",
        }
    }
}

/// How the frames of one stream are to be read. A new one means new parameters, and therefore a new segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Codec.
    pub codec: Codec,
    /// Codec as a browser wants it named (RFC 6381), e.g. `avc1.4d401e`.
    pub rfc6381: String,
    /// Width in pixels; 0 for sound.
    pub width: u16,
    /// Height in pixels; 0 for sound.
    pub height: u16,
    /// Units of the timestamps per second.
    pub clock_hz: u32,
    /// The MP4 sample entry, a whole box (ISO/IEC 14496-12 §8.5.2).
    pub sample_entry: Bytes,
}

/// One coded picture, or one packet of sound.
#[derive(Clone, Debug)]
pub struct Frame {
    /// How to read it.
    pub track: Arc<Track>,
    /// Coded bytes in the framing of MP4: each NAL unit behind its length in four bytes.
    pub bytes: Bytes,
    /// RTP timestamp, extended over wraps, in units of the track's clock.
    pub rtp: i64,
    /// When its first packet was received: microseconds since the epoch by the server's clock.
    pub received_us: i64,
    /// The same moment by the clock that is never set.
    pub received: Instant,
    /// Can be decoded without any frame before it.
    pub key: bool,
    /// RTP packets lost just before it.
    pub loss: u16,
}

impl Frame {
    /// Whether this is sound.
    pub fn is_sound(&self) -> bool {
        self.track.codec == Codec::Aac
    }
}
