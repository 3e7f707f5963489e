//! S3 on the whole program: a roll-call of 500, a result for each within a minute, and a burst of frames that stays small.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::on_both;
use hall_tests::stream::Stream;
use serde_json::{Value, json};

use crate::deadlines::{RECEIVERS, receiver, settings};
use crate::work::make;

on_both!(s3_a_roll_call_of_five_hundred_has_a_result_for_each_within_a_minute);

const WITHIN: Duration = Duration::from_secs(60);
/// All frames of it, bytes: each step tells its item and itself, and not the life so far.
const BYTES_MAX: usize = 6_000_000;

fn profile(key: &str, value: u32) -> String {
    format!(
        "[[value]]\nkey = \"{key}\"\nvalue = {value}\nunit = \"s\"\nconfidence = \"G\"\nsource = \"test\"\nnote = \"查岗\"\n"
    )
}

#[allow(clippy::print_stdout, reason = "the figures of the run")]
fn s3_a_roll_call_of_five_hundred_has_a_result_for_each_within_a_minute(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path());
    let quick = profile("roll_call.answer", 3) + &profile("roll_call.second", 3);
    std::fs::write(dir.path().join("profiles/quick.toml"), quick).unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim", "--config", &config]);
    let mut stream = Stream::open(&hall, None);
    let targets: Vec<String> = (0..RECEIVERS).map(receiver).collect();
    let began = Instant::now();
    let fields = json!({"title": "全员查岗", "mode": "all", "channel": "app", "targets": targets});
    let task = make(&hall.api(), &json!({"kind": "roll_call", "fields": fields}));
    let (mut frames, mut bytes) = (0, 0);
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    // One in ten answers; of the others the second call and the end come by themselves.
    let mut answered = 0;
    loop {
        let frame = stream.next().expect("the stream goes on");
        let Some(item) = frame["item"].as_object() else { continue };
        (frames, bytes) = (frames + 1, bytes + frame.to_string().len());
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        if text("kind") == "call" {
            if frame["action"] == "create" && states.len().is_multiple_of(10) {
                let path = format!("/api/v1/work/{}/answer", text("id"));
                let (status, done) = hall.api().post(&path, &json!({"seq": item["seq"]}));
                assert_eq!(status, 200, "{done}");
                answered += 1;
            }
            states.insert(text("id"), text("state"));
        } else if text("id") == task && frame["action"] == "finish" {
            break;
        }
    }
    let took = began.elapsed();
    let of = |state: &str| states.values().filter(|s| *s == state).count();
    assert_eq!((of("answered"), of("unanswered")), (answered, RECEIVERS - answered), "a result for each");
    let (_, item) = hall.api().get(&format!("/api/v1/work/{task}"));
    assert_eq!((&item["state"], &item["fields"]["unanswered"]), (&json!("finished"), &json!(RECEIVERS - answered)));
    // The frames bring one step each; who wants the life so far asks for it.
    let log = |item: &Value| item["log"].as_array().map_or(0, Vec::len);
    assert_eq!(log(&item), 100, "the newest hundred");
    println!("{database:?}: {frames} frames, {bytes} bytes, {answered} answered, all within {took:?}");
    assert!(took <= WITHIN, "{took:?}");
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}
