//! 事故处置: X1 to X4, the grade, the roles, the checklist.

use response::{AlarmNews, ItemId, Kind, Value, stamps};

use crate::desk::{Desk, at, red_alarm, refused};

fn incident(desk: &mut Desk) -> ItemId {
    desk.create("wang", Kind::Incident, &[("title", "液氨泄漏".into()), ("chemical", "氨".into())], &[], &[])
}

fn activation(level: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("plan", "ammonia".into()),
        ("level", level.into()),
        ("matters", "液氨泄漏处置".into()),
        ("expected_duration_s", 7_200.0.into()),
        ("measures", "堵漏、疏散、监测".into()),
    ]
}

fn active(desk: &mut Desk, level: &str) -> ItemId {
    let id = incident(desk);
    desk.act("chief", id, "activate", &activation(level));
    id
}

fn orders(desk: &Desk, id: ItemId) -> Vec<(String, String, String)> {
    let of = desk.book.linked(&id.to_string()).filter(|i| i.id.kind == Kind::Order).map(|o| {
        let task = o.linked("plan_task").next().unwrap_or_default().to_owned();
        (task, o.receiver.clone().unwrap_or_default(), o.state.to_string())
    });
    of.collect()
}

fn list(item: &response::Item, part: &str) -> Vec<String> {
    let part = item.fields["level_change"].part(part).unwrap();
    part.as_list().iter().map(|v| v.as_text().unwrap().to_owned()).collect()
}

#[test]
fn x1_activation_makes_every_task_of_the_level_in_one_command() {
    let mut desk = Desk::new();
    let id = incident(&mut desk);
    let told = desk.told.len();
    desk.act("chief", id, "activate", &activation("II"));
    let actions: Vec<&str> = desk.told[told..].iter().map(|e| &*e.action).collect();
    // The incident, its three orders; the first one issued is the 首令.
    assert_eq!(actions, ["activate", "create", "stamp", "create", "create"]);
    let expected = [
        ("ammonia/seal", "brigade-1", "issued"),
        ("ammonia/evacuate", "town", "issued"),
        ("ammonia/test", "brigade-2", "draft"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string())).collect();
    assert_eq!(orders(&desk, id), expected);
    let seal = desk.book.open_of(Kind::Order).next().unwrap();
    assert_eq!((seal.text("priority"), seal.deadline("ack").unwrap().at), ("II", at(60.0)));
    assert_eq!(desk.item(id).fields["checklist"].as_list().len(), 2);
}

#[test]
fn x1_a_receiver_that_cannot_be_ordered_refuses_the_whole_activation() {
    let mut settings = crate::desk::settings();
    settings.plans[0].levels.get_mut(&2).unwrap()[2].receiver = "elsewhere".into();
    let mut desk = Desk::with(settings);
    let id = incident(&mut desk);
    refused(desk.try_act("chief", id, "activate", &activation("II")), "outside_command_chain");
    assert!(orders(&desk, id).is_empty());
}

#[test]
fn activation_states_what_article_72_asks_for() {
    let mut desk = Desk::new();
    let id = incident(&mut desk);
    for missing in 0..5 {
        let mut fields = activation("II");
        fields.remove(missing);
        refused(desk.try_act("chief", id, "activate", &fields), "field_required");
    }
    let mut unknown = activation("II");
    unknown[0].1 = "volcano".into();
    refused(desk.try_act("chief", id, "activate", &unknown), "not_found");
    refused(desk.try_act("chief", id, "activate", &activation("I")), "not_found");
    refused(desk.try_act("chief", id, "activate", &activation("V")), "field_invalid");
}

#[test]
fn x1_tasks_by_role_go_to_who_holds_it_and_else_to_the_hall() {
    let mut settings = crate::desk::settings();
    for task in settings.plans[0].levels.get_mut(&4).unwrap() {
        task.receiver = "scene_commander".into();
        task.role = "nobody".into();
        task.group = "none".into();
    }
    let mut desk = Desk::with(settings);
    let first = active(&mut desk, "IV");
    assert!(orders(&desk, first).iter().all(|o| o.1 == "hall"), "{:?}", orders(&desk, first));
    let second = incident(&mut desk);
    desk.act("chief", second, "appoint", &[("role", "scene_commander".into()), ("person", "town".into())]);
    desk.act("chief", second, "activate", &activation("IV"));
    assert!(orders(&desk, second).iter().all(|o| o.1 == "town"));
}

/// Somebody without a party of his own cannot be ordered: the task goes the way of an empty role, and nothing is refused.
#[test]
fn x1_a_role_held_by_an_account_goes_to_its_party() {
    let mut settings = crate::desk::settings();
    for task in settings.plans[0].levels.get_mut(&4).unwrap() {
        (task.receiver, task.role, task.group) = ("scene_commander".into(), "nobody".into(), "none".into());
    }
    settings.parties.iter_mut().find(|p| p.id == "town").expect("town").account = Some("zhao".into());
    let mut desk = Desk::with(settings);
    for (who, party) in [("zhao", "town"), ("chief", "hall"), ("李工", "hall")] {
        let id = incident(&mut desk);
        desk.act("chief", id, "appoint", &[("role", "scene_commander".into()), ("person", who.into())]);
        desk.act("chief", id, "activate", &activation("IV"));
        assert!(orders(&desk, id).iter().all(|o| o.1 == party), "{who}: {:?}", orders(&desk, id));
    }
}

