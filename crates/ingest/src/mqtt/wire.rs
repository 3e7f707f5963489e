//! Bytes of MQTT that are read and written by hand: framing, PUBLISH in place, acknowledgements.

use bytes::BytesMut;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

/// Protocol version of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1 and 3.1.1.
    V3,
    /// 5.0.
    V5,
}

/// The head of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// First byte, where the body begins, where the packet ends.
    Whole(u8, usize, usize),
    /// More bytes are needed.
    Partial,
    /// Announced size is beyond the limit.
    TooLarge(usize),
    /// The length is not a variable byte integer in its shortest form.
    BadLength,
}

/// Looks at the fixed header only; nothing is reserved for an announced length (MQTT 5, 1.5.5).
#[inline]
pub(super) fn frame(bytes: &[u8], packet_max: usize) -> Frame {
    let Some(&first) = bytes.first() else { return Frame::Partial };
    match variable(&bytes[1..]) {
        Variable::Value(len, used) => {
            let (body, end) = (1 + used, 1 + used + len);
            match end {
                _ if end > packet_max => Frame::TooLarge(end),
                _ if end > bytes.len() => Frame::Partial,
                _ => Frame::Whole(first, body, end),
            }
        }
        Variable::Partial => Frame::Partial,
        Variable::Bad => Frame::BadLength,
    }
}

enum Variable {
    Value(usize, usize),
    Partial,
    Bad,
}

#[inline]
fn variable(bytes: &[u8]) -> Variable {
    let mut value = 0;
    for i in 0..4 {
        let Some(&byte) = bytes.get(i) else { return Variable::Partial };
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            // A last byte of 0 after others: not minimal (MQTT 5, 1.5.5-1).
            return if byte == 0 && i > 0 { Variable::Bad } else { Variable::Value(value, i + 1) };
        }
    }
    Variable::Bad
}

/// A PUBLISH in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub(super) qos: u8,
    pub(super) topic: &'a [u8],
    /// 0 with QoS 0.
    pub(super) id: u16,
    pub(super) alias: Option<u16>,
    pub(super) payload: &'a [u8],
}

/// MQTT 5 reason code and text of a fault that ends the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: u8,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn malformed(text: &str) -> Self {
        Self { reason: 0x81, text: text.to_owned() }
    }

    pub(super) fn protocol(text: &str) -> Self {
        Self { reason: 0x82, text: text.to_owned() }
    }
}

/// Reads a PUBLISH body. The topic is not checked here: it is looked up first, and only a new one is checked.
#[inline]
pub(super) fn publish(first: u8, body: &[u8], version: Version) -> Result<Publish<'_>, Fault> {
    let qos = (first >> 1) & 3;
    if qos == 3 {
        return Err(Fault::malformed("QoS 3 does not exist [MQTT-3.3.1-4]"));
    }
    if qos == 0 && first & 8 != 0 {
        return Err(Fault::malformed("DUP is set with QoS 0 [MQTT-3.3.1-2]"));
    }
    let short = || Fault::malformed("PUBLISH is too short");
    let (topic, mut rest) = text(body).ok_or_else(short)?;
    let mut id = 0;
    if qos > 0 {
        let (head, tail) = rest.split_first_chunk::<2>().ok_or_else(short)?;
        id = u16::from_be_bytes(*head);
        rest = tail;
        if id == 0 {
            return Err(Fault::protocol("packet identifier is 0 [MQTT-2.2.1-3]"));
        }
    }
    let mut alias = None;
    if version == Version::V5 {
        if let [0, tail @ ..] = rest {
            rest = tail;
        } else {
            (alias, rest) = properties(rest)?;
        }
    }
    Ok(Publish { qos, topic, id, alias, payload: rest })
}

#[inline]
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*head)))
}

/// Walks the properties of a PUBLISH (MQTT 5, 3.3.2.3); only the topic alias matters to us.
fn properties(bytes: &[u8]) -> Result<(Option<u16>, &[u8]), Fault> {
    let bad = || Fault::malformed("PUBLISH properties are malformed");
    let Variable::Value(len, used) = variable(bytes) else { return Err(bad()) };
    let (mut own, rest) = bytes[used..].split_at_checked(len).ok_or_else(bad)?;
    let mut alias = None;
    let mut seen = 0u64;
    while let [kind, tail @ ..] = own {
        let twice = seen & (1 << (kind & 63)) != 0;
        if twice && *kind != 0x26 {
            return Err(Fault::protocol("a PUBLISH property comes twice"));
        }
        seen |= 1 << (kind & 63);
        let size = match kind {
            0x01 => 1,
            0x02 => 4,
            0x23 => 2,
            0x03 | 0x08 => 2 + utf8(tail).ok_or_else(bad)?,
            0x09 => 2 + text(tail).ok_or_else(bad)?.0.len(),
            0x26 => 4 + pair(tail).ok_or_else(bad)?,
            0x0b => return Err(Fault::protocol("a client cannot send a subscription identifier [MQTT-3.3.4-6]")),
            _ => return Err(bad()),
        };
        let (value, after) = tail.split_at_checked(size).ok_or_else(bad)?;
        match (kind, value) {
            (0x23, [high, low]) => alias = Some(u16::from_be_bytes([*high, *low])),
            (0x01, [2..=255]) => return Err(Fault::protocol("payload format indicator is not 0 or 1")),
            _ => {}
        }
        own = after;
    }
    Ok((alias, rest))
}

