//! What can be wrong with a camera, in words a duty officer understands.

use crate::gap::Reason;

/// Why no pictures come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable label.
    pub code: &'static str,
    /// For the officer.
    pub zh: &'static str,
    /// The same.
    pub en: &'static str,
    /// For whoever repairs it: what the library or the camera said, first line, without secrets.
    pub detail: String,
    /// What the time line says.
    pub reason: Reason,
}

/// Label, Chinese, English, reason.
type Line = (&'static str, &'static str, &'static str, Reason);

pub(super) const UNREACHABLE: Line = (
    "CAMERA_UNREACHABLE",
    "摄像机连接不上：请检查电源和网络",
    "the camera cannot be reached: check power and network",
    Reason::Offline,
);
pub(super) const HOST_UNKNOWN: Line =
    ("HOST_UNKNOWN", "摄像机的主机名无法解析", "the camera's host name cannot be resolved", Reason::Offline);
pub(super) const FORBIDDEN_NET: Line = (
    "URL_FORBIDDEN_NET",
    "摄像机地址不在允许的网段内",
    "the camera's address is not one that may be used",
    Reason::Offline,
);
pub(super) const TIMEOUT: Line = ("CAMERA_TIMEOUT", "摄像机没有应答", "the camera does not answer", Reason::Offline);
pub(super) const AUTH_FAILED: Line = (
    "AUTH_FAILED",
    "摄像机拒绝了用户名或密码（5 分钟后再试，以免账号被锁）",
    "the camera refused user name or password (tried again after 5 minutes, so that it does not lock the account)",
    Reason::AuthFailed,
);
pub(super) const RTSP_PROTOCOL: Line = (
    "RTSP_PROTOCOL",
    "对方不是 RTSP 服务器，或通信出错",
    "not an RTSP server, or it talks nonsense",
    Reason::Unreadable,
);
pub(super) const RTSP_REFUSED: Line = (
    "RTSP_REFUSED",
    "摄像机拒绝了请求：请检查通道地址",
    "the camera refused: check the path of its address",
    Reason::Offline,
);
pub(super) const CODEC_UNSUPPORTED: Line = (
    "CODEC_UNSUPPORTED",
    "码流格式不支持（可用 H.264、H.265、MJPEG）",
    "no stream in a format that can be recorded (H.264, H.265, MJPEG)",
    Reason::Unreadable,
);
pub(super) const STREAM_ENDED: Line =
    ("STREAM_ENDED", "摄像机断开了连接", "the camera ended the connection", Reason::Offline);
pub(super) const STREAM_GARBLED: Line =
    ("STREAM_GARBLED", "码流损坏，正在重新连接", "the stream is garbled; connecting anew", Reason::Unreadable);
pub(super) const STREAM_STALLED: Line =
    ("STREAM_STALLED", "摄像机已连接但没有画面", "the camera is connected but sends no pictures", Reason::Stalled);
pub(super) const NO_KEY_FRAME: Line = (
    "NO_KEY_FRAME",
    "长时间没有关键帧，画面无法解码",
    "no key frame for too long: nothing can be decoded",
    Reason::NoKeyFrame,
);

impl Trouble {
    pub(super) fn new((code, zh, en, reason): Line, detail: impl std::fmt::Display) -> Self {
        // Dumps of packets follow after the first line.
        let detail = detail.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
        Self { code, zh, en, detail, reason }
    }

    /// Not to be tried again soon.
    pub fn is_refused_login(&self) -> bool {
        self.reason == Reason::AuthFailed
    }

    /// What an error of the RTSP library means. It has text only, so the beginnings of its texts are matched
    /// (retina 0.4.21, `ErrorInt`).
    pub(super) fn of(error: &retina::Error, streaming: bool) -> Self {
        let text = error.to_string();
        let line = match error.status_code() {
            Some(401 | 403) => AUTH_FAILED,
            // Its own complaints about a 200 carry that status too: an SDP or header that cannot be read.
            Some(200..300) => RTSP_PROTOCOL,
            Some(_) => RTSP_REFUSED,
            None if text.starts_with("Unable to connect") => UNREACHABLE,
            None if text.starts_with("Timeout") => TIMEOUT,
            None if text.starts_with("RTSP framing error") && !streaming => RTSP_PROTOCOL,
            None if text.starts_with("Unsupported") => CODEC_UNSUPPORTED,
            None if text.starts_with("Error reading") || text.starts_with("Error writing") => STREAM_ENDED,
            None if streaming => STREAM_GARBLED,
            None => RTSP_PROTOCOL,
        };
        Self::new(line, text)
    }
}
