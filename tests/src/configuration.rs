//! Files with mistakes: every one is named with file, line and remedy, and the hall does not start or keeps its rules.

use std::time::{Duration, Instant};

use hall_tests::http::Api;
use hall_tests::mqtt::Publisher;
use hall_tests::served::{Folder, RULE, SETTINGS, SITE, Served};
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{alarm_of, problem};

/// One wrong file and what must be said about it, in this order on one line.
struct Row {
    number: u8,
    file: &'static str,
    text: String,
    says: &'static [&'static str],
}

fn rule(when: &str) -> String {
    RULE.replace(r#""gas" > 10 ppm and "flow" > 1 ppm"#, when)
}

fn rows() -> Vec<Row> {
    let of = |number, file, text, says| Row { number, file, text, says };
    let circle = format!("{}{}", rule("\"second\""), rule("\"ratio\"").replace("id = \"ratio\"", "id = \"second\""));
    let costly = rule(&vec!["\"gas\" > 1 ppm"; 300].join(" and "));
    let (rules, site, hall) = ("rules/rules.toml", "sites/plant.toml", "fenghuo.toml");
    vec![
        of(
            27,
            rules,
            rule("\"gass\" > 10 ppm"),
            &["rules/rules.toml:6: RULE_TAG_UNKNOWN column 1", "gass", "did you mean \"gas\"", "第 1 列"],
        ),
        of(28, rules, circle, &["RULE_CYCLE", "→"]),
        of(28, rules, rule("\"gas\" / 0 > 1 ppm"), &["rules/rules.toml:6: RULE_RANGE", "division by zero"]),
        of(29, site, SITE.replace("h = 25", "h = 60"), &["sites/plant.toml:", "RULE_RANGE", "60", "50"]),
        of(30, rules, costly, &["RULE_TOO_COSTLY column", "more than 512 operands", "过多"]),
        of(39, hall, format!("{SETTINGS}\n[[brocker]]\n"), &["fenghuo.toml:18: KEY_UNKNOWN", "brocker", "broker"]),
        of(
            39,
            hall,
            format!("snapshot_every_s = \"5 min\"\n{SETTINGS}"),
            &["fenghuo.toml:1: VALUE_TYPE", "snapshot_every_s"],
        ),
        of(39, hall, format!("snapshot_every_s = -1\n{SETTINGS}"), &["fenghuo.toml:1: VALUE_RANGE", "-1"]),
        of(39, hall, SETTINGS.replace("127.0.0.1:0", "here"), &["fenghuo.toml:3: VALUE_RANGE", "\"here\""]),
        of(39, hall, format!("{SETTINGS}\nbroken ="), &["fenghuo.toml:", "SYNTAX"]),
    ]
}

#[test]
fn bad_input_27_to_30_and_39_stop_check_and_serve_alike() {
    for Row { number, file, text, says } in rows() {
        let folder = Folder::new();
        folder.write(file, &text);
        let (checked, served) = (folder.refused("check", 78), folder.refused("serve", 78));
        for told in [&checked, &served] {
            let fits = |line: &&str| says.iter().all(|part| line.contains(part));
            let line = told.lines().find(fits);
            assert!(line.is_some(), "row {number}: wanted {says:?} in:\n{told}");
            assert!(!line.unwrap().is_ascii(), "row {number}: in Chinese too: {told}");
        }
    }
}

#[test]
fn bad_input_39_all_problems_of_all_files_are_told_at_once() {
    let folder = Folder::new();
    folder.write("fenghuo.toml", &format!("snapshot_every_s = \"x\"\ncolour = 1\n{SETTINGS}"));
    folder.write(
        "sites/plant.toml",
        &SITE.replace("h = 25", "h = 60").replace("unit = \"ppm\"\nspan", "unitt = \"ppm\"\nspan"),
    );
    folder.write("rules/rules.toml", &RULE.replace("message_zh", "mesage_zh"));
    let told = folder.refused("check", 78);
    for part in ["snapshot_every_s", "colour", "limits.h is 60", "unitt", "mesage_zh"] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
}

#[test]
fn bad_input_39_key_files_that_cannot_be_read() {
    let folder = Folder::new();
    let tls = "[mqtt.tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"/nowhere/a.pem\"\nkey = \"/nowhere/b.pem\"\n";
    folder.write("fenghuo.toml", &format!("{SETTINGS}{tls}"));
    let told = folder.refused("check", 78);
    assert!(
        told.contains("/nowhere/a.pem: FILE_UNREADABLE") && told.contains("/nowhere/b.pem: FILE_UNREADABLE"),
        "{told}"
    );
    assert!(folder.refused("serve", 78).contains("/nowhere/a.pem: FILE_UNREADABLE"));
}

#[test]
fn a_configuration_without_mistakes_is_counted() {
    let out = Folder::new().run(&["check"]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && text.contains("no problems. 1 enterprises, 2 tags,"), "{text}");
}

/// The administrator, and a device that may publish for the plant.
fn open(folder: &Folder) -> (Served, Api, Publisher) {
    let out = hall_tests::child::run(&["device", "gw-plant"]);
    let printed = String::from_utf8(out.stdout).unwrap();
    let password = printed.lines().next().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    let device = printed.replace("enterprises = []", "enterprises = [\"plant\"]");
    folder.write("fenghuo.toml", &format!("{SETTINGS}\n{device}"));
    let served = Served::start(folder);
    let admin = Api::by_link(&served.link());
    let gateway = Publisher::connect(&served.mqtt, "gw-plant", &("gw-plant".into(), password)).unwrap();
    (served, admin, gateway)
}

fn reload(admin: &Api) -> (u16, Value) {
    admin.post("/api/v1/rules/reload", &json!({}))
}

#[test]
fn new_rules_come_into_force_whole_or_not_at_all() {
    let folder = Folder::new();
    let (served, admin, mut gateway) = open(&folder);
    gateway.publish("fh/v1/plant/gas", r#"{"v":30}"#);
    let alarm = alarm_of(&admin, "gas", |a| a["level"] == "h");
    // Broken: the old rules stay in force, and the answer names file, line and key.
    folder.write("sites/plant.toml", &SITE.replace("h = 25", "h = 60"));
    let refused = reload(&admin);
    problem(&refused, 422, "RULES_INVALID");
    let place = refused.1["field"].as_str().unwrap();
    assert!(
        place.contains("sites/plant.toml:") && refused.1["message_en"].as_str().unwrap().contains("limits.h is 60"),
        "{place}"
    );
    assert_eq!(alarm_of(&admin, "gas", |_| true)["seq"], alarm["seq"], "nothing changed");
    assert_eq!(admin.get("/api/v1/tags").1["tags"][0]["limits"]["h"], 25.0);
    // A limit moves below the value: the alarm keeps its id and says why it changed.
    folder.write("sites/plant.toml", &SITE.replace("h = 25", "h = 28"));
    let (status, done) = reload(&admin);
    assert_eq!(status, 200, "{done}");
    let edited = alarm_of(&admin, "gas", |a| a["limit"] == 28.0);
    assert_eq!((&edited["alarm_id"], &edited["active"]), (&alarm["alarm_id"], &true.into()));
    // It moves above: the alarm ends because of the rule, not because the danger went.
    folder.write("sites/plant.toml", &SITE.replace("h = 25", "h = 40"));
    assert_eq!(reload(&admin).0, 200);
    alarm_of(&admin, "gas", |a| a["alarm_id"] == alarm["alarm_id"] && a["active"] == false);
    let (_, life) = admin.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
    let last = life["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["cause"], "rule_edited", "{last}");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn an_alarm_of_a_removed_tag_is_retired_and_still_needs_somebody() {
    let folder = Folder::new();
    let (served, admin, mut gateway) = open(&folder);
    gateway.publish("fh/v1/plant/gas", r#"{"v":60}"#);
    let alarm = alarm_of(&admin, "gas", |a| a["level"] == "hh");
    folder.write("sites/plant.toml", &SITE.replace("tag = \"gas\"", "tag = \"gas-2\""));
    folder.write("rules/rules.toml", "");
    assert_eq!(reload(&admin).0, 200);
    let retired = alarm_of(&admin, "gas", |a| a["alarm_id"] == alarm["alarm_id"] && a["retired"] == true);
    assert_eq!((&retired["active"], &retired["acknowledged"]), (&false.into(), &false.into()), "{retired}");
    for key in ["level", "priority", "message_zh", "message_en", "unit", "limit", "enterprise"] {
        assert_eq!(retired[key], alarm[key], "it still says what it was: {key}");
    }
    gateway.publish("fh/v1/plant/gas-2", r#"{"v":60}"#);
    alarm_of(&admin, "gas-2", |a| a["level"] == "hh");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn bad_input_28_a_division_by_zero_at_run_time_decides_nothing() {
    let folder = Folder::new();
    folder.write("rules/rules.toml", &rule("\"gas\" / \"flow\" > 2"));
    let (_served, admin, mut gateway) = open(&folder);
    gateway.publish("fh/v1/plant/flow", r#"{"v":1}"#);
    gateway.publish("fh/v1/plant/gas", r#"{"v":9}"#);
    let ratio = |fits: fn(&Value) -> bool| alarm_of(&admin, "gas", move |a| a["level"] == "rule" && fits(a));
    let raised = ratio(|a| a["active"] == true);
    // Unknown neither ends the alarm nor raises another one; a value that is known again does.
    gateway.publish("fh/v1/plant/flow", r#"{"v":0}"#);
    assert_eq!(ratio(|_| true)["seq"], raised["seq"]);
    gateway.publish("fh/v1/plant/flow", r#"{"v":100}"#);
    assert_eq!(ratio(|a| a["active"] == false)["alarm_id"], raised["alarm_id"]);
}

/// The time without a process is no silence of the plant, whatever changed in the files meanwhile: the restart comes first.
#[test]
fn rules_that_changed_while_the_hall_was_down_do_not_count_the_time_without_it() {
    let folder = Folder::new();
    let site = SITE.replace("limits = { h = 25, hh = 50 }", "limits = { h = 25, hh = 50 }\nperiod_s = 1");
    folder.write("sites/plant.toml", &site);
    let (served, admin, mut gateway) = open(&folder);
    gateway.publish("fh/v1/plant/gas", r#"{"v":9}"#);
    assert_eq!(served.stop(), Some(0));
    let down = Instant::now();
    folder.write("sites/plant.toml", &site.replace("h = 25", "h = 26"));
    until("many periods pass with nobody there", PATIENCE, || (down.elapsed() > Duration::from_secs(6)).then_some(()));
    let served = Served::start(&folder);
    let admin = Api::with(&served.host, ("cookie", admin.header_value()));
    assert_eq!(admin.get("/api/v1/tags").1["tags"][0]["limits"]["h"], 26.0, "the new rules are in force");
    let stale: Vec<Value> = admin.alarms().into_iter().filter(|a| a["level"] == "stale").collect();
    assert!(stale.is_empty(), "{stale:?}");
    assert_eq!(served.stop(), Some(0));
}
