//! The work systems over the real program: lists, lives, counts, exports, the field page's view, resuming the stream.

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::http::Api;
use hall_tests::on_both;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{flame, log_in, problem};

on_both!(d1_an_alarm_becomes_an_order_in_the_ledger_and_survives_kill_9, h5_counts_and_filters_over_the_api);

/// Makes an item; its id.
#[track_caller]
pub fn make(api: &Api, body: &Value) -> String {
    let (status, done) = api.post("/api/v1/work", body);
    assert_eq!(status, 200, "{done}");
    done["ids"][0].as_str().unwrap().to_owned()
}

/// Acts on an item as it stands.
#[track_caller]
pub fn act(api: &Api, id: &str, action: &str, mut body: Value) -> (u16, Value) {
    let (status, item) = api.get(&format!("/api/v1/work/{id}"));
    assert_eq!(status, 200, "{item}");
    body["seq"] = item["seq"].clone();
    api.post(&format!("/api/v1/work/{id}/{action}"), &body)
}

#[track_caller]
pub fn done(answer: (u16, Value)) {
    assert_eq!(answer.0, 200, "{}", answer.1);
}

pub fn team(api: &Api, n: usize) -> Value {
    api.get("/api/v1/site").1["teams"][n]["id"].clone()
}

fn danger(api: &Api, title: &str, town: &str) -> String {
    let fields = json!({"title": title, "town": town, "source": "grid_member", "category": "scene"});
    make(api, &json!({"kind": "hidden_danger", "fields": fields}))
}

fn d1_an_alarm_becomes_an_order_in_the_ledger_and_survives_kill_9(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let alarm = flame(&hall, "flame.01");
    let lead = log_in(&hall, "lead");
    let alarm_id = alarm["alarm_id"].as_str().unwrap();
    let body = json!({"alarm_id": alarm_id, "receivers": [team(&lead, 0), team(&lead, 1)], "content": "到场处置",
        "priority": 1});
    let (status, issued) = lead.post("/api/v1/orders", &body);
    assert_eq!((status, issued["ids"].as_array().map(Vec::len)), (200, Some(2)), "{issued}");
    let id = issued["ids"][0].as_str().unwrap();
    done(act(&lead, id, "acknowledge", json!({})));
    done(act(&lead, id, "feedback", json!({"note": "火已控制", "fields": {"percent": 60}})));
    hall.kill();
    hall.start_again();
    let lead = log_in(&hall, "lead");
    let (_, item) = lead.get(&format!("/api/v1/work/{id}"));
    assert_eq!((&item["state"], &item["fields"]["percent"]), (&json!("acknowledged"), &json!(60)), "{item}");
    let due = &item["deadlines"][0];
    assert!(due["source"].is_string() && due["confidence"] == "G", "a deadline says where it comes from: {due}");
    assert!(item["actions"].as_array().unwrap().contains(&json!("complete")), "{item}");
    let (_, orders) = lead.get("/api/v1/orders");
    let order = orders["orders"].as_array().unwrap().iter().find(|o| o["order_id"] == id).cloned().unwrap();
    assert_eq!((&order["alarm_id"], &order["feedback"][0]["text"]), (&alarm["alarm_id"], &json!("火已控制")));
    let (_, of_alarm) = lead.get(&format!("/api/v1/work?kind=order&alarm={alarm_id}"));
    assert_eq!((of_alarm["total"].as_u64(), of_alarm["items"][0]["log"].as_array().map(Vec::len)), (Some(2), Some(0)));
    let (_, events) = lead.get(&format!("/api/v1/work/{id}/events"));
    let actions: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["create", "acknowledge", "feedback"]);
    let audit = hall.api().get("/api/v1/audit?limit=50").1.to_string();
    assert!(audit.contains("order.issued") && audit.contains("order.acknowledged"), "{audit}");
    let (_, log) = lead.get(&format!("/api/v1/timeline?item={id}"));
    let lines = log["rows"].to_string();
    assert!(lines.contains("火已控制") && lines.contains(alarm_id), "the alarm belongs to its order: {lines}");
    let (_, open) = lead.get("/api/v1/handover/open");
    let refs: Vec<&Value> = open["items"].as_array().unwrap().iter().map(|i| &i["ref"]).collect();
    assert!(refs.contains(&&json!(id)) && refs.contains(&&alarm["alarm_id"]), "{open}");
}

