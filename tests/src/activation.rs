//! X1: a plan is activated, and the first order is on its receiver's screen.

use std::time::{Duration, Instant};

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::http::Api;
use hall_tests::on_both;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::json;

use crate::people::log_in;
use crate::work::{act, done, make};

on_both!(x1_activation_is_one_transaction_and_the_first_order_is_on_a_screen_within_two_seconds);

/// From the command to the receiver's screen.
const ON_SCREEN: Duration = Duration::from_secs(2);

#[allow(clippy::print_stdout, reason = "the figures of the run")]
fn x1_activation_is_one_transaction_and_the_first_order_is_on_a_screen_within_two_seconds(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let commander = log_in(&hall, "commander");
    let fields =
        json!({"title": "2 号球罐液氨泄漏", "enterprise": "chem-01", "hazard": "ammonia_leak", "chemical": "氨"});
    let incident = make(&commander, &json!({"kind": "incident", "fields": fields}));
    // The plant itself holds the first task of the card.
    let (_, link) = commander.post("/api/v1/field-links", &json!({"party": "chem-01", "valid_h": 8}));
    let phone = Api::enter(&hall.host(), link["url"].as_str().unwrap()).expect("enters");
    let origin = format!("http://{}", hall.host());
    let headers = [("cookie", phone.header_value()), ("origin", origin.as_str())];
    let mut screen = Stream::try_open(&hall, None, &headers).expect("the stream opens");
    let since = screen.next().unwrap()["last_seq"].as_u64().unwrap();
    let began = Instant::now();
    let plan = json!({"plan": "ammonia-leak", "level": "II", "matters": "启动二级响应", "expected_duration_s": 7_200,
        "measures": "切断、稀释、疏散"});
    // The answer and the frame are waited for at once: either may come first.
    let asked = std::thread::spawn(move || done(act(&commander, &incident, "activate", json!({"fields": plan}))));
    let first = until("the first order", PATIENCE, || screen.next().ok().filter(|f| f["type"] == "order"));
    let on_screen = began.elapsed();
    asked.join().unwrap();
    assert_eq!((&first["item"]["receiver"]["id"], &first["action"]), (&json!("chem-01"), &json!("create")), "{first}");
    let tasks = check_transaction(&hall, since, &first["committed_at"]);
    println!(
        "{database:?}: {tasks} tasks in one transaction; the first order on the receiver's screen after {on_screen:?}"
    );
    assert!(on_screen <= ON_SCREEN, "{on_screen:?}");
}

/// Every event of the activation was committed at the same moment; how many orders it made.
fn check_transaction(hall: &Hall, since: u64, committed_at: &serde_json::Value) -> usize {
    let last = hall.api().get("/api/v1/status").1["last_seq"].as_u64().unwrap();
    let mut stream = Stream::open(hall, Some(since));
    let (mut seq, mut orders, mut activated) = (since, 0, false);
    while seq < last {
        let frame = stream.next().expect("the stream goes on");
        let Some(number) = frame["seq"].as_u64().filter(|_| frame["item"].is_object()) else { continue };
        seq = number;
        let of_plan = frame["action"] == "activate" || frame["cause"]["kind"] == "consequence";
        assert!(!of_plan || &frame["committed_at"] == committed_at, "another transaction: {frame}");
        activated |= frame["action"] == "activate";
        orders += usize::from(frame["type"] == "order" && frame["action"] == "create");
    }
    let total = hall.api().get("/api/v1/work?kind=order&limit=1").1["total"].as_u64().unwrap();
    assert!(activated && orders > 5 && orders as u64 == total, "{orders} orders on the stream, {total} in the ledger");
    orders
}
