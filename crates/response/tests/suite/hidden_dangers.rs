//! 隐患排查: H1, H3, H4, H6 and the ladder of an overdue one.

use response::{Kind, Value};

use crate::desk::{Desk, at, red_alarm, refused};

const DAY: f64 = 86_400.0;

fn report(desk: &mut Desk) -> response::ItemId {
    let fields = [("title", "法兰渗漏".into()), ("source", "grid_member".into()), ("enterprise", "chem-01".into())];
    desk.create("grid", Kind::HiddenDanger, &fields, &[], &[])
}

/// Up to the assignment, on a track; due after 20 days.
fn assigned(desk: &mut Desk, grade: &str) -> response::ItemId {
    let id = report(desk);
    desk.act("wang", id, "verify", &[]);
    desk.act("wang", id, "grade", &[("grade", grade.into()), ("grade_ground", "判定标准第 3 条".into())]);
    desk.act("wang", id, "assign", &[("responsible", "厂长".into()), ("due", at(20.0 * DAY).into())]);
    id
}

fn five_musts() -> Vec<(&'static str, Value)> {
    ["duty", "measures", "funds", "time_limit", "contingency", "supervision", "reported_to"]
        .map(|f| (f, "已落实".into()))
        .to_vec()
}

#[test]
fn the_general_track_from_report_to_closed() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "general");
    desk.act("party:chem-01", id, "start", &[]);
    desk.act("party:chem-01", id, "complete", &[("note", "已更换垫片".into())]);
    desk.act("li", id, "pass", &[("note", "现场复查合格".into())]);
    desk.act("li", id, "close", &[]);
    assert_eq!(desk.state(id), "closed");
    let item = desk.last(id);
    assert_eq!((item.text("town"), item.text("industry")), ("东镇", "化工"), "from the enterprise");
}

#[test]
fn h1_from_an_alarm_in_one_action_with_its_evidence() {
    let mut desk = Desk::new();
    desk.sight.alarms = vec![red_alarm(7, "gas.01")];
    let id = desk.create("wang", Kind::HiddenDanger, &[], &["alarm:A-000007"], &[]);
    let item = desk.item(id);
    assert_eq!((item.text("source"), item.text("enterprise"), item.title.as_str()), ("alarm", "chem-01", "氨浓度高"));
    assert_eq!(item.linked("tag").collect::<Vec<_>>(), ["chem-01/gas.01"]);
    let evidence = &item.fields["evidence"].as_list()[0];
    assert_eq!(evidence.part("text"), Some(&"gas.01/hh = 62 ppm".into()));
    // From a camera tile, and from an order.
    let camera = desk.create("wang", Kind::HiddenDanger, &[("title", "占道".into())], &["camera:cam-3"], &[]);
    assert_eq!(desk.item(camera).text("source"), "ai_camera");
    let order = desk.create("wang", Kind::Order, &[("content", "检查法兰".into())], &[], &["town"]);
    let fields = [("source", "joint_enforcement".into())];
    let from_order = desk.create("wang", Kind::HiddenDanger, &fields, &[&format!("order:{order}")], &[]);
    assert_eq!(desk.item(from_order).title, "检查法兰");
    refused(desk.try_create("wang", Kind::HiddenDanger, &[("title", "无来源".into())], &[], &[]), "field_required");
}

#[test]
fn h3_the_major_track_needs_all_five_musts_and_its_supervision() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "major");
    for missing in 0..five_musts().len() {
        let mut fields = five_musts();
        let (name, _) = fields.remove(missing);
        let refusal = refused(desk.try_act("boss", id, "start", &fields), "field_required");
        assert_eq!(refusal.to_string(), format!("{name} is required"));
    }
    let mut blank = five_musts();
    blank[2].1 = "  ".into();
    refused(desk.try_act("boss", id, "start", &blank), "field_required");
    desk.act("boss", id, "start", &five_musts());
    refused(desk.try_act("boss", id, "complete", &[("note", "完成".into())]), "field_required");
    desk.act("boss", id, "complete", &[("note", "完成".into()), ("cost", 120_000.0.into())]);
    let general = assigned(&mut desk, "general");
    desk.act("boss", general, "start", &[]);
    desk.act("boss", general, "complete", &[("note", "完成".into())]);
}

#[test]
fn h4_nobody_closes_what_only_he_looked_at() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "general");
    desk.act("boss", id, "start", &[]);
    desk.act("foreman", id, "complete", &[("note", "完成".into())]);
    let pass = [("note", "合格".into())];
    refused(desk.try_act("foreman", id, "pass", &pass), "second_person");
    refused(desk.try_act("boss", id, "pass", &pass), "second_person");
    refused(desk.try_act("li", id, "close", &[]), "state");
    desk.act("li", id, "pass", &pass);
    refused(desk.try_act("foreman", id, "close", &[]), "second_person");
    desk.act("li", id, "close", &[]);
}

#[test]
fn a_failed_recheck_is_another_round_with_a_new_date() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "general");
    desk.act("boss", id, "start", &[]);
    desk.act("boss", id, "complete", &[("note", "完成".into())]);
    let fail = |due: f64| [("note", "仍有渗漏".into()), ("due", at(due).into())];
    desk.now = at(DAY);
    refused(desk.try_act("li", id, "fail", &fail(0.5 * DAY)), "field_invalid");
    let item = desk.act("li", id, "fail", &fail(30.0 * DAY));
    assert_eq!((&*item.state, item.number("round")), ("rectifying", Some(2.0)));
    assert_eq!(item.deadline("due").unwrap().at, at(30.0 * DAY));
}

