//! One RTSP connection: requests in order, one session at most, keep-alive and time-out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::camera::{Stream, Unit};
use super::fault::{End, Faults};
use super::link::Link;
use super::login::md5_hex;
use super::message::{Answer, Parsed, Request, parse};
use super::pacer::{Player, Way};
use super::packets::Stamp;
use super::{Shared, sdp};

const METHODS: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
/// A clip that is not made by then is not waited for.
const CLIP_WAIT: Duration = Duration::from_secs(30);
/// For what still waits when a connection ends in order.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Read at once.
const CHUNK: usize = 4 * 1024;
/// A client that sends no request for this long before it plays has no business here.
const IDLE: Duration = Duration::from_secs(20);

/// A session between SETUP and TEARDOWN.
struct Held {
    id: String,
    unit: Arc<Unit>,
    stream: Stream,
    way: Way,
    playing: bool,
}

/// One connection.
pub(super) struct Session {
    shared: Arc<Shared>,
    link: Arc<Link>,
    number: u64,
    nonce: String,
    held: Option<Held>,
    received: Vec<u8>,
    heard: Instant,
}

impl Session {
    pub fn new(shared: Arc<Shared>, link: Link, number: u64) -> Self {
        let nonce = md5_hex(&format!("{}:{number}", shared.secret));
        let (link, heard) = (Arc::new(link), Instant::now());
        Self { shared, link, number, nonce, held: None, received: Vec::new(), heard }
    }

