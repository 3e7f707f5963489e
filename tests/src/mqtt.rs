//! A small MQTT publisher over a plain socket, 3.1.1 and 5: it counts exactly what was acknowledged.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Protocol level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V3 = 4,
    /// 5.0.
    V5 = 5,
}

/// What the door said to a packet: reason code (0 with MQTT 3, which has none) and reason string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Packet id; 0 where there is none.
    pub id: u16,
    /// Reason code.
    pub reason: u8,
    /// Reason string, or empty.
    pub text: String,
}

/// One connection.
pub struct Publisher {
    out: TcpStream,
    input: BufReader<TcpStream>,
    next_id: u16,
    version: Version,
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A packet with its length in front.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut len = body.len();
    loop {
        let byte = (len % 128) as u8;
        len /= 128;
        out.push(if len > 0 { byte | 0x80 } else { byte });
        if len == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

fn connect_packet(version: Version, client_id: &str, login: &(String, String)) -> Vec<u8> {
    let mut body = Vec::new();
    string(&mut body, "MQTT");
    // MQTT 5 starts clean here; MQTT 3 leaves clean session off, so that the door keeps the session.
    let clean = if version == Version::V5 { 0b10 } else { 0 };
    body.extend_from_slice(&[version as u8, 0b1100_0000 | clean, 0, 60]);
    if version == Version::V5 {
        body.push(0);
    }
    for text in [client_id, &login.0, &login.1] {
        string(&mut body, text);
    }
    packet(0x10, &body)
}

impl Publisher {
    /// Connects by MQTT 3.1.1; clean session off, so that the door keeps the session.
    ///
    /// # Errors
    /// What the socket or the door said.
    pub fn connect(address: &str, client_id: &str, login: &(String, String)) -> std::io::Result<Self> {
        match Self::try_connect(address, Version::V3, client_id, login)? {
            (this, Said { reason: 0, .. }) => Ok(this),
            (_, said) => Err(std::io::Error::other(format!("CONNACK {said:?}"))),
        }
    }

    /// Connects by MQTT 5.
    #[track_caller]
    pub fn connect5(address: &str, client_id: &str, login: &(String, String)) -> Self {
        let (this, said) = Self::try_connect(address, Version::V5, client_id, login).expect("an answer");
        assert_eq!(said.reason, 0, "{said:?}");
        this
    }

    /// Sends CONNECT and returns the answer with the connection, granted or not.
    ///
    /// # Errors
    /// The socket's.
    pub fn try_connect(
        address: &str,
        version: Version,
        client_id: &str,
        login: &(String, String),
    ) -> std::io::Result<(Self, Said)> {
        let mut this = Self::open(address, version)?;
        this.out.write_all(&connect_packet(version, client_id, login))?;
        let said = this.said()?;
        Ok((this, said))
    }

    /// Only the socket: nothing is said yet.
    ///
    /// # Errors
    /// The socket's.
    pub fn open(address: &str, version: Version) -> std::io::Result<Self> {
        let out = TcpStream::connect(address)?;
        out.set_nodelay(true)?;
        out.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { input: BufReader::new(out.try_clone()?), out, next_id: 0, version })
    }

    /// Sends one QoS 1 publish and returns its id.
    ///
    /// # Errors
    /// The socket's.
    pub fn send(&mut self, topic: &str, payload: &str) -> std::io::Result<u16> {
        let id = self.take_id();
        self.out.write_all(&publish(self.version, 0x32, topic.as_bytes(), payload.as_bytes(), id))?;
        Ok(id)
    }

    /// Sends many QoS 1 publishes in one write; returns their ids.
    ///
    /// # Errors
    /// The socket's.
    pub fn send_all(&mut self, messages: &[(String, String)]) -> std::io::Result<Vec<u16>> {
        let mut out = Vec::new();
        let mut ids = Vec::new();
        for (topic, payload) in messages {
            let id = self.take_id();
            out.extend_from_slice(&publish(self.version, 0x32, topic.as_bytes(), payload.as_bytes(), id));
            ids.push(id);
        }
        self.out.write_all(&out)?;
        Ok(ids)
    }

    fn take_id(&mut self) -> u16 {
        self.next_id = self.next_id % 60_000 + 1;
        self.next_id
    }

    /// The next PUBACK's id.
    ///
    /// # Errors
    /// The socket's, or another packet.
    pub fn acknowledged(&mut self) -> std::io::Result<u16> {
        let (first, body) = self.read()?;
        match (first, &body[..]) {
            (0x40, [a, b, ..]) => Ok(u16::from_be_bytes([*a, *b])),
            _ => Err(std::io::Error::other(format!("packet {first:#x}"))),
        }
    }

    /// Whether anything from the door is there to be read now.
    pub fn has_answer(&mut self) -> bool {
        let mut byte = [0];
        let _ = self.out.set_nonblocking(true);
        let there = !self.input.buffer().is_empty() || self.out.peek(&mut byte).is_ok();
        let _ = self.out.set_nonblocking(false);
        there
    }

    /// Publishes and waits until it is acknowledged.
    #[track_caller]
    pub fn publish(&mut self, topic: &str, payload: &str) {
        let id = self.send(topic, payload).expect("sent");
        assert_eq!(self.acknowledged().expect("acknowledged"), id);
    }

    /// Publishes any bytes and returns what the door said: PUBACK or DISCONNECT.
    ///
    /// # Errors
    /// The socket's.
    pub fn offer(&mut self, topic: &[u8], payload: &[u8]) -> std::io::Result<Said> {
        let id = self.take_id();
        self.out.write_all(&publish(self.version, 0x32, topic, payload, id))?;
        self.said()
    }

    /// Any bytes.
    ///
    /// # Errors
    /// The socket's.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)
    }

