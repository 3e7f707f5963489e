//! Bad input of the work systems: each a clear problem, and nothing changes.

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::http::Api;
use hall_tests::on_both;
use serde_json::{Value, json};

use crate::people::{flame, log_in, problem};
use crate::work::{act, done, make, team};

on_both!(
    r3_two_officers_at_once_the_second_is_told_who_and_when,
    h3_h4_the_major_track_and_the_second_person,
    h1_from_an_alarm_to_the_ledger_in_one_action
);

#[test]
fn items_that_cannot_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let lead = log_in(&hall, "lead");
    let to = team(&lead, 0);
    let order = |fields: Value| json!({"kind": "order", "receivers": [to], "fields": fields});
    // The drills that the demo's parties owe are planned from the start.
    let total = || lead.get("/api/v1/work").1["total"].clone();
    let before = total();
    let past = 1_600_000_000_000_000_i64;
    let table: [(Value, u16, &str, &str); 14] = [
        (json!({"kind": "order", "fields": {"content": "x"}}), 422, "FIELD_REQUIRED", "receiver"),
        (order(json!({})), 422, "FIELD_REQUIRED", "content"),
        (order(json!({"content": " "})), 422, "FIELD_REQUIRED", "content"),
        (order(json!({"content": 7})), 422, "FIELD_INVALID", "content"),
        (order(json!({"content": "x", "colour": "red"})), 422, "FIELD_INVALID", "colour"),
        (order(json!({"content": "x", "ack_due": past})), 422, "FIELD_INVALID", "ack_due"),
        (order(json!({"content": "x", "complete_due": past})), 422, "FIELD_INVALID", "complete_due"),
        (order(json!({"content": "x", "ack_within_s": -1})), 422, "FIELD_INVALID", "ack_within_s"),
        (order(json!({"content": "x", "priority": "VI"})), 422, "FIELD_INVALID", "priority"),
        (order(json!({"content": "x", "done_by": "me"})), 422, "FIELD_INVALID", "done_by"),
        (json!({"kind": "nothing"}), 422, "FIELD_INVALID", ""),
        (json!({}), 422, "FIELD_REQUIRED", "kind"),
        (
            json!({"kind": "hidden_danger", "fields": {"title": "x", "source": "hotline"}, "links": [{"rel": "alarm", "to": "A-000999"}]}),
            404,
            "NOT_FOUND",
            "links",
        ),
        (
            json!({"kind": "hidden_danger", "fields": {"title": "x", "source": "hotline"}, "receivers": [to, to]}),
            422,
            "FIELD_INVALID",
            "receivers",
        ),
    ];
    for (body, status, code, field) in table {
        let answer = lead.post("/api/v1/work", &body);
        problem(&answer, status, code);
        if !field.is_empty() {
            assert_eq!(answer.1["field"], field, "{body} {answer:?}");
        }
    }
    let body = json!({"receiver": "nobody", "content": "x", "priority": 1});
    problem(&lead.post("/api/v1/orders", &body), 404, "NOT_FOUND");
    assert_eq!(total(), before, "no refusal left anything");
}

fn r3_two_officers_at_once_the_second_is_told_who_and_when(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let (lead, duty) = (log_in(&hall, "lead"), log_in(&hall, "duty"));
    let id = make(&lead, &json!({"kind": "order", "receivers": [team(&lead, 0)], "fields": {"content": "到场"}}));
    let seq = lead.get(&format!("/api/v1/work/{id}")).1["seq"].clone();
    let path = format!("/api/v1/work/{id}/acknowledge");
    assert_eq!(lead.post(&path, &json!({"seq": seq})).0, 200);
    let second = duty.post(&path, &json!({"seq": seq}));
    problem(&second, 409, "VERSION_CONFLICT");
    let name = lead.get("/api/v1/me").1["name"].as_str().unwrap().to_owned();
    let message = second.1["message_en"].as_str().unwrap();
    assert!(message.contains(&name) && message.contains('T'), "who and when: {message}");
    // With the right seq, a state the table does not have: what is possible is said, and nothing changed.
    let refused = act(&duty, &id, "deliver", json!({}));
    problem(&refused, 409, "WORK_STATE");
    assert!(refused.1["message_en"].as_str().unwrap().contains("complete"), "{refused:?}");
    assert_eq!(duty.get(&format!("/api/v1/work/{id}")).1["state"], "acknowledged");
    // The same key again is the same act, not a second one.
    let seq = duty.get(&format!("/api/v1/work/{id}")).1["seq"].clone();
    let body = json!({"seq": seq}).to_string();
    let once = duty.post_text(&format!("/api/v1/work/{id}/start"), ("idempotency-key", "k1"), &body);
    let twice = duty.post_text(&format!("/api/v1/work/{id}/start"), ("idempotency-key", "k1"), &body);
    assert_eq!((once.0, &twice.1["repeated"], &once.1["ids"]), (200, &json!(true), &twice.1["ids"]), "{twice:?}");
    problem(&act(&duty, &id, "fly", json!({})), 404, "NOT_FOUND");
    problem(&act(&duty, &id, "feedback", json!({"note": " "})), 422, "FIELD_REQUIRED");
    problem(&act(&duty, &id, "feedback", json!({"note": "x", "fields": {"percent": "half"}})), 422, "FIELD_INVALID");
    problem(&act(&duty, &id, "feedback", json!({"note": "x", "attachments": ["0"]})), 404, "NOT_FOUND");
    let alarm = flame(&hall, "flame.01");
    let seen = alarm["seq"].clone();
    let body = json!({"alarm_id": alarm["alarm_id"], "alarm_seq": seen, "receiver": team(&lead, 0), "content": "到场", "priority": 1});
    assert_eq!(lead.post("/api/v1/orders", &body).0, 200);
    problem(&duty.post("/api/v1/orders", &body), 409, "VERSION_CONFLICT");
}

