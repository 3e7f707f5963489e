//! Files of the work systems in the real program: what is wrong is named, what is changed comes into force on reload, and
//! the demo's staff play their parties.

use std::time::{Duration, Instant};

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::http::Api;
use hall_tests::on_both;
use hall_tests::served::{Folder, SETTINGS, Served};
use hall_tests::until::until;
use serde_json::{Value, json};

use crate::people::problem;

on_both!(r5_a_changed_profile_comes_into_force_on_reload_whole_or_not_at_all);

const PARTIES: &str = r#"
hall = "hq"
[roles]
fire = "brigade"
[[party]]
id = "hq"
kind = "unit"
name_zh = "指挥部"
name_en = "Command"
[[party]]
id = "brigade"
kind = "team"
name_zh = "消防站"
name_en = "Brigade"
superior = "hq"
"#;

const PLAN: &str = r#"
id = "fire"
hazard = "fire"
name_zh = "火灾"
name_en = "Fire"
basis = "own"
offsets_basis = "own"
[[source]]
id = "own"
title = "ours"
confidence = "G"
[[group]]
id = "rescue"
name_zh = "抢险救援组"
name_en = "Rescue"
role = "fire"
[[task]]
id = "go"
group = "rescue"
receiver = "fire"
from = "IV"
text_zh = "出动"
text_en = "Go there"
ack_within_s = 60
feedback_every_s = 300
complete_within_s = 3600
source = "own"
[[task]]
id = "report"
group = "rescue"
receiver = "fire"
from = "IV"
after = ["go"]
text_zh = "报告"
text_en = "Report what is there"
ack_within_s = 60
feedback_every_s = 300
complete_within_s = 3600
source = "own"
"#;

const ROSTER: &str = r#"
[[shift]]
name_zh = "白班"
name_en = "Day"
starts_at_s = 28800
length_s = 43200
[[shift]]
name_zh = "夜班"
name_en = "Night"
starts_at_s = 72000
length_s = 43200
[[crew]]
leader = "lead"
main = "main"
deputies = ["duty"]
"#;

fn folder() -> Folder {
    folder_on(Database::Sqlite)
}

fn folder_on(database: Database) -> Folder {
    let folder = Folder::new();
    let account =
        |name: &str, role: &str| format!("[[account]]\naccount = \"{name}\"\nname = \"甲\"\nrole = \"{role}\"\n");
    let more = account("lead", "commander") + &account("main", "shift_lead");
    folder.write("fenghuo.toml", &format!("{SETTINGS}{more}[journal]\n{}", database.setting()));
    folder.write("parties.toml", PARTIES);
    folder.write("plans/fire.toml", PLAN);
    folder.write("roster.toml", ROSTER);
    folder
}

fn profile(value: &str) -> String {
    format!(
        "[[value]]\nkey = \"order.ack.III\"\nvalue = {value}\nunit = \"s\"\nconfidence = \"G\"\nsource = \"ours\"\nnote = \"签收\"\n"
    )
}

#[test]
fn bad_input_plan_cards_parties_rosters_and_profiles_stop_check_and_serve_alike() {
    let rows = [
        (
            "plans/fire.toml",
            PLAN.replace("role = \"fire\"", "role = \"fyre\""),
            "plans/fire.toml:16: NAME_UNKNOWN key `role`",
        ),
        (
            "plans/fire.toml",
            PLAN.replace("receiver = \"fire\"", "receiver = \"x\""),
            "plans/fire.toml:20: NAME_UNKNOWN key `receiver`",
        ),
        (
            "plans/fire.toml",
            PLAN.replace("from = \"IV\"\ntext", "from = \"IV\"\nafter = [\"report\"]\ntext"),
            "plans/fire.toml:18: CYCLE key `after` goes in a circle: go → report → go",
        ),
        (
            "parties.toml",
            PARTIES.replace("name_en = \"Command\"", "name_en = \"Command\"\nsuperior = \"brigade\""),
            "parties.toml:12: CYCLE key `superior`",
        ),
        (
            "roster.toml",
            ROSTER.replace("starts_at_s = 72000", "starts_at_s = 75600"),
            "nobody is on duty from 20:00:00 to 21:00:00",
        ),
        ("roster.toml", ROSTER.replace("\"main\"\ndep", "\"mian\"\ndep"), "roster.toml:13: NAME_UNKNOWN key `main`"),
        ("profiles/own.toml", profile("-1"), "profiles/own.toml:3: VALUE_RANGE key `value` is -1 s"),
        ("profiles/own.toml", profile("60").replace("order.ack.III", "order.ack.VI"), "did you mean \"order.ack.I\"?"),
    ];
    for (file, text, says) in rows {
        let folder = folder();
        folder.write(file, &text);
        for told in [folder.refused("check", 78), folder.refused("serve", 78)] {
            let line = told.lines().find(|l| l.contains(says));
            assert!(line.is_some_and(|l| !l.is_ascii()), "wanted {says:?} in:\n{told}");
        }
    }
}

