//! Single pictures: a key frame decoded in this process, on a thread of low priority, within a limit of time.

mod decode;
mod jpeg;
mod pool;

pub use decode::{Picture, decode};
pub use pool::{Decoding, Still};

/// Why there is no picture: a stable code, and words for the officer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Stable code.
    pub code: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// H.265 has no decoder written in Rust that could be trusted with what a camera sends.
pub const NO_DECODER: Why = Why {
    code: "DECODER_NONE",
    zh: "服务器没有此编码（H.265）的解码器，无法生成图片；请为摄像机配置 H.264 子码流",
    en: "the server has no decoder for H.265, so it makes no pictures; give the camera an H.264 sub stream",
};
/// The decoder refused the frame, or broke over it.
pub const UNDECODABLE: Why =
    Why { code: "PICTURE_UNDECODABLE", zh: "画面无法解码", en: "the picture cannot be decoded" };
/// The decoder did not come back.
pub const TOO_SLOW: Why = Why { code: "DECODER_SLOW", zh: "解码超时", en: "decoding took too long" };
/// More pictures are wanted than can be decoded.
pub const BUSY: Why =
    Why {
        code: "DECODER_BUSY", zh: "解码任务过多，稍后再试", en: "too many pictures are wanted; try again"
    };
