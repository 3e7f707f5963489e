//! Accounts, machine tokens and personal links while the hall runs.

use hall_tests::child::{Hall, run};
use hall_tests::http::Api;
use hall_tests::stream::Stream;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{log_in, problem};

#[track_caller]
fn ended(stream: &mut Stream) {
    until("the stream is closed", PATIENCE, || stream.next().is_err().then_some(()));
}

fn stream_of(hall: &Hall, api: &Api) -> Stream {
    let origin = format!("http://{}", hall.host());
    Stream::try_open(hall, None, &[("cookie", api.header_value()), ("origin", &origin)]).expect("the stream opens")
}

fn audited(hall: &Hall, action: &str, actor: &str) -> bool {
    let (_, audit) = hall.api().get("/api/v1/audit?limit=200");
    audit["rows"].as_array().unwrap().iter().any(|r| r["action"] == action && r["actor"] == actor)
}

#[test]
fn an_account_is_added_changed_and_disabled_while_the_hall_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let admin = log_in(&hall, "admin");
    let save = |body: Value| admin.post("/api/v1/accounts", &body);
    let new = json!({"account": "li", "name": "李值班", "role": "duty_officer", "password": "8-characters"});
    let (status, shown) = save(new.clone());
    assert_eq!((status, &shown["disabled"]), (200, &json!(false)), "{shown}");
    let li = Api::log_in(&hall.host(), "li", "8-characters");
    let mut stream = stream_of(&hall, &li);
    assert_eq!(stream.next().unwrap()["type"], "hello");
    // A new password ends what the old one opened.
    assert_eq!(save(json!({"account": "li", "password": "another one"})).0, 200);
    ended(&mut stream);
    problem(&li.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    let li = Api::log_in(&hall.host(), "li", "another one");
    let mut stream = stream_of(&hall, &li);
    assert_eq!(stream.next().unwrap()["type"], "hello");
    assert_eq!(save(json!({"account": "li", "disabled": true})).0, 200);
    ended(&mut stream);
    problem(&li.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    let again = json!({"account": "li", "password": "another one"});
    problem(&li.post("/api/v1/login", &again), 401, "LOGIN_FAILED");
    hall.kill();
    hall.start_again();
    problem(&li.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    let (_, all) = log_in(&hall, "admin").get("/api/v1/accounts");
    let row = all["accounts"].as_array().unwrap().iter().find(|a| a["account"] == "li").cloned().unwrap();
    assert_eq!((&row["disabled"], &row["name"]), (&json!(true), &json!("李值班")));
    for action in ["account.added", "account.changed", "account.disabled"] {
        assert!(audited(&hall, action, "admin"), "{action}");
    }
}

#[test]
fn accounts_that_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let admin = log_in(&hall, "admin");
    let count = || admin.get("/api/v1/accounts").1["accounts"].as_array().map(Vec::len);
    let before = count();
    let new = |change: Value| {
        let mut body = json!({"account": "li", "name": "李", "role": "read_only", "password": "8-characters"});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let table = [
        (new(json!({"account": "Li Si"})), 422, "FIELD_INVALID"),
        (new(json!({"account": "system"})), 422, "FIELD_INVALID"),
        (new(json!({"account": "party:x"})), 422, "FIELD_INVALID"),
        (new(json!({"account": ""})), 422, "FIELD_INVALID"),
        (new(json!({"password": "short"})), 422, "FIELD_INVALID"),
        (new(json!({"role": "field"})), 422, "FIELD_INVALID"),
        (new(json!({"role": "king"})), 422, "FIELD_INVALID"),
        (new(json!({"name": " "})), 422, "FIELD_REQUIRED"),
        (new(json!({"password": null})), 422, "FIELD_REQUIRED"),
        (new(json!({"surprise": 1})), 422, "FIELD_INVALID"),
        (json!({"account": "admin", "disabled": true}), 409, "LAST_ADMINISTRATOR"),
        (json!({"account": "admin", "role": "read_only"}), 409, "LAST_ADMINISTRATOR"),
    ];
    for (body, status, code) in table {
        problem(&admin.post("/api/v1/accounts", &body), status, code);
    }
    for role in ["duty", "lead", "commander", "wall"] {
        let api = log_in(&hall, role);
        problem(&api.post("/api/v1/accounts", &new(json!({}))), 403, "FORBIDDEN");
        problem(&api.get("/api/v1/accounts"), 403, "FORBIDDEN");
        problem(&api.get("/api/v1/tokens"), 403, "FORBIDDEN");
        problem(&api.post("/api/v1/tokens", &json!({"purpose": "x", "days": 1})), 403, "FORBIDDEN");
        problem(&api.delete("/api/v1/tokens/none"), 403, "FORBIDDEN");
    }
    assert_eq!(count(), before, "no refusal left anything");
}

#[test]
fn a_machine_token_works_until_it_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut hall = Hall::start(&data);
    let admin = log_in(&hall, "admin");
    let make = |body: Value| admin.post("/api/v1/tokens", &body);
    for (body, field) in [
        (json!({"purpose": "", "days": 1}), "purpose"),
        (json!({"purpose": "x", "days": 0}), "days"),
        (json!({"purpose": "x", "days": 9999}), "days"),
        (json!({"purpose": "x", "days": 1, "role": "administrator"}), "role"),
        (json!({"purpose": "x", "days": 1, "role": "field"}), "role"),
    ] {
        let answer = make(body);
        problem(&answer, 422, "FIELD_INVALID");
        assert_eq!(answer.1["field"], field);
    }
    let (status, made) = make(json!({"purpose": "广播终端", "days": 30}));
    assert_eq!(status, 200, "{made}");
    let machine = Api::new(&hall.host(), made["token"].as_str().unwrap());
    let (_, me) = machine.get("/api/v1/me");
    assert_eq!((&me["name"], &me["role"]), (&json!("广播终端"), &json!("read_only")));
    hall.kill();
    hall.start_again();
    assert_eq!(machine.get("/api/v1/me").0, 200, "it survives kill -9");
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let mut stream = Stream::try_open(&hall, None, &[("authorization", &bearer)]).expect("the stream opens");
    assert_eq!(stream.next().unwrap()["type"], "hello");
    let admin = log_in(&hall, "admin");
    let (_, listed) = admin.get("/api/v1/tokens");
    assert_eq!(listed["tokens"][0]["id"], made["id"]);
    assert!(!listed.to_string().contains(made["token"].as_str().unwrap()), "no secret is shown twice");
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.delete(&path).0, 204);
    ended(&mut stream);
    problem(&machine.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    problem(&admin.delete(&path), 404, "NOT_FOUND");
    assert!(audited(&hall, "token.made", "admin") && audited(&hall, "token.revoked", "admin"));
    assert_eq!(hall.stop(), Some(0));
    let report = run(&["audit", "verify", "--data", &data.display().to_string()]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
}

#[test]
fn a_personal_link_opens_the_field_page_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::start(&dir.path().join("data"));
    let duty = log_in(&hall, "duty");
    let party = duty.get("/api/v1/site").1["teams"][0]["id"].clone();
    problem(&duty.post("/api/v1/field-links", &json!({"party": "nobody", "valid_h": 8})), 404, "NOT_FOUND");
    problem(&duty.post("/api/v1/field-links", &json!({"party": party, "valid_h": 0})), 422, "FIELD_INVALID");
    problem(
        &log_in(&hall, "wall").post("/api/v1/field-links", &json!({"party": party, "valid_h": 8})),
        403,
        "FORBIDDEN",
    );
    let (status, link) = duty.post("/api/v1/field-links", &json!({"party": party, "valid_h": 8}));
    assert_eq!(status, 200, "{link}");
    let path = link["url"].as_str().unwrap();
    let phone = Api::enter(&hall.host(), path).expect("enters");
    let sessions = || {
        let (_, audit) = hall.api().get("/api/v1/audit?limit=100");
        audit["rows"].as_array().unwrap().iter().filter(|r| r["action"] == "field_link.used").count()
    };
    assert_eq!((sessions(), phone.led_to(path).as_str()), (1, "/m"));
    assert_eq!(sessions(), 1, "the same telephone stays in its session");
    assert!(Api::enter(&hall.host(), path).is_ok() && sessions() == 2, "another one gets its own");
    let (_, me) = phone.get("/api/v1/me");
    assert_eq!((&me["role"], &me["party"]), (&json!("field"), &party), "{me}");
    for path in
        ["/api/v1/alarms", "/api/v1/tags", "/api/v1/site", "/api/v1/audit/head", "/api/v1/accounts", "/api/v1/status"]
    {
        problem(&phone.get(path), 403, "FORBIDDEN");
    }
    problem(&phone.post("/api/v1/field-links", &json!({"party": party, "valid_h": 8})), 403, "FORBIDDEN");
    hall.kill();
    hall.start_again();
    assert_eq!(phone.get("/api/v1/me").1["party"], party, "a session survives kill -9");
    assert!(Api::enter(&hall.host(), path).is_ok(), "a link is good until it expires");
    assert_eq!(Api::enter(&hall.host(), "/m/enter?key=wrong").err().unwrap(), "/m?problem=LINK_EXPIRED");
    let mut stream = stream_of(&hall, &phone);
    assert_eq!(stream.next().unwrap()["type"], "hello");
    let id = link["id"].as_str().unwrap();
    assert_eq!(log_in(&hall, "duty").delete(&format!("/api/v1/tokens/{id}")).0, 204);
    ended(&mut stream);
    problem(&phone.get("/api/v1/me"), 401, "LOGIN_REQUIRED");
    assert_eq!(Api::enter(&hall.host(), path).err().unwrap(), "/m?problem=LINK_EXPIRED");
}
