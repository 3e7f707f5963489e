//! The whole program on PostgreSQL: the same alarm, the same recovery, the same chain.

use hall_tests::child::{Hall, run};
use hall_tests::database::Database;
use hall_tests::mqtt::Publisher;
use hall_tests::until::{PATIENCE, until};

#[test]
fn on_postgresql_an_alarm_survives_kill_9_and_the_chain_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::on(Database::Postgres, &dir.path().join("data"), &["--no-sim"]);
    let file = hall.config().expect("a settings file").to_owned();
    let mut door = Publisher::connect(&hall.mqtt_address(), "pg", &hall.device()).unwrap();
    door.publish("fh/v1/mall-01/kitchen.gas.01", r#"{"v":15}"#);
    let raised =
        |hall: &Hall| hall.api().alarms().into_iter().find(|a| a["tag"] == "kitchen.gas.01" && a["level"] == "h");
    let before = until("the alarm", PATIENCE, || raised(&hall));
    hall.kill();
    // The server frees the advisory lock when it notices that the connection is gone.
    hall.start_again();
    let after = raised(&hall).expect("the alarm is still there");
    assert_eq!(before["alarm_id"], after["alarm_id"]);
    let path = format!("/api/v1/alarms/{}/ack", after["alarm_id"].as_str().unwrap());
    let (status, body) = hall.api().post(&path, &serde_json::json!({"seq": after["seq"], "note": "已派人核查"}));
    assert_eq!(status, 200, "{body}");
    work_systems(&mut hall);
    assert_eq!(hall.stop(), Some(0));
    let report = run(&["audit", "verify", "--config", &file]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
}

/// The ledger, attachments, accounts and links are rows of the same database.
fn work_systems(hall: &mut Hall) {
    use serde_json::json;
    let api = hall.api();
    let make = |body: serde_json::Value| {
        let (status, done) = api.post("/api/v1/work", &body);
        assert_eq!(status, 200, "{done}");
        done["ids"][0].as_str().unwrap().to_owned()
    };
    let fields = json!({"title": "阀门\u{1F525} 100%", "town": "北镇", "source": "hotline", "category": "scene"});
    let id = make(json!({"kind": "hidden_danger", "fields": fields}));
    make(json!({"kind": "hidden_danger", "fields": {"title": "其他", "town": "南镇", "source": "hotline"}}));
    let seq = api.get(&format!("/api/v1/work/{id}")).1["seq"].clone();
    let nul = json!({"seq": seq, "note": "a\u{0}b"});
    let (status, done) = api.post(&format!("/api/v1/work/{id}/unfounded"), &nul);
    assert_eq!(status, 200, "{done}");
    let photo = api.post_bytes("/api/v1/attachments?name=a.jpg", &[0xFF, 0xD8, 0xFF, 0xE0]).1;
    hall.kill();
    hall.start_again();
    let api = hall.api();
    let (_, counts) = api.get("/api/v1/work/aggregate?kind=hidden_danger&by=town");
    assert_eq!(counts["rows"].as_array().map(Vec::len), Some(2), "{counts}");
    assert_eq!(api.get("/api/v1/work?kind=hidden_danger&open=false&q=100%25").1["items"][0]["id"], json!(id));
    assert_eq!(api.get(&format!("/api/v1/work/{id}/events")).1["events"].as_array().map(Vec::len), Some(2));
    assert!(api.get(&format!("/api/v1/timeline?item={id}")).1["rows"].to_string().contains("不成立"));
    assert_eq!(api.get_raw(&format!("/api/v1/attachments/{}", photo["id"].as_str().unwrap())).0, 200);
}
