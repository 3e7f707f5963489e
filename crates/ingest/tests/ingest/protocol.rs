//! The protocol table: malformed input, behaviour while a commit is pending, and the traps, on the pure session.

use ingest::mqtt::{Limits, Loss, Session, SessionRecord, Step};
use model::Time;

use crate::rig::{Bench, NOW, pen};

const GOOD: &str = r#"{"v":12.5}"#;
const TOPIC: &str = "fh/v1/plant-a/nh3-1";

/// Bytes after a granted CONNECT of this level end the session; MQTT 5 says why.
#[track_caller]
fn fatal(level: u8, bytes: &[u8], reason: u8) {
    let mut bench = Bench::open(level);
    bench.feed(bytes);
    assert!(bench.session.is_closing(), "must close: {bytes:02x?}");
    let sent = bench.sent();
    match level {
        5 => assert_eq!((sent[0], sent[2]), (0xe0, reason), "{bytes:02x?} -> {sent:02x?}"),
        _ => assert!(sent.is_empty(), "MQTT 3 is told nothing: {sent:02x?}"),
    }
}

#[test]
fn malformed_packets_close() {
    for level in [4, 5] {
        fatal(level, &pen::publish(level, 0x36, TOPIC, 1, GOOD), 0x81); // QoS 3
        fatal(level, &pen::publish(level, 0x38, TOPIC, 0, GOOD), 0x81); // DUP with QoS 0
        fatal(level, &pen::publish(level, 0x32, TOPIC, 0, GOOD), 0x82); // packet id 0
        fatal(level, &[0xc0, 1, 0], 0x81); // PINGREQ with a body
        fatal(level, &[0x30, 0xff, 0xff, 0xff, 0x7f], 0x95); // 268,435,455 bytes
        fatal(level, &[0x30, 0x80, 0x00], 0x81); // length not minimal
        fatal(level, &[0x30, 0xff, 0xff, 0xff, 0xff, 1], 0x81); // length of five bytes
        fatal(level, &pen::connect(level, 2, "c", &[]), 0x82); // second CONNECT
        fatal(level, &[0x00, 0], 0x81); // reserved type
        fatal(level, &[0xd0, 0], 0x82); // PINGRESP from a client
        fatal(level, &[0x30, 1, 0], 0x81); // too short for a topic
        fatal(level, &[0x30, 3, 0, 9, b'a'], 0x81); // topic longer than the packet
        fatal(level, &[0x60, 2, 0, 1], 0x81); // PUBREL without its reserved flags
        fatal(level, &pen::packet(0x82, &[0, 1]), 0x81); // SUBSCRIBE without a filter
    }
    fatal(4, &pen::subscribe(4, "fenghuo/out/plant-a/#", 3), 0);
    fatal(4, &pen::subscribe(4, "fenghuo/out/plant-a/#", 0x40), 0);
    fatal(4, &[0xe0, 1, 0], 0);
    fatal(5, &pen::subscribe(5, "fenghuo/out/plant-a/#", 0xc0), 0x81);
    fatal(5, &pen::publish_with(5, 0x30, TOPIC, 0, &[0x0b, 1], GOOD), 0x82); // subscription id from a client
    fatal(5, &pen::publish_with(5, 0x30, TOPIC, 0, &[0x23, 0, 0], GOOD), 0x94); // alias 0
    fatal(5, &pen::publish_with(5, 0x30, TOPIC, 0, &[0x23, 0xff, 0xff], GOOD), 0x94);
    fatal(5, &pen::publish_with(5, 0x30, "", 0, &[0x23, 0, 1], GOOD), 0x94); // alias never set
    fatal(5, &pen::publish_with(5, 0x30, TOPIC, 0, &[0x7e, 1], GOOD), 0x81); // unknown property
    fatal(5, &[0xf0, 0], 0x82); // AUTH
}

/// A CONNECT is refused: these bytes are sent, and the session ends without a login.
#[track_caller]
fn no_entry(bytes: &[u8], head: &[u8]) {
    let mut bench = Bench::new(Limits::default());
    bench.feed(bytes);
    assert!(bench.session.is_closing(), "{bytes:02x?}");
    let sent = bench.sent();
    assert!(sent.starts_with(head) && sent.is_empty() == head.is_empty(), "{bytes:02x?} -> {sent:02x?}");
}