const MUSTS: [&str; 7] = ["duty", "measures", "funds", "time_limit", "contingency", "supervision", "reported_to"];

/// Found and verified by one who may not grade it.
fn major(api: &Api, lead: &Api) -> String {
    let id =
        make(api, &json!({"kind": "hidden_danger", "fields": {"title": "储罐超装", "source": "joint_enforcement"}}));
    done(act(api, &id, "verify", json!({})));
    problem(
        &act(api, &id, "grade", json!({"fields": {"grade": "major", "grade_ground": "第 3 条"}})),
        403,
        "FORBIDDEN",
    );
    done(act(lead, &id, "grade", json!({"fields": {"grade": "major", "grade_ground": "判定标准第 3 条"}})));
    done(act(api, &id, "assign", json!({"fields": {"responsible": "duty"}})));
    id
}

/// H3: every field of the major track is missed by name. H4: nobody rechecks his own work.
fn h3_h4_the_major_track_and_the_second_person(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let (duty, lead) = (log_in(&hall, "duty"), log_in(&hall, "lead"));
    let id = major(&duty, &lead);
    for missing in MUSTS {
        let given: serde_json::Map<String, Value> =
            MUSTS.iter().filter(|m| **m != missing).map(|m| ((*m).to_owned(), json!("已落实"))).collect();
        let refused = act(&duty, &id, "start", json!({"fields": given}));
        problem(&refused, 422, "FIELD_REQUIRED");
        assert_eq!(refused.1["field"], missing);
    }
    let all: serde_json::Map<String, Value> = MUSTS.iter().map(|m| ((*m).to_owned(), json!("已落实"))).collect();
    done(act(&duty, &id, "start", json!({"fields": all})));
    problem(&act(&duty, &id, "complete", json!({"note": "已整改"})), 422, "FIELD_REQUIRED");
    done(act(&duty, &id, "complete", json!({"note": "已整改", "fields": {"cost": 12_000}})));
    problem(&act(&duty, &id, "pass", json!({"note": "合格"})), 409, "SECOND_PERSON");
    done(act(&lead, &id, "pass", json!({"note": "合格"})));
    problem(&act(&duty, &id, "close", json!({})), 403, "FORBIDDEN");
    done(act(&lead, &id, "close", json!({})));
    let (_, item) = duty.get(&format!("/api/v1/work/{id}"));
    assert_eq!((&item["state"], &item["ended"], &item["actions"]), (&json!("closed"), &json!(true), &json!([])));
    let late = duty.post(&format!("/api/v1/work/{id}/supplement"), &json!({"seq": item["seq"]}));
    problem(&late, 409, "WORK_STATE");
}

/// H1: one action from an alarm to an item with the evidence attached.
fn h1_from_an_alarm_to_the_ledger_in_one_action(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let duty = log_in(&hall, "duty");
    let alarm = flame(&hall, "flame.01");
    let links = json!([{"rel": "alarm", "to": alarm["alarm_id"]}]);
    let id = make(&duty, &json!({"kind": "hidden_danger", "links": links}));
    let (_, item) = duty.get(&format!("/api/v1/work/{id}"));
    let shown = item.to_string();
    assert!(shown.contains("chem-01/flame.01") && item["fields"]["source"] == "alarm", "{item}");
    assert!(!item["fields"]["evidence"].as_array().unwrap().is_empty(), "{item}");
    let (_, of_firm) = duty.get("/api/v1/work?kind=hidden_danger&enterprise=chem-01");
    assert_eq!(of_firm["total"], 1);
}
