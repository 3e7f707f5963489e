//! People at the door: who gets in, what each role may do, and what a wrong request is told.

use hall_tests::child::Hall;
use hall_tests::http::{Answer, Api};
use hall_tests::mqtt::Publisher;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

const ROLES: [&str; 5] = ["duty", "lead", "commander", "admin", "wall"];

/// Logs an account of the demo in.
#[track_caller]
pub fn log_in(hall: &Hall, account: &str) -> Api {
    Api::log_in(&hall.host(), account, hall.access["password"].as_str().unwrap())
}

/// A caller with nothing.
fn stranger(hall: &Hall) -> Api {
    Api::with(&hall.host(), ("x-test", "1"))
}

#[track_caller]
pub fn problem(answer: &Answer, status: u16, code: &str) {
    let (got, body) = answer;
    assert_eq!((*got, body["code"].as_str()), (status, Some(code)), "{body}");
    for key in ["message_zh", "message_en", "field", "hint", "trace_id"] {
        assert!(body[key].is_string(), "{key}: {body}");
    }
    assert!(!body["message_zh"].as_str().unwrap().is_ascii() && !body["hint"].as_str().unwrap().is_empty(), "{body}");
}

#[test]
fn passwords_links_tokens_and_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let nobody = stranger(&hall);
    problem(&nobody.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    for account in ["duty", "nobody"] {
        let wrong = json!({"account": account, "password": "wrong"});
        problem(&nobody.post("/api/v1/login", &wrong), 401, "LOGIN_FAILED");
    }
    let duty = log_in(&hall, "duty");
    let (_, me) = duty.get("/api/v1/me");
    assert_eq!((&me["account"], &me["role"]), (&"duty".into(), &"duty_officer".into()));
    // The link of the demo: a cookie once, a refusal after.
    let link = hall.access["login_url"].as_str().unwrap();
    let path = &link[link.find("/login").unwrap()..];
    assert_eq!(nobody.led_to(path), "/");
    assert_eq!(nobody.led_to(path), "/login?problem=LINK_EXPIRED", "a used link leads to the log-in page");
    // A session survives a kill; a machine token too.
    hall.kill();
    hall.start_again();
    assert_eq!(duty.get("/api/v1/me").0, 200, "a session survives kill -9");
    assert_eq!(hall.api().get("/api/v1/me").1["account"], "machine");
    problem(&Api::new(&hall.host(), "0000").get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    // After logging out the cookie is worth nothing, also after another kill.
    assert_eq!(duty.post("/api/v1/logout", &json!({})).0, 204);
    problem(&duty.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    hall.kill();
    hall.start_again();
    problem(&duty.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    // Both are in the chain.
    let (_, audit) = hall.api().get("/api/v1/audit?limit=100");
    let has = |action: &str, actor: &str| {
        audit["rows"].as_array().unwrap().iter().any(|r| r["action"] == action && r["actor"] == actor)
    };
    assert!(has("login", "duty") && has("login_failed", "duty") && has("login_failed", "nobody"), "{audit}");
}

#[test]
fn guessing_is_slowed_and_nobody_is_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let nobody = stranger(&hall);
    let wrong = json!({"account": "lead", "password": "guess"});
    let busy =
        until("guessing is slowed", PATIENCE, || Some(nobody.post("/api/v1/login", &wrong)).filter(|a| a.0 == 429));
    problem(&busy, 429, "LOGIN_BUSY");
    log_in(&hall, "duty");
    let right = json!({"account": "lead", "password": hall.access["password"]});
    until("the right password gets in after the wait", PATIENCE, || {
        (nobody.post("/api/v1/login", &right).0 == 200).then_some(())
    });
}

/// One alarm of this tag, waited for.
#[track_caller]
pub fn alarm_of(api: &Api, tag: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(&format!("an alarm of {tag}"), PATIENCE, || api.alarms().into_iter().find(|a| a["tag"] == tag && fits(a)))
}

pub fn door(hall: &Hall) -> Publisher {
    Publisher::connect(&hall.mqtt_address(), "people", &hall.device()).unwrap()
}

/// A raised priority I alarm (a flame detector: no delay, latched).
#[track_caller]
pub fn flame(hall: &Hall, tag: &str) -> Value {
    door(hall).publish(&format!("fh/v1/chem-01/{tag}"), r#"{"v":true}"#);
    alarm_of(&hall.api(), tag, |_| true)
}

pub fn path(alarm: &Value, action: &str) -> String {
    format!("/api/v1/alarms/{}/{action}", alarm["alarm_id"].as_str().unwrap())
}

/// Each permission by a request that needs it and nothing else. Bodies are such that an allowed one is refused later
/// at the earliest (409 or 422), so that no cell changes what the next one finds.
fn requests(alarm: &Value) -> Vec<(&'static str, String, Option<Value>)> {
    let old = json!({"seq": 0, "note": "x", "reason": "x", "text": "x", "for_s": 60});
    let post = |permission, path: String, body: &Value| (permission, path, Some(body.clone()));
    let order = json!({"receiver": "", "priority": 1, "ack_within_s": 60});
    vec![
        post("alarm.acknowledge", path(alarm, "ack"), &old),
        post("alarm.acknowledge", path(alarm, "unack"), &old),
        post("alarm.acknowledge", "/api/v1/alarms/ack-batch".into(), &json!({"alarms": [], "note": ""})),
        // Of priority 1 the first person only asks; who may agree is in alarm_life.rs.
        post("alarm.shelve", path(alarm, "shelve"), &old),
        post("alarm.shelve", path(alarm, "unshelve"), &old),
        post("alarm.comment", path(alarm, "comment"), &old),
        post("alarm.reset", path(alarm, "reset"), &old),
        post("order.issue", "/api/v1/orders".into(), &order),
        post("order.act", "/api/v1/orders/O-000999/start".into(), &old),
        post(
            "tag.service",
            "/api/v1/tags/chem-01/nowhere/service".into(),
            &json!({"permit": "", "until": 0, "reason": ""}),
        ),
        ("audit.read", "/api/v1/audit".into(), None),
        ("accounts.manage", "/api/v1/accounts".into(), None),
        ("accounts.manage", "/api/v1/tokens".into(), None),
        post("accounts.manage", "/api/v1/accounts".into(), &json!({"account": "?"})),
        post("accounts.manage", "/api/v1/tokens".into(), &json!({"purpose": "", "days": 1})),
        post("field.link", "/api/v1/field-links".into(), &json!({"party": "", "valid_h": 1})),
        post("attachment.write", "/api/v1/attachments?name=x".into(), &json!({})),
        post("rules.reload", "/api/v1/rules/reload".into(), &json!({})),
        post("order.issue", "/api/v1/work".into(), &json!({"kind": "order"})),
        post("roster.manage", "/api/v1/work".into(), &json!({"kind": "shift", "fields": {"main": 5}})),
        post("watch.keep", "/api/v1/work".into(), &json!({"kind": "note"})),
        post("ledger.write", "/api/v1/work".into(), &json!({"kind": "hidden_danger", "fields": {"grade": "?"}})),
        post("incident.report", "/api/v1/work".into(), &json!({"kind": "incident", "fields": {"none": 1}})),
        post("drill.run", "/api/v1/work".into(), &json!({"kind": "drill"})),
        post("order.act", "/api/v1/work/O-000999/arrive".into(), &json!({"seq": 0})),
        post("order.issue", "/api/v1/work/O-000999/revoke".into(), &json!({"seq": 0})),
        post("ledger.write", "/api/v1/work/H-000999/verify".into(), &json!({"seq": 0})),
        post("ledger.approve", "/api/v1/work/H-000999/close".into(), &json!({"seq": 0})),
        post("incident.report", "/api/v1/work/X-000999/pin".into(), &json!({"seq": 0})),
        post("incident.command", "/api/v1/work/X-000999/activate".into(), &json!({"seq": 0})),
        post("roster.manage", "/api/v1/work/W-000999/approve".into(), &json!({"seq": 0})),
        post("watch.keep", "/api/v1/work/S-000999/take".into(), &json!({"seq": 0})),
        post("drill.run", "/api/v1/work/D-000999/begin".into(), &json!({"seq": 0})),
        ("video.view", "/api/v1/cameras/none/recordings?from=0&to=1".into(), None),
        ("video.view", "/api/v1/cameras/none/snapshot.jpg".into(), None),
        ("video.view", path(alarm, "clips"), None),
        ("site.read", "/api/v1/cameras".into(), None),
        ("site.read", "/api/v1/work".into(), None),
        ("site.read", "/api/v1/work/aggregate?by=town".into(), None),
        ("site.read", "/api/v1/work/export?format=csv".into(), None),
        ("site.read", "/api/v1/work/O-000999".into(), None),
        ("site.read", "/api/v1/flows".into(), None),
        ("site.read", "/api/v1/parties".into(), None),
        ("site.read", "/api/v1/plans".into(), None),
        ("site.read", "/api/v1/profile".into(), None),
        ("site.read", "/api/v1/timeline".into(), None),
        ("site.read", "/api/v1/handover/open".into(), None),
        ("site.read", "/api/v1/alarms".into(), None),
        ("site.read", path(alarm, "").trim_end_matches('/').into(), None),
        ("site.read", "/api/v1/orders".into(), None),
        ("site.read", "/api/v1/tags".into(), None),
        ("site.read", "/api/v1/tags/pending".into(), None),
        ("site.read", "/api/v1/rejections".into(), None),
        ("site.read", "/api/v1/history?tag=chem-01/flame.01".into(), None),
        ("site.read", "/api/v1/notices".into(), None),
        ("site.read", "/api/v1/site".into(), None),
        ("site.read", "/api/v1/status".into(), None),
        ("site.read", "/api/v1/presence".into(), None),
        ("site.read", "/api/v1/audit/head".into(), None),
    ]
}

/// The table of the contract, written out: what the code says is compared with what was promised.
fn promised(role: &str) -> &'static [&'static str] {
    match role {
        "duty" => &[
            "alarm.acknowledge",
            "alarm.shelve",
            "alarm.comment",
            "order.issue",
            "order.act",
            "watch.keep",
            "ledger.write",
            "incident.report",
            "field.link",
            "attachment.write",
            "video.view",
            "video.export",
            "site.read",
        ],
        "lead" => &[
            "alarm.acknowledge",
            "alarm.shelve",
            "alarm.shelve_urgent",
            "alarm.comment",
            "alarm.reset",
            "order.issue",
            "order.act",
            "watch.keep",
            "roster.manage",
            "ledger.write",
            "ledger.approve",
            "incident.report",
            "incident.command",
            "drill.run",
            "field.link",
            "attachment.write",
            "video.view",
            "video.export",
            "tag.service",
            "audit.read",
            "site.read",
        ],
        "commander" => &[
            "alarm.acknowledge",
            "alarm.shelve",
            "alarm.shelve_urgent",
            "alarm.comment",
            "order.issue",
            "order.act",
            "watch.keep",
            "ledger.write",
            "ledger.approve",
            "incident.report",
            "incident.command",
            "drill.run",
            "field.link",
            "attachment.write",
            "video.view",
            "video.export",
            "audit.read",
            "site.read",
        ],
        "admin" => &["roster.manage", "audit.read", "rules.reload", "accounts.manage", "site.read"],
        _ => &["video.view", "site.read"],
    }
}

#[test]
fn every_role_may_do_what_the_table_says_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let alarm = flame(&hall, "flame.01");
    let ask = |api: &Api, path: &str, body: &Option<Value>| match body {
        Some(body) => api.post(path, body),
        None => api.get(path),
    };
    for (_, path, body) in requests(&alarm) {
        problem(&ask(&stranger(&hall), &path, &body), 401, "LOGIN_REQUIRED");
    }
    for role in ROLES {
        let api = log_in(&hall, role);
        let (_, me) = api.get("/api/v1/me");
        assert_eq!(me["permissions"], json!(promised(role)), "{role}");
        for (permission, path, body) in requests(&alarm) {
            let answer = ask(&api, &path, &body);
            if promised(role).contains(&permission) {
                assert!(!matches!(answer.0, 401 | 403) && answer.0 < 500, "{role} {path}: {answer:?}");
            } else {
                problem(&answer, 403, "FORBIDDEN");
            }
        }
    }
}

#[test]
fn bad_input_35_a_foreign_page_gets_neither_stream_nor_command() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let host = hall.host();
    let (own, port) = (format!("http://{host}"), host.rsplit_once(':').unwrap().1.to_owned());
    let named = format!("http://hall.example:{port}");
    let alarm = flame(&hall, "flame.01");
    // Origin, may open the stream, may post.
    let table: [(Option<&str>, bool, bool); 7] = [
        (Some(&own), true, true),
        (None, false, true),
        (Some("null"), false, false),
        (Some("http://evil.example"), false, false),
        (Some("https://127.0.0.1"), false, false),
        (Some(&named), false, false),
        (Some(""), false, false),
    ];
    let password = hall.access["password"].as_str().unwrap();
    let cookie = Api::log_in(&host, "duty", password).header_value().to_owned();
    for (origin, stream, post) in table {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|o| ("origin", o)));
        match Stream::try_open(&hall, None, &headers) {
            Ok(mut opened) => {
                assert!(stream, "{origin:?} opened the stream");
                assert_eq!(opened.next().unwrap()["type"], "hello");
            }
            Err(refused) => {
                assert!(!stream, "{origin:?}: {refused:?}");
                problem(&refused, 403, "ORIGIN_DENIED");
            }
        }
        let api = Api::with(&host, ("cookie", &cookie));
        let body = json!({"seq": 0, "text": "x"}).to_string();
        let answer = api.post_text(&path(&alarm, "comment"), origin.map_or(("x-test", "1"), |o| ("origin", o)), &body);
        match post {
            true => assert_eq!(answer.0, 409, "{origin:?}: {answer:?}"),
            false => problem(&answer, 403, "ORIGIN_DENIED"),
        }
    }
    // A wrong Origin is refused before the session is looked at: the answer is the same without one.
    let refused = Stream::try_open(&hall, None, &[("origin", "http://evil.example")]).err().unwrap();
    problem(&refused, 403, "ORIGIN_DENIED");
    let refused = Stream::try_open(&hall, None, &[("origin", &own)]).err().unwrap();
    problem(&refused, 401, "LOGIN_REQUIRED");
    assert!(Stream::try_open(&hall, None, &[("authorization", "Bearer wrong")]).is_err());
}

