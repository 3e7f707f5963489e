//! The stream's promises: hello, heartbeats, resume without a gap, close codes, slow clients.

use std::path::PathBuf;

use hall_tests::child::{Hall, top};
use hall_tests::http::Api;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{alarm_of, door, flame, path};

fn last_seq(api: &Api) -> u64 {
    api.get("/api/v1/status").1["last_seq"].as_u64().unwrap()
}

/// Settled frames with numbers, up to and including `last`; previews of them are left out.
#[track_caller]
fn facts(stream: &mut Stream, last: u64) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    while all.last().is_none_or(|f| f["seq"].as_u64() < Some(last)) {
        let frame = stream.next().expect("the stream goes on");
        if frame["seq"].is_u64() && frame["provisional"] == false {
            all.push(frame);
        }
    }
    all
}

#[track_caller]
fn check_gapless(frames: &[Value], first: u64) {
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!(frame["seq"].as_u64(), Some(first + i as u64), "a gap or a repeat: {frame}");
        assert!(frame["committed_at"].is_i64() && frame["provisional"] == false, "{frame}");
    }
}

#[test]
fn hello_comes_first_and_heartbeats_every_second() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let mut stream = Stream::open(&hall, None);
    let hello = stream.next().unwrap();
    assert_eq!(
        (&hello["type"], &hello["heartbeat_ms"], &hello["desk"]),
        (&"hello".into(), &1_000.into(), &"值守一席".into())
    );
    assert!(hello["server_time"].is_i64() && hello["version"].is_string());
    let mut beat = || stream.find("a heartbeat", |f| f["type"] == "heartbeat");
    let beats = [beat(), beat(), beat()];
    let at = |b: &Value| b["server_time"].as_i64().unwrap();
    let total: i64 = at(&beats[2]) - at(&beats[0]);
    assert!((1_500_000..6_000_000).contains(&total), "two seconds apart: {total} µs");
    assert!(beats[0]["sources"]["total"].as_u64() > Some(100) && beats[0]["last_seq"].is_u64(), "{}", beats[0]);
}

#[test]
fn resume_goes_on_without_gap_or_repeat_out_of_memory_and_out_of_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let mut stream = Stream::open(&hall, Some(0));
    let first = flame(&hall, "flame.01")["seq"].as_u64().unwrap();
    check_gapless(&facts(&mut stream, first), 1);
    drop(stream);
    let second = flame(&hall, "flame.02")["seq"].as_u64().unwrap();
    let resumed = facts(&mut Stream::open(&hall, Some(first)), second);
    check_gapless(&resumed, first + 1);
    assert!(resumed.iter().any(|f| f["tag"] == "flame.02"));
    // After a kill the memory is empty: the same frames come out of the journal, byte for byte the same facts.
    hall.kill();
    hall.start_again();
    let third = flame(&hall, "flame.03")["seq"].as_u64().unwrap();
    let again = facts(&mut Stream::open(&hall, Some(first)), third);
    check_gapless(&again, first + 1);
    assert_eq!(again[..resumed.len()], resumed[..]);
    check_gapless(&facts(&mut Stream::open(&hall, Some(0)), third), 1);
}

#[test]
fn bad_input_36_a_number_of_the_future_is_closed_with_4400() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let mut stream = Stream::open(&hall, Some(1_000_000));
    assert_eq!(stream.next().unwrap()["type"], "hello");
    assert_eq!(stream.next(), Err(Some((4400, "SEQ_FUTURE".into()))));
}

