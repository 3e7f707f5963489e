//! The writer's files as the reader sees them, whole, cut off anywhere, and damaged anywhere.

use std::io::Cursor;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::frame::{Codec, Track};

fn track() -> Track {
    Track {
        codec: Codec::H264,
        rfc6381: "avc1.42401e".into(),
        width: 704,
        height: 576,
        clock_hz: 90_000,
        sample_entry: Bytes::from_static(b"\x00\x00\x00\x10avc1sample!!"),
    }
}

/// A file of `fragments` fragments with three pictures each; its bytes and where each fragment ends.
fn file(fragments: u32) -> (Vec<u8>, Vec<u64>) {
    let track = track();
    let mut bytes = init_segment(&[Layout { entries: &[&track], hidden: 0 }]);
    let mut ends = Vec::new();
    for n in 0..fragments {
        let samples: Vec<RunSample> =
            (0..3).map(|i| RunSample { duration: 3_600, bytes: 10 + i, key: i == 0 }).collect();
        let run = Run { track: VIDEO, entry: 1, time: u64::from(n) * 10_800, samples: &samples };
        bytes.extend(fragment_head(n + 1, &[run]));
        bytes.extend(vec![n as u8; 33]);
        ends.push(bytes.len() as u64);
    }
    (bytes, ends)
}

#[test]
fn what_is_written_is_read() {
    let (bytes, ends) = file(4);
    let (init, fragments, whole) = scan(&mut Cursor::new(&bytes)).unwrap();
    assert_eq!(init.tracks, [(VIDEO, 90_000, track().sample_entry.to_vec())]);
    assert_eq!(fragments.iter().map(|f| f.range.end).collect::<Vec<_>>(), ends);
    assert_eq!((whole, fragments[3].tracks[0].time), (bytes.len() as u64, 32_400));
    assert!(fragments.iter().all(|f| f.begins_with_key() && f.tracks[0].duration() == 10_800));
}

#[test]
fn a_file_cut_off_anywhere_keeps_every_whole_fragment() {
    let (bytes, ends) = file(3);
    let init = read_init(&mut Cursor::new(&bytes)).unwrap().bytes.len();
    for length in 0..=bytes.len() {
        let kept = ends.iter().filter(|e| **e <= length as u64).count();
        match scan(&mut Cursor::new(&bytes[..length])) {
            Ok((_, fragments, whole)) => {
                assert_eq!(fragments.len(), kept, "cut at {length}");
                assert!(whole <= length as u64);
            }
            Err(ReadError::Damaged { .. }) => assert!(length < init, "cut at {length}"),
            Err(error) => panic!("cut at {length}: {error}"),
        }
    }
}

proptest! {
    #[test]
    fn no_damage_makes_the_reader_panic_or_read_beyond_the_file(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (mut bytes, _) = file(3);
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok((_, fragments, whole)) = scan(&mut Cursor::new(&bytes)) {
            prop_assert!(whole <= bytes.len() as u64);
            prop_assert!(fragments.iter().all(|f| f.range.end <= bytes.len() as u64));
        }
    }
}
