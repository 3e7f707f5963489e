//! One MQTT connection without socket and clock: bytes and time go in, actions come out.
//! Reads PUBLISH in place, hands the rest to the codec, and checks what codecs leave open (door notes in the README).

use std::sync::Arc;

use model::{GatewayIndex, Time};
use rmqtt_codec::{v3, v5};

use super::access::{Identity, SessionRecord};
use super::acks::Acks;
use super::connect::{self, ConnectRequest};
use super::limits::Limits;
use super::topics::{self, Refused, Site};
use super::wire::{self, Fault, Frame, Publish, Version};
use crate::reader::{Answer, Reader};
use crate::{Batch, Link, LinkScope, Refusal};

/// What the connection must do. Reused from read to read.
#[derive(Debug, Default)]
pub struct Actions {
    /// To hand to the hall; `done` is set by the connection.
    pub batch: Batch,
    /// To write.
    pub send: Vec<u8>,
    /// Rare things, in order.
    pub steps: Vec<Step>,
    /// Refusals for people to see.
    pub notes: Vec<Note>,
}

/// Something rare.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Check this login, then call `admit` or `refuse`.
    Verify(Box<ConnectRequest>),
    /// New subscriptions in force, to register; retained messages follow.
    Subscribe(Vec<(String, u8)>),
    /// Subscriptions that end.
    Unsubscribe(Vec<String>),
    /// Subscriptions or QoS 2 ids changed: save the record.
    Save,
}

/// One refusal with its payload's beginning.
#[derive(Debug, PartialEq)]
pub struct Note {
    /// What.
    pub refusal: Refusal,
    /// Enterprise, or empty.
    pub enterprise: String,
    /// Topic.
    pub topic: Vec<u8>,
    /// First bytes.
    pub payload: Vec<u8>,
    /// For unknown tags: tag name and value.
    pub parked: Option<(String, Option<f64>)>,
}

/// What the door decided about a login.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// The gateway its readings are counted under.
    pub gateway: GatewayIndex,
    /// Its client id, given by us if it sent none.
    pub client_id: Arc<str>,
    /// What was remembered, if it wants its old session.
    pub record: Option<SessionRecord>,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// DISCONNECT by the client: no will.
    Disconnected,
    /// The socket closed without one.
    Closed,
    /// Nothing came for 1.5 keep-alives.
    KeepAlive,
    /// The same client id connected again.
    TakenOver,
    /// We ended it for a fault.
    Fault,
    /// The hall stops; says nothing about the device.
    Stopping,
}

enum Phase {
    AwaitConnect,
    Verifying(Box<ConnectRequest>),
    Open,
    Closing,
}

/// Who is connected.
struct Client {
    reader: Reader,
    client_id: Arc<str>,
    will: Option<(String, Vec<u8>)>,
    expiry_s: u32,
    keep_alive_s: u16,
    problem_info: bool,
    packet_max: u32,
    receive_max: u16,
    subscriptions: Vec<(String, u8)>,
    aliases: Vec<Option<Arc<[u8]>>>,
    links: Vec<Arc<str>>,
    strikes: u8,
    unacked: Vec<u16>,
    next_id: u16,
}

/// One connection.
pub struct Session {
    limits: Arc<Limits>,
    phase: Phase,
    version: Version,
    client: Option<Box<Client>>,
    acks: Acks,
    fault: Option<Fault>,
    loss: Loss,
}

