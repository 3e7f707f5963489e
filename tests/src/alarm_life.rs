//! What people do to alarms and orders, through the API: every step, every refusal, in both languages.

use hall_tests::child::Hall;
use hall_tests::http::Api;
use hall_tests::mqtt::Publisher;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{alarm_of, door, flame, log_in, path, problem};

/// Does something to the alarm with the number it has now, and returns it as it is then.
#[track_caller]
fn act(api: &Api, alarm: &Value, action: &str, mut body: Value) -> Value {
    body["seq"] = alarm["seq"].clone();
    let (status, done) = api.post(&path(alarm, action), &body);
    assert_eq!(status, 200, "{action}: {done}");
    assert_eq!(done["alarm_id"], alarm["alarm_id"]);
    let (_, detail) = api.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    assert_eq!(detail["alarm"]["seq"], done["seq"], "{action}: a 200 is visible at once");
    detail["alarm"].clone()
}

fn start(dir: &tempfile::TempDir) -> Hall {
    Hall::start(&dir.path().join("data"))
}

#[test]
fn bad_input_31_a_closed_alarm_says_state_by_whom_and_when() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let (duty, lead) = (log_in(&hall, "duty"), log_in(&hall, "lead"));
    let alarm = flame(&hall, "flame.01");
    let acked = act(&duty, &alarm, "ack", json!({"note": "已派人核实"}));
    assert_eq!((&acked["state"], &acked["acknowledgement"]["note"]), (&"acknowledged".into(), &"已派人核实".into()));
    let again = lead.post(&path(&alarm, "ack"), &json!({"seq": acked["seq"], "note": "我也看到"}));
    problem(&again, 409, "ALARM_STATE");
    assert!(again.1["message_zh"].as_str().unwrap().contains("值班员 李敏"), "who was first: {}", again.1);
    // It returns, latched: only a shift lead's reset closes it.
    door(&hall).publish("fh/v1/chem-01/flame.01", r#"{"v":false}"#);
    let latched = alarm_of(&lead, "flame.01", |a| a["active"] == false);
    assert_eq!(latched["state"], "latched");
    problem(&duty.post(&path(&alarm, "reset"), &json!({"seq": latched["seq"], "reason": "x"})), 403, "FORBIDDEN");
    let closed = act(&lead, &latched, "reset", json!({"reason": "现场确认已灭"}));
    assert_eq!(closed["state"], "normal");
    let late = duty.post(&path(&alarm, "ack"), &json!({"seq": closed["seq"], "note": "确认"}));
    problem(&late, 409, "ALARM_STATE");
    let (zh, en) = (late.1["message_zh"].as_str().unwrap(), late.1["message_en"].as_str().unwrap());
    assert!(zh.contains("正常") && zh.contains("值班长 王强"), "state, by whom: {zh}");
    assert!(en.contains("normal") && en.contains("值班长 王强") && en.contains("20"), "state, by whom, when: {en}");
    // It is in the list of the closed ones, with its whole life.
    let (_, list) = duty.get("/api/v1/alarms?state=closed");
    assert_eq!(list["alarms"][0]["alarm_id"], alarm["alarm_id"], "{list}");
    let (_, life) = duty.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    let causes: Vec<&str> = life["events"].as_array().unwrap().iter().map(|e| e["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["raised", "acknowledged", "recovered", "reset"]);
}

#[test]
fn bad_input_32_two_people_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let (duty, commander) = (log_in(&hall, "duty"), log_in(&hall, "commander"));
    let alarm = flame(&hall, "flame.01");
    let order = |team: &str, seq: &Value| {
        json!({"alarm_id": alarm["alarm_id"], "alarm_seq": seq, "receiver": team, "content": "到场核实", "place": "罐区",
               "priority": 1, "ack_within_s": 60})
    };
    let (status, first) = duty.post("/api/v1/orders", &order("brigade-1", &alarm["seq"]));
    assert_eq!(status, 200, "{first}");
    let second = commander.post("/api/v1/orders", &order("hazmat", &alarm["seq"]));
    problem(&second, 409, "VERSION_CONFLICT");
    assert!(second.1["message_zh"].as_str().unwrap().contains("值班员 李敏"), "the owner: {}", second.1);
    assert_eq!(commander.post("/api/v1/orders", &order("hazmat", &first["seq"])).0, 200, "having seen it, she may");
    // The same for acknowledging with a number that is out of date.
    act(&duty, &alarm, "ack", json!({"note": "已核实"}));
    let alarm = alarm_of(&duty, "flame.01", |_| true);
    let unacked = act(&duty, &alarm, "unack", json!({"reason": "误确认"}));
    assert_eq!(unacked["state"], "unacknowledged");
    let stale = commander.post(&path(&alarm, "ack"), &json!({"seq": 1, "note": "确认"}));
    problem(&stale, 409, "VERSION_CONFLICT");
    assert!(stale.1["message_en"].as_str().unwrap().contains("changed by 值班员 李敏"), "{}", stale.1);
}

#[test]
fn bad_input_33_and_34_texts_that_are_required_and_things_that_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let lead = log_in(&hall, "lead");
    let alarm = act(&lead, &flame(&hall, "flame.01"), "ack", json!({"note": "已核实"}));
    let table = [("unack", "reason"), ("shelve", "reason"), ("comment", "text")];
    for (action, field) in table {
        let refused = lead.post(&path(&alarm, action), &json!({"seq": alarm["seq"], "text": " ", "reason": ""}));
        problem(&refused, 422, "FIELD_REQUIRED");
        assert_eq!(refused.1["field"], field, "{action}");
    }
    let order = json!({"receiver": "brigade-1", "content": "", "priority": 1, "ack_within_s": 60});
    let table = [
        ("receiver", json!(""), 422, "FIELD_REQUIRED"),
        ("receiver", json!("nobody"), 404, "NOT_FOUND"),
        ("content", json!(" "), 422, "FIELD_REQUIRED"),
        ("priority", json!(9), 422, "FIELD_INVALID"),
        ("ack_within_s", json!(1), 422, "FIELD_INVALID"),
        ("alarm_id", json!("A-000999"), 404, "NOT_FOUND"),
    ];
    for (key, value, status, code) in table {
        let mut body = order.clone();
        body["content"] = "到场".into();
        body[key] = value;
        problem(&lead.post("/api/v1/orders", &body), status, code);
    }
    let act = json!({"seq": 1, "note": ""});
    for path in ["/api/v1/orders/O-000999/deliver", "/api/v1/orders/none/deliver", "/api/v1/orders/O-000001/burn"] {
        problem(&lead.post(path, &act), 404, "NOT_FOUND");
    }
    let service = json!({"permit": "P-1", "until": 4_000_000_000_000_000_i64, "reason": "检修"});
    problem(&lead.post("/api/v1/tags/chem-01/none/service", &service), 404, "NOT_FOUND");
}

