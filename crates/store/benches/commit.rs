//! What a commit costs beyond the disk. `cargo bench -p store --bench commit [-- FOLDER]`.
//!
//! Urgent: one alarm fact and 200 readings. Bulk: 10,000 readings. Each round times raw writes of the same size, each
//! with one fdatasync, in the same folder and interleaved, because disks drift; the difference of the two is ours.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alarm::AlarmId;
use model::{GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex, Time};
use store::{Commit, FactRow, Historian, HistorianSettings, InputLog, Journal, Location, Subject};

const URGENT_READINGS: u32 = 200;
const BULK_READINGS: u32 = 10_000;
const WARM_UP: u64 = 300;
const URGENT_COMMITS: u64 = 2_000;
const BULK_COMMITS: u64 = 100;
const HISTORY_READINGS: u64 = 6_000_000;
const PAGE_SIZES: [u32; 3] = [1_024, 2_048, 4_096];

fn main() {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    println!("page     commit p50/p99 us   raw p50/p99 us    beyond p50/p99 us  CPU us  batch B");
    for page_size in PAGE_SIZES {
        let place = tempfile::tempdir_in(&folder).expect("a folder");
        prepare(place.path(), page_size);
        urgent(place.path(), page_size);
    }
    history(&folder);
    println!("page     bulk readings/s   CPU-s per million   B per reading");
    for page_size in PAGE_SIZES {
        let place = tempfile::tempdir_in(&folder).expect("a folder");
        prepare(place.path(), page_size);
        bulk(place.path(), page_size);
    }
}

/// The page size is fixed when the file is made: make it first.
fn prepare(folder: &Path, page_size: u32) {
    let database = rusqlite::Connection::open(folder.join("journal.db")).expect("opens");
    let sql = format!("PRAGMA page_size={page_size}; PRAGMA journal_mode=WAL; CREATE TABLE x (y); DROP TABLE x;");
    database.execute_batch(&sql).expect("creates");
}

fn reading(n: u64) -> Reading {
    let server_time = Time(1_700_000_000_000_000 + n as i64 * 50);
    Reading {
        tag: TagIndex((n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32 % 100_000),
        gateway: GatewayIndex((n / 20) as u32 % 1_000),
        value: (n % 5_000) as f64 / 100.0,
        source_time: Time(server_time.0 - 3_000 - (n % 7) as i64 * 1_000),
        server_time,
        seq: n,
        quality: Quality::Good,
        flags: ReadingFlags::default(),
    }
}

fn fill(inputs: &mut InputLog, next: &mut u64, count: u32) {
    inputs.clear();
    let now = Time(1_700_000_000_000_000 + *next as i64 * 50 + 200);
    for _ in 0..count {
        inputs.push_reading(now, &reading(*next));
        *next += 1;
    }
}

fn fact(seq: u64, json: &str) -> FactRow<'_> {
    let subject = Subject::Alarm {
        id: AlarmId(seq),
        closed: false,
        tag: TagIndex(7),
        priority: Priority::II,
        raised_at: Time(seq as i64),
        enterprise: "chemical-east",
    };
    let (account, action) = ("system", "alarm.raised");
    FactRow {
        seq,
        at: Time(seq as i64),
        subject,
        json,
        account,
        action: action.into(),
        outbox_topic: Some("fenghuo/out/alarm"),
    }
}

fn urgent(folder: &Path, page_size: u32) {
    let (mut journal, _) = Journal::open(&Location::Sqlite(folder.to_owned())).expect("opens");
    journal.preallocate().expect("grows");
    let (mut inputs, mut next) = (InputLog::new(), 0);
    let json = "x".repeat(1_100);
    let raw = RawFile::new(folder, 16 << 10);
    let (mut commits, mut raws) = (Vec::new(), Vec::new());
    let mut cpu = Duration::ZERO;
    for n in 0..WARM_UP + URGENT_COMMITS {
        fill(&mut inputs, &mut next, URGENT_READINGS);
        let (cpu_before, before) = (cpu_time(), Instant::now());
        journal.commit(&Commit { inputs: &inputs, facts: &[fact(n + 1, &json)] }).expect("commits");
        let took = before.elapsed();
        let raw_took = raw.write(n);
        if n >= WARM_UP {
            cpu += cpu_time() - cpu_before;
            commits.push(took);
            raws.push(raw_took);
        }
    }
    let (commit, raw) = (quantiles(&mut commits), quantiles(&mut raws));
    println!(
        "{page_size:5} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8}",
        commit.0,
        commit.1,
        raw.0,
        raw.1,
        commit.0 - raw.0,
        commit.1 - raw.1,
        cpu.as_secs_f64() * 1e6 / URGENT_COMMITS as f64,
        inputs.len()
    );
}

