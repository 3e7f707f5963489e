//! Encoded pictures cut into RTP packets once (RFC 6184): STAP-A for parameter sets, single NAL units, FU-A.
//! All sessions share them; a session patches sequence number, time and source into its copy of the headers.

/// RTP payload bytes in a packet; below an Ethernet frame with IP, UDP and RTP headers.
const PAYLOAD_MAX: usize = 1_400;
/// Payload type, as in the SDP.
pub(super) const PAYLOAD_TYPE: u8 = 96;
/// `$`, channel, length, and the RTP header.
pub(super) const HEAD: usize = 4 + 12;

/// What distinguishes one session's packets from another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub channel: u8,
    pub seq: u16,
    pub time: u32,
    pub source: u32,
}

/// One picture as interleaved RTP packets, headers unstamped.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// Whether a decoder can begin here.
    pub key: bool,
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Picture {
    /// Cuts one access unit into packets; parameter sets before a key picture travel in one STAP-A.
    pub fn new(nals: &[&[u8]]) -> Self {
        let key = nals.iter().any(|n| kind(n) == 5);
        let mut picture = Self { key, bytes: Vec::new(), starts: Vec::new() };
        let sets: Vec<&[u8]> = nals.iter().copied().filter(|n| matches!(kind(n), 7 | 8)).collect();
        if !sets.is_empty() {
            picture.aggregate(&sets);
        }
        for nal in nals.iter().filter(|n| !matches!(kind(n), 7..=9)) {
            if nal.len() <= PAYLOAD_MAX { picture.packet(&[], nal) } else { picture.fragment(nal) }
        }
        if let Some(&last) = picture.starts.last() {
            picture.bytes[last as usize + 5] |= 0x80;
        }
        picture
    }

    /// Packets in this picture.
    pub fn packets(&self) -> usize {
        self.starts.len()
    }

    /// The interleaved packet `i`, unstamped.
    pub fn packet_at(&self, i: usize) -> &[u8] {
        let end = self.starts.get(i + 1).map_or(self.bytes.len(), |&e| e as usize);
        &self.bytes[self.starts[i] as usize..end]
    }

    fn aggregate(&mut self, nals: &[&[u8]]) {
        let mut payload = Vec::new();
        for nal in nals {
            payload.extend_from_slice(&(nal.len() as u16).to_be_bytes());
            payload.extend_from_slice(nal);
        }
        self.packet(&[0x60 | 24], &payload);
    }

    fn fragment(&mut self, nal: &[u8]) {
        let indicator = (nal[0] & 0xe0) | 28;
        let chunks = nal[1..].chunks(PAYLOAD_MAX - 2);
        let last = chunks.len() - 1;
        for (i, chunk) in chunks.enumerate() {
            let edge = u8::from(i == 0) << 7 | u8::from(i == last) << 6;
            self.packet(&[indicator, edge | kind(nal)], chunk);
        }
    }

    fn packet(&mut self, before: &[u8], payload: &[u8]) {
        self.starts.push(self.bytes.len() as u32);
        let rtp = (12 + before.len() + payload.len()) as u16;
        self.bytes.extend_from_slice(&[b'$', 0]);
        self.bytes.extend_from_slice(&rtp.to_be_bytes());
        self.bytes.extend_from_slice(&[0x80, PAYLOAD_TYPE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(payload);
    }
}

/// Writes a session's own numbers into a copied packet.
pub(super) fn stamp(packet: &mut [u8], with: Stamp) {
    packet[1] = with.channel;
    packet[6..8].copy_from_slice(&with.seq.to_be_bytes());
    packet[8..12].copy_from_slice(&with.time.to_be_bytes());
    packet[12..16].copy_from_slice(&with.source.to_be_bytes());
}

/// NAL unit type.
pub(super) fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| b & 0x1f)
}

/// NAL units of an Annex B stream.
pub(super) fn nals(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            starts.push(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).map(|s| s - 3).chain([stream.len()]);
    // Zeros before a start code belong to it.
    let trim = |nal: &'_ [u8]| nal.iter().rposition(|&b| b != 0).map_or(0, |p| p + 1);
    starts.iter().zip(ends).map(|(&s, e)| &stream[s..s + trim(&stream[s..e])]).filter(|n| !n.is_empty()).collect()
}

/// Groups NAL units into access units: each ends with its slice (the encoder writes one slice for a picture).
pub(super) fn pictures(stream: &[u8]) -> Vec<Picture> {
    let mut pictures = Vec::new();
    let mut unit: Vec<&[u8]> = Vec::new();
    for nal in nals(stream) {
        unit.push(nal);
        if matches!(kind(nal), 1 | 5) {
            pictures.push(Picture::new(&unit));
            unit.clear();
        }
    }
    pictures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annex_b_is_split_at_both_kinds_of_start_codes() {
        let stream = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 3, 0, 0];
        assert_eq!(nals(&stream), [&[0x67, 1][..], &[0x68, 2], &[0x65, 3]]);
    }

    #[test]
    fn a_key_picture_is_a_stap_a_and_fragments() {
        let slice: Vec<u8> = std::iter::once(0x65).chain((0..3_000u32).map(|i| i as u8 | 1)).collect();
        let mut stream = vec![0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1];
        stream.extend_from_slice(&slice);
        let all = pictures(&stream);
        assert_eq!((all.len(), all[0].key, all[0].packets()), (1, true, 4));
        assert_eq!(all[0].packet_at(0)[HEAD..], [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3]);
        let mut joined = vec![0x65];
        for i in 1..4 {
            let packet = all[0].packet_at(i);
            assert_eq!(packet[HEAD], 0x7c, "FU-A with the priority of the slice");
            assert_eq!(packet[HEAD + 1], [0x85, 0x05, 0x45][i - 1]);
            assert_eq!(packet[5] & 0x80 != 0, i == 3, "the marker ends the picture");
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), packet.len() - 4);
            joined.extend_from_slice(&packet[HEAD + 2..]);
        }
        assert_eq!(joined, slice);
    }

    #[test]
    fn a_stamp_touches_only_its_fields() {
        let mut packet = Picture::new(&[&[0x41, 9]]).packet_at(0).to_vec();
        stamp(&mut packet, Stamp { channel: 2, seq: 0x0102, time: 0x0304_0506, source: 0x0708_090a });
        assert_eq!(packet, [b'$', 2, 0, 14, 0x80, 96 | 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x41, 9]);
    }
}