#[test]
fn bodies_that_are_not_what_a_call_takes() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let alarm = flame(&hall, "flame.01");
    let (api, seq) = (hall.api(), &alarm["seq"]);
    let ack = path(&alarm, "ack");
    let large = format!(r#"{{"seq":{seq},"note":"{}"}}"#, "x".repeat(70_000));
    let table: [(&str, String, u16, &str); 6] = [
        (&ack, "{".into(), 400, "BODY_INVALID"),
        (&ack, "{}".into(), 422, "FIELD_REQUIRED"),
        (&ack, r#"{"seq":"new","note":"x"}"#.into(), 422, "FIELD_INVALID"),
        (&ack, large, 413, "BODY_TOO_LARGE"),
        // Row 33: priority I needs a note.
        (&ack, format!(r#"{{"seq":{seq},"note":"  "}}"#), 422, "FIELD_REQUIRED"),
        ("/api/v1/alarms/A-000999/ack", r#"{"seq":1,"note":"x"}"#.into(), 404, "NOT_FOUND"),
    ];
    for (path, body, status, code) in table {
        problem(&api.post_text(path, ("x-test", "1"), &body), status, code);
    }
    for path in ["/api/v1/alarms/none", "/api/v1/alarms/A-000999", "/api/v1/nothing"] {
        problem(&api.get(path), 404, "NOT_FOUND");
    }
    for path in
        ["/api/v1/alarms?state=odd", "/api/v1/alarms?limit=x", "/api/v1/history?tag=chem-01/flame.01&from=tomorrow"]
    {
        problem(&api.get(path), 422, "FIELD_INVALID");
    }
    problem(&api.get("/api/v1/history?tag=chem-01/none"), 404, "TAG_UNKNOWN");
    assert_eq!(api.alarms()[0]["seq"], *seq, "no refusal changed anything");
}
