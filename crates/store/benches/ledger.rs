//! H2 of the domain page: filters and counts over a ledger of 80,000 hidden dangers, on both SQL engines.
//! `cargo bench -p store --bench ledger`. Target: p95 of every query at most 300 ms. Prints a row for each query; a page
//! is read with its JSON, as the API does. PostgreSQL is a server of its own, started here.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use model::Time;
use response::{ItemId, Kind, WorkFilter};
use store::{Commit, FactRow, GroupBy, InputLog, Journal, Location, Reader, Subject, WorkColumns};

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../src/tests/engines.rs"]
mod engines;

const ITEMS: u64 = 80_000;
const ROUNDS: usize = 30;
const TARGET: Duration = Duration::from_millis(300);
const DAY: i64 = 86_400_000_000;
const NOW: Time = Time(20_000 * DAY);
const TOWNS: u64 = 24;
const ENTERPRISES: u64 = 1_500;
const INDUSTRIES: [&str; 8] = ["化工", "机械", "纺织", "冶金", "仓储", "商贸", "建筑", "餐饮"];
const SOURCES: [&str; 8] =
    ["alarm", "ai_camera", "grid_member", "self_check", "joint_enforcement", "hotline", "drill", "accident"];
const STATES: [(&str, bool); 10] = [
    ("closed", true),
    ("closed", true),
    ("closed", true),
    ("closed", true),
    ("closed", true),
    ("unfounded", true),
    ("rectifying", false),
    ("assigned", false),
    ("completed", false),
    ("reported", false),
];

fn main() {
    let places = [("SQLite", engines::sqlite()), ("PostgreSQL", engines::postgres())];
    let mut worst = Duration::ZERO;
    for (name, place) in &places {
        let started = Instant::now();
        fill(&place.location);
        println!("{name}: {ITEMS} items, 1.5 events each, filled in {:.1} s", started.elapsed().as_secs_f64());
        println!("{:42} {:>9} {:>9} {:>9}  rows", "query", "p50 ms", "p95 ms", "max ms");
        worst = worst.max(measure(&place.location));
    }
    println!("worst p95 {:.1} ms, target {} ms", worst.as_secs_f64() * 1e3, TARGET.as_millis());
}

