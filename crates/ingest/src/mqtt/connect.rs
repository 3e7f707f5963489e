//! CONNECT and SUBSCRIBE: what the codec does not check, and the answers to them.

use rmqtt_codec::{v3, v5};

use super::limits::Limits;
use super::wire::{self, Fault, Version};

/// A CONNECT, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Version.
    pub version: Version,
    /// Client id; empty: the door gives one.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Vec<u8>>,
    /// Start without the old session.
    pub clean: bool,
    /// Session expiry in seconds; 0: it ends with the connection.
    pub expiry_s: u32,
    /// Keep-alive in seconds as asked; 0: none.
    pub keep_alive_s: u16,
    /// Unacknowledged QoS 1 messages the client takes.
    pub receive_max: u16,
    /// Largest packet the client takes; 0: any.
    pub packet_max: u32,
    /// Whether it wants reason strings.
    pub problem_info: bool,
    /// Will topic and payload.
    pub will: Option<(String, Vec<u8>)>,
}

/// Why a CONNECT is answered with a refusal, or (no code) with nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) version: Version,
    /// Return code of MQTT 3, reason code of MQTT 5; none: close without a word.
    pub(super) code: Option<u8>,
    pub(super) text: String,
}

impl Refusal {
    fn silent(text: &str) -> Self {
        Self { version: Version::V3, code: None, text: text.to_owned() }
    }
}

/// Reads a whole CONNECT packet; `body` is where its variable header begins.
pub(super) fn connect(whole: &[u8], body: usize, limits: &Limits) -> Result<ConnectRequest, Refusal> {
    let variable = whole.get(body..).unwrap_or_default();
    let level = match variable {
        // Level 3 goes with the name MQIsdp only.
        [0, 4, b'M', b'Q', b'T', b'T', 3, ..] => 2,
        [0, 4, b'M', b'Q', b'T', b'T', level, ..] => *level,
        [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3, ..] => 3,
        _ => return Err(Refusal::silent("protocol name is not MQTT")),
    };
    let version = match level {
        3 | 4 => Version::V3,
        5 => Version::V5,
        6.. => {
            return Err(Refusal {
                version: Version::V5,
                code: Some(0x84),
                text: "MQTT version is not supported".into(),
            });
        }
        _ => return Err(Refusal { version: Version::V3, code: Some(1), text: "MQTT version is not supported".into() }),
    };
    let malformed =
        |text: &str| Refusal { version, code: (version == Version::V5).then_some(0x81), text: text.to_owned() };
    exact(variable, version).map_err(malformed)?;
    let request = match version {
        Version::V3 => connect_v3(whole, limits),
        Version::V5 => connect_v5(whole, limits),
    }?;
    let texts = [Some(&request.client_id), request.username.as_ref(), request.will.as_ref().map(|w| &w.0)];
    let nul = texts.into_iter().flatten().any(|text| text.contains('\0'));
    if nul { Err(malformed("U+0000 in a string [MQTT-1.5.4-2]")) } else { Ok(request) }
}

/// The codecs accept bytes after the last field, a password without user name (MQTT 3.1.2-22), and will bits
/// without a will (3.1.2-11).
fn exact(variable: &[u8], version: Version) -> Result<(), &'static str> {
    let mut at = Walk(variable);
    let short = "CONNECT is too short";
    at.text().ok_or(short)?;
    let head = at.take(4).ok_or(short)?;
    let flags = head[1];
    let has = |bit: u8| flags & bit != 0;
    if !has(0x04) && flags & 0x38 != 0 {
        return Err("will QoS or retain without a will");
    }
    if version == Version::V3 && has(0x40) && !has(0x80) {
        return Err("password without user name");
    }
    let fields = [(true, true), (has(0x04), true), (has(0x04), false), (has(0x80), false), (has(0x40), false)];
    for (present, properties) in fields {
        if present && properties && version == Version::V5 {
            at.properties().ok_or(short)?;
        }
        if present {
            at.text().ok_or(short)?;
        }
    }
    if at.0.is_empty() { Ok(()) } else { Err("bytes after CONNECT") }
}

struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.take(2)?;
        self.take(usize::from(u16::from_be_bytes([len[0], len[1]])))
    }

    fn properties(&mut self) -> Option<()> {
        let (mut len, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)?[0];
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return None;
            }
        }
        self.take(len).map(|_| ())
    }
}

fn connect_v3(whole: &[u8], limits: &Limits) -> Result<ConnectRequest, Refusal> {
    let packet = match wire::decode_v3(whole) {
        Ok(v3::Packet::Connect(packet)) => *packet,
        // An empty client id that wants a session is the one case with a code of its own (MQTT 3.1.3-8).
        Err(fault) if fault.text.to_lowercase().contains("client") => {
            return Err(Refusal { version: Version::V3, code: Some(2), text: fault.text });
        }
        Err(fault) => return Err(Refusal::silent(&fault.text)),
        Ok(_) => return Err(Refusal::silent("not a CONNECT")),
    };
    Ok(ConnectRequest {
        version: Version::V3,
        client_id: packet.client_id.to_string(),
        username: packet.username.map(|u| u.to_string()),
        password: packet.password.map(|p| p.to_vec()),
        clean: packet.clean_session,
        expiry_s: if packet.clean_session { 0 } else { limits.session_expiry_max_s },
        keep_alive_s: packet.keep_alive,
        receive_max: u16::MAX,
        packet_max: 0,
        problem_info: false,
        will: packet.last_will.map(|w| (w.topic.to_string(), w.message.to_vec())),
    })
}

fn connect_v5(whole: &[u8], limits: &Limits) -> Result<ConnectRequest, Refusal> {
    let refuse = |code: u8, text: &str| Refusal { version: Version::V5, code: Some(code), text: text.to_owned() };
    let packet = match wire::decode_v5(whole) {
        Ok(v5::Packet::Connect(packet)) => *packet,
        Err(fault) if fault.text.to_lowercase().contains("client") => return Err(refuse(0x85, &fault.text)),
        Err(fault) => return Err(refuse(0x81, &fault.text)),
        Ok(_) => return Err(Refusal::silent("not a CONNECT")),
    };
    if packet.auth_method.is_some() {
        return Err(refuse(0x8c, "enhanced authentication is not offered"));
    }
    Ok(ConnectRequest {
        version: Version::V5,
        client_id: packet.client_id.to_string(),
        username: packet.username.map(|u| u.to_string()),
        password: packet.password.map(|p| p.to_vec()),
        clean: packet.clean_start,
        expiry_s: packet.session_expiry_interval_secs.min(limits.session_expiry_max_s),
        keep_alive_s: packet.keep_alive,
        receive_max: packet.receive_max.map_or(u16::MAX, u16::from),
        packet_max: packet.max_packet_size.map_or(0, u32::from),
        problem_info: packet.request_problem_info,
        will: packet.last_will.map(|w| (w.topic.to_string(), w.message.to_vec())),
    })
}

/// CONNACK with a refusal; nothing if the client must be closed without a word.
pub(super) fn refuse(refusal: &Refusal, out: &mut Vec<u8>) {
    let Some(code) = refusal.code else { return };
    match refusal.version {
        Version::V3 => out.extend_from_slice(&[0x20, 2, 0, code]),
        Version::V5 => {
            let reason_code = v5::ConnectAckReason::try_from(code).unwrap_or(v5::ConnectAckReason::UnspecifiedError);
            let text = Some(refusal.text.as_str().into());
            let packet = v5::ConnectAck { reason_code, reason_string: text, ..v5::ConnectAck::default() };
            wire::encode_v5(packet.into(), 0, out);
        }
    }
}

/// MQTT 5 reason code of a CONNACK as MQTT 3 return code.
pub(super) fn v3_code(reason: u8) -> u8 {
    match reason {
        0x85 => 2,
        0x86 => 4,
        0x88 | 0x89 | 0x97 | 0x9f => 3,
        _ => 5,
    }
}

