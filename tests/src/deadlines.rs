//! R2 at its full size: 10,000 open deadlines, a `kill -9`, a restart; each fires exactly once and none is hidden.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hall_tests::child::{Hall, top};
use hall_tests::database::Database;
use hall_tests::on_both;
use hall_tests::stream::Stream;
use hall_tests::until::until;
use serde_json::{Value, json};

on_both!(r2_ten_thousand_deadlines_survive_kill_9_and_fire_exactly_once);

/// Receivers of one command, which is the most a command takes.
pub const RECEIVERS: usize = 500;
/// Commands: as many orders as there are receivers each.
const COMMANDS: usize = 20;
/// Of them so many fall due while the hall is dead.
const DEAD: usize = COMMANDS / 2;
/// Orders, and so deadlines for an acknowledgement.
const ORDERS: usize = RECEIVERS * COMMANDS;
/// Time in which the dead hall must be open again before the first living deadline, microseconds.
const RESTART_US: i64 = 12_000_000;
/// Between the due times of one command's orders and the next one's, microseconds. A server is several round trips for each
/// row: 500 deadlines at once are told in their second, 1,000 in every second are a queue on two busy cores.
const fn step_us(database: Database) -> i64 {
    match database {
        Database::Sqlite => 500_000,
        Database::Postgres => 1_500_000,
    }
}
/// "At most 1 s late" is what a machine of its own shows, and the figure is printed. Beside other tests on two busy cores
/// every program is late; beyond this it is not the machine.
const LATE_US: i64 = 15_000_000;