fn utf8(bytes: &[u8]) -> Option<usize> {
    let (value, _) = text(bytes)?;
    std::str::from_utf8(value).ok().map(str::len)
}

fn pair(bytes: &[u8]) -> Option<usize> {
    let key = utf8(bytes)?;
    Some(key + utf8(&bytes[2 + key..])?)
}

/// A packet that is not PUBLISH, by the codec; `whole` is exactly one packet.
pub(super) fn decode_v3(whole: &[u8]) -> Result<v3::Packet, Fault> {
    let mut bytes = BytesMut::from(whole);
    match v3::Codec::new(0).decode(&mut bytes) {
        Ok(Some((packet, _))) => Ok(packet),
        Ok(None) => Err(Fault::malformed("packet is not whole")),
        Err(error) => Err(Fault::malformed(&error.to_string())),
    }
}

/// The same for MQTT 5.
pub(super) fn decode_v5(whole: &[u8]) -> Result<v5::Packet, Fault> {
    let mut bytes = BytesMut::from(whole);
    match v5::Codec::new(0, 0).decode(&mut bytes) {
        Ok(Some((packet, _))) => Ok(packet),
        Ok(None) => Err(Fault::malformed("packet is not whole")),
        Err(error) => Err(Fault::malformed(&error.to_string())),
    }
}

/// Writes a packet of ours; one that cannot be encoded is a bug and is left out.
pub(super) fn encode_v3(packet: v3::Packet, out: &mut Vec<u8>) {
    let mut bytes = BytesMut::new();
    if v3::Codec::new(0).encode(packet, &mut bytes).is_ok() {
        out.extend_from_slice(&bytes);
    }
}

/// The same for MQTT 5; `max` is the client's maximum packet size, 0 for none.
pub(super) fn encode_v5(packet: v5::Packet, max: u32, out: &mut Vec<u8>) {
    let mut bytes = BytesMut::new();
    if v5::Codec::new(0, max).encode(packet, &mut bytes).is_ok() && (max == 0 || bytes.len() <= max as usize) {
        out.extend_from_slice(&bytes);
    }
}

/// PUBACK (0x40), PUBREC (0x50), PUBREL (0x62) or PUBCOMP (0x70). Reason and text only with MQTT 5.
#[inline]
pub(super) fn ack(out: &mut Vec<u8>, kind: u8, id: u16, version: Version, (reason, text): (u8, &str)) {
    let [high, low] = id.to_be_bytes();
    if version == Version::V3 || (reason == 0 && text.is_empty()) {
        out.extend_from_slice(&[kind, 2, high, low]);
    } else if text.is_empty() {
        out.extend_from_slice(&[kind, 3, high, low, reason]);
    } else {
        let property_len = 3 + text.len();
        out.push(kind);
        put_variable(out, 3 + variable_len(property_len) + property_len);
        out.extend_from_slice(&[high, low, reason]);
        put_variable(out, property_len);
        out.push(0x1f);
        put_text(out, text.as_bytes());
    }
}

/// PUBLISH of ours, retain flag given.
pub(super) fn put_publish(out: &mut Vec<u8>, version: Version, head: (u8, u16), topic: &str, payload: &[u8]) {
    let (flags, id) = head;
    let qos = (flags >> 1) & 3;
    let len = 2 + topic.len() + if qos > 0 { 2 } else { 0 } + usize::from(version == Version::V5) + payload.len();
    out.push(0x30 | flags);
    put_variable(out, len);
    put_text(out, topic.as_bytes());
    if qos > 0 {
        out.extend_from_slice(&id.to_be_bytes());
    }
    if version == Version::V5 {
        out.push(0);
    }
    out.extend_from_slice(payload);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text);
}

fn variable_len(n: usize) -> usize {
    match n {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    }
}

fn put_variable(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let digit = (n % 128) as u8;
        n /= 128;
        out.push(if n > 0 { digit | 0x80 } else { digit });
        if n == 0 {
            break;
        }
    }
}