/// A configuration over the demo's sites and rules, with these lines.
pub fn settings(dir: &tempfile::TempDir, lines: &str) -> PathBuf {
    let demo = top().join("config/demo");
    let accounts = "[[account]]\naccount = \"duty\"\nname = \"值班员 李敏\"\nrole = \"duty_officer\"\n";
    let text = format!("sites_dir = \"{0}/sites\"\nrules_dir = \"{0}/rules\"\n{lines}\n{accounts}", demo.display());
    let file = dir.path().join("fenghuo.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn bad_input_36_a_number_too_old_needs_a_snapshot_first() {
    let dir = tempfile::tempdir().unwrap();
    let file = settings(&dir, "[http]\nresume_max = 5");
    let mut hall = Hall::start_with(&dir.path().join("data"), &["--no-sim", "--config", file.to_str().unwrap()]);
    for tag in ["flame.01", "flame.02", "flame.03"] {
        flame(&hall, tag);
    }
    // What is still in memory can be resumed from anyhow; a restart empties it.
    hall.kill();
    hall.start_again();
    let last = last_seq(&hall.api());
    let mut stream = Stream::open(&hall, Some(0));
    let frame = stream.find("a snapshot is required", |f| f["type"] == "snapshot_required");
    assert_eq!((frame["last_seq"].as_u64(), frame["oldest_seq"].as_u64()), (Some(last), Some(last - 5)));
    assert_eq!(stream.next(), Err(Some((1000, "snapshot_required".into()))));
    // The way on: the open alarms, then the stream from their number.
    let (_, list) = hall.api().get("/api/v1/alarms?state=open");
    let fires = list["alarms"].as_array().unwrap().iter().filter(|a| a["class"] == "fire").count();
    assert_eq!(fires, 3, "{list}");
    let mut stream = Stream::open(&hall, list["seq"].as_u64());
    let next = flame(&hall, "flame.04");
    stream.find("the next alarm", |f| f["seq"] == next["seq"] && f["alarm_id"] == next["alarm_id"]);
}

#[test]
fn commands_on_the_stream_are_obeyed_or_answered_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let mut stream = Stream::open(&hall, None);
    let many: Vec<String> = (0..201).map(|i| format!("chem-01/t{i}")).collect();
    let table = [
        ("no JSON".to_owned(), "FRAME_INVALID"),
        (json!({"type": "open_valve"}).to_string(), "FRAME_INVALID"),
        (json!({"type": "sound", "armed": true, "extra": 1}).to_string(), "FRAME_INVALID"),
        (json!({"type": "subscribe", "tags": many}).to_string(), "FIELD_INVALID"),
        (json!({"type": "subscribe", "tags": ["chem-01/none"]}).to_string(), "TAG_UNKNOWN"),
    ];
    for (text, code) in table {
        stream.say(&text);
        let error = stream.find(code, |f| f["type"] == "error");
        assert_eq!(error["code"], code, "{text}: {error}");
        assert!(!error["message_zh"].as_str().unwrap().is_ascii() && !error["hint"].as_str().unwrap().is_empty());
    }
    stream.say(&json!({"type": "subscribe", "tags": ["chem-01/sphere-1.level"]}).to_string());
    let mut gateway = door(&hall);
    gateway.publish("fh/v1/chem-01/sphere-1.level", r#"{"v":41.5}"#);
    gateway.publish("fh/v1/chem-01/sphere-2.level", r#"{"v":42.5}"#);
    let frame = stream.find("the subscribed reading", |f| f["type"] == "readings");
    let readings = frame["readings"].as_array().unwrap();
    assert_eq!(
        (readings.len(), &readings[0]["tag"], &readings[0]["value"]),
        (1, &"sphere-1.level".into(), &41.5.into())
    );
    stream.say(&json!({"type": "sound", "armed": true}).to_string());
    until("the desk can sound", PATIENCE, || (hall.api().get("/api/v1/presence").1["armed"] == 1).then_some(()));
    drop(stream);
    until("nobody is there", PATIENCE, || (hall.api().get("/api/v1/presence").1["consoles"] == 0).then_some(()));
}

#[test]
fn a_slow_client_is_cut_with_a_hint_and_the_others_notice_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let (api, alarm) = (hall.api(), flame(&hall, "flame.01"));
    let mut slow = Stream::open(&hall, Some(0));
    let mut quick = Stream::open(&hall, Some(0));
    let text = "注".repeat(19_000);
    let comment = || {
        let seq = alarm_of(&api, "flame.01", |_| true)["seq"].clone();
        assert_eq!(api.post(&path(&alarm, "comment"), &json!({"seq": seq, "text": text})).0, 200);
    };
    let cut = || api.metric("fenghuo_stream_cut_total{reason=\"too_slow\"}") == 1.0;
    let mut told = 0;
    until("the slow client is cut", PATIENCE, || {
        if told < 300 {
            comment();
            told += 1;
            quick.find("the comment", |f| f["cause"] == "commented");
        }
        cut().then_some(())
    });
    let last = last_seq(&api);
    let mut seen = 0;
    let end = loop {
        match slow.next() {
            Ok(frame) => seen = frame["seq"].as_u64().unwrap_or(seen),
            Err(end) => break end,
        }
    };
    let (code, reason) = end.expect("a close frame");
    assert_eq!(code, 4408, "{reason}");
    let hint: u64 = reason.rsplit_once('=').expect("a number").1.parse().expect("a number");
    assert!(hint <= seen && seen < last, "hint {hint}, seen {seen}, last {last}");
    check_gapless(&facts(&mut Stream::open(&hall, Some(hint)), last), hint + 1);
}