fn r5_a_changed_profile_comes_into_force_on_reload_whole_or_not_at_all(database: Database) {
    let folder = folder_on(database);
    let out = folder.run(&["check"]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && text.contains("3 parties, 1 plan cards,") && text.contains("1 crews"), "{text}");
    let served = Served::start(&folder);
    let admin = Api::by_link(&served.link());
    let value = || {
        let (status, body) = admin.get("/api/v1/profile");
        assert_eq!(status, 200, "{body}");
        let found = body["values"].as_array().unwrap().iter().find(|v| v["key"] == "order.ack.III").cloned();
        found.unwrap()["value"].as_f64().unwrap()
    };
    assert_eq!(value(), 300.0, "as shipped");
    folder.write("profiles/own.toml", &profile("90"));
    assert_eq!(admin.post("/api/v1/rules/reload", &json!({})).0, 200);
    until("the new profile is in force", Duration::from_secs(10), || (value() == 90.0).then_some(()));
    folder.write("profiles/own.toml", &profile("\"soon\""));
    let refused = admin.post("/api/v1/rules/reload", &json!({}));
    problem(&refused, 422, "RULES_INVALID");
    assert!(refused.1["field"].as_str().unwrap().contains("profiles/own.toml:3"), "{refused:?}");
    assert_eq!(value(), 90.0, "nothing changed");
    // A restart with the files as they were puts the same settings into force; replay goes through the change.
    folder.write("profiles/own.toml", &profile("90"));
    assert_eq!(served.stop(), Some(0));
    let again = Served::start(&folder);
    assert!(again.log().contains("open"), "{}", again.log());
    assert_eq!(again.stop(), Some(0));
}

/// One step in an order's life.
struct Step {
    action: String,
    account: String,
    note: String,
    files: usize,
}

/// Every step of every order so far.
fn steps(api: &Api) -> Vec<Step> {
    let (_, list) = api.get("/api/v1/work?kind=order&limit=100");
    let mut all = Vec::new();
    for order in list["items"].as_array().into_iter().flatten() {
        let id = order["id"].as_str().unwrap();
        let (_, whole) = api.get(&format!("/api/v1/work/{id}"));
        for step in whole["log"].as_array().into_iter().flatten() {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let files = step["attachments"].as_array().map_or(0, Vec::len);
            let (action, account) = (text(&step["action"]), text(&step["by"]["account"]));
            all.push(Step { action, account, note: text(&step["note"]), files });
        }
    }
    all
}

#[test]
fn the_demos_staff_acknowledge_refuse_with_a_reason_and_stay_silent_until_reminded() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start_with(&dir.path().join("data"), &[]);
    let api = hall.api();
    let seen = |what: &str, fits: &dyn Fn(&Step) -> bool| {
        until(what, Duration::from_secs(150), || steps(&api).iter().any(fits).then_some(()));
    };
    seen("an order by the simulated officer", &|s| s.action == "create" && s.account == "sim-duty");
    seen("an acknowledgement by the party itself", &|s| s.action == "acknowledge" && s.account == "party:brigade-1");
    seen("a refusal with its reason", &|s| {
        s.action == "reject" && s.account == "party:metal-01-control" && !s.note.is_empty()
    });
    seen("a reminder of a silent party", &|s| s.action == "remind" && s.account == "system");
    seen("a report with a photo", &|s| s.action == "feedback" && s.files == 1);
    assert_eq!(hall.stop(), Some(0));
}

/// A newcomer who only watches: somebody has the watch, and an incident room comes alive by itself.
#[test]
#[allow(clippy::print_stdout, reason = "the figures of the run")]
fn the_demo_shows_a_watch_and_an_incident_room_alive_within_three_minutes() {
    let within = Duration::from_secs(180);
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let hall = Hall::start_with(&dir.path().join("data"), &[]);
    let api = hall.api();
    let items =
        |query: &str| api.get(&format!("/api/v1/work?{query}")).1["items"].as_array().cloned().unwrap_or_default();
    let shift = until("somebody has the watch", within, || items("kind=shift&state=on_duty").pop());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(shift["fields"]["taken_by"], shift["fields"]["main"], "its own main officer took it: {shift}");
    assert!(items("kind=shift&open=true&limit=500").len() > 1 || shift["fields"]["month"].is_string(), "a whole month");
    let incident = until("a plan is active", within - began.elapsed(), || items("kind=incident&state=active").pop());
    let activated = began.elapsed();
    let id = text(&incident["id"]);
    assert_eq!((&incident["created_by"]["account"], &incident["fields"]["level"]), (&json!("sim-duty"), &json!("III")));
    let (_, whole) = api.get(&format!("/api/v1/work/{id}"));
    let steps: Vec<(String, String)> =
        whole["log"].as_array().unwrap().iter().map(|e| (text(&e["action"]), text(&e["by"]["account"]))).collect();
    for step in [("create", "sim-duty"), ("verify", "sim-duty"), ("activate", "sim-leader")] {
        assert!(steps.contains(&(step.0.into(), step.1.into())), "{step:?} in {steps:?}");
    }
    // What makes the room alive: orders that are answered, a checklist that is ticked, a commander, a line of its own.
    until("the room is alive", within - began.elapsed(), || {
        let answered = items(&format!("kind=order&parent={id}&state=in_progress")).len();
        let fields = &api.get(&format!("/api/v1/work/{id}")).1["fields"];
        let ticked = fields["checklist"].as_array()?.iter().filter(|line| line["done"] == true).count();
        let said = fields["pins"].as_array().map_or(0, Vec::len);
        (answered > 0 && ticked > 0 && said > 0 && fields["roles"]["commander"].is_string()).then_some(())
    });
    let alarm = text(&whole["links"].as_array().unwrap().iter().find(|l| l["rel"] == "alarm").unwrap()["to"]);
    assert!(
        api.get(&format!("/api/v1/timeline?item={id}")).1.to_string().contains(&alarm),
        "its timeline has the alarm"
    );
    println!("a plan active after {activated:?}, the room alive after {:?}", began.elapsed());
    assert_eq!(hall.stop(), Some(0));
}