impl Session {
    /// A connection that has not said anything.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            phase: Phase::AwaitConnect,
            version: Version::V3,
            client: None,
            acks: Acks::default(),
            fault: None,
            loss: Loss::Closed,
        }
    }

    /// Takes whole packets from the head of `bytes` and returns how many bytes were taken. What is left is to be
    /// given again, with more behind it, or when the session is no longer [stalled](Self::is_stalled).
    pub fn feed(&mut self, bytes: &[u8], now: Time, site: &Site, out: &mut Actions) -> usize {
        let mut at = 0;
        while !matches!(self.phase, Phase::Closing | Phase::Verifying(_)) {
            let rest = &bytes[at..];
            if matches!(self.phase, Phase::AwaitConnect) && rest.first().is_some_and(|first| *first != 0x10) {
                // Not MQTT (HTTP, TLS on the plain port): what follows is no length to wait for.
                self.fail(Fault::protocol("the first packet is not CONNECT [MQTT-3.1.0-1]"));
                break;
            }
            let (first, body, end) = match wire::frame(rest, self.limits.packet_max) {
                Frame::Whole(first, body, end) => (first, body, end),
                Frame::Partial => break,
                Frame::TooLarge(size) => {
                    self.fail(self.too_large(size));
                    break;
                }
                Frame::BadLength => {
                    self.fail(Fault::malformed("remaining length is malformed [MQTT-1.5.5-1]"));
                    break;
                }
            };
            if first >> 4 == 3 && self.window_is_full(first) {
                break;
            }
            let whole = &rest[..end];
            let done = match &self.phase {
                Phase::Open if first >> 4 == 3 => {
                    wire::publish(first, &whole[body..], self.version).and_then(|p| self.publish(p, now, site, out))
                }
                Phase::Open => self.packet(first, whole, body, out),
                _ => self.first_packet(whole, body, out),
            };
            at += end;
            if let Err(fault) = done {
                self.fail(fault);
            }
        }
        at
    }

    /// MQTT 3 has no receive maximum: reading stops, and TCP holds the client back.
    fn window_is_full(&self, first: u8) -> bool {
        let full = self.acks.in_flight() >= usize::from(self.limits.in_flight_max);
        full && first & 6 != 0 && self.version == Version::V3 && matches!(self.phase, Phase::Open)
    }

    /// Whether bytes left by `feed` must wait for a verdict or a commit rather than for more bytes.
    pub fn is_stalled(&self) -> bool {
        matches!(self.phase, Phase::Verifying(_)) || self.window_is_full(0x32)
    }

    fn too_large(&self, size: usize) -> Fault {
        let max = self.limits.packet_max;
        Fault {
            reason: 0x95,
            text: format!("PACKET_TOO_LARGE {size} bytes, limit {max} | 报文 {size} 字节，超过上限 {max}"),
        }
    }

    /// Ends the connection after the acknowledgements that are committed.
    fn fail(&mut self, fault: Fault) {
        self.loss = Loss::Fault;
        self.fault = Some(fault);
        self.phase = Phase::Closing;
    }

    /// Ends the connection from outside: take-over, keep-alive, stop, slow subscriber.
    pub fn close(&mut self, reason: u8, loss: Loss) {
        if matches!(self.phase, Phase::Closing) {
            return;
        }
        self.loss = loss;
        self.fault = Some(Fault { reason, text: String::new() });
        self.phase = Phase::Closing;
    }

    /// The socket is gone.
    pub fn closed(&mut self) {
        self.phase = Phase::Closing;
    }

    /// Whether nothing more is read.
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing)
    }

    /// Whether it is past CONNECT.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Acknowledgements that wait for a commit.
    pub fn waiting(&self) -> usize {
        self.acks.waiting()
    }

    /// The running count of QoS 1 and 2 messages: what the watermark counts.
    pub fn queued(&self) -> u64 {
        self.acks.queued()
    }

    /// Keep-alive in seconds; 0: none.
    pub fn keep_alive_s(&self) -> u16 {
        self.client.as_ref().map_or(0, |c| c.keep_alive_s)
    }

    /// Client id, once admitted.
    pub fn client_id(&self) -> Option<&Arc<str>> {
        self.client.as_ref().map(|c| &c.client_id)
    }

    /// Everything up to the running count `upto` is durable.
    pub fn committed(&mut self, upto: u64, out: &mut Actions) {
        if self.acks.commit(upto, self.version, &mut out.send) {
            out.steps.push(Step::Save);
        }
    }

    /// What the client did wrong, if that is why the connection ends.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref().filter(|f| !f.text.is_empty())
    }

    /// The last words: DISCONNECT with its reason (MQTT 5), after which the socket is closed.
    pub fn farewell(&mut self, out: &mut Vec<u8>) {
        let Some(fault) = self.fault.take() else { return };
        if self.version == Version::V3 || self.client.is_none() {
            return;
        }
        let reason_code = v5::DisconnectReasonCode::try_from(fault.reason);
        let packet = v5::Disconnect {
            reason_code: reason_code.unwrap_or(v5::DisconnectReasonCode::UnspecifiedError),
            session_expiry_interval_secs: None,
            server_reference: None,
            reason_string: (!fault.text.is_empty()).then(|| fault.text.as_str().into()),
            user_properties: Vec::new(),
        };
        let packet_max = self.client.as_ref().map_or(0, |c| c.packet_max);
        wire::encode_v5(packet.into(), packet_max, out);
    }

    fn first_packet(&mut self, whole: &[u8], body: usize, out: &mut Actions) -> Result<(), Fault> {
        match connect::connect(whole, body, &self.limits) {
            Ok(request) => {
                self.version = request.version;
                out.steps.push(Step::Verify(Box::new(request.clone())));
                self.phase = Phase::Verifying(Box::new(request));
                Ok(())
            }
            Err(refusal) => {
                connect::refuse(&refusal, &mut out.send);
                Err(Fault::malformed(&refusal.text))
            }
        }
    }

    /// Refuses a login: CONNACK with a reason, then the connection closes.
    pub fn refuse(&mut self, reason: u8, text: &str, out: &mut Actions) {
        let code = if self.version == Version::V3 { connect::v3_code(reason) } else { reason };
        let refusal = connect::Refusal { version: self.version, code: Some(code), text: text.to_owned() };
        connect::refuse(&refusal, &mut out.send);
        self.phase = Phase::Closing;
    }

    /// Grants a login: CONNACK, links up, old subscriptions in force again.
    pub fn admit(&mut self, admission: Admission, site: &Site, out: &mut Actions) {
        let Phase::Verifying(request) = std::mem::replace(&mut self.phase, Phase::Closing) else { return };
        let identity = &admission.identity;
        if let Some((topic, _)) = &request.will {
            let will = topics::resolve(topic.as_bytes(), self.limits.topic_max, site, identity);
            let reason = match will {
                Err(Refused::Foreign) => Some((0x87, "TOPIC_NOT_YOURS will topic | 遗嘱主题不属于本单位")),
                Err(Refused::Invalid(_)) => Some((0x90, "TOPIC_INVALID will topic | 遗嘱主题无效")),
                _ => None,
            };
            if let Some((reason, text)) = reason {
                return self.refuse(reason, text, out);
            }
        }
        let keep_alive_s = match (request.version, request.keep_alive_s) {
            (Version::V5, 0) => self.limits.keep_alive_s,
            (_, asked) => asked,
        };
        let assigned = request.client_id.is_empty().then_some(&*admission.client_id);
        let grant = connect::Grant { present: admission.record.is_some(), assigned, keep_alive_s };
        connect::accept(&request, &grant, &self.limits, &mut out.send);
        self.phase = Phase::Open;
        self.open(*request, admission, keep_alive_s, out);
    }

    fn open(&mut self, request: ConnectRequest, admission: Admission, keep_alive_s: u16, out: &mut Actions) {
        let record = admission.record.unwrap_or_default();
        self.acks = Acks::resume(&record.qos2);
        if !record.subscriptions.is_empty() {
            out.steps.push(Step::Subscribe(record.subscriptions.clone()));
        }
        let listed = match &admission.identity.enterprises {
            super::access::Allowed::These(list) => list.clone(),
            super::access::Allowed::All => Vec::new(),
        };
        self.client = Some(Box::new(Client {
            reader: Reader::new(admission.identity, admission.gateway, &self.limits),
            client_id: admission.client_id,
            will: request.will,
            expiry_s: request.expiry_s,
            keep_alive_s,
            problem_info: request.problem_info,
            packet_max: request.packet_max,
            receive_max: request.receive_max.min(self.limits.outgoing_window),
            subscriptions: record.subscriptions,
            aliases: Vec::new(),
            links: Vec::new(),
            strikes: 0,
            unacked: Vec::new(),
            next_id: 0,
        }));
        for enterprise in listed {
            self.link_up(&enterprise, out);
        }
    }

    /// A link event for the first sign of this connection in an enterprise.
    fn link_up(&mut self, enterprise: &str, out: &mut Actions) {
        let Some(client) = &mut self.client else { return };
        if client.links.len() >= self.limits.links_max || client.links.iter().any(|e| &**e == enterprise) {
            return;
        }
        let enterprise: Arc<str> = enterprise.into();
        client.links.push(enterprise.clone());
        let scope = LinkScope::Gateway(client.reader.gateway(), enterprise);
        out.batch.links.push(Link { scope, up: true, reason: "connected".into() });
    }

    /// What must be told when the connection has ended: links down, and the will as a reading.
    pub fn lost(&mut self, now: Time, site: &Site, out: &mut Actions) {
        let loss = self.loss;
        let Some(client) = self.client.as_mut().filter(|_| loss != Loss::Stopping) else { return };
        let will = client.will.take().filter(|_| loss != Loss::Disconnected);
        let reason = match (loss, &will) {
            (Loss::Disconnected, _) => "disconnected",
            (Loss::TakenOver, _) => "taken over",
            (Loss::KeepAlive, _) => "keep-alive",
            (Loss::Fault, _) => "protocol fault",
            (_, Some(_)) => "will",
            (_, None) => "closed",
        };
        // The will first: its enterprise may be new, and then its link comes up before it goes down.
        if let Some((topic, payload)) = will {
            self.ingest((topic.as_bytes(), &payload), now, site, out);
        }
        let Some(client) = &mut self.client else { return };
        let gateway = client.reader.gateway();
        for enterprise in std::mem::take(&mut client.links) {
            let scope = LinkScope::Gateway(gateway, enterprise);
            out.batch.links.push(Link { scope, up: false, reason: reason.into() });
        }
    }

    /// What to remember; none: the session ends with the connection.
    pub fn record(&self, left_at: Option<Time>) -> Option<SessionRecord> {
        let client = self.client.as_ref().filter(|c| c.expiry_s > 0)?;
        Some(SessionRecord {
            device: client.reader.identity().device.to_string(),
            expiry_s: client.expiry_s,
            left_at,
            subscriptions: client.subscriptions.clone(),
            qos2: self.acks.kept(),
        })
    }
}

mod packets;
mod publish;