#[test]
fn the_same_key_twice_is_done_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = start(&dir);
    let alarm = flame(&hall, "flame.01");
    let body = json!({"seq": alarm["seq"], "note": "已核实"}).to_string();
    let send = |hall: &Hall| hall.api().post_text(&path(&alarm, "ack"), ("idempotency-key", "k-1"), &body);
    let (status, first) = send(&hall);
    assert_eq!((status, &first["repeated"]), (200, &false.into()));
    // The answer was lost; the hall was killed; the client asks again.
    hall.kill();
    hall.start_again();
    let (status, again) = send(&hall);
    assert_eq!((status, &again["repeated"], &again["seq"]), (200, &true.into(), &first["seq"]), "{again}");
    let (_, life) = hall.api().get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    let acks = life["events"].as_array().unwrap().iter().filter(|e| e["cause"] == "acknowledged").count();
    assert_eq!(acks, 1, "{life}");
}

#[test]
fn many_alarms_are_acknowledged_together_only_when_that_is_safe() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let duty = log_in(&hall, "duty");
    let urgent = flame(&hall, "flame.01");
    // Over-range readings raise diagnostics (priority 5) at once, one of them at another firm.
    for tag in ["chem-01/tank-1.lel.01", "chem-01/tank-1.lel.02", "metal-01/polish-1.dust.01"] {
        door(&hall).publish(&format!("fh/v1/{tag}"), r#"{"v":250}"#);
    }
    let [a, b, c] = ["tank-1.lel.01", "tank-1.lel.02", "polish-1.dust.01"].map(|t| alarm_of(&duty, t, |_| true));
    let batch = |alarms: &[&Value]| {
        let seen: Vec<Value> = alarms.iter().map(|a| json!({"alarm_id": a["alarm_id"], "seq": a["seq"]})).collect();
        duty.post("/api/v1/alarms/ack-batch", &json!({"alarms": seen, "note": ""}))
    };
    problem(&batch(&[]), 422, "FIELD_INVALID");
    problem(&batch(&[&a, &urgent]), 422, "FIELD_INVALID");
    problem(&batch(&[&a, &c]), 422, "FIELD_INVALID");
    assert!(
        [&a, &b, &c].iter().all(|x| alarm_of(&duty, x["tag"].as_str().unwrap(), |_| true)["acknowledged"] == false)
    );
    let mut gone = b.clone();
    gone["alarm_id"] = "A-000999".into();
    let (status, view) = batch(&[&a, &b, &gone]);
    assert_eq!(status, 200, "{view}");
    assert_eq!((view["done"].as_array().unwrap().len(), &view["refused"][0]["code"]), (2, &"NOT_FOUND".into()));
    for tag in ["tank-1.lel.01", "tank-1.lel.02"] {
        alarm_of(&duty, tag, |a| a["acknowledged"] == true);
    }
}

