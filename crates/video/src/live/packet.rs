//! What goes over the wire: a head of 24 bytes, big-endian, then the payload.
//!
//! | byte | what |
//! |---|---|
//! | 0 | kind: 1 beginning of an MP4, 2 one frame as an MP4 fragment, 3 decoder's parameters, 4 one frame as it is, 5 JPEG |
//! | 1 | flags: 1 key frame, 2 from the cache (older than now), 4 frames before it were dropped |
//! | 2..4 | tile |
//! | 4..8 | number of the frame within its stream; a leap is what was dropped |
//! | 8..16 | when the server received it, microseconds since the epoch |
//! | 16..24 | its time in the media, microseconds; counts on over reconnections |

use bytes::Bytes;

/// Bytes before the payload.
pub const HEAD: usize = 24;
/// Can be decoded alone.
pub const KEY: u8 = 1;
/// Sent from the cache to a viewer that has just come.
pub const CACHED: u8 = 2;
/// Frames before it were dropped because the viewer was slow.
pub const DROPPED: u8 = 4;

/// What the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `ftyp` and `moov`.
    Init = 1,
    /// `moof` and `mdat` with one frame.
    Fragment = 2,
    /// `avcC` or `hvcC`.
    Parameters = 3,
    /// One frame, each NAL unit behind its length in four bytes.
    Frame = 4,
    /// A JPEG picture.
    Picture = 5,
}

/// One message of a page's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// See the module.
    pub head: [u8; HEAD],
    /// The payload, in two parts that follow each other.
    pub parts: [Bytes; 2],
}

impl Packet {
    /// Bytes of the whole message.
    pub fn len(&self) -> usize {
        HEAD + self.parts.iter().map(Bytes::len).sum::<usize>()
    }

    /// Never: a head is always there.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// The head of a packet.
pub fn head(kind: Kind, flags: u8, tile: u16, number: u32, (received_us, media_us): (i64, i64)) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[0] = kind as u8;
    head[1] = flags;
    head[2..4].copy_from_slice(&tile.to_be_bytes());
    head[4..8].copy_from_slice(&number.to_be_bytes());
    head[8..16].copy_from_slice(&received_us.to_be_bytes());
    head[16..24].copy_from_slice(&media_us.to_be_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The console reads this layout: `dashboards/console/src/video/packet.ts`.
    #[test]
    fn the_head_as_the_console_reads_it() {
        let head = head(Kind::Fragment, KEY | DROPPED, 258, 7, (0x0102_0304_0506_0708, 9));
        let expected = [2, 5, 1, 2, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(head, expected);
    }
}