/// What a granted CONNECT is told.
pub(super) struct Grant<'a> {
    pub(super) present: bool,
    pub(super) assigned: Option<&'a str>,
    pub(super) keep_alive_s: u16,
}

/// CONNACK.
pub(super) fn accept(request: &ConnectRequest, grant: &Grant<'_>, limits: &Limits, out: &mut Vec<u8>) {
    if request.version == Version::V3 {
        out.extend_from_slice(&[0x20, 2, u8::from(grant.present), 0]);
        return;
    }
    let packet = v5::ConnectAck {
        session_present: grant.present,
        session_expiry_interval_secs: Some(request.expiry_s),
        receive_max: limits.in_flight_max.try_into().unwrap_or(std::num::NonZeroU16::MIN),
        max_packet_size: Some(limits.packet_max as u32),
        assigned_client_id: grant.assigned.map(Into::into),
        topic_alias_max: limits.alias_max,
        wildcard_subscription_available: true,
        subscription_identifiers_available: false,
        shared_subscription_available: false,
        server_keepalive_sec: (grant.keep_alive_s != request.keep_alive_s).then_some(grant.keep_alive_s),
        ..v5::ConnectAck::default()
    };
    wire::encode_v5(packet.into(), request.packet_max, out);
}

/// A SUBSCRIBE of either version: id, filters with QoS.
pub(super) type Subscribe = (std::num::NonZeroU16, Vec<(String, u8)>);

/// Reads a SUBSCRIBE. The MQTT 3 codec masks the reserved bits of the QoS byte away, which [MQTT-3.8.3-4] forbids.
pub(super) fn subscribe(whole: &[u8], body: usize, version: Version) -> Result<Subscribe, Fault> {
    let mut walk = Walk(whole.get(body..).unwrap_or_default());
    let short = || Fault::malformed("SUBSCRIBE is too short");
    walk.take(2).ok_or_else(short)?;
    if version == Version::V5 {
        walk.properties().ok_or_else(short)?;
    }
    while !walk.0.is_empty() {
        walk.text().ok_or_else(short)?;
        let options = walk.take(1).ok_or_else(short)?[0];
        let reserved = if version == Version::V3 { 0xfc } else { 0xc0 };
        if options & reserved != 0 || options & 3 == 3 || options & 0x30 == 0x30 {
            return Err(Fault::malformed("subscription options have reserved bits set"));
        }
    }
    match version {
        Version::V3 => match wire::decode_v3(whole)? {
            v3::Packet::Subscribe { packet_id, topic_filters } => {
                Ok((packet_id, topic_filters.into_iter().map(|(f, q)| (f.to_string(), q.value())).collect()))
            }
            _ => Err(short()),
        },
        Version::V5 => match wire::decode_v5(whole)? {
            v5::Packet::Subscribe(packet) if packet.id.is_some() => {
                Err(Fault { reason: 0xa1, text: "subscription identifiers are not offered".into() })
            }
            v5::Packet::Subscribe(packet) => {
                let filters = packet.topic_filters.into_iter();
                Ok((packet.packet_id, filters.map(|(f, o)| (f.to_string(), o.qos.value())).collect()))
            }
            _ => Err(short()),
        },
    }
}

/// Judges a filter: the granted QoS (at most 1), or a reason code from 0x80.
pub(super) fn judge_filter(filter: &str, qos: u8, prefixes: &[String]) -> u8 {
    let exact = filter.strip_suffix("/#").map_or(filter, |head| head);
    if filter.starts_with("$share/") {
        return 0x9e;
    }
    if filter.is_empty() || exact.contains(['#', '\0']) {
        return 0x8f;
    }
    if exact.contains('+') {
        return 0xa2;
    }
    let below = format!("{exact}/");
    let allowed = exact.starts_with("fenghuo/out/") || exact == "fenghuo/out";
    if !allowed || !prefixes.iter().any(|p| below.starts_with(p.as_str())) {
        return 0x87;
    }
    qos.min(1)
}
