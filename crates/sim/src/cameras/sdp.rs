//! Descriptions (RFC 4566) of a stream, right and wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::clips::{Clip, FPS};
use super::fault::BadSdp;
use super::packets::PAYLOAD_TYPE;

/// Lines of a description that is far too long.
const HUGE_LINES: usize = 50_000;

/// What DESCRIBE answers.
pub(super) fn describe(name: &str, clip: &Clip, bad: Option<BadSdp>) -> String {
    let sets = format!("{},{}", STANDARD.encode(&clip.sps), STANDARD.encode(&clip.pps));
    match bad {
        None => whole(name, clip, "H264", &sets),
        Some(BadSdp::Noise) => "\u{1}\u{2}not a description\r\nx".repeat(20),
        Some(BadSdp::NoMedia) => head(name),
        Some(BadSdp::BadParameters) => whole(name, clip, "H264", "Z0IAHg==,!!!!"),
        Some(BadSdp::UnknownCodec) => whole(name, clip, "X-NONE", &sets),
        Some(BadSdp::Huge) => whole(name, clip, "H264", &sets) + &"a=x-filler:0123456789\r\n".repeat(HUGE_LINES),
    }
}

fn head(name: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={name}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n")
}

fn whole(name: &str, clip: &Clip, codec: &str, sets: &str) -> String {
    let profile: String = clip.sps.iter().skip(1).take(3).map(|b| format!("{b:02x}")).collect();
    format!(
        "{}m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} {codec}/90000\r\n\
         a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}\r\n\
         a=framerate:{FPS}\r\na=control:track1\r\n",
        head(name)
    )
}
