//! From an address to a playing session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use config::address::forbidden;
use retina::client::{
    Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, Session, SessionGroup, SessionOptions,
    SetupOptions, TeardownPolicy, Transport,
};
use retina::codec::FrameFormat;

use super::Source;
use super::trouble::{
    self, CODEC_UNSUPPORTED, FORBIDDEN_NET, HOST_UNKNOWN, RTSP_PROTOCOL, STREAM_GARBLED, TIMEOUT, Trouble,
};

/// The camera has this long for each request.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Codecs as SDP names them.
const PICTURES: [&str; 3] = ["h264", "h265", "jpeg"];
const AAC: &str = "mpeg4-generic";

/// A session whose packets come.
pub(super) struct Connected {
    pub demuxed: Demuxed,
    /// Stream of the pictures.
    pub picture: usize,
    /// Stream of the sound, if it is recorded.
    pub sound: Option<usize>,
    /// Sound that is not.
    pub sound_dropped: Option<String>,
}

/// Connects and begins to play.
pub(super) async fn connect(source: &Source, group: &Arc<SessionGroup>) -> Result<Connected, Trouble> {
    let url = resolved(source).await?;
    let login = source.login.clone().map(|(username, password)| Credentials { username, password });
    let options = SessionOptions::default()
        .creds(login)
        .user_agent("Fenghuo".into())
        .session_group(group.clone())
        .teardown(TeardownPolicy::Always);
    let mut session = within("DESCRIBE", Session::describe(url, options)).await?;
    let (picture, sound, sound_dropped) = choose(&session)?;
    for stream in [Some(picture), sound].into_iter().flatten() {
        let transport =
            if source.udp { Transport::Udp(Default::default()) } else { Transport::Tcp(Default::default()) };
        let options = SetupOptions::default().transport(transport).frame_format(FrameFormat::MP4);
        within("SETUP", session.setup(stream, options)).await?;
    }
    // Many firmwares send a wrong or no rtptime; the timeline is ours anyway.
    let play = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Ignore);
    let playing = within("PLAY", session.play(play)).await?;
    let demuxed = playing.demuxed().map_err(|e| Trouble::new(CODEC_UNSUPPORTED, e))?;
    Ok(Connected { demuxed, picture, sound, sound_dropped })
}

async fn within<T>(what: &str, request: impl Future<Output = Result<T, retina::Error>>) -> Result<T, Trouble> {
    match tokio::time::timeout(REQUEST_MAX, request).await {
        Ok(result) => result.map_err(|e| Trouble::of(&e, false)),
        Err(_) => Err(Trouble::new(TIMEOUT, format!("no answer to {what} within {} s", REQUEST_MAX.as_secs()))),
    }
}

fn choose(session: &Session<Described>) -> Result<(usize, Option<usize>, Option<String>), Trouble> {
    let streams = session.streams();
    let of = |media: &str| streams.iter().enumerate().filter(move |(_, s)| s.media() == media).collect::<Vec<_>>();
    let picture = of("video").into_iter().find(|(_, s)| PICTURES.contains(&s.encoding_name()));
    let Some((picture, _)) = picture else {
        let offered: Vec<_> = streams.iter().map(|s| format!("{}/{}", s.media(), s.encoding_name())).collect();
        return Err(match offered[..] {
            [] => Trouble::new(RTSP_PROTOCOL, "the description names no stream"),
            _ => Trouble::new(CODEC_UNSUPPORTED, format!("it offers {}", offered.join(", "))),
        });
    };
    let sounds = of("audio");
    let sound = sounds.iter().find(|(_, s)| s.encoding_name() == AAC && s.parameters().is_some()).map(|(i, _)| *i);
    let dropped = sounds.first().filter(|_| sound.is_none()).map(|(_, s)| s.encoding_name().to_owned());
    Ok((picture, sound, dropped))
}

/// The address with its host resolved once, checked, and put in its place: what was checked is what is connected to, and
/// a name that points elsewhere a moment later changes nothing.
async fn resolved(source: &Source) -> Result<url::Url, Trouble> {
    let mut url = source.url.clone();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port().unwrap_or(554);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => look_up(&host, port).await?,
    };
    if let Some((address, rule)) = addresses.iter().find_map(|a| Some((a, forbidden(*a, &source.listed)?))) {
        return Err(Trouble::new(FORBIDDEN_NET, format!("{address}: {rule}")));
    }
    let address = addresses.first().ok_or_else(|| Trouble::new(HOST_UNKNOWN, &host))?;
    let text = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    url.set_host(Some(&text)).map_err(|e| Trouble::new(HOST_UNKNOWN, e))?;
    Ok(url)
}

async fn look_up(host: &str, port: u16) -> Result<Vec<IpAddr>, Trouble> {
    let found = tokio::time::timeout(REQUEST_MAX, tokio::net::lookup_host((host, port))).await;
    match found {
        Ok(Ok(addresses)) => Ok(addresses.map(|a| a.ip()).collect()),
        Ok(Err(e)) => Err(Trouble::new(HOST_UNKNOWN, format!("{host}: {e}"))),
        Err(_) => Err(Trouble::new(trouble::HOST_UNKNOWN, format!("{host}: the name server does not answer"))),
    }
}

/// What went wrong after PLAY.
pub(super) fn broken(error: &retina::Error) -> Trouble {
    Trouble::of(error, true)
}

/// A stream whose parameters make no file.
pub(super) fn unusable(what: impl std::fmt::Display) -> Trouble {
    Trouble::new(STREAM_GARBLED, what)
}
