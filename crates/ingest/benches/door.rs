//! What the protocol path costs: nanoseconds per message of feed and decode for full buffers, and memory of an idle
//! connection. `cargo bench -p ingest`.
#![allow(clippy::print_stdout, reason = "a bench program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ingest::mqtt::{Actions, Admission, Allowed, Door, DoorDeps, DoorSettings, Identity, Limits, Session, Site, Step};
use model::{Directory, GatewayIndex, TagEntry, Time};
use runtime::{Shared, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOW: Time = Time(1_795_651_200_000_000);
const TAGS: usize = 1_000;
const ROUNDS: usize = 7;

fn directory() -> Directory {
    let tags = (0..TAGS).map(|i| TagEntry {
        enterprise: format!("e{}", i / 50),
        tag: format!("t{i}"),
        unit_id: String::new(),
        description_zh: String::new(),
        description_en: String::new(),
        unit: "ppm".into(),
        span: Some((0.0, 1_000.0)),
        limits: Default::default(),
        deadband: 0.0,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        period_s: None,
        retired: false,
    });
    Directory::new(0, Vec::new(), tags.collect())
}

fn identity() -> Identity {
    Identity { device: "bench".into(), enterprises: Allowed::All, client_ids: Vec::new(), outgoing: Vec::new() }
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut out, mut n) = (vec![first], body.len());
    while n > 127 {
        out.push((n % 128) as u8 | 0x80);
        n /= 128;
    }
    out.push(n as u8);
    out.extend_from_slice(body);
    out
}

fn connect(level: u8, id: &str) -> Vec<u8> {
    let mut body = [b"\0\x04MQTT", &[level, 2, 0, 0][..]].concat();
    if level == 5 {
        body.push(0);
    }
    body.extend_from_slice(&(id.len() as u16).to_be_bytes());
    body.extend_from_slice(id.as_bytes());
    packet(0x10, &body)
}

fn publish(level: u8, qos: u8, i: usize, payload: &str) -> Vec<u8> {
    let topic = format!("fh/v1/e{}/t{}", i % TAGS / 50, i % TAGS);
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend_from_slice(topic.as_bytes());
    if qos > 0 {
        body.extend_from_slice(&((i % 60_000) as u16 + 1).to_be_bytes());
    }
    if level == 5 {
        body.push(0);
    }
    body.extend_from_slice(payload.as_bytes());
    packet(0x30 | qos << 1, &body)
}

/// A session past CONNECT, as the connection task drives it.
fn open(level: u8, site: &Site) -> (Session, Actions) {
    let (mut session, mut out) = (Session::new(Arc::new(Limits::default())), Actions::default());
    session.feed(&connect(level, "bench"), NOW, site, &mut out);
    assert!(matches!(out.steps.pop(), Some(Step::Verify(_))));
    let identity = Arc::new(identity());
    session.admit(
        Admission { identity, gateway: GatewayIndex(0), client_id: "bench".into(), record: None },
        site,
        &mut out,
    );
    (session, out)
}

/// Feeds 64 KiB at a time, takes the batch away and commits after each, like the connection task.
fn rate(level: u8, qos: u8, payload: &str, readings: usize) -> f64 {
    let site = Site { directory: Arc::new(directory()), version: 1, ..Site::default() };
    let (mut session, mut out) = open(level, &site);
    let mut stream = Vec::new();
    let mut messages = 0;
    while messages < TAGS || stream.len() < 1 << 20 {
        stream.extend(publish(level, qos, messages, payload));
        messages += 1;
    }
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut count = 0;
        for _ in 0..4 {
            let mut at = 0;
            while at < stream.len() {
                let end = (at + 65_536).min(stream.len());
                at += session.feed(&stream[at..end], NOW, &site, &mut out);
                let batch = std::mem::take(&mut out.batch);
                count += batch.readings.len();
                assert_eq!(batch.offered as usize, batch.readings.len());
                drop(std::hint::black_box(batch));
                session.committed(session.queued(), &mut out);
                out.send.clear();
            }
        }
        assert_eq!(count, messages * readings * 4);
        best = best.min(started.elapsed().as_nanos() as f64 / (messages * 4) as f64);
    }
    best
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let row = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or("0");
    row.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}

async fn idle_kib(connections: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let next = AtomicU32::new(0);
    let deps = DoorDeps {
        submit: Arc::new(|batch| {
            if let Some((mark, count)) = batch.done {
                mark.advance(count);
            }
            Ok(())
        }),
        directory: Arc::new(Shared::new(directory())),
        mappings: Arc::default(),
        verify: Arc::new(|_| Ok(identity())),
        intern: Arc::new(move |_| GatewayIndex(next.fetch_add(1, Ordering::Relaxed))),
        load_session: Arc::new(|_| None),
        save_session: Arc::new(|_, _| true),
        rejections: Arc::default(),
        pending: Arc::default(),
        metrics: runtime::Metrics::default(),
    };
    let tasks = Tasks::new();
    let settings = DoorSettings { plain: Some("127.0.0.1:0".parse()?), ..DoorSettings::default() };
    let door = Door::listen(settings, deps, &tasks).await?;
    let address = door.plain.ok_or("no address")?;
    let mut open = Vec::new();
    let mut before = 0;
    for i in 0..=connections {
        if i == connections / 10 {
            before = resident_kib();
        }
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(&[connect(4, &format!("c{i}")), publish(4, 1, i, r#"{"v":1}"#)].concat()).await?;
        stream.read_exact(&mut [0; 8]).await?;
        open.push(stream);
    }
    let used = resident_kib().saturating_sub(before) as f64 / (connections - connections / 10) as f64;
    tasks.stop(Duration::from_secs(5)).await;
    Ok(used)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let single = r#"{"ts":1795651200000,"v":23.08}"#;
    let full = r#"{"ts":1795651200000,"v":23.08,"q":"good","seq":123456}"#;
    let array = format!("[{}]", vec![full; 100].join(","));
    for (name, level, qos, payload, readings) in [
        ("single, 3.1.1, QoS 0", 4, 0, single, 1),
        ("single, 3.1.1, QoS 1", 4, 1, single, 1),
        ("single, 5, QoS 1", 5, 1, single, 1),
        ("single with q and seq, 3.1.1, QoS 1", 4, 1, full, 1),
        ("array of 100, 3.1.1, QoS 1", 4, 1, &array, 100),
    ] {
        let ns = rate(level, qos, payload, readings);
        println!("{name:<40} {ns:>9.1} ns/message {:>8.1} ns/reading", ns / readings as f64);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let kib = runtime.block_on(idle_kib(2_000))?;
    println!("idle connection after one message: {kib:.2} KiB (both ends in this process)");
    Ok(())
}
