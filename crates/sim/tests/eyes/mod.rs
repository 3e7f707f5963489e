//! A client: retina, as the video room uses it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use retina::client::{
    Credentials, Demuxed, PlayOptions, Session, SessionGroup, SessionOptions, SetupOptions, TcpTransportOptions,
    TeardownPolicy, Transport, UdpTransportOptions,
};
use retina::codec::{CodecItem, ParametersRef};

/// How pictures travel.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    Tcp,
    Udp,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Frame {
    pub key: bool,
    pub bytes: usize,
    pub loss: u16,
    pub time: i64,
}

/// A playing session.
pub struct Eyes {
    demuxed: Demuxed,
    group: Arc<SessionGroup>,
    /// Sender reports: NTP, RTP.
    pub reports: Vec<(u64, i64)>,
}

/// Clips made once for all tests of a target directory.
pub fn clips() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("camera-clips")
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Eyes {
    pub async fn open(url: &str, over: Over, login: Option<(&str, &str)>) -> Result<Self, String> {
        tokio::time::timeout(PATIENCE, Self::connect(url, over, login)).await.map_err(|_| "time-out".to_owned())?
    }

    async fn connect(url: &str, over: Over, login: Option<(&str, &str)>) -> Result<Self, String> {
        let group = Arc::new(SessionGroup::default());
        let creds = login.map(|(u, p)| Credentials { username: u.into(), password: p.into() });
        let options = SessionOptions::default()
            .creds(creds)
            .session_group(group.clone())
            .teardown(TeardownPolicy::Always)
            .user_agent("fenghuo test".into());
        let text = |e: retina::Error| e.to_string();
        let mut session = Session::describe(url.parse().unwrap(), options).await.map_err(text)?;
        if session.streams().is_empty() {
            return Err("no stream in the description".into());
        }
        let transport = match over {
            Over::Tcp => Transport::Tcp(TcpTransportOptions::default()),
            Over::Udp => Transport::Udp(UdpTransportOptions::default()),
        };
        session.setup(0, SetupOptions::default().transport(transport)).await.map_err(text)?;
        let demuxed = session.play(PlayOptions::default()).await.map_err(text)?.demuxed().map_err(text)?;
        Ok(Self { demuxed, group, reports: Vec::new() })
    }

    /// The next frame; an error is what ended the session.
    pub async fn frame(&mut self) -> Result<Frame, String> {
        loop {
            let item = tokio::time::timeout(PATIENCE, self.demuxed.next()).await.map_err(|_| "silence".to_owned())?;
            match item {
                Some(Ok(CodecItem::VideoFrame(frame))) => {
                    return Ok(Frame {
                        key: frame.is_random_access_point(),
                        bytes: frame.data().len(),
                        loss: frame.loss(),
                        time: frame.timestamp().timestamp(),
                    });
                }
                Some(Ok(CodecItem::Rtcp(rtcp))) => {
                    for report in rtcp.pkts().filter_map(|p| p.as_sender_report().ok().flatten()) {
                        let rtp = rtcp.rtp_timestamp().map_or(0, |t| t.timestamp());
                        self.reports.push((report.ntp_timestamp().0, rtp));
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("end".into()),
            }
        }
    }

    pub async fn frames(&mut self, count: usize) -> Result<Vec<Frame>, String> {
        let mut frames = Vec::new();
        while frames.len() < count {
            frames.push(self.frame().await?);
        }
        Ok(frames)
    }

    pub fn pixels(&self) -> (u32, u32) {
        match self.demuxed.streams()[0].parameters() {
            Some(ParametersRef::Video(video)) => video.pixel_dimensions(),
            _ => (0, 0),
        }
    }

    /// Ends the session and waits for its TEARDOWN.
    pub async fn close(self) {
        drop(self.demuxed);
        self.group.await_teardown().await.unwrap();
    }
}
