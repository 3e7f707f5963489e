//! Why a second of a camera is missing. One closed list, with words for the duty officer.

/// The reason of a gap row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not yet connected since the program started.
    Starting,
    /// The camera cannot be reached or ended the connection.
    Offline,
    /// User name or password refused.
    AuthFailed,
    /// Connected, but what it sends cannot be recorded.
    Unreadable,
    /// Connected, but nothing came.
    Stalled,
    /// Frames came, but none that a recording can begin with.
    NoKeyFrame,
    /// The camera's timestamps leapt; recording went on at the next key frame.
    TimeJump,
    /// The server's own clock was set.
    ClockStep,
    /// The disk did not take the frames in time.
    Overflow,
    /// No space left.
    DiskFull,
    /// The disk failed.
    DiskError,
    /// Recorded only when asked for.
    NotRequested,
    /// Deleted because its time was over.
    Expired,
    /// Deleted early to keep space free.
    Evicted,
    /// The program was stopped in order.
    Stopped,
    /// The program ended without a goodbye.
    Killed,
    /// A file that was recorded is not there or not whole any more.
    FileLost,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Starting,
        Self::Offline,
        Self::AuthFailed,
        Self::Unreadable,
        Self::Stalled,
        Self::NoKeyFrame,
        Self::TimeJump,
        Self::ClockStep,
        Self::Overflow,
        Self::DiskFull,
        Self::DiskError,
        Self::NotRequested,
        Self::Expired,
        Self::Evicted,
        Self::Stopped,
        Self::Killed,
        Self::FileLost,
    ];

    /// Stable label: in the index, the API and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Offline => "offline",
            Self::AuthFailed => "auth_failed",
            Self::Unreadable => "unreadable",
            Self::Stalled => "stalled",
            Self::NoKeyFrame => "no_key_frame",
            Self::TimeJump => "time_jump",
            Self::ClockStep => "clock_step",
            Self::Overflow => "overflow",
            Self::DiskFull => "disk_full",
            Self::DiskError => "disk_error",
            Self::NotRequested => "not_requested",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::FileLost => "file_lost",
        }
    }

    /// The reason of a label.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// In Chinese and English.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Starting => ("系统启动后尚未连接", "not yet connected since the start"),
            Self::Offline => ("摄像机离线", "camera offline"),
            Self::AuthFailed => ("摄像机用户名或密码错误", "the camera refused user name or password"),
            Self::Unreadable => ("摄像机的码流无法录制", "the camera's stream cannot be recorded"),
            Self::Stalled => ("摄像机无画面送出", "the camera sent nothing"),
            Self::NoKeyFrame => ("等待关键帧", "waiting for a key frame"),
            Self::TimeJump => ("摄像机时间戳跳变", "the camera's timestamps leapt"),
            Self::ClockStep => ("服务器时钟被调整", "the server's clock was set"),
            Self::Overflow => ("磁盘写入跟不上", "the disk could not keep up"),
            Self::DiskFull => ("磁盘已满", "disk full"),
            Self::DiskError => ("磁盘故障", "disk failure"),
            Self::NotRequested => ("按需录像，未请求", "recorded on demand, not asked for"),
            Self::Expired => ("已过保存期限", "kept no longer"),
            Self::Evicted => ("为腾出空间提前删除", "deleted early to free space"),
            Self::Stopped => ("系统正常停机", "the system was stopped"),
            Self::Killed => ("系统异常中断", "the system ended abnormally"),
            Self::FileLost => ("录像文件丢失或损坏", "the recorded file is lost or damaged"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_label_and_words() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of(reason.code()), Some(reason));
            assert!(!reason.words().0.is_ascii() && reason.words().1.is_ascii(), "{reason:?}");
        }
    }
}
