//! The historian: what went in comes out bit for bit, through memory, raw rows, chunks, gaps and kills.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{GatewayIndex, Quality, Reading, ReadingFlags, TagIndex, Time};
use proptest::prelude::*;

use super::engines::sqlite;
use crate::{Commit, Historian, HistorianSettings, InputLog, Journal, Location};

const CHILD: &str = "FENGHUO_HISTORIAN_CHILD";
const TAGS: u32 = 50;
const BATCH: u32 = 500;
/// 2100: retention counts from today's clock, and these tests must not expire.
const START: i64 = 4_102_444_800_000_000;

fn reading(n: u32) -> Reading {
    Reading {
        tag: TagIndex(n % TAGS),
        gateway: GatewayIndex(0),
        value: if n.is_multiple_of(11) { f64::from(n).sqrt() } else { f64::from(n % 977) / 100.0 },
        source_time: Time(START + i64::from(n / TAGS) * 1_000_000),
        server_time: Time(START),
        seq: 0,
        quality: Quality::from_u8(if n % 500 < 3 { 2 } else { 0 }),
        flags: ReadingFlags::default(),
    }
}

fn commit(journal: &mut Journal, batch: u32) -> (u64, Arc<[Reading]>) {
    let readings: Arc<[Reading]> = (batch * BATCH..(batch + 1) * BATCH).map(reading).collect();
    let mut log = InputLog::new();
    readings.iter().for_each(|reading| log.push_reading(Time(START), reading));
    journal.commit(&Commit { inputs: &log, facts: &[] }).expect("commits");
    (journal.last_input_seq(), readings)
}

#[track_caller]
fn until(what: &str, reached: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < limit, "never came to: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn settings() -> HistorianSettings {
    HistorianSettings { flush_every: Duration::from_millis(20), memory_mib: 1, ..HistorianSettings::default() }
}

/// Every sample of the first `batches` batches, tag by tag, and nothing else.
#[track_caller]
fn check(historian: &Historian, batches: u32) {
    for tag in 0..TAGS {
        let found = historian.history().samples(TagIndex(tag), Time(i64::MIN), Time(i64::MAX)).expect("reads");
        let sent = (0..batches * BATCH).map(reading).filter(|r| r.tag.0 == tag);
        let bits = |(t, v, q): (Time, f64, Quality)| (t, v.to_bits(), q);
        let expected: Vec<_> = sent.map(|r| bits((r.source_time, r.value, r.quality))).collect();
        let found: Vec<_> = found.into_iter().map(bits).collect();
        assert!(found == expected, "tag {tag}: {} samples, expected {}", found.len(), expected.len());
    }
}

fn open(location: &Location) -> (Journal, Historian, std::path::PathBuf) {
    let Location::Sqlite(folder) = location else { panic!("embedded only") };
    let (journal, _) = Journal::open(location).expect("opens");
    let history = folder.join("history");
    let historian = Historian::open(&history, location, settings()).expect("opens");
    (journal, historian, history)
}

#[test]
fn memory_raw_rows_and_chunks_make_one_history() {
    let place = sqlite();
    let (mut journal, historian, _) = open(&place.location);
    // 60,000 samples are more than the 1 MiB of memory: some are sealed, some are not.
    for batch in 0..120 {
        let (seq, readings) = commit(&mut journal, batch);
        historian.offer(seq, readings);
    }
    until("all durable", || historian.durable_input_seq() == 120);
    check(&historian, 120);
    drop(historian);
    let (_journal, historian, _) = {
        drop(journal);
        open(&place.location)
    };
    until("raw rows loaded", || historian.durable_input_seq() == 120);
    check(&historian, 120);
}

#[test]
fn what_was_not_offered_is_read_back_from_the_journal() {
    let place = sqlite();
    let (mut journal, historian, _) = open(&place.location);
    for batch in 0..30 {
        let (seq, readings) = commit(&mut journal, batch);
        if batch % 3 == 2 {
            historian.offer(seq, readings);
        }
    }
    until("all durable", || historian.durable_input_seq() == 30);
    check(&historian, 30);
    assert!(historian.counts().read_back >= u64::from(BATCH * 20));
}

