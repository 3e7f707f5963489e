//! `kill -9` under load: nothing acknowledged is lost, nothing is doubled, no delay starts anew.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hall_tests::child::{Hall, run};
use hall_tests::mqtt::Publisher;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};

/// Publishers at once.
const PUBLISHERS: usize = 4;
/// Messages per write.
const BURST: usize = 20;

/// Kills in one run: 100 in CI, `FENGHUO_KILLS` in a soak.
fn kills() -> usize {
    std::env::var("FENGHUO_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

/// What publishers and the officer know to be acknowledged.
#[derive(Default)]
struct Account {
    readings: AtomicU64,
    /// Values acknowledged per tag, by source time in milliseconds.
    last: Mutex<BTreeMap<String, (i64, f64)>>,
    commands: Mutex<Vec<(u64, String)>>,
    stop: AtomicBool,
}

fn address_of(hall: &Arc<Mutex<Hall>>) -> (String, (String, String)) {
    let hall = hall.lock().unwrap();
    (hall.mqtt_address(), hall.device())
}

/// Publishes bursts with rising times; what the door acknowledged goes into the account.
fn publisher(number: usize, hall: &Arc<Mutex<Hall>>, account: &Arc<Account>) {
    let (address, login) = address_of(hall);
    let tag = format!("sphere-2.nh3.{:02}", number + 1);
    let topic = format!("fh/v1/chem-01/{tag}");
    let mut round = 0_u64;
    let mut ms = now_ms();
    while !account.stop.load(Ordering::Relaxed) {
        let Ok(mut door) = Publisher::connect(&address, &format!("kill-{number}"), &login) else {
            std::thread::park_timeout(Duration::from_millis(2));
            continue;
        };
        while !account.stop.load(Ordering::Relaxed) {
            ms = (ms + 1).max(now_ms());
            round += 1;
            // Every fourth burst lies above the limits: alarms come and go under fire.
            let value = if round % 8 < 4 { 10.0 } else { 70.0 } + (round % 100) as f64 / 100.0;
            let burst: Vec<(String, String)> =
                (0..BURST).map(|i| (topic.clone(), format!("{{\"ts\":{},\"v\":{value}}}", ms + i as i64))).collect();
            ms += BURST as i64;
            let Ok(ids) = door.send_all(&burst) else { break };
            let mut acknowledged = 0;
            for id in &ids {
                match door.acknowledged() {
                    Ok(got) if got == *id => acknowledged += 1,
                    _ => break,
                }
            }
            account.readings.fetch_add(acknowledged as u64, Ordering::Relaxed);
            if acknowledged > 0 {
                let at = ms - (BURST - acknowledged) as i64 - 1;
                account.last.lock().unwrap().insert(tag.clone(), (at, value));
            }
            if acknowledged < ids.len() {
                break;
            }
        }
    }
}

fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// Acknowledges and comments on whatever is open; a 200 goes into the account.
fn officer(hall: &Arc<Mutex<Hall>>, account: &Arc<Account>) {
    while !account.stop.load(Ordering::Relaxed) {
        let api = hall.lock().unwrap().api();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for alarm in api.alarms().iter().take(3) {
                let path = format!("/api/v1/alarms/{}/comment", alarm["alarm_id"].as_str().unwrap());
                let text = format!("第 {} 次巡查", account.commands.lock().unwrap().len());
                let (status, body) = api.post(&path, &serde_json::json!({"seq": alarm["seq"], "text": text}));
                if status == 200 {
                    account.commands.lock().unwrap().push((body["seq"].as_u64().unwrap(), text));
                }
            }
        }));
        if done.is_err() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

#[test]
fn kill_100_times_under_load_loses_and_doubles_nothing() {
    // The officer's requests fail whenever the hall is killed; that is the point, and need not fill the log.
    std::panic::set_hook(Box::new(|info| {
        if std::thread::current().name() != Some("officer") {
            eprintln!("{info}");
        }
    }));
    let dir = tempfile::tempdir().unwrap();
    let hall = Arc::new(Mutex::new(Hall::start(&dir.path().join("data"))));
    let account = Arc::new(Account::default());
    let mut threads = Vec::new();
    for number in 0..PUBLISHERS {
        let (hall, account) = (hall.clone(), account.clone());
        threads.push(std::thread::spawn(move || publisher(number, &hall, &account)));
    }
    let (h, a) = (hall.clone(), account.clone());
    threads.push(std::thread::Builder::new().name("officer".into()).spawn(move || officer(&h, &a)).unwrap());
    let mut noise = 88_172_645_463_325_252_u64;
    for _ in 0..kills() {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let until_kill = Instant::now() + Duration::from_millis(50 + noise % 400);
        while Instant::now() < until_kill {
            std::thread::park_timeout(until_kill.saturating_duration_since(Instant::now()));
        }
        let mut hall = hall.lock().unwrap();
        hall.kill();
        hall.start_again();
    }
    account.stop.store(true, Ordering::Relaxed);
    for thread in threads {
        let _ = thread.join();
    }
    check_account(&hall.lock().unwrap(), &account, dir.path());
}

#[allow(clippy::print_stdout, reason = "the figure of the run")]
fn check_account(hall: &Hall, account: &Account, dir: &std::path::Path) {
    let acknowledged = account.readings.load(Ordering::Relaxed);
    assert!(acknowledged > 1_000, "only {acknowledged} readings were acknowledged: no load");
    let api = hall.api();
    check_history(&api, account);
    // The stream from the beginning: every number once, in order.
    let (_, status) = api.get("/api/v1/status");
    let last = status["last_seq"].as_u64().unwrap();
    let mut stream = Stream::open(hall, Some(0));
    let mut frames = Vec::new();
    let mut raised = HashSet::new();
    while frames.last().is_none_or(|(seq, _)| *seq < last) {
        let frame = stream.next().expect("the stream goes on");
        let Some(seq) = frame["seq"].as_u64().filter(|_| frame["type"] != "heartbeat") else { continue };
        assert_eq!(seq, frames.last().map_or(1, |(s, _)| s + 1), "a gap or a repeat");
        assert!(frame["committed_at"].is_i64(), "{frame}");
        if frame["type"] == "alarm"
            && (frame["cause"] == "raised" || frame["cause"] == "bridged")
            && frame["occurrences"] == 1
        {
            assert!(raised.insert(frame["alarm_id"].as_str().unwrap().to_owned()), "raised twice: {frame}");
        }
        frames.push((seq, frame));
    }
    for (seq, text) in account.commands.lock().unwrap().iter() {
        let frame = &frames[*seq as usize - 1].1;
        assert_eq!(frame["note"], text.as_str(), "an acknowledged command is not in the journal");
    }
    println!(
        "{} kills: {acknowledged} readings and {} commands acknowledged, {} facts, {} alarms; 0 lost, 0 doubled",
        kills(),
        account.commands.lock().unwrap().len(),
        frames.len(),
        raised.len()
    );
    let report = run(&["audit", "verify", "--data", &dir.join("data").display().to_string()]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
}

/// The newest acknowledged reading of every tag is what the hall knows, or something newer.
fn check_history(api: &hall_tests::http::Api, account: &Account) {
    let (_, tags) = api.get("/api/v1/tags?enterprise=chem-01");
    for (tag, (ms, value)) in account.last.lock().unwrap().iter() {
        let row = tags["tags"].as_array().unwrap().iter().find(|t| t["tag"] == tag.as_str()).unwrap();
        let known = row["source_time"].as_i64().unwrap_or(0) / 1_000;
        assert!(known >= *ms, "{tag}: acknowledged {value} at {ms}, the hall knows only {known}");
    }
}

#[test]
fn kill_during_a_delay_does_not_reset_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    // On-delay 5 s.
    let mut door = Publisher::connect(&hall.mqtt_address(), "delay", &hall.device()).unwrap();
    let began = now_ms();
    door.publish("fh/v1/chem-01/tank-1.temperature", &format!("{{\"ts\":{began},\"v\":60}}"));
    hall.kill();
    hall.start_again();
    let frame = until("the alarm", PATIENCE, || {
        let mut door = Publisher::connect(&hall.mqtt_address(), "delay", &hall.device()).ok()?;
        door.publish("fh/v1/chem-01/tank-1.temperature", &format!("{{\"ts\":{},\"v\":60}}", now_ms()));
        hall.api().alarms().into_iter().find(|a| a["tag"] == "tank-1.temperature")
    });
    let raised = frame["raised_at"].as_i64().unwrap() / 1_000;
    assert!((5_000..9_500).contains(&(raised - began)), "raised {} ms after the first reading", raised - began);
}