#[test]
fn a4_shelving_ends_by_hand_or_by_time_and_a_red_alarm_needs_two_people() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let (duty, lead) = (log_in(&hall, "duty"), log_in(&hall, "lead"));
    door(&hall).publish("fh/v1/chem-01/sphere-1.nh3.01", r#"{"v":30}"#);
    let orange = alarm_of(&duty, "sphere-1.nh3.01", |a| a["priority"] == 2);
    problem(&duty.post(&path(&orange, "shelve"), &json!({"seq": orange["seq"], "reason": "x"})), 403, "FORBIDDEN");
    let alarm = flame(&hall, "flame.01");
    let shelve = |seq: &Value, for_s: f64| json!({"seq": seq, "for_s": for_s, "reason": "动火作业"});
    for for_s in [0.0, -1.0, 1e9] {
        problem(&lead.post(&path(&alarm, "shelve"), &shelve(&alarm["seq"], for_s)), 422, "FIELD_INVALID");
    }
    // The first person asks; the second, a shift lead, agrees.
    let asked = act(&duty, &alarm, "shelve", json!({"for_s": 600.0, "reason": "动火作业"}));
    assert_eq!(
        (&asked["state"], &asked["shelve_request"]["by"]["account"]),
        (&"unacknowledged".into(), &"duty".into())
    );
    problem(&duty.post(&path(&alarm, "shelve"), &shelve(&asked["seq"], 60.0)), 409, "SECOND_PERSON");
    problem(&log_in(&hall, "duty2").post(&path(&alarm, "shelve"), &shelve(&asked["seq"], 60.0)), 403, "FORBIDDEN");
    problem(&lead.post(&path(&alarm, "shelve"), &shelve(&asked["seq"], 601.0)), 422, "FIELD_INVALID");
    let shelved = act(&lead, &asked, "shelve", json!({"for_s": 600.0, "reason": "同意"}));
    assert_eq!((&shelved["state"], &shelved["shelving"]["reason"]), (&"shelved".into(), &"同意".into()));
    assert!(shelved["shelve_request"].is_null(), "{shelved}");
    problem(&lead.post(&path(&alarm, "shelve"), &shelve(&shelved["seq"], 60.0)), 409, "ALARM_STATE");
    let back = act(&lead, &shelved, "unshelve", json!({"reason": "作业结束"}));
    assert_eq!(back["state"], "unacknowledged");
    let asked = act(&lead, &back, "shelve", json!({"for_s": 1.0, "reason": "短时"}));
    let shelved = act(&log_in(&hall, "commander"), &asked, "shelve", json!({"for_s": 1.0, "reason": "短时"}));
    assert!(shelved["shelving"]["until"].as_i64().is_some());
    alarm_of(&lead, "flame.01", |a| a["state"] == "unacknowledged" && a["shelving"].is_null());
    let (_, life) = lead.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    let last = life["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["cause"], &last["annunciation"]),
        (&"shelve_expired".into(), &"individual".into()),
        "it sounds again"
    );
    let said = act(&duty, &alarm_of(&duty, "flame.01", |_| true), "comment", json!({"text": "动火票已交回"}));
    assert_eq!(said["state"], "unacknowledged", "a comment changes no state");
}