#[test]
fn extensions_are_counted_and_approved_by_another_person() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "general");
    let ask = |days: f64| [("extension_until", at(days * DAY).into()), ("note", "备件未到".into())];
    refused(desk.try_act("li", id, "approve_extension", &[]), "field_required");
    for days in [25.0, 30.0] {
        desk.act("boss", id, "request_extension", &ask(days));
        refused(desk.try_act("boss", id, "approve_extension", &[]), "second_person");
        let item = desk.act("li", id, "approve_extension", &[]);
        assert_eq!(item.deadline("due").unwrap().at, at(days * DAY));
    }
    refused(desk.try_act("boss", id, "request_extension", &ask(40.0)), "field_invalid");
}

#[test]
fn an_overdue_one_climbs_from_a_reminder_to_a_case() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "general");
    let told = desk.wait_until(40.0 * DAY);
    assert_eq!(told, ["remind", "remind", "summon", "file_case"].map(|w| format!("{w} {id}")));
    let item = desk.item(id);
    assert_eq!(item.time("summoned_at"), Some(at(24.0 * DAY)));
    assert_eq!(item.time("case_filed_at"), Some(at(31.0 * DAY)));
    assert!(item.overdue());
}

/// A hidden danger on a tag is closed; days later the tag alarms.
#[track_caller]
fn check_recurrence(days: f64, expected: usize) {
    let mut desk = Desk::new();
    desk.sight.alarms = vec![red_alarm(1, "gas.01")];
    let id = desk.create("wang", Kind::HiddenDanger, &[], &["alarm:A-000001"], &[]);
    close(&mut desk, id);
    desk.restart();
    desk.now = at(days * DAY);
    let other = desk.raise(&red_alarm(2, "gas.02"));
    assert!(other.is_empty(), "another tag");
    let events = desk.raise(&red_alarm(3, "gas.01"));
    assert_eq!(events.len(), expected, "after {days} days");
    if let Some(event) = events.first() {
        let item = &event.item;
        assert_eq!(item.linked("recurrence_of").collect::<Vec<_>>(), [id.to_string()]);
        assert_eq!((item.text("recurrence_of"), &*item.state), (id.to_string().as_str(), "reported"));
        assert!(item.title.starts_with("复发") && !item.fields["evidence"].is_blank());
        assert!(desk.raise(&red_alarm(4, "gas.01")).is_empty(), "once: it is open again");
        // Closed once more it is remembered anew.
        close(&mut desk, item.id);
        desk.now = desk.now.plus_s(DAY);
        assert_eq!(desk.raise(&red_alarm(5, "gas.01")).len(), 1);
    }
}

fn close(desk: &mut Desk, id: response::ItemId) {
    desk.act("wang", id, "verify", &[]);
    desk.act("wang", id, "grade", &[("grade", "general".into()), ("grade_ground", "一般".into())]);
    desk.act("wang", id, "assign", &[("responsible", "厂长".into())]);
    desk.act("boss", id, "start", &[]);
    desk.act("boss", id, "complete", &[("note", "完成".into())]);
    desk.act("li", id, "pass", &[("note", "合格".into())]);
    desk.act("li", id, "close", &[]);
}

#[test]
fn h6_a_tag_that_alarms_again_within_ninety_days_reopens() {
    check_recurrence(1.0, 1);
    check_recurrence(90.0, 1);
    check_recurrence(90.1, 0);
}

#[test]
fn h6_unfounded_and_merged_ones_are_no_history() {
    let mut desk = Desk::new();
    desk.sight.alarms = vec![red_alarm(1, "gas.01")];
    let first = desk.create("wang", Kind::HiddenDanger, &[], &["alarm:A-000001"], &[]);
    let second = desk.create("wang", Kind::HiddenDanger, &[], &["alarm:A-000001"], &[]);
    desk.act("wang", second, "merge", &[("merged_into", first.to_string().into())]);
    desk.act("wang", first, "unfounded", &[("note", "误报".into())]);
    assert!(desk.raise(&red_alarm(2, "gas.01")).is_empty());
    let third = report(&mut desk);
    let merge = [("merged_into", third.to_string().into())];
    refused(desk.try_act("wang", third, "merge", &merge), "not_found");
}

#[test]
fn power_is_cut_with_notice_or_in_an_emergency() {
    let mut desk = Desk::new();
    let id = assigned(&mut desk, "major");
    let cut = |effective: f64, emergency: bool| {
        [
            ("measure", "cut_power".into()),
            ("note", "拒不执行停产".into()),
            ("effective_at", at(effective).into()),
            ("emergency", emergency.into()),
        ]
    };
    refused(desk.try_act("wang", id, "stop_work", &cut(DAY - 1.0, false)), "field_invalid");
    desk.act("wang", id, "stop_work", &cut(DAY, false));
    refused(desk.try_act("wang", id, "resume_work", &[("note", "同意".into())]), "second_person");
    desk.act("li", id, "resume_work", &[("note", "审查同意".into())]);
    desk.act("wang", id, "stop_work", &cut(1.0, true));
}