#[test]
fn wrong_connects_are_refused() {
    no_entry(&pen::publish(4, 0x30, TOPIC, 0, GOOD), &[]); // not CONNECT
    no_entry(b"GET / HTTP/1.1\r\n\r\n", &[]);
    no_entry(&[0x16, 3, 1, 0x80, 0], &[]); // TLS on the plain port
    no_entry(&pen::packet(0x10, b"\0\x04MQTX\x04\x02\0\x3c\0\x01c"), &[]);
    no_entry(&pen::connect(3, 2, "c", &[]), &[0x20, 2, 0, 1]); // level 3 with the name of level 4
    no_entry(&pen::connect(6, 2, "c", &[]), &[0x20]);
    no_entry(&pen::connect(4, 3, "c", &[]), &[]); // reserved flag
    no_entry(&pen::connect(4, 2, "c", b"x"), &[]); // bytes after CONNECT
    no_entry(&pen::connect(4, 0x42, "c", &pen::text("secret")), &[]); // password without user
    no_entry(&pen::connect(4, 0x0a, "c", &[]), &[]); // will QoS without will
    no_entry(&pen::connect(4, 0, "", &[]), &[0x20, 2, 0, 2]); // empty id that wants a session
    no_entry(&pen::connect(5, 3, "c", &[]), &[0x20]);
    let will = [vec![0], pen::text("fh/v1/plant-b/dust-1"), pen::text(GOOD)].concat();
    no_entry(&pen::connect(4, 6, "c", &will[1..]), &[0x20, 2, 0, 5]); // will for another firm
    let mut bench = Bench::new(Limits::default());
    bench.feed(&pen::connect(5, 6, "c", &will));
    assert_eq!(bench.sent()[3], 0x87);
}

#[test]
fn nothing_is_acknowledged_before_the_commit_and_then_in_order() {
    for level in [4, 5] {
        let mut bench = Bench::open(level);
        for id in [5, 9, 7] {
            bench.feed(&pen::publish(level, 0x32, TOPIC, id, GOOD));
        }
        assert!(bench.sent().is_empty());
        bench.feed(&[0xc0, 0]);
        assert_eq!(bench.sent(), [0xd0, 0], "PINGREQ is answered at once");
        bench.session.committed(2, &mut bench.out);
        assert_eq!(bench.sent(), [0x40, 2, 0, 5, 0x40, 2, 0, 9]);
        bench.commit();
        assert_eq!(bench.sent(), [0x40, 2, 0, 7]);
        assert_eq!(bench.readings.len(), 3);
    }
}

#[test]
fn a_repeated_packet_id_is_answered_twice() {
    let mut bench = Bench::open(4);
    bench.feed(&pen::publish(4, 0x32, TOPIC, 5, GOOD));
    bench.feed(&pen::publish(4, 0x3a, TOPIC, 5, GOOD));
    bench.commit();
    assert_eq!(bench.sent(), [0x40, 2, 0, 5, 0x40, 2, 0, 5]);
}

#[test]
fn a_foreign_topic_is_refused_in_order() {
    let mut bench = Bench::open(5);
    for (id, topic) in [(1, TOPIC), (2, "fh/v1/plant-b/dust-1"), (3, TOPIC)] {
        bench.feed(&pen::publish(5, 0x32, topic, id, GOOD));
    }
    assert_eq!(bench.codes(), ["TOPIC_NOT_YOURS"]);
    bench.commit();
    let sent = bench.sent();
    assert_eq!(sent[..4], [0x40, 2, 0, 1]);
    assert_eq!((sent[4], sent[8], sent[9]), (0x40, 2, 0x87));
    assert!(String::from_utf8_lossy(&sent).contains("TOPIC_NOT_YOURS topic fh/v1/plant-b/dust-1 does not belong"));
    assert_eq!(sent[sent.len() - 4..], [0x40, 2, 0, 3]);
    assert_eq!((bench.offered, bench.readings.len() as u64 + bench.refused), (3, 3));
}

#[test]
fn mqtt_3_is_acknowledged_counted_and_cut_after_three_foreign_topics() {
    let mut bench = Bench::open(4);
    for id in 1..=3 {
        assert!(!bench.session.is_closing());
        bench.feed(&pen::publish(4, 0x32, "fh/v1/plant-b/dust-1", id, GOOD));
    }
    assert!(bench.session.is_closing());
    bench.commit();
    assert_eq!(bench.sent(), [0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 0, 3]);
    assert_eq!((bench.offered, bench.refused), (3, 3));
}

