//! Fan-out: every frame is encoded and framed once; clients read from shared rings with their own cursors.
//! A slow client costs no memory: it falls off the ring and is told where to resume.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::Notify;

/// Settled frames kept for clients that lag or resume without a look into the journal.
pub const RING_FRAMES: usize = 16_384;
/// Bytes of them; a hand-over in a flood is hundreds of kilobytes a frame, and sixteen thousand of those would be gigabytes.
const RING_BYTES: usize = 64 << 20;
/// Taken by one client at once.
const BATCH_BYTES: usize = 256 * 1024;
/// Provisional frames kept; a disk that stalls longer shows only the newest of them.
const PROVISIONAL_FRAMES: usize = 4_096;

/// Frames with consecutive numbers.
#[derive(Debug)]
struct Ring {
    first: u64,
    frames: VecDeque<Kept>,
    max: usize,
    bytes: usize,
}

/// A frame, and the party that may see it besides the hall's staff; empty: none.
#[derive(Clone, Debug)]
struct Kept {
    bytes: Bytes,
    party: Arc<str>,
}

impl Ring {
    fn new(first: u64, max: usize) -> Self {
        Self { first, frames: VecDeque::new(), max, bytes: 0 }
    }

    /// The newest frame always stays.
    fn push(&mut self, frame: Kept) {
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.frames.len() > self.max || (self.bytes > RING_BYTES && self.frames.len() > 1) {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
            self.first += 1;
        }
    }

    /// Number the next pushed frame gets.
    fn next(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// Appends frames from `cursor` on, at most [`BATCH_BYTES`], and moves the cursor; of a party, only its own. False:
    /// fallen off.
    fn copy_from(&self, cursor: &mut u64, party: Option<&str>, out: &mut Vec<u8>) -> bool {
        if *cursor < self.first {
            return false;
        }
        for frame in self.frames.iter().skip((*cursor - self.first) as usize) {
            let for_it = party.is_none_or(|p| p == &*frame.party);
            if for_it && !out.is_empty() && out.len() + frame.bytes.len() > BATCH_BYTES {
                break;
            }
            if for_it {
                out.extend_from_slice(&frame.bytes);
            }
            *cursor += 1;
        }
        true
    }
}

#[derive(Debug)]
struct Rings {
    settled: Ring,
    /// Its numbers are its own; each entry carries the stream number it is a preview of.
    provisional: Ring,
    provisional_seqs: VecDeque<u64>,
    beat: Bytes,
    beats: u64,
}

/// The shared side of the stream.
#[derive(Debug)]
pub struct Hub {
    rings: RwLock<Rings>,
    news: Notify,
}

/// Where one client stands.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// Next settled number to send.
    pub settled: u64,
    provisional: u64,
    beats: u64,
}

/// The client lags so far that the ring no longer has its next frame.
#[derive(Debug, PartialEq, Eq)]
pub struct FellBehind;

impl Hub {
    /// A hub whose next settled frame will have number `next_seq`.
    pub fn new(next_seq: u64) -> Self {
        Self {
            rings: RwLock::new(Rings {
                settled: Ring::new(next_seq, RING_FRAMES),
                provisional: Ring::new(0, PROVISIONAL_FRAMES),
                provisional_seqs: VecDeque::new(),
                beat: Bytes::new(),
                beats: 0,
            }),
            news: Notify::new(),
        }
    }

    /// Publishes settled frames with consecutive numbers: whole JSON objects, each with the party that may see it besides
    /// the hall's staff; an empty party: nobody.
    pub fn publish<'a>(&self, frames: impl Iterator<Item = (&'a str, &'a str)>) {
        let nobody: Arc<str> = "".into();
        let mut rings = self.rings.write();
        for (text, party) in frames {
            let party = if party.is_empty() { nobody.clone() } else { party.into() };
            rings.settled.push(Kept { bytes: frame(text), party });
        }
        drop(rings);
        self.news.notify_waiters();
    }

    /// Publishes previews of frames that are not yet durable, with their stream numbers.
    pub fn publish_provisional<'a>(&self, texts: impl Iterator<Item = (u64, &'a str)>) {
        let nobody: Arc<str> = "".into();
        let mut rings = self.rings.write();
        for (seq, text) in texts {
            rings.provisional.push(Kept { bytes: frame(text), party: nobody.clone() });
            rings.provisional_seqs.push_back(seq);
            if rings.provisional_seqs.len() > PROVISIONAL_FRAMES {
                rings.provisional_seqs.pop_front();
            }
        }
        drop(rings);
        self.news.notify_waiters();
    }

    /// Publishes a heartbeat; only the newest is kept.
    pub fn beat(&self, text: &str) {
        let mut rings = self.rings.write();
        rings.beat = frame(text);
        rings.beats += 1;
        drop(rings);
        self.news.notify_waiters();
    }

    /// Oldest settled number the ring still has, and the newest (one less than the next).
    pub fn range(&self) -> (u64, u64) {
        let rings = self.rings.read();
        (rings.settled.first, rings.settled.next() - 1)
    }

    /// A cursor whose next settled frame is `next`. Previews of frames at or after it are sent again.
    pub fn cursor(&self, next: u64) -> Cursor {
        let rings = self.rings.read();
        Cursor { settled: next, provisional: rings.provisional.first, beats: rings.beats }
    }

    /// Resolves when something was published after the call to this function.
    pub fn news(&self) -> tokio::sync::futures::Notified<'_> {
        self.news.notified()
    }

    /// Appends everything new for this cursor to `out`, at most 256 KiB (but at least one frame); of a party, only what
    /// is its own, and no previews. Previews come before settled frames, the heartbeat last, so that it never runs ahead of what it counts.
    ///
    /// # Errors
    /// [`FellBehind`]: the client must resume from the journal.
    pub fn drain(&self, cursor: &mut Cursor, party: Option<&str>, out: &mut Vec<u8>) -> Result<(), FellBehind> {
        let rings = self.rings.read();
        if party.is_none() {
            rings.previews(cursor, out);
        }
        if !rings.settled.copy_from(&mut cursor.settled, party, out) {
            return Err(FellBehind);
        }
        if cursor.settled == rings.settled.next() && cursor.beats != rings.beats {
            cursor.beats = rings.beats;
            out.extend_from_slice(&rings.beat);
        }
        Ok(())
    }
}