fn now_us() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// A settings file with 500 teams below the hall, whose ladders take their second step ten minutes later.
pub fn settings(dir: &std::path::Path) -> String {
    let party = |id: &str, more: &str| {
        format!("[[party]]\nid = \"{id}\"\nkind = \"team\"\nname_zh = \"{id} 队\"\nname_en = \"{id}\"\n{more}")
    };
    let mut parties = format!("hall = \"hq\"\n{}", party("hq", ""));
    for i in 0..RECEIVERS {
        let _ = write!(parties, "{}", party(&receiver(i), "superior = \"hq\"\n"));
    }
    let remind = "[[value]]\nkey = \"order.remind\"\nvalue = 600\nunit = \"s\"\nconfidence = \"G\"\nsource = \"test\"\nnote = \"催办\"\n";
    let demo = top().join("config/demo").display().to_string();
    let file = dir.join("fenghuo.toml");
    let text = format!(
        "sites_dir = \"{demo}/sites\"\nrules_dir = \"{demo}/rules\"\nparties_file = \"parties.toml\"\nprofiles_dir = \"profiles\"\n"
    );
    std::fs::create_dir_all(dir.join("profiles")).unwrap();
    std::fs::write(dir.join("profiles/own.toml"), remind).unwrap();
    std::fs::write(dir.join("parties.toml"), parties).unwrap();
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

pub fn receiver(i: usize) -> String {
    format!("team-{i:03}")
}

/// One command: an order to each receiver, to be acknowledged by `due`.
#[track_caller]
fn order(hall: &Hall, due: i64) -> Vec<String> {
    let receivers: Vec<String> = (0..RECEIVERS).map(receiver).collect();
    let body = json!({"kind": "order", "receivers": receivers, "fields": {"content": "到场", "ack_due": due}});
    let (status, done) = hall.api().post("/api/v1/work", &body);
    assert_eq!(status, 200, "{done}");
    done["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Every command with its due time, which the length of the first one tells: all must be given before any is due.
fn orders(database: Database, hall: &Hall) -> (HashMap<String, i64>, i64) {
    let far = now_us() + 3_600_000_000;
    let began = Instant::now();
    let spare = order(hall, far);
    assert_eq!(spare.len(), RECEIVERS);
    let all_given = now_us() + began.elapsed().as_micros() as i64 * COMMANDS as i64 * 2 + 2_000_000;
    let mut due = HashMap::new();
    for command in 0..COMMANDS {
        let living = if command < DEAD { 0 } else { RESTART_US + step_us(database) * (command - DEAD) as i64 };
        let at = all_given + living;
        due.extend(order(hall, at).into_iter().map(|id| (id, at)));
    }
    (due, all_given)
}

/// What the stream says of one order's deadline.
struct Fired {
    detected: i64,
    committed: i64,
    due: i64,
}

/// Every frame about an acknowledgement that was missed, up to the stream's last number, by order.
fn fired(hall: &Hall, since: u64, last_due: i64) -> HashMap<String, Vec<Fired>> {
    let mut stream = Stream::open(hall, Some(since));
    let mut all: HashMap<String, Vec<Fired>> = HashMap::new();
    let (mut count, mut last, mut read) = (0, u64::MAX, 0);
    while read < last {
        let frame = stream.next().expect("the stream goes on");
        let seq = frame["seq"].as_u64().filter(|_| frame["type"] != "heartbeat");
        read = read.max(seq.unwrap_or(0));
        if frame["type"] == "order" && frame["cause"]["name"] == "ack" && frame["committed_at"].is_i64() {
            assert_eq!((&frame["action"], &frame["cause"]["rung"]), (&json!("remind"), &json!(1)), "{frame}");
            let us = |v: &Value| v.as_i64().unwrap();
            let told = Fired {
                detected: us(&frame["detected_at"]),
                committed: us(&frame["committed_at"]),
                due: us(&frame["cause"]["due"]),
            };
            all.entry(frame["item"]["id"].as_str().unwrap().to_owned()).or_default().push(told);
            count += 1;
        }
        // All are there, or their time is long over: what the journal holds now is all there is to read.
        if last == u64::MAX && (count == ORDERS || now_us() > last_due + 20_000_000) {
            last = hall.api().get("/api/v1/status").1["last_seq"].as_u64().unwrap();
        }
    }
    all
}

fn worst(of: impl Iterator<Item = i64>) -> f64 {
    of.max().unwrap_or(0) as f64 / 1e3
}

#[allow(clippy::print_stdout, reason = "the figures of the run")]
fn r2_ten_thousand_deadlines_survive_kill_9_and_fire_exactly_once(database: Database) {
    // One engine after the other: each measures its own first command to know when all are given.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path());
    let began = Instant::now();
    let mut hall = Hall::on(database, &dir.path().join("data"), &["--no-sim", "--config", &config]);
    let (due, dead_at) = orders(database, &hall);
    let (since, given) = (hall.api().get("/api/v1/status").1["last_seq"].as_u64().unwrap(), began.elapsed());
    assert!(now_us() < dead_at, "the orders took longer than their own first command said");
    assert_eq!(due.len(), ORDERS);
    hall.kill();
    until("the first half fell due with nobody there", Duration::from_secs(60), || (now_us() > dead_at).then_some(()));
    let (started_at, restart) = (now_us(), Instant::now());
    hall.start_again();
    let open = restart.elapsed();
    assert!(now_us() < dead_at + RESTART_US, "the restart took {open:?}: the second half was to find the hall open");
    let opened_at = now_us();
    let last_due = *due.values().max().unwrap();
    let all = fired(&hall, since, last_due);
    for (id, at) in &due {
        let of = all.get(id).map_or(&[][..], Vec::as_slice);
        assert_eq!((of.len(), of.first().map(|f| f.due)), (1, Some(*at)), "{id} fires once, for its own time");
    }
    assert_eq!(all.len(), ORDERS, "the far ones did not fire");
    let (dead, living): (Vec<&Fired>, Vec<&Fired>) = all.values().flatten().partition(|f| f.due == dead_at);
    assert!(dead.iter().all(|f| f.detected >= started_at && f.detected <= opened_at), "marked at the start");
    let overdue = hall.api().get("/api/v1/work?kind=order&overdue=true&limit=1").1["total"].clone();
    assert_eq!(overdue, json!(ORDERS), "none is hidden");
    let committed = worst(living.iter().map(|f| f.committed - f.due));
    println!(
        "{database:?}: {ORDERS} deadlines given in {:.1} s; killed; open again after {:.2} s; {} overdue at the start, committed at most \
         {:.0} ms after it; {} later, fired at most {:.0} ms and committed at most {committed:.0} ms late; each exactly once; \
         {:.1} s in all",
        given.as_secs_f64(),
        open.as_secs_f64(),
        dead.len(),
        worst(dead.iter().map(|f| f.committed - started_at)),
        living.len(),
        worst(living.iter().map(|f| f.detected - f.due)),
        began.elapsed().as_secs_f64(),
    );
    assert!(living.iter().all(|f| (0..=LATE_US).contains(&(f.committed - f.due))), "{committed} ms late");
}
