//! A real Mosquitto that is stopped and killed while 20,000 QoS 1 readings pass. A proxy in between sees every
//! acknowledgement of ours: none may be for a reading that is not committed.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ingest::LinkScope;
use ingest::broker::{Subscription, subscribe};
use parking_lot::Mutex;
use runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::rig::{Hall, pen, until};

const ALL: u64 = 20_000;
/// Messages of one publisher window.
const WINDOW: usize = 200;

struct Mosquitto {
    child: Child,
    port: u16,
    config: std::path::PathBuf,
}

impl Mosquitto {
    async fn start(dir: &Path, port: u16) -> Self {
        let config = dir.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
             max_inflight_messages 1000\nmax_queued_messages 0\nuser root\nlog_type none\n",
            dir.display()
        );
        std::fs::write(&config, text).unwrap();
        let child = Self::spawn(&config);
        let new = Self { child, port, config };
        new.ready().await;
        new
    }

    fn spawn(config: &Path) -> Child {
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command.spawn().expect("Debian package mosquitto")
    }

    async fn ready(&self) {
        for _ in 0..2_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("mosquitto does not listen");
    }

    /// TERM saves its state first, KILL loses what is not saved.
    async fn restart(&mut self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
        self.child.wait().await.unwrap();
        self.child = Self::spawn(&self.config);
        self.ready().await;
    }
}

/// What the wire between broker and us has seen.
#[derive(Default)]
struct Wire {
    /// Sequence numbers we acknowledged before they were committed: must stay empty.
    early: Mutex<Vec<u64>>,
    acked: AtomicU64,
}

/// Cuts whole packets off the head of a buffer.
fn packets(buffer: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let (mut len, mut at, mut shift) = (0, 1, 0);
        let whole = loop {
            let Some(byte) = buffer.get(at) else { break None };
            len |= usize::from(byte & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
            if byte & 0x80 == 0 {
                break Some(at + len);
            }
        };
        match whole {
            Some(end) if end <= buffer.len() => all.push(buffer.drain(..end).collect()),
            _ => return all,
        }
    }
}

fn seq_of(publish: &[u8]) -> (u16, u64) {
    let body = if publish[1] & 0x80 == 0 { 2 } else { 3 };
    let topic = usize::from(u16::from_be_bytes([publish[body], publish[body + 1]]));
    let id = &publish[body + 2 + topic..];
    let text = std::str::from_utf8(&id[2..]).unwrap();
    let seq = text.split("\"seq\":").nth(1).unwrap().trim_end_matches('}').parse().unwrap();
    (u16::from_be_bytes([id[0], id[1]]), seq)
}

async fn proxy(listener: TcpListener, broker: u16, wire: Arc<Wire>, hall: Arc<Hall>) {
    loop {
        let (mut ours, _) = listener.accept().await.unwrap();
        let Ok(mut theirs) = TcpStream::connect(("127.0.0.1", broker)).await else { continue };
        let (mut down, mut up, mut ids) = (Vec::new(), Vec::new(), HashMap::new());
        let (mut a, mut b) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                n = theirs.read(&mut a) => match n {
                    Ok(n) if n > 0 => {
                        down.extend_from_slice(&a[..n]);
                        for packet in packets(&mut down).iter().filter(|p| p[0] & 0xf6 == 0x32) {
                            let (id, seq) = seq_of(packet);
                            ids.insert(id, seq);
                        }
                        if ours.write_all(&a[..n]).await.is_err() { break }
                    }
                    _ => break,
                },
                n = ours.read(&mut b) => match n {
                    Ok(n) if n > 0 => {
                        up.extend_from_slice(&b[..n]);
                        let committed: HashSet<u64> = hall.readings.lock().iter().map(|r| r.seq).collect();
                        for packet in packets(&mut up).iter().filter(|p| p[0] == 0x40) {
                            let seq = ids[&u16::from_be_bytes([packet[2], packet[3]])];
                            wire.acked.fetch_add(1, Ordering::Relaxed);
                            if !committed.contains(&seq) {
                                wire.early.lock().push(seq);
                            }
                        }
                        if theirs.write_all(&b[..n]).await.is_err() { break }
                    }
                    _ => break,
                },
            }
        }
    }
}