impl Rings {
    /// Previews of frames this client has not had settled.
    fn previews(&self, cursor: &mut Cursor, out: &mut Vec<u8>) {
        let skip = cursor.provisional.saturating_sub(self.provisional.first) as usize;
        for (seq, frame) in self.provisional_seqs.iter().zip(&self.provisional.frames).skip(skip) {
            if *seq >= cursor.settled {
                out.extend_from_slice(&frame.bytes);
            }
        }
        cursor.provisional = self.provisional.next();
    }
}

/// Opcodes of RFC 6455 §5.2.
const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;

/// The head of a server-to-client frame, RFC 6455 §5.2: FIN, no mask.
pub(crate) fn frame_head(out: &mut Vec<u8>, opcode: u8, length: usize) {
    out.push(0x80 | opcode);
    match length {
        0..=125 => out.push(length as u8),
        126..=0xFFFF => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// A server-to-client text frame.
pub fn frame(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 10);
    frame_head(&mut out, TEXT, text.len());
    out.extend_from_slice(text.as_bytes());
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(hub: &Hub, cursor: &mut Cursor) -> String {
        let mut out = Vec::new();
        hub.drain(cursor, None, &mut out).unwrap();
        out.iter().filter(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).map(|b| char::from(*b)).collect()
    }

    #[test]
    fn a_client_gets_exactly_what_it_lacks_in_order() {
        let hub = Hub::new(5);
        hub.publish([("f5", ""), ("f6", "")].into_iter());
        let mut late = hub.cursor(6);
        assert_eq!(drained(&hub, &mut late), "f6");
        hub.publish([("f7", "")].into_iter());
        hub.beat("b");
        assert_eq!(drained(&hub, &mut late), "f7b");
        assert_eq!(drained(&hub, &mut late), "");
    }

    #[test]
    fn a_preview_comes_before_its_settled_frame_and_never_after() {
        let hub = Hub::new(1);
        let (mut early, mut late) = (hub.cursor(1), hub.cursor(1));
        hub.publish_provisional([(1, "p1")].into_iter());
        assert_eq!(drained(&hub, &mut early), "p1");
        hub.publish([("s1", "")].into_iter());
        assert_eq!(drained(&hub, &mut early), "s1");
        assert_eq!(drained(&hub, &mut late), "p1s1");
        let mut fresh = hub.cursor(2);
        assert_eq!(drained(&hub, &mut fresh), "");
    }

    #[test]
    fn a_client_that_fell_off_the_ring_is_told() {
        let hub = Hub::new(1);
        let mut cursor = hub.cursor(1);
        hub.publish((0..=RING_FRAMES).map(|_| ("x", "")));
        assert_eq!(hub.drain(&mut cursor, None, &mut Vec::new()), Err(FellBehind));
    }

    #[test]
    fn large_frames_do_not_fill_the_memory() {
        let hub = Hub::new(1);
        let large = "a".repeat(1 << 20);
        hub.publish((0..100).map(|_| (large.as_str(), "")));
        assert_eq!(hub.range(), (38, 100));
        let mut cursor = hub.cursor(37);
        assert_eq!(hub.drain(&mut cursor, None, &mut Vec::new()), Err(FellBehind));
        hub.publish([("a".repeat(RING_BYTES).as_str(), "")].into_iter());
        assert_eq!(hub.range(), (101, 101));
    }

    #[test]
    fn the_byte_limit_holds_but_one_frame_always_goes() {
        let hub = Hub::new(1);
        let large = "a".repeat(BATCH_BYTES);
        hub.publish([(large.as_str(), ""), ("bbbb", "")].into_iter());
        let mut cursor = hub.cursor(1);
        let mut out = Vec::new();
        hub.drain(&mut cursor, None, &mut out).unwrap();
        assert_eq!((out.len(), cursor.settled), (BATCH_BYTES + 10, 2));
    }

    #[test]
    fn a_party_sees_its_own_frames_only_and_its_cursor_passes_the_others() {
        let hub = Hub::new(1);
        hub.publish_provisional([(1, "p1")].into_iter());
        hub.publish([("f1", ""), ("f2", "brigade-1"), ("f3", "brigade-2")].into_iter());
        let (mut cursor, mut out) = (hub.cursor(1), Vec::new());
        hub.drain(&mut cursor, Some("brigade-1"), &mut out).unwrap();
        assert_eq!((out, cursor.settled), (frame("f2").to_vec(), 4));
    }
}