#[test]
fn a3_a_console_that_goes_silent_and_has_painted_the_alarm_acknowledges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let mut stream = Stream::open(&hall, None);
    let alarm = flame(&hall, "flame.01");
    let raised = stream.find("the alarm", |f| f["type"] == "alarm" && f["cause"] == "raised");
    let sounds = |armed: u64| {
        let presence = || hall.api().get("/api/v1/presence").1;
        until("the console's sound", PATIENCE, || (presence()["armed"] == armed).then_some(()));
    };
    stream.say(r#"{"type":"sound","armed":true}"#);
    sounds(1);
    stream.say(&json!({"type": "receipt", "seq": raised["seq"]}).to_string());
    stream.say(r#"{"type":"sound","armed":false}"#);
    sounds(0);
    let duty = log_in(&hall, "duty");
    let open = alarm_of(&duty, "flame.01", |_| true);
    assert_eq!((&open["state"], &open["seq"]), (&"unacknowledged".into(), &alarm["seq"]));
    let acked = act(&duty, &open, "ack", json!({"note": "已派人核实"}));
    assert_eq!(acked["acknowledgement"]["by"]["account"], "duty", "only a person's acknowledgement is one");
}

#[test]
fn a5_a_hundred_gateways_at_once_raise_one_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let (address, device) = (hall.mqtt_address(), hall.device());
    let together = std::sync::Barrier::new(100);
    std::thread::scope(|scope| {
        for n in 0..100 {
            let (address, device, together) = (&address, &device, &together);
            scope.spawn(move || {
                let mut door = Publisher::connect(address, &format!("gw-{n}"), device).unwrap();
                together.wait();
                door.publish("fh/v1/chem-01/flame.01", r#"{"v":true}"#);
            });
        }
    });
    let of_tag = |state: &str| {
        let (_, list) = hall.api().get(&format!("/api/v1/alarms?state={state}"));
        list["alarms"].as_array().unwrap().iter().filter(|a| a["tag"] == "flame.01").cloned().collect::<Vec<_>>()
    };
    assert_eq!(hall.api().metric_sum("fenghuo_ingest_accepted_total"), 100.0, "every trigger was taken");
    let open = of_tag("open");
    assert_eq!((open.len(), of_tag("closed").len(), &open[0]["occurrences"]), (1, 0, &json!(1)), "{open:?}");
}

#[test]
fn a_tag_out_of_service_raises_nothing_until_its_permit_ends() {
    let dir = tempfile::tempdir().unwrap();
    let hall = start(&dir);
    let lead = log_in(&hall, "lead");
    let now = || lead.get("/api/v1/status").1["server_time"].as_i64().unwrap();
    let service = |permit: &str, until: i64| {
        let body = json!({"permit": permit, "until": until, "reason": "探头标定"});
        lead.post("/api/v1/tags/chem-01/flame.02/service", &body)
    };
    problem(&service("P-1", now() - 1), 422, "FIELD_INVALID");
    problem(&service("", 0), 404, "NOT_FOUND");
    assert_eq!(service("P-1", now() + 3_600_000_000).0, 200);
    door(&hall).publish("fh/v1/chem-01/flame.02", r#"{"v":true}"#);
    let quiet = alarm_of(&lead, "flame.02", |_| true);
    assert_eq!(quiet["state"], "out_of_service", "shown, and silent");
    assert_eq!(service("", 0).0, 200, "returned");
    alarm_of(&lead, "flame.02", |a| a["state"] == "unacknowledged");
}

#[test]
fn an_order_lives_from_issue_to_close_and_is_told_when_overdue() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = start(&dir);
    let commander = log_in(&hall, "commander");
    let body = json!({"receiver": "hazmat", "content": "堵漏", "place": "1 号球罐", "priority": 2, "ack_within_s": 10});
    let (_, first) = commander.post("/api/v1/orders", &body);
    let (_, second) = commander.post("/api/v1/orders", &body);
    let (id, late) = (first["order_id"].as_str().unwrap(), second["order_id"].clone());
    let mut seq = first["seq"].clone();
    let act = |action: &str, seq: &Value, note: &str| {
        commander.post(&format!("/api/v1/orders/{id}/{action}"), &json!({"seq": seq, "note": note}))
    };
    problem(&act("close", &seq, ""), 409, "WORK_STATE");
    problem(&act("reject", &seq, " "), 422, "FIELD_REQUIRED");
    for action in ["deliver", "acknowledge", "start", "complete"] {
        let (status, done) = act(action, &seq, action);
        assert_eq!(status, 200, "{action}: {done}");
        problem(&act(action, &seq, ""), 409, "VERSION_CONFLICT");
        seq = done["seq"].clone();
    }
    hall.kill();
    hall.start_again();
    let order = |id: &Value, list: &str| {
        let (_, orders) = commander.get(&format!("/api/v1/orders?state={list}"));
        orders["orders"].as_array().unwrap().iter().find(|o| o["order_id"] == *id).cloned()
    };
    let done = order(&id.into(), "open").expect("open until it is closed");
    let states: Vec<&str> = done["receipts"].as_array().unwrap().iter().map(|r| r["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["issued", "delivered", "acknowledged", "in_progress", "done"]);
    assert_eq!(done["receipts"][1]["by"]["name"], "指挥长 赵卫国");
    assert_eq!(act("close", &seq, "").0, 200);
    assert!(order(&id.into(), "open").is_none());
    assert_eq!(order(&id.into(), "all").unwrap()["state"], "closed");
    let overdue =
        until("the unanswered order is overdue", PATIENCE, || order(&late, "open").filter(|o| o["overdue"] == true));
    assert_eq!(overdue["state"], "issued");
    let revoke = json!({"seq": overdue["seq"], "note": "改派"});
    assert_eq!(commander.post(&format!("/api/v1/orders/{}/revoke", late.as_str().unwrap()), &revoke).0, 200);
}
