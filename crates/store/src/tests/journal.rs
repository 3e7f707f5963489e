//! The journal on both engines: what was committed is there after a reopen, and nothing else.

use alarm::AlarmId;
use engine::{Event, LinkChange, LinkScope};
use model::{GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex, Time};

use super::engines::on_both;
use crate::{Commit, FactRow, InputLog, Journal, Location, RecordedInput, StoreError, Subject};

pub fn reading(n: u32) -> Reading {
    Reading {
        tag: TagIndex(n % 7),
        gateway: GatewayIndex(n % 3),
        value: f64::from(n) / 10.0,
        source_time: Time(1_700_000_000_000_000 + i64::from(n) * 1_000),
        server_time: Time(1_700_000_000_001_500 + i64::from(n) * 1_000),
        seq: u64::from(n),
        quality: Quality::from_u8((n % 3) as u8),
        flags: ReadingFlags((n % 5) as u8),
    }
}

pub fn inputs(numbers: std::ops::Range<u32>) -> (InputLog, Vec<RecordedInput>) {
    let mut log = InputLog::new();
    let mut expected = Vec::new();
    for n in numbers {
        let now = Time(1_700_000_000_002_000 + i64::from(n / 4) * 1_000);
        let event = match n % 10 {
            9 => Event::Link(LinkChange {
                scope: LinkScope::Gateway(GatewayIndex(n), "east".into()),
                up: n % 2 == 0,
                reason: "keep-alive".into(),
            }),
            8 => Event::Tick,
            _ => Event::Reading(reading(n)),
        };
        log.push(now, &event).expect("encodes");
        expected.push(RecordedInput { now, event });
    }
    (log, expected)
}

pub fn fact<'a>(seq: u64, alarm: u64, json: &'a str) -> FactRow<'a> {
    let subject = Subject::Alarm {
        id: AlarmId(alarm),
        closed: false,
        tag: TagIndex(1),
        priority: Priority::II,
        raised_at: Time(5),
        enterprise: "east",
    };
    FactRow {
        seq,
        at: Time(7),
        subject,
        json,
        account: "system",
        action: "alarm.raised".into(),
        outbox_topic: Some("out"),
    }
}

pub fn replayed(journal: &mut Journal, after: u64) -> Vec<RecordedInput> {
    let mut found = Vec::new();
    journal.replay(after, |input| found.push(input)).expect("replays");
    found
}

#[test]
fn an_empty_journal_starts_at_nothing() {
    on_both(|location| {
        let (_, recovered) = Journal::open(location).expect("opens");
        assert_eq!((recovered.last_fact_seq, recovered.last_input_seq, recovered.last_heard), (0, 0, Time::MIN));
    });
}

#[test]
fn what_was_committed_is_there_after_a_reopen() {
    on_both(|location| {
        let (mut journal, _) = Journal::open(location).expect("opens");
        journal.register(&[("east", "t1"), ("east", "t2")], &["east/t1/hh"], &["gw1"]).expect("registers");
        let (first, mut expected) = inputs(0..50);
        let (second, more) = inputs(50..120);
        journal.commit(&Commit { inputs: &first, facts: &[fact(1, 1, "{}"), fact(2, 2, "{}")] }).expect("commits");
        journal.snapshot(1, b"state").expect("saves");
        journal.commit(&Commit { inputs: &second, facts: &[fact(3, 1, "{}")] }).expect("commits");
        drop(journal);

        let (mut journal, recovered) = Journal::open(location).expect("opens again");
        assert_eq!(recovered.tags, [("east".into(), "t1".into()), ("east".into(), "t2".into())]);
        assert_eq!(recovered.conditions, ["east/t1/hh"]);
        assert_eq!(recovered.gateways, ["gw1"]);
        assert_eq!(recovered.snapshot, Some((1, b"state".to_vec())));
        assert_eq!((recovered.last_fact_seq, recovered.last_input_seq), (3, 2));
        assert!(recovered.last_heard > more[69].now);
        assert_eq!(replayed(&mut journal, 1), more);
        expected.extend(more);
        assert_eq!(replayed(&mut journal, 0), expected);
    });
}

