//! The error table of payloads: exact codes, both languages, what is kept and what is refused.

use ingest::payload::{self, Arrival, Mappings, Sensor};
use ingest::{Code, Refusal};
use model::{GatewayIndex, Quality, Reading, ReadingFlags, TagIndex};

use crate::rig::{self, NOW};

const ARRIVAL: Arrival = Arrival { gateway: GatewayIndex(1), now: NOW };

fn read(text: &[u8]) -> (Vec<Reading>, Vec<Refusal>, u64, u64) {
    let directory = rig::directory();
    let sensor = Sensor::new(TagIndex(0), directory.get(TagIndex(0)).unwrap());
    let mut out = Vec::new();
    if let Some(n) = payload::decode(text, &sensor, ARRIVAL, &mut out) {
        return (out, Vec::new(), n.into(), 0);
    }
    assert!(out.is_empty(), "the fast path must leave nothing behind");
    let outcome = payload::explain(text, &sensor, "ppm", ARRIVAL, &mut out);
    let refused: u64 = outcome.refused.iter().map(|(_, n)| n).sum();
    assert_eq!(outcome.offered, outcome.accepted + refused, "offered = accepted + refused");
    assert_eq!(out.len() as u64, outcome.accepted);
    (out, outcome.notes, outcome.offered, refused)
}