fn bulk(folder: &Path, page_size: u32) {
    let (mut journal, _) = Journal::open(&Location::Sqlite(folder.to_owned())).expect("opens");
    let (mut inputs, mut next) = (InputLog::new(), 0);
    let (cpu_before, before) = (cpu_time(), Instant::now());
    for _ in 0..BULK_COMMITS {
        fill(&mut inputs, &mut next, BULK_READINGS);
        journal.commit(&Commit { inputs: &inputs, facts: &[] }).expect("commits");
    }
    let readings = (BULK_COMMITS * u64::from(BULK_READINGS)) as f64;
    println!(
        "{page_size:5} {:12.0} {:12.3} {:12.1}",
        readings / before.elapsed().as_secs_f64(),
        (cpu_time() - cpu_before).as_secs_f64() * 1e6 / readings,
        inputs.len() as f64 / f64::from(BULK_READINGS)
    );
}

/// 100,000 tags in random order; no journal commits, so that the process's
/// CPU is the historian's alone.
fn history(folder: &Path) {
    let place = tempfile::tempdir_in(folder).expect("a folder");
    let location = Location::Sqlite(place.path().to_owned());
    let (_journal, _) = Journal::open(&location).expect("opens");
    // Retention counts from today.
    let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_micros() as i64;
    let recent = |n: u64| Reading { source_time: Time(today + n as i64 * 50), ..reading(n) };
    let batches: Vec<std::sync::Arc<[Reading]>> = (0..HISTORY_READINGS / u64::from(BULK_READINGS))
        .map(|b| (0..u64::from(BULK_READINGS)).map(|n| recent(b * u64::from(BULK_READINGS) + n)).collect())
        .collect();
    let historian = Historian::open(&place.path().join("history"), &location, HistorianSettings::default());
    let historian = historian.expect("opens");
    let (cpu_before, before) = (process_cpu(), Instant::now());
    for (seq, batch) in (1..).zip(&batches) {
        historian.offer(seq, std::sync::Arc::clone(batch));
    }
    let counts = {
        let last = batches.len() as u64;
        while historian.durable_input_seq() < last {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        historian.counts()
    };
    let cpu = process_cpu() - cpu_before;
    let stored: u64 = std::fs::read_dir(place.path().join("history"))
        .expect("lists")
        .map(|entry| entry.and_then(|e| e.metadata()).map_or(0, |m| m.len()))
        .sum();
    println!(
        "historian: {} readings, {:.0}/s, {:.3} us CPU per reading, {:.2} B per reading in files, {counts:?}",
        HISTORY_READINGS,
        HISTORY_READINGS as f64 / before.elapsed().as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / HISTORY_READINGS as f64,
        stored as f64 / HISTORY_READINGS as f64
    );
}

/// CPU time of the whole process at the kernel's 1/100 s.
fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<i64> = stat.rsplit(')').next().unwrap_or("").split(' ').filter_map(|f| f.parse().ok()).collect();
    // After the name: state is no number, so utime and stime are the 10th and 11th numbers.
    Duration::from_millis(10 * (fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0)) as u64)
}

/// A file of fixed size, overwritten and synced: what the disk itself asks for one durable write.
struct RawFile {
    file: File,
    bytes: Vec<u8>,
}

impl RawFile {
    const BLOCKS: u64 = 256;

    fn new(folder: &Path, size: usize) -> Self {
        let file = File::create(folder.join("raw")).expect("creates");
        let raw = Self { file, bytes: vec![7; size] };
        for n in 0..Self::BLOCKS {
            raw.write(n);
        }
        raw.file.sync_all().expect("syncs");
        raw
    }

    fn write(&self, n: u64) -> Duration {
        let before = Instant::now();
        self.file.write_all_at(&self.bytes, n % Self::BLOCKS * self.bytes.len() as u64).expect("writes");
        self.file.sync_data().expect("syncs");
        before.elapsed()
    }
}

/// CPU time of this thread, the kernel within its calls included (schedstat); not the checkpoint thread.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Duration::from_nanos(nanos)
}

/// Median and 99th percentile in microseconds.
fn quantiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |q: f64| times[(times.len() as f64 * q) as usize].as_secs_f64() * 1e6;
    (at(0.5), at(0.99))
}
