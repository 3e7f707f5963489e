//! A small MQTT 3.1.1 publisher over a plain socket: it counts exactly what was acknowledged.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One connection.
pub struct Publisher {
    out: TcpStream,
    input: BufReader<TcpStream>,
    next_id: u16,
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

impl Publisher {
    /// Connects; clean session off, so that the door keeps the session.
    ///
    /// # Errors
    /// What the socket or the door said.
    pub fn connect(address: &str, client_id: &str, login: &(String, String)) -> std::io::Result<Self> {
        let out = TcpStream::connect(address)?;
        out.set_nodelay(true)?;
        out.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut body = Vec::new();
        string(&mut body, "MQTT");
        body.extend_from_slice(&[4, 0b1100_0000, 0, 60]);
        string(&mut body, client_id);
        string(&mut body, &login.0);
        string(&mut body, &login.1);
        let mut this = Self { input: BufReader::new(out.try_clone()?), out, next_id: 0 };
        this.out.write_all(&packet(0x10, &body))?;
        let (first, body) = this.read()?;
        match (first, body.get(1)) {
            (0x20, Some(0)) => Ok(this),
            (_, code) => Err(std::io::Error::other(format!("CONNACK {code:?}"))),
        }
    }

    /// Sends one QoS 1 publish and returns its id.
    ///
    /// # Errors
    /// The socket's.
    pub fn send(&mut self, topic: &str, payload: &str) -> std::io::Result<u16> {
        let id = self.take_id();
        self.out.write_all(&publish(topic, payload, id))?;
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
            out.extend_from_slice(&publish(topic, payload, id));
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

    /// Publishes and waits until it is acknowledged.
    #[track_caller]
    pub fn publish(&mut self, topic: &str, payload: &str) {
        let id = self.send(topic, payload).expect("sent");
        assert_eq!(self.acknowledged().expect("acknowledged"), id);
    }

    /// Any bytes.
    ///
    /// # Errors
    /// The socket's.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)
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

/// A QoS 1 publish.
pub fn publish(topic: &str, payload: &str, id: u16) -> Vec<u8> {
    let mut body = Vec::new();
    string(&mut body, topic);
    body.extend_from_slice(&id.to_be_bytes());
    body.extend_from_slice(payload.as_bytes());
    packet(0x32, &body)
}