fn h5_counts_and_filters_over_the_api(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let duty = log_in(&hall, "duty");
    let first = danger(&duty, "阀门泄漏 50%", "北镇");
    danger(&duty, "通道堵塞", "北镇");
    danger(&duty, "电线老化", "南镇");
    done(act(&duty, &first, "unfounded", json!({"note": "现场未见"})));
    let (_, counts) = duty.get("/api/v1/work/aggregate?kind=hidden_danger&by=town");
    let north = counts["rows"].as_array().unwrap().iter().find(|r| r["key"] == "北镇").cloned().unwrap();
    assert_eq!((&north["total"], &north["closed"], &north["closure_rate"]), (&json!(2), &json!(1), &json!(0.5)));
    let total = |query: &str| duty.get(&format!("/api/v1/work?kind=hidden_danger&{query}")).1["total"].clone();
    for (query, expected) in [
        ("town=%E5%8C%97%E9%95%87", 2),
        ("open=true", 2),
        ("open=false", 1),
        ("state=unfounded", 1),
        ("source=grid_member", 3),
        ("source=alarm", 0),
        ("q=50%25", 1),
        ("q=%25", 1),
        (&format!("q={}", first.to_lowercase()), 1),
        ("overdue=true", 0),
        ("overdue=false", 3),
        ("provenance=exercise", 0),
    ] {
        assert_eq!(total(query), json!(expected), "{query}");
    }
    let (_, page) = duty.get("/api/v1/work?kind=hidden_danger&limit=2");
    let last = page["items"][1]["id"].as_str().unwrap();
    let (_, next) = duty.get(&format!("/api/v1/work?kind=hidden_danger&limit=2&before={last}"));
    assert_eq!((next["items"][0]["id"].as_str(), next["items"].as_array().map(Vec::len)), (Some(&*first), Some(1)));
    for (path, code) in [
        ("/api/v1/work?kind=nothing", "FIELD_INVALID"),
        ("/api/v1/work?open=maybe", "FIELD_INVALID"),
        ("/api/v1/work/aggregate?by=colour", "FIELD_INVALID"),
        ("/api/v1/work/aggregate", "FIELD_INVALID"),
        ("/api/v1/work/export?format=xls", "FIELD_INVALID"),
        ("/api/v1/timeline?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "FIELD_INVALID"),
    ] {
        problem(&duty.get(path), 422, code);
    }
    for path in
        ["/api/v1/work/H-000999", "/api/v1/work/nothing", "/api/v1/work?before=x", "/api/v1/timeline?item=H-000999"]
    {
        problem(&duty.get(path), 404, "NOT_FOUND");
    }
}

#[test]
fn records_are_exported_as_json_and_csv() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let duty = log_in(&hall, "duty");
    let id = danger(&duty, "=HYPERLINK(\"http://x\"),泄漏", "北镇");
    done(act(&duty, &id, "verify", json!({"note": "-2 处"})));
    let (status, headers, bytes) = duty.get_raw("/api/v1/work/export?kind=hidden_danger&format=csv");
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!((status, headers["content-type"].as_str()), (200, "text/csv; charset=utf-8"));
    assert!(headers["content-disposition"].contains("hidden_danger.csv"), "{headers:?}");
    assert!(text.starts_with('\u{FEFF}') && text.contains("\"'=HYPERLINK(\"\"http://x\"\"),泄漏\""), "{text}");
    assert_eq!(text.lines().count(), 2);
    let (_, _, bytes) = duty.get_raw(&format!("/api/v1/work/{id}/export?format=csv"));
    let life = String::from_utf8(bytes).unwrap();
    assert!(life.lines().count() == 3 && life.contains("\"'-2 处\"") && life.contains("核实"), "{life}");
    let (_, whole) = duty.get(&format!("/api/v1/work/{id}/export"));
    assert_eq!((&whole["item"]["id"], whole["events"].as_array().map(Vec::len)), (&json!(id), Some(2)));
    assert_eq!(duty.get("/api/v1/work/export?kind=hidden_danger").1.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_phone_sees_and_acts_on_its_own_orders_only() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let lead = log_in(&hall, "lead");
    let (own, other) = (team(&lead, 0), team(&lead, 1));
    let order = |to: &Value| make(&lead, &json!({"kind": "order", "receivers": [to], "fields": {"content": "到场"}}));
    let (_, link) = lead.post("/api/v1/field-links", &json!({"party": own, "valid_h": 8}));
    let phone = Api::enter(&hall.host(), link["url"].as_str().unwrap()).expect("enters");
    let origin = format!("http://{}", hall.host());
    let headers = [("cookie", phone.header_value()), ("origin", origin.as_str())];
    let mut stream = Stream::try_open(&hall, None, &headers).expect("the stream opens");
    let since = stream.next().unwrap()["last_seq"].as_u64().unwrap();
    let (theirs, mine) = (order(&other), order(&own));
    let frame = until("its own order", PATIENCE, || stream.next().ok().filter(|f| f["type"] != "heartbeat"));
    assert_eq!((&frame["type"], &frame["item"]["id"]), (&json!("order"), &json!(mine)));
    let (_, list) = phone.get("/api/v1/work?kind=order&receiver=somebody");
    assert_eq!((&list["total"], &list["items"][0]["id"]), (&json!(1), &json!(mine)), "{list}");
    assert_eq!(phone.get("/api/v1/orders").1["orders"].as_array().map(Vec::len), Some(1));
    assert_eq!(phone.get("/api/v1/orders?state=all").1["orders"].as_array().map(Vec::len), Some(1));
    for path in ["", "/events", "/export"] {
        problem(&phone.get(&format!("/api/v1/work/{theirs}{path}")), 404, "NOT_FOUND");
        assert_eq!(phone.get(&format!("/api/v1/work/{mine}{path}")).0, 200);
    }
    let (_, item) = phone.get(&format!("/api/v1/work/{mine}"));
    let actions = item["actions"].as_array().unwrap();
    assert!(actions.contains(&json!("acknowledge")) && !actions.contains(&json!("revoke")), "{item}");
    let photo = phone.post_bytes("/api/v1/attachments?name=a.jpg", &[0xFF, 0xD8, 0xFF, 0xE0]).1;
    done(act(&phone, &mine, "acknowledge", json!({})));
    done(act(&phone, &mine, "arrive", json!({"fields": {"feedback_position": {"lon": 119.9, "lat": 31.7}}})));
    done(act(&phone, &mine, "feedback", json!({"note": "已到", "attachments": [photo["id"]]})));
    let (_, item) = lead.get(&format!("/api/v1/work/{mine}"));
    let last = item["log"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(
        (&last["attachments"][0]["name"], &last["by"]["account"]),
        (&json!("a.jpg"), &json!(format!("party:{}", own.as_str().unwrap())))
    );
    problem(&act(&phone, &mine, "verify", json!({})), 404, "NOT_FOUND");
    let seq = lead.get(&format!("/api/v1/work/{theirs}")).1["seq"].clone();
    problem(&phone.post(&format!("/api/v1/work/{theirs}/acknowledge"), &json!({"seq": seq})), 404, "NOT_FOUND");
    problem(&phone.post("/api/v1/work", &json!({"kind": "order", "fields": {"content": "x"}})), 403, "FORBIDDEN");
    problem(&phone.get("/api/v1/timeline"), 403, "FORBIDDEN");
    // Resuming from before gives the same, from the journal's own text or the ring's.
    let mut again = Stream::try_open(&hall, Some(since), &headers).expect("the stream opens");
    assert_eq!(again.next().unwrap()["type"], "hello");
    for action in ["create", "acknowledge", "arrive", "feedback"] {
        let frame = until("a frame", PATIENCE, || again.next().ok().filter(|f| f["type"] != "heartbeat"));
        assert_eq!((&frame["action"], &frame["item"]["id"]), (&json!(action), &json!(mine)));
    }
}

#[test]
fn a_work_frame_is_resumed_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let id = danger(&hall.api(), "阀门泄漏", "北镇");
    let (_, item) = hall.api().get(&format!("/api/v1/work/{id}"));
    let seq = item["seq"].as_u64().unwrap();
    hall.kill();
    hall.start_again();
    let mut stream = Stream::open(&hall, Some(seq - 1));
    assert_eq!(stream.next().unwrap()["type"], "hello");
    let frame = until("the frame", PATIENCE, || stream.next().ok().filter(|f| f["type"] == "work"));
    assert_eq!(
        (&frame["seq"], &frame["item"]["id"], &frame["cause"]["kind"]),
        (&json!(seq), &json!(id), &json!("command"))
    );
    assert!(frame["committed_at"].as_i64().is_some() && frame["provisional"] == false, "{frame}");
    assert_eq!(hall.api().get(&format!("/api/v1/work/{id}")).1, item, "the same item after the replay");
}
