//! The codec of recorded inputs: what went in comes out; other bytes give an error with a position, never a panic.

use engine::{AlarmAction, Command, CommandKind, Event};
use model::{Actor, GatewayIndex, Quality, Reading, ReadingFlags, TagIndex, Time};
use proptest::prelude::*;

use super::journal::inputs;
use crate::{InputLog, InputReader, RecordedInput};

fn any_reading() -> impl Strategy<Value = Reading> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u64>(), any::<i64>(), any::<i64>());
    let rest = (prop_oneof![Just(0u64), 1..5u64, any::<u64>()], 0..3u8, any::<u8>());
    (numbers, rest).prop_map(|((tag, gateway, bits, source, server), (seq, quality, flags))| Reading {
        tag: TagIndex(tag),
        gateway: GatewayIndex(gateway),
        value: f64::from_bits(bits),
        source_time: Time(source),
        server_time: Time(server),
        seq,
        quality: Quality::from_u8(quality),
        flags: ReadingFlags(flags),
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let restarted = (any::<i64>(), any::<i64>());
    prop_oneof![
        8 => any_reading().prop_map(Event::Reading),
        1 => Just(Event::Tick),
        1 => restarted.prop_map(|(a, b)| Event::Restarted { down_at: Time(a), up_at: Time(b) }),
        1 => ".*".prop_map(|note| Event::Operator(Command {
            actor: Actor::system(),
            key: note.clone(),
            kind: CommandKind::Alarm {
                alarm: alarm::AlarmId(7),
                seq: 9,
                action: AlarmAction::Acknowledge { note },
            },
        })),
    ]
}

/// Values compared by their bits: NaN must come back too.
fn debug(inputs: &[RecordedInput]) -> Vec<String> {
    let bits = |event: &Event| match event {
        Event::Reading(reading) => reading.value.to_bits(),
        _ => 0,
    };
    inputs.iter().map(|input| format!("{input:?} {:x}", bits(&input.event))).collect()
}

proptest! {
    #[test]
    fn what_went_in_comes_out(events in prop::collection::vec((any::<i64>(), any_event()), 0..60)) {
        let mut log = InputLog::new();
        let mut expected = Vec::new();
        for (now, event) in events {
            log.push(Time(now), &event).expect("encodes");
            expected.push(RecordedInput { now: Time(now), event });
        }
        let read: Result<Vec<_>, _> = InputReader::new(log.bytes()).expect("a batch").collect();
        prop_assert_eq!(debug(&read.expect("reads")), debug(&expected));
    }

    #[test]
    fn any_bytes_end_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), whole in any::<bool>()) {
        let mut bytes = bytes;
        if whole {
            bytes.splice(0..0, [0xF1, 1]);
        }
        if let Ok(reader) = InputReader::new(&bytes) {
            for input in reader {
                if let Err(damage) = input {
                    prop_assert!(damage.position <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_damaged_batch_ends_without_a_panic(at in 0..2_000usize, with in any::<u8>()) {
        let (log, _) = inputs(0..120);
        let mut bytes = log.bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= with;
        if let Ok(reader) = InputReader::new(&bytes) {
            prop_assert!(reader.count() <= bytes.len());
        }
    }
}

/// The format on disk. If this fails, journals in the field cannot be read: add a version, do not change the file.
#[test]
fn format_version_1_is_what_it_was() {
    let (log, expected) = inputs(0..20);
    let golden = include_str!("golden/inputs-v1.hex").trim();
    assert_eq!(crate::audit::hex(log.bytes()), golden);
    let byte = |i: usize| u8::from_str_radix(&golden[i..i + 2], 16).expect("hexadecimal");
    let bytes: Vec<u8> = (0..golden.len()).step_by(2).map(byte).collect();
    let read: Result<Vec<_>, _> = InputReader::new(&bytes).expect("a batch").collect();
    assert_eq!(read.expect("reads"), expected);
}

#[test]
fn a_reading_of_the_plant_takes_at_most_20_bytes() {
    let mut log = InputLog::new();
    for n in 0..1_000i64 {
        let now = Time(1_700_000_000_000_000 + n / 200 * 20_000);
        log.push_reading(
            now,
            &Reading {
                tag: TagIndex((n * 7_919 % 100_000) as u32),
                gateway: GatewayIndex((n / 20) as u32),
                value: n as f64 / 100.0,
                source_time: Time(now.0 - 3_000 - n % 5_000),
                server_time: Time(now.0 - n % 200),
                seq: n as u64,
                quality: Quality::Good,
                flags: ReadingFlags::default(),
            },
        );
    }
    assert!(log.len() <= 20_000, "{} bytes for 1,000 readings", log.len());
}
