//! X3 on the whole program: a review against targets and against earlier incidents of the same hazard and level.

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::http::Api;
use hall_tests::on_both;
use serde_json::{Value, json};

use crate::people::{log_in, problem};
use crate::work::{act, done, make};

on_both!(x3_the_review_holds_the_gaps_against_targets_and_earlier_incidents);

/// An incident whose alarm was first looked at after so many seconds, with its response over.
fn handled(api: &Api, level: &str, looked_after_s: i64) -> String {
    let fields = json!({"title": "液氨泄漏", "enterprise": "chem-01", "hazard": "ammonia_leak", "chemical": "ammonia"});
    let id = make(api, &json!({"kind": "incident", "fields": fields}));
    let now = api.get(&format!("/api/v1/work/{id}")).1["created_at"].as_i64().unwrap();
    let alarm = now - 7_200_000_000;
    for (stamp, at) in [("alarm", alarm), ("first_look", alarm + looked_after_s * 1_000_000)] {
        done(act(api, &id, "stamp", json!({"fields": {"stamp": stamp, "stamp_at": at}})));
    }
    let plan = json!({"plan": "ammonia-leak", "level": level, "matters": "处置", "expected_duration_s": 7_200, "measures": "疏散"});
    done(act(api, &id, "activate", json!({"fields": plan})));
    done(act(api, &id, "terminate", json!({"note": "处置完毕"})));
    id
}

fn review(api: &Api, id: &str) -> Value {
    let (status, review) = api.get(&format!("/api/v1/work/{id}/review"));
    assert_eq!(status, 200, "{review}");
    review
}

fn gap(review: &Value, to: &str) -> Value {
    review["gaps"].as_array().unwrap().iter().find(|g| g["to"] == to).cloned().unwrap()
}

fn x3_the_review_holds_the_gaps_against_targets_and_earlier_incidents(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let commander = log_in(&hall, "commander");
    let first = handled(&commander, "III", 60);
    let alone = review(&commander, &first);
    assert_eq!((&alone["earlier_en"], &alone["earlier_zh"]), (&json!("none yet"), &json!("尚无同类事故")), "{alone}");
    assert!(alone["gaps"].as_array().unwrap().iter().all(|g| g["past"].is_null()), "{alone}");
    assert_eq!(alone["stamps"].as_object().map(serde_json::Map::len), Some(9));
    let others = [handled(&commander, "III", 600), handled(&commander, "II", 5_000), handled(&commander, "III", 120)];
    let last = handled(&commander, "III", 90);
    hall.kill();
    hall.start_again();
    let commander = log_in(&hall, "commander");
    let found = review(&commander, &last);
    assert_eq!(found["earlier"], json!([others[2], others[0], first]), "the same level only, newest first");
    let looked = gap(&found, "first_look");
    assert_eq!(looked["past"], json!({"incidents": 3, "median_s": 120.0, "least_s": 60.0, "most_s": 600.0}));
    assert_eq!((&looked["from"], &looked["s"]), (&json!("alarm"), &json!(90.0)));
    let target = looked["target_s"].as_f64().expect("the profile's target");
    assert_eq!(looked["met"], json!(90.0 <= target));
    assert!(gap(&found, "controlled")["past"]["incidents"] == 3, "{found}");
    problem(&commander.get("/api/v1/work/X-000999/review"), 404, "NOT_FOUND");
    problem(&commander.get("/api/v1/work/O-000001/review"), 404, "NOT_FOUND");
}
