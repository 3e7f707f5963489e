//! What devices send wrongly, and what they and the people are told: bad inputs 1 to 20, over real sockets.

use hall_tests::child::Hall;
use hall_tests::http::Api;
use hall_tests::mqtt::{Publisher, Said, Version, packet, publish};
use hall_tests::until::{PATIENCE, until};
use serde_json::Value;

/// One wrong payload of a known tag: the MQTT 5 answer, and what people see.
struct Row {
    number: u8,
    tag: &'static str,
    payload: Vec<u8>,
    /// Reason code; 0: the reading is kept with a flag.
    reason: u8,
    code: &'static str,
    zh: &'static str,
    en: &'static str,
}

fn row(number: u8, tag: &'static str, payload: impl Into<Vec<u8>>, wanted: (u8, &'static str)) -> Row {
    Row { number, tag, payload: payload.into(), reason: wanted.0, code: wanted.1, zh: "", en: "" }
}

impl Row {
    /// Parts of both texts.
    fn says(mut self, zh: &'static str, en: &'static str) -> Self {
        (self.zh, self.en) = (zh, en);
        self
    }
}

fn rows() -> Vec<Row> {
    let nh3 = "sphere-1.nh3.01";
    let many = format!("[{}]", vec![r#"{"v":1}"#; 10_000].join(","));
    let deep = format!("{}1{}", r#"{"v":"#.repeat(10_000), "}".repeat(10_000));
    let next_year = format!(r#"{{"v":1,"ts":{}}}"#, now_ms() + 366 * 86_400_000);
    vec![
        row(7, nh3, r#"{"v":"#, (0x99, "PAYLOAD_FORMAT")).says("第 5 字节", "at byte 5"),
        row(7, nh3, b"\xff\xfe\x00", (0x99, "PAYLOAD_FORMAT")).says(r"\xff\xfe\x00", r"\xff\xfe\x00"),
        row(8, "sphere-1.nh3.02", r#"{"v":NaN}"#, (0, "VALUE_NOT_FINITE")).says("NaN 不是有限数", "NaN is not finite"),
        row(8, "sphere-1.nh3.02", r#"{"v":Infinity}"#, (0, "VALUE_NOT_FINITE")).says("Infinity", "Infinity"),
        row(8, "sphere-1.nh3.02", r#"{"v":1e999}"#, (0, "VALUE_NOT_FINITE")).says("1e999", "quality bad"),
        row(9, nh3, r#"{"v":"12,5"}"#, (0x99, "VALUE_TYPE")).says("应为数字", "expects a number"),
        row(10, nh3, r#"{"v":3,"unit":"%LEL"}"#, (0x99, "UNIT_MISMATCH"))
            .says(r#"应为 "ppm"，收到 "%LEL""#, r#"expected "ppm", got "%LEL""#),
        row(11, "tank-1.lel.01", r#"{"v":250}"#, (0, "VALUE_OVER_RANGE")).says("量程 0 至 100", "span 0 to 100"),
        row(12, "sphere-1.nh3.03", r#"{"v":1,"ts":0}"#, (0, "TS_IMPLAUSIBLE"))
            .says("服务器时间", "server time is used"),
        row(12, "sphere-1.nh3.03", next_year, (0, "TS_IMPLAUSIBLE")).says("不可信", "implausible"),
        row(13, "sphere-1.nh3.04", r#"{"v":1,"ts":"2026-11-26T08:00:00"}"#, (0, "TS_NO_ZONE"))
            .says("示例：2026-11-26T08:00:00+08:00", "write 2026-11-26T08:00:00+08:00"),
        row(14, "sphere-1.nh3.1", r#"{"v":7.5}"#, (0x10, "TAG_UNKNOWN")),
        row(17, nh3, many, (0x97, "BATCH_TOO_LARGE")).says("超过 1000 个，全部未采用", "more than 1000"),
        row(18, nh3, deep, (0x99, "JSON_DEPTH")).says("超过 32 层", "deeper than 32"),
        row(19, nh3, r#"{"v":1,"v":2}"#, (0x99, "JSON_DUP_KEY")).says(r#"键 "v" 重复"#, r#"key "v" comes twice"#),
    ]
}

fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// The row of `/api/v1/rejections` with this code, as soon as it fits.
#[track_caller]
fn rejection(api: &Api, code: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(&format!("a rejection {code}"), PATIENCE, || {
        let (_, body) = api.get("/api/v1/rejections");
        body["rejections"].as_array()?.iter().find(|r| r["code"] == code && fits(r)).cloned()
    })
}

#[track_caller]
fn check_row(hall: &Hall, door: &mut Publisher, row: &Row) {
    let number = row.number;
    let topic = format!("fh/v1/chem-01/{}", row.tag);
    let said = door.offer(topic.as_bytes(), &row.payload).expect("an answer");
    assert_eq!(said.reason, row.reason, "row {number}: {said:?}");
    assert!(said.text.starts_with(row.code) && said.text.contains(row.en), "row {number}: {said:?}");
    if row.code == "TAG_UNKNOWN" {
        return;
    }
    let seen = rejection(&hall.api(), row.code, |r| r["message_zh"].as_str().is_some_and(|t| t.contains(row.zh)));
    assert!(seen["message_en"].as_str().unwrap().contains(row.en), "row {number}: {seen}");
    assert_eq!((&seen["enterprise"], &seen["gateway"]), (&"chem-01".into(), &"row".into()), "row {number}");
    assert!(seen["topic"].as_str().unwrap().ends_with(row.tag), "row {number}: {seen}");
    let first = row.payload.iter().take(2).copied().collect::<Vec<_>>().escape_ascii().to_string();
    assert!(seen["sample"].as_str().unwrap().starts_with(&first), "row {number}: {seen}");
}

/// offered = accepted + refused + shed, exactly.
#[track_caller]
fn check_account(api: &Api, offered: f64) {
    let sum = |what: &str| api.metric_sum(&format!("fenghuo_ingest_{what}_total"));
    let wanted = until("everything is counted", PATIENCE, || Some(sum("offered")).filter(|n| *n >= offered));
    assert_eq!(wanted, offered, "offered");
    assert_eq!(wanted, sum("accepted") + sum("refused") + sum("shed"));
}

#[test]
fn bad_input_7_to_14_and_17_to_19_are_answered_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let rows = rows();
    let mut door = Publisher::connect5(&hall.mqtt_address(), "row", &hall.device());
    for row in &rows {
        check_row(&hall, &mut door, row);
    }
    let api = hall.api();
    // Every message above holds one reading but the batch, which counts as one: none of it was applied.
    check_account(&api, rows.len() as f64);
    let tags = api.get("/api/v1/tags?enterprise=chem-01").1;
    let tag = |name: &str| tags["tags"].as_array().unwrap().iter().find(|t| t["tag"] == name).cloned().unwrap();
    assert!(tag("sphere-1.nh3.01")["value"].is_null(), "nothing refused may be applied");
    let kept = [("sphere-1.nh3.02", 0.0, "bad"), ("tank-1.lel.01", 250.0, "bad"), ("sphere-1.nh3.03", 1.0, "good")];
    for (name, value, quality) in kept {
        assert_eq!((&tag(name)["value"], &tag(name)["quality"]), (&value.into(), &quality.into()), "{name}");
    }
    let age = |name: &str| {
        api.get("/api/v1/status").1["server_time"].as_i64().unwrap() - tag(name)["source_time"].as_i64().unwrap()
    };
    assert!(
        age("sphere-1.nh3.03").abs() < 60_000_000 && age("sphere-1.nh3.04").abs() < 60_000_000,
        "server time is used"
    );
    // Row 11: the reading is in the history, and over-range is an alarm of its own class.
    until("the over-range reading is stored", PATIENCE, || {
        let (_, view) = api.get("/api/v1/history?tag=chem-01/tank-1.lel.01");
        view["points"].as_array()?.iter().find(|p| p["max"] == 250.0 && p["quality"] == 2).cloned()
    });
    let alarm =
        until("the over-range alarm", PATIENCE, || api.alarms().into_iter().find(|a| a["tag"] == "tank-1.lel.01"));
    assert_eq!((&alarm["level"], &alarm["priority"]), (&"out_of_range".into(), &5.into()), "{alarm}");
    // Row 14: parked, with the names that were perhaps meant.
    let pending = api.get("/api/v1/tags/pending").1["pending"][0].clone();
    assert_eq!(
        (&pending["tag"], &pending["last_value"], &pending["count"]),
        (&"sphere-1.nh3.1".into(), &7.5.into(), &1.into())
    );
    assert!(pending["nearest"].as_array().unwrap().contains(&"sphere-1.nh3.01".into()), "{pending}");
}

#[test]
fn bad_input_1_an_unknown_firm_learns_nothing_and_is_audited() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let (user, password) = hall.device();
    for login in [(user.clone(), "wrong".to_owned()), ("nobody".to_owned(), password)] {
        let connect = |v| Publisher::try_connect(&hall.mqtt_address(), v, "row-1", &login).expect("an answer").1;
        let said = connect(Version::V5);
        assert_eq!((said.reason, said.text.as_str()), (0x86, "FIRM_UNKNOWN | 未知单位或凭据有误"));
        assert_eq!(connect(Version::V3).reason, 4, "bad user name or password");
    }
    let api = hall.api();
    let seen = rejection(&api, "FIRM_UNKNOWN", |r| r["count"] == 4);
    assert_eq!((&seen["gateway"], &seen["message_zh"]), (&"127.0.0.1".into(), &"未知单位或凭据有误".into()));
    assert_eq!(api.metric("fenghuo_mqtt_turned_away_total{reason=\"firm_unknown\"}"), 4.0);
    let audited = |name: &str| {
        until(&format!("{name} is in the audit chain"), PATIENCE, || {
            let rows = api.get("/api/v1/audit?limit=100").1;
            rows["rows"]
                .as_array()?
                .iter()
                .find(|r| r["action"] == "device_login_failed" && r["actor"] == name)
                .cloned()
        })
    };
    assert_eq!(audited(&user)["subject"], "127.0.0.1");
    audited("nobody");
}

/// The simulated gateway of one enterprise, whose login the demo keeps in its data folder.
fn gateway(hall: &Hall) -> (String, String) {
    let folder = hall.access["data_dir"].as_str().unwrap();
    let text = std::fs::read(std::path::Path::new(folder).join("demo-secrets.json")).unwrap();
    let secrets: Value = serde_json::from_slice(&text).unwrap();
    ("gw-chem-01".into(), secrets["devices"]["gw-chem-01"].as_str().unwrap().into())
}

#[test]
fn bad_input_2_another_firms_topic() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let (address, login) = (hall.mqtt_address(), gateway(&hall));
    let foreign = b"fh/v1/metal-01/polish-1.dust.01";
    let mut five = Publisher::connect5(&address, "row-2-five", &login);
    for _ in 0..4 {
        let said = five.offer(foreign, br#"{"v":1}"#).expect("MQTT 5 is told, and stays");
        assert_eq!(said.reason, 0x87);
        assert!(said.text.starts_with("TOPIC_NOT_YOURS") && said.text.contains("不属于本设备"), "{said:?}");
    }
    assert_eq!(five.offer(b"fh/v1/chem-01/sphere-1.nh3.01", br#"{"v":1}"#).unwrap().reason, 0);
    let mut three = Publisher::connect(&address, "row-2-three", &login).unwrap();
    for _ in 0..3 {
        three.send(std::str::from_utf8(foreign).unwrap(), r#"{"v":1}"#).unwrap();
    }
    let heard = std::iter::from_fn(|| three.said().ok()).count();
    assert!(heard <= 3, "MQTT 3 is disconnected after 3");
    assert!(three.offer(b"fh/v1/chem-01/sphere-1.nh3.01", br#"{"v":1}"#).is_err());
    let api = hall.api();
    let seen = rejection(&api, "TOPIC_NOT_YOURS", |r| r["count"] == 7);
    assert_eq!(seen["enterprise"], "", "the other firm's name must not collect our device's mistakes");
    assert_eq!(api.metric("fenghuo_mqtt_turned_away_total{reason=\"topic_not_yours\"}"), 1.0);
    check_account(&api, 8.0);
    let (_, tags) = api.get("/api/v1/tags?enterprise=metal-01");
    assert!(tags["tags"].as_array().unwrap().iter().all(|t| t["value"].is_null()));
}

#[test]
fn bad_input_3_topics_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let mut door = Publisher::connect5(&hall.mqtt_address(), "row-3", &hall.device());
    let long = [b"fh/v1/chem-01/".as_slice(), &[b'a'; 243]].concat();
    let table: [(&[u8], usize); 4] =
        [(b"fh/v1/chem-01/a+b", 15), (b"fh/v1/chem-01/#", 14), (b"fh/v1/chem-01/a\0b", 15), (&long, 256)];
    for (topic, at) in table {
        let said = door.offer(topic, br#"{"v":1}"#).expect("an answer");
        assert_eq!(said.reason, 0x90, "{said:?}");
        assert!(said.text.starts_with("TOPIC_INVALID") && said.text.contains(&format!("at byte {at}")), "{said:?}");
        rejection(&hall.api(), "TOPIC_INVALID", |r| {
            r["message_zh"].as_str().unwrap().contains(&format!("第 {at} 字节"))
        });
    }
    check_account(&hall.api(), 4.0);
}

/// What a connection that breaks MQTT hears, and what people see of it.
struct Broken {
    number: u8,
    bytes: Vec<u8>,
    reason: u8,
    code: &'static str,
    en: &'static str,
    zh: &'static str,
}

fn broken() -> Vec<Broken> {
    let topic = b"fh/v1/chem-01/flame.01";
    let of = |number, bytes, reason, code, en, zh| Broken { number, bytes, reason, code, en, zh };
    let without_id = publish(Version::V5, 0x32, topic, b"{\"v\":1}", 0);
    let qos_3 = publish(Version::V5, 0x36, topic, b"{\"v\":1}", 1);
    vec![
        of(
            4,
            vec![0x32, 0xff, 0xff, 0xff, 0x7f],
            0x95,
            "PACKET_TOO_LARGE",
            "268435460 bytes, limit 262144",
            "上限 262144",
        ),
        of(5, without_id, 0x82, "PROTOCOL", "packet identifier is 0", "0x82"),
        of(6, qos_3, 0x81, "PROTOCOL", "QoS 3 does not exist", "0x81"),
    ]
}

#[test]
fn bad_input_4_to_6_end_the_connection_with_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    for Broken { number, bytes, reason, code, en, zh } in broken() {
        let mut door = Publisher::connect5(&hall.mqtt_address(), "row-4", &hall.device());
        door.write(&bytes).unwrap();
        let said = door.said().unwrap_or_else(|e| panic!("row {number}: {e}"));
        assert_eq!(said.reason, reason, "row {number}: {said:?}");
        assert!(said.text.contains(en), "row {number}: {said:?}");
        assert!(door.said().is_err(), "row {number}: the connection is closed");
        let seen = rejection(&hall.api(), code, |r| r["message_en"].as_str().unwrap().contains(en));
        assert!(seen["message_zh"].as_str().unwrap().contains(zh), "row {number}: {seen}");
        assert_eq!(seen["gateway"], "row-4", "row {number}");
        // MQTT 3.1.1 has no reason: the door closes.
        let mut three = Publisher::connect(&hall.mqtt_address(), "row-4-three", &hall.device()).unwrap();
        let first = bytes[0];
        let body = if number == 4 {
            bytes
        } else {
            publish(Version::V3, first, b"fh/v1/chem-01/flame.01", b"1", u16::from(number == 6))
        };
        three.write(&body).unwrap();
        assert!(three.said().is_err(), "row {number}: MQTT 3 is closed without a word");
    }
    assert!(hall.api().alarms().is_empty());
    assert!(resident_mib(&hall) < 512, "nothing is reserved for an announced length");
}

fn resident_mib(hall: &Hall) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", hall.pid())).expect("its status");
    let line = text.lines().find(|l| l.starts_with("VmRSS")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("kB") / 1_024
}

/// A notice of this kind.
#[track_caller]
fn notice(api: &Api, kind: &str) -> Value {
    until(&format!("a notice {kind}"), PATIENCE, || {
        let (_, body) = api.get("/api/v1/notices?limit=100");
        body["notices"].as_array()?.iter().map(|n| &n["notice"]).find(|n| n["kind"] == kind).cloned()
    })
}

#[test]
fn bad_input_15_and_16_counters_that_repeat_or_jump() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let api = hall.api();
    let send = |client: &str, tag: &str, counted: &[(u64, f64)]| {
        let mut door = Publisher::connect(&hall.mqtt_address(), client, &hall.device()).unwrap();
        for (i, (seq, value)) in counted.iter().enumerate() {
            let ts = now_ms() + i as i64;
            door.publish(&format!("fh/v1/chem-01/{tag}"), &format!(r#"{{"ts":{ts},"v":{value},"seq":{seq}}}"#));
        }
    };
    send("row-15", "sphere-1.level", &[(1, 50.0), (2, 50.1), (3, 50.2), (3, 50.9)]);
    let conflict = notice(&api, "sequence_conflict");
    assert_eq!((&conflict["seq"], &conflict["tag"]), (&3.into(), &"chem-01/sphere-1.level".into()), "{conflict}");
    assert_eq!(conflict["gateway"], "row-15", "{conflict}");
    until("both values are kept", PATIENCE, || {
        let points = api.get("/api/v1/history?tag=chem-01/sphere-1.level").1["points"].clone();
        let has = |v: f64| {
            points.as_array().is_some_and(|p| p.iter().any(|p| p["max"] == v || p["min"] == v || p["last"] == v))
        };
        (has(50.2) && has(50.9)).then_some(())
    });
    send("row-16", "sphere-2.level", &[(1, 40.0), (2, 40.1), (3, 40.2), (1_004, 40.3)]);
    let gap = notice(&api, "sequence_gap");
    assert_eq!((&gap["expected"], &gap["got"]), (&4.into(), &1_004.into()), "GAP(1000): {gap}");
    assert_eq!((&gap["tag"], &gap["gateway"]), (&"chem-01/sphere-2.level".into(), &"row-16".into()), "{gap}");
    check_account(&api, 8.0);
}

#[test]
fn bad_input_20_a_retained_message_again_after_a_restart_is_old_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let retained = publish(
        Version::V3,
        0x33,
        b"fh/v1/chem-01/flame.01",
        format!(r#"{{"ts":{},"v":true,"seq":9}}"#, now_ms()).as_bytes(),
        1,
    );
    let send = |hall: &Hall| {
        let mut door = Publisher::connect(&hall.mqtt_address(), "row-20", &hall.device()).unwrap();
        door.write(&retained).unwrap();
        assert_eq!(door.said().expect("acknowledged"), Said { id: 1, ..Said::default() });
    };
    send(&hall);
    let alarm = until("the alarm", PATIENCE, || hall.api().alarms().into_iter().find(|a| a["tag"] == "flame.01"));
    hall.kill();
    hall.start_again();
    send(&hall);
    let api = hall.api();
    until("it is counted", PATIENCE, || {
        (api.metric("fenghuo_readings_judged_total{timing=\"duplicate\"}") == 1.0).then_some(())
    });
    let (_, life) = api.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    assert_eq!(life["events"].as_array().unwrap().len(), 1, "raised once: {life}");
}

#[test]
fn not_mqtt_at_all_is_closed_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), packet(0x30, b"")] {
        let mut door = Publisher::open(&hall.mqtt_address(), Version::V3).unwrap();
        door.write(&bytes).unwrap();
        assert!(door.said().is_err());
    }
    let seen = rejection(&hall.api(), "PROTOCOL", |r| r["count"] == 2);
    assert!(seen["message_en"].as_str().unwrap().contains("not CONNECT"), "{seen}");
}
