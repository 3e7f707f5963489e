//! Drills: what is played never touches what is real, and ends with the drill.

use response::{ItemId, Kind, Provenance, Sourced, Told, Value};

use crate::desk::{Desk, create, red_alarm, refused};

/// A running drill.
fn running(desk: &mut Desk) -> ItemId {
    let drill = desk.create("chief", Kind::Drill, &[("title", "氨泄漏演练".into())], &[], &[]);
    desk.act("chief", drill, "write_script", &[("script", Value::List(vec!["泄漏".into()]))]);
    desk.act("chief", drill, "begin", &[]);
    drill
}

#[test]
fn steps_of_a_script_at_the_same_second_all_come() {
    let mut desk = Desk::new();
    let step = |at_s: f64| Value::record([("at_s", at_s.into()), ("text", "处置".into())]);
    let drill = desk.create("chief", Kind::Drill, &[("title", "演练".into())], &[], &[]);
    desk.act("chief", drill, "write_script", &[("script", Value::List([5.0, 5.0, 5.0, 9.0].map(step).into()))]);
    desk.act("chief", drill, "begin", &[]);
    desk.wait_until(60.0);
    assert_eq!(desk.book.get(drill).unwrap().number("injects"), Some(4.0));
}

/// One open item of everything that can be played.
pub fn play_everything(desk: &mut Desk, link: &str) -> Vec<ItemId> {
    let targets = Value::List(vec!["town".into()]);
    type Played<'p> = (Kind, Vec<(&'p str, Value)>, &'p [&'p str]);
    let play: [Played<'_>; 5] = [
        (Kind::Order, vec![("content", "演练：堵漏".into())], &["brigade-1"]),
        (Kind::Incident, vec![("title", "演练：氨泄漏".into())], &[]),
        (Kind::HiddenDanger, vec![("title", "演练：渗漏".into()), ("source", "drill".into())], &[]),
        (Kind::Lesson, vec![("text", "演练：改进".into())], &[]),
        (Kind::RollCall, vec![("title", "演练：查岗".into()), ("targets", targets)], &[]),
    ];
    let mut ids = vec![];
    for (kind, fields, receivers) in play {
        let events = desk.command("chief", &create(kind, &fields, &[link], receivers, Provenance::Exercise)).unwrap();
        ids.extend(events.iter().map(|e| e.item.id));
    }
    ids
}

#[test]
fn everything_that_follows_from_an_exercise_is_an_exercise() {
    let mut desk = Desk::new();
    let drill = running(&mut desk);
    let link = format!("drill:{drill}");
    let played = play_everything(&mut desk, &link);
    let incident = *played.iter().find(|id| id.kind == Kind::Incident).unwrap();
    let first = desk.told.len();
    let activation = [
        ("plan", "ammonia".into()),
        ("level", "IV".into()),
        ("matters", "演练".into()),
        ("expected_duration_s", 3_600.0.into()),
        ("measures", "演练".into()),
    ];
    desk.act("chief", incident, "activate", &activation);
    desk.wait_until(4_000.0);
    assert!(desk.told.len() > first + 10, "orders, reminders, substitutes");
    for event in &desk.told[first..] {
        let id = event.item.id;
        assert_eq!((event.provenance(), id.provenance()), (Provenance::Exercise, Provenance::Exercise), "{id}");
        assert!(Told::of(event).real().is_none(), "no real outlet takes {id}");
    }
    desk.act("chief", drill, "end", &[]);
    let open: Vec<_> = desk.book.open().filter(|i| i.provenance == Provenance::Exercise).map(|i| i.id).collect();
    assert_eq!(open, [], "what was played ends with the drill");
}

#[test]
fn real_and_exercise_are_never_linked_but_by_the_drill() {
    let mut desk = Desk::new();
    let real = desk.create("wang", Kind::Incident, &[("title", "真".into())], &[], &[]);
    let drill = running(&mut desk);
    let (by_drill, to_real) = (format!("drill:{drill}"), format!("incident:{real}"));
    let mut play = |links: &[&str]| {
        let content = [("content", "演练".into())];
        desk.command("chief", &create(Kind::Order, &content, links, &["town"], Provenance::Exercise))
    };
    let played = play(&[&by_drill]).unwrap()[0].item.id;
    refused(play(&[]), "field_invalid");
    refused(play(&[&by_drill, &to_real]), "field_invalid");
    refused(play(&[&by_drill, "alarm:A-000001"]), "field_invalid");
    assert!(play(&[&by_drill, "alarm:A-900000001"]).is_ok());
    let content = [("content", "真".into())];
    let to_played = format!("order:{played}");
    refused(desk.try_create("wang", Kind::Order, &content, &[&to_played], &["town"]), "field_invalid");
    refused(desk.try_create("wang", Kind::Order, &content, &["alarm:A-900000001"], &["town"]), "field_invalid");
    let finding = [("text", "值班电话无人接".into())];
    assert!(desk.try_create("wang", Kind::Lesson, &finding, &[&by_drill], &[]).is_ok());
}

#[test]
fn the_watch_itself_is_never_played() {
    let mut desk = Desk::new();
    let link = format!("drill:{}", running(&mut desk));
    let month = [("month", "2026-12".into())];
    let successor = [("successor", "next".into())];
    let title = [("title", "演练中的演练".into())];
    let tries: [(Kind, &[(&str, Value)]); 3] =
        [(Kind::Shift, &month), (Kind::Handover, &successor), (Kind::Drill, &title)];
    for (kind, fields) in tries {
        refused(desk.command("chief", &create(kind, fields, &[&link], &[], Provenance::Exercise)), "field_invalid");
    }
}

#[test]
fn a_played_hidden_danger_is_no_history_of_its_tag() {
    let mut desk = Desk::new();
    let link = format!("drill:{}", running(&mut desk));
    let fields = [("title", "演练".into()), ("source", "drill".into())];
    let command = create(Kind::HiddenDanger, &fields, &[&link, "tag:chem-01/gas.01"], &[], Provenance::Exercise);
    let id = desk.command("chief", &command).unwrap()[0].item.id;
    desk.act("wang", id, "verify", &[]);
    desk.act("wang", id, "grade", &[("grade", "general".into()), ("grade_ground", "一般".into())]);
    desk.act("wang", id, "assign", &[("responsible", "厂长".into())]);
    desk.act("boss", id, "start", &[]);
    desk.act("boss", id, "complete", &[("note", "完成".into())]);
    desk.act("li", id, "pass", &[("note", "合格".into())]);
    desk.act("li", id, "close", &[]);
    assert!(desk.raise(&red_alarm(1, "gas.01")).is_empty());
}
