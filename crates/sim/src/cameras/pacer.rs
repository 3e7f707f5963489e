//! One task sends for all sessions: a wheel of slots over the 40 ms of a picture, each session in the slot of its phase.

use std::sync::{Arc, Weak};
use std::time::Duration;

use runtime::unix_now;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::Shared;
use super::camera::{Stream, Unit};
use super::clips::{Clip, FPS};
use super::fault::{Lasting, Once};
use super::link::{Link, Sent};
use super::packets::{HEAD, Stamp, stamp};
use super::view::View;

/// Slots of the wheel: ten of 4 ms.
const SLOTS: usize = 10;
/// Ticks of the 90 kHz clock in one picture.
const TICKS: u32 = 90_000 / FPS;
/// A sender report every five seconds.
const REPORT_PICTURES: u64 = 5 * FPS as u64;
/// Up to this much is caught up.
const BEHIND_MAX: Duration = Duration::from_secs(1);
/// Length of the noise injected into a stream.
const GARBAGE: usize = 777;
/// Seconds between 1900, where NTP begins, and 1970.
const NTP_EPOCH_S: u64 = 2_208_988_800;

/// How a session's packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In the RTSP connection, RTP on this channel and RTCP on the next.
    Interleaved(u8),
    /// To these ports of the peer.
    Udp { rtp: u16, rtcp: u16 },
}

/// A session that plays.
pub(super) struct Player {
    pub link: Weak<Link>,
    pub unit: Arc<Unit>,
    pub stream: Stream,
    pub way: Way,
    pub view: View,
    pub clip: Arc<Clip>,
    pub at: usize,
    pub stamp: Stamp,
    /// What had happened before it began.
    pub once: Once,
    pub sent: u64,
    pub packets: u32,
    pub octets: u32,
    pub noise: u64,
}

/// Sends until the tasks stop.
pub(super) async fn run(shared: Arc<Shared>, mut players: mpsc::Receiver<Player>) {
    let mut wheel: [Vec<Player>; SLOTS] = Default::default();
    let mut scratch = Vec::new();
    let step = Duration::from_secs(1) / FPS / SLOTS as u32;
    let mut ticks = tokio::time::interval_at(Instant::now() + step, step);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut slot, mut next) = (0, 0);
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            player = players.recv() => {
                let Some(player) = player else { return };
                // Round and round: sessions that begin together are spread over the picture's time.
                wheel[next].push(player);
                next = (next + 1) % SLOTS;
            }
            due = ticks.tick() => {
                if due.elapsed() > BEHIND_MAX {
                    // A camera does not send a burst for the seconds in which its machine stood still.
                    shared.counts.behind.add(1);
                    ticks.reset();
                }
                wheel[slot].retain_mut(|player| player.step(&shared, &mut scratch));
                slot = (slot + 1) % SLOTS;
            }
        }
    }
}

impl Player {
    /// Sends one picture; false when the session is over.
    fn step(&mut self, shared: &Shared, scratch: &mut Vec<u8>) -> bool {
        let Some(link) = self.link.upgrade().filter(|l| !l.is_over()) else { return false };
        let (lasting, once) = self.unit.faults.now();
        if once.ends != self.once.ends {
            self.once.ends = once.ends;
            link.finish(once.end.unwrap_or(super::fault::End::Rst));
            return false;
        }
        if lasting.dark {
            link.finish(super::fault::End::Rst);
            return false;
        }
        self.advance(lasting, once);
        if lasting.stall {
            return true;
        }
        self.follow(shared);
        scratch.clear();
        self.report(lasting, scratch);
        self.garbage(once, scratch);
        self.picture(shared, lasting, scratch);
        shared.counts.pictures.add(1);
        self.deliver(shared, &link, scratch)
    }

    /// Time goes on, as the camera tells it.
    fn advance(&mut self, lasting: Lasting, once: Once) {
        let ticks = if lasting.backwards { TICKS.wrapping_neg() } else { TICKS };
        self.stamp.time = self.stamp.time.wrapping_add(ticks);
        if once.jumps != self.once.jumps {
            self.once.jumps = once.jumps;
            self.stamp.time = self.stamp.time.wrapping_add_signed(once.jump_ticks);
        }
    }