    /// The next CONNACK, PUBACK or DISCONNECT.
    ///
    /// # Errors
    /// The socket's; `UnexpectedEof` when the door closed without a word.
    pub fn said(&mut self) -> std::io::Result<Said> {
        let (first, body) = self.read()?;
        let (id, rest) = match (first, &body[..]) {
            (0x40, [a, b, rest @ ..]) => (u16::from_be_bytes([*a, *b]), rest),
            (0x20, [_, rest @ ..]) => (0, rest),
            (0xE0, rest) => (0, rest),
            _ => return Err(std::io::Error::other(format!("packet {first:#x}"))),
        };
        let reason = rest.first().copied().unwrap_or(0);
        let text = if self.version == Version::V5 { reason_string(rest.get(1..).unwrap_or_default()) } else { None };
        Ok(Said { id, reason, text: text.unwrap_or_default() })
    }

    /// The next packet: first byte and body.
    ///
    /// # Errors
    /// The socket's; `UnexpectedEof` when the door closed.
    pub fn read(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        let first = byte[0];
        let (mut len, mut shift) = (0usize, 0);
        loop {
            self.input.read_exact(&mut byte)?;
            len |= usize::from(byte[0] & 0x7F) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; len];
        self.input.read_exact(&mut body)?;
        Ok((first, body))
    }
}

/// Walks properties (MQTT 5, 2.2.2) to the reason string. Their length fits one byte or two here.
fn reason_string(bytes: &[u8]) -> Option<String> {
    let skip = if bytes.first()? & 0x80 == 0 { 1 } else { 2 };
    let mut at = bytes.get(skip..)?;
    loop {
        let (kind, rest) = at.split_first()?;
        let len = |bytes: &[u8]| Some(2 + usize::from(u16::from_be_bytes(*bytes.first_chunk()?)));
        let size = match kind {
            0x11 | 0x27 | 0x02 => 4,
            0x13 | 0x21 | 0x22 => 2,
            0x24 | 0x25 | 0x28..=0x2A => 1,
            0x1F => return String::from_utf8(rest.get(2..len(rest)?)?.to_vec()).ok(),
            0x26 => len(rest)? + len(rest.get(len(rest)?..)?)?,
            _ => len(rest)?,
        };
        at = rest.get(size..)?;
    }
}

/// A publish; `first` holds type, DUP, QoS and retain; the id is left out with QoS 0.
pub fn publish(version: Version, first: u8, topic: &[u8], payload: &[u8], id: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&(topic.len() as u16).to_be_bytes());
    body.extend_from_slice(topic);
    if first & 6 != 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend_from_slice(payload);
    packet(first, &body)
}