/// One payload, its one code, how many readings come of it, and words that must be in both messages.
#[track_caller]
fn check(text: &str, code: Code, kept: usize, words: &[&str]) {
    let (out, notes, ..) = read(text.as_bytes());
    let shown = &text[..text.len().min(60)];
    assert_eq!(notes.first().map(|n| n.code), Some(code), "{shown}");
    assert_eq!(out.len(), kept, "{shown}");
    let note = &notes[0];
    assert!(note.message_zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", note.message_zh);
    assert!(note.message_en.is_ascii() || note.message_en.contains('…'), "{}", note.message_en);
    for word in words {
        assert!(note.message_en.contains(word), "{word} in {}", note.message_en);
        assert!(note.message_zh.contains(word), "{word} in {}", note.message_zh);
    }
    assert!(note.reason_string().starts_with(code.as_str()));
}

#[test]
fn rows_7_to_19() {
    check("hello", Code::PayloadFormat, 0, &["0", "hello"]);
    check(r#"{"v":1"#, Code::PayloadFormat, 0, &["6"]);
    check(r#"{"v":1} x"#, Code::PayloadFormat, 0, &["8"]);
    check(r#"{"v":01}"#, Code::PayloadFormat, 0, &["5"]);
    check("", Code::PayloadFormat, 0, &["0"]);
    check("[]", Code::PayloadFormat, 0, &[]);
    check("12.5", Code::PayloadFormat, 0, &[]);
    check(r#"{"v":1,"q":"fine"}"#, Code::PayloadFormat, 0, &["q"]);
    check(r#"{"v":1,"seq":-1}"#, Code::PayloadFormat, 0, &["seq"]);
    check(r#"{"v":NaN}"#, Code::ValueNotFinite, 1, &["NaN"]);
    check(r#"{"v":Infinity}"#, Code::ValueNotFinite, 1, &["Infinity"]);
    check(r#"{"v":-Infinity}"#, Code::ValueNotFinite, 1, &["-Infinity"]);
    check(r#"{"v":1e999}"#, Code::ValueNotFinite, 1, &["1e999"]);
    check(r#"{"v":null}"#, Code::ValueNotFinite, 1, &["null"]);
    check(r#"{"v":"12,5"}"#, Code::ValueType, 0, &["12,5"]);
    check(r#"{"v":[1]}"#, Code::ValueType, 0, &["array"]);
    check(r#"{"ts":1}"#, Code::ValueType, 0, &["v"]);
    check(r#"{"v":1,"unit":"%LEL"}"#, Code::UnitMismatch, 0, &["ppm", "%LEL"]);
    check(r#"{"v":501}"#, Code::ValueOverRange, 1, &["501", "500"]);
    check(r#"{"v":1,"ts":0}"#, Code::TsImplausible, 1, &["0"]);
    check(r#"{"v":1,"ts":1827187200000}"#, Code::TsImplausible, 1, &["1827187200000"]);
    check(r#"{"v":1,"ts":1795651200}"#, Code::TsImplausible, 1, &[]);
    check(r#"{"v":1,"ts":"2026-11-26T08:00:00"}"#, Code::TsNoZone, 1, &["2026-11-26T08:00:00", "+08:00"]);
    check(r#"{"v":1,"ts":"yesterday"}"#, Code::PayloadFormat, 0, &["ts"]);
    let many = format!("[{}]", vec![r#"{"v":1}"#; 1_001].join(","));
    check(&many, Code::BatchTooLarge, 0, &["1000"]);
    check(&"[".repeat(10_000), Code::JsonDepth, 0, &["32"]);
    check(&format!("{}1{}", r#"{"v":"#.repeat(33), "}".repeat(33)), Code::JsonDepth, 0, &["32"]);
    check(r#"{"v":1,"v":2}"#, Code::JsonDupKey, 0, &["v"]);
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_offset() {
    let (out, notes, ..) = read(b"{\"v\":\xff}");
    assert!(out.is_empty());
    assert_eq!(notes[0].code, Code::PayloadFormat);
    assert!(
        notes[0].message_en.contains("at byte 5") && notes[0].message_en.contains("\\xff"),
        "{}",
        notes[0].message_en
    );
}

#[track_caller]
fn check_good(text: &str, want: (f64, i64, Quality, u64, ReadingFlags)) {
    let (out, notes, offered, refused) = read(text.as_bytes());
    assert_eq!((notes.len(), offered, refused), (0, 1, 0), "{text}: {notes:?}");
    let r = out[0];
    assert_eq!((r.value, r.source_time.0, r.quality, r.seq, r.flags), want, "{text}");
    assert_eq!((r.server_time, r.gateway, r.tag), (NOW, GatewayIndex(1), TagIndex(0)));
}

#[test]
fn what_is_right_is_read_right() {
    let none = ReadingFlags::default();
    let at = NOW.0;
    check_good(r#"{"ts":1795651200000,"v":12.5,"q":"good","seq":7}"#, (12.5, at, Quality::Good, 7, none));
    check_good(r#" { "v" : 0.25e1 , "ts" : "2026-11-26T08:00:00+08:00" } "#, (2.5, at, Quality::Good, 0, none));
    check_good(r#"{"v":true,"q":"uncertain"}"#, (1.0, at, Quality::Uncertain, 0, ReadingFlags::NO_SOURCE_TIME));
    check_good(
        r#"{"v":0.1,"extra":{"a":[1]},"unit":"ppm"}"#,
        (0.1, at, Quality::Good, 0, ReadingFlags::NO_SOURCE_TIME),
    );
    check_good(
        r#"{"v":123.456789012345678}"#,
        (123.45678901234568, at, Quality::Good, 0, ReadingFlags::NO_SOURCE_TIME),
    );
    check_good(
        r#"{"v":5,"seq":18446744073709551615}"#,
        (5.0, at, Quality::Good, u64::MAX, ReadingFlags::NO_SOURCE_TIME),
    );
}

#[test]
fn an_array_keeps_its_good_elements_and_counts_the_others() {
    let (out, notes, offered, refused) = read(br#"[{"v":1},{"v":"x"},{"v":3},{"v":NaN}]"#);
    assert_eq!((out.len(), offered, refused), (3, 4, 1));
    assert_eq!(
        notes.iter().map(|n| (n.code, n.field.as_str())).collect::<Vec<_>>(),
        [(Code::ValueType, "[1].v"), (Code::ValueNotFinite, "[3].v")]
    );
    assert_eq!((out[2].quality, out[2].flags.has(ReadingFlags::NOT_FINITE)), (Quality::Bad, true));
}

#[test]
fn the_fast_and_the_strict_path_agree() {
    let directory = rig::directory();
    let sensor = Sensor::new(TagIndex(1), directory.get(TagIndex(1)).unwrap());
    for text in [
        "{\"v\":1}",
        "[{\"v\":1.25,\"ts\":1795651200123},{\"v\":-3,\"seq\":9,\"q\":\"bad\"}]",
        "{\"v\":1e-3}",
        "{\"v\":9007199254740993}",
    ] {
        let (mut fast, mut strict) = (Vec::new(), Vec::new());
        assert!(payload::decode(text.as_bytes(), &sensor, ARRIVAL, &mut fast).is_some(), "{text}");
        payload::explain(text.as_bytes(), &sensor, "", ARRIVAL, &mut strict);
        assert_eq!(fast, strict, "{text}");
    }
}

#[test]
fn mapped_payloads() {
    let mappings: Mappings = rig::mappings();
    let mapped = mappings.resolve("gw/plant-a/1/data", &rig::directory()).unwrap();
    let (mut out, mut unknown) = (Vec::new(), Vec::new());
    let text = br#"{"t":1795651200000,"seq":4,"d":{"nh3":125,"valve":true,"new":7}}"#;
    let outcome = mapped.read(text, ARRIVAL, &mut out, &mut |tag, value| unknown.push((tag.to_owned(), value)));
    assert_eq!((outcome.offered, outcome.accepted), (3, 2));
    assert_eq!(
        out.iter().map(|r| (r.tag.0, r.value, r.seq, r.source_time)).collect::<Vec<_>>(),
        [(0, 12.5, 4, NOW), (1, 1.0, 4, NOW)]
    );
    assert_eq!(unknown, [("new-1".to_owned(), Some(7.0))]);
    assert!(mappings.resolve("gw/plant-a/1/other", &rig::directory()).is_none());
    let outcome = mapped.read(b"{}", ARRIVAL, &mut out, &mut |_, _| {});
    assert_eq!(outcome.refused, [(Code::PayloadFormat, 1)]);
}