#[test]
fn a_task_that_comes_after_another_is_issued_when_that_is_done() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "II");
    let ids: Vec<ItemId> = desk.book.open_of(Kind::Order).map(|o| o.id).collect();
    desk.acts("brigade", ids[0], "acknowledge start");
    assert_eq!(desk.state(ids[2]), "draft");
    desk.acts("brigade", ids[0], "complete");
    assert_eq!(desk.state(ids[2]), "issued");
    assert_eq!(desk.item(id).fields["tasks_done"].as_list(), ["ammonia/seal".into()]);
}

#[test]
fn x2_another_level_changes_only_the_difference_and_says_which() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "IV");
    let before = orders(&desk, id);
    assert_eq!(before.iter().map(|o| o.0.as_str()).collect::<Vec<_>>(), ["ammonia/seal", "ammonia/watch"]);
    let item = desk.act("chief", id, "change_level", &[("level", "II".into()), ("note", "扩大".into())]);
    let parts = ["added", "kept", "revoked"].map(|p| list(&item, p));
    assert_eq!(parts, [vec!["evacuate", "test"], vec!["seal"], vec!["watch"]]);
    let after: Vec<String> = orders(&desk, id).iter().map(|o| format!("{} {}", o.0, o.2)).collect();
    assert_eq!(after, ["ammonia/seal issued", "ammonia/evacuate issued", "ammonia/test draft"]);
    let item = desk.act("chief", id, "change_level", &[("level", "IV".into()), ("note", "缩小".into())]);
    assert_eq!([list(&item, "added"), list(&item, "revoked")], [vec!["watch"], vec!["evacuate", "test"]]);
    let again = [("level", "IV".into()), ("note", "重复".into())];
    refused(desk.try_act("chief", id, "change_level", &again), "field_invalid");
}

#[test]
fn the_grade_follows_every_change_of_the_numbers() {
    let mut desk = Desk::new();
    let id = incident(&mut desk);
    let mut check = |fields: &[(&str, Value)], grade: &str, level: &str| {
        let item = desk.act("wang", id, "update", fields);
        assert_eq!((item.text("grade"), item.text("suggested_level")), (grade, level), "{fields:?}");
    };
    check(&[("dead", 2.0.into())], "ordinary", "IV");
    check(&[("missing", 1.0.into())], "ordinary", "III");
    check(&[("dead", 3.0.into()), ("missing", 0.0.into())], "larger", "III");
    check(&[("severely_injured", 50.0.into())], "major", "II");
    check(&[("loss", 1e8.into())], "particularly_major", "I");
    check(&[("loss", 9.9e7.into()), ("severely_injured", 49.0.into()), ("sensitive", true.into())], "major", "I");
}

#[test]
fn x3_the_nine_stamps_come_from_events_and_by_hand_where_none_gives_them() {
    let mut desk = Desk::new();
    let alarm = red_alarm(1, "gas.01");
    desk.raise(&alarm);
    desk.sight.alarms = vec![alarm.clone()];
    desk.now = at(20.0);
    let id = desk.create("wang", Kind::Incident, &[], &["alarm:A-000001"], &[]);
    desk.now = at(30.0);
    let seen = response::AlarmRef { owner: Some("wang".into()), acknowledged_at: Some(at(30.0)), ..alarm };
    desk.alarm(&seen, AlarmNews::Handled { acknowledged: false });
    desk.now = at(45.0);
    desk.alarm(&seen, AlarmNews::Handled { acknowledged: true });
    desk.now = at(60.0);
    let order = desk.create("wang", Kind::Order, &[("content", "到场".into())], &["alarm:A-000001"], &["brigade-1"]);
    desk.now = at(400.0);
    desk.acts("wang", order, "acknowledge arrive");
    desk.act("chief", id, "activate", &activation("IV"));
    desk.now = at(4_000.0);
    desk.act("chief", id, "control", &[("note", "阀门已关闭".into())]);
    let hand = |stamp: &str, s: f64| [("stamp", stamp.into()), ("stamp_at", at(s).into())];
    desk.act("wang", id, "stamp", &hand("sign", -60.0));
    desk.act("wang", id, "stamp", &hand("first_report", 900.0));
    desk.act("wang", id, "stamp", &hand("warning", 1_000.0));
    refused(desk.try_act("wang", id, "stamp", &hand("alarm", 10.0)), "field_invalid");
    refused(desk.try_act("wang", id, "stamp", &hand("warning", 10.0)), "field_invalid");
    let item = desk.item(id);
    let times: Vec<f64> =
        stamps::names().map(|n| stamps::get(item, n).unwrap().since_us(at(0.0)) as f64 / 1e6).collect();
    assert_eq!(times, [-60.0, 0.0, 30.0, 45.0, 60.0, 400.0, 900.0, 1_000.0, 4_000.0]);
    let gap = item.fields["gaps"].part("first_arrival").unwrap();
    let parts = ["s", "target_s", "from"].map(|p| gap.part(p).cloned().unwrap());
    assert_eq!(parts, [340.0.into(), 900.0.into(), "first_order".into()]);
}