    /// Another view begins with its first key picture as soon as its clip is made.
    fn follow(&mut self, shared: &Shared) {
        let view = self.unit.view(self.stream);
        if view != self.view
            && let Some(clip) = shared.clips.get(view)
        {
            (self.view, self.clip, self.at) = (view, clip, 0);
        }
    }

    fn picture(&mut self, shared: &Shared, lasting: Lasting, scratch: &mut Vec<u8>) {
        let picture = &self.clip.pictures[self.at];
        self.at = (self.at + 1) % self.clip.pictures.len();
        for i in 0..picture.packets() {
            self.stamp.seq = self.stamp.seq.wrapping_add(1);
            if lasting.loss_permille > 0 && draw(&mut self.noise) % 1_000 < u64::from(lasting.loss_permille) {
                shared.counts.lost.add(1);
                continue;
            }
            let packet = picture.packet_at(i);
            let from = scratch.len();
            scratch.extend_from_slice(packet);
            stamp(&mut scratch[from..], self.stamp);
            self.packets = self.packets.wrapping_add(1);
            self.octets = self.octets.wrapping_add((packet.len() - HEAD) as u32);
        }
    }

    /// A sender report (RFC 3550, 6.4.1) with the name of the source, at the first picture and every five seconds.
    fn report(&mut self, lasting: Lasting, scratch: &mut Vec<u8>) {
        self.sent += 1;
        if self.sent % REPORT_PICTURES != 1 {
            return;
        }
        let us = (unix_now() + lasting.clock_offset_ms * 1_000).max(0) as u64;
        let seconds = (us / 1_000_000 + NTP_EPOCH_S) as u32;
        let fraction = ((us % 1_000_000) << 32) / 1_000_000;
        let channel = self.stamp.channel + 1;
        scratch.extend_from_slice(&[b'$', channel, 0, 28 + 20, 0x80, 200, 0, 6]);
        for word in [self.stamp.source, seconds, fraction as u32, self.stamp.time, self.packets, self.octets] {
            scratch.extend_from_slice(&word.to_be_bytes());
        }
        scratch.extend_from_slice(&[0x81, 202, 0, 4]);
        scratch.extend_from_slice(&self.stamp.source.to_be_bytes());
        scratch.extend_from_slice(&[1, 8]);
        scratch.extend_from_slice(b"fenghuo\0\0\0");
    }

    fn garbage(&mut self, once: Once, scratch: &mut Vec<u8>) {
        if once.garbage != self.once.garbage {
            self.once.garbage = once.garbage;
            let noise = &mut self.noise;
            scratch.extend((0..GARBAGE).map(|_| draw(noise) as u8));
        }
    }

    fn deliver(&self, shared: &Shared, link: &Link, bytes: &[u8]) -> bool {
        match self.way {
            Way::Interleaved(_) => match link.send(bytes) {
                Sent::Taken => shared.counts.octets.add(bytes.len() as u64),
                Sent::TooSlow => {
                    shared.counts.too_slow.add(1);
                    return false;
                }
                Sent::Over => return false,
            },
            Way::Udp { rtp, rtcp } => datagrams(shared, link, (rtp, rtcp), bytes),
        }
        true
    }
}

/// Sends what was laid out for the connection as datagrams; what does not look like a packet goes as it is.
fn datagrams(shared: &Shared, link: &Link, (rtp, rtcp): (u16, u16), mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let len = match bytes {
            [b'$', 0 | 1, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => GARBAGE,
        };
        let (packet, rest) = bytes.split_at(len.min(bytes.len()));
        let report = packet[0] == b'$' && packet[1] == 1;
        let (socket, port) = if report { (&shared.rtcp, rtcp) } else { (&shared.rtp, rtp) };
        let body = if packet[0] == b'$' { &packet[4..] } else { packet };
        // A datagram the kernel does not take is lost, as on a network; it is counted.
        match socket.try_send_to(body, (link.peer.ip(), port).into()) {
            Ok(_) => shared.counts.octets.add(body.len() as u64),
            Err(_) => shared.counts.udp_refused.add(1),
        }
        bytes = rest;
    }
}

/// xorshift64*.
fn draw(noise: &mut u64) -> u64 {
    *noise ^= *noise >> 12;
    *noise ^= *noise << 25;
    *noise ^= *noise >> 27;
    noise.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 24
}