#[test]
fn reason_codes_of_refused_messages() {
    for (topic, payload, code, reason) in [
        ("fh/v1/plant-a/nh3-9", GOOD, "TAG_UNKNOWN", 0x10),
        ("fh/v1/plant-a/a+b", GOOD, "TOPIC_INVALID", 0x90),
        ("fh/v1/plant-a/#", GOOD, "TOPIC_INVALID", 0x90),
        ("fh/v1/plant-a/a\0b", GOOD, "TOPIC_INVALID", 0x90),
        ("", GOOD, "TOPIC_INVALID", 0x90),
        ("elsewhere", GOOD, "TOPIC_NOT_YOURS", 0x87),
        (TOPIC, "x", "PAYLOAD_FORMAT", 0x99),
        (TOPIC, r#"{"v":1,"unit":"%LEL"}"#, "UNIT_MISMATCH", 0x99),
        (TOPIC, r#"{"v":NaN}"#, "VALUE_NOT_FINITE", 0x00),
        (TOPIC, r#"{"v":1,"ts":0}"#, "TS_IMPLAUSIBLE", 0x00),
    ] {
        let mut bench = Bench::open(5);
        bench.feed(&pen::publish(5, 0x32, topic, 1, payload));
        assert_eq!(bench.codes(), [code], "{topic} {payload}");
        bench.commit();
        let sent = bench.sent();
        let at = if sent[1] & 0x80 == 0 { 4 } else { 5 };
        assert_eq!(sent[at], reason, "{code}: {sent:02x?}");
        assert!(String::from_utf8_lossy(&sent).contains(code));
        assert_eq!(bench.offered, bench.readings.len() as u64 + bench.refused, "{code}");
    }
    let mut bench = Bench::open(5);
    bench.feed(&pen::publish(5, 0x32, &"a".repeat(300), 1, GOOD));
    assert_eq!(bench.codes(), ["TOPIC_INVALID"]);
}

#[test]
fn an_unknown_tag_is_parked_with_its_value_and_nearest_names() {
    let mut bench = Bench::open(5);
    bench.feed(&pen::publish(5, 0x32, "fh/v1/plant-a/nh3-2", 1, r#"{"v":3.5}"#));
    let note = &bench.out.notes[0];
    assert_eq!(note.parked, Some(("nh3-2".into(), Some(3.5))));
    assert_eq!(note.refusal.hint, "nh3-1");
}

#[test]
fn above_the_receive_maximum() {
    let limits = Limits { in_flight_max: 2, ..Limits::default() };
    let three: Vec<u8> = (1..=3).flat_map(|id| pen::publish(5, 0x32, TOPIC, id, GOOD)).collect();
    let mut bench = Bench::open_with(5, limits.clone());
    bench.feed(&three);
    assert!(bench.session.is_closing());
    // DISCONNECT is the last packet, after the acknowledgements that are committed.
    bench.commit();
    let sent = bench.sent();
    assert_eq!(sent[..8], [0x40, 2, 0, 1, 0x40, 2, 0, 2]);
    assert_eq!((sent[8], sent[10]), (0xe0, 0x93));

    let three: Vec<u8> = (1..=3).flat_map(|id| pen::publish(4, 0x32, TOPIC, id, GOOD)).collect();
    let mut bench = Bench::open_with(4, limits);
    bench.feed(&three);
    assert!(!bench.session.is_closing() && bench.session.is_stalled());
    assert_eq!(bench.readings.len(), 2, "MQTT 3: reading stops");
    bench.commit();
    assert_eq!(bench.readings.len(), 3, "and goes on after the commit");
}

#[test]
fn qos_2_is_taken_once() {
    for level in [4, 5] {
        let mut bench = Bench::open(level);
        bench.feed(&pen::publish(level, 0x34, TOPIC, 8, GOOD));
        assert!(bench.sent().is_empty(), "PUBREC waits for the commit");
        bench.feed(&pen::publish(level, 0x3c, TOPIC, 8, GOOD));
        bench.commit();
        assert_eq!(bench.sent(), [0x50, 2, 0, 8, 0x50, 2, 0, 8]);
        bench.feed(&pen::publish(level, 0x3c, TOPIC, 8, GOOD));
        bench.commit();
        assert_eq!(bench.sent(), [0x50, 2, 0, 8]);
        assert_eq!(bench.readings.len(), 1);
        bench.feed(&[0x62, 2, 0, 8]);
        assert_eq!(bench.sent(), [0x70, 2, 0, 8]);
        bench.feed(&[0x62, 2, 0, 8]);
        let unknown: &[u8] = if level == 5 { &[0x70, 3, 0, 8, 0x92] } else { &[0x70, 2, 0, 8] };
        assert_eq!(bench.sent(), unknown);
        bench.feed(&pen::publish(level, 0x34, TOPIC, 8, GOOD));
        assert_eq!(bench.readings.len(), 2, "after PUBREL the id is new");
    }
}

#[test]
fn a_session_is_resumed_with_its_qos_2_ids_and_subscriptions() {
    let record = SessionRecord {
        device: "device-a".into(),
        expiry_s: 3_600,
        left_at: Some(NOW),
        subscriptions: vec![("fenghuo/out/plant-a/#".into(), 1)],
        qos2: vec![8],
    };
    let mut bench = Bench::new(Limits::default());
    bench.feed_as(&pen::connect_keep(false, "c"), Some(record.clone()));
    assert_eq!(bench.sent()[2], 1, "session present");
    assert_eq!(bench.out.steps, [Step::Subscribe(record.subscriptions.clone())]);
    bench.feed(&pen::publish(5, 0x3c, TOPIC, 8, GOOD));
    bench.commit();
    assert_eq!(bench.readings.len(), 0, "was taken before the restart");
    assert_eq!(bench.session.record(Some(NOW)), Some(record));
}

#[test]
fn a_topic_alias_passes_authorisation_like_any_topic() {
    let mut bench = Bench::open(5);
    bench.feed(&pen::publish_with(5, 0x30, TOPIC, 0, &[0x23, 0, 4], GOOD));
    bench.feed(&pen::publish_with(5, 0x30, "", 0, &[0x23, 0, 4], GOOD));
    assert_eq!(bench.readings.len(), 2);
    bench.feed(&pen::publish_with(5, 0x30, "fh/v1/plant-b/dust-1", 0, &[0x23, 0, 4], GOOD));
    bench.feed(&pen::publish_with(5, 0x30, "", 0, &[0x23, 0, 4], GOOD));
    assert_eq!((bench.readings.len(), bench.codes()), (2, vec!["TOPIC_NOT_YOURS", "TOPIC_NOT_YOURS"]));
}

#[test]
fn a_directory_of_a_new_version_empties_the_cache() {
    let mut bench = Bench::open(5);
    bench.feed(&pen::publish(5, 0x30, TOPIC, 0, GOOD));
    bench.site.directory = std::sync::Arc::new(model::Directory::default());
    bench.site.version += 1;
    bench.feed(&pen::publish(5, 0x30, TOPIC, 0, GOOD));
    assert_eq!((bench.readings.len(), bench.codes()), (1, vec!["TAG_UNKNOWN"]));
}

#[test]
fn subscriptions_only_below_the_own_outgoing_tree() {
    for (filter, level, code) in [
        ("fenghuo/out/plant-a/#", 5, 1),
        ("fenghuo/out/plant-a/siren", 5, 1),
        ("fenghuo/out/#", 5, 0x87),
        ("fenghuo/out/plant-b/#", 5, 0x87),
        ("fh/v1/#", 5, 0x87),
        ("#", 5, 0x8f),
        ("fenghuo/out/plant-a/a#", 5, 0x8f),
        ("fenghuo/out/plant-a/+/x", 5, 0xa2),
        ("$share/g/fenghuo/out/plant-a/#", 5, 0x9e),
        ("fenghuo/out/plant-a/#", 4, 1),
        ("fenghuo/out/plant-b/#", 4, 0x80),
    ] {
        let mut bench = Bench::open(level);
        bench.feed(&pen::subscribe(level, filter, 1));
        let sent = bench.sent();
        assert_eq!((sent[0], *sent.last().unwrap()), (0x90, code), "{filter}");
    }
}

/// How a connection ended, what its link event says, and whether the will was taken as a reading.
#[track_caller]
fn lost(end: impl Fn(&mut Session), will: bool, reason: &str, readings: usize) {
    let tail = [pen::text(TOPIC), pen::text(r#"{"v":0}"#)].concat();
    let mut bench = Bench::new(Limits::default());
    match will {
        true => bench.feed(&pen::connect(4, 6, "c", &tail)),
        false => bench.feed(&pen::connect(4, 2, "c", &[])),
    }
    end(&mut bench.session);
    bench.session.lost(NOW, &bench.site, &mut bench.out);
    bench.feed(&[]);
    let seen: Vec<_> = bench.links.iter().map(|l| (l.up, l.reason.as_str())).collect();
    assert_eq!(seen, [(true, "connected"), (false, reason)]);
    assert_eq!(bench.readings.len(), readings, "{reason}");
}

#[test]
fn wills_and_losses_become_links() {
    lost(Session::closed, true, "will", 1);
    lost(Session::closed, false, "closed", 0);
    lost(|s| s.close(0x8d, Loss::KeepAlive), true, "keep-alive", 1);
    lost(|s| s.close(0x8e, Loss::TakenOver), false, "taken over", 0);
    let goodbye = |s: &mut Session| {
        s.feed(&[0xe0, 0], Time(0), &crate::rig::site(), &mut Default::default());
    };
    lost(goodbye, true, "disconnected", 0);
}

#[test]
fn stopping_says_nothing_about_devices() {
    let mut bench = Bench::open(5);
    bench.session.close(0x8b, Loss::Stopping);
    bench.session.lost(NOW, &bench.site, &mut bench.out);
    assert!(bench.out.batch.links.is_empty());
    assert_eq!(bench.sent(), [0xe0, 2, 0x8b, 0]);
}