#[test]
fn a_fact_out_of_sequence_is_refused_and_changes_nothing() {
    on_both(|location| {
        let (mut journal, _) = Journal::open(location).expect("opens");
        let refused = journal.commit(&Commit { inputs: &InputLog::new(), facts: &[fact(2, 1, "{}")] });
        assert!(matches!(refused, Err(StoreError::Sequence { last: 0, got: 2, .. })));
        journal.commit(&Commit { inputs: &InputLog::new(), facts: &[fact(1, 1, "{}")] }).expect("still commits");
    });
}

#[test]
fn a_second_instance_is_refused_by_pid() {
    on_both(|location| {
        let (_journal, _) = Journal::open(location).expect("opens");
        let Err(error) = Journal::open(location) else { panic!("two writers") };
        let StoreError::Locked { pid } = error else { panic!("{error}") };
        assert_eq!(error.exit_code(), 75);
        match location {
            Location::Sqlite(_) => assert_eq!(pid, std::process::id()),
            Location::Postgres(_) => assert_ne!(pid, 0),
        }
    });
}

#[test]
fn prune_keeps_what_two_snapshots_and_the_historian_do_not_cover() {
    on_both(|location| {
        let (mut journal, _) = Journal::open(location).expect("opens");
        for n in 0..6 {
            let (log, _) = inputs(n * 10..n * 10 + 10);
            journal.commit(&Commit { inputs: &log, facts: &[] }).expect("commits");
        }
        journal.snapshot(2, b"two").expect("saves");
        assert_eq!(journal.prune(6, 100).expect("prunes"), 0, "one snapshot alone covers nothing");
        journal.snapshot(4, b"four").expect("saves");
        assert_eq!(journal.prune(0, 100).expect("prunes"), 0, "the historian has nothing yet");
        assert_eq!(journal.prune(6, 1).expect("prunes"), 1);
        assert_eq!(journal.prune(6, 100).expect("prunes"), 1);
        assert_eq!(replayed(&mut journal, 0).len(), 40);
        drop(journal);
        let (_, recovered) = Journal::open(location).expect("opens again");
        assert_eq!(recovered.snapshot, Some((4, b"four".to_vec())));
        assert_eq!(recovered.last_input_seq, 6);
    });
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_one_before() {
    let place = super::engines::sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    let (mut journal, _) = Journal::open(&place.location).expect("opens");
    journal.snapshot(1, b"older").expect("saves");
    journal.snapshot(2, b"newer").expect("saves");
    drop(journal);
    let newest = folder.join(format!("snapshot-{:020}", 2));
    let mut bytes = std::fs::read(&newest).expect("reads");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&newest, bytes).expect("writes");
    let (_, recovered) = Journal::open(&place.location).expect("opens again");
    assert_eq!(recovered.snapshot, Some((1, b"older".to_vec())));
}

#[test]
fn a_damaged_input_is_named_and_does_not_pass() {
    on_both(|location| {
        let (mut journal, _) = Journal::open(location).expect("opens");
        for n in 0..3 {
            let (log, _) = inputs(n * 10..n * 10 + 10);
            journal.commit(&Commit { inputs: &log, facts: &[] }).expect("commits");
        }
        journal.apply(&[], |db| db.batch("UPDATE inputs SET crc = crc + 1 WHERE seq = 2")).expect("damages");
        let mut before = 0;
        let damaged = journal.replay(0, |_| before += 1);
        assert!(matches!(damaged, Err(StoreError::Damaged { table: "inputs", row: 2, .. })), "{damaged:?}");
        assert_eq!(before, 10);
    });
}

#[test]
fn preallocated_files_do_not_grow_with_the_next_commits() {
    let place = super::engines::sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    let (mut journal, _) = Journal::open(&place.location).expect("opens");
    journal.preallocate().expect("grows");
    let size = |name: &str| std::fs::metadata(folder.join(name)).expect("is there").len();
    let before = (size("journal.db"), size("journal.db-wal"));
    for n in 0..20 {
        let (log, _) = inputs(n * 10..n * 10 + 10);
        journal.commit(&Commit { inputs: &log, facts: &[fact(u64::from(n) + 1, 1, "{}")] }).expect("commits");
    }
    journal.checkpoint().expect("checkpoints");
    assert_eq!((size("journal.db"), size("journal.db-wal")), before);
}