    /// Until either side ends it. Players see that the link is gone when this returns.
    pub async fn run(mut self) {
        let end = self.serve().await;
        let end = self.link.end().or(end);
        self.link.finish(End::Fin);
        if end == Some(End::Rst) {
            // Closing with linger zero sends RST.
            let _ = self.link.stream.set_zero_linger();
            return;
        }
        // The last answer, to TEARDOWN for one, is still told to a client that reads.
        let last = async {
            while let Ok(false) = self.link.flush() {
                if self.link.stream.writable().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }

    async fn serve(&mut self) -> Option<End> {
        loop {
            let Ok(clear) = self.link.flush() else { return None };
            let patience = if self.held.is_some() { self.shared.session_timeout } else { IDLE };
            let ready = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Some(End::Fin),
                () = self.link.wake.notified() => false,
                ready = self.link.stream.writable(), if !clear => { ready.ok()?; false }
                ready = self.link.stream.readable() => { ready.ok()?; true }
                () = tokio::time::sleep_until(self.heard + patience) => {
                    self.shared.counts.timed_out.add(1);
                    return None;
                }
            };
            if self.link.is_over() {
                return self.link.end();
            }
            if ready && !self.read().await {
                return None;
            }
        }
    }

    /// Takes what the client sent; false when it is gone or talks nonsense.
    async fn read(&mut self) -> bool {
        let mut chunk = [0; CHUNK];
        match self.link.stream.try_read(&mut chunk) {
            Ok(0) => return false,
            Ok(n) => self.received.extend_from_slice(&chunk[..n]),
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
        loop {
            match parse(&self.received) {
                Parsed::Partial => return true,
                Parsed::Garbage => {
                    self.shared.counts.nonsense.add(1);
                    self.answer(Answer::new(&Request::default(), 400));
                    return false;
                }
                Parsed::Interleaved(used) => drop(self.received.drain(..used)),
                Parsed::Request(request, used) => {
                    self.received.drain(..used);
                    if !self.request(&request).await {
                        return false;
                    }
                }
            }
            self.heard = Instant::now();
        }
    }

    fn answer(&self, answer: Answer) {
        self.link.send(&answer.bytes());
    }

    /// One request; false ends the connection.
    async fn request(&mut self, request: &Request) -> bool {
        self.shared.counts.requests.add(1);
        let place = self.shared.find(request.path());
        if let Some((unit, _)) = &place {
            let (lasting, _) = unit.faults.now();
            if lasting.dark {
                self.link.finish(End::Rst);
                return false;
            }
            if request.method != "OPTIONS" && self.refused(request, &unit.faults) {
                return true;
            }
        }
        let answer = match (request.method.as_str(), place) {
            ("OPTIONS", _) => Answer::new(request, 200).with("Public", METHODS),
            ("TEARDOWN", _) if self.held.is_some() => {
                self.answer(self.in_session(request, 200));
                self.held = None;
                return false;
            }
            ("GET_PARAMETER" | "SET_PARAMETER", _) if self.held.is_some() => self.in_session(request, 200),
            ("PLAY", _) if self.held.is_some() => return self.play(request).await,
            ("PLAY" | "TEARDOWN" | "GET_PARAMETER" | "SET_PARAMETER", _) => Answer::new(request, 454),
            ("DESCRIBE" | "SETUP", None) => Answer::new(request, 404),
            ("DESCRIBE", Some((unit, stream))) => self.describe(request, &unit, stream).await,
            ("SETUP", Some((unit, stream))) => self.setup(request, unit, stream),
            _ => Answer::new(request, 405).with("Allow", METHODS),
        };
        self.answer(answer);
        true
    }

    /// Answers 401 when the camera wants a login, or refuses everybody.
    fn refused(&self, request: &Request, faults: &Faults) -> bool {
        let (lasting, _) = faults.now();
        if !lasting.unauthorized && self.shared.login.allows(request, &self.nonce) {
            return false;
        }
        self.shared.counts.unauthorized.add(1);
        let challenge = self.shared.login.challenge(&self.nonce);
        let challenge = challenge.unwrap_or_else(|| "Basic realm=\"Fenghuo simulated camera\"".to_owned());
        self.answer(Answer::new(request, 401).with("WWW-Authenticate", challenge));
        true
    }

    fn in_session(&self, request: &Request, status: u16) -> Answer {
        let answer = Answer::new(request, status);
        match &self.held {
            Some(held) => {
                answer.with("Session", format!("{};timeout={}", held.id, self.shared.session_timeout.as_secs()))
            }
            None => answer,
        }
    }

    async fn describe(&self, request: &Request, unit: &Unit, stream: Stream) -> Answer {
        let (lasting, _) = unit.faults.now();
        tokio::time::sleep(lasting.describe_delay).await;
        let Ok(clip) = tokio::time::timeout(CLIP_WAIT, self.shared.clips.ready(unit.view(stream))).await else {
            return Answer::new(request, 503);
        };
        let body = sdp::describe(&unit.camera.name, &clip, lasting.sdp);
        let base = format!("{}/", request.url.trim_end_matches('/'));
        Answer::new(request, 200).with("Content-Base", base).body("application/sdp", body)
    }

    fn setup(&mut self, request: &Request, unit: Arc<Unit>, stream: Stream) -> Answer {
        if self.held.is_some() {
            return Answer::new(request, 455);
        }
        let Some(way) = request.header("transport").and_then(way) else {
            return Answer::new(request, 461);
        };
        let transport = match way {
            Way::Interleaved(channel) => {
                format!("RTP/AVP/TCP;unicast;interleaved={channel}-{};ssrc={:08X}", channel + 1, self.source())
            }
            Way::Udp { rtp, rtcp } => {
                let (from, to) = self.shared.udp_ports;
                let source = self.source();
                format!("RTP/AVP;unicast;client_port={rtp}-{rtcp};server_port={from}-{to};ssrc={source:08X}")
            }
        };
        let id = md5_hex(&format!("session:{}", self.nonce))[..12].to_owned();
        self.held = Some(Held { id, unit, stream, way, playing: false });
        self.in_session(request, 200).with("Transport", transport)
    }

    /// Source identifier: any number that differs between sessions.
    fn source(&self) -> u32 {
        (self.number as u32).wrapping_mul(0x9e37_79b1) ^ 0x4648
    }

    async fn play(&mut self, request: &Request) -> bool {
        let (source, number) = (self.source(), self.number);
        let answer = self.in_session(request, 200);
        let Some(held) = self.held.as_mut().filter(|h| !h.playing) else {
            // PLAY again is a keep-alive of some clients.
            self.answer(answer);
            return true;
        };
        held.playing = true;
        let view = held.unit.view(held.stream);
        let clip = self.shared.clips.ready(view).await;
        let channel = if let Way::Interleaved(channel) = held.way { channel } else { 0 };
        let stamp = Stamp { channel, seq: (source >> 7) as u16, time: source.rotate_left(9), source };
        let keys: Vec<usize> = (0..clip.pictures.len()).filter(|&i| clip.pictures[i].key).collect();
        let player = Player {
            link: Arc::downgrade(&self.link),
            unit: held.unit.clone(),
            stream: held.stream,
            way: held.way,
            at: keys[number as usize % keys.len()],
            view,
            clip,
            stamp,
            once: held.unit.faults.now().1,
            sent: 0,
            packets: 0,
            octets: 0,
            noise: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        let track = request.url.trim_end_matches('/');
        let info = format!("url={track}/track1;seq={};rtptime={}", stamp.seq.wrapping_add(1), stamp.time);
        self.answer(answer.with("Range", "npt=0.000-").with("RTP-Info", info));
        // The pacer's queue is bounded; a client waits here while it is full.
        self.shared.players.send(player).await.is_ok()
    }
}

/// Reads a Transport header: the first way offered that is known here. Never another destination than the peer.
fn way(header: &str) -> Option<Way> {
    header.split(',').find_map(|offer| {
        let mut parts = offer.trim().split(';');
        let profile = parts.next()?;
        let value = |name: &str| offer.split(';').find_map(|p| p.trim().strip_prefix(name)?.strip_prefix('='));
        let pair = |text: &str| {
            let (first, second) = text.split_once('-').unwrap_or((text, ""));
            let first: u16 = first.parse().ok()?;
            Some((first, second.parse().unwrap_or(first.checked_add(1)?)))
        };
        match profile {
            "RTP/AVP/TCP" => {
                let (channel, _) = value("interleaved").map_or(Some((0, 1)), pair)?;
                (channel < 255).then_some(Way::Interleaved(channel as u8))
            }
            "RTP/AVP" | "RTP/AVP/UDP" if !offer.contains("multicast") => {
                let (rtp, rtcp) = pair(value("client_port")?)?;
                Some(Way::Udp { rtp, rtcp })
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_read_as_clients_write_them() {
        let table = [
            ("RTP/AVP/TCP;unicast;interleaved=0-1", Some(Way::Interleaved(0))),
            ("RTP/AVP/TCP;unicast;interleaved=4-5;mode=\"PLAY\"", Some(Way::Interleaved(4))),
            ("RTP/AVP;unicast;client_port=5000-5001", Some(Way::Udp { rtp: 5_000, rtcp: 5_001 })),
            ("RTP/AVP/UDP;unicast;client_port=5000-5001", Some(Way::Udp { rtp: 5_000, rtcp: 5_001 })),
            ("RTP/SAVP;unicast,RTP/AVP/TCP;interleaved=2-3", Some(Way::Interleaved(2))),
            ("RTP/AVP;multicast", None),
            ("RTP/AVP;unicast", None),
            ("RTP/AVP/TCP;interleaved=255-256", None),
            ("RTP/AVP;unicast;client_port=65535", None),
        ];
        for (header, want) in table {
            assert_eq!(way(header), want, "{header}");
        }
    }
}
