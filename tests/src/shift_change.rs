//! The watch changes on the real program: the roster of the running month, and one open list for page and hand-over.

use hall_tests::child::Hall;
use hall_tests::database::Database;
use hall_tests::on_both;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

use crate::people::{flame, log_in, problem};
use crate::work::{act, done, make, team};

on_both!(s1_a_hall_can_begin_on_any_day_of_a_month, s4_the_open_list_is_the_list_of_a_hand_over_begun_now);

/// The month it is now in the demo's zone, like `2026-11`, and the one before.
fn months(hall: &Hall) -> (String, String) {
    let note = make(&hall.api(), &json!({"kind": "note", "fields": {"type": "other", "text": "时钟"}}));
    let at = hall.api().get(&format!("/api/v1/work/{note}")).1["created_at"].as_i64().unwrap() / 1_000_000;
    let days = (at + 8 * 3_600).div_euclid(86_400);
    // Civil date from days since the epoch, as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468;
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + shifted.div_euclid(146_097) * 400 + i64::from(month <= 2);
    let before = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
    (format!("{year:04}-{month:02}"), format!("{:04}-{:02}", before.0, before.1))
}

fn s1_a_hall_can_begin_on_any_day_of_a_month(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let lead = log_in(&hall, "lead");
    let (month, before) = months(&hall);
    let over = lead.post("/api/v1/work", &json!({"kind": "shift", "fields": {"month": before}}));
    // On the first morning the last night shift of the month before may still run.
    if over.0 != 200 {
        problem(&over, 422, "FIELD_INVALID");
    }
    let (status, made) = lead.post("/api/v1/work", &json!({"kind": "shift", "fields": {"month": month}}));
    assert_eq!(status, 200, "{made}");
    let (_, shifts) = lead.get("/api/v1/work?kind=shift&open=true&limit=500");
    let now = lead.get("/api/v1/work?kind=note").1["items"][0]["created_at"].as_i64().unwrap();
    let spans = shifts["items"].as_array().unwrap().iter().map(|s| {
        let at = |field: &str| s["fields"][field].as_i64().unwrap();
        (at("starts_at"), at("ends_at"))
    });
    let mut spans: Vec<(i64, i64)> = spans.collect();
    spans.sort_unstable();
    let running = spans.iter().filter(|(from, to)| (*from..*to).contains(&now)).count();
    assert!(running == 1 || over.0 == 200, "somebody is on duty now: {spans:?}");
    assert!(spans.iter().all(|(_, to)| *to > now), "nothing that is over");
    assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap and no overlap");
}

/// The open list as the hand-over keeps it: without marks, a blank for nothing.
fn plain(entry: &Value) -> Value {
    let blank = |v: &Value| if v.is_null() { json!("") } else { v.clone() };
    let names = ["ref", "kind", "title", "state", "owner", "due", "why", "why_en"];
    names.iter().map(|n| ((*n).to_owned(), blank(&entry[*n]))).collect::<serde_json::Map<_, _>>().into()
}

fn s4_the_open_list_is_the_list_of_a_hand_over_begun_now(database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let mut hall = Hall::on(database, &dir.path().join("data"), &["--no-sim"]);
    let (duty, lead) = (log_in(&hall, "duty"), log_in(&hall, "lead"));
    let alarm = flame(&hall, "flame.01");
    let order = json!({"kind": "order", "receivers": [team(&lead, 0)], "fields": {"content": "到场"}});
    let order = make(&lead, &order);
    make(&lead, &json!({"kind": "incident", "fields": {"title": "险情"}}));
    let danger = json!({"title": "法兰渗漏", "source": "hotline"});
    make(&duty, &json!({"kind": "hidden_danger", "fields": danger}));
    let list = |hall: &Hall| -> Vec<Value> {
        let (status, open) = hall.api().get("/api/v1/handover/open");
        assert_eq!(status, 200, "{open}");
        open["items"].as_array().unwrap().iter().map(plain).collect()
    };
    // The device hung up after its reading: its plant is dark, and the list says so too.
    let open = until("the plant is dark", PATIENCE, || Some(list(&hall)).filter(|l| l.len() > 3));
    let kinds: Vec<&str> = open.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["alarm", "order", "incident", "source"],
        "no planned drill, no hidden danger that has days to go"
    );
    assert!(open.iter().all(|e| e["why_en"].as_str().unwrap().is_ascii() && !e["why"].as_str().unwrap().is_ascii()));
    let handover = make(&duty, &json!({"kind": "handover", "fields": {"successor": "lead"}}));
    let (_, item) = duty.get(&format!("/api/v1/work/{handover}"));
    let entries: Vec<Value> = item["fields"]["entries"].as_array().unwrap().iter().map(plain).collect();
    assert_eq!(entries, open);
    let refs: Vec<&Value> = open.iter().map(|e| &e["ref"]).collect();
    done(act(&lead, &handover, "take", json!({"fields": {"refs": refs}})));
    done(act(&duty, &handover, "sign_out", json!({})));
    done(act(&lead, &handover, "sign_in", json!({})));
    done(act(&lead, &handover, "complete", json!({})));
    let dark = list(&hall).into_iter().find(|e| e["kind"] == "source").expect("still dark");
    assert_eq!(dark["owner"], "lead", "a dark source has a keeper like everything else");
    hall.kill();
    hall.start_again();
    let open = list(&hall);
    assert!(open.iter().all(|e| e["owner"] == "lead"), "also the alarm that nobody acknowledged: {open:?}");
    assert!(open.iter().any(|e| e["ref"] == alarm["alarm_id"]) && open.iter().any(|e| e["ref"] == order.as_str()));
    // A reminder by hand is told like any other step.
    let lead = log_in(&hall, "lead");
    done(act(&lead, &order, "remind", json!({"note": "请速签收"})));
    let (_, item) = lead.get(&format!("/api/v1/work/{order}"));
    let last = item["log"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["action"], &last["by"]["account"]), (&json!("remind"), &json!("lead")));
    assert_eq!((&item["fields"]["remind_count"], &item["deadlines"][0]["name"]), (&json!(1), &json!("ack")));
}
