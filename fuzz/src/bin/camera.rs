//! Any bytes as a camera: what its SDP says of the codec, then RTP packets. Errors, never a panic or a hang.
//! The library's own parts, as its benches join them; the session around them is tested against real servers.
#![no_main]

use std::num::NonZeroU16;

use libfuzzer_sys::fuzz_target;
use retina::client::rtp::InorderParser;
use retina::client::{SessionOptions, Timeline, UnknownRtcpSsrcPolicy};
use retina::codec::Depacketizer;

fuzz_target!(|data: &[u8]| {
    let [codec, length, rest @ ..] = data else { return };
    let (parameters, packets) = rest.split_at(rest.len().min(usize::from(*length)));
    let parameters = std::str::from_utf8(parameters).ok();
    let stereo = NonZeroU16::new(2);
    let made = match codec % 4 {
        0 => Depacketizer::new("video", "h264", 90_000, None, parameters),
        1 => Depacketizer::new("video", "h265", 90_000, None, parameters),
        2 => Depacketizer::new("video", "jpeg", 90_000, None, parameters),
        _ => Depacketizer::new("audio", "mpeg4-generic", 48_000, stereo, parameters),
    };
    if let Ok(depacketizer) = made {
        receive(depacketizer, packets);
    }
});

/// Packets behind their lengths in two bytes.
fn receive(mut depacketizer: Depacketizer, mut packets: &[u8]) {
    let mut order = InorderParser::new(None, None, UnknownRtcpSsrcPolicy::Default);
    let Ok(mut timeline) = Timeline::new(None, 90_000, None) else { return };
    let mut buffer = retina::testutil::DepacketizeBuf::new(65_536);
    let (connection, stream) = (retina::ConnectionContext::dummy(), retina::StreamContext::dummy());
    while let [a, b, rest @ ..] = packets {
        let (packet, after) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*a, *b]))));
        packets = after;
        let Ok((header, payload)) = retina::rtp::PacketHeader::validate(packet) else { continue };
        let options = SessionOptions::default();
        let context = retina::PacketContext::dummy();
        let meta = order.rtp(&options, &stream, None, &connection, &context, &mut timeline, 0, &header);
        let Ok(Some(meta)) = meta else { return };
        let payload = &packet[usize::from(payload.start)..usize::from(payload.end)];
        if buffer.push(&mut depacketizer, meta, payload).is_err() {
            return;
        }
        while let Some(item) = depacketizer.pull() {
            if item.is_err() {
                return;
            }
        }
    }
}
