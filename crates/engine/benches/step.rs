//! What a step costs: `cargo bench -p engine`. Prints nanoseconds per reading and bytes per tag.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks to the terminal")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use alarm::rule::{Resolved, Truth, compile};
use alarm::{Condition, ConditionKind, GapPolicy, HallSettings, OnUnknown, RuleSet, TagSettings};
use engine::{Effects, Engine};
use model::{GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex, Time};

const TAGS: u32 = 100_000;
const ROUNDS: u32 = 20;

fn tag(n: u32) -> TagSettings {
    TagSettings {
        enterprise: "plant".into(),
        tag: format!("t{n}").into(),
        unit: "ppm".into(),
        period_s: Some(5.0),
        stale_factor: 3.0,
        span: None,
        stuck: None,
        rate_max_per_s: None,
        reorder_s: 0.0,
        safety: false,
        retired: false,
    }
}

fn condition(n: u32, kind: ConditionKind, text: &Arc<str>) -> Condition {
    Condition {
        key: text.clone(),
        tag: TagIndex(n),
        kind,
        priority: Priority::III,
        on_delay_s: 5.0,
        off_delay_s: 10.0,
        deadband: 1.0,
        latch: false,
        on_unknown: OnUnknown::Hold,
        gap: GapPolicy::Bridge,
        suppress_when: None,
        escalation: vec![],
        message_zh: text.clone(),
        message_en: text.clone(),
        group: text.clone(),
        class: text.clone(),
        retired: false,
    }
}

fn rules() -> RuleSet {
    let text: Arc<str> = "limit".into();
    let kinds = [
        ConditionKind::LowLow(5.0),
        ConditionKind::Low(10.0),
        ConditionKind::High(90.0),
        ConditionKind::HighHigh(95.0),
    ];
    let conditions = (0..TAGS).flat_map(|n| kinds.clone().map(|k| condition(n, k, &text))).collect();
    RuleSet { revision: 1, tags: (0..TAGS).map(tag).collect(), conditions, hall: HallSettings::default() }
}

/// A fixed sequence of pseudo-random numbers (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn shuffled(seed: &mut u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..TAGS).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, (next(seed) % (i as u64 + 1)) as usize);
    }
    order
}

/// Values within the limits, but for `odd` in a thousand.
fn readings(round: u32, seed: &mut u64, odd: u64) -> Vec<Reading> {
    let order = shuffled(seed);
    let base = 1_700_000_000_000_000 + i64::from(round) * 1_000_000;
    let make = |(i, n): (usize, u32)| {
        let at = Time(base + i as i64 * 10);
        let beyond = next(seed) % 1000 < odd;
        let value = if beyond { 97.0 } else { 20.0 + (next(seed) % 600) as f64 / 10.0 };
        Reading {
            tag: TagIndex(n),
            gateway: GatewayIndex(n % 1000),
            value,
            source_time: at,
            server_time: at,
            seq: 0,
            quality: Quality::Good,
            flags: ReadingFlags::default(),
        }
    };
    order.into_iter().enumerate().map(make).collect()
}

fn run(name: &str, odd: u64) {
    let mut engine = Engine::new(Arc::new(rules()));
    let mut out = Effects::default();
    let mut seed = 7;
    let (mut best, mut sum, mut facts) = (f64::MAX, 0.0, 0);
    for round in 0..ROUNDS {
        let batch = readings(round, &mut seed, odd);
        let began = Instant::now();
        for reading in &batch {
            engine.read(reading.server_time, black_box(reading), &mut out);
        }
        let ns = began.elapsed().as_nanos() as f64 / f64::from(TAGS);
        if round > 0 {
            best = ns.min(best);
            sum += ns;
        }
        facts += out.facts.len();
        out.facts.clear();
    }
    println!(
        "{name}: best {best:.1} ns, mean {:.1} ns per reading with 4 limits; {facts} facts",
        sum / f64::from(ROUNDS - 1)
    );
    let began = Instant::now();
    let snapshot = engine.snapshot();
    let copied = began.elapsed();
    let bytes = postcard::to_stdvec(&snapshot).unwrap();
    println!("{name}: snapshot {} KB, copied in {copied:?}, with encoding {:?}", bytes.len() / 1024, began.elapsed());
}

/// `(level/cap)*100 > 90 && qin-qout > 2.5 || gas > 20` over varying data, the program alone.
fn rule() {
    let names = ["level", "cap", "qin", "qout", "gas"];
    let resolve = |name: &str| {
        let tag = names.iter().position(|n| *n == name)?;
        Some(Resolved::Tag { tag: TagIndex(tag as u32), unit: "".into(), boolean: false })
    };
    let program = compile("(level/cap)*100 > 90 and qin-qout > 2.5 or gas > 20", &resolve).unwrap();
    let mut seed = 3;
    let data: Vec<[f64; 5]> = (0..1024).map(|_| [(); 5].map(|()| 1.0 + (next(&mut seed) % 100) as f64 / 4.0)).collect();
    let (mut best, mut holds) = (f64::MAX, 0_u64);
    for _ in 0..50 {
        let began = Instant::now();
        for values in &data {
            let truth = black_box(&program).evaluate(|input| values[input.tag.0 as usize]);
            holds += u64::from(truth == Truth::True);
        }
        best = (began.elapsed().as_nanos() as f64 / data.len() as f64).min(best);
    }
    println!("rule of 5 operators over 5 tags: best {best:.1} ns ({} operations, {holds} true)", program.cost());
}

/// What the machine itself takes at this minute to touch one random cache line per reading: read the rest against it.
fn anchor() {
    let lines = vec![[1_u64; 8]; TAGS as usize * 3];
    let mut seed = 9;
    let order: Vec<u32> = (0..TAGS * 10).map(|_| (next(&mut seed) % lines.len() as u64) as u32).collect();
    let (mut best, mut at) = (f64::MAX, 0);
    for _ in 0..10 {
        let began = Instant::now();
        for n in &order {
            // The next address depends on the last load, so that nothing overlaps.
            at = (*n as usize + lines[at][0] as usize) % lines.len();
        }
        best = (began.elapsed().as_nanos() as f64 / order.len() as f64).min(best);
    }
    println!("anchor: best {best:.1} ns per dependent random cache line of 19 MB ({at})");
}

/// Bytes of the engine's own state, from the allocator's point of view: resident set before and after.
fn memory() {
    let (rules, batch) = (Arc::new(rules()), readings(0, &mut 5, 10));
    let before = resident_kb();
    let mut engine = Engine::new(rules);
    let mut out = Effects::default();
    for reading in &batch {
        engine.read(reading.server_time, reading, &mut out);
    }
    let after = resident_kb();
    println!("state: {} B per tag with 4 limits", after.saturating_sub(before) * 1024 / u64::from(TAGS));
    black_box(&engine);
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn main() {
    memory();
    anchor();
    rule();
    run("within limits", 0);
    run("1 % beyond", 10);
    run("20 % beyond", 200);
}