/// A device with a memory: sends again what was not acknowledged to it.
async fn publish(port: u16, hall: Arc<Hall>, from: u64, to: u64) {
    let mut todo: Vec<u64> = (from..=to).collect();
    while !todo.is_empty() {
        // A killed broker has forgotten our subscription: what is published before the next one is lost in it.
        until("the subscription", || is_up(&hall)).await;
        let _ = publish_some(port, &mut todo).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn publish_some(port: u16, todo: &mut Vec<u64>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&pen::connect(4, 2, "device", &[])).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    while !todo.is_empty() {
        let window: Vec<u64> = todo.iter().copied().take(WINDOW).collect();
        let mut bytes = Vec::new();
        for seq in &window {
            let payload = format!(r#"{{"v":{},"seq":{seq}}}"#, seq % 500);
            bytes.extend(pen::publish(4, 0x32, "fh/v1/plant-a/nh3-1", (seq % 60_000) as u16 + 1, &payload));
        }
        stream.write_all(&bytes).await?;
        for _ in &window {
            stream.read_exact(&mut answer).await?;
            let id = u64::from(u16::from_be_bytes([answer[2], answer[3]]));
            todo.retain(|seq| seq % 60_000 + 1 != id);
        }
    }
    Ok(())
}

fn distinct(hall: &Hall) -> HashSet<u64> {
    hall.readings.lock().iter().map(|r| r.seq).collect()
}

fn subscription(port: u16) -> Subscription {
    Subscription {
        name: "district".into(),
        host: "127.0.0.1".into(),
        port,
        client_id: "fenghuo".into(),
        credentials: None,
        filters: vec!["fh/v1/#".into()],
        qos: 1,
        enterprises: vec!["plant-a".into()],
    }
}

fn is_up(hall: &Hall) -> bool {
    hall.links.lock().last().is_some_and(|link| link.up)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mosquitto_is_stopped_and_killed_while_twenty_thousand_readings_pass() {
    let dir = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut broker = Mosquitto::start(dir.path(), port).await;
    let (hall, tasks, wire) = (Hall::new(), Tasks::new(), Arc::new(Wire::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap().port();
    let helpers = Tasks::new();
    let stop = helpers.stopping().clone();
    let (between, kept) = (proxy(listener, port, wire.clone(), hall.clone()), hall.clone());
    helpers.run("proxy", async move {
        tokio::select! { () = stop.cancelled() => {}, () = between => {} }
    });
    subscribe(subscription(ours), hall.deps(), &tasks);
    until("subscribed", || is_up(&hall)).await;

    // Stopped with TERM the broker keeps its promise, and then nothing at all may be missing.
    let half = ALL / 2;
    helpers.run("device", publish(port, hall.clone(), 1, half));
    for at in [3_000, 6_000] {
        until("readings before a stop", || distinct(&kept).len() >= at).await;
        broker.restart("-TERM").await;
        until("up again", || is_up(&hall)).await;
    }
    until("the first half", || distinct(&hall).len() as u64 >= half).await;
    assert_eq!(distinct(&hall).len() as u64, half);

    // Killed it forgets what it has acknowledged to the device; we must lose nothing that we acknowledged to it.
    helpers.run("device", publish(port, hall.clone(), half + 1, ALL - 1));
    for at in [half + 2_000, half + 4_000] {
        until("readings before a kill", || distinct(&kept).len() as u64 >= at).await;
        broker.restart("-KILL").await;
        until("up again", || is_up(&hall)).await;
    }
    // A last reading: all before it has been delivered, or will never be.
    until("the device is done", || distinct(&hall).contains(&(ALL - 1))).await;
    publish(port, hall.clone(), ALL, ALL).await;
    until("the last", || distinct(&hall).contains(&ALL)).await;

    assert!(wire.early.lock().is_empty(), "acknowledged before committed");
    let (offered, accepted) = (hall.count("fenghuo_ingest_offered_total"), hall.count("fenghuo_ingest_accepted_total"));
    let all = hall.readings.lock().len() as u64;
    let once = distinct(&hall).len() as u64;
    assert_eq!((offered, accepted), (all, all), "offered = accepted = in the hall");
    let acked = wire.acked.load(Ordering::Relaxed);
    println!(
        "{once} of {ALL} distinct, {} duplicates, {} lost by the killed broker, {acked} acknowledged by us",
        all - once,
        ALL - once
    );
    assert!(acked <= all);
    let down = hall.links.lock().iter().filter(|l| !l.up && l.scope == LinkScope::Broker("district".into())).count();
    assert!(down >= 4, "every end of the broker is a link event: {down}");
    assert!(tasks.stop(Duration::from_secs(5)).await && helpers.stop(Duration::from_secs(5)).await);
}

/// A backlog that comes in large reads, as after an outage: more than is taken in one go, and every message counts. At QoS
/// 0 nobody sends again what we drop; one message of every thousand once was, between taking and reading it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_in_large_reads_loses_no_message() {
    const BACKLOG: u64 = 10_500;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (hall, tasks) = (Hall::new(), Tasks::new());
    subscribe(Subscription { qos: 0, ..subscription(port) }, hall.deps(), &tasks);
    let (mut broker, _) = listener.accept().await.unwrap();
    let mut heard = [0; 4_096];
    assert!(broker.read(&mut heard).await.unwrap() > 0, "CONNECT");
    broker.write_all(&[0x20, 2, 0, 0]).await.unwrap();
    assert!(broker.read(&mut heard).await.unwrap() > 4, "SUBSCRIBE");
    broker.write_all(&[0x90, 3, heard[2], heard[3], 0]).await.unwrap();
    until("subscribed", || is_up(&hall)).await;
    let mut backlog = Vec::new();
    for seq in 1..=BACKLOG {
        let payload = format!(r#"{{"v":{},"seq":{seq}}}"#, seq % 500);
        backlog.extend(pen::publish(4, 0x30, "fh/v1/plant-a/nh3-1", 0, &payload));
    }
    broker.write_all(&backlog).await.unwrap();
    until("the last", || distinct(&hall).contains(&BACKLOG)).await;
    assert_eq!(distinct(&hall).len() as u64, BACKLOG);
    assert_eq!(hall.count("fenghuo_ingest_offered_total"), BACKLOG);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}