/// Scatters numbers, the same in every run.
fn mix(n: u64, salt: u64) -> u64 {
    (n.wrapping_add(salt << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33
}

/// Words that are made once and lent to every row.
struct Words {
    towns: Vec<String>,
    enterprises: Vec<String>,
    titles: Vec<String>,
}

impl Words {
    fn new() -> Self {
        let numbered = |word: &str, count: u64| (0..count).map(|n| format!("{word}{n:04}")).collect();
        Self {
            towns: numbered("镇", TOWNS),
            enterprises: numbered("ent-", ENTERPRISES),
            titles: numbered("隐患描述 valve ", 997),
        }
    }

    fn row(&self, n: u64) -> WorkColumns<'_> {
        let enterprise = mix(n, 1) % ENTERPRISES;
        let (state, ended) = STATES[(mix(n, 2) % 10) as usize];
        let created = 18_000 * DAY + (mix(n, 3) % 2_000) as i64 * DAY;
        let took = (mix(n, 4) % 40) as i64 * DAY;
        WorkColumns {
            state,
            ended,
            enterprise: &self.enterprises[enterprise as usize],
            town: &self.towns[(enterprise % TOWNS) as usize],
            industry: INDUSTRIES[(enterprise % 8) as usize],
            receiver: &self.enterprises[enterprise as usize],
            grade: if mix(n, 5).is_multiple_of(50) { "major" } else { "general" },
            source: SOURCES[(mix(n, 6) % 8) as usize],
            category: if mix(n, 7).is_multiple_of(3) { "management" } else { "scene" },
            title: &self.titles[(mix(n, 8) % 997) as usize],
            due: Some(Time(created + 15 * DAY)),
            overdue: mix(n, 9).is_multiple_of(20),
            created_at: Time(created),
            ended_at: ended.then_some(Time(created + took)),
            recurrence_of: if mix(n, 10).is_multiple_of(33) { "H-000001" } else { "" },
            ..WorkColumns::new(ItemId { kind: Kind::HiddenDanger, number: n + 1 })
        }
    }
}

/// Every second item has two events, as after one step.
fn fill(location: &Location) {
    let (mut journal, _) = Journal::open(location).expect("opens");
    let words = Words::new();
    let json = format!("{{\"type\":\"work\",\"text\":\"{}\"}}", "述".repeat(600));
    let fact = |seq: u64, n: u64| FactRow {
        seq,
        at: NOW,
        subject: Subject::Work(words.row(n)),
        json: &json,
        account: "duty",
        action: "hidden_danger.reported".into(),
        outbox_topic: None,
    };
    let mut seq = 0;
    for start in (0..ITEMS).step_by(1_000) {
        let numbers = (start..start + 1_000).flat_map(|n| std::iter::repeat_n(n, 1 + (n % 2) as usize));
        let facts: Vec<FactRow<'_>> = (seq + 1..).zip(numbers).map(|(s, n)| fact(s, n)).collect();
        seq += facts.len() as u64;
        journal.commit(&Commit { inputs: &InputLog::new(), facts: &facts }).expect("commits");
    }
    // PostgreSQL does this by itself a minute after so many changes; SQLite never: it is measured as it runs.
    if matches!(location, Location::Postgres(_)) {
        journal.apply(&[], |db| db.batch("ANALYZE")).expect("analyses");
    }
}

fn all() -> WorkFilter {
    WorkFilter { kind: Some(Kind::HiddenDanger), limit: 100, ..WorkFilter::default() }
}

fn lists() -> Vec<(&'static str, WorkFilter)> {
    let before = Some(ItemId { kind: Kind::HiddenDanger, number: 1_000 });
    vec![
        ("newest page", all()),
        ("open", WorkFilter { open: Some(true), ..all() }),
        ("town, open", WorkFilter { town: "镇0003".into(), open: Some(true), ..all() }),
        ("enterprise", WorkFilter { enterprise: "ent-0042".into(), ..all() }),
        ("receiver, any kind", WorkFilter { kind: None, receiver: "ent-0042".into(), ..all() }),
        ("industry, major", WorkFilter { industry: "化工".into(), grade: "major".into(), ..all() }),
        ("source, state", WorkFilter { source: "alarm".into(), state: "rectifying".into(), ..all() }),
        ("overdue, open", WorkFilter { overdue: Some(true), open: Some(true), ..all() }),
        ("not overdue", WorkFilter { overdue: Some(false), ..all() }),
        ("text", WorkFilter { text: "VALVE 0123".into(), ..all() }),
        ("text that nothing has", WorkFilter { text: "nothing at all".into(), ..all() }),
        ("deep page", WorkFilter { before, ..all() }),
        ("deep page of a town", WorkFilter { town: "镇0003".into(), before, ..all() }),
        ("page of 1,000", WorkFilter { limit: 1_000, ..all() }),
    ]
}

fn counts() -> Vec<(&'static str, GroupBy, WorkFilter)> {
    vec![
        ("count by town", GroupBy::Town, all()),
        ("count by industry", GroupBy::Industry, all()),
        ("count by enterprise", GroupBy::Enterprise, all()),
        ("count by source", GroupBy::Source, all()),
        ("count by grade", GroupBy::Grade, all()),
        ("count by state", GroupBy::State, all()),
        ("count by category", GroupBy::Category, all()),
        ("count by kind, all kinds", GroupBy::Kind, WorkFilter::default()),
        ("count by enterprise of a town", GroupBy::Enterprise, WorkFilter { town: "镇0003".into(), ..all() }),
        ("count by town of the open", GroupBy::Town, WorkFilter { open: Some(true), ..all() }),
        ("count by town of the overdue", GroupBy::Town, WorkFilter { overdue: Some(true), ..all() }),
    ]
}

fn measure(location: &Location) -> Duration {
    let mut reader = Reader::open(location).expect("opens");
    let mut worst = Duration::ZERO;
    for (name, filter) in lists() {
        let run = |reader: &mut Reader| {
            let (total, rows) = reader.work(&filter, NOW).expect("reads");
            let parsed = rows.iter().filter(|r| serde_json::from_str::<serde_json::Value>(&r.json).is_ok()).count();
            assert_eq!(parsed, rows.len());
            total
        };
        worst = worst.max(timed(name, &mut reader, run));
    }
    for (name, by, filter) in counts() {
        let run = |reader: &mut Reader| reader.work_groups(&filter, by, NOW).expect("counts").len() as u64;
        worst = worst.max(timed(name, &mut reader, run));
    }
    worst
}

fn timed(name: &str, reader: &mut Reader, run: impl Fn(&mut Reader) -> u64) -> Duration {
    let mut times = Vec::new();
    let mut rows = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        rows = run(reader);
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |q: f64| times[((times.len() as f64 * q) as usize).min(times.len() - 1)];
    let ms = |t: Duration| t.as_secs_f64() * 1e3;
    println!("{name:42} {:9.1} {:9.1} {:9.1}  {rows}", ms(at(0.5)), ms(at(0.95)), ms(at(1.0)));
    at(0.95)
}