#[test]
fn a_long_range_comes_in_buckets_that_miss_no_peak() {
    let place = sqlite();
    let (mut journal, historian, _) = open(&place.location);
    for batch in 0..120 {
        let (seq, readings) = commit(&mut journal, batch);
        historian.offer(seq, readings);
    }
    until("all durable", || historian.durable_input_seq() == 120);
    let to = Time(START + 1_200_000_000);
    let points = historian.history().history(TagIndex(7), Time(START), to, 40).expect("reads");
    let sent: Vec<Reading> = (0..60_000).map(reading).filter(|r| r.tag.0 == 7).collect();
    assert!(points.len() <= 40, "{} points", points.len());
    assert_eq!(points.iter().map(|p| p.count).sum::<u64>(), sent.len() as u64);
    let max = sent.iter().map(|r| r.value).fold(f64::MIN, f64::max);
    assert_eq!(points.iter().map(|p| p.max).fold(f64::MIN, f64::max), max);
    assert_eq!(points[0].first.to_bits(), sent[0].value.to_bits());
}

/// Not a test by itself: what the killed child does.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let (mut journal, historian, _) = open(&Location::Sqlite(folder.into()));
    for batch in 0.. {
        let (seq, readings) = commit(&mut journal, batch);
        historian.offer(seq, readings);
        if writeln!(std::io::stdout(), "\nack {seq}").is_err() {
            return;
        }
    }
}

#[test]
fn killed_in_mid_ingest_nothing_is_missing_or_doubled() {
    for acks in [1, 40, 150, 333] {
        let place = sqlite();
        let Location::Sqlite(folder) = &place.location else { return };
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "tests::historian::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let said = lines.map_while(Result::ok).filter(|line| line.starts_with("ack")).take(acks).count();
        child.kill().expect("kills");
        child.wait().expect("ends");
        assert_eq!(said, acks);
        let (journal, historian, _) = open(&place.location);
        let last = journal.last_input_seq();
        assert!(last >= acks as u64);
        until("caught up", || historian.durable_input_seq() == last);
        check(&historian, last as u32);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Late, doubled, of several days, of any value and quality: one sample per tag and time, the last written.
    #[test]
    fn any_readings_come_back(
        sent in prop::collection::vec((0..4u32, 0..400i64, any::<f64>(), 0..3u8), 1..400),
        split in 1..5usize,
    ) {
        let place = sqlite();
        let (mut journal, mut historian, history) = open(&place.location);
        let mut expected = std::collections::BTreeMap::new();
        let size = sent.len().div_ceil(split);
        for part in sent.chunks(size) {
            let readings: Arc<[Reading]> = part.iter().map(|(tag, at, value, quality)| Reading {
                tag: TagIndex(*tag),
                source_time: Time(START + at * 1_000_000_007),
                value: *value,
                quality: Quality::from_u8(*quality),
                ..reading(0)
            }).collect();
            let mut log = InputLog::new();
            for r in readings.iter() {
                log.push_reading(Time(START), r);
                expected.insert((r.tag.0, r.source_time), (r.value.to_bits(), r.quality));
            }
            journal.commit(&Commit { inputs: &log, facts: &[] }).expect("commits");
            historian.offer(journal.last_input_seq(), readings);
            // Sealing at once and reopening between the parts makes chunks that overlap.
            drop(historian);
            let every = HistorianSettings { seal_every: Duration::ZERO, ..settings() };
            historian = Historian::open(&history, &place.location, every).expect("opens");
        }
        let last = journal.last_input_seq();
        until("durable", || historian.durable_input_seq() == last);
        for tag in 0..4 {
            let found = historian.history().samples(TagIndex(tag), Time(i64::MIN), Time(i64::MAX)).expect("reads");
            let found: Vec<_> = found.into_iter().map(|(t, v, q)| (t, (v.to_bits(), q))).collect();
            let wanted: Vec<_> = expected.iter().filter(|((t, _), _)| *t == tag).map(|((_, t), v)| (*t, *v)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
