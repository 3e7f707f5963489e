//! A disk that stalls or fails under the running program: alarms are told all the same, and nothing is acknowledged.

use std::time::{Duration, Instant};

use hall_tests::child::Hall;
use hall_tests::mqtt::Publisher;
use hall_tests::strace::Strace;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::json;

use crate::people::{alarm_of, flame, path, problem};

/// The disk answers this late, seconds.
const STALL_S: u64 = 4;

#[test]
fn a_stalled_disk_makes_an_alarm_provisional_and_never_late() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    flame(&hall, "flame.01");
    let mut gateway = Publisher::connect(&hall.mqtt_address(), "stalled", &hall.device()).unwrap();
    let mut stream = Stream::open(&hall, None);
    let inject = format!("fdatasync:delay_enter={}", STALL_S * 1_000_000);
    let stalled = Strace::attach(hall.pid(), &inject, dir.path().join("strace"));
    let began = Instant::now();
    let id = gateway.send("fh/v1/chem-01/flame.02", r#"{"v":true}"#).unwrap();
    let early = stream.find("the alarm", |f| f["tag"] == "flame.02" && f["cause"] == "raised");
    let took = began.elapsed();
    assert!(early["committed_at"].is_null() && early["provisional"] == true, "{early}");
    // 50 ms of budget; the rest is a debug build under strace beside other tests.
    assert!(took < Duration::from_millis(1_000), "pushed after {took:?}");
    assert!(!gateway.has_answer(), "acknowledged before the commit");
    let settled = stream.find("the same, settled", |f| f["seq"] == early["seq"]);
    assert!(settled["committed_at"].is_i64() && settled["provisional"] == false, "{settled}");
    assert!(began.elapsed() > Duration::from_secs(STALL_S - 1), "settled before the disk answered");
    assert_eq!(settled["alarm_id"], early["alarm_id"]);
    assert_eq!(gateway.acknowledged().expect("acknowledged after the commit"), id);
    assert!(hall.api().get("/api/v1/status").1["journal"]["provisional"].as_u64() >= Some(1));
    drop(stalled);
    // A disk that does not answer for a second is itself told, and so is its return.
    let link = |up: bool| {
        until("the disk's notice", PATIENCE, || {
            let (_, body) = hall.api().get("/api/v1/notices?limit=100");
            let of = |n: &&serde_json::Value| n["notice"]["scope"] == "journal" && n["notice"]["up"] == up;
            body["notices"].as_array()?.iter().find(of).cloned()
        })
    };
    assert!(link(false)["notice"]["reason"].as_str().unwrap().contains("has not answered"));
    link(true);
    assert_eq!(hall.stop(), Some(0));
}

#[test]
fn a_failing_disk_acknowledges_nothing_more_but_tells_alarms_and_a_restart_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let before = flame(&hall, "flame.01");
    let api = hall.api();
    let broken = Strace::attach(hall.pid(), "fdatasync:error=EIO", dir.path().join("strace"));
    let mut stream = Stream::open(&hall, None);
    let mut five = Publisher::connect5(&hall.mqtt_address(), "broken", &hall.device());
    five.send("fh/v1/chem-01/flame.02", r#"{"v":true}"#).unwrap();
    let said = five.said().expect("DISCONNECT");
    assert_eq!((said.id, said.reason), (0, 0x83), "no PUBACK, implementation specific error: {said:?}");
    let told = stream.find("the alarm all the same", |f| f["tag"] == "flame.02");
    assert_eq!((&told["committed_at"], &told["provisional"]), (&json!(null), &json!(true)), "{told}");
    // The next ones too, from whoever still connects.
    let mut another = Publisher::connect5(&hall.mqtt_address(), "another", &hall.device());
    another.send("fh/v1/chem-01/flame.03", r#"{"v":true}"#).unwrap();
    stream.find("the next alarm", |f| f["tag"] == "flame.03" && f["provisional"] == true);
    assert_eq!(another.said().expect("DISCONNECT").reason, 0x83);
    let refused = api.post(&path(&before, "ack"), &json!({"seq": before["seq"], "note": "已核实"}));
    problem(&refused, 503, "JOURNAL_FAILED");
    let (status, ready) = api.get("/readyz");
    let journal = ready["subsystems"].as_array().unwrap().iter().find(|s| s["name"] == "journal").cloned().unwrap();
    assert_eq!((status, &journal["ready"]), (503, &false.into()), "{ready}");
    assert!(!journal["reason"].as_str().unwrap().is_empty(), "with the reason: {ready}");
    assert_eq!(api.get("/healthz").0, 200, "the process lives");
    drop(broken);
    // The disk works again, but what was not synced may be gone: only a restart may go on.
    problem(&api.post(&path(&before, "ack"), &json!({"seq": before["seq"], "note": "已核实"})), 503, "JOURNAL_FAILED");
    hall.kill();
    hall.start_again();
    let alarm = alarm_of(&api, "flame.01", |_| true);
    assert_eq!((&alarm["alarm_id"], &alarm["acknowledged"]), (&before["alarm_id"], &false.into()));
    flame(&hall, "flame.02");
    assert_eq!(api.get("/readyz").0, 200);
}