#[test]
fn x3_an_incident_opened_late_knows_what_happened_before() {
    let mut desk = Desk::new();
    let order = desk.create("wang", Kind::Order, &[("content", "到场".into())], &["alarm:A-000001"], &["brigade-1"]);
    desk.now = at(100.0);
    desk.acts("wang", order, "acknowledge arrive");
    desk.now = at(500.0);
    desk.sight.alarms = vec![red_alarm(1, "gas.01")];
    let id = desk.create("wang", Kind::Incident, &[], &["alarm:A-000001"], &[]);
    let item = desk.item(id);
    assert_eq!(stamps::get(item, "first_order"), Some(at(0.0)));
    assert_eq!(stamps::get(item, "first_arrival"), Some(at(100.0)));
    assert_eq!(stamps::get(item, "confirmed"), None);
}

#[test]
fn x4_a_review_with_an_unassigned_lesson_is_not_archived() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "IV");
    desk.act("chief", id, "terminate", &[("note", "险情消除".into())]);
    assert!(orders(&desk, id).is_empty(), "what nobody took is withdrawn");
    desk.acts("chief", id, "aftermath review");
    desk.act("chief", id, "add_lesson", &[("lesson", "缺少上风向撤离路线".into())]);
    let owned = [("lesson", "报警限值偏高".into()), ("assignee", "li".into())];
    desk.act("chief", id, "add_lesson", &owned);
    let conclusion = [("conclusion", "处置得当".into())];
    let refusal = refused(desk.try_act("chief", id, "archive", &conclusion), "items_open");
    assert_eq!(refusal.to_string(), "still open: L-000001");
    let lesson = "L-000001".parse().unwrap();
    desk.act("chief", lesson, "assign", &[("assignee", "zhao".into())]);
    refused(desk.try_act("chief", id, "archive", &[]), "field_required");
    desk.act("chief", id, "archive", &conclusion);
    assert_eq!(desk.state(id), "archived");
    assert_eq!(desk.item(lesson).owner.as_deref(), Some("zhao"), "the lessons live on");
}

#[test]
fn orders_under_way_keep_a_review_open() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "IV");
    let order = desk.book.open_of(Kind::Order).next().unwrap().id;
    desk.act("brigade", order, "acknowledge", &[]);
    desk.act("chief", id, "terminate", &[("note", "险情消除".into())]);
    desk.act("chief", id, "review", &[]);
    let conclusion = [("conclusion", "处置得当".into())];
    refused(desk.try_act("chief", id, "archive", &conclusion), "items_open");
    desk.acts("brigade", order, "complete close");
    desk.act("chief", id, "archive", &conclusion);
}

#[test]
fn the_checklist_and_the_timeline_are_written_once() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "II");
    desk.now = at(90.0);
    let item = desk.act("li", id, "tick", &[("check_no", 1.0.into())]);
    let line = &item.fields["checklist"].as_list()[1];
    assert_eq!([line.part("done"), line.part("by")], [Some(&true.into()), Some(&"li".into())]);
    refused(desk.try_act("li", id, "tick", &[("check_no", 1.0.into())]), "field_invalid");
    refused(desk.try_act("li", id, "tick", &[("check_no", 2.0.into())]), "not_found");
    refused(desk.try_act("li", id, "tick", &[("check_no", 0.5.into())]), "not_found");
    let item = desk.act("li", id, "pin", &[("note", "风向转东南".into()), ("pin_at", at(60.0).into())]);
    assert_eq!(item.fields["pins"].as_list()[0].part("at"), Some(&at(60.0).into()));
    refused(desk.try_act("li", id, "pin", &[("note", "将来".into()), ("pin_at", at(99.0).into())]), "field_invalid");
}

#[test]
fn a_response_past_its_expected_end_asks_for_a_decision() {
    let mut desk = Desk::new();
    let id = active(&mut desk, "IV");
    let orders: Vec<ItemId> = desk.book.open_of(Kind::Order).map(|o| o.id).collect();
    for order in orders {
        desk.acts("brigade", order, "acknowledge complete close");
    }
    assert_eq!(desk.wait_until(7_200.0), [format!("remind {id}")]);
    let item = desk.act("chief", id, "extend", &[("expected_duration_s", 3_600.0.into()), ("note", "余氨未清".into())]);
    assert_eq!(item.deadline("duration").unwrap().at, at(10_800.0));
}
